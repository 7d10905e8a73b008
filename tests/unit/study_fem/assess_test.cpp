// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/field_batch.hpp"
#include <cmath>
#include <gtest/gtest.h>
#include <limits>

namespace moho::study::test {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

double metric(Assessment const& assessment, std::string const& name) {
  for (Metric const& one : assessment.metrics)
    if (one.name == name) return one.value;
  ADD_FAILURE() << name;
  return nan;
}

Batch values(std::vector<double> const& all) {
  Batch batch(all.size());
  batch.set(value_array, "", all, {all.size(), 1});
  return batch;
}

Batch points(std::size_t n) {
  Batch batch(n);
  batch.set(point_array, "", std::vector<double>(2 * n), {n, 2});
  return batch;
}

TEST(AssessField, NormsAtPointsAndOverTheDomain) {
  Batch answers = values({1, 2, 3.5});
  set_norms(answers, {0.5, 2, 4, 8, 9});
  const Assessment found = assess_field(points(3), values({1, 2, 3}), answers);
  EXPECT_DOUBLE_EQ(metric(found, "point_rel_l2"), 0.5 / std::sqrt(14.0));
  EXPECT_DOUBLE_EQ(metric(found, "point_linf"), 0.5);
  EXPECT_DOUBLE_EQ(metric(found, "of_mean"), 0.25 / 2);
  EXPECT_DOUBLE_EQ(metric(found, "l2_error"), 0.5);
  EXPECT_DOUBLE_EQ(metric(found, "h1_error"), 2);
  EXPECT_DOUBLE_EQ(metric(found, "rel_l2"), 0.125);
  EXPECT_DOUBLE_EQ(metric(found, "rel_h1"), 0.25);
  EXPECT_DOUBLE_EQ(metric(found, "largest"), 9);
  ASSERT_EQ(found.metrics.size(), field_metrics().size());
  for (std::size_t i = 0; i < found.metrics.size(); ++i)
    EXPECT_EQ(found.metrics[i].name, field_metrics()[i]);
}

TEST(AssessField, TheMeanIsNoBetterThanTheMean) {
  const Assessment found = assess_field(points(3), values({1, 2, 3}), values({2, 2, 2}));
  EXPECT_DOUBLE_EQ(metric(found, "of_mean"), 1);
  EXPECT_TRUE(std::isnan(metric(found, "l2_error")));
}

TEST(AssessField, WhatIsNotKnownIsNotANumber) {
  const Assessment none = assess_field(points(2), values({nan, nan}), values({1, 2}));
  for (char const* name : {"point_rel_l2", "point_linf", "of_mean"})
    EXPECT_TRUE(std::isnan(metric(none, name))) << name;
  EXPECT_EQ(none.counters.back().value, 2);
  const Assessment wrong = assess_field(points(2), values({1, 2}), values({1, nan}));
  for (char const* name : {"point_rel_l2", "point_linf", "of_mean"})
    EXPECT_TRUE(std::isnan(metric(wrong, name))) << name;
}

} // namespace
} // namespace moho::study::test
