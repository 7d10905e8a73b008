// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/replicated.hpp"
#include "moho/core/error.hpp"
#include <string>

namespace moho::study {
namespace {

std::vector<double> on_all(parallel::Comm const& comm, std::span<double const> values) {
  if (comm.size() == 1) return {values.begin(), values.end()};
  return comm.broadcast(comm.gather(values));
}

} // namespace

GatherById::GatherById(parallel::Comm const& comm, std::vector<std::int64_t> const& mine,
                       std::int64_t total)
    : _comm(comm), _order(comm.size() == 1 ? mine : comm.broadcast(comm.gather(mine))) {
  std::vector<std::uint8_t> seen(static_cast<std::size_t>(total), 0);
  for (std::int64_t const id : _order)
    if (id < 0 || id >= total || seen[static_cast<std::size_t>(id)]++ != 0)
      throw Error("item " + std::to_string(id) + " of " + std::to_string(total) +
                  " cannot be gathered (it is out of range or two ranks have it) check the "
                  "partition");
  if (_order.size() != seen.size())
    throw Error("only " + std::to_string(_order.size()) + " of " + std::to_string(total) +
                " items can be gathered (no rank has the others) check the partition");
}

std::vector<double> GatherById::operator()(std::span<double const> values,
                                           std::size_t components) const {
  const std::vector<double> all = on_all(_comm, values);
  MOHO_REQUIRE(all.size() == _order.size() * components);
  std::vector<double> by_id(all.size());
  for (std::size_t i = 0; i < _order.size(); ++i)
    for (std::size_t c = 0; c < components; ++c)
      by_id[static_cast<std::size_t>(_order[i]) * components + c] = all[i * components + c];
  return by_id;
}

std::vector<std::int64_t> owned_ids(FemSpace const& space) {
  auto const& nodes = space.part().space;
  return {nodes.id.begin(), nodes.id.begin() + nodes.owned};
}

parallel::PetscOptions direct_cholesky(FemSpace const& space, parallel::PetscOptions given) {
  if (given.count("ksp_type") != 0 || given.count("pc_type") != 0) return given;
  bool const replicated = space.unknowns() <= most_replicated;
  const std::string prefix = replicated && space.comm().size() > 1 ? "redundant_" : "";
  given["ksp_type"] = "preonly";
  if (!prefix.empty()) given["pc_type"] = "redundant";
  given.try_emplace(prefix + "pc_type", "cholesky");
  // A small factor: PETSc's own has the least to do besides. It orders rows as they come unless
  // told to; nested dissection fills less.
  std::string const& solver =
      given.try_emplace(prefix + "pc_factor_mat_solver_type", replicated ? "petsc" : "mumps")
          .first->second;
  if (solver == "petsc") given.try_emplace(prefix + "pc_factor_mat_ordering_type", "nd");
  return given;
}

double dot(std::span<double const> a, std::span<double const> b) {
  MOHO_REQUIRE(a.size() == b.size());
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

} // namespace moho::study
