// SPDX-License-Identifier: BSD-3-Clause
#include "grid.hpp"
#include "moho/core/error.hpp"
#include "numbering.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace moho::fem {
namespace {

/// Corners of a cube (bit i: at the far end of axis i) for each cell it is cut in. Kuhn: walk from
/// 000 to 111, one axis after the other; odd walks are mirrored, so two vertices change places.
std::vector<std::vector<int>> cube_cells(Cell cell) {
  if (cell == Cell::quadrilateral) return {{0, 1, 2, 3}};
  if (cell == Cell::hexahedron) return {{0, 1, 2, 3, 4, 5, 6, 7}};
  if (cell == Cell::triangle) return {{0, 1, 3}, {0, 3, 2}};
  return {{0, 1, 3, 7}, {0, 5, 1, 7}, {0, 3, 2, 7}, {0, 2, 6, 7}, {0, 4, 5, 7}, {0, 6, 4, 7}};
}

std::size_t index(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

/// Points in the ordering, cells by their lowest point, facets by cell.
Mesh reordered(Mesh const& mesh, std::vector<std::int32_t> const& order) {
  std::size_t const d = index(mesh.dim()), k = index(mesh.geometry.nodes());
  auto const rank = ranks(order);
  Mesh result = mesh;
  for (std::size_t p = 0; p < order.size(); ++p)
    std::copy_n(&mesh.points[index(order[p]) * d], d, &result.points[p * d]);
  std::vector<std::int64_t> lowest(mesh.cell_count(), std::numeric_limits<std::int64_t>::max());
  for (std::size_t i = 0; i < mesh.cells.size(); ++i)
    lowest[i / k] = std::min(lowest[i / k], rank[index(mesh.cells[i])]);
  std::vector<std::int32_t> cells(mesh.cell_count());
  std::iota(cells.begin(), cells.end(), 0);
  std::stable_sort(cells.begin(), cells.end(), [&](std::int32_t a, std::int32_t b) {
    return lowest[index(a)] < lowest[index(b)];
  });
  for (std::size_t c = 0; c < cells.size(); ++c)
    for (std::size_t a = 0; a < k; ++a)
      result.cells[c * k + a] =
          static_cast<std::int32_t>(rank[index(mesh.cells[index(cells[c]) * k + a])]);
  auto const place = ranks(cells);
  std::vector<std::array<std::int32_t, 3>> facets(mesh.boundary.size());
  for (std::size_t f = 0; f < facets.size(); ++f)
    facets[f] = {static_cast<std::int32_t>(place[index(mesh.boundary.cell[f])]),
                 mesh.boundary.local[f], mesh.boundary.tag[f]};
  std::sort(facets.begin(), facets.end());
  for (std::size_t f = 0; f < facets.size(); ++f) {
    result.boundary.cell[f] = facets[f][0];
    result.boundary.local[f] = static_cast<std::int8_t>(facets[f][1]);
    result.boundary.tag[f] = facets[f][2];
  }
  return result;
}

} // namespace

Compressed compress(std::vector<std::int64_t> const& used) {
  Compressed result;
  if (used.empty()) return result;
  auto const [low, high] = std::minmax_element(used.begin(), used.end());
  std::vector<std::int32_t> place(index(*high - *low) + 1, -1);
  for (std::int64_t const id : used) place[index(id - *low)] = 0;
  for (std::size_t i = 0; i < place.size(); ++i) {
    if (place[i] < 0) continue;
    place[i] = static_cast<std::int32_t>(result.id.size());
    result.id.push_back(*low + static_cast<std::int64_t>(i));
  }
  result.local.resize(used.size());
  for (std::size_t i = 0; i < used.size(); ++i) result.local[i] = place[index(used[i] - *low)];
  return result;
}

Grid::Grid(Structured const& spec)
    : _cell(spec.cell), _perturbation(spec.perturbation), _corners(cube_cells(spec.cell)) {
  std::size_t const d = index(dim());
  if (spec.n.size() != d)
    throw Error("n has " + std::to_string(spec.n.size()) + " entries (a " + name(_cell) +
                " mesh needs the intervals along " + std::to_string(d) + " axes) give " +
                std::to_string(d));
  if (!spec.size.empty() && spec.size.size() != d)
    throw Error("size has " + std::to_string(spec.size.size()) + " entries (a " + name(_cell) +
                " mesh needs one per axis) give " + std::to_string(d) + " or none");
  if (!std::isfinite(_perturbation))
    throw Error("perturbation is not finite (it is a share of the cell size) use 0 to 0.15");
  double nodes = 1;
  for (std::size_t i = 0; i < d; ++i) {
    if (spec.n[i] < 1)
      throw Error("n[" + std::to_string(i) + "] = " + std::to_string(spec.n[i]) +
                  " (intervals along an axis) use at least 1");
    _n[i] = spec.n[i];
    if (!spec.size.empty()) _size[i] = spec.size[i];
    if (!(std::isfinite(_size[i]) && _size[i] > 0))
      throw Error("size[" + std::to_string(i) + "] is not a length (> 0) use a positive number");
    nodes *= 2.0 * spec.n[i] + 1;
    _sine[i].resize(index(_n[i]) + 1, 0.0);
    for (std::int64_t p = 1; p < _n[i]; ++p)
      _sine[i][index(p)] =
          std::sin(6.283185307179586 * static_cast<double>(p) / static_cast<double>(_n[i]));
  }
  if (nodes > 9e18)
    throw Error("n is too large (nodes are counted in 64 bits) use fewer intervals");
}

std::int64_t Grid::nodes(int degree) const {
  std::int64_t count = 1;
  for (int i = 0; i < dim(); ++i) count *= degree * _n[index(i)] + 1;
  return count;
}

std::int64_t Grid::origin(std::array<std::int64_t, 3> const& cube, int degree) const {
  std::int64_t number = 0;
  for (int i = dim() - 1; i >= 0; --i)
    number = number * (degree * _n[index(i)] + 1) + degree * cube[index(i)];
  return number;
}

std::array<std::int64_t, 3> Grid::cube(std::int64_t number) const {
  return {number % _n[0], number / _n[0] % _n[1], number / _n[0] / _n[1]};
}

std::vector<std::int64_t> Grid::offsets(int degree) const {
  auto const supports = node_vertices({_cell, degree});
  std::vector<std::int64_t> result;
  for (auto const& corners : _corners)
    for (auto const& vertices : supports) {
      std::int64_t number = 0;
      for (int i = dim() - 1; i >= 0; --i) {
        int at = 0; // degree * mean of the vertices, an integer
        for (int const v : vertices) at += corners[index(v)] >> i & 1;
        number = number * (degree * _n[index(i)] + 1) +
                 degree * at / static_cast<std::int64_t>(vertices.size());
      }
      result.push_back(number);
    }
  return result;
}

void Grid::point(std::int64_t number, double* x) const {
  std::array<std::int64_t, 3> at{};
  double sines = _perturbation;
  for (int i = 0; i < dim(); ++i) {
    at[index(i)] = number % (_n[index(i)] + 1);
    number /= _n[index(i)] + 1;
    sines *= _sine[index(i)][index(at[index(i)])];
  }
  for (int i = 0; i < dim(); ++i) {
    double const n = static_cast<double>(_n[index(i)]);
    x[i] = _size[index(i)] * (static_cast<double>(at[index(i)]) / n);
    if (sines != 0) x[i] += sines * (_size[index(i)] / n);
  }
}

Mesh Grid::mesh(std::vector<std::int64_t> cell_ids) const {
  Mesh mesh;
  mesh.geometry = {_cell, 1};
  mesh.cell_id = std::move(cell_ids);
  std::size_t const d = index(dim()), k = index(vertex_count(_cell));
  auto const offset = offsets(1);
  std::vector<std::int64_t> used(mesh.cell_count() * k);
  for (std::size_t c = 0; c < mesh.cell_count(); ++c) {
    std::int64_t const first = origin(cube(mesh.cell_id[c] / per_cube()), 1);
    std::size_t const sub = index(mesh.cell_id[c] % per_cube());
    for (std::size_t a = 0; a < k; ++a) used[c * k + a] = first + offset[sub * k + a];
  }
  Compressed compressed = compress(used);
  mesh.cells = std::move(compressed.local);
  mesh.point_id = std::move(compressed.id);
  mesh.points.resize(mesh.point_count() * d);
  for (std::size_t p = 0; p < mesh.point_count(); ++p) point(mesh.point_id[p], &mesh.points[p * d]);
  mesh.boundary = boundary(mesh);
  return mesh;
}

/// For each facet of each sub-cell: the tag it has on the far or near side of the grid, or 0.
std::vector<std::int64_t> Grid::facet_tags() const {
  std::vector<std::int64_t> tags;
  for (auto const& corners : _corners)
    for (int f = 0; f < facet_count(_cell); ++f) {
      int all = 7, any = 0;
      for (int const v : facet_nodes({_cell, 1}, f)) {
        all &= corners[index(v)];
        any |= corners[index(v)];
      }
      tags.push_back(0);
      for (int i = 0; i < dim(); ++i) {
        if (!(any >> i & 1)) tags.back() = 2 * i + 1;
        if (all >> i & 1) tags.back() = 2 * i + 2;
      }
    }
  return tags;
}

Facets Grid::boundary(Mesh const& mesh) const {
  auto const tags = facet_tags();
  int const facets = facet_count(_cell);
  Facets result;
  for (std::size_t c = 0; c < mesh.cell_count(); ++c) {
    auto const at = cube(mesh.cell_id[c] / per_cube());
    bool inner = true;
    for (int i = 0; i < dim(); ++i)
      inner = inner && at[index(i)] > 0 && at[index(i)] < _n[index(i)] - 1;
    if (inner) continue;
    std::size_t const sub = index(mesh.cell_id[c] % per_cube());
    for (int f = 0; f < facets; ++f) {
      auto const tag = static_cast<std::int32_t>(tags[sub * index(facets) + index(f)]);
      if (tag == 0) continue;
      std::size_t const axis = index((tag - 1) / 2);
      if (at[axis] != (tag % 2 == 1 ? 0 : _n[axis] - 1)) continue;
      result.cell.push_back(static_cast<std::int32_t>(c));
      result.local.push_back(static_cast<std::int8_t>(f));
      result.tag.push_back(tag);
    }
  }
  return result;
}

Mesh structured(Structured const& spec) {
  Grid const grid(spec);
  if (std::max(grid.cells(), grid.nodes(1)) > std::numeric_limits<std::int32_t>::max())
    throw Error("structured mesh of " + std::to_string(grid.cells()) +
                " cells is too large for one rank (local numbers have 32 bits) use more ranks");
  std::vector<std::int64_t> ids(index(grid.cells()));
  std::iota(ids.begin(), ids.end(), std::int64_t{0});
  Mesh mesh = grid.mesh(std::move(ids));
  if (spec.perturbation != 0) check_mesh(mesh, "structured mesh");
  if (spec.ordering == Ordering::hilbert)
    return reordered(mesh, hilbert_order(mesh.points, mesh.dim()));
  if (spec.ordering == Ordering::rcm)
    return reordered(mesh, rcm_order(mesh.cells, index(mesh.geometry.nodes()), mesh.point_count()));
  return mesh;
}

} // namespace moho::fem
