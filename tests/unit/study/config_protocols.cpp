// SPDX-License-Identifier: BSD-3-Clause
// The tables [convergence] and [cross_validation]: what is read, written out again and refused.
#include "moho/core/error.hpp"
#include "moho/study/cases.hpp"
#include "moho/study/config.hpp"
#include "moho/study/synthesis.hpp"
#include <cmath>
#include <gtest/gtest.h>
#include <set>

namespace moho::study {
namespace {

using Strings = std::vector<std::string>;

const std::string sound = R"([study]
name = "demo"
[problem]
name = "dispersion-gradient"
models = 8
[[method]]
name = "dispersion-solver"
[[method]]
name = "halfspace-average"
[axes]
layers = [20, 5, 10]
seed = [1, 2]
waves = ["love", "rayleigh"]
[limits]
points_failed = 0
points = { least = 1 }
points_compared = { least = 1, most = 2 }
[convergence]
axis = "layers"
error = "phase_rel_max"
expected = 2
pool = ["seed"]
limits = { rate = { least = 1.5 }, rate_points = { least = 3, most = 9 } }
[cross_validation]
over = ["layers"]
error = "phase_rel_max"
tau = 1e-3
limits = { sgi = { least = 1 } }
)";

Study study(Strings const& overrides = {}) {
  return parse_study(sound, "demo.toml", overrides);
}

std::string error_of(Strings const& overrides) {
  try {
    study(overrides);
  } catch (Error const& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    return error.what();
  }
  return "accepted";
}

void expect_error(Strings const& overrides, Strings const& parts) {
  const std::string error = error_of(overrides);
  for (std::string const& part : parts)
    EXPECT_NE(error.find(part), std::string::npos) << error << "\nlacks " << part;
}

TEST(Protocols, AreRead) {
  const Study read = study();
  ASSERT_EQ(read.convergence.size(), 1u);
  ConvergenceProtocol const& fit = read.convergence[0];
  EXPECT_EQ(fit.axis, "layers");
  EXPECT_EQ(fit.expected, 2.0);
  EXPECT_EQ(fit.refine, Refine::up);
  EXPECT_EQ(fit.limits.at("rate").least, 1.5);
  EXPECT_TRUE(std::isinf(fit.limits.at("rate").most));
  ASSERT_TRUE(read.cross_validation);
  EXPECT_EQ(read.cross_validation->tau, 1e-3);
  EXPECT_EQ(read.limits.at("points_failed").most, 0.0);
  EXPECT_EQ(read.limits.at("points_compared").least, 1.0);
  EXPECT_EQ(study({"measure.ranks_per_case=2"}).ranks_per_case, 2);
}

TEST(Protocols, SurviveBeingWrittenOut) {
  const Study read = study({"measure.ranks_per_case=2"});
  const std::string text = resolved(read);
  const Study again = parse_study(text, "again.toml");
  EXPECT_EQ(resolved(again), text);
  const std::vector<Case> cases = expand(read), same = expand(again);
  ASSERT_EQ(cases.size(), same.size());
  for (std::size_t i = 0; i < cases.size(); ++i) EXPECT_EQ(cases[i].id, same[i].id);
  const std::vector<Synthesis> made = syntheses(read, cases), remade = syntheses(again, same);
  ASSERT_EQ(made.size(), remade.size());
  for (std::size_t i = 0; i < made.size(); ++i) EXPECT_EQ(made[i].item.id, remade[i].item.id);
}

TEST(Protocols, TheExpectedRateMayBeAParameter) {
  const Study read = study({"convergence.expected=modes", "axes.modes=[2, 3]"});
  EXPECT_FALSE(read.convergence[0].expected);
  EXPECT_EQ(resolved(parse_study(resolved(read), "again.toml")), resolved(read));
  for (Synthesis const& one : syntheses(read, expand(read)))
    if (auto const* fit = std::get_if<ConvergenceProtocol>(&one.protocol)) {
      ASSERT_TRUE(fit->expected);
      EXPECT_EQ(*fit->expected, static_cast<double>(one.item.method.parameters.integer("modes")));
      EXPECT_TRUE(one.item.protocol.has("expected"));
    }
  expect_error({"convergence.expected=mode"}, {"unknown parameter 'mode'", "'modes'"});
  expect_error({"convergence.expected=layers"}, {"unknown parameter 'layers'"}); // the axis
  expect_error({"convergence.expected=waves"}, {"unknown parameter 'waves'"});
  expect_error({"convergence.expected=true"}, {"convergence.expected", "a number"});
}

TEST(Protocols, ACaseThatStandsTwiceInAMatrixIsRefused) {
  EXPECT_THROW(expand(study({"axes.layers=[5, 10, 5]"})), Error);
}

TEST(Protocols, GroupCasesThatDifferAlongTheAxisAlone) {
  const Study read = study();
  const std::vector<Case> cases = expand(read);
  ASSERT_EQ(cases.size(), 24u);
  std::set<std::string> ids;
  int fits = 0, matrices = 0;
  for (Synthesis const& one : syntheses(read, cases)) {
    EXPECT_TRUE(ids.insert(one.item.id).second);
    EXPECT_FALSE(one.item.problem.parameters.has("layers"));
    EXPECT_TRUE(one.item.limits.count("phase_rel_max") == 0);
    if (std::holds_alternative<ConvergenceProtocol>(one.protocol)) {
      ++fits;
      ASSERT_EQ(one.points.size(), 6u); // three values, two seeds
      EXPECT_EQ(one.points.front().problem.parameters.integer("layers"), 5);
      EXPECT_EQ(one.points.back().problem.parameters.integer("layers"), 20);
      EXPECT_FALSE(one.item.problem.parameters.has("seed"));
      EXPECT_EQ(one.item.id.rfind("convergence-", 0), 0u);
    } else {
      ++matrices;
      ASSERT_EQ(one.points.size(), 3u);
      EXPECT_TRUE(one.item.problem.parameters.has("seed"));
      EXPECT_EQ(one.points[0].asked_labels, (Strings{"20", "5", "10"}));
    }
  }
  EXPECT_EQ(fits, 4);     // methods x waves
  EXPECT_EQ(matrices, 8); // methods x waves x seeds
}

TEST(Protocols, ARowKnowsWhatItIsAsked) {
  const std::vector<Case> cases = expand(study());
  EXPECT_EQ(cases[0].asked.size(), 3u);
  EXPECT_EQ(cases[0].protocol.text("prepared_on"), "20");
  // Another matrix is another case, even where the row's own problem is the same.
  EXPECT_NE(cases[0].id, expand(study({"axes.layers=[20, 5]"}))[0].id);
}

TEST(Protocols, WhatCannotBeFittedIsRefused) {
  expect_error({"convergence.axis=layer"},
               {"convergence.axis", "unknown axis 'layer'", "did you mean 'layers'"});
  expect_error({"convergence.axis=waves"}, {"its values are no numbers"});
  expect_error({"axes.layers=[5]"}, {"convergence.axis", "has one value", "axes.layers"});
  expect_error({"axes.layers=[]"}, {"axes.layers", "is empty"});
  expect_error({"convergence.error=phase_max"}, {"unknown metric", "'phase_rel_max'"});
  expect_error({"convergence.refine=left"}, {"convergence.refine", "up, down"});
  expect_error({"convergence.pool=[\"sed\"]"}, {"convergence.pool", "did you mean 'seed'"});
  expect_error({"convergence.tolerance=-1"}, {"convergence.tolerance"});
  expect_error({"convergence.axes=layers"}, {"unknown key 'convergence.axes'"});
  expect_error({"axes.tolerance=[0.0, 1e-3]", "convergence.axis=tolerance"},
               {"its value 0.0 is not positive", "axes.tolerance"});
  expect_error({"convergence.pool=[\"layers\"]"}, {"unknown axis 'layers'"}); // it is the axis
  expect_error({"convergence.limits.rate={ least = 2, most = 1 }"}, {"can never hold"});
  expect_error({"convergence.limits.slope=1"}, {"convergence.limits.slope", "rate"});
}

TEST(Protocols, AMatrixThatCannotBeMadeIsRefused) {
  expect_error({"cross_validation.over=[\"layer\"]"}, {"unknown axis", "did you mean 'layers'"});
  expect_error({"cross_validation.over=[\"waves\"]"}, {"unknown axis 'waves'"}); // the method's
  expect_error({"cross_validation.over=[\"layers\", \"layers\"]"}, {"unknown axis 'layers'"});
  expect_error({"cross_validation.error=rel_mse"}, {"unknown metric 'rel_mse'"});
  expect_error({"cross_validation.limits.sgj=1"}, {"did you mean 'sgi'"});
  expect_error({"limits.points={ lest = 1 }"}, {"limits.points", "did you mean 'least'"});
  expect_error({"limits.points={}"}, {"limits.points", "no bound"});
  expect_error({"measure.ranks_per_case=1", "axes.ranks=[1, 2]"}, {"ranks_per_case", "ranks"});
  EXPECT_THROW(expand(study({"axes.layers=[5]", "convergence.axis=seed", "convergence.pool=[]"})),
               Error); // a matrix of one
}

} // namespace
} // namespace moho::study
