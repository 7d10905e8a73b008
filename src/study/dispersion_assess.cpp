// SPDX-License-Identifier: BSD-3-Clause
// The norm of the dispersion problems: answers against the truth, point by point.
#include "moho/core/error.hpp"
#include "moho/core/statistics.hpp"
#include "moho/study/dispersion_arrays.hpp"
#include "moho/study/dispersion_trivial.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <tuple>

namespace moho::study {
namespace {

using dispersion::Status;
using dispersion::Wave;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr auto absent = static_cast<std::int64_t>(Status::absent);
constexpr auto failed = static_cast<std::int64_t>(Status::failed);

/// Two roots that differ by more, relative, are not the same.
constexpr double same_root = 1e-9;

/// What the points of all waves and modes add up to.
struct Tally {
  std::vector<double> phase_error, group_error, trivial_error;
  std::vector<double> ellipticity_error, channel_error; ///< elsewhere; of channel points
  std::int64_t points = 0, compared = 0, ok = 0, none = 0, extended = 0, unsolved = 0;
  std::int64_t multivalued = 0, channel = 0, not_finite = 0;
  std::int64_t count_mismatches = 0, null_mismatches = 0;

  void count(std::int64_t status) {
    ++points;
    ok += status == static_cast<std::int64_t>(Status::ok);
    none += status == absent;
    channel += status == static_cast<std::int64_t>(Status::channel);
    extended += status == static_cast<std::int64_t>(Status::extended);
    unsolved += status == failed;
    multivalued += status == static_cast<std::int64_t>(Status::multivalued);
  }
};

/// Largest of a sample, NaN if it is empty or has a NaN: quantile 1.
double largest(std::vector<double> const& errors) {
  return quantile(errors, 1);
}

double relative(double value, double truth) {
  return std::abs(value - truth) / std::abs(truth);
}

/// Points that claim a root without one, or with a group velocity that is missing where others have
/// theirs (all lack it when it was not asked for).
std::int64_t not_finite(WaveAnswers const& answer) {
  auto const finite = [](double value) { return std::isfinite(value); };
  bool const groups = std::any_of(answer.group.begin(), answer.group.end(), finite);
  std::int64_t count = 0;
  for (std::size_t i = 0; i < answer.status.size(); ++i)
    count += answer.status[i] != absent && answer.status[i] != failed &&
             !(finite(answer.phase[i]) && (!groups || finite(answer.group[i])));
  return count;
}

/// Of a ratio that passes through zero.
double ellipticity_error(double value, double truth) {
  return std::abs(value - truth) / std::max(std::abs(truth), 1e-3);
}

void compare_point(WaveAnswers const& answer, WaveAnswers const& truth, std::size_t i,
                   double trivial, Tally& tally) {
  tally.phase_error.push_back(relative(answer.phase[i], truth.phase[i]));
  tally.trivial_error.push_back(relative(trivial, truth.phase[i]));
  if (!answer.group.empty() && std::isfinite(truth.group[i]))
    tally.group_error.push_back(relative(answer.group[i], truth.group[i]));
  if (answer.ellipticity.empty() || truth.ellipticity.empty()) return;
  if (!std::isfinite(truth.ellipticity[i])) return;
  bool const channel = answer.status[i] == static_cast<std::int64_t>(Status::channel);
  (channel ? tally.channel_error : tally.ellipticity_error)
      .push_back(ellipticity_error(answer.ellipticity[i], truth.ellipticity[i]));
}

/// `trivial`: the trivial answer at each point.
void compare_wave(WaveAnswers const& answer, WaveAnswers const& truth,
                  std::vector<double> const& trivial, Tally& tally) {
  for (const std::int64_t status : answer.status) tally.count(status);
  tally.not_finite += not_finite(answer);
  if (truth.modes == 0) return;
  MOHO_REQUIRE(truth.points == answer.points);
  for (std::size_t p = 0; p < answer.points; ++p)
    tally.count_mismatches +=
        truth.mode_count[p] >= 0 && truth.mode_count[p] != answer.mode_count[p];
  const std::size_t n = std::min(answer.modes, truth.modes) * answer.points;
  for (std::size_t i = 0; i < n; ++i) {
    if (truth.status[i] == unknown_status) continue;
    ++tally.compared;
    bool const none = answer.status[i] == absent, truly_none = truth.status[i] == absent;
    tally.null_mismatches += none != truly_none;
    // These are counted above; any other point owes a value, and a NaN would show.
    if (truly_none || none || answer.status[i] == failed) continue;
    compare_point(answer, truth, i, trivial[i % answer.points], tally);
  }
}

/// The trivial phase velocity at each point.
std::vector<double> trivial_answers(Batch const& inputs) {
  const dispersion::ModelBatch models = model_batch(inputs);
  std::vector<double> result;
  for (std::size_t i = 0; i < models.size(); ++i)
    result.insert(result.end(), models.periods(i).size(), trivial_velocity(models.model(i)));
  return result;
}

/// Layer evaluations spent over layers x roots found.
double evaluations_per_root(Batch const& inputs, Batch const& answers,
                            std::array<WaveAnswers const*, 2> const& waves) {
  if (!answers.has("work")) return nan;
  auto const layer = inputs.integers("layer_offset"), point = inputs.integers("period_offset");
  double work = 0, least = 0;
  for (const std::int64_t spent : answers.integers("work")) work += static_cast<double>(spent);
  for (WaveAnswers const* wave : waves)
    for (std::size_t m = 0; m < wave->modes; ++m)
      for (std::size_t i = 0; i + 1 < point.size(); ++i)
        for (auto p = static_cast<std::size_t>(point[i]);
             p < static_cast<std::size_t>(point[i + 1]); ++p)
          if (std::isfinite(wave->phase[m * wave->points + p]))
            least += static_cast<double>(layer[i + 1] - layer[i]);
  return least > 0 ? work / least : nan;
}

/// Roots of folded periods: (case, wave, period index) -> phase velocities, ascending.
using Folds = std::map<std::tuple<std::int64_t, std::int64_t, std::int64_t>, std::vector<double>>;

Folds folds(Batch const& batch) {
  Folds result;
  if (!batch.has("flag/case")) return result;
  auto const of_case = batch.integers("flag/case"), wave = batch.integers("flag/wave"),
             period = batch.integers("flag/period_index"), kind = batch.integers("flag/kind"),
             offset = batch.integers("flag/offset");
  auto const phase = batch.reals("flag/phase");
  for (std::size_t i = 0; i < of_case.size(); ++i)
    if (kind[i] == static_cast<std::int64_t>(Status::multivalued))
      result[{of_case[i], wave[i], period[i]}] = {phase.begin() + offset[i],
                                                  phase.begin() + offset[i + 1]};
  return result;
}

void compare_folds(Batch const& answers, Batch const& truth, std::vector<Metric>& metrics) {
  const Folds known = folds(truth), flagged = folds(answers);
  std::int64_t mismatches = 0;
  std::vector<double> errors;
  for (auto const& [place, roots] : known) {
    auto const found = flagged.find(place);
    if (found == flagged.end() || found->second.size() != roots.size()) {
      ++mismatches;
      continue;
    }
    std::vector<double> here;
    for (std::size_t i = 0; i < roots.size(); ++i)
      here.push_back(relative(found->second[i], roots[i]));
    mismatches += !(largest(here) <= same_root); // also a NaN
    errors.insert(errors.end(), here.begin(), here.end());
  }
  metrics.push_back({"fold_periods", static_cast<double>(known.size())});
  metrics.push_back({"fold_mismatches", static_cast<double>(mismatches)});
  metrics.push_back({"fold_rel_max", largest(errors)});
}

std::vector<Metric> metrics_of(Tally const& tally) {
  auto const number = [](std::int64_t value) { return static_cast<double>(value); };
  return {{"phase_rel_max", largest(tally.phase_error)},
          {"phase_rel_p999", quantile(tally.phase_error, 0.999)},
          {"group_rel_max", largest(tally.group_error)},
          {"phase_of_trivial", largest(tally.phase_error) / largest(tally.trivial_error)},
          {"ellipticity_rel_max", largest(tally.ellipticity_error)},
          {"ellipticity_channel_rel_max", largest(tally.channel_error)},
          {"mode_count_mismatches", number(tally.count_mismatches)},
          {"null_mismatches", number(tally.null_mismatches)},
          {"points", number(tally.points)},
          {"points_compared", number(tally.compared)},
          {"points_ok", number(tally.ok)},
          {"points_absent", number(tally.none)},
          {"points_channel", number(tally.channel)},
          {"points_not_finite", number(tally.not_finite)},
          {"points_extended", number(tally.extended)},
          {"points_failed", number(tally.unsolved)},
          {"points_multivalued", number(tally.multivalued)}};
}

// --- data.h5 ------------------------------------------------------------------------------------

/// The rows of /curve and /truth: case by case, wave by wave, mode by mode, period by period.
struct Rows {
  std::vector<std::int64_t> of_case;
  std::vector<std::int8_t> wave, status;
  std::vector<std::int32_t> mode;
  std::vector<double> period, phase, group, ellipticity, truth_phase, truth_group;
  std::vector<double> truth_ellipticity;

  void append(std::size_t i, Wave w, std::size_t m, double t) {
    of_case.push_back(static_cast<std::int64_t>(i));
    wave.push_back(static_cast<std::int8_t>(w));
    mode.push_back(static_cast<std::int32_t>(m));
    period.push_back(t);
  }
};

struct Sides {
  WaveAnswers answer, truth;
};

Rows curve_rows(Batch const& inputs, std::array<Sides, 2> const& waves, std::size_t keep) {
  auto const offset = inputs.integers("period_offset");
  auto const period = inputs.reals("period");
  Rows rows;
  for (std::size_t i = 0; i < keep; ++i)
    for (const Wave wave : dispersion::all_waves) {
      auto const& [answer, truth] = waves[static_cast<std::size_t>(wave)];
      for (std::size_t m = 0; m < answer.modes; ++m)
        for (auto p = static_cast<std::size_t>(offset[i]);
             p < static_cast<std::size_t>(offset[i + 1]); ++p) {
          const std::size_t at = m * answer.points + p;
          rows.append(i, wave, m, period[p]);
          auto const value = [&](std::vector<double> const& of) {
            return at < of.size() ? of[at] : nan; // not asked for, or more modes than are known
          };
          rows.phase.push_back(answer.phase[at]);
          rows.group.push_back(value(answer.group));
          rows.ellipticity.push_back(value(answer.ellipticity));
          rows.status.push_back(static_cast<std::int8_t>(answer.status[at]));
          rows.truth_phase.push_back(value(truth.phase));
          rows.truth_group.push_back(value(truth.group));
          rows.truth_ellipticity.push_back(value(truth.ellipticity));
        }
    }
  return rows;
}

std::vector<Dataset> datasets(Batch const& inputs, Rows rows, std::size_t keep) {
  auto offset = inputs.integers("layer_offset");
  offset.resize(keep + 1);
  auto const model = [&](char const* name) {
    auto values = inputs.reals(name);
    values.resize(static_cast<std::size_t>(offset.back()));
    return Dataset{std::string("model/") + name, inputs.at(name).units, std::move(values)};
  };
  std::vector<std::string> names = inputs.labels;
  names.resize(keep);
  return {{"case/name", "", std::move(names)},
          {"model/offset", "", offset},
          model("thickness"),
          model("vp"),
          model("vs"),
          model("rho"),
          {"curve/case", "", std::move(rows.of_case)},
          {"curve/wave", "", std::move(rows.wave)},
          {"curve/mode", "", std::move(rows.mode)},
          {"curve/period", "s", std::move(rows.period)},
          {"curve/phase", "km/s", std::move(rows.phase)},
          {"curve/group", "km/s", std::move(rows.group)},
          {"curve/ellipticity", "", std::move(rows.ellipticity)},
          {"curve/status", "", std::move(rows.status)},
          {"truth/phase", "km/s", std::move(rows.truth_phase)},
          {"truth/group", "km/s", std::move(rows.truth_group)},
          {"truth/ellipticity", "", std::move(rows.truth_ellipticity)}};
}

} // namespace

std::vector<std::string> const& curve_metrics() {
  static const std::vector<std::string> names{"phase_rel_max",
                                              "phase_rel_p999",
                                              "group_rel_max",
                                              "mode_count_mismatches",
                                              "null_mismatches",
                                              "points",
                                              "points_compared",
                                              "points_extended",
                                              "points_failed",
                                              "points_ok",
                                              "points_absent",
                                              "points_channel",
                                              "points_not_finite",
                                              "points_multivalued",
                                              "fold_periods",
                                              "fold_mismatches",
                                              "fold_rel_max",
                                              "truth_uncertainty",
                                              "phase_of_trivial",
                                              "ellipticity_rel_max",
                                              "ellipticity_channel_rel_max",
                                              "evaluations_per_root",
                                              "kernel_rel_max",
                                              "group_kernel_rel_max",
                                              "ellipticity_kernel_rel_max",
                                              "kernels_compared",
                                              "kernel_of_trivial",
                                              "kernels_over_curves"};
  return names;
}

Assessment assess_curves(Batch const& inputs, Batch const& truth, Batch const& answers,
                         std::size_t keep) {
  std::array<Sides, 2> waves;
  Tally tally;
  std::int64_t asked = 0;
  const std::vector<double> trivial = trivial_answers(inputs);
  for (const Wave wave : dispersion::all_waves) {
    Sides& sides = waves[static_cast<std::size_t>(wave)];
    sides = {wave_answers(answers, wave), wave_answers(truth, wave)};
    if (sides.answer.modes == 0) continue;
    ++asked;
    compare_wave(sides.answer, sides.truth, trivial, tally);
  }
  Assessment result;
  result.metrics = metrics_of(tally);
  compare_folds(answers, truth, result.metrics);
  result.metrics.push_back({"truth_uncertainty", truth.reals("uncertainty").at(0)});
  result.metrics.push_back(
      {"evaluations_per_root",
       evaluations_per_root(inputs, answers, {&waves[0].answer, &waves[1].answer})});
  for (Metric& metric : kernel_metrics(inputs, truth, answers))
    result.metrics.push_back(std::move(metric));
  auto const models = static_cast<std::int64_t>(inputs.count());
  result.counters = {{"models", models},
                     {"periods", inputs.integers("period_offset").back()},
                     {"curves", models * asked, true}};
  keep = std::min(keep, inputs.count());
  result.data = datasets(inputs, curve_rows(inputs, waves, keep), keep);
  for (Dataset& set : kernel_data(inputs, truth, answers, keep))
    result.data.push_back(std::move(set));
  return result;
}

} // namespace moho::study
