// SPDX-License-Identifier: BSD-3-Clause
#include "property/invariants.hpp"
#include "property/oracle.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <tuple>

namespace moho::testing {

using dispersion::Curves;
using dispersion::Flag;
using dispersion::ModelBatch;
using dispersion::Root;
using dispersion::Status;
using dispersion::Wave;

namespace {

constexpr std::array<Wave, 2> waves{Wave::rayleigh, Wave::love};

/// One (case, wave, period) of an answer.
struct Point {
  ModelBatch const& batch;
  Curves const& found;
  std::int64_t i;
  Wave wave;
  std::int64_t period_index;
  Flag const* fold = nullptr; ///< its multivalued flag

  Curves::OfWave const& answer() const { return found.wave[static_cast<std::size_t>(wave)]; }
  dispersion::LayeredModel model() const { return batch.model(i); }
  double period() const { return batch.periods(i)[period_index]; }
  std::size_t point() const { return std::size_t(batch.period_offset()[i] + period_index); }
  std::size_t entry(int mode) const { return mode * found.points + point(); }
  double ceiling() const { return model().vs.back(); }
  std::string text(int mode = -1) const {
    return verification::place("case", std::to_string(i), wave, mode, period());
  }
  /// All roots that the answer gives for this period, with the direction of each.
  std::vector<Root> roots() const {
    if (fold) return fold->roots;
    std::vector<Root> out;
    for (int mode = 0; mode < found.modes; ++mode)
      if (!std::isnan(answer().phase[entry(mode)]))
        out.push_back({answer().phase[entry(mode)], answer().group[entry(mode)],
                       std::numeric_limits<double>::quiet_NaN(), mode + 1});
    return out;
  }
};

Flag const* find_flag(Curves const& found, std::int64_t i, Wave wave, std::int64_t period, int mode,
                      Status kind) {
  auto const first = std::lower_bound(
      found.flags.begin(), found.flags.end(), i,
      [](Flag const& flag, std::int64_t index) { return flag.case_index < index; });
  for (auto flag = first; flag != found.flags.end() && flag->case_index == i; ++flag)
    if (flag->wave == wave && flag->period_index == period && flag->mode == mode &&
        flag->kind == kind)
      return &*flag;
  return nullptr;
}

template <class Visit>
void for_each_point(ModelBatch const& batch, Curves const& found, Visit&& visit) {
  for (std::int64_t i = 0; i < std::int64_t(batch.size()); ++i)
    for (Wave wave : waves)
      if (!found.wave[static_cast<std::size_t>(wave)].phase.empty())
        for (std::int64_t p = 0; p < std::int64_t(batch.periods(i).size()); ++p)
          visit(Point{batch, found, i, wave, p,
                      find_flag(found, i, wave, p, -1, Status::multivalued)});
}

void check_value(Report& out, Point const& at, int mode) {
  Curves::OfWave const& answer = at.answer();
  std::size_t const entry = at.entry(mode);
  double const phase = answer.phase[entry], group = answer.group[entry];
  auto const where = [&] {
    return at.text(mode) + ": " + std::to_string(phase) + " U " + std::to_string(group);
  };
  double const fastest = *std::max_element(at.model().vp.begin(), at.model().vp.end());
  out.expect(phase > 0 && phase < at.ceiling(), where);
  out.expect(std::isfinite(group) && std::abs(group) <= fastest, where);
  if (!at.fold) out.expect(group > 0, where);
  if (mode > 0) {
    double const before = answer.phase[at.entry(mode - 1)];
    out.expect(phase > before || std::isnan(before), where);
  }
}

void check_mode(Report& out, Point const& at, int mode) {
  Curves::OfWave const& answer = at.answer();
  std::size_t const entry = at.entry(mode);
  Status const status = answer.status[entry];
  auto const where = [&] { return at.text(mode) + ": status " + dispersion::name(status); };
  bool const valued = status == Status::ok || status == Status::extended ||
                      status == Status::multivalued || status == Status::channel;
  bool const empty = status == Status::absent || status == Status::failed;
  out.expect(valued || empty, where);
  out.expect(!(status == Status::multivalued) || at.fold, where);
  if (status == Status::failed) {
    Flag const* flag = find_flag(at.found, at.i, at.wave, at.period_index, mode, Status::failed);
    out.expect(flag && !flag->reason.empty(), where);
  }
  if (valued) {
    check_value(out, at, mode);
  } else {
    out.expect(std::isnan(answer.phase[entry]) && std::isnan(answer.group[entry]), where);
  }
  if (status != Status::failed && !at.fold)
    out.expect(valued == (mode < answer.mode_count[at.point()]), [&] {
      return where() + ", counted " + std::to_string(answer.mode_count[at.point()]);
    });
}

void check_fold(Report& out, Point const& at) {
  std::vector<Root> const& roots = at.fold->roots;
  auto const where = [&] { return at.text() + ": flag of a fold"; };
  out.expect(at.wave == Wave::rayleigh, [&] { return at.text() + ": Love waves do not fold"; });
  out.expect(!at.fold->reason.empty() && roots.size() >= 2, where);
  int count = 0;
  bool backward = false;
  for (std::size_t r = 0; r < roots.size(); ++r) {
    out.expect(roots[r].phase < at.ceiling() * (1 - 1e-7) &&
                   (r == 0 || roots[r].phase > roots[r - 1].phase),
               where);
    count += roots[r].group > 0 ? 1 : -1;
    backward = backward || roots[r].group < 0;
    out.expect(roots[r].count_above == count, where);
  }
  out.expect(backward && count == at.answer().mode_count[at.point()], where);
  for (int mode = 0; mode < at.found.modes; ++mode) {
    auto const first = std::find_if(roots.begin(), roots.end(),
                                    [&](Root const& r) { return r.count_above > mode; });
    double const phase = at.answer().phase[at.entry(mode)];
    out.expect(first == roots.end() ? std::isnan(phase) : phase == first->phase,
               [&] { return at.text(mode) + ": not the first root of its number"; });
  }
}

/// A quantity that changes at roots only, scanned over c.
class Scan {
public:
  Scan(Point const& at, int steps, bool independent) : _at(at), _independent(independent) {
    dispersion::LayeredModel const m = at.model();
    double slowest = at.ceiling();
    for (std::size_t i = 0; i < m.layers(); ++i)
      slowest = std::min(slowest, m.vs[i] > 0 ? m.vs[i] : m.vp[i]);
    _c = log_spaced(0.2 * slowest, at.ceiling() * (1 - 1e-7), steps);
    for (double c : _c) _value.push_back(value(c));
  }
  /// The roots between two scanned values account for the change of the value between them.
  void account(Report& out) const {
    std::vector<Root> const roots = _at.roots();
    std::size_t r = 0;
    for (; r < roots.size() && roots[r].phase <= _c[0]; ++r) {
    }
    out.expect(r == 0, [&] { return _at.text() + ": root below the scan"; });
    for (std::size_t s = 1; s < _c.size(); ++s) {
      int change = 0, number = 0;
      for (; r < roots.size() && roots[r].phase <= _c[s]; ++r, ++number)
        change += roots[r].group > 0 ? 1 : -1;
      bool const good = _independent ? (_value[s] != _value[s - 1]) == (number % 2 == 1)
                                     : _value[s] - _value[s - 1] == change;
      out.expect(good, [&] {
        return _at.text() + (_independent ? ": sign " : ": count ") +
               std::to_string(_value[s - 1]) + " -> " + std::to_string(_value[s]) + " for c " +
               std::to_string(_c[s - 1]) + " to " + std::to_string(_c[s]) + " with " +
               std::to_string(number) + " roots" + (_at.fold ? " (flagged)" : "");
      });
    }
  }

private:
  int value(double c) const {
    if (!_independent) return dispersion::mode_count(_at.model(), _at.period(), c, _at.wave);
    using Judge = Oracle<long double>;
    long double const d = _at.wave == Wave::love ? Judge::love(_at.model(), _at.period(), c)
                                                 : Judge::rayleigh(_at.model(), _at.period(), c);
    return d > 0 ? 1 : -1;
  }
  Point const& _at;
  bool _independent;
  std::vector<double> _c;
  std::vector<int> _value;
};

} // namespace

Report check_invariants(ModelBatch const& batch, Curves const& found) {
  Report out;
  for (std::size_t i = 0; i < batch.size(); ++i)
    out.expect(found.error[i].empty() && found.work[i] > 0,
               [&] { return "case " + std::to_string(i) + ": " + found.error[i]; });
  out.expect(std::is_sorted(found.flags.begin(), found.flags.end(),
                            [](Flag const& a, Flag const& b) {
                              return std::tuple(a.case_index, a.wave, a.period_index, a.mode) <
                                     std::tuple(b.case_index, b.wave, b.period_index, b.mode);
                            }),
             [] { return std::string("flags out of order"); });
  for_each_point(batch, found, [&](Point const& at) {
    // A count that is not known (-1) leaves no mode certified.
    bool const counted = at.answer().mode_count[at.point()] >= 0;
    for (int mode = 0; mode < found.modes && !counted; ++mode)
      out.expect(at.answer().status[at.entry(mode)] == Status::failed,
                 [&] { return at.text(mode) + ": certified without a count"; });
    for (int mode = 0; mode < found.modes; ++mode) check_mode(out, at, mode);
    if (at.fold) check_fold(out, at);
  });
  return out;
}

Report scan_for_missed_roots(ModelBatch const& batch, Curves const& found, int steps,
                             bool independent) {
  Report out;
  for_each_point(batch, found, [&](Point const& at) {
    bool complete = at.answer().mode_count[at.point()] <= found.modes;
    for (int mode = 0; mode < found.modes; ++mode)
      complete = complete && at.answer().status[at.entry(mode)] != Status::failed;
    // Love waves cannot fold: a coarse look at them is enough.
    if (complete) Scan(at, at.wave == Wave::love ? steps / 4 : steps, independent).account(out);
  });
  return out;
}

FoldShare share_of_folds(ModelBatch const& batch, Curves const& found) {
  FoldShare out;
  std::set<std::int64_t> cases;
  for_each_point(batch, found, [&](Point const& at) {
    if (at.wave != Wave::rayleigh) return;
    ++out.periods;
    if (!at.fold) return;
    ++out.periods_folded;
    cases.insert(at.i);
  });
  out.cases = std::int64_t(batch.size());
  out.cases_folded = std::int64_t(cases.size());
  return out;
}

} // namespace moho::testing
