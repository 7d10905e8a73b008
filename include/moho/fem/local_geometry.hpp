// SPDX-License-Identifier: BSD-3-Clause
// Arithmetic and geometry of the Map kernels, for one cell or a pack of cells: Jacobians,
// gradients of shape functions. Host and device code.
#pragma once
#include "moho/core/simd.hpp"
#include "moho/fem/element.hpp"

/// Unrolls the short loop that follows, before arrays in registers are looked for: gcc 12 leaves
/// them in memory otherwise, at -O3 too.
#if defined(__CUDA_ARCH__) || defined(__HIP_DEVICE_COMPILE__) || defined(__clang__)
#define MOHO_FEM_UNROLL _Pragma("unroll")
#elif defined(__GNUC__) && !defined(__CUDACC__)
#define MOHO_FEM_UNROLL _Pragma("GCC unroll 16")
#else
#define MOHO_FEM_UNROLL
#endif

namespace moho::fem {

// ---- arithmetic --------------------------------------------------------------------------------
/// a b + c, rounded once where the machine does that fast.
KOKKOS_FORCEINLINE_FUNCTION double multiply_add(double a, double b, double c) {
#if defined(__FP_FAST_FMA) || defined(__CUDA_ARCH__) || defined(__HIP_DEVICE_COMPILE__)
  return ::fma(a, b, c);
#else
  return a * b + c;
#endif
}
#if defined(MOHO_PACK_INLINE)
MOHO_PACK_INLINE HostPack multiply_add(HostPack a, HostPack b, HostPack c) {
#if defined(__AVX512F__)
  return HostPack::of((HostPack::Vector)_mm512_fmadd_pd((__m512d)a.v, (__m512d)b.v, (__m512d)c.v));
#elif defined(__AVX2__) && defined(__FMA__)
  return HostPack::of((HostPack::Vector)_mm256_fmadd_pd((__m256d)a.v, (__m256d)b.v, (__m256d)c.v));
#elif defined(__FP_FAST_FMA)
  for (int i = 0; i < simd_lanes; ++i) c.v[i] = __builtin_fma(a.v[i], b.v[i], c.v[i]);
  return c;
#else
  return a * b + c;
#endif
}
#endif

// ---- geometry ----------------------------------------------------------------------------------
/// J[c, d] = dx_c / dxi_d = sum_g X[g, c] dG[g, d]; row-major.
template <class G, class T>
KOKKOS_FORCEINLINE_FUNCTION void jacobian(double const* dG, T const* X, T* J) {
  constexpr int dim = G::dim;
  for (int c = 0; c < dim; ++c)
    for (int d = 0; d < dim; ++d) {
      T sum = X[c] * T(dG[d]);
      for (int g = 1; g < G::nodes; ++g)
        sum = multiply_add(X[g * dim + c], T(dG[g * dim + d]), sum);
      J[c * dim + d] = sum;
    }
}

/// J of an affine simplex: its columns are the edges from vertex 0.
template <int dim, class T>
KOKKOS_FORCEINLINE_FUNCTION void affine_jacobian(T const* X, T* J) {
  MOHO_FEM_UNROLL
  for (int e = 0; e < dim * dim; ++e) J[e] = X[(e % dim + 1) * dim + e / dim] - X[e / dim];
}

/// Adjugate of J: A = det J^-1, row d is det times the gradient of xi_d. Returns det J.
template <int dim, class T>
KOKKOS_FORCEINLINE_FUNCTION T adjugate(T const* J, T* A) {
  if constexpr (dim == 2) {
    A[0] = J[3], A[1] = -J[1], A[2] = -J[2], A[3] = J[0];
    return multiply_add(J[0], J[3], -(J[1] * J[2]));
  } else {
    MOHO_FEM_UNROLL
    for (int e = 0; e < 9; ++e) { // A[i, j]: cofactor of J[j, i], by cyclic indices
      int const i = e / 3, j = e % 3;
      int const r = (j + 1) % 3, s = (j + 2) % 3, u = (i + 1) % 3, v = (i + 2) % 3;
      A[e] = multiply_add(J[r * 3 + u], J[s * 3 + v], -(J[r * 3 + v] * J[s * 3 + u]));
    }
    return multiply_add(J[0], A[0], multiply_add(J[1], A[3], J[2] * A[6]));
  }
}

/// G[a, c] = sum_d dN[a, d] A[d, c] / det: physical gradients from reference ones.
template <int nodes, int dim, class T>
KOKKOS_FORCEINLINE_FUNCTION void physical_gradients(double const* dN, T const* inverse, T* G) {
  for (int a = 0; a < nodes; ++a)
    for (int c = 0; c < dim; ++c) {
      T sum = T(dN[a * dim]) * inverse[c];
      for (int d = 1; d < dim; ++d)
        sum = multiply_add(T(dN[a * dim + d]), inverse[d * dim + c], sum);
      G[a * dim + c] = sum;
    }
}

/// Gradients G[a, c] of the barycentric coordinates of an affine simplex X[dim + 1, dim], and its
/// volume.
template <int dim, class T>
KOKKOS_FORCEINLINE_FUNCTION void p1_gradients(T const* X, T* G, T& volume) {
  T J[dim * dim], A[dim * dim];
  affine_jacobian<dim>(X, J);
  T const det = adjugate<dim>(J, A), scale = T(1) / det;
  volume = abs(det) * T(dim == 2 ? 1. / 2 : 1. / 6);
  for (int c = 0; c < dim; ++c) {
    T sum = G[dim + c] = A[c] * scale;
    for (int d = 1; d < dim; ++d) sum = sum + (G[(d + 1) * dim + c] = A[d * dim + c] * scale);
    G[c] = -sum;
  }
}

} // namespace moho::fem
