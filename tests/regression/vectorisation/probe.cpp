// SPDX-License-Identifier: BSD-3-Clause
// The kernels as functions of their own, compiled as the library is, to be disassembled; and the
// same kernels as they must not look. Nothing here is inlined into a caller.
#include "moho/dispersion/love.hpp"
#include "moho/nn/functions.hpp"
#include <cmath>
#include <cstdio>

namespace {

using namespace moho;
using namespace moho::dispersion;
using Model = LayerView<double>;

template <bool with_count, class T>
T rayleigh_value(Model const* model, T const* in) {
  auto const e = rayleigh<with_count>(*model, in[0], in[1]);
  return value(e.secular) + e.count + e.exponent + e.doubt;
}

template <class T>
T love_value(Model const* model, T const* in) {
  auto const e = love(*model, in[0], in[1]);
  return e.secular + e.count + e.exponent;
}

/// Value and both derivatives, d/dc and d/dk.
template <bool of_love, class T>
T derivatives(Model const* model, T const* in) {
  const T one(1.0), zero(0.0);
  Dual<T> const c{in[0], one, zero}, k{in[1], zero, one};
  if constexpr (of_love) {
    auto const f = love(*model, c, k).secular;
    return f.v + f.d0 + f.d1;
  } else {
    auto const f = rayleigh<false>(*model, c, k).secular;
    return f.v + f.d0 + f.d1;
  }
}

} // namespace

#define PROBE extern "C" __attribute__((noinline, noclone))

// clang-format off
PROBE void probe_rayleigh(Model const* m, HostPack const* in, HostPack* out) { *out = rayleigh_value<true>(m, in); }
PROBE void probe_rayleigh_secular(Model const* m, HostPack const* in, HostPack* out) { *out = rayleigh_value<false>(m, in); }
PROBE void probe_love(Model const* m, HostPack const* in, HostPack* out) { *out = love_value(m, in); }
PROBE void probe_rayleigh_derivatives(Model const* m, HostPack const* in, HostPack* out) { *out = derivatives<false>(m, in); }
PROBE void probe_love_derivatives(Model const* m, HostPack const* in, HostPack* out) { *out = derivatives<true>(m, in); }

PROBE void probe_exp(Model const*, HostPack const* in, HostPack* out) { *out = exp(in[0]); }
PROBE void probe_sincos(Model const*, HostPack const* in, HostPack* out) { sincos(in[0], out[0], out[1]); }

// What the check must reject: one lane at a time, and a call to libm in each lane.
PROBE void wrong_rayleigh(Model const* m, double const* in, double* out) { *out = rayleigh_value<true>(m, in); }
PROBE void wrong_love(Model const* m, double const* in, double* out) { *out = love_value(m, in); }
// clang-format on
PROBE void wrong_libm(Model const*, HostPack const* in, HostPack* out) {
  HostPack x = in[0];
  for (int round = 0; round < 100; ++round) {
    for (int i = 0; i < Scalar<HostPack>::lanes; ++i) set_lane(x, i, std::exp(-lane(x, i)));
    x = x * x * 0.25 - x + 1.0;
  }
  *out = x;
}

// Plain loops over the elementary functions of floats and doubles: the compiler vectorises them.
#define LOOP(name, function, T)                                                                    \
  PROBE void probe_loop_##name(T const* x, T* y, long n) {                                         \
    for (long i = 0; i < n; ++i) y[i] = nn::functions::function(x[i]);                             \
  }
// clang-format off
#define LOOPS(T)                                                                                   \
  LOOP(exp_##T, exp, T) LOOP(log_##T, log, T) LOOP(tanh_##T, tanh, T)                              \
  LOOP(sigmoid_##T, sigmoid, T) LOOP(sin_##T, sin, T) LOOP(cos_##T, cos, T) LOOP(erf_##T, erf, T)  \
  LOOP(gelu_##T, gelu, T) LOOP(gelu_slope_##T, gelu_slope, T)
LOOPS(double)
LOOPS(float)
// clang-format on

// And as they must not look: a call in each entry, an entry that waits for the one before.
PROBE void wrong_loop_libm(float const* x, float* y, long n) {
  for (long i = 0; i < n; ++i) y[i] = std::erf(x[i]) * x[i] + 0.5f * x[i] - x[i] * x[i];
}
PROBE void wrong_loop_chain(double const* x, double* y, long n) {
  for (long i = 1; i < n; ++i) y[i] = nn::functions::exp(y[i - 1] * x[i]);
}

/// One value of each loop.
template <class T, class... Probe>
void run_loops(Probe*... probe) {
  T x[100], y[100];
  for (int i = 0; i < 100; ++i) x[i] = T(0.1) + T(0.03) * T(i), y[i] = 0;
  auto const one = [&](auto* function) {
    function(x, y, 100);
    std::printf("%g\n", static_cast<double>(y[40]));
  };
  (one(probe), ...);
}

/// Prints the lanes of a pack; with an argument, also what each probe returns.
int main(int argc, char**) {
  std::printf("%d\n", Scalar<HostPack>::lanes);
  if (argc < 2) return 0;
  SolidLayer<double> const layers[] = {make_solid(1.0, 5.0, 3.0, 2.5),
                                       make_solid(0.0, 8.0, 4.6, 3.3)};
  const Model model{nullptr, layers, 0, 2};
  const HostPack in[] = {HostPack(2.9), HostPack(1.0)};
  HostPack out[2];
  double const scalar_in[] = {2.9, 1.0};
  double scalar_out;
  for (auto* probe :
       {probe_rayleigh, probe_rayleigh_secular, probe_love, probe_rayleigh_derivatives,
        probe_love_derivatives, probe_exp, probe_sincos, wrong_libm}) {
    probe(&model, in, out);
    std::printf("%g\n", lane(out[0], 0));
  }
  for (auto* probe : {wrong_rayleigh, wrong_love}) {
    probe(&model, scalar_in, &scalar_out);
    std::printf("%g\n", scalar_out);
  }
#define ALL_LOOPS(T)                                                                               \
  probe_loop_exp_##T, probe_loop_log_##T, probe_loop_tanh_##T, probe_loop_sigmoid_##T,             \
      probe_loop_sin_##T, probe_loop_cos_##T, probe_loop_erf_##T, probe_loop_gelu_##T,             \
      probe_loop_gelu_slope_##T
  run_loops<double>(ALL_LOOPS(double), wrong_loop_chain);
  run_loops<float>(ALL_LOOPS(float), wrong_loop_libm);
  return 0;
}
