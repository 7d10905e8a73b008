// SPDX-License-Identifier: BSD-3-Clause
// Dispersion models and curves as Batches: what a solver and a surrogate exchange with a Problem.
//
// Inputs   (count = models, labels = names): layer_offset, period_offset (models+1); thickness, vp,
//          vs, rho (rows); period (points).
// Answers  for each wave asked ("rayleigh", "love"): <wave>/phase, <wave>/group, <wave>/status
//          (modes, points), rayleigh/ellipticity (modes, points); <wave>/mode_count (points).
//          And flag/{case,wave,mode,period_index,kind} (flags), flag/offset (flags+1),
//          flag/{phase,group,count_above} (roots); work (models), layer evaluations spent. Where
//          asked for, <wave>/kernel/<name> (modes, rows): dispersion_kernels.hpp; and seconds (2),
//          shortest times of the curves and of the kernels.
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
  std::vector<double> phase, group;             ///< (modes x points); group: empty if not asked
  std::vector<std::int64_t> status, mode_count; ///< (modes x points), (points)
  std::vector<double> ellipticity{};            ///< (modes x points); empty for Love, if not asked
};
WaveAnswers wave_answers(Batch const& answers, dispersion::Wave wave);
void set_wave_answers(Batch& answers, dispersion::Wave wave, WaveAnswers const& values);

/// Compares answers with the truth: the metrics of `curve_metrics`, counters models, periods and
/// curves, and data.h5 of the first `keep` models.
Assessment assess_curves(Batch const& inputs, Batch const& truth, Batch const& answers,
                         std::size_t keep);

/// phase_rel_max, phase_rel_p999, group_rel_max: over the points that both know; NaN if none.
/// phase_of_trivial: phase_rel_max as a fraction of that of the trivial answer at these points.
/// mode_count_mismatches; null_mismatches: one has a root where the other says there is none.
/// points: asked; points_compared: with a known truth; points_{extended,failed,multivalued}.
/// fold_periods, fold_mismatches, fold_rel_max: periods at which the truth has a fold, those whose
/// flagged roots differ in number or by more than 1e-9, and the largest error of these roots.
/// ellipticity_rel_max, ellipticity_channel_rel_max: error over max(|truth|, 1e-3), the latter of
/// points flagged `channel`. truth_uncertainty: of the truth, relative.
/// evaluations_per_root: layer evaluations spent over layers x roots; deterministic.
/// And those of `kernel_metrics`.
std::vector<std::string> const& curve_metrics();

/// Metrics of kernels: kernel_rel_max (of phase velocity), group_kernel_rel_max,
/// ellipticity_kernel_rel_max: for each kernel its largest error over its largest component (that
/// of central differences counts as 1e-3 of the wave's velocity over the parameter's at least, a
/// published one as 1e-8), the worst of all kernels that both know; kernels_compared;
/// kernel_of_trivial: kernel_rel_max as a fraction of the trivial answer's; kernels_over_curves:
/// time of the kernels over that of the curves they belong to.
std::vector<Metric> kernel_metrics(Batch const& inputs, Batch const& truth, Batch const& answers);

/// Kernels of the first `keep` models for data.h5: kernel/{case,wave,mode,period}, kernel/offset
/// (kernels+1), kernel/<name> and truth/kernel/<name> (rows). Empty without kernels.
std::vector<Dataset> kernel_data(Batch const& inputs, Batch const& truth, Batch const& answers,
                                 std::size_t keep);

/// Closed forms that the solver must meet: a Rayleigh half-space, two-layer Love waves, their mode
/// count, and controls that perturbed answers are rejected. Both paths of the solver are checked.
std::vector<Check> closed_form_checks();

} // namespace moho::study
