// SPDX-License-Identifier: BSD-3-Clause
#include "gaussian_field.hpp"
#include "moho/core/error.hpp"
#include "moho/study/measure.hpp"
#include <algorithm>
#include <cmath>
#include <numbers>

namespace moho::study {
namespace {

constexpr double pi = std::numbers::pi;

double root_of_eigenvalue(Covariance const& c, double laplacian) {
  return c.sigma * std::pow(laplacian + c.tau * c.tau, -c.gamma / 2);
}

} // namespace

PeriodicField::PeriodicField(Covariance const& covariance, std::size_t modes, bool constant)
    : _s(modes + 1, 0.0) {
  for (std::size_t k = constant ? 0 : 1; k <= modes; ++k)
    _s[k] = root_of_eigenvalue(covariance, std::pow(2 * pi * static_cast<double>(k), 2));
}

std::vector<double> PeriodicField::draw(Philox const& random, std::uint64_t item,
                                        std::size_t points) const {
  MOHO_REQUIRE(2 * (_s.size() - 1) < points);
  if (!_transform || _transform->points() != points)
    _transform = std::make_unique<RealTransform>(points);
  const std::span<double> mode = _transform->modes();
  std::fill(mode.begin(), mode.end(), 0.0);
  auto const n = static_cast<double>(points); // of the inverse transform
  if (_s[0] > 0) mode[0] = n * _s[0] * random.normal(item, 0);
  // Of a cos + b sin the half at positive k is (a - i b) / 2.
  for (std::size_t k = 1; k < _s.size(); ++k) {
    double const half = n * _s[k] * std::numbers::sqrt2 / 2;
    mode[2 * k] = half * random.normal(item, static_cast<std::uint32_t>(2 * k - 1));
    mode[2 * k + 1] = -half * random.normal(item, static_cast<std::uint32_t>(2 * k));
  }
  _transform->backward();
  return {_transform->values().begin(), _transform->values().end()};
}

double PeriodicField::covariance(double lag) const {
  double sum = _s[0] * _s[0];
  for (std::size_t k = 1; k < _s.size(); ++k)
    sum += 2 * _s[k] * _s[k] * std::cos(2 * pi * static_cast<double>(k) * lag);
  return sum;
}

double PeriodicField::deviation(double lag) const {
  // The mean over x is s_0^2 zeta^2 + sum s_k^2 (xi_k^2 + eta_k^2) cos(2 pi k lag); a square of
  // N(0, 1) has variance 2.
  double sum = 2 * std::pow(_s[0], 4);
  for (std::size_t k = 1; k < _s.size(); ++k)
    sum += 4 * std::pow(_s[k] * _s[k] * std::cos(2 * pi * static_cast<double>(k) * lag), 2);
  return std::sqrt(sum);
}

NeumannField::NeumannField(Covariance const& covariance, std::size_t modes, std::size_t points)
    : _modes(modes), _points(points), _s(modes, modes), _cosine(points, modes) {
  MOHO_REQUIRE(modes > 1 && modes < (std::size_t{1} << 15) && points > 1);
  for (std::size_t i = 0; i < modes; ++i)
    for (std::size_t j = 0; j < modes; ++j) {
      auto const square = static_cast<double>(i * i + j * j);
      _s(j, i) = i + j == 0 ? 0 : root_of_eigenvalue(covariance, pi * pi * square);
    }
  // The phase is exact, so that symmetries of the cosine hold to the last bit or so.
  const std::size_t period = 2 * (points - 1);
  for (std::size_t k = 0; k < modes; ++k)
    for (std::size_t i = 0; i < points; ++i)
      _cosine(i, k) =
          k == 0 ? 1
                 : std::numbers::sqrt2 * std::cos(2 * pi * static_cast<double>((k * i) % period) /
                                                  static_cast<double>(period));
}

std::vector<double> NeumannField::draw(Philox const& random, std::uint64_t item) const {
  const BlasThreads one_thread(1);
  Matrix amplitude(_modes, _modes); // (mode y, mode x)
  for (std::size_t i = 0; i < _modes; ++i)
    for (std::size_t j = 0; j < _modes; ++j)
      amplitude(j, i) =
          _s(j, i) * random.normal(item, static_cast<std::uint32_t>(i << 15 | j)); // 0 at (0, 0)
  const Matrix along_y = product(_cosine, Form::plain, amplitude, Form::plain);    // (y, mode x)
  return product(along_y, Form::plain, _cosine, Form::transposed).values; // (y, x) by columns
}

double NeumannField::variance() const {
  double sum = 0;
  for (double const s : _s.values) sum += s * s;
  return sum;
}

double NeumannField::deviation() const {
  double sum = 0;
  for (double const s : _s.values) sum += 2 * std::pow(s, 4);
  return std::sqrt(sum);
}

double NeumannField::mean_square(std::vector<double> const& field) const {
  double sum = 0;
  auto const weight = [&](std::size_t i) { return i == 0 || i + 1 == _points ? 0.5 : 1.0; };
  for (std::size_t x = 0; x < _points; ++x)
    for (std::size_t y = 0; y < _points; ++y)
      sum += weight(x) * weight(y) * std::pow(field[x * _points + y], 2);
  return sum / std::pow(static_cast<double>(_points - 1), 2);
}

} // namespace moho::study
