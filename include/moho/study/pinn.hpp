// SPDX-License-Identifier: BSD-3-Clause
// Task "space-time field": u(x, t) on [0, length] x [0, 1] from an equation, its initial values and
// what holds at the ends; and physics-informed networks, which learn it from these alone.
#pragma once
#include "moho/nn/jet.hpp"
#include "moho/study/method.hpp"
#include "moho/study/registry.hpp"
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace moho::study {

/// The task's name in the registry. Inputs are the array `input` (n, 2): x, t; answers and truth
/// `output` (n, 1) (function_batch.hpp).
inline constexpr char const* space_time_task = "space-time field";

/// What holds at x = 0 and x = length.
enum class Ends {
  periodic, ///< u is the same at both
  zero      ///< u = 0
};

/// All that a method may know of an equation. A residual is written on a tape, of the derivatives
/// of u by (x, t) that it needs and no more; what is linear in them is best one `combined` stream.
struct SpaceTimeEquation {
  std::string label; ///< with its coefficients: "convection beta=30"
  double length = 1;
  Ends ends = Ends::periodic;
  bool smooth_ends = false; ///< of periodic ones: u_x is the same at both, too
  bool at_rest = false;     ///< u_t = 0 at t = 0 (second order in time)
  double coefficient = 0;   ///< what makes it difficult, and what a curriculum raises from 0
  nn::Derivatives derivatives;
  std::function<nn::Value(nn::Jet const& u)> residual;  ///< (n, 1), of u with `derivatives`
  std::function<double(double x)> initial;              ///< u at t = 0
  std::function<nn::Jet(nn::Jet const& x)> initial_jet; ///< the same of x (n, 1), on a tape
};

/// A problem that is such an equation. A capability.
class PhysicsInformed {
public:
  virtual ~PhysicsInformed() = default;
  virtual SpaceTimeEquation equation() const = 0;
  /// With another coefficient; initial values and ends are the same.
  virtual SpaceTimeEquation equation(double coefficient) const = 0;
};

/// `pinn-<equation>`, after arXiv 2605.29153 and Krishnapriyan et al. (2021):
/// * convection: u_t + beta u_x = 0, u0 = sin x, periodic on [0, 2 pi];
/// * reaction: u_t = rho u (1 - u), u0 = exp(-((x - pi) / (pi / 4))^2 / 2), periodic;
/// * wave: u_tt = c^2 u_xx, u0 = sin pi x + sin(beta pi x) / 2 at rest, 0 at the ends of [0, 1];
/// * reaction-diffusion: u_t = nu u_xx + rho u (1 - u), u0 = exp(-2 (x - pi)^2), periodic.
/// Items are the points of a grid, ends included, t slowest. Truth: closed forms; of
/// reaction-diffusion a pseudo-spectral solution, extrapolated in time, whose uncertainty is the
/// distance from one with half the points and half the steps. Checks: the truth satisfies the
/// equation, initial values and ends, by differences. There is nothing to train on: no item of
/// another split.
ProblemEntry pinn_problem(std::string const& equation);

/// l2re = (sum|u-v|^2 / sum|u|^2)^1/2, l1re = sum|u-v| / sum|u|, linf = largest |u-v|; of_initial,
/// of_mean: sum|u-v|^2 over that of u(x, t) = u(x, 0) and of the best constant, so that below 1
/// beats them; truth_uncertainty. Data: field/x, field/t, field/value and field/truth (t, x).
std::vector<std::string> const& space_time_metrics();

/// `pinn`: a network of (x, t) that minimises the mean squares of the residual, at points drawn
/// without replacement from the interior of a grid, of what is wrong at the ends, and of what is
/// wrong at t = 0. The points are shared out among eight logical shards: the same bits on 1 to 8
/// ranks. `Trainable`: of this loss. Parameters: those in pinn_method.cpp. Hard constraints are
/// u = u0(x) + B(x, t) N(x, t) with B = t or t^2 and a factor x (length - x) for ends of 0;
/// periodic ends need Fourier features.
MethodEntry pinn_method();
/// train_loss (of the last epoch), loss_res, loss_bc, loss_ic (its terms), train_seconds,
/// exposed_share, train_gflops.
std::vector<std::string> const& pinn_metrics();

/// `initial-state`: u(x, t) = u(x, 0); `initial-mean`: its mean. Trivial.
std::unique_ptr<Method> make_initial_state(Parameters const& parameters);
std::unique_ptr<Method> make_initial_mean(Parameters const& parameters);

} // namespace moho::study
