// SPDX-License-Identifier: BSD-3-Clause
// Least squares for W in W B = C, by four routes.
#pragma once
#include "dense.hpp"
#include <cstdint>
#include <vector>

namespace moho::study {

/// The samples, items in columns: B (inputs, n), C (outputs, n).
struct Samples {
  Matrix inputs, targets;
  double weight = 1; ///< of an item in a mean: 1/n; 1 where items are a basis
};

/// The same residual norms for every W with at most inputs + outputs columns: the triangle of an LQ
/// factorization of [B; C], which loses no accuracy as products B B^T would.
Samples compressed(Samples const& samples);

/// |W B - C|^2, Frobenius.
double square_residual(Samples const& samples, Matrix const& weights);

/// What the inputs span, and the least-squares answer in it.
struct Spectrum {
  std::vector<double> s; ///< all singular values of B, descending
  Matrix basis;          ///< U (inputs, rank)
  Matrix inverse;        ///< C B^+ (outputs, inputs)
  std::size_t rank() const { return basis.columns; }
};
/// Singular values below 1e-13 of the largest count as zero. `samples`: best compressed before.
Spectrum spectrum(Samples const& samples);
/// W (I - U U^T): what acts on inputs that training never showed.
Matrix off_span(Matrix const& weights, Matrix const& basis);

struct Training {
  std::int64_t iterations = 0;
  double rate = 0, tolerance = 0;
};

struct Fit {
  Matrix weights; ///< (outputs, inputs)
  std::int64_t iterations = 0;
  bool diverged = false;    ///< the loss overflowed: `weights` are the last that had a finite one
  std::vector<double> loss; ///< square residual, at most 200 of them
  std::vector<std::int64_t> iteration;
};

Fit fit_cgls(Samples const& samples, Matrix weights, Training const& training);
Fit fit_gradient_descent(Samples const& samples, Matrix weights, Training const& training);
Fit fit_adam(Samples const& samples, Matrix weights, Training const& training);

} // namespace moho::study
