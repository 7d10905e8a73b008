// SPDX-License-Identifier: BSD-3-Clause
// Known solutions that the quadrature of Green's functions must meet, each beside a control.
#include "operator_detail.hpp"
#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>

namespace moho::study {
namespace {

using Real = long double;
using Kind = BasisFunction::Kind;
using Closed = std::function<Real(Real)>;
constexpr Real pi = std::numbers::pi_v<Real>;

/// Poisson: u'' = -f integrated twice.
Closed poisson_solution(BasisFunction f, Real k) {
  Real const i = static_cast<Real>(f.index), scale = k * i * i * pi * pi;
  if (f.kind == Kind::power)
    return [=](Real x) { return (x - std::pow(x, i + 2)) / ((i + 1) * (i + 2) * k); };
  if (f.kind == Kind::sine) return [=](Real x) { return std::sin(i * pi * x) / scale; };
  return [=](Real x) { return (std::cos(i * pi * x) - 1 + x * (1 - std::cos(i * pi))) / scale; };
}

/// Clamped beam under sin(l x): the sine and the cubic that takes its slopes away.
Closed clamped_sine(Real l, Real k) {
  // u = (sin(lx) + a x + b x^2 + d x^3) / (k l^4) with u = u' = 0 at both ends.
  Real const a = -l, end = l * std::cos(l);
  Real const d = a + 2 * (std::sin(l)) - end, b = -a - d - std::sin(l);
  // From u(1) = 0: a + b + d = -sin l; u'(1) = 0: end + a + 2b + 3d = 0.
  return
      [=](Real x) { return (std::sin(l * x) + x * (a + x * (b + x * d))) / (k * l * l * l * l); };
}

/// -eps u'' + beta u' = sin(lx): a particular solution, and c0 + c1 e^(p (x-1)) for the ends.
Closed advection_sine(Real l, Real eps, Real beta) {
  Real const below = eps * eps * l * l * l * l + beta * beta * l * l;
  Real const a = eps * l * l / below, b = -beta * l / below, p = beta / eps;
  Real const at_1 = a * std::sin(l) + b * std::cos(l);
  // c0 + c1 E(0) = -b, c0 + c1 E(1) = -at_1 with E(x) = (e^(px) - 1) / (e^p - 1), so c0 = -b.
  return [=](Real x) {
    Real const layer = p == 0  ? x
                       : p > 0 ? std::exp(p * (x - 1)) * std::expm1(-p * x) / std::expm1(-p)
                               : std::expm1(p * x) / std::expm1(p);
    return a * std::sin(l * x) + b * std::cos(l * x) - b + (b - at_1) * layer;
  };
}

Closed closed_form(BoundaryValue const& e, BasisFunction f) {
  Real const l = static_cast<Real>(f.index) * pi, k = e.k;
  auto const sine = [l](Real scale) { return [=](Real x) { return std::sin(l * x) / scale; }; };
  switch (e.kind) {
  case Operator1d::poisson:
    return poisson_solution(f, k);
  case Operator1d::biharmonic_simply_supported:
    return sine(k * l * l * l * l);
  case Operator1d::biharmonic_clamped:
    return clamped_sine(l, k);
  case Operator1d::advection_diffusion:
    return advection_sine(l, e.eps, e.beta);
  case Operator1d::reaction_diffusion:
    return sine(k * l * l + e.c);
  case Operator1d::helmholtz:
    return sine(k * l * l - Real{e.w} * e.w);
  }
  return {};
}

double largest(std::vector<double> const& values) {
  double most = 0;
  for (double const value : values) most = std::fmax(most, std::abs(value));
  return most;
}

/// Largest difference between a tabulated solution times (1 + wrong) and the closed form, over the
/// largest value anywhere (at the nodes it may be zero), of all functions with a closed form.
double closed_form_error(BoundaryValue const& equation, std::size_t intervals, double wrong) {
  auto const known = node_solutions(equation, intervals);
  std::vector<BasisFunction> functions;
  for (std::size_t i = 1; i <= std::min<std::size_t>(8, intervals - 1); ++i)
    functions.push_back({Kind::sine, i});
  if (equation.kind == Operator1d::poisson)
    for (std::size_t i = 0; i <= 8; ++i) {
      functions.push_back({Kind::power, i});
      if (i > 0) functions.push_back({Kind::cosine, i});
    }
  double worst = 0;
  for (BasisFunction const& f : functions) {
    const Closed exact = closed_form(equation, f);
    std::vector<double> const& u = known->solution(f);
    double error = 0;
    for (std::size_t i = 0; i <= intervals; ++i) {
      Real const x = static_cast<Real>(i) / static_cast<Real>(intervals);
      double const difference = static_cast<double>(u[i] * (1 + Real{wrong}) - exact(x));
      error = std::isnan(difference) ? HUGE_VAL : std::fmax(error, std::abs(difference));
    }
    double most = 0;
    for (int i = 0; i <= 128; ++i)
      most = std::fmax(most, std::abs(static_cast<double>(exact(static_cast<Real>(i) / 128))));
    worst = std::fmax(worst, error / most);
  }
  return worst;
}

/// The hats add up to 1, and weighted by their places to x; so must their solutions. `leave`: a hat
/// that is left out.
double partition_error(BoundaryValue const& equation, std::size_t intervals, std::size_t leave) {
  auto const known = node_solutions(equation, intervals);
  double worst = 0;
  for (std::size_t power = 0; power < 2; ++power) {
    std::vector<double> const& u = known->solution({Kind::power, power});
    std::vector<Real> sum(intervals + 1);
    for (std::size_t j = 0; j <= intervals; ++j) {
      if (j == leave) continue;
      std::vector<double> const& hat = known->solution({Kind::hat, j});
      Real const c = power == 0 ? 1 : static_cast<Real>(j) / static_cast<Real>(intervals);
      for (std::size_t i = 0; i <= intervals; ++i) sum[i] += c * hat[i];
    }
    for (std::size_t i = 0; i <= intervals; ++i) {
      double const difference = std::abs(static_cast<double>(sum[i] - u[i]));
      worst = std::isnan(difference) ? HUGE_VAL : std::fmax(worst, difference / largest(u));
    }
  }
  return worst;
}

} // namespace

std::vector<Check> boundary_value_checks(BoundaryValue const& equation, std::size_t intervals) {
  const Check closed{"closed_form", closed_form_error(equation, intervals, 0), Relation::at_most,
                     1e-14,
                     "integrals of the Green's function against closed forms, of the largest"};
  const Check partition{"partition_of_unity", partition_error(equation, intervals, intervals + 1),
                        Relation::at_most, 1e-14,
                        "the solutions of all hats add up to those of 1 and x"};
  return {
      closed, control_of(closed, closed_form_error(equation, intervals, 1e-12), "1e-12 more"),
      partition,
      control_of(partition, partition_error(equation, intervals, intervals / 2), "one hat less")};
}

} // namespace moho::study
