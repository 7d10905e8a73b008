// SPDX-License-Identifier: BSD-3-Clause
#include "moho/parallel/device_mpi.hpp"
#include <cstdlib>
#if defined(OPEN_MPI) && OPEN_MPI && __has_include(<mpi-ext.h>)
#include <mpi-ext.h>
#endif

namespace moho::parallel {
namespace {

constexpr char const* variable = "MOHO_DEVICE_MPI";

/// What MPI says of the devices of this build. Without a device: of those of CUDA.
bool mpi_takes_device_memory() {
#if defined(KOKKOS_ENABLE_HIP)
#if defined(MPIX_ROCM_AWARE_SUPPORT)
  return MPIX_Query_rocm_support() == 1;
#endif
#elif defined(MPIX_CUDA_AWARE_SUPPORT)
  return MPIX_Query_cuda_support() == 1;
#endif
  return false;
}

bool direct_here() {
  char const* const value = std::getenv(variable);
  std::string const asked = value == nullptr ? "" : value;
  if (asked == "direct") return true;
  if (asked == "staged") return false;
  if (asked.empty() || asked == "auto") return mpi_takes_device_memory();
  throw Error(std::string(variable) + " = '" + asked +
              "' (it says how arrays of a device reach MPI) set it to direct, staged or auto");
}

} // namespace

char const* name(DeviceMpi how) {
  return how == DeviceMpi::host ? "host" : how == DeviceMpi::direct ? "direct" : "staged";
}

DeviceMpi device_mpi(Comm const& comm, Staging staging) {
  if (host_reaches_memory && staging != Staging::always) return DeviceMpi::host;
  bool direct = false;
  run_collectively(comm, [&] { direct = direct_here(); });
  return comm.min(std::int64_t{direct}) == 1 ? DeviceMpi::direct : DeviceMpi::staged;
}

} // namespace moho::parallel
