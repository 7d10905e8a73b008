// SPDX-License-Identifier: BSD-3-Clause
// Branch-free exp and sincos for double and HostPack: the same operations, hence the same bits, in
// a SIMD lane and in a scalar. Accuracy: 1 to 2 ulp. (gcc 12 merges sin and cos into one libm call
// and then does not vectorise; the library's own vector functions are not portable to devices.)
#pragma once
#include "moho/core/simd.hpp"
#include <cstring>

namespace moho {
namespace detail {

inline constexpr double round_magic = 6755399441055744.0; // 1.5 * 2^52

KOKKOS_FORCEINLINE_FUNCTION std::uint64_t bits(double x) {
  std::uint64_t b;
  std::memcpy(&b, &x, sizeof b);
  return b;
}
KOKKOS_FORCEINLINE_FUNCTION double from_bits(std::uint64_t b) {
  double x;
  std::memcpy(&x, &b, sizeof x);
  return x;
}
/// a 2^n, n in the low mantissa bits of `t` (t = n + 1.5 2^52).
KOKKOS_FORCEINLINE_FUNCTION double times_power_of_two(double a, double t) {
  return from_bits(bits(a) + (bits(t) << 52));
}
/// True where bit 0 of the integer in `t` is set.
KOKKOS_FORCEINLINE_FUNCTION bool is_odd(double t) {
  return (bits(t) & 1) != 0;
}
/// a with its sign flipped where bit 1 of the integer in `t` is set.
KOKKOS_FORCEINLINE_FUNCTION double flip_by_bit_1(double a, double t) {
  return from_bits(bits(a) ^ ((bits(t) & 2) << 62));
}
/// 2^-floor(log2 x) for a normal x > 0, and that exponent.
KOKKOS_FORCEINLINE_FUNCTION double inverse_power_of_two(double x, double& exponent) {
  const std::uint64_t e = bits(x) & 0x7ff0000000000000u;
  exponent = static_cast<double>(static_cast<std::int64_t>(e >> 52) - 1023);
  return from_bits(0x7fe0000000000000u - e);
}

#if !(defined(__CUDACC__) || defined(__HIPCC__))
typedef std::uint64_t Words __attribute__((vector_size(8 * simd_lanes)));

MOHO_PACK_INLINE HostPack times_power_of_two(HostPack a, HostPack t) {
  return HostPack::of((HostPack::Vector)((Words)a.v + ((Words)t.v << 52)));
}
MOHO_PACK_INLINE Mask is_odd(HostPack t) {
#if defined(__AVX512F__)
  return {_mm512_test_epi64_mask((__m512i)t.v, _mm512_set1_epi64(1))};
#else
  return {((Mask::Vector)t.v & 1) != 0};
#endif
}
MOHO_PACK_INLINE HostPack inverse_power_of_two(HostPack x, HostPack& exponent) {
  const Words e = (Words)x.v & 0x7ff0000000000000u;
  // the exponent as an integer in the mantissa of 2^52, made a number by subtracting 2^52
  exponent = HostPack::of((HostPack::Vector)((e >> 52) | 0x4330000000000000u)) -
             (4503599627370496.0 + 1023.0);
  return HostPack::of((HostPack::Vector)(0x7fe0000000000000u - e));
}
MOHO_PACK_INLINE HostPack flip_by_bit_1(HostPack a, HostPack t) {
  return HostPack::of((HostPack::Vector)((Words)a.v ^ (((Words)t.v & 2) << 62)));
}
#endif

} // namespace detail

namespace detail {
/// x = n ln 2 + r, |r| <= ln(2)/2: e^r - 1, and t = n + round_magic.
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T reduced_expm1(T x, T& t) {
  t = x * 0x1.71547652b82fep+0 + round_magic;
  const T n = t - round_magic;
  const T r = (x - n * 0x1.62e42fefa0000p-1) - n * 0x1.cf79abc9e3b3ap-40;
  // r + r^2 P(r): P interpolates at Chebyshev points, error 1.7e-17 of e^r; even and odd powers
  // apart, for shorter chains
  const T q = r * r;
  T even = q * 0x1.2891a8c1d838dp-22 + 0x1.a019b8ef67c6cp-16;
  T odd = q * 0x1.af38d53857513p-26 + 0x1.71de0d9c145d0p-19;
  even = even * q + 0x1.6c16c17893833p-10;
  odd = odd * q + 0x1.a01a01a7c8d47p-13;
  even = even * q + 0x1.5555555553d4fp-5;
  odd = odd * q + 0x1.11111111109adp-7;
  even = even * q + 0x1.0000000000001p-1;
  odd = odd * q + 0x1.5555555555556p-3;
  return q * (odd * r + even) + r;
}
} // namespace detail

/// e^x for x <= 700; below -700 the (negligible) value at -700.
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T exp(T x) {
  T t;
  const T e = detail::reduced_expm1(max(x, T(-700.0)), t);
  return detail::times_power_of_two(e + 1.0, t);
}

/// 1 - e^-x for x >= 0, to full relative accuracy near 0.
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T one_minus_exp(T x) {
  T t;
  const T e = detail::reduced_expm1(max(-x, T(-700.0)), t),
          scale = detail::times_power_of_two(T(1.0), t);
  return (1.0 - scale) - scale * e;
}

/// Sine and cosine of y, |y| < 1e6 (three-part reduction by pi/2).
template <class T>
KOKKOS_FORCEINLINE_FUNCTION void sincos(T y, T& sine, T& cosine) {
  const T t = y * 0x1.45f306dc9c883p-1 + detail::round_magic;
  const T n = t - detail::round_magic;
  const T r =
      ((y - n * 0x1.921fb54400000p+0) - n * 0x1.0b4611a600000p-34) - n * 0x1.3198a2e037073p-69;
  const T q = r * r;
  // minimax polynomials on |r| <= pi/4 (the coefficients of fdlibm, Sun Microsystems 1993)
  T s = q * 1.58969099521155010221e-10 - 2.50507602534068634195e-08;
  T c = q * -1.13596475577881948265e-11 + 2.08757232129817482790e-09;
  s = s * q + 2.75573137070700676789e-06;
  c = c * q - 2.75573143513906633035e-07;
  s = s * q - 1.98412698298579493134e-04;
  c = c * q + 2.48015872894767294178e-05;
  s = s * q + 8.33333333332248946124e-03;
  c = c * q - 1.38888888888741095749e-03;
  s = s * q - 1.66666666666666324348e-01;
  c = c * q + 4.16666666666666019037e-02;
  s = s * (q * r) + r;
  c = (c * q - 0.5) * q + 1.0;
  auto const odd = detail::is_odd(t);
  sine = detail::flip_by_bit_1(select(odd, c, s), t);
  cosine = detail::flip_by_bit_1(select(odd, s, c), t + 1.0);
}

} // namespace moho
