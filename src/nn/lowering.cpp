// SPDX-License-Identifier: BSD-3-Clause
#include "lowering.hpp"
#include "moho/core/error.hpp"
#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace moho::nn {
namespace {

bool is_view(Op op) {
  return op == Op::reshape || op == Op::permute || op == Op::slice || op == Op::expand;
}
bool is_leaf(Op op) {
  return op == Op::input || op == Op::constant;
}

bool is_dense(View const& view) {
  std::vector<std::int64_t> const natural = view.shape.strides();
  for (int axis = 0; axis < view.shape.rank(); ++axis)
    if (view.shape[axis] > 1 && view.strides[axis] != natural[axis]) return false;
  return true;
}

bool repeats(View const& view) {
  for (int axis = 0; axis < view.shape.rank(); ++axis)
    if (view.shape[axis] > 1 && view.strides[axis] == 0) return true;
  return false;
}

/// The strides with which `view` can be read in another shape, where it can.
std::optional<std::vector<std::int64_t>> reshaped(View const& view, Shape const& to) {
  if (is_dense(view)) return to.strides();
  // runs of old axes against runs of new axes of the same number of entries
  std::vector<std::int64_t> extents, strides;
  for (int axis = 0; axis < view.shape.rank(); ++axis) {
    if (view.shape[axis] == 1) continue;
    extents.push_back(view.shape[axis]);
    strides.push_back(view.strides[axis]);
  }
  std::vector<std::int64_t> result(to.rank(), 0);
  std::size_t old = 0;
  for (int axis = 0; axis < to.rank();) {
    if (to[axis] == 1) {
      ++axis;
      continue;
    }
    int const begin = axis;
    std::size_t const old_begin = old;
    std::int64_t m = to[axis++], n = extents[old++];
    while (m != n) {
      if (m < n) {
        m *= to[axis++];
      } else {
        n *= extents[old++];
      }
    }
    for (std::size_t i = old_begin; i + 1 < old; ++i)
      if (strides[i] != strides[i + 1] * extents[i + 1]) return std::nullopt;
    std::int64_t stride = strides[old - 1];
    for (int i = axis - 1; i >= begin; --i) {
      result[i] = stride;
      stride *= to[i];
    }
  }
  return result;
}

class Lowering {
public:
  explicit Lowering(std::vector<Value> const& outputs)
      : _tape(outputs[0].tape()), _outputs(outputs) {}

  Lowered run() {
    find_needed();
    place_results();
    place_parts();
    for (int const id : _needed) _views[id] = lowered(id);
    for (std::size_t i = 0; i < _outputs.size(); ++i)
      if (_result_of.at(_outputs[i].id()) != static_cast<int>(i) || !own_result(_outputs[i].id()))
        copy_to_result(i);
    combine_pairs();
    return std::move(_program);
  }

private:
  void find_needed() {
    std::vector<int> open;
    for (Value const y : _outputs) open.push_back(y.id());
    while (!open.empty()) {
      int const id = open.back();
      open.pop_back();
      if (!_needed.insert(id).second) continue;
      for (int const input : _tape.node(id).inputs) open.push_back(input);
    }
    for (int const id : _needed)
      for (int const input : _tape.node(id).inputs) _users[input].push_back(id);
  }

  int new_buffer(Buffer::Kind kind, std::int64_t size, int which = -1, Value source = {}) {
    _program.buffers.push_back({kind, size, which, source});
    return static_cast<int>(_program.buffers.size()) - 1;
  }

  /// An output that is computed (not a view or a leaf) is computed in the memory of the result.
  bool own_result(int id) const {
    Op const op = _tape.node(id).op;
    return !is_view(op) && !is_leaf(op) && !_part_of.count(id);
  }
  void place_results() {
    for (std::size_t i = 0; i < _outputs.size(); ++i) {
      int const which = static_cast<int>(i);
      _program.results.push_back(
          new_buffer(Buffer::Kind::result, _outputs[i].shape().size(), which));
      _result_of.try_emplace(_outputs[i].id(), which);
    }
  }

  View dense(int buffer, Shape const& shape) const {
    return {buffer, 0, shape, shape.strides(), -1, false};
  }

  /// Memory of a computed array: its place in a concat, a result, or its own.
  View place(int id) {
    auto const known = _places.find(id);
    if (known != _places.end()) return known->second;
    Shape const& shape = _tape.node(id).shape;
    auto const result = _result_of.find(id);
    int const buffer = result != _result_of.end() ? _program.results[result->second]
                                                  : new_buffer(Buffer::Kind::arena, shape.size());
    return _places[id] = dense(buffer, shape);
  }

  /// The part of a concat's memory that belongs to one of its operands.
  View part_place(int concat, std::size_t part) {
    Node const& node = _tape.node(concat);
    View place_of_part = place(concat);
    int const axis = static_cast<int>(node.numbers[0]);
    for (std::size_t i = 0; i < part; ++i)
      place_of_part.offset += place_of_part.strides[axis] * _tape.node(node.inputs[i]).shape[axis];
    place_of_part.shape = _tape.node(node.inputs[part]).shape;
    return place_of_part;
  }

  /// Lets the operands of concats be computed in their place, the last concat first.
  void place_parts() {
    for (auto it = _needed.rbegin(); it != _needed.rend(); ++it) {
      Node const& node = _tape.node(*it);
      if (node.op != Op::concat) continue;
      for (std::size_t part = 0; part < node.inputs.size(); ++part) {
        View const target = part_place(*it, part);
        int id = node.inputs[part];
        while (_tape.node(id).op == Op::reshape && is_dense(target)) id = _tape.node(id).inputs[0];
        Op const op = _tape.node(id).op;
        if (is_view(op) || is_leaf(op) || _part_of.count(id) || _result_of.count(id)) continue;
        if (!is_dense(target) && needs_dense(id)) continue;
        _part_of[id] = {*it, part};
        View own = target;
        if (own.shape != _tape.node(id).shape) own = dense(target.buffer, _tape.node(id).shape);
        own.offset = target.offset;
        _places[id] = own;
      }
    }
  }

  /// Who writes or reads it cannot do so with gaps.
  bool needs_dense(int id) const {
    Op const op = _tape.node(id).op;
    if (!is_pointwise(op) && op != Op::einsum && op != Op::concat) return true;
    for (int const user : _users.at(id)) {
      Op const use = _tape.node(user).op;
      if (!is_pointwise(use) && use != Op::einsum && use != Op::concat) return true;
    }
    return false;
  }

  // ---- pairs of operations that are one ---------------------------------------------------------
  /// Sums and differences with products, multiples and negated terms, where nobody else wants the
  /// inner result: one instruction in place of two or three, and one rounding less.
  void combine_pairs() {
    _uses.assign(_program.nodes.size(), 0);
    for (LoweredNode const& node : _program.nodes)
      for (View const& input : node.inputs)
        if (input.node >= 0) ++_uses[static_cast<std::size_t>(input.node)];
    for (LoweredNode& node : _program.nodes) {
      if (node.op == Op::shift)
        if (auto* const negated = inner(node, 0, Op::negate))
          become(node, Op::reflect, {negated->inputs[0]}, *negated);
      if (node.op == Op::reflect)
        if (auto* const product = inner(node, 0, Op::multiply))
          become(node, Op::reflect_product, product->inputs, *product);
      if (node.op == Op::add || node.op == Op::subtract) combine_sum(node);
    }
  }
  void combine_sum(LoweredNode& node) {
    bool const adds = node.op == Op::add;
    for (std::size_t const i : {0, 1}) { // a multiple of a product before a product: it saves more
      View const other = node.inputs[1 - i];
      auto* const multiple = adds || i == 1 ? inner(node, i, Op::scale) : nullptr;
      auto* const product = multiple ? inner(*multiple, 0, Op::multiply) : nullptr;
      if (!product) continue;
      node.value = adds ? multiple->value : -multiple->value;
      become(node, Op::add_scaled_product, {product->inputs[0], product->inputs[1], other},
             *multiple);
      product->inputs.clear();
      return;
    }
    for (std::size_t const i : {0, 1})
      if (combine_term(node, i)) return;
  }
  /// Operand i of a sum or difference.
  bool combine_term(LoweredNode& node, std::size_t i) {
    bool const adds = node.op == Op::add;
    View const other = node.inputs[1 - i];
    if (auto* const product = inner(node, i, Op::multiply)) {
      Op const op = adds ? Op::multiply_add : i == 0 ? Op::multiply_subtract : Op::subtract_product;
      become(node, op, {product->inputs[0], product->inputs[1], other}, *product);
    } else if (auto* const negated = adds ? inner(node, i, Op::negate) : nullptr) {
      become(node, Op::subtract, {other, negated->inputs[0]}, *negated);
    } else if (auto* const multiple = adds || i == 1 ? inner(node, i, Op::scale) : nullptr) {
      node.value = adds ? multiple->value : -multiple->value;
      become(node, Op::add_scaled, {multiple->inputs[0], other}, *multiple);
    } else {
      return false;
    }
    return true;
  }
  /// Operand i, if it is such an operation on arrays of the same shape and nobody else wants it.
  LoweredNode* inner(LoweredNode const& node, std::size_t i, Op op) {
    View const& input = node.inputs[i];
    if (input.node < 0 || !input.direct) return nullptr;
    LoweredNode& found = _program.nodes[static_cast<std::size_t>(input.node)];
    bool const own = found.op == op && !found.kept &&
                     _uses[static_cast<std::size_t>(input.node)] == 1 &&
                     found.result.shape == node.result.shape;
    return own ? &found : nullptr;
  }
  /// `inner` is done by nobody from now on.
  static void become(LoweredNode& node, Op op, std::vector<View> inputs, LoweredNode& inner) {
    node.op = op;
    node.inputs = std::move(inputs);
    inner.inputs.clear();
  }

  int append(LoweredNode node) {
    node.result.node = static_cast<int>(_program.nodes.size());
    node.result.direct = true;
    _program.nodes.push_back(std::move(node));
    return static_cast<int>(_program.nodes.size()) - 1;
  }

  View copied(View const& from, View const& to, std::string const& label, bool kept) {
    LoweredNode copy;
    copy.inputs = {from};
    copy.result = to;
    copy.label = label;
    copy.kept = kept;
    return _program.nodes[append(std::move(copy))].result;
  }
  View densified(View const& from, std::string const& label) {
    if (is_dense(from)) return from;
    return copied(from, dense(new_buffer(Buffer::Kind::arena, from.shape.size()), from.shape),
                  label, false);
  }
  void copy_to_result(std::size_t i) {
    View const& from = _views.at(_outputs[i].id());
    copied(from, dense(_program.results[i], from.shape), "result", true);
  }

  View lowered(int id) {
    Node const& node = _tape.node(id);
    if (is_leaf(node.op)) return leaf(id);
    if (is_view(node.op)) return viewed(node);
    if (node.op == Op::concat) return joined(id);
    if (node.op == Op::add && is_sum_of_products(node)) return accumulated(id);
    LoweredNode own;
    own.op = node.op;
    own.value = node.value;
    own.numbers = node.numbers;
    own.text = node.text;
    own.index = node.index;
    own.label = node.scope;
    own.result = place(id);
    own.kept = _result_of.count(id) || _part_of.count(id);
    for (int const input : node.inputs) own.inputs.push_back(operand(node, _views.at(input)));
    if (node.op == Op::sum) own.numbers = sum_extents(node);
    return _program.nodes[append(std::move(own))].result;
  }

  /// Two contractions that nobody else wants: the second can add to the first.
  bool is_sum_of_products(Node const& node) const {
    if (node.inputs[0] == node.inputs[1]) return false;
    for (int const input : node.inputs) {
      Node const& product = _tape.node(input);
      if (product.op != Op::einsum || product.shape != node.shape || _users.at(input).size() != 1 ||
          _result_of.count(input) || _part_of.count(input))
        return false;
    }
    return true;
  }

  View accumulated(int id) {
    View const place_of_sum = place(id);
    int const first = _views.at(_tape.node(id).inputs[0]).node,
              second = _views.at(_tape.node(id).inputs[1]).node;
    for (int const product : {first, second}) {
      LoweredNode& node = _program.nodes[product];
      node.result = place_of_sum;
      node.result.node = product;
      node.result.direct = true;
      node.kept = _result_of.count(id) || _part_of.count(id);
    }
    LoweredNode& last = _program.nodes[std::max(first, second)];
    last.accumulates = true;
    last.inputs.push_back(_program.nodes[std::min(first, second)].result);
    return last.result;
  }

  /// An operand as the operation can read it.
  View operand(Node const& node, View view) {
    bool const scalar = _program.buffers[view.buffer].kind == Buffer::Kind::constant &&
                        _program.buffers[view.buffer].size == 1;
    if (is_pointwise(node.op)) {
      View wide = view;
      wide.strides = broadcast_strides(view.shape, view.strides, node.shape);
      wide.shape = node.shape;
      wide.direct = view.direct && view.shape == node.shape;
      return wide;
    }
    bool const readable = node.op == Op::einsum ? !repeats(view) : is_dense(view);
    if (readable && !(scalar && view.shape.size() > 1)) return view;
    return copied(view, dense(new_buffer(Buffer::Kind::arena, view.shape.size()), view.shape),
                  node.scope, false);
  }

  std::vector<std::int64_t> sum_extents(Node const& node) const {
    Shape const& in = _tape.node(node.inputs[0]).shape;
    std::vector<std::int64_t> extents{1, 1, 1};
    for (int axis = 0; axis < in.rank(); ++axis)
      extents[axis < node.numbers.front() ? 0 : axis <= node.numbers.back() ? 1 : 2] *= in[axis];
    return extents;
  }

  View leaf(int id) {
    Node const& node = _tape.node(id);
    Value const source(_tape, id);
    if (node.op == Op::input) {
      int const which = static_cast<int>(_program.inputs.size());
      _program.inputs.push_back(source);
      return dense(new_buffer(Buffer::Kind::input, node.shape.size(), which, source), node.shape);
    }
    View view =
        dense(new_buffer(Buffer::Kind::constant, node.values ? node.shape.size() : 1, -1, source),
              node.shape);
    if (!node.values) view.strides.assign(node.shape.rank(), 0);
    return view;
  }

  View viewed(Node const& node) {
    View view = _views.at(node.inputs[0]);
    view.direct = false;
    if (node.op == Op::reshape) {
      auto strides = reshaped(view, node.shape);
      if (!strides) {
        view = densified(view, node.scope);
        view.direct = false;
        strides = node.shape.strides();
      }
      view.strides = *strides;
    } else if (node.op == Op::permute) {
      std::vector<std::int64_t> strides;
      for (std::int64_t const axis : node.numbers) strides.push_back(view.strides[axis]);
      view.strides = strides;
    } else if (node.op == Op::slice) {
      view.offset += node.numbers[1] * view.strides[node.numbers[0]];
    } else {
      for (std::int64_t const axis : node.numbers)
        view.strides.insert(view.strides.begin() + axis, 0);
    }
    view.shape = node.shape;
    return view;
  }

  View joined(int id) {
    Node const& node = _tape.node(id);
    LoweredNode own;
    own.op = Op::concat;
    own.label = node.scope;
    own.result = place(id);
    own.kept = true;
    for (std::size_t part = 0; part < node.inputs.size(); ++part) {
      View view = _views.at(node.inputs[part]);
      View const target = part_place(id, part);
      bool const there = std::any_of(_part_of.begin(), _part_of.end(), [&](auto const& entry) {
        return entry.second == std::pair(id, part);
      });
      own.inputs.push_back(there ? view : copied(view, target, node.scope, true));
    }
    return _program.nodes[append(std::move(own))].result;
  }

  Tape& _tape;
  std::vector<Value> const& _outputs;
  Lowered _program;
  std::set<int> _needed;
  std::map<int, std::vector<int>> _users;
  std::vector<int> _uses;      ///< of the result of each lowered node
  std::map<int, View> _views;  ///< how the result of a node of the tape is read
  std::map<int, View> _places; ///< where it is written
  std::map<int, int> _result_of;
  std::map<int, std::pair<int, std::size_t>> _part_of; ///< placed in this concat, as this part
};

} // namespace

Lowered lower(std::vector<Value> const& outputs) {
  MOHO_REQUIRE(!outputs.empty());
  return Lowering(outputs).run();
}

} // namespace moho::nn
