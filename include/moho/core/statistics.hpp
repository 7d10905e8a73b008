// SPDX-License-Identifier: BSD-3-Clause
// Robust statistics of small samples, for timings and errors.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

namespace moho {

/// Quantile with linear interpolation between order statistics (type 7 of Hyndman & Fan, 1996).
/// NaN when the sample is empty or has a NaN. `probability` in [0, 1].
double quantile(std::span<double const> sample, double probability);

double median(std::span<double const> sample);

/// Median absolute deviation from the median, not scaled. NaN like `quantile`.
double median_absolute_deviation(std::span<double const> sample);

struct Interval {
  double low, high;
};

/// Percentile-bootstrap confidence interval of the median (Efron, 1979). Deterministic in `seed`.
/// One value gives a zero-width interval; an empty sample or a NaN gives NaN.
Interval bootstrap_median(std::span<double const> sample, double confidence = 0.95,
                          int resamples = 1000, std::uint64_t seed = 1);

} // namespace moho
