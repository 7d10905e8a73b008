// SPDX-License-Identifier: BSD-3-Clause
#include "linear_fit.hpp"
#include "moho/core/host_copy.hpp"
#include "moho/nn/optimiser.hpp"
#include <algorithm>
#include <cmath>

namespace moho::study {
namespace {

constexpr double rank_tolerance = 1e-13;
constexpr std::int64_t most_points = 200; // of a loss history

/// Keeps every k-th loss and the last.
class History {
public:
  History(Fit& fit, std::int64_t iterations)
      : _fit(fit),
        _stride(std::max<std::int64_t>(1, (iterations + most_points - 2) / (most_points - 1))) {}
  void note(std::int64_t iteration, double loss, bool last) {
    if (iteration % _stride != 0 && !last) return;
    if (!_fit.iteration.empty() && _fit.iteration.back() == iteration) return;
    _fit.iteration.push_back(iteration);
    _fit.loss.push_back(loss);
  }

private:
  Fit& _fit;
  std::int64_t _stride;
};

Matrix rows_of(Matrix const& a, std::size_t first, std::size_t count) {
  Matrix result(count, a.columns);
  for (std::size_t j = 0; j < a.columns; ++j)
    for (std::size_t i = 0; i < count; ++i) result(i, j) = a(first + i, j);
  return result;
}

/// C - W B.
void residual(Samples const& samples, Matrix const& weights, Matrix& result) {
  result = samples.targets;
  multiply(-1, weights, Form::plain, samples.inputs, Form::plain, 1, result);
}

/// Row by row: sum_j a_ij b_ij.
std::vector<double> row_products(Matrix const& a, Matrix const& b) {
  std::vector<double> sums(a.rows, 0.0);
  for (std::size_t j = 0; j < a.columns; ++j)
    for (std::size_t i = 0; i < a.rows; ++i) sums[i] += a(i, j) * b(i, j);
  return sums;
}

/// a_ij += factor_i b_ij.
void add_rows(Matrix& a, std::vector<double> const& factor, Matrix const& b) {
  for (std::size_t j = 0; j < a.columns; ++j)
    for (std::size_t i = 0; i < a.rows; ++i) a(i, j) += factor[i] * b(i, j);
}

/// numerator_i / denominator_i, 0 where that is no positive number.
std::vector<double> ratios(std::vector<double> const& numerator,
                           std::vector<double> const& denominator, double sign = 1) {
  std::vector<double> result(numerator.size(), 0.0);
  for (std::size_t i = 0; i < result.size(); ++i)
    if (denominator[i] > 0) result[i] = sign * numerator[i] / denominator[i];
  return result;
}

/// The rows of a gradient, made orthogonal to those of all gradients before: in exact arithmetic
/// they are, and without it the steps of an ill-conditioned set (monomials) never end.
class Orthogonal {
public:
  void remove_from(Matrix& gradient) const {
    for (Matrix const& unit : _units) {
      std::vector<double> share = row_products(gradient, unit);
      for (double& value : share) value = -value;
      add_rows(gradient, share, unit);
    }
  }
  void keep(Matrix const& gradient, std::vector<double> const& square) {
    Matrix unit(gradient.rows, gradient.columns);
    std::vector<double> inverse(square.size(), 0.0);
    for (std::size_t i = 0; i < square.size(); ++i)
      if (square[i] > 0) inverse[i] = 1 / std::sqrt(square[i]);
    add_rows(unit, inverse, gradient);
    _units.push_back(std::move(unit));
  }

private:
  std::vector<Matrix> _units;
};

/// Steps of an optimiser down the gradient -R B^T weight, the loss before each.
Fit descend(Samples const& samples, Matrix weights, Training const& training,
            nn::Optimiser<double>& optimiser) {
  const ExecutionSpace space;
  auto const at = to_device("moho::study::weights", weights.values);
  nn::FlatArray<double> const slope("moho::study::slope", weights.values.size());
  Fit fit{weights, 0, false, {}, {}};
  History history(fit, training.iterations);
  Matrix remaining, gradient(weights.rows, weights.columns);
  for (std::int64_t t = 0;; ++t) {
    residual(samples, weights, remaining);
    double const loss = square_norm(remaining);
    if (!std::isfinite(loss)) {
      fit.diverged = true;
      return fit;
    }
    fit.weights = weights;
    fit.iterations = t;
    history.note(t, loss, t == training.iterations);
    if (t == training.iterations) return fit;
    multiply(-samples.weight, remaining, Form::plain, samples.inputs, Form::transposed, 0,
             gradient);
    copy_to_device(std::span<double const>(gradient.values), slope);
    optimiser.step(space, at, slope, training.rate);
    copy_to_host(at, std::span<double>(weights.values));
  }
}

} // namespace

Samples compressed(Samples const& samples) {
  const std::size_t inputs = samples.inputs.rows, outputs = samples.targets.rows;
  if (samples.inputs.columns <= inputs + outputs) return samples;
  Matrix both(inputs + outputs, samples.inputs.columns);
  for (std::size_t j = 0; j < both.columns; ++j) {
    for (std::size_t i = 0; i < inputs; ++i) both(i, j) = samples.inputs(i, j);
    for (std::size_t i = 0; i < outputs; ++i) both(inputs + i, j) = samples.targets(i, j);
  }
  const Matrix lower = lower_factor(both);
  return {rows_of(lower, 0, inputs), rows_of(lower, inputs, outputs), samples.weight};
}

double square_residual(Samples const& samples, Matrix const& weights) {
  Matrix remaining;
  residual(samples, weights, remaining);
  return square_norm(remaining);
}

Spectrum spectrum(Samples const& samples) {
  const Svd svd = singular_values(samples.inputs);
  Spectrum result;
  result.s = svd.s;
  std::size_t rank = 0;
  while (rank < svd.s.size() && svd.s[rank] > rank_tolerance * svd.s[0]) ++rank;
  result.basis = Matrix(samples.inputs.rows, rank);
  std::copy_n(svd.u.values.begin(), result.basis.values.size(), result.basis.values.begin());
  Matrix shares = product(samples.targets, Form::plain, rows_of(svd.vt, 0, rank), Form::transposed);
  for (std::size_t j = 0; j < rank; ++j)
    for (std::size_t i = 0; i < shares.rows; ++i) shares(i, j) /= svd.s[j];
  result.inverse = product(shares, Form::plain, result.basis, Form::transposed);
  return result;
}

Matrix off_span(Matrix const& weights, Matrix const& basis) {
  Matrix result = weights;
  multiply(-1, product(weights, Form::plain, basis, Form::plain), Form::plain, basis,
           Form::transposed, 1, result);
  return result;
}

Fit fit_cgls(Samples const& samples, Matrix weights, Training const& training) {
  Fit fit{std::move(weights), 0, false, {}, {}};
  History history(fit, training.iterations);
  Matrix remaining, image(samples.targets.rows, samples.targets.columns);
  residual(samples, fit.weights, remaining);
  Matrix gradient = product(remaining, Form::plain, samples.inputs, Form::transposed);
  Matrix direction = gradient;
  std::vector<double> square = row_products(gradient, gradient);
  const std::vector<double> first = square;
  Orthogonal orthogonal;
  orthogonal.keep(gradient, square);
  auto const settle = [&] { // a row whose gradient fell far enough takes no further step
    bool all = true;
    for (std::size_t i = 0; i < square.size(); ++i) {
      if (square[i] <= training.tolerance * training.tolerance * first[i]) square[i] = 0;
      all = all && square[i] == 0;
    }
    return all;
  };
  for (bool done = settle();; done = settle()) {
    done = done || fit.iterations == training.iterations;
    history.note(fit.iterations, square_norm(remaining), done);
    if (done) return fit;
    multiply(1, direction, Form::plain, samples.inputs, Form::plain, 0, image);
    const std::vector<double> length = row_products(image, image);
    add_rows(fit.weights, ratios(square, length), direction);
    add_rows(remaining, ratios(square, length, -1), image);
    multiply(1, remaining, Form::plain, samples.inputs, Form::transposed, 0, gradient);
    orthogonal.remove_from(gradient);
    const std::vector<double> next = row_products(gradient, gradient);
    orthogonal.keep(gradient, next);
    const std::vector<double> factor = ratios(next, square);
    Matrix turned = gradient;
    add_rows(turned, factor, direction);
    direction = std::move(turned);
    square = next;
    ++fit.iterations;
  }
}

Fit fit_gradient_descent(Samples const& samples, Matrix weights, Training const& training) {
  nn::Sgd<double> plain(weights.values.size());
  return descend(samples, std::move(weights), training, plain);
}

Fit fit_adam(Samples const& samples, Matrix weights, Training const& training) {
  nn::Adam<double> adam(weights.values.size());
  return descend(samples, std::move(weights), training, adam);
}

} // namespace moho::study
