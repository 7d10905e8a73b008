// SPDX-License-Identifier: BSD-3-Clause
// The probe of arXiv 2506.15199: unit inputs through a method show the Green's function it learnt.
#include "dense.hpp"
#include "moho/core/error.hpp"
#include "moho/study/function_batch.hpp"
#include "operator_detail.hpp"
#include <cmath>
#include <limits>

extern "C" {
void dgetrf_(int const*, int const*, double*, int const*, int*, int*);
void dgetri_(int const*, double*, int const*, int const*, double*, int const*, int*);
void dgecon_(char const*, int const*, double const*, int const*, double const*, double*, double*,
             int*, int*);
}

namespace moho::study {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

double frobenius(Matrix const& a) {
  return std::sqrt(square_norm(a));
}

double relative_difference(Matrix const& a, Matrix const& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.values.size(); ++i)
    sum += (a.values[i] - b.values[i]) * (a.values[i] - b.values[i]);
  return std::sqrt(sum) / frobenius(b);
}

/// Share of the norm outside |i + offset - j| <= 1.
double off_tridiagonal(Matrix const& a, std::size_t offset) {
  double sum = 0;
  for (std::size_t i = 0; i < a.rows; ++i)
    for (std::size_t j = 0; j < a.columns; ++j) {
      const std::size_t row = i + offset;
      if (row > j + 1 || j > row + 1) sum += a(i, j) * a(i, j);
    }
  double const whole = frobenius(a);
  return std::isfinite(whole) ? std::sqrt(sum) / whole : nan; // an infinite entry hides the others
}

/// The inverse, NaN throughout where the matrix is singular to working precision: a map that was
/// learnt on fewer functions than there are nodes.
Matrix inverse(Matrix a) {
  int const n = static_cast<int>(a.rows);
  std::vector<int> pivots(a.rows), whole(a.rows);
  std::vector<double> work(a.rows * 8);
  double norm = 0, reciprocal = 0;
  bool finite = true;
  for (std::size_t j = 0; j < a.rows; ++j) {
    double sum = 0;
    for (std::size_t i = 0; i < a.rows; ++i) sum += std::abs(a(i, j));
    finite = finite && std::isfinite(sum);
    norm = std::fmax(norm, sum);
  }
  int info = finite ? 0 : 1;
  if (info == 0) dgetrf_(&n, &n, a.values.data(), &n, pivots.data(), &info);
  if (info == 0)
    dgecon_("1", &n, a.values.data(), &n, &norm, &reciprocal, work.data(), whole.data(), &info);
  int const size = static_cast<int>(work.size());
  if (info == 0 && reciprocal > 1e-14)
    dgetri_(&n, a.values.data(), &n, pivots.data(), work.data(), &size, &info);
  else
    a.values.assign(a.values.size(), nan);
  return a;
}

/// Entry of the P1 mass matrix: h [1/6, 4/6, 1/6].
double mass(std::size_t row, std::size_t column, double h) {
  if (row == column) return h * 4 / 6;
  return row + 1 == column || column + 1 == row ? h / 6 : 0;
}

/// M a, with M between interior nodes.
Matrix times_mass(Matrix const& a, double h) {
  Matrix result(a.rows, a.columns);
  for (std::size_t i = 0; i < a.rows; ++i)
    for (std::size_t m = i == 0 ? 0 : i - 1; m < std::min(i + 2, a.rows); ++m)
      for (std::size_t j = 0; j < a.columns; ++j) result(i, j) += mass(i, m, h) * a(m, j);
  return result;
}

/// -k u'' of each column by second differences, times h: interior nodes x N+1 columns. `answer`
/// has all N+1 rows, so that what it says at the ends counts.
Matrix second_difference(Matrix const& answer, double k, double h) {
  Matrix result(answer.rows - 2, answer.columns);
  for (std::size_t i = 1; i + 1 < answer.rows; ++i)
    for (std::size_t j = 0; j < answer.columns; ++j)
      result(i - 1, j) = k / h * (2 * answer(i, j) - answer(i - 1, j) - answer(i + 1, j));
  return result;
}

Matrix interior(Matrix const& a, bool columns) {
  const std::size_t skip = columns ? 1 : 0;
  Matrix result(a.rows - 2, a.columns - 2 * skip);
  for (std::size_t i = 0; i < result.rows; ++i)
    for (std::size_t j = 0; j < result.columns; ++j) result(i, j) = a(i + 1, j + skip);
  return result;
}

/// Column j = answer to the hat of node j.
Matrix columns_from(std::vector<double> const& answers, std::size_t nodes) {
  Matrix result(nodes, nodes);
  for (std::size_t j = 0; j < nodes; ++j)
    for (std::size_t i = 0; i < nodes; ++i) result(i, j) = answers[j * nodes + i];
  return result;
}

Dataset matrix_data(char const* path, Matrix const& a) {
  std::vector<double> rows;
  for (std::size_t i = 0; i < a.rows; ++i)
    for (std::size_t j = 0; j < a.columns; ++j) rows.push_back(a(i, j));
  return {path, "", std::move(rows), {a.rows, a.columns}};
}

} // namespace

std::vector<std::string> const& probe_metrics() {
  static const std::vector<std::string> names{"green_rel", "stencil_off", "stencil_weights",
                                              "inverse_off", "inverse_raw_off"};
  return names;
}

Assessment assess_probe(BoundaryValue const& equation, std::size_t intervals,
                        Batch const& answers) {
  const std::size_t nodes = intervals + 1;
  const std::vector<double> values = answers.reals(output_array);
  MOHO_REQUIRE(values.size() == nodes * nodes);
  double const h = 1 / static_cast<double>(intervals);
  const Matrix answered = columns_from(values, nodes);
  auto const known = node_solutions(equation, intervals);
  std::vector<double> hats;
  for (std::size_t j = 0; j < nodes; ++j) {
    std::vector<double> const& u = known->solution({BasisFunction::Kind::hat, j});
    hats.insert(hats.end(), u.begin(), u.end());
  }
  const Matrix exact = interior(columns_from(hats, nodes), false);
  const Matrix found = interior(answered, false);
  const Matrix raw = inverse(interior(answered, true));
  const Matrix stencil = times_mass(raw, h);

  // Second differences of the exact columns are local for -k u'' alone; for the other operators
  // nothing of the kind holds, so that these have no value.
  double off = nan, weights = nan, inverse_off = nan;
  if (equation.kind == Operator1d::poisson) {
    const Matrix kinks = second_difference(answered, equation.k, h);
    Matrix expected(kinks.rows, kinks.columns);
    for (std::size_t i = 0; i < kinks.rows; ++i)
      for (std::size_t j = 0; j < kinks.columns; ++j) expected(i, j) = mass(i + 1, j, h);
    off = off_tridiagonal(kinks, 1);
    weights = relative_difference(kinks, expected);
    inverse_off = off_tridiagonal(stencil, 0);
  }
  std::vector<double> x;
  for (std::size_t i = 0; i < nodes; ++i) x.push_back(static_cast<double>(i) * h);
  return {{{"green_rel", relative_difference(found, exact)},
           {"stencil_off", off},
           {"stencil_weights", weights},
           {"inverse_off", inverse_off},
           {"inverse_raw_off", off_tridiagonal(raw, 0)}},
          {},
          {{"probe/x", "", std::move(x)},
           matrix_data("probe/answer", found),
           matrix_data("probe/exact", exact),
           matrix_data("probe/inverse", stencil)}};
}

} // namespace moho::study
