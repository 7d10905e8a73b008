// SPDX-License-Identifier: BSD-3-Clause
// Twin<V>: two values worked on side by side. Their operations do not wait for one another, which
// keeps the arithmetic units of a core busy where one chain of dependent operations would not.
#pragma once
#include "moho/core/elementary.hpp"

namespace moho {

template <class M>
struct TwinMask {
  M a, b;
};
template <class M>
KOKKOS_FORCEINLINE_FUNCTION TwinMask<M> operator&(TwinMask<M> x, TwinMask<M> y) {
  return {x.a & y.a, x.b & y.b};
}
template <class M>
KOKKOS_FORCEINLINE_FUNCTION TwinMask<M> operator|(TwinMask<M> x, TwinMask<M> y) {
  return {x.a | y.a, x.b | y.b};
}
template <class M>
KOKKOS_FORCEINLINE_FUNCTION TwinMask<M> operator!(TwinMask<M> x) {
  return {!x.a, !x.b};
}
template <class M>
KOKKOS_FORCEINLINE_FUNCTION bool any(TwinMask<M> x) {
  return any(x.a | x.b);
}

template <class V>
struct Twin {
  V a, b;
  Twin() = default;
  KOKKOS_FORCEINLINE_FUNCTION Twin(double x) : a(x), b(x) {} // NOLINT: a number is both
  KOKKOS_FORCEINLINE_FUNCTION Twin(V x, V y) : a(x), b(y) {}

  friend KOKKOS_FORCEINLINE_FUNCTION Twin operator+(Twin x, Twin y) {
    return {x.a + y.a, x.b + y.b};
  }
  friend KOKKOS_FORCEINLINE_FUNCTION Twin operator-(Twin x, Twin y) {
    return {x.a - y.a, x.b - y.b};
  }
  friend KOKKOS_FORCEINLINE_FUNCTION Twin operator*(Twin x, Twin y) {
    return {x.a * y.a, x.b * y.b};
  }
  friend KOKKOS_FORCEINLINE_FUNCTION Twin operator/(Twin x, Twin y) {
    return {x.a / y.a, x.b / y.b};
  }
  friend KOKKOS_FORCEINLINE_FUNCTION Twin operator-(Twin x) { return {-x.a, -x.b}; }
  friend KOKKOS_FORCEINLINE_FUNCTION auto operator<(Twin x, Twin y) {
    return TwinMask<decltype(x.a < y.a)>{x.a < y.a, x.b < y.b};
  }
  friend KOKKOS_FORCEINLINE_FUNCTION auto operator>(Twin x, Twin y) { return y < x; }
};

template <class M, class V>
KOKKOS_FORCEINLINE_FUNCTION Twin<V> select(TwinMask<M> mask, Twin<V> x, Twin<V> y) {
  return {select(mask.a, x.a, y.a), select(mask.b, x.b, y.b)};
}
template <class V>
KOKKOS_FORCEINLINE_FUNCTION Twin<V> abs(Twin<V> x) {
  return {abs(x.a), abs(x.b)};
}
template <class V>
KOKKOS_FORCEINLINE_FUNCTION Twin<V> max(Twin<V> x, Twin<V> y) {
  return {max(x.a, y.a), max(x.b, y.b)};
}
template <class V>
KOKKOS_FORCEINLINE_FUNCTION Twin<V> sqrt(Twin<V> x) {
  return {sqrt(x.a), sqrt(x.b)};
}
template <class V>
KOKKOS_FORCEINLINE_FUNCTION Twin<V> value(Twin<V> x) {
  return x;
}
template <class V>
KOKKOS_FORCEINLINE_FUNCTION Twin<V> one_minus_exp(Twin<V> x) {
  return {one_minus_exp(x.a), one_minus_exp(x.b)};
}
template <class V>
KOKKOS_FORCEINLINE_FUNCTION void sincos(Twin<V> y, Twin<V>& sine, Twin<V>& cosine) {
  sincos(y.a, sine.a, cosine.a);
  sincos(y.b, sine.b, cosine.b);
}

template <class V>
struct Scalar<Twin<V>> {
  using Value = Twin<V>;
  using Lane = typename Scalar<V>::Lane;
  static constexpr int lanes = Scalar<V>::lanes;
  static constexpr double series_scale = Scalar<V>::series_scale;
};

} // namespace moho
