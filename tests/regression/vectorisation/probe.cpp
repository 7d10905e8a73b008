// SPDX-License-Identifier: BSD-3-Clause
// The kernels as functions of their own, compiled as the library is, to be disassembled; and the
// same kernels as they must not look. Nothing here is inlined into a caller.
#include "moho/dispersion/love.hpp"
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
  return 0;
}
