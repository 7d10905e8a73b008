// SPDX-License-Identifier: BSD-3-Clause
// Ellipticity of Rayleigh waves from the minors at the top of the solids, and whether to trust it.
#pragma once
#include "moho/dispersion/rayleigh.hpp"
#include <cmath>

namespace moho::dispersion {

/// u_x/u_z at the top of the solids, positive where retrograde: of the two solutions that decay
/// below, the combination without shear traction (z points down, hence the sign).
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T surface_ellipticity(Minors<T> const& m) {
  return -(m.m13 / m.m23);
}

/// How far the minors at the top of the solids are from those of a mode, 0 to 1. The combination
/// that meets the other surface condition, P u_z = u t_zz with `u` and `P` of the fluid above (1
/// and 0 without one), has u_x/u_z = -(m14 u - m12 P)/(m13 u); both are one at a root F = m34 u +
/// m23 P = 0, since m13^2 + m14 m23 + m12 m34 = 0 (Pluecker).
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T surface_mismatch(Minors<T> const& m, T u, T P) {
  const T F = m.m34 * u + m.m23 * P;
  return abs(m.m12 * F) / (abs(u) * m.m13 * m.m13 + abs(m.m23 * (m.m14 * u - m.m12 * P)));
}

/// What tells whether a one-sided ellipticity can be trusted. A mode of a buried channel hardly
/// moves the surface: the least error of c changes the ratio of minors there (leverage), or, where
/// the channel is deeper still, drowns the mode altogether (mismatch).
struct EllipticityTrust {
  double leverage; ///< |c dE/dc| of `surface_ellipticity` at fixed period
  double mismatch; ///< `surface_mismatch`
};

/// Whether a one-sided ellipticity is good to 1e-10 and its derivatives to 1e-8, in units of max(1,
/// |E|), for numbers with a relative error `noise`. The value feels the noise times the leverage,
/// its derivatives (sums of terms that each are as large as the leverage) times its square.
KOKKOS_INLINE_FUNCTION bool trustworthy(EllipticityTrust const& t, double ellipticity,
                                        double noise) {
  double const size = std::fabs(ellipticity), leverage = size > 1 ? t.leverage / size : t.leverage;
  return leverage * leverage * noise < 1e-8 && t.mismatch * (size < 1 ? size : 1.0) < 1e-10;
}

} // namespace moho::dispersion
