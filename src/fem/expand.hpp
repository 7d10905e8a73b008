// SPDX-License-Identifier: BSD-3-Clause
// From sums to matrix entries. Inner header of the fem module.
#pragma once
#include "map.hpp"
#include "routing.hpp"
#include <cstddef>
#include <cstdint>

namespace moho::fem {

/// How a node entry's sum becomes B x B entries of `values`.
struct Finish {
  Block block = Block::scalar;
  int components = 1;
  double lambda = 0, mu = 0;          ///< of Block::moments
  double const* parameters = nullptr; ///< the same two in device memory
  bool add = false;
  double* values = nullptr;

  /// With lambda and mu known: a kernel reads them itself, so that they need not cross to the host.
  KOKKOS_FORCEINLINE_FUNCTION Finish loaded() const {
    Finish known = *this;
    if (parameters != nullptr) {
      known.lambda = parameters[0];
      known.mu = parameters[1];
    }
    return known;
  }
  /// Entry (r, c) of the block whose sum is `S`, read with the given strides.
  KOKKOS_FORCEINLINE_FUNCTION double entry(double const* S, int row_stride, int column_stride,
                                           int r, int c) const {
    if (block == Block::scalar) return r == c ? S[0] : 0;
    double const s = S[r * row_stride + c * column_stride];
    if (block == Block::full) return s;
    double trace = S[0];
    for (int i = 1; i < components; ++i) trace = trace + S[i * (row_stride + column_stride)];
    return lambda * s + mu * S[c * row_stride + r * column_stride] + (r == c ? mu * trace : 0.0);
  }
  KOKKOS_FORCEINLINE_FUNCTION void put(std::size_t at, double value) const {
    values[at] = add ? values[at] + value : value;
  }
  /// Writes the block of a node entry: `at` its first value, `row` the length of a scalar row.
  KOKKOS_FORCEINLINE_FUNCTION void write(std::size_t at, std::size_t row, double const* S,
                                         int row_stride, int column_stride) const {
    Finish const known = loaded();
    for (int r = 0; r < components; ++r)
      for (int c = 0; c < components; ++c)
        put(at + static_cast<std::size_t>(r) * row + static_cast<std::size_t>(c),
            known.entry(S, row_stride, column_stride, r, c));
  }
};

/// Where the blocks of a node row start: those of the diagonal block of the matrix or the others.
struct RowPlace {
  std::size_t first; ///< value of its first scalar row's first entry
  std::size_t row;   ///< entries of one scalar row
  KOKKOS_FORCEINLINE_FUNCTION std::size_t at(std::int32_t entry, int components) const {
    return first + static_cast<std::size_t>(entry) * static_cast<std::size_t>(components);
  }
};
KOKKOS_FORCEINLINE_FUNCTION RowPlace row_place(std::int32_t before, std::int32_t entries,
                                               std::int32_t base, int components) {
  std::size_t const B = static_cast<std::size_t>(components);
  return {B * B * (static_cast<std::size_t>(base) + static_cast<std::size_t>(before)),
          B * static_cast<std::size_t>(entries)};
}

/// Doubles between slots.
constexpr int slot_stride(Block block, int dim) {
  return block == Block::scalar ? 1 : block == Block::full || dim == 2 ? dim * dim : 12;
}
/// Doubles between rows of a slot's block.
constexpr int slot_row(Block block, int dim) {
  return block == Block::moments && dim == 3 ? 4 : dim;
}

/// Writes the node rows [first, last) of a range from its slots. Host.
void expand(NodeGraph const& graph, Routing const& routing, double const* slots, int stride,
            int row_stride, Finish const& finish, std::int32_t first, std::int32_t last);

/// The same for a batch: slots (slots, batch) to values (nonzeros, batch); Block::scalar. Host.
void expand_batch(NodeGraph const& graph, Routing const& routing, double const* slots, int batch,
                  int components, double* values, std::int32_t first, std::int32_t last);

} // namespace moho::fem
