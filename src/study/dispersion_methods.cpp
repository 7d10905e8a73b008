// SPDX-License-Identifier: BSD-3-Clause
#include "moho/core/error.hpp"
#include "moho/core/stopwatch.hpp"
#include "moho/study/dispersion_arrays.hpp"
#include "moho/study/dispersion_batch.hpp"
#include "moho/study/dispersion_kernels.hpp"
#include "moho/study/dispersion_problem.hpp"
#include "moho/study/dispersion_trivial.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
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
           {"rayleigh", "love"}},
          {"kernels", std::vector<std::string>{},
           "derivatives by layer: of phase velocity (dc_), group velocity (dU_), ellipticity (dE_)",
           0, 0, kernel_names()}};
}

class DispersionSolver : public Method {
public:
  explicit DispersionSolver(Parameters const& parameters)
      : _options(options_from(parameters)), _kernels(parameters.texts("kernels")) {
    _options.extended_only = parameters.flag("extended");
    _options.group = parameters.flag("group");
    _options.tolerance = parameters.real("tolerance");
    _options.folds = parameters.text("folds") == "slopes" ? dispersion::FoldSearch::slopes
                                                          : dispersion::FoldSearch::scan;
    if (_options.tolerance > 0 && !_options.group && !_kernels.empty())
      throw Error("method.tolerance is " + fmt::format("{}", _options.tolerance) +
                  " (kernels are taken at exact roots) set it to 0, or group = true");
  }

  Preparation prepare(Problem const&, parallel::Comm const& comm) override {
    _comm = comm;
    return {};
  }

  void apply(Batch const& in, Batch& out) override {
    const dispersion::ModelBatch models = model_batch(in);
    const Stopwatch watch;
    const dispersion::Curves curves = solve_distributed(_comm, models, _options);
    double const solved = watch.seconds();
    if (_comm.root()) out = answers_batch(curves, _options);
    const Stopwatch kernel_watch;
    append_kernels(_comm, models, curves, _options, _kernels, out);
    if (!_comm.root()) return;
    if (!_kernels.empty()) set_times(out, solved, kernel_watch.seconds());
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
  /// The shortest times so far: what else the machine did is not the ratio's business.
  void set_times(Batch& out, double curves, double kernels) {
    _seconds = {std::min(_seconds[0], curves), std::min(_seconds[1], kernels)};
    out.set("seconds", "s", _seconds);
  }

  parallel::Comm _comm;
  dispersion::SolveOptions _options;
  std::vector<std::string> _kernels;
  std::array<double, 2> _seconds{HUGE_VAL, HUGE_VAL}; ///< of curves and kernels
  std::int64_t _evaluations = 0, _flops = 0, _roots = 0;
};

class HalfspaceAverage : public Method {
public:
  explicit HalfspaceAverage(Parameters const& parameters)
      : _options(options_from(parameters)), _kernels(parameters.texts("kernels")) {}

  Preparation prepare(Problem const&, parallel::Comm const& comm) override {
    _comm = comm;
    return {};
  }

  void apply(Batch const& in, Batch& out) override {
    if (!_comm.root()) return; // too little work to share
    const dispersion::ModelBatch models = model_batch(in);
    out = Batch(in.count());
    _roots = _rows = 0;
    for (const Wave wave : dispersion::all_waves) {
      if (!_options.waves[static_cast<std::size_t>(wave)]) continue;
      set_wave_answers(out, wave, answers(models, wave));
      for (std::string const& name : _kernels)
        if (wave == Wave::rayleigh || name.rfind("dE", 0) != 0) set_kernel(out, wave, name, models);
    }
  }

  Cost cost() const override {
    return {{}, {}, {}, {{"layer_evaluations", _rows, true}, {"roots", _roots}}};
  }

private:
  static constexpr double nan = std::numeric_limits<double>::quiet_NaN();

  WaveAnswers answers(dispersion::ModelBatch const& models, Wave wave) {
    const std::size_t points = models.points(), modes = static_cast<std::size_t>(_options.modes);
    WaveAnswers result{modes, points, {}, {}, {}, std::vector<std::int64_t>(points, 1), {}};
    for (std::size_t i = 0; i < models.size(); ++i) {
      double const c = trivial_velocity(models.model(i));
      result.phase.insert(result.phase.end(), models.periods(i).size(), c);
      _rows += static_cast<std::int64_t>(models.model(i).layers());
    }
    _roots += static_cast<std::int64_t>(points);
    result.status.assign(points, static_cast<std::int64_t>(Status::ok));
    result.phase.resize(modes * points, nan); // one mode is all it knows
    result.status.resize(modes * points, static_cast<std::int64_t>(Status::absent));
    result.group = result.phase;
    if (wave == Wave::rayleigh) {
      result.ellipticity.assign(points, trivial_ellipticity);
      result.ellipticity.resize(modes * points, nan);
    }
    return result;
  }

  void set_kernel(Batch& out, Wave wave, std::string const& name,
                  dispersion::ModelBatch const& models) const {
    const std::vector<std::int64_t> offset = kernel_offset(models);
    const std::size_t modes = static_cast<std::size_t>(_options.modes);
    auto const rows = static_cast<std::size_t>(offset.back());
    std::vector<double> values;
    values.reserve(modes * rows);
    for (std::size_t i = 0; i < models.size(); ++i) {
      const std::vector<double> kernel = trivial_kernel(models.model(i), name);
      for (std::size_t t = 0; t < models.periods(i).size(); ++t)
        values.insert(values.end(), kernel.begin(), kernel.end());
    }
    values.resize(modes * rows, nan);
    out.set(std::string(dispersion::name(wave)) + "/kernel/" + name, kernel_units(name), values,
            {modes, rows});
  }

  parallel::Comm _comm;
  dispersion::SolveOptions _options;
  std::vector<std::string> _kernels;
  std::int64_t _rows = 0, _roots = 0;
};

} // namespace

std::vector<ParameterSpec> dispersion_solver_parameters() {
  std::vector<ParameterSpec> specs = common_parameters();
  specs.push_back({"extended", false, "every root in extended precision: slow"});
  specs.push_back({"group", true, "group velocity and ellipticity too"});
  specs.push_back(
      {"tolerance", 0.0,
       "largest relative error of a phase velocity where group = false; below 1e-7: none", 0, 0.1});
  specs.push_back({"folds",
                   std::string("scan"),
                   "folded branches: by scanning every period, or where the curves' slopes hint",
                   0,
                   0,
                   {"scan", "slopes"}});
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
