// SPDX-License-Identifier: BSD-3-Clause
#include "moho/dispersion/solve.hpp"
#include "moho/core/error.hpp"
#include "moho/dispersion/eigenfunctions.hpp"
#include "scan.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
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

Units::Units(LayeredModel const& model) {
  auto const power = [](double x) { return std::ldexp(1.0, std::ilogb(x)); };
  double const total = std::accumulate(model.thickness.begin(), model.thickness.end(), 0.0);
  velocity = power(model.vs.back());
  density = power(model.rho.back());
  length = total > 0 ? power(total) : 1.0;
}

template <>
double angular_frequency<double>(double period, Units const& units) {
  return 2 * M_PI / period / units.frequency();
}
template <>
DoubleDouble angular_frequency<DoubleDouble>(double period, Units const& units) {
  const DoubleDouble two_pi(0x1.921fb54442d18p+2, 0x1.1a62633145c07p-52);
  return two_pi / DoubleDouble(period) / DoubleDouble(units.frequency());
}

double lowest_velocity(LayeredModel const& model, Wave wave) {
  double lowest = model.vs.back();
  for (std::size_t i = 0; i < model.layers(); ++i)
    if (model.vs[i] > 0)
      lowest = std::min(lowest, model.vs[i]);
    else if (wave == Wave::rayleigh)
      lowest = std::min(lowest, model.vp[i]);
  return wave == Wave::love ? 0.98 * lowest : 0.3 * lowest; // no Love wave is slower than any layer
}

/// Half-wavelengths of shear (in fluids: of sound) that fit into the layers at the top velocity,
/// times the period: an upper estimate of the modes.
double half_waves(LayeredModel const& model) {
  double const top = model.vs.back();
  double sum = 0;
  for (std::size_t i = 0; i + 1 < model.layers(); ++i) {
    double const v = model.vs[i] > 0 ? model.vs[i] : model.vp[i];
    sum += 2 * model.thickness[i] * std::sqrt(std::max(0.0, 1 / (v * v) - 1 / (top * top)));
  }
  return sum;
}

/// Beyond this many modes a period is refused: it would take forever.
bool too_many_modes(double half_waves, double period) {
  return !(half_waves < 20000 * period);
}

/// How narrow a certified bracket must be to answer within a tolerance: a tenth is for the rounding
/// of counts. 0: full accuracy; below 1e-7 the counts that close a bracket are not beyond doubt.
double bracket_width(double tolerance) {
  return tolerance < 1e-7 ? 0 : 0.9 * tolerance;
}

/// A slice of a batch being solved: which cases are sound and in which order their periods go.
class Solver {
public:
  Solver(ModelBatch const& batch, SolveOptions const& options, Curves& out)
      : _batch(batch), _options(options), _out(out) {}

  void run(std::size_t begin, std::size_t end);

private:
  ModelBatch const& _batch;
  SolveOptions const& _options;
  Curves& _out;

  struct Place { ///< an item's case and the order of its periods
    std::size_t case_index;
    Wave wave;
    std::vector<int> order;
  };
  std::vector<Place> _place;
  SearchBatch<double> _search{}; ///< of the slice

  void charge(Place const& place, SearchItem const& it, std::int64_t evaluations, bool extended);
  template <class S>
  Place append(std::size_t i, Wave wave, SearchBatch<S>& search) const;
  SearchBatch<DoubleDouble> extended_batch(SearchBatch<double> const& search,
                                           std::vector<std::size_t>& items) const;
  void resolve_folds(SearchBatch<double> const& search, std::size_t item, Place const& place);
  void store_scan(PeriodScan& scan, Place const& place, int sorted_index);
  void reject_period(Place const& place, int sorted_index);
  void flag_points(std::size_t begin, std::size_t end, std::size_t first_flag);
  template <class S>
  void store(SearchBatch<S> const& search, std::size_t item, Place const& place, bool extended);
};

/// Adds a search to a batch; tells whose it is.
template <class S>
Solver::Place Solver::append(std::size_t i, Wave wave, SearchBatch<S>& search) const {
  const LayeredModel model = _batch.model(i);
  auto const periods = _batch.periods(i);
  const Units units(model);
  std::vector<int> order;
  double const waves = half_waves(model);
  for (std::size_t p = 0; p < periods.size(); ++p)
    if (!too_many_modes(waves, periods[p])) order.push_back(static_cast<int>(p));
  const std::size_t points = order.size(),
                    entries = points * static_cast<std::size_t>(search.modes);
  auto const earlier = [&](int a, int b) { return periods[a] < periods[b]; };
  if (!std::is_sorted(order.begin(), order.end(), earlier))
    std::stable_sort(order.begin(), order.end(), earlier);
  auto const at = [](auto const& v) { return static_cast<int>(v.size()); };
  bool const slopes = _options.group || (wave == Wave::rayleigh && fold_prone(model));
  SearchItem item{at(search.layers.fluid),
                  0,
                  at(search.layers.solid),
                  0,
                  at(search.omega),
                  static_cast<int>(points),
                  at(search.phase),
                  at(search.count),
                  wave,
                  slopes,
                  slopes ? 0 : bracket_width(_options.tolerance)};
  append_layers(model, units, search.layers);
  item.fluids = at(search.layers.fluid) - item.first_fluid;
  item.solids = at(search.layers.solid) - item.first_solid;
  search.item.push_back(item);
  for (int p : order) {
    search.omega.push_back(angular_frequency<S>(periods[p], units));
    search.log_period.push_back(std::log(periods[p]));
  }
  search.c_min.push_back(S(lowest_velocity(model, wave) / units.velocity));
  search.c_max.push_back(highest_velocity<S>(model, units));
  search.wanted.resize(search.wanted.size() + entries, 1);
  search.phase.resize(search.phase.size() + entries, NAN);
  for (auto* v : {&search.group_velocity, &search.ellipticity, &search.slope})
    v->resize(v->size() + entries, NAN);
  search.status.resize(search.status.size() + entries, Status::failed);
  search.bracket.resize(search.bracket.size() + entries);
  search.count.resize(search.count.size() + points, -1);
  search.fold.resize(search.fold.size() + points, 0);
  search.evaluations.push_back(0);
  return {i, wave, std::move(order)};
}

/// The searches that double precision left open, with what it knows as guesses.
SearchBatch<DoubleDouble> Solver::extended_batch(SearchBatch<double> const& search,
                                                 std::vector<std::size_t>& items) const {
  SearchBatch<DoubleDouble> open{};
  open.modes = search.modes;
  for (std::size_t j = 0; j < search.item.size(); ++j) {
    SearchItem const& it = search.item[j];
    int const entries = it.points * search.modes;
    auto const is_open = [&](int e) {
      return search.status[it.first_entry + e] == Status::failed ||
             search.count[it.first_count + e % it.points] < 0;
    };
    bool needed = false;
    for (int e = 0; e < entries; ++e) needed = needed || is_open(e);
    if (!needed) continue;
    append(_place[j].case_index, _place[j].wave, open);
    items.push_back(j);
    SearchItem const& to = open.item.back();
    for (int e = 0; e < entries; ++e) {
      Bracket<double> const& b = search.bracket[it.first_entry + e];
      open.wanted[to.first_entry + e] = is_open(e);
      if (b.n_lo == e / it.points && b.n_hi == b.n_lo + 1) {
        double const f_hi = rescale(b.f_hi, b.e_hi - b.e_lo), t = b.f_lo / (b.f_lo - f_hi);
        open.phase[to.first_entry + e] = b.lo + (b.hi - b.lo) * (t > 0 && t < 1 ? t : 0.5);
      }
    }
  }
  return open;
}

/// Enters evaluations into the account of their case.
void Solver::charge(Place const& place, SearchItem const& it, std::int64_t evaluations,
                    bool extended) {
  _out.work[place.case_index] += evaluations * (it.fluids + it.solids);
  if (!extended)
    _out.flops[place.case_index] +=
        evaluations * it.solids * flops_per_layer[static_cast<std::size_t>(place.wave)];
}

/// Puts what an item was asked for in its place, back in the caller's units and period order.
template <class S>
void Solver::store(SearchBatch<S> const& search, std::size_t item, Place const& place,
                   bool extended) {
  SearchItem const& it = search.item[item];
  const LayeredModel model = _batch.model(place.case_index);
  auto const periods = _batch.periods(place.case_index);
  const Units units(model);
  auto const first = static_cast<std::size_t>(_batch.period_offset()[place.case_index]);
  Curves::OfWave& wave = _out.wave[static_cast<int>(place.wave)];
  for (int p = 0; p < it.points; ++p) {
    const std::size_t point = first + static_cast<std::size_t>(place.order[p]);
    if (!extended || wave.mode_count[point] < 0)
      wave.mode_count[point] = search.count[it.first_count + p];
    for (int mode = 0; mode < search.modes; ++mode) {
      int const e = it.first_entry + mode * it.points + p;
      const std::size_t to = static_cast<std::size_t>(mode) * _out.points + point;
      if (!search.wanted[e]) continue;
      Status status = search.status[e];
      wave.phase[to] = search.phase[e] * units.velocity;
      if (_options.group) {
        wave.group[to] = search.group_velocity[e] * units.velocity;
        if (place.wave == Wave::rayleigh)
          wave.ellipticity[to] =
              status == Status::channel
                  ? eigenfunction(model, periods[place.order[p]], place.wave, wave.phase[to])
                        .ellipticity
                  : search.ellipticity[e];
      }
      if (!_options.group && status == Status::channel) status = Status::ok;
      wave.status[to] = extended && status == Status::ok ? Status::extended : status;
    }
  }
  charge(place, it, search.evaluations[item], extended);
}

/// Whether the curve of a mode leaves room for a fold at a period. Along a branch w(k) with
/// dw/dk = U > 0 a fold between two points takes w up, down and up again, so that U is large at an
/// end against the chord's slope V; within a fold U is small against c. The limits are empirical:
/// of 2 500 folds of random basins under lids none had U/c > 0.65 at the root of its mode, and a
/// cubic through two points is monotone as long as both U < 3 V (Fritsch & Carlson 1980).
bool room_for_fold(SearchBatch<double> const& search, SearchItem const& it, int p) {
  auto const wave_number = [&](int e, int q) {
    return search.omega[it.first_omega + q] / search.phase[e];
  };
  for (int mode = 0; mode < search.modes; ++mode) {
    int const e = it.first_entry + mode * it.points + p;
    double const c = search.phase[e], u = search.group_velocity[e];
    if (search.status[e] == Status::absent) continue;
    if (!(u > 0.25 * c)) return true;
    int neighbours = 0;
    for (int q : {p - 1, p + 1}) {
      if (q < 0 || q >= it.points || !(search.phase[e + q - p] > 0)) continue;
      double const gap =
          std::fabs(search.log_period[it.first_omega + q] - search.log_period[it.first_omega + p]);
      neighbours += gap < 0.5;
      double const chord = (search.omega[it.first_omega + q] - search.omega[it.first_omega + p]) /
                           (wave_number(e + q - p, q) - wave_number(e, p));
      double const other = search.group_velocity[e + q - p];
      if (!(std::max(u, other) < 2.5 * chord)) return true;
    }
    if (neighbours < 2 && !(u > 0.8 * c)) return true; // at an end the fold may lie beyond
  }
  return false;
}

/// Scans the Rayleigh periods of a model that may fold, or whose counts contradicted monotony.
void Solver::resolve_folds(SearchBatch<double> const& search, std::size_t item,
                           Place const& place) {
  SearchItem const& it = search.item[item];
  const LayeredModel model = _batch.model(place.case_index);
  auto const contradicts = [&](int p) { return search.fold[it.first_count + p] != 0; };
  bool found = false;
  for (int p = 0; p < it.points; ++p) found = found || contradicts(p);
  if (!found && !fold_prone(model)) return;
  FoldScanner scanner(model);
  std::vector<PeriodScan> scans(static_cast<std::size_t>(it.points));
  for (int grid : {96, 384}) { // a model with one fold is searched again, closely
    bool const everywhere = found || _options.folds == FoldSearch::scan;
    for (int p = 0; p < it.points; ++p) {
      auto& scan = scans[static_cast<std::size_t>(p)];
      if (scan.multivalued || !(everywhere || room_for_fold(search, it, p))) continue;
      scan = scanner.scan(_batch.periods(place.case_index)[place.order[p]], grid);
      charge(place, it, scan.evaluations, false);
      found = found || scan.multivalued;
    }
    if (!found) break;
  }
  for (int p = 0; p < it.points; ++p) {
    PeriodScan& scan = scans[static_cast<std::size_t>(p)];
    if (scan.multivalued)
      store_scan(scan, place, p);
    else if (contradicts(p)) // counts fell, and no scan tells where: nothing here is certified
      reject_period(place, p);
  }
}

/// Fails every mode of a Rayleigh period.
void Solver::reject_period(Place const& place, int sorted_index) {
  auto const point = static_cast<std::size_t>(_batch.period_offset()[place.case_index] +
                                              place.order[sorted_index]);
  Curves::OfWave& wave = _out.wave[static_cast<int>(Wave::rayleigh)];
  for (int mode = 0; mode < _options.modes; ++mode) {
    const std::size_t to = static_cast<std::size_t>(mode) * _out.points + point;
    wave.phase[to] = wave.group[to] = wave.ellipticity[to] = NAN;
    wave.status[to] = Status::failed;
  }
}

/// Mode n of a multivalued period is the smallest c with more than n modes below.
void Solver::store_scan(PeriodScan& scan, Place const& place, int sorted_index) {
  int const local = place.order[sorted_index];
  auto const point = static_cast<std::size_t>(_batch.period_offset()[place.case_index] + local);
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
  _out.flags.push_back({static_cast<std::int64_t>(place.case_index), Wave::rayleigh, local, -1,
                        Status::multivalued,
                        "a branch folds back: several roots belong to one mode at this period",
                        std::move(scan.roots)});
}

/// Flags of extended and failed points of a slice; all flags of the slice put in order.
void Solver::flag_points(std::size_t begin, std::size_t end, std::size_t first_flag) {
  for (std::size_t i = begin; i < end; ++i)
    for (Wave wave : all_waves) {
      Curves::OfWave const& of = _out.wave[static_cast<int>(wave)];
      if (of.status.empty() || !_out.error[i].empty()) continue;
      auto const first = static_cast<std::size_t>(_batch.period_offset()[i]);
      for (std::size_t p = 0; p < _batch.periods(i).size(); ++p)
        for (int mode = 0; mode < _options.modes; ++mode) {
          const Status s = of.status[static_cast<std::size_t>(mode) * _out.points + first + p];
          if (s != Status::extended && s != Status::failed && s != Status::channel) continue;
          char const* reason = "certified in extended precision: double lost digits";
          if (s == Status::channel)
            reason = "a buried channel holds the mode: ellipticity matched from both sides";
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
  SearchBatch<double>& search = _search;
  search.clear();
  search.modes = _options.modes;
  _place.clear();
  const std::size_t first_flag = _out.flags.size();
  for (std::size_t i = begin; i < end; ++i)
    for (Wave wave : all_waves)
      if (_options.waves[static_cast<int>(wave)] && _out.error[i].empty())
        _place.push_back(append(i, wave, search));
  if (!_options.extended_only) {
    const std::vector<unsigned char> asked = search.wanted;
    run_searches<HostPack>(search);
    search.wanted = asked;
  }
  for (std::size_t j = 0; j < _place.size(); ++j) store(search, j, _place[j], false);
  std::vector<std::size_t> items;
  SearchBatch<DoubleDouble> open = extended_batch(search, items);
  if (!items.empty()) {
    const std::vector<unsigned char> asked = open.wanted;
    run_searches<DoubleDouble>(open);
    open.wanted = asked;
    for (std::size_t j = 0; j < items.size(); ++j) {
      store(open, j, _place[items[j]], true);
      SearchItem const& from = open.item[j];
      for (int p = 0; p < from.points; ++p)
        search.fold[search.item[items[j]].first_count + p] |= open.fold[from.first_count + p];
    }
  }
  for (std::size_t j = 0; j < _place.size(); ++j)
    if (_place[j].wave == Wave::rayleigh) resolve_folds(search, j, _place[j]);
  flag_points(begin, end, first_flag);
}

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
  // Slices bound the scratch memory; a case's answer does not depend on its slice.
  // On a host they are small, so that it stays in the cache and with the allocator.
  const std::size_t slice_entries =
      detail::host_memory ? 500 * static_cast<std::size_t>(ExecutionSpace().concurrency())
                          : 1000000;
  detail::Solver solver(batch, options, out);
  for (std::size_t begin = 0, end = 0; begin < batch.size(); begin = end) {
    std::size_t entries = 0;
    while (end < batch.size() && entries < slice_entries)
      entries += batch.periods(end++).size() * static_cast<std::size_t>(options.modes);
    solver.run(begin, end);
  }
  return out;
}

} // namespace moho::dispersion
