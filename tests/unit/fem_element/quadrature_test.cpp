// SPDX-License-Identifier: BSD-3-Clause
// Rules: exact to the degree that they state and not beyond, weights positive, points inside.
#include "moho/core/error.hpp"
#include "moho/fem/quadrature.hpp"
#include <cmath>
#include <gtest/gtest.h>
#include <numeric>

namespace moho::fem {

namespace {

double factorial(int n) {
  return n < 2 ? 1 : n * factorial(n - 1);
}

/// Relative error of the rule for x^i y^j z^k; |.| i! j! k! / (i + j + k + dim)! on simplices.
double error(Quadrature const& rule, bool simplex, int i, int j, int k) {
  double sum = 0;
  for (int q = 0; q < rule.size(); ++q) {
    double const* x = rule.points.data() + q * rule.dim;
    sum += rule.weights[static_cast<std::size_t>(q)] * std::pow(x[0], i) *
           (rule.dim > 1 ? std::pow(x[1], j) : 1) * (rule.dim > 2 ? std::pow(x[2], k) : 1);
  }
  double const exact =
      simplex ? factorial(i) * factorial(j) * factorial(k) / factorial(i + j + k + rule.dim)
              : 1. / ((i + 1) * (j + 1) * (k + 1));
  return std::fabs(sum / exact - 1);
}

/// Largest error over monomials of total degree (simplices), or of degree in each variable, up to
/// `degree`; with `only` of that one alone.
double worst_error(Quadrature const& rule, bool simplex, int degree, bool only = false) {
  double worst = 0;
  for (int i = 0; i <= degree; ++i)
    for (int j = 0; j <= (rule.dim > 1 ? degree : 0); ++j)
      for (int k = 0; k <= (rule.dim > 2 ? degree : 0); ++k) {
        int const order = simplex ? i + j + k : std::max(i, std::max(j, k));
        if (order <= degree && (!only || order == degree))
          worst = std::max(worst, error(rule, simplex, i, j, k));
      }
  return worst;
}

void expect_good(Quadrature const& rule, bool simplex, int asked, std::string const& what) {
  EXPECT_GE(rule.degree, asked) << what;
  EXPECT_LT(worst_error(rule, simplex, rule.degree), 4e-15) << what;
  EXPECT_GT(worst_error(rule, simplex, rule.degree + 1, true), 1e-9) << what;
  for (double weight : rule.weights) EXPECT_GT(weight, 0) << what;
  for (int q = 0; q < rule.size(); ++q) {
    double sum = 0;
    for (int d = 0; d < rule.dim; ++d) {
      double const x = rule.points[static_cast<std::size_t>(q * rule.dim + d)];
      EXPECT_TRUE(x > 0 && x < 1) << what;
      sum += x;
    }
    EXPECT_LT(simplex ? sum : 0, 1) << what;
  }
}

} // namespace

TEST(Quadrature, IsExactToItsDegreeAndNotBeyond) {
  for (const Cell cell : all_cells)
    for (int degree = 0; degree <= 13; ++degree)
      expect_good(quadrature(cell, degree), is_simplex(cell), degree,
                  name(cell) + std::string(" degree ") + std::to_string(degree));
}

TEST(Quadrature, OfFacetsToo) {
  for (const Cell cell : all_cells)
    for (int degree = 0; degree <= 9; ++degree) {
      auto const rule = facet_quadrature(cell, degree);
      EXPECT_EQ(rule.dim, dimension(cell) - 1);
      expect_good(rule, rule.dim == 2 && is_simplex(cell), degree,
                  std::string("facet of ") + name(cell));
    }
}

TEST(Quadrature, CheckSeesAWeightThatIsOffByOneInATrillion) {
  auto rule = quadrature(Cell::tetrahedron, 4);
  rule.weights[3] *= 1 + 1e-12;
  EXPECT_GT(worst_error(rule, true, rule.degree), 1e-14);
}

TEST(Quadrature, HasAsFewPointsAsTheKnownRules) {
  auto const points = [](Cell cell, int degree) { return quadrature(cell, degree).size(); };
  EXPECT_EQ(points(Cell::triangle, 0), 1);
  EXPECT_EQ(points(Cell::triangle, 2), 3);
  EXPECT_EQ(points(Cell::triangle, 4), 6);
  EXPECT_EQ(points(Cell::triangle, 5), 7);
  EXPECT_EQ(points(Cell::tetrahedron, 2), 4);
  EXPECT_EQ(points(Cell::tetrahedron, 5), 15);
  EXPECT_EQ(points(Cell::quadrilateral, 2), 4);
  EXPECT_EQ(points(Cell::hexahedron, 4), 27);
}

TEST(Quadrature, DegreesOutOfRangeAreRefused) {
  for (int degree : {-1, 61}) {
    EXPECT_THROW(quadrature(Cell::triangle, degree), Error);
    EXPECT_THROW(facet_quadrature(Cell::triangle, degree), Error);
  }
  auto const rule = quadrature(Cell::quadrilateral, 60);
  EXPECT_NEAR(std::accumulate(rule.weights.begin(), rule.weights.end(), 0.), 1, 1e-13);
}

} // namespace moho::fem
