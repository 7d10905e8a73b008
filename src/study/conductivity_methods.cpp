// SPDX-License-Identifier: BSD-3-Clause
// `adjoint-identification`: the misfit's adjoint gradient, minimised by TAO; and the best constant.
#include "moho/core/error.hpp"
#include "moho/core/stopwatch.hpp"
#include "moho/parallel/minimise.hpp"
#include "moho/study/conductivity.hpp"
#include "moho/study/measure.hpp"
#include "moho/study/stop.hpp"
#include <algorithm>
#include <cmath>
#include <limits>

namespace moho::study {
namespace {

ConductivityGrid const& grid_of(Problem const& problem, char const* method) {
  auto const* posed = capability<ConductivityProblem>(problem);
  if (posed == nullptr)
    throw Error(std::string(method) + " needs the grid of the conductivity (this problem does not "
                                      "tell any) use it with problem conductivity");
  return posed->grid();
}

class AdjointIdentification : public Method {
public:
  explicit AdjointIdentification(Parameters const& parameters)
      : _target(parameters.real("target")), _options(system_options_of(parameters)) {
    _minimise.type = parameters.text("minimiser");
    _minimise.iterations = static_cast<int>(parameters.integer("iterations"));
    _minimise.evaluations = 10 * _minimise.iterations;
    if (_minimise.type.ends_with("lmvm"))
      _minimise.memory = static_cast<int>(parameters.integer("memory"));
  }

  void accept(Problem const& problem) const override {
    static_cast<void>(grid_of(problem, "adjoint-identification"));
  }

  Preparation prepare(Problem const& problem, parallel::Comm const& comm) override {
    const Stopwatch watch;
    _model = std::make_unique<ConductivityModel>(comm, grid_of(problem, "adjoint-identification"),
                                                 _options);
    return {
        {{"unknowns_solved", _model->space().unknowns()}, {"nonzeros", _model->space().nonzeros()}},
        {},
        {},
        {},
        {{"model", watch.seconds()}}};
  }

  // Every rank minimises alike, so that its vector operations have the same bits on any number.
  void apply(Batch const& in, Batch& out) override {
    const BlasThreads one(1);
    const Stopwatch watch;
    _before = _model->work();
    const std::vector<Phase> before = _model->phases();
    const std::vector<double> data = in.reals("solution");
    std::vector<double> theta(data.size(), 0);
    const std::vector<double> history = identify(data, theta);
    _phases = _model->phases();
    double inner = 0;
    for (std::size_t i = 0; i < before.size(); ++i)
      inner += _phases[i].seconds -= before[i].seconds;
    _phases.push_back({"minimiser", watch.seconds() - inner});
    out = Batch(1);
    out.set("conductivity", "", conductivity_of(theta), {1, theta.size()});
    if (!history.empty()) out.set("history", "", history);
  }

  Cost cost() const override {
    ConductivityModel::Work const& work = _model->work();
    std::int64_t const gradients = work.gradients - _before.gradients,
                       maps = work.gradient_maps - _before.gradient_maps,
                       solves = work.gradient_solves - _before.gradient_solves;
    Cost cost;
    cost.counters = {{"maps", work.maps - _before.maps},
                     {"solves", work.solves - _before.solves},
                     {"gradients", gradients, true},
                     {"gradient_maps", maps},
                     {"gradient_solves", solves}};
    cost.metrics = {{"iterations", static_cast<double>(_report.iterations)},
                    {"evaluations", static_cast<double>(_report.evaluations)},
                    {"gradient_norm", _report.gradient}};
    cost.phases = _phases;
    double const each = static_cast<double>(std::max<std::int64_t>(1, gradients));
    parallel::SolveReport const& solver = _model->report();
    cost.checks = {
        {"solver_converged", solver.converged ? 1.0 : 0.0, Relation::equal, 1, solver.ending()},
        {"minimiser_converged", _report.converged ? 1.0 : 0.0, Relation::equal, 1,
         "ended by " + _report.reason},
        {"gradient_solves_each", static_cast<double>(solves) / each, Relation::at_most, 1,
         "of one adjoint gradient"},
        {"gradient_maps_each", static_cast<double>(maps) / each, Relation::at_most, 1.5,
         "of one adjoint gradient"}};
    return cost;
  }

private:
  /// Moves theta to a minimum, or to the last place where the solver converged. The misfits on the
  /// way; none if the solver failed.
  std::vector<double> identify(std::vector<double> const& data, std::vector<double>& theta) {
    StopPoint stop_point(_model->space().comm());
    std::vector<double> solved = theta;
    try {
      double const start = _model->misfit(conductivity_of(theta), data);
      auto const objective = [&](std::span<double const> at, std::span<double> gradient) {
        stop_point();
        double const value = _model->misfit(conductivity_of(at), data) / start;
        const std::vector<double> slopes = slopes_by_theta(at, _model->gradient());
        for (std::size_t i = 0; i < slopes.size(); ++i) gradient[i] = slopes[i] / start;
        solved.assign(at.begin(), at.end());
        return value;
      };
      parallel::MinimiseOptions options = _minimise;
      options.value = _target;
      if (start > 0)
        _report = parallel::minimise(parallel::Comm::self(), objective, theta, options);
      else
        _report = {true, "a start that fits exactly", 0, 0, 0, 0, {0}};
      std::vector<double> history = _report.history;
      for (double& value : history) value *= start;
      return history;
    } catch (Unsolved const&) { // the model keeps the report
      constexpr double nan = std::numeric_limits<double>::quiet_NaN();
      _report = {false, "a solver that failed", 0, 0, nan, nan, {}};
      theta = solved;
      return {};
    }
  }

  double _target;
  SystemOptions _options;
  parallel::MinimiseOptions _minimise;
  std::unique_ptr<ConductivityModel> _model;
  ConductivityModel::Work _before;
  parallel::MinimiseReport _report;
  std::vector<Phase> _phases;
};

/// u of k = c is u_1 / c, so that the best c is |u_1|^2 / <u_1, data> in the mass norm.
class ConstantConductivity : public Method {
public:
  void accept(Problem const& problem) const override {
    static_cast<void>(grid_of(problem, "constant-conductivity"));
  }
  Preparation prepare(Problem const& problem, parallel::Comm const& comm) override {
    _model = std::make_unique<ConductivityModel>(comm, grid_of(problem, "constant-conductivity"));
    return {{{"parameters", 1}}, {}, {}, {}, {}};
  }
  void apply(Batch const& in, Batch& out) override {
    const std::vector<double> data = in.reals("solution"),
                              u = _model->solve(std::vector<double>(data.size(), 1));
    std::vector<double> sum = u;
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += data[i];
    double const square = 2 * _model->half_square(u),
                 product = _model->half_square(sum) - 0.5 * square - _model->half_square(data);
    out = Batch(1);
    out.set("conductivity", "", std::vector<double>(data.size(), square / product),
            {1, data.size()});
  }
  Cost cost() const override { return {}; }

private:
  std::unique_ptr<ConductivityModel> _model;
};

} // namespace

std::vector<ParameterSpec> adjoint_identification_parameters() {
  std::vector<ParameterSpec> specs{
      {"minimiser",
       std::string("lmvm"),
       "of TAO: limited-memory BFGS, also with bounds, or nonlinear conjugate gradients",
       0,
       0,
       {"lmvm", "blmvm", "bncg"}},
      {"memory", std::int64_t{20}, "pairs that lmvm and blmvm remember", 1, 1000},
      {"iterations", std::int64_t{2000}, "at most", 1, 1000000},
      {"target", 1e-8, "misfit to reach, as a share of that of k = 1", 0, 1}};
  for (ParameterSpec& spec : system_parameters()) specs.push_back(std::move(spec));
  return specs;
}

std::vector<std::string> const& adjoint_identification_metrics() {
  static const std::vector<std::string> names{"iterations", "evaluations", "gradient_norm"};
  return names;
}

std::unique_ptr<Method> make_adjoint_identification(Parameters const& parameters) {
  return std::make_unique<AdjointIdentification>(parameters);
}

std::vector<ParameterSpec> constant_conductivity_parameters() {
  return {};
}

std::unique_ptr<Method> make_constant_conductivity(Parameters const&) {
  return std::make_unique<ConstantConductivity>();
}

} // namespace moho::study
