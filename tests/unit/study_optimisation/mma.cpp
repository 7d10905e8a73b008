// SPDX-License-Identifier: BSD-3-Clause
// MMA on the examples of its paper and on problems whose optimum is known in closed form.
#include "moho/study/mma.hpp"
#include "moho/core/error.hpp"
#include "moho/core/philox.hpp"
#include <algorithm>
#include <cmath>
#include <functional>
#include <gtest/gtest.h>

namespace moho::study {
namespace {

struct Values {
  double objective = 0;
  std::vector<double> objective_gradient, constraints, constraint_gradients;
};
using Model = std::function<Values(std::vector<double> const&)>;

struct Found {
  std::vector<double> x;
  double objective = 0, worst_residual = 0;
  MmaStep last;
};

Found optimum(Model const& model, std::vector<double> x, std::vector<double> lower,
              std::vector<double> upper, std::size_t m, int steps, MmaOptions options = {}) {
  Mma mma(std::move(lower), std::move(upper), m, options);
  Found found;
  for (int k = 0; k < steps; ++k) {
    Values const at = model(x);
    found.last = mma.step(x, at.objective_gradient, at.constraints, at.constraint_gradients);
    found.worst_residual = std::max(found.worst_residual, found.last.residual);
  }
  found.objective = model(x).objective;
  found.x = std::move(x);
  return found;
}

// Svanberg (1987), section 5.1: cantilever of five hollow boxes, weight under a bound on the tip.
Values cantilever(std::vector<double> const& x) {
  constexpr double c[5] = {61, 37, 19, 7, 1};
  Values v{0, std::vector<double>(5, 0.0624), {-1}, std::vector<double>(5)};
  for (std::size_t j = 0; j < 5; ++j) {
    v.objective += 0.0624 * x[j];
    v.constraints[0] += c[j] / (x[j] * x[j] * x[j]);
    v.constraint_gradients[j] = -3 * c[j] / (x[j] * x[j] * x[j] * x[j]);
  }
  return v;
}

TEST(Mma, CantileverOfThePaper) {
  Found const found = optimum(cantilever, std::vector<double>(5, 5), std::vector<double>(5, 1),
                              std::vector<double>(5, 10), 1, 30);
  // Published: weight 1.340, x = (6.01, 5.31, 4.49, 3.50, 2.15). Exact: stationarity gives
  // x_j ~ c_j^(1/4), scaled so that the constraint is tight.
  double const c[5] = {61, 37, 19, 7, 1};
  double scale = 0;
  for (double const cj : c) scale += std::pow(cj, 0.25);
  scale = std::cbrt(scale);
  for (std::size_t j = 0; j < 5; ++j)
    EXPECT_NEAR(found.x[j], scale * std::pow(c[j], 0.25), 1e-6) << j;
  EXPECT_NEAR(found.objective, 1.340, 5e-4);
  EXPECT_NEAR(found.x[0], 6.01, 0.01);
  EXPECT_NEAR(found.x[4], 2.15, 0.01);
  EXPECT_LT(found.worst_residual, 1e-11);
}

// Section 5.2: two-bar truss, thickness x0 and half width x1; both stress bounds.
Values two_bars(std::vector<double> const& x) {
  double const root = std::sqrt(1 + x[1] * x[1]), up = 8 / x[0] + 1 / (x[0] * x[1]),
               down = 8 / x[0] - 1 / (x[0] * x[1]), droot = x[1] / root;
  Values v;
  v.objective = x[0] * root;
  v.objective_gradient = {root, x[0] * droot};
  v.constraints = {0.124 * root * up - 1, 0.124 * root * down - 1};
  double const to_x0 = -1 / x[0], width = 1 / (x[0] * x[1] * x[1]);
  v.constraint_gradients = {0.124 * root * up * to_x0, 0.124 * (droot * up - root * width),
                            0.124 * root * down * to_x0, 0.124 * (droot * down + root * width)};
  return v;
}

TEST(Mma, TwoBarTrussOfThePaper) {
  Found const found = optimum(two_bars, {1.5, 0.5}, {0.2, 0.1}, {4, 1.6}, 2, 25);
  EXPECT_NEAR(found.objective, 1.51, 5e-3);
  EXPECT_NEAR(found.x[0], 1.41, 5e-3);
  EXPECT_NEAR(found.x[1], 0.38, 5e-3);
  EXPECT_NEAR(two_bars(found.x).constraints[0], 0, 1e-9); // tension binds
  EXPECT_LT(two_bars(found.x).constraints[1], -0.1);      // compression does not
  EXPECT_GT(found.last.multipliers[0], 0);
  EXPECT_EQ(found.last.multipliers[1], 0);
  EXPECT_LT(found.worst_residual, 1e-11);
}

// min |x - t|^2 with sum x <= s and sum w x <= r over a box: against the conditions of optimality.
TEST(Mma, ManyVariablesTwoActiveConstraints) {
  constexpr std::size_t n = 200;
  constexpr std::uint64_t seed = 20260211;
  std::vector<double> target(n), weight(n);
  for (std::size_t j = 0; j < n; ++j) {
    target[j] = Philox{seed, 0}.uniform(j, 0);
    weight[j] = 0.5 + Philox{seed, 1}.uniform(j, 0);
  }
  auto const model = [&](std::vector<double> const& x) {
    Values v{0, std::vector<double>(n), {-50, -48}, std::vector<double>(2 * n, 1.0)};
    for (std::size_t j = 0; j < n; ++j) {
      v.objective += (x[j] - target[j]) * (x[j] - target[j]);
      v.objective_gradient[j] = 2 * (x[j] - target[j]);
      v.constraints[0] += x[j];
      v.constraints[1] += weight[j] * x[j];
      v.constraint_gradients[n + j] = weight[j];
    }
    return v;
  };
  Found const found = optimum(model, std::vector<double>(n, 0.5), std::vector<double>(n, 0),
                              std::vector<double>(n, 1), 2, 200);
  auto const at = model(found.x);
  double const l0 = found.last.multipliers[0], l1 = found.last.multipliers[1];
  EXPECT_GT(l0 + l1, 0) << "seed " << seed;
  EXPECT_LE(std::max(at.constraints[0], at.constraints[1]), 1e-8);
  EXPECT_LE(std::abs(l0 * at.constraints[0]) + std::abs(l1 * at.constraints[1]), 1e-6);
  for (std::size_t j = 0; j < n; ++j) {
    double const best = std::clamp(target[j] - 0.5 * (l0 + l1 * weight[j]), 0.0, 1.0);
    EXPECT_NEAR(found.x[j], best, 2e-5) << j << ", seed " << seed;
  }
}

TEST(Mma, MovesNoFurtherThanAllowed) {
  MmaOptions options;
  options.move = 0.1;
  Mma mma({0, 0}, {1, 2}, 1, options);
  std::vector<double> x{0.5, 1};
  mma.step(x, std::vector<double>{1, -1}, std::vector<double>{-1}, std::vector<double>{0, 0});
  EXPECT_DOUBLE_EQ(x[0], 0.4);
  EXPECT_DOUBLE_EQ(x[1], 1.2);
}

// A constraint that cannot hold: the elastic price bounds the multiplier, the step goes towards it.
TEST(Mma, SurvivesAnInfeasibleConstraint) {
  Mma mma({0}, {1}, 1);
  std::vector<double> x{0.5};
  MmaStep const step =
      mma.step(x, std::vector<double>{1}, std::vector<double>{5}, std::vector<double>{-1});
  EXPECT_GT(x[0], 0.5);
  EXPECT_GT(step.multipliers[0], 1e4);
  EXPECT_LT(step.residual, 1e-9);
}

// The same optimum is not reached by a gradient that is wrong.
TEST(Mma, WrongGradientMissesTheOptimum) {
  auto const wrong = [](std::vector<double> const& x) {
    Values v = cantilever(x);
    v.constraint_gradients[0] *= 1.2;
    return v;
  };
  Found const found = optimum(wrong, std::vector<double>(5, 5), std::vector<double>(5, 1),
                              std::vector<double>(5, 10), 1, 30);
  EXPECT_GT(found.objective, 1.3400);
  EXPECT_GT(std::abs(found.x[0] - 6.016), 0.05);
}

TEST(Mma, RefusesWhatIsNotANumberOrARange) {
  EXPECT_THROW(Mma({0, 1}, {1, 1}, 1), Error);
  Mma mma({0}, {1}, 1);
  std::vector<double> x{0.5};
  std::vector<double> const bad{std::nan("")}, good{1}, value{-1};
  EXPECT_THROW(mma.step(x, bad, value, good), Error);
  EXPECT_THROW(mma.step(x, good, bad, good), Error);
  EXPECT_THROW(mma.step(x, good, value, bad), Error);
  EXPECT_EQ(x[0], 0.5);
}

} // namespace
} // namespace moho::study
