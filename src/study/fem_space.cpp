// SPDX-License-Identifier: BSD-3-Clause
#include "fem_locator.hpp"
#include "moho/core/error.hpp"
#include "moho/core/host_copy.hpp"
#include "moho/parallel/xdmf.hpp"
#include "moho/study/fem_system.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

namespace moho::study {
namespace {

std::span<double const> span_of(std::vector<double> const& values) {
  return {values.data(), values.size()};
}

std::span<const std::int64_t> ghosts_of(fem::Space const& space) {
  return std::span<const std::int64_t>(space.row).subspan(static_cast<std::size_t>(space.owned));
}

/// By point: how far outside of the nearest cell, and the values there.
struct Located {
  std::vector<double> off, values;
};

/// Asks all ranks; of several the one whose cell is nearest, of those the lowest id: every rank
/// that holds the cell has the same value. `everywhere`: look at all cells, not at those nearby
/// alone.
Located locate(PointLocator const& locator, parallel::Comm const& comm,
               std::span<double const> points, std::size_t width, std::vector<double> const& u,
               std::size_t size, bool everywhere) {
  const std::size_t n = points.size() / width;
  Located mine{std::vector<double>(n), std::vector<double>(n * size)};
  std::vector<std::int64_t> cell(n);
  for (std::size_t i = 0; i < n; ++i) {
    const PointLocator::Found found = locator.find(points.data() + i * width, everywhere);
    mine.off[i] = found.off;
    cell[i] = found.id;
    locator.interpolate(found, u, static_cast<int>(size), mine.values.data() + i * size);
  }
  const std::vector<double> off = comm.gather(span_of(mine.off)),
                            values = comm.gather(span_of(mine.values));
  const std::vector<std::int64_t> cells = comm.gather(std::span<const std::int64_t>(cell));
  if (n > 0)
    for (std::size_t at = n; at < off.size(); ++at) {
      const std::size_t i = at % n;
      if (std::pair(off[at], cells[at]) >= std::pair(mine.off[i], cell[i])) continue;
      mine.off[i] = off[at];
      cell[i] = cells[at];
      for (std::size_t c = 0; c < size; ++c) mine.values[i * size + c] = values[at * size + c];
    }
  return {comm.broadcast(span_of(mine.off)), comm.broadcast(span_of(mine.values))};
}

} // namespace

struct FemSpace::Locator : PointLocator {
  using PointLocator::PointLocator;
};

FemSpace::FemSpace(parallel::Comm const& comm, fem::Part part, int components)
    : _comm(comm), _part(std::move(part)), _topology(_part, components),
      _exchange(comm, _part.space.first_row, _part.space.owned, ghosts_of(_part.space)) {
  _unknowns = _part.space.global_nodes * components;
  _nonzeros = comm.sum(static_cast<std::int64_t>(_topology.pattern().nonzeros()));
  std::int64_t counted = 0;
  for (const std::uint8_t one : fem::counted_cells(_topology)) counted += one;
  _cells = comm.sum(counted);
  _affine = comm.min(std::int64_t{fem::has_affine_cells(_part.mesh)}) != 0;
}

FemSpace::~FemSpace() = default;

std::size_t FemSpace::owned() const {
  return static_cast<std::size_t>(_part.space.owned) * static_cast<std::size_t>(components());
}

std::size_t FemSpace::local() const {
  return _part.space.local_nodes() * static_cast<std::size_t>(components());
}

void FemSpace::update_ghosts(fem::Reals const& local) const {
  auto const mirror = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, local);
  _exchange.update(std::span<double>(mirror.data(), mirror.extent(0)), components());
  Kokkos::deep_copy(local, mirror);
}

fem::Reals FemSpace::with_ghosts(fem::ConstReals owned_values) const {
  MOHO_REQUIRE(owned_values.extent(0) == owned());
  const fem::Reals all = local_vector();
  Kokkos::deep_copy(Kokkos::subview(all, std::make_pair(std::size_t{0}, owned())), owned_values);
  update_ghosts(all);
  return all;
}

fem::Reals FemSpace::without_ghosts(fem::ConstReals all) const {
  MOHO_REQUIRE(all.extent(0) == local());
  const fem::Reals values = owned_vector();
  Kokkos::deep_copy(values, Kokkos::subview(all, std::make_pair(std::size_t{0}, owned())));
  return values;
}

fem::Reals FemSpace::interpolate(Field const& f) const {
  auto const width = static_cast<std::size_t>(dim()), size = static_cast<std::size_t>(components());
  std::vector<double> values(local());
  for (std::size_t i = 0; i < _part.space.local_nodes(); ++i)
    f(_part.space.points.data() + i * width, values.data() + i * size);
  return to_device("moho::study::FemSpace", values);
}

double FemSpace::dot(fem::ConstReals a, fem::ConstReals b) const {
  MOHO_REQUIRE(a.extent(0) == owned() && b.extent(0) == owned());
  double sum = 0;
  Kokkos::parallel_reduce(
      "moho::study::FemSpace::dot", Kokkos::RangePolicy<ExecutionSpace>(0, owned()),
      KOKKOS_LAMBDA(std::size_t i, double& part) { part += a(i) * b(i); }, sum);
  return _comm.sum(sum);
}

std::vector<std::uint8_t> FemSpace::marks(std::span<const std::int32_t> tags) const {
  const std::vector<std::uint8_t> nodes = fem::boundary_nodes(_part, tags);
  auto const size = static_cast<std::size_t>(components());
  std::vector<std::uint8_t> all(local());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = nodes[i / size];
  _exchange.update(std::span<std::uint8_t>(all), components());
  return all;
}

std::vector<std::int32_t> FemSpace::tags() const {
  auto const& mine = _part.mesh.boundary.tag;
  const std::set<std::int32_t> local_tags(mine.begin(), mine.end());
  const std::vector<std::int64_t> gathered = _comm.gather(std::span<const std::int64_t>(
      std::vector<std::int64_t>(local_tags.begin(), local_tags.end())));
  const std::vector<std::int64_t> all = _comm.broadcast(std::span<const std::int64_t>(gathered));
  const std::set<std::int32_t> merged(all.begin(), all.end());
  return {merged.begin(), merged.end()};
}

fem::Coefficient FemSpace::sampled(Field const& f, int coefficients, int degree) const {
  const std::vector<double> zero(local());
  const fem::Sampled at = fem::sample(_topology, degree, zero, 0, _topology.cells(), false);
  auto const width = static_cast<std::size_t>(dim()), size = static_cast<std::size_t>(coefficients);
  std::vector<double> values(at.weights.size() * size);
  for (std::size_t i = 0; i < at.weights.size(); ++i)
    f(at.points.data() + i * width, values.data() + i * size);
  return {fem::Where::quadrature, coefficients, to_device("moho::study::FemSpace", values)};
}

std::vector<double> FemSpace::evaluate(fem::ConstReals all, std::span<double const> points) const {
  MOHO_REQUIRE(all.extent(0) == local());
  if (!_locator) _locator = std::make_unique<Locator>(_part);
  auto const width = static_cast<std::size_t>(dim()), size = static_cast<std::size_t>(components());
  const std::vector<double> u = to_host(all);
  Located located = locate(*_locator, _comm, points, width, u, size, false);
  std::vector<std::size_t> outside;
  std::vector<double> far;
  for (std::size_t i = 0; i < located.off.size(); ++i)
    if (located.off[i] > 0) {
      outside.push_back(i);
      far.insert(far.end(), points.begin() + static_cast<std::ptrdiff_t>(i * width),
                 points.begin() + static_cast<std::ptrdiff_t>((i + 1) * width));
    }
  if (outside.empty()) return located.values;
  const Located nearest = locate(*_locator, _comm, far, width, u, size, true);
  for (std::size_t i = 0; i < outside.size(); ++i)
    for (std::size_t c = 0; c < size; ++c)
      located.values[outside[i] * size + c] = nearest.values[i * size + c];
  return located.values;
}

void FemSpace::picture(fem::ConstReals all, Batch& out) const {
  constexpr std::int64_t most_nodes = 20000;
  if (dim() != 2 || _part.space.global_nodes > most_nodes) return;
  auto const owned_nodes = static_cast<std::size_t>(_part.space.owned),
             size = static_cast<std::size_t>(components());
  const std::vector<double> mine = to_host(all);
  const std::vector<std::int64_t> ids =
      _comm.gather(std::span<const std::int64_t>(_part.space.id).first(owned_nodes));
  const std::vector<double> points =
                                _comm.gather(span_of(_part.space.points).first(2 * owned_nodes)),
                            values = _comm.gather(span_of(mine).first(size * owned_nodes));
  if (!_comm.root()) return;
  std::vector<double> point(points.size()), value(values.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    auto const to = static_cast<std::size_t>(ids[i]);
    for (std::size_t d = 0; d < 2; ++d) point[2 * to + d] = points[2 * i + d];
    for (std::size_t c = 0; c < size; ++c) value[size * to + c] = values[size * i + c];
  }
  out.set(node_point_array, "", point, {ids.size(), 2});
  out.set(node_value_array, "", value, {ids.size(), size});
}

void FemSpace::write(fem::ConstReals all, std::string const& name, std::string const& path) const {
  fem::Space const& space = _part.space;
  auto const owned_nodes = static_cast<std::size_t>(space.owned),
             nodes = static_cast<std::size_t>(space.element.nodes());
  const std::vector<double> values = to_host(all);
  const std::vector<std::uint8_t> counted = fem::counted_cells(_topology);
  std::vector<std::int64_t> cells;
  for (std::size_t cell = 0; cell < counted.size(); ++cell)
    for (std::size_t a = 0; a < nodes && counted[cell] != 0; ++a)
      cells.push_back(space.row[static_cast<std::size_t>(space.cell_nodes[cell * nodes + a])]);
  const parallel::XdmfMesh mesh{
      fem::name(space.element.cell), space.element.degree, dim(),
      span_of(space.points).first(static_cast<std::size_t>(dim()) * owned_nodes), cells};
  parallel::write_xdmf(_comm, path, mesh,
                       {{{name, components(), false, span_of(values).first(owned())}}});
}

FieldNorms FemSpace::norms(fem::ConstReals all, Field const& exact, Field const& gradient) const {
  constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> u = to_host(all);
  FieldNorms norms{unknown, unknown, unknown, unknown, 0};
  for (std::size_t i = 0; i < owned(); ++i)
    norms.largest = std::fmax(norms.largest, std::abs(u[i]));
  norms.largest = _comm.max(norms.largest);
  if (!exact) return norms;
  const fem::SquaredNorms mine = fem::error_norms(_topology, 2 * degree() + 3, u, exact, gradient);
  norms.error_l2 = std::sqrt(_comm.sum(mine.error));
  norms.norm_l2 = std::sqrt(_comm.sum(mine.exact));
  double const error = _comm.sum(mine.error_gradient), norm = _comm.sum(mine.exact_gradient);
  norms.error_h1 = gradient ? std::sqrt(error) : unknown;
  norms.norm_h1 = gradient ? std::sqrt(norm) : unknown;
  return norms;
}

} // namespace moho::study
