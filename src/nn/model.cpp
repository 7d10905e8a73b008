// SPDX-License-Identifier: BSD-3-Clause
#include "moho/nn/model.hpp"
#include "moho/core/error.hpp"
#include "moho/core/philox.hpp"
#include "moho/nn/ops.hpp"
#include <cmath>
#include <numeric>
#include <utility>

namespace moho::nn {
namespace {

constexpr std::uint32_t stream_initial = 0x4e4e0000u; ///< plus the position of the array

} // namespace

Initial uniform_fan_in(std::int64_t inputs) {
  double const bound = 1 / std::sqrt(static_cast<double>(inputs));
  return {Initial::Kind::uniform, -bound, bound};
}

Initial xavier_normal(std::int64_t inputs, std::int64_t outputs) {
  return {Initial::Kind::normal, 0, std::sqrt(2 / static_cast<double>(inputs + outputs))};
}

Shape Parameter::exchange_shape() const {
  if (exchange.empty()) return shape;
  std::vector<std::int64_t> extents;
  for (int const axis : exchange) extents.push_back(shape[axis]);
  return Shape(extents);
}

void Layout::add(std::string const& name, Shape const& shape, Initial const& initial,
                 std::vector<int> const& exchange) {
  for (Parameter const& known : _parameters) MOHO_REQUIRE(known.name != name);
  _parameters.push_back({name, shape, _size, initial, exchange});
  _size += shape.size();
}

Parameter const& Layout::at(std::string const& name) const {
  std::string names;
  for (Parameter const& parameter : _parameters) {
    if (parameter.name == name) return parameter;
    names += (names.empty() ? "" : ", ") + parameter.name;
  }
  throw Error("the model has no parameter '" + name + "' (it has " + names + ")");
}

Value Layout::operator()(Value theta, std::string const& name) const {
  Parameter const& parameter = at(name);
  return reshape(slice(theta, 0, parameter.offset, parameter.shape.size()), parameter.shape);
}

Value Layout::stacked(Value theta, std::string const& first, int count) const {
  Parameter const& parameter = at(first);
  auto extents = parameter.shape.extents();
  extents.insert(extents.begin(), count);
  return reshape(slice(theta, 0, parameter.offset, count * parameter.shape.size()), Shape(extents));
}

std::vector<double> Layout::initial(std::uint64_t seed) const {
  std::vector<double> theta;
  theta.reserve(_size);
  for (std::size_t position = 0; position < _parameters.size(); ++position) {
    Initial const& initial = _parameters[position].initial;
    Philox const random{seed, stream_initial + static_cast<std::uint32_t>(position)};
    for (std::int64_t i = 0; i < _parameters[position].shape.size(); ++i) {
      auto const index = static_cast<std::uint64_t>(i);
      switch (initial.kind) {
      case Initial::Kind::constant:
        theta.push_back(initial.a);
        break;
      case Initial::Kind::uniform:
        theta.push_back(initial.a + (initial.b - initial.a) * random.uniform(index, 0));
        break;
      case Initial::Kind::normal:
        theta.push_back(initial.a + initial.b * random.normal(index, 0));
        break;
      }
    }
  }
  return theta;
}

namespace {

/// Calls visit(position here, position in a file) for every entry.
template <class F>
void visit_exchange(Parameter const& parameter, F const& visit) {
  Shape const outer = parameter.exchange_shape();
  std::vector<std::int64_t> const own = parameter.shape.strides();
  std::vector<std::int64_t> strides;
  for (int axis = 0; axis < outer.rank(); ++axis)
    strides.push_back(own[parameter.exchange.empty() ? axis : parameter.exchange[axis]]);
  for (std::int64_t entry = 0; entry < outer.size(); ++entry) {
    std::int64_t rest = entry, here = 0;
    for (int axis = outer.rank() - 1; axis >= 0; --axis) {
      here += rest % outer[axis] * strides[axis];
      rest /= outer[axis];
    }
    visit(static_cast<std::size_t>(parameter.offset + here), static_cast<std::size_t>(entry));
  }
}

} // namespace

std::vector<double> Layout::to_exchange(Parameter const& parameter,
                                        std::vector<double> const& theta) const {
  MOHO_REQUIRE(static_cast<std::int64_t>(theta.size()) == _size);
  std::vector<double> values(static_cast<std::size_t>(parameter.shape.size()));
  visit_exchange(parameter,
                 [&](std::size_t here, std::size_t there) { values[there] = theta[here]; });
  return values;
}

void Layout::from_exchange(Parameter const& parameter, std::vector<double> const& values,
                           std::vector<double>& theta) const {
  MOHO_REQUIRE(static_cast<std::int64_t>(theta.size()) == _size);
  if (static_cast<std::int64_t>(values.size()) != parameter.shape.size())
    throw Error("parameter '" + parameter.name + "' has " + std::to_string(values.size()) +
                " values (its shape is " + parameter.exchange_shape().str() + ")");
  visit_exchange(parameter,
                 [&](std::size_t here, std::size_t there) { theta[here] = values[there]; });
}

Value identity(Value a) {
  return a;
}

Activation activation(std::string const& name) {
  static constexpr std::pair<char const*, Activation> known[] = {
      {"tanh", tanh},       {"gelu", gelu}, {"relu", relu},
      {"sigmoid", sigmoid}, {"sin", sin},   {"identity", identity}};
  std::string names;
  for (auto const& [one, function] : known) {
    if (name == one) return function;
    names += (names.empty() ? "" : ", ") + std::string(one);
  }
  throw Error("activation '" + name + "' is not known (there are " + names + ")");
}

void add_dense(Layout& layout, std::string const& name, std::int64_t inputs, std::int64_t outputs) {
  layout.add(name + ".weight", {outputs, inputs}, uniform_fan_in(inputs));
  layout.add(name + ".bias", {outputs}, uniform_fan_in(inputs));
}

Value apply_dense(Layout const& layout, Value theta, std::string const& name, Value x) {
  Scope const scope(x.tape(), name);
  return dense(x, layout(theta, name + ".weight"), layout(theta, name + ".bias"));
}

Value apply_dense(Layout const& layout, Value theta, std::string const& name, Value x,
                  Value other) {
  Scope const scope(x.tape(), name);
  Value const bias = layout(theta, name + ".bias");
  return (dense_product(x, layout(theta, name + ".weight"), bias) + other) + bias;
}

} // namespace moho::nn
