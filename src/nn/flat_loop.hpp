// SPDX-License-Identifier: BSD-3-Clause
// Loops over the entries of flat arrays, in vector registers on a host, a thread each on a device.
#pragma once
#include "moho/core/kokkos.hpp"
#include <cstddef>
#include <string>
#include <type_traits>

namespace moho::nn {

inline constexpr bool flat_loop_on_host =
    std::is_same_v<ExecutionSpace, Kokkos::DefaultHostExecutionSpace>;

/// Calls body(first, end) for block after block. Blocks begin at fixed entries, so that which
/// entries share a vector register does not depend on the number of threads.
template <class Body>
struct FlatBlocks {
  static constexpr std::size_t length = flat_loop_on_host ? 2048 : 1;
  static constexpr char const* label = Body::label;
  Body body;
  std::size_t n;
  KOKKOS_FUNCTION void operator()(std::size_t block) const {
    const std::size_t first = block * length, end = first + length < n ? first + length : n;
    body(first, end);
  }
};

/// A parallel_for over 0 .. n-1 that is called Body::label. A label made anew on every call would
/// be an allocation.
template <class Body>
void index_loop(ExecutionSpace const& space, std::size_t n, Body const& body) {
  static const std::string label(Body::label);
  Kokkos::parallel_for(label, Kokkos::RangePolicy<ExecutionSpace>(space, 0, n), body);
}

template <class Body>
void flat_loop(ExecutionSpace const& space, std::size_t n, Body const& body) {
  constexpr std::size_t length = FlatBlocks<Body>::length;
  index_loop(space, (n + length - 1) / length, FlatBlocks<Body>{body, n});
}

} // namespace moho::nn
