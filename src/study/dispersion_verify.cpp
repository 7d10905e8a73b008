// SPDX-License-Identifier: BSD-3-Clause
// What the solver must get right where the answer is known in closed form.
#include "moho/study/dispersion_arrays.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

namespace moho::study {
namespace {

using dispersion::Curves;
using dispersion::ModelBatch;
using dispersion::SolveOptions;
using dispersion::Wave;

constexpr std::array<double, 6> periods{2, 3.3, 5, 10, 20, 40};

/// A crust over a half-space: thickness h (km), velocities b1 < b2 (km/s), rigidities mu.
struct TwoLayers {
  double h = 35, b1 = 3.6, b2 = 4.6, rho1 = 2.8, rho2 = 3.3;

  ModelBatch batch() const {
    const std::array<double, 2> thickness{h, 0}, vs{b1, b2}, rho{rho1, rho2};
    const std::array<double, 2> vp{1.75 * b1, 1.75 * b2};
    ModelBatch models;
    models.append({thickness, vp, vs, rho}, periods);
    return models;
  }

  /// Trapped modes slower than c: one for each time that w h eta passes a multiple of pi.
  int count(double period) const {
    double const w = 2 * std::numbers::pi / period;
    return static_cast<int>(w * h / std::numbers::pi * std::sqrt(1 / (b1 * b1) - 1 / (b2 * b2))) +
           1;
  }

  /// The fundamental Love wave: tan(w h eta1) = mu2 eta2 / (mu1 eta1) (e.g. Aki & Richards, 7.6),
  /// by bisection of the form without poles.
  double phase(double period) const {
    double const w = 2 * std::numbers::pi / period;
    auto const misfit = [&](double c) {
      const double eta1 = std::sqrt(std::max(0.0, 1 / (b1 * b1) - 1 / (c * c)));
      const double eta2 = std::sqrt(std::max(0.0, 1 / (c * c) - 1 / (b2 * b2)));
      return rho1 * b1 * b1 * eta1 * std::sin(w * h * eta1) -
             rho2 * b2 * b2 * eta2 * std::cos(w * h * eta1);
    };
    // The first root lies where the angle is below pi/2.
    double const eta = std::numbers::pi / 2 / (w * h);
    double const square = 1 / (b1 * b1) - eta * eta;
    double low = b1, high = square > 1 / (b2 * b2) ? 1 / std::sqrt(square) : b2;
    for (int i = 0; i < 200 && low < high; ++i) {
      double const middle = low + (high - low) / 2;
      if (middle == low || middle == high) break;
      (misfit(middle) < 0 ? low : high) = middle;
    }
    return low + (high - low) / 2;
  }
};

/// Answers with the relative error `wrong` put in: 0 to check them, more for the controls.
double halfspace_error(SolveOptions const& options, double wrong) {
  // vp^2 = 3 vs^2: (c / vs)^2 = 2 - 2 / sqrt(3); no dispersion, so U = c.
  double const exact = std::sqrt(2 - 2 / std::sqrt(3.0));
  const std::array<double, 1> thickness{0}, vp{std::sqrt(3.0)}, vs{1}, rho{1};
  ModelBatch models;
  models.append({thickness, vp, vs, rho}, periods);
  const Curves curves = dispersion::solve(models, options);
  auto const& rayleigh = curves.wave[0];
  double error = 0;
  for (std::size_t p = 0; p < periods.size(); ++p)
    for (double const value : {rayleigh.phase[p], rayleigh.group[p]})
      error = std::fmax(error, std::isfinite(value) ? std::abs(value * (1 + wrong) - exact) / exact
                                                    : std::numeric_limits<double>::infinity());
  return error;
}

struct LoveErrors {
  double phase = 0;
  int count_mismatches = 0;
};

LoveErrors love_errors(SolveOptions const& options, double wrong_phase, int wrong_count) {
  const TwoLayers model;
  const Curves curves = dispersion::solve(model.batch(), options);
  auto const& love = curves.wave[1];
  LoveErrors errors;
  for (std::size_t p = 0; p < periods.size(); ++p) {
    double const exact = model.phase(periods[p]);
    double const value = love.phase[p] * (1 + wrong_phase);
    errors.phase =
        std::fmax(errors.phase, std::isfinite(value) ? std::abs(value - exact) / exact
                                                     : std::numeric_limits<double>::infinity());
    errors.count_mismatches += love.mode_count[p] + wrong_count != model.count(periods[p]);
  }
  return errors;
}

void append_checks(std::vector<Check>& checks, bool extended) {
  const std::string suffix = extended ? ".extended" : "";
  const std::string which = extended ? " (extended precision)" : "";
  SolveOptions options;
  options.extended_only = extended;
  const LoveErrors love = love_errors(options, 0, 0), perturbed = love_errors(options, 1e-9, 1);
  const Check halfspace{"halfspace_rayleigh" + suffix, halfspace_error(options, 0),
                        Relation::at_most, 1e-12,
                        "phase and group velocity of a half-space, relative error" + which};
  const Check phase{"two_layer_love_phase" + suffix, love.phase, Relation::at_most, 1e-11,
                    "fundamental Love wave of two layers, relative error" + which};
  const Check count{"two_layer_love_count" + suffix, static_cast<double>(love.count_mismatches),
                    Relation::equal, 0, "periods with a wrong number of trapped modes" + which};
  checks.push_back(halfspace);
  checks.push_back(control_of(halfspace, halfspace_error(options, 1e-9), "1e-9 more"));
  checks.push_back(phase);
  checks.push_back(control_of(phase, perturbed.phase, "1e-9 more"));
  checks.push_back(count);
  checks.push_back(control_of(count, perturbed.count_mismatches, "one mode more"));
}

} // namespace

std::vector<Check> closed_form_checks() {
  std::vector<Check> checks;
  append_checks(checks, false);
  append_checks(checks, true);
  return checks;
}

} // namespace moho::study
