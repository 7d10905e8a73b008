// SPDX-License-Identifier: BSD-3-Clause
#include "alone.hpp"
#include "moho/core/stopwatch.hpp"
#include "moho/nn/gemm.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <type_traits>

namespace moho::study {
namespace {

constexpr bool on_host = std::is_same_v<ExecutionSpace, Kokkos::DefaultHostExecutionSpace>;
constexpr int least_passes = 3, most_passes = 10000;

/// Seconds of the fastest of some passes.
template <class Pass>
double best_of(double seconds, Pass const& pass) {
  pass(); // warm-up
  double best = std::numeric_limits<double>::infinity(), spent = 0;
  for (int passes = 0; passes < least_passes || (spent < seconds && passes < most_passes);
       ++passes) {
    Stopwatch const watch;
    pass();
    double const took = watch.seconds();
    best = std::min(best, took);
    spent += took;
  }
  return best;
}

template <class T>
void multiply(int order, T const* a, T const* b, T* c) {
  nn::GemmShape const shape{order, order, order, false, false, order, order, order};
  nn::gemm<T>(ExecutionSpace(), shape, a, b, c);
}

} // namespace

void gemm(int order, double const* a, double const* b, double* c) {
  multiply(order, a, b, c);
}
void gemm(int order, float const* a, float const* b, float* c) {
  multiply(order, a, b, c);
}

RateProbe::RateProbe(parallel::Comm const&, MeasureOptions const& options) : _options(options) {
  if (_options.array_bytes == 0) _options.array_bytes = std::size_t{256} << 20;
  double const threads = std::max(1, Kokkos::DefaultHostExecutionSpace().concurrency());
  if (_options.gemm_order <= 0)
    _options.gemm_order = on_host ? static_cast<int>(768 * std::sqrt(threads)) : 4096;
  const std::size_t n = std::max<std::size_t>(_options.array_bytes / sizeof(double), 1024);
  _a = Array<double>("moho::study::triad_a", n);
  _b = Array<double>("moho::study::triad_b", n);
  _c = Array<double>("moho::study::triad_c", n);
  Kokkos::deep_copy(_b, 1.0);
  Kokkos::deep_copy(_c, 2.0);
}

template <class T>
double RateProbe::gemm_rate(Factors<T>& factors) const {
  double const order = _options.gemm_order;
  if (factors.product.extent(0) == 0) {
    auto const values = static_cast<std::size_t>(order) * static_cast<std::size_t>(order);
    factors.left = Array<T>("moho::study::left", values);
    factors.right = Array<T>("moho::study::right", values);
    factors.product = Array<T>("moho::study::product", values);
    Kokkos::deep_copy(factors.left, T(1) / T(3));
    Kokkos::deep_copy(factors.right, T(3));
  }
  double const best = best_of(_options.seconds, [&] {
    multiply(_options.gemm_order, factors.left.data(), factors.right.data(),
             factors.product.data());
  });
  return 2 * order * order * order / best;
}

Rates RateProbe::measure(Gemm kind) {
  Rates rates;
  ExecutionSpace const space;
  rates.triad = 24.0 * static_cast<double>(_a.extent(0)) /
                best_of(_options.seconds, [&] { triad(space, _a, _b, _c, 3.0); });
  rates.gemm = kind == Gemm::sgemm ? gemm_rate(_single) : gemm_rate(_double);
  return rates;
}

} // namespace moho::study
