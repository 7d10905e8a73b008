// SPDX-License-Identifier: BSD-3-Clause
#include "moho/core/error.hpp"
#include "moho/study/dispersion_arrays.hpp"
#include "moho/study/dispersion_files.hpp"
#include "moho/study/dispersion_kernels.hpp"
#include "moho/study/dispersion_problem.hpp"
#include "moho/study/names.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

namespace moho::study {
namespace {

using dispersion::Status;
using dispersion::Wave;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
// The files state it: 80-bit arithmetic, checked in quad precision.
constexpr double reference_uncertainty = 2e-12;

/// A case of the problem: its name is `<file>/<case>`.
struct Entry {
  std::string name;
  ReferenceCase reference;
};

std::size_t points_of(Entry const& entry) {
  return entry.reference.request.periods.size();
}

/// A file of folds lists all Rayleigh roots of each period instead of curves. Mode n is the slowest
/// root with more than n modes below it.
void complete_from_points(ReferenceCase& reference) {
  if (reference.points.empty()) return;
  const std::size_t points = reference.request.periods.size();
  reference.max_mode_listed = -1;
  for (ReferencePoint const& point : reference.points)
    for (ReferenceRoot const& root : point.roots)
      reference.max_mode_listed = std::max(reference.max_mode_listed, root.count_above - 1);
  for (int mode = 0; mode <= reference.max_mode_listed; ++mode) {
    const std::vector<double> none(points, nan);
    ReferenceCurve curve{Wave::rayleigh, mode, none, none, none};
    for (std::size_t p = 0; p < std::min(points, reference.points.size()); ++p)
      for (ReferenceRoot const& root : reference.points[p].roots)
        if (root.count_above > mode) {
          curve.phase[p] = root.phase;
          curve.group[p] = root.group;
          curve.ellipticity[p] = root.ellipticity;
          break;
        }
    reference.curves.push_back(std::move(curve));
  }
}

/// What the file says about one mode of one wave: its curve, that it is absent, or nothing.
void append_mode(WaveAnswers& known, Entry const& entry, Wave wave, int mode) {
  const std::size_t points = points_of(entry);
  ReferenceCurve const* curve = entry.reference.curve(wave, mode);
  bool const given = entry.reference.points.empty() || wave == Wave::rayleigh;
  bool const listed = given && mode <= entry.reference.max_mode_listed;
  for (std::size_t p = 0; p < points; ++p) {
    double const phase = curve != nullptr ? curve->phase[p] : nan;
    known.phase.push_back(phase);
    known.group.push_back(curve != nullptr ? curve->group[p] : nan);
    if (wave == Wave::rayleigh)
      known.ellipticity.push_back(
          curve != nullptr && !curve->ellipticity.empty() ? curve->ellipticity[p] : nan);
    const Status status = std::isfinite(phase) ? Status::ok : Status::absent;
    known.status.push_back(listed ? static_cast<std::int64_t>(status) : unknown_status);
  }
}

/// The listed mode counts of a wave, (periods).
std::vector<std::int64_t> known_counts(Entry const& entry, Wave wave) {
  std::vector<int> const& listed = entry.reference.mode_count[static_cast<std::size_t>(wave)];
  std::vector<std::int64_t> counts(points_of(entry), unknown_status);
  for (std::size_t p = 0; p < counts.size(); ++p) {
    if (p < listed.size()) counts[p] = listed[p];
    if (wave == Wave::rayleigh && p < entry.reference.points.size())
      counts[p] = entry.reference.points[p].count;
  }
  return counts;
}

WaveAnswers known_answers(std::vector<Entry const*> const& entries, Wave wave) {
  WaveAnswers known;
  int modes = 1;
  for (Entry const* entry : entries) {
    modes = std::max(modes, entry->reference.max_mode_listed + 1);
    known.points += points_of(*entry);
    const std::vector<std::int64_t> counts = known_counts(*entry, wave);
    known.mode_count.insert(known.mode_count.end(), counts.begin(), counts.end());
  }
  known.modes = static_cast<std::size_t>(modes);
  for (int mode = 0; mode < modes; ++mode)
    for (Entry const* entry : entries) append_mode(known, *entry, wave, mode);
  return known;
}

/// The published kernels of a wave as arrays of the truth, NaN where none is given.
void set_known_kernels(Batch& truth, std::vector<Entry const*> const& entries,
                       dispersion::ModelBatch const& models, Wave wave, std::size_t modes) {
  const std::vector<std::int64_t> offset = kernel_offset(models);
  auto const rows = static_cast<std::size_t>(offset.back());
  std::map<std::string, std::vector<double>> columns;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    auto const& periods = entries[i]->reference.request.periods;
    for (ReferenceKernel const& kernel : entries[i]->reference.kernels) {
      auto const period = std::find(periods.begin(), periods.end(), kernel.of.period);
      auto const mode = static_cast<std::size_t>(kernel.of.mode);
      if (kernel.of.wave != wave || period == periods.end() || mode >= modes) continue;
      auto const point =
          static_cast<std::size_t>(models.period_offset()[i] + (period - periods.begin()));
      for (auto const& [name, values] : kernel.values) {
        std::vector<double>& column = columns[name];
        column.resize(modes * rows, nan);
        std::copy(values.begin(), values.end(),
                  column.begin() + static_cast<std::ptrdiff_t>(mode * rows) + offset[point]);
      }
    }
  }
  for (auto const& [name, column] : columns)
    truth.set(std::string(dispersion::name(wave)) + "/kernel/" + name, kernel_units(name), column,
              {modes, rows});
}

/// The periods at which a branch folds, as flags. A period counts as folded when it has more roots
/// than its mode count would allow.
std::vector<dispersion::Flag> known_folds(std::vector<Entry const*> const& entries) {
  std::vector<dispersion::Flag> flags;
  for (std::size_t i = 0; i < entries.size(); ++i)
    for (std::size_t p = 0; p < entries[i]->reference.points.size(); ++p) {
      ReferencePoint const& point = entries[i]->reference.points[p];
      if (static_cast<int>(point.roots.size()) <= point.count) continue;
      dispersion::Flag flag{static_cast<std::int64_t>(i),
                            Wave::rayleigh,
                            static_cast<std::int64_t>(p),
                            -1,
                            Status::multivalued,
                            "",
                            {}};
      for (ReferenceRoot const& root : point.roots)
        flag.roots.push_back({root.phase, root.group, NAN, root.count_above});
      flags.push_back(std::move(flag));
    }
  return flags;
}

/// Points at which a wave's listed modes contradict the mode count or the half-space.
std::int64_t contradictions(Entry const& entry, Wave wave) {
  double const limit = entry.reference.request.vs.back();
  const std::vector<std::int64_t> counts = known_counts(entry, wave);
  std::int64_t found = 0;
  for (std::size_t p = 0; p < counts.size(); ++p) {
    if (counts[p] == unknown_status) continue;
    std::int64_t present = 0;
    bool slow_enough = true;
    for (int mode = 0; mode <= entry.reference.max_mode_listed; ++mode)
      if (ReferenceCurve const* curve = entry.reference.curve(wave, mode);
          curve != nullptr && std::isfinite(curve->phase[p])) {
        ++present;
        slow_enough = slow_enough && curve->phase[p] < limit;
      }
    auto const listed = static_cast<std::int64_t>(entry.reference.max_mode_listed) + 1;
    found += present != std::min(counts[p], listed) || !slow_enough;
  }
  return found;
}

std::int64_t contradictions(std::vector<Entry> const& entries) {
  std::int64_t found = 0;
  for (Entry const& entry : entries)
    for (const Wave wave : dispersion::all_waves) found += contradictions(entry, wave);
  return found;
}

class DispersionReference : public Problem {
public:
  explicit DispersionReference(std::vector<Entry> entries) : _entries(std::move(entries)) {}

  /// Published answers are for testing only.
  std::size_t count(Split split) const override {
    return split == Split::test ? _entries.size() : 0;
  }

  Batch draw(Split split, std::uint64_t first, std::size_t n) const override {
    MOHO_REQUIRE(first + n <= count(split));
    dispersion::ModelBatch models;
    std::vector<std::string> names;
    for (std::size_t i = first; i < first + n; ++i) {
      models.append(_entries[i].reference.request.model(), _entries[i].reference.request.periods);
      names.push_back(_entries[i].name);
    }
    return inputs_batch(models, std::move(names));
  }

  Batch truth(Batch const& inputs, parallel::Comm const&) const override {
    std::vector<Entry const*> entries;
    for (std::string const& name : inputs.labels) entries.push_back(&named(name));
    dispersion::Curves nothing;
    nothing.error.resize(entries.size());
    nothing.flags = known_folds(entries);
    Batch truth = answers_batch(nothing, {1, {false, false}});
    const dispersion::ModelBatch models = model_batch(inputs);
    for (const Wave wave : dispersion::all_waves) {
      const WaveAnswers known = known_answers(entries, wave);
      set_wave_answers(truth, wave, known);
      set_known_kernels(truth, entries, models, wave, known.modes);
    }
    truth.set("uncertainty", "", std::vector<double>{reference_uncertainty});
    return truth;
  }

  std::vector<Check> verify(parallel::Comm const&) const override {
    std::vector<Check> checks = closed_form_checks();
    checks.push_back({"reference_contradictions", static_cast<double>(contradictions(_entries)),
                      Relation::equal, 0,
                      "listed modes agree with the listed mode counts and with the half-space"});
    // The control: the same data with one mode too fast must not pass.
    std::vector<Entry> wrong = _entries;
    for (Entry& entry : wrong)
      for (ReferenceCurve& curve : entry.reference.curves)
        for (double& phase : curve.phase) phase += entry.reference.request.vs.back();
    if (std::any_of(wrong.begin(), wrong.end(),
                    [](Entry const& entry) { return !entry.reference.curves.empty(); }))
      checks.push_back({"control.reference_contradictions",
                        static_cast<double>(contradictions(wrong)), Relation::at_least, 1,
                        "the same check rejects modes faster than the half-space"});
    return checks;
  }

  Assessment assess(Batch const& inputs, Batch const& truth, Batch const& answers) const override {
    return assess_curves(inputs, truth, answers, inputs.count());
  }

private:
  Entry const& named(std::string const& name) const {
    for (Entry const& entry : _entries)
      if (entry.name == name) return entry;
    throw std::logic_error("defect in moho: '" + name + "' was not drawn from this problem");
  }

  std::vector<Entry> _entries;
};

/// "ref_a_simple" or "ref_a_simple.json" of the reference data; with a '/', a path as it is.
std::string path_of(std::string const& file, Environment const& environment) {
  bool const ending = file.size() > 5 && file.compare(file.size() - 5, 5, ".json") == 0;
  const std::string name = ending ? file : file + ".json";
  return name.find('/') != std::string::npos ? name : data_file(environment, "dispersion/" + name);
}

void require_points_match(ReferenceCase const& reference, std::string const& path) {
  auto const& periods = reference.request.periods;
  bool same = reference.points.empty() || reference.points.size() == periods.size();
  for (std::size_t p = 0; same && p < reference.points.size(); ++p)
    same = reference.points[p].period == periods[p];
  if (!same)
    throw Error("'" + path + "', case '" + reference.request.name +
                "': points and periods differ (they describe the same periods) drop `periods`");
}

/// Cases of a file whose names are asked for; those found are taken out of `missing`.
void append_file(std::vector<Entry>& entries, std::string const& file, std::string const& path,
                 std::set<std::string> const& asked, std::set<std::string>& missing,
                 std::vector<std::string>& known) {
  const std::string stem = file.substr(0, file.rfind(".json"));
  for (ReferenceCase& reference : read_reference(path)) {
    const std::string name = reference.request.name;
    known.push_back(name);
    missing.erase(name);
    if (!asked.empty() && asked.count(name) == 0) continue;
    require_points_match(reference, path);
    complete_from_points(reference);
    entries.push_back({stem + "/" + name, std::move(reference)});
  }
}

} // namespace

std::vector<ParameterSpec> dispersion_reference_parameters() {
  return {{"files",
           std::vector<std::string>{"ref_a_simple", "ref_b_gradient", "ref_c_earth", "ref_d_lvz",
                                    "ref_e_nearsurface", "ref_f_water", "ref_g_random",
                                    "ref_h_lids", "ref_fold"},
           "files of cases in the reference data (or paths)"},
          {"cases", std::vector<std::string>{}, "names of the cases; empty: all of the files"}};
}

std::unique_ptr<Problem> make_dispersion_reference(Parameters const& parameters,
                                                   Environment const& environment) {
  std::vector<std::string> const& names = parameters.texts("cases");
  const std::set<std::string> asked(names.begin(), names.end());
  std::set<std::string> missing = asked;
  std::vector<std::string> known;
  std::vector<Entry> entries;
  for (std::string const& file : parameters.texts("files"))
    append_file(entries, file, path_of(file, environment), asked, missing, known);
  if (!missing.empty())
    throw Error("problem.cases: no case '" + *missing.begin() + "' in the files (" +
                suggestion(*missing.begin(), known) + ")");
  if (entries.empty()) throw Error("problem.files names no case (nothing to do) name a file");
  return std::make_unique<DispersionReference>(std::move(entries));
}

} // namespace moho::study
