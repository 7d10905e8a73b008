// SPDX-License-Identifier: BSD-3-Clause
// How an expression is worked on block by block: which entries a block has, where its operands
// lie, and the steps of a block with their buffers.
#pragma once
#include "moho/nn/pointwise.hpp"
#include <array>
#include <cstdint>
#include <vector>

namespace moho::nn::detail {

using Strides = std::array<std::int64_t, max_rank>;

/// What a step computes: the number of a pointwise Op; powers by small exponents are codes of their
/// own, behind them.
using Code = std::uint8_t;
inline constexpr int first_code = static_cast<int>(Op::copy),
                     power_code = static_cast<int>(Op::select) + 1, ///< of exponent -most_power
    most_power = 4, end_code = power_code + 2 * most_power + 1;
Code code_of(Instruction const& instruction);

/// Axes that all arrays of an expression walk through alike are one axis here.
struct Grid {
  int rank = 0;
  Strides extents{};
  std::vector<Strides> loads, stores;
  std::int64_t size() const;
};
Grid merged(Expression const& expression);

/// The blocks of a grid: at most `steps` rows of axis `axis`, whole along the axes behind it.
struct Blocks {
  int axis = 0;
  std::int64_t steps = 1;  ///< of the axis, per block
  std::int64_t length = 1; ///< entries per step: product of the extents behind the axis
  std::int64_t pieces = 1; ///< blocks along the axis
  std::int64_t outer = 1;  ///< product of the extents before the axis
  std::int64_t count() const { return pieces * outer; }
};
Blocks blocks_of(Grid const& grid, std::int64_t most);

/// An array as a block sees it.
struct BlockArray {
  bool direct = false; ///< its part in a block is contiguous
  bool leads = false;  ///< extent[0] is per step of the block's axis
  int axes = 0;        ///< within a block, merged
  Strides extent{}, stride{};
  std::int64_t step = 0; ///< stride of the block's axis
  Strides outer{};       ///< strides of the axes before it
  /// When a buffer of it has to be filled: for each block, where the outer index changes, once.
  enum class Refill : std::uint8_t { block, outer, once } refill = Refill::block;
};

/// One step of a block. Slots: 0 .. loads-1 the loads that are read in place, then the stores that
/// are written in place, then the buffers.
struct Step {
  enum class Kind : std::uint8_t { compute, load, store } kind = Kind::compute;
  Code code = first_code;
  BlockArray::Refill refill = BlockArray::Refill::block; ///< of a load
  std::int16_t array = 0;                                ///< of a load or store
  std::int16_t a = 0, b = 0, c = 0, out = 0;             ///< slots
  double value = 0;
};
struct Steps {
  std::vector<Step> steps;
  int buffers = 0;
};

struct Plan {
  Grid grid;
  Blocks blocks;
  std::vector<BlockArray> loads, stores;
  Steps direct;
  /// The same where an output lies on an input that is still read after the output is written:
  /// such outputs are written when a block ends.
  Steps deferred;
  struct Pair {
    int load, store;
  };
  std::vector<Pair> conflicts; ///< pairs that need `deferred` if they have one address
  std::int64_t pitch = 0;      ///< entries from buffer to buffer
};
inline constexpr std::size_t scratch_bytes = 96 * 1024, most_block = 2048, least_block = 64;

/// The expression checked, without what no store needs, and with a copy for each load that is
/// stored as it is. Throws std::logic_error.
Expression simplified(Expression const& expression);
Plan make_plan(Expression const& simplified, std::size_t entry_bytes);

} // namespace moho::nn::detail
