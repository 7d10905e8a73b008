// SPDX-License-Identifier: BSD-3-Clause
// Physics-informed networks: points -> loss -> training -> answers.
#include "moho/core/error.hpp"
#include "moho/core/host_copy.hpp"
#include "moho/nn/ops.hpp"
#include "moho/study/function_batch.hpp"
#include "moho/study/training.hpp"
#include "moho/study/weights_file.hpp"
#include "pinn_loss.hpp"
#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>

namespace moho::study {
namespace {

constexpr std::int64_t rows_of_answers = 256;

SpaceTimeEquation equation_of(Problem const& problem) {
  auto const* physics = capability<PhysicsInformed>(problem);
  if (physics == nullptr)
    throw Error("method 'pinn' needs an equation (this problem tells none) take a problem pinn-..");
  return physics->equation();
}

/// The sum over logical shards of `size` numbers that f(shard) gives, the same on every rank.
template <class F>
std::vector<double> over_shards(parallel::Comm const& comm, std::size_t size, F const& f) {
  parallel::ShardSum<double> sum(comm, logical_shards, size);
  sum.start();
  for (int shard = sum.owned().first; shard < sum.owned().last; ++shard) {
    auto const values = f(shard);
    std::copy(values.begin(), values.end(), sum.next().data());
    sum.commit();
  }
  std::vector<double> total(size);
  sum.finish(parallel::ShardSum<double>::Array(total.data(), size));
  return total;
}

template <class T>
std::vector<double> all_terms(parallel::Comm const& comm, PhysicsLoss<T>& loss,
                              DeviceArray<T> const& theta) {
  loss.share(logical_shards);
  return over_shards(comm, 3, [&](int shard) { return loss.terms(shard, theta); });
}

/// How the coefficient is raised; one stage without a curriculum.
nn::Curriculum curriculum_of(Parameters const& parameters, double target) {
  double const increment = parameters.real("curriculum");
  nn::Curriculum curriculum{increment > 0 ? 0 : target, increment, target,
                            parameters.integer("stage_epochs")};
  curriculum.stages();
  return curriculum;
}

/// The loss of an equation whose coefficient is raised stage by stage.
template <class T>
class PhysicsTask : public TrainingTask<T> {
public:
  PhysicsTask(parallel::Comm const& comm, PhysicsLoss<T>& loss, PhysicsInformed const& physics,
              nn::Curriculum const& curriculum)
      : _comm(comm), _loss(loss), _physics(physics), _curriculum(curriculum) {}

  ShardedLoss<T>& loss() override { return _loss; }
  std::int64_t stages() const override { return _curriculum.stages(); }
  void enter(std::int64_t stage) override {
    _coefficient = _curriculum.value(stage);
    _loss.set_equation(_physics.equation(_coefficient));
  }
  std::map<std::string, double> observe(DeviceArray<T> const& theta) override {
    const std::vector<double> terms = all_terms(_comm, _loss, theta);
    return {{"loss_res", terms[0]},
            {"loss_bc", terms[1]},
            {"loss_ic", terms[2]},
            {"coefficient", _coefficient}};
  }

private:
  parallel::Comm _comm;
  PhysicsLoss<T>& _loss;
  PhysicsInformed const& _physics;
  nn::Curriculum _curriculum;
  double _coefficient = 0;
};

TrainingOptions options_of(Parameters const& parameters) {
  Parameters all;
  for (ParameterSpec const& spec : training_parameters())
    all.set(spec.key, parameters.has(spec.key) ? parameters.at(spec.key) : spec.fallback);
  if (all.real("rate") == 0) all.set("rate", parameters.text("optimiser") == "lbfgs" ? 1.0 : 1e-3);
  TrainingOptions options = training_options(all);
  options.stage_epochs = parameters.integer("stage_epochs");
  return options;
}

class Pinn : public Method, public Trainable {
public:
  explicit Pinn(Parameters const& parameters)
      : _parameters(parameters), _options(options_of(parameters)) {}

  void accept(Problem const& problem) const override {
    SpaceTimeEquation const equation = equation_of(problem);
    points_of(equation);
    nn::Pinn const model(model_options(equation));
    curriculum_of(_parameters, equation.coefficient);
  }

  void sit(Sitting const& sitting) override { _sitting = sitting; }

  Preparation prepare(Problem const& problem, parallel::Comm const& comm) override {
    _comm = comm;
    _equation = equation_of(problem);
    _points = points_of(_equation);
    _model = std::make_unique<nn::Pinn>(model_options(_equation));
    _whole = std::make_unique<PhysicsLoss<double>>(*_model, _equation, _points, route(), hard());
    Preparation report;
    std::string const& file = _parameters.text("weights");
    if (!file.empty()) {
      parallel::run_collectively(_comm,
                                 [&] { _theta = read_weights(file, _model->layout()).theta; });
    } else {
      auto const& physics = *capability<PhysicsInformed>(problem);
      report = single() ? trained<float>(physics) : trained<double>(physics);
    }
    report.counters.push_back({"parameters", _model->layout().size()});
    report.counters.push_back({"samples", _whole->points()});
    if (_comm.root())
      for (Dataset& data : weights_data(_model->layout(), _theta))
        report.data.push_back(std::move(data));
    return report;
  }

  void apply(Batch const& in, Batch& out) override {
    const std::vector<double> points = in.reals(input_array);
    auto const n = static_cast<std::int64_t>(in.count());
    std::int64_t const first = n * _comm.rank() / _comm.size(),
                       last = n * (_comm.rank() + 1) / _comm.size();
    const std::vector<double> mine(points.begin() + 2 * first, points.begin() + 2 * last);
    const std::vector<double> all = _comm.gather(
        std::span<double const>(single() ? answers<float>(mine) : answers<double>(mine)));
    _flops = static_cast<std::int64_t>(static_cast<double>(n) * _flops_per_row);
    if (!_comm.root()) return;
    out = Batch(in.count());
    out.set(output_array, "", all, {in.count(), 1});
  }

  Cost cost() const override {
    Cost cost;
    cost.flops = _flops;
    return cost;
  }

  // ---- Trainable, in double precision
  std::vector<double> parameters() const override { return _theta; }
  double loss(std::vector<double> const& parameters) override {
    return evaluated(parameters).first;
  }
  std::vector<double> gradient(std::vector<double> const& parameters) override {
    return evaluated(parameters).second;
  }
  std::vector<double> hessian_product(std::vector<double> const& parameters,
                                      std::vector<double> const& v) override {
    MOHO_REQUIRE(parameters.size() == _theta.size() && v.size() == _theta.size());
    auto const theta = to_device("moho::study::theta", parameters),
               direction = to_device("moho::study::direction", v);
    _whole->share(logical_shards);
    return over_shards(_comm, v.size(),
                       [&](int shard) { return _whole->product(shard, theta, direction); });
  }

private:
  Route route() const {
    return _parameters.text("route") == "reverse" ? Route::reverse : Route::jets;
  }
  bool hard() const { return _parameters.text("constraints") == "hard"; }
  bool single() const { return _parameters.text("precision") == "float32"; }

  CollocationPoints points_of(SpaceTimeEquation const& equation) const {
    return collocation(equation, _parameters.integer("grid_x"), _parameters.integer("grid_t"),
                       _parameters.integer("n_res"), _options.seed);
  }

  nn::PinnOptions model_options(SpaceTimeEquation const& equation) const {
    nn::PinnOptions options;
    options.sizes.assign(static_cast<std::size_t>(_parameters.integer("depth")),
                         _parameters.integer("width"));
    options.sizes.insert(options.sizes.begin(), 2);
    options.sizes.push_back(1);
    options.activation = _parameters.text("activation");
    options.features = static_cast<int>(_parameters.integer("features"));
    // a period of one interval; of two where u = 0 at the ends, as sin(pi x / length) has
    options.frequency =
        (equation.ends == Ends::periodic ? 2 : 1) * std::numbers::pi / equation.length;
    return hard() ? constrained(std::move(options), equation) : options;
  }

  /// What is trained and how, for checkpoints.
  std::string identity() const {
    return "{\"network\":\"pinn\",\"equation\":" + json_string(_equation.label) +
           ",\"parameters\":" + to_json(_parameters) + "}";
  }

  template <class T>
  Preparation trained(PhysicsInformed const& physics) {
    PhysicsLoss<T> loss(*_model, _equation, _points, route(), hard());
    PhysicsTask<T> task(_comm, loss, physics, curriculum_of(_parameters, _equation.coefficient));
    const std::vector<double> first = _model->layout().initial(_options.seed);
    TrainingOutcome<T> const outcome =
        train<T>(_comm, task, {first.begin(), first.end()}, _options, Validation<T>{}, _sitting,
                 identity(), "pinn " + _equation.label);
    _theta.assign(outcome.parameters.begin(), outcome.parameters.end());
    Preparation report = described(outcome, _comm.sum(loss.flops()));
    for (auto const& [name, values] : outcome.history.observed) {
      report.data.push_back({"history/" + name, "", values});
      if (name != "coefficient")
        report.metrics.push_back({name, values.empty() ? std::nan("") : values.back()});
    }
    report.counters.push_back({"stages", outcome.stage + 1});
    return report;
  }

  /// u at points (n, 2). Always so many rows at a time: no answer depends on how many are asked.
  template <class T>
  std::vector<double> answers(std::vector<double> const& points) {
    nn::Tape tape;
    nn::Value const theta = tape.input("theta", {_model->layout().size()}),
                    x = tape.input("x", {rows_of_answers, 2});
    nn::Program<T> program({_model->apply(theta, x)});
    program.bind(theta, to_device("theta", std::vector<T>(_theta.begin(), _theta.end())));
    _flops_per_row = program.flops() / static_cast<double>(rows_of_answers);
    std::vector<double> found;
    constexpr auto width = static_cast<std::size_t>(2 * rows_of_answers);
    for (std::size_t begin = 0; begin < points.size(); begin += width) {
      std::vector<T> rows(points.begin() + static_cast<std::ptrdiff_t>(begin),
                          points.begin() +
                              static_cast<std::ptrdiff_t>(std::min(begin + width, points.size())));
      const std::size_t used = rows.size() / 2;
      rows.resize(width, T(0));
      copy_to_device(std::span<T const>(rows), program.input(x));
      program.run(ExecutionSpace());
      const std::vector<T> values = to_host(program.result(0));
      found.insert(found.end(), values.begin(), values.begin() + static_cast<std::ptrdiff_t>(used));
    }
    return found;
  }

  std::pair<double, std::vector<double>> evaluated(std::vector<double> const& parameters) {
    MOHO_REQUIRE(parameters.size() == _theta.size());
    ParallelLoss<double> sum(_comm, Reduction::deterministic, *_whole);
    DeviceArray<double> const gradient("moho::study::gradient", parameters.size());
    double const value = sum.evaluate(to_device("moho::study::theta", parameters), gradient);
    return {value, to_host(gradient)};
  }

  Parameters _parameters;
  TrainingOptions _options;
  Sitting _sitting;
  parallel::Comm _comm;
  SpaceTimeEquation _equation;
  CollocationPoints _points;
  std::unique_ptr<nn::Pinn> _model;
  std::unique_ptr<PhysicsLoss<double>> _whole;
  std::vector<double> _theta;
  double _flops_per_row = 0;
  std::int64_t _flops = 0;
};

std::vector<ParameterSpec> pinn_parameters() {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  std::vector<ParameterSpec> specs{
      {"width", std::int64_t{50}, "hidden channels", 1, 65536},
      {"depth", std::int64_t{3}, "hidden layers", 1, 1000},
      {"activation",
       std::string("tanh"),
       "of hidden layers",
       0,
       0,
       {"tanh", "gelu", "sigmoid", "sin"}},
      {"features", std::int64_t{0},
       "Fourier features: x as cos and sin of so many harmonics; 0: x itself", 0, 1000},
      {"constraints",
       std::string("soft"),
       "soft: initial values and ends are terms of the loss; hard: built into the answer",
       0,
       0,
       {"soft", "hard"}},
      {"n_res", std::int64_t{1000}, "points of the residual, of the grid's interior", 8, 1e9},
      {"grid_x", std::int64_t{257}, "points of this grid along x, all of them initial ones", 8,
       100001},
      {"grid_t", std::int64_t{101}, "the same along t, all of them times of the ends", 8, 100001},
      {"route",
       std::string("jets"),
       "derivatives by x and t: carried forward, or by nested reverse mode",
       0,
       0,
       {"jets", "reverse"}},
      {"optimiser", std::string("lbfgs"), "who changes the weights", 0, 0, {"lbfgs", "adam"}},
      {"rate", 0.0, "learning rate; 0: 1 of lbfgs, 1e-3 of adam", 0, infinity},
      {"epochs", std::int64_t{150}, "of 20 steps; with a curriculum those of its last stage", 1,
       1e9},
      {"curriculum", 0.0,
       "the coefficient is raised from 0 by so much at a time (Krishnapriyan et al. 2021); 0: not",
       0, infinity},
      {"stage_epochs", std::int64_t{25}, "of a curriculum's other stages, at most", 1, 1e9},
  };
  static const std::set<std::string> shared{"schedule", "period", "factor", "warm_up", "clip"};
  for (ParameterSpec& one : training_parameters())
    if (shared.count(one.key) != 0) specs.push_back(std::move(one));
  specs.push_back(
      {"training_seed", std::int64_t{0}, "of the first weights and the points", 0, infinity});
  specs.push_back({"precision",
                   std::string("float64"),
                   "of training and answers",
                   0,
                   0,
                   {"float64", "float32"}});
  specs.push_back({"weights", std::string(), "file of weights to take instead of training"});
  return specs;
}

} // namespace

std::vector<std::string> const& pinn_metrics() {
  static const std::vector<std::string> names{"train_loss",    "loss_res",      "loss_bc",
                                              "loss_ic",       "train_seconds", "step_seconds",
                                              "exposed_share", "train_gflops"};
  return names;
}

MethodEntry pinn_method() {
  return {"pinn",
          space_time_task,
          "a network trained on an equation and its conditions alone (Raissi et al. 2019)",
          pinn_parameters(),
          [](Parameters const& parameters) { return std::make_unique<Pinn>(parameters); },
          pinn_metrics()};
}

} // namespace moho::study
