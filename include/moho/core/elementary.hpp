// SPDX-License-Identifier: BSD-3-Clause
// Branch-free exp and sincos for double and HostPack: the same operations, hence the same bits, in
// a SIMD lane and in a scalar. Accuracy: 1 to 2 ulp. (gcc 12 merges sin and cos into one libm call
// and then does not vectorise; the library's own vector functions are not portable to devices.)
#pragma once
#include "moho/core/simd.hpp"
#include <cstring>

namespace moho {
namespace detail {

KOKKOS_INLINE_FUNCTION std::uint64_t bits(double x) {
  std::uint64_t b;
  std::memcpy(&b, &x, sizeof b);
  return b;
}
KOKKOS_INLINE_FUNCTION double from_bits(std::uint64_t b) {
  double x;
  std::memcpy(&x, &b, sizeof x);
  return x;
}
/// a 2^n, n in the low mantissa bits of `t` (t = n + 1.5 2^52).
KOKKOS_INLINE_FUNCTION double times_power_of_two(double a, double t) {
  return from_bits(bits(a) + (bits(t) << 52));
}
/// True where bit 0 of the integer in `t` is set.
KOKKOS_INLINE_FUNCTION bool is_odd(double t) {
  return (bits(t) & 1) != 0;
}
/// a with its sign flipped where bit 1 of the integer in `t` is set.
KOKKOS_INLINE_FUNCTION double flip_by_bit_1(double a, double t) {
  return from_bits(bits(a) ^ ((bits(t) & 2) << 62));
}
/// 2^-floor(log2 x) for a normal x > 0, and that exponent.
KOKKOS_INLINE_FUNCTION double inverse_power_of_two(double x, double& exponent) {
  const std::uint64_t e = bits(x) & 0x7ff0000000000000u;
  exponent = static_cast<double>(static_cast<std::int64_t>(e >> 52) - 1023);
  return from_bits(0x7fe0000000000000u - e);
}

#if !(defined(__CUDACC__) || defined(__HIPCC__))
typedef std::uint64_t Words __attribute__((vector_size(8 * simd_lanes)));

inline HostPack times_power_of_two(HostPack a, HostPack t) {
  return HostPack::of((HostPack::Vector)((Words)a.v + ((Words)t.v << 52)));
}
inline Mask is_odd(HostPack t) {
  return {((Mask::Vector)t.v & 1) != 0};
}
inline HostPack inverse_power_of_two(HostPack x, HostPack& exponent) {
  const Words e = (Words)x.v & 0x7ff0000000000000u;
  // the exponent as an integer in the mantissa of 2^52, made a number by subtracting 2^52
  exponent = HostPack::of((HostPack::Vector)((e >> 52) | 0x4330000000000000u)) -
             (4503599627370496.0 + 1023.0);
  return HostPack::of((HostPack::Vector)(0x7fe0000000000000u - e));
}
inline HostPack flip_by_bit_1(HostPack a, HostPack t) {
  return HostPack::of((HostPack::Vector)((Words)a.v ^ (((Words)t.v & 2) << 62)));
}
#endif

inline constexpr double round_magic = 6755399441055744.0; // 1.5 * 2^52

} // namespace detail

/// e^x for x <= 700; below -700 the (negligible) value at -700.
template <class T>
KOKKOS_INLINE_FUNCTION T exp(T x) {
  x = max(x, T(-700.0));
  const T t = x * 0x1.71547652b82fep+0 + detail::round_magic;
  const T n = t - detail::round_magic;
  const T r = (x - n * 0x1.62e42fefa0000p-1) - n * 0x1.cf79abc9e3b3ap-40;
  // Taylor: |r| <= ln(2)/2, remainder r^14/14! < 5e-18
  T p = r * (1.0 / 6227020800.0) + 1.0 / 479001600.0;
  p = p * r + 1.0 / 39916800.0;
  p = p * r + 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  return detail::times_power_of_two(p, t);
}

/// Sine and cosine of y, |y| < 1e6 (three-part reduction by pi/2).
template <class T>
KOKKOS_INLINE_FUNCTION void sincos(T y, T& sine, T& cosine) {
  const T t = y * 0x1.45f306dc9c883p-1 + detail::round_magic;
  const T n = t - detail::round_magic;
  const T r =
      ((y - n * 0x1.921fb54400000p+0) - n * 0x1.0b4611a600000p-34) - n * 0x1.3198a2e037073p-69;
  const T q = r * r;
  // Taylor: |r| <= pi/4; remainders r^19/19! and r^18/18! < 3e-18 relative
  T s = q * (1.0 / 355687428096000.0) - 1.0 / 1307674368000.0;
  s = s * q + 1.0 / 6227020800.0;
  s = s * q - 1.0 / 39916800.0;
  s = s * q + 1.0 / 362880.0;
  s = s * q - 1.0 / 5040.0;
  s = s * q + 1.0 / 120.0;
  s = s * q - 1.0 / 6.0;
  s = s * q * r + r;
  T c = q * (-1.0 / 6402373705728000.0) + 1.0 / 20922789888000.0;
  c = c * q - 1.0 / 87178291200.0;
  c = c * q + 1.0 / 479001600.0;
  c = c * q - 1.0 / 3628800.0;
  c = c * q + 1.0 / 40320.0;
  c = c * q - 1.0 / 720.0;
  c = c * q + 1.0 / 24.0;
  c = c * q - 0.5;
  c = c * q + 1.0;
  auto const odd = detail::is_odd(t);
  sine = detail::flip_by_bit_1(select(odd, c, s), t);
  cosine = detail::flip_by_bit_1(select(odd, s, c), t + 1.0);
}

} // namespace moho
