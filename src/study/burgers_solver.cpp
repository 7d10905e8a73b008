// SPDX-License-Identifier: BSD-3-Clause
#include "burgers_solver.hpp"
#include "moho/core/error.hpp"
#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

namespace moho::study {
namespace {

constexpr double pi = std::numbers::pi;
using Complex = std::complex<double>;

constexpr std::size_t fewest_points = 64; // of a grid that products are taken on as needed

/// Of one real z = L h: exp((z) / 2) - 1 over z, and the three weights of the last stage.
struct Weights {
  double q = 0, f1 = 0, f2 = 0, f3 = 0, phi1 = 0;
};

/// Means over a circle of radius 1 about z, whose lower half mirrors the upper one.
Weights weights(double z) {
  constexpr int points = 32;
  Weights w;
  for (int j = 0; j < points; ++j) {
    const Complex r = z + std::polar(1.0, pi * (j + 0.5) / points), e = std::exp(r),
                  half = std::exp(r / 2.0), cube = r * r * r;
    w.q += ((half - 1.0) / r).real() / points;
    w.phi1 += ((e - 1.0) / r).real() / points;
    w.f1 += ((-4.0 - r + e * (4.0 - 3.0 * r + r * r)) / cube).real() / points;
    w.f2 += ((2.0 + r + e * (-2.0 + r)) / cube).real() / points;
    w.f3 += ((-4.0 - 3.0 * r - r * r + e * (4.0 - r)) / cube).real() / points;
  }
  return w;
}

void append_twice(std::vector<double>& to, double value) {
  to.push_back(value);
  to.push_back(value);
}

} // namespace

BurgersSolver::BurgersSolver(std::size_t points, double nu, double time, std::size_t steps,
                             TimeScheme scheme, Resolution resolution)
    : _points(points), _steps(steps), _scheme(scheme) {
  MOHO_REQUIRE(points >= 4 && steps > 0 && nu > 0 && time > 0);
  for (std::size_t n = points;; n /= 2) {
    _levels.push_back({(n + 2) / 3, std::make_unique<RealTransform>(n)});
    if (resolution == Resolution::constant || n % 2 != 0 || n < 2 * fewest_points) break;
  }
  double const h = time / static_cast<double>(steps);
  for (std::size_t k = 0; k <= points / 2; ++k) {
    double const rate = -nu * std::pow(2 * pi * static_cast<double>(k), 2);
    if (k >= modes()) {
      append_twice(_rest, std::exp(rate * time));
      continue;
    }
    const Weights w = weights(rate * h);
    append_twice(_whole, std::exp(rate * h));
    append_twice(_half, std::exp(rate * h / 2));
    append_twice(_q, h * w.q);
    append_twice(_f1, h * (scheme == TimeScheme::etdrk4 ? w.f1 : w.phi1));
    append_twice(_f2, 2 * h * w.f2);
    append_twice(_f3, h * w.f3);
  }
  for (std::vector<double>* array : {&_v, &_a, &_nv, &_na, &_nb, &_nc}) array->resize(2 * modes());
}

void BurgersSolver::product(std::vector<double> const& state, std::vector<double>& result) {
  RealTransform& transform = *_levels[_level].transform;
  const std::span<double> mode = transform.modes();
  auto const n = static_cast<double>(transform.points());
  const std::size_t count = modes();
  for (std::size_t i = 0; i < 2 * count; ++i) mode[i] = n * state[i];
  std::fill(mode.begin() + static_cast<std::ptrdiff_t>(2 * count), mode.end(), 0.0);
  transform.backward();
  for (double& u : transform.values()) u *= u;
  transform.forward();
  for (std::size_t k = 0; k < count; ++k) { // -(u^2 / 2)_x: -pi i k times the modes of u^2
    double const wave = -pi * static_cast<double>(k) / n;
    result[2 * k] = -wave * mode[2 * k + 1];
    result[2 * k + 1] = wave * mode[2 * k];
  }
}

void BurgersSolver::step_etdrk4() {
  const std::size_t n = 2 * modes();
  product(_v, _nv);
  for (std::size_t i = 0; i < n; ++i) _a[i] = _half[i] * _v[i] + _q[i] * _nv[i];
  product(_a, _na);
  for (std::size_t i = 0; i < n; ++i) _nc[i] = _half[i] * _v[i] + _q[i] * _na[i];
  product(_nc, _nb);
  for (std::size_t i = 0; i < n; ++i) _a[i] = _half[i] * _a[i] + _q[i] * (2 * _nb[i] - _nv[i]);
  product(_a, _nc);
  for (std::size_t i = 0; i < n; ++i)
    _v[i] = _whole[i] * _v[i] + _f1[i] * _nv[i] + _f2[i] * (_na[i] + _nb[i]) + _f3[i] * _nc[i];
}

void BurgersSolver::step_euler() {
  product(_v, _nv);
  for (std::size_t i = 0; i < 2 * modes(); ++i) _v[i] = _whole[i] * _v[i] + _f1[i] * _nv[i];
}

void BurgersSolver::choose_level() {
  auto const largest = [&](std::size_t first, std::size_t last) {
    double most = 0;
    for (std::size_t i = 2 * first; i < 2 * last; ++i) most = std::fmax(most, std::abs(_v[i]));
    return most;
  };
  double const all = largest(0, modes());
  if (_level > 0 && largest(modes() / 2, modes()) > 1e-14 * all) {
    --_level; // its further modes are zero since they were left out
    return;
  }
  while (_level + 1 < _levels.size()) {
    const std::size_t fewer = _levels[_level + 1].active;
    if (largest(fewer / 2, modes()) > 1e-16 * all) return;
    std::fill(_v.begin() + static_cast<std::ptrdiff_t>(2 * fewer),
              _v.begin() + static_cast<std::ptrdiff_t>(2 * modes()), 0.0);
    ++_level;
  }
}

std::vector<double> BurgersSolver::operator()(std::span<double const> start) {
  MOHO_REQUIRE(start.size() == _points);
  RealTransform& transform = *_levels[0].transform;
  const std::span<double> mode = transform.modes(), value = transform.values();
  std::copy(start.begin(), start.end(), value.begin());
  transform.forward();
  auto const n = static_cast<double>(_points);
  for (std::size_t i = 0; i < _v.size(); ++i) _v[i] = mode[i] / n;
  std::vector<double> others(mode.begin() + static_cast<std::ptrdiff_t>(_v.size()), mode.end());
  for (std::size_t i = 0; i < others.size(); ++i) others[i] *= _rest[i];
  _level = 0;
  for (std::size_t step = 0; step < _steps; ++step) {
    choose_level();
    _scheme == TimeScheme::etdrk4 ? step_etdrk4() : step_euler();
  }
  for (std::size_t i = 0; i < _v.size(); ++i) mode[i] = n * _v[i];
  std::copy(others.begin(), others.end(), mode.begin() + static_cast<std::ptrdiff_t>(_v.size()));
  transform.backward();
  if (!std::all_of(value.begin(), value.end(), [](double u) { return std::isfinite(u); }))
    throw Error("the solver of Burgers' equation overflows (" + std::to_string(_steps) +
                " time steps are too few for this flow) raise problem.time_steps");
  return {value.begin(), value.end()};
}

ColeHopf cole_hopf(std::span<double const> start, double nu, double time) {
  const std::size_t n = start.size();
  RealTransform transform(n);
  const std::span<double> mode = transform.modes(), value = transform.values();
  std::copy(start.begin(), start.end(), value.begin());
  transform.forward();
  double const mean = mode[0] / static_cast<double>(n);
  mode[0] = mode[1] = 0;
  for (std::size_t k = 1; k <= n / 2; ++k) { // the integral of u - mean over 2 nu
    double const by = 1 / (2 * pi * static_cast<double>(k) * 2 * nu), re = mode[2 * k];
    mode[2 * k] = by * mode[2 * k + 1];
    mode[2 * k + 1] = -by * re;
  }
  transform.backward();
  auto const [least, most] = std::minmax_element(value.begin(), value.end());
  ColeHopf result;
  result.exponent = *most - *least;
  double const lowest = *least;
  for (double& u : value) u = std::exp(lowest - u);
  transform.forward();
  // phi diffuses and is carried with the mean.
  std::vector<double> phi(mode.begin(), mode.end());
  for (std::size_t k = 0; k <= n / 2; ++k) {
    double const w = 2 * pi * static_cast<double>(k), fade = std::exp(-nu * w * w * time);
    const Complex moved =
        Complex(phi[2 * k], phi[2 * k + 1]) * fade * std::polar(1.0, -w * mean * time);
    phi[2 * k] = moved.real();
    phi[2 * k + 1] = moved.imag();
  }
  std::copy(phi.begin(), phi.end(), mode.begin());
  transform.backward();
  const std::vector<double> below(value.begin(), value.end());
  for (std::size_t k = 0; k <= n / 2; ++k) {
    double const w = 2 * pi * static_cast<double>(k);
    mode[2 * k] = -w * phi[2 * k + 1];
    mode[2 * k + 1] = w * phi[2 * k];
  }
  transform.backward();
  for (std::size_t i = 0; i < n; ++i) result.values.push_back(mean - 2 * nu * value[i] / below[i]);
  return result;
}

std::vector<double> cole_hopf_sine(std::size_t points, double mean, double amplitude, double nu,
                                   double time) {
  double const z = amplitude / (4 * pi * nu);
  std::vector<double> result;
  for (std::size_t i = 0; i < points; ++i) {
    double const x = static_cast<double>(i) / static_cast<double>(points) - mean * time;
    double phi = std::cyl_bessel_i(0, z), slope = 0;
    for (int n = 1; n < 200; ++n) {
      double const w = 2 * pi * n,
                   term = 2 * std::cyl_bessel_i(n, z) * std::exp(-nu * w * w * time);
      phi += term * std::cos(w * x);
      slope -= term * w * std::sin(w * x);
      if (std::abs(term) * w < 1e-20 * phi) break;
    }
    result.push_back(mean - 2 * nu * slope / phi);
  }
  return result;
}

} // namespace moho::study
