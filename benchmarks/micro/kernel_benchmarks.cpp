// SPDX-License-Identifier: BSD-3-Clause
// The kernels alone, in cache: secular functions of Rayleigh and Love waves in each regime of the
// layer functions, their derivatives, the elementary functions, and extended precision.
#include "harness.hpp"
#include "kernel_cases.hpp"
#include "moho/dispersion/love.hpp"

namespace moho::micro {
namespace {

using dispersion::LayerView;
using Host = Kokkos::DefaultHostExecutionSpace;
using HostArray = Kokkos::View<double*, Kokkos::HostSpace>;

constexpr int lanes = Scalar<HostPack>::lanes;
constexpr int points = 512; ///< a multiple of the lanes; 512 points fit the first-level cache

HostArray host_copy(std::vector<double> const& from) {
  HostArray to("moho::micro::in", from.size());
  std::copy(from.begin(), from.end(), to.data());
  return to;
}

HostPack pack_at(double const* from) {
  HostPack p(0.0);
  for (int i = 0; i < lanes; ++i) set_lane(p, i, from[i]);
  return p;
}

template <class Pack>
void unpack(Pack p, double* to) {
  for (int i = 0; i < Scalar<Pack>::lanes; ++i) to[i] = lane(p, i);
}

/// One pack of points: `out` gets everything that the evaluation returns.
template <Kernel kernel>
void evaluate(LayerView<double> const& model, HostPack c, HostPack k, double* out) {
  using namespace dispersion;
  const HostPack one(1.0), zero(0.0);
  if constexpr (kernel == Kernel::rayleigh_derivatives || kernel == Kernel::love_derivatives) {
    Dual<HostPack> const dc{c, one, zero}, dk{k, zero, one};
    Dual<HostPack> f;
    if constexpr (kernel == Kernel::love_derivatives)
      f = love(model, dc, dk).secular;
    else
      f = rayleigh<false>(model, dc, dk).secular;
    unpack(f.v, out);
    unpack(f.d0, out + lanes);
    unpack(f.d1, out + 2 * lanes);
  } else {
    Evaluation<HostPack> e;
    if constexpr (kernel == Kernel::love)
      e = love(model, c, k);
    else
      e = rayleigh<kernel == Kernel::rayleigh>(model, c, k);
    unpack(e.secular, out);
    unpack(e.exponent, out + lanes);
    unpack(e.count, out + 2 * lanes);
    unpack(e.doubt, out + 3 * lanes);
  }
}

template <Kernel kernel>
void secular(Harness& harness, benchmark::State& state, Regime regime) {
  int const layers = static_cast<int>(state.range(0));
  KernelCase const sample = kernel_case(regime, layers, points);
  const HostArray c = host_copy(sample.c), k = host_copy(sample.k);
  const HostArray out("moho::micro::out", std::size_t{4} * points);
  LayerView<double> const model = sample.view();
  harness.time(
      state, std::string(name(kernel)) + name(regime) + std::to_string(layers),
      [&] {
        Kokkos::parallel_for("moho::micro::secular", Kokkos::RangePolicy<Host>(0, points / lanes),
                             [=](int i) {
                               evaluate<kernel>(model, pack_at(&c(i * lanes)),
                                                pack_at(&k(i * lanes)), &out(i * 4 * lanes));
                             });
        Host().fence();
      },
      [&] {
        return Work{.flops = declared_flops(kernel, regime).of(layers) * points,
                    .bytes = declared_bytes(kernel, layers, points),
                    .items = {{"layer_evaluations", double(layers) * points}}};
      });
}

/// e^x or sine and cosine of 2048 arguments.
template <bool exponential>
void elementary(Harness& harness, benchmark::State& state) {
  constexpr int n = 2048;
  const HostArray in("moho::micro::in", n), out("moho::micro::out", std::size_t{2} * n);
  for (int i = 0; i < n; ++i) in(i) = exponential ? -0.01 * i : 0.03 * i;
  harness.time(
      state, exponential ? "exp" : "sincos",
      [&] {
        Kokkos::parallel_for("moho::micro::elementary", Kokkos::RangePolicy<Host>(0, n / lanes),
                             [=](int i) {
                               const HostPack x = pack_at(&in(i * lanes));
                               HostPack a, b(0.0);
                               if constexpr (exponential)
                                 a = exp(x);
                               else
                                 sincos(x, a, b);
                               unpack(a, &out(i * lanes));
                               if constexpr (!exponential) unpack(b, &out(n + i * lanes));
                             });
        Host().fence();
      },
      [&] {
        return Work{.flops = static_cast<double>(exponential ? exp_flops : sincos_flops) * n,
                    .bytes = sizeof(double) * n * (exponential ? 2.0 : 3.0),
                    .items = {{"values", n}}};
      });
}

/// The secular function with count in extended precision; one point after the other.
void extended(Harness& harness, benchmark::State& state, bool love) {
  int const layers = static_cast<int>(state.range(0));
  constexpr int n = 16;
  KernelCase const sample = kernel_case(Regime::mixed, layers, n);
  std::vector<dispersion::SolidLayer<DoubleDouble>> solids;
  for (auto const& l : sample.layers) {
    const DoubleDouble vp = sqrt(DoubleDouble(1.0) / l.inv_vp2);
    const DoubleDouble vs = sqrt(DoubleDouble(1.0) / l.inv_vs2);
    solids.push_back(
        dispersion::make_solid(DoubleDouble(l.thickness), vp, vs, DoubleDouble(l.rho)));
  }
  LayerView<DoubleDouble> const model{nullptr, solids.data(), 0, layers};
  const HostArray c = host_copy(sample.c), k = host_copy(sample.k);
  const HostArray out("moho::micro::out", n);
  harness.time(
      state, std::string("extended") + (love ? "love" : "rayleigh") + std::to_string(layers),
      [&] {
        Kokkos::parallel_for("moho::micro::extended", Kokkos::RangePolicy<Host>(0, n), [=](int i) {
          const DoubleDouble x(c(i)), y(k(i));
          out(i) = (love ? dispersion::love(model, x, y) : dispersion::rayleigh<true>(model, x, y))
                       .secular.hi;
        });
        Host().fence();
      },
      [&] {
        double const flops = extended_flops(love ? Kernel::love : Kernel::rayleigh).of(layers);
        return Work{.flops = flops * n,
                    .bytes = static_cast<double>(solids.size() * sizeof solids[0]) + 48.0 * n,
                    .items = {{"layer_evaluations", double(layers) * n}}};
      });
}

template <Kernel kernel>
void register_kernel(Harness& harness) {
  for (const Regime regime : all_regimes)
    benchmark::RegisterBenchmark(
        (std::string("kernel/") + name(kernel) + "/" + name(regime)).c_str(),
        [&harness, regime](benchmark::State& state) { secular<kernel>(harness, state, regime); })
        ->ArgName("layers")
        ->Arg(10)
        ->Arg(20)
        ->Arg(100)
        ->UseManualTime()
        ->Unit(benchmark::kMicrosecond);
}

} // namespace

void register_kernel_benchmarks(Harness& harness) {
  register_kernel<Kernel::rayleigh>(harness);
  register_kernel<Kernel::rayleigh_secular>(harness);
  register_kernel<Kernel::love>(harness);
  register_kernel<Kernel::rayleigh_derivatives>(harness);
  register_kernel<Kernel::love_derivatives>(harness);
  for (bool const love : {false, true})
    benchmark::RegisterBenchmark(
        love ? "kernel/love_extended/mixed" : "kernel/rayleigh_extended/mixed",
        [&harness, love](benchmark::State& state) { extended(harness, state, love); })
        ->ArgName("layers")
        ->Arg(20)
        ->UseManualTime()
        ->Unit(benchmark::kMicrosecond);
  auto const unit = benchmark::kMicrosecond;
  benchmark::RegisterBenchmark("kernel/exp",
                               [&](benchmark::State& state) { elementary<true>(harness, state); })
      ->UseManualTime()
      ->Unit(unit);
  benchmark::RegisterBenchmark("kernel/sincos",
                               [&](benchmark::State& state) { elementary<false>(harness, state); })
      ->UseManualTime()
      ->Unit(unit);
}

} // namespace moho::micro
