// SPDX-License-Identifier: BSD-3-Clause
// Arrays of the device that the host fills or reads.
#pragma once
#include "moho/core/error.hpp"
#include "moho/core/kokkos.hpp"
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

namespace moho {

/// Whether the host can read and write what kernels work on.
inline constexpr bool host_reaches_memory =
    Kokkos::SpaceAccessibility<Kokkos::HostSpace, MemorySpace>::accessible;

#ifdef KOKKOS_HAS_SHARED_HOST_PINNED_SPACE
using StagingSpace = Kokkos::SharedHostPinnedSpace; ///< a device copies from and to it by itself
#else
using StagingSpace = Kokkos::HostSpace; // before Kokkos 4
#endif

/// where_needed: the host works in the array itself if it reaches it. always: on a copy, as beside
/// a device with memory of its own; a host so tests what that device does.
enum class Staging { where_needed, always };

/// An array and the place where the host works on it: the same memory where the host reaches it, so
/// that nothing is copied, else memory beside it. T: float, double, ..
///
///     fill(staged.host());
///     staged.to_device(space);  // then kernels of `space` may read staged.device()
///
template <class T>
class Staged {
public:
  using Array = Kokkos::View<T*, MemorySpace>;

  explicit Staged(Staging staging = Staging::where_needed)
      : _apart(!host_reaches_memory || staging == Staging::always) {}
  explicit Staged(Array array, Staging staging = Staging::where_needed) : Staged(staging) {
    bind(std::move(array));
  }

  /// Works on another array from now on. Takes memory only where the length changes.
  void bind(Array array) {
    _device = std::move(array);
    if (_apart && _host.extent(0) != _device.extent(0))
      _host =
          Host(Kokkos::view_alloc("moho::staged", Kokkos::WithoutInitializing), _device.extent(0));
  }

  bool apart() const { return _apart; }
  Array const& device() const { return _device; }
  std::span<T> host() const { return {_apart ? _host.data() : _device.data(), _device.extent(0)}; }

  /// device := host, before what `space` does next. Where it is `apart`, host() must not change
  /// before `space` is fenced.
  void to_device(ExecutionSpace const& space) const { to_device(space, 0, _device.extent(0)); }
  void to_device(ExecutionSpace const& space, std::size_t first, std::size_t count) const {
    MOHO_REQUIRE(first + count <= _device.extent(0));
    if (_apart && count > 0)
      Kokkos::deep_copy(space, Part<MemorySpace>(_device.data() + first, count),
                        Part<StagingSpace>(_host.data() + first, count));
  }

  /// host := device after what `space` was given so far, and waits.
  void to_host(ExecutionSpace const& space) const { to_host(space, 0, _device.extent(0)); }
  void to_host(ExecutionSpace const& space, std::size_t first, std::size_t count) const {
    MOHO_REQUIRE(first + count <= _device.extent(0));
    if (_apart && count > 0)
      Kokkos::deep_copy(space, Part<StagingSpace>(_host.data() + first, count),
                        Part<MemorySpace>(_device.data() + first, count));
    space.fence();
  }

private:
  using Host = Kokkos::View<T*, StagingSpace>;
  template <class Space>
  using Part = Kokkos::View<T*, Space, Kokkos::MemoryTraits<Kokkos::Unmanaged>>;

  bool _apart;
  Array _device;
  Host _host; ///< empty unless `apart`
};

} // namespace moho
