// SPDX-License-Identifier: BSD-3-Clause
// `operator-1d`: sources at the nodes to solutions at the nodes.
#include "moho/study/function_batch.hpp"
#include "moho/study/grid_task.hpp"
#include "moho/study/operator_problem.hpp"
#include "operator_detail.hpp"

namespace moho::study {
namespace {

class Operator1dProblem : public SpanProblem,
                          public Probed,
                          public BoundaryValueProblem,
                          public Gridded {
public:
  Operator1dProblem(BoundaryValue const& equation, FunctionSpace const& space,
                    std::size_t intervals, SpanDraws const& draws)
      : SpanProblem(marked(space.space, equation), draws), _equation(equation), _functions(space),
        _intervals(intervals) {}

  std::vector<Check> verify(parallel::Comm const&) const override {
    return boundary_value_checks(_equation, _intervals);
  }

  BoundaryValue equation() const override { return _equation; }
  std::size_t intervals() const override { return _intervals; }
  Grid grid() const override {
    Grid grid;
    grid.points = {static_cast<std::int64_t>(_intervals) + 1};
    grid.lower = {0};
    grid.upper = {1};
    return grid;
  }

  Batch probes() const override {
    const std::size_t nodes = _intervals + 1;
    std::vector<double> unit(nodes * nodes);
    for (std::size_t j = 0; j < nodes; ++j) unit[j * nodes + j] = 1;
    Batch batch(nodes);
    batch.set(input_array, "", unit, {nodes, nodes});
    return batch;
  }

  Assessment assess_probes(Batch const& answers) const override {
    return assess_probe(_equation, _intervals, answers);
  }

private:
  std::size_t functions() const override { return _functions.basis.size(); }
  BasisTable make_table() const override { return basis_table(_equation, _functions, _intervals); }

  BoundaryValue _equation;
  FunctionSpace _functions;
  std::size_t _intervals;
};

} // namespace

std::vector<ParameterSpec> operator_1d_parameters() {
  std::vector<ParameterSpec> specs = equation_parameters(operator_names());
  specs.push_back({"space", std::string("sin4"),
                   "span of the sources: poly0, poly1, .., sin1, .., cos1, .., fem"});
  for (ParameterSpec& spec : draw_parameters(true)) specs.push_back(std::move(spec));
  return specs;
}

std::vector<std::string> const& operator_1d_metrics() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all = function_metrics();
    all.insert(all.end(), probe_metrics().begin(), probe_metrics().end());
    return all;
  }();
  return names;
}

std::unique_ptr<Problem> make_operator_1d(Parameters const& parameters, Environment const&) {
  auto const intervals = static_cast<std::size_t>(parameters.integer("N"));
  return std::make_unique<Operator1dProblem>(equation_of(parameters),
                                             function_space(parameters.text("space"), intervals),
                                             intervals, span_draws(parameters));
}

} // namespace moho::study
