// SPDX-License-Identifier: BSD-3-Clause
// The method of moving asymptotes for min f(x), g_i(x) <= 0, lower <= x <= upper.
// Svanberg, Int. J. Numer. Meth. Eng. 24 (1987) 359; "MMA and GCMMA" (2007), version of 2002.
#pragma once
#include <cstddef>
#include <span>
#include <vector>

namespace moho::study {

struct MmaOptions {
  double move = 1; ///< largest change of a variable in one step, as a share of upper - lower
  double asymptote_start = 0.5, asymptote_grow = 1.2, asymptote_shrink = 0.7;
  double nearest = 0.01, farthest = 10; ///< distance of asymptotes, as shares of upper - lower
  double elastic_cost = 1e4;            ///< price of breaking a constraint by 1
};

/// What one step found.
struct MmaStep {
  std::vector<double> multipliers; ///< of the constraints, >= 0
  double residual = 0;             ///< of the subproblem's optimality, relative; about 1e-12
  int evaluations = 0;             ///< of its dual function
};

/// Keeps the asymptotes and the last two designs. Serial and deterministic: ranks that call it with
/// the same numbers get the same bits.
class Mma {
public:
  /// Bounds have one size n; throws moho::Error where upper <= lower.
  Mma(std::vector<double> lower, std::vector<double> upper, std::size_t constraints,
      MmaOptions const& options = {});
  /// Moves x (n) to the optimum of the convex separable approximation at x. `objective_gradient`
  /// (n), values (m) and gradients (m, n) of the constraints. Throws moho::Error when one of them
  /// is not finite.
  MmaStep step(std::span<double> x, std::span<double const> objective_gradient,
               std::span<double const> constraints, std::span<double const> constraint_gradients);

private:
  struct Dual {
    double value = 0;
    std::vector<double> gradient, hessian; ///< (m), (m, m)
  };
  void move_asymptotes(std::span<double const> x);
  void approximate(std::span<double const> x, std::span<double const> objective_gradient,
                   std::span<double const> constraints,
                   std::span<double const> constraint_gradients);
  double primal(std::size_t j, std::span<double const> multipliers) const;
  Dual dual(std::span<double const> multipliers) const;
  double residual(std::span<double const> multipliers, Dual const& at) const;
  std::vector<double> newton_step(Dual const& at) const;
  MmaStep maximise();

  std::size_t _n, _m;
  MmaOptions _options;
  std::vector<double> _lower, _upper, _range;
  int _steps = 0;
  std::vector<double> _x1, _x2;         ///< the last design and the one before
  std::vector<double> _low, _high;      ///< asymptotes L, U
  std::vector<double> _alpha, _beta;    ///< bounds of this step
  std::vector<double> _p, _q;           ///< (m + 1, n): objective first
  std::vector<double> _b, _multipliers; ///< (m)
};

} // namespace moho::study
