// SPDX-License-Identifier: BSD-3-Clause
#include "memory_plan.hpp"
#include <algorithm>
#include <numeric>

namespace moho::nn {

MemoryPlan plan_memory(std::vector<Lifetime> const& arrays, std::int64_t alignment) {
  MemoryPlan plan;
  plan.offsets.assign(arrays.size(), 0);
  std::vector<std::size_t> order(arrays.size()), placed;
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return arrays[a].size > arrays[b].size; });
  // `placed` is kept sorted by offset
  for (std::size_t const i : order) {
    Lifetime const& array = arrays[i];
    std::int64_t const size = (array.size + alignment - 1) / alignment * alignment;
    std::int64_t offset = 0;
    for (std::size_t const other : placed) {
      if (arrays[other].last < array.first || array.last < arrays[other].first) continue;
      if (plan.offsets[other] >= offset + size) break;
      std::int64_t const rounded = (arrays[other].size + alignment - 1) / alignment * alignment;
      offset = std::max(offset, plan.offsets[other] + rounded);
    }
    plan.offsets[i] = offset;
    plan.size = std::max(plan.size, offset + size);
    placed.insert(std::upper_bound(placed.begin(), placed.end(), i,
                                   [&](std::size_t a, std::size_t b) {
                                     return plan.offsets[a] < plan.offsets[b];
                                   }),
                  i);
  }
  return plan;
}

} // namespace moho::nn
