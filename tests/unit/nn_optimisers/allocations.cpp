// SPDX-License-Identifier: BSD-3-Clause
// Counts allocations by new; a Kokkos allocation makes one of them for its record. In a file of its
// own, so that no compiler sees through the replaced operators. A compiler for devices takes them
// for device code too, so there nothing is counted.
#include "allocations.hpp"
#include <cstdlib>
#include <new>

namespace {
std::size_t count = 0;
}
std::size_t moho::nn::allocations() {
  return count;
}
#if !defined(__CUDACC__) && !defined(__HIPCC__)
void* operator new(std::size_t n) {
  ++count;
  if (void* const p = std::malloc(n)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept {
  std::free(p);
}
void operator delete(void* p, std::size_t) noexcept {
  std::free(p);
}
#endif
