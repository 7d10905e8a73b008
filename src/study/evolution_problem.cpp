// SPDX-License-Identifier: BSD-3-Clause
// What all evolution problems share: draws, truth, checks.
#include "evolution_problem.hpp"
#include "central_difference.hpp"
#include "moho/study/field_batch.hpp"
#include <cmath>
#include <limits>
#include <utility>

namespace moho::study {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t checked_points = 200;
constexpr std::uint64_t check_stream = 33;

double value_at(TimeField const& f, double t, double const* x) {
  double value = 0;
  f(t, x, &value);
  return value;
}

/// d^m u / dt^m of the exact solution.
double rate(Evolution const& evolution, double t, double const* x) {
  double const h = evolution.time_scale / 16;
  auto const first = [&](double at) {
    return central_difference([&](double s) { return value_at(evolution.exact, at + s, x); }, h);
  };
  if (evolution.order == 1) return first(t);
  return central_difference([&](double s) { return first(t + s); }, h);
}

/// Largest distance of two functions at points of the domain.
template <class A, class B>
double distance(Domain const& domain, A const& a, B const& b) {
  auto const dim = static_cast<std::size_t>(domain.dim());
  const std::vector<double> points = draw_points(domain, 1, check_stream, 0, checked_points);
  double worst = 0;
  for (std::size_t i = 0; i < checked_points; ++i) {
    double const off = std::abs(a(points.data() + i * dim) - b(points.data() + i * dim));
    worst = std::isnan(off) ? HUGE_VAL : std::fmax(worst, off);
  }
  return worst;
}

void append(std::vector<Check>& checks, Check const& check, double perturbed, char const* how) {
  checks.push_back(check);
  checks.push_back(control_of(check, perturbed, how));
}

double initial_error(Evolution const& evolution, double wrong) {
  return distance(
      evolution.domain,
      [&](double const* x) {
        double value = 0;
        evolution.initial(x, &value);
        return value + wrong;
      },
      [&](double const* x) { return value_at(evolution.exact, 0, x); });
}

double initial_rate_error(Evolution const& evolution, double wrong) {
  return distance(
      evolution.domain,
      [&](double const* x) {
        double value = 0;
        if (evolution.initial_rate) evolution.initial_rate(x, &value);
        return value + wrong;
      },
      [&](double const* x) {
        return evolution.time_scale *
               central_difference([&](double s) { return value_at(evolution.exact, s, x); },
                                  evolution.time_scale / 16);
      });
}

/// Of the double well's slope, at values around its minima, relative to the largest.
double slope_error(double reaction, double wrong) {
  double worst = 0;
  for (int i = -15; i <= 15; ++i) {
    double const u = 0.1 * i, slope = central_difference(
                                  [&](double s) { return double_well(reaction, u + s); }, 1.0 / 64);
    worst = std::fmax(worst, std::abs(slope + (1 + wrong) * reaction * u * (1 - u * u)));
  }
  return worst / reaction;
}

} // namespace

Field at_time(TimeField const& f, double t) {
  if (!f) return {};
  return [f, t](double const* x, double* out) { f(t, x, out); };
}

double double_well(double reaction, double u) {
  double const factor = 1 - u * u;
  return reaction / 4 * factor * factor;
}

Pde frozen(Evolution const& evolution, double t) {
  Pde pde;
  pde.domain = evolution.domain;
  pde.terms = {{fem::FormKind::diffusion, {evolution.diffusion}}};
  if (evolution.reaction != 0) {
    Term reaction{fem::FormKind::mass, {}};
    reaction.field = [evolution, t](double const* x, double* c) {
      double const u = value_at(evolution.exact, t, x);
      *c = -evolution.reaction * (1 - u * u);
    };
    pde.terms.push_back(std::move(reaction));
  }
  pde.conditions = {BoundaryCondition{}};
  pde.exact = at_time(evolution.exact, t);
  pde.gradient = at_time(evolution.gradient, t);
  pde.source = [evolution, t](double const* x, double* out) {
    *out = -rate(evolution, t, x);
    if (evolution.source) *out += value_at(evolution.source, t, x);
  };
  return pde;
}

std::size_t EvolvingField::count(Split split) const {
  return split == Split::train ? 10 * _points : _points;
}

Batch EvolvingField::draw(Split split, std::uint64_t first, std::size_t n) const {
  Batch batch(n);
  batch.set(point_array, "",
            draw_points(_evolution.domain, _seed, static_cast<std::uint64_t>(split), first, n),
            {n, static_cast<std::size_t>(_evolution.domain.dim())});
  std::vector<double> times;
  for (std::uint64_t i = first; i < first + n; ++i)
    times.push_back(_evolution.times[i % _evolution.times.size()]);
  batch.set(time_array, "", times);
  return batch;
}

Batch EvolvingField::truth(Batch const& inputs, parallel::Comm const&) const {
  const std::vector<double> points = inputs.reals(point_array), times = inputs.reals(time_array);
  const std::size_t n = inputs.count();
  auto const dim = static_cast<std::size_t>(_evolution.domain.dim());
  std::vector<double> values(n, nan);
  if (_evolution.known())
    for (std::size_t i = 0; i < n; ++i)
      _evolution.exact(times[i], points.data() + i * dim, &values[i]);
  Batch batch(n);
  batch.set(value_array, "", values, {n, 1});
  batch.set("uncertainty", "",
            std::vector<double>(n, _evolution.known() ? truth_uncertainty : nan));
  return batch;
}

std::vector<Check> EvolvingField::verify(parallel::Comm const&) const {
  std::vector<Check> checks;
  if (_evolution.known()) {
    // A time in units of its own: at the end a solution may have decayed, or be a wave's zero.
    checks = pde_checks(frozen(_evolution, 0.6 * _evolution.time_scale));
    append(checks,
           {"initial_value", initial_error(_evolution, 0), Relation::at_most, 1e-14,
            "the initial value is that of the solution"},
           initial_error(_evolution, 1e-12), "1e-12 more");
  }
  if (_evolution.known() && _evolution.order == 2)
    append(checks,
           {"initial_rate", initial_rate_error(_evolution, 0), Relation::at_most, 1e-10,
            "the initial rate is that of the solution"},
           initial_rate_error(_evolution, 1e-7), "1e-7 more");
  if (_evolution.reaction != 0)
    append(checks,
           {"double_well", slope_error(_evolution.reaction, 0), Relation::at_most, 1e-11,
            "the reaction is the slope of the energy's double well, of the largest"},
           slope_error(_evolution.reaction, 1e-8), "a reaction off by 1e-8");
  return checks;
}

Assessment EvolvingField::assess(Batch const& inputs, Batch const& truth,
                                 Batch const& answers) const {
  Assessment found = assess_field(inputs, truth, answers);
  if (answers.has(energy_array))
    found.data.push_back({"history/energy", "", answers.reals(energy_array)});
  return found;
}

} // namespace moho::study
