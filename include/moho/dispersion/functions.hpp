// SPDX-License-Identifier: BSD-3-Clause
// Layer functions: the entire functions of r^2 and s^2 that the propagators are made of, each in
// the form that does not cancel.
#pragma once
#include "moho/core/dual.hpp"

namespace moho::dispersion {

template <class T>
using ValueOf = typename Scalar<T>::Value;

/// cosh(sqrt(q) x) and sinh(sqrt(q) x)/sqrt(q), q of any sign, both times `factor` = exp(-sqrt(q)
/// x) where q > 0 (so that nothing overflows), 1 elsewhere.
template <class T>
struct Hyperbolic {
  T cosine, sine, factor;
};

/// Hyperbolic functions for x > 0; by series near q = 0, where sinh(sqrt(q) x)/sqrt(q) is 0/0.
template <class T>
KOKKOS_INLINE_FUNCTION Hyperbolic<T> hyperbolic(T x, T q) {
  using V = ValueOf<T>;
  const V limit(1e-2 * Scalar<T>::series_scale), zero(0.0);
  const T y = q * x * x;
  auto const small = abs(value(y)) < limit;
  const T root = sqrt(max(abs(q), T(V(1e-200))));
  Hyperbolic<T> f{T(V(1.0)), x, T(V(1.0))};
  auto const evanescent = (!small) & (value(q) > zero);
  auto const oscillating = (!small) & !(value(q) > zero);
  if (any(evanescent)) {
    const T e = exp(-(root * x)), e2 = e * e;
    f.cosine = select(evanescent, (1.0 + e2) * 0.5, f.cosine);
    f.sine = select(evanescent, (1.0 - e2) * 0.5 / root, f.sine);
    f.factor = select(evanescent, e, f.factor);
  }
  if (any(oscillating)) {
    T s, c;
    sincos(root * x, s, c);
    f.cosine = select(oscillating, c, f.cosine);
    f.sine = select(oscillating, s / root, f.sine);
  }
  if (any(small)) { // y^6/12! and y^6/13! < 1e-20
    const T c =
        ((((y * (1.0 / 3628800.0) + 1.0 / 40320.0) * y + 1.0 / 720.0) * y + 1.0 / 24.0) * y + 0.5) *
            y +
        1.0;
    const T s =
        ((((y * (1.0 / 39916800.0) + 1.0 / 362880.0) * y + 1.0 / 5040.0) * y + 1.0 / 120.0) * y +
         1.0 / 6.0) *
            y +
        1.0;
    f.cosine = select(small, c, f.cosine);
    f.sine = select(small, x * s, f.sine);
  }
  return f;
}

/// Coefficients of the two matrix functions of a P-SV layer,
///   Phi1 = sinh(x sqrt(G))/sqrt(G) = m1 I + s1 G',   Phi2 = (cosh(x sqrt(G)) - I)/G = m2 I + s2
///   G',
/// where G has the eigenvalues (r + s)^2 and (r - s)^2 and G' = G - (r^2 + s^2) I (rayleigh.hpp);
/// all five times `one` = exp(-(r + s) x), where r or s is imaginary its part left out.
template <class T>
struct PsvFunctions {
  T one, m1, s1, m2, s2;
};

/// Thin layers, |G| x^2 < 1/4: power series; nothing is scaled. w = r^2 + s^2, r2s2 = r^2 s^2.
template <class T>
KOKKOS_INLINE_FUNCTION PsvFunctions<T> thin_functions(T x, T w, T r2s2) {
  // Horner in G x^2 on pairs (f, g): f I + g x^2 G', since G'^2 = 4 r^2 s^2 I
  const T x2 = x * x, wx = w * x2, ux = 4.0 * r2s2 * x2 * x2;
  double const odd[] = {1.0 / 6,        1.0 / 120,          1.0 / 5040,           1.0 / 362880,
                        1.0 / 39916800, 1.0 / 6227020800.0, 1.0 / 1307674368000.0};
  double const even[] = {0.5,           1.0 / 24,          1.0 / 720,          1.0 / 40320,
                         1.0 / 3628800, 1.0 / 479001600.0, 1.0 / 87178291200.0};
  using V = ValueOf<T>;
  T f1{V(odd[6])}, g1{V(0.0)}, f2{V(even[6])}, g2{V(0.0)};
  for (int k = 5; k >= -1; --k) {
    const T p1 = wx * f1 + ux * g1, p2 = wx * f2 + ux * g2;
    g1 = f1 + wx * g1;
    f1 = p1 + (k >= 0 ? odd[k] : 1.0);
    if (k >= 0) {
      g2 = f2 + wx * g2;
      f2 = p2 + even[k];
    }
  }
  PsvFunctions<T> f;
  f.one = T(ValueOf<T>(1.0));
  f.m1 = x * f1;
  f.s1 = x * x2 * g1;
  f.m2 = x2 * f2;
  f.s2 = x2 * x2 * g2;
  return f;
}

/// r and s real, s not small: everything from e^(-rx), e^(-sx) and the two differences
/// (1 - e^(-(r+s)x))/(r+s) and (e^(-sx) - e^(-rx))/(r-s), the second by a series where it cancels.
/// No term grows like (vs/c)^2, so stiff layers over soft ground lose no digits.
template <class T>
KOKKOS_INLINE_FUNCTION PsvFunctions<T> evanescent_functions(T x, T r2, T s2, T gap) {
  using V = ValueOf<T>;
  const V limit(Scalar<T>::series_scale < 1 ? 1e-3 : 0.25);
  const T r = sqrt(r2), s = sqrt(s2), p = r + s;
  const T rs = r * s, inverse = 1.0 / (p * rs);
  const T inv_p = inverse * rs, inv_rs = inverse * p, m = gap * inv_p;
  const T er = exp(-(r * x)), es = exp(-(s * x));
  const T one = er * es, y = m * x;
  const T up = (1.0 - one) * inv_p;
  T down = (es - er) * p / gap;
  auto const small = value(y) < limit;
  if (any(small)) { // (e^y - 1)/y, y^11/12! < 5e-16 relative
    T series = y * (1.0 / 39916800.0) + 1.0 / 3628800.0;
    series = series * y + 1.0 / 362880.0;
    series = series * y + 1.0 / 40320.0;
    series = series * y + 1.0 / 5040.0;
    series = series * y + 1.0 / 720.0;
    series = series * y + 1.0 / 120.0;
    series = series * y + 1.0 / 24.0;
    series = series * y + 1.0 / 6.0;
    series = series * y + 0.5;
    series = series * y + 1.0;
    down = select(small, er * x * series, down);
  }
  const T up1 = up * (1.0 + one), down1 = down * (er + es);
  PsvFunctions<T> f;
  f.one = one;
  f.m1 = (up1 + down1) * 0.25;
  f.s1 = (up1 - down1) * 0.125 * inv_rs;
  f.m2 = (up * up + down * down) * 0.25;
  f.s2 = (up - down) * (up + down) * 0.125 * inv_rs;
  return f;
}

/// The rest (c near or above vs, so that gap = r^2 - s^2 is not small), real in every regime.
template <class T>
KOKKOS_INLINE_FUNCTION PsvFunctions<T> general_functions(T x, T r2, T s2, T gap) {
  Hyperbolic<T> const p = hyperbolic(x, r2), q = hyperbolic(x, s2);
  const T w = r2 + s2, inv_gap = 1.0 / gap;
  const T ss = p.sine * q.sine;
  PsvFunctions<T> f;
  f.one = p.factor * q.factor;
  f.s1 = (p.cosine * q.sine - p.sine * q.cosine) * 0.5 * inv_gap;
  f.m1 = p.sine * q.cosine - 2.0 * s2 * f.s1;
  f.s2 = (ss * w - 2.0 * (p.cosine * q.cosine - f.one)) * 0.5 * inv_gap * inv_gap;
  f.m2 = 0.5 * ss - w * f.s2;
  return f;
}

template <class M, class T>
KOKKOS_INLINE_FUNCTION void merge(M mask, PsvFunctions<T> const& from, PsvFunctions<T>& to) {
  to.one = select(mask, from.one, to.one);
  to.m1 = select(mask, from.m1, to.m1);
  to.s1 = select(mask, from.s1, to.s1);
  to.m2 = select(mask, from.m2, to.m2);
  to.s2 = select(mask, from.s2, to.s2);
}

/// Layer functions for x = k h > 0, r^2 = 1 - c^2/vp^2, s^2 = 1 - c^2/vs^2, gap = r^2 - s^2 > 0.
template <class T>
KOKKOS_INLINE_FUNCTION PsvFunctions<T> psv_functions(T x, T r2, T s2, T gap) {
  using V = ValueOf<T>;
  const V thin_limit(0.25 * (Scalar<T>::series_scale < 1 ? 4e-3 : 1.0)), s2_limit(0.3);
  const V size = 2.0 * (abs(value(r2)) + abs(value(s2))) * value(x) * value(x);
  auto const thin = size < thin_limit;
  auto const evanescent = (!thin) & (value(s2) > s2_limit);
  auto const general = (!thin) & !(value(s2) > s2_limit);
  PsvFunctions<T> f{};
  if (any(thin)) merge(thin, thin_functions(x, r2 + s2, r2 * s2), f);
  if (any(evanescent)) {
    const T safe = max(s2, T(s2_limit)); // lanes of the other kinds: any harmless value
    merge(evanescent, evanescent_functions(x, max(r2, T(s2_limit)), safe, gap), f);
  }
  if (any(general)) merge(general, general_functions(x, r2, s2, gap), f);
  return f;
}

} // namespace moho::dispersion
