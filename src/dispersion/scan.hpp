// SPDX-License-Identifier: BSD-3-Clause
// Scan of one period for branches that fold back (negative group velocity): at fixed frequency the
// mode count is then not monotone in c, and one (mode, period) has several roots.
#pragma once
#include "kernel.hpp"

namespace moho::dispersion::detail {

/// Whether a model may have folds: its stiffest solid against its softest. An empirical bound: a
/// search that climbed towards folds (tests/property draws from it) found none below a contrast of
/// rigidity of 12, whatever the densities, the ratios vp/vs and the thicknesses; half of that is
/// the limit.
bool fold_prone(LayeredModel const& model);

/// All Rayleigh roots of one period, and whether their counts go up by one each.
struct PeriodScan {
  std::vector<Root> roots; ///< ascending; km/s
  bool multivalued = false;
  std::int64_t evaluations = 0;
};

/// Scans c from the lowest velocity to vs_halfspace (1 - 1e-7) on `grid` points, looks closer where
/// the secular function nearly touches zero, and isolates every change of the count in extended
/// precision.
PeriodScan scan_period(LayeredModel const& model, double period, int grid);

} // namespace moho::dispersion::detail
