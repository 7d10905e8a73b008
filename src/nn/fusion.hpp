// SPDX-License-Identifier: BSD-3-Clause
// From lowered operations to the steps of a program: operations entry by entry that can be carried
// out in one pass over memory become one step.
#pragma once
#include "lowering.hpp"
#include "moho/nn/contraction.hpp"
#include "moho/nn/pointwise.hpp"

namespace moho::nn {

struct Place {
  int buffer = -1;
  std::int64_t offset = 0;
};

/// One kernel call.
struct Step {
  enum class Kind { pointwise, contraction, sum, copy, gather, scatter_add };
  Kind kind = Kind::pointwise;
  std::vector<Place> reads, writes;
  Expression expression;                 ///< of pointwise
  std::vector<ContractionIndex> indices; ///< of contraction
  bool accumulates = false;              ///< of contraction: adds to what is written
  std::vector<std::int64_t> numbers;     ///< of sum: outer, reduced, inner; of gather: length, rows
  std::vector<std::int64_t> in_strides, out_strides; ///< of copy, with expression.shape
  std::shared_ptr<std::vector<std::int64_t> const> index;
  std::string label;
};

/// The steps in an order in which operands come before their users. `fused`: false makes every
/// operation a step of its own.
std::vector<Step> steps_of(Lowered const& program, bool fused);

} // namespace moho::nn
