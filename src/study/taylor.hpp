// SPDX-License-Identifier: BSD-3-Clause
// Is a gradient that of its function?
#pragma once
#include "moho/study/problem.hpp"
#include <functional>
#include <span>
#include <vector>

namespace moho::study {

/// Two claims with their controls, of a gradient at x along a direction. `gradient_fd`: it agrees
/// with central differences, extrapolated from steps h and h / 2 (error of order h^4), to 1e-7
/// relative. `taylor_slope`: the remainder |f(x + e d) - f(x) - e g.d| falls as e^2 (slope 2.00 +-
/// 0.05 over e = h/4, .., h/32). Eight evaluations.
std::vector<Check> derivative_checks(std::function<double(std::span<double const>)> const& f,
                                     std::vector<double> const& x,
                                     std::vector<double> const& direction, double value,
                                     std::vector<double> const& gradient, double h);

} // namespace moho::study
