// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/dispersion_map.hpp"
#include "moho/core/error.hpp"
#include "moho/core/statistics.hpp"
#include "moho/study/dispersion_arrays.hpp"
#include "moho/study/dispersion_batch.hpp"
#include "moho/study/function_batch.hpp"
#include <cmath>
#include <limits>
#include <numeric>

namespace moho::study {
namespace {

using dispersion::Curves;
using dispersion::Wave;

constexpr double likely = 0.99;

/// NaN where there is none.
double mean(std::vector<double> const& values) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// Errors of the known values of columns [first, last).
struct Errors {
  std::vector<double> relative, absolute;

  Errors(std::vector<double> const& truth, std::vector<double> const& answers, std::size_t width,
         std::size_t first, std::size_t last) {
    for (std::size_t row = 0; row < truth.size(); row += width)
      for (std::size_t i = row + first; i < row + last; ++i) {
        if (std::isnan(truth[i])) continue;
        relative.push_back(std::abs(answers[i] / truth[i] - 1));
        absolute.push_back(std::abs(answers[i] - truth[i]));
      }
  }
};

class RayleighSolver : public Method {
public:
  explicit RayleighSolver(Parameters const& parameters) : _options(fundamental_rayleigh_options()) {
    _options.tolerance = parameters.real("tolerance");
  }

  void accept(Problem const& problem) const override {
    if (capability<Layered>(problem) == nullptr)
      throw Error("rayleigh-solver needs layered models (this problem has none) ask it about "
                  "dispersion-family");
  }

  Preparation prepare(Problem const& problem, parallel::Comm const& comm) override {
    accept(problem);
    _comm = comm;
    _periods = capability<Layered>(problem)->periods().size();
    return {};
  }

  void apply(Batch const& in, Batch& out) override {
    const Curves curves = solve_distributed(_comm, model_batch(in), _options);
    if (!_comm.root()) return;
    out = Batch(in.count());
    out.set(output_array, "km/s", fundamental_rayleigh(curves), {in.count(), _periods});
    _evaluations = std::accumulate(curves.work.begin(), curves.work.end(), std::int64_t{0});
    _flops = std::accumulate(curves.flops.begin(), curves.flops.end(), std::int64_t{0});
  }

  Cost cost() const override {
    return {_flops, {}, {}, {{"layer_evaluations", _evaluations, true}}};
  }

private:
  parallel::Comm _comm;
  dispersion::SolveOptions _options;
  std::size_t _periods = 0;
  std::int64_t _evaluations = 0, _flops = 0;
};

} // namespace

dispersion::SolveOptions fundamental_rayleigh_options() {
  dispersion::SolveOptions options;
  options.waves = {true, false};
  options.group = false;
  return options;
}

std::vector<double> const& fundamental_rayleigh(Curves const& curves) {
  return curves.wave[static_cast<std::size_t>(Wave::rayleigh)].phase;
}

std::vector<std::string> const& curve_map_metrics() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all = function_metrics();
    all.insert(all.end(), {"phase_rel_mean", "phase_rel_p99", "phase_rel_max", "phase_abs_mean",
                           "phase_abs_p99"});
    return all;
  }();
  return names;
}

Assessment assess_curve_map(std::vector<double> const& periods, Batch const& truth,
                            Batch const& answers) {
  Assessment found = assess_function(truth, answers);
  const std::vector<double> u = truth.reals(output_array), c = answers.reals(output_array);
  const std::size_t width = periods.size();
  const Errors all(u, c, width, 0, width);
  found.metrics.insert(found.metrics.end(), {{"phase_rel_mean", mean(all.relative)},
                                             {"phase_rel_p99", quantile(all.relative, likely)},
                                             {"phase_rel_max", quantile(all.relative, 1)},
                                             {"phase_abs_mean", mean(all.absolute)},
                                             {"phase_abs_p99", quantile(all.absolute, likely)}});
  found.counters.push_back({"curves", static_cast<std::int64_t>(truth.count()), true});
  std::vector<double> rel_mean, rel_p99;
  for (std::size_t j = 0; j < width; ++j) {
    const Errors here(u, c, width, j, j + 1);
    rel_mean.push_back(mean(here.relative));
    rel_p99.push_back(quantile(here.relative, likely));
  }
  found.data.push_back({"error/period", "s", periods});
  found.data.push_back({"error/rel_mean", "", rel_mean});
  found.data.push_back({"error/rel_p99", "", rel_p99});
  return found;
}

std::vector<ParameterSpec> rayleigh_solver_parameters() {
  return {
      {"tolerance", 0.0, "largest relative error of a phase velocity; below 1e-7: none", 0, 0.1}};
}

std::unique_ptr<Method> make_rayleigh_solver(Parameters const& parameters) {
  return std::make_unique<RayleighSolver>(parameters);
}

} // namespace moho::study
