// SPDX-License-Identifier: BSD-3-Clause
// What this process runs on, and the name under which its baselines are kept.
#pragma once
#include <cstdint>
#include <span>
#include <string>

namespace moho::study {

/// The node as the operating system shows it.
struct Host {
  std::string name, os, cpu;   ///< host name, system and release, model name of the processor
  int cores = 1;               ///< physical cores
  int cpus = 1;                ///< hardware threads
  int numa = 1;                ///< memory domains
  std::int64_t memory = 0;     ///< bytes of main memory
  std::int64_t last_cache = 0; ///< bytes of all last-level caches together; 0 = not known
};

/// Reads /proc and /sys below `root` (tests put a small copy there). What is missing keeps its
/// default: an unknown machine is described, never refused.
Host read_host(std::string const& root = "");

/// Hardware threads this process may run on, as Linux writes them: "0-3,8".
std::string cpuset();

/// Sorted numbers as ranges: {0,1,2,3,8} -> "0-3,8".
std::string format_ranges(std::span<int const> sorted);

/// Width in bits of the vector registers this binary was compiled for (not of those of the CPU).
int simd_bits();

/// What a platform key is made of.
struct Build {
  std::string machine;  ///< instruction set family: "x86", "arm", ...
  std::string compiler; ///< CMake's id and version: "GNU 12.2.0"
  std::string backend;  ///< Kokkos' name of the default execution space
  std::string arch;     ///< what -march= was given
  std::string type;     ///< CMake's build type
  int simd_bits = 0;
};
Build this_build();

/// Key of the baselines: `ci-<machine>-<compiler><major>-<backend>-<arch>`, for instance
/// "ci-x86-gcc12-serial-avx512". <arch> is that of -march=, or the widest vector set of the binary
/// where that is "native"; a build type other than Release is appended. Two builds with the same
/// key are expected to count the same work exactly. A site that keeps baselines of its own
/// overrides the key (--platform or $MOHO_PLATFORM).
std::string platform_key(Build const& build);

/// BLAS in use and the core type it chose at run time, e.g. "OpenBLAS 0.3.21 ... core SkylakeX";
/// the file name of the library where it does not tell.
std::string blas_description();

} // namespace moho::study
