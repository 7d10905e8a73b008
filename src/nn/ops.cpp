// SPDX-License-Identifier: BSD-3-Clause
#include "moho/nn/ops.hpp"
#include "moho/core/error.hpp"
#include <algorithm>
#include <cmath>
#include <numeric>

namespace moho::nn {
namespace {

[[noreturn]] void fail(Tape const& tape, std::string const& what) {
  std::string const scope = tape.scope();
  throw Error((scope.empty() ? "" : scope + ": ") + what);
}

Tape& common_tape(Value a, Value b) {
  MOHO_REQUIRE(&a.tape() == &b.tape());
  return a.tape();
}

Node node_of(Op op, Shape const& shape, std::vector<int> inputs) {
  Node node;
  node.op = op;
  node.shape = shape;
  node.inputs = std::move(inputs);
  return node;
}

Value unary(Op op, Value a, double value = 0) {
  Node node = node_of(op, a.shape(), {a.id()});
  node.value = value;
  return a.tape().append(std::move(node));
}

Value binary(Op op, Value a, Value b) {
  Tape& tape = common_tape(a, b);
  try {
    return tape.append(node_of(op, broadcast_shape(a.shape(), b.shape()), {a.id(), b.id()}));
  } catch (Error const& error) {
    fail(tape, std::string(name(op)) + ": " + error.what());
  }
}

/// The axes as counted from the front, ascending and each once.
std::vector<int> normal_axes(Value a, char const* op, std::vector<int> axes, int rank) {
  for (int& axis : axes) {
    if (axis < -rank || axis >= rank)
      fail(a.tape(),
           std::string(op) + ": axis " + std::to_string(axis) + " of shape " + a.shape().str());
    if (axis < 0) axis += rank;
  }
  std::sort(axes.begin(), axes.end());
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end())
    fail(a.tape(), std::string(op) + ": an axis of shape " + a.shape().str() + " is named twice");
  return axes;
}

/// A number is repeated everywhere: what is known of a constant of one value.
bool is_number(Value a, double value) {
  Node const& node = a.tape().node(a.id());
  return node.op == Op::constant && !node.values && node.value == value;
}

/// `factor` times `rest`, what can be taken out of an array being taken out.
struct Scaled {
  double factor;
  Value rest;
};
Scaled scaled(Value a) {
  Node const& node = a.tape().node(a.id());
  if (node.op != Op::scale && node.op != Op::negate) return {1, a};
  return {node.op == Op::scale ? node.value : -1, Value(a.tape(), node.inputs[0])};
}

/// Broadcasting `a` to `to` leaves `to` as it is.
bool fits_into(Shape const& a, Shape const& to) {
  if (a.rank() > to.rank()) return false;
  for (int back = 1; back <= a.rank(); ++back)
    if (a[-back] != 1 && a[-back] != to[-back]) return false;
  return true;
}

} // namespace

Value operator+(Value a, Value b) {
  if (is_number(b, 0) && fits_into(b.shape(), a.shape())) return a;
  if (is_number(a, 0) && fits_into(a.shape(), b.shape())) return b;
  if (a == b) return 2 * a;
  return binary(Op::add, a, b);
}
Value operator-(Value a, Value b) {
  return binary(Op::subtract, a, b);
}
Value operator*(Value a, Value b) {
  // a number that stands everywhere scales the other operand
  for (auto const& [number, other] : {std::pair(a, b), std::pair(b, a)}) {
    Node const& node = number.tape().node(number.id());
    if (node.op == Op::constant && !node.values && fits_into(number.shape(), other.shape()))
      return node.value * other;
  }
  // factors are moved out, so that those of a chain meet and are one
  for (auto const& [a_part, other] : {std::pair(a, b), std::pair(b, a)})
    if (auto const [factor, rest] = scaled(a_part);
        factor != 1 && fits_into(other.shape(), a_part.shape()))
      return factor * (a_part == a ? rest * other : other * rest);
  return binary(Op::multiply, a, b);
}
Value operator/(Value a, Value b) {
  return binary(Op::divide, a, b);
}
Value operator-(Value a) {
  return -1 * a;
}
Value operator*(double factor, Value a) {
  if (factor == 1) return a;
  Node const& node = a.tape().node(a.id());
  if (node.op == Op::constant && !node.values)
    return a.tape().constant(node.shape, factor * node.value);
  if (auto const [inner, rest] = scaled(a); inner != 1) return factor * inner * rest;
  return factor == -1 ? unary(Op::negate, a) : unary(Op::scale, a, factor);
}
Value operator*(Value a, double factor) {
  return factor * a;
}
Value operator/(Value a, double divisor) {
  return (1 / divisor) * a;
}
Value operator/(double numerator, Value a) {
  return numerator * power(a, -1);
}
Value operator+(Value a, double term) {
  return term == 0 ? a : unary(Op::shift, a, term);
}
Value operator+(double term, Value a) {
  return a + term;
}
Value operator-(Value a, double term) {
  return a + -term;
}
Value operator-(double term, Value a) {
  return -a + term;
}
Value power(Value a, double exponent) {
  if (exponent == 0) return a.tape().constant(a.shape(), 1.0);
  if (exponent == 1) return a;
  if (exponent == 2) return square(a);
  return unary(Op::power, a, exponent);
}
Value square(Value a) {
  return a * a;
}
Value exp(Value a) {
  return unary(Op::exp, a);
}
Value log(Value a) {
  return unary(Op::log, a);
}
Value sqrt(Value a) {
  return unary(Op::sqrt, a);
}
Value tanh(Value a) {
  return unary(Op::tanh, a);
}
Value sigmoid(Value a) {
  return unary(Op::sigmoid, a);
}
Value sin(Value a) {
  return unary(Op::sin, a);
}
Value cos(Value a) {
  return unary(Op::cos, a);
}
Value erf(Value a) {
  return unary(Op::erf, a);
}
Value gelu(Value a) {
  return unary(Op::gelu, a);
}
Value gelu_slope(Value a) {
  return unary(Op::gelu_slope, a);
}
Value relu(Value a) {
  return unary(Op::relu, a);
}
Value absolute(Value a) {
  return unary(Op::absolute, a);
}
Value sign(Value a) {
  return unary(Op::sign, a);
}
Value maximum(Value a, Value b) {
  return binary(Op::maximum, a, b);
}
Value greater(Value a, Value b) {
  return binary(Op::greater, a, b);
}

Value select(Value mask, Value yes, Value no) {
  Tape& tape = common_tape(mask, yes);
  common_tape(mask, no);
  try {
    Shape const shape = broadcast_shape(broadcast_shape(mask.shape(), yes.shape()), no.shape());
    return tape.append(node_of(Op::select, shape, {mask.id(), yes.id(), no.id()}));
  } catch (Error const& error) {
    fail(tape, std::string("select: ") + error.what());
  }
}

Value reshape(Value a, Shape const& shape) {
  if (shape == a.shape()) return a;
  if (shape.size() != a.shape().size())
    fail(a.tape(),
         "reshape: " + a.shape().str() + " has another number of entries than " + shape.str());
  Node const& node = a.tape().node(a.id());
  if (node.op == Op::reshape) return reshape(Value(a.tape(), node.inputs[0]), shape);
  if (node.op == Op::constant && !node.values) return a.tape().constant(shape, node.value);
  return a.tape().append(node_of(Op::reshape, shape, {a.id()}));
}

Value permute(Value a, std::vector<int> const& axes) {
  int const rank = a.shape().rank();
  if (static_cast<int>(axes.size()) != rank || normal_axes(a, "permute", axes, rank) != [&] {
        std::vector<int> all(rank);
        std::iota(all.begin(), all.end(), 0);
        return all;
      }())
    fail(a.tape(), "permute: not an order of the axes of " + a.shape().str());
  std::vector<std::int64_t> extents(rank);
  Node node;
  for (int i = 0; i < rank; ++i) {
    node.numbers.push_back(axes[i] < 0 ? axes[i] + rank : axes[i]);
    extents[i] = a.shape()[axes[i]];
  }
  if (std::is_sorted(node.numbers.begin(), node.numbers.end())) return a;
  node.op = Op::permute;
  node.shape = Shape(extents);
  node.inputs = {a.id()};
  return a.tape().append(std::move(node));
}

Value transpose(Value a) {
  if (a.shape().rank() != 2) fail(a.tape(), "transpose: of shape " + a.shape().str());
  return permute(a, {1, 0});
}

Value slice(Value a, int axis, std::int64_t begin, std::int64_t count) {
  axis = normal_axes(a, "slice", {axis}, a.shape().rank())[0];
  if (begin < 0 || count < 1 || begin + count > a.shape()[axis])
    fail(a.tape(), "slice: entries " + std::to_string(begin) + " to " +
                       std::to_string(begin + count) + " of axis " + std::to_string(axis) +
                       " of shape " + a.shape().str());
  if (count == a.shape()[axis]) return a;
  auto extents = a.shape().extents();
  extents[axis] = count;
  Node const& whole = a.tape().node(a.id());
  if (whole.op == Op::constant && !whole.values)
    return a.tape().constant(Shape(extents), whole.value);
  Node node = node_of(Op::slice, Shape(extents), {a.id()});
  node.numbers = {axis, begin};
  return a.tape().append(std::move(node));
}

Value pad(Value a, int axis, std::int64_t before, std::int64_t after) {
  axis = normal_axes(a, "pad", {axis}, a.shape().rank())[0];
  auto const zeros = [&](std::int64_t count) {
    auto extents = a.shape().extents();
    extents[axis] = count;
    return a.tape().constant(Shape(extents), 0.0);
  };
  std::vector<Value> parts;
  if (before > 0) parts.push_back(zeros(before));
  parts.push_back(a);
  if (after > 0) parts.push_back(zeros(after));
  return concat(parts, axis);
}

Value concat(std::vector<Value> const& parts, int axis) {
  MOHO_REQUIRE(!parts.empty());
  if (parts.size() == 1) return parts[0];
  Tape& tape = parts[0].tape();
  axis = normal_axes(parts[0], "concat", {axis}, parts[0].shape().rank())[0];
  auto extents = parts[0].shape().extents();
  extents[axis] = 0;
  Node node;
  for (Value const part : parts) {
    common_tape(parts[0], part);
    auto fitting = part.shape().extents();
    if (fitting.size() == extents.size()) {
      extents[axis] += fitting[axis];
      fitting[axis] = extents[axis];
    }
    if (fitting != extents)
      fail(tape, "concat: " + part.shape().str() + " beside " + parts[0].shape().str() +
                     " along axis " + std::to_string(axis));
    node.inputs.push_back(part.id());
  }
  node.op = Op::concat;
  node.shape = Shape(extents);
  node.numbers = {axis};
  return tape.append(std::move(node));
}

Value gather(Value a, std::vector<std::int64_t> const& index) {
  if (a.shape().rank() < 1) fail(a.tape(), "gather: from a number");
  for (std::size_t m = 0; m < index.size(); ++m)
    if (index[m] < 0 || index[m] >= a.shape()[0])
      fail(a.tape(), "gather: entry " + std::to_string(m) + " of the index is " +
                         std::to_string(index[m]) + ", the array has shape " + a.shape().str());
  auto extents = a.shape().extents();
  extents[0] = static_cast<std::int64_t>(index.size());
  Node node = node_of(Op::gather, Shape(extents), {a.id()});
  node.index = std::make_shared<std::vector<std::int64_t> const>(index);
  return a.tape().append(std::move(node));
}

Value scatter_add(Value a, std::vector<std::int64_t> const& index, std::int64_t rows) {
  if (a.shape().rank() < 1 || a.shape()[0] != static_cast<std::int64_t>(index.size()))
    fail(a.tape(), "scatter_add: an index of " + std::to_string(index.size()) +
                       " entries for shape " + a.shape().str());
  for (std::size_t m = 0; m < index.size(); ++m)
    if (index[m] < 0 || index[m] >= rows)
      fail(a.tape(), "scatter_add: entry " + std::to_string(m) + " of the index is " +
                         std::to_string(index[m]) + ", there are " + std::to_string(rows) +
                         " rows");
  auto extents = a.shape().extents();
  extents[0] = rows;
  Node node = node_of(Op::scatter_add, Shape(extents), {a.id()});
  node.index = std::make_shared<std::vector<std::int64_t> const>(index);
  node.numbers = {rows};
  return a.tape().append(std::move(node));
}

Value sum(Value a, std::vector<int> const& axes) {
  if (axes.empty()) return a;
  std::vector<int> const removed = normal_axes(a, "sum", axes, a.shape().rank());
  // one run of neighbouring axes at a time, the last first
  std::size_t first = removed.size() - 1;
  while (first > 0 && removed[first - 1] == removed[first] - 1) --first;
  auto extents = a.shape().extents();
  extents.erase(extents.begin() + removed[first], extents.begin() + removed.back() + 1);
  Node node = node_of(Op::sum, Shape(extents), {a.id()});
  node.numbers.assign(removed.begin() + static_cast<std::ptrdiff_t>(first), removed.end());
  return sum(a.tape().append(std::move(node)), {removed.begin(), removed.begin() + first});
}

Value sum(Value a) {
  std::vector<int> all(a.shape().rank());
  std::iota(all.begin(), all.end(), 0);
  return sum(a, all);
}

Value mean(Value a) {
  return sum(a) / static_cast<double>(a.shape().size());
}

Value expand(Value a, Shape const& shape, std::vector<int> const& axes) {
  if (axes.empty()) return a;
  std::vector<int> const added = normal_axes(a, "expand", axes, shape.rank());
  auto extents = shape.extents();
  for (std::size_t i = added.size(); i-- > 0;) extents.erase(extents.begin() + added[i]);
  if (extents != a.shape().extents())
    fail(a.tape(), "expand: " + a.shape().str() + " along new axes to " + shape.str());
  Node const& known = a.tape().node(a.id());
  if (known.op == Op::constant && !known.values) return a.tape().constant(shape, known.value);
  Node node = node_of(Op::expand, shape, {a.id()});
  node.numbers.assign(added.begin(), added.end());
  return a.tape().append(std::move(node));
}

Value broadcast(Value a, Shape const& shape) {
  if (a.shape() == shape) return a;
  Shape const joined = broadcast_shape(a.shape(), shape);
  if (joined != shape)
    fail(a.tape(), "broadcast: " + a.shape().str() + " does not fit into " + shape.str());
  // new axes, and in place of an axis of extent 1 the same axis again
  int const lead = shape.rank() - a.shape().rank();
  std::vector<std::int64_t> kept;
  std::vector<int> axes;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (axis < lead || a.shape()[axis - lead] != shape[axis]) {
      axes.push_back(axis);
    } else {
      kept.push_back(shape[axis]);
    }
  }
  return expand(reshape(a, Shape(kept)), shape, axes);
}

Value sum_to(Value a, Shape const& shape) {
  if (a.shape() == shape) return a;
  int const lead = a.shape().rank() - shape.rank();
  std::vector<int> axes;
  for (int axis = 0; axis < a.shape().rank(); ++axis)
    if (axis < lead || (shape[axis - lead] == 1 && a.shape()[axis] != 1)) axes.push_back(axis);
  return reshape(sum(a, axes), shape);
}

Value einsum(std::string const& equation, Value a, Value b) {
  Tape& tape = common_tape(a, b);
  std::size_t const comma = equation.find(','), arrow = equation.find("->");
  MOHO_REQUIRE(comma != std::string::npos && arrow != std::string::npos && comma < arrow);
  std::string const of_a = equation.substr(0, comma),
                    of_b = equation.substr(comma + 1, arrow - comma - 1),
                    of_c = equation.substr(arrow + 2);
  std::map<char, std::int64_t> extent;
  auto const name_axes = [&](std::string const& letters, Value array) {
    if (static_cast<int>(letters.size()) != array.shape().rank())
      fail(tape, "einsum " + equation + ": '" + letters + "' for shape " + array.shape().str());
    for (std::size_t i = 0; i < letters.size(); ++i) {
      MOHO_REQUIRE(letters.find(letters[i], i + 1) == std::string::npos);
      auto const [known, is_new] =
          extent.try_emplace(letters[i], array.shape()[static_cast<int>(i)]);
      if (!is_new && known->second != array.shape()[static_cast<int>(i)])
        fail(tape, "einsum " + equation + ": shapes " + a.shape().str() + " and " +
                       b.shape().str() + " differ in '" + letters[i] + "'");
    }
  };
  name_axes(of_a, a);
  name_axes(of_b, b);
  for (char const letter : of_a)
    MOHO_REQUIRE(of_b.find(letter) != std::string::npos || of_c.find(letter) != std::string::npos);
  for (char const letter : of_b)
    MOHO_REQUIRE(of_a.find(letter) != std::string::npos || of_c.find(letter) != std::string::npos);
  std::vector<std::int64_t> extents;
  for (std::size_t i = 0; i < of_c.size(); ++i) {
    MOHO_REQUIRE(extent.count(of_c[i]) && of_c.find(of_c[i], i + 1) == std::string::npos);
    extents.push_back(extent[of_c[i]]);
  }
  Node node = node_of(Op::einsum, Shape(extents), {a.id(), b.id()});
  node.text = equation;
  return tape.append(std::move(node));
}

Value dot(Value a, Value b) {
  if (a.shape() != b.shape())
    fail(a.tape(), "dot: shapes " + a.shape().str() + " and " + b.shape().str());
  Shape const flat{a.shape().size()};
  return einsum("i,i->", reshape(a, flat), reshape(b, flat));
}

Value dense_product(Value x, Value weight, Value bias) {
  Shape const &in = x.shape(), &w = weight.shape();
  if (w.rank() != 2 || in.rank() < 1 || in[-1] != w[1] || bias.shape() != Shape{w[0]})
    fail(x.tape(), "dense: input " + in.str() + ", weight " + w.str() + " (out, in), bias " +
                       bias.shape().str());
  std::string const lead = std::string("abcdefg").substr(0, in.rank() - 1);
  return einsum(lead + "i,oi->" + lead + "o", x, weight);
}

Value dense(Value x, Value weight, Value bias) {
  return dense_product(x, weight, bias) + bias;
}

} // namespace moho::nn
