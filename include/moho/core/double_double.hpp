// SPDX-License-Identifier: BSD-3-Clause
// DoubleDouble: an unevaluated sum of two doubles, about 31 decimal digits (Dekker 1971; Hida, Li &
// Bailey 2001). Plain and slow; for the rare points where double does not certify.
#pragma once
#include "moho/core/elementary.hpp"

namespace moho {

struct DoubleDouble {
  double hi = 0, lo = 0;
  DoubleDouble() = default;
  KOKKOS_INLINE_FUNCTION DoubleDouble(double x) : hi(x) {} // NOLINT: every double is one
  KOKKOS_INLINE_FUNCTION DoubleDouble(double h, double l) : hi(h), lo(l) {}
};

namespace detail {
/// a + b exactly, as hi + lo.
KOKKOS_INLINE_FUNCTION DoubleDouble two_sum(double a, double b) {
  double const s = a + b, v = s - a;
  return {s, (a - (s - v)) + (b - v)};
}
KOKKOS_INLINE_FUNCTION DoubleDouble quick_two_sum(double a, double b) { // |a| >= |b|
  double const s = a + b;
  return {s, b - (s - a)};
}
KOKKOS_INLINE_FUNCTION DoubleDouble inverse_power_of_two(DoubleDouble x, DoubleDouble& exponent) {
  double e;
  double const scale = inverse_power_of_two(x.hi, e);
  exponent = DoubleDouble(e);
  return {scale, 0.0};
}
/// a b exactly. The product is rounded by an fma of its own: a plain product could be contracted
/// with a later addition, which would break the error-free sums built on it.
KOKKOS_INLINE_FUNCTION DoubleDouble two_product(double a, double b) {
  double const p = std::fma(a, b, 0.0);
  return {p, std::fma(a, b, -p)};
}
} // namespace detail

KOKKOS_INLINE_FUNCTION DoubleDouble operator-(DoubleDouble a) {
  return {-a.hi, -a.lo};
}
KOKKOS_INLINE_FUNCTION DoubleDouble operator+(DoubleDouble a, DoubleDouble b) {
  DoubleDouble s = detail::two_sum(a.hi, b.hi), t = detail::two_sum(a.lo, b.lo);
  s = detail::quick_two_sum(s.hi, s.lo + t.hi);
  return detail::quick_two_sum(s.hi, s.lo + t.lo);
}
KOKKOS_INLINE_FUNCTION DoubleDouble operator-(DoubleDouble a, DoubleDouble b) {
  return a + (-b);
}
KOKKOS_INLINE_FUNCTION DoubleDouble operator*(DoubleDouble a, DoubleDouble b) {
  const DoubleDouble p = detail::two_product(a.hi, b.hi);
  return detail::quick_two_sum(p.hi, p.lo + std::fma(a.hi, b.lo, std::fma(a.lo, b.hi, 0.0)));
}
KOKKOS_INLINE_FUNCTION DoubleDouble operator/(DoubleDouble a, DoubleDouble b) {
  double const q1 = a.hi / b.hi;
  DoubleDouble r = a - b * DoubleDouble(q1);
  double const q2 = r.hi / b.hi;
  r = r - b * DoubleDouble(q2);
  double const q3 = r.hi / b.hi;
  return detail::quick_two_sum(q1, q2) + DoubleDouble(q3);
}
KOKKOS_INLINE_FUNCTION bool operator<(DoubleDouble a, DoubleDouble b) {
  return a.hi < b.hi || (a.hi == b.hi && a.lo < b.lo);
}
KOKKOS_INLINE_FUNCTION bool operator>(DoubleDouble a, DoubleDouble b) {
  return b < a;
}
KOKKOS_INLINE_FUNCTION bool operator>=(DoubleDouble a, DoubleDouble b) {
  return !(a < b);
}

KOKKOS_INLINE_FUNCTION DoubleDouble select(bool mask, DoubleDouble yes, DoubleDouble no) {
  return mask ? yes : no;
}
KOKKOS_INLINE_FUNCTION DoubleDouble abs(DoubleDouble x) {
  return x.hi < 0 ? -x : x;
}
KOKKOS_INLINE_FUNCTION DoubleDouble max(DoubleDouble x, DoubleDouble y) {
  return x < y ? y : x;
}
KOKKOS_INLINE_FUNCTION DoubleDouble value(DoubleDouble x) {
  return x;
}
KOKKOS_INLINE_FUNCTION double largest_lane(DoubleDouble x) {
  return x.hi;
}
KOKKOS_INLINE_FUNCTION DoubleDouble lane(DoubleDouble x, int) {
  return x;
}
KOKKOS_INLINE_FUNCTION void set_lane(DoubleDouble& x, int, DoubleDouble to) {
  x = to;
}

KOKKOS_INLINE_FUNCTION DoubleDouble sqrt(DoubleDouble x) {
  if (!(x.hi > 0)) return {0.0, 0.0};
  // Karp's method: one Newton step on the inverse square root
  double const y = 1.0 / std::sqrt(x.hi), z = std::fma(x.hi, y, 0.0);
  const DoubleDouble r = x - detail::two_product(z, z);
  return detail::two_sum(z, r.hi * (y * 0.5));
}
KOKKOS_INLINE_FUNCTION DoubleDouble floor(DoubleDouble x) {
  double const h = std::floor(x.hi);
  return h == x.hi ? detail::quick_two_sum(h, std::floor(x.lo)) : DoubleDouble(h);
}

namespace detail {
/// x = n ln 2 + r, |r| <= ln(2)/2: e^r - 1.
KOKKOS_INLINE_FUNCTION DoubleDouble reduced_expm1(DoubleDouble x, double& n) {
  n = std::floor(x.hi * 0x1.71547652b82fep+0 + 0.5);
  const DoubleDouble ln2(0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56);
  const DoubleDouble r = (x - ln2 * DoubleDouble(n)) * DoubleDouble(1.0 / 1024);
  DoubleDouble sum(0.0), term(1.0); // by Taylor: |r| < 3.4e-4, r^10/10! < 1e-41
  for (int k = 1; k < 10; ++k) {
    term = term * r / DoubleDouble(double(k));
    sum = sum + term;
  }
  for (int k = 0; k < 10; ++k) sum = sum * DoubleDouble(2.0) + sum * sum; // (1+s)^2 - 1
  return sum;
}
} // namespace detail

/// e^x for x <= 700; below -700 the value at -700.
KOKKOS_INLINE_FUNCTION DoubleDouble exp(DoubleDouble x) {
  double n;
  const DoubleDouble e = detail::reduced_expm1(max(x, DoubleDouble(-700.0)), n) + DoubleDouble(1.0);
  double const scale = std::ldexp(1.0, int(n));
  return {e.hi * scale, e.lo * scale};
}

/// 1 - e^-x for x >= 0, to full relative accuracy near 0.
KOKKOS_INLINE_FUNCTION DoubleDouble one_minus_exp(DoubleDouble x) {
  double n;
  const DoubleDouble e = detail::reduced_expm1(max(-x, DoubleDouble(-700.0)), n);
  double const scale = std::ldexp(1.0, int(n));
  return DoubleDouble(1.0) - DoubleDouble(scale) - DoubleDouble(e.hi * scale, e.lo * scale);
}

/// Sine and cosine of y, |y| < 1e6.
KOKKOS_INLINE_FUNCTION void sincos(DoubleDouble y, DoubleDouble& sine, DoubleDouble& cosine) {
  double const n = std::floor(y.hi * 0x1.45f306dc9c883p-1 + 0.5);
  const DoubleDouble nn(n);
  DoubleDouble r = y - nn * DoubleDouble(0x1.921fb54442d18p+0);
  r = r - nn * DoubleDouble(0x1.1a62633145c07p-54);
  r = r + nn * DoubleDouble(0x1.f1976b7ed8fbcp-110);
  const DoubleDouble q = -(r * r);
  DoubleDouble s = r, c(1.0), ts = r, tc(1.0); // |r| <= pi/4: r^30/30! < 3e-36
  for (int k = 1; k < 15; ++k) {
    tc = tc * q / DoubleDouble(double((2 * k - 1) * (2 * k)));
    ts = ts * q / DoubleDouble(double((2 * k) * (2 * k + 1)));
    c = c + tc;
    s = s + ts;
  }
  int const quadrant = int(n - 4 * std::floor(n / 4));
  sine = quadrant == 0 ? s : quadrant == 1 ? c : quadrant == 2 ? -s : -c;
  cosine = quadrant == 0 ? c : quadrant == 1 ? -s : quadrant == 2 ? -c : s;
}

template <>
struct Scalar<DoubleDouble> {
  using Value = DoubleDouble;
  using Lane = DoubleDouble;
  static constexpr int lanes = 1;
  static constexpr double series_scale = 1e-3;
};

} // namespace moho
