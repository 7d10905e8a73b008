// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/dispersion_arrays.hpp"
#include "moho/study/dispersion_batch.hpp"
#include "moho/study/dispersion_problem.hpp"
#include <algorithm>
#include <limits>
#include <numeric>

namespace moho::study {
namespace {

using dispersion::Status;
using dispersion::Wave;

dispersion::SolveOptions options_from(Parameters const& parameters) {
  dispersion::SolveOptions options;
  options.modes = static_cast<int>(parameters.integer("modes"));
  std::vector<std::string> const& waves = parameters.texts("waves");
  for (const Wave wave : dispersion::all_waves)
    options.waves[static_cast<std::size_t>(wave)] =
        std::find(waves.begin(), waves.end(), dispersion::name(wave)) != waves.end();
  return options;
}

std::vector<ParameterSpec> common_parameters() {
  return {{"modes", std::int64_t{1}, "modes 0 .. modes-1 of each wave", 1, 10000},
          {"waves",
           std::vector<std::string>{"rayleigh", "love"},
           "waves asked for",
           0,
           0,
           {"rayleigh", "love"}}};
}

class DispersionSolver : public Method {
public:
  explicit DispersionSolver(Parameters const& parameters) : _options(options_from(parameters)) {
    _options.extended_only = parameters.flag("extended");
  }

  Preparation prepare(Problem const&, parallel::Comm const& comm) override {
    _comm = comm;
    return {};
  }

  void apply(Batch const& in, Batch& out) override {
    const dispersion::Curves curves = solve_distributed(_comm, model_batch(in), _options);
    if (!_comm.root()) return;
    out = answers_batch(curves, _options);
    _evaluations = std::accumulate(curves.work.begin(), curves.work.end(), std::int64_t{0});
    _flops = std::accumulate(curves.flops.begin(), curves.flops.end(), std::int64_t{0});
    _roots = 0;
    for (dispersion::Curves::OfWave const& of : curves.wave)
      _roots += std::count_if(of.status.begin(), of.status.end(), [](Status status) {
        return status != Status::absent && status != Status::failed;
      });
  }

  Cost cost() const override {
    return {_flops, {}, {}, {{"layer_evaluations", _evaluations, true}, {"roots", _roots}}};
  }

private:
  parallel::Comm _comm;
  dispersion::SolveOptions _options;
  std::int64_t _evaluations = 0, _flops = 0, _roots = 0;
};

class HalfspaceAverage : public Method {
public:
  explicit HalfspaceAverage(Parameters const& parameters) : _options(options_from(parameters)) {}

  Preparation prepare(Problem const&, parallel::Comm const& comm) override {
    _comm = comm;
    return {};
  }

  void apply(Batch const& in, Batch& out) override {
    if (!_comm.root()) return; // too little work to share
    const dispersion::ModelBatch models = model_batch(in);
    out = Batch(in.count());
    _roots = _rows = 0;
    for (const Wave wave : dispersion::all_waves)
      if (_options.waves[static_cast<std::size_t>(wave)])
        set_wave_answers(out, wave, answers(models));
  }

  Cost cost() const override {
    return {{}, {}, {}, {{"layer_evaluations", _rows, true}, {"roots", _roots}}};
  }

private:
  static double mean_vs(dispersion::LayeredModel const& model) {
    double sum = 0, weight = 0;
    for (std::size_t i = 0; i < model.layers(); ++i) {
      if (model.vs[i] == 0) continue; // water
      sum += model.thickness[i] * model.vs[i];
      weight += model.thickness[i];
    }
    return weight > 0 ? sum / weight : model.vs.back();
  }

  WaveAnswers answers(dispersion::ModelBatch const& models) {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    const std::size_t points = models.points(), modes = static_cast<std::size_t>(_options.modes);
    WaveAnswers result{modes, points, {}, {}, {}, std::vector<std::int64_t>(points, 1)};
    for (std::size_t i = 0; i < models.size(); ++i) {
      double const c = 0.92 * mean_vs(models.model(i));
      result.phase.insert(result.phase.end(), models.periods(i).size(), c);
      _rows += static_cast<std::int64_t>(models.model(i).layers());
    }
    _roots += static_cast<std::int64_t>(points);
    result.status.assign(points, static_cast<std::int64_t>(Status::ok));
    result.phase.resize(modes * points, nan); // one mode is all it knows
    result.status.resize(modes * points, static_cast<std::int64_t>(Status::absent));
    result.group = result.phase;
    return result;
  }

  parallel::Comm _comm;
  dispersion::SolveOptions _options;
  std::int64_t _rows = 0, _roots = 0;
};

} // namespace

std::vector<ParameterSpec> dispersion_solver_parameters() {
  std::vector<ParameterSpec> specs = common_parameters();
  specs.push_back({"extended", false, "every root in extended precision: slow"});
  return specs;
}

std::unique_ptr<Method> make_dispersion_solver(Parameters const& parameters) {
  return std::make_unique<DispersionSolver>(parameters);
}

std::vector<ParameterSpec> halfspace_average_parameters() {
  return common_parameters();
}

std::unique_ptr<Method> make_halfspace_average(Parameters const& parameters) {
  return std::make_unique<HalfspaceAverage>(parameters);
}

} // namespace moho::study
