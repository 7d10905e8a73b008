// SPDX-License-Identifier: BSD-3-Clause
// Elementary functions of float and double as straight-line arithmetic: a plain loop over them is
// vectorised to full width, and a device runs the same source. Products that meet a sum are fused
// by name, so no compiler setting (-ffp-contract) and no position in a loop changes a bit.
//
// Accuracy: float 2 to 3 ulp, double 2 ulp, unless told otherwise. NaN gives NaN. The coefficients
// are minimax (rational Remez with 60 digits, relative error unless told otherwise); the splitting
// of log is fdlibm's (Sun Microsystems 1993).
#pragma once
#include "moho/core/kokkos.hpp"
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace moho::nn::functions {
namespace detail {

template <class T>
struct Real;
template <>
struct Real<float> {
  using Word = std::uint32_t;
  static constexpr int mantissa = 23;       ///< bits
  static constexpr Word bias = 127;         ///< of the exponent
  static constexpr float magic = 0x1.8p23f; ///< x + magic: x rounded to an integer
  static constexpr float log2_e = 0x1.715476p+0f, ln2 = 0x1.62e430p-1f, ln2_high = 0x1.62e400p-1f,
                         ln2_low = 0x1.7f7d1cp-20f;
  static constexpr float exp_least = -104, exp_most = 89; ///< beyond: 0, infinity
  static constexpr float half_least = -88.03f;            ///< e^x is taken for 2^-127 = 0 here
  static constexpr float inverse_pi = 0x1.45f306p-2f, pi_high = 0x1.92p+1f,
                         pi_middle = 0x1.fb4p-11f, pi_low = 0x1.4442d2p-23f;
  static constexpr float infinity = std::numeric_limits<float>::infinity();
  static constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  static constexpr float least_normal = 0x1p-126f, largest = 0x1.fffffep127f;
  static constexpr float lift = 0x1p25f, lift_bits = 25; ///< makes any subnormal normal
  static constexpr Word sqrt_half = 0x3f3504f3;
};
template <>
struct Real<double> {
  using Word = std::uint64_t;
  static constexpr int mantissa = 52;
  static constexpr Word bias = 1023;
  static constexpr double magic = 0x1.8p52;
  static constexpr double log2_e = 0x1.71547652b82fep+0, ln2 = 0x1.62e42fefa39efp-1,
                          ln2_high = 0x1.62e42fefa0000p-1, ln2_low = 0x1.cf79abc9e3b3ap-40;
  static constexpr double exp_least = -746, exp_most = 710;
  static constexpr double half_least = -709.1;
  static constexpr double inverse_pi = 0x1.45f306dc9c883p-2, pi_high = 0x1.921fb54400000p+1,
                          pi_middle = 0x1.0b4611a600000p-33, pi_low = 0x1.3198a2e037073p-68;
  static constexpr double infinity = std::numeric_limits<double>::infinity();
  static constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  static constexpr double least_normal = 0x1p-1022, largest = 0x1.fffffffffffffp1023;
  static constexpr double lift = 0x1p54, lift_bits = 54;
  static constexpr Word sqrt_half = 0x3fe6a09e667f3bcd;
};
template <class T>
using Word = typename Real<T>::Word;

template <class T>
KOKKOS_FORCEINLINE_FUNCTION Word<T> bits(T x) {
  Word<T> b;
  std::memcpy(&b, &x, sizeof b);
  return b;
}
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T from_bits(Word<T> b) {
  T x;
  std::memcpy(&x, &b, sizeof x);
  return x;
}

/// a b + c, rounded once wherever the processor can.
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T fused(T a, T b, T c) {
#if defined(__CUDA_ARCH__) || defined(__HIP_DEVICE_COMPILE__)
  return ::fma(a, b, c);
#elif defined(__FP_FAST_FMA) && defined(__FP_FAST_FMAF)
  if constexpr (sizeof(T) == sizeof(float))
    return __builtin_fmaf(a, b, c);
  else
    return __builtin_fma(a, b, c);
#else
  return a * b + c;
#endif
}

/// c0 + x (c1 + x (c2 + ..))
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T polynomial(T, T c0) {
  return c0;
}
template <class T, class... More>
KOKKOS_FORCEINLINE_FUNCTION T polynomial(T x, T c0, More... more) {
  return fused(polynomial(x, more...), x, c0);
}

/// The same with even and odd powers apart from c2 on: where x is large, half as many roundings
/// follow each other, which is what quotients of polynomials lose most by. square = x^2.
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T every_second(T, T c0) {
  return c0;
}
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T every_second(T, T c0, T) {
  return c0;
}
template <class T, class... More>
KOKKOS_FORCEINLINE_FUNCTION T every_second(T square, T c0, T, More... more) {
  return fused(every_second(square, more...), square, c0);
}
template <class T, class... More>
KOKKOS_FORCEINLINE_FUNCTION T mixed_polynomial(T x, T square, T c0, T c1, T c2, More... more) {
  const T high = fused(every_second(square, more...), x, every_second(square, c2, more...));
  return polynomial(x, c0, c1, high);
}

/// yes or no. Without masked instructions a compiler does not vectorise arithmetic that it has
/// moved into one branch of a choice (it might trap), so there the choice is one of bits.
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T choose(bool condition, T yes, T no) {
#if defined(__AVX512F__) || defined(__CUDACC__) || defined(__HIPCC__)
  return condition ? yes : no;
#else
  Word<T> const mask = -static_cast<Word<T>>(condition);
  return from_bits<T>((bits(yes) & mask) | (bits(no) & ~mask));
#endif
}

// NaN passes both.
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T at_least(T x, T bound) {
  return choose(x < bound, bound, x);
}
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T at_most(T x, T bound) {
  return choose(x > bound, bound, x);
}
/// min(|x|, bound) by the bits, in half the instructions; of NaN: bound.
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T magnitude_at_most(T x, T bound) {
  constexpr Word<T> most = Word<T>(-1) >> 1;
  Word<T> const b = bits(x) & most, limit = bits(bound);
  return from_bits<T>(b < limit ? b : limit);
}
/// |magnitude| with the sign of x.
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T with_sign(T magnitude, T x) {
  constexpr Word<T> sign = Word<T>(1) << (8 * sizeof(T) - 1);
  return from_bits<T>((bits(magnitude) & ~sign) | (bits(x) & sign));
}
/// 2^n of t = n + magic, n > -bias; 0 for n = -bias.
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T power_of_two(T t) {
  return from_bits<T>((bits(t) << Real<T>::mantissa) + (Real<T>::bias << Real<T>::mantissa));
}

/// x = n ln 2 + r, |r| <= ln(2)/2; t = n + magic.
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T reduced(T x, T& t) {
  using R = Real<T>;
  t = fused(x, R::log2_e, R::magic);
  const T n = t - R::magic;
  return fused(n, -R::ln2_low, fused(n, -R::ln2_high, x));
}
/// r coth(r/2), |r| <= ln(2)/2, q = r^2; e^r = (this + r) / (this - r).
KOKKOS_FORCEINLINE_FUNCTION float r_coth(float q) {
  return polynomial(q, 2.0f, 0x1.555514p-3f, -0x1.6a8abcp-9f);
}
KOKKOS_FORCEINLINE_FUNCTION double r_coth(double q) {
  return polynomial(q, 2.0, 0x1.555555555552dp-3, -0x1.6c16c16bd9aacp-9, 0x1.1566aabf86904p-14,
                    -0x1.bbd3a84363851p-20, 0x1.6347e827af599p-25);
}

/// r coth(r), |r| <= ln(2)/4, q = r^2
KOKKOS_FORCEINLINE_FUNCTION float r_coth_r(float q) {
  return polynomial(q, 1.0f, 0x1.555514p-2f, -0x1.6a8abcp-6f);
}
KOKKOS_FORCEINLINE_FUNCTION double r_coth_r(double q) {
  return polynomial(q, 1.0, 0x1.555555555552dp-2, -0x1.6c16c16bd9aacp-6, 0x1.1566aabf86904p-9,
                    -0x1.bbd3a84363851p-13, 0x1.6347e827af599p-16);
}

/// e^r, |r| <= ln(2)/2.
KOKKOS_FORCEINLINE_FUNCTION float exp_reduced(float r) {
  float const p = polynomial(r, 0x1.fffffcp-2f, 0x1.555492p-3f, 0x1.5558f4p-5f, 0x1.123a20p-7f,
                             0x1.6a23c2p-10f);
  return fused(r * r, p, r) + 1.0f;
}
KOKKOS_FORCEINLINE_FUNCTION double exp_reduced(double r) {
  // even and odd powers apart, for shorter chains; error 1.7e-17
  double const q = r * r;
  double const even =
      polynomial(q, 0x1.0000000000001p-1, 0x1.5555555553d4fp-5, 0x1.6c16c17893833p-10,
                 0x1.a019b8ef67c6cp-16, 0x1.2891a8c1d838dp-22);
  double const odd =
      polynomial(q, 0x1.5555555555556p-3, 0x1.11111111109adp-7, 0x1.a01a01a7c8d47p-13,
                 0x1.71de0d9c145d0p-19, 0x1.af38d53857513p-26);
  return fused(q, fused(odd, r, even), r) + 1.0;
}

/// Of e^{-t^2/2} = 2^n (s - r) / (s + r): 2^n, s and r. t >= 0; 0 where t >= gauss_most.
template <class T>
struct Gauss {
  T scale, s, r;
};
template <class T>
inline constexpr T gauss_most = T(37.66);
template <>
inline constexpr float gauss_most<float> = 13.27f;

KOKKOS_FORCEINLINE_FUNCTION float gauss_s(float q) { // r coth(r/4), |r| <= ln 2
  return polynomial(q, 4.0f, 0x1.555514p-4f, -0x1.6a8abcp-12f);
}
KOKKOS_FORCEINLINE_FUNCTION double gauss_s(double q) {
  return polynomial(q, 4.0, 0x1.555555555552dp-4, -0x1.6c16c16bd9aacp-12, 0x1.1566aabf86904p-19,
                    -0x1.bbd3a84363851p-27, 0x1.6347e827af599p-34);
}
template <class T>
KOKKOS_FORCEINLINE_FUNCTION Gauss<T> gauss(T t) {
  using R = Real<T>;
  const T y = t * t, lost = fused(t, t, -y); // rounding of t^2: it grows with the result's exponent
  const T k = fused(y, T(-0.5) * R::log2_e, R::magic);
  const T n = k - R::magic;
  const T r = fused(n, 2 * R::ln2_low, fused(n, 2 * R::ln2_high, y)) + lost;
  return {power_of_two(k), gauss_s(r * r), r};
}

/// sin(r) with its sign flipped where bit 0 of the integer in t is set; |r| <= pi/2.
KOKKOS_FORCEINLINE_FUNCTION float sine_series(float r) {
  float const q = r * r;
  float const p = polynomial(q, -0x1.55554cp-3f, 0x1.110ed4p-7f, -0x1.9f6ff0p-13f, 0x1.5dbceep-19f);
  return fused(q * r, p, r);
}
KOKKOS_FORCEINLINE_FUNCTION double sine_series(double r) {
  double const q = r * r;
  double const p = polynomial(q, -0x1.5555555555555p-3, 0x1.11111111110c1p-7,
                              -0x1.a01a01a0148a3p-13, 0x1.71de3a52870fap-19, -0x1.ae6454cb00648p-26,
                              0x1.6123cb128acc4p-33, -0x1.ae431798f04fdp-41, 0x1.8828fd7a185d1p-49);
  return fused(q * r, p, r);
}
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T flip_by_bit_0(T a, Word<T> t) {
  return from_bits<T>(bits(a) ^ (t << (8 * sizeof(T) - 1)));
}
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T minus_pi(T x, T n) {
  using R = Real<T>;
  const T r = fused(n, -R::pi_low, fused(n, -R::pi_middle, fused(n, -R::pi_high, x)));
  return at_most(at_least(r, T(-1.6)), T(1.6)); // so that |sin| <= 1 wherever x is
}

/// (log((1+s)/(1-s)) / s - 2) / z, z = s^2, for |s| <= 3 - 2 sqrt 2
KOKKOS_FORCEINLINE_FUNCTION float log_series(float z) {
  return polynomial(z, 0x1.55557ap-1f, 0x1.995eb4p-2f, 0x1.31e3b4p-2f);
}
KOKKOS_FORCEINLINE_FUNCTION double log_series(double z) {
  return polynomial(z, 0x1.5555555555592p-1, 0x1.999999997fd60p-2, 0x1.24924941f6d1fp-2,
                    0x1.c71c520410142p-3, 0x1.74664020b5a36p-3, 0x1.39a19817d865dp-3,
                    0x1.2f06dda160c61p-3);
}

} // namespace detail

/// Underflows gradually; infinity beyond the range.
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T exp(T x) {
  using R = detail::Real<T>;
  using detail::fused;
  x = detail::at_most(detail::at_least(x, R::exp_least), R::exp_most);
  // n + 2 bias in the mantissa: 2^n in two factors, the halves of it
  constexpr T magic = R::magic + T(2 * R::bias);
  const T t = fused(x, R::log2_e, magic), n = t - magic;
  const T r = fused(n, -R::ln2_low, fused(n, -R::ln2_high, x));
  auto const whole = detail::bits(t), half = whole >> 1;
  return detail::exp_reduced(r) * detail::from_bits<T>(half << R::mantissa) *
         detail::from_bits<T>((whole - half) << R::mantissa);
}

/// log 0 = -infinity; NaN below 0.
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T log(T x) {
  using R = detail::Real<T>;
  using Word = typename R::Word;
  using detail::fused;
  bool const tiny = x < R::least_normal;
  const Word lifted = detail::bits(detail::choose(tiny, x * R::lift, x)) - R::sqrt_half;
  // the exponent, made positive, as an integer in the mantissa of 2^mantissa
  constexpr Word one = Word(1) << R::mantissa, offset = R::bias + 1;
  const Word k = (lifted + offset * one) >> R::mantissa;
  constexpr T two_to = T(one);
  const T whole = detail::from_bits<T>(k | detail::bits(two_to)) - (two_to + T(offset));
  const T n = whole - detail::choose(tiny, R::lift_bits, T(0));
  const T f = detail::from_bits<T>(lifted - (k - offset) * one + R::sqrt_half) - T(1);
  const T s = f / (T(2) + f), z = s * s, half = T(0.5) * f;
  const T low = fused(s, fused(z, detail::log_series(z), half * f), n * R::ln2_low);
  const T y = fused(n, R::ln2_high, f - fused(half, f, -low));
  const T special = detail::choose(x == T(0), -R::infinity, R::nan);
  return detail::choose(x > T(0), detail::choose(x > R::largest, x, y), special);
}

/// 1 / (1 + e^-x)
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T sigmoid(T x) {
  T t;
  const T r = detail::reduced(detail::at_least(-std::fabs(x), detail::Real<T>::half_least), t);
  const T p = detail::r_coth(r * r), scale = detail::power_of_two(t);
  const T below = p - r, above = p + r; // e^-|x| = scale above / below
  return detail::choose(x < T(0), scale * above, below) / detail::fused(scale, above, below);
}

/// Error relative to tanh, down to 0.
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T tanh(T x) {
  using R = detail::Real<T>;
  using detail::fused;
  // e^-2|x| = 2^n e^2r, r = -|x| - n ln(2)/2 in one step: the part of ln 2 that is lost is scaled
  // by 2^n
  const T y = detail::at_least(-std::fabs(x), T(-0.36) * T(R::mantissa + 3));
  const T t = fused(y, 2 * R::log2_e, R::magic), n = t - R::magic;
  const T r = fused(n, T(-0.5) * R::ln2, y);
  const T p = detail::r_coth_r(r * r), scale = detail::power_of_two(t);
  // (1 - e) / (1 + e), e = e^-2|x| = scale (p + r) / (p - r)
  const T above = fused(T(1) - scale, p, -((T(1) + scale) * r));
  const T below = fused(T(1) + scale, p, -((T(1) - scale) * r));
  return detail::with_sign(above / below, x);
}

/// Error relative to erf, down to 0.
KOKKOS_FORCEINLINE_FUNCTION float erf(float x) {
  using detail::mixed_polynomial;
  x = detail::at_most(detail::at_least(x, -3.92f), 3.92f);
  float const y = x * x, y2 = y * y;
  float const above = mixed_polynomial(y, y2, 0x1.20dd74p+0f, 0x1.85f4b2p-3f, 0x1.b01e86p-5f,
                                       0x1.ed9356p-9f, 0x1.2ab8ccp-12f, 0x1.1327b6p-19f);
  float const below = mixed_polynomial(y, y2, 1.0f, 0x1.01104ep-1f, 0x1.d364c8p-4f, 0x1.ea8404p-7f,
                                       0x1.30c162p-10f, 0x1.3f88eap-15f);
  return detail::at_most(detail::at_least(x * above / below, -1.0f), 1.0f);
}
KOKKOS_FORCEINLINE_FUNCTION double erf(double x) {
  using detail::mixed_polynomial;
  x = detail::at_most(detail::at_least(x, -5.93), 5.93);
  double const y = x * x, y2 = y * y;
  double const above = mixed_polynomial(
      y, y2, 0x1.20dd750429b6dp+0, 0x1.c2e3994a1387fp-3, 0x1.0ed345be6717fp-4, 0x1.c378d79218499p-8,
      0x1.c094da31d141fp-11, 0x1.dd9e37d7011dbp-15, 0x1.05b9c82f463efp-18, 0x1.6be72e9d22ab7p-23,
      0x1.d07b76b285a94p-28, 0x1.7a228b417b53cp-33, 0x1.d58f187e9aa4ep-39, 0x1.91321fd784fc1p-46,
      0x1.21e8699ca6145p-56);
  double const below =
      mixed_polynomial(y, y2, 1.0, 0x1.0e906d9c15c78p-1, 0x1.13f5641e6044ep-3, 0x1.6834bf6c95a7cp-6,
                       0x1.50239fbb2a8c3p-9, 0x1.da1c217283f35p-13, 0x1.03fe997d9a7c6p-16,
                       0x1.c03e54f913d0cp-21, 0x1.2df1709106b4ep-25, 0x1.3514c85285e3ep-30,
                       0x1.c074a54ea96a8p-36, 0x1.75b8b453d2c46p-42, 0x1.fe4bdb0982d13p-51);
  return detail::at_most(detail::at_least(x * above / below, -1.0), 1.0);
}

/// Absolute error 2e-16 (1e-7) for |x| < 1e5 (1e4); NaN for infinity.
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T sin(T x) {
  using R = detail::Real<T>;
  const T t = detail::fused(x, R::inverse_pi, R::magic), n = t - R::magic;
  return detail::flip_by_bit_0(detail::sine_series(detail::minus_pi(x, n)), detail::bits(t));
}
/// As sin.
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T cos(T x) { // x = (m + 1/2) pi + r: (-1)^(m+1) sin r
  using R = detail::Real<T>;
  const T t = detail::fused(x, R::inverse_pi, T(-0.5)) + R::magic, n = (t - R::magic) + T(0.5);
  return detail::flip_by_bit_0(detail::sine_series(detail::minus_pi(x, n)), detail::bits(t) + 1);
}

/// x Phi(x), Phi the normal distribution: max(x, 0) - |x| Phi(-|x|). The tail of negative x keeps
/// its relative accuracy: 1e-15 to x = -8.5, 1e-3 at x = -37 (where it is 1e-297). float: 3e-6 to
/// x = -4; 1e-9 of x below.
KOKKOS_FORCEINLINE_FUNCTION double gelu(double x) {
  using detail::mixed_polynomial;
  double const t = detail::magnitude_at_most(x, detail::gauss_most<double>);
  auto const g = detail::gauss(t);
  // 2 Phi(-t) e^{t^2/2}
  double const above =
      mixed_polynomial(t, t * t, 0x1.0000000000000p+0, 0x1.5b5a47109a13ep+0, 0x1.d46eb743da5c1p-1,
                       0x1.8cbd06e8c7287p-2, 0x1.c7e2c2e0be4d4p-4, 0x1.6a122a9ca2ebcp-6,
                       0x1.843dcf9054f4dp-9, 0x1.0227744e32144p-12, 0x1.498368b9185cap-17);
  double const below = mixed_polynomial(
      t, t * t, 0x1.0000000000000p+0, 0x1.13ce38579de46p+1, 0x1.112b4ab83d542p+1,
      0x1.4761497cb50cfp+0, 0x1.067c2f30990c1p-1, 0x1.253c7c0755bd2p-3, 0x1.cad81e948a3b8p-6,
      0x1.e833a165f0033p-9, 0x1.438c5798eed31p-12, 0x1.9cfbd38968da6p-17);
  double const tail = (g.scale * (0.5 * t)) * ((g.s - g.r) * above) / ((g.s + g.r) * below);
  return detail::at_least(x, 0.0) - tail;
}
KOKKOS_FORCEINLINE_FUNCTION float gelu(float x) {
  using detail::mixed_polynomial;
  using R = detail::Real<float>;
  float const t = detail::magnitude_at_most(x, 12.98f);
  // -log2 Phi(-t); 127 at 12.98, where 2^-127 is taken for 0
  float const h =
      mixed_polynomial(t, t * t, 1.0f, 0x1.26aee0p+0f, 0x1.d639f0p-2f, 0x1.adfa16p-5f,
                       -0x1.cb554cp-8f, 0x1.5d5904p-15f, 0x1.17470ap-12f, -0x1.3d3160p-14f,
                       0x1.8874fcp-17f, -0x1.2428c0p-20f, 0x1.e5f758p-25f, -0x1.56eb2ep-30f);
  float const k = R::magic - h;
  float const f = (R::magic - k) - h;
  float const power = detail::polynomial(f, 1.0f, 0x1.62e432p-1f, 0x1.ebfbe2p-3f, 0x1.c6ae70p-5f,
                                         0x1.3b270ap-7f, 0x1.5f737cp-10f, 0x1.470d0ap-13f);
  return detail::fused(-(detail::power_of_two(k) * t), power, detail::at_least(x, 0.0f));
}

/// Phi(x) + x phi(x). Absolute error 2e-16 (1e-7); the tail of negative x as that of gelu.
template <class T>
KOKKOS_FORCEINLINE_FUNCTION T gelu_slope(T x) {
  using detail::mixed_polynomial;
  const T t = detail::at_most(std::fabs(x), detail::gauss_most<T>);
  auto const g = detail::gauss(t);
  T above, below; // 2 (Phi(-t) - t phi(t)) e^{t^2/2}
  if constexpr (sizeof(T) == sizeof(float)) {
    above = mixed_polynomial(t, t * t, 1.0f, -0x1.e78528p-2f, -0x1.a83b1ep-1f, -0x1.7777dap-2f,
                             -0x1.ccf17ap-5f);
    below = mixed_polynomial(t, t * t, 1.0f, 0x1.1ea31ep+0f, 0x1.d52640p-2f, 0x1.214ed0p-4f,
                             -0x1.0b1beep-18f);
  } else {
    above = mixed_polynomial(t, t * t, 0x1.0000000000000p+0, 0x1.6dac9b3e11e7bp-2,
                             -0x1.c6b32a37d1ee3p-1, -0x1.23a95e82d4f64p+0, -0x1.563112567d032p-1,
                             -0x1.eaaca7f14abe0p-3, -0x1.cc8f0cb7b92b3p-5, -0x1.19afa07ccc56cp-7,
                             -0x1.a0156dc1cdadfp-11, -0x1.2020574c95729p-15);
    below =
        mixed_polynomial(t, t * t, 0x1.0000000000000p+0, 0x1.f3ef7a0cc7dcfp+0, 0x1.ba6e7f71acb43p+0,
                         0x1.d0f37c91c88b6p-1, 0x1.3e845b5412287p-2, 0x1.24afc0c4945bep-4,
                         0x1.6273a1e770dc1p-7, 0x1.04bde66590273p-10, 0x1.691ce0c7e66e3p-15);
  }
  const T tail = (T(0.5) * g.scale) * ((g.s - g.r) * above) / ((g.s + g.r) * below);
  return detail::choose(x < T(0), tail, T(1) - tail);
}

} // namespace moho::nn::functions
