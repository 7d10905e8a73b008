// SPDX-License-Identifier: BSD-3-Clause
// Arrays of kernels that the host fills or reads.
#pragma once
#include "moho/core/kokkos.hpp"
#include <cstddef>
#include <string>
#include <type_traits>
#include <vector>

namespace moho::dispersion::detail {

template <class V>
using Array = Kokkos::View<V*, MemorySpace>;

inline constexpr bool host_memory =
    Kokkos::SpaceAccessibility<Kokkos::HostSpace, MemorySpace>::accessible;

template <class V>
using HostArray = Kokkos::View<V*, Kokkos::HostSpace, Kokkos::MemoryUnmanaged>;

/// Memory for one batch after another: it grows, and is never given back before its end.
template <class V>
class Room {
public:
  /// Room for n; what was there is lost.
  V* get(std::size_t n) {
    if (_array.extent(0) < n)
      _array = Array<V>(Kokkos::ViewAllocateWithoutInitializing("moho::dispersion::room"), n);
    return _array.data();
  }
  V* data() const { return _array.data(); }

  /// n numbers of the host where kernels read them: there where they can, else a copy.
  V const* copy_of(V const* from, std::size_t n) {
    if constexpr (host_memory) {
      return from;
    } else {
      V* const to = get(n);
      Kokkos::deep_copy(Array<V>(to, n), HostArray<V const>(from, n));
      return to;
    }
  }
  V const* copy_of(std::vector<V> const& from) { return copy_of(from.data(), from.size()); }

  /// The first n numbers to the host.
  void to_host(V* to, std::size_t n, std::size_t first = 0) const {
    Kokkos::deep_copy(HostArray<V>(to, n), Array<V const>(_array.data() + first, n));
  }

private:
  Array<V> _array;
};

/// A host vector in the memory of the default execution space: itself where that is the host's,
/// else a copy.
template <class V>
Array<V> to_device(std::vector<V>& from) {
  if constexpr (host_memory) {
    return Array<V>(from.data(), from.size());
  } else {
    Array<V> to(Kokkos::ViewAllocateWithoutInitializing("moho::dispersion::to_device"),
                from.size());
    Kokkos::deep_copy(to, HostArray<V const>(from.data(), from.size()));
    return to;
  }
}
template <class V>
void to_host(Array<V> const& from, std::vector<V>& to) {
  if constexpr (!host_memory) Kokkos::deep_copy(HostArray<V>(to.data(), to.size()), from);
}

} // namespace moho::dispersion::detail
