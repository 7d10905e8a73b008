// SPDX-License-Identifier: BSD-3-Clause
#include "pinn_equations.hpp"
#include "moho/core/error.hpp"
#include "moho/nn/ops.hpp"
#include "moho/study/names.hpp"
#include <cmath>
#include <fmt/format.h>
#include <numbers>

namespace moho::study {
namespace {

constexpr double pi = std::numbers::pi;

using nn::Jet;

/// The linear part of an equation, (n, 1).
nn::Value linear_part(Jet const& u) {
  return nn::whole(u.combined, u);
}

// ---- convection ------------------------------------------------------------------------------

SpaceTimeEquation convection(Parameters const&, double beta) {
  SpaceTimeEquation equation;
  equation.label = fmt::format("convection beta={}", beta);
  equation.length = 2 * pi;
  equation.coefficient = beta;
  equation.derivatives.drift = {beta, 1};
  equation.residual = linear_part;
  equation.initial = [](double x) { return std::sin(x); };
  equation.initial_jet = [](Jet const& x) { return nn::apply(nn::sin, x); };
  return equation;
}

double convected(Parameters const& parameters, double x, double t) {
  return std::sin(x - parameters.real("beta") * t);
}

// ---- reaction --------------------------------------------------------------------------------

constexpr double bell = 8 / (pi * pi); // 1 / (2 (pi/4)^2)

nn::Value wide_bell(nn::Value x) {
  return nn::exp(-bell * nn::square(x - pi));
}
nn::Value narrow_bell(nn::Value x) {
  return nn::exp(-2.0 * nn::square(x - pi));
}
double wide_bell_at(double x) {
  return std::exp(-bell * (x - pi) * (x - pi));
}

SpaceTimeEquation reaction(Parameters const&, double rho) {
  SpaceTimeEquation equation;
  equation.label = fmt::format("reaction rho={}", rho);
  equation.length = 2 * pi;
  equation.coefficient = rho;
  equation.derivatives.drift = {0, 1};
  equation.residual = [rho](Jet const& u) {
    return linear_part(u) - rho * (u.value * (1.0 - u.value));
  };
  equation.initial = wide_bell_at;
  equation.initial_jet = [](Jet const& x) { return nn::apply(wide_bell, x); };
  return equation;
}

/// The logistic function through u0 (Krishnapriyan et al. 2021).
double reacted(Parameters const& parameters, double x, double t) {
  double const h = wide_bell_at(x);
  return h / (h + (1 - h) * std::exp(-parameters.real("rho") * t));
}

// ---- wave ------------------------------------------------------------------------------------

SpaceTimeEquation wave(Parameters const& parameters, double c) {
  auto const beta = static_cast<double>(parameters.integer("beta"));
  SpaceTimeEquation equation;
  equation.label = fmt::format("wave c={} beta={}", c, beta);
  equation.length = 1;
  equation.ends = Ends::zero;
  equation.at_rest = true;
  equation.coefficient = c;
  equation.derivatives.along = {{{1, 0}, 1, -c * c}, {{0, 1}, 1, 1}};
  equation.residual = linear_part;
  equation.initial = [beta](double x) { return std::sin(pi * x) + 0.5 * std::sin(beta * pi * x); };
  equation.initial_jet = [beta](Jet const& x) {
    auto const wave = [&](double k) { return nn::apply(nn::sin, nn::jet_of(k * pi, x) * x); };
    return wave(1) + nn::jet_of(0.5, x) * wave(beta);
  };
  return equation;
}

double waved(Parameters const& parameters, double x, double t) {
  auto const beta = static_cast<double>(parameters.integer("beta"));
  double const c = parameters.real("speed");
  return std::sin(pi * x) * std::cos(c * pi * t) +
         0.5 * std::sin(beta * pi * x) * std::cos(c * beta * pi * t);
}

// ---- reaction-diffusion ------------------------------------------------------------------------

SpaceTimeEquation reaction_diffusion(Parameters const& parameters, double rho) {
  double const nu = parameters.real("nu");
  SpaceTimeEquation equation;
  equation.label = fmt::format("reaction-diffusion rho={} nu={}", rho, nu);
  equation.length = 2 * pi;
  equation.smooth_ends = true;
  equation.coefficient = rho;
  equation.derivatives = {{{{1, 0}, 1, -nu}}, {0, 1}};
  equation.residual = [rho](Jet const& u) {
    return linear_part(u) - rho * (u.value * (1.0 - u.value));
  };
  equation.initial = [](double x) { return std::exp(-2 * (x - pi) * (x - pi)); };
  equation.initial_jet = [](Jet const& x) { return nn::apply(narrow_bell, x); };
  return equation;
}

double unit_over(double rate) {
  return 1 / std::fmax(1, rate);
}

} // namespace

std::span<const EquationEntry> equation_entries() {
  static const std::vector<EquationEntry> table{
      {"convection",
       "u_t + beta u_x = 0 on a circle, from sin x",
       {{"beta", 30.0, "speed", 0, 1e4}},
       "beta",
       convection,
       convected,
       [](Parameters const& p) { return unit_over(p.real("beta")); }},
      {"reaction",
       "u_t = rho u (1 - u) at every x, from a bell",
       {{"rho", 5.0, "rate", 0, 100}},
       "rho",
       reaction,
       reacted,
       [](Parameters const& p) { return unit_over(p.real("rho")); }},
      {"wave",
       "u_tt = c^2 u_xx, 0 at the ends of [0, 1], from rest",
       {{"speed", 2.0, "c", 0.05, 1e3},
        {"beta", std::int64_t{5}, "of the start: sin(pi x) + sin(beta pi x) / 2", 1, 1000}},
       "speed",
       wave,
       waved,
       [](Parameters const& p) {
         return unit_over(pi * static_cast<double>(p.integer("beta")) *
                          std::fmax(1, p.real("speed")));
       }},
      {"reaction-diffusion",
       "u_t = nu u_xx + rho u (1 - u) on a circle, from a bell",
       {{"rho", 5.0, "rate of the reaction", 0, 100},
        {"nu", 3.0, "diffusion; below 1e-3 the truth does not resolve its fronts", 1e-3, 100}},
       "rho",
       reaction_diffusion,
       nullptr,
       [](Parameters const& p) { return unit_over(p.real("rho")); }},
  };
  return table;
}

EquationEntry const& find_equation(std::string const& name) {
  std::vector<std::string> known;
  for (EquationEntry const& entry : equation_entries()) {
    if (entry.name == name) return entry;
    known.push_back(entry.name);
  }
  throw Error("unknown equation '" + name + "' (" + suggestion(name, known) + ")");
}

} // namespace moho::study
