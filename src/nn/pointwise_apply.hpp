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
template <Code code, class T>
KOKKOS_FORCEINLINE_FUNCTION T apply(T a, [[maybe_unused]] T b, [[maybe_unused]] T c,
                                    [[maybe_unused]] T value) {
  namespace f = functions;
  if constexpr (code == Code::copy)
    return a;
  else if constexpr (code == Code::add)
    return a + b;
  else if constexpr (code == Code::subtract)
    return a - b;
  else if constexpr (code == Code::multiply)
    return a * b;
  else if constexpr (code == Code::divide)
    return a / b;
  else if constexpr (code == Code::negate)
    return -a;
  else if constexpr (code == Code::scale)
    return value * a;
  else if constexpr (code == Code::shift)
    return a + value;
  else if constexpr (code == Code::exp)
    return f::exp(a);
  else if constexpr (code == Code::log)
    return f::log(a);
  else if constexpr (code == Code::sqrt)
    return std::sqrt(a);
  else if constexpr (code == Code::tanh)
    return f::tanh(a);
  else if constexpr (code == Code::sigmoid)
    return f::sigmoid(a);
  else if constexpr (code == Code::sin)
    return f::sin(a);
  else if constexpr (code == Code::cos)
    return f::cos(a);
  else if constexpr (code == Code::erf)
    return f::erf(a);
  else if constexpr (code == Code::gelu)
    return f::gelu(a);
  else if constexpr (code == Code::gelu_slope)
    return f::gelu_slope(a);
  else if constexpr (code == Code::relu)
    return a < T(0) ? T(0) : a;
  else if constexpr (code == Code::absolute)
    return std::fabs(a);
  else if constexpr (code == Code::sign)
    return a > T(0) ? T(1) : (a < T(0) ? T(-1) : a);
  else if constexpr (code == Code::greater)
    return a > b ? T(1) : T(0);
  else if constexpr (code == Code::maximum)
    return a < b ? b : (b == b ? a : b);
  else if constexpr (code == Code::multiply_add)
    return f::detail::fused(a, b, c);
  else if constexpr (code == Code::multiply_subtract)
    return f::detail::fused(a, b, -c);
  else if constexpr (code == Code::subtract_product)
    return f::detail::fused(-a, b, c);
  else if constexpr (code == Code::reflect)
    return value - a;
  else if constexpr (code == Code::select)
    return a != T(0) ? b : c;
  else if constexpr (code == Code::power)
    return f::exp(value * f::log(a));
  else
    return integer_power<static_cast<int>(code) - static_cast<int>(Code::power_0)>(a);
}

/// The same with the code chosen when it runs.
template <class T, int code = 0>
KOKKOS_FORCEINLINE_FUNCTION T apply(Code chosen, T a, T b, T c, T value) {
  if constexpr (code == static_cast<int>(Code::count))
    return a;
  else
    return chosen == static_cast<Code>(code) ? apply<static_cast<Code>(code)>(a, b, c, value)
                                             : apply<T, code + 1>(chosen, a, b, c, value);
}

} // namespace moho::nn::detail
