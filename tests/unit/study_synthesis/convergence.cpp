// SPDX-License-Identifier: BSD-3-Clause
// Rates of deterministic errors: what is found, in which range, and what is refused.
#include "moho/study/convergence.hpp"
#include "support/errors.hpp"
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <vector>

namespace moho::study {
namespace {

using Values = std::vector<double>;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

Values of(Values const& x, double (*error)(double)) {
  Values result(x.size());
  std::transform(x.begin(), x.end(), result.begin(), error);
  return result;
}

Values const doublings{8, 16, 32, 64, 128, 256, 512, 1024};

void expect_no_rate(RateFit const& fit, std::string const& word) {
  EXPECT_FALSE(fit.found) << fit.rate << " in " << fit.from << " .. " << fit.to;
  EXPECT_NE(fit.reason.find(word), std::string::npos) << fit.reason;
  EXPECT_TRUE(std::isnan(fit.rate) && std::isnan(fit.low) && std::isnan(fit.high));
  EXPECT_TRUE(std::isnan(fit.constant) && std::isnan(fit.from) && std::isnan(fit.to));
  EXPECT_EQ(fit.points, 0u);
}

TEST(Convergence, PowerLawsAreExact) {
  for (double rate : {0.25, 0.5, 1.0, 2.0, 4.0, 6.0, 8.0}) {
    Values error;
    for (double x : doublings) error.push_back(3 * std::pow(x, -rate));
    RateFit const fit = fit_rate(doublings, error, {});
    ASSERT_TRUE(fit.found) << fit.reason;
    EXPECT_NEAR(fit.rate, rate, 1e-12);
    EXPECT_NEAR(fit.constant, 3, 1e-11);
    EXPECT_LT(fit.high - fit.low, 1e-11);
    EXPECT_EQ(fit.from, 8);
    EXPECT_EQ(fit.to, 1024);
    EXPECT_EQ(fit.points, 8u);
    EXPECT_EQ(fit.reason, "");
  }
}

TEST(Convergence, RefinementDownCountsFallingSteps) {
  Values const h{0.1, 0.05, 0.025, 0.0125};
  Values const error = of(h, [](double v) { return 2 * v * v * v; });
  RateFit const fit = fit_rate(h, error, {.refine = Refine::down});
  ASSERT_TRUE(fit.found) << fit.reason;
  EXPECT_NEAR(fit.rate, 3, 1e-12);
  EXPECT_NEAR(fit.constant, 2, 1e-11);
  EXPECT_EQ(fit.from, 0.0125);
  EXPECT_EQ(fit.to, 0.1);
  // Read the wrong way round, the same errors grow.
  expect_no_rate(fit_rate(h, error, {}), "grow");
}

TEST(Convergence, OrderOfThePointsDoesNotMatter) {
  Values const x{64, 8, 32, 16, 8, 64, 32, 16};
  Values error;
  for (std::size_t i = 0; i < x.size(); ++i)
    error.push_back(std::pow(x[i], -2) * (1 + 0.01 * static_cast<double>(i % 3)));
  RateFit const one = fit_rate(x, error, {});
  Values const reversed_x(x.rbegin(), x.rend()), reversed(error.rbegin(), error.rend());
  RateFit const other = fit_rate(reversed_x, reversed, {});
  ASSERT_TRUE(one.found) << one.reason;
  EXPECT_EQ(one.points, 4u);
  EXPECT_EQ(one.rate, other.rate); // bit for bit
  EXPECT_EQ(one.low, other.low);
  EXPECT_EQ(one.constant, other.constant);
}

TEST(Convergence, IntervalIsStudents) {
  // Residuals 1, -2, 1 times d over ln 2 steps: RSS = 6 d^2, one degree of freedom, t = 12.7062.
  double const d = 1e-3, step = std::log(2.0);
  Values const x{1, 2, 4};
  Values const error{std::exp(d), std::exp(-2 * d - step), std::exp(d - 2 * step)};
  RateFit const fit = fit_rate(x, error, {});
  ASSERT_TRUE(fit.found) << fit.reason;
  EXPECT_NEAR(fit.rate, 1, 1e-12);
  double const half = 12.706204736174694 * std::sqrt(6 * d * d / (2 * step * step));
  EXPECT_NEAR(fit.high - fit.rate, half, 1e-9);
  EXPECT_NEAR(fit.rate - fit.low, half, 1e-9);
  // Two degrees of freedom, 99 %: t = 9.92484; the residuals are 1, -1, -1, 1.
  Values const four{1, 2, 4, 8};
  Values const errors{std::exp(d), std::exp(-d - step), std::exp(-d - 2 * step),
                      std::exp(d - 3 * step)};
  RateFit const other = fit_rate(four, errors, {.confidence = 0.99});
  EXPECT_NEAR(other.high - other.rate,
              9.924843200918294 * std::sqrt(4 * d * d / 2 / (5 * step * step)), 1e-9);
}

// Bends at the coarse end, a floor at the fine end: the range between them is what is quoted.
TEST(Convergence, RangeBetweenBendAndRoundOff) {
  Values const x{2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192};
  Values const error = of(
      x, [](double v) { return 1 / (1 + std::pow(v / 8, 4)) + 1e-10 * (1 + 0.3 * std::sin(v)); });
  RateFit const fit = fit_rate(x, error, {});
  ASSERT_TRUE(fit.found) << fit.reason;
  EXPECT_NEAR(fit.rate, 4, 0.05);
  EXPECT_GE(fit.from, 16); // the bend is at 8
  EXPECT_LE(fit.from, 64);
  EXPECT_GE(fit.to, 512); // 1e-10 is reached at 2500
  EXPECT_LE(fit.to, 1024);
  EXPECT_LE(fit.low, 4);
  EXPECT_GE(fit.high, 3.9);
}

TEST(Convergence, RoundOffThatGrowsIsLeft) {
  Values const x{8, 16, 32, 64, 128, 256, 512};
  Values const error =
      of(x, [](double v) { return 0.1 * std::pow(v, -6) + 1e-16 * v * v; }); // second differences
  RateFit const fit = fit_rate(x, error, {});
  ASSERT_TRUE(fit.found) << fit.reason;
  EXPECT_NEAR(fit.rate, 6, 0.1);
  EXPECT_EQ(fit.from, 8);
  EXPECT_EQ(fit.to, 32);
}

// Measured (finite differences of order 6 of sin 6 pi x): round-off of the other sign comes first
// as errors that fall too fast.
TEST(Convergence, RoundOffThatHelpsIsLeft) {
  Values const x{16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512};
  Values const error{8.361e-4, 8.167e-5,  1.591e-5,  1.500e-6,  2.732e-7, 2.434e-8,
                     4.350e-9, 3.829e-10, 6.803e-11, 5.650e-12, 4.368e-13};
  RateFit const fit = fit_rate(x, error, {});
  ASSERT_TRUE(fit.found) << fit.reason;
  EXPECT_NEAR(fit.rate, 6, 0.05);
  EXPECT_EQ(fit.to, 384);
  // The same far above round-off is no floor, and the fine end counts.
  Values large = error;
  for (double& e : large) e *= 1e6;
  expect_no_rate(fit_rate(x, large, {}), "faster and faster");
}

TEST(Convergence, AGivenFloorIsLeft) {
  // Stagnates at 1e-5, far above round-off: no rate by itself, but one above a floor that is known.
  Values const error = of(doublings, [](double v) { return v < 300 ? 1 / (v * v) : 1e-5; });
  FitOptions options;
  expect_no_rate(fit_rate(doublings, error, options), "stop falling");
  options.floor = 1e-5;
  RateFit const fit = fit_rate(doublings, error, options);
  ASSERT_TRUE(fit.found) << fit.reason;
  EXPECT_NEAR(fit.rate, 2, 1e-10);
  EXPECT_EQ(fit.to, 256);
}

// Table `fd_parameter` of the spec: |w - k| / k of the fit with a centred stencil of order q.
TEST(Convergence, FiniteDifferenceTable) {
  Values const n{16, 32, 64, 128};
  RateFit const second =
      fit_rate(n, Values{1.3999630094e-4, 3.5178477929e-5, 8.8193854341e-6, 2.2080853598e-6}, {});
  ASSERT_TRUE(second.found) << second.reason;
  EXPECT_NEAR(second.rate, 2, 0.01);
  EXPECT_EQ(second.points, 4u);

  // Local rates 1.86, 1.93, 1.97: the coarsest point is still on its way.
  RateFit const eighth =
      fit_rate(n, Values{1.9918335894e-3, 5.50372574e-4, 1.4445664482e-4, 3.6990212631e-5}, {});
  ASSERT_TRUE(eighth.found) << eighth.reason;
  EXPECT_NEAR(eighth.rate, 1.95, 0.02);
  EXPECT_EQ(eighth.from, 32);
  EXPECT_GE(eighth.high, 2);

  RateFit const fourth =
      fit_rate(n, Values{3.816865668e-7, 2.6198799796e-8, 1.7089725191e-9, 1.0900436109e-10}, {});
  ASSERT_TRUE(fourth.found) << fourth.reason;
  EXPECT_NEAR(fourth.rate, 4, 0.1);
  EXPECT_LE(fourth.low, 4);
  EXPECT_GE(fourth.high, 4);

  RateFit const sixth = fit_rate(
      n, Values{3.1143083667e-9, 6.7311822782e-11, 1.2093659407e-12, 2.0206059048e-14}, {});
  ASSERT_TRUE(sixth.found) << sixth.reason;
  EXPECT_NEAR(sixth.rate, 5.85, 0.1);
  EXPECT_EQ(sixth.from, 32);
  EXPECT_GE(sixth.high, 6);

  // In double precision N = 128 is round-off, and N = 64 is near it: two points are no rate.
  expect_no_rate(fit_rate(n, Values{3.11e-9, 6.73e-11, 1.6e-12, 8.0e-12}, {}), "round-off");
}

TEST(Convergence, ExponentialConvergenceIsNoPowerLaw) {
  Values const wide{4, 8, 16, 32};
  expect_no_rate(fit_rate(wide, of(wide, [](double n) { return std::exp(-n); }), {}),
                 "faster and faster");
  Values const narrow{100, 105, 110, 115, 120, 125, 130}; // nearly straight, but steeply bent
  expect_no_rate(fit_rate(narrow, of(narrow, [](double n) { return std::exp(-0.1 * n); }), {}),
                 "faster and faster");
  // With the round-off that ends it, too.
  Values const all{4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48};
  expect_no_rate(
      fit_rate(all, of(all, [](double n) { return std::exp(-n) + 1e-15 * (2 + std::sin(n)); }), {}),
      "faster and faster");
}

TEST(Convergence, NoRateWithoutFallingErrors) {
  expect_no_rate(fit_rate(doublings, Values(8, 0.25), {}), "do not fall");
  expect_no_rate(fit_rate(doublings, Values(8, 0.0), {}), "exact");
  expect_no_rate(fit_rate(doublings, Values(8, nan), {}), "8 not finite");
  expect_no_rate(fit_rate(doublings, Values(8, 1e-13), {.floor = 1e-12}), "8 on the floor");
  // Round-off of answers that are exact: it grows with the number of nodes.
  expect_no_rate(fit_rate(doublings, of(doublings, [](double v) { return 1e-16 * v * v; }), {}),
                 "round-off");
}

TEST(Convergence, TooFewPoints) {
  Values const two{16, 32};
  expect_no_rate(fit_rate(two, Values{1, 0.25}, {}), "2 usable points");
  // A gap ends the range: what lies before it is not the refined end.
  expect_no_rate(fit_rate(doublings, Values{1, 0.25, 0.06, 0.015, nan, 1e-3, 2e-4, nan}, {}),
                 "2 usable points");
  // Unless what lies after it is enough.
  RateFit const fit = fit_rate(
      doublings, Values{1, 1. / 4, 1. / 16, 0, 1. / 256, 1. / 1024, 1. / 4096, 1. / 16384}, {});
  ASSERT_TRUE(fit.found) << fit.reason;
  EXPECT_EQ(fit.from, 128);
  // Two points fix a line, but no interval.
  expect_no_rate(fit_rate(two, Values{1, 0.25}, {.least_points = 2}), "degree of freedom");
  EXPECT_TRUE(
      fit_rate(Values{16, 16, 32, 32}, Values{1, 1.01, 0.25, 0.249}, {.least_points = 2}).found);
}

TEST(Convergence, AWideIntervalIsNoRate) {
  Values const x{16, 32, 64, 128};
  Values const error{1, 0.22, 0.16, 0.03};
  expect_no_rate(fit_rate(x, error, {}), "scattered");
  EXPECT_TRUE(fit_rate(x, error, {.widest = 2}).found);
}

TEST(Convergence, MisuseIsNamed) {
  auto const message = [](Values const& x, Values const& error) -> std::string {
    return moho::test::error_of([&] { fit_rate(x, error, {}); });
  };
  EXPECT_NE(message({16}, {1}).find("at least two"), std::string::npos);
  EXPECT_NE(message({16, 16}, {1, 2}).find("at least two"), std::string::npos);
  EXPECT_NE(message({}, {}).find("at least two"), std::string::npos);
  EXPECT_NE(message({16, -32}, {1, 2}).find("-32 as abscissa"), std::string::npos);
  EXPECT_NE(message({0, 32}, {1, 2}).find("0 as abscissa"), std::string::npos);
  EXPECT_NE(message({nan, 32}, {1, 2}).find("nan as abscissa"), std::string::npos);
  EXPECT_NE(message({16, 32}, {1}).find("2 abscissas and 1 errors"), std::string::npos);
}

TEST(Convergence, AnErrorThatStaysHasNoRate) {
  const std::vector<double> x{20, 25, 48, 100};
  std::vector<double> error;
  for (double const n : x) error.push_back(0.2218146640 * (1 - 2e-14 * std::log(n)));
  const RateFit fit = fit_rate(x, error, {});
  EXPECT_FALSE(fit.found);
  EXPECT_NE(fit.reason.find("do not fall"), std::string::npos) << fit.reason;
}

} // namespace
} // namespace moho::study
