// SPDX-License-Identifier: BSD-3-Clause
// The ceilings themselves: their fractions must come out near 1, which checks the harness.
#include "harness.hpp"
#include <memory>

namespace moho::micro {
namespace {

void stream_triad(Harness& harness, benchmark::State& state) {
  using Array = Kokkos::View<double*, MemorySpace>;
  auto const n = static_cast<std::size_t>(state.range(0));
  const Array a("moho::micro::a", n), b("moho::micro::b", n), c("moho::micro::c", n);
  const ExecutionSpace space;
  harness.time(
      state, "stream_triad/" + std::to_string(n),
      [&] {
        study::triad(space, a, b, c, 3.0);
        space.fence();
      },
      [&] {
        const auto elements = static_cast<double>(n);
        return Work{.flops = 0, .bytes = 24 * elements};
      });
}

void gemm(Harness& harness, benchmark::State& state) {
  int const order = static_cast<int>(state.range(0));
  auto const values = static_cast<std::size_t>(order) * static_cast<std::size_t>(order);
  const std::vector<double> a(values, 1.0 / 3), b(values, 3.0);
  std::vector<double> c(values);
  const study::BlasThreads threads(Kokkos::DefaultHostExecutionSpace().concurrency());
  harness.time(
      state, "dgemm/" + std::to_string(order),
      [&] { study::gemm(order, a.data(), b.data(), c.data()); },
      [&] { return Work{.flops = 2.0 * order * order * order}; });
}

} // namespace

void register_machine_benchmarks(Harness& harness) {
  benchmark::RegisterBenchmark("stream_triad",
                               [&](benchmark::State& state) { stream_triad(harness, state); })
      ->ArgName("elements")
      ->Arg(1 << 14) // fits the first-level caches: a fraction above 1
      ->Arg(1 << 24)
      ->UseManualTime()
      ->Unit(benchmark::kMicrosecond);
  benchmark::RegisterBenchmark("dgemm", [&](benchmark::State& state) { gemm(harness, state); })
      ->ArgName("order")
      ->Arg(32)
      ->Arg(128)
      ->Arg(768)
      ->UseManualTime()
      ->Unit(benchmark::kMicrosecond);
}

} // namespace moho::micro
