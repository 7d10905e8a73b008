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

/// The power series near y = q x^2 = 0, where sinh(sqrt(q) x)/sqrt(q) is 0/0; y^6/12! < 1e-20.
template <class T, class X>
KOKKOS_FORCEINLINE_FUNCTION Hyperbolic<T> hyperbolic_series(X x, T y) {
  const T c =
      ((((y * (1.0 / 3628800.0) + 1.0 / 40320.0) * y + 1.0 / 720.0) * y + 1.0 / 24.0) * y + 0.5) *
          y +
      1.0;
  const T s =
      ((((y * (1.0 / 39916800.0) + 1.0 / 362880.0) * y + 1.0 / 5040.0) * y + 1.0 / 120.0) * y +
       1.0 / 6.0) *
          y +
      1.0;
  return {c, s * x, T(ValueOf<T>(1.0))};
}

/// cosh(sqrt(q) x) and sinh(sqrt(q) x)/sqrt(q) scaled as in `Hyperbolic`, from root = sqrt(|q|),
/// its inverse and, where q > 0, e = exp(-root x).
template <class M, class T, class X>
KOKKOS_FORCEINLINE_FUNCTION Hyperbolic<T> hyperbolic_from(M small, X x, T q, T y, T root, T inverse,
                                                          T e) {
  using V = ValueOf<T>;
  const T e2 = e * e;
  auto const oscillating = !(value(q) > V(0.0));
  Hyperbolic<T> f{(1.0 + e2) * 0.5, (1.0 - e2) * 0.5 * inverse, e};
  if (any((!small) & oscillating)) {
    T s, c;
    sincos(root * x, s, c);
    f.cosine = select(oscillating, c, f.cosine);
    f.sine = select(oscillating, s * inverse, f.sine);
    f.factor = select(oscillating, T(V(1.0)), f.factor);
  }
  if (any(small)) { // power series, y^6/12! and y^6/13! < 1e-20
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
    f.sine = select(small, s * x, f.sine);
    f.factor = select(small, T(V(1.0)), f.factor);
  }
  return f;
}

/// e^(-root x) if a lane of `needed` has q > 0.
template <class M, class T, class X>
KOKKOS_FORCEINLINE_FUNCTION T decay(M needed, X x, T q, T root) {
  using V = ValueOf<T>;
  return any(needed & (value(q) > V(0.0))) ? exp(-(root * x)) : T(V(1.0));
}

/// Hyperbolic functions for x > 0.
template <class T, class X>
KOKKOS_FORCEINLINE_FUNCTION Hyperbolic<T> hyperbolic(X x, T q) {
  using V = ValueOf<T>;
  const V limit(1e-2 * Scalar<T>::series_scale);
  const T root = sqrt(max(abs(q), T(V(1e-200)))), y = q * (x * x);
  auto const small = abs(value(y)) < limit;
  return hyperbolic_from(small, x, q, y, root, 1.0 / root, decay(!small, x, q, root));
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
template <class T, class X>
KOKKOS_FORCEINLINE_FUNCTION PsvFunctions<T> thin_functions(X x, T w, T r2s2) {
  // Horner in G x^2 on pairs (f, g): f I + g x^2 G', since G'^2 = 4 r^2 s^2 I
  const X x2 = x * x;
  const T wx = w * x2, ux = 4.0 * r2s2 * (x2 * x2);
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
  f.s1 = (x * x2) * g1;
  f.m2 = x2 * f2;
  f.s2 = (x2 * x2) * g2;
  return f;
}

/// What the closed forms share: r, s and their inverses, e^(-rx), e^(-sx) where r, s are real.
template <class T>
struct Decays {
  T r, s;          ///< roots of |r^2| and |s^2|
  T inv_p, inv_rs; ///< 1/(r + s), 1/(r s)
  T er, es;        ///< meaningless where r or s is imaginary
};

/// r and s real, s not small: everything from e^(-rx), e^(-sx) and the two differences
/// (1 - e^(-(r+s)x))/(r+s) and (e^(-sx) - e^(-rx))/(r-s), the second by a series where it cancels.
/// No term grows like (vs/c)^2, so stiff layers over soft ground lose no digits.
template <class T, class X>
KOKKOS_FORCEINLINE_FUNCTION PsvFunctions<T> evanescent_functions(X x, Decays<T> const& d, T gap,
                                                                 T inv_gap) {
  using V = ValueOf<T>;
  const V limit(Scalar<T>::series_scale < 1 ? 1e-3 : 0.25);
  const T one = d.er * d.es, y = gap * d.inv_p * x;
  const T up = (1.0 - one) * d.inv_p;
  T down = (d.es - d.er) * (d.r + d.s) * inv_gap;
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
    down = select(small, d.er * x * series, down);
  }
  const T up1 = up * (1.0 + one), down1 = down * (d.er + d.es), eighth = d.inv_rs * 0.125;
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
  ValueOf<T> const limit(1e-2 * Scalar<T>::series_scale);
  const T yr = r2 * (x * x), ys = s2 * (x * x);
  Hyperbolic<T> const p =
      hyperbolic_from(abs(value(yr)) < limit, x, r2, yr, d.r, d.s * d.inv_rs, d.er);
  Hyperbolic<T> const q =
      hyperbolic_from(abs(value(ys)) < limit, x, s2, ys, d.s, d.r * d.inv_rs, d.es);
  const T w = r2 + s2, half = inv_gap * 0.5;
  const T ss = p.sine * q.sine, sc = p.sine * q.cosine;
  PsvFunctions<T> f;
  f.one = p.factor * q.factor;
  f.s1 = (p.cosine * q.sine - sc) * half;
  f.m1 = sc - 2.0 * s2 * f.s1;
  f.s2 = (ss * w - 2.0 * (p.cosine * q.cosine - f.one)) * half * inv_gap;
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

/// The closed forms: deep where s^2 > 0.3, general elsewhere.
template <class M, class T, class X>
KOKKOS_FORCEINLINE_FUNCTION PsvFunctions<T> thick_functions(M thick, X x, T r2, T s2, T gap,
                                                            T inv_gap) {
  using V = ValueOf<T>;
  auto const deep = value(s2) > V(0.3);
  const T tiny(V(1e-200));
  Decays<T> d;
  d.r = sqrt(max(abs(r2), tiny));
  d.s = sqrt(max(abs(s2), tiny));
  const T p = d.r + d.s, rs = d.r * d.s, inverse = 1.0 / (p * rs);
  d.inv_p = inverse * rs;
  d.inv_rs = inverse * p;
  d.er = decay(thick, x, r2, d.r);
  d.es = decay(thick, x, s2, d.s);
  PsvFunctions<T> f{};
  if (any(thick & deep)) f = evanescent_functions(x, d, gap, inv_gap);
  if (any(thick & !deep)) merge(!deep, general_functions(x, r2, s2, d, inv_gap), f);
  return f;
}

/// Layer functions for x = k h > 0, r^2 = 1 - c^2/vp^2, s^2 = 1 - c^2/vs^2, gap = r^2 - s^2 > 0.
template <class T, class X>
KOKKOS_FORCEINLINE_FUNCTION PsvFunctions<T> psv_functions(X x, T r2, T s2, T gap, T inv_gap) {
  using V = ValueOf<T>;
  const V thin_limit(0.25 * (Scalar<T>::series_scale < 1 ? 4e-3 : 1.0));
  const V size = 2.0 * (abs(value(r2)) + abs(value(s2))) * value(x) * value(x);
  auto const thick = size >= thin_limit;
  PsvFunctions<T> f{};
  if (any(thick)) f = thick_functions(thick, x, r2, s2, gap, inv_gap);
  if (any(!thick)) merge(!thick, thin_functions(x, r2 + s2, r2 * s2), f);
  return f;
}

} // namespace moho::dispersion
