// SPDX-License-Identifier: BSD-3-Clause
// The linear model trained on samples against the closed form's table (acceptance A3).
#include "moho/study/operator_space.hpp"
#include "verification/operator_support.hpp"
#include <cmath>
#include <gtest/gtest.h>

namespace moho::verification {
namespace {

constexpr std::int64_t seed = 20261121;

struct Agreement {
  double in_span_poly = 0, in_span_other = 0; ///< largest relative errors
  double worst = 0;                           ///< |found / table - 1| out of the span
  std::string where;
};

/// Trained on 2000 samples of each space, asked about 1000 fresh ones of every space.
Agreement agreement(Settings const& training, std::int64_t intervals) {
  std::vector<std::string> const& spaces = study::published_spaces();
  Json const& table = reference("crossval1d")["N"][std::to_string(intervals)]["rel"];
  std::vector<std::unique_ptr<study::Problem>> problems;
  for (std::string const& space : spaces)
    problems.push_back(problem("operator-1d", {{"N", intervals},
                                               {"space", space},
                                               {"draws", std::string("samples")},
                                               {"train", std::int64_t{2000}},
                                               {"seed", seed}}));
  Agreement result;
  for (std::size_t a = 0; a < spaces.size(); ++a) {
    auto const trained = method("linear-map", training);
    trained->prepare(*problems[a], parallel::Comm());
    for (std::size_t b = 0; b < spaces.size(); ++b) {
      double const found = metric(assessed(*trained, *problems[b]).metrics, "rel_mse");
      if (problems[a]->space().contains(problems[b]->space())) {
        double& worst =
            spaces[a].rfind("poly", 0) == 0 ? result.in_span_poly : result.in_span_other;
        worst = std::isnan(found) ? HUGE_VAL : std::fmax(worst, found);
        continue;
      }
      double const difference = std::abs(found / table[a][b].get<double>() - 1);
      if (difference <= result.worst) continue;
      result.worst = difference;
      result.where = spaces[a] + " -> " + spaces[b];
    }
  }
  std::printf("N = %ld: in-span %.1e (poly), %.1e (others); out of span within %.1f %% (%s)\n",
              static_cast<long>(intervals), result.in_span_poly, result.in_span_other,
              100 * result.worst, result.where.c_str());
  return result;
}

TEST(TrainedMatrix, CglsReproducesTheTable) {
  for (std::int64_t const intervals : {16, 24, 32}) {
    const Agreement found = agreement({{"fit", std::string("cgls")}}, intervals);
    EXPECT_LT(found.in_span_poly, 1e-14);
    EXPECT_LT(found.in_span_other, 1e-20);
    EXPECT_LT(found.worst, 0.2) << found.where;
  }
}

// The same comparison tells what has not converged: half the steps, or Adam.
TEST(TrainedMatrix, ControlsAreRejected) {
  const Agreement early =
      agreement({{"fit", std::string("cgls")}, {"iterations", std::int64_t{3}}}, 24);
  EXPECT_GT(early.in_span_poly, 1e-14);
  EXPECT_GT(early.in_span_other, 1e-20);
  EXPECT_GT(early.worst, 0.2);
  const Agreement adam =
      agreement({{"fit", std::string("adam")}, {"iterations", std::int64_t{500}}}, 24);
  EXPECT_GT(adam.in_span_poly, 1e-14);
  EXPECT_GT(adam.in_span_other, 1e-20);
  EXPECT_GT(adam.worst, 0.2);
}

/// The value of a check of the preparation, and whether it passes.
study::Check check_of(Settings const& training, char const* space, char const* name) {
  auto const asked = problem("operator-1d", {{"space", std::string(space)}});
  for (study::Check const& check :
       method("linear-map", training)->prepare(*asked, parallel::Comm()).checks)
    if (check.name == name) return check;
  ADD_FAILURE() << "no check " << name;
  return {};
}

// Powers up to x^20 on 25 nodes are independent, but not to double precision: directions are lost,
// which shows as singular values without a gap. Fewer powers, and fewer functions than nodes, have
// a clear rank.
TEST(TrainedMatrix, ARankThatRoundOffDecidesIsFoundOut) {
  for (char const* space : {"poly1", "poly8", "sin2", "sin23", "cos24", "fem"})
    EXPECT_TRUE(check_of({}, space, "rank_unclear").pass()) << space;
  EXPECT_FALSE(check_of({}, "poly20", "rank_unclear").pass());
}

TEST(TrainedMatrix, TrainingThatOverflowsIsFoundOut) {
  Settings training{{"fit", std::string("gd")}, {"iterations", std::int64_t{500}}};
  EXPECT_TRUE(check_of(training, "sin4", "diverged").pass());
  training["rate"] = 1e6;
  EXPECT_FALSE(check_of(training, "sin4", "diverged").pass());
}

} // namespace
} // namespace moho::verification
