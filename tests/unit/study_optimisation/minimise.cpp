// SPDX-License-Identifier: BSD-3-Clause
// TAO behind spans: Rosenbrock's valley on one rank and spread over all, bounds, failures.
#include "moho/parallel/minimise.hpp"
#include "moho/core/error.hpp"
#include <cmath>
#include <gtest/gtest.h>

namespace moho::parallel {
namespace {

/// Sum of 100 (b - a^2)^2 + (1 - a)^2 over pairs (a, b) of this rank.
double valley(std::span<double const> x, std::span<double> gradient) {
  double sum = 0;
  for (std::size_t i = 0; i + 1 < x.size(); i += 2) {
    double const a = x[i], b = x[i + 1], gap = b - a * a;
    sum += 100 * gap * gap + (1 - a) * (1 - a);
    gradient[i] = -400 * a * gap - 2 * (1 - a);
    gradient[i + 1] = 200 * gap;
  }
  return sum;
}

TEST(Minimise, FindsTheFloorOfTheValleyByEachType) {
  for (char const* type : {"lmvm", "blmvm", "bncg"}) {
    std::vector<double> x{-1.2, 1};
    MinimiseOptions options;
    options.type = type;
    options.gradient = 1e-10;
    const MinimiseReport report = minimise(Comm::self(), valley, x, options);
    EXPECT_TRUE(report.converged) << type << ' ' << report.reason;
    EXPECT_NEAR(x[0], 1, 1e-6) << type;
    EXPECT_NEAR(x[1], 1, 1e-6) << type;
    EXPECT_GT(report.iterations, 5) << type;
    EXPECT_GE(report.evaluations, report.iterations) << type;
    ASSERT_FALSE(report.history.empty());
    EXPECT_NEAR(report.history.front(), 24.2, 1e-12) << type;
    EXPECT_EQ(report.history.back(), report.value) << type;
  }
}

TEST(Minimise, RemembersAsManyPairsAsItIsTold) {
  for (char const* type : {"lmvm", "blmvm"}) {
    auto const iterations = [&](int memory) {
      std::vector<double> x;
      for (int i = 0; i < 40; ++i) x.push_back(i % 2 == 0 ? -1 - 0.02 * i : 1 + 0.01 * i);
      MinimiseOptions options;
      options.type = type;
      options.gradient = 1e-10;
      options.memory = memory;
      return minimise(Comm::self(), valley, x, options).iterations;
    };
    EXPECT_NE(iterations(1), iterations(30)) << type;
    EXPECT_EQ(iterations(0), iterations(5)) << type; // TAO's own choice
  }
}

TEST(Minimise, WorksOnAVectorThatIsSpreadOverRanks) {
  const Comm comm;
  std::vector<double> x{-1.2, 1, 0.5, static_cast<double>(comm.rank())};
  auto const f = [&](std::span<double const> at, std::span<double> gradient) {
    return comm.sum(valley(at, gradient));
  };
  MinimiseOptions options;
  options.gradient = 1e-10;
  const MinimiseReport report = minimise(comm, f, x, options);
  EXPECT_TRUE(report.converged) << report.reason;
  for (double const value : x) EXPECT_NEAR(value, 1, 1e-5);
}

TEST(Minimise, EndsAtTheValueAskedForOrSaysThatItDidNot) {
  std::vector<double> x{-1.2, 1};
  MinimiseOptions options;
  options.value = 1;
  MinimiseReport report = minimise(Comm::self(), valley, x, options);
  EXPECT_TRUE(report.converged);
  EXPECT_LE(report.value, 1);
  EXPECT_GT(report.value, 1e-8);
  x = {-1.2, 1};
  options.value = 0;
  options.iterations = 3;
  report = minimise(Comm::self(), valley, x, options);
  EXPECT_FALSE(report.converged);
  EXPECT_NE(report.reason.find("MAXITS"), std::string::npos) << report.reason;
}

TEST(Minimise, KeepsBounds) {
  std::vector<double> x{-1.2, 1};
  const std::vector<double> lower{-2, -2}, upper{0.5, 2};
  MinimiseOptions options;
  options.type = "blmvm";
  options.gradient = 1e-10;
  options.lower = lower;
  options.upper = upper;
  minimise(Comm::self(), valley, x, options);
  EXPECT_NEAR(x[0], 0.5, 1e-10);
  EXPECT_NEAR(x[1], 0.25, 1e-6);
}

TEST(Minimise, PassesOnWhatTheObjectiveThrows) {
  std::vector<double> x{1};
  auto const fails = [](std::span<double const>, std::span<double>) -> double {
    throw Error("no such design");
  };
  try {
    minimise(Comm::self(), fails, x);
    ADD_FAILURE() << "nothing was thrown";
  } catch (Error const& error) {
    EXPECT_STREQ(error.what(), "no such design");
  }
  std::vector<double> again{-1.2, 1}; // and works again afterwards
  EXPECT_NO_THROW(minimise(Comm::self(), valley, again));
}

TEST(Minimise, RefusesUnknownTypesAndOptions) {
  std::vector<double> x{-1.2, 1};
  MinimiseOptions options;
  options.type = "gradient-descend";
  EXPECT_THROW(minimise(Comm::self(), valley, x, options), Error);
  options.type = "lmvm";
  options.petsc = {{"tao_lmvm_memroy", "3"}};
  EXPECT_THROW(minimise(Comm::self(), valley, x, options), Error);
}

} // namespace
} // namespace moho::parallel
