// SPDX-License-Identifier: BSD-3-Clause
#include "moho/dispersion/solve.hpp"
#include "moho/core/error.hpp"
#include "moho/dispersion/eigenfunctions.hpp"
#include "scan.hpp"
#include <algorithm>
#include <cmath>
#include <tuple>

namespace moho::dispersion {

char const* name(Wave wave) {
  return wave == Wave::love ? "love" : "rayleigh";
}
char const* name(Status status) {
  static char const* const names[] = {"ok",          "absent",  "failed",
                                      "multivalued", "channel", "extended"};
  return names[static_cast<int>(status)];
}

namespace detail {
namespace {

/// How narrow a certified bracket must be to answer within a tolerance: a tenth is for the rounding
/// of counts. 0: full accuracy; below 1e-7 the counts that close a bracket are not beyond doubt.
double bracket_width(double tolerance) {
  return tolerance < 1e-7 ? 0 : 0.9 * tolerance;
}

/// Where kernels answer a slice: in the caller's arrays, or in some of the device's that are then
/// copied there.
class Answers {
public:
  Answers(SolveOptions const& options, Curves& out) : _options(options), _out(out) {}

  /// Begins a slice: nothing is known.
  void begin(std::size_t first, std::size_t points) {
    _first = first;
    _points = points;
    fold.assign(points, 0);
    for (Wave wave : all_waves)
      if (_options.waves[static_cast<std::size_t>(wave)]) bind(wave);
  }
  AnswerColumns const* columns() const { return _columns; }

  /// To the caller.
  void end();

  std::vector<unsigned char> fold; ///< (points of the slice) FoldSign of Rayleigh periods

private:
  SolveOptions const& _options;
  Curves& _out;
  std::size_t _first = 0, _points = 0;
  AnswerColumns _columns[2] = {};
  struct OfWave {
    Room<std::int32_t> mode_count;
    Room<double> phase, group, ellipticity;
    Room<Status> status;
  } _room[2];
  Room<unsigned char> _fold;

  void bind(Wave wave);
};

/// The answer to what was not searched.
struct UnknownAnswer {
  AnswerColumns to;
  std::int64_t entries, points;

  KOKKOS_FUNCTION void operator()(std::int64_t i) const {
    to.phase[i] = to.group[i] = NAN;
    if (to.ellipticity != nullptr) to.ellipticity[i] = NAN;
    to.status[i] = Status::failed;
    if (i >= points) return;
    to.mode_count[i] = -1;
    if (to.fold != nullptr) to.fold[i] = 0;
  }
};

void Answers::bind(Wave wave) {
  auto const w = static_cast<std::size_t>(wave);
  bool const rayleigh = wave == Wave::rayleigh;
  Curves::OfWave& out = _out.wave[w];
  if constexpr (host_memory) { // where nothing is known yet
    auto const at = [&](auto& v) { return v.empty() ? nullptr : v.data() + _first; };
    _columns[w] = {at(out.mode_count),
                   at(out.phase),
                   at(out.group),
                   at(out.ellipticity),
                   at(out.status),
                   fold.data(),
                   static_cast<std::int64_t>(_out.points)};
  } else {
    const std::size_t entries = _points * static_cast<std::size_t>(_options.modes);
    OfWave& room = _room[w];
    _columns[w] = {
        room.mode_count.get(_points),      room.phase.get(entries),
        room.group.get(entries),           rayleigh ? room.ellipticity.get(entries) : nullptr,
        room.status.get(entries),          rayleigh ? _fold.get(_points) : nullptr,
        static_cast<std::int64_t>(_points)};
    auto const n = static_cast<std::int64_t>(entries);
    Kokkos::parallel_for("moho::dispersion::unknown",
                         Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<std::int64_t>>(0, n),
                         UnknownAnswer{_columns[w], n, static_cast<std::int64_t>(_points)});
  }
}

void Answers::end() {
  if constexpr (host_memory) return;
  for (std::size_t w = 0; w < 2; ++w) {
    if (!_options.waves[w]) continue;
    Curves::OfWave& out = _out.wave[w];
    _room[w].mode_count.to_host(out.mode_count.data() + _first, _points);
    for (std::size_t mode = 0; mode < static_cast<std::size_t>(_options.modes); ++mode) {
      auto const copy = [&](auto const& from, auto& to) {
        from.to_host(to.data() + mode * _out.points + _first, _points, mode * _points);
      };
      copy(_room[w].phase, out.phase);
      copy(_room[w].status, out.status);
      if (!_options.group) continue;
      copy(_room[w].group, out.group);
      if (!out.ellipticity.empty()) copy(_room[w].ellipticity, out.ellipticity);
    }
  }
  if (_options.waves[static_cast<std::size_t>(Wave::rayleigh)]) _fold.to_host(fold.data(), _points);
}

/// Solves slices of a batch.
class Solver {
public:
  Solver(ModelBatch const& batch, SolveOptions const& options, Curves& out)
      : _batch(batch), _options(options), _out(out), _answers(options, out) {}

  void run(std::size_t begin, std::size_t end);

private:
  ModelBatch const& _batch;
  SolveOptions const& _options;
  Curves& _out;
  Answers _answers;
  std::size_t _first_point = 0;      ///< of the slice
  std::vector<std::size_t> _case_of; ///< (slots of _search)
  SearchBatch<double> _search;
  SearchBatch<DoubleDouble> _extended;
  std::vector<unsigned char> _contradicted; ///< (items of _search)
  Room<double> _column[5];

  SliceColumns columns(std::size_t begin, std::size_t end);
  void add_cases(std::size_t begin, std::size_t end);
  void search_extended(SliceColumns const& in);
  void charge(std::size_t i, Wave wave, std::int64_t evaluations, int fluids, int solids,
              bool extended);
  void resolve_folds();
  void scan(std::vector<std::size_t> const& items, int grid, std::vector<PeriodScan>& scans);
  void store_scan(PeriodScan& scan, std::size_t i, int period);
  void reject_period(std::size_t i, int period);
  void flag_points(std::size_t begin, std::size_t end, std::size_t first_flag);
  std::size_t first_point(std::size_t i) const {
    return static_cast<std::size_t>(_batch.period_offset()[i]);
  }
  std::size_t case_of(SearchItem const& it) const {
    return _case_of[static_cast<std::size_t>(it.slot)];
  }
};

/// The rows and periods of a slice where kernels read them.
SliceColumns Solver::columns(std::size_t begin, std::size_t end) {
  const LayeredModel first = _batch.model(begin);
  auto const rows =
      static_cast<std::size_t>(_batch.layer_offset()[end] - _batch.layer_offset()[begin]);
  const std::size_t points = first_point(end) - first_point(begin);
  return {_column[0].copy_of(first.thickness.data(), rows),
          _column[1].copy_of(first.vp.data(), rows), _column[2].copy_of(first.vs.data(), rows),
          _column[3].copy_of(first.rho.data(), rows),
          _column[4].copy_of(_batch.periods(begin).data(), points)};
}

/// Enters the sound cases of a slice.
void Solver::add_cases(std::size_t begin, std::size_t end) {
  _search.clear();
  _case_of.clear();
  for (std::size_t i = begin; i < end; ++i) {
    if (!_out.error[i].empty()) continue;
    int const slot = _search.add_model(_batch.layer_offset()[i] - _batch.layer_offset()[begin],
                                       static_cast<std::int64_t>(first_point(i) - _first_point),
                                       static_cast<int>(_batch.model(i).layers()),
                                       static_cast<int>(_batch.periods(i).size()));
    _case_of.push_back(i);
    for (Wave wave : all_waves)
      if (_options.waves[static_cast<std::size_t>(wave)])
        _search.add_search(slot, wave, _options.modes);
  }
}

/// Searches in extended precision what double precision has left open.
void Solver::search_extended(SliceColumns const& in) {
  _extended.clear();
  auto const& items = _search.items();
  int last = -1, slot = -1; // waves of a model share its slot
  for (std::size_t j = 0; j < items.size(); ++j) {
    if (!_search.report(j).open) continue;
    Slot const& from = _search.slot(items[j]);
    if (items[j].slot != last)
      slot = _extended.add_model(from.row, from.point, from.layers, from.periods);
    last = items[j].slot;
    _extended.add_search(slot, items[j].wave, _options.modes, static_cast<int>(j));
  }
  if (_extended.items().empty()) return;
  const SearchSettings settings{_options.modes, _options.group, bracket_width(_options.tolerance),
                                true};
  _extended.run<DoubleDouble>(in, settings, _answers.columns(), &_search);
  for (std::size_t k = 0; k < _extended.items().size(); ++k) {
    SearchItem const& it = _extended.items()[k];
    auto const j = static_cast<std::size_t>(it.earlier);
    ItemReport const& told = _extended.report(k);
    charge(case_of(items[j]), it.wave, told.evaluations, told.fluids, told.solids, true);
    _contradicted[j] |= static_cast<unsigned char>(told.contradicted);
  }
}

/// Enters evaluations into the account of their case.
void Solver::charge(std::size_t i, Wave wave, std::int64_t evaluations, int fluids, int solids,
                    bool extended) {
  _out.work[i] += evaluations * (fluids + solids);
  if (!extended)
    _out.flops[i] += evaluations * solids * flops_per_layer[static_cast<std::size_t>(wave)];
}

/// Scans the Rayleigh periods of models that may fold, or whose counts contradicted monotony.
void Solver::resolve_folds() {
  auto const& items = _search.items();
  std::vector<PeriodScan> scans; // (points of the slice), once there is one
  std::vector<std::size_t> suspects;
  for (std::size_t j = 0; j < items.size(); ++j)
    if (items[j].wave == Wave::rayleigh &&
        (_contradicted[j] != 0 || _search.report(j).is_fold_prone))
      suspects.push_back(j);
  if (suspects.empty()) return;
  scans.resize(_answers.fold.size());
  std::vector<std::size_t> found = suspects;
  for (int grid : {96, 384}) { // a model with one fold is searched again, closely
    scan(found, grid, scans);
    std::erase_if(found, [&](std::size_t j) { return _contradicted[j] == 0; });
  }
  for (std::size_t j : suspects) {
    Slot const& at = _search.slot(items[j]);
    for (int p = 0; p < at.periods; ++p) {
      auto const point = static_cast<std::size_t>(at.point + p);
      if (scans[point].multivalued)
        store_scan(scans[point], case_of(items[j]), p);
      else if ((_answers.fold[point] & contradicted) != 0)
        reject_period(case_of(items[j]), p); // counts fell, and no scan tells where
    }
  }
}

/// Scans periods of some items; marks items that have a fold.
void Solver::scan(std::vector<std::size_t> const& which, int grid, std::vector<PeriodScan>& scans) {
  std::vector<ScanTask> tasks;
  std::vector<std::pair<std::size_t, std::size_t>> place; // item, point
  for (std::size_t j : which) {
    SearchItem const& it = _search.items()[j];
    Slot const& at = _search.slot(it);
    bool const everywhere = _contradicted[j] != 0 || _options.folds == FoldSearch::scan;
    for (int p = 0; p < at.periods; ++p) {
      auto const point = static_cast<std::size_t>(at.point + p);
      unsigned char const sign = _answers.fold[point];
      if ((sign & searched) == 0 || scans[point].multivalued) continue;
      if (!everywhere && (sign & has_room) == 0) continue;
      std::size_t const i = case_of(it);
      tasks.push_back({_batch.model(i), it.slot, _batch.periods(i)[static_cast<std::size_t>(p)]});
      place.emplace_back(j, point);
    }
  }
  std::vector<PeriodScan> answers = FoldScanner(_search).scan(tasks, grid);
  for (std::size_t t = 0; t < answers.size(); ++t) {
    auto const& [j, point] = place[t];
    ItemReport const& of = _search.report(j);
    charge(case_of(_search.items()[j]), Wave::rayleigh, answers[t].evaluations, of.fluids,
           of.solids, false);
    if (answers[t].multivalued) _contradicted[j] = 1;
    scans[point] = std::move(answers[t]);
  }
}

/// Fails every mode of a Rayleigh period.
void Solver::reject_period(std::size_t i, int period) {
  const std::size_t point = first_point(i) + static_cast<std::size_t>(period);
  Curves::OfWave& wave = _out.wave[static_cast<int>(Wave::rayleigh)];
  for (int mode = 0; mode < _options.modes; ++mode) {
    const std::size_t to = static_cast<std::size_t>(mode) * _out.points + point;
    wave.phase[to] = wave.group[to] = wave.ellipticity[to] = NAN;
    wave.status[to] = Status::failed;
  }
}

/// Mode n of a multivalued period is the smallest c with more than n modes below.
void Solver::store_scan(PeriodScan& scan, std::size_t i, int period) {
  const std::size_t point = first_point(i) + static_cast<std::size_t>(period);
  Curves::OfWave& wave = _out.wave[static_cast<int>(Wave::rayleigh)];
  for (int mode = 0; mode < _options.modes; ++mode) {
    const std::size_t to = static_cast<std::size_t>(mode) * _out.points + point;
    auto const root = std::find_if(scan.roots.begin(), scan.roots.end(),
                                   [&](Root const& r) { return r.count_above > mode; });
    bool const absent = root == scan.roots.end();
    bool const sound = !absent && std::isfinite(root->phase) && std::isfinite(root->group);
    wave.phase[to] = sound ? root->phase : NAN;
    wave.group[to] = sound && _options.group ? root->group : NAN;
    wave.ellipticity[to] = sound && _options.group ? root->ellipticity : NAN;
    wave.status[to] = absent ? Status::absent : sound ? Status::multivalued : Status::failed;
  }
  _out.flags.push_back({static_cast<std::int64_t>(i), Wave::rayleigh, period, -1,
                        Status::multivalued,
                        "a branch folds back: several roots belong to one mode at this period",
                        std::move(scan.roots)});
}

/// Flags of extended, failed and channel points of a slice; all flags of the slice put in order.
/// In a buried channel the surface tells nothing: the ellipticity is that of the eigenfunction.
void Solver::flag_points(std::size_t begin, std::size_t end, std::size_t first_flag) {
  for (std::size_t i = begin; i < end; ++i)
    for (Wave wave : all_waves) {
      Curves::OfWave& of = _out.wave[static_cast<int>(wave)];
      if (of.status.empty() || !_out.error[i].empty()) continue;
      auto const first = static_cast<std::size_t>(_batch.period_offset()[i]);
      for (std::size_t p = 0; p < _batch.periods(i).size(); ++p)
        for (int mode = 0; mode < _options.modes; ++mode) {
          const std::size_t at = static_cast<std::size_t>(mode) * _out.points + first + p;
          const Status s = of.status[at];
          if (s != Status::extended && s != Status::failed && s != Status::channel) continue;
          char const* reason = "certified in extended precision: double lost digits";
          if (s == Status::channel) {
            of.ellipticity[at] =
                eigenfunction(_batch.model(i), _batch.periods(i)[p], wave, of.phase[at])
                    .ellipticity;
            reason = "a buried channel holds the mode: ellipticity matched from both sides";
          }
          if (s == Status::failed)
            reason = too_many_modes(half_waves(_batch.model(i)), _batch.periods(i)[p])
                         ? "more than 20000 modes may be trapped at this period: not searched"
                         : "the root does not certify, not even in extended precision";
          _out.flags.push_back({static_cast<std::int64_t>(i),
                                wave,
                                static_cast<std::int64_t>(p),
                                mode,
                                s,
                                reason,
                                {}});
        }
    }
  auto const key = [](Flag const& f) {
    return std::make_tuple(f.case_index, static_cast<int>(f.wave), f.period_index, f.mode);
  };
  std::sort(_out.flags.begin() + static_cast<std::ptrdiff_t>(first_flag), _out.flags.end(),
            [&](Flag const& a, Flag const& b) { return key(a) < key(b); });
}

void Solver::run(std::size_t begin, std::size_t end) {
  const std::size_t first_flag = _out.flags.size();
  _first_point = first_point(begin);
  add_cases(begin, end);
  if (!_search.items().empty()) {
    SliceColumns const in = columns(begin, end);
    _answers.begin(_first_point, first_point(end) - _first_point);
    const SearchSettings settings{_options.modes, _options.group, bracket_width(_options.tolerance),
                                  !_options.extended_only};
    _search.run<HostPack>(in, settings, _answers.columns());
    _contradicted.assign(_search.items().size(), 0);
    for (std::size_t j = 0; j < _search.items().size(); ++j) {
      SearchItem const& it = _search.items()[j];
      ItemReport const& told = _search.report(j);
      charge(case_of(it), it.wave, told.evaluations, told.fluids, told.solids, false);
      _contradicted[j] = static_cast<unsigned char>(told.contradicted);
    }
    search_extended(in);
    _answers.end();
    resolve_folds();
  }
  flag_points(begin, end, first_flag);
}

} // namespace
} // namespace detail

Curves solve(ModelBatch const& batch, SolveOptions const& options) {
  MOHO_REQUIRE(options.modes >= 1);
  if (!(options.tolerance >= 0 && options.tolerance <= 0.1)) // NaN too
    throw Error("tolerance is " + std::to_string(options.tolerance) +
                " (an error relative to the phase velocity, 0 .. 0.1) give 0 for full accuracy");
  Curves out;
  out.modes = options.modes;
  out.points = batch.points();
  out.error.resize(batch.size());
  out.work.resize(batch.size(), 0);
  out.flops.resize(batch.size(), 0);
  for (int w = 0; w < 2; ++w) {
    if (!options.waves[w]) continue;
    const std::size_t entries = out.points * static_cast<std::size_t>(options.modes);
    out.wave[w].mode_count.resize(out.points, -1);
    out.wave[w].phase.resize(entries, NAN);
    out.wave[w].group.resize(entries, NAN);
    if (w == static_cast<int>(Wave::rayleigh)) out.wave[w].ellipticity.resize(entries, NAN);
    out.wave[w].status.resize(entries, Status::failed);
  }
  for (std::size_t i = 0; i < batch.size(); ++i) {
    out.error[i] = problem_with(batch.model(i));
    if (out.error[i].empty()) out.error[i] = problem_with_periods(batch.periods(i));
  }
  // Slices bound the scratch memory; a case's answer does not depend on its slice. On a host they
  // are small, so that it stays in the cache; a device is busy only with some 100 000 searches at
  // once, which take a few GB.
  const std::size_t most_entries =
      detail::host_memory ? 500 * static_cast<std::size_t>(ExecutionSpace().concurrency())
                          : 8000000;
  const std::int64_t most_rows = 16000000;
  detail::Solver solver(batch, options, out);
  for (std::size_t begin = 0, end = 0; begin < batch.size(); begin = end) {
    std::size_t entries = 0;
    while (end < batch.size() && entries < most_entries &&
           batch.layer_offset()[end] - batch.layer_offset()[begin] < most_rows)
      entries += batch.periods(end++).size() * static_cast<std::size_t>(options.modes);
    solver.run(begin, end);
  }
  return out;
}

} // namespace moho::dispersion
