// SPDX-License-Identifier: BSD-3-Clause
// What can be written on a tape. Operands that do not fit throw moho::Error which names the scope,
// the operation and the shapes. Operations entry by entry broadcast (shape.hpp).
#pragma once
#include "moho/nn/tape.hpp"
#include <string>
#include <vector>

namespace moho::nn {

// ---- entry by entry --------------------------------------------------------------------------
Value operator+(Value a, Value b);
Value operator-(Value a, Value b);
Value operator*(Value a, Value b);
Value operator/(Value a, Value b);
Value operator-(Value a);
Value operator*(double factor, Value a);
Value operator*(Value a, double factor);
Value operator/(Value a, double divisor);
Value operator/(double numerator, Value a);
Value operator+(Value a, double term);
Value operator+(double term, Value a);
Value operator-(Value a, double term);
Value operator-(double term, Value a);
Value power(Value a, double exponent); ///< a > 0 unless the exponent is an integer
Value square(Value a);
Value exp(Value a);
Value log(Value a);
Value sqrt(Value a);
Value tanh(Value a);
Value sigmoid(Value a);
Value sin(Value a);
Value cos(Value a);
Value erf(Value a);
Value gelu(Value a);       ///< a (1 + erf(a / sqrt 2)) / 2 (Hendrycks & Gimpel 2016), exact form
Value gelu_slope(Value a); ///< derivative of gelu
Value relu(Value a);
Value absolute(Value a);
Value sign(Value a);
Value maximum(Value a, Value b); ///< where they are equal the derivative is b's
Value greater(Value a, Value b); ///< 1 where a > b, else 0; derivative 0
Value select(Value mask, Value yes, Value no);

// ---- layout ----------------------------------------------------------------------------------
Value reshape(Value a, Shape const& shape);
Value permute(Value a, std::vector<int> const& axes); ///< axis i of the result is axes[i] of a
Value transpose(Value a);                             ///< of two axes
Value slice(Value a, int axis, std::int64_t begin, std::int64_t count);
/// Zeros in front and behind along an axis.
Value pad(Value a, int axis, std::int64_t before, std::int64_t after);
Value concat(std::vector<Value> const& parts, int axis);
/// Rows index[i] of the first axis.
Value gather(Value a, std::vector<std::int64_t> const& index);
/// The adjoint of gather: row i of the result is the sum of the rows m with index[m] = i.
Value scatter_add(Value a, std::vector<std::int64_t> const& index, std::int64_t rows);

// ---- sums --------------------------------------------------------------------------------------
Value sum(Value a);                               ///< of all entries, a number
Value sum(Value a, std::vector<int> const& axes); ///< these axes are removed
Value mean(Value a);
/// Repeats along new axes, which stand at the positions `axes` of `shape`.
Value expand(Value a, Shape const& shape, std::vector<int> const& axes);
Value broadcast(Value a, Shape const& shape); ///< as operands are broadcast
Value sum_to(Value a, Shape const& shape);    ///< the adjoint of broadcast
/// Sum of products over shared indices, one letter per axis: "ni,oi->no". An index of one operand
/// alone has to stand in the result; no index twice in one array.
Value einsum(std::string const& equation, Value a, Value b);
Value dot(Value a, Value b); ///< sum of all products, a number

// ---- layers ------------------------------------------------------------------------------------
/// x W^T + b over the last axis: x (.., in), W (out, in), b (out).
Value dense(Value x, Value weight, Value bias);
/// x W^T alone, checked in the same way.
Value dense_product(Value x, Value weight, Value bias);

} // namespace moho::nn
