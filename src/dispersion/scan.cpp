// SPDX-License-Identifier: BSD-3-Clause
#include "scan.hpp"
#include "moho/dispersion/eigenfunctions.hpp"
#include <algorithm>
#include <cmath>

namespace moho::dispersion {
namespace detail {

FoldScanner::FoldScanner(LayeredModel const& model) : _model(model), _units(model) {
  append_layers(model, _units, _coarse);
  _lowest = lowest_velocity(model, Wave::rayleigh) / _units.velocity;
  _highest = highest_velocity<double>(model, _units);
}

PeriodScan FoldScanner::scan(double period, int grid) {
  _period = period;
  _omega = angular_frequency<DoubleDouble>(period, _units);
  _scan = {};
  std::vector<double> c(static_cast<std::size_t>(grid));
  double const ratio = std::log(_highest / _lowest) / (grid - 1);
  for (int i = 0; i < grid; ++i)
    c[static_cast<std::size_t>(i)] = i + 1 < grid ? _lowest * std::exp(ratio * i) : _highest;
  std::vector<Sample> samples = evaluate(c);
  for (int pass = 0; pass < 5; ++pass)
    if (!look_closer(samples, pass == 0)) break;
  auto const falls = [](Sample const& a, Sample const& b) { return b.count < a.count; };
  if (std::adjacent_find(samples.begin(), samples.end(), falls) == samples.end()) return _scan;
  for (std::size_t i = 0; i + 1 < samples.size(); ++i)
    isolate(samples[i].c, samples[i].count, samples[i + 1].c, samples[i + 1].count);
  int expected = 0;
  for (Root const& root : _scan.roots)
    _scan.multivalued = _scan.multivalued || root.count_above != ++expected;
  return _scan;
}

std::vector<FoldScanner::Sample> FoldScanner::evaluate(std::vector<double> const& c) {
  constexpr std::size_t lanes = Scalar<HostPack>::lanes;
  std::vector<Sample> samples(c.size());
  for (std::size_t first = 0; first < c.size(); first += lanes) {
    HostPack pack(c[first]);
    for (std::size_t i = 0; i < lanes && first + i < c.size(); ++i)
      set_lane(pack, static_cast<int>(i), c[first + i]);
    auto const e = rayleigh<true>(_coarse.view(), pack, HostPack(_omega.hi) / pack);
    for (std::size_t i = 0; i < lanes && first + i < c.size(); ++i) {
      int const l = static_cast<int>(i);
      samples[first + i] = {c[first + i], lane(e.secular, l), lane(e.exponent, l),
                            static_cast<int>(lane(e.count, l))};
    }
  }
  _scan.evaluations += static_cast<std::int64_t>(c.size());
  return samples;
}

/// log2 |f|, the depth of a dip.
double FoldScanner::height(Sample const& s) {
  return std::log2(std::max(std::fabs(s.f), 1e-300)) + s.exponent;
}

/// Refines around every dip of |f| between points of equal count and, where asked, inside every
/// change of the count; false where there is nothing to refine.
bool FoldScanner::look_closer(std::vector<Sample>& samples, bool changes_too) {
  std::vector<double> more;
  auto const cut = [&](Sample const& a, Sample const& b) {
    for (int k = 1; k < 4; ++k) more.push_back(a.c + (b.c - a.c) * k / 4);
  };
  for (std::size_t i = 1; i < samples.size(); ++i) {
    Sample const &l = samples[i - 1], &m = samples[i];
    if (l.count != m.count) {
      if (changes_too) cut(l, m);
      continue;
    }
    if (i + 1 == samples.size() || samples[i + 1].count != m.count) continue;
    Sample const& r = samples[i + 1];
    if (height(m) >= height(l) || height(m) >= height(r)) continue;
    cut(l, m);
    cut(m, r);
  }
  if (more.empty()) return false;
  std::sort(more.begin(), more.end());
  more.erase(std::unique(more.begin(), more.end()), more.end());
  const std::vector<Sample> found = evaluate(more);
  samples.insert(samples.end(), found.begin(), found.end());
  std::sort(samples.begin(), samples.end(),
            [](Sample const& a, Sample const& b) { return a.c < b.c; });
  return true;
}

/// The layers in extended precision.
LayerView<DoubleDouble> FoldScanner::fine() {
  if (_fine.solid.empty()) append_layers(_model, _units, _fine);
  return _fine.view();
}

int FoldScanner::count_at(double c) {
  ++_scan.evaluations;
  const DoubleDouble velocity(c);
  return static_cast<int>(rayleigh<true>(fine(), velocity, _omega / velocity).count.hi);
}

/// Bisects on the count down to single roots, ascending.
void FoldScanner::isolate(double lo, int n_lo, double hi, int n_hi) {
  if (n_lo == n_hi) return;
  double const middle = 0.5 * (lo + hi);
  if (hi - lo < 4e-15 * hi) {
    polish(middle, n_hi);
    return;
  }
  int const n = count_at(middle);
  isolate(lo, n_lo, middle, n);
  isolate(middle, n, hi, n_hi);
}

void FoldScanner::polish(double c, int count_above) {
  using D = Dual<DoubleDouble>;
  _scan.evaluations += 3;
  const DoubleDouble x(c), k = _omega / x, zero(0.0), one(1.0);
  auto const e = rayleigh<false>(fine(), D{x, one, zero}, D{k, zero, one});
  const D f = e.secular;
  const DoubleDouble root = x - f.v / (f.d0 - k / x * f.d1), group = x - k * f.d1 / f.d0;
  const D E = surface_ellipticity(e.top);
  const DoubleDouble slope = E.d0 - k / x * E.d1, at_root = E.v + slope * (root - x);
  double const phase = root.hi * _units.velocity;
  const EllipticityTrust trust{std::fabs((slope * x).hi), 0};
  double const ellipticity =
      trustworthy(trust, at_root.hi, 1e-29)
          ? at_root.hi
          : eigenfunction(_model, _period, Wave::rayleigh, phase).ellipticity;
  _scan.roots.push_back({phase, group.hi * _units.velocity, ellipticity, count_above});
}

bool fold_prone(LayeredModel const& model) {
  double softest = HUGE_VAL, stiffest = 0;
  for (std::size_t i = 0; i < model.layers(); ++i) {
    if (model.vs[i] == 0) continue;
    double const rigidity = model.rho[i] * model.vs[i] * model.vs[i];
    softest = std::min(softest, rigidity);
    stiffest = std::max(stiffest, rigidity);
  }
  return stiffest > 6 * softest;
}

} // namespace detail

int mode_count(LayeredModel const& model, double period, double c, Wave wave) {
  const detail::Units units(model);
  detail::LayerStore<DoubleDouble> store;
  detail::append_layers(model, units, store);
  const DoubleDouble velocity(c / units.velocity);
  const DoubleDouble k = detail::angular_frequency<DoubleDouble>(period, units) / velocity;
  auto const e = wave == Wave::love ? love(store.view(), velocity, k)
                                    : rayleigh<true>(store.view(), velocity, k);
  return static_cast<int>(e.count.hi);
}

} // namespace moho::dispersion
