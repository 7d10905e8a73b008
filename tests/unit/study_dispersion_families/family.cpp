// SPDX-License-Identifier: BSD-3-Clause
// Problem dispersion-family: models and their features, splits, the truth by the solver.
#include "moho/study/config.hpp"
#include "moho/study/dispersion_arrays.hpp"
#include "moho/study/dispersion_prior.hpp"
#include "moho/study/dispersion_problem.hpp"
#include "moho/study/function_batch.hpp"
#include "support/mpi_support.hpp"
#include "unit/study/dispersion_support.hpp"
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <numeric>
#include <random>
#include <set>

namespace moho::study {
namespace {

using dispersion::LayeredModel;
using dispersion::ModelBatch;
using test::all_ranks_agree;
using test_support::metric;
using Reals = std::vector<double>;
using Settings = std::map<std::string, Value>;

constexpr char const* family_names[] = {"layers-2",  "layers-3", "layers-5", "layers-10",
                                        "inversion", "water",    "gradient"};
constexpr std::size_t solid_rows[] = {2, 3, 5, 10, 5, 5, 65};

Value number(std::int64_t value) {
  return value;
}

std::unique_ptr<Problem> problem(std::string const& family = "layers-5",
                                 Settings const& settings = {}) {
  Parameters parameters = defaults(dispersion_family_parameters());
  parameters.set("family", family);
  parameters.set("train", std::int64_t{20});
  parameters.set("test", std::int64_t{20});
  parameters.set("depths", std::int64_t{24});
  for (auto const& [key, value] : settings) parameters.set(key, value);
  return make_dispersion_family(parameters, {});
}

bool increases(LayeredModel const& model) {
  return std::is_sorted(model.vs.begin(), model.vs.end()) &&
         std::adjacent_find(model.vs.begin(), model.vs.end()) == model.vs.end();
}

// --- models --------------------------------------------------------------------------------------

TEST(DispersionFamily, ModelsHaveTheStructureThatTheFamilyNames) {
  for (std::size_t f = 0; f < std::size(family_names); ++f) {
    const std::string family = family_names[f];
    const ModelBatch models = model_batch(problem(family)->draw(Split::test, 0, 200));
    const std::size_t water = family == "water" ? 1 : 0;
    std::set<std::size_t> slow; // which layer is
    for (std::size_t i = 0; i < models.size(); ++i) {
      const LayeredModel model = models.model(i);
      ASSERT_EQ(model.layers(), solid_rows[f] + water) << family;
      EXPECT_EQ(problem_with(model), "");
      EXPECT_EQ(model.vs[0] == 0, water == 1);
      EXPECT_EQ(increases(model), family != "inversion") << family << " " << i;
      EXPECT_EQ(*std::max_element(model.vs.begin(), model.vs.end()), model.vs.back());
      double const solid = std::accumulate(
          model.thickness.begin() + static_cast<std::ptrdiff_t>(water), model.thickness.end(), 0.0);
      EXPECT_GT(solid, 30 - 1e-9);
      EXPECT_LT(solid, 60 + 1e-9);
      for (std::size_t k = 1; k < model.layers(); ++k)
        if (model.vs[k] < model.vs[k - 1]) slow.insert(k);
    }
    EXPECT_EQ(slow,
              family == "inversion" ? (std::set<std::size_t>{1, 2, 3}) : std::set<std::size_t>{})
        << family;
  }
}

TEST(DispersionFamily, FamiliesShareTheirSites) {
  const ModelBatch base = model_batch(problem()->draw(Split::train, 0, 20));
  for (char const* family : family_names) {
    const ModelBatch models = model_batch(problem(family)->draw(Split::train, 0, 20));
    for (std::size_t i = 0; i < 20; ++i) {
      EXPECT_EQ(models.model(i).vs.back(), base.model(i).vs.back()) << family;
      EXPECT_EQ(models.model(i).vp.back(), base.model(i).vp.back()) << family;
    }
  }
  // The inverted model is another one only in the layers that it names: the same thicknesses.
  const ModelBatch inverted = model_batch(problem("inversion")->draw(Split::train, 0, 20));
  for (std::size_t i = 0; i < 20; ++i)
    EXPECT_TRUE(std::equal(base.model(i).thickness.begin(), base.model(i).thickness.end(),
                           inverted.model(i).thickness.begin()));
}

TEST(DispersionFamily, ADrawDependsOnSeedSplitAndIndexAlone) {
  for (char const* family : family_names) {
    auto const asked = problem(family);
    const Batch all = asked->draw(Split::test, 0, 6), one = asked->draw(Split::test, 4, 1);
    const Reals inputs = all.reals(input_array);
    const std::size_t n = inputs.size() / 6;
    EXPECT_EQ(all.at(input_array).shape, (std::vector<std::size_t>{6, 27}));
    EXPECT_EQ(Reals(inputs.begin() + static_cast<std::ptrdiff_t>(4 * n),
                    inputs.begin() + static_cast<std::ptrdiff_t>(5 * n)),
              one.reals(input_array));
    EXPECT_EQ(all.labels[4], one.labels[0]);
    EXPECT_TRUE(all_ranks_agree(inputs)) << family;
    // More training models leave the first ones as they are: learning curves are nested.
    auto const larger = problem(family, {{"train", number(40)}});
    EXPECT_EQ(larger->draw(Split::train, 0, 6).reals(input_array),
              asked->draw(Split::train, 0, 6).reals(input_array));
  }
  EXPECT_EQ(problem()->draw(Split::test, 0, 0).count(), 0u);
}

TEST(DispersionFamily, SplitsAndSeedsNeverCoincide) {
  std::set<std::int64_t> hashes;
  std::set<double> features;
  std::size_t drawn = 0;
  for (const std::int64_t seed : {1, 2})
    for (const Split split : {Split::train, Split::validation, Split::test}) {
      auto const asked = problem("layers-3", {{"seed", number(seed)}});
      const Batch batch = asked->draw(split, 0, 100);
      const ModelBatch models = model_batch(batch);
      for (std::size_t i = 0; i < 100; ++i, ++drawn) {
        hashes.insert(model_hash(models.model(i)));
        features.insert(batch.reals(input_array)[i * 27]);
      }
    }
  EXPECT_EQ(hashes.size(), drawn);
  EXPECT_EQ(features.size(), drawn);
}

// --- features ------------------------------------------------------------------------------------

TEST(DispersionFamily, CellsGrowDownTo60Km) {
  const Reals edges = family_cells(24);
  ASSERT_EQ(edges.size(), 25u);
  EXPECT_EQ(edges.front(), 0);
  EXPECT_NEAR(edges.back(), 60, 1e-12);
  for (std::size_t i = 1; i + 1 < edges.size(); ++i)
    EXPECT_NEAR((edges[i + 1] - edges[i]) / (edges[i] - edges[i - 1]), 1.12, 1e-9);
}

TEST(DispersionFamily, FeaturesAreCellMeansHalfSpaceWaterAndRatio) {
  for (char const* family : family_names) {
    const Batch batch = problem(family)->draw(Split::test, 0, 20);
    const ModelBatch models = model_batch(batch);
    const Reals edges = family_cells(24), input = batch.reals(input_array);
    for (std::size_t i = 0; i < 20; ++i) {
      const LayeredModel model = models.model(i);
      double const* const row = input.data() + i * 27;
      std::size_t const water = model.vs[0] == 0 ? 1 : 0;
      EXPECT_EQ(row[24], model.vs.back());
      EXPECT_EQ(row[25], water == 1 ? model.thickness[0] : 0) << family;
      EXPECT_NEAR(row[26], model.vp.back() / model.vs.back(), 1e-15);
      for (std::size_t cell = 0; cell < 24; ++cell) {
        // By a sum over many points of the cell, instead of over the layers.
        constexpr int points = 2000;
        double sum = 0;
        for (int p = 0; p < points; ++p) {
          double const z = edges[cell] + (edges[cell + 1] - edges[cell]) * (p + 0.5) / points;
          double below = 0;
          std::size_t k = water;
          while (k + 1 < model.layers() && (below += model.thickness[k]) < z) ++k;
          sum += model.vs[k] / points;
        }
        EXPECT_NEAR(row[cell], sum, 2e-2) << family << " " << cell;
      }
    }
  }
}

// --- truth ---------------------------------------------------------------------------------------

TEST(DispersionFamily, TheTruthIsASolveOnAnyNumberOfRanks) {
  const parallel::Comm comm;
  for (char const* family : {"layers-3", "water", "inversion"}) {
    auto const asked = problem(family);
    const Batch inputs = asked->draw(Split::test, 0, 13);
    const Batch truth = asked->truth(inputs, comm);
    if (!comm.root()) continue;
    EXPECT_EQ(truth.at(output_array).shape, (std::vector<std::size_t>{13, 20}));
    EXPECT_EQ(truth.reals(output_array),
              asked->truth(inputs, parallel::Comm::self()).reals(output_array));
    const dispersion::Curves curves = dispersion::solve(model_batch(inputs), {});
    const Reals phase = truth.reals(output_array);
    for (std::size_t i = 0; i < phase.size(); ++i)
      EXPECT_NEAR(phase[i], curves.wave[0].phase[i], 1e-12) << family << " " << i;
  }
}

TEST(DispersionFamily, EveryModelHasItsModeAndTheUncertaintyHolds) {
  auto const seed = static_cast<std::int64_t>(std::random_device{}() >> 1);
  SCOPED_TRACE("seed " + std::to_string(seed));
  for (char const* family : family_names) {
    auto const asked = problem(family, {{"seed", number(seed)}});
    const Batch inputs = asked->draw(Split::test, 0, 15);
    const Batch truth = asked->truth(inputs, parallel::Comm::self());
    const Reals phase = truth.reals(output_array);
    dispersion::SolveOptions options;
    options.extended_only = true;
    options.group = false;
    const dispersion::Curves curves = dispersion::solve(model_batch(inputs), options);
    for (std::size_t i = 0; i < phase.size(); ++i) {
      double const exact = curves.wave[0].phase[i];
      EXPECT_LE(std::abs(phase[i] / exact - 1), truth.reals("uncertainty")[0])
          << family << " " << i << ": " << phase[i];
    }
  }
}

TEST(DispersionFamily, WhatCannotBeSolvedIsUnknownAndNotCompared) {
  auto const asked = problem("layers-3");
  Batch inputs = asked->draw(Split::test, 0, 4);
  Reals vp = inputs.reals("vp");
  vp[3 * 1] = 1e-3; // a row of the second model: no bulk modulus
  inputs.set("vp", "km/s", vp);
  const Batch truth = asked->truth(inputs, parallel::Comm::self());
  const Reals phase = truth.reals(output_array);
  for (std::size_t i = 0; i < phase.size(); ++i) EXPECT_EQ(std::isnan(phase[i]), i / 20 == 1) << i;
  Batch answers(4);
  Reals values = phase;
  for (double& value : values) value = std::isnan(value) ? 9 : value;
  answers.set(output_array, "km/s", values, {4, 20});
  Assessment result = asked->assess(inputs, truth, answers);
  EXPECT_EQ(metric(result, "rel_mse"), 0);
  values[0] += 0.1;
  answers.set(output_array, "km/s", values, {4, 20});
  EXPECT_NEAR(metric(asked->assess(inputs, truth, answers), "linf"), 0.1, 1e-12);
}

TEST(DispersionFamily, ItsChecksPassOnEveryRankAndEachHasAControl) {
  for (char const* family : family_names) {
    SCOPED_TRACE(family);
    auto const checks = problem(family)->verify(parallel::Comm());
    test_support::expect_sound(checks);
    Reals values;
    for (Check const& check : checks) values.push_back(check.value);
    EXPECT_TRUE(all_ranks_agree(values));
  }
}

// --- spaces and refusals -------------------------------------------------------------------------

TEST(DispersionFamily, ASpaceHoldsItselfAlone) {
  EXPECT_EQ(problem("layers-10")->space().name, "layers-10");
  EXPECT_EQ(problem("layers-10")->space().family, problem("layers-2")->space().family);
  EXPECT_NE(problem("layers-10")->space().family, problem("water")->space().family);
  for (char const* a : family_names)
    for (char const* b : family_names)
      EXPECT_EQ(problem(a)->space().contains(problem(b)->space()), a == b) << a << " " << b;
}

TEST(DispersionFamily, RefusesWhatMakesNoSense) {
  test_support::expect_refused(
      [] {
        problem("water", {{"periods", Reals{10, -1}}});
      },
      {"problem.periods"});
  test_support::expect_refused(
      [] {
        parse_study("[study]\nname = \"a\"\n[problem]\nname = \"dispersion-family\"\nfamily = "
                    "\"layer-5\"\n[method]\nname = \"mean\"\n",
                    "a.toml");
      },
      {"a.toml", "family", "layer-5", "layers-5"});
  test_support::expect_refused(
      [] {
        parse_study("[study]\nname = \"a\"\n[problem]\nname = \"dispersion-family\"\n[method]\n"
                    "name = \"dispersion-solver\"\n",
                    "a.toml");
      },
      {"a.toml", "dispersion-solver", "function map"});
}

} // namespace
} // namespace moho::study
