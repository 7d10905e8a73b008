// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/diagnostics.hpp"
#include "dense.hpp"
#include "moho/core/error.hpp"
#include "moho/study/measure.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace moho::study {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// 1 + k / sum of ln(l / reference) over the last k; NaN where a logarithm has no value.
double hill(std::span<double const> tail, double reference) {
  double sum = 0;
  for (double const l : tail) sum += std::log(l / reference);
  return 1 + static_cast<double>(tail.size()) / sum;
}

/// sum_{j>=i0} ln l_j - m ln l_i0, as the code has it.
double hill_of_code(std::span<double const> tail) {
  double sum = 0;
  for (double const l : tail) sum += std::log(l);
  double const m = static_cast<double>(tail.size());
  return 1 + m / (sum - m * std::log(tail[0]));
}

/// Row-major (samples, columns) as (columns, samples) column-major, columns centred.
Matrix centred(std::span<double const> values, std::size_t samples) {
  Matrix c(values.size() / samples, samples);
  std::copy(values.begin(), values.end(), c.values.begin());
  for (std::size_t i = 0; i < c.rows; ++i) {
    double mean = 0;
    for (std::size_t s = 0; s < samples; ++s) mean += c(i, s);
    mean /= static_cast<double>(samples);
    for (std::size_t s = 0; s < samples; ++s) c(i, s) -= mean;
  }
  return c;
}

double inner(Matrix const& a, Matrix const& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.values.size(); ++i) sum += a.values[i] * b.values[i];
  return sum;
}

} // namespace

std::vector<double> squared_singular_values(std::span<double const> matrix, std::size_t rows,
                                            std::size_t columns) {
  MOHO_REQUIRE(matrix.size() == rows * columns);
  for (double const x : matrix)
    if (!std::isfinite(x))
      throw Error("a matrix of " + std::to_string(rows) + " x " + std::to_string(columns) +
                  " has no spectrum (a value is not finite) see whether the training has diverged");
  const BlasThreads one(1);
  Matrix transposed(columns, rows);
  std::copy(matrix.begin(), matrix.end(), transposed.values.begin());
  std::vector<double> squares = singular_values(std::move(transposed)).s;
  for (double& s : squares) s *= s;
  std::reverse(squares.begin(), squares.end());
  return squares;
}

HillAlpha hill_alpha(std::span<double const> eigenvalues, HillVariant variant, double filter) {
  MOHO_REQUIRE(std::is_sorted(eigenvalues.begin(), eigenvalues.end()));
  auto const above = std::upper_bound(eigenvalues.begin(), eigenvalues.end(), filter);
  if (above != eigenvalues.end()) eigenvalues = {above, eigenvalues.end()};
  const std::size_t n = eigenvalues.size();
  if (n < 2) return {nan, n, false};
  bool const paper = variant == HillVariant::paper;
  const std::size_t k = std::max<std::size_t>(1, n / 2), tail = paper ? k : n - n / 2;
  std::span<double const> const upper = eigenvalues.last(tail);
  double const reference = paper ? eigenvalues[n - k - 1] : upper[0];
  HillAlpha result{nan, tail, false};
  if (!(reference > 0) || !std::isfinite(upper.back())) return result;
  result.alpha = paper ? hill(upper, reference) : hill_of_code(upper);
  // Rounding may leave a sum of logarithms just off the 0 that it is.
  if (upper.back() == reference || upper.size() < (paper ? 1u : 2u))
    result.alpha = std::numeric_limits<double>::infinity();
  result.usable = n >= 4 && std::isfinite(result.alpha);
  return result;
}

double linear_cka(std::span<double const> x, std::span<double const> y, std::size_t samples) {
  if (samples == 0 || x.empty() || y.empty() || x.size() % samples || y.size() % samples)
    throw Error("two representations cannot be compared (" + std::to_string(x.size()) + " and " +
                std::to_string(y.size()) + " values of " + std::to_string(samples) +
                " samples) give both of the same samples");
  const BlasThreads one(1);
  Matrix const a = centred(x, samples), b = centred(y, samples);
  double cross, own_a, own_b;
  if (samples < std::max(a.rows, b.rows)) { // |Y^T X|_F^2 = <X X^T, Y Y^T>: the smaller products
    Matrix const k = product(a, Form::transposed, a, Form::plain),
                 l = product(b, Form::transposed, b, Form::plain);
    cross = inner(k, l);
    own_a = square_norm(k);
    own_b = square_norm(l);
  } else {
    cross = square_norm(product(b, Form::plain, a, Form::transposed));
    own_a = square_norm(product(a, Form::plain, a, Form::transposed));
    own_b = square_norm(product(b, Form::plain, b, Form::transposed));
  }
  return cross / (std::sqrt(own_a) * std::sqrt(own_b));
}

ModeConnectivity mode_connectivity(std::span<double const> t, std::span<double const> losses) {
  if (t.size() != losses.size() || t.size() < 2)
    throw Error("the loss along a path cannot be read (" + std::to_string(losses.size()) +
                " losses at " + std::to_string(t.size()) + " points) give at least its two ends");
  double const mean = (losses.front() + losses.back()) / 2;
  ModeConnectivity result{mean - losses[0], t[0]};
  for (std::size_t i = 0; i < t.size(); ++i) {
    double const mc = mean - losses[i];
    if (std::isnan(mc)) return {nan, t[i]};
    if (std::abs(mc) > std::abs(result.mc)) result = {mc, t[i]};
  }
  return result;
}

} // namespace moho::study
