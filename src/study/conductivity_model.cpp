// SPDX-License-Identifier: BSD-3-Clause
#include "moho/core/error.hpp"
#include "moho/core/host_copy.hpp"
#include "moho/core/stopwatch.hpp"
#include "moho/fem/derivative.hpp"
#include "moho/study/conductivity.hpp"
#include <cmath>
#include <utility>

namespace moho::study {
namespace {

std::shared_ptr<FemSpace const> space_of(parallel::Comm const& comm, ConductivityGrid const& grid) {
  fem::Structured shape;
  shape.cell = fem::Cell::triangle;
  shape.n = {grid.n, grid.n};
  const NodeBlock block = node_block(comm, fem::structured_nodes(shape, 1));
  return std::make_shared<FemSpace>(comm, fem::structured_part(shape, 1, block.first, block.last),
                                    1);
}

std::span<double const> owned_part(FemSpace const& space, std::vector<double> const& values,
                                   std::size_t components) {
  return std::span<double const>(values).first(static_cast<std::size_t>(space.part().space.owned) *
                                               components);
}

} // namespace

ConductivityModel::ConductivityModel(parallel::Comm const& comm, ConductivityGrid const& grid,
                                     SystemOptions options)
    : _grid(grid), _space(space_of(comm, grid)),
      _nodes(comm, owned_ids(*_space), _space->part().space.global_nodes),
      _k(_space->local_vector()), _load(_space->owned_vector()), _u(_space->owned_vector()),
      _lambda(_space->owned_vector()), _right(_space->owned_vector()),
      _slopes(_space->local_vector()),
      _points(_nodes(owned_part(*_space, _space->part().space.points, 2), 2)) {
  options.petsc = direct_cholesky(*_space, std::move(options.petsc));
  _system = std::make_unique<FemSystem>(_space, _space->marks({}), options);
  fem::load(
      _space->topology(), 1, [](double const*, double* f) { *f = 1; }, _load);
  _system->zero_fixed(_load);
  _form.kind = fem::FormKind::diffusion;
  _form.coefficient = {fem::Where::nodal, 1, _k};
  _system->require(_form);
}

void ConductivityModel::spread(std::span<double const> by_id, fem::Reals const& local) const {
  auto const& ids = _space->part().space.id;
  std::vector<double> values(local.extent(0)); // owned ones, or with ghosts
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = by_id[static_cast<std::size_t>(ids[i])];
  copy_to_device(std::span<double const>(values), local);
}

void ConductivityModel::solve_system(fem::Reals const& b, fem::Reals const& x) {
  _report = _system->solve(b, x);
  ++_work.solves;
  if (!_report.converged) throw Unsolved(_report);
}

std::vector<double> ConductivityModel::solve(std::span<double const> k) {
  MOHO_REQUIRE(k.size() == _grid.nodes());
  Stopwatch watch;
  spread(k, _k);
  _system->assemble({&_form, 1});
  _system->eliminate();
  ++_work.maps;
  _assembly += watch.seconds();
  watch.restart();
  solve_system(_load, _u);
  _solve += watch.seconds();
  return _nodes(to_host(_u));
}

// By a Map, not by PETSc's product: its sums would be those of a rank's own columns and of others.
std::vector<double> ConductivityModel::weigh(std::span<double const> field) {
  const fem::Reals local = _space->local_vector(), weighed = _space->owned_vector();
  spread(field, local);
  fem::load_nodal(_space->topology(), local, weighed);
  return _nodes(to_host(weighed));
}

double ConductivityModel::half_square(std::span<double const> field) {
  MOHO_REQUIRE(field.size() == _grid.nodes());
  return 0.5 * dot(field, weigh(field));
}

double ConductivityModel::misfit(std::span<double const> k, std::span<double const> data) {
  MOHO_REQUIRE(data.size() == _grid.nodes());
  std::vector<double> difference = solve(k);
  for (std::size_t i = 0; i < difference.size(); ++i) difference[i] -= data[i];
  _weighed = weigh(difference);
  ++_work.maps;
  return 0.5 * dot(difference, _weighed);
}

std::vector<double> ConductivityModel::gradient() {
  MOHO_REQUIRE(!_weighed.empty());
  const Stopwatch watch;
  spread(_weighed, _right);
  _system->zero_fixed(_right);
  solve_system(_right, _lambda); // symmetric: with the same factors
  ++_work.gradient_solves;
  fem::coefficient_gradient(_space->topology(), _form, _space->with_ghosts(_lambda),
                            _space->with_ghosts(_u), _slopes);
  ++_work.maps;
  ++_work.gradients;
  ++_work.gradient_maps;
  const std::vector<double> slopes = to_host(_slopes);
  std::vector<double> all = _nodes(owned_part(*_space, slopes, 1));
  for (double& slope : all) slope = -slope;
  _gradient += watch.seconds();
  return all;
}

std::vector<Phase> ConductivityModel::phases() const {
  return {{"assembly", _assembly}, {"solve", _solve}, {"gradient", _gradient}};
}

std::vector<double> conductivity_of(std::span<double const> theta) {
  std::vector<double> k(theta.size());
  for (std::size_t i = 0; i < k.size(); ++i) k[i] = 1 + std::tanh(theta[i]);
  return k;
}

std::vector<double> slopes_by_theta(std::span<double const> theta, std::vector<double> slopes) {
  for (std::size_t i = 0; i < slopes.size(); ++i) {
    double const t = std::tanh(theta[i]);
    slopes[i] *= 1 - t * t;
  }
  return slopes;
}

} // namespace moho::study
