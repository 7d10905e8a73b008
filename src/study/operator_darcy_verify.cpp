// SPDX-License-Identifier: BSD-3-Clause
// What is known of the difference scheme and of the random coefficients, each with its control.
#include "dataset_items.hpp"
#include "operator_darcy.hpp"
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <numeric>

namespace moho::study {
namespace {

constexpr double pi = std::numbers::pi;

/// Streams of their own: no coefficient that anybody trains on or is asked about.
constexpr std::uint32_t flow_stream = 43, field_stream = 44;

std::vector<double> at_nodes(std::size_t points, std::function<double(double, double)> const& f) {
  std::vector<double> values;
  double const sides = static_cast<double>(points - 1);
  for (std::size_t x = 0; x < points; ++x)
    for (std::size_t y = 0; y < points; ++y)
      values.push_back(f(static_cast<double>(x) / sides, static_cast<double>(y) / sides));
  return values;
}

double sum(std::vector<double> const& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

/// u = sin(pi x) sin(2 pi y) e^x, a = 2 + cos(3 x + y): f = -a Lap u - grad a . grad u.
void append_order(std::vector<Check>& checks) {
  auto const u = [](double x, double y) {
    return std::sin(pi * x) * std::sin(2 * pi * y) * std::exp(x);
  };
  auto const a = [](double x, double y) { return 2 + std::cos(3 * x + y); };
  auto const f = [&](double x, double y) {
    double const e = std::exp(x), s = std::sin(pi * x), c = std::cos(pi * x),
                 s2 = std::sin(2 * pi * y), c2 = std::cos(2 * pi * y);
    double const u_x = (s + pi * c) * s2 * e, u_y = 2 * pi * s * c2 * e,
                 laplacian = ((1 - pi * pi) * s + 2 * pi * c - 4 * pi * pi * s) * s2 * e;
    return -a(x, y) * laplacian + std::sin(3 * x + y) * (3 * u_x + u_y);
  };
  auto const order = [&](FaceMean mean) {
    auto const error = [&](std::size_t points) {
      DarcySolver solver(points, mean);
      return relative_distance(solver.solve(at_nodes(points, a), at_nodes(points, f)).u,
                               at_nodes(points, u));
    };
    return std::log2(error(41) / error(81));
  };
  append_with_control(checks,
                      {"darcy_order", std::abs(order(FaceMean::arithmetic) - 2), Relation::at_most,
                       0.1, "a smooth coefficient on half the spacing, distance from order 2"},
                      std::abs(order(FaceMean::lower) - 2),
                      "faces with the coefficient of one side");
}

/// u of a = 1 at the centre: 1/8 less what a series of cosh takes off (to 1e-16).
double unit_centre() {
  double u = 1.0 / 8;
  for (int n = 1; n < 40; n += 2) {
    double const w = n * pi;
    u -= 4 / (w * w * w) * std::sin(w / 2) / std::cosh(w / 2);
  }
  return u;
}

void append_constant(DarcyOperatorSettings const& s, std::vector<Check>& checks) {
  constexpr std::size_t points = 61;
  const std::vector<double> a(points * points, s.high), f(points * points, 1.0);
  double const centre = DarcySolver(points).solve(a, f).u[points * points / 2] * s.high,
               exact = unit_centre();
  append_with_control(checks,
                      {"darcy_constant", std::abs(centre / exact - 1), Relation::at_most, 1e-3,
                       "a constant coefficient, at the centre, against its series"},
                      std::abs(1.01 * centre / exact - 1), "1 % more");
}

/// A drawn flow. In any geometry u lies between those of constant coefficients in the mean (the
/// energy falls where the coefficient grows), is positive, and at most 1 / (4 pi low) (Talenti,
/// 1976).
void append_bounds(DarcyOperatorSettings const& s, std::vector<Check>& checks) {
  const std::size_t points = s.grid;
  DarcySolver solver(points);
  const std::vector<double> f(points * points, 1.0),
      a = s.coefficient(s.field(points).draw({s.seed, flow_stream}, 0));
  const DarcySolution flow = solver.solve(a, f);
  double const unit = sum(solver.solve(f, f).u), mean = sum(flow.u) / unit,
               low = std::min(s.low, s.high), high = std::max(s.low, s.high);
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t x = 1; x + 1 < points; ++x)
    for (std::size_t y = 1; y + 1 < points; ++y) least = std::fmin(least, flow.u[x * points + y]);
  double const most = *std::max_element(flow.u.begin(), flow.u.end());
  append_with_control(checks,
                      {"darcy_maximum_principle", least, Relation::at_least, 0,
                       "sources are positive: so is u, smallest value at an inner node"},
                      least - most, "the largest value less everywhere");
  double const peak = most * 4 * pi * low, ratio = high / low;
  append_with_control(
      checks,
      {"darcy_largest", peak, Relation::at_most, 1,
       "largest value over that of a disc of the same area and the low coefficient"},
      2 * ratio * peak, "a flow larger by twice the ratio of the coefficients");
  append_with_control(checks,
                      {"darcy_mean_low", mean * high, Relation::at_least, 1 - 1e-9,
                       "mean of u over that with the high coefficient everywhere"},
                      mean * high / (2 * ratio), "a flow smaller by twice that ratio");
  append_with_control(checks,
                      {"darcy_mean_high", mean * low, Relation::at_most, 1 + 1e-9,
                       "mean of u over that with the low coefficient everywhere"},
                      mean * low * 2 * ratio, "a flow larger by twice that ratio");
  std::vector<double> moved = flow.u;
  moved[points * (points / 2) + points / 2] *= 1 + 1e-5;
  append_with_control(checks,
                      {"darcy_residual", solver.imbalance(a, f, flow.u), Relation::at_most, 1e-5,
                       "what flows out of a node's patch is what is put in, the worst node"},
                      solver.imbalance(a, f, moved), "a value off by 1e-5");
}

/// By elimination, which knows nothing of conjugate gradients.
void append_direct(DarcyOperatorSettings const& s, std::vector<Check>& checks) {
  constexpr std::size_t points = 21, n = points - 2;
  const std::vector<double> f(points * points, 1.0),
      a = s.coefficient(s.field(points).draw({s.seed, flow_stream}, 1));
  BandMatrix matrix(n * n, n);
  auto const at = [&](std::size_t x, std::size_t y) { return a[x * points + y]; };
  for (std::size_t x = 1; x <= n; ++x)
    for (std::size_t y = 1; y <= n; ++y) {
      const std::size_t row = (x - 1) * n + y - 1;
      auto const neighbour = [&](std::size_t i, std::size_t j) {
        double const k = (at(x, y) + at(i, j)) / 2;
        matrix.add(row, row, k);
        if (i >= 1 && i <= n && j >= 1 && j <= n) matrix.add(row, (i - 1) * n + j - 1, -k);
      };
      neighbour(x - 1, y);
      neighbour(x + 1, y);
      neighbour(x, y - 1);
      neighbour(x, y + 1);
    }
  matrix.factor();
  std::vector<double> direct(n * n, std::pow(static_cast<double>(points - 1), -2));
  matrix.solve(direct.data());
  const DarcySolution found = DarcySolver(points).solve(a, f);
  std::vector<double> inner;
  for (std::size_t x = 1; x <= n; ++x)
    for (std::size_t y = 1; y <= n; ++y) inner.push_back(found.u[x * points + y]);
  double const off = relative_distance(inner, direct);
  append_with_control(checks,
                      {"darcy_direct", off, Relation::at_most, 1e-9,
                       "a drawn flow on 21 x 21 nodes against elimination"},
                      off + 1e-8, "1e-8 more");
}

void append_field(DarcyOperatorSettings const& s, std::vector<Check>& checks) {
  constexpr std::size_t drawn = 300;
  DarcyOperatorSettings few = s;
  few.modes = std::min<std::size_t>(s.modes, 24); // the others are small; mean_square needs nodes
  const NeumannField field = few.field(33);
  double square = 0, share = 0, squared_share = 0;
  for (std::uint64_t item = 0; item < drawn; ++item) {
    const std::vector<double> g = field.draw({s.seed, field_stream}, item);
    square += field.mean_square(g) / drawn;
    double high = 0;
    for (double const a : s.coefficient(g)) high += a == s.high;
    high /= static_cast<double>(g.size());
    share += high / drawn;
    squared_share += high * high / drawn;
  }
  double const root = std::sqrt(static_cast<double>(drawn)),
               deviation = std::sqrt(squared_share - share * share);
  append_with_control(checks,
                      {"field_variance", std::abs(square - field.variance()), Relation::at_most,
                       6 * field.deviation() / root,
                       "of the fields, against the sum of the spectrum, six deviations"},
                      std::abs(4 * square - field.variance()), "fields twice as large");
  append_with_control(checks,
                      {"contrast_share", std::abs(share - 0.5), Relation::at_most,
                       6 * deviation / root, "half of the square has the high coefficient, mean"},
                      std::abs(share + 8 * deviation / root + std::abs(share - 0.5) - 0.5),
                      "eight deviations more");
  append_with_control(checks,
                      {"contrast_spread", deviation, Relation::at_least, 1e-6,
                       "which half it is changes: deviation of the share from field to field"},
                      0, "the same field again and again");
}

} // namespace

std::vector<Check> darcy_operator_checks(DarcyOperatorSettings const& settings) {
  std::vector<Check> checks;
  append_order(checks);
  append_constant(settings, checks);
  append_bounds(settings, checks);
  append_direct(settings, checks);
  append_field(settings, checks);
  return checks;
}

} // namespace moho::study
