// SPDX-License-Identifier: BSD-3-Clause
// `burgers-1d`: solver and truth. What it has in common with others: draws.cpp.
#include "burgers.hpp"
#include "dataset_items.hpp"
#include "support.hpp"
#include <cmath>

namespace moho::study::test {
namespace {

using parallel::Comm;

std::vector<double> rough(std::size_t points, std::uint64_t item) {
  return PeriodicField({25, 5, 2}, 60, true).draw({7, 0}, item, points);
}

TEST(BurgersSolver, MeetsTheSeriesAndRejectsAnotherViscosity) {
  const std::vector<double> exact = cole_hopf_sine(128, 0.3, 1, 0.05, 0.4);
  std::vector<double> start;
  for (int i = 0; i < 128; ++i) start.push_back(0.3 + std::sin(2 * std::numbers::pi * i / 128));
  EXPECT_LT(relative_distance(BurgersSolver(128, 0.05, 0.4, 800)(start), exact), 1e-11);
  EXPECT_GT(relative_distance(BurgersSolver(128, 0.0500001, 0.4, 800)(start), exact), 1e-8);
}

// Two closed forms that share no step but the substitution: a Bessel series, a transform.
TEST(BurgersSolver, ClosedFormsAgree) {
  std::vector<double> start;
  for (int i = 0; i < 64; ++i) start.push_back(-0.2 + std::sin(2 * std::numbers::pi * i / 64));
  const ColeHopf transform = cole_hopf(start, 0.1, 0.3);
  EXPECT_LT(relative_distance(transform.values, cole_hopf_sine(64, -0.2, 1, 0.1, 0.3)), 1e-13);
  EXPECT_NEAR(transform.exponent, 2 / (4 * std::numbers::pi * 0.1), 1e-12);
}

TEST(BurgersSolver, LeavingOutFadedModesChangesNothing) {
  for (double const nu : {0.1, 0.01, 0.002})
    for (std::uint64_t item = 0; item < 3; ++item) {
      const std::vector<double> start = rough(1024, item);
      const std::vector<double> all =
          BurgersSolver(1024, nu, 0.5, 1000, TimeScheme::etdrk4, Resolution::constant)(start);
      EXPECT_LT(relative_distance(BurgersSolver(1024, nu, 0.5, 1000)(start), all), 1e-12) << nu;
    }
}

// A smooth start on few points at first, which steepens: the modes come back.
TEST(BurgersSolver, TakesUpModesAgainWhereAFrontForms) {
  const std::vector<double> start = [] {
    std::vector<double> u;
    for (int i = 0; i < 1024; ++i) u.push_back(std::sin(2 * std::numbers::pi * i / 1024));
    return u;
  }();
  const std::vector<double> exact = cole_hopf_sine(1024, 0, 1, 0.008, 0.3),
                            found = BurgersSolver(1024, 0.008, 0.3, 3000)(start);
  EXPECT_LT(relative_distance(found, exact), 1e-9);
}

TEST(BurgersSolver, SaysWhenItOverflows) {
  const std::string message = error_of([] { BurgersSolver(256, 1e-5, 1, 3)(rough(256, 0)); });
  EXPECT_TRUE(names(message, {"overflows", "3 time steps", "problem.time_steps"}));
}

TEST(BurgersSolver, IsOfFourthOrderOnSmoothStarts) {
  const std::vector<double> exact = cole_hopf_sine(64, 0.5, 1, 0.05, 0.5);
  std::vector<double> start;
  for (int i = 0; i < 64; ++i) start.push_back(0.5 + std::sin(2 * std::numbers::pi * i / 64));
  auto const error = [&](std::size_t steps) {
    return relative_distance(BurgersSolver(64, 0.05, 0.5, steps)(start), exact);
  };
  for (const std::size_t steps : {16u, 32u, 64u})
    EXPECT_NEAR(std::log2(error(steps) / error(2 * steps)), 4, 0.35) << steps;
}

TEST(Burgers, SubsamplingKeepsEachSoManyThPoint) {
  auto const coarse = problem("burgers-1d", small_burgers()),
             fine = problem("burgers-1d", with(small_burgers(), "s", std::int64_t{64}));
  for (bool const output : {false, true}) {
    auto const row = [&](Problem const& p) {
      return output ? answers(p, Split::train, 2, 1, Comm::self()) : inputs(p, Split::train, 2, 1);
    };
    EXPECT_EQ(row(*coarse), each(row(*fine), 4));
  }
}

// Modes belong to the item, not to the grid: on twice the grid the same field with more of them.
TEST(Burgers, FinerGridsSeeTheSameFlow) {
  Settings fine = with(small_burgers(), "grid", std::int64_t{1024});
  auto const a = problem("burgers-1d", small_burgers()), b = problem("burgers-1d", fine);
  EXPECT_LT(relative_distance(answers(*a, Split::test, 0, 2, Comm::self()),
                              answers(*b, Split::test, 0, 2, Comm::self())),
            1e-6);
  auto const drifting = problem("burgers-1d", with(small_burgers(), "constant", true));
  const std::vector<double> still = inputs(*a, Split::test, 0, 1),
                            moving = inputs(*drifting, Split::test, 0, 1);
  for (std::size_t i = 0; i < still.size(); ++i)
    EXPECT_NEAR(moving[i] - still[i], moving[0] - still[0], 1e-13);
  EXPECT_GT(std::abs(moving[0] - still[0]), 1e-3);
}

TEST(Burgers, UncertaintyFallsWithTheSteps) {
  auto const uncertainty = [](std::int64_t steps, std::int64_t refine) {
    auto const p =
        problem("burgers-1d", with(with(small_burgers(), "time_steps", steps), "refine", refine));
    return p->truth(p->draw(Split::test, 0, 2), Comm::self()).reals("uncertainty").at(0);
  };
  double const few = uncertainty(20, 2), many = uncertainty(80, 2);
  EXPECT_LT(many, few / 4);
  EXPECT_GT(many, 0);
  EXPECT_TRUE(std::isnan(uncertainty(20, 0)));
}

// Too few steps to be true: the check against the transform must say so.
TEST(Burgers, ChecksRejectACrudeTruth) {
  const std::vector<Check> checks =
      problem("burgers-1d", with(small_burgers(), "time_steps", std::int64_t{3}))->verify(Comm());
  bool found = false;
  for (Check const& check : checks)
    if (check.name == "burgers_drawn") {
      found = true;
      EXPECT_FALSE(check.pass()) << check.value;
    }
  EXPECT_TRUE(found);
}

TEST(Gaussian, SpectrumOfThePeriodicField) {
  const PeriodicField field({25, 5, 2}, 50, false), other({25, 5, 2}, 50, true);
  // sum 2 * 625 / ((2 pi k)^2 + 25)^2, and 625 / 25^2 of the constant.
  double sum = 0;
  for (int k = 1; k <= 50; ++k)
    sum += 1250 / std::pow(std::pow(2 * std::numbers::pi * k, 2) + 25, 2);
  EXPECT_NEAR(field.covariance(0), sum, 1e-14);
  EXPECT_NEAR(other.covariance(0), sum + 1, 1e-14);
  EXPECT_LT(field.covariance(0.5), 0);
  double mean = 0;
  for (double const u : field.draw({1, 0}, 0, 128)) mean += u / 128;
  EXPECT_NEAR(mean, 0, 1e-14);
}

} // namespace
} // namespace moho::study::test
