// SPDX-License-Identifier: BSD-3-Clause
// Earth flattening: a spherical model replaced by a flat one with nearly, or exactly, its waves.
//
// With depth z below the surface r = a of the sphere (Biswas & Knopoff 1970; Biswas 1972; Schwab &
// Knopoff 1972, eqs 41, 44, 45, 102, 108, 109):
//   z_f = a ln(a / r),  v_f = v a / r,  rho_f = rho (r / a)^p,
//   Love p = 5: exact, for then k_f^2 a^2 = (l - 1)(l + 2) = (l + 1/2)^2 - 9/4;
//   Rayleigh p = 2.275: an approximation, the exponent being that of Computer Programs in
//   Seismology; k_f^2 a^2 = l (l + 1) = (l + 1/2)^2 - 1/4.
// On the sphere c = omega a / (l + 1/2) and U = a domega/dl, at the surface r = a; hence
//   c = c_f / f,  U = U_f f,  f^2 = 1 + q (c_f / (omega a))^2,  q = 9/4 (Love), 1/4 (Rayleigh).
//
// Within a layer of the sphere v and rho are constant, so v_f and rho_f vary: each layer is cut
// into parts, thinner near the surface, whose constant values are chosen so that the error falls
// with the third power of their thickness (flattening.cpp says how). The half-space keeps the
// values at its top, where the flattening ends: a model must reach as deep as its waves (repeat the
// last row as a layer to go deeper).
//
// Accuracy, measured against closed forms of spheres of the Earth's size, periods 15-100 s, default
// parts (tests/unit/dispersion/flattening_test.cpp): Love 2e-8 in a homogeneous sphere, 3e-7 with a
// crust, and 8 times less with half the thickness. Rayleigh: the approximation itself, which no
// cutting improves: c is off by 8e-5, 2.3e-4, 5.5e-4, 1e-3 at 20, 60, 150, 300 s where the flat
// model is off by 3e-3, 9e-3, 2.1e-2, 4e-2. The ellipticity is that of the flat model, as it
// stands.
#pragma once
#include "moho/dispersion/sensitivity.hpp"
#include "moho/dispersion/solve.hpp"

namespace moho::dispersion {

struct FlattenOptions {
  double radius = 6371; ///< km, of the surface
  double thickest = 10; ///< km, of the parts a layer is cut into
};

/// A flat stand-in of a spherical model for one wave.
struct FlatModel {
  std::vector<double> thickness, vp, vs, rho; ///< (parts) half-space last
  std::vector<std::size_t> row; ///< (parts) row of the spherical model each is cut from
  struct Part {
    double share, sample; ///< of the layer's thickness; where in it (0 .. 1) values are taken
  };
  std::vector<Part> part; ///< (parts but the half-space) how each was cut
  LayeredModel model() const { return {thickness, vp, vs, rho}; }
};

/// Why a model or the options cannot be flattened, as `PROBLEM (WHY) SUGGESTION`; empty if they
/// can. The model itself must be sound.
std::string problem_with_flattening(LayeredModel const& model, FlattenOptions const& options);

/// The flat stand-in of a sound model. Throws moho::Error with `problem_with_flattening`.
FlatModel flatten(LayeredModel const& model, Wave wave, FlattenOptions const& options);

/// The flat stand-ins of all cases; an unsound model is kept as it is.
ModelBatch flatten(ModelBatch const& batch, Wave wave, FlattenOptions const& options);

/// Velocities (km/s) at the surface of the sphere from those of the flat model at a period (s).
struct Velocities {
  double phase, group;
};
Velocities on_sphere(Velocities flat, Wave wave, double period, double radius);

/// Turns answers to flattened models into answers at the surface of the sphere: curves, and roots
/// of flags. `batch`: of either models, for its periods.
void to_sphere(Curves& curves, ModelBatch const& batch, FlattenOptions const& options);

/// Derivatives with respect to the rows of the spherical models, by the chain rule through the
/// transform and its cutting (exact, the number of parts held fixed). `points` and `flat`: roots
/// and answers of the flat models; `batch`: the spherical ones.
Sensitivities to_sphere(Sensitivities const& flat, std::vector<RootPoint> const& points,
                        ModelBatch const& batch, FlattenOptions const& options);

} // namespace moho::dispersion
