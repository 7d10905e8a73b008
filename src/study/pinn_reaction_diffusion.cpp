// SPDX-License-Identifier: BSD-3-Clause
#include "pinn_reaction_diffusion.hpp"
#include "burgers_solver_fft.hpp"
#include "moho/core/error.hpp"
#include <algorithm>
#include <cmath>
#include <numbers>

namespace moho::study {
namespace {

/// The logistic equation over a time: decay = exp(-rho time).
void react(std::span<double> u, double decay) {
  for (double& value : u) value = value / (value + (1 - value) * decay);
}

} // namespace

std::vector<double> ReactionDiffusion::split(std::span<double const> start, double until,
                                             std::size_t times, std::size_t steps) const {
  MOHO_REQUIRE(times >= 2 && steps >= 1);
  RealTransform transform(start.size());
  const std::span<double> u = transform.values();
  std::copy(start.begin(), start.end(), u.begin());
  double const step = until / static_cast<double>((times - 1) * steps),
               decay = std::exp(-rho * step / 2);
  std::vector<double> fade;
  for (std::size_t k = 0; k <= start.size() / 2; ++k) {
    double const wave = 2 * std::numbers::pi * static_cast<double>(k) / length;
    fade.push_back(std::exp(-nu * wave * wave * step));
  }
  std::vector<double> found(start.begin(), start.end());
  for (std::size_t time = 1; time < times; ++time) {
    for (std::size_t i = 0; i < steps; ++i) {
      react(u, decay);
      transform.forward();
      for (std::size_t k = 0; k < fade.size(); ++k) {
        transform.modes()[2 * k] *= fade[k];
        transform.modes()[2 * k + 1] *= fade[k];
      }
      transform.backward();
      react(u, decay);
    }
    found.insert(found.end(), u.begin(), u.end());
  }
  return found;
}

std::vector<double> ReactionDiffusion::solve(std::span<double const> start, double until,
                                             std::size_t times, std::size_t steps) const {
  const std::vector<double> coarse = split(start, until, times, steps);
  std::vector<double> fine = split(start, until, times, 2 * steps);
  for (std::size_t i = 0; i < fine.size(); ++i) fine[i] += (fine[i] - coarse[i]) / 3;
  return fine;
}

std::vector<double> ReactionDiffusion::second_derivative(std::span<double const> u) const {
  RealTransform transform(u.size());
  std::copy(u.begin(), u.end(), transform.values().begin());
  transform.forward();
  for (std::size_t k = 0; k <= u.size() / 2; ++k) {
    double const wave = 2 * std::numbers::pi * static_cast<double>(k) / length;
    transform.modes()[2 * k] *= -wave * wave;
    transform.modes()[2 * k + 1] *= -wave * wave;
  }
  transform.backward();
  return {transform.values().begin(), transform.values().end()};
}

} // namespace moho::study
