// SPDX-License-Identifier: BSD-3-Clause
// Which cell holds a point: a uniform grid over the cells' boxes, and Newton's method in the cell.
#pragma once
#include "moho/fem/space.hpp"
#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace moho::study {

/// Finds points in the cells of a part, which it keeps a reference to.
class PointLocator {
public:
  explicit PointLocator(fem::Part const& part);

  /// A cell and the point's place in its reference cell.
  struct Found {
    std::int32_t cell = -1;
    std::int64_t id = 0; ///< of the cell, in the whole mesh
    double xi[3] = {0, 0, 0};
    double off = 0; ///< how far outside, in reference coordinates; 0: inside
  };
  /// The cell with the least `off`, of several the one of lowest id, among those nearby or, for
  /// points outside of all (beyond an edge that stands for an arc), `everywhere`.
  Found find(double const* x, bool everywhere) const;
  /// Values (components) of u, (local nodes, components), there.
  void interpolate(Found const& found, std::span<double const> u, int components,
                   double* out) const;

private:
  Found place(std::int32_t cell, double const* x) const;
  std::size_t bin(double const* x) const;

  fem::Part const* _part;
  int _dim;
  std::array<double, 3> _low{}, _width{}; ///< of the grid, of a bin
  std::array<std::int64_t, 3> _bins{1, 1, 1};
  std::vector<std::int32_t> _first, _cells; ///< by bin, ascending
};

} // namespace moho::study
