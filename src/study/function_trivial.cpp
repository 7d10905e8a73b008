// SPDX-License-Identifier: BSD-3-Clause
// The trivial answers that every surrogate must beat.
#include "function_training.hpp"
#include "moho/study/function_methods.hpp"
#include "moho/study/measure.hpp"
#include <algorithm>
#include <limits>

namespace moho::study {
namespace {

Preparation described(TrainingSet const& set) {
  return {{{"samples", static_cast<std::int64_t>(set.items())},
           {"left_out", static_cast<std::int64_t>(set.left_out)}},
          {},
          {}};
}

class Mean : public Method {
public:
  Preparation prepare(Problem const& problem, parallel::Comm const& comm) override {
    _root = comm.root();
    const TrainingSet set = training_set(problem, comm);
    if (!_root) return {};
    _inputs = set.inputs.rows;
    _units = set.units;
    // A basis stands for coefficients of mean zero.
    _mean = set.sampled ? row_means(set.targets) : std::vector<double>(set.targets.rows, 0.0);
    return described(set);
  }

  void apply(Batch const& in, Batch& out) override {
    if (!_root) return;
    Matrix answers(_mean.size(), asked_inputs(in, _inputs, "mean").columns);
    for (std::size_t j = 0; j < answers.columns; ++j)
      std::copy(_mean.begin(), _mean.end(),
                answers.values.begin() + static_cast<std::ptrdiff_t>(j * _mean.size()));
    out = function_answers(answers, _units);
  }

  Cost cost() const override { return {0, {}, 0, {}}; }

private:
  bool _root = false;
  std::size_t _inputs = 0;
  std::string _units;
  std::vector<double> _mean;
};

class NearestNeighbour : public Method {
public:
  Preparation prepare(Problem const& problem, parallel::Comm const& comm) override {
    _root = comm.root();
    require_samples(problem, "nearest-neighbour");
    _set = training_set(problem, comm);
    if (!_root) return {};
    _features = standardization(_set.inputs);
    _features.apply(_set.inputs);
    _square = squares(_set.inputs);
    _largest = *std::max_element(_square.begin(), _square.end());
    return described(_set);
  }

  void apply(Batch const& in, Batch& out) override {
    if (!_root) return;
    const BlasThreads one_thread(1);
    Matrix asked = asked_inputs(in, _set.inputs.rows, "nearest-neighbour");
    _features.apply(asked);
    const std::size_t outputs = _set.targets.rows;
    Matrix answers(outputs, asked.columns);
    for (std::size_t first = 0; first < asked.columns; first += block) {
      const std::size_t count = std::min(block, asked.columns - first);
      Matrix some(asked.rows, count);
      std::copy_n(asked.values.begin() + static_cast<std::ptrdiff_t>(first * asked.rows),
                  some.values.size(), some.values.begin());
      const Matrix products = product(_set.inputs, Form::transposed, some, Form::plain);
      for (std::size_t j = 0; j < count; ++j)
        std::copy_n(_set.targets.values.begin() +
                        static_cast<std::ptrdiff_t>(nearest(some, products, j) * outputs),
                    outputs,
                    answers.values.begin() + static_cast<std::ptrdiff_t>((first + j) * outputs));
    }
    out = function_answers(answers, _set.units);
    _flops = static_cast<std::int64_t>(2 * asked.rows * asked.columns * _set.items());
  }

  Cost cost() const override { return {_flops, {}, 0, {}}; }

private:
  static constexpr std::size_t block = 64; // items asked at a time

  static std::vector<double> squares(Matrix const& a) {
    std::vector<double> result(a.columns, 0.0);
    for (std::size_t j = 0; j < a.columns; ++j)
      for (std::size_t i = 0; i < a.rows; ++i) result[j] += a(i, j) * a(i, j);
    return result;
  }

  /// |t - q|^2, whose rounding does not depend on the block.
  double square_distance(std::size_t item, Matrix const& asked, std::size_t j) const {
    double sum = 0;
    for (std::size_t i = 0; i < asked.rows; ++i) {
      double const difference = _set.inputs(i, item) - asked(i, j);
      sum += difference * difference;
    }
    return sum;
  }

  /// |t|^2 - 2 t.q by the matrix product leaves out all but a few; these are compared exactly.
  std::size_t nearest(Matrix const& asked, Matrix const& products, std::size_t j) const {
    double least = std::numeric_limits<double>::infinity(), own = 0;
    for (std::size_t i = 0; i < asked.rows; ++i) own += asked(i, j) * asked(i, j);
    for (std::size_t item = 0; item < _set.items(); ++item)
      least = std::min(least, _square[item] - 2 * products(item, j));
    double const rounding = 4 * static_cast<double>(asked.rows + 4) * (_largest + own) *
                            std::numeric_limits<double>::epsilon();
    double best = std::numeric_limits<double>::infinity();
    std::size_t found = 0;
    for (std::size_t item = 0; item < _set.items(); ++item) {
      if (!(_square[item] - 2 * products(item, j) <= least + 2 * rounding)) continue;
      double const distance = square_distance(item, asked, j);
      if (distance < best) {
        best = distance;
        found = item;
      }
    }
    return found;
  }

  bool _root = false;
  TrainingSet _set; ///< inputs standardized
  Standardization _features;
  std::vector<double> _square; ///< (items) of the inputs
  double _largest = 0;         ///< of them
  std::int64_t _flops = 0;
};

} // namespace

std::vector<ParameterSpec> nearest_neighbour_parameters() {
  return {};
}

std::unique_ptr<Method> make_nearest_neighbour(Parameters const&) {
  return std::make_unique<NearestNeighbour>();
}

std::vector<ParameterSpec> mean_parameters() {
  return {};
}

std::unique_ptr<Method> make_mean(Parameters const&) {
  return std::make_unique<Mean>();
}

} // namespace moho::study
