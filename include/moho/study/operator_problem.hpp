// SPDX-License-Identifier: BSD-3-Clause
// Problems of differential operators with known solutions (arXiv 2506.15199); the registry names
// them.
#pragma once
#include "moho/study/batch.hpp"
#include "moho/study/parameters.hpp"
#include "moho/study/problem.hpp"
#include "moho/study/registry.hpp"
#include <memory>
#include <string>
#include <vector>

namespace moho::study {

/// `operator-1d`: f at the nodes i / N -> u at the nodes, for f in a function space
/// (operator_space.hpp). Its items are the basis (draws "expectation") or random combinations
/// ("samples"). It is `Probed` and a `BoundaryValueProblem`. Inputs hold `coefficients` (n, basis)
/// beside `input`, training draws with noise also `label_noise` (n, N+1), which `truth` adds.
/// Probe metrics beside those of function maps: see `assess_probe`.
std::vector<ParameterSpec> operator_1d_parameters();
std::vector<std::string> const& operator_1d_metrics();
std::unique_ptr<Problem> make_operator_1d(Parameters const& parameters, Environment const&);

/// `poisson-2d`: -k (u_xx + u_yy) = f on the unit square, u = 0 at its edge, f in the span of
/// sin(i pi x) sin(j pi y), i <= p, j <= q ("sin2x3"), on (N+1)^2 nodes, x slowest.
std::vector<ParameterSpec> poisson_2d_parameters();
std::unique_ptr<Problem> make_poisson_2d(Parameters const& parameters, Environment const&);

/// `coefficient-1d`, task "coefficient" (function_batch.hpp): terms of lower order are known and
/// stand in the source already. Metrics: coefficient_rel = (w-k)/k, coefficient_rel_abs,
/// coefficient_of_trivial: its error over that of the one-mode guess |source| / (pi^d |solution|),
/// NaN where the guess is exact.
std::vector<ParameterSpec> coefficient_1d_parameters();
std::vector<std::string> const& coefficient_1d_metrics();
std::unique_ptr<Problem> make_coefficient_1d(Parameters const& parameters, Environment const&);

} // namespace moho::study
