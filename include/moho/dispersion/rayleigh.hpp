// SPDX-License-Identifier: BSD-3-Clause
// P-SV secular function and Wittrick-Williams mode count in one upward sweep.
//
// The motion-stress vector (u_x, u_z, t_zx, t_zz)/(1, i, k, ik) obeys y' = A y in z' = k z (Aki &
// Richards 2002, eq. 7.28, stresses divided by k). Its compound (Gilbert & Backus 1966; Dunkin
// 1965), the minors m_ij of two solutions with m24 = -m13, obeys a 5 x 5 system that couples only
// E = (m12, m13, m34) with O = (m14, m23):  E' = P O,  O' = Q E  with
//   P = [b -a; e 1; Z R],  Q = [-R -2 a; -Z -2e -b],  a = 1/mu, b = 1/M, e = lambda/M,
//   R = rho c^2, Z = 4 mu (lambda+mu)/M - R,
// so the propagator is made of functions of the 2 x 2 matrix G = QP = (r^2+s^2) I + G',
// G' = [0 -2s^2; -2r^2 0], whose eigenvalues are (r+s)^2 and (r-s)^2. Upward through x = k h:
//   t = Q E,  y = Phi2 t - Phi1 O,  E <- E + P y,  O <- O + G Phi2 O - Phi1 t.
// Dynamic stiffness seen from above (Kausel & Roesset 1981): K11 = m23/m12, K22 = -m14/m12,
// K12 = -m13/m12, det K = m34/m12; hence the count of clamped modes comes from m12 alone.
#pragma once
#include "moho/core/twin.hpp"
#include "moho/dispersion/functions.hpp"
#include "moho/dispersion/layers.hpp"

namespace moho::dispersion {

template <class T>
struct Minors {
  T m12, m13, m14, m23, m34;
};

/// Result of a secular evaluation. The sign of `secular` is (-1)^count.
template <class T>
struct Evaluation {
  T secular; ///< zero at a mode; smooth in c and k once multiplied by 2^exponent
  ValueOf<T> exponent;
  ValueOf<T> count; ///< modes with frequency below the given one at this wavenumber
  ValueOf<T> doubt; ///< > 0 where a determinant behind the count nearly cancelled
  Minors<T> top{};  ///< Rayleigh: at the top of the solids, up to a common factor
  T u{}, P{};       ///< Rayleigh: of the fluid there (1 and 0 without one), up to a common factor
};

template <class T>
KOKKOS_FORCEINLINE_FUNCTION void scale(Minors<T>& m, ValueOf<T> by) {
  const T f(by);
  m.m12 = m.m12 * f;
  m.m13 = m.m13 * f;
  m.m14 = m.m14 * f;
  m.m23 = m.m23 * f;
  m.m34 = m.m34 * f;
}

/// The largest component.
template <class T>
KOKKOS_FORCEINLINE_FUNCTION ValueOf<T> magnitude(Minors<T> const& m) {
  return max(max(abs(value(m.m12)), abs(value(m.m13))),
             max(max(abs(value(m.m14)), abs(value(m.m23))), abs(value(m.m34))));
}

/// Divides by the power of two next to the largest component and adds it to `exponent`, so that
/// nothing over- or underflows in thousands of layers and no digit changes.
template <class T>
KOKKOS_FORCEINLINE_FUNCTION void normalise(Minors<T>& m, ValueOf<T>& exponent) {
  using V = ValueOf<T>;
  V power;
  scale(m, moho::detail::inverse_power_of_two(max(magnitude(m), V(1e-290)), power));
  exponent = exponent + power;
}

/// Minors of the two solutions that decay downwards in the half-space: the eigenvector to -(r+s).
template <class T, class S>
KOKKOS_INLINE_FUNCTION Minors<T> half_space_minors(SolidLayer<S> const& l, T c2) {
  const T r = sqrt(1.0 - c2 * l.inv_vp2), s = sqrt(1.0 - c2 * l.inv_vs2);
  const T inverse = 1.0 / (r + s), R = c2 * l.rho, Z = l.zeta - R;
  return {(s * l.b + r * l.a) * inverse, (s * l.e - r) * inverse, -s, r, (Z * s - R * r) * inverse};
}

/// Constants of one layer at one phase velocity.
template <class T, class S>
struct LayerAtVelocity {
  T c2, r2, s2, gap, inv_gap, R, Z;
  SolidLayer<S> const* l;
  KOKKOS_FORCEINLINE_FUNCTION LayerAtVelocity(SolidLayer<S> const& layer, T c2, T inv_c2)
      : c2(c2), l(&layer) {
    r2 = 1.0 - c2 * layer.inv_vp2;
    s2 = 1.0 - c2 * layer.inv_vs2;
    gap = c2 * layer.gap;
    inv_gap = inv_c2 * layer.inv_gap;
    R = c2 * layer.rho;
    Z = layer.zeta - R;
  }
};

/// Minors at the top of a layer from those at its bottom; `spread` gets the sum of the magnitudes
/// of the terms of m12.
template <class T, class S>
KOKKOS_FORCEINLINE_FUNCTION Minors<T> propagate(LayerAtVelocity<T, S> const& at,
                                                PsvFunctions<T> const& f, Minors<T> const& m,
                                                ValueOf<T>& spread) {
  SolidLayer<S> const& l = *at.l;
  const T g12 = at.s2 * -2.0, g21 = at.r2 * -2.0, w = at.r2 + at.s2;
  const T t1 = m.m34 * l.a - at.R * m.m12 - 2.0 * m.m13;
  const T t2 = -(at.Z * m.m12) - m.m13 * (l.e * 2.0) - m.m34 * l.b;
  const T a1 = f.s1 * g12, a2 = f.s1 * g21, b1 = f.s2 * g12, b2 = f.s2 * g21;
  const T y1 = f.m2 * t1 + b1 * t2 - f.m1 * m.m14 - a1 * m.m23;
  const T y2 = f.m2 * t2 + b2 * t1 - f.m1 * m.m23 - a2 * m.m14;
  const T z1 = f.m2 * m.m14 + b1 * m.m23, z2 = f.m2 * m.m23 + b2 * m.m14;
  Minors<T> up;
  up.m12 = f.one * m.m12 + y1 * l.b - y2 * l.a;
  spread = abs(value(f.one) * value(m.m12)) + abs(value(y1) * l.b) + abs(value(y2) * l.a);
  up.m13 = f.one * m.m13 + y1 * l.e + y2;
  up.m34 = f.one * m.m34 + at.Z * y1 + at.R * y2;
  up.m14 = f.one * m.m14 + w * z1 + g12 * z2 - f.m1 * t1 - a1 * t2;
  up.m23 = f.one * m.m23 + w * z2 + g21 * z1 - f.m1 * t2 - a2 * t1;
  return up;
}

/// 1 where x < 0, else 0.
template <class V>
KOKKOS_FORCEINLINE_FUNCTION V sign_bit(V x) {
  return select(x < V(0.0), V(1.0), V(0.0));
}

/// Negative eigenvalues of a symmetric 2 x 2 matrix from the signs of its determinant and trace.
template <class V>
KOKKOS_FORCEINLINE_FUNCTION V negative_eigenvalues(V determinant, V trace) {
  const V zero(0.0);
  return select(determinant < zero, V(1.0), select(trace < zero, V(2.0), zero));
}

/// Modes that clamping the layer's top adds to the count: negative eigenvalues of K22 + K(below).
/// det = m12(top) / (m12(bottom) C34) and trace = (C23 - C14)/C34 + (m23 - m14)/m12, C34 > 0.
template <class T, class S>
KOKKOS_FORCEINLINE_FUNCTION ValueOf<T>
clamped_count(LayerAtVelocity<T, S> const& at, PsvFunctions<T> const& f, Minors<T> const& bottom,
              Minors<T> const& top) {
  using V = ValueOf<T>;
  SolidLayer<S> const& l = *at.l;
  // c34 = 2 ab m2 + 2 (s^2 b^2 + r^2 a^2) s2, own = (a + b) m1 + 2 (s^2 b + r^2 a) s1
  const V c2 = value(at.c2), m12 = value(bottom.m12);
  const V c34 = value(f.m2) * l.ab2 + value(f.s2) * (V(l.squares) - c2 * l.squares_c2);
  const V own = value(f.m1) * l.sum + value(f.s1) * (V(l.sum * 2.0) - c2 * l.sum_c2);
  const V trace = own * m12 + c34 * (value(bottom.m23) - value(bottom.m14));
  return negative_eigenvalues(value(top.m12) * m12, trace * m12);
}

/// A fluid stack seen from below: u_z and P with dynamic stiffness P/u, and the modes of the stack
/// with its bottom clamped.
template <class T>
struct FluidTop {
  T u, P;
  ValueOf<T> count, exponent;
};

/// Downward sweep from the free surface: u' = (n^2/R) P, P' = -R u with n^2 = c^2/vp^2 - 1. Zeros
/// of P all cross the same way (R > 0), so they are counted, by parity where they oscillate; the
/// clamped count is that number, plus one where u P > 0.
template <class T, class S>
KOKKOS_INLINE_FUNCTION FluidTop<T> fluid_top(LayerView<S> const& model, T c2, T k) {
  using V = ValueOf<T>;
  const V zero(0.0), one(1.0), two(2.0);
  FluidTop<T> f{T(one), T(zero), zero, zero};
  for (int i = 0; i < model.fluids; ++i) {
    FluidLayer<S> const& l = model.fluid[i];
    const T x = k * l.thickness, n2 = c2 * l.inv_vp2 - 1.0, R = c2 * l.rho;
    Hyperbolic<T> const h = hyperbolic(x, -n2);
    const T u = f.u * h.cosine + f.P * n2 / R * h.sine, P = f.P * h.cosine - R * h.sine * f.u;
    // p = -P starts with the sign of u where it is zero
    const V before = select(abs(value(f.P)) > zero, -value(f.P), value(f.u)), after = -value(P);
    const V turns = floor(sqrt(max(value(n2), zero)) * value(x) * (1.0 / 3.14159265358979323846));
    const V changed = abs(sign_bit(before) - sign_bit(after));
    const V parity = turns - two * floor(turns * 0.5);
    f.count = f.count + turns + abs(changed - parity);
    V power;
    const V size = max(max(abs(value(u)), abs(value(P))), V(1e-290));
    const T unit{moho::detail::inverse_power_of_two(size, power)};
    f.u = u * unit;
    f.P = P * unit;
    f.exponent = f.exponent + power;
  }
  f.count = f.count + select(value(f.u) * value(f.P) > zero, one, zero);
  return f;
}

/// Where not `active`, `up` becomes what it was below.
template <class M, class T>
KOKKOS_FORCEINLINE_FUNCTION void select_minors(M active, Minors<T>& up, Minors<T> const& below) {
  up.m12 = select(active, up.m12, below.m12);
  up.m13 = select(active, up.m13, below.m13);
  up.m14 = select(active, up.m14, below.m14);
  up.m23 = select(active, up.m23, below.m23);
  up.m34 = select(active, up.m34, below.m34);
}

/// The condition at the top of the solids: no shear traction, and the fluid's stiffness or nothing.
template <bool with_count, class T, class S>
KOKKOS_INLINE_FUNCTION Evaluation<T> free_surface(LayerView<S> const& model, T c2, T k,
                                                  Minors<T> const& m, ValueOf<T> exponent,
                                                  ValueOf<T> count, ValueOf<T> doubt) {
  using V = ValueOf<T>;
  Evaluation<T> result{m.m34, exponent, count, doubt, m, T(V(1.0)), T(V(0.0))};
  V m12 = value(m.m12), trace = value(m.m23) - value(m.m14);
  if (model.fluids > 0) {
    FluidTop<T> const fluid = fluid_top(model, c2, k);
    result.u = fluid.u;
    result.P = fluid.P;
    result.secular = m.m34 * fluid.u + m.m23 * fluid.P;
    trace = trace * value(fluid.u) + value(fluid.P) * m12;
    m12 = m12 * value(fluid.u);
    result.count = result.count + fluid.count;
    result.exponent = result.exponent + fluid.exponent;
  }
  if constexpr (with_count)
    result.count = result.count + negative_eigenvalues(value(result.secular) * m12, trace * m12);
  return result;
}

/// A layer at one velocity and wavenumber, cut into equal parts of width x.
template <class T, class S>
struct Slab {
  LayerAtVelocity<T, S> at;
  T x;
  ValueOf<T> parts;
  int repeats; ///< the largest number of parts in any lane
};

/// Where `with_count`, layers are cut so that sqrt(w^2/vs^2 - k^2) h < pi in each part, below which
/// a clamped part has no mode (its energy is at least mu (k^2 + pi^2/h^2)).
template <bool with_count, class T, class S>
KOKKOS_FORCEINLINE_FUNCTION Slab<T, S> make_slab(SolidLayer<S> const& layer, T c2, T inv_c2, T k) {
  using V = ValueOf<T>;
  Slab<T, S> slab{{layer, c2, inv_c2}, k * layer.thickness, V(1.0), 1};
  if constexpr (with_count) {
    const V x = value(slab.x), turn2 = -value(slab.at.s2) * x * x;
    if (any(turn2 > V(9.8696))) {
      slab.parts = floor(sqrt(max(turn2, V(0.0))) * (1.0 / 3.14159265358979)) + 1.0;
      slab.repeats = static_cast<int>(largest_lane(slab.parts));
      slab.x = slab.x / T(slab.parts);
    }
  }
  return slab;
}

/// The upward sweep: minors at the top of the layers passed so far, and the count in them.
template <bool with_count, class T>
struct Sweep {
  using V = ValueOf<T>;
  Minors<T> m;
  V count, doubt, exponent;

  /// Passes a slab whose parts have the functions f.
  template <class S>
  KOKKOS_FORCEINLINE_FUNCTION void pass(Slab<T, S> const& slab, PsvFunctions<T> const& f) {
    if (slab.repeats == 1)
      m = step(slab, f);
    else
      *this = pass_parts(*this, slab, f);
  }

private:
  /// Minors at the top of one part; where `with_count`, enters it into the count.
  template <class S>
  KOKKOS_FORCEINLINE_FUNCTION Minors<T> step(Slab<T, S> const& slab, PsvFunctions<T> const& f) {
    V spread;
    Minors<T> const up = propagate(slab.at, f, m, spread);
    if constexpr (with_count) {
      double const limit = Scalar<T>::series_scale < 1 ? 1e-22 : 1e-8; // half of the digits gone
      count = count + clamped_count(slab.at, f, m, up);
      doubt = select(abs(value(up.m12)) < spread * limit, V(1.0), doubt);
    }
    return up;
  }

  /// The rare slab that is cut in some lane. By value: an address would keep the sweep in memory.
  template <class S>
  MOHO_OUTLINE_FUNCTION static Sweep pass_parts(Sweep sweep, Slab<T, S> slab, PsvFunctions<T> f) {
    for (int j = 0; j < slab.repeats; ++j) {
      Sweep next = sweep;
      next.m = next.step(slab, f);
      if ((j & 7) == 7) normalise(next.m, next.exponent);
      auto const active = V(double(j)) < slab.parts;
      select_minors(active, next.m, sweep.m);
      sweep = {next.m, select(active, next.count, sweep.count),
               select(active, next.doubt, sweep.doubt),
               select(active, next.exponent, sweep.exponent)};
    }
    return sweep;
  }
};

/// Secular function and count at phase velocity c and wavenumber k.
template <bool with_count, class T, class S>
KOKKOS_INLINE_FUNCTION Evaluation<T> rayleigh(LayerView<S> const& model, T c, T k) {
  using V = ValueOf<T>;
  const T c2 = c * c, inv_c2 = 1.0 / c2;
  Sweep<with_count, T> sweep{half_space_minors(model.solid[model.solids - 1], c2), V(0.0), V(0.0),
                             V(0.0)};
  int i = model.solids - 2;
  if constexpr (Scalar<T>::lanes > 1 && std::is_same_v<T, V>) {
    for (; i > 0; i -= 2) { // two layers side by side
      Slab<T, S> const lower = make_slab<with_count>(model.solid[i], c2, inv_c2, k);
      Slab<T, S> const upper = make_slab<with_count>(model.solid[i - 1], c2, inv_c2, k);
      auto const twin = [&](T const& a, T const& b) { return Twin<T>{a, b}; };
      PsvFunctions<Twin<T>> const f = psv_functions(
          twin(lower.x, upper.x), twin(lower.at.r2, upper.at.r2), twin(lower.at.s2, upper.at.s2),
          twin(lower.at.gap, upper.at.gap), twin(lower.at.inv_gap, upper.at.inv_gap));
      sweep.pass(lower, PsvFunctions<T>{f.one.a, f.m1.a, f.s1.a, f.m2.a, f.s2.a});
      sweep.pass(upper, PsvFunctions<T>{f.one.b, f.m1.b, f.s1.b, f.m2.b, f.s2.b});
      if (((i >> 1) & 1) == 0) normalise(sweep.m, sweep.exponent);
    }
  }
  for (; i >= 0; --i) {
    Slab<T, S> const slab = make_slab<with_count>(model.solid[i], c2, inv_c2, k);
    sweep.pass(slab, psv_functions(slab.x, slab.at.r2, slab.at.s2, slab.at.gap, slab.at.inv_gap));
    if ((i & 3) == 0) normalise(sweep.m, sweep.exponent);
  }
  return free_surface<with_count>(model, c2, k, sweep.m, sweep.exponent, sweep.count, sweep.doubt);
}

} // namespace moho::dispersion
