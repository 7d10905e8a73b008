// SPDX-License-Identifier: BSD-3-Clause
// `fem-evolution`: finite elements in space, a scheme in time.
#include "evolution_stepper.hpp"
#include "moho/core/error.hpp"
#include "moho/study/field_batch.hpp"
#include "moho/study/stop.hpp"
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <map>
#include <utility>

namespace moho::study {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// More would not end, and energies of all steps are kept; above 2^53 any quotient is whole.
constexpr double most_steps = 1e9;

/// Steps of length dt in `time`; throws when that is no whole number, or too large a one.
std::int64_t steps_in(double time, double dt, char const* what) {
  double const steps = std::round(time / dt);
  if (!(steps <= most_steps))
    throw Error(fmt::format("method.dt = {} is too short for {} {} (which is {:.9g} steps, at most "
                            "{:g} are taken) make it longer",
                            dt, what, time, time / dt, most_steps));
  if (steps < 1 || !(std::abs(steps * dt - time) <= 1e-9 * time))
    throw Error(fmt::format("method.dt = {} does not meet {} {} (which is {:.9g} steps) divide it "
                            "into a whole number of steps",
                            dt, what, time, time / dt));
  return static_cast<std::int64_t>(steps);
}

/// Of the energies at all steps.
struct EnergyRange {
  double drift = 0, rise = -HUGE_VAL; ///< relative to the first
  explicit EnergyRange(std::vector<double> const& energy) {
    for (std::size_t i = 1; i < energy.size(); ++i) {
      drift = std::fmax(drift, std::abs(energy[i] - energy[0]) / energy[0]);
      rise = std::fmax(rise, (energy[i] - energy[i - 1]) / energy[0]);
    }
    if (energy.size() < 2) rise = drift = nan;
  }
};

class FemEvolution : public Method {
public:
  explicit FemEvolution(Parameters const& parameters)
      : _how(discretization_of(parameters)), _scheme(parameters.text("scheme")) {
    _options.dt = parameters.real("dt");
    _options.newton_tolerance = parameters.real("newton_tolerance");
    _options.newton_iterations = static_cast<int>(parameters.integer("newton_iterations"));
    _options.system = system_options_of(parameters);
    if (!(_options.dt > 0))
      throw Error(fmt::format("method.dt = {} (a step takes some time) give a positive number",
                              _options.dt));
  }

  void accept(Problem const& problem) const override {
    Evolution const& evolution = evolution_of(problem);
    static_cast<void>(scheme_of(_scheme, evolution));
    static_cast<void>(steps_of(evolution));
    check_discretization(evolution.domain, _how);
  }

  Preparation prepare(Problem const& problem, parallel::Comm const& comm) override {
    _evolution = evolution_of(problem);
    _options.scheme = scheme_of(_scheme, _evolution);
    _steps = steps_of(_evolution);
    // Exactly: dt may be a rounded share of the final time.
    _options.dt = _evolution.final_time / static_cast<double>(_steps);
    fem::Part part;
    _clock.time("mesh", [&] { part = make_part(comm, _evolution.domain, _how); });
    _clock.time("space", [&] { _space = std::make_shared<FemSpace>(comm, std::move(part), 1); });
    _space->evaluate(_space->local_vector(), {}); // makes the search tree
    _stepper = make_stepper(_space, _evolution, _options, _clock);
    return {{{"unknowns", _space->unknowns()},
             {"nonzeros", _space->nonzeros()},
             {"cells", _space->cells()}},
            {},
            {},
            {},
            _clock.take()};
  }

  void apply(Batch const& in, Batch& out) override {
    const std::map<std::int64_t, std::vector<std::size_t>> asked = items_by_step(in);
    const std::vector<double> points = in.reals(point_array);
    std::vector<double> values(in.count(), nan);
    StopPoint stop_point(_space->comm());
    _energy.clear();
    _clock.time("start", [&] { _stepper->start(); });
    measure_energy();
    answer(asked, 0, points, values);
    for (std::int64_t n = 1; n <= _steps && !_stepper->report().failed(); ++n) {
      stop_point();
      _stepper->step(static_cast<double>(n - 1) * _options.dt);
      if (_stepper->report().failed()) break;
      measure_energy();
      answer(asked, n, points, values);
    }
    out = Batch(in.count());
    out.set(value_array, "", values, {in.count(), 1});
    out.set(energy_array, "", _energy);
    _phases = _clock.take();
  }

  Cost cost() const override {
    SteppingReport const& report = _stepper->report();
    const EnergyRange range(_energy);
    Cost cost;
    cost.counters = {{"steps", static_cast<std::int64_t>(_energy.size()) - 1, true}};
    cost.metrics = {{"iterations", static_cast<double>(report.iterations)},
                    {"residual_rel", report.residual},
                    {"newton_iterations", static_cast<double>(report.newton_iterations)},
                    {"newton_most", static_cast<double>(report.newton_most)},
                    {"energy_start", _energy.front()},
                    {"energy_end", _energy.back()},
                    {"energy_drift", range.drift},
                    {"energy_rise", range.rise}};
    cost.phases = _phases;
    cost.checks = {{"solver_converged", report.solver_failure.empty() ? 1.0 : 0.0, Relation::equal,
                    1, report.solver_failure.empty() ? "every step" : report.solver_failure}};
    if (_options.scheme == Scheme::eyre)
      cost.checks.push_back({"newton_converged", report.newton_failure.empty() ? 1.0 : 0.0,
                             Relation::equal, 1,
                             report.newton_failure.empty() ? "every step" : report.newton_failure});
    return cost;
  }

  Assessment examine(Batch& out) override {
    if (_stepper->report().failed()) return {};
    double const t = _evolution.final_time;
    set_norms(out, _space->norms(_space->with_ghosts(_stepper->u()), at_time(_evolution.exact, t),
                                 at_time(_evolution.gradient, t)));
    _space->picture(_space->with_ghosts(_stepper->u()), out);
    return {};
  }

  void write_fields(std::string const& folder) override {
    if (_stepper->report().failed()) return;
    _space->write(_space->with_ghosts(_stepper->u()), "u", folder + "/solution.xdmf");
  }

private:
  static Evolution const& evolution_of(Problem const& problem) {
    auto const* posed = capability<EvolutionProblem>(problem);
    if (posed == nullptr)
      throw Error("fem-evolution needs an equation in time (this problem has none) use it with "
                  "heat, wave or allen-cahn, and fem with the others of task \"field\"");
    return posed->evolution();
  }

  std::int64_t steps_of(Evolution const& evolution) const {
    std::int64_t const steps = steps_in(evolution.final_time, _options.dt, "the final time");
    for (double const time : evolution.times) steps_in(time, _options.dt, "the time asked about");
    return steps;
  }

  /// Which items are answered after which step.
  std::map<std::int64_t, std::vector<std::size_t>> items_by_step(Batch const& in) const {
    const std::vector<double> times = in.reals(time_array);
    std::map<std::int64_t, std::vector<std::size_t>> items;
    for (std::size_t i = 0; i < times.size(); ++i) {
      std::int64_t const step =
          times[i] == 0 ? 0 : steps_in(times[i], _options.dt, "the time asked about");
      if (step > _steps)
        throw Error(fmt::format("fem-evolution is asked about the time {} (it was prepared for "
                                "times up to {}) prepare it on this problem",
                                times[i], _evolution.final_time));
      items[step].push_back(i);
    }
    return items;
  }

  void answer(std::map<std::int64_t, std::vector<std::size_t>> const& asked, std::int64_t step,
              std::vector<double> const& points, std::vector<double>& values) {
    auto const found = asked.find(step);
    if (found == asked.end()) return;
    _clock.time("evaluate", [&] {
      auto const dim = static_cast<std::size_t>(_space->dim());
      std::vector<double> some;
      for (std::size_t const i : found->second)
        some.insert(some.end(), points.begin() + static_cast<std::ptrdiff_t>(i * dim),
                    points.begin() + static_cast<std::ptrdiff_t>((i + 1) * dim));
      const std::vector<double> here = _space->evaluate(_space->with_ghosts(_stepper->u()), some);
      for (std::size_t k = 0; k < here.size(); ++k) values[found->second[k]] = here[k];
    });
  }

  void measure_energy() {
    _clock.time("energy", [&] { _energy.push_back(_stepper->energy()); });
  }

  Discretization _how;
  std::string _scheme;
  SteppingOptions _options;
  Evolution _evolution;
  std::int64_t _steps = 0;
  std::shared_ptr<FemSpace const> _space;
  PhaseClock _clock;
  std::unique_ptr<Stepper> _stepper;
  std::vector<double> _energy;
  std::vector<Phase> _phases;
};

} // namespace

std::vector<ParameterSpec> fem_evolution_parameters() {
  std::vector<ParameterSpec> specs = discretization_parameters();
  for (ParameterSpec& spec : system_parameters()) specs.push_back(std::move(spec));
  specs.push_back({"scheme",
                   std::string("auto"),
                   "in time; auto: crank-nicolson, newmark or eyre",
                   0,
                   0,
                   {"auto", "backward-euler", "crank-nicolson", "newmark", "eyre"}});
  specs.push_back({"dt", 0.01, "length of a step; divides every time asked about"});
  specs.push_back({"newton_tolerance", 1e-10, "eyre: |r| <= it |b| ends Newton's iteration", 0, 1});
  specs.push_back({"newton_iterations", std::int64_t{20}, "eyre: at most, in a step", 0, 10000});
  return specs;
}

std::vector<std::string> const& fem_evolution_metrics() {
  static const std::vector<std::string> names{"iterations",   "residual_rel", "newton_iterations",
                                              "newton_most",  "energy_start", "energy_end",
                                              "energy_drift", "energy_rise"};
  return names;
}

std::unique_ptr<Method> make_fem_evolution(Parameters const& parameters) {
  return std::make_unique<FemEvolution>(parameters);
}

} // namespace moho::study
