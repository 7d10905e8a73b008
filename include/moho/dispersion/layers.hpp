// SPDX-License-Identifier: BSD-3-Clause
// What the secular functions need to know of a model: per-layer constants, in scaled units.
#pragma once
#include "moho/core/double_double.hpp"
#include "moho/core/kokkos.hpp"

namespace moho::dispersion {

/// Constants of a solid layer (or the half-space) in a precision S. With mu = rho vs^2 and
/// M = rho vp^2 = lambda + 2 mu; stresses are divided by the wavenumber.
template <class S>
struct SolidLayer {
  S thickness;
  S inv_vp2, inv_vs2; ///< 1/vp^2, 1/vs^2
  S gap, inv_gap;     ///< 1/vs^2 - 1/vp^2 and its inverse
  S a, b;             ///< 1/mu, 1/M
  S e;                ///< lambda/M
  S zeta;             ///< 4 mu (lambda + mu)/M
  S rho, mu;
  S ab2, sum, sum_c2, squares, squares_c2; ///< of the clamped count, see rayleigh.hpp
};

/// Constants of a fluid layer.
template <class S>
struct FluidLayer {
  S thickness, inv_vp2, rho;
};

/// A model as the kernels read it: fluids from the surface down, solids from the sea floor down;
/// the last solid is the half-space.
template <class S>
struct LayerView {
  FluidLayer<S> const* fluid;
  SolidLayer<S> const* solid;
  int fluids, solids;
};

template <class S>
KOKKOS_INLINE_FUNCTION SolidLayer<S> make_solid(S h, S vp, S vs, S rho) {
  SolidLayer<S> l;
  const S vp2 = vp * vp, vs2 = vs * vs, one(1.0);
  const S ratio = vs2 / vp2;
  l.thickness = h;
  l.inv_vp2 = one / vp2;
  l.inv_vs2 = one / vs2;
  // (vp - vs)(vp + vs) keeps the gap exact where the two come close
  l.gap = (vp - vs) * (vp + vs) / (vp2 * vs2);
  l.inv_gap = one / l.gap;
  l.mu = rho * vs2;
  l.a = one / l.mu;
  l.b = one / (rho * vp2);
  l.e = one - S(2.0) * ratio;
  l.zeta = S(4.0) * l.mu * (one - ratio);
  l.rho = rho;
  l.ab2 = S(2.0) * l.a * l.b;
  l.sum = l.a + l.b;
  l.sum_c2 = S(2.0) * (l.b * l.inv_vs2 + l.a * l.inv_vp2);
  l.squares = S(2.0) * (l.a * l.a + l.b * l.b);
  l.squares_c2 = S(2.0) * (l.b * l.b * l.inv_vs2 + l.a * l.a * l.inv_vp2);
  return l;
}

template <class S>
KOKKOS_INLINE_FUNCTION FluidLayer<S> make_fluid(S h, S vp, S rho) {
  return {h, S(1.0) / (vp * vp), rho};
}

} // namespace moho::dispersion
