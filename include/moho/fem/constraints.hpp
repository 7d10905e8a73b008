// SPDX-License-Identifier: BSD-3-Clause
// Dirichlet conditions: symmetric elimination on assembled values.
#pragma once
#include "moho/fem/topology.hpp"
#include <cstdint>
#include <vector>

namespace moho::fem {

/// Which local scalar unknowns are fixed; their rows and columns are zeroed, the diagonal becomes
/// `diagonal`. Built once per topology and mask.
class Constraints {
public:
  /// `fixed`: (local nodes * components), 0 or 1; other sizes and values throw moho::Error. Ghosts'
  /// marks must be right as well (parallel::GhostExchange::update makes them so).
  Constraints(Topology const& topology, std::vector<std::uint8_t> fixed);

  /// Right-hand side: b -= K g for the fixed columns (in ascending node id: the same bits on any
  /// number of ranks), b = diagonal * g in fixed rows. `values`: those before `eliminate`; `g`:
  /// (local nodes * components), read where fixed, ghosts included; b: (owned scalar rows).
  void lift(ConstReals values, ConstReals g, Reals b, double diagonal = 1) const;
  /// Zeroes fixed rows and columns of matrix values, sets the diagonal of fixed rows.
  void eliminate(Reals values, double diagonal = 1) const;
  /// Sets fixed entries of a vector over owned rows to zero.
  void zero(Reals b) const;
  /// Sets fixed entries of a vector over owned rows to those of g.
  void set(ConstReals g, Reals b) const;

  std::vector<std::uint8_t> const& fixed() const { return _fixed; }
  /// Owned fixed scalar rows.
  std::size_t fixed_rows() const { return _rows.extent(0); }

private:
  std::vector<std::uint8_t> _fixed;
  Ints _zeroed;    ///< positions of entries in fixed rows or columns
  Ints _diagonal;  ///< positions of diagonals of fixed rows
  Ints _rows;      ///< fixed owned rows
  Ints _lift_rows; ///< free rows that have fixed columns, each with a range of the lists below
  Ints _lift_ptr, _lift_position, _lift_column; ///< columns: local scalar, ascending node id
};

} // namespace moho::fem
