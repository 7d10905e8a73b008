// SPDX-License-Identifier: BSD-3-Clause
#include "moho/core/statistics.hpp"
#include "moho/core/error.hpp"
#include "moho/core/philox.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace moho {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

bool unusable(std::span<double const> sample) {
  return sample.empty() ||
         std::any_of(sample.begin(), sample.end(), [](double v) { return std::isnan(v); });
}

/// Of a sorted, sound sample.
double sorted_quantile(std::vector<double> const& sorted, double probability) {
  double const position = probability * static_cast<double>(sorted.size() - 1);
  auto const below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  double const part = position - static_cast<double>(below);
  // Neither 0 x infinity nor infinity - infinity.
  if (part == 0 || sorted[below] == sorted[above]) return sorted[below];
  return sorted[below] + part * (sorted[above] - sorted[below]);
}

} // namespace

double quantile(std::span<double const> sample, double probability) {
  MOHO_REQUIRE(probability >= 0 && probability <= 1);
  if (unusable(sample)) return nan;
  std::vector<double> sorted(sample.begin(), sample.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted_quantile(sorted, probability);
}

double median(std::span<double const> sample) {
  return quantile(sample, 0.5);
}

double median_absolute_deviation(std::span<double const> sample) {
  double const centre = median(sample);
  std::vector<double> deviation(sample.size());
  std::transform(sample.begin(), sample.end(), deviation.begin(),
                 [centre](double v) { return std::abs(v - centre); });
  return median(deviation);
}

Interval bootstrap_median(std::span<double const> sample, double confidence, int resamples,
                          std::uint64_t seed) {
  MOHO_REQUIRE(confidence > 0 && confidence < 1 && resamples > 0);
  if (unusable(sample)) return {nan, nan};
  const Philox random{seed, 0};
  std::vector<double> medians(static_cast<std::size_t>(resamples)), draw(sample.size());
  for (std::size_t r = 0; r < medians.size(); ++r) {
    for (std::size_t i = 0; i < draw.size(); ++i) {
      double const u = random.uniform(r, static_cast<std::uint32_t>(i));
      draw[i] = sample[static_cast<std::size_t>(u * static_cast<double>(sample.size()))];
    }
    medians[r] = median(draw);
  }
  std::sort(medians.begin(), medians.end());
  double const tail = (1 - confidence) / 2;
  return {sorted_quantile(medians, tail), sorted_quantile(medians, 1 - tail)};
}

} // namespace moho
