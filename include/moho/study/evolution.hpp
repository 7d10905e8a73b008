// SPDX-License-Identifier: BSD-3-Clause
// Evolution problems of task "field": heat, waves, phase separation; and who answers.
//
//   d^m u / dt^m = div(k grad u) + e u (1 - u^2) + f,  m = 1 or 2,  u = 0 on the boundary.
#pragma once
#include "moho/study/method.hpp"
#include "moho/study/parameters.hpp"
#include "moho/study/pde_problem.hpp"
#include "moho/study/registry.hpp"
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace moho::study {

/// Writes its components at time t and x[dim].
using TimeField = std::function<void(double t, double const* x, double* out)>;

/// What a solver needs to know of an evolution problem.
struct Evolution {
  Domain domain;
  int order = 1;        ///< of the derivative in time: 1 or 2
  double diffusion = 1; ///< k; of the wave equation c^2
  double reaction = 0;  ///< e, Allen and Cahn's eps^2; 0: linear
  double final_time = 1;
  std::vector<double> times; ///< asked about, ascending, the last one is the final time
  TimeField source{};        ///< f; empty: 0
  Field initial{};           ///< u at t = 0; 0 on the boundary
  Field initial_rate{};      ///< du/dt at t = 0, of order 2; empty: 0
  TimeField exact{};         ///< u; empty: not known
  TimeField gradient{};      ///< (dim)
  double time_scale = 1;     ///< in which the solution changes
  bool known() const { return static_cast<bool>(exact); }
};

/// f at one time.
Field at_time(TimeField const& f, double t);
/// u at time t as the solution of a boundary-value problem with the reaction -e (1 - u^2) u and the
/// source f - d^m u/dt^m, the derivative in time by differences. Needs a known solution.
Pde frozen(Evolution const& evolution, double t);

/// e (1 - u^2)^2 / 4, whose derivative is - e u (1 - u^2).
double double_well(double reaction, double u);

/// A problem whose solver needs to know an evolution. A capability.
class EvolutionProblem {
public:
  virtual ~EvolutionProblem() = default;
  virtual Evolution const& evolution() const = 0;
};

/// Array of answers that know their energy at each step, (steps + 1): the integral of
/// k |grad u|^2 / 2 + |du/dt|^2 / 2 (order 2) + the double well. It becomes data history/energy.
inline constexpr char const* energy_array = "energy";

/// heat, wave, allen-cahn: items are points of the domain at the times k T / times, k = 1, 2, ..
/// in turn. Checks: those of `pde_checks` of the frozen equation, initial values, and the slope of
/// the double well.
std::vector<ParameterSpec> heat_parameters();
std::unique_ptr<Problem> make_heat(Parameters const& parameters, Environment const&);
/// domain square: u = sin(pi x) sin(pi y) cos(sqrt(2) pi c t); disk: J0(j r) cos(j c t), j the
/// first zero of J0.
std::vector<ParameterSpec> wave_parameters();
std::unique_ptr<Problem> make_wave(Parameters const& parameters, Environment const&);
/// solution manufactured: u = exp(-t) times a product of sines; free: random initial values and no
/// source, whose solution is not known.
std::vector<ParameterSpec> allen_cahn_parameters();
std::unique_ptr<Problem> make_allen_cahn(Parameters const& parameters, Environment const&);

/// `fem-evolution`: Lagrange elements in space and one of the schemes
/// * backward-euler, crank-nicolson: linear equations of order 1 in time;
/// * newmark: beta = 1/4, gamma = 1/2 (Newmark, 1959): linear equations of order 2; keeps the
///   energy;
/// * eyre: Eyre's convex splitting (1998) of equations of order 1 with a double well: the convex
///   part is implicit, the concave one explicit, so that the energy never rises; Newton's
///   iteration to |r| <= newton_tolerance |b|.
/// Steps of constant length that meet every time asked about (moho::Error otherwise). The matrix
/// is factorised once (Newton's at each iteration). Checks solver_converged, newton_converged;
/// answers beyond a step that failed are NaN.
std::vector<ParameterSpec> fem_evolution_parameters();
/// iterations (of linear solvers), residual_rel (worst), newton_iterations (all), newton_most (in a
/// step), energy_start, energy_end, energy_drift (largest distance from the start), energy_rise
/// (largest gain in a step; negative: each step loses), the last two relative to the start.
std::vector<std::string> const& fem_evolution_metrics();
std::unique_ptr<Method> make_fem_evolution(Parameters const& parameters);

} // namespace moho::study
