// SPDX-License-Identifier: BSD-3-Clause
// `poisson-2d`: tensor products of sines on the unit square.
#include "moho/core/error.hpp"
#include "moho/study/grid_task.hpp"
#include "moho/study/operator_problem.hpp"
#include "operator_detail.hpp"
#include <charconv>
#include <cmath>
#include <numbers>

namespace moho::study {
namespace {

using Real = long double;

/// sin(i pi x) sin(j pi y), i <= p, j <= q.
struct Modes {
  std::size_t p = 0, q = 0;
};

Modes modes_of(std::string const& name, std::size_t intervals) {
  Modes modes;
  char const* const end = name.data() + name.size();
  bool good = name.rfind("sin", 0) == 0;
  if (good) {
    auto const first = std::from_chars(name.data() + 3, end, modes.p);
    good = first.ec == std::errc() && first.ptr != end && *first.ptr == 'x';
    if (good) {
      auto const second = std::from_chars(first.ptr + 1, end, modes.q);
      good = second.ec == std::errc() && second.ptr == end;
    }
  }
  // The name labels a row: each space has one.
  if (!good || modes.p < 1 || modes.q < 1 ||
      name != "sin" + std::to_string(modes.p) + "x" + std::to_string(modes.q))
    throw Error("problem.space: unknown space '" + name +
                "' (the spaces of the square are sin<p>x<q>, p and q >= 1) write e.g. sin2x3");
  if (modes.p >= intervals || modes.q >= intervals)
    throw Error("problem.space '" + name + "' does not fit N = " + std::to_string(intervals) +
                " (higher modes repeat lower ones on the nodes) choose p, q < " +
                std::to_string(intervals) + " or a larger N");
  return modes;
}

std::string element(std::size_t i, std::size_t j) {
  return "sin" + std::to_string(i) + "x" + std::to_string(j);
}

Space space_of(std::string const& name, Modes const& modes) {
  Space space{name, "sin"};
  for (std::size_t i = 1; i <= modes.p; ++i)
    for (std::size_t j = 1; j <= modes.q; ++j) space.elements.insert(element(i, j));
  return space;
}

class Poisson2dProblem : public SpanProblem, public Gridded {
public:
  Poisson2dProblem(std::string const& space, Modes const& modes, std::size_t intervals, double k,
                   SpanDraws const& draws)
      : SpanProblem(marked(space_of(space, modes), BoundaryValue{.k = k}), draws), _modes(modes),
        _intervals(intervals), _k(k) {}

  std::vector<Check> verify(parallel::Comm const&) const override {
    const Check stencil{"five_point_stencil", stencil_error(0), Relation::at_most, 1e-13,
                        "sources against second differences of the solutions, whose factors are "
                        "known for sines"};
    double const n = static_cast<double>(_intervals);
    return {stencil, control_of(stencil, stencil_error(1e-11 * n * n), "1e-11 / h^2 more")};
  }

  Grid grid() const override {
    auto const along = static_cast<std::int64_t>(_intervals) + 1;
    Grid grid;
    grid.points = {along, along};
    grid.lower = {0, 0};
    grid.upper = {1, 1};
    return grid;
  }

private:
  std::size_t functions() const override { return _modes.p * _modes.q; }

  BasisTable make_table() const override {
    const std::size_t nodes = (_intervals + 1) * (_intervals + 1);
    BasisTable table{functions(), nodes, {}, {}, {}};
    // Sines at the nodes come from the table of one variable, where they are exact zeros at ends.
    const NodeSolutions sines({}, _intervals);
    for (std::size_t i = 1; i <= _modes.p; ++i)
      for (std::size_t j = 1; j <= _modes.q; ++j) {
        const std::vector<double> x = sines.source({BasisFunction::Kind::sine, i}),
                                  y = sines.source({BasisFunction::Kind::sine, j});
        constexpr Real square = std::numbers::pi_v<Real> * std::numbers::pi_v<Real>;
        Real const scale = _k * square * static_cast<Real>(i * i + j * j);
        for (double const a : x)
          for (double const b : y) {
            table.source.push_back(a * b);
            table.solution.push_back(static_cast<double>(Real{a} * b / scale));
          }
        table.names.push_back(element(i, j));
      }
    return table;
  }

  /// -k times the five-point Laplacian of each solution, at the interior nodes, over
  /// (s_i + s_j) / (i^2 + j^2), s_i = (4 / (pi h)^2) sin(i pi h / 2)^2: the source, exactly.
  double stencil_error(double wrong) const {
    BasisTable const& basis = table();
    const std::size_t n = _intervals, width = n + 1;
    double const h = 1 / static_cast<double>(n);
    double worst = 0;
    for (std::size_t f = 0; f < basis.functions; ++f) {
      const std::size_t i = 1 + f / _modes.q, j = 1 + f % _modes.q;
      auto const symbol = [&](std::size_t mode) {
        return 4 / (h * h) *
               std::pow(std::sin(static_cast<double>(mode) * std::numbers::pi * h / 2), 2);
      };
      double const exact = std::pow(std::numbers::pi, 2) * static_cast<double>(i * i + j * j);
      double const factor = _k * exact / (symbol(i) + symbol(j)) * (1 + wrong) / (h * h);
      double const* u = basis.solution.data() + f * basis.nodes;
      double const* source = basis.source.data() + f * basis.nodes;
      for (std::size_t a = 1; a < n; ++a)
        for (std::size_t b = 1; b < n; ++b) {
          const std::size_t at = a * width + b;
          double const laplacian =
              4 * u[at] - u[at - 1] - u[at + 1] - u[at - width] - u[at + width];
          double const error = std::abs(factor * laplacian - source[at]);
          worst = std::isnan(error) ? HUGE_VAL : std::fmax(worst, error);
        }
    }
    // Differences of values of size u lose digits in proportion to 1 / h^2.
    return worst * h * h;
  }

  Modes _modes;
  std::size_t _intervals;
  double _k;
};

} // namespace

std::vector<ParameterSpec> poisson_2d_parameters() {
  std::vector<ParameterSpec> specs{
      {"N", std::int64_t{24}, "intervals along each side: (N+1)^2 nodes", 2, 256},
      {"k", 1.0, "factor of the Laplacian", -1e100, 1e100},
      {"space", std::string("sin2x2"), "span of the sources: sin<p>x<q>"}};
  for (ParameterSpec& spec : draw_parameters(true)) specs.push_back(std::move(spec));
  return specs;
}

std::unique_ptr<Problem> make_poisson_2d(Parameters const& parameters, Environment const&) {
  auto const intervals = static_cast<std::size_t>(parameters.integer("N"));
  std::string const& space = parameters.text("space");
  BoundaryValue equation;
  equation.k = parameters.real("k");
  require_solvable(equation);
  return std::make_unique<Poisson2dProblem>(space, modes_of(space, intervals), intervals,
                                            equation.k, span_draws(parameters));
}

} // namespace moho::study
