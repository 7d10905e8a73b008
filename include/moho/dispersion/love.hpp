// SPDX-License-Identifier: BSD-3-Clause
// SH secular function and mode count in one upward sweep (Haskell 1953; Wittrick & Williams 1971).
#pragma once
#include "moho/dispersion/rayleigh.hpp"

namespace moho::dispersion {

/// The upward sweep of displacement u and traction t, with the count of zeros of u.
template <class T>
struct LoveSweep {
  using V = ValueOf<T>;
  T u, t;
  V count, exponent;

  /// Passes a layer of width x with s^2 = s2, mu and its inverse a, and the functions h.
  template <class S>
  KOKKOS_FORCEINLINE_FUNCTION void pass(SolidLayer<S> const& l, T x, T s2, Hyperbolic<T> const& h) {
    const T top = u * h.cosine - t * l.a * h.sine;
    const V zero(0.0), changed = abs(sign_bit(value(u)) - sign_bit(value(top)));
    const V turn2 = -value(s2) * value(x) * value(x);
    if (any(turn2 > V(9.8696))) {
      const V turns = floor(sqrt(max(turn2, zero)) * (1.0 / 3.14159265358979323846));
      const V parity = turns - floor(turns * 0.5) * 2.0;
      count = count + turns + abs(changed - parity);
    } else {
      count = count + changed;
    }
    t = t * h.cosine - s2 * l.mu * h.sine * u;
    u = top;
  }

  /// Divides by a power of two, which `exponent` keeps.
  KOKKOS_FORCEINLINE_FUNCTION void normalise() {
    V power;
    const V size = max(max(abs(value(u)), abs(value(t))), V(1e-290));
    const T unit{moho::detail::inverse_power_of_two(size, power)};
    u = u * unit;
    t = t * unit;
    exponent = exponent + power;
  }
};

/// In z' = k z, stresses divided by k: u' = t/mu, t' = mu s^2 u. Zeros of u all cross the same way
/// (1/mu > 0), so their number is the count of modes clamped at the top; the free surface adds one
/// where the stiffness -t/u is negative. Fluids on top carry no shear: the sea floor is free.
template <class T, class S>
KOKKOS_INLINE_FUNCTION Evaluation<T> love(LayerView<S> const& model, T c, T k) {
  using V = ValueOf<T>;
  const V one(1.0), zero(0.0);
  const T c2 = c * c;
  SolidLayer<S> const& half_space = model.solid[model.solids - 1];
  LoveSweep<T> sweep{T{one}, -(sqrt(1.0 - c2 * half_space.inv_vs2) * half_space.mu), zero, zero};
  int i = model.solids - 2;
  if constexpr (Scalar<T>::lanes > 1 && std::is_same_v<T, V>) {
    for (; i > 0; i -= 2) { // two layers side by side
      SolidLayer<S> const &lower = model.solid[i], &upper = model.solid[i - 1];
      Twin<T> const x{k * lower.thickness, k * upper.thickness};
      Twin<T> const s2{1.0 - c2 * lower.inv_vs2, 1.0 - c2 * upper.inv_vs2};
      Hyperbolic<Twin<T>> const h = hyperbolic(x, s2);
      sweep.pass(lower, x.a, s2.a, Hyperbolic<T>{h.excess.a, h.cosine.a, h.sine.a, h.factor.a});
      sweep.pass(upper, x.b, s2.b, Hyperbolic<T>{h.excess.b, h.cosine.b, h.sine.b, h.factor.b});
      sweep.normalise();
    }
  }
  for (; i >= 0; --i) {
    SolidLayer<S> const& l = model.solid[i];
    const T x = k * l.thickness, s2 = 1.0 - c2 * l.inv_vs2;
    sweep.pass(l, x, s2, hyperbolic(x, s2));
    sweep.normalise();
  }
  const V count = sweep.count + select(value(sweep.u) * value(sweep.t) > zero, one, zero);
  return {-sweep.t, sweep.exponent, count, zero};
}

} // namespace moho::dispersion
