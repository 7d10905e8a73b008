// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/burgers.hpp"
#include "burgers.hpp"
#include "dataset_items.hpp"
#include "moho/core/error.hpp"
#include "moho/study/function_batch.hpp"
#include "moho/study/grid_task.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace moho::study {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

double relative_l2(std::vector<double> const& a, std::vector<double> const& b) {
  double off = 0, norm = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    off += std::pow(a[i] - b[i], 2);
    norm += b[i] * b[i];
  }
  return std::sqrt(off / norm);
}

class Burgers1d : public Problem, public Gridded {
public:
  explicit Burgers1d(BurgersSettings const& settings) : _s(settings), _field(settings.field()) {}

  std::size_t count(Split split) const override {
    return split == Split::train ? _s.train : _s.test;
  }

  Grid grid() const override {
    Grid grid;
    grid.points = {static_cast<std::int64_t>(_s.points)};
    grid.periodic = true;
    grid.ends_included = false;
    grid.lower = {0};
    grid.upper = {1};
    return grid;
  }

  Batch draw(Split split, std::uint64_t first, std::size_t n) const override {
    MOHO_REQUIRE(first + n <= count(split));
    std::vector<double> input;
    for (std::uint64_t i = first; i < first + n; ++i) {
      const std::vector<double> row = each(start(split, i), _s.grid / _s.points);
      input.insert(input.end(), row.begin(), row.end());
    }
    Batch batch(n);
    batch.set(input_array, "", input, {n, _s.points});
    set_items(batch, split, first);
    return batch;
  }

  Batch truth(Batch const& inputs, parallel::Comm const& comm) const override {
    const ItemNumbers items = items_of(inputs, "burgers-1d");
    const std::size_t n = inputs.count(),
                      refined = items.split == asked() ? std::min(_s.refine, n) : 0;
    // A rank that has nothing to solve makes no solver.
    std::optional<BurgersSolver> solver, finer;
    const std::vector<double> all = share_items(comm, n, _s.points + 1, [&](std::size_t i) {
      if (!solver) solver.emplace(_s.grid, _s.nu, _s.time, _s.steps);
      std::vector<double> row =
          each((*solver)(start(items.split, items.number[i])), _s.grid / _s.points);
      double off = nan;
      if (i < refined) {
        if (!finer) finer.emplace(2 * _s.grid, _s.nu, _s.time, 2 * _s.steps);
        const std::vector<double> twice =
            _field.draw(random(items.split), items.number[i], 2 * _s.grid);
        off = relative_l2(row, each((*finer)(twice), 2 * _s.grid / _s.points));
      }
      row.push_back(off);
      return row;
    });
    Batch truth(n);
    double worst = nan;
    if (comm.root()) {
      std::vector<double> output;
      for (std::size_t i = 0; i < n; ++i) {
        auto const row = all.begin() + static_cast<std::ptrdiff_t>(i * (_s.points + 1));
        output.insert(output.end(), row, row + static_cast<std::ptrdiff_t>(_s.points));
        worst = std::fmax(worst, row[static_cast<std::ptrdiff_t>(_s.points)]);
      }
      truth.set(output_array, "", output, {n, _s.points});
    }
    truth.set("uncertainty", "", std::vector<double>{worst});
    return truth;
  }

  std::vector<Check> verify(parallel::Comm const&) const override { return burgers_checks(_s); }

  Assessment assess(Batch const&, Batch const& truth, Batch const& answers) const override {
    return assess_on_grid(truth, answers);
  }

private:
  Philox random(Split split) const { return {_s.seed, static_cast<std::uint32_t>(split)}; }
  std::vector<double> start(Split split, std::uint64_t item) const {
    return _field.draw(random(split), item, _s.grid);
  }

  BurgersSettings _s;
  PeriodicField _field;
};

} // namespace

std::vector<ParameterSpec> burgers_1d_parameters() {
  return {
      {"s", std::int64_t{1024}, "points of inputs and outputs; divides the grid", 4, 1 << 20},
      {"grid", std::int64_t{8192}, "points on which the flow is solved", 16, 1 << 20},
      {"time_steps", std::int64_t{400}, "time steps of the truth", 1, 1e7},
      {"refine", std::int64_t{1}, "items asked about that are solved again, twice as fine", 0, 1e9},
      {"nu", 0.1, "viscosity", 1e-6, 100},
      {"time", 1.0, "of the answer", 1e-6, 100},
      {"sigma", 25.0, "of the initial states' covariance sigma^2 (-Laplace + tau^2)^-gamma", 1e-9,
       1e9},
      {"tau", 5.0, "the same", 1e-3, 1e3},
      {"gamma", 2.0, "the same", 0.75, 10},
      {"constant", false, "whether the mean over x is random too; else it is zero"},
      {"train", std::int64_t{1000}, "flows to train on", 1, 1e9},
      {"test", std::int64_t{200}, "flows asked about, and for validation", 1, 1e9},
      {"seed", std::int64_t{1}, "seed of the initial states", 0}};
}

std::unique_ptr<Problem> make_burgers_1d(Parameters const& p, Environment const&) {
  auto const natural = [&](char const* key) { return static_cast<std::size_t>(p.integer(key)); };
  BurgersSettings s;
  s.points = natural("s");
  s.grid = natural("grid");
  s.steps = natural("time_steps");
  s.refine = natural("refine");
  s.nu = p.real("nu");
  s.time = p.real("time");
  s.covariance = {p.real("sigma"), p.real("tau"), p.real("gamma")};
  s.constant = p.flag("constant");
  s.train = natural("train");
  s.test = natural("test");
  s.seed = static_cast<std::uint64_t>(p.integer("seed"));
  if (s.grid % s.points != 0)
    throw Error("problem.s = " + std::to_string(s.points) +
                " does not divide problem.grid = " + std::to_string(s.grid) +
                " (its points are every so many of the grid's) choose a divisor");
  return std::make_unique<Burgers1d>(s);
}

} // namespace moho::study
