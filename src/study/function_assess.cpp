// SPDX-License-Identifier: BSD-3-Clause
// The norm of function maps: answers against the truth, value by value.
#include "moho/core/error.hpp"
#include "moho/study/function_batch.hpp"
#include <cmath>
#include <limits>

namespace moho::study {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

double ratio(double above, double below) {
  return below > 0 ? above / below : nan;
}

/// Sum over items and outputs of |u - mean|^2, the mean that of each output; of a basis, whose
/// coefficients have mean zero, |u|^2.
double spread(std::vector<double> const& truth, std::size_t outputs, Items items) {
  double sum = 0;
  for (std::size_t j = 0; j < outputs; ++j) {
    double total = 0, known = 0;
    for (std::size_t i = j; i < truth.size(); i += outputs)
      if (!std::isnan(truth[i])) total += truth[i], known += 1;
    double const mean = items == Items::basis || known == 0 ? 0 : total / known;
    for (std::size_t i = j; i < truth.size(); i += outputs)
      if (!std::isnan(truth[i])) sum += (truth[i] - mean) * (truth[i] - mean);
  }
  return sum;
}

} // namespace

std::vector<std::string> const& function_metrics() {
  static const std::vector<std::string> names{"mse", "rel_mse", "rel_l2", "of_mean", "linf"};
  return names;
}

Assessment assess_function(Batch const& truth, Batch const& answers, Items items) {
  MOHO_REQUIRE(truth.at(output_array).shape == answers.at(output_array).shape);
  const std::vector<std::size_t> shape = truth.at(output_array).shape;
  MOHO_REQUIRE(shape.size() == 2);
  const std::vector<double> u = truth.reals(output_array), found = answers.reals(output_array);
  double error = 0, norm = 0, largest = 0;
  std::int64_t known = 0;
  for (std::size_t i = 0; i < u.size(); ++i) {
    if (std::isnan(u[i])) continue;
    ++known;
    double const difference = std::abs(u[i] - found[i]);
    error += difference * difference;
    norm += u[i] * u[i];
    largest = std::fmax(largest, difference); // leaves NaN out: the sum keeps it
  }
  if (std::isnan(error) || known == 0) largest = nan;
  // Of a basis the sum over the items is the expectation for one item.
  double const values =
      static_cast<double>(items == Items::basis ? static_cast<std::int64_t>(shape[1]) : known);
  double const relative = ratio(error, norm);
  auto const unknown = static_cast<std::int64_t>(u.size()) - known;
  return {{{"mse", known > 0 ? error / values : nan},
           {"rel_mse", relative},
           {"rel_l2", std::sqrt(relative)},
           {"of_mean", ratio(error, spread(u, shape[1], items))},
           {"linf", largest}},
          {{"items", static_cast<std::int64_t>(shape[0]), true}, {"unknown", unknown}},
          {}};
}

} // namespace moho::study
