// SPDX-License-Identifier: BSD-3-Clause
#include "moho/nn/op.hpp"

namespace moho::nn {

char const* name(Op op) {
  static constexpr char const* names[] = {"input",
                                          "constant",
                                          "copy",
                                          "add",
                                          "subtract",
                                          "multiply",
                                          "divide",
                                          "negate",
                                          "scale",
                                          "shift",
                                          "power",
                                          "exp",
                                          "log",
                                          "sqrt",
                                          "tanh",
                                          "sigmoid",
                                          "sin",
                                          "cos",
                                          "erf",
                                          "gelu",
                                          "gelu_slope",
                                          "relu",
                                          "absolute",
                                          "sign",
                                          "greater",
                                          "maximum",
                                          "multiply_add",
                                          "multiply_subtract",
                                          "subtract_product",
                                          "reflect",
                                          "reflect_product",
                                          "add_scaled",
                                          "add_scaled_product",
                                          "select",
                                          "reshape",
                                          "permute",
                                          "slice",
                                          "concat",
                                          "sum",
                                          "expand",
                                          "gather",
                                          "scatter_add",
                                          "einsum"};
  static_assert(sizeof names / sizeof *names == static_cast<unsigned>(Op::einsum) + 1);
  return names[static_cast<unsigned>(op)];
}

} // namespace moho::nn
