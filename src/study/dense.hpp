// SPDX-License-Identifier: BSD-3-Clause
// Dense algebra by the linked BLAS and LAPACK. Callers hold a BlasThreads(1): one thread, so that
// results do not depend on how many there are.
#pragma once
#include <cstddef>
#include <vector>

namespace moho::study {

/// Column-major.
struct Matrix {
  std::size_t rows = 0, columns = 0;
  std::vector<double> values;

  Matrix() = default;
  Matrix(std::size_t rows_, std::size_t columns_)
      : rows(rows_), columns(columns_), values(rows_ * columns_) {}
  double& operator()(std::size_t i, std::size_t j) { return values[i + j * rows]; }
  double operator()(std::size_t i, std::size_t j) const { return values[i + j * rows]; }
};

enum class Form { plain, transposed };

/// c = alpha op(a) op(b) + beta c. `c` has the right size already.
void multiply(double alpha, Matrix const& a, Form form_a, Matrix const& b, Form form_b, double beta,
              Matrix& c);
/// op(a) op(b).
Matrix product(Matrix const& a, Form form_a, Matrix const& b, Form form_b);

/// Sum of squares of the entries, in storage order.
double square_norm(Matrix const& a);

/// L of a = L Q, (rows, rows) and lower triangular, by Householder reflections over blocks of
/// columns. Each row of L is as exact as the row of `a` is large.
Matrix lower_factor(Matrix const& a);

/// The r = min(rows, columns) singular values in descending order, U (rows, r), V^T (r, columns).
struct Svd {
  Matrix u, vt;
  std::vector<double> s;
};
/// Throws moho::Error when it does not converge (a value that is not finite).
Svd singular_values(Matrix a);

/// Eigenvalues of a symmetric matrix in ascending order; its lower triangle is read. Throws
/// moho::Error when they are not found (a value that is not finite).
std::vector<double> symmetric_eigenvalues(Matrix a);

/// The same, and in column j of `vectors` the eigenvector of length 1 of values[j].
struct SymmetricEigen {
  std::vector<double> values;
  Matrix vectors;
};
SymmetricEigen symmetric_eigen(Matrix a);

/// A square matrix with `band` diagonals on either side, factored with row exchanges.
class BandMatrix {
public:
  BandMatrix(std::size_t order, std::size_t band);
  /// Before `factor`; |i - j| <= band.
  void add(std::size_t i, std::size_t j, double value);
  /// Returns an estimate of the condition in the 1-norm; infinite for a pivot of zero.
  double factor();
  /// Overwrites the right side (order) with the solution.
  void solve(double* values) const;
  std::size_t order() const { return _order; }

private:
  std::size_t _order, _band, _lead;
  std::vector<double> _values;
  std::vector<int> _pivot;
};

} // namespace moho::study
