// SPDX-License-Identifier: BSD-3-Clause
// What the kernels of this module need to know of where they run.
#pragma once
#include "moho/core/kokkos.hpp"
#include <cstdint>
#include <type_traits>

namespace moho::nn {

/// Kernels run on the host: loops are shaped for caches and vectors, not one thread per entry.
inline constexpr bool on_host = std::is_same_v<ExecutionSpace, Kokkos::DefaultHostExecutionSpace>;

constexpr std::int64_t ceil_divide(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

} // namespace moho::nn
