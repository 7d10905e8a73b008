// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/operator_darcy.hpp"
#include "dataset_items.hpp"
#include "moho/core/error.hpp"
#include "moho/study/function_batch.hpp"
#include "moho/study/grid_task.hpp"
#include "operator_darcy.hpp"
#include <algorithm>
#include <optional>

namespace moho::study {
namespace {

class DarcyOperator : public Problem, public Gridded {
public:
  explicit DarcyOperator(DarcyOperatorSettings const& settings)
      : _s(settings), _step((_s.grid - 1) / (_s.points - 1)) {}

  std::size_t count(Split split) const override {
    return split == Split::train ? _s.train : _s.test;
  }

  Grid grid() const override {
    auto const along = static_cast<std::int64_t>(_s.points);
    Grid grid;
    grid.points = {along, along};
    grid.lower = {0, 0};
    grid.upper = {1, 1};
    return grid;
  }

  Batch draw(Split split, std::uint64_t first, std::size_t n) const override {
    return draw_together(split, first, n, parallel::Comm::self());
  }

  Batch draw_together(Split split, std::uint64_t first, std::size_t n,
                      parallel::Comm const& comm) const override {
    MOHO_REQUIRE(first + n <= count(split));
    const std::vector<double> rows = share_items(
        comm, n, width(), [&](std::size_t i) { return kept(coefficient(split, first + i)); });
    const std::vector<double> input =
        comm.size() == 1 ? rows : comm.broadcast(std::span<double const>(rows));
    Batch batch(n);
    batch.set(input_array, "", input, {n, width()});
    set_items(batch, split, first);
    return batch;
  }

  Batch truth(Batch const& inputs, parallel::Comm const& comm) const override {
    const ItemNumbers items = items_of(inputs, "darcy-operator");
    const std::size_t n = inputs.count();
    const std::vector<double> ones(_s.grid * _s.grid, 1.0);
    std::optional<DarcySolver> solver; // of ranks that have an item
    std::vector<double> all = share_items(comm, n, width() + 1, [&](std::size_t i) {
      if (!solver) solver.emplace(_s.grid);
      const DarcySolution solution = solver->solve(coefficient(items.split, items.number[i]), ones);
      std::vector<double> row = kept(solution.u);
      row.push_back(solution.bound);
      return row;
    });
    Batch truth(n);
    double worst = 0;
    if (comm.root()) {
      // The bounds leave their places, in order, so that no second copy is needed.
      for (std::size_t i = 0; i < n; ++i) {
        auto const row = all.begin() + static_cast<std::ptrdiff_t>(i * (width() + 1));
        worst = std::fmax(worst, row[static_cast<std::ptrdiff_t>(width())]);
        std::copy_n(row, width(), all.begin() + static_cast<std::ptrdiff_t>(i * width()));
      }
      all.resize(n * width());
      truth.set(output_array, "", all, {n, width()});
    }
    truth.set("uncertainty", "", std::vector<double>{worst});
    return truth;
  }

  std::vector<Check> verify(parallel::Comm const&) const override {
    return darcy_operator_checks(_s);
  }

  Assessment assess(Batch const&, Batch const& truth, Batch const& answers) const override {
    return assess_on_grid(truth, answers);
  }

private:
  std::size_t width() const { return _s.points * _s.points; }

  std::vector<double> coefficient(Split split, std::uint64_t item) const {
    if (!_field) _field.emplace(_s.field(_s.grid));
    return _s.coefficient(_field->draw({_s.seed, static_cast<std::uint32_t>(split)}, item));
  }

  /// Of all nodes those that are asked about.
  std::vector<double> kept(std::vector<double> const& values) const {
    std::vector<double> some;
    for (std::size_t x = 0; x < _s.grid; x += _step)
      for (std::size_t y = 0; y < _s.grid; y += _step) some.push_back(values[x * _s.grid + y]);
    return some;
  }

  DarcyOperatorSettings _s;
  std::size_t _step;
  mutable std::optional<NeumannField> _field; ///< made when it is first needed
};

} // namespace

std::vector<ParameterSpec> darcy_operator_parameters() {
  return {{"s", std::int64_t{85},
           "points along a side of inputs and outputs; s - 1 divides grid - 1", 3, 4096},
          {"grid", std::int64_t{421}, "nodes along a side on which the flow is solved", 5, 4096},
          {"cosines", std::int64_t{0}, "of the field, along a side; 0: as many as nodes", 0, 4096},
          {"low", 3.0, "coefficient where the field is negative", 1e-6, 1e6},
          {"high", 12.0, "coefficient elsewhere", 1e-6, 1e6},
          {"alpha", 2.0, "of the field's covariance (-Laplace + tau^2)^-alpha", 1.05, 10},
          {"tau", 3.0, "the same", 1e-3, 1e3},
          {"train", std::int64_t{1000}, "coefficients to train on", 1, 1e9},
          {"test", std::int64_t{200}, "coefficients asked about, and for validation", 1, 1e9},
          {"seed", std::int64_t{1}, "seed of the fields", 0}};
}

std::unique_ptr<Problem> make_darcy_operator(Parameters const& p, Environment const&) {
  auto const natural = [&](char const* key) { return static_cast<std::size_t>(p.integer(key)); };
  DarcyOperatorSettings s;
  s.points = natural("s");
  s.grid = natural("grid");
  s.modes = natural("cosines");
  if (s.modes == 0) s.modes = s.grid;
  s.low = p.real("low");
  s.high = p.real("high");
  s.alpha = p.real("alpha");
  s.tau = p.real("tau");
  s.train = natural("train");
  s.test = natural("test");
  s.seed = static_cast<std::uint64_t>(p.integer("seed"));
  if ((s.grid - 1) % (s.points - 1) != 0)
    throw Error(
        "problem.s = " + std::to_string(s.points) +
        " does not fit problem.grid = " + std::to_string(s.grid) +
        " (its nodes are every so many of the grid's, both ends included) let s - 1 divide " +
        std::to_string(s.grid - 1));
  return std::make_unique<DarcyOperator>(s);
}

} // namespace moho::study
