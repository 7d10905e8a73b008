// SPDX-License-Identifier: BSD-3-Clause
// One step in time after the other: what the schemes of `fem-evolution` do.
#pragma once
#include "moho/study/evolution.hpp"
#include "moho/study/fem_system.hpp"
#include "phase_clock.hpp"
#include <memory>
#include <string>

namespace moho::study {

enum class Scheme : std::int8_t { backward_euler, crank_nicolson, newmark, eyre };
/// "auto" is the scheme of highest order for the equation. Throws moho::Error when the scheme does
/// not serve it, naming those that do.
Scheme scheme_of(std::string const& name, Evolution const& evolution);

struct SteppingOptions {
  Scheme scheme = Scheme::crank_nicolson;
  double dt = 0.01;
  double newton_tolerance = 1e-10;
  int newton_iterations = 20;
  SystemOptions system{};
};

/// How all steps since `start` went.
struct SteppingReport {
  std::int64_t steps = 0, iterations = 0; ///< of linear solvers
  double residual = 0;                    ///< the worst |b - A x| / |b|
  std::int64_t newton_iterations = 0, newton_most = 0;
  std::string solver_failure{}, newton_failure{}; ///< empty: none; why
  bool failed() const { return !solver_failure.empty() || !newton_failure.empty(); }
};

/// A scheme on a space. u and its rate are owned vectors, zero where u is fixed. All collective.
class Stepper {
public:
  virtual ~Stepper() = default;
  /// u := the initial value at t = 0.
  virtual void start();
  /// From t to t + dt. Does nothing useful once `report().failed()`.
  virtual void step(double t) = 0;
  /// See `energy_array`.
  virtual double energy() = 0;

  fem::Reals const& u() const { return _u; }
  SteppingReport const& report() const { return _report; }

protected:
  Stepper(std::shared_ptr<FemSpace const> space, Evolution const& evolution,
          SteppingOptions const& options, PhaseClock& clock);

  FemSpace const& space() const { return *_space; }
  std::shared_ptr<FemSpace const> const& shared_space() const { return _space; }
  Evolution const& evolution() const { return _evolution; }
  SteppingOptions const& options() const { return _options; }
  PhaseClock& clock() { return *_clock; }
  SteppingReport& mutable_report() { return _report; }
  /// A system with the fixed rows and columns of this problem.
  std::unique_ptr<FemSystem> system(parallel::PetscOptions const& petsc) const;
  /// A form with a constant coefficient.
  fem::Form form(fem::FormKind kind, double coefficient) const;
  /// (f(t), v), zero where u is fixed.
  fem::Reals load(double t);
  /// The integral of k |grad u|^2 / 2, and K u, K the matrix of k.
  double gradient_energy();
  fem::Reals stiffness(fem::ConstReals u);
  /// x = A^-1 b; notes how it went.
  void solve(FemSystem& system, fem::ConstReals b, fem::Reals const& x);

  fem::Reals _u;

private:
  std::shared_ptr<FemSpace const> _space;
  Evolution _evolution;
  SteppingOptions _options;
  PhaseClock* _clock;
  std::vector<std::uint8_t> _fixed;
  std::unique_ptr<FemSystem> _stiffness;
  SteppingReport _report;
};

/// Assembles and factorises. `clock` is told the times of the parts and must outlive the stepper.
std::unique_ptr<Stepper> make_stepper(std::shared_ptr<FemSpace const> space,
                                      Evolution const& evolution, SteppingOptions const& options,
                                      PhaseClock& clock);

} // namespace moho::study
