// SPDX-License-Identifier: BSD-3-Clause
// What each code of a step computes, entry by entry; one source for hosts and devices.
#pragma once
#include "moho/nn/functions.hpp"
#include "pointwise_plan.hpp"

namespace moho::nn::detail {

/// Small integer powers by multiplication.
template <int n, class T>
KOKKOS_FORCEINLINE_FUNCTION T integer_power(T a) {
  if constexpr (n < 0)
    return T(1) / integer_power<-n>(a);
  else if constexpr (n == 0)
    return T(1);
  else if constexpr (n == 1)
    return a;
  else if constexpr (n == 2)
    return a * a;
  else if constexpr (n == 3)
    return a * a * a;
  else
    return (a * a) * (a * a);
}

/// NaN in any operand that counts gives NaN, except in comparisons.
template <int code, class T>
KOKKOS_FORCEINLINE_FUNCTION T apply(T a, [[maybe_unused]] T b, [[maybe_unused]] T c,
                                    [[maybe_unused]] T value) {
  namespace f = functions;
  constexpr Op op = code < power_code ? static_cast<Op>(code) : Op::power;
  if constexpr (code >= power_code)
    return integer_power<code - power_code - most_power>(a);
  else if constexpr (op == Op::copy)
    return a;
  else if constexpr (op == Op::add)
    return a + b;
  else if constexpr (op == Op::subtract)
    return a - b;
  else if constexpr (op == Op::multiply)
    return a * b;
  else if constexpr (op == Op::divide)
    return a / b;
  else if constexpr (op == Op::negate)
    return -a;
  else if constexpr (op == Op::scale)
    return value * a;
  else if constexpr (op == Op::shift)
    return a + value;
  else if constexpr (op == Op::exp)
    return f::exp(a);
  else if constexpr (op == Op::log)
    return f::log(a);
  else if constexpr (op == Op::sqrt)
    return std::sqrt(a);
  else if constexpr (op == Op::tanh)
    return f::tanh(a);
  else if constexpr (op == Op::sigmoid)
    return f::sigmoid(a);
  else if constexpr (op == Op::sin)
    return f::sin(a);
  else if constexpr (op == Op::cos)
    return f::cos(a);
  else if constexpr (op == Op::erf)
    return f::erf(a);
  else if constexpr (op == Op::gelu)
    return f::gelu(a);
  else if constexpr (op == Op::gelu_slope)
    return f::gelu_slope(a);
  else if constexpr (op == Op::relu)
    return a < T(0) ? T(0) : a;
  else if constexpr (op == Op::absolute)
    return std::fabs(a);
  else if constexpr (op == Op::sign)
    return a > T(0) ? T(1) : (a < T(0) ? T(-1) : a);
  else if constexpr (op == Op::greater)
    return a > b ? T(1) : T(0);
  else if constexpr (op == Op::maximum)
    return a < b ? b : (b == b ? a : b);
  else if constexpr (op == Op::multiply_add)
    return f::detail::fused(a, b, c);
  else if constexpr (op == Op::multiply_subtract)
    return f::detail::fused(a, b, -c);
  else if constexpr (op == Op::subtract_product)
    return f::detail::fused(-a, b, c);
  else if constexpr (op == Op::reflect)
    return value - a;
  else if constexpr (op == Op::reflect_product)
    return f::detail::fused(-a, b, value);
  else if constexpr (op == Op::add_scaled)
    return f::detail::fused(value, a, b);
  else if constexpr (op == Op::add_scaled_product)
    return f::detail::fused(value * a, b, c);
  else if constexpr (op == Op::select)
    return a != T(0) ? b : c;
  else
    return f::exp(value * f::log(a));
}

/// The same for `count` entries with the code chosen when it runs, found by halving.
template <int count, class T, int first = first_code, int end = end_code>
KOKKOS_FORCEINLINE_FUNCTION void apply(Code chosen, T const* a, T const* b, T const* c, T value,
                                       T* out) {
  if constexpr (end - first > 1) {
    constexpr int middle = (first + end) / 2;
    if (chosen < middle)
      apply<count, T, first, middle>(chosen, a, b, c, value, out);
    else
      apply<count, T, middle, end>(chosen, a, b, c, value, out);
  } else {
    T result[count]; // `out` may be one of the operands
    for (int k = 0; k < count; ++k) result[k] = apply<first>(a[k], b[k], c[k], value);
    for (int k = 0; k < count; ++k) out[k] = result[k];
  }
}

} // namespace moho::nn::detail
