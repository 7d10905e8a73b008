// SPDX-License-Identifier: BSD-3-Clause
// Dispersion models and curves as Batches: what a solver and a surrogate exchange with a Problem.
//
// Inputs   (count = models, labels = names): layer_offset, period_offset (models+1); thickness, vp,
//          vs, rho (rows); period (points).
// Answers  for each wave asked ("rayleigh", "love"): <wave>/phase, <wave>/group, <wave>/status
//          (modes, points); <wave>/mode_count (points). And flag/{case,wave,mode,period_index,kind}
//          (flags), flag/offset (flags+1), flag/{phase,group,count_above} (roots).
// Truth    the same arrays; status -1 and mode_count -1 where nothing is known; and `uncertainty`
//          (1), relative. Its flags list all roots of the periods at which a branch folds.
#pragma once
#include "moho/dispersion/solve.hpp"
#include "moho/study/batch.hpp"
#include "moho/study/problem.hpp"
#include <string>
#include <vector>

namespace moho::study {

inline constexpr std::int64_t unknown_status = -1;

Batch inputs_batch(dispersion::ModelBatch const& models, std::vector<std::string> names);

dispersion::ModelBatch model_batch(Batch const& inputs);

Batch answers_batch(dispersion::Curves const& curves, dispersion::SolveOptions const& options);

/// Answers of a wave on the host. `modes` 0: the wave was not asked for.
struct WaveAnswers {
  std::size_t modes = 0, points = 0;
  std::vector<double> phase, group;             ///< (modes x points)
  std::vector<std::int64_t> status, mode_count; ///< (modes x points), (points)
};
WaveAnswers wave_answers(Batch const& answers, dispersion::Wave wave);
void set_wave_answers(Batch& answers, dispersion::Wave wave, WaveAnswers const& values);

/// Compares answers with the truth: the metrics of `curve_metrics`, counters models, periods and
/// curves, and data.h5 of the first `keep` models.
Assessment assess_curves(Batch const& inputs, Batch const& truth, Batch const& answers,
                         std::size_t keep);

/// phase_rel_max, phase_rel_p999, group_rel_max: over the points that both know; NaN if none.
/// mode_count_mismatches; null_mismatches: one has a root where the other says there is none.
/// points: asked; points_compared: with a known truth; points_{extended,failed,multivalued}.
/// fold_periods, fold_mismatches, fold_rel_max: periods at which the truth has a fold, those whose
/// flagged roots differ in number or by more than 1e-9, and the largest error of these roots.
/// truth_uncertainty: of the truth, relative.
std::vector<std::string> const& curve_metrics();

/// Closed forms that the solver must meet: a Rayleigh half-space, two-layer Love waves, their mode
/// count, and controls that perturbed answers are rejected. Both paths of the solver are checked.
std::vector<Check> closed_form_checks();

} // namespace moho::study
