// SPDX-License-Identifier: BSD-3-Clause
// moho::dispersion::solve on gradient models: 60 periods from 1 s to 100 s, fundamental mode.
#include "harness.hpp"
#include "moho/core/philox.hpp"
#include "moho/dispersion/solve.hpp"
#include <cmath>
#include <numeric>

namespace moho::micro {
namespace {

using dispersion::ModelBatch;
using dispersion::Wave;

constexpr int periods = 60;

/// Smooth 0-100 km gradient vs = 2.5 + 2.2 (1 - exp(-z/35 km)), every layer varied by +-3 %.
void append_gradient_model(ModelBatch& batch, int layers, std::uint64_t index,
                           std::span<double const> period) {
  const Philox random{.seed = 20260101, .stream = 7};
  auto const rows = static_cast<std::size_t>(layers);
  std::vector<double> thickness(rows), vp(rows), vs(rows), rho(rows);
  double const step = 100.0 / (layers - 1);
  for (std::size_t i = 0; i < rows; ++i) {
    bool const last = i + 1 == rows; // the half-space, at 100 km
    double const depth = last ? 100.0 : (static_cast<double>(i) + 0.5) * step;
    double const variation =
        last ? 0 : 0.06 * random.uniform(index, static_cast<unsigned>(i)) - 0.03;
    thickness[i] = last ? 0 : step;
    vs[i] = (2.5 + 2.2 * (1 - std::exp(-depth / 35))) * (1 + variation);
    vp[i] = 1.75 * vs[i];
    rho[i] = 1.74 * std::pow(vp[i], 0.25);
  }
  batch.append({thickness, vp, vs, rho}, period);
}

/// Every rank has models of its own.
ModelBatch gradient_batch(parallel::Comm const& comm, int layers, int models) {
  std::vector<double> period(periods);
  for (int i = 0; i < periods; ++i)
    period[static_cast<std::size_t>(i)] = std::pow(100.0, i / (periods - 1.0));
  ModelBatch batch;
  for (int i = 0; i < models; ++i)
    append_gradient_model(batch, layers, static_cast<std::uint64_t>(comm.rank() * models + i),
                          period);
  return batch;
}

void solve(Harness& harness, benchmark::State& state, Wave wave) {
  int const layers = static_cast<int>(state.range(0)), models = static_cast<int>(state.range(1));
  auto const batch = gradient_batch(harness.comm(), layers, models);
  dispersion::SolveOptions options;
  options.waves = {wave == Wave::rayleigh, wave == Wave::love};
  dispersion::Curves curves;
  harness.time(
      state, dispersion::name(wave) + std::to_string(layers),
      [&] { curves = dispersion::solve(batch, options); },
      [&] {
        const double evaluations = static_cast<double>(
            std::accumulate(curves.work.begin(), curves.work.end(), std::int64_t{0}));
        const double model_bytes = 4.0 * sizeof(double) * layers * models;
        const double point_bytes = (3.0 * sizeof(double) + 5) * periods * models;
        const double flops = static_cast<double>(
            std::accumulate(curves.flops.begin(), curves.flops.end(), std::int64_t{0}));
        return Work{.flops = flops,
                    .bytes = model_bytes + point_bytes,
                    .items = {{"curves", models}, {"layer_evaluations", evaluations}}};
      });
}

} // namespace

void register_dispersion_benchmarks(Harness& harness) {
  for (auto const wave : dispersion::all_waves)
    benchmark::RegisterBenchmark(
        (std::string("dispersion_solve/") + dispersion::name(wave)).c_str(),
        [&harness, wave](benchmark::State& state) { solve(harness, state, wave); })
        ->ArgNames({"layers", "models"})
        ->Args({10, 16})
        ->Args({50, 16})
        ->Args({100, 8})
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond);
}

} // namespace moho::micro
