// SPDX-License-Identifier: BSD-3-Clause
// Answers against the truth, value by value: what the norms of several tasks are made of.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace moho::study {

/// above / below, NaN where there is nothing to compare with.
inline double ratio(double above, double below) {
  return below > 0 ? above / below : std::numeric_limits<double>::quiet_NaN();
}

/// Over the values whose truth is known (not NaN); a NaN answer to one makes `square` and `largest`
/// NaN.
struct AnswerError {
  double square = 0;  ///< sum of |u - answer|^2
  double norm = 0;    ///< sum of |u|^2
  double largest = 0; ///< |u - answer|; NaN where nothing is known
  std::int64_t known = 0, unknown = 0;
};
AnswerError answer_error(std::vector<double> const& truth, std::vector<double> const& answers);

/// Sum of |u - mean|^2 over (n, columns) values, the known ones, each column with its own mean;
/// with `about_zero` of |u|^2.
double spread(std::vector<double> const& truth, std::size_t columns, bool about_zero = false);

} // namespace moho::study
