// SPDX-License-Identifier: BSD-3-Clause
// Whether MPI may be given memory of a device: the one place where that is decided.
#pragma once
#include "moho/core/staged.hpp"
#include "moho/parallel/communicator.hpp"

namespace moho::parallel {

/// host: arrays lie where the host reaches them. direct: MPI takes pointers to the device. staged:
/// arrays go through memory of the host.
enum class DeviceMpi { host, direct, staged };
char const* name(DeviceMpi how); ///< "host", "direct", "staged"

/// How arrays of kernels travel between the ranks: direct where MPI says that it can (Open MPI's
/// MPIX_Query_cuda_support, MPIX_Query_rocm_support) or the environment variable MOHO_DEVICE_MPI
/// does ("direct", "staged"; "auto" or empty asks MPI), and only if that holds on every rank. Where
/// the host reaches the arrays the answer is `host`, unless `staging` is `always` (for tests).
/// Collective. Throws moho::Error on all ranks for another value of the variable on any.
DeviceMpi device_mpi(Comm const& comm, Staging staging = Staging::where_needed);

} // namespace moho::parallel
