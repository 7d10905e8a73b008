// SPDX-License-Identifier: BSD-3-Clause
// Tape: a list of operations on arrays, written once and run many times (program.hpp). Derivatives
// append operations of the same kinds (derivative.hpp), so they can be differentiated in turn.
#pragma once
#include "moho/nn/op.hpp"
#include "moho/nn/shape.hpp"
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

namespace moho::nn {

class Tape;

/// An array on a tape: a handle, valid as long as the tape.
class Value {
public:
  Value() = default;
  Value(Tape& tape, int id) : _tape(&tape), _id(id) {}
  Tape& tape() const { return *_tape; }
  int id() const { return _id; }
  Shape const& shape() const;
  bool operator==(Value const&) const = default;

private:
  Tape* _tape = nullptr;
  int _id = -1;
};

/// An operation and its result. What `numbers` and `value` mean depends on the op:
/// permute: the axes in their new order; slice: axis, begin; concat: axis; sum and expand: the axes
/// removed or inserted, ascending; scatter_add: the number of rows.
struct Node {
  Op op = Op::input;
  Shape shape;
  std::vector<int> inputs;
  double value = 0; ///< of scale, shift, power
  std::vector<std::int64_t> numbers;
  std::string text;                                       ///< of einsum; the name of an input
  std::shared_ptr<std::vector<double> const> values;      ///< of a constant; one: repeated
  std::shared_ptr<std::vector<std::int64_t> const> index; ///< of gather and scatter_add
  std::string scope;                                      ///< where it was written, for messages
};

class Tape {
public:
  Tape() = default;
  Tape(Tape const&) = delete;
  Tape& operator=(Tape const&) = delete;

  /// An array that is bound when a program runs.
  Value input(std::string const& name, Shape const& shape);
  /// Throws moho::Error when the number of values is not that of the shape.
  Value constant(Shape const& shape, std::vector<double> values);
  /// The same number everywhere.
  Value constant(Shape const& shape, double value);

  /// Appends an operation, or finds the one that is there already.
  Value append(Node node);
  Node const& node(int id) const { return _nodes[id]; }
  int size() const { return static_cast<int>(_nodes.size()); }

  /// "fno/block2": the scopes that are open.
  std::string scope() const;

private:
  friend class Scope;
  using Key = std::tuple<Op, std::vector<int>, double, std::vector<std::int64_t>, std::string,
                         std::vector<std::int64_t>, void const*>;
  std::deque<Node> _nodes; // handles of shapes stay valid
  std::map<Key, int> _known;
  std::vector<int> _tables; ///< constants of many values
  std::vector<std::string> _scopes;
};

/// Names the operations written while it lives, so that messages tell the layer.
class Scope {
public:
  Scope(Tape& tape, std::string const& name) : _tape(tape) { tape._scopes.push_back(name); }
  ~Scope() { _tape._scopes.pop_back(); }
  Scope(Scope const&) = delete;
  Scope& operator=(Scope const&) = delete;

private:
  Tape& _tape;
};

} // namespace moho::nn
