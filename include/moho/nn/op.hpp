// SPDX-License-Identifier: BSD-3-Clause
// The operations of a tape: a set that is closed under differentiation.
#pragma once
#include <cstdint>

namespace moho::nn {

enum class Op : std::uint8_t {
  input,    ///< bound when a program runs
  constant, ///< values that stand on the tape
  // entry by entry; operands are broadcast
  copy,
  add,
  subtract,
  multiply,
  divide,
  negate,
  scale, ///< value * a
  shift, ///< a + value
  power, ///< a^value, a > 0 unless value is a small integer
  exp,
  log,
  sqrt,
  tanh,
  sigmoid,
  sin,
  cos,
  erf,
  gelu,       ///< a (1 + erf(a / sqrt 2)) / 2
  gelu_slope, ///< its derivative
  relu,       ///< max(a, 0)
  absolute,
  sign,    ///< -1, 0, 1
  greater, ///< 1 where a > b, else 0
  maximum,
  multiply_add,       ///< a b + c, rounded once; programs make these seven of others
  multiply_subtract,  ///< a b - c
  subtract_product,   ///< c - a b
  reflect,            ///< value - a
  reflect_product,    ///< value - a b
  add_scaled,         ///< value a + b
  add_scaled_product, ///< value a b + c
  select,             ///< b where a != 0, else c
  // of whole arrays
  reshape,
  permute,
  slice, ///< of consecutive entries of one axis; its adjoint is a concat with zeros
  concat,
  sum,
  expand, ///< the adjoint of sum: repeats along new axes
  gather,
  scatter_add,
  einsum
};

constexpr bool is_pointwise(Op op) {
  return op >= Op::copy && op <= Op::select;
}
/// Operands of a pointwise op.
constexpr int operands(Op op) {
  switch (op) {
  case Op::add:
  case Op::subtract:
  case Op::multiply:
  case Op::divide:
  case Op::greater:
  case Op::maximum:
  case Op::reflect_product:
  case Op::add_scaled:
    return 2;
  case Op::multiply_add:
  case Op::multiply_subtract:
  case Op::subtract_product:
  case Op::add_scaled_product:
  case Op::select:
    return 3;
  default:
    return 1;
  }
}
char const* name(Op op); ///< "gelu_slope"

} // namespace moho::nn
