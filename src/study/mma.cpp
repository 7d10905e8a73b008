// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/mma.hpp"
#include "moho/core/error.hpp"
#include <algorithm>
#include <cmath>
#include <string>

namespace moho::study {
namespace {

void require_finite(std::span<double const> values, char const* what) {
  for (std::size_t j = 0; j < values.size(); ++j)
    if (!std::isfinite(values[j]))
      throw Error(std::string("MMA: ") + what + " " + std::to_string(j) +
                  " is not finite (the model failed at this design) check bounds and solver");
}

/// right := matrix^-1 right, for a small positive definite matrix (k, k); by elimination.
void solve_small(std::vector<double> matrix, std::span<double> right) {
  const std::size_t k = right.size();
  for (std::size_t i = 0; i < k; ++i)
    for (std::size_t row = i + 1; row < k; ++row) {
      double const factor = matrix[row * k + i] / matrix[i * k + i];
      for (std::size_t j = i; j < k; ++j) matrix[row * k + j] -= factor * matrix[i * k + j];
      right[row] -= factor * right[i];
    }
  for (std::size_t i = k; i-- > 0;) {
    for (std::size_t j = i + 1; j < k; ++j) right[i] -= matrix[i * k + j] * right[j];
    right[i] /= matrix[i * k + i];
  }
}

} // namespace

Mma::Mma(std::vector<double> lower, std::vector<double> upper, std::size_t constraints,
         MmaOptions const& options)
    : _n(lower.size()), _m(constraints), _options(options), _lower(std::move(lower)),
      _upper(std::move(upper)), _range(_n), _low(_n), _high(_n), _alpha(_n), _beta(_n),
      _p((_m + 1) * _n), _q((_m + 1) * _n), _b(_m), _multipliers(_m, 0) {
  MOHO_REQUIRE(_upper.size() == _n && _n > 0);
  for (std::size_t j = 0; j < _n; ++j) {
    _range[j] = _upper[j] - _lower[j];
    if (!(_range[j] > 0) || !std::isfinite(_range[j]))
      throw Error("MMA: bounds of variable " + std::to_string(j) +
                  " enclose nothing (upper <= lower, or not finite) give each variable a range");
  }
}

// Equations (3.11) to (3.14) of Svanberg (2007): away where a variable moves on, closer where it
// oscillates.
void Mma::move_asymptotes(std::span<double const> x) {
  for (std::size_t j = 0; j < _n; ++j) {
    double const range = _range[j];
    if (_steps < 2) {
      _low[j] = x[j] - _options.asymptote_start * range;
      _high[j] = x[j] + _options.asymptote_start * range;
      continue;
    }
    double const trend = (x[j] - _x1[j]) * (_x1[j] - _x2[j]);
    double const factor = trend > 0   ? _options.asymptote_grow
                          : trend < 0 ? _options.asymptote_shrink
                                      : 1.0;
    double const nearest = _options.nearest * range, farthest = _options.farthest * range;
    _low[j] = std::clamp(x[j] - factor * (_x1[j] - _low[j]), x[j] - farthest, x[j] - nearest);
    _high[j] = std::clamp(x[j] + factor * (_high[j] - _x1[j]), x[j] + nearest, x[j] + farthest);
  }
}

// (3.4) to (3.8): each function becomes sum p / (U - x) + q / (x - L) - b, exact in value and slope
// at x but for the convexifying terms.
void Mma::approximate(std::span<double const> x, std::span<double const> objective_gradient,
                      std::span<double const> constraints,
                      std::span<double const> constraint_gradients) {
  constexpr double share = 0.1, both = 1e-3, least = 1e-5;
  for (std::size_t j = 0; j < _n; ++j) {
    double const move = _options.move * _range[j];
    _alpha[j] = std::max({_lower[j], _low[j] + share * (x[j] - _low[j]), x[j] - move});
    _beta[j] = std::min({_upper[j], _high[j] - share * (_high[j] - x[j]), x[j] + move});
  }
  for (std::size_t i = 0; i <= _m; ++i) {
    double const* slope =
        i == 0 ? objective_gradient.data() : constraint_gradients.data() + (i - 1) * _n;
    double *p = _p.data() + i * _n, *q = _q.data() + i * _n, sum = 0;
    for (std::size_t j = 0; j < _n; ++j) {
      double const up = std::max(slope[j], 0.0), down = std::max(-slope[j], 0.0);
      double const more = both * (up + down) + least / _range[j];
      double const above = _high[j] - x[j], below = x[j] - _low[j];
      p[j] = above * above * (up + more);
      q[j] = below * below * (down + more);
      sum += p[j] / above + q[j] / below;
    }
    if (i > 0) _b[i - 1] = sum - constraints[i - 1];
  }
}

double Mma::primal(std::size_t j, std::span<double const> multipliers) const {
  double p = _p[j], q = _q[j];
  for (std::size_t i = 0; i < _m; ++i) {
    p += multipliers[i] * _p[(i + 1) * _n + j];
    q += multipliers[i] * _q[(i + 1) * _n + j];
  }
  double const root_p = std::sqrt(p), root_q = std::sqrt(q);
  double const x = (root_p * _low[j] + root_q * _high[j]) / (root_p + root_q);
  return std::min(std::max(x, _alpha[j]), _beta[j]);
}

// The dual function of Svanberg (1987), section 4: concave, its gradient is the constraints at the
// minimising x. Elastic variables y cost c y + y^2 / 2, so that it is bounded if nothing is
// feasible.
Mma::Dual Mma::dual(std::span<double const> multipliers) const {
  Dual at{0, std::vector<double>(_m), std::vector<double>(_m * _m)};
  std::vector<double> slope(_m);
  for (std::size_t j = 0; j < _n; ++j) {
    double const x = primal(j, multipliers);
    double const above = 1 / (_high[j] - x), below = 1 / (x - _low[j]);
    double p = _p[j], q = _q[j];
    for (std::size_t i = 0; i < _m; ++i) {
      double const pi = _p[(i + 1) * _n + j], qi = _q[(i + 1) * _n + j];
      p += multipliers[i] * pi;
      q += multipliers[i] * qi;
      at.gradient[i] += pi * above + qi * below;
      slope[i] = pi * above * above - qi * below * below;
    }
    at.value += p * above + q * below;
    if (x <= _alpha[j] || x >= _beta[j]) continue;
    double const curvature = 2 * (p * above * above * above + q * below * below * below);
    for (std::size_t i = 0; i < _m; ++i)
      for (std::size_t k = 0; k < _m; ++k)
        at.hessian[i * _m + k] -= slope[i] * slope[k] / curvature;
  }
  for (std::size_t i = 0; i < _m; ++i) {
    double const elastic = std::max(0.0, multipliers[i] - _options.elastic_cost);
    at.value -= multipliers[i] * _b[i] + 0.5 * elastic * elastic;
    at.gradient[i] -= _b[i] + elastic;
    if (elastic > 0) at.hessian[i * _m + i] -= 1;
  }
  return at;
}

double Mma::residual(std::span<double const> multipliers, Dual const& at) const {
  double worst = 0;
  for (std::size_t i = 0; i < _m; ++i) {
    double const broken =
        multipliers[i] > 0 ? std::abs(at.gradient[i]) : std::max(0.0, at.gradient[i]);
    worst = std::max(worst, broken / (1 + std::abs(_b[i])));
  }
  return worst;
}

// Newton's step for the multipliers that are positive or want to be (Bertsekas, 1982), capped.
std::vector<double> Mma::newton_step(Dual const& at) const {
  std::vector<std::size_t> active;
  double trace = 0;
  for (std::size_t i = 0; i < _m; ++i)
    if (_multipliers[i] > 0 || at.gradient[i] > 0) {
      active.push_back(i);
      trace -= at.hessian[i * _m + i];
    }
  const std::size_t k = active.size();
  std::vector<double> matrix(k * k), step(k), direction(_m, 0);
  for (std::size_t i = 0; i < k; ++i) {
    for (std::size_t j = 0; j < k; ++j) matrix[i * k + j] = -at.hessian[active[i] * _m + active[j]];
    // A little of the identity: without free variables the dual is linear.
    matrix[i * k + i] += 1e-14 * trace + 1e-30;
    step[i] = at.gradient[active[i]];
  }
  solve_small(std::move(matrix), step);
  for (std::size_t i = 0; i < k; ++i) {
    double const most = 10 * (1 + _multipliers[active[i]]);
    direction[active[i]] = std::clamp(step[i], -most, most);
  }
  return direction;
}

// Projected Newton with halving, from the last multipliers.
MmaStep Mma::maximise() {
  constexpr double accuracy = 1e-13;
  constexpr int most = 500;
  Dual at = dual(_multipliers);
  MmaStep step{{}, residual(_multipliers, at), 1};
  while (step.residual > accuracy && step.evaluations < most) {
    const std::vector<double> direction = newton_step(at);
    bool better = false;
    for (double length = 1; length > 1e-12 && !better; length *= 0.5) {
      std::vector<double> next(_m);
      double gain = 0;
      for (std::size_t i = 0; i < _m; ++i) {
        next[i] = std::max(0.0, _multipliers[i] + length * direction[i]);
        gain += at.gradient[i] * (next[i] - _multipliers[i]);
      }
      Dual there = dual(next);
      ++step.evaluations;
      double const left = residual(next, there);
      // At the optimum values of the dual differ by rounding alone: there the residual decides.
      better = gain > 1e-10 * std::abs(at.value) ? there.value >= at.value + 1e-4 * gain
                                                 : left <= 0.5 * step.residual;
      if (!better) continue;
      _multipliers = std::move(next);
      at = std::move(there);
      step.residual = left;
    }
    if (!better) break;
  }
  step.multipliers = _multipliers;
  return step;
}

MmaStep Mma::step(std::span<double> x, std::span<double const> objective_gradient,
                  std::span<double const> constraints,
                  std::span<double const> constraint_gradients) {
  MOHO_REQUIRE(x.size() == _n && objective_gradient.size() == _n && constraints.size() == _m &&
               constraint_gradients.size() == _m * _n);
  require_finite(objective_gradient, "derivative of the objective by variable");
  require_finite(constraints, "constraint");
  require_finite(constraint_gradients, "derivative of the constraints, entry");
  move_asymptotes(x);
  approximate(x, objective_gradient, constraints, constraint_gradients);
  MmaStep step = maximise();
  _x2 = std::move(_x1);
  _x1.assign(x.begin(), x.end());
  ++_steps;
  for (std::size_t j = 0; j < _n; ++j) x[j] = primal(j, step.multipliers);
  return step;
}

} // namespace moho::study
