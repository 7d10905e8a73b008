// SPDX-License-Identifier: BSD-3-Clause
// Reference tensors of affine simplices, by exact integer arithmetic at compile time: integrals of
// products of P1 and P2 shape functions and of their derivatives by barycentric coordinates,
//   integral of l_0^a .. l_d^z over T = |T| d! a! .. z! / (d + a + .. + z)!.
#pragma once
#include "moho/fem/element.hpp"
#include "moho/fem/form.hpp"

namespace moho::fem::detail {

template <int dim, int p>
struct SimplexReference {
  static constexpr int vertices = dim + 1;

  /// N_a = sum over i, j of shape(a, i, j) l_i l_j (degree 2), or shape(a, i, 0) l_i (degree 1).
  KOKKOS_INLINE_FUNCTION static constexpr int shape(int a, int i, int j) {
    if (p == 1) return a == i && j == 0 ? 1 : 0;
    if (a < vertices) return i == a ? (j == a ? 1 : -1) : 0; // l_a (2 l_a - 1) = l_a (l_a - others)
    return i == edge_vertex<dim>(a - vertices, 0) && j == edge_vertex<dim>(a - vertices, 1) ? 4 : 0;
  }
  /// dN_a / dl_m = sum over i of slope(a, m, i) l_i (degree 2), or slope(a, m, 0) (degree 1).
  KOKKOS_INLINE_FUNCTION static constexpr int slope(int a, int m, int i) {
    if (p == 1) return a == m && i == 0 ? 1 : 0;
    if (a < vertices) return m == a ? (i == a ? 3 : -1) : 0; // 4 l_a - 1 = 3 l_a - others
    int const first = edge_vertex<dim>(a - vertices, 0), second = edge_vertex<dim>(a - vertices, 1);
    return (m == first && i == second) || (m == second && i == first) ? 4 : 0;
  }
  /// Product of the factorials of the exponents of l_i l_j l_k l_n; -1 stands for no factor.
  KOKKOS_INLINE_FUNCTION static constexpr int factorials(int i, int j, int k, int n) {
    int product = 1;
    for (int v = 0; v < vertices; ++v) {
      int const exponent = (i == v) + (j == v) + (k == v) + (n == v);
      for (int e = 2; e <= exponent; ++e) product *= e;
    }
    return product;
  }
  /// (d + degree)! / d!
  KOKKOS_INLINE_FUNCTION static constexpr int denominator(int degree) {
    int product = 1;
    for (int e = 1; e <= degree; ++e) product *= dim + e;
    return product;
  }

  /// Mean over the simplex of dN_a/dl_m dN_b/dl_n.
  KOKKOS_INLINE_FUNCTION static constexpr double gradients(int a, int b, int m, int n) {
    int sum = 0;
    constexpr int terms = p == 1 ? 1 : vertices;
    for (int i = 0; i < terms; ++i)
      for (int j = 0; j < terms; ++j) {
        int const weight = slope(a, m, i) * slope(b, n, j);
        if (weight != 0) sum += weight * (p == 1 ? 1 : factorials(i, j, -1, -1));
      }
    return static_cast<double>(sum) / denominator(2 * (p - 1));
  }
  /// Mean of N_a dN_b/dl_n.
  KOKKOS_INLINE_FUNCTION static constexpr double advection(int a, int b, int n) {
    int sum = 0;
    constexpr int second = p == 1 ? 1 : vertices;
    for (int i = 0; i < vertices; ++i)
      for (int j = 0; j < second; ++j)
        for (int k = 0; k < second; ++k) {
          int const weight = shape(a, i, j) * slope(b, n, k);
          if (weight != 0)
            sum += weight * (p == 1 ? factorials(i, -1, -1, -1) : factorials(i, j, k, -1));
        }
    return static_cast<double>(sum) / denominator(2 * p - 1);
  }
  /// Mean of N_a N_b.
  KOKKOS_INLINE_FUNCTION static constexpr double mass(int a, int b) {
    int sum = 0;
    constexpr int second = p == 1 ? 1 : vertices;
    for (int i = 0; i < vertices; ++i)
      for (int j = 0; j < second; ++j) {
        if (shape(a, i, j) == 0) continue;
        for (int k = 0; k < vertices; ++k)
          for (int n = 0; n < second; ++n)
            sum += shape(a, i, j) * shape(b, k, n) *
                   (p == 1 ? factorials(i, k, -1, -1) : factorials(i, j, k, n));
      }
    return static_cast<double>(sum) / denominator(2 * p);
  }
};

} // namespace moho::fem::detail
