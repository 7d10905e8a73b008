// SPDX-License-Identifier: BSD-3-Clause
// Jets: an array with derivatives by its inputs, carried forward together (Griewank & Walther 2008,
// ch. 13). For a physics loss they need one reverse sweep in place of nested ones, and their dense
// layers are one matrix product for all streams. Second derivatives that are wanted in one linear
// combination alone are carried as that combination, one stream for all (the forward Laplacian of
// Li et al. 2024, Nature Machine Intelligence 6; collapsed Taylor mode of Dangel et al. 2025).
#pragma once
#include "moho/nn/model.hpp"
#include <optional>

namespace moho::nn {

/// Derivatives along `direction` (one number per input) up to `order` 1 or 2, and what the second
/// one counts for in L, which needs no order of 2.
struct Direction {
  std::vector<double> direction;
  int order = 1;
  double weight = 0;
};

/// What is wanted of every point besides the value: derivatives along directions, and
/// L = drift . grad + sum over the directions of weight (d / d direction)^2.
struct Derivatives {
  std::vector<Direction> along{};
  std::vector<double> drift{}; ///< one number per input; empty: 0
};

/// Streams of a batch: the value (n, width); per direction the derivatives wanted, and L of the
/// value, where they are not 0: (n, width), or (width) where they are the same for every point.
struct Jet {
  struct Along {
    int order = 1;
    double weight = 0;
    std::optional<Value> first{}, second{};
  };
  Value value;
  std::vector<Along> along{};
  std::optional<Value> combined{}; ///< L of the value
};

/// The coordinates x (n, axes) themselves.
Jet jet_of(Value x, Derivatives const& wanted);
/// A number that does not depend on the inputs, with the directions of `like`.
Jet jet_of(double number, Jet const& like);
Jet operator+(Jet const& a, Jet const& b);
Jet operator*(Jet const& a, Jet const& b);
/// A function entry by entry.
Jet apply(Activation function, Jet const& a);
Jet dense(Jet const& x, Value weight, Value bias);
/// Columns begin .. begin+count of the last axis.
Jet columns(Jet const& a, std::int64_t begin, std::int64_t count);
Jet beside(std::vector<Jet> const& parts); ///< along the last axis

/// A stream as an array (n, width): 0 where it is none, repeated where it is the same everywhere.
Value whole(std::optional<Value> const& stream, Jet const& of);

} // namespace moho::nn
