// SPDX-License-Identifier: BSD-3-Clause
// SH secular function and mode count in one upward sweep (Haskell 1953; Wittrick & Williams 1971).
#pragma once
#include "moho/dispersion/rayleigh.hpp"

namespace moho::dispersion {

/// In z' = k z, stresses divided by k: u' = t/mu, t' = mu s^2 u. Zeros of u all cross the same way
/// (1/mu > 0), so their number is the count of modes clamped at the top; the free surface adds one
/// where the stiffness -t/u is negative. Fluids on top carry no shear: the sea floor is free.
template <class T, class S>
KOKKOS_INLINE_FUNCTION Evaluation<T> love(LayerView<S> const& model, T c, T k) {
  using V = ValueOf<T>;
  const V one(1.0), zero(0.0);
  const T c2 = c * c;
  SolidLayer<S> const& half_space = model.solid[model.solids - 1];
  T u{one}, t = -(sqrt(1.0 - c2 * half_space.inv_vs2) * half_space.mu);
  V count(0.0), exponent(0.0);
  for (int i = model.solids - 2; i >= 0; --i) {
    SolidLayer<S> const& l = model.solid[i];
    const T x = k * l.thickness, s2 = 1.0 - c2 * l.inv_vs2;
    Hyperbolic<T> const h = hyperbolic(x, s2);
    const T top = u * h.cosine - t * l.a * h.sine;
    t = t * h.cosine - s2 * l.mu * h.sine * u;
    const V turns = floor(sqrt(max(-value(s2), zero)) * value(x) * (1.0 / 3.14159265358979323846));
    const V parity = turns - floor(turns * 0.5) * 2.0;
    count = count + turns + abs(abs(sign_bit(value(u)) - sign_bit(value(top))) - parity);
    u = top;
    V power;
    const V size = max(max(abs(value(u)), abs(value(t))), V(1e-290));
    const T unit{moho::detail::inverse_power_of_two(size, power)};
    u = u * unit;
    t = t * unit;
    exponent = exponent + power;
  }
  count = count + select(value(u) * value(t) > zero, one, zero);
  return {-t, exponent, count, zero, T(zero), T(zero)};
}

} // namespace moho::dispersion
