// SPDX-License-Identifier: BSD-3-Clause
// The one place where moho includes Kokkos; it spells what 3.4, 4 and 5 all accept.
#pragma once
#include <Kokkos_Core.hpp>
#include <string>

/// A rare path of a kernel, kept out of line for the sake of the registers of the common one.
#define MOHO_OUTLINE_FUNCTION KOKKOS_FUNCTION __attribute__((noinline))

namespace moho {

using ExecutionSpace = Kokkos::DefaultExecutionSpace;
using MemorySpace = ExecutionSpace::memory_space;

/// The policy of a kernel whose functor travels with its launch. Kokkos has another way for
/// functors of more than 512 bytes on CUDA, which first waits until the last such kernel has ended.
template <class Policy>
auto sent_with_launch(Policy const& policy) {
  return Kokkos::Experimental::require(policy,
                                       Kokkos::Experimental::WorkItemProperty::HintLightWeight);
}

/// Name of the default backend, e.g. "Serial" or "OpenMP".
inline char const* backend_name() {
  return ExecutionSpace::name();
}

/// Version as Kokkos prints it, e.g. "3.4.1".
inline std::string kokkos_version() {
  return std::to_string(KOKKOS_VERSION / 10000) + "." + std::to_string(KOKKOS_VERSION / 100 % 100) +
         "." + std::to_string(KOKKOS_VERSION % 100);
}

} // namespace moho
