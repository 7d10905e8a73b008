// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/pde_problem.hpp"
#include "central_difference.hpp"
#include "moho/study/field_batch.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace moho::study {
namespace {

/// How many points are looked at.
constexpr std::size_t checked_points = 200;
constexpr std::uint64_t check_stream = 32;

/// Of differences.
double step_of(Pde const& pde) {
  return pde.length / 256;
}

std::vector<double> value_of(Field const& f, double const* x, int count) {
  std::vector<double> out(static_cast<std::size_t>(count));
  if (f) f(x, out.data());
  return out;
}

/// The flux (components, dim) of the solution: k grad u of diffusion, the stress of elasticity.
std::vector<double> flux_of(Pde const& pde, double const* x) {
  auto const dim = static_cast<std::size_t>(pde.dim());
  auto const components = static_cast<std::size_t>(pde.components);
  const std::vector<double> grad = value_of(pde.gradient, x, pde.components * pde.dim());
  std::vector<double> flux(components * dim);
  for (Term const& term : pde.terms) {
    const std::vector<double> k = term.at(x, pde.dim());
    if (term.kind == fem::FormKind::diffusion)
      for (std::size_t c = 0; c < components; ++c)
        for (std::size_t i = 0; i < dim; ++i)
          for (std::size_t j = 0; j < dim; ++j)
            flux[c * dim + i] += (term.tensor ? k[i * dim + j]
                                  : i == j    ? k[0]
                                              : 0) *
                                 grad[c * dim + j];
    if (term.kind == fem::FormKind::elasticity) {
      double trace = 0;
      for (std::size_t i = 0; i < dim; ++i) trace += grad[i * dim + i];
      for (std::size_t i = 0; i < dim; ++i)
        for (std::size_t j = 0; j < dim; ++j)
          flux[i * dim + j] +=
              (i == j ? k[0] * trace : 0) + k[1] * (grad[i * dim + j] + grad[j * dim + i]);
    }
  }
  return flux;
}

double largest(std::vector<double> const& values, double most = 0) {
  for (double const value : values) most = std::fmax(most, std::abs(value));
  return most;
}

/// L u at x: - div flux + b . grad u + c u. `most`: raised to the largest summand.
std::vector<double> strong_form(Pde const& pde, double const* x, double& most) {
  int const dim = pde.dim();
  auto const components = static_cast<std::size_t>(pde.components);
  auto const width = static_cast<std::size_t>(dim);
  std::vector<double> result(components);
  auto const add = [&](std::size_t c, double summand) {
    result[c] += summand;
    most = std::fmax(most, std::abs(summand));
  };
  for (std::size_t c = 0; c < components; ++c)
    for (int d = 0; d < dim; ++d)
      add(c, -central_difference(
                 [&](double at) {
                   std::array<double, 3> y{};
                   std::copy(x, x + dim, y.begin());
                   y[static_cast<std::size_t>(d)] += at;
                   return flux_of(pde, y.data())[c * width + static_cast<std::size_t>(d)];
                 },
                 step_of(pde)));
  const std::vector<double> u = value_of(pde.exact, x, pde.components),
                            grad = value_of(pde.gradient, x, pde.components * dim);
  for (Term const& term : pde.terms) {
    const std::vector<double> k = term.at(x, dim);
    for (std::size_t c = 0; c < components; ++c) {
      if (term.kind == fem::FormKind::mass) add(c, k[0] * u[c]);
      if (term.kind == fem::FormKind::advection)
        for (std::size_t d = 0; d < width; ++d) add(c, k[d] * grad[c * width + d]);
    }
  }
  return result;
}

/// Largest difference of two fields, the first with a share `wrong` of `scale` added to it, over
/// that scale.
class Distance {
public:
  Distance(double scale, double wrong) : _scale(scale), _wrong(wrong * scale) {}
  void add(std::vector<double> const& a, std::vector<double> const& b) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      double const off = std::abs(a[i] + _wrong - b[i]);
      _off = std::isnan(off) ? HUGE_VAL : std::fmax(_off, off);
    }
  }
  double relative() const { return _off / _scale; }

private:
  double _scale, _wrong, _off = 0;
};

using Points = std::vector<std::vector<double>>;

Points points_to_check(Pde const& pde, std::function<bool(double const*)> const& skip) {
  Points points;
  auto const dim = static_cast<std::size_t>(pde.dim());
  const std::vector<double> drawn = draw_points(pde.domain, 1, check_stream, 0, 2 * checked_points);
  for (std::size_t i = 0; i < 2 * checked_points && points.size() < checked_points; ++i)
    if (double const* x = drawn.data() + i * dim; !skip || !skip(x))
      points.emplace_back(x, x + dim);
  return points;
}

/// Largest values of the solution.
struct Size {
  double u = 0, gradient = 0, flux = 0;
};

Size size_of(Pde const& pde, Points const& points) {
  Size size;
  for (std::vector<double> const& x : points) {
    size.u = largest(value_of(pde.exact, x.data(), pde.components), size.u);
    size.gradient =
        largest(value_of(pde.gradient, x.data(), pde.components * pde.dim()), size.gradient);
    size.flux = largest(flux_of(pde, x.data()), size.flux);
  }
  return size;
}

double gradient_error(Pde const& pde, Points const& points, double wrong) {
  const Size size = size_of(pde, points);
  // A gradient next to 0 is no more exact than the solution.
  Distance distance(std::fmax(size.gradient, size.u / pde.length), wrong);
  int const dim = pde.dim();
  for (std::vector<double> const& x : points) {
    std::vector<double> numeric;
    for (int c = 0; c < pde.components; ++c)
      for (int d = 0; d < dim; ++d)
        numeric.push_back(central_difference(
            [&](double at) {
              std::vector<double> y = x;
              y[static_cast<std::size_t>(d)] += at;
              return value_of(pde.exact, y.data(), pde.components)[static_cast<std::size_t>(c)];
            },
            step_of(pde)));
    distance.add(value_of(pde.gradient, x.data(), pde.components * dim), numeric);
  }
  return distance.relative();
}

double source_error(Pde const& pde, Points const& points, double wrong) {
  double most = 0;
  std::vector<std::vector<double>> forms;
  for (std::vector<double> const& x : points) forms.push_back(strong_form(pde, x.data(), most));
  Distance distance(most, wrong);
  for (std::size_t i = 0; i < points.size(); ++i)
    distance.add(value_of(pde.source, points[i].data(), pde.components), forms[i]);
  return distance.relative();
}

/// Conditions against the solution at points of the boundary, each a share of its own largest data.
double boundary_error(Pde const& pde, Points const& points, double wrong) {
  const Size size = size_of(pde, points);
  std::vector<Distance> distances;
  for (BoundaryCondition const& condition : pde.conditions) {
    bool const dirichlet = condition.kind == ConditionKind::dirichlet;
    double const alpha = condition.kind == ConditionKind::robin ? condition.alpha : 0;
    distances.emplace_back(dirichlet ? size.u : size.flux + alpha * size.u, wrong);
  }
  Distance free(size.flux, wrong);
  for (BoundaryPoint const& point : boundary_points(pde.domain, checked_points)) {
    std::vector<double> const u = value_of(pde.exact, point.x, pde.components);
    std::vector<double> const flux = exact_flux(pde, point.x, point.normal);
    bool given = false;
    for (std::size_t i = 0; i < distances.size(); ++i) {
      BoundaryCondition const& condition = pde.conditions[i];
      auto const& tags = condition.tags;
      if (!tags.empty() && std::find(tags.begin(), tags.end(), point.tag) == tags.end()) continue;
      given = true;
      std::vector<double> side = condition.kind == ConditionKind::dirichlet ? u : flux;
      if (condition.kind == ConditionKind::robin)
        for (std::size_t c = 0; c < u.size(); ++c) side[c] += condition.alpha * u[c];
      distances[i].add(value_of(condition.value, point.x, pde.components), side);
    }
    if (!given) free.add(std::vector<double>(u.size()), flux);
  }
  double worst = free.relative();
  for (Distance const& distance : distances) worst = std::fmax(worst, distance.relative());
  return worst;
}

} // namespace

std::vector<double> Term::at(double const* x, int dim) const {
  if (!field) return constant;
  std::vector<double> out(tensor                              ? static_cast<std::size_t>(dim * dim)
                          : kind == fem::FormKind::advection  ? static_cast<std::size_t>(dim)
                          : kind == fem::FormKind::elasticity ? 2
                                                              : 1);
  field(x, out.data());
  return out;
}

bool Pde::elastic() const {
  return std::any_of(terms.begin(), terms.end(),
                     [](Term const& term) { return term.kind == fem::FormKind::elasticity; });
}

bool Pde::singular() const {
  bool const mass = std::any_of(terms.begin(), terms.end(),
                                [](Term const& term) { return term.kind == fem::FormKind::mass; });
  bool const held =
      std::any_of(conditions.begin(), conditions.end(), [](BoundaryCondition const& condition) {
        return condition.kind == ConditionKind::dirichlet ||
               (condition.kind == ConditionKind::robin && condition.alpha != 0);
      });
  return !mass && !held;
}

std::vector<double> exact_flux(Pde const& pde, double const* x, double const* normal) {
  auto const dim = static_cast<std::size_t>(pde.dim());
  const std::vector<double> flux = flux_of(pde, x);
  std::vector<double> out(static_cast<std::size_t>(pde.components));
  for (std::size_t c = 0; c < out.size(); ++c)
    for (std::size_t d = 0; d < dim; ++d) out[c] += flux[c * dim + d] * normal[d];
  return out;
}

std::vector<Check> pde_checks(Pde const& pde, std::function<bool(double const*)> const& skip) {
  constexpr double limit = 1e-9, wrong = 1e-6;
  const Points points = points_to_check(pde, skip);
  const Check gradient{"exact_gradient", gradient_error(pde, points, 0), Relation::at_most, limit,
                       "gradient against differences of the solution, of the largest"};
  const Check source{"strong_form", source_error(pde, points, 0), Relation::at_most, limit,
                     "source against differences of the solution's fluxes, of the largest"};
  const Check boundary{"boundary_data", boundary_error(pde, points, 0), Relation::at_most, 1e-14,
                       "conditions against the solution on the boundary"};
  return {
      gradient, control_of(gradient, gradient_error(pde, points, wrong), "a gradient off by 1e-6"),
      source,   control_of(source, source_error(pde, points, wrong), "a source off by 1e-6"),
      boundary, control_of(boundary, boundary_error(pde, points, 1e-12), "data off by 1e-12")};
}

// --- FieldProblem -------------------------------------------------------------------------------

std::size_t FieldProblem::count(Split split) const {
  return split == Split::train ? 10 * _points : _points;
}

Batch FieldProblem::draw(Split split, std::uint64_t first, std::size_t n) const {
  Batch batch(n);
  batch.set(point_array, "",
            draw_points(_pde.domain, _seed, static_cast<std::uint64_t>(split), first, n),
            {n, static_cast<std::size_t>(_pde.dim())});
  return batch;
}

Batch FieldProblem::truth(Batch const& inputs, parallel::Comm const&) const {
  constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> points = inputs.reals(point_array);
  const std::size_t n = inputs.count();
  auto const dim = static_cast<std::size_t>(_pde.dim());
  auto const components = static_cast<std::size_t>(_pde.components);
  std::vector<double> values(n * components, unknown);
  if (_pde.known())
    for (std::size_t i = 0; i < n; ++i)
      _pde.exact(points.data() + i * dim, values.data() + i * components);
  Batch batch(n);
  batch.set(value_array, "", values, {n, components});
  batch.set("uncertainty", "", std::vector<double>(n, _pde.known() ? _uncertainty : unknown));
  return batch;
}

std::vector<Check> FieldProblem::verify(parallel::Comm const&) const {
  return _pde.known() ? pde_checks(_pde) : std::vector<Check>{};
}

Assessment FieldProblem::assess(Batch const& inputs, Batch const& truth,
                                Batch const& answers) const {
  return assess_field(inputs, truth, answers);
}

} // namespace moho::study
