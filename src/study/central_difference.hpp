// SPDX-License-Identifier: BSD-3-Clause
// Derivatives by differences, to check closed forms against.
#pragma once
#include <array>
#include <cstddef>

namespace moho::study {

/// Derivative of g at 0 by central differences of order 8: an error of h^8 g^(9) / 630, and
/// round-off of 1e-16 / h.
template <class G>
double central_difference(G const& g, double h) {
  constexpr std::array<double, 4> weight{4.0 / 5, -1.0 / 5, 4.0 / 105, -1.0 / 280};
  double sum = 0;
  for (std::size_t i = 0; i < weight.size(); ++i) {
    double const at = static_cast<double>(i + 1) * h;
    sum += weight[i] * (g(at) - g(-at));
  }
  return sum / h;
}

} // namespace moho::study
