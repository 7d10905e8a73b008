// SPDX-License-Identifier: BSD-3-Clause
#include "moho/core/error.hpp"
#include "moho/study/darcy.hpp"
#include "moho/study/replicated.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace moho::study {
namespace {

/// The square that holds the middle of each cell.
std::vector<std::int32_t> squares_of(fem::Mesh const& mesh, int squares) {
  auto const k = static_cast<std::size_t>(mesh.geometry.nodes());
  std::vector<std::int32_t> square;
  for (std::size_t c = 0; c < mesh.cell_count(); ++c) {
    std::array<double, 2> middle{};
    for (std::size_t a = 0; a < k; ++a)
      for (std::size_t d = 0; d < 2; ++d)
        middle[d] += mesh.points[2 * static_cast<std::size_t>(mesh.cells[c * k + a]) + d] /
                     static_cast<double>(k);
    square.push_back(static_cast<std::int32_t>(middle[1] * squares) * squares +
                     static_cast<std::int32_t>(middle[0] * squares));
  }
  return square;
}

fem::Form diffusion(fem::ConstReals k) {
  fem::Form form;
  form.coefficient = {fem::Where::cell, 1, k};
  return form;
}

} // namespace

std::vector<double> square_centres(int squares) {
  std::vector<double> centres;
  for (int j = 0; j < squares; ++j)
    for (int i = 0; i < squares; ++i) {
      centres.push_back((i + 0.5) / squares);
      centres.push_back((j + 0.5) / squares);
    }
  return centres;
}

void check_resolution(Discretization const& how, int squares) {
  if (!how.mesh.empty() || how.perturbation != 0)
    throw Error("method.mesh and method.perturbation are not for coefficients in squares (cells "
                "would straddle them) leave them at their defaults");
  if (how.n % squares != 0)
    throw Error("method.n = " + std::to_string(how.n) + " does not resolve " +
                std::to_string(squares) +
                " squares (cells would straddle them) make it a "
                "multiple of " +
                std::to_string(squares));
  check_discretization({DomainKind::square}, how);
}

namespace {

fem::Part part_of(parallel::Comm const& comm, int squares, Discretization const& how) {
  check_resolution(how, squares);
  return make_part(comm, {DomainKind::square}, how);
}

} // namespace

DarcyModel::DarcyModel(parallel::Comm const& comm, int squares, Discretization const& how,
                       SystemOptions const& options)
    : _squares(squares), _space(std::make_shared<FemSpace>(comm, part_of(comm, squares, how), 1)),
      _square(squares_of(_space->part().mesh, squares)), _centres(square_centres(squares)),
      _load(_space->owned_vector()) {
  SystemOptions direct = options;
  direct.petsc = direct_cholesky(*_space, options.petsc);
  _system = std::make_unique<FemSystem>(_space, _space->marks({}), direct);
  _system->require(fem::Form{});
  fem::load(
      _space->topology(), _space->degree(), [](double const*, double* f) { *f = 1; }, _load);
  _space->evaluate(_space->local_vector(), {}); // makes the search tree
}

fem::Reals DarcyModel::by_cell(std::span<double const> k) const {
  auto const width = static_cast<std::size_t>(_squares * _squares);
  const std::size_t items = k.size() / width;
  MOHO_REQUIRE(k.size() == items * width);
  const fem::Reals cells("moho::study::DarcyModel::by_cell", _square.size() * items);
  auto const host = Kokkos::create_mirror_view(Kokkos::HostSpace{}, cells);
  for (std::size_t c = 0; c < _square.size(); ++c)
    for (std::size_t i = 0; i < items; ++i)
      host(c * items + i) = k[i * width + static_cast<std::size_t>(_square[c])];
  Kokkos::deep_copy(cells, host);
  return cells;
}

fem::Reals DarcyModel::assemble_batch(fem::ConstReals cells, int items) const {
  const fem::Reals values(
      Kokkos::view_alloc("moho::study::DarcyModel::batch", Kokkos::WithoutInitializing),
      _system->values().extent(0) * static_cast<std::size_t>(items));
  fem::assemble_batch(_space->topology(), fem::Form{}, items, cells, values);
  return values;
}

void DarcyModel::assemble(fem::ConstReals cells, int items, int item) {
  const fem::Reals own(
      Kokkos::view_alloc("moho::study::DarcyModel::item", Kokkos::WithoutInitializing),
      _square.size());
  auto const width = static_cast<std::size_t>(items), at = static_cast<std::size_t>(item);
  Kokkos::parallel_for(
      "moho::study::DarcyModel::assemble", Kokkos::RangePolicy<ExecutionSpace>(0, own.extent(0)),
      KOKKOS_LAMBDA(std::size_t c) { own(c) = cells(c * width + at); });
  _system->assemble(std::array{diffusion(own)});
}

void DarcyModel::take(fem::ConstReals batch, int items, int item) {
  const fem::Reals to = _system->values();
  auto const width = static_cast<std::size_t>(items), at = static_cast<std::size_t>(item);
  Kokkos::parallel_for(
      "moho::study::DarcyModel::take", Kokkos::RangePolicy<ExecutionSpace>(0, to.extent(0)),
      KOKKOS_LAMBDA(std::size_t e) { to(e) = batch(e * width + at); });
}

parallel::SolveReport DarcyModel::solve(fem::Reals& u) {
  const fem::Reals b = _space->owned_vector(), x = _space->owned_vector();
  Kokkos::deep_copy(b, _load);
  _system->zero_fixed(b);
  _system->eliminate();
  const parallel::SolveReport report = _system->solve(b, x);
  u = _space->with_ghosts(x);
  return report;
}

std::vector<double> DarcyModel::at_centres(fem::ConstReals u) const {
  return _space->evaluate(u, _centres);
}

double DarcyModel::imbalance(fem::ConstReals u) {
  _system->changed();
  const fem::Reals gain = _space->owned_vector(), one = _space->owned_vector();
  _system->multiply(_space->without_ghosts(u), gain);
  auto const load = _load;
  Kokkos::parallel_for(
      "moho::study::DarcyModel::imbalance", Kokkos::RangePolicy<ExecutionSpace>(0, load.extent(0)),
      KOKKOS_LAMBDA(std::size_t i) { gain(i) = std::abs(gain(i) - load(i)); });
  _system->zero_fixed(gain); // there it is the flux out of the domain
  Kokkos::deep_copy(one, 1);
  return _space->dot(one, gain) / _space->dot(one, _load);
}

} // namespace moho::study
