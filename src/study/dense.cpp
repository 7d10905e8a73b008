// SPDX-License-Identifier: BSD-3-Clause
#include "dense.hpp"
#include "moho/core/error.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

extern "C" {
void dgemm_(char const*, char const*, int const*, int const*, int const*, double const*,
            double const*, int const*, double const*, int const*, double const*, double*,
            int const*);
void dgelqf_(int const*, int const*, double*, int const*, double*, double*, int const*, int*);
void dgesvd_(char const*, char const*, int const*, int const*, double*, int const*, double*,
             double*, int const*, double*, int const*, double*, int const*, int*);
void dsyev_(char const*, char const*, int const*, double*, int const*, double*, double*, int const*,
            int*);
void dgbtrf_(int const*, int const*, int const*, int const*, double*, int const*, int*, int*);
void dgbcon_(char const*, int const*, int const*, int const*, double const*, int const*, int const*,
             double const*, double*, double*, int*, int*);
void dgbtrs_(char const*, int const*, int const*, int const*, int const*, double const*, int const*,
             int const*, double*, int const*, int*);
}

namespace moho::study {
namespace {

/// Columns that a factorization takes in at once: so few that they stay in a cache, so many that
/// the triangle, which takes part in every block, costs little.
std::size_t block_columns(std::size_t rows) {
  return std::max<std::size_t>(256, 4 * rows);
}

char letter(Form form) {
  return form == Form::plain ? 'N' : 'T';
}

/// Overwrites the lower triangle of `a` with L of a = L Q.
void factor_in_place(Matrix& a, std::vector<double>& scratch) {
  const std::size_t reflections = std::min(a.rows, a.columns), width = 64 * a.rows;
  scratch.resize(reflections + width);
  int const rows = static_cast<int>(a.rows), columns = static_cast<int>(a.columns),
            size = static_cast<int>(width);
  int info = 0;
  dgelqf_(&rows, &columns, a.values.data(), &rows, scratch.data(), scratch.data() + reflections,
          &size, &info);
  MOHO_REQUIRE(info == 0);
}

} // namespace

void multiply(double alpha, Matrix const& a, Form form_a, Matrix const& b, Form form_b, double beta,
              Matrix& c) {
  bool const plain_a = form_a == Form::plain, plain_b = form_b == Form::plain;
  const std::size_t inner = plain_a ? a.columns : a.rows;
  MOHO_REQUIRE(c.rows == (plain_a ? a.rows : a.columns) &&
               inner == (plain_b ? b.rows : b.columns) &&
               c.columns == (plain_b ? b.columns : b.rows));
  if (c.values.empty()) return;
  char const ta = letter(form_a), tb = letter(form_b);
  auto const at_least_one = [](std::size_t n) { return std::max(1, static_cast<int>(n)); };
  int const m = static_cast<int>(c.rows), n = static_cast<int>(c.columns),
            k = static_cast<int>(inner), lda = at_least_one(a.rows), ldb = at_least_one(b.rows),
            ldc = at_least_one(c.rows);
  dgemm_(&ta, &tb, &m, &n, &k, &alpha, a.values.data(), &lda, b.values.data(), &ldb, &beta,
         c.values.data(), &ldc);
}

Matrix product(Matrix const& a, Form form_a, Matrix const& b, Form form_b) {
  Matrix c(form_a == Form::plain ? a.rows : a.columns, form_b == Form::plain ? b.columns : b.rows);
  multiply(1, a, form_a, b, form_b, 0, c);
  return c;
}

double square_norm(Matrix const& a) {
  double sum = 0;
  for (double const value : a.values) sum += value * value;
  return sum;
}

Matrix lower_factor(Matrix const& a) {
  const std::size_t n = a.rows;
  Matrix lower(n, n);
  std::vector<double> scratch;
  // [L, next columns] = L' Q: the factor so far takes in block after block.
  const std::size_t block = block_columns(n);
  for (std::size_t first = 0; first < a.columns; first += block) {
    const std::size_t count = std::min(block, a.columns - first);
    Matrix joined(n, n + count);
    std::copy(lower.values.begin(), lower.values.end(), joined.values.begin());
    std::copy_n(a.values.begin() + static_cast<std::ptrdiff_t>(first * n), count * n,
                joined.values.begin() + static_cast<std::ptrdiff_t>(n * n));
    factor_in_place(joined, scratch);
    for (std::size_t j = 0; j < n; ++j)
      for (std::size_t i = j; i < n; ++i) lower(i, j) = joined(i, j);
  }
  return lower;
}

Svd singular_values(Matrix a) {
  const std::size_t r = std::min(a.rows, a.columns);
  Svd result{Matrix(a.rows, r), Matrix(r, a.columns), std::vector<double>(r)};
  if (r == 0) return result;
  int const m = static_cast<int>(a.rows), n = static_cast<int>(a.columns),
            rank = static_cast<int>(r);
  std::vector<double> work(64 * (a.rows + a.columns));
  int const size = static_cast<int>(work.size());
  int info = 0;
  dgesvd_("S", "S", &m, &n, a.values.data(), &m, result.s.data(), result.u.values.data(), &m,
          result.vt.values.data(), &rank, work.data(), &size, &info);
  if (info != 0)
    throw Error("the singular values of a matrix of " + std::to_string(m) + " x " +
                std::to_string(n) +
                " were not found (LAPACK's dgesvd did not converge) see whether the training set "
                "holds values that are not finite");
  return result;
}

namespace {

/// Overwrites `a` with the eigenvectors where job is 'V'.
std::vector<double> dsyev(char job, Matrix& a) {
  MOHO_REQUIRE(a.rows == a.columns);
  std::vector<double> values(a.rows);
  if (a.rows == 0) return values;
  bool finite = true; // LAPACK may not come back from a NaN
  for (double const x : a.values) finite = finite && std::isfinite(x);
  int const n = static_cast<int>(a.rows);
  std::vector<double> work(66 * a.rows);
  int const size = static_cast<int>(work.size());
  int info = finite ? 0 : 1;
  if (finite) dsyev_(&job, "L", &n, a.values.data(), &n, values.data(), work.data(), &size, &info);
  MOHO_REQUIRE(info >= 0);
  if (info > 0)
    throw Error("the eigenvalues of a matrix of order " + std::to_string(n) + " were not found (" +
                (finite ? "LAPACK's dsyev did not converge" : "a value is not finite") +
                ") see whether the training has diverged");
  return values;
}

} // namespace

std::vector<double> symmetric_eigenvalues(Matrix a) {
  return dsyev('N', a);
}

SymmetricEigen symmetric_eigen(Matrix a) {
  std::vector<double> values = dsyev('V', a);
  return {std::move(values), std::move(a)};
}

BandMatrix::BandMatrix(std::size_t order, std::size_t band)
    : _order(order), _band(band), _lead(3 * band + 1), _values(order * _lead), _pivot(order) {}

void BandMatrix::add(std::size_t i, std::size_t j, double value) {
  MOHO_EXPECT(i < _order && j < _order && i + _band >= j && j + _band >= i);
  _values[2 * _band + i - j + j * _lead] += value; // the first `band` rows are for fill-in
}

double BandMatrix::factor() {
  double norm = 0;
  for (std::size_t j = 0; j < _order; ++j) {
    double sum = 0;
    for (std::size_t i = 0; i < _lead; ++i) sum += std::abs(_values[i + j * _lead]);
    norm = std::max(norm, sum);
  }
  int const n = static_cast<int>(_order), band = static_cast<int>(_band),
            lead = static_cast<int>(_lead);
  int info = 0;
  dgbtrf_(&n, &n, &band, &band, _values.data(), &lead, _pivot.data(), &info);
  MOHO_REQUIRE(info >= 0);
  if (info > 0) return std::numeric_limits<double>::infinity();
  std::vector<double> work(3 * _order);
  std::vector<int> more(_order);
  double reciprocal = 1;
  dgbcon_("1", &n, &band, &band, _values.data(), &lead, _pivot.data(), &norm, &reciprocal,
          work.data(), more.data(), &info);
  MOHO_REQUIRE(info == 0);
  return 1 / reciprocal;
}

void BandMatrix::solve(double* values) const {
  int const n = static_cast<int>(_order), band = static_cast<int>(_band),
            lead = static_cast<int>(_lead), one = 1;
  int info = 0;
  dgbtrs_("N", &n, &band, &band, &one, _values.data(), &lead, _pivot.data(), values, &n, &info);
  MOHO_REQUIRE(info == 0);
}

} // namespace moho::study
