// SPDX-License-Identifier: BSD-3-Clause
// A five-point matrix on an n x n grid in blocks of rows, as PETSc's users hand it over.
#pragma once
#include "moho/parallel/petsc.hpp"
#include <cstdint>
#include <vector>

namespace moho::test {

/// Rows [first, last) of the matrix with `diagonal + 0.01 row` on the diagonal and -1 (left, down),
/// -1 - `skew` (right, up) beside it.
struct Grid {
  int n = 0;
  std::int64_t first = 0, last = 0;
  std::vector<std::int32_t> diagonal_ptr{0}, diagonal_column, off_ptr{0};
  std::vector<std::int64_t> off_column;
  std::vector<double> values; ///< diagonal block's, then the other's

  Grid(parallel::Comm const& comm, int side, double diagonal = 4, double skew = 0) : n(side) {
    std::int64_t const rows = std::int64_t{n} * n, size = comm.size(), rank = comm.rank();
    first = rows * rank / size;
    last = rows * (rank + 1) / size;
    fill(diagonal, skew, true);
  }
  std::size_t rows() const { return static_cast<std::size_t>(last - first); }
  parallel::CsrBlocks blocks() const {
    return {std::int64_t{n} * n, diagonal_ptr, diagonal_column, off_ptr, off_column, 1};
  }
  /// Entries of a row in ascending column: (column, value).
  std::vector<std::pair<std::int64_t, double>> row(std::int64_t r, double diagonal,
                                                   double skew) const {
    std::vector<std::pair<std::int64_t, double>> entries;
    auto const x = r % n, y = r / n;
    if (y > 0) entries.emplace_back(r - n, -1);
    if (x > 0) entries.emplace_back(r - 1, -1);
    entries.emplace_back(r, diagonal + 0.01 * static_cast<double>(r % 7));
    if (x + 1 < n) entries.emplace_back(r + 1, -1 - skew);
    if (y + 1 < n) entries.emplace_back(r + n, -1 - skew);
    return entries;
  }
  /// New values in place, or the pattern too.
  void fill(double diagonal, double skew, bool pattern = false) {
    std::vector<double> inner, outer;
    for (auto r = first; r < last; ++r) {
      for (auto [column, value] : row(r, diagonal, skew)) {
        bool const mine = column >= first && column < last;
        (mine ? inner : outer).push_back(value);
        if (!pattern) continue;
        if (mine)
          diagonal_column.push_back(static_cast<std::int32_t>(column - first));
        else
          off_column.push_back(column);
      }
      if (!pattern) continue;
      diagonal_ptr.push_back(static_cast<std::int32_t>(diagonal_column.size()));
      off_ptr.push_back(static_cast<std::int32_t>(off_column.size()));
    }
    inner.insert(inner.end(), outer.begin(), outer.end());
    if (values.empty()) values.resize(inner.size());
    std::copy(inner.begin(), inner.end(), values.begin()); // PETSc looks at this very memory
  }
  /// Owned part of A x or A^T x for the global vector x(r) = sin(r).
  std::vector<double> product(double diagonal, double skew, bool transpose) const;
  std::vector<double> sines() const;
};

} // namespace moho::test
