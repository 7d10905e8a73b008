// SPDX-License-Identifier: BSD-3-Clause
// moho::dispersion::solve and ::sensitivities on gradient models: 60 periods from 1 s to 100 s,
// fundamental mode; and the labels of the training set of arXiv 2604.04107. A device is given so
// many models that all its threads have one.
#include "harness.hpp"
#include "kernel_cases.hpp"
#include "moho/core/philox.hpp"
#include "moho/dispersion/priors.hpp"
#include "moho/dispersion/sensitivity.hpp"
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

double total(std::vector<std::int64_t> const& counts) {
  return static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}));
}

dispersion::SolveOptions options_for(Wave wave, bool group) {
  dispersion::SolveOptions options;
  options.waves = {wave == Wave::rayleigh, wave == Wave::love};
  options.group = group;
  return options;
}

void solve(Harness& harness, benchmark::State& state, Wave wave, bool group) {
  int const layers = static_cast<int>(state.range(0)), models = static_cast<int>(state.range(1));
  auto const batch = gradient_batch(harness.comm(), layers, models);
  auto const options = options_for(wave, group);
  dispersion::Curves curves;
  harness.time(
      state, dispersion::name(wave) + std::to_string(layers) + (group ? "group" : "phase"),
      [&] { curves = dispersion::solve(batch, options); },
      [&] {
        const double model_bytes = 4.0 * sizeof(double) * layers * models;
        const double point_bytes = ((group ? 3.0 : 2.0) * sizeof(double) + 5) * periods * models;
        return Work{.flops = total(curves.flops), // of what the search did, certificates included
                    .bytes = model_bytes + point_bytes,
                    .items = {{"curves", models}, {"layer_evaluations", total(curves.work)}}};
      });
}

/// All derivatives at the roots of the curves: of the phase velocity alone, or of everything.
void sensitivities(Harness& harness, benchmark::State& state, Wave wave, bool everything) {
  int const layers = static_cast<int>(state.range(0)), models = static_cast<int>(state.range(1));
  auto const batch = gradient_batch(harness.comm(), layers, models);
  auto const curves = dispersion::solve(batch, options_for(wave, false));
  std::vector<dispersion::RootPoint> points;
  for (int i = 0; i < models; ++i)
    for (int p = 0; p < periods; ++p) {
      auto const at = static_cast<std::size_t>(i * periods + p);
      double const phase = curves.wave[static_cast<std::size_t>(wave)].phase[at];
      points.push_back({i, wave, batch.periods(static_cast<std::size_t>(i))[at % periods], phase});
    }
  dispersion::Sensitivities answers;
  harness.time(
      state, dispersion::name(wave) + std::to_string(layers) + (everything ? "all" : "phase"),
      [&] {
        dispersion::differentiate(batch, points, {everything, everything}, answers);
      },
      [&] {
        auto const roots = static_cast<double>(points.size());
        double const quantities = !everything ? 1 : wave == Wave::love ? 2 : 3;
        return Work{.flops = sensitivity_flops(wave == Wave::love, everything).of(layers) * roots,
                    .bytes = 4.0 * sizeof(double) * layers * (models + quantities * roots),
                    .items = {{"curves", models}, {"roots", roots}}};
      });
}

/// Draws models of the strong prior (256 nodes, 59 periods) and solves for the phase velocities of
/// both waves.
void labels(Harness& harness, benchmark::State& state) {
  int const models = static_cast<int>(state.range(0));
  auto const first = static_cast<std::uint64_t>(harness.comm().rank() * models);
  auto options = options_for(Wave::rayleigh, false);
  options.waves = {true, true};
  options.folds = dispersion::FoldSearch::slopes;
  dispersion::Curves curves;
  std::size_t rows = 0;
  harness.time(
      state, "labels",
      [&] {
        ModelBatch batch;
        for (int i = 0; i < models; ++i) {
          auto const drawn = dispersion::draw({}, first + static_cast<std::uint64_t>(i));
          batch.append(drawn.model.view(), drawn.periods);
        }
        rows = static_cast<std::size_t>(batch.layer_offset().back());
        curves = dispersion::solve(batch, options);
      },
      [&] {
        const double model_bytes = 4.0 * sizeof(double) * static_cast<double>(rows);
        const double point_bytes = 2 * (sizeof(double) + 5.0) * static_cast<double>(curves.points);
        return Work{.flops = total(curves.flops),
                    .bytes = model_bytes + point_bytes,
                    .items = {{"curves", 2.0 * models}, {"layer_evaluations", total(curves.work)}}};
      });
}

template <class Body>
void register_one(std::string const& name, Body const& body, int models) {
  benchmark::RegisterBenchmark(name.c_str(), body)
      ->ArgNames({"layers", "models"})
      ->Args({10, models})
      ->Args({20, models})
      ->Args({50, models})
      ->Args({100, models / 2})
      ->UseManualTime()
      ->Unit(benchmark::kMillisecond);
}

} // namespace

void register_dispersion_benchmarks(Harness& harness) {
  bool const whole = harness.as_device();
  int const models = whole ? 131072 : 16, differentiated = whole ? 8192 : 16;
  for (auto const wave : dispersion::all_waves) {
    const std::string of = dispersion::name(wave);
    for (bool const more : {false, true}) {
      register_one(
          "dispersion_solve/" + of + (more ? "/group" : "/phase"),
          [&harness, wave, more](benchmark::State& state) { solve(harness, state, wave, more); },
          models);
      register_one(
          "dispersion_sensitivities/" + of + (more ? "/all" : "/phase"),
          [&harness, wave, more](benchmark::State& state) {
            sensitivities(harness, state, wave, more);
          },
          differentiated);
    }
  }
  benchmark::RegisterBenchmark("dispersion_labels/strong",
                               [&harness](benchmark::State& state) { labels(harness, state); })
      ->ArgName("models")
      ->Arg(whole ? 100000 : 4)
      ->UseManualTime()
      ->Unit(benchmark::kMillisecond);
}

} // namespace moho::micro
