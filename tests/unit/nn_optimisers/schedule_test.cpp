// SPDX-License-Identifier: BSD-3-Clause
// Schedules and clipping against torch; curricula.
#include "moho/core/error.hpp"
#include "moho/nn/schedule.hpp"
#include "torch_text.hpp"
#include <gtest/gtest.h>
#include <limits>

namespace moho::nn {
namespace {

using Kind = Schedule::Kind;

std::vector<double> rates(Schedule const& schedule, std::size_t n, std::int64_t first = 0) {
  std::vector<double> out;
  for (std::size_t k = 0; k < n; ++k)
    out.push_back(learning_rate(schedule, first + static_cast<std::int64_t>(k)));
  return out;
}

TEST(Schedule, FollowsTorch) {
  TorchText const torch = read_torch_text("schedules");
  Schedule const step{.kind = Kind::step, .base = 0.3, .period = 7, .factor = 0.5};
  Schedule const cosine{.kind = Kind::cosine, .base = 0.3, .period = 30, .last = 1e-6};
  Schedule const warm{.base = 0.3, .warm_up = 8};
  EXPECT_LT(relative_difference(rates(step, 30), torch.first("step")), 1e-14);
  EXPECT_LT(relative_difference(rates(cosine, 30), torch.first("cosine")), 1e-14);
  EXPECT_LT(relative_difference(rates(warm, 30), torch.first("warm_up")), 1e-14);
  // Negative: a period or a warm-up that is one off.
  Schedule wrong = step;
  wrong.period = 8;
  EXPECT_GT(relative_difference(rates(wrong, 30), torch.first("step")), 1e-2);
  wrong = cosine;
  wrong.period = 29;
  EXPECT_GT(relative_difference(rates(wrong, 30), torch.first("cosine")), 1e-3);
  wrong = warm;
  wrong.warm_up = 7;
  EXPECT_GT(relative_difference(rates(wrong, 30), torch.first("warm_up")), 1e-2);
}

TEST(Schedule, WarmsUpInFrontOfAny) {
  for (Kind kind : {Kind::constant, Kind::step, Kind::cosine}) {
    Schedule plain{.kind = kind, .base = 0.1, .period = 5, .factor = 0.1, .last = 0.01};
    Schedule warm = plain;
    warm.warm_up = 4;
    EXPECT_EQ(rates(warm, 20, 4), rates(plain, 20));
    for (int k = 0; k < 4; ++k) EXPECT_DOUBLE_EQ(learning_rate(warm, k), 0.1 * (k + 1) / 4);
  }
  Schedule const cosine{.kind = Kind::cosine, .base = 0.1, .period = 5, .last = 0.01};
  EXPECT_DOUBLE_EQ(learning_rate(cosine, 0), 0.1);
  EXPECT_DOUBLE_EQ(learning_rate(cosine, 5), 0.01);
  EXPECT_DOUBLE_EQ(learning_rate(cosine, 1000000), 0.01);
}

TEST(Schedule, NonsenseIsRefused) {
  double const nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_NO_THROW(check(Schedule{}));
  EXPECT_NO_THROW(check({.kind = Kind::step, .period = 3}));
  for (Schedule const& wrong :
       {Schedule{.kind = Kind::step}, Schedule{.kind = Kind::cosine}, Schedule{.base = -1},
        Schedule{.base = nan}, Schedule{.kind = Kind::cosine, .period = 3, .last = nan},
        Schedule{.kind = Kind::step, .period = 3, .factor = -1}, Schedule{.warm_up = -1}})
    EXPECT_THROW(check(wrong), Error);
}

TEST(Clip, FollowsTorch) {
  TorchText const torch = read_torch_text("schedules");
  FlatSums const sums(9);
  for (std::vector<double> const& expected : torch.all("clip")) {
    FlatArray<double> const gradient = flat<double>(torch.first("clip_gradient"));
    double const norm = clip_by_norm(ExecutionSpace(), sums, gradient, expected[0]);
    EXPECT_NEAR(norm, expected[1], 1e-15 * norm);
    std::vector<double> const clipped(expected.begin() + 2, expected.end());
    EXPECT_LT(relative_difference(plain(gradient), clipped), 1e-15) << expected[0];
    if (norm < expected[0]) continue;
    // Negative: without the 1e-6 in the denominator.
    std::vector<double> other = torch.first("clip_gradient");
    for (double& x : other) x *= expected[0] / norm;
    EXPECT_GT(relative_difference(other, clipped), 1e-8);
  }
}

TEST(Clip, LeavesWhatIsNotFinite) {
  FlatSums const sums(3);
  double const inf = std::numeric_limits<double>::infinity();
  FlatArray<double> const gradient = flat<double>({1, inf, 3});
  EXPECT_EQ(clip_by_norm(ExecutionSpace(), sums, gradient, 0.1), inf);
  EXPECT_EQ(plain(gradient), (std::vector<double>{1, inf, 3}));
}

TEST(Curriculum, RaisesToTheTarget) {
  Curriculum const curriculum{.first = 0, .increment = 0.05, .target = 1, .inner_steps = 10};
  EXPECT_EQ(curriculum.stages(), 21);
  EXPECT_EQ(curriculum.value(0), 0);
  EXPECT_DOUBLE_EQ(curriculum.value(7), 0.35);
  EXPECT_EQ(curriculum.value(20), 1); // exactly
  EXPECT_EQ(curriculum.value(99), 1);
  EXPECT_EQ(curriculum.stage_of(0), 0);
  EXPECT_EQ(curriculum.stage_of(9), 0);
  EXPECT_EQ(curriculum.stage_of(10), 1);
  EXPECT_EQ(curriculum.stage_of(1000000), 20);
  // A target between two raises is reached by a shorter last one; one below, by going down.
  Curriculum const uneven{.first = 0, .increment = 0.3, .target = 1};
  EXPECT_EQ(uneven.stages(), 5);
  EXPECT_DOUBLE_EQ(uneven.value(3), 0.9);
  EXPECT_EQ(uneven.value(4), 1);
  Curriculum const down{.first = 1, .increment = -0.5, .target = 0};
  EXPECT_EQ(down.stages(), 3);
  EXPECT_EQ((Curriculum{.first = 2, .increment = 0, .target = 2}).stages(), 1);
}

TEST(Curriculum, GoesOnWhenSolvedOrSpent) {
  Curriculum const curriculum{.first = 0, .increment = 0.5, .target = 1, .inner_steps = 10};
  EXPECT_EQ(curriculum.next(0, 3, false), 0);
  EXPECT_EQ(curriculum.next(0, 3, true), 1);
  EXPECT_EQ(curriculum.next(0, 10, false), 1);
  EXPECT_EQ(curriculum.next(2, 10, false), 3); // all done
  EXPECT_EQ(curriculum.next(3, 0, true), 3);
}

TEST(Curriculum, OneThatLeadsNowhereIsRefused) {
  for (double increment : {0.0, -0.1})
    EXPECT_THROW((Curriculum{.first = 0, .increment = increment, .target = 1}).stages(), Error);
}

} // namespace
} // namespace moho::nn
