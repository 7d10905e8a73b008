// SPDX-License-Identifier: BSD-3-Clause
#include "timing.hpp"
#include "moho/core/statistics.hpp"
#include "moho/core/stopwatch.hpp"
#include <algorithm>
#include <limits>

namespace moho::study {

using parallel::Comm;
using parallel::run_collectively;

void RegionTimer::time(std::function<void()> const& body, std::function<double()> const& aside) {
  double mine = 0;
  _comm.barrier();
  run_collectively(_comm, [&] {
    const Stopwatch watch;
    body();
    mine = watch.seconds();
  });
  add(aside ? std::max(0.0, mine - aside()) : mine);
}

void RegionTimer::add(double seconds) {
  _fastest.push_back(_comm.min(seconds));
  _slowest.push_back(_comm.max(seconds));
}

Timing RegionTimer::timing(std::int64_t warmup) const {
  return {_slowest, median(_fastest), median(_slowest), warmup};
}

void PhaseTimes::add(std::vector<Phase> const& phases) {
  _calls.emplace_back();
  for (Phase const& phase : phases) _calls.back()[phase.name] += phase.seconds;
}

std::map<std::string, Timing> PhaseTimes::timings(std::string const& region, std::int64_t warmup,
                                                  Comm const& comm) const {
  std::map<std::string, std::vector<double>> fastest, slowest;
  for (auto call = static_cast<std::size_t>(warmup); call < _calls.size(); ++call)
    for (auto const& [name, seconds] : _calls[call]) {
      fastest[name].push_back(comm.min(seconds));
      slowest[name].push_back(comm.max(seconds));
    }
  std::map<std::string, Timing> result;
  for (auto const& [name, samples] : slowest)
    result[region + "." + name] = {samples, median(fastest[name]), median(samples), warmup};
  return result;
}

Timing timed_repeats(Measure const& measure, Comm const& comm, std::function<void()> const& between,
                     std::function<void()> const& body) {
  constexpr std::int64_t most_repeats = 1000; // of those that min_time asks for
  for (std::int64_t i = 0; i < measure.warmup; ++i) {
    between();
    run_collectively(comm, body);
  }
  RegionTimer timer(comm);
  const Stopwatch watch;
  for (std::int64_t i = 0;; ++i) {
    bool const enough = i >= most_repeats || comm.max(watch.seconds()) >= measure.min_time;
    if (i >= measure.repeats && enough) return timer.timing(measure.warmup);
    between();
    timer.time(body);
  }
}

Rates Machine::rates() {
  Rates rates;
  run_collectively(_comm, [&] {
    if (!_probe) _probe.emplace(_comm, MeasureOptions{});
    rates = _probe->measure();
  });
  return rates;
}

Ceilings Machine::around(std::function<void()> const& timed) {
  auto const steady = [](double before, double after) {
    return drift(before, after) <= most_drift ? std::min(before, after)
                                              : std::numeric_limits<double>::quiet_NaN();
  };
  const Rates before = rates();
  timed();
  const Rates after = rates();
  return {steady(before.triad, after.triad), steady(before.gemm, after.gemm)};
}

} // namespace moho::study
