// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/stop.hpp"
#include <algorithm>
#include <csignal>

namespace moho::study {
namespace {

volatile std::sig_atomic_t received = 0;

extern "C" void note_signal(int signal) {
  received = signal;
}

} // namespace

void catch_stop_signals() {
  received = 0;
  struct sigaction action {};
  action.sa_handler = note_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGUSR1, &action, nullptr);
}

int stop_signal(parallel::Comm const& comm) {
  return static_cast<int>(comm.max(std::int64_t{received}));
}

void stop_if_asked(parallel::Comm const& comm) {
  if (stop_signal(comm) != 0) throw Stopped{};
}

// The first calls of a loop may be quick ones: their number grows little by little.
void StopPoint::ask() {
  constexpr double every = 0.5; // s
  constexpr double growth = 4;
  stop_if_asked(_comm);
  double const each = _comm.max(_watch.seconds()) / static_cast<double>(_calls),
               most = growth * static_cast<double>(_calls);
  _calls = std::max<std::int64_t>(
      1, static_cast<std::int64_t>(each * most > every ? every / each : most));
  _left = _calls;
  _watch.restart();
}

} // namespace moho::study
