// SPDX-License-Identifier: BSD-3-Clause
#include "fem_support.hpp"
#include <cmath>
#include <numeric>

namespace moho::study::test {
namespace {

using moho::test::all_ranks_agree;
using parallel::Comm;

TEST(FemSpace, CountsTheWholeSpace) {
  for (int const degree : {1, 2}) {
    auto const space = space_on({DomainKind::square}, cut("triangle", degree, 8), 2);
    int const nodes = 8 * degree + 1;
    EXPECT_EQ(space->unknowns(), 2 * nodes * nodes);
    EXPECT_EQ(space->cells(), 2 * 8 * 8);
    EXPECT_EQ(Comm().sum(static_cast<std::int64_t>(space->owned())), space->unknowns());
  }
  // 7 neighbours inside, with itself; spec/fem.md: 460 289 at 256.
  EXPECT_EQ(space_on({DomainKind::square}, cut("triangle", 1, 256))->nonzeros(), 460289);
}

TEST(FemSpace, GhostsAreTheirOwners) {
  auto const space = space_on({DomainKind::cube}, cut("tetrahedron", 1, 4), 3);
  const fem::Reals exact = space->interpolate(linear(3, 3));
  const std::vector<double> all = host(space->with_ghosts(space->without_ghosts(exact)));
  EXPECT_EQ(all, host(exact));
}

TEST(FemSpace, DotSumsOverAllRanks) {
  auto const space = space_on({DomainKind::square}, cut("triangle", 1, 8));
  const fem::Reals one = space->owned_vector();
  Kokkos::deep_copy(one, 3);
  EXPECT_DOUBLE_EQ(space->dot(one, one), 9 * 81);
}

TEST(FemSpace, MarksByTag) {
  auto const space = space_on({DomainKind::square}, cut("quadrilateral", 2, 4), 2);
  EXPECT_EQ(space->tags(), (std::vector<std::int32_t>{1, 2, 3, 4}));
  const std::vector<std::int32_t> tags{1, 4}; // x = 0, y = 1
  const std::vector<std::uint8_t> marks = space->marks(tags);
  for (std::size_t i = 0; i < space->part().space.local_nodes(); ++i) {
    double const x = space->part().space.points[2 * i], y = space->part().space.points[2 * i + 1];
    const std::uint8_t expected = x == 0 || y == 1 ? 1 : 0;
    for (std::size_t c = 0; c < 2; ++c) EXPECT_EQ(marks[2 * i + c], expected) << x << " " << y;
  }
}

/// Points of the test split, and corners, edges and nodes.
std::vector<double> points_of(Domain const& domain) {
  std::vector<double> points = draw_points(domain, 5, 0, 0, 200);
  auto const dim = static_cast<std::size_t>(domain.dim());
  for (double const at : {0.0, 0.25, 0.5, 1.0}) points.insert(points.end(), dim, at);
  return points;
}

TEST(FemSpace, EvaluatesLinearFunctionsExactly) {
  for (char const* cell : cells)
    for (int const degree : {1, 2})
      for (double const perturbation : {0.0, 0.1}) {
        const Domain domain = domain_of(cell);
        Discretization how = cut(cell, degree, 4);
        how.perturbation = perturbation;
        auto const space = space_on(domain, how, 2);
        const Field f = linear(domain.dim(), 2);
        const std::vector<double> points = points_of(domain),
                                  found = space->evaluate(space->interpolate(f), points);
        auto const dim = static_cast<std::size_t>(domain.dim());
        double worst = 0;
        for (std::size_t i = 0; i < points.size() / dim; ++i) {
          double expected[2];
          f(points.data() + i * dim, expected);
          for (std::size_t c = 0; c < 2; ++c)
            worst = std::fmax(worst, std::abs(found[2 * i + c] - expected[c]));
        }
        EXPECT_LT(worst, 1e-12) << cell << degree << " " << perturbation;
        EXPECT_TRUE(all_ranks_agree(found));
      }
}

TEST(FemSpace, EvaluatesTheSameOnAnyNumberOfRanks) {
  const Discretization how = cut("triangle", 2, 6);
  const Domain domain{DomainKind::lshape};
  const Field f = [](double const* x, double* out) { *out = std::sin(9 * x[0] + 7 * x[1]); };
  const std::vector<double> points = points_of(domain);
  auto const many = space_on(domain, how);
  const FemSpace one(Comm::self(), make_part(Comm::self(), domain, how), 1);
  EXPECT_EQ(many->evaluate(many->interpolate(f), points), one.evaluate(one.interpolate(f), points));
}

TEST(FemSpace, NormsOfAKnownFunction) {
  auto const space = space_on({DomainKind::square}, cut("triangle", 2, 4));
  const Field exact = [](double const* x, double* out) { *out = x[0] * x[0]; };
  const Field gradient = [](double const* x, double* out) { out[0] = 2 * x[0], out[1] = 0; };
  const fem::Reals u = space->interpolate(exact);
  const FieldNorms norms = space->norms(u, exact, gradient);
  EXPECT_LT(norms.error_l2, 1e-14);
  EXPECT_LT(norms.error_h1, 1e-13);
  EXPECT_NEAR(norms.norm_l2, std::sqrt(1.0 / 5), 1e-13);
  EXPECT_NEAR(norms.norm_h1, std::sqrt(4.0 / 3), 1e-13);
  EXPECT_DOUBLE_EQ(norms.largest, 1);
  // u + 0.1 is off by 0.1 everywhere.
  const Field other = [](double const* x, double* out) { *out = x[0] * x[0] - 0.1; };
  EXPECT_NEAR(space->norms(u, other, gradient).error_l2, 0.1, 1e-13);
  EXPECT_TRUE(std::isnan(space->norms(u, {}, {}).error_l2));
}

} // namespace
} // namespace moho::study::test
