// SPDX-License-Identifier: BSD-3-Clause
// What a node looks like, the platform key, and the provenance every record carries.
#include "moho/study/machine.hpp"
#include "moho/core/staged.hpp"
#include "moho/study/provenance.hpp"
#include "support/mpi_support.hpp"
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace {

using moho::study::Build;
using moho::study::Host;
namespace fs = std::filesystem;

/// A made-up root file system, different on every rank, removed afterwards.
class FakeRoot {
public:
  FakeRoot() : _root(fs::temp_directory_path() / ("moho-root-" + std::to_string(getpid()))) {}
  ~FakeRoot() { fs::remove_all(_root); }
  void write(std::string const& path, std::string const& text) const {
    fs::create_directories((_root / path).parent_path());
    std::ofstream(_root / path) << text;
  }
  std::string path() const { return _root.string(); }

private:
  fs::path _root;
};

void write_cpu(FakeRoot const& root, int cpu, std::string const& core, std::string const& l3) {
  auto const at = "sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/";
  root.write(at + "topology/thread_siblings_list", core + "\n");
  root.write(at + "cache/index0/level", "1\n");
  root.write(at + "cache/index0/type", "Data\n");
  root.write(at + "cache/index0/size", "32K\n");
  root.write(at + "cache/index0/shared_cpu_list", core + "\n");
  root.write(at + "cache/index3/level", "3\n");
  root.write(at + "cache/index3/type", "Unified\n");
  root.write(at + "cache/index3/size", "16384K\n");
  root.write(at + "cache/index3/shared_cpu_list", l3 + "\n");
}

TEST(ReadHost, CountsCoresThreadsDomainsAndCaches) {
  const FakeRoot root; // two sockets of one core with two threads each
  root.write("proc/cpuinfo", "processor\t: 0\nmodel name\t: Made Up 9000\n");
  root.write("proc/meminfo", "MemFree: 1 kB\nMemTotal:       2048 kB\n");
  root.write("sys/devices/system/node/node0/x", "");
  root.write("sys/devices/system/node/node1/x", "");
  root.write("sys/devices/system/node/online", "0-1");
  root.write("sys/devices/system/cpu/cpufreq/x", ""); // not a CPU
  for (int cpu = 0; cpu < 4; ++cpu) {
    auto const socket = cpu % 2 == 0 ? "0,2" : "1,3";
    write_cpu(root, cpu, socket, socket);
  }
  const Host host = moho::study::read_host(root.path());
  EXPECT_EQ(host.cpu, "Made Up 9000");
  EXPECT_EQ(host.memory, 2048 * 1024);
  EXPECT_EQ(host.numa, 2);
  EXPECT_EQ(host.cpus, 4);
  EXPECT_EQ(host.cores, 2);
  EXPECT_EQ(host.last_cache, 2 * 16384 * 1024);
}

TEST(ReadHost, DescribesAMachineThatTellsNothing) {
  const Host host = moho::study::read_host("/nonexistent-root");
  EXPECT_FALSE(host.cpu.empty());
  EXPECT_EQ(host.cores, 1);
  EXPECT_EQ(host.numa, 1);
  EXPECT_EQ(host.memory, 0);
  EXPECT_EQ(host.last_cache, 0);
}

TEST(FormatRanges, JoinsNeighbours) {
  auto const text = [](std::vector<int> numbers) { return moho::study::format_ranges(numbers); };
  EXPECT_EQ(text({}), "");
  EXPECT_EQ(text({3}), "3");
  EXPECT_EQ(text({0, 1, 2, 3, 8}), "0-3,8");
  EXPECT_EQ(text({0, 2, 4, 5}), "0,2,4-5");
}

TEST(PlatformKey, IsBuiltFromTheBuild) {
  const Build build{"x86", "GNU 12.2.0", "Serial", "native", "Release", 512};
  EXPECT_EQ(platform_key(build), "ci-x86-gcc12-serial-avx512");
  auto other = build;
  other.simd_bits = 256;
  EXPECT_EQ(platform_key(other), "ci-x86-gcc12-serial-avx2");
  other.arch = "x86-64-v3";
  other.backend = "OpenMP";
  EXPECT_EQ(platform_key(other), "ci-x86-gcc12-openmp-x86-64-v3");
  other = {"arm", "Clang 17.0.6", "Cuda", "", "Debug", 128};
  EXPECT_EQ(platform_key(other), "ci-arm-clang17-cuda-simd128-debug");
}

TEST(SimdBits, IsAPowerOfTwoOfWholeDoubles) {
  auto const bits = moho::study::simd_bits();
  EXPECT_GE(bits, 64);
  EXPECT_EQ(bits & (bits - 1), 0);
}

TEST(Provenance, IsCompleteAndTheSameOnEveryRank) {
  setenv("SLURM_JOB_ID", "42", 1);
  setenv("SLURM_JWT", "secret", 1);
  setenv("LOADEDMODULES", "gcc/12.2:openmpi/4.1", 1);
  const moho::parallel::Comm comm;
  auto const text = moho::study::provenance_json(comm, {"moho", "run", "a b.toml", "\xff"});
  EXPECT_TRUE(moho::test::all_ranks_agree(text));
  auto const json = nlohmann::json::parse(text);
  auto const& run = json.at("run");
  EXPECT_EQ(run.at("ranks"), comm.size());
  EXPECT_EQ(run.at("nodes"), 1);
  EXPECT_EQ(run.at("binding").size(), static_cast<std::size_t>(comm.size()));
  for (int rank = 0; rank < comm.size(); ++rank) {
    auto const& one = run.at("binding").at(static_cast<std::size_t>(rank));
    EXPECT_EQ(one.at("rank"), rank);
    EXPECT_FALSE(one.at("cpuset").get<std::string>().empty());
    EXPECT_EQ(one.at("device").is_null(), moho::host_reaches_memory);
  }
  EXPECT_EQ(json.at("host").at("gpus").empty(), moho::host_reaches_memory);
  EXPECT_EQ(run.at("device_mpi") == "host", moho::host_reaches_memory);
  EXPECT_EQ(run.at("command").size(), 4u);
  EXPECT_EQ(run.at("command").at(2), "a b.toml");
  EXPECT_EQ(run.at("modules"), nlohmann::json({"gcc/12.2", "openmpi/4.1"}));
  EXPECT_EQ(run.at("slurm"), nlohmann::json({{"SLURM_JOB_ID", "42"}})); // and no secret
  for (auto const* key : {"compiler", "flags", "type", "kokkos", "backend", "mpi", "hdf5", "blas"})
    EXPECT_FALSE(json.at("build").at(key).get<std::string>().empty()) << key;
  EXPECT_GT(json.at("host").at("memory").get<double>(), 0);
  EXPECT_GE(json.at("host").at("cores").get<int>(), 1);
  auto const sha = json.at("git").at("sha").get<std::string>();
  EXPECT_TRUE(sha == "unknown" || sha.size() == 40 || sha.size() == 64) << sha;
}

} // namespace
