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
      state, "stream_triad/" + std::to_string(n), [&] { triad(space, a, b, c, 3.0); },
      [&] {
        const auto elements = static_cast<double>(n);
        return Work{.flops = 0, .bytes = 24 * elements};
      });
}

template <class T>
void gemm(Harness& harness, benchmark::State& state, std::string const& name, Gemm kind) {
  int const order = static_cast<int>(state.range(0));
  auto const values = static_cast<std::size_t>(order) * static_cast<std::size_t>(order);
  using Array = Kokkos::View<T*, MemorySpace>;
  const Array a("moho::micro::a", values), b("moho::micro::b", values), c("moho::micro::c", values);
  Kokkos::deep_copy(a, T(1) / T(3));
  Kokkos::deep_copy(b, T(3));
  [[maybe_unused]] const study::BlasThreads threads(
      Kokkos::DefaultHostExecutionSpace().concurrency());
  harness.time(
      state, name + "/" + std::to_string(order),
      [&] { study::gemm(order, a.data(), b.data(), c.data()); },
      [&] { return Work{.flops = 2.0 * order * order * order}; }, kind);
}

template <class T>
void register_gemm(Harness& harness, std::string const& name, Gemm kind) {
  benchmark::RegisterBenchmark(
      name.c_str(),
      [&harness, name, kind](benchmark::State& state) { gemm<T>(harness, state, name, kind); })
      ->ArgName("order")
      ->Arg(32)
      ->Arg(128)
      ->Arg(768)
      ->UseManualTime()
      ->Unit(benchmark::kMicrosecond);
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
  register_gemm<double>(harness, "dgemm", Gemm::dgemm);
  register_gemm<float>(harness, "sgemm", Gemm::sgemm);
}

} // namespace moho::micro
