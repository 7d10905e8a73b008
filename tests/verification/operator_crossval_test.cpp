// SPDX-License-Identifier: BSD-3-Clause
// Generalization matrices of the linear model against crossval1d, crossval1d_biharmonic, crossval2d
// (acceptance A2, A6), and what must hold on any grid and for any operator.
#include "moho/core/philox.hpp"
#include "moho/study/boundary_value.hpp"
#include "moho/study/operator_space.hpp"
#include "verification/operator_support.hpp"
#include <cmath>
#include <gtest/gtest.h>

namespace moho::verification {
namespace {

using study::published_spaces;

struct Comparison {
  double worst = 0;   ///< relative difference of entries above 1e-12
  double small = 0;   ///< of those from 1e-20 to 1e-12, where double is short of digits
  double in_span = 0; ///< largest of the entries that the table calls in-span
  int mismatches = 0; ///< entries whose class differs from `Space::contains`
  std::size_t compared = 0;
};

/// The table's in-span entries are round-off of extended precision, below 1e-36. All else is a
/// value, also where it is as small as 5e-19 (poly8 asked about sin1).
Comparison compare(Matrix const& found, std::vector<double> const& values, Json const& table) {
  Comparison result;
  const std::size_t n = found.size();
  EXPECT_EQ(table.size(), n);
  for (std::size_t a = 0; a < n; ++a)
    for (std::size_t b = 0; b < n; ++b) {
      double const known = table[a][b], value = values[a * n + b];
      bool const in_span = known < 1e-30;
      result.mismatches += in_span != found.spaces[a].contains(found.spaces[b]);
      double const difference = std::abs(value - known) / known;
      result.compared += known > 1e-12;
      double& worst = in_span ? result.in_span : known > 1e-12 ? result.worst : result.small;
      double const here = in_span ? value : known > 1e-20 ? difference : 0;
      worst = std::isnan(here) ? HUGE_VAL : std::fmax(worst, here);
    }
  return result;
}

double sgi(Matrix const& matrix, double tau) {
  return study::generalization({matrix.spaces, matrix.rel}, tau).sgi;
}

TEST(LinearMatrix, PoissonEqualsTheTableAtEveryGrid) {
  Json const& tables = reference("crossval1d");
  for (auto const& [intervals, table] : tables["N"].items()) {
    const Matrix found = linear_matrix("operator-1d", {{"N", std::int64_t{std::stol(intervals)}}},
                                       published_spaces());
    const Comparison mse = compare(found, found.mse, table["mse"]);
    const Comparison rel = compare(found, found.rel, table["rel"]);
    std::printf("N = %s: worst %.1e (mse) %.1e (rel) of %zu, small %.1e, in-span %.1e\n",
                intervals.c_str(), mse.worst, rel.worst, rel.compared, rel.small, rel.in_span);
    EXPECT_LE(mse.worst, 1e-6);
    EXPECT_LE(rel.worst, 1e-6);
    EXPECT_GT(rel.compared, 480u);
    EXPECT_LE(rel.small, 1e-3);
    EXPECT_LT(rel.in_span, 1e-18);
    EXPECT_EQ(rel.mismatches, 0);
    EXPECT_EQ(sgi(found, 1e-16), 1);
    const study::Generalization g = study::generalization({found.spaces, found.rel}, 1e-16);
    EXPECT_GT(g.out_of_span_min, 1e6 * g.in_span_max) << "and the classes are far apart";
    EXPECT_EQ(found.spaces[static_cast<std::size_t>(g.broadest)].name, "fem");
  }
}

TEST(LinearMatrix, ControlsAreRejected) {
  Json const& tables = reference("crossval1d");
  const Matrix found = linear_matrix("operator-1d", {{"N", 24}}, published_spaces());
  EXPECT_GT(compare(found, found.rel, tables["N"]["16"]["rel"]).worst, 1e-3)
      << "the table of another grid";
  std::vector<double> perturbed = found.rel;
  perturbed[7 * 25 + 20] *= 1 + 2e-6;
  EXPECT_GT(compare(found, perturbed, tables["N"]["24"]["rel"]).worst, 1e-6)
      << "one entry 2e-6 more";
  const Matrix other = linear_matrix(
      "operator-1d", {{"N", 24}, {"operator", std::string("helmholtz")}}, published_spaces());
  EXPECT_GT(compare(other, other.rel, tables["N"]["24"]["rel"]).worst, 1e-3) << "another operator";
  // Spaces in another order: the classes no longer match.
  Matrix mixed = found;
  std::swap(mixed.spaces[2], mixed.spaces[12]);
  EXPECT_GT(compare(mixed, found.rel, tables["N"]["24"]["rel"]).mismatches, 0);
}

TEST(LinearMatrix, BiharmonicEqualsTheTable) {
  Json const& table = reference("crossval1d_biharmonic");
  std::vector<std::string> spaces = published_spaces();
  spaces.pop_back(); // the table has no fem
  const Settings common{{"operator", std::string("biharmonic-simply-supported")},
                        {"N", table["N"].get<std::int64_t>()}};
  const Matrix found = linear_matrix("operator-1d", common, spaces);
  const Comparison rel = compare(found, found.rel, table["rel"]);
  std::printf("biharmonic: worst %.1e of %zu, small %.1e, in-span %.1e\n", rel.worst, rel.compared,
              rel.small, rel.in_span);
  EXPECT_LE(rel.worst, 1e-6);
  EXPECT_GT(rel.compared, 440u);
  EXPECT_LE(rel.small, 1e-3);
  EXPECT_LT(rel.in_span, 1e-18);
  EXPECT_EQ(rel.mismatches, 0);
  EXPECT_EQ(sgi(found, 1e-18), 1);
  Settings clamped = common;
  clamped["operator"] = std::string("biharmonic-clamped");
  const Matrix other = linear_matrix("operator-1d", clamped, spaces);
  EXPECT_GT(compare(other, other.rel, table["rel"]).worst, 1e-3) << "clamped";
}

TEST(LinearMatrix, SquareHasTheTablesNestedTriangles) {
  Json const& table = reference("crossval2d");
  std::vector<std::string> spaces;
  for (Json const& pair : table["sets"])
    spaces.push_back("sin" + std::to_string(pair[0].get<int>()) + "x" +
                     std::to_string(pair[1].get<int>()));
  ASSERT_EQ(spaces.size(), 16u);
  for (std::int64_t const intervals : {8, 11}) { // the table does not depend on the grid
    const Matrix found = linear_matrix("poisson-2d", {{"N", intervals}}, spaces);
    double worst = 0, transposed = 0;
    for (std::size_t a = 0; a < 16; ++a)
      for (std::size_t b = 0; b < 16; ++b) {
        Json const &row = table["sets"][a], &column = table["sets"][b];
        bool const zero = column[0] <= row[0] && column[1] <= row[1];
        EXPECT_EQ(zero, found.spaces[a].contains(found.spaces[b])) << spaces[a] << spaces[b];
        double const value = found.rel[a * 16 + b], known = table["rel"][a][b];
        EXPECT_EQ(zero, value < 1e-24) << spaces[a] << " " << spaces[b] << " " << value;
        worst = std::fmax(worst, std::abs(value - known));
        const std::size_t flipped = (a % 4 * 4 + a / 4) * 16 + b;
        transposed = std::fmax(transposed, std::abs(found.rel[flipped] - known));
      }
    std::printf("2D, N = %ld: worst %.1e\n", static_cast<long>(intervals), worst);
    EXPECT_LE(worst, 1e-10);
    EXPECT_GT(transposed, 1e-2) << "x and y exchanged in the training space";
  }
}

// --- any grid, coefficient, operator ------------------------------------------------------------

/// |C|^2 of sine modes r+1 .. p over that of all p: what a model of r modes misses, as sines are
/// orthogonal on the nodes and W annihilates what it has not seen.
double unseen_share(std::string const& operator_, Settings common, std::size_t r, std::size_t p) {
  common["operator"] = operator_;
  common["space"] = "sin" + std::to_string(p);
  auto const asked = problem("operator-1d", common);
  const std::vector<double> u =
      asked->truth(asked->draw(study::Split::test, 0, p), parallel::Comm()).reals("output");
  double unseen = 0, all = 0;
  for (std::size_t i = 0; i < u.size(); ++i) {
    all += u[i] * u[i];
    if (i / (u.size() / p) >= r) unseen += u[i] * u[i];
  }
  return unseen / all;
}

TEST(LinearMatrixProperty, HoldsForRandomGridsAndOperators) {
  const Philox random{printed_seed("HoldsForRandomGridsAndOperators"), 3};
  for (std::uint64_t item = 0; item < 18; ++item) {
    auto const intervals =
        std::int64_t{12} + static_cast<std::int64_t>(40 * random.uniform(item, 0));
    const std::string operator_ = study::operator_names()[item % 6];
    double const k = std::pow(10, 4 * random.uniform(item, 1) - 2);
    double const w = std::sqrt(k) * M_PI * (std::floor(3 * random.uniform(item, 2)) + 0.5);
    const Settings common{{"operator", operator_},
                          {"N", intervals},
                          {"k", k},
                          {"w", w},
                          {"c", 10 * random.uniform(item, 3)},
                          {"eps", 0.05 + random.uniform(item, 4)}};
    const std::string what =
        operator_ + " N " + std::to_string(intervals) + " item " + std::to_string(item);
    const Matrix found = linear_matrix("operator-1d", common, published_spaces());
    EXPECT_EQ(sgi(found, 1e-18), 1) << what;
    const std::size_t n = found.size();
    for (std::size_t a = 0; a < n; ++a)
      for (std::size_t b = 0; b < n; ++b)
        if (a / 8 == b / 8 && a < 24 && b < 24 && b <= a) {
          EXPECT_LT(found.rel[a * n + b], 1e-18) << what << ": lower triangle " << a << " " << b;
        }
    for (std::size_t r = 1; r < 8; ++r) {
      double const exact = unseen_share(operator_, common, r, 8);
      EXPECT_NEAR(found.rel[(8 + r - 1) * n + 15] / exact, 1, 1e-9) << what << " sin" << r;
      EXPECT_GT(std::abs(found.rel[(8 + r - 1) * n + 14] / exact - 1), 1e-9) << "sin7 is not sin8";
    }
  }
}

TEST(LinearMatrixProperty, ErrorsScaleWithTheCoefficient) {
  const Philox random{printed_seed("ErrorsScaleWithTheCoefficient"), 4};
  for (std::uint64_t item = 0; item < 3; ++item) {
    const std::string operator_ = study::operator_names()[item]; // those of k alone
    auto const intervals =
        std::int64_t{12} + static_cast<std::int64_t>(20 * random.uniform(item, 0));
    double const k = std::pow(10, 4 * random.uniform(item, 1) - 2);
    auto const matrix = [&](double coefficient) {
      return linear_matrix("operator-1d",
                           {{"operator", operator_}, {"N", intervals}, {"k", coefficient}},
                           published_spaces());
    };
    const Matrix unit = matrix(1), scaled = matrix(k);
    for (std::size_t i = 0; i < unit.rel.size(); ++i) {
      if (unit.rel[i] < 1e-12) continue;
      EXPECT_NEAR(scaled.mse[i] * k * k / unit.mse[i], 1, 1e-6) << operator_ << " k " << k;
      EXPECT_NEAR(scaled.rel[i] / unit.rel[i], 1, 1e-6) << operator_ << " k " << k;
    }
  }
}

} // namespace
} // namespace moho::verification
