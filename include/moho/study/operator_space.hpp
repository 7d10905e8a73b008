// SPDX-License-Identifier: BSD-3-Clause
// Function spaces of arXiv 2506.15199 on the nodes i / N: poly, sin, cos with p, and finite
// elements.
#pragma once
#include "moho/study/boundary_value.hpp"
#include "moho/study/problem.hpp"
#include <string>
#include <vector>

namespace moho::study {

/// A span of known functions, with independent coefficients of N(0, 1).
struct FunctionSpace {
  Space space; ///< elements "x^2", "sin3", "cos1", "hat0/24"
  std::vector<BasisFunction> basis;
};

/// "poly3": 1, x, x^2, x^3. "sin3", "cos3": modes 1 to 3 of sin(i pi x), cos(i pi x). "fem": one
/// hat for each of the N+1 nodes (it also holds 1 and x). Throws moho::Error for an unknown name,
/// and for more functions than the nodes tell apart: p > N (poly, cos), p >= N (sin).
FunctionSpace function_space(std::string const& name, std::size_t intervals);

/// The 25 of the paper's matrix: poly1 .. poly8, sin1 .., cos1 .., fem.
std::vector<std::string> const& published_spaces();

} // namespace moho::study
