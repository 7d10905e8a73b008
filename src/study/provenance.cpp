// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/provenance.hpp"
#include "moho/core/kokkos.hpp"
#include "moho/parallel/device_mpi.hpp"
#include "moho/study/machine.hpp"
#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <map>
#include <moho/version.hpp>
#include <nlohmann/json.hpp>
#include <sys/resource.h>

namespace moho::study {
namespace {

using Json = nlohmann::ordered_json;

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

std::string mpi_version() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING] = "";
  int length = 0;
  MPI_Get_library_version(text, &length);
  const std::string all(text, static_cast<std::size_t>(length));
  return all.substr(0, all.find_first_of(",\n"));
}

Json build_json() {
  return {{"version", MOHO_VERSION},
          {"compiler", MOHO_COMPILER},
          {"flags", MOHO_FLAGS},
          {"type", MOHO_BUILD_TYPE},
          {"arch", MOHO_ARCH},
          {"simd_width", simd_bits() / 64},
          {"platform", platform_key(this_build())},
          {"kokkos", kokkos_version()},
          {"backend", backend_name()},
          {"mpi", mpi_version()},
          {"petsc", MOHO_PETSC_VERSION},
          {"hdf5", MOHO_HDF5_VERSION},
          {"blas", blas_description()}};
}

/// The device that this rank's kernels run on, as its maker counts and names it.
struct Device {
  int id = -1; ///< -1: the host
  std::string name{};
};

Device device_here() {
  Device device;
#if defined(KOKKOS_ENABLE_CUDA)
  cudaDeviceProp properties{};
  if (cudaGetDevice(&device.id) == cudaSuccess &&
      cudaGetDeviceProperties(&properties, device.id) == cudaSuccess)
    device.name = properties.name;
#elif defined(KOKKOS_ENABLE_HIP)
  hipDeviceProp_t properties{};
  if (hipGetDevice(&device.id) == hipSuccess &&
      hipGetDeviceProperties(&properties, device.id) == hipSuccess)
    device.name = properties.name;
#endif
  return device;
}

/// One name for each device that ranks of the first host use.
Json gpus_json(Json const& binding) {
  std::map<std::string, std::string> found;
  for (Json const& one : binding)
    if (one.at("host") == binding.at(0).at("host") && one.at("device").is_string()) {
      auto const text = one.at("device").get<std::string>();
      found[text] = text.substr(text.find(' ') + 1);
    }
  Json names = Json::array();
  for (auto const& [device, name] : found) names.push_back(name);
  return names;
}

Json host_json(Host const& host, Json const& binding) {
  return {{"name", host.name},         {"os", host.os},     {"cpu", host.cpu},
          {"cores", host.cores},       {"numa", host.numa}, {"memory", host.memory},
          {"gpus", gpus_json(binding)}};
}

/// The Slurm variables that say how a job was laid out. A fixed list: others may hold secrets.
Json slurm_json() {
  Json slurm = Json::object();
  for (auto const* name :
       {"SLURM_CLUSTER_NAME", "SLURM_JOB_ID", "SLURM_JOB_NAME", "SLURM_JOB_PARTITION",
        "SLURM_JOB_NUM_NODES", "SLURM_JOB_NODELIST", "SLURM_NTASKS", "SLURM_NTASKS_PER_NODE",
        "SLURM_CPUS_PER_TASK", "SLURM_CPU_BIND", "SLURM_DISTRIBUTION", "SLURM_MEM_PER_NODE",
        "SLURM_MEM_PER_CPU", "SLURM_GPUS_PER_NODE", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID",
        "SLURM_RESTART_COUNT"})
    if (char const* value = std::getenv(name)) slurm[name] = value;
  return slurm;
}

Json modules_json() {
  Json modules = Json::array();
  char const* loaded = std::getenv("LOADEDMODULES");
  std::string rest = loaded == nullptr ? "" : loaded;
  while (!rest.empty()) {
    auto const colon = std::min(rest.find(':'), rest.size());
    if (colon > 0) modules.push_back(rest.substr(0, colon));
    rest.erase(0, std::min(colon + 1, rest.size()));
  }
  return modules;
}

int count_nodes(parallel::Comm const& comm) {
  MPI_Comm node = MPI_COMM_NULL;
  MPI_Comm_split_type(comm.raw(), MPI_COMM_TYPE_SHARED, comm.rank(), MPI_INFO_NULL, &node);
  int rank = 0;
  MPI_Comm_rank(node, &rank);
  MPI_Comm_free(&node);
  return static_cast<int>(comm.sum(std::int64_t{rank == 0 ? 1 : 0}));
}

/// Bytes that are not UTF-8 (a host name, an argument) are replaced, not refused.
std::string text_of(Json const& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace

std::string provenance_json(parallel::Comm const& comm, std::vector<std::string> const& command) {
  const Host host = read_host();
  Json mine{{"rank", comm.rank()}, {"host", host.name}, {"cpuset", cpuset()}, {"device", nullptr}};
  if (Device const device = device_here(); device.id >= 0)
    mine["device"] = std::to_string(device.id) + " " + device.name;
  std::string const arrays = name(parallel::device_mpi(comm));
  auto const everyone = comm.gather(text_of(mine));
  int const nodes = count_nodes(comm);
  std::string text;
  if (comm.root()) {
    Json binding = Json::array();
    for (auto const& one : everyone) binding.push_back(Json::parse(one));
    int const threads = std::max(1, Kokkos::DefaultHostExecutionSpace().concurrency());
    text = text_of(Json{{"git", {{"sha", MOHO_GIT_SHA}, {"dirty", MOHO_GIT_DIRTY}}},
                        {"build", build_json()},
                        {"host", host_json(host, binding)},
                        {"run",
                         {{"ranks", comm.size()},
                          {"nodes", nodes},
                          {"threads", threads},
                          {"device_mpi", arrays},
                          {"binding", binding},
                          {"slurm", slurm_json()},
                          {"modules", modules_json()},
                          {"seed", nullptr},
                          {"utc", utc_now()},
                          {"command", command}}}});
  }
  return comm.broadcast(text);
}

std::int64_t peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return std::int64_t{usage.ru_maxrss} * 1024; // Linux counts in KiB
}

} // namespace moho::study
