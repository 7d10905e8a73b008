// SPDX-License-Identifier: BSD-3-Clause
#include "taylor.hpp"
#include "moho/study/replicated.hpp"
#include <cmath>

namespace moho::study {
namespace {

/// Least-squares slope of log2 |remainder| over steps h, h/2, ..
double slope_of(std::vector<double> const& remainders) {
  double const n = static_cast<double>(remainders.size()), middle = (n - 1) / 2;
  double above = 0, below = 0;
  for (std::size_t k = 0; k < remainders.size(); ++k) {
    double const at = static_cast<double>(k) - middle;
    above -= at * std::log2(std::abs(remainders[k]));
    below += at * at;
  }
  return above / below;
}

} // namespace

std::vector<Check> derivative_checks(std::function<double(std::span<double const>)> const& f,
                                     std::vector<double> const& x,
                                     std::vector<double> const& direction, double value,
                                     std::vector<double> const& gradient, double h) {
  auto const at = [&](double step) {
    std::vector<double> moved = x;
    for (std::size_t i = 0; i < x.size(); ++i) moved[i] += step * direction[i];
    return f(moved);
  };
  auto const central = [&](double step) { return (at(step) - at(-step)) / (2 * step); };
  double const coarse = central(h), fine = central(h / 2);
  double const difference = fine + (fine - coarse) / 3; // Richardson
  double const exact = dot(gradient, direction);
  auto const error = [&](double scale) { return std::abs(scale * exact / difference - 1); };
  std::vector<double> right, wrong;
  for (int k = 2; k <= 5; ++k) {
    double const step = h / (1 << k), change = at(step) - value;
    right.push_back(change - step * exact);
    wrong.push_back(change - step * exact * 1.01);
  }
  const Check fd{"gradient_fd", error(1), Relation::at_most, 1e-7,
                 "the adjoint gradient agrees with central differences"};
  const Check taylor{"taylor_slope", std::abs(slope_of(right) - 2), Relation::at_most, 0.05,
                     "the remainder without the first order falls with slope 2"};
  return {fd, control_of(fd, error(1 + 1e-6), "a gradient that is a millionth too large"), taylor,
          control_of(taylor, std::abs(slope_of(wrong) - 2), "a gradient that is 1 % too large")};
}

} // namespace moho::study
