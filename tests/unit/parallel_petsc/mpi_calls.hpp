// SPDX-License-Identifier: BSD-3-Clause
// Counts calls of MPI by any library of the program: the calls that can talk to another rank.
#pragma once

namespace moho::test {

/// Calls since the program began.
long mpi_calls();

} // namespace moho::test
