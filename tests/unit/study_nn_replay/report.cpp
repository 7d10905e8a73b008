// SPDX-License-Identifier: BSD-3-Clause
// How errors are measured, and what makes a report fail. The command itself: tests/regression/nn.
#include "nn_replay_detail.hpp"
#include <gtest/gtest.h>
#include <limits>

namespace study = moho::study;
using study::replaying::relative_error;

namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

study::ReplayReport sound() {
  study::ReplayReport report;
  report.datasets = {{"/loss", "loss", 1e-13, 1e-12}, {"/grad/a", "grad", 1e-10, 1e-10}};
  return report;
}

} // namespace

TEST(relative_error, is_that_of_the_largest_entry) {
  EXPECT_DOUBLE_EQ(relative_error({1, 2.5, -4}, {1, 2, -4}), 0.125);
  EXPECT_EQ(relative_error({1, 2}, {1, 2}), 0);
  EXPECT_EQ(relative_error({}, {}), 0);
}

TEST(relative_error, is_absolute_for_tiny_values_and_where_told) {
  EXPECT_DOUBLE_EQ(relative_error({3e-13}, {1e-13}), 2e-13);
  EXPECT_DOUBLE_EQ(relative_error({3e-12}, {2e-12}), 0.5);
  EXPECT_DOUBLE_EQ(relative_error({12}, {10}, true), 2);
}

TEST(relative_error, takes_equal_values_that_are_not_finite) {
  EXPECT_EQ(relative_error({infinite, not_a_number, 1}, {infinite, not_a_number, 1}), 0);
  EXPECT_EQ(relative_error({infinite, 3}, {infinite, 2}), 0.5);
  for (auto const& [a, b] : {std::pair{infinite, 1.0},
                             {1.0, infinite},
                             {not_a_number, 1.0},
                             {1.0, not_a_number},
                             {infinite, -infinite}})
    EXPECT_EQ(relative_error({a, 1}, {b, 1}), infinite);
}

TEST(replay_report, passes_at_its_limits) {
  EXPECT_TRUE(sound().passed());
  EXPECT_EQ(sound().compared(), 2u);
}

TEST(replay_report, fails_beyond_a_limit_or_without_a_comparison) {
  for (double const error : {2e-10, not_a_number, infinite}) {
    auto report = sound();
    report.datasets[1].error = error;
    EXPECT_FALSE(report.passed());
    EXPECT_EQ(report.compared(), 2u);
  }
  auto report = sound();
  report.datasets[1].problem = "it cannot be recomputed";
  EXPECT_FALSE(report.passed());
  EXPECT_EQ(report.compared(), 1u);
}

TEST(replay_report, fails_where_the_two_ways_differ) {
  auto report = sound();
  report.routes = study::replay_routes_limit;
  EXPECT_TRUE(report.passed());
  for (double const error : {2 * study::replay_routes_limit, not_a_number, infinite}) {
    report.routes = error;
    EXPECT_FALSE(report.passed());
  }
}
