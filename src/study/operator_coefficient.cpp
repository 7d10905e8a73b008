// SPDX-License-Identifier: BSD-3-Clause
// `coefficient-1d`: which coefficient belongs to pairs of source and solution.
#include "moho/core/error.hpp"
#include "moho/study/function_batch.hpp"
#include "moho/study/operator_problem.hpp"
#include "operator_detail.hpp"
#include <cmath>
#include <limits>
#include <numbers>

namespace moho::study {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

double norm(std::vector<double> const& values) {
  double sum = 0;
  for (double const value : values) sum += value * value;
  return std::sqrt(sum);
}

std::int64_t derivative_of(Operator1d kind) {
  return kind == Operator1d::biharmonic_simply_supported || kind == Operator1d::biharmonic_clamped
             ? 4
             : 2;
}

/// The coefficient that a single mode sin(pi x) would have: |source| / (pi^d |solution|).
double one_mode_guess(Batch const& inputs) {
  auto const order = static_cast<double>(inputs.integers(derivative_array).at(0));
  return norm(inputs.reals(source_array)) /
         (std::pow(std::numbers::pi, order) * norm(inputs.reals(solution_array)));
}

class CoefficientProblem : public Problem {
public:
  CoefficientProblem(BoundaryValue const& equation, FunctionSpace const& space,
                     std::size_t intervals, SpanDraws const& draws)
      : _equation(equation), _functions(space), _intervals(intervals), _draws(draws) {}

  Space space() const override { return _functions.space; }
  bool sampled() const override { return !_draws.expectation; }
  std::size_t count(Split split) const override {
    return _draws.count(split, _functions.basis.size());
  }

  Batch draw(Split split, std::uint64_t first, std::size_t n) const override {
    MOHO_REQUIRE(first + n <= count(split));
    const BasisTable basis = pairs();
    const std::vector<double> c = _draws.coefficients(split, first, n, basis.functions);
    Batch batch(n);
    batch.set(source_array, "", combine(c, basis.source, basis.nodes), {n, basis.nodes});
    batch.set(solution_array, "", combine(c, basis.solution, basis.nodes), {n, basis.nodes});
    batch.set(derivative_array, "", std::vector<std::int64_t>{derivative_of(_equation.kind)});
    return batch;
  }

  Batch truth(Batch const& inputs, parallel::Comm const&) const override {
    Batch truth(inputs.count());
    truth.set(coefficient_array, "", std::vector<double>{_equation.k});
    truth.set("uncertainty", "", std::vector<double>{0.0});
    return truth;
  }

  std::vector<Check> verify(parallel::Comm const&) const override {
    std::vector<Check> checks = boundary_value_checks(_equation, _intervals);
    if (_equation.kind == Operator1d::biharmonic_clamped) return checks; // its modes are no sines
    const Check source{"source", source_error(0), Relation::at_most, 1e-13,
                       "k (n pi)^d u is the source of sin(n pi x), lower order terms included"};
    checks.push_back(source);
    checks.push_back(control_of(source, source_error(1e-11), "1e-11 more"));
    return checks;
  }

  Assessment assess(Batch const& inputs, Batch const& truth, Batch const& answers) const override {
    double const k = truth.reals(coefficient_array).at(0);
    double const relative = (answers.reals(coefficient_array).at(0) - k) / k;
    double const trivial = std::abs(one_mode_guess(inputs) - k) / k;
    // The guess is exact but for rounding where there is one mode.
    double const of_trivial = trivial > 1e-12 ? std::abs(relative) / trivial : nan;
    return {{{"coefficient_rel", relative},
             {"coefficient_rel_abs", std::abs(relative)},
             {"coefficient_of_trivial", of_trivial}},
            {{"items", static_cast<std::int64_t>(inputs.count()), true}},
            {}};
  }

private:
  /// The basis with the terms of order zero, which are known, moved to the source.
  BasisTable pairs() const {
    BasisTable basis = basis_table(_equation, _functions, _intervals);
    double shift = 0; // -k u'' = f - c u, or f + w^2 u
    if (_equation.kind == Operator1d::reaction_diffusion) shift = -_equation.c;
    if (_equation.kind == Operator1d::helmholtz) shift = _equation.w * _equation.w;
    for (std::size_t i = 0; i < basis.source.size(); ++i)
      basis.source[i] += shift * basis.solution[i];
    return basis;
  }

  double source_error(double wrong) const {
    const std::size_t modes = std::min<std::size_t>(4, _intervals - 1);
    const CoefficientProblem sines(
        _equation, function_space("sin" + std::to_string(modes), _intervals), _intervals, {});
    const BasisTable basis = sines.pairs();
    auto const order = static_cast<double>(derivative_of(_equation.kind));
    double worst = 0;
    for (std::size_t f = 0; f < modes; ++f) {
      double const scale =
          _equation.k * std::pow(static_cast<double>(f + 1) * std::numbers::pi, order);
      double error = 0, largest = 0;
      for (std::size_t i = f * basis.nodes; i < (f + 1) * basis.nodes; ++i) {
        double const difference =
            std::abs(basis.source[i] - scale * basis.solution[i] * (1 + wrong));
        error = std::isnan(difference) ? HUGE_VAL : std::fmax(error, difference);
        largest = std::fmax(largest, std::abs(scale * basis.solution[i]));
      }
      worst = std::fmax(worst, error / largest);
    }
    return worst;
  }

  BoundaryValue _equation;
  FunctionSpace _functions;
  std::size_t _intervals;
  SpanDraws _draws;
};

} // namespace

std::vector<ParameterSpec> coefficient_1d_parameters() {
  std::vector<ParameterSpec> specs = equation_parameters(operator_names());
  std::erase_if(specs, [](ParameterSpec const& spec) {
    return spec.key == "beta" || spec.key == "eps"; // of the operator that is refused
  });
  specs.push_back({"space", std::string("poly2"),
                   "span of the sources: poly0, poly1, .., sin1, .., cos1, .., fem"});
  for (ParameterSpec& spec : draw_parameters(false)) specs.push_back(std::move(spec));
  return specs;
}

std::vector<std::string> const& coefficient_1d_metrics() {
  static const std::vector<std::string> names{"coefficient_rel", "coefficient_rel_abs",
                                              "coefficient_of_trivial"};
  return names;
}

std::unique_ptr<Problem> make_coefficient_1d(Parameters const& parameters, Environment const&) {
  const BoundaryValue equation = equation_of(parameters);
  if (equation.kind == Operator1d::advection_diffusion)
    throw Error("problem.operator 'advection-diffusion' has no single coefficient to find (eps and "
                "beta multiply derivatives both) choose another operator");
  auto const intervals = static_cast<std::size_t>(parameters.integer("N"));
  return std::make_unique<CoefficientProblem>(equation,
                                              function_space(parameters.text("space"), intervals),
                                              intervals, span_draws(parameters));
}

} // namespace moho::study
