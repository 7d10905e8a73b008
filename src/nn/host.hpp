// SPDX-License-Identifier: BSD-3-Clause
// What the kernels of this module need to know of where they run.
#pragma once
#include "moho/core/kokkos.hpp"
#include <cstdint>
#include <type_traits>

namespace moho::nn {

/// Kernels run on the host: loops are shaped for caches and vectors, not one thread per entry.
inline constexpr bool on_host = std::is_same_v<ExecutionSpace, Kokkos::DefaultHostExecutionSpace>;

/// The policy of a kernel whose functor travels with its launch. Kokkos has another way for
/// functors of more than 512 bytes on CUDA, which first waits until the last such kernel has ended.
template <class Policy>
auto sent_with_launch(Policy const& policy) {
  return Kokkos::Experimental::require(policy,
                                       Kokkos::Experimental::WorkItemProperty::HintLightWeight);
}

constexpr std::int64_t ceil_divide(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

} // namespace moho::nn
