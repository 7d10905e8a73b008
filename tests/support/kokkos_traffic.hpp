// SPDX-License-Identifier: BSD-3-Clause
// What takes memory from Kokkos and what copies arrays by it, asked of its tools.
#pragma once
#include "moho/core/kokkos.hpp"
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace moho::test {

/// Counts the arrays that Kokkos makes and the copies of one array to another while this lives;
/// one at a time. Copies count where host and device share their memory too: a test on a host sees
/// most of what would cross the bus on a device, but not the copy that a mirror view is there.
/// Fills with a number are no copies.
class KokkosTraffic {
public:
  KokkosTraffic() {
    counted() = {};
    Kokkos::Tools::Experimental::set_allocate_data_callback(note_allocation);
    Kokkos::Tools::Experimental::set_begin_deep_copy_callback(note_copy);
  }
  KokkosTraffic(KokkosTraffic const&) = delete;
  KokkosTraffic& operator=(KokkosTraffic const&) = delete;
  ~KokkosTraffic() {
    Kokkos::Tools::Experimental::set_allocate_data_callback(nullptr);
    Kokkos::Tools::Experimental::set_begin_deep_copy_callback(nullptr);
  }
  std::size_t allocations() const { return counted().allocations; }
  std::size_t copies() const { return counted().copies; }

private:
  struct Counted {
    std::size_t allocations = 0, copies = 0;
  };
  static Counted& counted() {
    static Counted numbers;
    return numbers;
  }
  static void note_allocation(Kokkos::Tools::SpaceHandle, char const*, void const*, std::uint64_t) {
    ++counted().allocations;
  }
  static void note_copy(Kokkos::Tools::SpaceHandle, char const*, void const*,
                        Kokkos::Tools::SpaceHandle, char const* from, void const*, std::uint64_t) {
    std::string_view const label(from); // that of a number
    if (label != "Scalar" && label != "(none)") ++counted().copies;
  }
};

} // namespace moho::test
