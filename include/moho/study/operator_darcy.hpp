// SPDX-License-Identifier: BSD-3-Clause
// `darcy-operator`: from a piecewise constant coefficient to the solution of a diffusion equation.
// Training data for neural operators (Li et al., "Fourier neural operator for parametric partial
// differential equations", ICLR 2021, section 5.2 and appendix A.3). The problem `darcy` of
// darcy.hpp is another one: lognormal coefficients on a few squares, answered by finite elements.
#pragma once
#include "moho/study/parameters.hpp"
#include "moho/study/problem.hpp"
#include "moho/study/registry.hpp"
#include <memory>
#include <vector>

namespace moho::study {

/// `darcy-operator`, task "function map":
///
///   -div(a grad u) = 1 on the unit square, u = 0 on its edge;  a -> u.
///
/// Both are values at (i, j) / (s - 1), x slowest, edge included; solved on `grid` x `grid` nodes,
/// of which each (grid - 1) / (s - 1)-th is kept: 421 gives s = 421, 211, 141, 106, 85, .. a is
/// `high` where g >= 0 and `low` elsewhere (12 and 3),
///
///   g = sum_{(k, l) != (0, 0)} tau^(alpha - 1) (pi^2 (k^2 + l^2) + tau^2)^(-alpha/2) xi_kl c_k(x)
///   c_l(y),
///
/// k, l < `cosines` (0: as many as nodes along a side), c_0 = 1, c_k = sqrt(2) cos(pi k x), xi N(0,
/// 1): N(0, (-Laplace + 9)^-2) with zero normal derivative for alpha = 2, tau = 3, but for the
/// factor tau^(alpha-1), of which a knows nothing. Five-point differences, faces by the arithmetic
/// mean, as in the public script. That one evaluates g at the centres of grid x grid cells, carries
/// a to the nodes by cubic splines, which overshoot at its jumps, and u back; here g is evaluated
/// at the nodes, and a has its two values alone.
///
/// Item i of a split depends on (seed, split, i) alone. Truth is the solution of the difference
/// equations on `grid`, which jumps of a make a first-order answer to the differential one;
/// uncertainty: a bound of the error of the linear solver, relative in L2, the largest of all
/// items. `Gridded`.
std::vector<ParameterSpec> darcy_operator_parameters();
std::unique_ptr<Problem> make_darcy_operator(Parameters const& parameters, Environment const&);

} // namespace moho::study
