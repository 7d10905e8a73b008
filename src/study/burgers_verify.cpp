// SPDX-License-Identifier: BSD-3-Clause
// What is known of Burgers' equation and of the random initial states, each with its control.
#include "burgers.hpp"
#include "dataset_items.hpp"
#include "moho/core/philox.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace moho::study {
namespace {

constexpr double pi = std::numbers::pi;

/// Streams of their own: no flow that anybody trains on or is asked about.
constexpr std::uint32_t flow_stream = 41, field_stream = 42;

std::vector<double> sine(std::size_t points, double mean, double amplitude) {
  std::vector<double> u;
  for (std::size_t i = 0; i < points; ++i)
    u.push_back(mean + amplitude *
                           std::sin(2 * pi * static_cast<double>(i) / static_cast<double>(points)));
  return u;
}

double mean(std::vector<double> const& u) {
  return std::accumulate(u.begin(), u.end(), 0.0) / static_cast<double>(u.size());
}

double energy(std::vector<double> const& u) {
  return std::inner_product(u.begin(), u.end(), u.begin(), 0.0) / static_cast<double>(u.size());
}

/// From mean + sin, which both steepens and drifts.
void append_closed_form(std::vector<Check>& checks) {
  constexpr std::size_t points = 256, steps = 1600;
  constexpr double nu = 0.02, time = 0.5, drift = 0.5;
  const std::vector<double> start = sine(points, drift, 1),
                            exact = cole_hopf_sine(points, drift, 1, nu, time),
                            found = BurgersSolver(points, nu, time, steps)(start),
                            other = BurgersSolver(points, nu * (1 + 1e-6), time, steps)(start);
  append_with_control(checks,
                      {"burgers_sine", relative_distance(found, exact), Relation::at_most, 1e-10,
                       "from mean + sine, against Cole and Hopf's series of Bessel functions"},
                      relative_distance(other, exact), "a viscosity 1e-6 larger");
}

/// Of a flow that starts as one sine, so that time is all there is to resolve.
void append_order(std::vector<Check>& checks) {
  constexpr std::size_t points = 64;
  constexpr double nu = 0.05, time = 0.5;
  const std::vector<double> start = sine(points, 0.5, 1),
                            exact = cole_hopf_sine(points, 0.5, 1, nu, time);
  auto const order = [&](TimeScheme scheme, std::size_t steps) {
    auto const error = [&](std::size_t n) {
      return relative_distance(BurgersSolver(points, nu, time, n, scheme)(start), exact);
    };
    return std::log2(error(steps) / error(2 * steps));
  };
  append_with_control(checks,
                      {"burgers_time_order", std::abs(order(TimeScheme::etdrk4, 32) - 4),
                       Relation::at_most, 0.2, "halved time steps, distance from order 4"},
                      std::abs(order(TimeScheme::exponential_euler, 32) - 4),
                      "a scheme of first order");
}

/// A flow as they are drawn, where its transform keeps enough digits.
void append_drawn_flow(BurgersSettings const& s, std::vector<Check>& checks) {
  constexpr double most_exponent = 12; // 1e5 between the ends of phi: 11 digits are left
  const std::vector<double> start = s.field().draw({s.seed, flow_stream}, 0, s.grid);
  const ColeHopf exact = cole_hopf(start, s.nu, s.time);
  if (!(exact.exponent < most_exponent)) return;
  std::vector<double> larger = start;
  for (double& u : larger) u *= 1.001;
  append_with_control(checks,
                      {"burgers_drawn", relative_distance(s.solver()(start), exact.values),
                       Relation::at_most, 1e-5, "a drawn flow, against Cole and Hopf's transform"},
                      relative_distance(s.solver()(larger), exact.values),
                      "a start that is 0.1 % larger");
}

void append_invariants(BurgersSettings const& s, std::vector<Check>& checks) {
  constexpr std::size_t parts = 8;
  const std::vector<double> start = s.field().draw({s.seed, flow_stream}, 1, s.grid);
  const std::size_t steps = std::max<std::size_t>(1, s.steps / parts);
  BurgersSolver solver(s.grid, s.nu, s.time / parts, steps);
  std::vector<double> u = start, energies{energy(start)};
  for (std::size_t part = 0; part < parts; ++part) {
    u = solver(u);
    energies.push_back(energy(u));
  }
  double const scale = std::sqrt(energies.front()), mass = std::abs(mean(u) - mean(start)) / scale;
  append_with_control(checks,
                      {"burgers_mass", mass, Relation::at_most, 1e-13,
                       "the mean over x stays what it was, over the root mean square"},
                      mass + 1e-11, "1e-11 more");
  auto const rise = [](std::vector<double> const& e) {
    double worst = -std::numeric_limits<double>::infinity();
    for (std::size_t i = 1; i < e.size(); ++i) worst = std::fmax(worst, e[i] / e[i - 1] - 1);
    return worst;
  };
  double const forward = rise(energies);
  std::reverse(energies.begin(), energies.end());
  append_with_control(checks,
                      {"burgers_energy_rise", forward, Relation::at_most, 1e-13,
                       "the mean square never grows, largest relative rise over an eighth of the "
                       "time"},
                      rise(energies), "time run backwards");
}

void append_field(BurgersSettings const& s, std::vector<Check>& checks) {
  constexpr std::size_t drawn = 200;
  const PeriodicField field = s.field();
  const std::size_t lag = s.grid / 8;
  double const fraction = static_cast<double>(lag) / static_cast<double>(s.grid);
  double square = 0, shifted = 0;
  for (std::uint64_t item = 0; item < drawn; ++item) {
    const std::vector<double> u = field.draw({s.seed, field_stream}, item, s.grid);
    square += energy(u) / drawn;
    double sum = 0;
    for (std::size_t i = 0; i < u.size(); ++i) sum += u[i] * u[(i + lag) % u.size()];
    shifted += sum / static_cast<double>(u.size()) / drawn;
  }
  double const root = std::sqrt(static_cast<double>(drawn));
  append_with_control(checks,
                      {"field_variance", std::abs(square - field.covariance(0)), Relation::at_most,
                       6 * field.deviation(0) / root,
                       "of the initial states, against the sum of the spectrum, six deviations"},
                      std::abs(4 * square - field.covariance(0)), "fields twice as large");
  append_with_control(checks,
                      {"field_covariance", std::abs(shifted - field.covariance(fraction)),
                       Relation::at_most, 6 * field.deviation(fraction) / root,
                       "between points an eighth of the circle apart, in the same way"},
                      std::abs(square - field.covariance(fraction)), "their variance");
}

} // namespace

std::vector<Check> burgers_checks(BurgersSettings const& settings) {
  std::vector<Check> checks;
  append_closed_form(checks);
  append_order(checks);
  append_drawn_flow(settings, checks);
  append_invariants(settings, checks);
  append_field(settings, checks);
  return checks;
}

} // namespace moho::study
