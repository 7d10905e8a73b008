// SPDX-License-Identifier: BSD-3-Clause
// Derivatives as operations on the same tape: a derivative can be differentiated again. What does
// not depend on an input has the derivative 0.
#pragma once
#include "moho/nn/tape.hpp"
#include <vector>

namespace moho::nn {

/// Sum over outputs j of (d outputs[j] / d inputs[i])^T cotangents[j], for every i: one reverse
/// sweep. Cotangents have the shapes of the outputs, results those of the inputs. `inputs` may be
/// any values that were written before the outputs.
std::vector<Value> vjp(std::vector<Value> const& outputs, std::vector<Value> const& cotangents,
                       std::vector<Value> const& inputs);

/// d loss / d x, of the shape of x; loss is a number. Throws moho::Error when it is not.
Value grad(Value loss, Value x);
std::vector<Value> grad(Value loss, std::vector<Value> const& xs);

/// (d y / d x) direction, of the shape of y, `direction` of that of x: reverse mode twice.
Value jvp(Value y, Value x, Value direction);

/// (d^2 loss / d x^2) v, of the shape of x.
Value hvp(Value loss, Value x, Value v);

/// d y / d x: axes of y, then axes of x. One reverse sweep per entry of y.
Value jacobian(Value y, Value x);

/// For y (n, ..) whose row i depends on row i of x (n, ..) alone: d y_i / d x_i, shape (n, axes of
/// y without n, axes of x without n). One reverse sweep per entry of a row of y.
Value batch_jacobian(Value y, Value x);

} // namespace moho::nn
