// SPDX-License-Identifier: BSD-3-Clause
#include "harness.hpp"
#include "moho/core/error.hpp"
#include "moho/core/stopwatch.hpp"
#include <algorithm>
#include <cmath>
#include <string>

namespace moho::micro {

Harness::Harness(parallel::Comm const& comm, Settings const& settings)
    : _comm(comm), _settings(settings), _probe(comm, settings.rates) {}

/// Google Benchmark calls again with more iterations until its minimum time is reached; only the
/// last of these calls is reported. Repetitions keep its number of iterations.
bool Harness::is_final(std::string const& key, double seconds) {
  if (seconds >= _settings.min_time) _calibrated.insert(key);
  return _calibrated.count(key) > 0;
}

void Harness::time(benchmark::State& state, std::string const& key,
                   std::function<void()> const& body, std::function<Work()> const& work,
                   study::Gemm gemm) {
  auto const before = _probe.measure(gemm);
  double seconds = 0;
  std::string trouble;
  for (auto _ : state) {
    _comm.barrier();
    Stopwatch const watch;
    try {
      if (trouble.empty()) body();
      Kokkos::fence();
    } catch (std::exception const& error) {
      trouble = error.what();
    }
    // The closing barrier counts: where ranks share cores, the first one to end is not the answer.
    _comm.barrier();
    double const slowest = std::max(_comm.max(watch.seconds()), 1e-9);
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
  if (is_final(key, seconds)) quote(state, work(), seconds, gemm, before);
}

void Harness::quote(benchmark::State& state, Work const& work, double seconds, study::Gemm gemm,
                    study::Rates const& before) {
  auto const after = _probe.measure(gemm);
  auto const per_second = [&](double per_call) {
    return _comm.sum(per_call) * static_cast<double>(state.iterations()) / seconds;
  };
  double const flops = per_second(work.flops), bytes = per_second(work.bytes);
  double const stream_drift = study::drift(before.triad, after.triad);
  double const gemm_drift = study::drift(before.gemm, after.gemm);
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
