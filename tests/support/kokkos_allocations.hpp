// SPDX-License-Identifier: BSD-3-Clause
// What takes memory from Kokkos, asked of its tools.
#pragma once
#include "moho/core/kokkos.hpp"
#include <cstddef>
#include <cstdint>

namespace moho::test {

/// Counts the arrays that Kokkos makes while this lives; one at a time.
class KokkosAllocations {
public:
  KokkosAllocations() {
    seen() = 0;
    Kokkos::Tools::Experimental::set_allocate_data_callback(note);
  }
  KokkosAllocations(KokkosAllocations const&) = delete;
  KokkosAllocations& operator=(KokkosAllocations const&) = delete;
  ~KokkosAllocations() { Kokkos::Tools::Experimental::set_allocate_data_callback(nullptr); }
  std::size_t count() const { return seen(); }

private:
  static std::size_t& seen() {
    static std::size_t number = 0;
    return number;
  }
  static void note(Kokkos::Tools::SpaceHandle, char const*, void const*, std::uint64_t) {
    ++seen();
  }
};

} // namespace moho::test
