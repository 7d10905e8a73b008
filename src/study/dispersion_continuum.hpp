// SPDX-License-Identifier: BSD-3-Clause
// Models whose properties vary smoothly with depth, above a half-space; not for other modules.
#pragma once
#include "moho/dispersion/priors.hpp"
#include "moho/dispersion/solve.hpp"
#include <cstddef>
#include <string>
#include <vector>

namespace moho::study::detail {

/// What a layer takes from the depths that it spans.
enum class Sampling { midpoint, top };

enum class Profile {
  exponential, ///< vs = 2.5 + 2.2 (1 - exp(-z / 35 km)): that of dispersion-gradient
  linear       ///< vs = 2.5 + 0.021 z
};
inline constexpr double continuum_depth = 100; ///< km, top of the half-space, which continues vs

/// Properties at a depth z (km): km/s, km/s, g/cm3. vp = 1.75 vs, rho = 1.74 vp^0.25.
struct Medium {
  double vp, vs, rho;
};
Medium medium(Profile profile, double z);

/// The profile cut into equal homogeneous layers above the half-space: layers + 1 rows.
dispersion::OwnedModel layered(Profile profile, std::size_t layers, Sampling sampling);

/// Phase velocity of the fundamental mode of the profile itself, without layers: the surface
/// impedance by its Riccati equation, dS/dz = C - A'S - SA - SBS (Aki & Richards, 2002, eqs. 7.24
/// and 7.28 in matrix form), integrated upward from the half-space by Runge and Kutta's method of
/// order 4 in `steps` steps, and the velocity at which det S = 0 by bisection. The root is looked
/// for within 1e-3 of `guess` (km/s); NaN if there is none. Shares nothing with the solver.
double continuum_phase(Profile profile, dispersion::Wave wave, double period, double guess,
                       std::size_t steps);

} // namespace moho::study::detail
