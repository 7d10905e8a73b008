// SPDX-License-Identifier: BSD-3-Clause
// Shape functions of the Lagrange elements; included by element.hpp.
#pragma once
#include "moho/core/error.hpp"
#include "moho/fem/element.hpp"
#include <utility>

namespace moho::fem {
namespace detail {

/// Vertices of the edges of a simplex, 01 02 12 or 01 02 03 12 13 23.
template <int dim>
KOKKOS_INLINE_FUNCTION constexpr int edge_vertex(int edge, int end) {
  int e = 0;
  for (int i = 0; i < dim + 1; ++i)
    for (int j = i + 1; j < dim + 1; ++j, ++e)
      if (e == edge) return end == 0 ? i : j;
  return -1;
}

/// The Lagrange polynomials of an interval at its ends (and middle), ascending, and derivatives.
template <int p>
KOKKOS_INLINE_FUNCTION constexpr void interval(double x, double* value, double* slope) {
  if constexpr (p == 1) {
    value[0] = 1 - x, value[1] = x;
    slope[0] = -1, slope[1] = 1;
  } else {
    value[0] = (1 - x) * (1 - 2 * x), value[1] = 4 * x * (1 - x), value[2] = x * (2 * x - 1);
    slope[0] = 4 * x - 3, slope[1] = 4 - 8 * x, slope[2] = 4 * x - 1;
  }
}

[[noreturn]] void refuse_degree(Element element);
[[noreturn]] void refuse_geometry(Element element, Element geometry);

} // namespace detail

template <Cell c, int p>
KOKKOS_INLINE_FUNCTION constexpr void Lagrange<c, p>::values(double const* xi, double* N) {
  if constexpr (is_simplex(c)) {
    double l[dim + 1] = {1};
    for (int d = 0; d < dim; ++d) l[d + 1] = xi[d], l[0] -= xi[d];
    for (int v = 0; v < dim + 1; ++v) N[v] = p == 1 ? l[v] : l[v] * (2 * l[v] - 1);
    for (int e = 0; dim + 1 + e < nodes; ++e)
      N[dim + 1 + e] = 4 * l[detail::edge_vertex<dim>(e, 0)] * l[detail::edge_vertex<dim>(e, 1)];
  } else {
    double v[3][p + 1] = {}, slope[p + 1] = {};
    for (int d = 0; d < dim; ++d) detail::interval<p>(xi[d], v[d], slope);
    for (int a = 0; a < nodes; ++a) {
      N[a] = 1;
      for (int d = 0, rest = a; d < dim; ++d, rest /= p + 1) N[a] *= v[d][rest % (p + 1)];
    }
  }
}

template <Cell c, int p>
KOKKOS_INLINE_FUNCTION constexpr void Lagrange<c, p>::gradients(double const* xi, double* dN) {
  if constexpr (is_simplex(c)) {
    double l[dim + 1] = {1};
    for (int d = 0; d < dim; ++d) l[d + 1] = xi[d], l[0] -= xi[d];
    for (int d = 0; d < dim; ++d) { // grad l_0 = (-1, ..), grad l_v = unit vector v - 1
      for (int v = 0; v < dim + 1; ++v)
        dN[v * dim + d] = (v == 0 ? -1. : v - 1 == d ? 1. : 0.) * (p == 1 ? 1. : 4 * l[v] - 1);
      for (int e = 0; dim + 1 + e < nodes; ++e) {
        int const i = detail::edge_vertex<dim>(e, 0), j = detail::edge_vertex<dim>(e, 1);
        double const gi = i == 0 ? -1. : i - 1 == d ? 1. : 0., gj = j - 1 == d ? 1. : 0.;
        dN[(dim + 1 + e) * dim + d] = 4 * (l[i] * gj + l[j] * gi);
      }
    }
  } else {
    double v[3][p + 1] = {}, slope[3][p + 1] = {};
    for (int d = 0; d < dim; ++d) detail::interval<p>(xi[d], v[d], slope[d]);
    for (int a = 0; a < nodes; ++a)
      for (int d = 0; d < dim; ++d) {
        double product = 1;
        for (int i = 0, rest = a; i < dim; ++i, rest /= p + 1)
          product *= i == d ? slope[i][rest % (p + 1)] : v[i][rest % (p + 1)];
        dN[a * dim + d] = product;
      }
  }
}

template <class F>
decltype(auto) with_element(Element element, F&& f) {
  if (element.degree != 1 && element.degree != 2) detail::refuse_degree(element);
  bool const one = element.degree == 1;
  switch (element.cell) {
  case Cell::triangle:
    return one ? f(Lagrange<Cell::triangle, 1>{}) : f(Lagrange<Cell::triangle, 2>{});
  case Cell::quadrilateral:
    return one ? f(Lagrange<Cell::quadrilateral, 1>{}) : f(Lagrange<Cell::quadrilateral, 2>{});
  case Cell::tetrahedron:
    return one ? f(Lagrange<Cell::tetrahedron, 1>{}) : f(Lagrange<Cell::tetrahedron, 2>{});
  case Cell::hexahedron:
    break;
  }
  return one ? f(Lagrange<Cell::hexahedron, 1>{}) : f(Lagrange<Cell::hexahedron, 2>{});
}

template <class F>
decltype(auto) with_elements(Element element, Element geometry, F&& f) {
  if (element.cell != geometry.cell || geometry.degree > element.degree)
    detail::refuse_geometry(element, geometry);
  return with_element(element, [&](auto l) -> decltype(auto) {
    using L = decltype(l);
    if constexpr (L::degree == 1) {
      return f(l, l);
    } else {
      if (geometry.degree != 1 && geometry.degree != 2) detail::refuse_degree(geometry);
      return geometry.degree == 1 ? f(l, Lagrange<L::cell, 1>{}) : f(l, l);
    }
  });
}

} // namespace moho::fem
