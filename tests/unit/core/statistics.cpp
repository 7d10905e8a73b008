// SPDX-License-Identifier: BSD-3-Clause
#include "moho/core/statistics.hpp"
#include "moho/core/philox.hpp"
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <vector>

namespace moho {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

TEST(Statistics, MedianOfOddAndEvenSamples) {
  EXPECT_EQ(median(std::vector<double>{3, 1, 2}), 2);
  EXPECT_EQ(median(std::vector<double>{4, 1, 3, 2}), 2.5);
  EXPECT_EQ(median(std::vector<double>{5}), 5);
}

TEST(Statistics, QuantileInterpolatesLikeNumpy) { // numpy.quantile, method "linear"
  const std::vector<double> sample{15, 20, 35, 40, 50};
  EXPECT_DOUBLE_EQ(quantile(sample, 0.4), 29);
  EXPECT_DOUBLE_EQ(quantile(sample, 0.05), 16);
  EXPECT_EQ(quantile(sample, 0), 15);
  EXPECT_EQ(quantile(sample, 1), 50);
}

TEST(Statistics, QuantileKeepsTheSampleAndBearsInfinity) {
  std::vector<double> sample{infinity, 1, 2};
  EXPECT_EQ(quantile(sample, 0.5), 2);
  EXPECT_EQ(quantile(sample, 1), infinity);
  EXPECT_EQ(sample[0], infinity);
}

TEST(Statistics, DeviationIgnoresAnOutlier) {
  EXPECT_EQ(median_absolute_deviation(std::vector<double>{1, 1, 2, 2, 4, 6, 9}), 1);
  EXPECT_EQ(median_absolute_deviation(std::vector<double>{1, 2, 3, 4, 1e9}), 1);
}

TEST(Statistics, EmptyOrNaNGivesNaN) {
  const std::vector<double> empty, bad{1, nan, 3};
  for (auto const& sample : {empty, bad}) {
    EXPECT_TRUE(std::isnan(median(sample)));
    EXPECT_TRUE(std::isnan(quantile(sample, 1)));
    EXPECT_TRUE(std::isnan(median_absolute_deviation(sample)));
    EXPECT_TRUE(std::isnan(bootstrap_median(sample).low));
    EXPECT_TRUE(std::isnan(bootstrap_median(sample).high));
  }
}

TEST(Statistics, ProbabilityOutsideItsRangeIsADefect) {
  const std::vector<double> sample{1, 2};
  EXPECT_THROW(quantile(sample, 1.5), std::logic_error);
  EXPECT_THROW(quantile(sample, nan), std::logic_error);
}

TEST(Statistics, BootstrapIsDeterministicAndEnclosesTheMedian) {
  const std::vector<double> sample{1.0, 1.1, 0.9, 1.2, 0.8, 1.05};
  const Interval a = bootstrap_median(sample), b = bootstrap_median(sample);
  EXPECT_EQ(a.low, b.low);
  EXPECT_EQ(a.high, b.high);
  EXPECT_LE(a.low, median(sample));
  EXPECT_GE(a.high, median(sample));
  EXPECT_LT(a.low, a.high);
  const Interval one = bootstrap_median(std::vector<double>{2});
  EXPECT_EQ(one.low, 2);
  EXPECT_EQ(one.high, 2);
}

TEST(Statistics, BootstrapCoversTheTrueMedianAsOftenAsItSays) {
  const Philox random{11, 0};
  int covered = 0;
  int const trials = 400;
  for (int t = 0; t < trials; ++t) {
    std::vector<double> sample;
    for (std::uint32_t i = 0; i < 25; ++i)
      sample.push_back(random.normal(static_cast<std::uint64_t>(t), i));
    const Interval interval = bootstrap_median(sample, 0.9, 300, static_cast<std::uint64_t>(t));
    covered += interval.low <= 0 && interval.high >= 0;
  }
  EXPECT_NEAR(static_cast<double>(covered) / trials, 0.9, 0.06);
}

} // namespace
} // namespace moho
