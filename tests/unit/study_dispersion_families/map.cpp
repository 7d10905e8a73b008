// SPDX-License-Identifier: BSD-3-Clause
// Dispersion as a function map: errors of phase velocities, the solver and networks as methods.
#include "moho/study/dispersion_map.hpp"
#include "moho/study/function_batch.hpp"
#include "support/by_name.hpp"
#include "support/errors.hpp"
#include "support/mpi_support.hpp"
#include "unit/study/dispersion_support.hpp"
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <string>

namespace moho::study {
namespace {

using test::all_ranks_agree;
using test::error_of;
using test::method;
using test::names;
using test_support::answered;
using test_support::metric;
using Reals = std::vector<double>;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

Batch curves(Reals const& values, std::size_t periods) {
  Batch batch(values.size() / periods);
  batch.set(output_array, "km/s", values, {values.size() / periods, periods});
  return batch;
}

std::unique_ptr<Problem> family(std::int64_t train = 20, std::int64_t test = 20) {
  return moho::test::problem("dispersion-family",
                             {{"family", std::string("layers-3")},
                              {"train", train},
                              {"test", test},
                              {"periods", Reals{4, 6, 9, 13, 18, 24, 32, 42, 54, 60}}});
}

// --- errors of phase velocities ------------------------------------------------------------------

TEST(CurveMap, ErrorsAreMeanQuantileAndLargest) {
  constexpr std::size_t models = 50, periods = 2;
  Reals truth(models * periods, 4.0), found = truth;
  // the first period is off by 1 %, i.e. 0.04 km/s, the second by 0 but once by 3 %
  for (std::size_t i = 0; i < found.size(); i += 2) found[i] *= i % 4 == 0 ? 1.01 : 0.99;
  found[1] *= 1.03;
  Assessment const result =
      assess_curve_map({5, 10}, curves(truth, periods), curves(found, periods));
  EXPECT_NEAR(metric(result, "phase_rel_mean"), (50 * 0.01 + 0.03) / 100, 1e-12);
  EXPECT_NEAR(metric(result, "phase_abs_mean"), 4 * (50 * 0.01 + 0.03) / 100, 1e-12);
  // type 7: position 98.01 of 0 .. 99, between the last of 1 % and the 3 %
  EXPECT_NEAR(metric(result, "phase_rel_p99"), 0.01 + 0.01 * 0.02, 1e-12);
  EXPECT_NEAR(metric(result, "phase_abs_p99"), 4 * (0.01 + 0.01 * 0.02), 1e-12);
  EXPECT_NEAR(metric(result, "phase_rel_max"), 0.03, 1e-12);
  for (std::string const& name : curve_map_metrics()) metric(result, name);
  EXPECT_EQ(result.metrics.size(), curve_map_metrics().size());
  for (Dataset const& data : result.data) {
    Reals const& values = std::get<Reals>(data.values);
    ASSERT_EQ(values.size(), periods) << data.path;
    if (data.path != "error/rel_mean") continue;
    EXPECT_NEAR(values[0], 0.01, 1e-12);
    EXPECT_NEAR(values[1], 0.03 / 50, 1e-12);
  }
}

TEST(CurveMap, WhatIsNotKnownDoesNotCountAndNoAnswerDoes) {
  Reals const truth{3, 4, nan, 4};
  auto const judged = [&](Reals const& found) {
    return assess_curve_map({5, 10}, curves(truth, 2), curves(found, 2));
  };
  EXPECT_EQ(metric(judged({3, 4, 7, 4}), "phase_rel_max"), 0);
  EXPECT_NEAR(metric(judged({3.03, 4, 7, 4}), "phase_rel_mean"), 0.01 / 3, 1e-12);
  for (char const* const name :
       {"phase_rel_mean", "phase_rel_p99", "phase_rel_max", "phase_abs_mean", "phase_abs_p99"})
    EXPECT_TRUE(std::isnan(metric(judged({3, nan, 7, 4}), name))) << name;
  Assessment const nothing = assess_curve_map({5}, curves({nan}, 1), curves({3}, 1));
  EXPECT_TRUE(std::isnan(metric(nothing, "phase_rel_mean")));
  EXPECT_TRUE(std::isnan(metric(nothing, "phase_rel_max")));
}

// --- the solver ----------------------------------------------------------------------------------

TEST(RayleighSolver, IsTheTruthOnAnyNumberOfRanks) {
  Assessment const exact = answered(*family(), *method("rayleigh-solver"));
  if (parallel::Comm().root()) {
    EXPECT_EQ(metric(exact, "phase_rel_max"), 0);
  }
}

TEST(RayleighSolver, KeepsItsToleranceAndDoesLess) {
  auto const problem = family();
  auto const exact = method("rayleigh-solver"),
             loose = method("rayleigh-solver", {{"tolerance", 1e-2}});
  answered(*problem, *exact);
  Assessment const found = answered(*problem, *loose);
  if (!parallel::Comm().root()) return;
  EXPECT_LE(metric(found, "phase_rel_max"), 1e-2);
  EXPECT_GT(metric(found, "phase_rel_max"), 1e-12);
  EXPECT_LT(loose->cost().counters[0].value, exact->cost().counters[0].value);
}

TEST(RayleighSolver, NeedsLayers) {
  EXPECT_NO_THROW(method("rayleigh-solver")->accept(*family()));
  EXPECT_TRUE(names(
      error_of([] { method("rayleigh-solver")->accept(*moho::test::problem("operator-1d")); }),
      {"rayleigh-solver", "layered models", "dispersion-family"}));
}

// --- networks ------------------------------------------------------------------------------------

test::Settings training(std::int64_t epochs, std::string const& scaling) {
  return {{"width", std::int64_t{48}},
          {"rate", 5e-3},
          {"schedule", std::string("cosine")},
          {"period", std::int64_t{60}},
          {"epochs", epochs},
          {"batch", std::int64_t{32}},
          {"input_scaling", scaling},
          {"output_scaling", scaling}};
}

double error_of_network(Problem const& problem, std::string const& name, std::int64_t epochs,
                        std::string const& scaling = "point") {
  Assessment const found = answered(problem, *method(name, training(epochs, scaling)));
  return parallel::Comm().root() ? metric(found, "mean_rel_l2") : 0;
}

TEST(DispersionSurrogate, NetworksBeatTrivialAnswersOnceTheyAreTrained) {
  auto const problem = family(300, 60);
  double best_trivial = 1;
  for (char const* const name : {"mean", "nearest-neighbour", "linear-map"}) {
    Assessment const found = answered(*problem, *method(name));
    if (parallel::Comm().root())
      best_trivial = std::min(best_trivial, metric(found, "mean_rel_l2"));
  }
  for (char const* const name : {"mlp", "resnet"}) {
    double const learnt = error_of_network(*problem, name, 60),
                 untrained = error_of_network(*problem, name, 1);
    if (!parallel::Comm().root()) continue;
    EXPECT_LT(learnt, 0.7 * best_trivial) << name;
    EXPECT_GT(untrained, best_trivial) << name;
  }
}

TEST(DispersionSurrogate, EachFeatureHasAScaleOfItsOwn) {
  auto const problem = family(300, 60);
  double const point = error_of_network(*problem, "mlp", 30),
               none = error_of_network(*problem, "mlp", 30, "none");
  if (parallel::Comm().root()) {
    EXPECT_LT(point, none);
  }
}

} // namespace
} // namespace moho::study
