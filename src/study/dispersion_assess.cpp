// SPDX-License-Identifier: BSD-3-Clause
// The norm of the dispersion problems: answers against the truth, point by point.
#include "moho/core/error.hpp"
#include "moho/core/statistics.hpp"
#include "moho/study/dispersion_arrays.hpp"
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
  std::vector<double> phase_error, group_error;
  std::int64_t points = 0, compared = 0, extended = 0, unsolved = 0, multivalued = 0;
  std::int64_t count_mismatches = 0, null_mismatches = 0;

  void count(std::int64_t status) {
    ++points;
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

void compare_wave(WaveAnswers const& answer, WaveAnswers const& truth, Tally& tally) {
  for (const std::int64_t status : answer.status) tally.count(status);
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
    tally.phase_error.push_back(relative(answer.phase[i], truth.phase[i]));
    if (std::isfinite(truth.group[i]))
      tally.group_error.push_back(relative(answer.group[i], truth.group[i]));
  }
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
          {"mode_count_mismatches", number(tally.count_mismatches)},
          {"null_mismatches", number(tally.null_mismatches)},
          {"points", number(tally.points)},
          {"points_compared", number(tally.compared)},
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
  std::vector<double> period, phase, group, truth_phase, truth_group;

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
          rows.phase.push_back(answer.phase[at]);
          rows.group.push_back(answer.group[at]);
          rows.status.push_back(static_cast<std::int8_t>(answer.status[at]));
          rows.truth_phase.push_back(m < truth.modes ? truth.phase[at] : nan);
          rows.truth_group.push_back(m < truth.modes ? truth.group[at] : nan);
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
          {"curve/status", "", std::move(rows.status)},
          {"truth/phase", "km/s", std::move(rows.truth_phase)},
          {"truth/group", "km/s", std::move(rows.truth_group)}};
}

} // namespace

std::vector<std::string> const& curve_metrics() {
  static const std::vector<std::string> names{
      "phase_rel_max",         "phase_rel_p999",   "group_rel_max",
      "mode_count_mismatches", "null_mismatches",  "points",
      "points_compared",       "points_extended",  "points_failed",
      "points_multivalued",    "fold_periods",     "fold_mismatches",
      "fold_rel_max",          "truth_uncertainty"};
  return names;
}

Assessment assess_curves(Batch const& inputs, Batch const& truth, Batch const& answers,
                         std::size_t keep) {
  std::array<Sides, 2> waves;
  Tally tally;
  std::int64_t asked = 0;
  for (const Wave wave : dispersion::all_waves) {
    Sides& sides = waves[static_cast<std::size_t>(wave)];
    sides = {wave_answers(answers, wave), wave_answers(truth, wave)};
    if (sides.answer.modes == 0) continue;
    ++asked;
    compare_wave(sides.answer, sides.truth, tally);
  }
  Assessment result;
  result.metrics = metrics_of(tally);
  compare_folds(answers, truth, result.metrics);
  result.metrics.push_back({"truth_uncertainty", truth.reals("uncertainty").at(0)});
  auto const models = static_cast<std::int64_t>(inputs.count());
  result.counters = {{"models", models},
                     {"periods", inputs.integers("period_offset").back()},
                     {"curves", models * asked, true}};
  keep = std::min(keep, inputs.count());
  result.data = datasets(inputs, curve_rows(inputs, waves, keep), keep);
  return result;
}

} // namespace moho::study
