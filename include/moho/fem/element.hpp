// SPDX-License-Identifier: BSD-3-Clause
// Reference cells and Lagrange elements: nodes, shape functions, gradients.
//
// Local orders. Simplices: vertices, then (degree 2) edges by sorted vertex pairs: triangle 01 02
// 12, tetrahedron 01 02 03 12 13 23. Quadrilateral and hexahedron: tensor order, x fastest, at
// every degree: vertices of a quadrilateral are (0,0) (1,0) (0,1) (1,1).
#pragma once
#include "moho/core/kokkos.hpp"
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace moho::fem {

enum class Cell : std::int8_t { triangle, quadrilateral, tetrahedron, hexahedron };

inline constexpr std::array<Cell, 4> all_cells{Cell::triangle, Cell::quadrilateral,
                                               Cell::tetrahedron, Cell::hexahedron};

KOKKOS_INLINE_FUNCTION constexpr bool is_simplex(Cell cell) {
  return cell == Cell::triangle || cell == Cell::tetrahedron;
}
KOKKOS_INLINE_FUNCTION constexpr int dimension(Cell cell) {
  return cell == Cell::triangle || cell == Cell::quadrilateral ? 2 : 3;
}
KOKKOS_INLINE_FUNCTION constexpr int vertex_count(Cell cell) {
  return is_simplex(cell) ? dimension(cell) + 1 : 1 << dimension(cell);
}
KOKKOS_INLINE_FUNCTION constexpr int facet_count(Cell cell) {
  return is_simplex(cell) ? dimension(cell) + 1 : 2 * dimension(cell);
}
/// Nodes of the Lagrange element of `degree` (1 or 2).
KOKKOS_INLINE_FUNCTION constexpr int node_count(Cell cell, int degree) {
  int const n = degree + 1, d = dimension(cell);
  if (cell == Cell::triangle) return n * (n + 1) / 2;
  if (cell == Cell::tetrahedron) return n * (n + 1) * (n + 2) / 6;
  return d == 2 ? n * n : n * n * n;
}

char const* name(Cell cell); ///< "triangle", ..
/// The cell of that name; throws moho::Error naming the known ones.
Cell cell_from_name(std::string_view name);

/// A Lagrange element.
struct Element {
  Cell cell = Cell::triangle;
  int degree = 1; ///< 1 or 2
  constexpr int nodes() const { return node_count(cell, degree); }
  constexpr int dim() const { return dimension(cell); }
  friend constexpr bool operator==(Element const&, Element const&) = default;
};
std::string name(Element element); ///< "P1 triangle", "Q2 hexahedron"

/// Local nodes of facet `facet`, in the facet's own Lagrange order (that of a triangle or
/// quadrilateral of the same degree; of an interval: vertices, then the middle, on a triangle, and
/// ascending on a quadrilateral). Facet f of a simplex is opposite to vertex f; facets of tensor
/// cells are x=0, x=1, y=0, y=1, z=0, z=1. Throws moho::Error when there is no such facet.
std::vector<int> facet_nodes(Element element, int facet);
/// The point of the reference cell at s[dim - 1] of the facet's reference interval, triangle or
/// quadrilateral. Its columns dxi / ds are (dim, dim - 1) row-major, constant.
struct FacetMap {
  int dim = 0;
  std::array<double, 3> origin{};
  std::array<double, 6> columns{};
  void point(double const* s, double* xi) const;
};
FacetMap facet_map(Cell cell, int facet);
/// Vertices of each edge of the reference cell, in the order of the edge nodes of degree 2.
std::vector<std::array<int, 2>> edges(Cell cell);
/// Reference coordinates of the nodes, (nodes, dim).
std::vector<double> reference_nodes(Element element);

/// Shape functions at one reference point. The compile-time twin of `Element`.
template <Cell c, int p>
struct Lagrange {
  static_assert(p == 1 || p == 2);
  static constexpr Cell cell = c;
  static constexpr int degree = p, dim = dimension(c), nodes = node_count(c, p);
  /// N[a] at xi[dim].
  KOKKOS_INLINE_FUNCTION static constexpr void values(double const* xi, double* N);
  /// dN[a * dim + d] = dN_a / dxi_d at xi[dim].
  KOKKOS_INLINE_FUNCTION static constexpr void gradients(double const* xi, double* dN);
};

/// Calls f(Lagrange<cell, degree>{}) for the element; throws moho::Error on another degree.
template <class F>
decltype(auto) with_element(Element element, F&& f);
/// Calls f(Lagrange of the element, Lagrange of the geometry). Throws moho::Error on cells that
/// differ and on a geometry of higher degree than the element.
template <class F>
decltype(auto) with_elements(Element element, Element geometry, F&& f);

} // namespace moho::fem

#include "moho/fem/lagrange.hpp" // IWYU pragma: export
