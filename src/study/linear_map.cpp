// SPDX-License-Identifier: BSD-3-Clause
#include "function_training.hpp"
#include "linear_fit.hpp"
#include "moho/core/error.hpp"
#include "moho/core/philox.hpp"
#include "moho/study/function_methods.hpp"
#include "moho/study/measure.hpp"
#include <algorithm>
#include <cmath>
#include <limits>

namespace moho::study {
namespace {

constexpr double adam_rate = 1e-3;
constexpr std::uint32_t initial_stream = 0x11a9; // of the random first weights

struct Options {
  std::string fit;
  std::int64_t iterations, seed;
  double rate, tolerance, initial;
  bool intercept;
};

/// Entries N(0, sd^2), by their place in W.
Matrix initial_weights(std::size_t outputs, std::size_t inputs, Options const& options) {
  Matrix weights(outputs, inputs);
  if (options.initial == 0) return weights;
  const Philox random{static_cast<std::uint64_t>(options.seed), initial_stream};
  for (std::size_t i = 0; i < outputs; ++i)
    for (std::size_t j = 0; j < inputs; ++j)
      weights(i, j) = options.initial * random.normal(i * inputs + j, 0);
  return weights;
}

double norm_ratio(Matrix const& a, Matrix const& b) {
  return std::sqrt(square_norm(a) / square_norm(b)); // NaN for 0/0: nothing was learnt
}

Matrix difference(Matrix a, Matrix const& b) {
  for (std::size_t i = 0; i < a.values.size(); ++i) a.values[i] -= b.values[i];
  return a;
}

/// W* = C B^+ + W0 (I - U U^T).
Matrix closed_form(Spectrum const& known, Matrix const& initial) {
  Matrix weights = off_span(initial, known.basis);
  for (std::size_t i = 0; i < weights.values.size(); ++i)
    weights.values[i] += known.inverse.values[i];
  return weights;
}

/// The first singular value that counts as zero over the last that does not; 0 without one.
double rank_gap(Spectrum const& known) {
  const std::size_t rank = known.rank();
  return rank == 0 || rank == known.s.size() ? 0 : known.s[rank] / known.s[rank - 1];
}

/// A set of known rank has round-off (1e-16 of the largest) beyond it; here rank ends at 1e-13.
constexpr double widest_rank_gap = 1e-2;

class LinearMap : public Method {
public:
  explicit LinearMap(Parameters const& parameters)
      : _options{parameters.text("fit"),
                 parameters.integer("iterations"),
                 parameters.integer("initial_seed"),
                 parameters.real("rate"),
                 parameters.real("tolerance"),
                 parameters.real("initial"),
                 parameters.flag("intercept")} {}

  Preparation prepare(Problem const& problem, parallel::Comm const& comm) override {
    _root = comm.root();
    if (_options.intercept) require_samples(problem, "linear-map with an intercept");
    TrainingSet set = training_set(problem, comm);
    if (!_root) return {};
    const BlasThreads one_thread(1);
    _units = set.units;
    double const target_square = square_norm(set.targets);
    if (_options.intercept) centre(set);
    double const n = static_cast<double>(set.items());
    const Samples samples{std::move(set.inputs), std::move(set.targets), set.sampled ? 1 / n : 1};
    const Samples small = compressed(samples);
    const Spectrum known = spectrum(small);
    const Matrix initial = initial_weights(samples.targets.rows, samples.inputs.rows, _options);
    const Matrix best = closed_form(known, initial);
    Fit fit = fitted(samples, small, known, initial, best);
    _weights = std::move(fit.weights);
    Preparation report = described(samples, known, fit, target_square);
    report.metrics.push_back({"to_closed_form", norm_ratio(difference(_weights, best), best)});
    report.counters.push_back({"left_out", static_cast<std::int64_t>(set.left_out)});
    return report;
  }

  void apply(Batch const& in, Batch& out) override {
    if (!_root) return; // too little work to share
    Matrix inputs = asked_inputs(in, _weights.columns, "linear-map");
    const std::size_t items = inputs.columns, outputs = _weights.rows;
    if (_options.intercept) _features.apply(inputs);
    Matrix answers(outputs, items);
    // One item at a time, in a fixed order: an answer does not depend on what else is asked.
    for (std::size_t item = 0; item < items; ++item) {
      double* const answer = answers.values.data() + item * outputs;
      if (_options.intercept) std::copy(_shift.begin(), _shift.end(), answer);
      for (std::size_t j = 0; j < inputs.rows; ++j) {
        double const value = inputs(j, item);
        double const* const column = _weights.values.data() + j * outputs;
        for (std::size_t i = 0; i < outputs; ++i) answer[i] += column[i] * value;
      }
    }
    out = function_answers(answers, _units);
    const std::size_t affine = _options.intercept ? 2 * inputs.rows : 0;
    _flops = static_cast<std::int64_t>(items * (2 * outputs * inputs.rows + affine));
    _bytes = static_cast<std::int64_t>(sizeof(double) *
                                       (items * (outputs + inputs.rows) + _weights.values.size()));
  }

  Cost cost() const override { return {_flops, _bytes, 0, {}}; }

private:
  /// u - mean(u) = W x over standardized x: the least-squares shift is the mean of the targets.
  void centre(TrainingSet& set) {
    _features = standardization(set.inputs);
    _features.apply(set.inputs);
    _shift = row_means(set.targets);
    for (std::size_t j = 0; j < set.targets.columns; ++j)
      for (std::size_t i = 0; i < set.targets.rows; ++i) set.targets(i, j) -= _shift[i];
  }

  /// `small`, the triangle of the samples, has the same loss and gradients at a cost that does not
  /// grow with their number: for many steps.
  Fit fitted(Samples const& samples, Samples const& small, Spectrum const& known,
             Matrix const& initial, Matrix const& best) const {
    Training training{_options.iterations, _options.rate, _options.tolerance};
    if (_options.fit == "closed-form") return {best, 0, false, {}, {}};
    if (_options.fit == "cgls") {
      auto const rank = static_cast<std::int64_t>(known.rank());
      training.iterations = std::min(training.iterations, rank);
      return fit_cgls(samples, initial, training);
    }
    if (_options.fit == "adam") {
      if (training.rate == 0) training.rate = adam_rate;
      return fit_adam(small, initial, training);
    }
    double const largest = known.rank() == 0 ? 0 : known.s[0] * known.s[0] * samples.weight;
    if (training.rate == 0 && largest > 0) training.rate = 1 / largest;
    return fit_gradient_descent(small, initial, training);
  }

  Preparation described(Samples const& samples, Spectrum const& known, Fit const& fit,
                        double target_square) const {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    auto const count = [](std::size_t n) { return static_cast<std::int64_t>(n); };
    double const square = square_residual(samples, _weights);
    double const scale = samples.weight / static_cast<double>(samples.targets.rows);
    Preparation report;
    report.metrics = {
        {"train_mse", square * scale},
        {"train_rel_mse", square / target_square},
        {"condition", known.rank() == 0 ? nan : known.s[0] / known.s[known.rank() - 1]},
        {"off_span", norm_ratio(off_span(_weights, known.basis), _weights)}};
    report.counters = {{"samples", count(samples.inputs.columns)},
                       {"inputs", count(samples.inputs.rows)},
                       {"rank", count(known.rank())},
                       {"parameters", count(_weights.values.size() + _shift.size())},
                       {"iterations", fit.iterations},
                       {"diverged", fit.diverged ? 1 : 0}};
    report.data = {{"training/singular_value", "", known.s}};
    report.checks = {{"diverged", fit.diverged ? 1.0 : 0.0, Relation::equal, 0,
                      "training did not overflow; where it did, take a smaller rate"},
                     {"rank_unclear", rank_gap(known), Relation::at_most, widest_rank_gap,
                      "singular values of the training inputs leave a gap at the numerical rank " +
                          std::to_string(known.rank()) +
                          "; without one, directions are lost to round-off and the condition is "
                          "that of the others"}};
    if (fit.loss.empty()) return report;
    std::vector<double> loss = fit.loss;
    for (double& value : loss) value *= scale;
    report.data.push_back({"history/iteration", "", fit.iteration});
    report.data.push_back({"history/loss", "", loss});
    return report;
  }

  Options _options;
  bool _root = false;
  std::string _units;
  Matrix _weights;           ///< (outputs, inputs)
  Standardization _features; ///< with an intercept
  std::vector<double> _shift;
  std::int64_t _flops = 0, _bytes = 0;
};

} // namespace

std::vector<ParameterSpec> linear_map_parameters() {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  return {{"fit",
           std::string("closed-form"),
           "how W is found",
           0,
           0,
           {"closed-form", "cgls", "gd", "adam"}},
          {"iterations", std::int64_t{2000}, "steps of gd and adam; most steps of cgls", 0, 1e9},
          {"rate", 0.0, "step length; 0: 1/L for gd (L: largest eigenvalue), 1e-3 for adam", 0,
           infinity},
          {"tolerance", 1e-16, "cgls: a row whose gradient fell to this share is done", 0, 1},
          {"initial", 0.0, "standard deviation of the first weights", 0, infinity},
          {"intercept", false, "affine, on standardized inputs"},
          {"initial_seed", std::int64_t{0}, "of the first weights", 0, infinity}};
}

std::vector<std::string> const& linear_map_metrics() {
  static const std::vector<std::string> names{"train_mse", "train_rel_mse", "condition", "off_span",
                                              "to_closed_form"};
  return names;
}

std::unique_ptr<Method> make_linear_map(Parameters const& parameters) {
  return std::make_unique<LinearMap>(parameters);
}

} // namespace moho::study
