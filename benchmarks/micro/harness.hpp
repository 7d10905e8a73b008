// SPDX-License-Identifier: BSD-3-Clause
// One way to time a kernel on all ranks and to quote it as a fraction of the machine's own rates.
#pragma once
#ifdef MOHO_KERNELS_ONLY
#include "alone.hpp"
#else
#include "moho/parallel/communicator.hpp"
#include "moho/study/measure.hpp"
#endif
#include <benchmark/benchmark.h>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <type_traits>

namespace moho::micro {

/// Kernels run on the host.
inline constexpr bool on_host = std::is_same_v<ExecutionSpace, Kokkos::DefaultHostExecutionSpace>;

/// What one call of a kernel does on one rank. A zero is not quoted.
struct Work {
  double flops = 0;                         ///< floating-point operations
  double bytes = 0;                         ///< memory traffic it cannot avoid
  std::map<std::string, double> items = {}; ///< further counts, quoted per second and as they are
};

struct Settings {
  study::MeasureOptions rates{.seconds = 0.1};
  double min_time = 0.5; ///< that of Google Benchmark: shorter samples only set the repeat count
  double most_drift = moho::most_drift;
  bool keep_noisy = false;   ///< report samples with unsteady rates (marked) instead of errors
  bool as_device = !on_host; ///< whole batches, and several calls between two fences
};

/// Which calls a device waits for: one by one where the time until an answer is asked for, else it
/// works off a queue of them, as it does in use. A host has no queue.
enum class Fence { each, some };

class Harness {
public:
  /// Collective.
  Harness(parallel::Comm const& comm, Settings const& settings);

  /// Times `body`, which need not fence, on all ranks: barrier, body, fence, barrier; the longest
  /// of the ranks goes to Google Benchmark on each of them, so that all take the same number of
  /// iterations. As on a device (Settings) body is called several times in a row, for some
  /// milliseconds; counter `calls` says how often. `work` is asked after the timed loop. The
  /// machine's rates are measured immediately before and after; a sample is void when a rate it is
  /// quoted against changed by more than `most_drift`. `gemm` is the product of the values that
  /// `body` computes with: its flops are quoted against it. `key` names the benchmark with its
  /// arguments. Collective; an exception on any rank makes the sample an error on all.
  void time(benchmark::State& state, std::string const& key, std::function<void()> const& body,
            std::function<Work()> const& work, Gemm gemm = Gemm::dgemm, Fence fence = Fence::some);

  parallel::Comm const& comm() const { return _comm; }
  bool as_device() const { return _settings.as_device; }

private:
  double seconds_of(std::int64_t calls, std::function<void()> const& body,
                    std::string& trouble) const;
  std::int64_t calls_of(std::string const& key, std::function<void()> const& body,
                        std::string& trouble);
  bool is_final(std::string const& key, double seconds);
  void quote(benchmark::State& state, Work const& work, double seconds, Gemm gemm,
             study::Rates const& before);
  parallel::Comm _comm;
  Settings _settings;
  study::RateProbe _probe;
  std::set<std::string> _calibrated;          ///< keys whose number of iterations is settled
  std::map<std::string, std::int64_t> _calls; ///< of a key, between two fences
};

void register_machine_benchmarks(Harness& harness);
void register_kernel_benchmarks(Harness& harness);
void register_dispersion_benchmarks(Harness& harness);
void register_linear_map_benchmarks(Harness& harness);
void register_fem_benchmarks(Harness& harness);
void register_nn_benchmarks(Harness& harness);

} // namespace moho::micro
