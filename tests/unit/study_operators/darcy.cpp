// SPDX-License-Identifier: BSD-3-Clause
// `darcy-operator`: solver and truth. What it has in common with others: draws.cpp.
#include "dataset_items.hpp"
#include "operator_darcy.hpp"
#include "support.hpp"
#include <algorithm>
#include <cmath>
#include <set>

namespace moho::study::test {
namespace {

using parallel::Comm;

std::vector<double> medium(std::size_t points, double low, double high, std::uint64_t item) {
  const NeumannField field({3, 3, 2}, points, points);
  std::vector<double> a = field.draw({5, 0}, item);
  for (double& value : a) value = value >= 0 ? high : low;
  return a;
}

// The bound is one, and no wild one.
TEST(DarcySolver, BoundsItsError) {
  constexpr std::size_t points = 65;
  const std::vector<double> f(points * points, 1.0);
  for (double const high : {12.0, 300.0})
    for (std::uint64_t item = 0; item < 3; ++item) {
      const std::vector<double> a = medium(points, 3, high, item);
      DarcySolver solver(points);
      const DarcySolution best = solver.solve(a, f, 1e-13), rough = solver.solve(a, f, 1e-5);
      double off = 0, norm = 0;
      for (std::size_t i = 0; i < best.u.size(); ++i) {
        off += std::pow(rough.u[i] - best.u[i], 2);
        norm += best.u[i] * best.u[i];
      }
      double const error = std::sqrt(off / norm);
      EXPECT_LE(error, rough.bound);
      EXPECT_GE(error, rough.bound / (30 * high / 3));
      EXPECT_GT(error, 1e-10); // so that there is something to bound
    }
}

TEST(DarcySolver, StepsDoNotDependOnTheGrid) {
  std::vector<int> steps;
  for (const std::size_t points : {33u, 65u, 129u}) {
    const std::vector<double> f(points * points, 1.0);
    steps.push_back(DarcySolver(points).solve(medium(points, 3, 12, 1), f).iterations);
  }
  for (int const n : steps) EXPECT_LE(n, 28);
  const std::vector<double> f(33 * 33, 1.0), one(33 * 33, 4.0);
  EXPECT_LE(DarcySolver(33).solve(one, f).iterations, 2); // constant: the preconditioner is exact
}

// The smallest grids, even and odd.
TEST(DarcySolver, FewPoints) {
  // One inner node: 4 a u = h^2 f.
  EXPECT_NEAR(DarcySolver(3).solve(std::vector<double>(9, 2.0), std::vector<double>(9, 1.0)).u[4],
              0.25 / 8, 1e-15);
  for (const std::size_t points : {4u, 5u, 6u}) {
    const std::vector<double> a = medium(points, 1, 5, 2), f(points * points, 1.0);
    DarcySolver solver(points);
    EXPECT_LT(solver.imbalance(a, f, solver.solve(a, f).u), 1e-9) << points;
  }
}

TEST(DarcySolver, HarmonicFacesAreAnotherScheme) {
  const std::vector<double> a = medium(33, 3, 12, 0), f(33 * 33, 1.0);
  DarcySolver arithmetic(33), harmonic(33, FaceMean::harmonic);
  const std::vector<double> u = arithmetic.solve(a, f).u, v = harmonic.solve(a, f).u;
  EXPECT_LT(harmonic.imbalance(a, f, v), 1e-7);
  EXPECT_GT(harmonic.imbalance(a, f, u), 1e-2);
  for (std::size_t i = 0; i < u.size(); ++i) EXPECT_GE(v[i], u[i] * 0.9);
}

TEST(DarcySolver, RefusesCoefficientsThatAreNotPositive) {
  std::vector<double> a(81, 1.0), f(81, 1.0);
  a[40] = 0;
  EXPECT_TRUE(names(error_of([&] { DarcySolver(9).solve(a, f); }), {"must be positive"}));
  a[40] = NAN;
  EXPECT_NE(error_of([&] { DarcySolver(9).solve(a, f); }), "");
}

TEST(Darcy, CoefficientsHaveTwoValues) {
  const std::vector<double> drawn =
      inputs(*problem("darcy-operator", small_darcy()), Split::train, 0, 12);
  EXPECT_EQ(std::set<double>(drawn.begin(), drawn.end()), (std::set<double>{3, 12}));
}

TEST(Darcy, SubsamplingKeepsEachSoManyThNode) {
  auto const coarse = problem("darcy-operator", small_darcy()),
             fine = problem("darcy-operator", with(small_darcy(), "s", std::int64_t{21}));
  for (bool const output : {false, true}) {
    auto const row = [&](Problem const& p) {
      return output ? answers(p, Split::train, 1, 1, Comm::self()) : inputs(p, Split::train, 1, 1);
    };
    const std::vector<double> some = row(*coarse), all = row(*fine);
    for (std::size_t x = 0; x < 6; ++x)
      for (std::size_t y = 0; y < 6; ++y)
        EXPECT_EQ(some[x * 6 + y], all[4 * x * 21 + 4 * y]) << output;
  }
}

// With as many modes the field is the same function on any grid, and so, about, is the flow.
TEST(Darcy, FinerGridsSeeTheSameMedium) {
  Settings fixed = with(small_darcy(), "cosines", std::int64_t{8});
  auto const a = problem("darcy-operator", with(fixed, "grid", std::int64_t{81})),
             b = problem("darcy-operator", with(fixed, "grid", std::int64_t{161}));
  EXPECT_EQ(inputs(*a, Split::test, 0, 5), inputs(*b, Split::test, 0, 5));
  double const distance = relative_distance(answers(*a, Split::test, 0, 5, Comm::self()),
                                            answers(*b, Split::test, 0, 5, Comm::self()));
  EXPECT_LT(distance, 0.05);
  EXPECT_GT(distance, 1e-5); // of first order, no more
}

} // namespace
} // namespace moho::study::test
