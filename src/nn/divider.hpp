// SPDX-License-Identifier: BSD-3-Clause
// Division by a number that is known before a kernel starts: a product and a shift. Devices have no
// instruction for it, and theirs of 64 bits takes about a hundred.
#pragma once
#include "moho/core/kokkos.hpp"
#include <cstdint>

namespace moho::nn {

/// Numbers and divisors from 1 (0 for numbers) to 2^31 - 1. Granlund and Montgomery, "Division by
/// invariant integers using multiplication" (1994), theorem 4.2 with N = 31.
class Divider {
public:
  Divider() = default;
  explicit Divider(std::uint32_t divisor) : _divisor(divisor) {
    while (std::uint64_t{1} << (_shift - 31) < divisor) ++_shift;
    _factor = static_cast<std::uint32_t>((std::uint64_t{1} << _shift) / divisor + 1);
  }
  KOKKOS_FORCEINLINE_FUNCTION std::uint32_t quotient(std::uint32_t n) const {
    return static_cast<std::uint32_t>((std::uint64_t{n} * _factor) >> _shift);
  }
  /// `n` may be the place of a result.
  KOKKOS_FORCEINLINE_FUNCTION void divide(std::uint32_t n, std::uint32_t& quotient_,
                                          std::uint32_t& rest) const {
    std::uint32_t const q = quotient(n);
    rest = n - q * _divisor;
    quotient_ = q;
  }

private:
  std::uint32_t _divisor = 1, _factor = 0x80000001u, _shift = 31;
};

} // namespace moho::nn
