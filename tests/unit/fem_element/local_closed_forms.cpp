// SPDX-License-Identifier: BSD-3-Clause
// Local matrices against closed forms in the literature, and areas of curved cells.
#include "local_support.hpp"
#include "moho/core/error.hpp"

namespace moho::fem::test {

namespace {

template <class L, class G, FormKind kind>
Vector unit_matrix(Vector const& X, Vector coefficient = {1.0}, int degree = -1) {
  using M = LocalMatrix<L, G, kind>;
  Form form;
  form.kind = kind;
  form.quadrature_degree = degree;
  const Element element{L::cell, L::degree}, geometry{G::cell, G::degree};
  const HostTables tables(element, geometry, quadrature(L::cell, quadrature_degree(form, element)));
  return matrix<M>(tables.view(), X, {true, static_cast<int>(coefficient.size()), coefficient});
}

/// Entries are `exact` / denominator.
void expect_matrix(Vector const& got, Vector const& exact, double denominator, char const* what) {
  ASSERT_EQ(got.size(), exact.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    EXPECT_NEAR(got[i], exact[i] / denominator, 4e-16) << what << " entry " << i;
}

using P1 = Lagrange<Cell::triangle, 1>;
using P2 = Lagrange<Cell::triangle, 2>;
using P1Tet = Lagrange<Cell::tetrahedron, 1>;
using Q1 = Lagrange<Cell::quadrilateral, 1>;
using Q2 = Lagrange<Cell::quadrilateral, 2>;

} // namespace

TEST(ClosedForms, LinearTriangle) {
  Vector const X{0, 0, 1, 0, 0, 1};
  expect_matrix(unit_matrix<P1, P1, FormKind::diffusion>(X), {2, -1, -1, -1, 1, 0, -1, 0, 1}, 2,
                "stiffness");
  expect_matrix(unit_matrix<P1, P1, FormKind::mass>(X), {2, 1, 1, 1, 2, 1, 1, 1, 2}, 24, "mass");
  // b = (1, 2): b . grad N = -3, 1, 2, and the mean of N_a is 1/3.
  expect_matrix(unit_matrix<P1, P1, FormKind::advection>(X, {1, 2}), {-3, 1, 2, -3, 1, 2, -3, 1, 2},
                6, "advection");
  // Cotangents: K_ab = -cot(angle between) / 2; an equilateral triangle has 1 / (2 sqrt 3).
  double const r = std::sqrt(3.);
  auto const K = unit_matrix<P1, P1, FormKind::diffusion>({0, 0, 2, 0, 1, r});
  for (int a = 0; a < 3; ++a)
    for (int b = 0; b < 3; ++b)
      EXPECT_NEAR(K[static_cast<std::size_t>(a * 3 + b)], (a == b ? 2 : -1) / (2 * r), 2e-16);
}

TEST(ClosedForms, LinearTetrahedron) {
  Vector const X{0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1};
  expect_matrix(unit_matrix<P1Tet, P1Tet, FormKind::diffusion>(X),
                {3, -1, -1, -1, -1, 1, 0, 0, -1, 0, 1, 0, -1, 0, 0, 1}, 6, "stiffness");
  expect_matrix(unit_matrix<P1Tet, P1Tet, FormKind::mass>(X),
                {2, 1, 1, 1, 1, 2, 1, 1, 1, 1, 2, 1, 1, 1, 1, 2}, 120, "mass");
}

TEST(ClosedForms, QuadraticTriangle) { // edges 01 02 12
  Vector const X{0, 0, 1, 0, 0, 1};
  expect_matrix(unit_matrix<P2, P1, FormKind::mass>(X),
                {6, -1, -1, 0,  0,  -4, -1, 6,  -1, 0,  -4, 0,  -1, -1, 6, -4, 0,  0,
                 0, 0,  -4, 32, 16, 16, 0,  -4, 0,  16, 32, 16, -4, 0,  0, 16, 16, 32},
                360, "mass");
  expect_matrix(unit_matrix<P2, P1, FormKind::diffusion>(X),
                {6,  1,  1, -4, -4, 0,  1,  3, 0,  -4, 0,  0,  1, 0, 3, 0,  -4, 0,
                 -4, -4, 0, 16, 0,  -8, -4, 0, -4, 0,  16, -8, 0, 0, 0, -8, -8, 16},
                6, "stiffness");
}

TEST(ClosedForms, UnitSquare) { // tensor order: 1 and 2 are opposite
  Vector const X{0, 0, 1, 0, 0, 1, 1, 1};
  expect_matrix(unit_matrix<Q1, Q1, FormKind::diffusion>(X),
                {4, -1, -1, -2, -1, 4, -2, -1, -1, -2, 4, -1, -2, -1, -1, 4}, 6, "stiffness");
  expect_matrix(unit_matrix<Q1, Q1, FormKind::mass>(X),
                {4, 2, 2, 1, 2, 4, 1, 2, 2, 1, 4, 2, 1, 2, 2, 4}, 36, "mass");
  Vector const line{4, 2, -1, 2, 16, 2, -1, 2, 4}; // / 30: mass of a quadratic interval
  auto const M = unit_matrix<Q2, Q1, FormKind::mass>(X);
  for (std::size_t a = 0; a < 9; ++a)
    for (std::size_t b = 0; b < 9; ++b)
      EXPECT_NEAR(M[a * 9 + b], line[a % 3 * 3 + b % 3] * line[a / 3 * 3 + b / 3] / 900, 1e-16);
}

/// Plane strain on the unit right triangle, E = 1, nu = 0: lambda = 0, mu = 1/2; K = integral of
/// eps : eps, with eps of N_1 e_x = (1, 0; 0, 0), of N_2 e_x = N_1 e_y = (0, 1/2; 1/2, 0).
TEST(ClosedForms, ElasticTriangle) {
  auto const K = unit_matrix<P1, P1, FormKind::elasticity>({0, 0, 1, 0, 0, 1}, {0.0, 0.5});
  auto at = [&](int a, int i, int b, int j) {
    return K[static_cast<std::size_t>((a * 2 + i) * 6 + b * 2 + j)];
  };
  EXPECT_EQ(at(1, 0, 1, 0), 0.5);
  EXPECT_EQ(at(1, 1, 1, 1), 0.25);
  EXPECT_EQ(at(1, 1, 2, 0), 0.25);
  EXPECT_EQ(at(2, 0, 1, 1), 0.25);
  EXPECT_EQ(at(1, 0, 2, 1), 0);
  EXPECT_EQ(at(0, 0, 0, 0), 0.75);
  EXPECT_EQ(at(0, 0, 0, 1), 0.25);
  auto const L = unit_matrix<P1, P1, FormKind::elasticity>({0, 0, 1, 0, 0, 1}, {1.0, 0.0});
  EXPECT_EQ(L[static_cast<std::size_t>((1 * 2 + 0) * 6 + 2 * 2 + 1)], 0.5); // div div
}

/// An edge of length l bulged by h encloses 2/3 l h more (a parabola), whatever its direction.
TEST(ClosedForms, AreaOfCurvedCells) {
  auto area = [](Vector const& M) {
    double sum = 0;
    for (double m : M) sum += m;
    return sum;
  };
  auto X = reference_nodes({Cell::triangle, 2});
  X[3 * 2 + 1] -= 0.1;                    // edge 01 down
  X[5 * 2] += 0.05, X[5 * 2 + 1] += 0.05; // edge 12 outwards, l = sqrt 2, h = 0.05 sqrt 2
  EXPECT_NEAR(area(unit_matrix<P2, P2, FormKind::mass>(X)), 0.5 + 2. / 3 * 0.1 + 2. / 3 * 2 * 0.05,
              1e-15);
  auto Y = reference_nodes({Cell::quadrilateral, 2});
  Y[1 * 2 + 1] -= 0.1;
  EXPECT_NEAR(area(unit_matrix<Q2, Q2, FormKind::mass>(Y)), 1 + 2. / 3 * 0.1, 1e-15);
  // One point cannot know: the Jacobian of a bulged triangle varies.
  EXPECT_GT(
      std::fabs(area(unit_matrix<P2, P2, FormKind::mass>(X, {1.0}, 0)) - (0.5 + 2. / 3 * 0.2)),
      1e-3);
}

TEST(LocalMatrix, DoesNotMixLanes) {
  if (simd_lanes == 1) GTEST_SKIP() << "one lane";
  using M = LocalMatrix<P1, P1, FormKind::diffusion>;
  Vector const x{0, 0, 1, 0, 0, 1};
  HostPack X[6];
  for (std::size_t i = 0; i < 6; ++i) X[i] = HostPack(x[i]);
  set_lane(X[2], 1, 0.0); // lane 1: a triangle without area
  auto const one = [](int, int) { return HostPack(1.0); };
  auto const K = matrix<M, HostPack>({}, X, one, true, true);
  EXPECT_EQ(lane(K[0], 0), 1.0);
  EXPECT_FALSE(std::isfinite(lane(K[0], 1)));
}

TEST(LocalMatrix, UpperPairsAreNumberedRowByRow) {
  using M = LocalMatrix<P2, P1, FormKind::diffusion>;
  int next = 0;
  for (int a = 0; a < M::nodes; ++a)
    for (int b = a; b < M::nodes; ++b) EXPECT_EQ(M::upper(a, b), next++);
  EXPECT_EQ(next, M::upper_pairs);
}

// What UFL 2022.2 estimates (compute_form_data) for u v dx and grad u . grad v dx, geometry of
// degree 1 and 2.
TEST(Tables, DegreeOfAFormOnOtherCellsIsUfls) {
  struct Row {
    Cell cell;
    int geometry, p, mass, poisson;
  };
  for (Row const& row : std::vector<Row>{{Cell::quadrilateral, 1, 1, 4, 4},
                                         {Cell::quadrilateral, 1, 2, 6, 6},
                                         {Cell::quadrilateral, 2, 1, 6, 6},
                                         {Cell::quadrilateral, 2, 2, 8, 8},
                                         {Cell::hexahedron, 1, 1, 5, 5},
                                         {Cell::hexahedron, 1, 2, 7, 7},
                                         {Cell::hexahedron, 2, 1, 8, 8},
                                         {Cell::hexahedron, 2, 2, 10, 10},
                                         {Cell::triangle, 1, 1, 2, 0},
                                         {Cell::triangle, 2, 1, 4, 2},
                                         {Cell::triangle, 2, 2, 6, 4},
                                         {Cell::tetrahedron, 1, 2, 4, 2},
                                         {Cell::tetrahedron, 2, 1, 5, 3},
                                         {Cell::tetrahedron, 2, 2, 7, 5}}) {
    Form form;
    for (auto const& [kind, expected] :
         {std::pair(FormKind::mass, row.mass), std::pair(FormKind::diffusion, row.poisson)}) {
      form.kind = kind;
      EXPECT_EQ(bent_quadrature_degree(form, {row.cell, row.p}, {row.cell, row.geometry}), expected)
          << name(row.cell) << row.geometry << row.p;
    }
  }
}

TEST(Tables, DegreeOfAFormIsWhatAffineCellsNeed) {
  Form form;
  auto degree = [&](FormKind kind, Cell cell, int p) {
    form.kind = kind;
    return quadrature_degree(form, {cell, p});
  };
  EXPECT_EQ(degree(FormKind::diffusion, Cell::triangle, 1), 0);
  EXPECT_EQ(degree(FormKind::elasticity, Cell::tetrahedron, 2), 2);
  EXPECT_EQ(degree(FormKind::mass, Cell::triangle, 2), 4);
  EXPECT_EQ(degree(FormKind::advection, Cell::triangle, 2), 3);
  EXPECT_EQ(degree(FormKind::diffusion, Cell::hexahedron, 2), 4);
  form.coefficient.where = Where::nodal;
  EXPECT_EQ(degree(FormKind::diffusion, Cell::triangle, 2), 4);
  form.quadrature_degree = 7;
  EXPECT_EQ(degree(FormKind::diffusion, Cell::triangle, 2), 7);
  EXPECT_EQ(bent_quadrature_degree(form, {Cell::triangle, 2}, {Cell::triangle, 2}), 7);
  EXPECT_THROW(
      ReferenceTables({Cell::triangle, 1}, {Cell::triangle, 2}, quadrature(Cell::triangle, 1)),
      Error);
}

} // namespace moho::fem::test
