// SPDX-License-Identifier: BSD-3-Clause
// The filter that keeps designs free of checkerboards and gives them a length scale.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace moho::study {

/// Filter of sensitivities: out_e = sum_f H_ef in_f / H_f with the cone H_ef = max(0, radius -
/// |c_e - c_f|) of the distance of cell centres and its sums H_f. Keeps the sum of the values. The
/// form that JAX-FEM and TensorMesh use (Sigmund's of 1997 weighs by the density as well).
class DesignFilter {
public:
  /// `centres` (cells, dim). Throws moho::Error for a radius that is not positive.
  DesignFilter(std::span<double const> centres, int dim, double radius);
  /// Replaces values (cells), summing in ascending cell.
  void apply(std::span<double> values) const;
  std::size_t cells() const { return _begin.size() - 1; }
  /// Entries of H: how far the filter reaches.
  std::size_t entries() const { return _cell.size(); }

private:
  std::vector<std::size_t> _begin;
  std::vector<std::int32_t> _cell;
  std::vector<double> _weight; ///< H_ef / H_f
};

} // namespace moho::study
