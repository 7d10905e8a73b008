// SPDX-License-Identifier: BSD-3-Clause
// Derivatives of roots by differences in extended precision: an oracle that shares the forward
// functions with the solver, but nothing with the adjoint sweeps.
#pragma once
#include "moho/dispersion/sensitivity.hpp"
#include "verification/compare.hpp"

namespace moho::verification {

using dispersion::RootPoint;
using dispersion::Sensitivities;
using dispersion::SensitivityOptions;

/// The columns of a model, in the order of `dispersion::Gradient`.
enum class Parameter : int { thickness, vp, vs, rho };
inline constexpr std::array<Parameter, 4> all_parameters{Parameter::thickness, Parameter::vp,
                                                         Parameter::vs, Parameter::rho};
char const* name(Parameter parameter);
std::vector<double> const& column(dispersion::Gradient const& gradient, Parameter parameter);
std::vector<double>& column(dispersion::Gradient& gradient, Parameter parameter);

/// Derivatives of phase velocity, group velocity and ellipticity (Rayleigh; else 0).
struct RootSlopes {
  double phase, group, ellipticity;
};

/// By central differences of re-solved roots with Richardson's extrapolation; every step is a
/// Newton iteration in DoubleDouble from the unperturbed root. `layer` counts from the surface.
RootSlopes differences(dispersion::LayeredModel const& model, Wave wave, double period,
                       double phase, Parameter parameter, std::size_t layer);

/// Largest deviation from the oracle over all layers and parameters, as the change that a relative
/// change of the parameter makes, each column in units of its largest entry (of 1e-3 of the
/// quantity itself where all entries are smaller).
struct GradientErrors {
  double phase = 0, group = 0, ellipticity = 0;
};
GradientErrors against_differences(ModelBatch const& batch, RootPoint const& point,
                                   Sensitivities const& found, std::size_t index);

/// The points of a solved batch that have a root, wave by wave; at most `most`, evenly spread.
std::vector<RootPoint> roots_of(ModelBatch const& batch, Curves const& curves,
                                std::size_t most = static_cast<std::size_t>(-1));

} // namespace moho::verification
