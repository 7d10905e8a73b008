// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/dispersion_trivial.hpp"

namespace moho::study {
namespace {

constexpr double share = 0.92; // of the shear velocity: Rayleigh's wave of a half-space

struct Mean {
  double vs = 0, thickness = 0; ///< of the solid layers above the half-space
};

Mean mean_of(dispersion::LayeredModel const& model) {
  Mean mean;
  double sum = 0;
  for (std::size_t i = 0; i < model.layers(); ++i) {
    if (model.vs[i] == 0) continue; // water
    sum += model.thickness[i] * model.vs[i];
    mean.thickness += model.thickness[i];
  }
  mean.vs = mean.thickness > 0 ? sum / mean.thickness : model.vs.back();
  return mean;
}

} // namespace

double trivial_velocity(dispersion::LayeredModel const& model) {
  return share * mean_of(model).vs;
}

std::vector<double> trivial_kernel(dispersion::LayeredModel const& model, std::string const& name) {
  std::vector<double> kernel(model.layers(), 0.0);
  if (name.rfind("dE", 0) == 0) return kernel;
  const Mean mean = mean_of(model);
  if (mean.thickness == 0) {
    if (name.substr(3) == "dvs") kernel.back() = share;
    return kernel;
  }
  for (std::size_t i = 0; i + 1 < kernel.size(); ++i) {
    if (model.vs[i] == 0) continue;
    if (name.substr(3) == "dvs") kernel[i] = share * model.thickness[i] / mean.thickness;
    if (name.substr(3) == "dh") kernel[i] = share * (model.vs[i] - mean.vs) / mean.thickness;
  }
  return kernel;
}

} // namespace moho::study
