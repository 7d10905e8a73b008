// SPDX-License-Identifier: BSD-3-Clause
#include "moho/core/error.hpp"
#include "moho/core/philox.hpp"
#include "moho/study/function_batch.hpp"
#include "moho/study/operator_problem.hpp"
#include "operator_detail.hpp"
#include <algorithm>

namespace moho::study {
namespace {

constexpr char const* coefficients_array = "coefficients";
constexpr char const* noise_array = "label_noise";

/// Streams of Philox: one for the coefficients of each split, one for the noise.
constexpr std::uint32_t noise_stream = 16;

std::string name_of(BasisFunction function, std::size_t intervals) {
  const std::string index = std::to_string(function.index);
  switch (function.kind) {
  case BasisFunction::Kind::power:
    return "x^" + index;
  case BasisFunction::Kind::sine:
    return "sin" + index;
  case BasisFunction::Kind::cosine:
    return "cos" + index;
  case BasisFunction::Kind::hat:
    break;
  }
  return "hat" + index + "/" + std::to_string(intervals);
}

} // namespace

BasisTable basis_table(BoundaryValue const& equation, FunctionSpace const& space,
                       std::size_t intervals) {
  auto const known = node_solutions(equation, intervals);
  BasisTable table{space.basis.size(), intervals + 1, {}, {}, {}};
  for (BasisFunction const& function : space.basis) {
    const std::vector<double> f = known->source(function);
    std::vector<double> const& u = known->solution(function);
    table.source.insert(table.source.end(), f.begin(), f.end());
    table.solution.insert(table.solution.end(), u.begin(), u.end());
    table.names.push_back(name_of(function, intervals));
  }
  return table;
}

std::size_t SpanDraws::count(Split split, std::size_t functions) const {
  if (expectation) return functions;
  return split == Split::train ? train : test;
}

std::vector<double> SpanDraws::coefficients(Split split, std::uint64_t first, std::size_t n,
                                            std::size_t functions) const {
  std::vector<double> values(n * functions);
  const Philox random{seed, static_cast<std::uint32_t>(split)};
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < functions; ++j)
      values[i * functions + j] = expectation
                                      ? (first + i == j ? 1.0 : 0.0)
                                      : random.normal(first + i, static_cast<std::uint32_t>(j));
  return values;
}

std::vector<double> SpanDraws::label_noise(std::uint64_t first, std::size_t n,
                                           std::size_t nodes) const {
  std::vector<double> values(n * nodes);
  const Philox random{seed, noise_stream};
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < nodes; ++j)
      values[i * nodes + j] = noise * random.normal(first + i, static_cast<std::uint32_t>(j));
  return values;
}

std::vector<ParameterSpec> draw_parameters(bool noise) {
  std::vector<ParameterSpec> specs{
      {"draws",
       std::string("expectation"),
       "items: the basis functions, over which sums are exact expectations, or random combinations",
       0,
       0,
       {"expectation", "samples"}},
      {"train", std::int64_t{10000}, "samples to train on", 1, 1e7},
      {"test", std::int64_t{1000}, "samples to ask about", 1, 1e7},
      {"seed", std::int64_t{1}, "seed of the samples", 0}};
  if (noise)
    specs.push_back({"noise", 0.0, "standard deviation of noise on the targets of training", 0});
  return specs;
}

SpanDraws span_draws(Parameters const& parameters) {
  SpanDraws draws;
  draws.expectation = parameters.text("draws") == "expectation";
  draws.train = static_cast<std::size_t>(parameters.integer("train"));
  draws.test = static_cast<std::size_t>(parameters.integer("test"));
  draws.seed = static_cast<std::uint64_t>(parameters.integer("seed"));
  if (parameters.has("noise")) draws.noise = parameters.real("noise");
  if (draws.expectation && draws.noise > 0)
    throw Error("problem.noise needs samples (an expectation has no draws to put noise on) "
                "set draws = \"samples\" or noise = 0");
  return draws;
}

std::vector<ParameterSpec> equation_parameters(std::vector<std::string> operators) {
  const BoundaryValue standard;
  return {{"operator", operators.front(), "differential operator on [0, 1]", 0, 0, operators},
          {"N", std::int64_t{24}, "intervals: nodes i / N, i = 0 .. N", 2, 2048},
          {"k", standard.k, "factor of the highest derivative (not of advection-diffusion)", -1e100,
           1e100},
          {"c", standard.c, "of -k u'' + c u (reaction-diffusion)"},
          {"beta", standard.beta, "of -eps u'' + beta u' (advection-diffusion)", -1e6, 1e6},
          {"eps", standard.eps, "of -eps u'' + beta u' (advection-diffusion)", -1e100, 1e100},
          {"w", standard.w, "of -k u'' - w^2 u (helmholtz)", -1e4, 1e4}};
}

BoundaryValue equation_of(Parameters const& parameters) {
  BoundaryValue equation;
  equation.kind = operator_named(parameters.text("operator"));
  equation.k = parameters.real("k");
  equation.c = parameters.real("c");
  equation.w = parameters.real("w");
  if (parameters.has("beta")) equation.beta = parameters.real("beta");
  if (parameters.has("eps")) equation.eps = parameters.real("eps");
  require_solvable(equation);
  return equation;
}

Space marked(Space space, BoundaryValue const& equation) {
  Parameters known;
  switch (equation.kind) {
  case Operator1d::advection_diffusion:
    known.set("eps", equation.eps);
    known.set("beta", equation.beta);
    break;
  case Operator1d::reaction_diffusion:
    known.set("c", equation.c);
    break;
  case Operator1d::helmholtz:
    known.set("w", equation.w);
    break;
  default:
    break;
  }
  if (equation.kind != Operator1d::advection_diffusion) known.set("k", equation.k);
  std::set<std::string> elements;
  for (std::string const& element : space.elements)
    elements.insert(name(equation.kind) + to_json(known) + element);
  space.elements = std::move(elements);
  return space;
}

std::vector<double> combine(std::vector<double> const& coefficients,
                            std::vector<double> const& values, std::size_t nodes) {
  const std::size_t functions = values.size() / nodes, n = coefficients.size() / functions;
  std::vector<double> result(n * nodes);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < functions; ++j) {
      double const c = coefficients[i * functions + j];
      if (c == 0) continue; // most, where the items are the basis
      for (std::size_t x = 0; x < nodes; ++x) result[i * nodes + x] += c * values[j * nodes + x];
    }
  return result;
}

Batch SpanProblem::draw(Split split, std::uint64_t first, std::size_t n) const {
  MOHO_REQUIRE(first + n <= count(split));
  BasisTable const& basis = table();
  const std::vector<double> c = _draws.coefficients(split, first, n, basis.functions);
  Batch batch(n);
  batch.set(input_array, "", combine(c, basis.source, basis.nodes), {n, basis.nodes});
  batch.set(coefficients_array, "", c, {n, basis.functions});
  if (split == Split::train && _draws.noise > 0)
    batch.set(noise_array, "", _draws.label_noise(first, n, basis.nodes), {n, basis.nodes});
  for (std::uint64_t i = first; i < first + n; ++i)
    batch.labels.push_back(_draws.expectation ? basis.names[i]
                                              : _space.name + "-" + std::to_string(i));
  return batch;
}

Batch SpanProblem::truth(Batch const& inputs, parallel::Comm const&) const {
  BasisTable const& basis = table();
  const std::size_t n = inputs.count();
  std::vector<double> u = combine(inputs.reals(coefficients_array), basis.solution, basis.nodes);
  if (inputs.has(noise_array)) {
    const std::vector<double> noise = inputs.reals(noise_array);
    for (std::size_t i = 0; i < u.size(); ++i) u[i] += noise[i];
  }
  Batch truth(n);
  truth.set(output_array, "", u, {n, basis.nodes});
  truth.set("uncertainty", "", std::vector<double>{tabulated_uncertainty});
  return truth;
}

Assessment SpanProblem::assess(Batch const&, Batch const& truth, Batch const& answers) const {
  return assess_function(truth, answers, _draws.expectation ? Items::basis : Items::samples);
}

BasisTable const& SpanProblem::table() const {
  if (_table.functions == 0) _table = make_table();
  return _table;
}

} // namespace moho::study
