// SPDX-License-Identifier: BSD-3-Clause
#include "moho/parallel/rounds.hpp"
#include <algorithm>
#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <limits>
#include <numeric>
#include <random>
#include <stdexcept>

using moho::parallel::balanced_partition;
using moho::parallel::RoundSchedule;
using Offsets = std::vector<std::size_t>;

namespace {

double makespan(std::vector<double> const& costs, std::vector<double> const& speeds,
                Offsets const& offsets) {
  double longest = 0;
  for (std::size_t r = 0; r < speeds.size(); ++r) {
    double cost = 0;
    for (std::size_t i = offsets[r]; i < offsets[r + 1]; ++i) cost += costs[i];
    longest = std::max(longest, cost / speeds[r]);
  }
  return longest;
}

// The least makespan over all contiguous partitions, by trying them all.
double best_makespan(std::vector<double> const& costs, std::vector<double> const& speeds) {
  double best = std::numeric_limits<double>::infinity();
  Offsets offsets(speeds.size() + 1, 0);
  offsets.back() = costs.size();
  std::function<void(std::size_t)> const place = [&](std::size_t r) {
    if (r == speeds.size()) {
      best = std::min(best, makespan(costs, speeds, offsets));
      return;
    }
    for (std::size_t i = offsets[r - 1]; i <= costs.size(); ++i) {
      offsets[r] = i;
      place(r + 1);
    }
  };
  place(1);
  return best;
}

void expect_sound(Offsets const& offsets, std::size_t ranks, std::size_t first, std::size_t last) {
  ASSERT_EQ(offsets.size(), ranks + 1);
  EXPECT_EQ(offsets.front(), first);
  EXPECT_EQ(offsets.back(), last);
  EXPECT_TRUE(std::is_sorted(offsets.begin(), offsets.end()));
}

// What a run would take if rank r works cost at speed[r]; ranks wait for each other per round.
struct Simulation {
  double elapsed = 0;
  std::vector<double> last_seconds;
  std::size_t covered = 0;
};

Simulation simulate(RoundSchedule& schedule, std::vector<double> const& costs,
                    std::vector<double> const& true_speed, bool tell = true) {
  Simulation out;
  while (!schedule.done()) {
    auto const offsets = schedule.next();
    EXPECT_EQ(offsets.front(), out.covered); // no gap, no overlap
    std::vector<double> seconds(true_speed.size(), 0.0);
    for (std::size_t r = 0; r < true_speed.size(); ++r) {
      for (std::size_t i = offsets[r]; i < offsets[r + 1]; ++i) seconds[r] += costs[i];
      seconds[r] /= true_speed[r];
    }
    out.covered = offsets.back();
    out.elapsed += *std::max_element(seconds.begin(), seconds.end());
    out.last_seconds = seconds;
    if (tell) schedule.report(seconds);
  }
  return out;
}

std::vector<double> uneven_costs(std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> cost(1, 100);
  std::vector<double> costs(n);
  for (auto& c : costs) c = cost(random);
  return costs;
}

} // namespace

TEST(balanced_partition, known_cases) {
  EXPECT_EQ(balanced_partition(std::vector{1., 1., 1., 1.}, std::vector{1., 1.}),
            (Offsets{0, 2, 4}));
  EXPECT_EQ(balanced_partition(std::vector{1., 1., 1., 1., 100.}, std::vector{1., 1.}),
            (Offsets{0, 4, 5}));
  EXPECT_EQ(balanced_partition(std::vector{1., 1., 1., 1.}, std::vector{3., 1.}),
            (Offsets{0, 3, 4}));
  EXPECT_EQ(balanced_partition(std::vector{5.}, std::vector{1., 10., 1.}), (Offsets{0, 0, 1, 1}));
}

TEST(balanced_partition, is_the_best_there_is) {
  std::mt19937 random(7);
  for (int trial = 0; trial < 300; ++trial) {
    std::size_t const n = random() % 8, ranks = 1 + random() % 4;
    std::vector<double> costs(n), speeds(ranks);
    for (auto& c : costs) c = random() % 4 == 0 ? 0.0 : 1.0 + random() % 1000 * 0.1;
    for (auto& s : speeds) s = 0.1 + random() % 100 * 0.1;
    auto const offsets = balanced_partition(costs, speeds);
    expect_sound(offsets, ranks, 0, n);
    if (std::accumulate(costs.begin(), costs.end(), 0.0) == 0) continue;
    double const best = best_makespan(costs, speeds);
    EXPECT_LE(makespan(costs, speeds, offsets), best * (1 + 1e-12)) << "trial " << trial;
  }
}

TEST(balanced_partition, brute_force_tells_a_bad_partition) { // negative
  std::vector<double> const costs{1, 1, 1, 1, 100}, speeds{1, 1};
  EXPECT_GT(makespan(costs, speeds, {0, 2, 5}), best_makespan(costs, speeds));
}

TEST(balanced_partition, zero_costs_are_shared_by_count) {
  EXPECT_EQ(balanced_partition(std::vector<double>(6, 0.0), std::vector{1., 1., 1.}),
            (Offsets{0, 2, 4, 6}));
}

TEST(balanced_partition, no_cases) {
  EXPECT_EQ(balanced_partition({}, std::vector{1., 1.}), (Offsets{0, 0, 0}));
}

TEST(balanced_partition, fewer_cases_than_ranks) {
  auto const offsets = balanced_partition(std::vector{2., 3.}, std::vector(5, 1.0));
  expect_sound(offsets, 5, 0, 2);
  for (std::size_t r = 0; r < 5; ++r) EXPECT_LE(offsets[r + 1] - offsets[r], 1u);
}

TEST(balanced_partition, extreme_ranges) {
  std::vector<double> const costs{1e300, 1e-300, 0, 1e300}, speeds{1e-3, 1};
  expect_sound(balanced_partition(costs, speeds), 2, 0, 4);
}

TEST(balanced_partition, refuses_nonsense) {
  double const nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
  std::vector<double> const one{1.0};
  for (double bad : {-1.0, nan, infinity}) {
    EXPECT_THROW(balanced_partition(std::vector{bad}, one), std::logic_error);
    EXPECT_THROW(balanced_partition(one, std::vector{bad}), std::logic_error);
  }
  EXPECT_THROW(balanced_partition(one, std::vector{0.0}), std::logic_error);
  EXPECT_THROW(balanced_partition(one, {}), std::logic_error);
}

TEST(RoundSchedule, hands_out_every_case_once) {
  for (std::size_t n : {0u, 1u, 3u, 7u, 50u, 1000u}) {
    for (std::size_t ranks : {1u, 2u, 3u, 4u, 64u}) {
      auto const costs = uneven_costs(n, 3);
      RoundSchedule schedule(costs, ranks);
      EXPECT_EQ(simulate(schedule, costs, std::vector(ranks, 1.0)).covered, n);
    }
  }
}

TEST(RoundSchedule, few_rounds) {
  auto const costs = uneven_costs(100000, 1);
  RoundSchedule schedule(costs, 4);
  simulate(schedule, costs, std::vector(4, 1.0));
  EXPECT_GE(schedule.rounds(), 3);
  EXPECT_LE(schedule.rounds(), 8);
  RoundSchedule small(std::vector(8, 1.0), 4);
  small.next();
  EXPECT_TRUE(small.done()); // too few cases to learn from: one round
}

TEST(RoundSchedule, slow_rank_converges_to_its_share) {
  auto const costs = uneven_costs(4000, 2);
  std::vector<double> const speed{1, 1, 0.1, 1}; // the third is ten times slower
  double const total = std::accumulate(costs.begin(), costs.end(), 0.0);
  double const ideal = total / 3.1;
  RoundSchedule schedule(costs, 4);
  auto const learned = simulate(schedule, costs, speed);
  EXPECT_NEAR(schedule.speeds()[2], 0.1, 1e-9);
  // The last round is balanced to within a few cases (the slow rank works one in up to 1000 s).
  auto const [low, high] =
      std::minmax_element(learned.last_seconds.begin(), learned.last_seconds.end());
  EXPECT_LE(*high - *low, 2 * 100 / 0.1);
  // The first round (10 % of the work) was equal shares: 0.1 total / 4 / 0.1; the rest is ideal.
  EXPECT_LE(learned.elapsed, 0.25 * total + 0.9 * ideal * 1.05);
  RoundSchedule deaf(costs, 4); // negative: without the timings it stays ten times off
  EXPECT_GT(simulate(deaf, costs, speed, false).elapsed, 0.99 * total / 4 / 0.1);
}

TEST(RoundSchedule, follows_a_rank_that_becomes_slow) {
  std::vector<double> const costs(100000, 1.0);
  RoundSchedule schedule(costs, 2);
  std::vector<double> speed{1, 1};
  for (int round = 0; !schedule.done(); ++round) {
    if (round == 2) speed[1] = 0.25;
    auto const offsets = schedule.next();
    schedule.report(std::vector{static_cast<double>(offsets[1] - offsets[0]) / speed[0],
                                static_cast<double>(offsets[2] - offsets[1]) / speed[1]});
  }
  EXPECT_LT(schedule.speeds()[1], 0.5);
}

TEST(RoundSchedule, wrong_predictions_are_told_from_slow_ranks_by_shares_only) {
  // Costs predicted ten times too high everywhere: speeds are relative, so nothing changes.
  auto const costs = uneven_costs(1000, 5);
  auto scaled = costs;
  for (auto& c : scaled) c *= 10;
  RoundSchedule a(costs, 3), b(scaled, 3);
  while (!a.done()) {
    EXPECT_EQ(a.next(), b.next());
    a.report(std::vector{1.0, 2.0, 3.0});
    b.report(std::vector{1.0, 2.0, 3.0});
  }
  EXPECT_TRUE(b.done());
}

TEST(RoundSchedule, zero_costs_and_odd_timings) {
  RoundSchedule schedule(std::vector<double>(100, 0.0), 3);
  std::vector<double> const odd{0.0, std::nan(""), -1.0};
  std::size_t covered = 0;
  while (!schedule.done()) {
    auto const offsets = schedule.next();
    EXPECT_LE(offsets[1] - offsets[0], (offsets[3] - offsets[0] + 2) / 3); // equal shares
    covered = offsets.back();
    schedule.report(odd); // tells nothing, so nothing changes
    EXPECT_EQ(schedule.speeds(), std::vector(3, 1.0));
  }
  EXPECT_EQ(covered, 100u);
}

TEST(RoundSchedule, a_rank_without_work_counts_as_average) {
  RoundSchedule schedule({8.0, 8.0}, 3, {.at_least = 1});
  schedule.next();
  schedule.report(std::vector{2.0, 4.0, 0.0});
  EXPECT_EQ(schedule.speeds(), (std::vector{1.0, 0.5, 0.75}));
}

TEST(RoundSchedule, a_hopeless_rank_keeps_the_floor) {
  RoundSchedule schedule(std::vector(1000, 1.0), 2);
  schedule.next();
  schedule.report(std::vector{1e-6, 1e6});
  EXPECT_EQ(schedule.speeds(), (std::vector{1.0, 1e-3}));
}
