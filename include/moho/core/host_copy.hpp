// SPDX-License-Identifier: BSD-3-Clause
// Copies between plain memory of the host and flat device arrays.
#pragma once
#include "moho/core/error.hpp"
#include "moho/core/kokkos.hpp"
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace moho {

/// `to` := `from`, of the same length.
template <class T>
void copy_to_device(std::span<T const> from, Kokkos::View<T*, MemorySpace> const& to) {
  MOHO_REQUIRE(from.size() == to.extent(0));
  Kokkos::deep_copy(
      to, Kokkos::View<T const*, Kokkos::HostSpace, Kokkos::MemoryTraits<Kokkos::Unmanaged>>(
              from.data(), from.size()));
}

/// A new device array with the values, labelled `label`.
template <class T>
Kokkos::View<T*, MemorySpace> to_device(std::string const& label, std::vector<T> const& values) {
  Kokkos::View<T*, MemorySpace> const copy(Kokkos::view_alloc(label, Kokkos::WithoutInitializing),
                                           values.size());
  copy_to_device(std::span<T const>(values), copy);
  return copy;
}

/// `to` := `from` (T* or T const*), of the same length.
template <class T>
void copy_to_host(Kokkos::View<T*, MemorySpace> const& from, std::span<std::remove_const_t<T>> to) {
  MOHO_REQUIRE(from.extent(0) == to.size());
  Kokkos::deep_copy(Kokkos::View<std::remove_const_t<T>*, Kokkos::HostSpace,
                                 Kokkos::MemoryTraits<Kokkos::Unmanaged>>(to.data(), to.size()),
                    from);
}

/// The values of a device array (T* or T const*) in plain memory.
template <class T>
std::vector<std::remove_const_t<T>> to_host(Kokkos::View<T*, MemorySpace> const& values) {
  std::vector<std::remove_const_t<T>> copy(values.extent(0));
  copy_to_host(values, std::span<std::remove_const_t<T>>(copy));
  return copy;
}

} // namespace moho
