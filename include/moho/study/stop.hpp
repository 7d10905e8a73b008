// SPDX-License-Identifier: BSD-3-Clause
// A polite request to stop: SIGTERM (a scheduler's end of time) or SIGUSR1 (its warning).
#pragma once
#include "moho/parallel/communicator.hpp"

namespace moho::study {

/// From now on SIGTERM and SIGUSR1 only set a flag; work that asks for it stops at a safe place.
void catch_stop_signals();

/// The signal that any rank received since, or 0. Collective: all ranks get the same answer.
int stop_signal(parallel::Comm const& comm);

} // namespace moho::study
