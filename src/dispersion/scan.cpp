// SPDX-License-Identifier: BSD-3-Clause
#include "scan.hpp"
#include "moho/dispersion/eigenfunctions.hpp"
#include <algorithm>
#include <cmath>

namespace moho::dispersion {
namespace detail {
namespace {

/// log2 |f|, the depth of a dip.
double height(ScanSample const& s) {
  return std::log2(std::max(std::fabs(s.f), 1e-300)) + s.exponent;
}

/// Evaluates a pack.
struct ScanKernel {
  ScanPack const* pack;
  Slot const* slot;
  PreparedArrays<double> prepared;
  ScanSample* sample;

  KOKKOS_FUNCTION void operator()(int i) const {
    ScanPack const& at = pack[i];
    Slot const& of = slot[at.slot];
    Prepared<double> const& m = prepared.model[at.slot];
    LayerView<double> const layers{prepared.fluid + of.first_row, prepared.solid + of.first_row,
                                   m.fluids, m.solids};
    HostPack c(sample[at.first].c);
    for (int l = 0; l < at.count; ++l) set_lane(c, l, sample[at.first + l].c);
    auto const e = rayleigh<true>(layers, c, HostPack(at.omega) / c);
    for (int l = 0; l < at.count; ++l) {
      ScanSample& to = sample[at.first + l];
      to.f = lane(e.secular, l);
      to.exponent = lane(e.exponent, l);
      to.count = static_cast<int>(lane(e.count, l));
    }
  }
};

bool slower(ScanSample const& a, ScanSample const& b) {
  return a.c < b.c;
}

} // namespace

FoldScan::FoldScan(LayeredModel const& model, double period, int grid)
    : _model(model), _units(model), _period(period),
      _omega(detail::angular_frequency<DoubleDouble>(period, _units)) {
  double const lowest = lowest_velocity(model, Wave::rayleigh) / _units.velocity;
  double const highest = highest_velocity<double>(model, _units);
  double const ratio = std::log(highest / lowest) / (grid - 1);
  for (int i = 0; i + 1 < grid; ++i) want(lowest * std::exp(ratio * i));
  want(highest);
}

void FoldScan::take() {
  _scan.evaluations += static_cast<std::int64_t>(_wanted.size());
  _samples.insert(_samples.end(), _wanted.begin(), _wanted.end());
  std::sort(_samples.begin(), _samples.end(), slower);
  _wanted.clear();
  if (_passes < 5) look_closer(_passes == 0);
  ++_passes;
}

/// Wants more around every dip of |f| between points of equal count and, where asked, inside every
/// change of the count.
void FoldScan::look_closer(bool changes_too) {
  auto const cut = [&](ScanSample const& a, ScanSample const& b) {
    for (int k = 1; k < 4; ++k) want(a.c + (b.c - a.c) * k / 4);
  };
  for (std::size_t i = 1; i < _samples.size(); ++i) {
    ScanSample const &l = _samples[i - 1], &m = _samples[i];
    if (l.count != m.count) {
      if (changes_too) cut(l, m);
      continue;
    }
    if (i + 1 == _samples.size() || _samples[i + 1].count != m.count) continue;
    ScanSample const& r = _samples[i + 1];
    if (height(m) >= height(l) || height(m) >= height(r)) continue;
    cut(l, m);
    cut(m, r);
  }
  std::sort(_wanted.begin(), _wanted.end(), slower);
  auto const same = [](ScanSample const& a, ScanSample const& b) { return a.c == b.c; };
  _wanted.erase(std::unique(_wanted.begin(), _wanted.end(), same), _wanted.end());
}

PeriodScan FoldScan::finish() {
  auto const falls = [](ScanSample const& a, ScanSample const& b) { return b.count < a.count; };
  if (std::adjacent_find(_samples.begin(), _samples.end(), falls) == _samples.end()) return _scan;
  _fine.append(_model, _units);
  for (std::size_t i = 0; i + 1 < _samples.size(); ++i)
    isolate(_samples[i].c, _samples[i].count, _samples[i + 1].c, _samples[i + 1].count);
  int expected = 0;
  for (Root const& root : _scan.roots)
    _scan.multivalued = _scan.multivalued || root.count_above != ++expected;
  return _scan;
}

int FoldScan::count_at(double c) {
  ++_scan.evaluations;
  const DoubleDouble velocity(c);
  return static_cast<int>(rayleigh<true>(_fine.view(), velocity, _omega / velocity).count.hi);
}

/// Bisects on the count down to single roots, ascending.
void FoldScan::isolate(double lo, int n_lo, double hi, int n_hi) {
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

void FoldScan::polish(double c, int count_above) {
  using D = Dual<DoubleDouble>;
  _scan.evaluations += 3;
  const DoubleDouble x(c), k = _omega / x, zero(0.0), one(1.0);
  auto const e = rayleigh<false>(_fine.view(), D{x, one, zero}, D{k, zero, one});
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

std::vector<PeriodScan> FoldScanner::scan(std::vector<ScanTask> const& tasks, int grid) {
  constexpr int lanes = Scalar<HostPack>::lanes;
  std::size_t const together =
      host_memory ? 8 * static_cast<std::size_t>(ExecutionSpace().concurrency()) : 16384;
  std::vector<PeriodScan> answers;
  for (std::size_t begin = 0; begin < tasks.size(); begin += together) {
    std::size_t const end = std::min(tasks.size(), begin + together);
    std::vector<FoldScan> scans;
    for (std::size_t i = begin; i < end; ++i)
      scans.emplace_back(tasks[i].model, tasks[i].period, grid);
    for (;;) {
      _packs.clear();
      _samples.clear();
      for (std::size_t i = 0; i < scans.size(); ++i) {
        auto const& wanted = scans[i].wanted();
        int const first = static_cast<int>(_samples.size()), n = static_cast<int>(wanted.size());
        for (int j = 0; j < n; j += lanes)
          _packs.push_back({tasks[begin + i].slot, first + j, std::min(lanes, n - j),
                            scans[i].angular_frequency()});
        _samples.insert(_samples.end(), wanted.begin(), wanted.end());
      }
      if (_samples.empty()) break;
      evaluate();
      auto from = _samples.begin();
      for (FoldScan& scan : scans) {
        auto& wanted = scan.wanted();
        if (wanted.empty()) continue;
        std::copy_n(from, wanted.size(), wanted.begin());
        from += static_cast<std::ptrdiff_t>(wanted.size());
        scan.take();
      }
    }
    for (FoldScan& scan : scans) answers.push_back(scan.finish());
  }
  return answers;
}

/// Fills in the samples of all packs.
void FoldScanner::evaluate() {
  ScanPack const* const pack = _pack.copy_of(_packs);
  ScanSample* sample = _samples.data();
  if constexpr (!host_memory) {
    _sample.copy_of(_samples);
    sample = _sample.data();
  }
  using Policy = Kokkos::RangePolicy<ExecutionSpace, Kokkos::Schedule<Kokkos::Dynamic>>;
  Kokkos::parallel_for("moho::dispersion::scan", Policy(0, static_cast<int>(_packs.size())),
                       ScanKernel{pack, _batch.slots_of_kernels(), _batch.prepared(), sample});
  Kokkos::fence();
  if constexpr (!host_memory) _sample.to_host(_samples.data(), _samples.size());
}

} // namespace detail

int mode_count(LayeredModel const& model, double period, double c, Wave wave) {
  const detail::Units units(model);
  const detail::LayerStore<DoubleDouble> store(model, units);
  const DoubleDouble velocity(c / units.velocity);
  const DoubleDouble k = detail::angular_frequency<DoubleDouble>(period, units) / velocity;
  auto const e = wave == Wave::love ? love(store.view(), velocity, k)
                                    : rayleigh<true>(store.view(), velocity, k);
  return static_cast<int>(e.count.hi);
}

} // namespace moho::dispersion
