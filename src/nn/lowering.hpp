// SPDX-License-Identifier: BSD-3-Clause
// From a tape to what has to be computed and where it lies: operations that only rename entries
// (reshape, permute, slice, expand) become views, parts of a concat are computed in their place.
#pragma once
#include "moho/nn/tape.hpp"

namespace moho::nn {

/// A run of memory. Inputs and results may lie in memory of the caller.
struct Buffer {
  enum class Kind { arena, input, constant, result };
  Kind kind = Kind::arena;
  std::int64_t size = 0;
  int which = -1; ///< number of the input, constant or result
  Value source{}; ///< of an input or a constant
};

/// Where the entries of an array lie; strides in entries, 0 along repeated axes.
struct View {
  int buffer = -1;
  std::int64_t offset = 0;
  Shape shape;
  std::vector<std::int64_t> strides;
  int node = -1;       ///< who writes it; -1: an input or a constant
  bool direct = false; ///< it is the node's result itself, not a part or another order of it
};

struct LoweredNode {
  Op op = Op::copy;
  std::vector<View> inputs;
  View result;
  double value = 0;
  std::vector<std::int64_t> numbers; ///< of sum: outer, reduced, inner; of concat: none
  std::string text;
  std::shared_ptr<std::vector<std::int64_t> const> index;
  std::string label;
  bool accumulates = false; ///< of einsum: adds to what its last input has left in the result
  bool kept = false;        ///< read from memory by whoever wants it: a result or part of a concat
};

struct Lowered {
  std::vector<Buffer> buffers;
  std::vector<LoweredNode> nodes; ///< operands before their users
  std::vector<int> results;       ///< buffer of each output
  std::vector<Value> inputs;      ///< by Buffer::which
};

Lowered lower(std::vector<Value> const& outputs);

} // namespace moho::nn
