// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/stop.hpp"
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

} // namespace moho::study
