// SPDX-License-Identifier: BSD-3-Clause
// Certificates by the mode count, and bitwise comparison.
#include "verification/compare.hpp"
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>

namespace moho::verification {

using dispersion::Flag;
using dispersion::mode_count;
using dispersion::Root;
using dispersion::Status;

namespace {

constexpr std::array<Wave, 2> waves{Wave::rayleigh, Wave::love};
constexpr double step = 1e-9; ///< relative distance at which the count is taken

/// Half of what separates a root from its neighbours, at most `step`.
double reach(std::vector<double> const& roots, std::size_t i) {
  double gap = 2 * step;
  if (i > 0) gap = std::min(gap, roots[i] / roots[i - 1] - 1);
  if (i + 1 < roots.size()) gap = std::min(gap, roots[i + 1] / roots[i] - 1);
  return 0.5 * gap;
}

struct Place {
  ModelBatch const& batch;
  std::int64_t i;
  Wave wave;
  std::int64_t period_index;
  double period() const { return batch.periods(i)[period_index]; }
  int count(double c) const { return mode_count(batch.model(i), period(), c, wave); }
  std::string text(double c) const {
    char root[40];
    std::snprintf(root, sizeof root, " c=%.17g", c);
    return place("case", std::to_string(i), wave, -1, period()) + root;
  }
};

void certify_root(Report& out, Place const& at, double c, double near, int below, int above) {
  int const low = at.count(c * (1 - near)), high = at.count(c * (1 + near));
  out.expect(low == below && high == above, [&] {
    return at.text(c) + ": count " + std::to_string(low) + " -> " + std::to_string(high) +
           ", not " + std::to_string(below) + " -> " + std::to_string(above);
  });
}

/// Modes of a period that does not fold: they certify one after the other.
void certify_modes(Report& out, Place const& at, std::vector<double> const& roots) {
  for (std::size_t n = 0; n < roots.size(); ++n) {
    double const near = reach(roots, n);
    out.expect(n == 0 || roots[n] > roots[n - 1],
               [&] { return at.text(roots[n]) + ": not above the mode before"; });
    if (near >= 1e-13) {
      certify_root(out, at, roots[n], near, int(n), int(n) + 1);
    } else { // two modes closer than the count can resolve: they certify as a pair
      out.expect(at.count(roots[n] * (1 - step)) <= int(n) &&
                     at.count(roots[n] * (1 + step)) >= int(n) + 1,
                 [&] { return at.text(roots[n]) + ": the pair does not certify"; });
    }
  }
}

void certify_flag(Report& out, Place const& at, Flag const& flag) {
  std::vector<double> phases;
  for (Root const& root : flag.roots) phases.push_back(root.phase);
  int count = 0;
  bool backward = false;
  for (std::size_t r = 0; r < flag.roots.size(); ++r) {
    Root const& root = flag.roots[r];
    int const before = count;
    count += root.group > 0 ? 1 : -1;
    backward = backward || root.group < 0;
    out.expect(root.count_above == count && (r == 0 || phases[r] > phases[r - 1]),
               [&] { return at.text(root.phase) + ": roots or N_above out of order"; });
    certify_root(out, at, root.phase, std::max(reach(phases, r), 1e-13), before, count);
  }
  out.expect(backward, [&] { return at.text(0) + ": flagged, but no root runs backward"; });
}

bool same_bits(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

bool same_flag(Flag const& a, Flag const& b) {
  auto const same_root = [](Root const& x, Root const& y) {
    return same_bits(x.phase, y.phase) && same_bits(x.group, y.group) &&
           x.count_above == y.count_above;
  };
  return a.wave == b.wave && a.period_index == b.period_index && a.mode == b.mode &&
         a.kind == b.kind && a.reason == b.reason &&
         std::equal(a.roots.begin(), a.roots.end(), b.roots.begin(), b.roots.end(), same_root);
}

/// The flags of a case: they stand together, for flags are ordered by case.
std::pair<std::vector<Flag>::const_iterator, std::vector<Flag>::const_iterator>
flags_of(Curves const& curves, std::int64_t i) {
  auto const before = [](Flag const& f, std::int64_t x) { return f.case_index < x; };
  return {std::lower_bound(curves.flags.begin(), curves.flags.end(), i, before),
          std::lower_bound(curves.flags.begin(), curves.flags.end(), i + 1, before)};
}

} // namespace

Report certify(ModelBatch const& batch, Curves const& found) {
  Report out;
  for (std::int64_t i = 0; i < std::int64_t(batch.size()); ++i)
    for (Wave wave : waves) {
      Curves::OfWave const& answer = found.wave[static_cast<std::size_t>(wave)];
      if (answer.phase.empty()) continue;
      double const ceiling = batch.model(i).vs.back();
      for (std::int64_t p = 0; p < std::int64_t(batch.periods(i).size()); ++p) {
        Place const at{batch, i, wave, p};
        std::size_t const point = std::size_t(batch.period_offset()[i] + p);
        out.expect(at.count(ceiling * (1 - 1e-7)) == answer.mode_count[point],
                   [&] { return at.text(ceiling) + ": mode_count is not the count at the top"; });
        std::vector<double> roots;
        bool folded = false;
        for (int mode = 0; mode < found.modes; ++mode) {
          std::size_t const entry = mode * found.points + point;
          folded = folded || answer.status[entry] == Status::multivalued;
          if (std::isnan(answer.phase[entry])) break;
          roots.push_back(answer.phase[entry]);
          out.expect(answer.phase[entry] < ceiling,
                     [&] { return at.text(answer.phase[entry]) + ": not below the half-space"; });
        }
        if (!folded) certify_modes(out, at, roots);
      }
    }
  for (Flag const& flag : found.flags)
    if (flag.kind == Status::multivalued)
      certify_flag(out, {batch, flag.case_index, flag.wave, flag.period_index}, flag);
  return out;
}

Report compare_bits(ModelBatch const& expected_batch, Curves const& expected, std::int64_t from,
                    ModelBatch const& found_batch, Curves const& found, std::int64_t to) {
  Report out;
  std::size_t const n = expected_batch.periods(from).size();
  std::size_t const a0 = std::size_t(expected_batch.period_offset()[from]);
  std::size_t const b0 = std::size_t(found_batch.period_offset()[to]);
  auto const where = [&] { return "case " + std::to_string(from); };
  out.expect(found_batch.periods(to).size() == n && expected.work[from] == found.work[to] &&
                 expected.error[from] == found.error[to],
             [&] { return where() + ": periods, work or error differ"; });
  for (std::size_t w = 0; w < 2; ++w) {
    Curves::OfWave const &a = expected.wave[w], &b = found.wave[w];
    for (std::size_t p = 0; p < n && !a.mode_count.empty(); ++p) {
      out.expect(a.mode_count[a0 + p] == b.mode_count[b0 + p],
                 [&] { return where() + ": mode count differs"; });
      for (int mode = 0; mode < expected.modes; ++mode) {
        std::size_t const x = mode * expected.points + a0 + p, y = mode * found.points + b0 + p;
        out.expect(same_bits(a.phase[x], b.phase[y]) && same_bits(a.group[x], b.group[y]) &&
                       a.status[x] == b.status[y],
                   [&] {
                     return where() + Report::values(a.phase[x], b.phase[y],
                                                     Report::relative(a.phase[x], b.phase[y]));
                   });
      }
    }
  }
  auto const [af, al] = flags_of(expected, from);
  auto const [bf, bl] = flags_of(found, to);
  out.expect(std::equal(af, al, bf, bl, same_flag), [&] { return where() + ": flags differ"; });
  return out;
}

} // namespace moho::verification
