// SPDX-License-Identifier: BSD-3-Clause
// The norm of function maps: answers against the truth, value by value.
#include "answer_error.hpp"
#include "moho/core/error.hpp"
#include "moho/study/function_batch.hpp"
#include <algorithm>
#include <cmath>
#include <limits>

namespace moho::study {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// Answers of something that diverged make every norm unknown, which no limit need notice.
Check answers_finite(std::vector<double> const& answers) {
  auto const lost = std::count_if(answers.begin(), answers.end(),
                                  [](double answer) { return !std::isfinite(answer); });
  return {"answers_finite", static_cast<double>(lost), Relation::equal, 0,
          std::to_string(answers.size()) + " answers"};
}

/// Mean over the items of |u - uhat| / |u|: the error that papers on neural operators quote.
double mean_relative(std::vector<double> const& u, std::vector<double> const& found,
                     std::size_t width) {
  double sum = 0;
  std::size_t const items = u.size() / width;
  for (std::size_t item = 0; item < items; ++item) {
    double square = 0, norm = 0;
    for (std::size_t j = item * width; j < (item + 1) * width; ++j) {
      if (std::isnan(u[j])) continue;
      square += (u[j] - found[j]) * (u[j] - found[j]);
      norm += u[j] * u[j];
    }
    sum += std::sqrt(ratio(square, norm));
  }
  return sum / static_cast<double>(items);
}

} // namespace

std::vector<std::string> const& function_metrics() {
  static const std::vector<std::string> names{"mse",     "rel_mse", "rel_l2",
                                              "of_mean", "linf",    "mean_rel_l2"};
  return names;
}

Assessment assess_function(Batch const& truth, Batch const& answers, Items items) {
  MOHO_REQUIRE(truth.at(output_array).shape == answers.at(output_array).shape);
  const std::vector<std::size_t> shape = truth.at(output_array).shape;
  MOHO_REQUIRE(shape.size() == 2);
  const std::vector<double> u = truth.reals(output_array),
                            found_values = answers.reals(output_array);
  const AnswerError error = answer_error(u, found_values);
  // Of a basis the sum over the items is the expectation for one item.
  double const values = static_cast<double>(
      items == Items::basis ? static_cast<std::int64_t>(shape[1]) : error.known);
  double const relative = ratio(error.square, error.norm);
  Assessment found{
      {{"mse", error.known > 0 ? error.square / values : nan},
       {"rel_mse", relative},
       {"rel_l2", std::sqrt(relative)},
       {"of_mean", ratio(error.square, spread(u, shape[1], items == Items::basis))},
       {"linf", error.largest}},
      {{"items", static_cast<std::int64_t>(shape[0]), true}, {"unknown", error.unknown}},
      {},
      {answers_finite(found_values)}};
  if (items == Items::samples)
    found.metrics.push_back({"mean_rel_l2", mean_relative(u, found_values, shape[1])});
  return found;
}

} // namespace moho::study
