// SPDX-License-Identifier: BSD-3-Clause
#include "operator_darcy_solver.hpp"
#include "moho/core/error.hpp"
#include "moho/study/measure.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace moho::study {
namespace {

constexpr double pi = std::numbers::pi;

/// In eight sums, which a processor adds at once, in an order that nothing changes.
double dot(std::vector<double> const& a, std::vector<double> const& b) {
  constexpr std::size_t lanes = 8;
  std::array<double, lanes> sum{};
  const std::size_t whole = a.size() / lanes * lanes;
  for (std::size_t i = 0; i < whole; i += lanes)
    for (std::size_t l = 0; l < lanes; ++l) sum[l] += a[i + l] * b[i + l];
  double total = 0;
  for (double const part : sum) total += part;
  for (std::size_t i = whole; i < a.size(); ++i) total += a[i] * b[i];
  return total;
}

/// to += factor from.
void add(std::vector<double>& to, double factor, std::vector<double> const& from) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += factor * from[i];
}

/// Smallest eigenvalue of the scheme for a = 1, times h^2.
double least_eigenvalue(std::size_t points) {
  return 8 * std::pow(std::sin(pi / 2 / static_cast<double>(points - 1)), 2);
}

} // namespace

DarcySolver::Parity::Parity(std::size_t inner, bool even)
    : sine(even ? (inner + 1) / 2 : inner / 2, even ? (inner + 1) / 2 : inner / 2),
      pivot(sine.rows, inner), folded(sine.rows, inner), modes(sine.rows, inner) {
  auto const sides = static_cast<double>(inner + 1);
  const std::size_t period = 2 * (inner + 1);
  for (std::size_t row = 0; row < sine.rows; ++row) {
    const std::size_t k = 2 * row + (even ? 1 : 2); // sin(pi k y)
    for (std::size_t i = 0; i < sine.columns; ++i)
      sine(row, i) =
          std::sqrt(2 / sides) * std::sin(2 * pi * static_cast<double>((k * (i + 1)) % period) /
                                          static_cast<double>(period));
    // -v_{j-1} + d v_j - v_{j+1}, d = 2 + the mode's eigenvalue: pivots of elimination.
    double const d = 2 + 4 * std::pow(std::sin(pi * static_cast<double>(k) / 2 / sides), 2);
    for (std::size_t j = 0; j < inner; ++j)
      pivot(row, j) = 1 / (j == 0 ? d : d - pivot(row, j - 1));
  }
}

void DarcySolver::Parity::solve() {
  multiply(1, sine, Form::plain, folded, Form::plain, 0, modes);
  const std::size_t n = modes.rows, lines = modes.columns;
  double* const m = modes.values.data();
  double const* const p = pivot.values.data();
  for (std::size_t k = 0; k < n; ++k) m[k] *= p[k];
  for (std::size_t j = 1; j < lines; ++j)
    for (std::size_t k = 0; k < n; ++k)
      m[j * n + k] = (m[j * n + k] + m[(j - 1) * n + k]) * p[j * n + k];
  for (std::size_t j = lines - 1; j-- > 0;)
    for (std::size_t k = 0; k < n; ++k) m[j * n + k] += p[j * n + k] * m[(j + 1) * n + k];
  multiply(1, sine, Form::transposed, modes, Form::plain, 0, folded);
}

DarcySolver::DarcySolver(std::size_t points, FaceMean mean)
    : _points(points), _inner(points - 2), _mean(mean), _even(_inner, true), _odd(_inner, false),
      _across((_inner + 1) * _inner), _along(_inner * (_inner + 1)) {
  MOHO_REQUIRE(points >= 3);
}

double DarcySolver::face(double left, double right) const {
  switch (_mean) {
  case FaceMean::arithmetic:
    return (left + right) / 2;
  case FaceMean::harmonic:
    return 2 * left * right / (left + right);
  case FaceMean::lower:
    break;
  }
  return left;
}

void DarcySolver::set_faces(std::span<double const> a) {
  MOHO_REQUIRE(a.size() == _points * _points);
  for (std::size_t x = 0; x <= _inner; ++x) // between x and x + 1 of the nodes, y inner
    for (std::size_t y = 0; y < _inner; ++y)
      _across[x * _inner + y] = face(a[x * _points + y + 1], a[(x + 1) * _points + y + 1]);
  for (std::size_t x = 0; x < _inner; ++x)
    for (std::size_t y = 0; y <= _inner; ++y)
      _along[x * (_inner + 1) + y] = face(a[(x + 1) * _points + y], a[(x + 1) * _points + y + 1]);
}

void DarcySolver::flow_out(std::vector<double> const& v, std::vector<double>& out) const {
  const std::size_t n = _inner;
  const std::vector<double> edge(n, 0.0);
  for (std::size_t x = 0; x < n; ++x) {
    double const* const u = v.data() + x * n;
    double const* const below = x == 0 ? edge.data() : u - n;
    double const* const above = x + 1 == n ? edge.data() : u + n;
    double const* const left = _across.data() + x * n;
    double const* const right = left + n;
    double const* const down = _along.data() + x * (n + 1);
    double const* const up = down + 1;
    double* const result = out.data() + x * n;
    for (std::size_t y = 0; y < n; ++y)
      result[y] = left[y] * (u[y] - below[y]) + right[y] * (u[y] - above[y]);
    result[0] += down[0] * u[0];
    for (std::size_t y = 1; y < n; ++y) result[y] += down[y] * (u[y] - u[y - 1]);
    for (std::size_t y = 0; y + 1 < n; ++y) result[y] += up[y] * (u[y] - u[y + 1]);
    result[n - 1] += up[n - 1] * u[n - 1];
  }
}

void DarcySolver::precondition(std::vector<double> const& v, std::vector<double>& out) {
  // A column of the matrices is a line of constant x: modes are taken along y, and each has a
  // tridiagonal system along x, all of them solved side by side.
  const std::size_t n = _inner, half = n / 2;
  for (std::size_t x = 0; x < n; ++x) {
    double const* const line = v.data() + x * n;
    double* const even = _even.folded.values.data() + x * _even.folded.rows;
    double* const odd = _odd.folded.values.data() + x * half;
    for (std::size_t y = 0; y < half; ++y) {
      even[y] = line[y] + line[n - 1 - y];
      odd[y] = line[y] - line[n - 1 - y];
    }
    if (n % 2 == 1) even[half] = line[half];
  }
  _even.solve();
  _odd.solve();
  for (std::size_t x = 0; x < n; ++x) {
    double* const line = out.data() + x * n;
    double const* const even = _even.folded.values.data() + x * _even.folded.rows;
    double const* const odd = _odd.folded.values.data() + x * half;
    for (std::size_t y = 0; y < half; ++y) {
      line[y] = even[y] + odd[y];
      line[n - 1 - y] = even[y] - odd[y];
    }
    if (n % 2 == 1) line[half] = even[half];
  }
}

DarcySolution DarcySolver::solve(std::span<double const> a, std::span<double const> f,
                                 double tolerance) {
  const BlasThreads one_thread(1);
  MOHO_REQUIRE(f.size() == a.size());
  set_faces(a);
  auto const [least, largest] = std::minmax_element(a.begin(), a.end());
  if (!(*least > 0) || !std::isfinite(*largest))
    throw Error("a coefficient of -div(a grad u) is " + std::to_string(*least) +
                " (it must be positive and finite everywhere) check the field");
  const std::size_t n = _inner;
  double const square = std::pow(static_cast<double>(_points - 1), -2);
  std::vector<double> b(n * n), x(n * n, 0.0), z(n * n), q(n * n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) b[i * n + j] = square * f[(i + 1) * _points + j + 1];
  std::vector<double> r = b;
  precondition(r, z);
  std::vector<double> p = z;
  double rho = dot(r, z);
  // Steps that the bound promises, and as many again for rounding.
  double const root = std::sqrt(*largest / *least);
  int const most = 20 + static_cast<int>(2 * std::log(2 / tolerance) * (root + 1) / 2);
  DarcySolution solution;
  double const goal = tolerance * tolerance * *least;
  while (rho > 0 && solution.iterations < most) {
    if (solution.iterations > 0 && rho <= goal * dot(x, b)) break; // (x, b): energy of u
    flow_out(p, q);
    double const step = rho / dot(p, q);
    add(x, step, p);
    add(r, -step, q);
    precondition(r, z);
    double const next = dot(r, z), ratio = next / rho;
    for (std::size_t i = 0; i < p.size(); ++i) p[i] = z[i] + ratio * p[i];
    rho = next;
    ++solution.iterations;
  }
  flow_out(x, q);
  for (std::size_t i = 0; i < b.size(); ++i) r[i] = b[i] - q[i];
  precondition(r, z);
  double const norm = std::sqrt(dot(x, x));
  solution.bound = norm == 0 ? 0
                             : std::sqrt(std::fmax(dot(r, z), 0.0) / least_eigenvalue(_points)) /
                                   (*least * norm);
  if (!(solution.bound < std::fmax(1e-6, 1e4 * tolerance)))
    throw Error("conjugate gradients leave an error of " + std::to_string(solution.bound) +
                " (after " + std::to_string(solution.iterations) +
                " steps) lessen the contrast of the coefficient or the number of points");
  solution.u.assign(_points * _points, 0.0);
  for (std::size_t i = 0; i < n; ++i)
    std::copy_n(x.begin() + static_cast<std::ptrdiff_t>(i * n), n,
                solution.u.begin() + static_cast<std::ptrdiff_t>((i + 1) * _points + 1));
  return solution;
}

double DarcySolver::imbalance(std::span<double const> a, std::span<double const> f,
                              std::span<double const> u) const {
  double const square = std::pow(static_cast<double>(_points - 1), -2);
  double worst = 0, most = 0;
  for (std::size_t x = 1; x + 1 < _points; ++x)
    for (std::size_t y = 1; y + 1 < _points; ++y) {
      const std::size_t i = x * _points + y;
      double const out = face(a[i - _points], a[i]) * (u[i] - u[i - _points]) +
                         face(a[i], a[i + _points]) * (u[i] - u[i + _points]) +
                         face(a[i - 1], a[i]) * (u[i] - u[i - 1]) +
                         face(a[i], a[i + 1]) * (u[i] - u[i + 1]);
      worst = std::fmax(worst, std::abs(out - square * f[i]));
      most = std::fmax(most, std::abs(square * f[i]));
    }
  return worst / most;
}

} // namespace moho::study
