// SPDX-License-Identifier: BSD-3-Clause
// `simp-mma`, `simp-oc`: solid isotropic material with penalisation, two ways to move the design.
#include "moho/core/error.hpp"
#include "moho/core/stopwatch.hpp"
#include "moho/study/compliance.hpp"
#include "moho/study/measure.hpp"
#include "moho/study/mma.hpp"
#include "moho/study/stop.hpp"
#include <algorithm>
#include <cmath>
#include <optional>

namespace moho::study {
namespace {

Cantilever const& plate_of(Problem const& problem, char const* method) {
  auto const* posed = capability<ComplianceProblem>(problem);
  if (posed == nullptr)
    throw Error(std::string(method) + " needs the plate that it designs (this problem does not "
                                      "tell any) use it with problem compliance");
  return posed->plate();
}

double mean(std::vector<double> const& values) {
  double sum = 0;
  for (double const value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

/// What moves a design: slopes of compliance and of volume, filtered, to the next design.
class Mover {
public:
  virtual ~Mover() = default;
  virtual void step(std::vector<double>& density, std::vector<double> const& slope,
                    std::vector<double> const& volume_slope) = 0;
  double residual() const { return _residual; }
  std::int64_t evaluations() const { return _evaluations; }

protected:
  double _residual = 0;          ///< of a step's own equations, the worst so far
  std::int64_t _evaluations = 0; ///< of its multiplier's equation
};

class MmaMover : public Mover {
public:
  MmaMover(Cantilever const& plate, double move)
      : _volume(plate.volume), _mma(std::vector<double>(plate.cells(), plate.density_min),
                                    std::vector<double>(plate.cells(), 1), 1, options(move)) {}

  void step(std::vector<double>& density, std::vector<double> const& slope,
            std::vector<double> const& volume_slope) override {
    const std::vector<double> excess{mean(density) / _volume - 1};
    const MmaStep step = _mma.step(density, slope, excess, volume_slope);
    _residual = std::max(_residual, step.residual);
    _evaluations += step.evaluations;
  }

private:
  static MmaOptions options(double move) {
    MmaOptions options;
    options.move = move;
    return options;
  }
  double _volume;
  Mma _mma;
};

/// Bendsoe (1995): rho sqrt(-dC / (multiplier dV)), the multiplier bisected until the volume fits.
class OcMover : public Mover {
public:
  OcMover(Cantilever const& plate, double move)
      : _volume(plate.volume), _least(plate.density_min), _move(move) {}

  void step(std::vector<double>& density, std::vector<double> const& slope,
            std::vector<double> const& volume_slope) override {
    std::vector<double> root(density.size()), next(density.size());
    for (std::size_t e = 0; e < root.size(); ++e)
      root[e] = density[e] * std::sqrt(std::max(0.0, -slope[e]) / volume_slope[e]);
    auto const excess = [&](double multiplier) {
      ++_evaluations;
      double const scale = 1 / std::sqrt(multiplier);
      for (std::size_t e = 0; e < root.size(); ++e)
        next[e] = std::clamp(root[e] * scale, std::max(_least, density[e] - _move),
                             std::min(1.0, density[e] + _move));
      return mean(next) / _volume - 1;
    };
    double low = 0, high = 1;
    while (excess(high) > 0 && high < 1e30) high *= 16;
    while (high - low > 1e-14 * high) {
      double const middle = low > 0 ? 0.5 * (low + high) : high / 16;
      if (excess(middle) > 0)
        low = middle;
      else
        high = middle;
      if (high < 1e-30) break; // the constraint does not bind
    }
    static_cast<void>(excess(high));
    density = next;
  }

private:
  double _volume, _least, _move;
};

enum class Update { mma, criteria };

class Simp : public Method {
public:
  Simp(Parameters const& parameters, Update update)
      : _update(update), _designs(static_cast<int>(parameters.integer("iterations"))),
        _move(parameters.real("move")), _options(system_options_of(parameters)) {}

  void accept(Problem const& problem) const override {
    static_cast<void>(plate_of(problem, "topology optimisation"));
  }

  Preparation prepare(Problem const& problem, parallel::Comm const& comm) override {
    Cantilever const& plate = plate_of(problem, "topology optimisation");
    const Stopwatch watch;
    _model = std::make_unique<ComplianceModel>(comm, plate, _options);
    double const model_time = watch.seconds();
    _filter.emplace(cell_centres(plate), 2, plate.radius * plate.height / plate.ny);
    return {{{"unknowns_solved", _model->space().unknowns()},
             {"nonzeros", _model->space().nonzeros()},
             {"filter_entries", static_cast<std::int64_t>(_filter->entries())}},
            {},
            {},
            {},
            {{"model", model_time}, {"filter", watch.seconds() - model_time}}};
  }

  void apply(Batch const& in, Batch& out) override {
    const BlasThreads one(1);
    Cantilever const& plate = _model->plate();
    _before = _model->work();
    const std::vector<Phase> before = _model->phases();
    const std::unique_ptr<Mover> mover = make_mover(plate);
    std::vector<double> density = in.reals("density"), history;
    const std::vector<double> volume_slope = filtered(std::vector<double>(
        density.size(), 1 / (plate.volume * static_cast<double>(density.size()))));
    double compliance = 0, change = 0, filter = 0, update = 0;
    StopPoint stop_point(_model->space().comm());
    for (int k = 0;; ++k) {
      stop_point();
      compliance = _model->compliance(density);
      history.insert(history.end(), {compliance, mean(density), change});
      if (!_model->report().converged || k + 1 == _designs) break;
      std::vector<double> slope = _model->gradient();
      Stopwatch watch;
      _filter->apply(slope);
      filter += watch.seconds();
      watch.restart();
      const std::vector<double> old = density;
      mover->step(density, slope, volume_slope);
      change = 0;
      for (std::size_t e = 0; e < old.size(); ++e)
        change = std::max(change, std::abs(density[e] - old[e]));
      update += watch.seconds();
    }
    _change = change;
    _residual = mover->residual();
    _evaluations = mover->evaluations();
    _phases = _model->phases();
    for (std::size_t i = 0; i < before.size(); ++i) _phases[i].seconds -= before[i].seconds;
    _phases.push_back({"filter", filter});
    _phases.push_back({"update", update});
    out = Batch(1);
    out.set("density", "", density, {1, density.size()});
    out.set("compliance", "", std::vector<double>{compliance});
    const std::vector<double> u = _model->displacement();
    out.set("displacement", "", u, {u.size() / 2, 2});
    out.set("history", "", history, {history.size() / 3, 3});
  }

  Cost cost() const override;

private:
  std::unique_ptr<Mover> make_mover(Cantilever const& plate) const {
    if (_update == Update::mma) return std::make_unique<MmaMover>(plate, _move);
    return std::make_unique<OcMover>(plate, _move);
  }
  std::vector<double> filtered(std::vector<double> values) const {
    _filter->apply(values);
    return values;
  }

  Update _update;
  int _designs;
  double _move;
  SystemOptions _options;
  std::unique_ptr<ComplianceModel> _model;
  std::optional<DesignFilter> _filter;
  ComplianceModel::Work _before;
  double _change = 0, _residual = 0;
  std::int64_t _evaluations = 0;
  std::vector<Phase> _phases;
};

Cost Simp::cost() const {
  ComplianceModel::Work const& work = _model->work();
  std::int64_t const gradients = work.gradients - _before.gradients,
                     maps = work.gradient_maps - _before.gradient_maps,
                     solves = work.gradient_solves - _before.gradient_solves;
  Cost cost;
  cost.counters = {{"designs", work.solves - _before.solves, true},
                   {"maps", work.maps - _before.maps},
                   {"solves", work.solves - _before.solves},
                   {"gradients", gradients},
                   {"gradient_maps", maps},
                   {"gradient_solves", solves}};
  parallel::SolveReport const& report = _model->report();
  cost.metrics = {{"last_change", _change},
                  {"update_residual", _residual},
                  {"multiplier_evaluations", static_cast<double>(_evaluations)},
                  {"residual_rel", report.relative_residual()}};
  cost.phases = _phases;
  double const each = static_cast<double>(std::max<std::int64_t>(1, gradients));
  cost.checks = {
      {"solver_converged", report.converged ? 1.0 : 0.0, Relation::equal, 1, report.reason},
      {"gradient_solves_each", static_cast<double>(solves) / each, Relation::at_most, 1,
       "of one adjoint gradient; compliance is self-adjoint"},
      {"gradient_maps_each", static_cast<double>(maps) / each, Relation::at_most, 1.5,
       "of one adjoint gradient"}};
  return cost;
}

class UniformDesign : public Method {
public:
  void accept(Problem const& problem) const override {
    static_cast<void>(plate_of(problem, "uniform-design"));
  }
  Preparation prepare(Problem const& problem, parallel::Comm const& comm) override {
    _plate = plate_of(problem, "uniform-design");
    _root = comm.root();
    return {{{"parameters", 1}}, {}, {}, {}, {}};
  }
  void apply(Batch const&, Batch& out) override {
    if (!_root) return;
    out = Batch(1);
    out.set("density", "", std::vector<double>(_plate.cells(), _plate.volume), {1, _plate.cells()});
  }
  Cost cost() const override { return {}; }

private:
  Cantilever _plate;
  bool _root = false;
};

} // namespace

std::vector<ParameterSpec> simp_parameters() {
  std::vector<ParameterSpec> specs{
      {"iterations", std::int64_t{51}, "designs whose compliance is computed", 1, 100000},
      {"move", 0.1, "largest change of a density in one step", 1e-6, 1}};
  for (ParameterSpec& spec : system_parameters()) specs.push_back(std::move(spec));
  return specs;
}

std::vector<std::string> const& simp_metrics() {
  static const std::vector<std::string> names{"last_change", "update_residual",
                                              "multiplier_evaluations", "residual_rel"};
  return names;
}

std::unique_ptr<Method> make_simp_mma(Parameters const& parameters) {
  return std::make_unique<Simp>(parameters, Update::mma);
}

std::unique_ptr<Method> make_simp_oc(Parameters const& parameters) {
  return std::make_unique<Simp>(parameters, Update::criteria);
}

std::vector<ParameterSpec> uniform_design_parameters() {
  return {};
}

std::unique_ptr<Method> make_uniform_design(Parameters const&) {
  return std::make_unique<UniformDesign>();
}

} // namespace moho::study
