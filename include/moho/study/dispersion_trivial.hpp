// SPDX-License-Identifier: BSD-3-Clause
// The trivial answer that everything must beat: a half-space of the mean shear velocity.
#pragma once
#include "moho/dispersion/model.hpp"
#include <string>
#include <vector>

namespace moho::study {

/// 0.92 of the mean vs (km/s), weighted by thickness over the solid layers; of the half-space's
/// where there are none. Phase and group velocity alike.
double trivial_velocity(dispersion::LayeredModel const& model);

/// u_x/u_z of a half-space with vp^2 = 3 vs^2.
inline constexpr double trivial_ellipticity = 0.6812;

/// The derivatives of these answers by layer, by name of the kernel (`kernel_names`); exact.
std::vector<double> trivial_kernel(dispersion::LayeredModel const& model, std::string const& name);

} // namespace moho::study
