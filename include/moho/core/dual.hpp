// SPDX-License-Identifier: BSD-3-Clause
// Dual<V>: a value with its first derivatives with respect to two variables (forward mode, exact).
// Nested, Dual<Dual<V>>, it carries mixed second derivatives.
#pragma once
#include "moho/core/double_double.hpp"
#include "moho/core/elementary.hpp"
#include <type_traits>

namespace moho {

template <class V>
struct Dual {
  V v;      ///< value
  V d0, d1; ///< derivatives with respect to variable 0 and 1
  Dual() = default;
  KOKKOS_FORCEINLINE_FUNCTION Dual(V x) : v(x), d0(0.0), d1(0.0) {} // NOLINT: a constant
  KOKKOS_FORCEINLINE_FUNCTION Dual(V x, V x0, V x1) : v(x), d0(x0), d1(x1) {}
};

template <class V>
KOKKOS_FORCEINLINE_FUNCTION Dual<V> operator+(Dual<V> a, Dual<V> b) {
  return {a.v + b.v, a.d0 + b.d0, a.d1 + b.d1};
}
template <class V>
KOKKOS_FORCEINLINE_FUNCTION Dual<V> operator-(Dual<V> a, Dual<V> b) {
  return {a.v - b.v, a.d0 - b.d0, a.d1 - b.d1};
}
template <class V>
KOKKOS_FORCEINLINE_FUNCTION Dual<V> operator-(Dual<V> a) {
  return {-a.v, -a.d0, -a.d1};
}
template <class V>
KOKKOS_FORCEINLINE_FUNCTION Dual<V> operator*(Dual<V> a, Dual<V> b) {
  return {a.v * b.v, a.d0 * b.v + a.v * b.d0, a.d1 * b.v + a.v * b.d1};
}
template <class V>
KOKKOS_FORCEINLINE_FUNCTION Dual<V> operator/(Dual<V> a, Dual<V> b) {
  const V inverse = V(1.0) / b.v, q = a.v * inverse;
  return {q, (a.d0 - q * b.d0) * inverse, (a.d1 - q * b.d1) * inverse};
}

// With a constant (a model parameter) on one side: no work on its zero derivatives.
template <class S, class V>
concept ConstantOf = std::is_constructible_v<V, S> && !std::is_same_v<S, Dual<V>>;

template <class V, ConstantOf<V> S>
KOKKOS_FORCEINLINE_FUNCTION Dual<V> operator+(Dual<V> a, S b) {
  return {a.v + V(b), a.d0, a.d1};
}
template <class V, ConstantOf<V> S>
KOKKOS_FORCEINLINE_FUNCTION Dual<V> operator+(S b, Dual<V> a) {
  return a + b;
}
template <class V, ConstantOf<V> S>
KOKKOS_FORCEINLINE_FUNCTION Dual<V> operator-(Dual<V> a, S b) {
  return {a.v - V(b), a.d0, a.d1};
}
template <class V, ConstantOf<V> S>
KOKKOS_FORCEINLINE_FUNCTION Dual<V> operator-(S b, Dual<V> a) {
  return {V(b) - a.v, -a.d0, -a.d1};
}
template <class V, ConstantOf<V> S>
KOKKOS_FORCEINLINE_FUNCTION Dual<V> operator*(Dual<V> a, S b) {
  const V c(b);
  return {a.v * c, a.d0 * c, a.d1 * c};
}
template <class V, ConstantOf<V> S>
KOKKOS_FORCEINLINE_FUNCTION Dual<V> operator*(S b, Dual<V> a) {
  return a * b;
}
template <class V, ConstantOf<V> S>
KOKKOS_FORCEINLINE_FUNCTION Dual<V> operator/(S b, Dual<V> a) {
  const V inverse = V(1.0) / a.v, q = V(b) * inverse, slope = -(q * inverse);
  return {q, slope * a.d0, slope * a.d1};
}

template <class V>
KOKKOS_FORCEINLINE_FUNCTION typename Scalar<V>::Value value(Dual<V> x) {
  return value(x.v);
}
template <class M, class V>
KOKKOS_FORCEINLINE_FUNCTION Dual<V> select(M mask, Dual<V> a, Dual<V> b) {
  return {select(mask, a.v, b.v), select(mask, a.d0, b.d0), select(mask, a.d1, b.d1)};
}
template <class V>
KOKKOS_FORCEINLINE_FUNCTION Dual<V> abs(Dual<V> x) {
  return select(value(x) < typename Scalar<V>::Value(0.0), -x, x);
}
template <class V>
KOKKOS_FORCEINLINE_FUNCTION Dual<V> max(Dual<V> x, Dual<V> y) {
  return select(value(x) < value(y), y, x);
}
template <class V>
KOKKOS_FORCEINLINE_FUNCTION Dual<V> sqrt(Dual<V> x) {
  const V s = sqrt(x.v), half_inverse = V(0.5) / s;
  return {s, x.d0 * half_inverse, x.d1 * half_inverse};
}
template <class V>
KOKKOS_FORCEINLINE_FUNCTION Dual<V> exp(Dual<V> x) {
  const V e = exp(x.v);
  return {e, e * x.d0, e * x.d1};
}
template <class V>
KOKKOS_FORCEINLINE_FUNCTION Dual<V> one_minus_exp(Dual<V> x) {
  const V d = one_minus_exp(x.v), e = V(1.0) - d;
  return {d, e * x.d0, e * x.d1};
}
template <class V>
KOKKOS_FORCEINLINE_FUNCTION void sincos(Dual<V> y, Dual<V>& sine, Dual<V>& cosine) {
  V s, c;
  sincos(y.v, s, c);
  sine = {s, c * y.d0, c * y.d1};
  cosine = {c, -(s * y.d0), -(s * y.d1)};
}

template <class V>
struct Scalar<Dual<V>> {
  using Value = typename Scalar<V>::Value;
  using Lane = Dual<typename Scalar<V>::Lane>;
  static constexpr int lanes = Scalar<V>::lanes;
  static constexpr double series_scale = Scalar<V>::series_scale;
};

} // namespace moho
