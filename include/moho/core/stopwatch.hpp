// SPDX-License-Identifier: BSD-3-Clause
#pragma once
#include "moho/core/kokkos.hpp"
#include <chrono>

namespace moho {

/// Wall-clock time of this rank. Every reading first waits for the device, so that queued kernels
/// are counted where they were launched.
class Stopwatch {
public:
  Stopwatch() { restart(); }

  void restart() {
    Kokkos::fence();
    _start = Clock::now();
  }

  /// Seconds since construction or the last restart.
  double seconds() const {
    Kokkos::fence();
    return std::chrono::duration<double>(Clock::now() - _start).count();
  }

private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point _start;
};

} // namespace moho
