// SPDX-License-Identifier: BSD-3-Clause
// Dispersion as a function map (function_batch.hpp): from the features of a layered model to its
// fundamental Rayleigh curve, by a surrogate or by the solver itself.
#pragma once
#include "moho/dispersion/solve.hpp"
#include "moho/study/method.hpp"
#include "moho/study/parameters.hpp"
#include "moho/study/problem.hpp"
#include <memory>
#include <string>
#include <vector>

namespace moho::study {

/// A problem of task "function map" whose inputs carry the layered models themselves
/// (dispersion_arrays.hpp) beside their features. A capability.
class Layered {
public:
  virtual ~Layered() = default;
  virtual std::vector<double> const& periods() const = 0; ///< s, the same for every model
};

/// Phase velocities of the fundamental Rayleigh mode alone.
dispersion::SolveOptions fundamental_rayleigh_options();
/// These phase velocities, (models x periods), km/s; NaN where the solver gives none.
std::vector<double> const& fundamental_rayleigh(dispersion::Curves const& curves);

/// What `assess_function` finds (function_batch.hpp), and the error of phase velocities as
/// seismologists quote it, over all models and periods whose truth is known: phase_rel_mean,
/// phase_rel_p99, phase_rel_max (mean, 99 % quantile and largest of |c / truth - 1|),
/// phase_abs_mean, phase_abs_p99 (of |c - truth|, km/s). NaN where nothing is known or an answer is
/// NaN. Counter: curves, also quoted per second. Data: error/period, s; error/rel_mean and
/// error/rel_p99 (periods). `output` is (models, periods), both.
Assessment assess_curve_map(std::vector<double> const& periods, Batch const& truth,
                            Batch const& answers);
/// The names of the metrics.
std::vector<std::string> const& curve_map_metrics();

/// `rayleigh-solver`: moho's solver on the layers of a `Layered` problem, spread over the ranks:
/// what a surrogate has to be cheaper than. `tolerance`: as in SolveOptions.
std::vector<ParameterSpec> rayleigh_solver_parameters();
std::unique_ptr<Method> make_rayleigh_solver(Parameters const& parameters);

} // namespace moho::study
