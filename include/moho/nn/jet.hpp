// SPDX-License-Identifier: BSD-3-Clause
// Jets: an array with its first and second derivatives along given directions of the inputs,
// carried forward together (Griewank & Walther 2008, ch. 13). For a physics loss they need one
// reverse sweep in place of nested ones, and their dense layers are one matrix product for all
// streams.
#pragma once
#include "moho/nn/model.hpp"
#include <optional>

namespace moho::nn {

/// A derivative wanted of every point: along `direction` (one number per input), up to `order` 1
/// or 2.
struct Direction {
  std::vector<double> direction;
  int order = 1;
};

/// Streams of a batch: the value (n, width), and per direction the derivatives that are not 0:
/// (n, width), or (width) where they are the same for every point.
struct Jet {
  struct Along {
    int order = 1;
    std::optional<Value> first{}, second{};
  };
  Value value;
  std::vector<Along> along{};
};

/// The coordinates x (n, axes) themselves.
Jet jet_of(Value x, std::vector<Direction> const& directions);
Jet operator+(Jet const& a, Jet const& b);
Jet operator*(Jet const& a, Jet const& b);
/// A function entry by entry.
Jet apply(Activation function, Jet const& a);
Jet dense(Jet const& x, Value weight, Value bias);
/// Columns begin .. begin+count of the last axis.
Jet columns(Jet const& a, std::int64_t begin, std::int64_t count);
Jet beside(std::vector<Jet> const& parts); ///< along the last axis

} // namespace moho::nn
