// SPDX-License-Identifier: BSD-3-Clause
// Lagrange elements: nodal basis, completeness, gradients, facets.
#include "moho/core/error.hpp"
#include "moho/fem/element.hpp"
#include <cmath>
#include <gtest/gtest.h>
#include <random>

namespace moho::fem {

namespace {

constexpr unsigned seed = 20265;

std::vector<Element> all_elements() {
  std::vector<Element> all;
  for (const Cell cell : all_cells)
    for (int degree : {1, 2}) all.push_back({cell, degree});
  return all;
}

std::vector<double> values(Element element, double const* xi) {
  std::vector<double> N(static_cast<std::size_t>(element.nodes()));
  with_element(element, [&](auto l) { decltype(l)::values(xi, N.data()); });
  return N;
}
std::vector<double> gradients(Element element, double const* xi) {
  std::vector<double> dN(static_cast<std::size_t>(element.nodes() * element.dim()));
  with_element(element, [&](auto l) { decltype(l)::gradients(xi, dN.data()); });
  return dN;
}

/// Largest |N_a(x_b) - delta_ab| at the nodes given.
double off_nodal(Element element, std::vector<double> const& nodes) {
  double worst = 0;
  for (int b = 0; b < element.nodes(); ++b) {
    auto const N = values(element, nodes.data() + b * element.dim());
    for (int a = 0; a < element.nodes(); ++a)
      worst = std::max(worst, std::fabs(N[static_cast<std::size_t>(a)] - (a == b)));
  }
  return worst;
}

/// A point of the reference cell.
std::vector<double> random_point(Element element, std::mt19937_64& random) {
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<double> x(static_cast<std::size_t>(element.dim()));
  double rest = 1;
  for (double& v : x) {
    v = uniform(random) * rest;
    if (is_simplex(element.cell)) rest -= v;
  }
  return x;
}

double monomial(double const* x, int i, int j, int k, int dim) {
  return std::pow(x[0], i) * std::pow(x[1], j) * (dim == 3 ? std::pow(x[2], k) : 1);
}

/// Largest error of interpolating monomials whose total degree (simplices) or degree in each
/// variable (tensor cells) is `degree` at most, or exactly when `only`.
double interpolation_error(Element element, int degree, bool only) {
  std::mt19937_64 random(seed);
  auto const nodes = reference_nodes(element);
  int const dim = element.dim();
  double worst = 0;
  for (int i = 0; i <= degree; ++i)
    for (int j = 0; j <= degree; ++j)
      for (int k = 0; k <= (dim == 3 ? degree : 0); ++k) {
        int const order = is_simplex(element.cell) ? i + j + k : std::max(i, std::max(j, k));
        if (order > degree || (only && order < degree)) continue;
        auto const x = random_point(element, random);
        auto const N = values(element, x.data());
        double sum = 0;
        for (int a = 0; a < element.nodes(); ++a)
          sum += N[static_cast<std::size_t>(a)] * monomial(nodes.data() + a * dim, i, j, k, dim);
        worst = std::max(worst, std::fabs(sum - monomial(x.data(), i, j, k, dim)));
      }
  return worst;
}

} // namespace

TEST(Lagrange, BasisIsNodalToTheLastBit) {
  for (const Element element : all_elements())
    EXPECT_EQ(off_nodal(element, reference_nodes(element)), 0) << name(element);
}

TEST(Lagrange, NodalCheckSeesASwapOfTwoNodes) {
  for (const Element element : all_elements()) {
    auto nodes = reference_nodes(element);
    for (int d = 0; d < element.dim(); ++d)
      std::swap(nodes[static_cast<std::size_t>(d)],
                nodes[nodes.size() - static_cast<std::size_t>(element.dim() - d)]);
    EXPECT_EQ(off_nodal(element, nodes), 1) << name(element);
  }
}

TEST(Lagrange, ReproducesPolynomialsOfItsDegreeAndNoHigher) {
  for (const Element element : all_elements()) {
    EXPECT_LT(interpolation_error(element, element.degree, false), 2e-15)
        << name(element) << ", seed " << seed;
    EXPECT_GT(interpolation_error(element, element.degree + 1, true), 1e-3) << name(element);
  }
}

TEST(Lagrange, GradientsAreThoseOfTheValues) {
  std::mt19937_64 random(seed);
  for (const Element element : all_elements())
    for (int repeat = 0; repeat < 10; ++repeat) {
      auto const x = random_point(element, random);
      auto const dN = gradients(element, x.data());
      for (int d = 0; d < element.dim(); ++d) {
        double const h = std::ldexp(1., -10); // the central difference is exact for degree 2
        auto up = x, down = x;
        up[static_cast<std::size_t>(d)] += h;
        down[static_cast<std::size_t>(d)] -= h;
        auto const high = values(element, up.data()), low = values(element, down.data());
        double sum = 0;
        for (int a = 0; a < element.nodes(); ++a) {
          auto const i = static_cast<std::size_t>(a);
          double const slope = dN[static_cast<std::size_t>(a * element.dim() + d)];
          EXPECT_NEAR(slope, (high[i] - low[i]) / (2 * h), 2e-12)
              << name(element) << " node " << a << ", seed " << seed;
          sum += slope;
        }
        EXPECT_NEAR(sum, 0, 1e-14) << name(element); // partition of unity
      }
    }
}

TEST(Lagrange, IsKnownAtCompileTime) {
  constexpr double at = [] {
    double const xi[2] = {0.25, 0.5};
    double N[6] = {};
    Lagrange<Cell::triangle, 2>::values(xi, N);
    return N[5]; // 4 x y
  }();
  static_assert(at == 0.5);
}

TEST(Lagrange, DegreesBesideOneAndTwoAreRefused) {
  try {
    with_element({Cell::hexahedron, 3}, [](auto) {});
    FAIL();
  } catch (Error const& error) {
    EXPECT_NE(std::string(error.what()).find("Q3 hexahedron"), std::string::npos) << error.what();
  }
  EXPECT_THROW(reference_nodes({Cell::triangle, 0}), Error);
  auto nothing = [](auto, auto) {};
  EXPECT_THROW(with_elements({Cell::triangle, 1}, {Cell::triangle, 2}, nothing), Error);
  EXPECT_THROW(with_elements({Cell::triangle, 2}, {Cell::quadrilateral, 1}, nothing), Error);
  EXPECT_THROW(with_elements({Cell::triangle, 2}, {Cell::triangle, 0}, nothing), Error);
  EXPECT_NO_THROW(with_elements({Cell::triangle, 2}, {Cell::triangle, 2}, nothing));
}

TEST(Cells, NamesGoBothWays) {
  for (const Cell cell : all_cells) EXPECT_EQ(cell_from_name(name(cell)), cell);
  try {
    cell_from_name("prism");
    FAIL();
  } catch (Error const& error) {
    EXPECT_NE(std::string(error.what()).find("tetrahedron"), std::string::npos) << error.what();
  }
  EXPECT_EQ(name(Element{Cell::tetrahedron, 2}), "P2 tetrahedron");
}

TEST(Cells, NodesOfDegreeTwoAreInTheMiddleOfTheEdgesInTheirOrder) {
  for (const Cell cell : all_cells) {
    const Element quadratic{cell, 2};
    int const dim = dimension(cell);
    auto const x = reference_nodes(quadratic), v = reference_nodes({cell, 1});
    std::vector<int> edge_nodes; // by their number of coordinates that are 1/2, or after vertices
    for (int a = 0; a < quadratic.nodes(); ++a) {
      int halves = 0;
      for (int d = 0; d < dim; ++d) halves += x[static_cast<std::size_t>(a * dim + d)] == 0.5;
      if (is_simplex(cell) ? a > dim : halves == 1) edge_nodes.push_back(a);
    }
    auto const edge = edges(cell);
    ASSERT_EQ(edge.size(), edge_nodes.size()) << name(cell);
    for (std::size_t e = 0; e < edge.size(); ++e)
      for (int d = 0; d < dim; ++d)
        EXPECT_EQ(x[static_cast<std::size_t>(edge_nodes[e] * dim + d)],
                  (v[static_cast<std::size_t>(edge[e][0] * dim + d)] +
                   v[static_cast<std::size_t>(edge[e][1] * dim + d)]) /
                      2)
            << name(cell) << " edge " << e;
  }
}

TEST(Facets, NodesAreThoseOfTheFacetsOwnElementInItsOrder) {
  for (const Element element : all_elements()) {
    int const dim = element.dim();
    auto const x = reference_nodes(element);
    std::vector<double> own; // nodes of the facet's own element
    if (dim == 3)
      own = reference_nodes(
          {is_simplex(element.cell) ? Cell::triangle : Cell::quadrilateral, element.degree});
    else if (element.degree == 1)
      own = {0, 1};
    else
      own =
          is_simplex(element.cell) ? std::vector<double>{0, 1, .5} : std::vector<double>{0, .5, 1};
    for (int f = 0; f < facet_count(element.cell); ++f) {
      auto const nodes = facet_nodes(element, f);
      auto const map = facet_map(element.cell, f);
      ASSERT_EQ(nodes.size() * static_cast<std::size_t>(dim - 1), own.size()) << name(element);
      for (std::size_t i = 0; i < nodes.size(); ++i) {
        double xi[3];
        map.point(own.data() + i * static_cast<std::size_t>(dim - 1), xi);
        double coordinates = 1; // barycentric coordinate 0
        for (int d = 0; d < dim; ++d) {
          EXPECT_EQ(xi[d], x[static_cast<std::size_t>(nodes[i] * dim + d)])
              << name(element) << " facet " << f << " node " << i;
          coordinates -= xi[d];
        }
        if (is_simplex(element.cell))
          EXPECT_EQ(f == 0 ? coordinates : xi[f - 1], 0) << "facet is not opposite to its vertex";
        else
          EXPECT_EQ(xi[f / 2], f % 2) << name(element) << " facet " << f;
      }
    }
    EXPECT_THROW(facet_nodes(element, facet_count(element.cell)), Error);
    EXPECT_THROW(facet_nodes(element, -1), Error);
  }
}

} // namespace moho::fem
