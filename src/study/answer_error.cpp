// SPDX-License-Identifier: BSD-3-Clause
#include "answer_error.hpp"

namespace moho::study {

AnswerError answer_error(std::vector<double> const& truth, std::vector<double> const& answers) {
  AnswerError error;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    if (std::isnan(truth[i])) continue;
    ++error.known;
    double const difference = std::abs(truth[i] - answers[i]);
    error.square += difference * difference;
    error.norm += truth[i] * truth[i];
    error.largest = std::fmax(error.largest, difference); // leaves NaN out: the sum keeps it
  }
  error.unknown = static_cast<std::int64_t>(truth.size()) - error.known;
  if (std::isnan(error.square) || error.known == 0)
    error.largest = std::numeric_limits<double>::quiet_NaN();
  return error;
}

double spread(std::vector<double> const& truth, std::size_t columns, bool about_zero) {
  double sum = 0;
  for (std::size_t j = 0; j < columns; ++j) {
    double total = 0, known = 0;
    for (std::size_t i = j; i < truth.size(); i += columns)
      if (!std::isnan(truth[i])) total += truth[i], known += 1;
    double const mean = about_zero || known == 0 ? 0 : total / known;
    for (std::size_t i = j; i < truth.size(); i += columns)
      if (!std::isnan(truth[i])) sum += (truth[i] - mean) * (truth[i] - mean);
  }
  return sum;
}

} // namespace moho::study
