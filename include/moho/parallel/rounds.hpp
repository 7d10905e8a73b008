// SPDX-License-Identifier: BSD-3-Clause
// Which rank works which cases: contiguous blocks, balanced by predicted cost and measured speed.
// Pure arithmetic on values that all ranks share, so all ranks decide the same without a message.
#pragma once
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace moho::parallel {

/// Offsets (ranks + 1) of contiguous blocks, one per rank, whose longest time max_r(cost_r/speed_r)
/// is the least possible. costs (cases): finite, >= 0; if all are zero, each case counts 1.
/// speeds (ranks): finite, > 0, cost per second up to a common factor. Rank r gets
/// [offsets[r], offsets[r+1]).
std::vector<std::size_t> balanced_partition(std::span<double const> costs,
                                            std::span<double const> speeds);

/// Works through cases in rounds. The first, small, round assumes equal ranks; each later one takes
/// half of what is left and shares it by the speeds measured so far; the last one takes the rest.
///
///     RoundSchedule schedule(costs, comm.size());
///     while (!schedule.done()) {
///       auto offsets = schedule.next();               // the same on all ranks
///       Stopwatch watch;
///       solve(offsets[comm.rank()], offsets[comm.rank() + 1]);
///       schedule.report(comm.all_gather(watch.seconds()));
///     }
class RoundSchedule {
public:
  struct Options {
    double first = 0.1;       ///< share of the total cost in the first round
    double next = 0.5;        ///< share of the remaining cost in each later round
    double rest = 0.1;        ///< once no more than this share of the total is left, take it all
    std::size_t at_least = 4; ///< cases per rank and round (fewer only when no more are left)
    double memory = 0.5;      ///< weight that older rounds keep in the speed, per round
    double slowest = 1e-3; ///< floor of a rank's speed over the fastest's, so that it can recover
  };
  /// costs (cases): predicted, in any unit, finite, >= 0. ranks >= 1.
  RoundSchedule(std::vector<double> costs, std::size_t ranks, Options const& options);
  RoundSchedule(std::vector<double> costs, std::size_t ranks)
      : RoundSchedule(std::move(costs), ranks, Options{}) {}

  bool done() const { return _begin == _costs.size(); }
  /// Offsets (ranks + 1) of the next round's blocks, in global case indices. Blocks follow one
  /// another, and so do rounds.
  std::vector<std::size_t> next();
  /// Seconds (ranks) that each rank took for its block of the last round. A rank without work, or
  /// with a time that is not finite and > 0, keeps its speed.
  void report(std::span<double const> seconds);
  /// Speeds (ranks) that the next round will use; 1 = the fastest.
  std::vector<double> speeds() const;
  int rounds() const { return _rounds; } ///< rounds handed out so far

private:
  std::vector<double> _costs;
  Options _options;
  double _total = 0;
  std::size_t _begin = 0; ///< first case not handed out
  int _rounds = 0;
  std::vector<std::size_t> _offsets;        ///< of the last round
  std::vector<double> _cost_done, _seconds; ///< (ranks) with forgetting
};

} // namespace moho::parallel
