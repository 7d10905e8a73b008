// SPDX-License-Identifier: BSD-3-Clause
#include "moho/core/error.hpp"
#include "moho/core/host_copy.hpp"
#include "moho/core/stopwatch.hpp"
#include "moho/fem/derivative.hpp"
#include "moho/study/compliance.hpp"
#include <cmath>
#include <fmt/format.h>
#include <utility>

namespace moho::study {
namespace {

constexpr std::int32_t held = 1, pulled = 2; // boundary tags of x = 0 and x = width

fem::Structured shape_of(Cantilever const& plate) {
  fem::Structured shape;
  shape.cell = fem::Cell::quadrilateral;
  shape.n = {plate.nx, plate.ny};
  shape.size = {plate.width, plate.height};
  return shape;
}

std::shared_ptr<FemSpace const> space_of(parallel::Comm const& comm, Cantilever const& plate) {
  const fem::Structured shape = shape_of(plate);
  const NodeBlock block = node_block(comm, fem::structured_nodes(shape, 1));
  return std::make_shared<FemSpace>(comm, fem::structured_part(shape, 1, block.first, block.last),
                                    2);
}

std::vector<std::int64_t> counted_ids(FemSpace const& space) {
  const std::vector<std::uint8_t> counted = fem::counted_cells(space.topology());
  std::vector<std::int64_t> ids;
  for (std::size_t e = 0; e < space.part().mesh.cell_count(); ++e)
    if (counted[e] != 0) ids.push_back(space.part().mesh.cell_id[e]);
  return ids;
}

Cantilever const& checked(Cantilever const& plate) {
  double const cells = plate.load_height / plate.height * plate.ny;
  if (std::abs(cells - std::round(cells)) > 1e-9 || cells < 0.5)
    throw Error(fmt::format("problem.ny = {}: the load ends inside of a cell's side (it covers {} "
                            "of the height) choose ny so that {} ny is a whole number",
                            plate.ny, plate.load_height / plate.height,
                            plate.load_height / plate.height));
  return plate;
}

} // namespace

std::vector<double> cell_centres(Cantilever const& plate) {
  std::vector<double> centres;
  for (int j = 0; j < plate.ny; ++j)
    for (int i = 0; i < plate.nx; ++i) {
      centres.push_back((i + 0.5) * plate.width / plate.nx);
      centres.push_back((j + 0.5) * plate.height / plate.ny);
    }
  return centres;
}

ComplianceModel::ComplianceModel(parallel::Comm const& comm, Cantilever const& plate,
                                 SystemOptions options)
    : _plate(checked(plate)), _space(space_of(comm, plate)),
      _nodes(comm, owned_ids(*_space), _space->part().space.global_nodes),
      _cells(comm, counted_ids(*_space), static_cast<std::int64_t>(plate.cells())),
      _counted(fem::counted_cells(_space->topology())), _load(_space->owned_vector()),
      _u(_space->owned_vector()) {
  options.petsc = direct_cholesky(*_space, std::move(options.petsc));
  _system =
      std::make_unique<FemSystem>(_space, _space->marks(std::vector<std::int32_t>{held}), options);
  double const height = plate.load_height, traction = plate.traction;
  fem::facet_load(
      _space->part(), _space->topology(), std::vector<std::int32_t>{pulled}, 2,
      [=](double const* x, double* t) {
        t[0] = 0;
        t[1] = x[1] < height ? traction : 0;
      },
      _load);
  _system->zero_fixed(_load);
  _load_by_id = _nodes(to_host(_load), 2);
  _moduli = fem::Reals("moho::study::ComplianceModel.moduli", 2 * _space->part().mesh.cell_count());
  _slopes = fem::Reals("moho::study::ComplianceModel.slopes", _moduli.extent(0));
  _form.kind = fem::FormKind::elasticity;
  _form.components = 2;
  _form.coefficient = {fem::Where::cell, 2, _moduli};
  _system->require(_form);
}

double ComplianceModel::compliance(std::span<double const> density) {
  MOHO_REQUIRE(density.size() == _plate.cells());
  Stopwatch watch;
  _density.assign(density.begin(), density.end());
  const fem::Lame unit = fem::lame_plane_stress(1, _plate.poisson);
  auto const& ids = _space->part().mesh.cell_id;
  std::vector<double> moduli(2 * ids.size());
  for (std::size_t e = 0; e < ids.size(); ++e) {
    double const young =
        _plate.young_min + std::pow(density[static_cast<std::size_t>(ids[e])], _plate.penalty) *
                               (_plate.young - _plate.young_min);
    moduli[2 * e] = young * unit.lambda;
    moduli[2 * e + 1] = young * unit.mu;
  }
  copy_to_device(std::span<double const>(moduli), _moduli);
  _system->assemble({&_form, 1});
  _system->eliminate();
  ++_work.maps;
  _assembly += watch.seconds();
  watch.restart();
  _report = _system->solve(_load, _u);
  ++_work.solves;
  _solve += watch.seconds();
  return dot(_load_by_id, displacement());
}

// K(rho) u = F with F fixed: dC/drho_e = F . du/drho_e = -u . (dK/drho_e) u.
std::vector<double> ComplianceModel::gradient() {
  MOHO_REQUIRE(!_density.empty());
  const Stopwatch watch;
  const fem::Reals u = _space->with_ghosts(_u);
  fem::coefficient_gradient(_space->topology(), _form, u, u, _slopes);
  ++_work.maps;
  ++_work.gradients;
  ++_work.gradient_maps;
  const std::vector<double> slopes = to_host(_slopes);
  const fem::Lame unit = fem::lame_plane_stress(1, _plate.poisson);
  auto const& ids = _space->part().mesh.cell_id;
  std::vector<double> mine;
  for (std::size_t e = 0; e < ids.size(); ++e) {
    if (_counted[e] == 0) continue;
    double const density = _density[static_cast<std::size_t>(ids[e])];
    double const young =
        _plate.penalty * std::pow(density, _plate.penalty - 1) * (_plate.young - _plate.young_min);
    mine.push_back(-young * (unit.lambda * slopes[2 * e] + unit.mu * slopes[2 * e + 1]));
  }
  std::vector<double> all = _cells(mine);
  _gradient += watch.seconds();
  return all;
}

std::vector<double> ComplianceModel::displacement() const {
  return _nodes(to_host(_u), 2);
}

std::vector<Phase> ComplianceModel::phases() const {
  return {{"assembly", _assembly}, {"solve", _solve}, {"gradient", _gradient}};
}

} // namespace moho::study
