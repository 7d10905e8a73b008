// SPDX-License-Identifier: BSD-3-Clause
// Reverse mode through the sweeps of rayleigh.hpp and love.hpp. A secular function is linear in the
// state at each interface, F = l_i . e_i with e_i = M_i e_{i+1} upward and l_{i+1} = l_i M_i
// downward, so that dF/dp = l_i (dM_i/dp) e_{i+1}: all parameters of all layers in two sweeps.
//
// At a root any positive factor of M_i may be held constant or not: its derivative is multiplied by
// F = 0. The derivative with respect to x = k h is therefore that of the unscaled functions, which
// is l_i A_i e_i, A being the matrix of the differential equation.
#pragma once
#include "moho/dispersion/love.hpp"
#include "moho/dispersion/rayleigh.hpp"

namespace moho::dispersion::detail {

/// Derivatives of a scalar with respect to x = k h and the logarithms of vp, vs and rho of a layer.
template <class T>
struct RowSlopes {
  T x, vp, vs, rho;
};

/// Sums over the layers: derivatives with respect to c^2 and, through x = k h, to k.
template <class T>
struct Totals {
  T c2, k;
};

/// Derivatives with respect to what the secular functions see of a solid layer.
template <class T>
struct SolidSlopes {
  T r2, s2, R, Z, a, b, e;
};

/// From what the secular function sees to the layer's parameters; also adds to d/d(c^2).
template <class T, class S>
KOKKOS_FORCEINLINE_FUNCTION RowSlopes<T> chain(SolidLayer<S> const& l, T c2,
                                               SolidSlopes<T> const& d, T& by_c2) {
  const S one(1.0), two(2.0), twice_ratio = one - l.e; // 2 vs^2/vp^2
  const T R = c2 * l.rho, Z = l.zeta - R;
  const T ap = c2 * l.inv_vp2 * d.r2, as = c2 * l.inv_vs2 * d.s2;
  const T shared = d.Z * (S(4.0) * l.mu);
  RowSlopes<T> row;
  row.x = T(ValueOf<T>(0.0));
  row.vp = 2.0 * ap + shared * twice_ratio - d.b * (two * l.b) + d.e * (two * twice_ratio);
  row.vs = 2.0 * as + shared * (two * l.e) - d.a * (two * l.a) - d.e * (two * twice_ratio);
  row.rho = d.R * R + d.Z * Z - d.a * l.a - d.b * l.b;
  by_c2 = by_c2 + (d.R - d.Z) * l.rho - d.r2 * l.inv_vp2 - d.s2 * l.inv_vs2;
  return row;
}

// ---- Rayleigh ----------------------------------------------------------------------------------

/// One interface of the upward sweep: the minors at the top of a layer (the half-space included)
/// and, of the layer, its functions with their derivatives by r^2 and s^2.
template <class T>
struct PsvStation {
  Minors<T> top;
  PsvFunctions<T> f, by_r2, by_s2;
  ValueOf<T> unit; ///< power of two that `top` was multiplied by
};

/// Layer functions with their derivatives.
template <class T, class S>
KOKKOS_FORCEINLINE_FUNCTION void differentiate(LayerAtVelocity<T, S> const& at, T x,
                                               PsvStation<T>& to) {
  using V = ValueOf<T>;
  using D = Dual<T>;
  const T zero(V(0.0)), one(V(1.0)), steep = at.inv_gap * at.inv_gap;
  PsvFunctions<D> const f = psv_functions(x, D(at.r2, one, zero), D(at.s2, zero, one),
                                          D(at.gap, one, -one), D(at.inv_gap, -steep, steep));
  to.f = {f.one.v, f.m1.v, f.s1.v, f.m2.v, f.s2.v};
  to.by_r2 = {f.one.d0, f.m1.d0, f.s1.d0, f.m2.d0, f.s2.d0};
  to.by_s2 = {f.one.d1, f.m1.d1, f.s1.d1, f.m2.d1, f.s2.d1};
}

/// Upward sweep; `station` has one entry per solid.
template <class T, class S>
KOKKOS_INLINE_FUNCTION void sweep_up(LayerView<S> const& model, T c2, T k, PsvStation<T>* station) {
  using V = ValueOf<T>;
  const T inv_c2 = 1.0 / c2;
  station[model.solids - 1].top = half_space_minors(model.solid[model.solids - 1], c2);
  for (int i = model.solids - 2; i >= 0; --i) {
    LayerAtVelocity<T, S> const at(model.solid[i], c2, inv_c2);
    PsvStation<T>& to = station[i];
    differentiate(at, k * model.solid[i].thickness, to);
    V spread, power;
    to.top = propagate(at, to.f, station[i + 1].top, spread);
    to.unit = moho::detail::inverse_power_of_two(max(magnitude(to.top), V(1e-290)), power);
    scale(to.top, to.unit);
  }
}

/// t = Q E of rayleigh.hpp.
template <class T, class S>
KOKKOS_FORCEINLINE_FUNCTION void source(SolidLayer<S> const& l, T R, T Z, Minors<T> const& m, T& t1,
                                        T& t2) {
  t1 = m.m34 * l.a - R * m.m12 - 2.0 * m.m13;
  t2 = -(Z * m.m12) - m.m13 * (l.e * S(2.0)) - m.m34 * l.b;
}

/// Rate at which a solution grows with x through real square roots of `a` and `b`.
template <class V>
KOKKOS_FORCEINLINE_FUNCTION V growth(V a, V b) {
  const V zero(0.0);
  return sqrt(max(a, zero)) + sqrt(max(b, zero));
}

/// dF/dx = l A e at the top of a layer (upward), less the growth of e times F = l e: 0 but for the
/// rounding of c, which would outlast the decay of the true slope with depth.
template <class T, class S>
KOKKOS_FORCEINLINE_FUNCTION T slope_by_x(LayerAtVelocity<T, S> const& at, Minors<T> const& l,
                                         Minors<T> const& e) {
  SolidLayer<S> const& q = *at.l;
  const T rate(growth(value(at.r2), value(at.s2)));
  T t1, t2;
  source(q, at.R, at.Z, e, t1, t2);
  return -(l.m12 * (e.m14 * q.b - e.m23 * q.a + rate * e.m12) +
           l.m13 * (e.m14 * q.e + e.m23 + rate * e.m13) +
           l.m34 * (at.Z * e.m14 + at.R * e.m23 + rate * e.m34) + l.m14 * (t1 + rate * e.m14) +
           l.m23 * (t2 + rate * e.m23));
}

/// One layer downward: from l = dF/d(minors at its top, before their scaling) to dF/d(minors m at
/// its bottom) and the derivatives with respect to the layer. The reverse of `propagate`.
template <class T, class S>
KOKKOS_INLINE_FUNCTION Minors<T> pull_back(LayerAtVelocity<T, S> const& at,
                                           PsvStation<T> const& station, Minors<T> const& m,
                                           Minors<T> const& l, SolidSlopes<T>& d) {
  SolidLayer<S> const& q = *at.l;
  PsvFunctions<T> const& f = station.f;
  const T g12 = at.s2 * -2.0, g21 = at.r2 * -2.0, w = at.r2 + at.s2;
  T t1, t2;
  source(q, at.R, at.Z, m, t1, t2);
  const T a1 = f.s1 * g12, a2 = f.s1 * g21, b1 = f.s2 * g12, b2 = f.s2 * g21;
  const T y1 = f.m2 * t1 + b1 * t2 - f.m1 * m.m14 - a1 * m.m23;
  const T y2 = f.m2 * t2 + b2 * t1 - f.m1 * m.m23 - a2 * m.m14;
  const T z1 = f.m2 * m.m14 + b1 * m.m23, z2 = f.m2 * m.m23 + b2 * m.m14;
  // adjoints of y, z and t
  const T ly1 = l.m12 * q.b + l.m13 * q.e + l.m34 * at.Z;
  const T ly2 = l.m13 - l.m12 * q.a + l.m34 * at.R;
  const T lz1 = w * l.m14 + g21 * l.m23, lz2 = w * l.m23 + g12 * l.m14;
  const T lt1 = f.m2 * ly1 + b2 * ly2 - f.m1 * l.m14 - a2 * l.m23;
  const T lt2 = f.m2 * ly2 + b1 * ly1 - f.m1 * l.m23 - a1 * l.m14;
  d.b = l.m12 * y1 - lt2 * m.m34;
  d.a = lt1 * m.m34 - l.m12 * y2;
  d.e = l.m13 * y1 - 2.0 * lt2 * m.m13;
  d.Z = l.m34 * y1 - lt2 * m.m12;
  d.R = l.m34 * y2 - lt1 * m.m12;
  // adjoints of Phi2 and Phi1: their diagonals, then their two other entries
  const T diagonal2 = ly1 * t1 + ly2 * t2 + lz1 * m.m14 + lz2 * m.m23;
  const T p12 = ly1 * t2 + lz1 * m.m23, p21 = ly2 * t1 + lz2 * m.m14;
  const T diagonal1 = -(ly1 * m.m14 + ly2 * m.m23 + l.m14 * t1 + l.m23 * t2);
  const T n12 = -(ly1 * m.m23 + l.m14 * t2), n21 = -(ly2 * m.m14 + l.m23 * t1);
  const T by_s1 = g12 * n12 + g21 * n21, by_s2 = g12 * p12 + g21 * p21;
  const T by_one = l.m12 * m.m12 + l.m13 * m.m13 + l.m34 * m.m34 + l.m14 * m.m14 + l.m23 * m.m23;
  const T by_w = l.m14 * z1 + l.m23 * z2;
  const T by_g12 = f.s2 * p12 + f.s1 * n12 + l.m14 * z2;
  const T by_g21 = f.s2 * p21 + f.s1 * n21 + l.m23 * z1;
  PsvFunctions<T> const &r = station.by_r2, &s = station.by_s2;
  d.r2 = by_w - 2.0 * by_g21 + by_one * r.one + diagonal1 * r.m1 + by_s1 * r.s1 + diagonal2 * r.m2 +
         by_s2 * r.s2;
  d.s2 = by_w - 2.0 * by_g12 + by_one * s.one + diagonal1 * s.m1 + by_s1 * s.s1 + diagonal2 * s.m2 +
         by_s2 * s.s2;
  Minors<T> down;
  down.m12 = f.one * l.m12 - at.R * lt1 - at.Z * lt2;
  down.m13 = f.one * l.m13 - 2.0 * lt1 - lt2 * (q.e * S(2.0));
  down.m34 = f.one * l.m34 + lt1 * q.a - lt2 * q.b;
  down.m14 = f.one * l.m14 - f.m1 * ly1 - a2 * ly2 + f.m2 * lz1 + b2 * lz2;
  down.m23 = f.one * l.m23 - f.m1 * ly2 - a1 * ly1 + f.m2 * lz2 + b1 * lz1;
  return down;
}

/// Derivatives with respect to the half-space from l = dF/d(its minors); reverse of
/// `half_space_minors`.
template <class T, class S>
KOKKOS_INLINE_FUNCTION SolidSlopes<T> half_space_slopes(SolidLayer<S> const& q, T c2,
                                                        Minors<T> const& m, Minors<T> const& l) {
  const T r = m.m23, s = -m.m14, inverse = 1.0 / (r + s), R = c2 * q.rho, Z = q.zeta - R;
  const T by_p = -(inverse * (l.m12 * m.m12 + l.m13 * m.m13 + l.m34 * m.m34));
  const T by_r = inverse * (l.m12 * q.a - l.m13 - l.m34 * R) + l.m23 + by_p;
  const T by_s = inverse * (l.m12 * q.b + l.m13 * q.e + l.m34 * Z) - l.m14 + by_p;
  const T rp = r * inverse, sp = s * inverse;
  SolidSlopes<T> d;
  d.r2 = 0.5 * by_r / r;
  d.s2 = 0.5 * by_s / s;
  d.a = rp * l.m12;
  d.b = sp * l.m12;
  d.e = sp * l.m13;
  d.Z = sp * l.m34;
  d.R = -(rp * l.m34);
  return d;
}

/// Zero where it can no longer matter, before it becomes subnormal and slow.
template <class T>
KOKKOS_FORCEINLINE_FUNCTION void flush_tiny(Minors<T>& l) {
  using V = ValueOf<T>;
  auto const tiny = magnitude(l) < V(1e-200);
  if (!any(tiny)) return;
  const T zero(V(0.0));
  l.m12 = select(tiny, zero, l.m12);
  l.m13 = select(tiny, zero, l.m13);
  l.m14 = select(tiny, zero, l.m14);
  l.m23 = select(tiny, zero, l.m23);
  l.m34 = select(tiny, zero, l.m34);
}

/// Downward sweep from l = d(scalar)/d(minors at the top of the solids); writes one row per solid
/// and adds to the totals.
template <class T, class S>
KOKKOS_INLINE_FUNCTION void sweep_down(LayerView<S> const& model, T c2,
                                       PsvStation<T> const* station, Minors<T> l, RowSlopes<T>* row,
                                       Totals<T>& total) {
  const T inv_c2 = 1.0 / c2;
  int const last = model.solids - 1;
  for (int i = 0; i < last; ++i) {
    SolidLayer<S> const& layer = model.solid[i];
    LayerAtVelocity<T, S> const at(layer, c2, inv_c2);
    const T by_x = slope_by_x(at, l, station[i].top);
    scale(l, station[i].unit);
    SolidSlopes<T> d;
    l = pull_back(at, station[i], station[i + 1].top, l, d);
    flush_tiny(l);
    row[i] = chain(layer, c2, d, total.c2);
    row[i].x = by_x;
    total.k = total.k + by_x * layer.thickness;
  }
  row[last] = chain(model.solid[last], c2,
                    half_space_slopes(model.solid[last], c2, station[last].top, l), total.c2);
}

// ---- Hyperbolic functions, fluids and Love -----------------------------------------------------

/// d/dq of sinh(sqrt(q) x)/sqrt(q), scaled like `h`; that of cosh is x/2 times the sine.
template <class T>
KOKKOS_INLINE_FUNCTION T sine_slope(T x, T q, Hyperbolic<T> const& h) {
  using V = ValueOf<T>;
  const T x2 = x * x, y = q * x2;
  auto const small = abs(value(y)) < V(0.25 * Scalar<T>::series_scale);
  const T safe = select(small, T(V(1.0)), q);
  T slope = (x * h.cosine - h.sine) * 0.5 / safe;
  if (any(small)) { // x^3 sum k y^(k-1)/(2k+1)!, y^8 10/21! < 1e-23; exp(-sqrt(y)) where scaled
    T sum = y * (8.0 / 355687428096000.0) + 7.0 / 1307674368000.0;
    sum = sum * y + 6.0 / 6227020800.0;
    sum = sum * y + 5.0 / 39916800.0;
    sum = sum * y + 4.0 / 362880.0;
    sum = sum * y + 3.0 / 5040.0;
    sum = sum * y + 2.0 / 120.0;
    sum = sum * y + 1.0 / 6.0;
    slope = select(small, sum * x2 * x * h.factor, slope);
  }
  return slope;
}

/// One fluid layer of the downward sweep: u and P at its top, and its functions.
template <class T>
struct FluidStation {
  T u, P, n2, R, by_q;
  Hyperbolic<T> h;
  ValueOf<T> unit;
};

/// Downward sweep of `fluid_top` without its count; returns u and P at the sea floor.
template <class T, class S>
KOKKOS_INLINE_FUNCTION void fluid_sweep(LayerView<S> const& model, T c2, T k,
                                        FluidStation<T>* station, T& u, T& P) {
  using V = ValueOf<T>;
  u = T(V(1.0));
  P = T(V(0.0));
  for (int i = 0; i < model.fluids; ++i) {
    FluidLayer<S> const& l = model.fluid[i];
    FluidStation<T>& f = station[i];
    const T x = k * l.thickness;
    f.n2 = c2 * l.inv_vp2 - 1.0;
    f.R = c2 * l.rho;
    f.h = hyperbolic(x, -f.n2);
    f.by_q = sine_slope(x, -f.n2, f.h);
    f.u = u;
    f.P = P;
    const T below = u * f.h.cosine + P * f.n2 / f.R * f.h.sine;
    P = P * f.h.cosine - f.R * f.h.sine * u;
    V power;
    const V size = max(max(abs(value(below)), abs(value(P))), V(1e-290));
    f.unit = moho::detail::inverse_power_of_two(size, power);
    u = below * T(f.unit);
    P = P * T(f.unit);
  }
}

/// Upward through the fluids from dF/du and dF/dP at the sea floor, where u and P are.
template <class T, class S>
KOKKOS_INLINE_FUNCTION void fluid_pull_back(LayerView<S> const& model, T k,
                                            FluidStation<T> const* station, T u, T P, T lu, T lP,
                                            RowSlopes<T>* row, Totals<T>& total) {
  const T zero(ValueOf<T>(0.0));
  for (int i = model.fluids - 1; i >= 0; --i) {
    FluidLayer<S> const& l = model.fluid[i];
    FluidStation<T> const& f = station[i];
    const T g = f.n2 / f.R, x = k * l.thickness;
    const T rate(growth(-value(f.n2), ValueOf<T>(0.0)));
    const T by_x = lu * (g * P - rate * u) - lP * (f.R * u + rate * P);
    lu = lu * T(f.unit);
    lP = lP * T(f.unit);
    const T by_cosine = lu * f.u + lP * f.P, by_g = lu * f.P * f.h.sine;
    const T by_sine = lu * f.P * g - lP * f.R * f.u;
    const T by_q = by_cosine * f.h.sine * x * 0.5 + by_sine * f.by_q;
    const T by_n2 = by_g / f.R - by_q, by_R = -(by_g * g / f.R) - lP * f.h.sine * f.u;
    const T above = lu * f.h.cosine - lP * f.R * f.h.sine;
    lP = lP * f.h.cosine + lu * g * f.h.sine;
    lu = above;
    u = f.u;
    P = f.P;
    row[i] = {by_x, -2.0 * by_n2 * (f.n2 + 1.0), zero, by_R * f.R};
    total.k = total.k + by_x * l.thickness;
    total.c2 = total.c2 + by_n2 * l.inv_vp2 + by_R * l.rho;
  }
}

/// One interface of the upward sweep of Love waves.
template <class T>
struct ShStation {
  T u, t;
  Hyperbolic<T> h;
  T by_q;
  ValueOf<T> unit;
};

template <class T, class S>
KOKKOS_INLINE_FUNCTION void sweep_up(LayerView<S> const& model, T c2, T k, ShStation<T>* station) {
  using V = ValueOf<T>;
  int const last = model.solids - 1;
  SolidLayer<S> const& half_space = model.solid[last];
  T u(V(1.0)), t = -(sqrt(1.0 - c2 * half_space.inv_vs2) * half_space.mu);
  station[last].u = u;
  station[last].t = t;
  for (int i = last - 1; i >= 0; --i) {
    SolidLayer<S> const& l = model.solid[i];
    ShStation<T>& to = station[i];
    const T x = k * l.thickness, s2 = 1.0 - c2 * l.inv_vs2;
    to.h = hyperbolic(x, s2);
    to.by_q = sine_slope(x, s2, to.h);
    const T top = u * to.h.cosine - t * l.a * to.h.sine;
    t = t * to.h.cosine - s2 * l.mu * to.h.sine * u;
    V power;
    to.unit = moho::detail::inverse_power_of_two(
        max(max(abs(value(top)), abs(value(t))), V(1e-290)), power);
    u = to.u = top * T(to.unit);
    t = to.t = t * T(to.unit);
  }
}

/// One Love row from the derivatives with respect to s^2, a = 1/mu and mu.
template <class T, class S>
KOKKOS_FORCEINLINE_FUNCTION RowSlopes<T> love_row(SolidLayer<S> const& l, T c2, T by_x, T by_s2,
                                                  T by_a, T by_mu, T& by_c2) {
  const T by_log_mu = by_mu * l.mu - by_a * l.a;
  by_c2 = by_c2 - by_s2 * l.inv_vs2;
  return {by_x, T(ValueOf<T>(0.0)), 2.0 * (c2 * l.inv_vs2 * by_s2 + by_log_mu), by_log_mu};
}

/// Downward sweep of Love waves: F = -t at the top.
template <class T, class S>
KOKKOS_INLINE_FUNCTION void sweep_down(LayerView<S> const& model, T c2, T k,
                                       ShStation<T> const* station, RowSlopes<T>* row,
                                       Totals<T>& total) {
  using V = ValueOf<T>;
  const T zero(V(0.0));
  T lu = zero, lt(V(-1.0));
  int const last = model.solids - 1;
  for (int i = 0; i < last; ++i) {
    SolidLayer<S> const& l = model.solid[i];
    ShStation<T> const& s = station[i];
    const T u = station[i + 1].u, t = station[i + 1].t;
    const T x = k * l.thickness, s2 = 1.0 - c2 * l.inv_vs2;
    const T rate(growth(value(s2), V(0.0)));
    const T by_x = -(lu * (s.t * l.a + rate * s.u) + lt * (s2 * l.mu * s.u + rate * s.t));
    lu = lu * T(s.unit);
    lt = lt * T(s.unit);
    const T by_cosine = lu * u + lt * t, by_sine = -(lu * t * l.a + lt * s2 * l.mu * u);
    const T share = lt * s.h.sine * u;
    const T by_s2 = by_cosine * s.h.sine * x * 0.5 + by_sine * s.by_q - share * l.mu;
    row[i] = love_row(l, c2, by_x, by_s2, -(lu * t * s.h.sine), -(share * s2), total.c2);
    total.k = total.k + by_x * l.thickness;
    const T below = lu * s.h.cosine - lt * s2 * l.mu * s.h.sine;
    lt = lt * s.h.cosine - lu * l.a * s.h.sine;
    lu = below;
    auto const tiny = max(abs(value(lu)), abs(value(lt))) < V(1e-200);
    lu = select(tiny, zero, lu);
    lt = select(tiny, zero, lt);
  }
  SolidLayer<S> const& l = model.solid[last];
  const T s = sqrt(1.0 - c2 * l.inv_vs2);
  row[last] = love_row(l, c2, zero, -(lt * (0.5 * l.mu)) / s, zero, -(lt * s), total.c2);
}

} // namespace moho::dispersion::detail
