// SPDX-License-Identifier: BSD-3-Clause
// Where a record comes from: source, build, machine, run.
#pragma once
#include "moho/parallel/communicator.hpp"
#include <cstdint>
#include <string>
#include <vector>

namespace moho::study {

/// The `provenance` object of a record as JSON text (analysis/schema.json), the same on every rank:
/// git, build, host (of rank 0), run (every rank's host, cpuset and device, how arrays of devices
/// reach MPI). `command` is argv. `run.seed` is null: whoever draws random numbers sets it.
/// Collective.
std::string provenance_json(parallel::Comm const& comm, std::vector<std::string> const& command);

/// Largest resident memory of this process so far, byte.
std::int64_t peak_memory();

} // namespace moho::study
