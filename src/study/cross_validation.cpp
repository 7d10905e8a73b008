// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/cross_validation.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace moho::study {
namespace {

constexpr double worst = std::numeric_limits<double>::infinity();
constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

/// A relative mean square error cannot be told from zero below the square of the round-off.
constexpr double round_off =
    std::numeric_limits<double>::epsilon() * std::numeric_limits<double>::epsilon();

/// Finite and no smaller than round-off, or the worst there is.
double sound(double error) {
  return std::isfinite(error) ? std::max(std::abs(error), round_off) : worst;
}

/// log10(error / own): how many decades worse than on its own space.
double decades(double error, double own) {
  return error == worst ? worst : std::log10(error) - std::log10(own);
}

double median(std::vector<double> values) {
  if (values.empty()) return unknown;
  std::sort(values.begin(), values.end());
  std::size_t const half = values.size() / 2;
  if (values.size() % 2 == 1 || values[half] == worst) return values[half];
  return (values[half - 1] + values[half]) / 2;
}

/// What the pairs of a matrix give, collected row by row.
struct Pairs {
  std::size_t within = 0, learnt = 0;
  bool nested = false; ///< does a space hold another one?
  std::vector<double> jumps, diagonals;
  double in_span_max = unknown, out_of_span_min = unknown;

  void add(Space const& prepared, Space const& asked, double error, double own, double tau) {
    bool const own_space = &prepared == &asked;
    bool const lost = own == worst; // nothing can be worse
    if (!own_space && !prepared.contains(asked)) {
      if (!lost) jumps.push_back(decades(error, own));
      out_of_span_min = std::fmin(out_of_span_min, error); // fmin, fmax: a NaN is no value
      return;
    }
    ++within;
    if (!own_space) nested = true;
    if (error != worst && error <= std::max(tau, 10 * own)) ++learnt;
    in_span_max = std::fmax(in_span_max, error);
    if (!lost && !prepared.family.empty() && prepared.family == asked.family &&
        !asked.contains(prepared))
      diagonals.push_back(decades(error, own));
  }
};

} // namespace

Generalization generalization(GeneralizationMatrix const& matrix, double tau) {
  auto const& spaces = matrix.spaces;
  std::size_t const n = spaces.size();
  if (matrix.error.size() != n * n)
    throw std::logic_error("a generalization matrix that is not square");
  Pairs pairs;
  Generalization result{};
  result.broadest = unknown;
  result.broadest_worst = unknown;
  for (std::size_t a = 0; a < n; ++a) {
    double const own = sound(matrix.error[a * n + a]);
    double row_worst = 0;
    for (std::size_t b = 0; b < n; ++b) {
      double const error = sound(matrix.error[a * n + b]);
      pairs.add(spaces[a], spaces[b], error, own, tau);
      row_worst = std::max(row_worst, error);
    }
    if (row_worst != worst && !(row_worst >= result.broadest_worst)) {
      result.broadest = static_cast<double>(a);
      result.broadest_worst = row_worst;
    }
  }
  // Each space holds itself: where none holds another, there is nothing to be learnt from that.
  result.sgi = pairs.nested ? static_cast<double>(pairs.learnt) / static_cast<double>(pairs.within)
                            : unknown;
  result.ood_jump = median(std::move(pairs.jumps));
  result.diagonality = median(std::move(pairs.diagonals));
  result.in_span_max = pairs.in_span_max;
  result.out_of_span_min = pairs.out_of_span_min;
  return result;
}

} // namespace moho::study
