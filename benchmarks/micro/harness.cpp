// SPDX-License-Identifier: BSD-3-Clause
#include "harness.hpp"
#include "moho/core/error.hpp"
#include "moho/core/stopwatch.hpp"
#include <algorithm>
#include <cmath>
#include <string>

namespace moho::micro {
namespace {

/// A fence and a barrier take some 10 us; calls between two of them take this long at least.
constexpr double least_seconds = 5e-3;
constexpr std::int64_t most_calls = 4096;

} // namespace

Harness::Harness(parallel::Comm const& comm, Settings const& settings)
    : _comm(comm), _settings(settings), _probe(comm, settings.rates) {}

/// Google Benchmark calls again with more iterations until its minimum time is reached; only the
/// last of these calls is reported. Repetitions keep its number of iterations.
bool Harness::is_final(std::string const& key, double seconds) {
  if (seconds >= _settings.min_time) _calibrated.insert(key);
  return _calibrated.count(key) > 0;
}

/// Of so many calls, on the slowest rank. After an exception the body is not called again.
double Harness::seconds_of(std::int64_t calls, std::function<void()> const& body,
                           std::string& trouble) const {
  _comm.barrier();
  Stopwatch const watch;
  try {
    for (std::int64_t i = 0; i < calls && trouble.empty(); ++i) body();
    Kokkos::fence();
  } catch (std::exception const& error) {
    trouble = error.what();
  }
  // The closing barrier counts: where ranks share cores, the first one to end is not the answer.
  _comm.barrier();
  return std::max(_comm.max(watch.seconds()), 1e-9);
}

std::int64_t Harness::calls_of(std::string const& key, std::function<void()> const& body,
                               std::string& trouble) {
  auto const [known, is_new] = _calls.try_emplace(key, 1);
  if (is_new) {
    seconds_of(1, body, trouble); // warm-up
    while (known->second < most_calls && seconds_of(known->second, body, trouble) < least_seconds)
      known->second *= 2;
  }
  return known->second;
}

void Harness::time(benchmark::State& state, std::string const& key,
                   std::function<void()> const& body, std::function<Work()> const& work, Gemm gemm,
                   Fence fence) {
  auto const before = _probe.measure(gemm);
  double seconds = 0;
  std::string trouble;
  bool const queued = _settings.as_device && fence == Fence::some;
  std::int64_t const calls = queued ? calls_of(key, body, trouble) : 1;
  while (state.KeepRunningBatch(calls)) {
    double const slowest = seconds_of(calls, body, trouble);
    state.SetIterationTime(slowest);
    seconds += slowest;
  }
  try {
    parallel::run_collectively(_comm, [&] {
      if (!trouble.empty()) throw Error(trouble);
    });
  } catch (Error const& error) {
    state.SkipWithError(error.what());
    return;
  }
  if (_settings.as_device) state.counters["calls"] = static_cast<double>(calls);
  if (is_final(key, seconds)) quote(state, work(), seconds, gemm, before);
}

void Harness::quote(benchmark::State& state, Work const& work, double seconds, Gemm gemm,
                    study::Rates const& before) {
  auto const after = _probe.measure(gemm);
  auto const per_second = [&](double per_call) {
    return _comm.sum(per_call) * static_cast<double>(state.iterations()) / seconds;
  };
  double const flops = per_second(work.flops), bytes = per_second(work.bytes);
  double const stream_drift = drift(before.triad, after.triad);
  double const gemm_drift = drift(before.gemm, after.gemm);
  auto& counters = state.counters;
  bool noisy = false;
  if (bytes > 0) {
    counters["GB/s"] = bytes * 1e-9;
    counters["of_stream"] = bytes / (0.5 * (before.triad + after.triad));
    counters["stream_drift"] = stream_drift;
    noisy = noisy || stream_drift > _settings.most_drift;
  }
  if (flops > 0) {
    counters["GFLOP/s"] = flops * 1e-9;
    counters["of_gemm"] = flops / (0.5 * (before.gemm + after.gemm));
    counters["gemm_drift"] = gemm_drift;
    noisy = noisy || gemm_drift > _settings.most_drift;
  }
  counters["noisy"] = noisy ? 1 : 0;
  for (auto const& [name, per_call] : work.items) {
    counters[name] = _comm.sum(per_call);
    counters[name + "/s"] = per_second(per_call);
  }
  if (!noisy) return;
  auto const percent = [](double share) { return std::to_string(std::lround(100 * share)) + " %"; };
  auto const why = "discarded: the machine's rates changed meanwhile (STREAM by " +
                   percent(stream_drift) + ", GEMM by " + percent(gemm_drift) +
                   "); --moho_keep_noisy shows it";
  if (_settings.keep_noisy)
    state.SetLabel("NOISY");
  else
    state.SkipWithError(why.c_str());
}

} // namespace moho::micro
