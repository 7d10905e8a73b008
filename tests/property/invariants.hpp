// SPDX-License-Identifier: BSD-3-Clause
// What must hold for every answer, whatever the model.
#pragma once
#include "verification/compare.hpp"

namespace moho::testing {

using verification::Report;

/// Statuses, numbers, flags and counts of every point agree with each other: values where there
/// is a value and nowhere else, 0 < c < vs of the half-space, modes ascending, U > 0 outside of
/// folds and never above the fastest speed, as many modes as were counted, a flag for each failed
/// or folded point, folds in Rayleigh only.
Report check_invariants(dispersion::ModelBatch const& batch, dispersion::Curves const& found);

/// Scans the mode count over `steps` values of c at every period and checks that the returned roots
/// account for each change: a fall of the count that was not flagged is a fold that was missed.
/// All modes must have been asked for. With `independent` the sign of Oracle is scanned instead.
Report scan_for_missed_roots(dispersion::ModelBatch const& batch, dispersion::Curves const& found,
                             int steps, bool independent);

/// (wave, period) pairs that are flagged multivalued, over all pairs.
struct FoldShare {
  std::int64_t cases_folded = 0, cases = 0, periods_folded = 0, periods = 0;
};
FoldShare share_of_folds(dispersion::ModelBatch const& batch, dispersion::Curves const& found);

} // namespace moho::testing
