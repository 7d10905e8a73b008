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

/// Step of the differences and how many points are looked at.
constexpr double step = 1.0 / 256;
constexpr std::size_t checked_points = 200;
constexpr std::uint64_t check_stream = 32;

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

/// L u at x: - div flux + b . grad u + c u.
std::vector<double> strong_form(Pde const& pde, double const* x) {
  int const dim = pde.dim();
  auto const components = static_cast<std::size_t>(pde.components);
  auto const width = static_cast<std::size_t>(dim);
  std::vector<double> result(components);
  for (std::size_t c = 0; c < components; ++c)
    for (int d = 0; d < dim; ++d)
      result[c] -= central_difference(
          [&](double at) {
            std::array<double, 3> y{};
            std::copy(x, x + dim, y.begin());
            y[static_cast<std::size_t>(d)] += at;
            return flux_of(pde, y.data())[c * width + static_cast<std::size_t>(d)];
          },
          step);
  const std::vector<double> u = value_of(pde.exact, x, pde.components),
                            grad = value_of(pde.gradient, x, pde.components * dim);
  for (Term const& term : pde.terms) {
    const std::vector<double> k = term.at(x, dim);
    for (std::size_t c = 0; c < components; ++c) {
      if (term.kind == fem::FormKind::mass) result[c] += k[0] * u[c];
      if (term.kind == fem::FormKind::advection)
        for (std::size_t d = 0; d < width; ++d) result[c] += k[d] * grad[c * width + d];
    }
  }
  return result;
}

/// Largest difference of two fields over the largest value of the second (1 where that is less).
class Distance {
public:
  void add(std::vector<double> const& a, std::vector<double> const& b) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      double const off = std::abs(a[i] - b[i]);
      _off = std::isnan(off) ? HUGE_VAL : std::fmax(_off, off);
      _most = std::fmax(_most, std::abs(b[i]));
    }
  }
  double relative() const { return _off / std::fmax(_most, 1); }

private:
  double _off = 0, _most = 0;
};

std::vector<double> times(std::vector<double> values, double factor) {
  for (double& value : values) value *= factor;
  return values;
}

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

double gradient_error(Pde const& pde, Points const& points, double wrong) {
  Distance distance;
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
            step));
    distance.add(times(value_of(pde.gradient, x.data(), pde.components * dim), 1 + wrong), numeric);
  }
  return distance.relative();
}

double source_error(Pde const& pde, Points const& points, double wrong) {
  Distance distance;
  for (std::vector<double> const& x : points) {
    std::vector<double> source = times(value_of(pde.source, x.data(), pde.components), 1 + wrong);
    source[0] += wrong;
    distance.add(source, strong_form(pde, x.data()));
  }
  return distance.relative();
}

/// Conditions against the solution, at points of the boundary. `wrong`: added to the data.
double boundary_error(Pde const& pde, double wrong) {
  Distance distance;
  for (BoundaryPoint const& point : boundary_points(pde.domain, checked_points)) {
    std::vector<double> const u = value_of(pde.exact, point.x, pde.components);
    std::vector<double> const flux = exact_flux(pde, point.x, point.normal);
    bool given = false;
    for (BoundaryCondition const& condition : pde.conditions) {
      auto const& tags = condition.tags;
      if (!tags.empty() && std::find(tags.begin(), tags.end(), point.tag) == tags.end()) continue;
      given = true;
      std::vector<double> data = value_of(condition.value, point.x, pde.components);
      data[0] += wrong;
      std::vector<double> side = condition.kind == ConditionKind::dirichlet ? u : flux;
      if (condition.kind == ConditionKind::robin)
        for (std::size_t c = 0; c < u.size(); ++c) side[c] += condition.alpha * u[c];
      distance.add(data, side);
    }
    if (!given) distance.add(std::vector<double>(u.size(), wrong), flux);
  }
  return distance.relative();
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
  const Check boundary{"boundary_data", boundary_error(pde, 0), Relation::at_most, 1e-14,
                       "conditions against the solution on the boundary"};
  return {
      gradient, control_of(gradient, gradient_error(pde, points, wrong), "a gradient off by 1e-6"),
      source,   control_of(source, source_error(pde, points, wrong), "a source off by 1e-6"),
      boundary, control_of(boundary, boundary_error(pde, 1e-12), "data off by 1e-12")};
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
