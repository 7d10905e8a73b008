// SPDX-License-Identifier: BSD-3-Clause
// A polite request to stop: SIGTERM (a scheduler's end of time) or SIGUSR1 (its warning).
#pragma once
#include "moho/core/stopwatch.hpp"
#include "moho/parallel/communicator.hpp"
#include <cstdint>

namespace moho::study {

/// From now on SIGTERM and SIGUSR1 only set a flag; work that asks for it stops at a safe place.
void catch_stop_signals();

/// The signal that any rank received since, or 0. Collective: all ranks get the same answer.
int stop_signal(parallel::Comm const& comm);

/// Thrown on all ranks where such a request ends work: nobody's error. What catches any exception
/// of a rank (run_collectively) must not see it.
struct Stopped {};

/// Throws Stopped when there was a signal. Collective.
void stop_if_asked(parallel::Comm const& comm);

/// For the body of a long loop: asks `stop_if_asked` about every half second. The calls in between
/// cost no message; how many they are is agreed, so that all ranks, which call it equally often,
/// ask at the same call.
class StopPoint {
public:
  explicit StopPoint(parallel::Comm const& comm) : _comm(comm) {}
  void operator()() {
    if (--_left <= 0) ask();
  }

private:
  void ask();

  parallel::Comm _comm;
  Stopwatch _watch;
  std::int64_t _calls = 1, _left = 1; ///< from question to question, and until the next
};

} // namespace moho::study
