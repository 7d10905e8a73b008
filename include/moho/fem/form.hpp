// SPDX-License-Identifier: BSD-3-Clause
// Forms: what is integrated over a cell, and its coefficient.
#pragma once
#include "moho/core/kokkos.hpp"
#include <cstdint>
#include <string_view>

namespace moho::fem {

using Reals = Kokkos::View<double*, MemorySpace>;
using ConstReals = Kokkos::View<double const*, MemorySpace>;
using Ints = Kokkos::View<std::int32_t*, MemorySpace>;
using ConstInts = Kokkos::View<std::int32_t const*, MemorySpace>;

enum class FormKind : std::int8_t {
  diffusion,  ///< integral of (k grad u) . grad v;  k scalar or a full tensor (row-major d x d)
  mass,       ///< integral of c u v (mass and reaction); with components > 1 on each of them
  advection,  ///< integral of (b . grad u) v;  b a vector. Not symmetric
  elasticity, ///< integral of lambda div u div v + 2 mu eps(u) : eps(v); components = dim
};
FormKind form_from_name(std::string_view name); ///< "poisson" = "diffusion", "mass", ..
char const* name(FormKind kind);

/// Where a coefficient lives; values are flat, `components` innermost.
enum class Where : std::int8_t {
  global,     ///< (components)
  cell,       ///< (cells, components)
  quadrature, ///< (cells, quadrature points of the form, components)
  nodal,      ///< (local nodes of the space, components), interpolated with the shape functions
};

struct Coefficient {
  Where where = Where::global;
  int components = 1; ///< 1; dim (advection); dim*dim (tensor diffusion); 2 (lambda, mu)
  ConstReals
      values; ///< empty: 1 everywhere (elasticity: lambda = 0, mu = 1/2 is NOT assumed: error)
};

struct Form {
  FormKind kind = FormKind::diffusion;
  int components = 1; ///< of the unknown per node: 1, 2, 3. Diffusion and mass act on each alike
  Coefficient coefficient;
  bool tensor = false;        ///< diffusion: the coefficient is a tensor, not assumed symmetric
  int quadrature_degree = -1; ///< -1: exact for affine cells and a coefficient constant in the
                              ///< cell; one more per degree of a nodal coefficient
  bool symmetric() const { return kind != FormKind::advection && !tensor; }
};

/// Lame parameters of Young's modulus E and Poisson's ratio nu: {lambda, mu}; plane strain in 2D.
struct Lame {
  double lambda = 0, mu = 0;
};
Lame lame(double young, double poisson);
/// lambda for plane stress: 2 lambda mu / (lambda + 2 mu).
Lame lame_plane_stress(double young, double poisson);

} // namespace moho::fem
