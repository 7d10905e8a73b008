// SPDX-License-Identifier: BSD-3-Clause
// What methods of the task "function map" learn from.
#pragma once
#include "dense.hpp"
#include "moho/study/problem.hpp"
#include <string>
#include <vector>

namespace moho::study {

/// Training items in columns. Complete on the root; the others have no items.
struct TrainingSet {
  Matrix inputs;            ///< (inputs, items)
  Matrix targets;           ///< (outputs, items)
  bool sampled = true;      ///< Problem::sampled
  std::size_t left_out = 0; ///< items dropped because a value of theirs is not known
  std::string units;        ///< of the targets
  std::size_t items() const { return inputs.columns; }
};

/// Draws Split::train and its truth. Collective. Throws moho::Error on the root if nothing is left.
TrainingSet training_set(Problem const& problem, parallel::Comm const& comm);

/// Throws moho::Error: `method` needs samples, and the items of the problem are a basis.
void require_samples(Problem const& problem, std::string const& method);

/// Inputs that are asked, items in columns. Throws moho::Error unless there are `expected` of them.
Matrix asked_inputs(Batch const& in, std::size_t expected, std::string const& method);
/// Answers from items in columns.
Batch function_answers(Matrix const& outputs, std::string const& units);

/// Makes rows zero-mean with unit deviation. A row that is constant in training becomes zero: it
/// tells nothing, whatever its value later.
struct Standardization {
  std::vector<double> mean, inverse; ///< (rows) mean, 1 / deviation or 0
  void apply(Matrix& values) const;
};
Standardization standardization(Matrix const& values);
/// The mean of each row.
std::vector<double> row_means(Matrix const& values);

} // namespace moho::study
