// SPDX-License-Identifier: BSD-3-Clause
// Sums of products over shared indices, C[..] = sum A[..] B[..], carried out as matrix products.
#pragma once
#include "moho/core/kokkos.hpp"
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace moho::nn {

/// A contraction of two arrays over named indices. Every index has an extent and a stride (in
/// entries) in each array; `absent` where the array does not have it. An index of A alone or of B
/// alone is not allowed; one of C alone neither.
struct ContractionIndex {
  static constexpr std::int64_t absent = -1;
  std::int64_t extent = 1;
  std::int64_t a = absent, b = absent, c = absent;
};

/// C = sum A B made ready to be run: indices of A, B and C are batches; those of A and C rows, of B
/// and C columns, of A and B are summed. Indices that follow each other in memory are merged; the
/// longest of each kind makes the matrix product, the others are looped over. T: float or double.
template <class T>
class Contraction {
public:
  /// Throws std::logic_error for indices that are not allowed: an extent below 1, a negative
  /// stride, or two entries of C in one place.
  explicit Contraction(std::vector<ContractionIndex> const& indices);

  /// Entries of scratch that `run` needs: for operands that no matrix product can read as they lie,
  /// and for partial sums that threads share.
  std::size_t scratch() const;
  /// 2 * product of all extents.
  double flops() const;
  /// `accumulate`: adds to C; else C is not read. The same bits on any number of threads.
  void run(ExecutionSpace const& space, T const* a, T const* b, T* c, T* scratch,
           bool accumulate = false) const;
  /// How it is carried out, for logs: "10000x50x50; loops 4, sums 1; packs A".
  std::string describe() const;

private:
  struct Plan;
  std::shared_ptr<Plan const> _plan; ///< never changed, so copies share it
};

} // namespace moho::nn
