// SPDX-License-Identifier: BSD-3-Clause
// Problem dispersion-layering: what is drawn, the continuum as truth, its uncertainty, the orders
// of both samplings.
#include "moho/study/dispersion_arrays.hpp"
#include "moho/study/dispersion_problem.hpp"
#include "support/mpi_support.hpp"
#include "unit/study/dispersion_support.hpp"
#include <cmath>
#include <gtest/gtest.h>
#include <map>

namespace moho::study {
namespace {

using dispersion::Wave;
using test::all_ranks_agree;
using test_support::answered;
using test_support::metric;
using Settings = std::map<std::string, Value>;

std::unique_ptr<Problem> problem(Settings const& settings = {}) {
  Parameters parameters = defaults(dispersion_layering_parameters());
  parameters.set("periods", std::vector<double>{20, 40});
  parameters.set("truth", std::int64_t{512});
  for (auto const& [key, value] : settings) parameters.set(key, value);
  return make_dispersion_layering(parameters, {});
}

Value text(char const* value) {
  return std::string(value);
}
Value number(std::int64_t value) {
  return value;
}

Batch only_model(Problem const& asked) {
  return asked.draw(Split::test, 0, 1);
}

double error_of(Settings const& settings) {
  auto const solver = make_dispersion_solver(defaults(dispersion_solver_parameters()));
  const Assessment result = answered(*problem(settings), *solver);
  return parallel::Comm().root() ? metric(result, "phase_rel_max") : 0;
}

TEST(DispersionLayering, TheModelIsTheProfileCutIntoLayers) {
  for (bool const middle : {true, false}) {
    auto const asked =
        problem({{"layers", number(4)}, {"sampling", text(middle ? "midpoint" : "top")}});
    const dispersion::ModelBatch models = model_batch(only_model(*asked));
    ASSERT_EQ(models.size(), 1u);
    const dispersion::LayeredModel model = models.model(0);
    ASSERT_EQ(model.layers(), 5u);
    EXPECT_EQ(problem_with(model), "");
    for (std::size_t i = 0; i < 5; ++i) {
      double const z =
          i == 4 ? 100 : 25 * (static_cast<double>(i) + (middle ? 0.5 : 0)); // the half-space: 100
      double const vs = 2.5 + 2.2 * (1 - std::exp(-z / 35));
      EXPECT_NEAR(model.vs[i], vs, 1e-14) << i;
      EXPECT_NEAR(model.vp[i], 1.75 * vs, 1e-14) << i;
      EXPECT_NEAR(model.rho[i], 1.74 * std::pow(1.75 * vs, 0.25), 1e-14) << i;
      EXPECT_EQ(model.thickness[i], i == 4 ? 0 : 25) << i;
    }
  }
  auto const linear = problem({{"layers", number(4)}, {"profile", text("linear")}});
  EXPECT_NEAR(model_batch(only_model(*linear)).model(0).vs[1], 2.5 + 0.021 * 37.5, 1e-14);
}

TEST(DispersionLayering, ThereIsOneModelAndNothingToTrainOn) {
  EXPECT_EQ(problem()->count(Split::test), 1u);
  EXPECT_EQ(problem()->count(Split::train), 0u);
  EXPECT_EQ(problem()->draw(Split::train, 0, 0).count(), 0u);
}

TEST(DispersionLayering, TheTruthIsTheSameOnAnyNumberOfRanks) {
  auto const asked = problem();
  const Batch inputs = only_model(*asked);
  const parallel::Comm comm;
  const Batch shared = asked->truth(inputs, comm);
  if (!comm.root()) return;
  const Batch alone = asked->truth(inputs, parallel::Comm::self());
  EXPECT_EQ(shared.reals("uncertainty"), alone.reals("uncertainty"));
  for (const Wave wave : dispersion::all_waves) {
    const WaveAnswers a = wave_answers(shared, wave), b = wave_answers(alone, wave);
    EXPECT_EQ(a.phase, b.phase);
    EXPECT_EQ(a.group, b.group);
    EXPECT_EQ(a.ellipticity, b.ellipticity);
    EXPECT_EQ(a.status, b.status);
    EXPECT_EQ(a.mode_count, b.mode_count);
    EXPECT_EQ(a.phase.size(), 2u);
  }
}

TEST(DispersionLayering, TheTruthDoesNotDependOnTheLayersAskedAbout) {
  const parallel::Comm self = parallel::Comm::self();
  auto const phase = [&](Settings const& settings) {
    auto const asked = problem(settings);
    return wave_answers(asked->truth(only_model(*asked), self), Wave::love).phase;
  };
  EXPECT_EQ(phase({{"layers", number(4)}}),
            phase({{"layers", number(64)}, {"sampling", text("top")}}));
  EXPECT_NE(phase({}), phase({{"profile", text("linear")}}));
}

TEST(DispersionLayering, TheStatedUncertaintyIsHonest) {
  const parallel::Comm self = parallel::Comm::self();
  for (char const* profile : {"exponential", "linear"}) {
    auto const truth = [&](std::int64_t layers) {
      auto const asked =
          problem({{"truth", number(layers)}, {"profile", text(profile)}, {"layers", number(8)}});
      return asked->truth(only_model(*asked), self);
    };
    const Batch coarse = truth(32), fine = truth(1024);
    double error = 0;
    for (const Wave wave : dispersion::all_waves) {
      const WaveAnswers a = wave_answers(coarse, wave), b = wave_answers(fine, wave);
      for (std::size_t i = 0; i < 2; ++i) {
        error = std::max(error, std::abs(a.phase[i] / b.phase[i] - 1));
        error = std::max(error, std::abs(a.group[i] / b.group[i] - 1));
      }
    }
    double const stated = coarse.reals("uncertainty")[0];
    EXPECT_LE(error, stated) << profile;
    EXPECT_GE(error, 1e-3 * stated) << profile << ": not a bound but a guess";
    EXPECT_LE(fine.reals("uncertainty")[0], 1e-4 * stated) << profile;
  }
}

TEST(DispersionLayering, MidpointsAreOfOrderTwoAndTopsOfOrderOne) {
  for (char const* profile : {"exponential", "linear"})
    for (char const* sampling : {"midpoint", "top"}) {
      Settings settings{{"profile", text(profile)}, {"sampling", text(sampling)}};
      settings["layers"] = number(128);
      double const coarse = error_of(settings);
      settings["layers"] = number(256);
      double const fine = error_of(settings);
      if (!parallel::Comm().root()) continue;
      double const expected = sampling == std::string("midpoint") ? 2 : 1;
      EXPECT_NEAR(std::log2(coarse / fine), expected, 0.03) << profile << " " << sampling;
    }
}

TEST(DispersionLayering, CountsThatLayersChangeAreNotHeldAgainstThem) {
  // A coarse layering traps other modes than the continuum; the truth's own layerings agree.
  auto const solver = make_dispersion_solver(defaults(dispersion_solver_parameters()));
  const Settings settings{{"layers", number(4)},
                          {"sampling", text("top")},
                          {"periods", std::vector<double>{5, 7, 10, 14, 20}}};
  const Assessment result = answered(*problem(settings), *solver);
  if (!parallel::Comm().root()) return;
  EXPECT_GT(metric(result, "mode_count_mismatches"), 0);
  EXPECT_EQ(metric(result, "points_compared"), 10);
  EXPECT_EQ(metric(result, "null_mismatches"), 0);
}

TEST(DispersionLayering, ItsChecksPassOnEveryRankAndEachHasAControl) {
  for (char const* profile : {"exponential", "linear"})
    for (char const* sampling : {"midpoint", "top"}) {
      auto const checks = problem({{"profile", text(profile)}, {"sampling", text(sampling)}})
                              ->verify(parallel::Comm());
      test_support::expect_sound(checks);
      std::vector<double> values;
      for (Check const& check : checks) values.push_back(check.value);
      EXPECT_TRUE(all_ranks_agree(values));
    }
}

TEST(DispersionLayering, RefusesWhatMakesNoSense) {
  test_support::expect_refused(
      [] {
        problem({{"layers", number(513)}});
      },
      {"problem.layers = 513", "512 layers", "problem.truth"});
  EXPECT_NO_THROW(problem({{"layers", number(512)}}));
  test_support::expect_refused(
      [] {
        problem({{"periods", std::vector<double>{10, 0}}});
      },
      {"problem.periods"});
}

} // namespace
} // namespace moho::study
