// SPDX-License-Identifier: BSD-3-Clause
#include "function_training.hpp"
#include "moho/core/error.hpp"
#include "moho/study/function_batch.hpp"
#include <algorithm>
#include <cmath>

namespace moho::study {
namespace {

/// The array as (n, width), whose row-major order is that of a matrix with items in columns.
Matrix columns_of(Batch const& batch, char const* name) {
  std::vector<std::size_t> const& shape = batch.at(name).shape;
  MOHO_REQUIRE(shape.size() == 2 && shape[0] == batch.count());
  Matrix matrix;
  matrix.rows = shape[1];
  matrix.columns = shape[0];
  matrix.values = batch.reals(name);
  return matrix;
}

bool finite_column(Matrix const& a, std::size_t j) {
  auto const begin = a.values.begin() + static_cast<std::ptrdiff_t>(j * a.rows);
  return std::all_of(begin, begin + static_cast<std::ptrdiff_t>(a.rows),
                     [](double value) { return std::isfinite(value); });
}

void keep_columns(Matrix& a, std::vector<std::size_t> const& kept) {
  Matrix result(a.rows, kept.size());
  for (std::size_t j = 0; j < kept.size(); ++j)
    std::copy_n(a.values.begin() + static_cast<std::ptrdiff_t>(kept[j] * a.rows), a.rows,
                result.values.begin() + static_cast<std::ptrdiff_t>(j * a.rows));
  a = std::move(result);
}

} // namespace

TrainingSet training_set(Problem const& problem, parallel::Comm const& comm) {
  const Batch inputs = problem.draw_together(Split::train, 0, problem.count(Split::train), comm);
  const Batch truth = problem.truth(inputs, comm);
  TrainingSet set;
  set.sampled = problem.sampled();
  if (!comm.root()) return set;
  set.inputs = columns_of(inputs, input_array);
  set.targets = columns_of(truth, output_array);
  set.units = truth.at(output_array).units;
  std::vector<std::size_t> known;
  for (std::size_t j = 0; j < inputs.count(); ++j)
    if (finite_column(set.inputs, j) && finite_column(set.targets, j)) known.push_back(j);
  set.left_out = inputs.count() - known.size();
  if (known.empty())
    throw Error("there is nothing to learn from (of " + std::to_string(inputs.count()) +
                " training items none is known in full) ask for more of them");
  if (set.left_out > 0) {
    keep_columns(set.inputs, known);
    keep_columns(set.targets, known);
  }
  return set;
}

void require_samples(Problem const& problem, std::string const& method) {
  if (!problem.sampled())
    throw Error(method + " needs samples (the items of this problem are a basis, whose mean and "
                         "distances mean nothing) set its draws to \"samples\"");
}

Matrix asked_inputs(Batch const& in, std::size_t expected, std::string const& method) {
  Matrix inputs = columns_of(in, input_array);
  if (inputs.rows != expected)
    throw Error(method + " was prepared on " + std::to_string(expected) + " inputs per item (and " +
                "is asked about " + std::to_string(inputs.rows) +
                ") ask on the grid that it was prepared on");
  return inputs;
}

Batch function_answers(Matrix const& outputs, std::string const& units) {
  Batch out(outputs.columns);
  out.set(output_array, units, outputs.values, {outputs.columns, outputs.rows});
  return out;
}

std::vector<double> row_means(Matrix const& values) {
  std::vector<double> mean(values.rows, 0.0);
  for (std::size_t j = 0; j < values.columns; ++j)
    for (std::size_t i = 0; i < values.rows; ++i) mean[i] += values(i, j);
  for (double& m : mean) m /= static_cast<double>(values.columns);
  return mean;
}

Standardization standardization(Matrix const& values) {
  constexpr double round_off = 1e-13; // relative: a spread below it is that of the mean's rounding
  Standardization result{row_means(values), std::vector<double>(values.rows, 0.0)};
  std::vector<double> square(values.rows, 0.0), largest(values.rows, 0.0);
  for (std::size_t j = 0; j < values.columns; ++j)
    for (std::size_t i = 0; i < values.rows; ++i) {
      double const difference = values(i, j) - result.mean[i];
      square[i] += difference * difference;
      largest[i] = std::max(largest[i], std::abs(values(i, j)));
    }
  for (std::size_t i = 0; i < values.rows; ++i) {
    double const deviation = std::sqrt(square[i] / static_cast<double>(values.columns));
    if (deviation > round_off * largest[i]) result.inverse[i] = 1 / deviation;
  }
  return result;
}

void Standardization::apply(Matrix& values) const {
  for (std::size_t j = 0; j < values.columns; ++j)
    for (std::size_t i = 0; i < values.rows; ++i)
      values(i, j) = (values(i, j) - mean[i]) * inverse[i];
}

} // namespace moho::study
