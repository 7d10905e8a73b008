// SPDX-License-Identifier: BSD-3-Clause
// Times of the parts of `prepare` and `apply`.
#pragma once
#include "moho/core/stopwatch.hpp"
#include "moho/study/method.hpp"
#include <string>
#include <utility>
#include <vector>

namespace moho::study {

/// Adds up times by name, so that a part may come once per step.
class PhaseClock {
public:
  /// Times body() with the device's work that it launched; what it throws is passed on, untimed.
  template <class Body>
  void time(char const* name, Body&& body) {
    const Stopwatch watch;
    body();
    add(name, watch.seconds());
  }
  std::vector<Phase> take() { return std::exchange(_phases, {}); }

private:
  void add(char const* name, double seconds) {
    for (Phase& phase : _phases)
      if (phase.name == name) {
        phase.seconds += seconds;
        return;
      }
    _phases.push_back({name, seconds});
  }
  std::vector<Phase> _phases;
};

} // namespace moho::study
