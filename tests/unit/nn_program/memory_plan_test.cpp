// SPDX-License-Identifier: BSD-3-Clause
// Arrays that live at the same time never overlap, and memory is used again.
#include "memory_plan.hpp"
#include "moho/core/philox.hpp"
#include <gtest/gtest.h>

using namespace moho;
using namespace moho::nn;

namespace {

bool valid(std::vector<Lifetime> const& arrays, MemoryPlan const& plan) {
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    if (plan.offsets[i] < 0 || plan.offsets[i] + arrays[i].size > plan.size) return false;
    if (plan.offsets[i] % 16 != 0) return false;
    for (std::size_t j = 0; j < i; ++j) {
      bool const together = arrays[i].first <= arrays[j].last && arrays[j].first <= arrays[i].last;
      bool const overlap = plan.offsets[i] < plan.offsets[j] + arrays[j].size &&
                           plan.offsets[j] < plan.offsets[i] + arrays[i].size;
      if (together && overlap) return false;
    }
  }
  return true;
}

TEST(MemoryPlan, RandomLifetimes) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Philox const random{seed, 1};
    std::vector<Lifetime> arrays;
    for (std::uint64_t i = 0; i < 60; ++i) {
      int const first = static_cast<int>(40 * random.uniform(i, 0));
      arrays.push_back({1 + static_cast<std::int64_t>(1000 * random.uniform(i, 1)), first,
                        first + static_cast<int>(10 * random.uniform(i, 2))});
    }
    MemoryPlan plan = plan_memory(arrays, 16);
    EXPECT_TRUE(valid(arrays, plan)) << "seed " << seed;
    // the check itself: an array moved onto another that lives at the same time
    arrays.push_back({10, 0, 60});
    plan.offsets.push_back(plan.offsets[0]);
    EXPECT_FALSE(valid(arrays, plan)) << "seed " << seed;
  }
}

TEST(MemoryPlan, AChainNeedsTwoArrays) {
  std::vector<Lifetime> chain;
  for (int step = 0; step < 100; ++step) chain.push_back({64, step, step + 1});
  EXPECT_EQ(plan_memory(chain, 16).size, 128);
  EXPECT_EQ(plan_memory({}, 16).size, 0);
}

} // namespace
