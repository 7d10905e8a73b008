// SPDX-License-Identifier: BSD-3-Clause
// Equations in space-time against their solutions: by differences, each check with its control.
#include "central_difference.hpp"
#include "dataset_items.hpp"
#include "moho/core/host_copy.hpp"
#include "moho/core/philox.hpp"
#include "moho/nn/ops.hpp"
#include "moho/nn/program.hpp"
#include "pinn_equations.hpp"
#include "pinn_reaction_diffusion.hpp"
#include <cmath>

namespace moho::study {
namespace {

constexpr std::uint64_t check_seed = 51;
constexpr std::size_t checked_points = 200;
constexpr double off = 1e-6; // of a coefficient that a check must reject

double largest(std::vector<double> const& values) {
  double worst = 0;
  for (double const value : values)
    worst = std::isnan(value) ? HUGE_VAL : std::fmax(worst, std::abs(value));
  return worst;
}

std::vector<double> points_inside(double length) {
  std::vector<double> points;
  for (std::uint64_t i = 0; i < checked_points; ++i) {
    points.push_back(length * Philox{check_seed, 0}.uniform(i, 0));
    points.push_back(Philox{check_seed, 0}.uniform(i, 1));
  }
  return points;
}

/// How large the terms of the equation are: a coefficient that is off shows in this measure.
double size_of(SpaceTimeEquation const& equation, double scale) {
  double const rate = 1 / scale;
  return equation.at_rest ? rate * rate : rate;
}

void append_equation(EquationEntry const& entry, Parameters const& parameters,
                     std::vector<Check>& checks) {
  double const coefficient = parameters.real(entry.raised), scale = entry.scale(parameters);
  SpaceTimeEquation const equation = entry.make(parameters, coefficient);
  SpaceTimeField const exact = [&](double x, double t) { return entry.exact(parameters, x, t); };
  const std::vector<double> points = points_inside(equation.length);
  auto const residual = [&](SpaceTimeEquation const& one) {
    return largest(residual_of(one, exact, points, scale / 16)) / size_of(equation, scale);
  };
  append_with_control(
      checks,
      {"equation", residual(equation), Relation::at_most, 1e-8,
       "largest residual of the solution, over the size of the equation's terms"},
      residual(entry.make(parameters, coefficient + off * std::fmax(1, coefficient))),
      "a coefficient 1e-6 larger");
}

void append_start(EquationEntry const& entry, Parameters const& parameters,
                  std::vector<Check>& checks) {
  double const scale = entry.scale(parameters);
  SpaceTimeEquation const equation = entry.make(parameters, parameters.real(entry.raised));
  auto const distance = [&](double shift) {
    std::vector<double> values;
    for (double const x : points_inside(equation.length))
      values.push_back(entry.exact(parameters, x + shift, 0) - equation.initial(x));
    return largest(values);
  };
  append_with_control(checks,
                      {"initial_values", distance(0), Relation::at_most, 1e-13,
                       "of the solution, largest distance from those given"},
                      distance(1e-9), "a solution shifted by 1e-9");
  if (!equation.at_rest) return;
  auto const rate = [&](double time) {
    std::vector<double> values;
    for (double const x : points_inside(equation.length))
      values.push_back(
          scale * central_difference([&](double s) { return entry.exact(parameters, x, time + s); },
                                     scale / 16));
    return largest(values);
  };
  append_with_control(checks,
                      {"initial_rate", rate(0), Relation::at_most, 1e-10,
                       "largest du/dt of the solution at t = 0, in units of its own"},
                      rate(1e-6 * scale), "1e-6 later");
}

void append_ends(EquationEntry const& entry, Parameters const& parameters,
                 std::vector<Check>& checks) {
  SpaceTimeEquation const equation = entry.make(parameters, parameters.real(entry.raised));
  auto const distance = [&](double shift) {
    std::vector<double> values;
    for (int k = 0; k <= 100; ++k) {
      double const t = 0.01 * k, left = entry.exact(parameters, shift, t),
                   right = entry.exact(parameters, equation.length, t);
      values.push_back(equation.ends == Ends::periodic
                           ? left - right
                           : std::fmax(std::abs(left), std::abs(right)));
    }
    return largest(values);
  };
  append_with_control(checks,
                      {"ends", distance(0), Relation::at_most, 1e-12,
                       equation.ends == Ends::periodic ? "the solution is the same at both ends"
                                                       : "the solution is 0 at both ends"},
                      distance(1e-6), "one end moved by 1e-6");
}

// ---- reaction-diffusion, which has no closed form ----------------------------------------------

/// u of the stored times around `middle`, and its derivatives: what `residual_of` wants.
double reference_residual(SpaceTimeEquation const& solved, SpaceTimeEquation const& asked,
                          double nu) {
  constexpr std::size_t nodes = 256, middle = 40, times = 2 * middle + 1;
  ReactionDiffusion const flow{nu, solved.coefficient, solved.length};
  // short against the time in which the reaction changes u; by then the bell has left its start
  double const apart = 1.0 / (128 * std::fmax(1, solved.coefficient));
  std::vector<double> start;
  for (std::size_t i = 0; i < nodes; ++i)
    start.push_back(solved.initial(solved.length * static_cast<double>(i) / nodes));
  const std::vector<double> u =
      flow.solve(start, apart * static_cast<double>(times - 1), times, 16);
  // the equation is of u and L u, L = d/dt - nu d^2/dx^2
  nn::Derivatives const& wanted = asked.derivatives;
  MOHO_REQUIRE(wanted.along.size() == 1 && wanted.drift == std::vector<double>({0, 1}));
  std::vector<double> value, slope, combined;
  for (std::size_t i = 0; i < nodes; ++i) {
    value.push_back(u[middle * nodes + i]);
    slope.push_back(0); // u_x: no part of the equation
    combined.push_back(
        central_difference(
            [&](double s) {
              return u[static_cast<std::size_t>(middle + std::lround(s)) * nodes + i];
            },
            1.0) /
        apart);
  }
  const std::vector<double> bend = flow.second_derivative(value);
  for (std::size_t i = 0; i < nodes; ++i) combined[i] += wanted.along[0].weight * bend[i];
  return largest(residual_of(asked, {value, slope, combined}));
}

/// Of the heat equation from the bell: the sum of its images.
double heat(double nu, double length, double x, double t) {
  constexpr double sharpness = 2;
  double const wide = 1 + 4 * sharpness * nu * t;
  double sum = 0;
  for (int image = -20; image <= 20; ++image) {
    double const from = x - length / 2 - image * length;
    sum += std::exp(-sharpness * from * from / wide);
  }
  return sum / std::sqrt(wide);
}

void append_limits(SpaceTimeEquation const& equation, double nu, std::vector<Check>& checks) {
  constexpr std::size_t nodes = 256;
  std::vector<double> start, warm;
  double const time = std::fmin(1, 1 / nu); // later it is flat
  for (std::size_t i = 0; i < nodes; ++i) {
    double const x = equation.length * static_cast<double>(i) / nodes;
    start.push_back(equation.initial(x));
    warm.push_back(heat(nu, equation.length, x, time));
  }
  auto const diffused = [&](double with) {
    const std::vector<double> u =
        ReactionDiffusion{with, 0, equation.length}.solve(start, time, 2, 8);
    return relative_distance(std::span(u).subspan(nodes), warm);
  };
  append_with_control(checks,
                      {"diffusion_alone", diffused(nu), Relation::at_most, 1e-7,
                       "without reaction, against the sum of images of a spreading bell"},
                      diffused(nu * (1 + 1e-5)), "a diffusion 1e-5 larger");
}

void append_order(SpaceTimeEquation const& equation, double nu, std::vector<Check>& checks) {
  constexpr std::size_t nodes = 128;
  ReactionDiffusion const flow{nu, equation.coefficient, equation.length};
  std::vector<double> start;
  for (std::size_t i = 0; i < nodes; ++i) {
    // smooth on few nodes and over few steps
    double const x = 2 * std::acos(-1.0) * static_cast<double>(i) / nodes;
    start.push_back(0.5 + 0.4 * std::sin(x));
  }
  double const time = 1 / std::fmax(1, std::fmax(nu, equation.coefficient));
  const std::vector<double> fine = flow.solve(start, time, 2, 128);
  auto const error = [&](std::vector<double> const& u) { return relative_distance(u, fine); };
  double const split = std::log2(error(flow.split(start, time, 2, 4)) /
                                 error(flow.split(start, time, 2, 8))),
               solve = std::log2(error(flow.solve(start, time, 2, 4)) /
                                 error(flow.solve(start, time, 2, 8)));
  append_with_control(checks,
                      {"time_order", std::abs(solve - 4), Relation::at_most, 0.5,
                       "halved time steps, distance from order 4"},
                      std::abs(split - 4), "without extrapolation");
}

void append_reference(EquationEntry const& entry, Parameters const& parameters,
                      std::vector<Check>& checks) {
  double const rho = parameters.real(entry.raised), nu = parameters.real("nu");
  SpaceTimeEquation const equation = entry.make(parameters, rho);
  double const size = std::fmax(1, std::fmax(rho, nu));
  append_with_control(
      checks,
      {"equation", reference_residual(equation, equation, nu) / size, Relation::at_most, 1e-7,
       "largest residual of the reference solution, over the size of the equation's terms"},
      reference_residual(equation, entry.make(parameters, rho + 1e-4 * size), nu) / size,
      "a rate that is off by 1e-4");
  append_limits(equation, nu, checks);
  if (rho > 0) append_order(equation, nu, checks);
}

// ---- residuals ---------------------------------------------------------------------------------

/// A field at a point, with the derivatives wanted, by differences.
std::vector<double> streams_at(SpaceTimeField const& field, nn::Derivatives const& wanted, double x,
                               double t, double step) {
  std::vector<double> streams{field(x, t)};
  double combined = 0;
  // along (beta, 1) the step is that of time
  auto const towards = [&](std::vector<double> const& direction) {
    return [&field, x, t, by_x = direction[0], by_t = direction[1]](double s) {
      return field(x + s * by_x, t + s * by_t);
    };
  };
  for (nn::Direction const& one : wanted.along) {
    auto const along = towards(one.direction);
    double const second = central_difference(
        [&](double s) { return central_difference([&](double r) { return along(s + r); }, step); },
        step);
    streams.push_back(central_difference(along, step));
    if (one.order == 2) streams.push_back(second);
    combined += one.weight * second;
  }
  if (!wanted.drift.empty()) combined += central_difference(towards(wanted.drift), step);
  streams.push_back(combined);
  return streams;
}

} // namespace

std::vector<double> residual_of(SpaceTimeEquation const& equation,
                                std::vector<std::vector<double>> const& streams) {
  auto const n = static_cast<std::int64_t>(streams.at(0).size());
  nn::Tape tape;
  std::size_t next = 0;
  auto const stream = [&] { return tape.constant({n, 1}, streams.at(next++)); };
  nn::Jet u{stream()};
  for (nn::Direction const& one : equation.derivatives.along) {
    nn::Jet::Along along{one.order, one.weight, stream()};
    if (one.order == 2) along.second = stream();
    u.along.push_back(along);
  }
  u.combined = stream();
  nn::Program<double> program({equation.residual(u)});
  program.run(ExecutionSpace());
  return to_host(program.result(0));
}

std::vector<double> residual_of(SpaceTimeEquation const& equation, SpaceTimeField const& field,
                                std::vector<double> const& points, double step) {
  std::vector<std::vector<double>> streams;
  for (std::size_t i = 0; i + 1 < points.size(); i += 2) {
    const std::vector<double> here =
        streams_at(field, equation.derivatives, points[i], points[i + 1], step);
    streams.resize(here.size());
    for (std::size_t k = 0; k < here.size(); ++k) streams[k].push_back(here[k]);
  }
  return residual_of(equation, streams);
}

std::vector<Check> equation_checks(EquationEntry const& entry, Parameters const& parameters) {
  std::vector<Check> checks;
  if (entry.exact == nullptr) {
    append_reference(entry, parameters, checks);
    return checks;
  }
  append_equation(entry, parameters, checks);
  append_start(entry, parameters, checks);
  append_ends(entry, parameters, checks);
  return checks;
}

} // namespace moho::study
