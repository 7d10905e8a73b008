// SPDX-License-Identifier: BSD-3-Clause
// Tasks "function map" and "coefficient": the arrays that their problems ask and their methods
// answer with.
#pragma once
#include "moho/study/problem.hpp"
#include <string>
#include <vector>

namespace moho::study {

/// Inputs, (n, inputs): values of a function at nodes, features of a model. All a method may use.
inline constexpr char const* input_array = "input";
/// Answers and truth, (n, outputs). A truth that is not known is NaN.
inline constexpr char const* output_array = "output";
/// The task's name in the registry.
inline constexpr char const* function_map = "function map";

/// Of the task "coefficient", (n, N+1) each: nodal values in -w u'' = source or w u'''' = source.
inline constexpr char const* source_array = "source";
inline constexpr char const* solution_array = "solution";
/// Integers, (1): the order of the derivative, 2 or 4.
inline constexpr char const* derivative_array = "derivative";
/// Answer and truth, (1): w.
inline constexpr char const* coefficient_array = "coefficient";
/// The task's name in the registry.
inline constexpr char const* coefficient_fit = "coefficient";

/// What the items of a batch are: draws, or a basis over which sums are expectations for
/// coefficients of N(0, 1) (`Problem::sampled`).
enum class Items { samples, basis };

/// The names of what `assess_function` returns.
std::vector<std::string> const& function_metrics();

/// Compares the arrays `output`, (n, outputs) both: mse (mean square; per output and expected item
/// for a basis), rel_mse = sum|u-uhat|^2 / sum|u|^2, rel_l2 its root, mean_rel_l2 = the mean over
/// samples of |u-uhat| / |u| (not of a basis), of_mean = sum|u-uhat|^2 over that of the best
/// constant answer (which is 0 for a basis: below 1 beats it), linf the largest |u-uhat|. NaN where
/// nothing is known; a NaN answer to a known truth makes them NaN. Counters: items, unknown
/// (values).
Assessment assess_function(Batch const& truth, Batch const& answers, Items items = Items::samples);

} // namespace moho::study
