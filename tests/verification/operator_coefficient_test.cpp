// SPDX-License-Identifier: BSD-3-Clause
// The finite-difference fit of a coefficient against the fd_parameter table (acceptance A1,
// theorem 3.1), and for operators and grids of which no table is known.
#include "verification/operator_support.hpp"
#include <cmath>
#include <gtest/gtest.h>

namespace moho::verification {
namespace {

constexpr double round_off = 1e-11; // (w - k) / k below it is not compared

/// (w - k) / k.
double bias(Settings const& asked, std::int64_t order) {
  auto const fit = method("fd-fit", {{"order", order}});
  auto const of = problem("coefficient-1d", asked);
  fit->prepare(*of, parallel::Comm());
  return metric(assessed(*fit, *of).metrics, "coefficient_rel");
}

bool agrees(double found, double known, double limit) {
  return std::abs(found - known) <= std::fmax(limit * std::abs(known), round_off);
}

struct Row {
  std::int64_t order;
  std::string space;
  std::vector<std::pair<std::int64_t, double>> values; ///< N, (w-k)/k
};

std::vector<Row> table() {
  std::vector<Row> rows;
  for (auto const& [name, list] : reference("crossval1d")["fd_parameter"]["table"].items()) {
    std::size_t const cut = name.find('_');
    Row row{std::stol(name.substr(1, cut - 1)), name.substr(cut + 1), {}};
    for (Json const& pair : list) row.values.emplace_back(pair[0], pair[1]);
    rows.push_back(row);
  }
  return rows;
}

TEST(CoefficientFit, EqualsTheWholeTable) {
  double worst = 0;
  std::size_t compared = 0, significant = 0;
  for (Row const& row : table())
    for (auto const& [n, known] : row.values) {
      double const found = bias({{"space", row.space}, {"N", n}}, row.order);
      EXPECT_TRUE(agrees(found, known, 1e-8))
          << "q" << row.order << " " << row.space << " N " << n << ": " << found << " " << known;
      ++compared;
      if (std::abs(known) * 1e-8 <= round_off) continue;
      ++significant;
      worst = std::fmax(worst, std::abs(found / known - 1));
    }
  std::printf("fd_parameter: %zu entries, %zu above 1e-3 with relative difference <= %.1e\n",
              compared, significant, worst);
  EXPECT_EQ(compared, 300u);
}

TEST(CoefficientFit, ControlsAreRejected) {
  std::size_t rejected_order = 0, rejected_value = 0, rows = 0;
  for (Row const& row : table()) {
    if (row.order != 2 || row.space == "poly0" || row.space == "poly1") continue;
    ++rows;
    auto const& [n, known] = row.values.at(1);
    rejected_order += !agrees(bias({{"space", row.space}, {"N", n}}, 4), known, 1e-8);
    rejected_value += !agrees(bias({{"space", row.space}, {"N", n}}, 2) * (1 + 1e-5), known, 1e-8);
  }
  EXPECT_EQ(rejected_order, rows) << "a stencil of another order";
  EXPECT_EQ(rejected_value, rows) << "1e-5 more";
}

TEST(CoefficientFit, ExactBelowTheOrderAndBiasedFromItOn) {
  for (std::int64_t const q : {2, 4, 6}) {
    double before = 0;
    for (std::int64_t p = 0; p <= 8; ++p) {
      const std::string space = "poly" + std::to_string(p);
      auto const at = [&](std::int64_t n) {
        return std::abs(bias({{"space", space}, {"N", n}, {"k", 0.37}}, q));
      };
      if (p < q) {
        // Second differences lose digits with 1 / h^2.
        EXPECT_LT(at(16), 1e-12) << "q " << q << " " << space;
        continue;
      }
      double const coarse = at(16);
      EXPECT_GE(coarse, before) << "q " << q << " " << space;
      before = coarse;
      if (p != q) continue;
      double const slope = q < 6 ? std::log2(at(64) / at(128)) : std::log2(coarse / at(32));
      // Of order 6 the fine grids are round-off, and the table has 5.53 between 16 and 32.
      EXPECT_NEAR(slope, q < 6 ? static_cast<double>(q) : 5.53, 0.15) << "q " << q;
    }
  }
}

TEST(CoefficientFit, SamplesAgreeWithTheExpectation) {
  constexpr std::int64_t samples = 4000;
  for (char const* space : {"poly3", "sin4", "cos5"}) {
    const Settings expected{{"space", std::string(space)}, {"N", 32}};
    Settings drawn = expected;
    drawn["draws"] = std::string("samples");
    drawn["test"] = samples;
    double const exact = bias(expected, 2), found = bias(drawn, 2);
    EXPECT_NEAR(found / exact, 1, 5 / std::sqrt(static_cast<double>(samples))) << space;
    EXPECT_NE(found, exact);
    drawn["seed"] = 2;
    EXPECT_NE(bias(drawn, 2), found) << "another seed, other samples";
  }
}

TEST(CoefficientFit, ConvergesForEveryOperatorWithOneCoefficient) {
  for (char const* operator_ : {"poisson", "biharmonic-simply-supported", "biharmonic-clamped",
                                "reaction-diffusion", "helmholtz"})
    for (char const* space : {"poly6", "sin3", "cos3"}) {
      auto const at = [&](std::int64_t n, std::int64_t q) {
        return std::abs(bias({{"operator", std::string(operator_)},
                              {"space", std::string(space)},
                              {"N", n},
                              {"k", 3.0}},
                             q));
      };
      EXPECT_NEAR(std::log2(at(32, 2) / at(64, 2)), 2, 0.25) << operator_ << " " << space;
      EXPECT_LT(at(32, 4), at(32, 2) / 10) << operator_ << " " << space;
    }
}

TEST(CoefficientFit, TheTrivialGuessIsBeatenOrExact) {
  auto const of_trivial = [](char const* space) {
    auto const fit = method("fd-fit", {{"order", 4}});
    auto const asked = problem("coefficient-1d", {{"space", std::string(space)}, {"k", 2.0}});
    fit->prepare(*asked, parallel::Comm());
    return metric(assessed(*fit, *asked).metrics, "coefficient_of_trivial");
  };
  EXPECT_LT(of_trivial("sin4"), 1e-2);
  EXPECT_LT(of_trivial("poly8"), 1e-2);
  EXPECT_TRUE(std::isnan(of_trivial("sin1"))) << "one mode: the guess is exact";
}

} // namespace
} // namespace moho::verification
