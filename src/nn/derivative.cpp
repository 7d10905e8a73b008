// SPDX-License-Identifier: BSD-3-Clause
#include "moho/nn/derivative.hpp"
#include "moho/core/error.hpp"
#include "moho/nn/ops.hpp"
#include <algorithm>
#include <map>
#include <numbers>

namespace moho::nn {
namespace {

/// Part of the cotangent of an array: of all of it, or of `count` entries along `axis` from
/// `begin`.
struct Contribution {
  Value value;
  int axis = -1;
  std::int64_t begin = 0;
};

/// Zeros around and between disjoint parts, which are sorted.
Value assembled(std::vector<Contribution> const& parts, Shape const& shape) {
  int const axis = parts[0].axis;
  Tape& tape = parts[0].value.tape();
  std::vector<Value> pieces;
  std::int64_t end = 0;
  auto const zeros_up_to = [&](std::int64_t begin) {
    if (begin == end) return;
    auto extents = shape.extents();
    extents[axis] = begin - end;
    pieces.push_back(tape.constant(Shape(extents), 0.0));
  };
  for (Contribution const& part : parts) {
    zeros_up_to(part.begin);
    pieces.push_back(part.value);
    end = part.begin + part.value.shape()[axis];
  }
  zeros_up_to(shape[axis]);
  return concat(pieces, axis);
}

/// The sum of terms, equal ones (both factors of a square have the same) as multiples.
Value sum_of(std::vector<Value> terms) {
  std::vector<Value> multiples;
  while (!terms.empty()) {
    Value const one = terms[0];
    auto const others = std::remove(terms.begin(), terms.end(), one);
    multiples.push_back(static_cast<double>(terms.end() - others) * one);
    terms.erase(others, terms.end());
  }
  Value result = multiples[0];
  for (std::size_t i = 1; i < multiples.size(); ++i) result = result + multiples[i];
  return result;
}

/// The sum of all contributions to the cotangent of an array. Slices that do not overlap are laid
/// side by side rather than padded and added.
Value total(std::vector<Contribution> const& all, Shape const& shape) {
  std::vector<Value> terms;
  std::vector<std::vector<Contribution>> layers;
  for (Contribution const& one : all) {
    if (one.axis < 0) {
      terms.push_back(one.value);
      continue;
    }
    auto const overlaps = [&](Contribution const& other) {
      return one.begin < other.begin + other.value.shape()[one.axis] &&
             other.begin < one.begin + one.value.shape()[one.axis];
    };
    auto layer = std::find_if(layers.begin(), layers.end(), [&](auto const& parts) {
      return parts[0].axis == one.axis && std::none_of(parts.begin(), parts.end(), overlaps);
    });
    if (layer == layers.end()) layer = layers.insert(layers.end(), std::vector<Contribution>{});
    layer->push_back(one);
  }
  for (auto& layer : layers) {
    std::sort(layer.begin(), layer.end(),
              [](Contribution const& a, Contribution const& b) { return a.begin < b.begin; });
    terms.push_back(assembled(layer, shape));
  }
  return sum_of(std::move(terms));
}

/// d op / d operand i times g, for operations entry by entry; y is the result.
Value slope(Op op, double value, std::vector<Value> const& in, std::size_t i, Value y, Value g) {
  Value const x = in[0];
  switch (op) {
  case Op::copy:
  case Op::add:
    return g;
  case Op::subtract:
    return i == 0 ? g : -g;
  case Op::multiply:
    return g * in[1 - i];
  case Op::divide:
    return i == 0 ? g / in[1] : -(g * y / in[1]);
  case Op::negate:
    return -g;
  case Op::scale:
    return value * g;
  case Op::shift:
    return g;
  case Op::power:
    return g * (value * power(x, value - 1));
  case Op::exp:
    return g * y;
  case Op::log:
    return g / x;
  case Op::sqrt:
    return 0.5 * (g / y);
  case Op::tanh:
    return g * (1 - square(y));
  case Op::sigmoid:
    return g * (y * (1 - y));
  case Op::sin:
    return g * cos(x);
  case Op::cos:
    return -(g * sin(x));
  case Op::erf:
    return g * (2 * std::numbers::inv_sqrtpi * exp(-square(x)));
  case Op::gelu:
    return g * gelu_slope(x);
  case Op::gelu_slope: {
    double const density = std::numbers::inv_sqrtpi / std::numbers::sqrt2;
    return g * ((2 - square(x)) * (density * exp(-0.5 * square(x))));
  }
  case Op::relu:
    return g * greater(y, y.tape().constant({}, 0.0));
  case Op::absolute:
    return g * sign(x);
  case Op::maximum: {
    Value const first = greater(in[0], in[1]);
    return g * (i == 0 ? first : 1 - first);
  }
  case Op::select: {
    Value const zero = g.tape().constant({}, 0.0);
    return i == 1 ? select(in[0], g, zero) : select(in[0], zero, g);
  }
  default:
    MOHO_REQUIRE(!"an operation entry by entry");
  }
  return g;
}

bool has_slope(Op op, std::size_t operand) {
  return op != Op::sign && op != Op::greater && !(op == Op::select && operand == 0);
}

/// What cotangent `g` of a node contributes to its operand i.
Contribution contribution(Tape& tape, int id, std::size_t i, Value g) {
  Node const& node = tape.node(id);
  std::vector<Value> in;
  for (int const input : node.inputs) in.emplace_back(tape, input);
  Shape const& shape = in[i].shape();
  if (is_pointwise(node.op))
    return {sum_to(slope(node.op, node.value, in, i, Value(tape, id), g), shape)};
  std::vector<int> const axes(node.numbers.begin(), node.numbers.end());
  switch (node.op) {
  case Op::reshape:
    return {reshape(g, shape)};
  case Op::permute: {
    std::vector<int> inverse(axes.size());
    for (std::size_t axis = 0; axis < axes.size(); ++axis)
      inverse[axes[axis]] = static_cast<int>(axis);
    return {permute(g, inverse)};
  }
  case Op::slice:
    return {g, axes[0], node.numbers[1]};
  case Op::concat: {
    std::int64_t begin = 0;
    for (std::size_t part = 0; part < i; ++part) begin += in[part].shape()[axes[0]];
    return {slice(g, axes[0], begin, shape[axes[0]])};
  }
  case Op::sum:
    return {expand(g, shape, axes)};
  case Op::expand:
    return {sum(g, axes)};
  case Op::gather:
    return {scatter_add(g, *node.index, shape[0])};
  case Op::scatter_add:
    return {gather(g, *node.index)};
  case Op::einsum: {
    std::size_t const comma = node.text.find(','), arrow = node.text.find("->");
    std::string const of[2] = {node.text.substr(0, comma),
                               node.text.substr(comma + 1, arrow - comma - 1)};
    return {einsum(node.text.substr(arrow + 2) + "," + of[1 - i] + "->" + of[i], g, in[1 - i])};
  }
  default:
    MOHO_REQUIRE(!"an operation with operands");
  }
  return {g};
}

/// Which nodes up to `last` depend on an input.
std::vector<char> dependents(Tape const& tape, std::vector<Value> const& inputs, int last) {
  std::vector<char> depends(last + 1, 0);
  for (Value const x : inputs)
    if (x.id() <= last) depends[x.id()] = 1;
  for (int id = 0; id <= last; ++id) {
    Node const& node = tape.node(id);
    for (std::size_t i = 0; i < node.inputs.size(); ++i)
      if (depends[node.inputs[i]] && has_slope(node.op, i)) depends[id] = 1;
  }
  return depends;
}

} // namespace

std::vector<Value> vjp(std::vector<Value> const& outputs, std::vector<Value> const& cotangents,
                       std::vector<Value> const& inputs) {
  MOHO_REQUIRE(outputs.size() == cotangents.size() && !outputs.empty());
  Tape& tape = outputs[0].tape();
  int last = 0;
  for (Value const y : outputs) last = std::max(last, y.id());
  std::vector<char> const depends = dependents(tape, inputs, last);
  std::map<int, std::vector<Contribution>> pending;
  for (std::size_t j = 0; j < outputs.size(); ++j) {
    if (cotangents[j].shape() != outputs[j].shape())
      throw Error("vjp: a cotangent of shape " + cotangents[j].shape().str() + " for a result of " +
                  outputs[j].shape().str());
    if (depends[outputs[j].id()]) pending[outputs[j].id()].push_back({cotangents[j]});
  }
  std::map<int, Value> found;
  std::map<int, char> asked;
  for (Value const x : inputs) asked[x.id()] = 1;
  while (!pending.empty()) {
    auto const [id, contributions] = *pending.rbegin();
    pending.erase(std::prev(pending.end()));
    Node const& node = tape.node(id);
    Scope const scope(tape, "derivative of " + node.scope);
    Value const g = total(contributions, node.shape);
    if (asked.count(id)) found.emplace(id, g);
    for (std::size_t i = 0; i < tape.node(id).inputs.size(); ++i) {
      int const input = tape.node(id).inputs[i];
      if (depends[input] && has_slope(tape.node(id).op, i))
        pending[input].push_back(contribution(tape, id, i, g));
    }
  }
  std::vector<Value> results;
  for (Value const x : inputs) {
    auto const it = found.find(x.id());
    results.push_back(it == found.end() ? tape.constant(x.shape(), 0.0) : it->second);
  }
  return results;
}

std::vector<Value> grad(Value loss, std::vector<Value> const& xs) {
  if (loss.shape().size() != 1)
    throw Error("grad: of an array of shape " + loss.shape().str() +
                " (it has to be a number); sum it");
  return vjp({loss}, {loss.tape().constant(loss.shape(), 1.0)}, xs);
}

Value grad(Value loss, Value x) {
  return grad(loss, std::vector<Value>{x})[0];
}

Value jvp(Value y, Value x, Value direction) {
  // J^T w is linear in w: its own adjoint, applied to the direction, is J direction
  Value const w = y.tape().input("cotangent", y.shape());
  return vjp(vjp({y}, {w}, {x}), {direction}, {w})[0];
}

Value hvp(Value loss, Value x, Value v) {
  return grad(dot(grad(loss, x), v), x);
}

Value jacobian(Value y, Value x) {
  Tape& tape = y.tape();
  Value const flat = reshape(y, {y.shape().size()});
  std::vector<Value> rows;
  Shape const row{1, x.shape().size()};
  for (std::int64_t i = 0; i < y.shape().size(); ++i)
    rows.push_back(reshape(vjp({slice(flat, 0, i, 1)}, {tape.constant({1}, 1.0)}, {x})[0], row));
  auto extents = y.shape().extents();
  for (std::int64_t const n : x.shape().extents()) extents.push_back(n);
  return reshape(concat(rows, 0), Shape(extents));
}

Value batch_jacobian(Value y, Value x) {
  Tape& tape = y.tape();
  std::int64_t const n = x.shape()[0];
  MOHO_REQUIRE(y.shape()[0] == n);
  std::int64_t const outputs = y.shape().size() / n;
  Value const flat = reshape(y, {n, outputs});
  std::vector<Value> columns;
  for (std::int64_t c = 0; c < outputs; ++c)
    columns.push_back(reshape(vjp({slice(flat, 1, c, 1)}, {tape.constant({n, 1}, 1.0)}, {x})[0],
                              {n, 1, x.shape().size() / n}));
  auto extents = y.shape().extents();
  for (int axis = 1; axis < x.shape().rank(); ++axis) extents.push_back(x.shape()[axis]);
  return reshape(concat(columns, 1), Shape(extents));
}

} // namespace moho::nn
