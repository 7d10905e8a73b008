// SPDX-License-Identifier: BSD-3-Clause
// How the runner takes times, and the machine's own rates around them.
#pragma once
#include "moho/study/measure.hpp"
#include "moho/study/method.hpp"
#include "moho/study/record.hpp"
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace moho::study {

/// Takes times of one region on every rank; samples are those of the slowest rank.
class RegionTimer {
public:
  explicit RegionTimer(parallel::Comm const& comm) : _comm(comm) {}

  /// Times `body` after a barrier. A body that throws on one rank throws on all. `aside`, asked
  /// afterwards: seconds of this rank in `body` that are not the region's.
  void time(std::function<void()> const& body, std::function<double()> const& aside = {});
  /// A sample that somebody else took on each rank.
  void add(double seconds);
  Timing timing(std::int64_t warmup) const;

private:
  parallel::Comm _comm;
  std::vector<double> _fastest, _slowest;
};

/// Times of the parts of several calls.
class PhaseTimes {
public:
  /// Those of one call; parts of one name are summed.
  void add(std::vector<Phase> const& phases);
  /// By "<region>.<phase>", without the first `warmup` calls; samples are those of the slowest
  /// rank. Collective: each rank has the same parts in each call.
  std::map<std::string, Timing> timings(std::string const& region, std::int64_t warmup,
                                        parallel::Comm const& comm) const;

private:
  std::vector<std::map<std::string, double>> _calls;
};

/// Calls `body` as the case asks for: warm-up, then repeats and a least time (of the clock on the
/// wall, so that very short calls end as well). `between` is called before each.
Timing timed_repeats(Measure const& measure, parallel::Comm const& comm,
                     std::function<void()> const& between, std::function<void()> const& body);

/// The machine's rates before and after timed calls; keeps its arrays from case to case.
class Machine {
public:
  explicit Machine(parallel::Comm const& comm) : _comm(comm) {}

  /// Calls `timed` between two measurements. A rate that drifted meanwhile is not quoted (NaN):
  /// something else used the machine.
  Ceilings around(std::function<void()> const& timed);

private:
  Rates rates();

  parallel::Comm _comm;
  std::optional<RateProbe> _probe;
};

} // namespace moho::study
