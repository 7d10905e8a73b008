// SPDX-License-Identifier: BSD-3-Clause
#include "moho/core/error.hpp"
#include "moho/fem/mesh.hpp"
#include "numbering.hpp"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace moho::fem {
namespace {

std::size_t index(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

std::string text(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.4g", value);
  return buffer;
}

void check_sizes(Mesh const& mesh, std::string const& what) {
  std::size_t const d = index(mesh.dim()), k = index(mesh.geometry.nodes());
  if (mesh.cell_count() == 0)
    throw Error(what + ": no cells (nothing to compute on) give at least one " + name(mesh.cell()));
  if (mesh.points.size() != mesh.point_count() * d || mesh.cells.size() != mesh.cell_count() * k)
    throw Error(what + ": " + std::to_string(mesh.points.size()) + " coordinates and " +
                std::to_string(mesh.cells.size()) + " cell entries for " +
                std::to_string(mesh.point_count()) + " points and " +
                std::to_string(mesh.cell_count()) + " cells (expected " + std::to_string(d) +
                " and " + std::to_string(k) + " of each) check the shapes of the arrays");
  auto const rise = std::adjacent_find(mesh.cell_id.begin(), mesh.cell_id.end(),
                                       [](std::int64_t a, std::int64_t b) { return a >= b; });
  if (rise != mesh.cell_id.end())
    throw Error(what + ": cell " + std::to_string(*(rise + 1)) + " stands after cell " +
                std::to_string(*rise) +
                " (ids must ascend, sums are taken in their order) sort the cells");
}

void check_cells(Mesh const& mesh, std::string const& what) {
  std::size_t const k = index(mesh.geometry.nodes());
  std::vector<std::uint8_t> used(mesh.point_count(), 0);
  for (std::size_t i = 0; i < mesh.cells.size(); ++i) {
    std::int32_t const p = mesh.cells[i];
    auto const cell = [&] { return what + ": cell " + std::to_string(mesh.cell_id[i / k]); };
    if (p < 0 || index(p) >= mesh.point_count())
      throw Error(cell() + " names point " + std::to_string(p) + " (there are " +
                  std::to_string(mesh.point_count()) + " points, counted from 0) correct the cell");
    auto const first = mesh.cells.begin() + static_cast<std::ptrdiff_t>(i / k * k);
    if (std::find(first, mesh.cells.begin() + static_cast<std::ptrdiff_t>(i), p) !=
        mesh.cells.begin() + static_cast<std::ptrdiff_t>(i))
      throw Error(cell() + " has point " + std::to_string(mesh.point_id[index(p)]) +
                  " twice (the cell is degenerate) remove it");
    used[index(p)] = 1;
  }
  auto const free = std::find(used.begin(), used.end(), 0);
  if (free != used.end())
    throw Error(what + ": point " + std::to_string(mesh.point_id[index(free - used.begin())]) +
                " is in no cell (its row of the matrix would be empty) remove dangling points");
}

void check_points(Mesh const& mesh, std::string const& what) {
  for (std::size_t i = 0; i < mesh.points.size(); ++i)
    if (!std::isfinite(mesh.points[i]))
      throw Error(what + ": point " + std::to_string(mesh.point_id[i / index(mesh.dim())]) +
                  " has coordinate " + text(mesh.points[i]) +
                  " (coordinates must be finite) correct the point");
}

/// Gradients of the geometry's shape functions at each of its nodes, (nodes, nodes, dim).
std::vector<double> gradients_at_nodes(Element geometry) {
  auto const xi = reference_nodes(geometry);
  std::size_t const k = index(geometry.nodes()), d = index(geometry.dim());
  std::vector<double> table(k * k * d);
  with_element(geometry, [&](auto shape) {
    for (std::size_t q = 0; q < k; ++q) decltype(shape)::gradients(&xi[q * d], &table[q * k * d]);
  });
  return table;
}

/// det J at a reference point with the gradients dN (nodes, dim); x (nodes, dim).
double determinant(double const* x, double const* dN, std::size_t k, std::size_t d) {
  double J[3][3] = {{0, 0, 0}, {0, 0, 0}, {0, 0, d == 2 ? 1.0 : 0.0}};
  for (std::size_t a = 0; a < k; ++a)
    for (std::size_t i = 0; i < d; ++i)
      for (std::size_t j = 0; j < d; ++j) J[i][j] += x[a * d + i] * dN[a * d + j];
  return J[0][0] * (J[1][1] * J[2][2] - J[1][2] * J[2][1]) -
         J[0][1] * (J[1][0] * J[2][2] - J[1][2] * J[2][0]) +
         J[0][2] * (J[1][0] * J[2][1] - J[1][1] * J[2][0]);
}

void check_jacobians(Mesh const& mesh, std::string const& what) {
  std::size_t const k = index(mesh.geometry.nodes()), d = index(mesh.dim());
  auto const table = gradients_at_nodes(mesh.geometry);
  // det J of a straight simplex is the same at all its nodes.
  std::size_t const samples = mesh.geometry.degree == 1 && is_simplex(mesh.cell()) ? 1 : k;
  std::vector<double> x(k * d);
  for (std::size_t c = 0; c < mesh.cell_count(); ++c) {
    // Relative to the first point, so that a mesh far from the origin is judged by its shape.
    double const* const origin = &mesh.points[index(mesh.cells[c * k]) * d];
    double side = 0, far = 0;
    for (std::size_t i = 0; i < k * d; ++i) {
      double const at = mesh.points[index(mesh.cells[c * k + i / d]) * d + i % d];
      x[i] = at - origin[i % d];
      side = std::max(side, std::fabs(x[i]));
      far = std::max(far, std::fabs(at));
    }
    // Volumes that rounding of the coordinates (4 ulp) may have made.
    double const tiny = (d == 2 ? side : side * side) * (1e-13 * side + 1e-15 * far);
    for (std::size_t q = 0; q < samples; ++q) {
      double const det = determinant(x.data(), &table[q * k * d], k, d);
      if (det > tiny) continue;
      throw Error(what + ": cell " + std::to_string(mesh.cell_id[c]) + " is " +
                  (det < -tiny ? "inverted" : "degenerate") + " (det J = " + text(det) +
                  " at its point " + std::to_string(mesh.point_id[index(mesh.cells[c * k + q])]) +
                  ", size " + text(side) +
                  ") reorder its points, or move them apart; a perturbation may be too large");
    }
  }
}

void check_boundary(Mesh const& mesh, std::string const& what) {
  Facets const& facets = mesh.boundary;
  if (facets.local.size() != facets.size() || facets.tag.size() != facets.size())
    throw Error(what + ": boundary facets have " + std::to_string(facets.cell.size()) + " cells, " +
                std::to_string(facets.local.size()) + " local numbers and " +
                std::to_string(facets.tag.size()) + " tags (one of each per facet) correct them");
  for (std::size_t f = 0; f < facets.size(); ++f)
    if (facets.cell[f] < 0 || index(facets.cell[f]) >= mesh.cell_count() || facets.local[f] < 0 ||
        facets.local[f] >= facet_count(mesh.cell()))
      throw Error(what + ": boundary facet " + std::to_string(f) + " is facet " +
                  std::to_string(facets.local[f]) + " of cell " + std::to_string(facets.cell[f]) +
                  " (there are " + std::to_string(mesh.cell_count()) + " cells of " +
                  std::to_string(facet_count(mesh.cell())) + " facets) correct the facet");
}

} // namespace

void check_mesh(Mesh const& mesh, std::string const& what) {
  check_sizes(mesh, what);
  check_cells(mesh, what);
  check_points(mesh, what);
  check_jacobians(mesh, what);
  check_boundary(mesh, what);
}

bool has_affine_cells(Mesh const& mesh) {
  if (mesh.geometry.degree > 1) return false;
  if (is_simplex(mesh.cell())) return true;
  std::size_t const d = index(mesh.dim()), k = std::size_t{1} << d;
  double largest = 0;
  for (double const x : mesh.points) largest = std::max(largest, std::fabs(x));
  double const rounding = 64 * std::numeric_limits<double>::epsilon() * largest;
  // Vertices in tensor order: v is the first one and the edges of its bits.
  for (std::size_t c = 0; c < mesh.cell_count(); ++c)
    for (std::size_t v = 3; v < k; ++v)
      for (std::size_t i = 0; i < d; ++i) {
        auto const x = [&](std::size_t vertex) {
          return mesh.points[index(mesh.cells[c * k + vertex]) * d + i];
        };
        double off = x(v) - x(0);
        for (std::size_t b = 0; b < d; ++b)
          if (v >> b & 1) off -= x(std::size_t{1} << b) - x(0);
        if (!(std::fabs(off) <= rounding)) return false;
      }
  return true;
}

} // namespace moho::fem
