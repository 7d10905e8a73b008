// SPDX-License-Identifier: BSD-3-Clause
// Model: an architecture. It names its trainable arrays, which lie in one flat array, and writes
// its answer on a tape; it holds no weights.
#pragma once
#include "moho/nn/tape.hpp"
#include <functional>
#include <string>
#include <vector>

namespace moho::nn {

/// How a trainable array begins: every entry is independent.
struct Initial {
  enum class Kind { constant, uniform, normal };
  Kind kind = Kind::constant;
  double a = 0, b = 0; ///< the constant a; uniform on [a, b); mean a, standard deviation b
};
/// U(-1/sqrt(n), 1/sqrt(n)), n the entries that are summed: PyTorch's default for dense layers.
Initial uniform_fan_in(std::int64_t inputs);
/// N(0, 2 / (inputs + outputs)) (Glorot & Bengio 2010).
Initial xavier_normal(std::int64_t inputs, std::int64_t outputs);

/// One trainable array in the flat parameters.
struct Parameter {
  std::string name;
  Shape shape; ///< as it lies here
  std::int64_t offset = 0;
  Initial initial{};
  /// Axis i of the array as files and other codes have it is axis exchange[i] here; empty: the
  /// same.
  std::vector<int> exchange{};
  Shape exchange_shape() const;
};

/// The trainable arrays of a model, one behind the other.
class Layout {
public:
  void add(std::string const& name, Shape const& shape, Initial const& initial,
           std::vector<int> const& exchange = {});
  std::vector<Parameter> const& parameters() const { return _parameters; }
  /// Throws moho::Error that names the parameters there are.
  Parameter const& at(std::string const& name) const;
  std::int64_t size() const { return _size; } ///< numbers in all

  /// The array `name` on a tape, `theta` (size()) being all of them.
  Value operator()(Value theta, std::string const& name) const;
  /// `count` neighbouring arrays of one shape as one, along a new first axis.
  Value stacked(Value theta, std::string const& first, int count) const;

  /// Initial values: a function of the seed alone (Philox; stream: the position of the array).
  std::vector<double> initial(std::uint64_t seed) const;

  /// Between the flat array and arrays as files have them (row-major, exchange_shape()).
  std::vector<double> to_exchange(Parameter const& parameter,
                                  std::vector<double> const& theta) const;
  void from_exchange(Parameter const& parameter, std::vector<double> const& values,
                     std::vector<double>& theta) const;

private:
  std::vector<Parameter> _parameters;
  std::int64_t _size = 0;
};

/// A function applied entry by entry.
using Activation = Value (*)(Value);
Value identity(Value a);
/// "tanh", "gelu", "relu", "sigmoid", "sin", "identity". Throws moho::Error that names them.
Activation activation(std::string const& name);

/// An architecture that answers a batch: row i of the answer depends on row i of the input alone.
class Model {
public:
  virtual ~Model() = default;
  Layout const& layout() const { return _layout; }
  /// theta (layout().size()), x (n, ..) -> (n, ..). Throws moho::Error for an input of another
  /// shape.
  virtual Value apply(Value theta, Value x) const = 0;

protected:
  Layout _layout;
};

/// A dense layer `name` (.weight (out, in), .bias (out)) for a layout, and its application.
void add_dense(Layout& layout, std::string const& name, std::int64_t inputs, std::int64_t outputs);
Value apply_dense(Layout const& layout, Value theta, std::string const& name, Value x);
/// The same added to `other`, which may be a contraction: then one adds to the other in place.
Value apply_dense(Layout const& layout, Value theta, std::string const& name, Value x, Value other);

} // namespace moho::nn
