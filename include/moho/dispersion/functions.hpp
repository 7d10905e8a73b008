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
  T excess; ///< cosine - factor, to full relative accuracy
  T cosine, sine, factor;
};

/// Hyperbolic functions from y = q x^2, root = sqrt(|q|), its inverse and, where q > 0, d = 1 -
/// exp(-root x); by power series where `small` (|y| < 1e-2), since sinh(sqrt(q) x)/sqrt(q) is 0/0
/// at q = 0.
template <class M, class T, class X>
KOKKOS_FORCEINLINE_FUNCTION Hyperbolic<T> hyperbolic_from(M small, X x, T q, T y, T root, T inverse,
                                                          T d) {
  using V = ValueOf<T>;
  const T e = 1.0 - d, half = d * d * 0.5;
  Hyperbolic<T> f{half, e + half, (d + d * e) * 0.5 * inverse, e};
  auto const oscillating = !(value(q) > V(0.0));
  if (any((!small) & oscillating)) {
    T s, c; // of half the angle: cos - 1 = -2 s^2
    sincos(root * (x * 0.5), s, c);
    const T s2 = s + s, excess = -(s2 * s);
    f.excess = select(oscillating, excess, f.excess);
    f.cosine = select(oscillating, 1.0 + excess, f.cosine);
    f.sine = select(oscillating, s2 * c * inverse, f.sine);
    f.factor = select(oscillating, T(V(1.0)), f.factor);
  }
  if (any(small)) { // y^6/12! and y^6/13! < 1e-20
    T c = y * (1.0 / 3628800.0) + 1.0 / 40320.0, s = y * (1.0 / 39916800.0) + 1.0 / 362880.0;
    c = c * y + 1.0 / 720.0;
    s = s * y + 1.0 / 5040.0;
    c = c * y + 1.0 / 24.0;
    s = s * y + 1.0 / 120.0;
    c = (c * y + 0.5) * y;
    s = (s * y + 1.0 / 6.0) * y + 1.0;
    f.excess = select(small, c, f.excess);
    f.cosine = select(small, 1.0 + c, f.cosine);
    f.sine = select(small, s * x, f.sine);
    f.factor = select(small, T(V(1.0)), f.factor);
  }
  return f;
}

/// 1 - e^(-root x) if any lane needs it.
template <class M, class T, class X>
KOKKOS_FORCEINLINE_FUNCTION T decay(M needed, X x, T root) {
  return any(needed) ? one_minus_exp(root * x) : T(ValueOf<T>(0.0));
}

/// Below this |q x^2| the power series are used.
template <class T>
inline constexpr double small_argument = 1e-2 * Scalar<T>::series_scale;

/// Hyperbolic functions for x > 0.
template <class T, class X>
KOKKOS_FORCEINLINE_FUNCTION Hyperbolic<T> hyperbolic(X x, T q) {
  using V = ValueOf<T>;
  const T root = sqrt(max(abs(q), T(V(1e-200)))), y = q * (x * x);
  auto const small = abs(value(y)) < V(small_argument<T>);
  auto const decaying = (!small) & (value(q) > V(0.0));
  return hyperbolic_from(small, x, q, y, root, 1.0 / root, decay(decaying, x, root));
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

/// What both forms share: r, s, their inverses, and 1 - e^(-rx), 1 - e^(-sx) where r, s are real.
template <class T>
struct Decays {
  T r, s;          ///< roots of |r^2| and |s^2|
  T inv_p, inv_rs; ///< 1/(r + s), 1/(r s)
  T dr, ds;        ///< meaningless where r or s is imaginary
};

/// r and s real: everything from e^(-rx), e^(-sx) and the two differences (1 - e^(-(r+s)x))/(r+s)
/// and (e^(-sx) - e^(-rx))/(r-s), the second by a series where it cancels. No term grows like
/// (vs/c)^2, so stiff layers over soft ground lose no digits.
template <class T, class X>
KOKKOS_FORCEINLINE_FUNCTION PsvFunctions<T> evanescent_functions(X x, Decays<T> const& d, T gap,
                                                                 T inv_gap) {
  using V = ValueOf<T>;
  const V limit(Scalar<T>::series_scale < 1 ? 1e-3 : 0.25);
  const T er = 1.0 - d.dr, es = 1.0 - d.ds, one = er * es, y = gap * d.inv_p * x;
  const T up = (d.dr + er * d.ds) * d.inv_p;
  T down = (d.dr - d.ds) * (d.r + d.s) * inv_gap;
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
  const T up1 = up * (1.0 + one), down1 = down * (er + es), eighth = d.inv_rs * 0.125;
  PsvFunctions<T> f;
  f.one = one;
  f.m1 = (up1 + down1) * 0.25;
  f.s1 = (up1 - down1) * eighth;
  f.m2 = (up * up + down * down) * 0.25;
  f.s2 = (up - down) * (up + down) * eighth;
  return f;
}

/// The rest (c near or above vs, so that gap = r^2 - s^2 is not small), real in every regime.
template <class T, class X>
KOKKOS_FORCEINLINE_FUNCTION PsvFunctions<T> general_functions(X x, T r2, T s2, Decays<T> const& d,
                                                              T inv_gap) {
  ValueOf<T> const limit(small_argument<T>);
  const T yr = r2 * (x * x), ys = s2 * (x * x);
  Hyperbolic<T> const p =
      hyperbolic_from(abs(value(yr)) < limit, x, r2, yr, d.r, d.s * d.inv_rs, d.dr);
  Hyperbolic<T> const q =
      hyperbolic_from(abs(value(ys)) < limit, x, s2, ys, d.s, d.r * d.inv_rs, d.ds);
  const T w = r2 + s2, half = inv_gap * 0.5;
  const T ss = p.sine * q.sine, sc = p.sine * q.cosine;
  PsvFunctions<T> f;
  f.one = p.factor * q.factor;
  f.s1 = (p.cosine * q.sine - sc) * half;
  f.m1 = sc - 2.0 * s2 * f.s1;
  f.s2 = (ss * w - 2.0 * (p.excess * q.cosine + p.factor * q.excess)) * half * inv_gap;
  f.m2 = 0.5 * ss - w * f.s2;
  return f;
}

template <class M, class T>
KOKKOS_FORCEINLINE_FUNCTION void merge(M mask, PsvFunctions<T> const& from, PsvFunctions<T>& to) {
  to.one = select(mask, from.one, to.one);
  to.m1 = select(mask, from.m1, to.m1);
  to.s1 = select(mask, from.s1, to.s1);
  to.m2 = select(mask, from.m2, to.m2);
  to.s2 = select(mask, from.s2, to.s2);
}

/// Layer functions for x = k h > 0, r^2 = 1 - c^2/vp^2, s^2 = 1 - c^2/vs^2, gap = r^2 - s^2 > 0.
template <class T, class X>
KOKKOS_FORCEINLINE_FUNCTION PsvFunctions<T> psv_functions(X x, T r2, T s2, T gap, T inv_gap) {
  using V = ValueOf<T>;
  auto const deep = value(s2) > V(0.02);
  const T tiny(V(1e-200));
  Decays<T> d;
  d.r = sqrt(max(abs(r2), tiny));
  d.s = sqrt(max(abs(s2), tiny));
  const T p = d.r + d.s, rs = d.r * d.s, inverse = 1.0 / (p * rs);
  d.inv_p = inverse * rs;
  d.inv_rs = inverse * p;
  d.dr = decay(value(r2) > V(0.0), x, d.r);
  d.ds = decay(value(s2) > V(0.0), x, d.s);
  PsvFunctions<T> f{};
  if (any(deep)) f = evanescent_functions(x, d, gap, inv_gap);
  if (any(!deep)) merge(!deep, general_functions(x, r2, s2, d, inv_gap), f);
  return f;
}

} // namespace moho::dispersion
