// SPDX-License-Identifier: BSD-3-Clause
// Counting: a double that counts the operations done on it, to check declared operation counts.
// Include it before the kernels: it overloads the bit manipulations that exp and sincos are built
// on. A new primitive for double in moho::detail needs one for Counting here.
#pragma once
#include "moho/core/simd.hpp"
#include <cmath>
#include <cstdint>

namespace moho {

/// Operations since the last reset, in this thread. An fma counts as its two operations; moves,
/// comparisons, selections, changes of sign and bit manipulations do not count.
struct OperationCount {
  std::int64_t add = 0, multiply = 0, divide = 0, root = 0, floor = 0;
  std::int64_t exponential = 0, sine_cosine = 0; ///< calls; only where `extended`
  std::int64_t total() const { return add + multiply + divide + root + floor; }
};

/// `extended`: takes the branches that extended precision takes, and counts exp and sincos as one
/// operation each, because DoubleDouble has its own.
template <bool extended = false>
struct CountingScalar {
  double v = 0;
  CountingScalar() = default;
  CountingScalar(double x) : v(x) {} // NOLINT: a constant

  static OperationCount& count() {
    thread_local OperationCount operations;
    return operations;
  }

  friend CountingScalar operator+(CountingScalar a, CountingScalar b) {
    ++count().add;
    return {a.v + b.v};
  }
  friend CountingScalar operator-(CountingScalar a, CountingScalar b) {
    ++count().add;
    return {a.v - b.v};
  }
  friend CountingScalar operator*(CountingScalar a, CountingScalar b) {
    ++count().multiply;
    return {a.v * b.v};
  }
  friend CountingScalar operator/(CountingScalar a, CountingScalar b) {
    ++count().divide;
    return {a.v / b.v};
  }
  friend CountingScalar operator-(CountingScalar a) { return {-a.v}; }
  friend bool operator<(CountingScalar a, CountingScalar b) { return a.v < b.v; }
  friend bool operator>(CountingScalar a, CountingScalar b) { return a.v > b.v; }
  friend bool operator>=(CountingScalar a, CountingScalar b) { return a.v >= b.v; }

  friend CountingScalar select(bool mask, CountingScalar yes, CountingScalar no) {
    return mask ? yes : no;
  }
  friend CountingScalar abs(CountingScalar x) { return {std::fabs(x.v)}; }
  friend CountingScalar max(CountingScalar x, CountingScalar y) { return x.v < y.v ? y : x; }
  friend CountingScalar sqrt(CountingScalar x) {
    ++count().root;
    return {std::sqrt(x.v)};
  }
  friend CountingScalar floor(CountingScalar x) {
    ++count().floor;
    return {std::floor(x.v)};
  }
  friend CountingScalar exp(CountingScalar x) requires extended {
    ++count().exponential;
    return {std::exp(x.v)};
  }
  friend CountingScalar one_minus_exp(CountingScalar x) requires extended {
    ++count().exponential;
    count().add += 3;
    return {-std::expm1(-x.v)};
  }
  friend void sincos(CountingScalar x, CountingScalar& sine,
                     CountingScalar& cosine) requires extended {
    ++count().sine_cosine;
    sine = {std::sin(x.v)};
    cosine = {std::cos(x.v)};
  }
  friend CountingScalar value(CountingScalar x) { return x; }
  friend double largest_lane(CountingScalar x) { return x.v; }
  friend double lane(CountingScalar x, int) { return x.v; }
  friend void set_lane(CountingScalar& x, int, double to) { x.v = to; }
};
using Counting = CountingScalar<>;

template <bool extended>
struct Scalar<CountingScalar<extended>> {
  using Value = CountingScalar<extended>;
  using Lane = double;
  static constexpr int lanes = 1;
  static constexpr double series_scale = extended ? 1e-3 : 1;
};

namespace detail {

/// n of t = n + 1.5 2^52.
inline std::int64_t integer_in(double t) {
  return static_cast<std::int64_t>(t - 6755399441055744.0);
}
template <bool e>
CountingScalar<e> times_power_of_two(CountingScalar<e> a, CountingScalar<e> t) {
  return {std::ldexp(a.v, static_cast<int>(integer_in(t.v)))};
}
template <bool e>
bool is_odd(CountingScalar<e> t) {
  return (integer_in(t.v) & 1) != 0;
}
template <bool e>
CountingScalar<e> flip_by_bit_1(CountingScalar<e> a, CountingScalar<e> t) {
  return {(integer_in(t.v) & 2) != 0 ? -a.v : a.v};
}
template <bool e>
CountingScalar<e> inverse_power_of_two(CountingScalar<e> x, CountingScalar<e>& exponent) {
  exponent = {static_cast<double>(std::ilogb(x.v))};
  return {std::ldexp(1.0, -std::ilogb(x.v))};
}

} // namespace detail
} // namespace moho
