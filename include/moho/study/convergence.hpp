// SPDX-License-Identifier: BSD-3-Clause
// The rate at which an error falls along an axis, the range in which it holds, or why there is
// none.
#pragma once
#include <cstddef>
#include <span>
#include <string>

namespace moho::study {

/// Which way an axis is refined: up (nodes, samples) or down (step sizes, tolerances).
enum class Refine { up, down };

struct FitOptions {
  Refine refine = Refine::up;
  std::size_t least_points = 3; ///< distinct abscissas that a rate needs
  double confidence = 0.95;
  double floor = 0;    ///< errors at or below are not used: the truth's own uncertainty, round-off
  double widest = 0.5; ///< half-width of the interval past which there is no rate
};

/// error ~ constant * x^slope over points first .. last of the sorted abscissas.
struct RateFit {
  bool found = false;
  std::string reason;       ///< why there is no rate; "" if there is one
  double rate = 0;          ///< decrease under refinement: -slope (up) or slope (down); NaN if none
  double low = 0, high = 0; ///< confidence interval of the rate
  double constant = 0;
  double from = 0, to = 0; ///< abscissas of the range in which the fit holds
  std::size_t points = 0;  ///< used
};

/// Least squares of log(error) on log(x) over the longest range at the refined end in which a
/// straight line holds; points that left it (pre-asymptotic, on the floor) are not used. Values of
/// one abscissa (replicates) are pooled. Points in any order; x > 0.
/// No rate: fewer than `least_points` usable abscissas, errors that are zero, not finite or on the
/// floor, an interval wider than `widest`. Throws moho::Error when sizes differ or an x is not
/// positive and finite, or when there are fewer than two distinct abscissas.
RateFit fit_rate(std::span<double const> x, std::span<double const> error,
                 FitOptions const& options);

} // namespace moho::study
