// SPDX-License-Identifier: BSD-3-Clause
// `fem-batch`: many coefficients on one topology.
#include "moho/core/error.hpp"
#include "moho/study/darcy.hpp"
#include "moho/study/function_batch.hpp"
#include "moho/study/stop.hpp"
#include "phase_clock.hpp"
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

namespace moho::study {
namespace {

std::vector<double> coefficients_of(Batch const& in) {
  std::vector<double> k = in.reals(input_array);
  for (double& value : k) value = std::exp(value);
  return k;
}

/// Matrix entries that differ in a bit.
std::int64_t differing(fem::ConstReals a, fem::ConstReals b, std::size_t count) {
  std::int64_t sum = 0;
  auto const first = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, a);
  auto const second = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace{}, b);
  for (std::size_t i = 0; i < count; ++i)
    sum += std::bit_cast<std::uint64_t>(first(i)) != std::bit_cast<std::uint64_t>(second(i));
  return sum;
}

class FemBatch : public Method {
public:
  explicit FemBatch(Parameters const& parameters)
      : _how(discretization_of(parameters)), _options(system_options_of(parameters)),
        _together(parameters.text("mode") == "batch"),
        _batch(static_cast<std::size_t>(parameters.integer("batch"))) {}

  void accept(Problem const& problem) const override {
    check_resolution(_how, squares_of(problem));
  }

  Preparation prepare(Problem const& problem, parallel::Comm const& comm) override {
    int const squares = squares_of(problem);
    _width = static_cast<std::size_t>(squares) * static_cast<std::size_t>(squares);
    _clock.time("model",
                [&] { _model = std::make_unique<DarcyModel>(comm, squares, _how, _options); });
    Preparation preparation;
    preparation.counters = {{"unknowns", _model->space().unknowns()},
                            {"nonzeros", _model->space().nonzeros()},
                            {"cells", _model->space().cells()}};
    if (_together)
      _compared =
          problem.draw(Split::validation, 0, std::min(_batch, problem.count(Split::validation)));
    preparation.phases = _clock.take();
    return preparation;
  }

  void apply(Batch const& in, Batch& out) override {
    const std::size_t items = in.count();
    if (in.at(input_array).shape != std::vector<std::size_t>{items, _width})
      throw Error("fem-batch was prepared on " + std::to_string(_width) +
                  " squares (and is asked about others) ask about those");
    const std::vector<double> k = coefficients_of(in);
    std::vector<double> values;
    _report = {true, 0, {}};
    _fields.clear();
    StopPoint stop_point(_model->space().comm());
    for (std::size_t first = 0; first < items; first += _batch) {
      stop_point();
      const std::size_t count = std::min(_batch, items - first);
      solve_some(std::span<double const>(k).subspan(first * _width, count * _width),
                 static_cast<int>(count), values);
    }
    out = Batch(items);
    out.set(output_array, "", values, {items, _width});
    _phases = _clock.take();
  }

  Cost cost() const override {
    Cost cost;
    cost.counters = {{"systems", static_cast<std::int64_t>(_fields.size()), true}};
    cost.metrics = {{"residual_rel", _report.residual}};
    cost.phases = _phases;
    cost.checks = {{"solver_converged", _report.converged ? 1.0 : 0.0, Relation::equal, 1,
                    _report.converged ? "every system" : _report.why}};
    return cost;
  }

  // The matrices are assembled anew: conditions overwrote them.
  Assessment examine(Batch& out) override {
    std::vector<double> imbalance;
    for (Solution const& field : _fields) {
      _model->assemble(_model->by_cell(field.k), 1, 0);
      imbalance.push_back(_model->imbalance(field.u));
    }
    out.set(imbalance_array, "", imbalance);
    return _together ? compare() : Assessment{};
  }

private:
  static int squares_of(Problem const& problem) {
    auto const* posed = capability<DarcyProblem>(problem);
    if (posed == nullptr)
      throw Error("fem-batch needs a flow through squares (this problem does not tell any) use it "
                  "with darcy");
    return posed->squares();
  }

  struct Solution {
    std::vector<double> k;
    fem::Reals u; ///< local
  };
  struct Report {
    bool converged = true;
    double residual = 0; ///< the worst, relative
    std::string why{};
  };

  void solve_some(std::span<double const> k, int items, std::vector<double>& values) {
    fem::Reals cells, matrices;
    _clock.time("coefficients", [&] { cells = _model->by_cell(k); });
    if (_together)
      _clock.time("assembly", [&] { matrices = _model->assemble_batch(cells, items); });
    for (int i = 0; i < items; ++i) {
      if (_together)
        _clock.time("values", [&] { _model->take(matrices, items, i); });
      else
        _clock.time("assembly", [&] { _model->assemble(cells, items, i); });
      auto const own = k.subspan(static_cast<std::size_t>(i) * _width, _width);
      Solution field{{own.begin(), own.end()}, {}};
      _clock.time("solve", [&] { note(_model->solve(field.u)); });
      _clock.time("evaluate", [&] {
        const std::vector<double> here = _model->at_centres(field.u);
        values.insert(values.end(), here.begin(), here.end());
      });
      _fields.push_back(std::move(field));
    }
  }

  void note(parallel::SolveReport const& report) {
    double const relative = report.relative_residual();
    // fmax would leave a NaN out.
    _report.residual = std::isnan(relative) ? relative : std::fmax(_report.residual, relative);
    if (report.converged) return;
    _report.converged = false;
    _report.why = report.ending();
  }

  /// Batch against loop: bits and times, on items of the split `validation`.
  Assessment compare() {
    constexpr int rounds = 5;
    parallel::Comm const& comm = _model->space().comm();
    auto const count = static_cast<int>(_compared.count());
    const std::vector<double> k = coefficients_of(_compared);
    const fem::Reals cells = _model->by_cell(k);
    fem::Reals matrices;
    double at_once = HUGE_VAL, in_turn = HUGE_VAL;
    for (int round = 0; round < rounds; ++round) {
      comm.barrier();
      const Stopwatch batch;
      matrices = _model->assemble_batch(cells, count);
      at_once = std::fmin(at_once, comm.max(batch.seconds()));
      comm.barrier();
      const Stopwatch loop;
      for (int i = 0; i < count; ++i) _model->assemble(cells, count, i);
      in_turn = std::fmin(in_turn, comm.max(loop.seconds()));
    }
    const std::size_t entries = _model->space().topology().pattern().nonzeros();
    auto const differences = [&](fem::Reals const& from) {
      std::int64_t sum = 0;
      for (int i = 0; i < count; ++i) {
        _model->take(matrices, count, i);
        const fem::Reals taken("moho::study::FemBatch::compare", _model->values().extent(0));
        Kokkos::deep_copy(taken, _model->values());
        _model->assemble(from, count, i);
        sum += differing(taken, _model->values(), entries);
      }
      return static_cast<double>(comm.sum(sum));
    };
    std::vector<double> next = k;
    next[0] = std::nextafter(next[0], HUGE_VAL);
    const Check equal{"batch_equals_loop", differences(cells), Relation::equal, 0,
                      "entries of " + std::to_string(count) + " matrices that differ in a bit"};
    Assessment found;
    found.checks = {equal, control_of(equal, differences(_model->by_cell(next)),
                                      "one coefficient of the loop, by one in the last place")};
    found.metrics = {{"loop_over_batch", in_turn / at_once}};
    return found;
  }

  Discretization _how;
  SystemOptions _options;
  bool _together;
  std::size_t _batch, _width = 0;
  std::unique_ptr<DarcyModel> _model;
  PhaseClock _clock;
  std::vector<Phase> _phases;
  std::vector<Solution> _fields; ///< those of the last `apply`
  Batch _compared;               ///< on what batch and loop are compared
  Report _report;
};

} // namespace

std::vector<ParameterSpec> fem_batch_parameters() {
  std::vector<ParameterSpec> specs = discretization_parameters();
  for (ParameterSpec& spec : system_parameters()) specs.push_back(std::move(spec));
  specs.push_back({"mode",
                   std::string("batch"),
                   "matrices of many coefficients at once, or in turn",
                   0,
                   0,
                   {"batch", "loop"}});
  specs.push_back({"batch", std::int64_t{64}, "coefficients at once", 1, 65536});
  return specs;
}

std::vector<std::string> const& fem_batch_metrics() {
  static const std::vector<std::string> names{"loop_over_batch", "residual_rel"};
  return names;
}

std::unique_ptr<Method> make_fem_batch(Parameters const& parameters) {
  return std::make_unique<FemBatch>(parameters);
}

} // namespace moho::study
