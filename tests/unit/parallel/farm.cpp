// SPDX-License-Identifier: BSD-3-Clause
#include "moho/parallel/farm.hpp"
#include "support/mpi_support.hpp"
#include <algorithm>
#include <chrono>
#include <gtest/gtest.h>
#include <numeric>
#include <thread>

namespace moho::parallel {
namespace {

/// The numbers that each group got, on the root of all: every rank of a group must get the same.
std::vector<std::int64_t> taken(Farm& farm, Comm const& all, std::int64_t count,
                                std::function<void(std::int64_t)> const& work = {}) {
  std::vector<std::int64_t> mine;
  for (std::int64_t next = farm.next(); next < count; next = farm.next()) {
    EXPECT_EQ(farm.group().max(next), farm.group().min(next));
    if (work) work(next);
    if (farm.group().root()) mine.push_back(next);
  }
  return all.gather(std::span<const std::int64_t>(mine));
}

TEST(Farm, EveryNumberIsHandedOutOnce) {
  const Comm all;
  for (const std::int64_t size : {0, 1, 2, 3, 7}) {
    Farm farm(all, size);
    std::vector<std::int64_t> numbers = taken(farm, all, 50);
    if (!all.root()) continue;
    std::sort(numbers.begin(), numbers.end());
    std::vector<std::int64_t> expected(50);
    std::iota(expected.begin(), expected.end(), 0);
    EXPECT_EQ(numbers, expected) << size;
  }
}

TEST(Farm, GroupsHaveTheSizeAskedForAndTakeTheRest) {
  const Comm all;
  for (std::int64_t size = 1; size <= 5; ++size) {
    const Farm farm(all, size);
    EXPECT_EQ(farm.groups(), std::max<std::int64_t>(1, all.size() / size));
    EXPECT_GE(farm.group().size(), std::min<std::int64_t>(size, all.size()));
    EXPECT_EQ(all.sum(std::int64_t{farm.group().root() ? 1 : 0}), farm.groups());
  }
  EXPECT_EQ(Farm(all, 0).groups(), 1);
}

TEST(Farm, AGroupThatIsBusyTakesFewer) {
  const Comm all;
  Farm farm(all, 1);
  std::int64_t mine = 0;
  taken(farm, all, 40, [&](std::int64_t) {
    ++mine;
    std::this_thread::sleep_for(std::chrono::milliseconds(all.root() ? 40 : 1));
  });
  const std::vector<std::int64_t> counts = all.all_gather(mine);
  EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}), 40);
  if (all.size() > 1) {
    EXPECT_LT(counts[0], 40 / all.size());
  }
}

TEST(Farm, AfterCloseNobodyGetsWork) {
  const Comm all;
  Farm farm(all, 1);
  if (all.rank() == all.size() - 1) farm.close();
  all.barrier();
  EXPECT_GE(farm.next(), std::int64_t{1} << 62);
}

TEST(Farm, EveryGroupMayClose) {
  const Comm all;
  Farm farm(all, 1);
  for (int i = 0; i < 3; ++i) {
    farm.close();
    all.barrier();
    EXPECT_GE(farm.next(), std::int64_t{1} << 62);
  }
}

} // namespace
} // namespace moho::parallel
