// SPDX-License-Identifier: BSD-3-Clause
// The answer to a case is the same, bit for bit, in a batch of any size and order (acceptance check
// 12).
#include "verification/compare.hpp"
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <numeric>

namespace moho::verification {
namespace {

using testing::Rng;
using testing::Sample;

/// Cases of many layer counts and 1 to 10 periods; the hard ones among them.
std::vector<Sample> mixed_samples(std::size_t count) {
  std::vector<Sample> const hard = testing::hard_samples();
  std::vector<Sample> out;
  for (std::size_t i = 0; i < count; ++i) {
    Rng rng(testing::seed_of_run(), i);
    if (i % 97 == 5)
      out.push_back(hard[i / 97 % hard.size()]);
    else if (i % 50 == 7)
      out.push_back(testing::draw_foldable(rng));
    else
      out.push_back(testing::draw_random(rng));
    std::size_t const periods = 1 + i % 10;
    if (out.back().periods.size() > periods) out.back().periods.resize(periods);
  }
  return out;
}

struct Solved {
  ModelBatch batch;
  Curves curves;
};

Solved solve_some(std::vector<Sample> const& all, std::vector<std::size_t> const& which) {
  Solved out;
  for (std::size_t i : which) out.batch.append(all[i].model.view(), all[i].periods);
  SolveOptions options;
  options.modes = 2;
  out.curves = dispersion::solve(out.batch, options);
  return out;
}

std::vector<std::size_t> range(std::size_t first, std::size_t last) {
  std::vector<std::size_t> out(last - first);
  std::iota(out.begin(), out.end(), first);
  return out;
}

constexpr std::size_t total = 10000;

std::vector<Sample> const& samples() {
  static std::vector<Sample> const all = mixed_samples(total);
  return all;
}

Solved const& whole() {
  static Solved const answer = solve_some(samples(), range(0, total));
  return answer;
}

/// The first `count` cases in batches of `size` against the whole.
Report compare_batches(std::size_t size, std::size_t count) {
  Report out;
  for (std::size_t first = 0; first < count; first += size) {
    Solved const part = solve_some(samples(), range(first, std::min(first + size, count)));
    for (std::size_t i = 0; i < part.batch.size(); ++i)
      out.merge(compare_bits(whole().batch, whole().curves, std::int64_t(first + i), part.batch,
                             part.curves, std::int64_t(i)));
  }
  return out;
}

class BatchSize : public ::testing::TestWithParam<std::size_t> {};

TEST_P(BatchSize, changes_no_bit) {
  Report const report = compare_batches(GetParam(), total);
  EXPECT_TRUE(report.passed()) << "seed " << testing::seed_of_run() << ": " << report;
}

INSTANTIATE_TEST_SUITE_P(Of, BatchSize, ::testing::Values(1, 7, 64, 10000));

Report compare_order(std::vector<std::size_t> const& order) {
  Report out;
  Solved const mixed = solve_some(samples(), order);
  for (std::size_t i = 0; i < order.size(); ++i)
    out.merge(compare_bits(whole().batch, whole().curves, std::int64_t(order[i]), mixed.batch,
                           mixed.curves, std::int64_t(i)));
  return out;
}

TEST(BatchOrder, changes_no_bit) {
  std::vector<std::size_t> order = range(0, total);
  std::reverse(order.begin(), order.end());
  Report const reversed = compare_order(order);
  EXPECT_TRUE(reversed.passed()) << reversed;
  Rng rng(testing::seed_of_run(), 1u << 30);
  for (std::size_t i = total; i-- > 1;) std::swap(order[i], order[rng.bits() % (i + 1)]);
  Report const shuffled = compare_order(order);
  EXPECT_TRUE(shuffled.passed()) << "seed " << testing::seed_of_run() << ": " << shuffled;
}

TEST(BatchOrder, a_bad_case_changes_no_bit_of_its_neighbours) {
  Sample bad = samples()[3];
  bad.model.vs.back() = -1;
  std::vector<Sample> with_bad(samples().begin(), samples().begin() + 40);
  with_bad.insert(with_bad.begin() + 11, bad);
  Solved const mixed = solve_some(with_bad, range(0, with_bad.size()));
  EXPECT_FALSE(mixed.curves.error[11].empty());
  Report out;
  for (std::int64_t i = 0; i < 40; ++i)
    out.merge(compare_bits(whole().batch, whole().curves, i, mixed.batch, mixed.curves,
                           i < 11 ? i : i + 1));
  EXPECT_TRUE(out.passed()) << out;
}

TEST(BatchNegative, one_bit_is_noticed) {
  Solved const part = solve_some(samples(), range(0, 64));
  auto const failures = [&](Curves const& curves) {
    Report out;
    for (std::int64_t i = 0; i < 64; ++i)
      out.merge(compare_bits(part.batch, part.curves, i, part.batch, curves, i));
    return out.failures;
  };
  EXPECT_EQ(failures(part.curves), 0);
  Curves phase = part.curves, status = part.curves, work = part.curves;
  phase.wave[0].phase[17] = std::nextafter(phase.wave[0].phase[17], 1e9);
  status.wave[1].status[5] = dispersion::Status::failed;
  ++work.work[9];
  EXPECT_EQ(failures(phase), 1);
  EXPECT_EQ(failures(status), 1);
  EXPECT_EQ(failures(work), 1);
}

TEST(BatchNegative, a_changed_model_is_noticed) {
  std::vector<Sample> changed(samples().begin(), samples().begin() + 1);
  changed[0].model.vs.back() = std::nextafter(changed[0].model.vs.back(), 1e9);
  changed[0].model.vp[0] *= 1 + 1e-15;
  changed[0].model.vs[0] *= 1 + 4e-16;
  Solved const part = solve_some(changed, range(0, 1));
  EXPECT_FALSE(compare_bits(whole().batch, whole().curves, 0, part.batch, part.curves, 0).passed());
}

} // namespace
} // namespace moho::verification
