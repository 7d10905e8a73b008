// SPDX-License-Identifier: BSD-3-Clause
#include "moho/nn/tape.hpp"
#include "moho/core/error.hpp"

namespace moho::nn {

Shape const& Value::shape() const {
  return _tape->node(_id).shape;
}

Value Tape::input(std::string const& name, Shape const& shape) {
  Node node;
  node.shape = shape;
  node.text = name;
  node.scope = scope();
  _nodes.push_back(std::move(node));
  return {*this, size() - 1};
}

Value Tape::constant(Shape const& shape, std::vector<double> values) {
  if (static_cast<std::int64_t>(values.size()) != shape.size())
    throw Error(scope() + ": a constant of shape " + shape.str() + " with " +
                std::to_string(values.size()) + " values");
  for (int const id : _tables)
    if (_nodes[id].shape == shape && *_nodes[id].values == values) return {*this, id};
  Node node;
  node.op = Op::constant;
  node.shape = shape;
  node.values = std::make_shared<std::vector<double> const>(std::move(values));
  _tables.push_back(size());
  return append(std::move(node));
}

Value Tape::constant(Shape const& shape, double value) {
  Node node;
  node.op = Op::constant;
  node.shape = shape;
  node.value = value;
  return append(std::move(node));
}

Value Tape::append(Node node) {
  for (int const input : node.inputs) MOHO_REQUIRE(input >= 0 && input < size());
  void const* const data = node.values ? static_cast<void const*>(node.values.get())
                                       : static_cast<void const*>(node.index.get());
  Key key{node.op, node.inputs, node.value, node.numbers, node.text, node.shape.extents(), data};
  auto const [known, is_new] = _known.try_emplace(std::move(key), size());
  if (is_new) {
    if (node.scope.empty()) node.scope = scope();
    _nodes.push_back(std::move(node));
  }
  return {*this, known->second};
}

std::string Tape::scope() const {
  std::string path;
  for (std::string const& name : _scopes) path += (path.empty() ? "" : "/") + name;
  return path;
}

} // namespace moho::nn
