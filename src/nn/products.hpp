// SPDX-License-Identifier: BSD-3-Clause
// Families of matrix products of one shape: what a contraction comes down to.
#pragma once
#include "moho/core/kokkos.hpp"
#include "moho/nn/movement.hpp"
#include <cstdint>

namespace moho::nn {

/// C (m, n) = A (m, k) B (k, n) with any strides, in entries.
struct Product {
  std::int64_t m = 1, n = 1, k = 1;
  std::int64_t a_row = 0, a_sum = 0, b_sum = 0, b_column = 0, c_row = 0, c_column = 0;
};
/// C^T = B^T A^T.
Product transposed(Product const& p);
/// C's entries follow each other along its columns: the transposed product is to be formed.
inline bool is_turned(Product const& p) {
  return p.c_column != 1 && p.n > 1 && p.c_row == 1;
}

/// How BLAS names a stored matrix: row-major with leading dimension `lead`, perhaps transposed.
struct Stored {
  bool readable = false, transposed = false;
  std::int64_t lead = 1;
};
Stored stored(std::int64_t rows, std::int64_t columns, std::int64_t row_stride,
              std::int64_t column_stride);
/// A, B and C can be handed to BLAS as they lie, C (not transposed) by rows.
bool is_readable(Product const& p);

/// A loop around products: its extent and the steps of A, B and C.
struct Loop {
  std::int64_t extent = 1, a = 0, b = 0, c = 0;
};

/// For all values of `items`: C = sum over all values of `sums`, in order, of A B.
struct Products {
  static constexpr int max_loops = 16;
  Product product;
  int item_loops = 0, sum_loops = 0;
  Loop items[max_loops], sums[max_loops]; ///< the slowest first
  bool sum_panels = true; ///< scratch is given, so that threads may share a long sum

  std::int64_t item_count() const;
  std::int64_t sum_count() const;
};

/// Offsets of A, B and C.
struct Offsets {
  std::int64_t a = 0, b = 0, c = 0;
};
/// Of pass `index` through `loops`.
KOKKOS_INLINE_FUNCTION Offsets offsets(Loop const* loops, int count, std::int64_t index) {
  Offsets at;
  for (int d = count - 1; d >= 0; --d) {
    std::int64_t const i = index % loops[d].extent;
    index /= loops[d].extent;
    at.a += i * loops[d].a;
    at.b += i * loops[d].b;
    at.c += i * loops[d].c;
  }
  return at;
}

/// Products of single numbers whose sums do not lie contiguous: on a host, loops over items then
/// lie inside those over sums.
bool is_entrywise(Products const& products);

/// Entries of scratch that `run` needs: partial sums of a long summed index, so that threads can
/// share it.
std::int64_t partial_entries(Products const& products);

/// `partials`: partial_entries(products) entries.
template <class T>
void run(ExecutionSpace const& space, Products const& products, T const* a, T const* b, T* c,
         T* partials, bool accumulate);

/// Seconds that they take, roughly; and that a copy takes.
double estimate(Products const& products);
double estimate_copy(StridedCopy const& copy);

/// A single product on the calling thread.
template <class T>
void multiply_on_host(Product const& product, T const* a, T const* b, T* c, bool accumulate);

/// On a device: as `run`.
template <class T>
void run_on_device(ExecutionSpace const& space, Products const& products, T const* a, T const* b,
                   T* c, bool accumulate);

/// While it lives, BLAS uses one thread per call: what it computes then depends on no number of
/// threads, and does not fight Kokkos' own.
class OneBlasThread {
public:
  OneBlasThread();
  ~OneBlasThread();
  OneBlasThread(OneBlasThread const&) = delete;
  OneBlasThread& operator=(OneBlasThread const&) = delete;

private:
  int _before;
};

} // namespace moho::nn
