// SPDX-License-Identifier: BSD-3-Clause
#include "evolution_stepper.hpp"
#include "moho/core/error.hpp"
#include "moho/core/host_copy.hpp"
#include "moho/study/replicated.hpp"
#include "moho/study/stop.hpp"
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <utility>

namespace moho::study {
namespace {

/// y += factor x.
void add(double factor, fem::ConstReals x, fem::Reals const& y) {
  Kokkos::parallel_for(
      "moho::study::Stepper::add", Kokkos::RangePolicy<ExecutionSpace>(0, y.extent(0)),
      KOKKOS_LAMBDA(std::size_t i) { y(i) += factor * x(i); });
}

void scale(double factor, fem::Reals const& y) {
  Kokkos::parallel_for(
      "moho::study::Stepper::scale", Kokkos::RangePolicy<ExecutionSpace>(0, y.extent(0)),
      KOKKOS_LAMBDA(std::size_t i) { y(i) *= factor; });
}

fem::Reals product(FemSystem const& system, fem::ConstReals x) {
  const fem::Reals y = system.space().owned_vector();
  system.multiply(x, y);
  return y;
}

/// u1 = u + dt (theta u1' + (1 - theta) u'): theta = 1 is backward Euler's, 1/2 Crank-Nicolson's.
class Theta : public Stepper {
public:
  Theta(std::shared_ptr<FemSpace const> space, Evolution const& evolution,
        SteppingOptions const& options, PhaseClock& clock)
      : Stepper(std::move(space), evolution, options, clock),
        _theta(options.scheme == Scheme::crank_nicolson ? 0.5 : 1) {
    _system = system({});
    double const weight = _theta * options.dt * evolution.diffusion;
    this->clock().time("assembly", [&] {
      _system->assemble(
          std::array{form(fem::FormKind::mass, 1), form(fem::FormKind::diffusion, weight)});
      _system->eliminate();
    });
    this->clock().time("preconditioner", [&] { _system->solver().set_up(); });
  }

  void start() override {
    Stepper::start();
    if (_theta < 1) _load = load(0);
  }

  // (M + theta dt K)(u1 - u) = dt (theta F1 + (1 - theta) F - K u).
  void step(double t) override {
    const fem::Reals next = load(t + options().dt), b = space().owned_vector(),
                     change = space().owned_vector();
    add(_theta, next, b);
    if (_theta < 1) add(1 - _theta, _load, b);
    add(-1, stiffness(_u), b);
    scale(options().dt, b);
    solve(*_system, b, change);
    add(1, change, _u);
    _load = next;
  }

  double energy() override { return gradient_energy(); }

private:
  double _theta;
  std::unique_ptr<FemSystem> _system;
  fem::Reals _load;
};

/// Newmark's method with beta = 1/4, gamma = 1/2: the trapezoidal rule.
class Newmark : public Stepper {
public:
  Newmark(std::shared_ptr<FemSpace const> space, Evolution const& evolution,
          SteppingOptions const& options, PhaseClock& clock)
      : Stepper(std::move(space), evolution, options, clock) {
    _system = system({});
    _mass = system({{"ksp_type", "cg"}, {"pc_type", "jacobi"}, {"ksp_rtol", "1e-14"}});
    double const weight = beta * options.dt * options.dt * evolution.diffusion;
    this->clock().time("assembly", [&] {
      _system->assemble(
          std::array{form(fem::FormKind::mass, 1), form(fem::FormKind::diffusion, weight)});
      _system->eliminate();
      _mass->assemble(std::array{form(fem::FormKind::mass, 1)});
      _mass->eliminate();
    });
    this->clock().time("preconditioner", [&] { _system->solver().set_up(); });
  }

  // M a = F - K u: only then is the energy that of the start.
  void start() override {
    Stepper::start();
    _rate = space().owned_vector();
    if (evolution().initial_rate) {
      _rate = space().without_ghosts(space().interpolate(evolution().initial_rate));
      _system->zero_fixed(_rate);
    }
    const fem::Reals b = load(0);
    add(-1, stiffness(_u), b);
    _acceleration = space().owned_vector();
    solve(*_mass, b, _acceleration);
  }

  void step(double t) override {
    double const dt = options().dt;
    add(dt, _rate, _u);
    add((0.5 - beta) * dt * dt, _acceleration, _u);
    add((1 - gamma) * dt, _acceleration, _rate);
    const fem::Reals b = load(t + dt);
    add(-1, stiffness(_u), b);
    solve(*_system, b, _acceleration); // (M + beta dt^2 K) a = F - K u
    add(beta * dt * dt, _acceleration, _u);
    add(gamma * dt, _acceleration, _rate);
  }

  double energy() override {
    return gradient_energy() + space().dot(_rate, product(*_mass, _rate)) / 2;
  }

private:
  static constexpr double beta = 0.25, gamma = 0.5;
  std::unique_ptr<FemSystem> _system, _mass;
  fem::Reals _rate, _acceleration;
};

/// Eyre's splitting: (u1 - u) / dt = div(k grad u1) - e u1^3 + e u + f1. Each step minimises a
/// convex function; the rule of degree 4p, of the energy as of its slopes, is exact for affine
/// cells, so that the energy that is summed is the one that falls.
class Eyre : public Stepper {
public:
  Eyre(std::shared_ptr<FemSpace const> space, Evolution const& evolution,
       SteppingOptions const& options, PhaseClock& clock)
      : Stepper(std::move(space), evolution, options, clock) {
    _system = system({});
    _mass = system({});
    this->clock().time("assembly", [&] {
      _mass->assemble(std::array{form(fem::FormKind::mass, 1)});
      _mass->eliminate();
      _system->require(form(fem::FormKind::mass, 1));
      _system->require(form(fem::FormKind::diffusion, 1));
    });
  }

  void step(double t) override {
    double const e = evolution().reaction, dt = options().dt;
    const fem::Reals b = load(t + dt), change = space().owned_vector();
    add(1 / dt + e, product(*_mass, _u), b);
    double const aim = options().newton_tolerance * std::sqrt(space().dot(b, b));
    auto& report = mutable_report();
    for (int k = 0;; ++k) {
      _stop_point();
      const fem::Reals r = residual(b);
      double const size = std::sqrt(space().dot(r, r));
      if (size <= aim) {
        report.newton_most = std::max<std::int64_t>(report.newton_most, k);
        return;
      }
      if (k == options().newton_iterations || !std::isfinite(size)) {
        report.newton_failure =
            fmt::format("Newton's iteration of the step from t = {} did not converge: |r| = {:.9g} "
                        "after {} iterations, asked {:.9g}",
                        t, size, k, aim);
        return;
      }
      ++report.newton_iterations;
      linearise();
      solve(*_system, r, change);
      if (report.failed()) return;
      add(1, change, _u);
    }
  }

  double energy() override {
    const fem::Sampled at = sampled();
    const std::vector<std::uint8_t> counted = fem::counted_cells(space().topology());
    auto const points = static_cast<std::size_t>(at.points_per_cell);
    double wells = 0;
    for (std::size_t i = 0; i < at.values.size(); ++i)
      if (counted[i / points])
        wells += at.weights[i] * double_well(evolution().reaction, at.values[i]);
    return gradient_energy() + space().comm().sum(wells);
  }

private:
  int degree() const { return 4 * space().degree(); }

  fem::Sampled sampled() {
    const std::vector<double> all = to_host(space().with_ghosts(_u));
    return fem::sample(space().topology(), degree(), all, 0, space().topology().cells(), false);
  }

  /// b - (M / dt + K) u - e (u^3, v); keeps u at the points for `linearise`.
  fem::Reals residual(fem::ConstReals b) {
    const fem::Reals r = space().owned_vector();
    clock().time("residual", [&] {
      _points = sampled().values;
      std::vector<double> cubes(_points);
      for (double& value : cubes) value *= -evolution().reaction * value * value;
      fem::load_at_points(space().topology(), degree(), to_device("moho::study::Stepper", cubes),
                          r);
      _mass->zero_fixed(r);
      add(1, b, r);
      add(-1 / options().dt, product(*_mass, _u), r);
    });
    add(-1, stiffness(_u), r);
    return r;
  }

  /// The matrix M / dt + K + 3 e (u^2 ., .).
  void linearise() {
    clock().time("assembly", [&] {
      std::vector<double> weights(_points);
      for (double& value : weights)
        value = 1 / options().dt + 3 * evolution().reaction * value * value;
      fem::Form mass = form(fem::FormKind::mass, 1);
      mass.quadrature_degree = degree();
      mass.coefficient = {fem::Where::quadrature, 1, to_device("moho::study::Stepper", weights)};
      _system->assemble(std::array{mass, form(fem::FormKind::diffusion, evolution().diffusion)});
      _system->eliminate();
    });
    clock().time("preconditioner", [&] { _system->solver().set_up(); });
  }

  std::unique_ptr<FemSystem> _system, _mass;
  std::vector<double> _points; ///< u there, (cells, points)
  StopPoint _stop_point{space().comm()};
};

struct SchemeName {
  char const* name;
  Scheme scheme;
  int order;
  bool reaction;
};
// The first that serves an equation is its default.
constexpr std::array<SchemeName, 4> schemes{{{"crank-nicolson", Scheme::crank_nicolson, 1, false},
                                             {"backward-euler", Scheme::backward_euler, 1, false},
                                             {"newmark", Scheme::newmark, 2, false},
                                             {"eyre", Scheme::eyre, 1, true}}};

} // namespace

Scheme scheme_of(std::string const& name, Evolution const& evolution) {
  std::string serve;
  for (SchemeName const& known : schemes) {
    if (known.order != evolution.order || known.reaction != (evolution.reaction != 0)) continue;
    if (name == "auto" || name == known.name) return known.scheme;
    serve += (serve.empty() ? "" : " or ") + std::string(known.name);
  }
  throw Error("method.scheme = " + name + " does not serve this problem (it is of order " +
              std::to_string(evolution.order) + " in time and " +
              (evolution.reaction != 0 ? "has a double well" : "linear") + ") use " + serve);
}

Stepper::Stepper(std::shared_ptr<FemSpace const> space, Evolution const& evolution,
                 SteppingOptions const& options, PhaseClock& clock)
    : _space(std::move(space)), _evolution(evolution), _options(options), _clock(&clock),
      _fixed(_space->marks({})) {
  _stiffness = system({});
  clock.time("assembly", [&] {
    _stiffness->assemble(std::array{form(fem::FormKind::diffusion, evolution.diffusion)});
    _stiffness->eliminate();
  });
}

std::unique_ptr<FemSystem> Stepper::system(parallel::PetscOptions const& petsc) const {
  SystemOptions options = _options.system;
  if (!petsc.empty()) options.petsc = petsc;
  return std::make_unique<FemSystem>(_space, _fixed, options);
}

fem::Form Stepper::form(fem::FormKind kind, double coefficient) const {
  fem::Form result;
  result.kind = kind;
  result.coefficient = {fem::Where::global, 1,
                        to_device("moho::study::Stepper", std::vector{coefficient})};
  return result;
}

void Stepper::start() {
  _report = {};
  _u = _space->without_ghosts(_space->interpolate(_evolution.initial));
  _stiffness->zero_fixed(_u);
}

fem::Reals Stepper::load(double t) {
  const fem::Reals b = _space->owned_vector();
  if (!_evolution.source) return b;
  _clock->time("load", [&] {
    fem::load(_space->topology(), _space->degree() + 3, at_time(_evolution.source, t), b);
    _stiffness->zero_fixed(b);
  });
  return b;
}

fem::Reals Stepper::stiffness(fem::ConstReals u) {
  fem::Reals y;
  _clock->time("multiply", [&] { y = product(*_stiffness, u); });
  return y;
}

double Stepper::gradient_energy() {
  return _space->dot(_u, product(*_stiffness, _u)) / 2;
}

void Stepper::solve(FemSystem& system, fem::ConstReals b, fem::Reals const& x) {
  parallel::SolveReport report;
  _clock->time("solve", [&] {
    Kokkos::deep_copy(x, 0);
    report = system.solve(b, x);
  });
  _report.iterations += report.iterations;
  double const relative = report.relative_residual();
  _report.residual = std::isnan(relative) ? relative : std::fmax(_report.residual, relative);
  if (!report.converged) _report.solver_failure = report.ending();
}

std::unique_ptr<Stepper> make_stepper(std::shared_ptr<FemSpace const> space,
                                      Evolution const& evolution, SteppingOptions const& options,
                                      PhaseClock& clock) {
  SteppingOptions all = options;
  all.system.petsc = direct_cholesky(*space, options.system.petsc);
  if (options.scheme == Scheme::newmark)
    return std::make_unique<Newmark>(std::move(space), evolution, all, clock);
  if (options.scheme == Scheme::eyre)
    return std::make_unique<Eyre>(std::move(space), evolution, all, clock);
  return std::make_unique<Theta>(std::move(space), evolution, all, clock);
}

} // namespace moho::study
