// SPDX-License-Identifier: BSD-3-Clause
#include "moho/fem/quadrature.hpp"
#include "moho/core/error.hpp"
#include <cmath>
#include <string>

namespace moho::fem {
namespace {

/// A rule on [0, 1].
struct Rule1 {
  std::vector<double> x, w;
};

/// Gauss-Jacobi for the weight (1 - x)^alpha on [0, 1], n points, exact to degree 2n - 1: zeros of
/// the Jacobi polynomial P_n^(alpha, 0) by Newton with deflation, in long double (Karniadakis &
/// Sherwin, Spectral/hp Element Methods, appendix B).
Rule1 gauss_jacobi(int n, int alpha) {
  using Real = long double;
  Real const a = alpha, pi = std::acos(Real(-1));
  auto jacobi = [a](int degree, Real z, Real& derivative) {
    Real before = 1, now = (a + (a + 2) * z) / 2; // P_0, P_1
    for (int k = 1; k < degree; ++k) {
      Real const c = 2 * k + a;
      Real const next =
          ((c + 1) * (a * a + c * (c + 2) * z) * now - 2 * (k + a) * k * (c + 2) * before) /
          (2 * (k + 1) * (k + a + 1) * c);
      before = now, now = next;
    }
    Real const c = 2 * degree + a; // (1 - z^2) c P' = n (a - c z) P + 2 n (n + a) P_(n-1)
    derivative =
        (degree * (a - c * z) * now + 2 * degree * (degree + a) * before) / (c * (1 - z * z));
    return now;
  };
  Rule1 rule;
  std::vector<Real> zeros;
  for (int i = 0; i < n; ++i) {
    Real z = -std::cos((2 * i + 1) * pi / (2 * n)), slope = 0;
    if (i > 0) z = (z + zeros.back()) / 2;
    for (int step = 0; step < 60; ++step) {
      Real const p = jacobi(n, z, slope);
      Real deflation = 0;
      for (Real const zero : zeros) deflation += 1 / (z - zero);
      Real const move = p / (slope - p * deflation);
      z -= move;
      if (std::fabs(move) < Real(1e-18)) break;
    }
    jacobi(n, z, slope);
    zeros.push_back(z);
    rule.x.push_back(static_cast<double>((1 + z) / 2));
    // 2^(a+1) / ((1 - z^2) P'^2) on [-1, 1]; the map to [0, 1] divides by 2^(a+1).
    rule.w.push_back(static_cast<double>(1 / ((1 - z * z) * slope * slope)));
  }
  return rule;
}

int gauss_points(int degree) {
  return degree / 2 + 1;
}

void check_degree(int degree) {
  constexpr int highest = 60;
  if (degree < 0 || degree > highest)
    throw Error("quadrature degree " + std::to_string(degree) + " (0 to " +
                std::to_string(highest) + " are supported) choose a degree in that range");
}

/// Adds all points that permutations of the barycentric coordinates make of (a, .., a, 1 - m a),
/// with m = dim of them equal to a; `weight` relative to the volume.
void add_vertex_orbit(Quadrature& rule, double a, double weight) {
  double const volume = rule.dim == 2 ? 1. / 2 : 1. / 6, other = 1 - rule.dim * a;
  for (int v = 0; v < rule.dim + 1; ++v) {
    for (int d = 0; d < rule.dim; ++d) rule.points.push_back(v == d + 1 ? other : a);
    rule.weights.push_back(weight * volume);
  }
}

void add_centroid(Quadrature& rule, double weight) {
  rule.points.insert(rule.points.end(), static_cast<std::size_t>(rule.dim), 1. / (rule.dim + 1));
  rule.weights.push_back(weight * (rule.dim == 2 ? 1. / 2 : 1. / 6));
}

/// Symmetric rules in closed form, as Stroud, Approximate Calculation of Multiple Integrals (1971),
/// T2: 5-1 (Radon), T3: 5-1; degree 4 on triangles: Strang & Fix (1973), Dunavant (1985).
Quadrature triangle_rule(int degree) {
  Quadrature rule;
  rule.dim = 2;
  double const r = std::sqrt(15.);
  if (degree <= 1) {
    rule.degree = 1;
    add_centroid(rule, 1);
  } else if (degree == 2) {
    rule.degree = 2;
    add_vertex_orbit(rule, 1. / 6, 1. / 3);
  } else if (degree <= 4) {
    rule.degree = 4;
    double const s = std::sqrt(10.), t = std::sqrt(38 - 44 * std::sqrt(2. / 5));
    double const u = std::sqrt(213125 - 53320 * s);
    add_vertex_orbit(rule, (8 - s + t) / 18, (620 + u) / 3720);
    add_vertex_orbit(rule, (8 - s - t) / 18, (620 - u) / 3720);
  } else {
    rule.degree = 5;
    add_centroid(rule, 9. / 40);
    add_vertex_orbit(rule, (6 - r) / 21, (155 - r) / 1200);
    add_vertex_orbit(rule, (6 + r) / 21, (155 + r) / 1200);
  }
  return rule;
}

Quadrature tetrahedron_rule(int degree) {
  Quadrature rule;
  rule.dim = 3;
  double const r = std::sqrt(15.);
  if (degree <= 1) {
    rule.degree = 1;
    add_centroid(rule, 1);
  } else if (degree == 2) {
    rule.degree = 2;
    add_vertex_orbit(rule, (5 - std::sqrt(5.)) / 20, 1. / 4);
  } else {
    rule.degree = 5;
    add_centroid(rule, 16. / 135);
    add_vertex_orbit(rule, (7 - r) / 34, (2665 + 14 * r) / 37800);
    add_vertex_orbit(rule, (7 + r) / 34, (2665 - 14 * r) / 37800);
    double const a = (10 - 2 * r) / 40, b = 0.5 - a; // two coordinates a, two b
    for (int i = 0; i < 4; ++i)
      for (int j = i + 1; j < 4; ++j) {
        for (int d = 1; d < 4; ++d) rule.points.push_back(d == i || d == j ? a : b);
        rule.weights.push_back(10. / 189 / 6);
      }
  }
  return rule;
}

/// Products of Gauss rules (tensor cells), or of Gauss-Jacobi rules on the collapsed square or cube
/// (simplices): x_0 = t_0, x_1 = (1 - t_0) t_1, x_2 = (1 - t_0)(1 - t_1) t_2.
Quadrature product_rule(int dim, int degree, bool collapsed) {
  int const n = gauss_points(degree);
  Quadrature rule;
  rule.dim = dim;
  rule.degree = 2 * n - 1;
  std::vector<Rule1> axis;
  for (int d = 0; d < dim; ++d) axis.push_back(gauss_jacobi(n, collapsed ? dim - 1 - d : 0));
  int total = 1;
  for (int d = 0; d < dim; ++d) total *= n;
  for (int i = 0; i < total; ++i) {
    double weight = 1, rest = 1;
    for (int d = 0, index = i; d < dim; ++d, index /= n) { // x fastest
      auto const at = static_cast<std::size_t>(index % n);
      double const t = axis[static_cast<std::size_t>(d)].x[at];
      weight *= axis[static_cast<std::size_t>(d)].w[at];
      rule.points.push_back(collapsed ? rest * t : t);
      rest *= 1 - t;
    }
    rule.weights.push_back(weight);
  }
  return rule;
}

} // namespace

Quadrature quadrature(Cell cell, int degree) {
  check_degree(degree);
  int const dim = dimension(cell);
  // The collapsed rule of degree 3 on tetrahedra has 8 points, the symmetric one 15.
  if (cell == Cell::triangle && degree <= 5) return triangle_rule(degree);
  if (cell == Cell::tetrahedron && degree <= 5 && degree != 3) return tetrahedron_rule(degree);
  return product_rule(dim, degree, is_simplex(cell));
}

Quadrature facet_quadrature(Cell cell, int degree) {
  check_degree(degree);
  if (dimension(cell) == 2) return product_rule(1, degree, false);
  return quadrature(cell == Cell::tetrahedron ? Cell::triangle : Cell::quadrilateral, degree);
}

} // namespace moho::fem
