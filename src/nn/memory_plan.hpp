// SPDX-License-Identifier: BSD-3-Clause
// Where temporary arrays lie in one arena: arrays that live at the same time do not overlap.
#pragma once
#include <cstdint>
#include <vector>

namespace moho::nn {

/// An array of `size` entries, written and read between steps `first` and `last`, both included.
struct Lifetime {
  std::int64_t size = 0;
  int first = 0, last = 0;
};

struct MemoryPlan {
  std::vector<std::int64_t> offsets; ///< in entries, multiples of `alignment`
  std::int64_t size = 0;             ///< of the arena
};

/// The largest first, each at the lowest place that is free during its life.
MemoryPlan plan_memory(std::vector<Lifetime> const& arrays, std::int64_t alignment);

} // namespace moho::nn
