// SPDX-License-Identifier: BSD-3-Clause
#include "verification/compare.hpp"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <ostream>

namespace moho::verification {

using dispersion::Flag;
using dispersion::Root;
using dispersion::Status;

namespace {

constexpr std::array<Wave, 2> waves{Wave::rayleigh, Wave::love};

std::size_t index(Wave wave) {
  return static_cast<std::size_t>(wave);
}

Curves::OfWave const& of(Curves const& curves, Wave wave) {
  return curves.wave[index(wave)];
}

bool has_value(Status status) {
  return status == Status::ok || status == Status::extended || status == Status::multivalued ||
         status == Status::channel;
}

void keep_worst(Deviation& worst, double error, std::string const& where) {
  if (!(error <= worst.error) || worst.where.empty()) worst = {error, where};
}

/// One phase and group pair, into the lists of errors and against the limits.
void compare_root(Report& out, Root const& expected, double phase, double group,
                  Limits const& limits, std::string const& where) {
  double const in_phase = Report::relative(expected.phase, phase);
  double const in_group = Report::relative(expected.group, group);
  out.phase_errors.push_back(in_phase);
  out.group_errors.push_back(in_group);
  keep_worst(out.worst_phase, in_phase, where);
  keep_worst(out.worst_group, in_group, where);
  out.close(expected.phase, phase, limits.phase, [&] { return where + " phase"; });
  out.close(expected.group, group, limits.group, [&] { return where + " group"; });
}

Flag const* multivalued_flag(Curves const& found, std::int64_t i, Wave wave, std::int64_t period) {
  for (Flag const& flag : found.flags)
    if (flag.case_index == i && flag.wave == wave && flag.period_index == period &&
        flag.kind == Status::multivalued)
      return &flag;
  return nullptr;
}

bool folds(std::vector<Root> const& roots) {
  return std::any_of(roots.begin(), roots.end(), [](Root const& r) { return r.group < 0; });
}

/// What is asked of a point: its root, or none (NaN phase).
struct Expected {
  Root root;
  bool folded;
};

void compare_point(Report& out, Curves const& found, std::size_t point, Wave wave, int mode,
                   Expected const& expected, double ceiling, Limits const& limits,
                   std::string const& where) {
  Curves::OfWave const& answer = of(found, wave);
  std::size_t const at = mode * found.points + point;
  double const phase = answer.phase[at], group = answer.group[at];
  Status const status = answer.status[at];
  if (std::isnan(expected.root.phase)) {
    out.expect(status == Status::absent && std::isnan(phase) && std::isnan(group), [&] {
      return where + ": absent mode has status " + dispersion::name(status) +
             Report::values(expected.root.phase, phase, 1);
    });
    return;
  }
  out.expect(has_value(status) && (expected.folded || status != Status::multivalued),
             [&] { return where + ": status " + dispersion::name(status); });
  out.expect(phase < ceiling, [&] { return where + ": at or above vs of the half-space"; });
  compare_root(out, expected.root, phase, group, limits, where);
}

void compare_flag(Report& out, Flag const* flag, std::vector<Root> const& roots,
                  Limits const& limits, std::string const& where) {
  bool const folded = folds(roots);
  out.expect((flag != nullptr) == folded,
             [&] { return where + (folded ? ": fold not flagged" : ": flagged, but no fold"); });
  if (!flag || !folded) return;
  out.expect(!flag->reason.empty(), [&] { return where + ": flag without a reason"; });
  out.expect(flag->roots.size() == roots.size(), [&] {
    return where + ": " + std::to_string(flag->roots.size()) + " roots, not " +
           std::to_string(roots.size());
  });
  for (std::size_t r = 0; r < std::min(roots.size(), flag->roots.size()); ++r) {
    std::string const root = where + " root " + std::to_string(r);
    compare_root(out, roots[r], flag->roots[r].phase, flag->roots[r].group, limits, root);
    out.expect(flag->roots[r].count_above == roots[r].count_above,
               [&] { return root + ": N_above " + std::to_string(flag->roots[r].count_above); });
  }
}

/// Mode n of a period with all roots known: the first root above which n + 1 modes are counted.
Root mode_of(std::vector<Root> const& roots, int mode) {
  for (Root const& root : roots)
    if (root.count_above >= mode + 1) return root;
  double const nan = std::numeric_limits<double>::quiet_NaN();
  return {nan, nan, nan, 0};
}

void compare_periods_with_roots(Report& out, ReferenceCase const& c, Curves const& found,
                                std::int64_t i, std::size_t first_point, Limits const& limits) {
  for (std::size_t p = 0; p < c.periods.size(); ++p) {
    std::vector<Root> const& roots = c.roots[p];
    for (int mode = 0; mode < found.modes; ++mode)
      compare_point(out, found, first_point + p, Wave::rayleigh, mode,
                    {mode_of(roots, mode), folds(roots)}, c.model.vs_halfspace(), limits,
                    place(c.file, c.name, Wave::rayleigh, mode, c.periods[p]));
    compare_flag(out, multivalued_flag(found, i, Wave::rayleigh, std::int64_t(p)), roots, limits,
                 place(c.file, c.name, Wave::rayleigh, -1, c.periods[p]));
  }
}

void compare_modes(Report& out, ReferenceCase const& c, Curves const& found,
                   std::size_t first_point, Limits const& limits) {
  for (ReferenceMode const& mode : c.modes)
    for (std::size_t p = 0; p < c.periods.size() && mode.mode < found.modes; ++p)
      compare_point(out, found, first_point + p, mode.wave, mode.mode,
                    {{mode.phase[p], mode.group[p], NAN, 0}, false}, c.model.vs_halfspace(), limits,
                    place(c.file, c.name, mode.wave, mode.mode, c.periods[p]));
}

void compare_counts(Report& out, ReferenceCase const& c, Curves const& found,
                    std::size_t first_point) {
  for (Wave wave : waves)
    for (std::size_t p = 0; p < c.mode_count[index(wave)].size(); ++p) {
      int const expected = c.mode_count[index(wave)][p];
      int const count = of(found, wave).mode_count[first_point + p];
      out.expect(count == expected, [&] {
        return place(c.file, c.name, wave, -1, c.periods[p]) + ": mode count " +
               std::to_string(count) + ", not " + std::to_string(expected);
      });
    }
}

/// Case, wave, period and N_above of the roots, for each folded period.
std::vector<std::vector<std::int64_t>> folded_periods(Curves const& curves) {
  std::vector<std::vector<std::int64_t>> out;
  for (Flag const& flag : curves.flags) {
    if (flag.kind != Status::multivalued) continue;
    out.push_back({flag.case_index, std::int64_t(flag.wave), flag.period_index});
    for (Root const& root : flag.roots) out.back().push_back(root.count_above);
  }
  return out;
}

} // namespace

double Report::relative(double expected, double found) {
  return std::abs(found - expected) / std::abs(expected);
}

std::string Report::values(double expected, double found, double error) {
  char text[120];
  std::snprintf(text, sizeof text, ": %.16g, not %.16g (relative %.3g)", found, expected, error);
  return text;
}

void Report::fail(double error, std::string where) {
  ++failures;
  if (failed.size() < kept) failed.push_back({error, std::move(where)});
}

void Report::merge(Report const& other) {
  compared += other.compared;
  failures += other.failures;
  phase_errors.insert(phase_errors.end(), other.phase_errors.begin(), other.phase_errors.end());
  group_errors.insert(group_errors.end(), other.group_errors.begin(), other.group_errors.end());
  keep_worst(worst_phase, other.worst_phase.error, other.worst_phase.where);
  keep_worst(worst_group, other.worst_group.error, other.worst_group.where);
  for (Deviation const& deviation : other.failed)
    if (failed.size() < kept) failed.push_back(deviation);
}

std::ostream& operator<<(std::ostream& out, Report const& report) {
  out << report.failures << " failures in " << report.compared << " comparisons";
  if (!report.worst_phase.where.empty())
    out << "; largest phase error " << report.worst_phase.error << " at "
        << report.worst_phase.where << "; largest group error " << report.worst_group.error
        << " at " << report.worst_group.where;
  std::vector<Deviation> failed = report.failed;
  std::stable_sort(failed.begin(), failed.end(), [](Deviation const& a, Deviation const& b) {
    return (std::isnan(a.error) ? 1e300 : a.error) > (std::isnan(b.error) ? 1e300 : b.error);
  });
  for (std::size_t i = 0; i < std::min<std::size_t>(failed.size(), 10); ++i)
    out << "\n  " << failed[i].where;
  return out;
}

double quantile_of(std::vector<double> errors, double quantile) {
  if (errors.empty()) return std::numeric_limits<double>::quiet_NaN();
  for (double& e : errors)
    if (std::isnan(e)) e = std::numeric_limits<double>::infinity();
  auto const rank = std::size_t(std::ceil(quantile * double(errors.size()))) - 1;
  std::nth_element(errors.begin(), errors.begin() + std::ptrdiff_t(rank), errors.end());
  return errors[rank];
}

std::string place(std::string const& file, std::string const& name, Wave wave, int mode,
                  double period) {
  char text[64];
  std::snprintf(text, sizeof text, " T=%.17g", period);
  return file + " " + name + " " + dispersion::name(wave) +
         (mode < 0 ? std::string() : " mode " + std::to_string(mode)) + text;
}

ModelBatch batch_of(std::vector<ReferenceCase> const& cases) {
  ModelBatch batch;
  for (ReferenceCase const& c : cases) batch.append(c.model.view(), c.periods);
  return batch;
}

ModelBatch batch_of(std::vector<testing::Sample> const& samples) {
  ModelBatch batch;
  for (testing::Sample const& s : samples) batch.append(s.model.view(), s.periods);
  return batch;
}

Report compare_reference(std::vector<ReferenceCase> const& cases, Curves const& found,
                         Limits const& limits) {
  Report out;
  std::size_t point = 0;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    ReferenceCase const& c = cases[i];
    out.expect(found.error.at(i).empty(),
               [&] { return c.file + " " + c.name + ": " + found.error[i]; });
    compare_counts(out, c, found, point);
    if (c.roots.empty())
      compare_modes(out, c, found, point, limits);
    else
      compare_periods_with_roots(out, c, found, std::int64_t(i), point, limits);
    point += c.periods.size();
  }
  for (Flag const& flag : found.flags) {
    ReferenceCase const& c = cases.at(std::size_t(flag.case_index));
    bool const known = !c.roots.empty() && flag.wave == Wave::rayleigh;
    out.expect(known || flag.kind != Status::multivalued, [&] {
      return place(c.file, c.name, flag.wave, -1, c.periods[flag.period_index]) +
             ": flagged multivalued, but no fold";
    });
  }
  return out;
}

Report compare_answers(Curves const& expected, Curves const& found, Limits const& limits) {
  Report out;
  out.expect(expected.points == found.points && expected.modes == found.modes,
             [] { return std::string("the answers differ in shape"); });
  if (!out.passed()) return out;
  out.expect(folded_periods(expected) == folded_periods(found),
             [] { return std::string("the multivalued flags or their roots differ"); });
  for (Wave wave : waves) {
    Curves::OfWave const &a = of(expected, wave), &b = of(found, wave);
    for (std::size_t at = 0; at < a.phase.size(); ++at) {
      std::string const where = std::string(dispersion::name(wave)) + " mode " +
                                std::to_string(at / expected.points) + " point " +
                                std::to_string(at % expected.points);
      out.expect(has_value(a.status[at]) == has_value(b.status[at]), [&] {
        return where + ": " + name(a.status[at]) + " against " + name(b.status[at]);
      });
      if (has_value(a.status[at]) && has_value(b.status[at]))
        compare_root(out, {a.phase[at], a.group[at], NAN, 0}, b.phase[at], b.group[at], limits,
                     where);
    }
    for (std::size_t at = 0; at < a.mode_count.size(); ++at)
      out.expect(a.mode_count[at] == b.mode_count[at], [&] {
        return std::string(dispersion::name(wave)) + " point " + std::to_string(at) +
               ": mode count";
      });
  }
  return out;
}

} // namespace moho::verification
