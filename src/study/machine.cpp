// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/machine.hpp"
#include "moho/core/kokkos.hpp"
#include <algorithm>
#include <cctype>
#include <dlfcn.h>
#include <filesystem>
#include <fstream>
#include <moho/version.hpp>
#include <sched.h>
#include <set>
#include <sys/utsname.h>
#include <vector>

extern "C" void dgemm_(char const*, char const*, int const*, int const*, int const*, double const*,
                       double const*, int const*, double const*, int const*, double const*, double*,
                       int const*);

namespace moho::study {
namespace {

std::string first_line(std::filesystem::path const& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// Value of the first line `key ... : value`; "" if there is none.
std::string value_of(std::filesystem::path const& path, std::string const& key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, key.size(), key) != 0) continue;
    auto const colon = line.find(':');
    if (colon == std::string::npos) continue;
    auto const start = line.find_first_not_of(" \t", colon + 1);
    return start == std::string::npos ? "" : line.substr(start);
  }
  return "";
}

/// "32768K" -> bytes; 0 for what cannot be read.
std::int64_t bytes_of(std::string const& text) {
  char* end = nullptr;
  auto const number = std::strtoll(text.c_str(), &end, 10);
  switch (*end) {
  case 'K':
  case 'k':
    return number << 10;
  case 'M':
    return number << 20;
  case 'G':
    return number << 30;
  default:
    return number;
  }
}

/// Folders `prefix<number>` of `parent`.
std::vector<std::filesystem::path> numbered(std::filesystem::path const& parent,
                                            std::string const& prefix) {
  std::vector<std::filesystem::path> found;
  std::error_code ignored;
  for (auto const& entry : std::filesystem::directory_iterator(parent, ignored)) {
    auto const name = entry.path().filename().string();
    if (name.size() > prefix.size() && name.compare(0, prefix.size(), prefix) == 0 &&
        std::all_of(name.begin() + static_cast<std::ptrdiff_t>(prefix.size()), name.end(),
                    [](unsigned char c) { return std::isdigit(c) != 0; }))
      found.push_back(entry.path());
  }
  return found;
}

/// Cores, hardware threads and last-level caches: distinct lists of sharers are distinct parts.
void read_topology(std::filesystem::path const& cpus, Host& host) {
  std::set<std::string> cores;
  std::set<std::pair<std::string, std::int64_t>> caches;
  int last_level = 0, threads = 0;
  for (auto const& cpu : numbered(cpus, "cpu")) {
    auto const siblings = first_line(cpu / "topology/thread_siblings_list");
    if (siblings.empty()) continue; // offline
    ++threads;
    cores.insert(siblings);
    for (auto const& cache : numbered(cpu / "cache", "index")) {
      if (first_line(cache / "type") == "Instruction") continue;
      int const level = static_cast<int>(bytes_of(first_line(cache / "level")));
      if (level < last_level) continue;
      if (level > last_level) caches.clear();
      last_level = level;
      caches.emplace(first_line(cache / "shared_cpu_list"), bytes_of(first_line(cache / "size")));
    }
  }
  if (threads > 0) {
    host.cpus = threads;
    host.cores = static_cast<int>(cores.size());
  }
  host.last_cache = 0;
  for (auto const& [sharers, bytes] : caches) host.last_cache += bytes;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string compiler_tag(std::string const& compiler) {
  auto const space = compiler.find(' ');
  auto tag = lower(compiler.substr(0, space));
  if (tag == "gnu") tag = "gcc";
  if (space == std::string::npos) return tag;
  return tag + compiler.substr(space + 1, compiler.find('.', space) - space - 1);
}

std::string simd_tag(Build const& build) {
  if (build.machine == "x86")
    return build.simd_bits >= 512 ? "avx512" : build.simd_bits >= 256 ? "avx2" : "sse2";
  return "simd" + std::to_string(build.simd_bits);
}

} // namespace

Host read_host(std::string const& root) {
  Host host;
  utsname system{};
  if (uname(&system) == 0) {
    host.name = system.nodename;
    host.os = std::string(system.sysname) + " " + system.release;
  }
  const std::filesystem::path base(root.empty() ? "/" : root);
  for (auto const* key : {"model name", "cpu model", "CPU part", "cpu"})
    if (host.cpu.empty()) host.cpu = value_of(base / "proc/cpuinfo", key);
  if (host.cpu.empty()) host.cpu = system.machine;
  host.memory = bytes_of(value_of(base / "proc/meminfo", "MemTotal")) << 10;
  host.numa =
      std::max<int>(1, static_cast<int>(numbered(base / "sys/devices/system/node", "node").size()));
  read_topology(base / "sys/devices/system/cpu", host);
  return host;
}

std::string format_ranges(std::span<int const> sorted) {
  std::string text;
  for (std::size_t i = 0; i < sorted.size();) {
    std::size_t last = i;
    while (last + 1 < sorted.size() && sorted[last + 1] == sorted[last] + 1) ++last;
    if (!text.empty()) text += ',';
    text += std::to_string(sorted[i]);
    if (last > i) text += '-' + std::to_string(sorted[last]);
    i = last + 1;
  }
  return text;
}

std::string cpuset() {
  constexpr int most = 8192;
  cpu_set_t* set = CPU_ALLOC(most);
  if (set == nullptr) return "";
  auto const size = CPU_ALLOC_SIZE(most);
  std::vector<int> allowed;
  if (sched_getaffinity(0, size, set) == 0)
    for (int cpu = 0; cpu < most; ++cpu)
      if (CPU_ISSET_S(cpu, size, set)) allowed.push_back(cpu);
  CPU_FREE(set);
  return format_ranges(allowed);
}

int simd_bits() {
#if defined(__AVX512F__)
  return 512;
#elif defined(__AVX2__) || defined(__AVX__)
  return 256;
#elif defined(__ARM_FEATURE_SVE_BITS) && __ARM_FEATURE_SVE_BITS > 0
  return __ARM_FEATURE_SVE_BITS;
#elif defined(__SSE2__) || defined(__ARM_NEON) || defined(__VSX__)
  return 128;
#else
  return 64;
#endif
}

Build this_build() {
#if defined(__x86_64__) || defined(__i386__)
  constexpr char machine[] = "x86";
#elif defined(__aarch64__)
  constexpr char machine[] = "arm";
#elif defined(__powerpc64__)
  constexpr char machine[] = "ppc";
#else
  constexpr char machine[] = "other";
#endif
  return {machine, MOHO_COMPILER, backend_name(), MOHO_ARCH, MOHO_BUILD_TYPE, simd_bits()};
}

std::string platform_key(Build const& build) {
  bool const named = !build.arch.empty() && build.arch != "native";
  std::string key = "ci";
  auto const append = [&](std::string const& part) { key.append(1, '-').append(part); };
  append(build.machine);
  append(compiler_tag(build.compiler));
  append(lower(build.backend));
  append(named ? lower(build.arch) : simd_tag(build));
  if (build.type != "Release") append(lower(build.type.empty() ? "plain" : build.type));
  return key;
}

std::string blas_description() {
  using Text = char const* (*)();
  using ChangeableText = char* (*)();
  // Looked up at run time, so that any BLAS links. The names are OpenBLAS's.
  auto const config = reinterpret_cast<ChangeableText>(dlsym(RTLD_DEFAULT, "openblas_get_config"));
  auto const core = reinterpret_cast<Text>(dlsym(RTLD_DEFAULT, "openblas_get_corename"));
  if (config == nullptr) {
    Dl_info info{};
    if (dladdr(reinterpret_cast<void const*>(&dgemm_), &info) == 0 || info.dli_fname == nullptr)
      return "unknown";
    return std::filesystem::path(info.dli_fname).filename().string();
  }
  std::string text = config();
  while (!text.empty() && text.back() == ' ') text.pop_back();
  if (core != nullptr) text += std::string(" core ") + core();
  return text;
}

} // namespace moho::study
