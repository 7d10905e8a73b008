// SPDX-License-Identifier: BSD-3-Clause
#include "fusion.hpp"
#include "moho/core/error.hpp"
#include <algorithm>
#include <map>
#include <numeric>

namespace moho::nn {
namespace {

bool same_place(View const& a, View const& b) {
  return a.buffer == b.buffer && a.offset == b.offset && a.strides == b.strides;
}

/// Reads every entry once: no axis is repeated.
bool is_whole(View const& view) {
  for (int axis = 0; axis < view.shape.rank(); ++axis)
    if (view.shape[axis] > 1 && view.strides[axis] == 0) return false;
  return true;
}

bool is_cheap(Op op) {
  return op == Op::add || op == Op::subtract || op == Op::multiply || op == Op::negate ||
         op == Op::scale || op == Op::shift || op == Op::reflect || op == Op::multiply_add ||
         op == Op::multiply_subtract || op == Op::subtract_product || op == Op::reflect_product ||
         op == Op::add_scaled || op == Op::add_scaled_product;
}

class Fusion {
public:
  Fusion(Lowered const& program, bool fused) : _nodes(program.nodes), _fused(fused) {}

  std::vector<Step> run() {
    find_users();
    find_heights();
    join_groups();
    _cut.assign(_nodes.size(), -1);
    split_groups();
    find_repeated();
    find_kept();
    for (std::size_t id = 0; id < _nodes.size(); ++id)
      if (!pointwise(static_cast<int>(id)) || _nodes[id].kept) emit(static_cast<int>(id));
    return std::move(_steps);
  }

private:
  bool pointwise(int id) const { return is_pointwise(_nodes[id].op); }
  /// `input` is read by node `user` entry by entry as node `input.node` writes it.
  bool fusable(View const& input, int user) const {
    return _fused && input.node >= 0 && input.direct && pointwise(input.node) && pointwise(user) &&
           _nodes[input.node].result.shape == _nodes[user].result.shape;
  }

  void find_users() {
    _users.resize(_nodes.size());
    for (std::size_t id = 0; id < _nodes.size(); ++id)
      for (View const& input : _nodes[id].inputs)
        if (input.node >= 0) _users[input.node].push_back(static_cast<int>(id));
  }

  /// Steps that follow at least. Along a path it falls, except between operations that can be
  /// fused: so operations of one height can be one step without a cycle, and an operation is
  /// fused with the first that needs it.
  void find_heights() {
    _height.assign(_nodes.size(), 0);
    for (int id = static_cast<int>(_nodes.size()) - 1; id >= 0; --id)
      for (View const& input : _nodes[id].inputs)
        if (input.node >= 0)
          _height[input.node] =
              std::max(_height[input.node], _height[id] + (fusable(input, id) ? 0 : 1));
  }

  int root(int id) {
    while (_group[id] != id) id = _group[id] = _group[_group[id]];
    return id;
  }
  void join(int a, int b) {
    a = root(a);
    b = root(b);
    _group[std::max(a, b)] = std::min(a, b);
  }

  /// Joins what shares an operand or passes one on, at one height and of one shape.
  void join_groups() {
    _group.resize(_nodes.size());
    std::iota(_group.begin(), _group.end(), 0);
    if (!_fused) return;
    std::map<int, std::vector<std::pair<View const*, int>>> readers; // by buffer
    for (std::size_t i = 0; i < _nodes.size(); ++i) {
      int const id = static_cast<int>(i);
      if (!pointwise(id)) continue;
      for (View const& input : _nodes[id].inputs) {
        if (fusable(input, id) && _height[input.node] == _height[id]) join(input.node, id);
        bool const whole = is_whole(input);
        for (auto const& [other, reader] : readers[input.buffer])
          if (whole && _height[reader] == _height[id] && same_place(*other, input) &&
              _nodes[reader].result.shape == _nodes[id].result.shape)
            join(reader, id);
        if (whole) readers[input.buffer].push_back({&input, id});
      }
    }
  }

  /// Cuts groups, in the order of their members, where a kernel would hold too much.
  void split_groups() {
    std::map<int, std::vector<int>> members;
    for (std::size_t i = 0; i < _nodes.size(); ++i)
      if (int const id = static_cast<int>(i); pointwise(id)) members[root(id)].push_back(id);
    for (auto const& [first, all] : members) {
      std::vector<View const*> loads;
      std::size_t stores = max_stores;
      for (int const id : all) {
        auto more = outer_loads(id, loads);
        bool const leaves =
            _nodes[id].kept ||
            std::any_of(_users[id].begin(), _users[id].end(), [&, group = first](int user) {
              return !pointwise(user) || root(user) != group;
            });
        // half of what there is room for: cutting makes more loads and stores
        if (stores + leaves > max_stores / 2 || more.size() > max_loads / 2 ||
            _members.back().size() >= max_instructions / 2) {
          _members.emplace_back();
          stores = 0;
          more = outer_loads(id, {});
        }
        loads = std::move(more);
        stores += leaves;
        _members.back().push_back(id);
        _cut[id] = static_cast<int>(_members.size()) - 1;
      }
    }
    _group = _cut;
  }

  /// `loads` and what node `id` reads that the last group does not compute.
  std::vector<View const*> outer_loads(int id, std::vector<View const*> loads) {
    for (View const& input : _nodes[id].inputs) {
      bool const inside = fusable(input, id) && !_members.empty() &&
                          _cut[input.node] == static_cast<int>(_members.size()) - 1;
      if (!inside && std::none_of(loads.begin(), loads.end(),
                                  [&](View const* known) { return same_place(*known, input); }))
        loads.push_back(&input);
    }
    return loads;
  }

  /// A few cheap operations on one whole array that is in memory anyway are done again by each
  /// group that needs their result, rather than stored: 1 - y^2 of a tanh, z + b of a layer.
  void find_repeated() {
    _repeated.assign(_nodes.size(), 0);
    if (!_fused) return;
    std::vector<std::vector<View const*>> sources(_nodes.size()); // whole arrays behind a node
    std::vector<int> count(_nodes.size(), 0);                     // operations done again
    for (std::size_t id = 0; id < _nodes.size(); ++id) {
      LoweredNode const& node = _nodes[id];
      if (!is_cheap(node.op) || node.kept) continue;
      count[id] = 1;
      for (View const& input : node.inputs) {
        bool const in_memory =
            input.node < 0 || !pointwise(input.node) || stored_anyway(input.node);
        if (!in_memory && fusable(input, static_cast<int>(id)) && _repeated[input.node]) {
          count[id] += count[input.node];
          for (View const* source : sources[input.node]) add_source(sources[id], *source);
        } else if (!in_memory) {
          count[id] = max_repeated + 1;
        } else if (is_whole(input)) {
          add_source(sources[id], input);
        }
      }
      _repeated[id] = count[id] <= max_repeated && sources[id].size() <= 1;
    }
  }
  static void add_source(std::vector<View const*>& sources, View const& view) {
    if (std::none_of(sources.begin(), sources.end(),
                     [&](View const* known) { return same_place(*known, view); }))
      sources.push_back(&view);
  }
  /// Somebody reads it from memory who cannot be fused with it.
  bool stored_anyway(int id) const {
    return _nodes[id].kept || std::any_of(_users[id].begin(), _users[id].end(), [&](int user) {
             return std::any_of(
                 _nodes[user].inputs.begin(), _nodes[user].inputs.end(),
                 [&](View const& input) { return input.node == id && !fusable(input, user); });
           });
  }

  void find_kept() {
    _stored.assign(_nodes.size(), false);
    for (std::size_t i = 0; i < _nodes.size(); ++i) {
      int const id = static_cast<int>(i);
      if (!pointwise(id)) continue;
      bool const again = _repeated[id];
      for (int const user : _users[id])
        for (View const& input : _nodes[user].inputs)
          if (input.node == id && !(fusable(input, user) && (again || _group[user] == _group[id])))
            _stored[id] = true;
      if (_nodes[id].kept) _stored[id] = true;
    }
  }

  // ---- order ---------------------------------------------------------------------------------
  void emit(int id) {
    if (pointwise(id)) {
      emit_group(_group[id]);
      return;
    }
    if (_done.size() < _nodes.size()) _done.resize(_nodes.size(), false);
    if (_done[id]) return;
    _done[id] = true;
    for (View const& input : _nodes[id].inputs)
      if (input.node >= 0) emit(input.node);
    if (_nodes[id].op != Op::concat) _steps.push_back(single(_nodes[id]));
  }

  void emit_group(int group) {
    if (_group_done.size() < _members.size()) _group_done.resize(_members.size(), false);
    if (_group_done[group]) return;
    _group_done[group] = true;
    Step step = fused_step(group);
    if (step.expression.stores.empty()) return;
    for (int const producer : _producers[group]) emit(producer);
    _steps.push_back(std::move(step));
  }

  // ---- steps ---------------------------------------------------------------------------------
  struct Builder {
    Step step;
    std::map<int, int> reg; ///< of a node, counted from the number of loads; loads are negative
  };

  int loaded(Builder& builder, View const& view, int group) {
    Expression& e = builder.step.expression;
    for (std::size_t i = 0; i < e.loads.size(); ++i)
      if (builder.step.reads[i].buffer == view.buffer &&
          builder.step.reads[i].offset == view.offset && e.loads[i] == view.strides)
        return -1 - static_cast<int>(i);
    e.loads.push_back(view.strides);
    builder.step.reads.push_back({view.buffer, view.offset});
    if (view.node >= 0) _producers[group].push_back(view.node);
    return -static_cast<int>(e.loads.size());
  }

  int computed(Builder& builder, int id, int group) {
    auto const known = builder.reg.find(id);
    if (known != builder.reg.end()) return known->second;
    LoweredNode const& node = _nodes[id];
    Instruction instruction;
    instruction.op = node.op;
    instruction.value = node.value;
    int* const operand[3] = {&instruction.a, &instruction.b, &instruction.c};
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      View const& input = node.inputs[i];
      bool const here =
          fusable(input, id) && (_group[input.node] == group || _repeated[input.node]);
      *operand[i] = here ? computed(builder, input.node, group) : loaded(builder, input, group);
    }
    Expression& e = builder.step.expression;
    e.instructions.push_back(instruction);
    return builder.reg[id] = static_cast<int>(e.instructions.size()) - 1;
  }

  Step fused_step(int group) {
    Builder builder;
    Expression& e = builder.step.expression;
    for (int const id : _members[group]) {
      if (!_stored[id]) continue;
      e.shape = _nodes[id].result.shape;
      if (builder.step.label.empty()) builder.step.label = _nodes[id].label;
      int const reg = computed(builder, id, group);
      e.stores.push_back({reg, _nodes[id].result.strides});
      builder.step.writes.push_back({_nodes[id].result.buffer, _nodes[id].result.offset});
    }
    int const loads = static_cast<int>(e.loads.size());
    auto const renumber = [loads](int reg) { return reg < 0 ? -1 - reg : reg + loads; };
    for (Instruction& instruction : e.instructions) {
      instruction.a = renumber(instruction.a);
      if (operands(instruction.op) > 1) instruction.b = renumber(instruction.b);
      if (operands(instruction.op) > 2) instruction.c = renumber(instruction.c);
    }
    for (Expression::Store& store : e.stores) store.reg = renumber(store.reg);
    if (e.instructions.size() == 1 && e.instructions[0].op == Op::copy) make_copy(builder.step);
    return builder.step;
  }

  static void make_copy(Step& step) {
    step.kind = Step::Kind::copy;
    step.in_strides = step.expression.loads[0];
    step.out_strides = step.expression.stores[0].strides;
  }

  Step single(LoweredNode const& node) const {
    Step step;
    step.label = node.label;
    for (View const& input : node.inputs) step.reads.push_back({input.buffer, input.offset});
    step.writes.push_back({node.result.buffer, node.result.offset});
    if (node.op == Op::einsum) {
      step.kind = Step::Kind::contraction;
      step.indices = indices_of(node);
      step.accumulates = node.accumulates;
    } else if (node.op == Op::sum) {
      step.kind = Step::Kind::sum;
      step.numbers = node.numbers;
    } else {
      step.kind = node.op == Op::gather ? Step::Kind::gather : Step::Kind::scatter_add;
      step.index = node.index;
      Shape const& in = node.inputs[0].shape;
      step.numbers = {in.size() / in[0], node.result.shape[0]};
    }
    return step;
  }

  static std::vector<ContractionIndex> indices_of(LoweredNode const& node) {
    std::map<char, ContractionIndex> index;
    std::size_t const comma = node.text.find(','), arrow = node.text.find("->");
    std::string const letters[3] = {node.text.substr(0, comma),
                                    node.text.substr(comma + 1, arrow - comma - 1),
                                    node.text.substr(arrow + 2)};
    View const* const views[3] = {&node.inputs[0], &node.inputs[1], &node.result};
    std::int64_t ContractionIndex::*const stride[3] = {&ContractionIndex::a, &ContractionIndex::b,
                                                       &ContractionIndex::c};
    for (int array = 0; array < 3; ++array)
      for (std::size_t axis = 0; axis < letters[array].size(); ++axis) {
        ContractionIndex& one = index[letters[array][axis]];
        one.extent = views[array]->shape[static_cast<int>(axis)];
        one.*stride[array] = views[array]->strides[axis];
      }
    std::vector<ContractionIndex> all;
    for (auto const& [letter, one] : index) all.push_back(one);
    return all;
  }

  std::vector<LoweredNode> const& _nodes;
  bool _fused;
  std::vector<std::vector<int>> _users, _members;
  std::vector<int> _height, _group, _cut;
  static constexpr int max_repeated = 4;
  std::vector<char> _stored, _repeated, _done, _group_done;
  std::map<int, std::vector<int>> _producers; ///< whose results a group loads
  std::vector<Step> _steps;
};

} // namespace

std::vector<Step> steps_of(Lowered const& program, bool fused) {
  return Fusion(program, fused).run();
}

} // namespace moho::nn
