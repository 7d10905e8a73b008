// SPDX-License-Identifier: BSD-3-Clause
// A fused kernel of operations entry by entry: one pass over memory for a whole expression with
// several results, worked on in blocks that stay in the first cache level.
#pragma once
#include "moho/core/kokkos.hpp"
#include "moho/nn/op.hpp"
#include "moho/nn/shape.hpp"
#include <memory>
#include <vector>

namespace moho::nn {

/// What one kernel can hold.
inline constexpr int max_loads = 32, max_stores = 24, max_instructions = 96;

/// Register `loads.size() + i` = op(a, b, c), for the i-th instruction. Registers below
/// `loads.size()` are what was loaded. Powers of -4, -3 .. 4 are products, 0.5 is sqrt, others are
/// exp(value log a). NaN comes through everything but `greater` and the condition of `select`.
struct Instruction {
  Op op = Op::copy;
  int a = 0, b = 0, c = 0;
  double value = 0; ///< of scale, shift, power
};

/// An expression over all entries of `shape`: straight-line code on registers. Strides are in
/// entries, one per axis of `shape`; 0 where the array is repeated along the axis.
struct Expression {
  Shape shape;
  std::vector<std::vector<std::int64_t>> loads;
  std::vector<Instruction> instructions;
  struct Store {
    int reg;
    std::vector<std::int64_t> strides; ///< nowhere 0 along an axis longer than 1
  };
  std::vector<Store> stores;
};

/// An expression made ready to be run; T is float or double. What it computes has the same bits as
/// the same instructions run as kernels of their own, on any number of threads.
template <class T>
class PointwiseKernel {
public:
  /// Throws std::logic_error for an expression that exceeds the limits above or names a register
  /// that is not set.
  explicit PointwiseKernel(Expression const& expression);

  /// `in[i]`: where load i begins; `out[j]`: where store j begins. No output overlaps an input,
  /// except that a store may have the base address and the strides of a load.
  void run(ExecutionSpace const& space, T const* const* in, T* const* out) const;

private:
  struct Prepared;
  std::shared_ptr<Prepared const> _prepared;
};

/// out[o, i] = sum over r of in[o, r, i], all row-major; in a fixed order, whatever the number of
/// threads. Pairwise: rounding grows with the logarithm of `reduced`. `scratch`: sum_scratch
/// entries; on a host none, and null may be given.
template <class T>
void sum_middle(ExecutionSpace const& space, T const* in, T* out, std::int64_t outer,
                std::int64_t reduced, std::int64_t inner, T* scratch);
std::int64_t sum_scratch(std::int64_t outer, std::int64_t reduced, std::int64_t inner);

} // namespace moho::nn
