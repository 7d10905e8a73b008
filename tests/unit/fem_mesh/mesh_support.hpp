// SPDX-License-Identifier: BSD-3-Clause
// Meshes and measures that the tests of mesh and space share.
#pragma once
#include "moho/core/philox.hpp"
#include "moho/fem/space.hpp"
#include "support/errors.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <gtest/gtest.h>
#include <numeric>
#include <string>
#include <vector>

namespace moho::fem {

using test::error_of;
using test::names;

inline std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

/// A small structured mesh with different n along the axes.
inline Structured small(Cell cell, double perturbation = 0,
                        Ordering ordering = Ordering::lexicographic) {
  Structured spec;
  spec.cell = cell;
  spec.n = dimension(cell) == 2 ? std::vector<int>{4, 3} : std::vector<int>{3, 5, 4};
  spec.perturbation = perturbation;
  spec.ordering = ordering;
  return spec;
}

/// Position of reference point xi of a cell, by the mesh's own geometry.
inline std::array<double, 3> position(Mesh const& mesh, std::size_t cell, double const* xi) {
  std::array<double, 3> x{};
  with_element(mesh.geometry, [&](auto shape) {
    using L = decltype(shape);
    double N[L::nodes];
    L::values(xi, N);
    for (int a = 0; a < L::nodes; ++a)
      for (int i = 0; i < L::dim; ++i)
        x[at(i)] += N[a] * mesh.points[at(mesh.cells[cell * L::nodes + at(a)] * L::dim + i)];
  });
  return x;
}

/// The same mesh with cells of degree 2, points moved by x -> map(x).
template <class Map>
Mesh curved(Mesh const& straight, Map const& map) {
  Space const space = make_space(straight, 2);
  Mesh mesh = straight;
  mesh.geometry.degree = 2;
  mesh.points = space.points;
  mesh.cells = space.cell_nodes;
  mesh.point_id = space.id;
  for (std::size_t p = 0; p < mesh.point_count(); ++p) map(&mesh.points[p * at(mesh.dim())]);
  return mesh;
}

/// The unit disk of straight triangles: a centre and `rings` rings of 6, 12, .. points.
inline Mesh disk(int rings) {
  Mesh mesh;
  mesh.geometry = {Cell::triangle, 1};
  auto const point = [](int ring, int i) {
    return ring == 0 ? 0 : 1 + 3 * ring * (ring - 1) + i % (6 * ring);
  };
  mesh.points = {0, 0};
  for (int r = 1; r <= rings; ++r)
    for (int i = 0; i < 6 * r; ++i) {
      mesh.points.push_back(std::cos(M_PI * i / (3 * r)) * r / rings);
      mesh.points.push_back(std::sin(M_PI * i / (3 * r)) * r / rings);
    }
  for (int r = 1; r <= rings; ++r)
    for (int sector = 0; sector < 6; ++sector)
      for (int j = 0; j < r; ++j) {
        int const out = sector * r + j, in = sector * (r - 1) + j;
        for (int const p : {point(r, out), point(r, out + 1), point(r - 1, in)})
          mesh.cells.push_back(p);
        if (j + 1 == r) continue;
        for (int const p : {point(r - 1, in), point(r, out + 1), point(r - 1, in + 1)})
          mesh.cells.push_back(p);
      }
  for (std::size_t p = 0; p < mesh.points.size() / 2; ++p)
    mesh.point_id.push_back(static_cast<std::int64_t>(p));
  for (std::size_t c = 0; c < mesh.cells.size() / 3; ++c)
    mesh.cell_id.push_back(static_cast<std::int64_t>(c));
  mesh.boundary = boundary_facets(mesh);
  return mesh;
}

/// The disk with cells of degree 2 whose outer edges are curved.
inline Mesh curved_disk(int rings) {
  Mesh mesh = curved(disk(rings), [](double*) {});
  for (std::size_t f = 0; f < mesh.boundary.size(); ++f)
    for (int const a : facet_nodes(mesh.geometry, mesh.boundary.local[f])) {
      double* const x = &mesh.points[2 * at(mesh.cells[6 * at(mesh.boundary.cell[f]) + at(a)])];
      double const r = std::hypot(x[0], x[1]);
      x[0] /= r;
      x[1] /= r;
    }
  return mesh;
}

/// (0,1)^2 without [1/2,1] x [0,1/2].
inline bool in_l_shape(double const* x) {
  return x[0] < 0.5 || x[1] > 0.5;
}

/// Cell-by-cell signed volumes of straight simplices or parallelepipeds (vertices 0, and its
/// neighbours along the axes).
inline double volume(Mesh const& mesh, std::size_t cell) {
  int const d = mesh.dim();
  double e[3][3] = {{0, 0, 0}, {0, 0, 0}, {0, 0, 1}};
  for (int v = 0; v < d; ++v) {
    int const corner = is_simplex(mesh.cell()) ? v + 1 : 1 << v;
    for (int i = 0; i < d; ++i)
      e[v][i] = mesh.points[at(mesh.cells[cell * at(mesh.geometry.nodes()) + at(corner)] * d + i)] -
                mesh.points[at(mesh.cells[cell * at(mesh.geometry.nodes())] * d + i)];
  }
  double const det = e[0][0] * (e[1][1] * e[2][2] - e[1][2] * e[2][1]) -
                     e[0][1] * (e[1][0] * e[2][2] - e[1][2] * e[2][0]) +
                     e[0][2] * (e[1][0] * e[2][1] - e[1][1] * e[2][0]);
  return det / (mesh.cell() == Cell::triangle ? 2 : mesh.cell() == Cell::tetrahedron ? 6 : 1);
}

inline bool operator==(Facets const& a, Facets const& b) {
  return a.cell == b.cell && a.local == b.local && a.tag == b.tag;
}
inline bool operator==(Mesh const& a, Mesh const& b) {
  return a.geometry == b.geometry && a.points == b.points && a.cells == b.cells &&
         a.cell_id == b.cell_id && a.point_id == b.point_id && a.boundary == b.boundary;
}
inline bool operator==(Space const& a, Space const& b) {
  return a.element == b.element && a.cell_nodes == b.cell_nodes && a.owned == b.owned &&
         a.first_row == b.first_row && a.global_nodes == b.global_nodes && a.row == b.row &&
         a.id == b.id && a.points == b.points;
}

/// A permutation of 0 .. n-1.
inline std::vector<std::int64_t> shuffled(std::size_t n, std::uint64_t seed) {
  std::vector<std::int64_t> order(n);
  std::iota(order.begin(), order.end(), std::int64_t{0});
  for (std::size_t i = n; i > 1; --i)
    std::swap(order[i - 1], order[Philox{seed, 7}.bits(i, 0) % i]);
  return order;
}

} // namespace moho::fem
