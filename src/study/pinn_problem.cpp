// SPDX-License-Identifier: BSD-3-Clause
// Fields in space-time: points of a grid, truth, norms.
#include "answer_error.hpp"
#include "moho/core/error.hpp"
#include "moho/study/function_batch.hpp"
#include "pinn_equations.hpp"
#include "pinn_reaction_diffusion.hpp"
#include <algorithm>
#include <cmath>
#include <limits>

namespace moho::study {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double round_off = 1e-14; // of the closed forms

/// Of the reference solution at least.
constexpr std::size_t least_nodes = 512, least_steps = 2000;

struct FieldGrid {
  std::size_t points = 0, times = 0;
  std::size_t size() const { return points * times; }
};

/// What `values` of the grid are, with their uncertainty.
struct Reference {
  std::vector<double> values; ///< (times, points)
  double uncertainty = 0;
};

/// By twice the nodes and steps of what it is compared with.
Reference reaction_diffusion_reference(SpaceTimeEquation const& equation, double nu,
                                       FieldGrid const& grid) {
  ReactionDiffusion const flow{nu, equation.coefficient, equation.length};
  const std::size_t intervals = grid.points - 1,
                    stride = 2 * std::max<std::size_t>(1, least_nodes / (2 * intervals)),
                    steps = std::max<std::size_t>(1, least_steps / (4 * (grid.times - 1)));
  auto const on_grid = [&](std::size_t every, std::size_t steps_between) {
    const std::size_t nodes = intervals * every;
    std::vector<double> start;
    for (std::size_t i = 0; i < nodes; ++i)
      start.push_back(
          equation.initial(equation.length * static_cast<double>(i) / static_cast<double>(nodes)));
    const std::vector<double> all = flow.solve(start, 1, grid.times, steps_between);
    std::vector<double> values;
    for (std::size_t k = 0; k < grid.times; ++k)
      for (std::size_t i = 0; i < grid.points; ++i)
        values.push_back(all[k * nodes + i * every % nodes]);
    return values;
  };
  Reference reference{on_grid(stride, 2 * steps), 0};
  const std::vector<double> coarse = on_grid(stride / 2, steps);
  double largest = 0, distance = 0;
  for (std::size_t i = 0; i < coarse.size(); ++i) {
    largest = std::fmax(largest, std::abs(reference.values[i]));
    distance = std::fmax(distance, std::abs(reference.values[i] - coarse[i]));
  }
  reference.uncertainty = distance / largest;
  return reference;
}

class SpaceTimeProblem : public Problem, public PhysicsInformed {
public:
  SpaceTimeProblem(EquationEntry const& entry, Parameters const& parameters)
      : _entry(entry),
        _parameters(parameters), _grid{static_cast<std::size_t>(parameters.integer("points")),
                                       static_cast<std::size_t>(parameters.integer("times"))} {}

  std::size_t count(Split split) const override { return split == Split::test ? _grid.size() : 0; }

  Batch draw(Split split, std::uint64_t first, std::size_t n) const override {
    if (first + n > count(split))
      throw Error("items " + std::to_string(first) + " to " + std::to_string(first + n) +
                  " of pinn-" + _entry.name + " (this split has " + std::to_string(count(split)) +
                  ": nothing is learnt from data) ask for its test items");
    double const length = equation().length;
    std::vector<double> points;
    for (std::size_t i = first; i < first + n; ++i) {
      points.push_back(length * static_cast<double>(i % _grid.points) /
                       static_cast<double>(_grid.points - 1));
      points.push_back(static_cast<double>(i / _grid.points) /
                       static_cast<double>(_grid.times - 1));
    }
    Batch batch(n);
    batch.set(input_array, "", points, {n, 2});
    return batch;
  }

  Batch truth(Batch const& inputs, parallel::Comm const&) const override {
    const std::vector<double> points = inputs.reals(input_array);
    const std::size_t n = inputs.count();
    std::vector<double> values(n);
    double uncertainty = round_off;
    if (_entry.exact != nullptr) {
      for (std::size_t i = 0; i < n; ++i)
        values[i] = _entry.exact(_parameters, points[2 * i], points[2 * i + 1]);
    } else {
      const Reference reference =
          reaction_diffusion_reference(equation(), _parameters.real("nu"), _grid);
      for (std::size_t i = 0; i < n; ++i) values[i] = reference.values[item(&points[2 * i])];
      uncertainty = reference.uncertainty;
    }
    Batch batch(n);
    batch.set(output_array, "", values, {n, 1});
    batch.set("uncertainty", "", std::vector<double>(n, uncertainty));
    return batch;
  }

  std::vector<Check> verify(parallel::Comm const&) const override {
    return equation_checks(_entry, _parameters);
  }

  Assessment assess(Batch const& inputs, Batch const& truth, Batch const& answers) const override {
    MOHO_REQUIRE(truth.at(output_array).shape == answers.at(output_array).shape);
    const std::vector<double> points = inputs.reals(input_array), u = truth.reals(output_array),
                              found = answers.reals(output_array);
    const AnswerError error = answer_error(u, found);
    double apart = 0, size = 0;
    std::vector<double> start;
    SpaceTimeEquation const equation = this->equation();
    for (std::size_t i = 0; i < u.size(); ++i) {
      apart += std::abs(u[i] - found[i]);
      size += std::abs(u[i]);
      start.push_back(equation.initial(points[2 * i]));
    }
    Assessment found_out{{{"l2re", std::sqrt(ratio(error.square, error.norm))},
                          {"l1re", ratio(apart, size)},
                          {"linf", error.largest},
                          {"of_initial", ratio(error.square, answer_error(u, start).square)},
                          {"of_mean", ratio(error.square, spread(u, 1))},
                          {"truth_uncertainty", truth.reals("uncertainty").at(0)}},
                         {{"points", static_cast<std::int64_t>(u.size()), true}},
                         {}};
    if (u.size() == _grid.size()) add_field(found_out, points, u, found);
    return found_out;
  }

  SpaceTimeEquation equation() const override { return equation(_parameters.real(_entry.raised)); }
  SpaceTimeEquation equation(double coefficient) const override {
    return _entry.make(_parameters, coefficient);
  }

private:
  /// Which point of the grid this is.
  std::size_t item(double const* point) const {
    auto const number = [](double place, std::size_t count) {
      return static_cast<std::size_t>(std::lround(place * static_cast<double>(count - 1)));
    };
    return number(point[1], _grid.times) * _grid.points +
           number(point[0] / equation().length, _grid.points);
  }

  void add_field(Assessment& found_out, std::vector<double> const& points,
                 std::vector<double> const& u, std::vector<double> const& found) const {
    std::vector<double> x, t;
    for (std::size_t i = 0; i < _grid.points; ++i) x.push_back(points[2 * i]);
    for (std::size_t k = 0; k < _grid.times; ++k) t.push_back(points[2 * k * _grid.points + 1]);
    const std::vector<std::size_t> shape{_grid.times, _grid.points};
    found_out.data = {{"field/x", "", x},
                      {"field/t", "", t},
                      {"field/value", "", found, shape},
                      {"field/truth", "", u, shape}};
  }

  EquationEntry const& _entry;
  Parameters _parameters;
  FieldGrid _grid;
};

} // namespace

std::vector<std::string> const& space_time_metrics() {
  static const std::vector<std::string> names{"l2re",       "l1re",    "linf",
                                              "of_initial", "of_mean", "truth_uncertainty"};
  return names;
}

ProblemEntry pinn_problem(std::string const& equation) {
  EquationEntry const& entry = find_equation(equation);
  std::vector<ParameterSpec> parameters = entry.parameters;
  parameters.push_back(
      {"points", std::int64_t{129}, "of the grid asked about, along x, ends included", 5, 10001});
  parameters.push_back({"times", std::int64_t{101}, "of the same, 0 and 1 included", 2, 10001});
  return {"pinn-" + entry.name,
          space_time_task,
          entry.summary,
          parameters,
          space_time_metrics(),
          [&entry](Parameters const& chosen, Environment const&) {
            return std::make_unique<SpaceTimeProblem>(entry, chosen);
          }};
}

} // namespace moho::study
