// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/config.hpp"
#include "moho/core/error.hpp"
#include "moho/study/cases.hpp"
#include <gtest/gtest.h>
#include <set>

namespace moho::study {
namespace {

using Strings = std::vector<std::string>;

const std::string sound = R"([study]
name = "demo"
title = "A demonstration"

[problem]
name = "dispersion-gradient"
models = 8

[method]
name = "dispersion-solver"

[axes]
layers = [5, 10]

[measure]
repeats = 2

[limits]
phase_rel_max = 1e-9
)";

std::string error_of(std::string const& text, Strings const& overrides = {}) {
  try {
    parse_study(text, "demo.toml", overrides);
  } catch (Error const& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    return error.what();
  }
  return "accepted";
}

std::string replaced(std::string text, std::string const& from, std::string const& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

void expect_error(std::string const& text, Strings const& parts, Strings const& overrides = {}) {
  const std::string error = error_of(text, overrides);
  for (std::string const& part : parts)
    EXPECT_NE(error.find(part), std::string::npos) << "'" << part << "' is not in: " << error;
}

TEST(Config, LimitsOfOneMethodPrecedeThoseOfAll) {
  std::string const text =
      replaced(sound, "[method]\nname = \"dispersion-solver\"\n",
               "[[method]]\nname = \"dispersion-solver\"\n\n[[method]]\nname = "
               "\"halfspace-average\"\n") +
      "[limits.halfspace-average]\nphase_rel_max = 0.5\n";
  Study const study = parse_study(text, "demo.toml");
  EXPECT_EQ(study.limits_of.at("halfspace-average").at("phase_rel_max").most, 0.5);
  for (Case const& item : expand(study))
    EXPECT_EQ(item.limits.at("phase_rel_max").most,
              item.method.name == "halfspace-average" ? 0.5 : 1e-9);
  Study const again = parse_study(resolved(study), "again.toml");
  EXPECT_EQ(expand(again).back().id, expand(study).back().id);
  expect_error(replaced(text, "phase_rel_max = 0.5", "phase_max = 0.5"),
               {"'limits.halfspace-average.phase_max'", "did you mean"});
  expect_error(replaced(text, "limits.halfspace-average", "limits.halfspace"),
               {"'limits.halfspace'", "did you mean 'halfspace-average'?"});
  expect_error(replaced(text, "[limits.halfspace-average]\nphase_rel_max = 0.5\n",
                        "halfspace-average = 0.5\n"),
               {"limits.halfspace-average", "is a method"});
}

TEST(Config, ReadsWithDefaults) {
  const Study study = parse_study(sound, "demo.toml");
  EXPECT_EQ(study.name, "demo");
  EXPECT_EQ(study.title, "A demonstration");
  ASSERT_EQ(study.problems.size(), 1u);
  EXPECT_EQ(study.problems[0].parameters.integer("models"), 8);
  EXPECT_EQ(study.problems[0].parameters.integer("periods"), 60);
  EXPECT_EQ(study.methods[0].parameters.texts("waves"), (Strings{"rayleigh", "love"}));
  EXPECT_EQ(study.measure.repeats, 2);
  EXPECT_EQ(study.measure.warmup, 1);
  EXPECT_FALSE(study.measure.ceilings);
  EXPECT_EQ(study.limits.at("phase_rel_max").most, 1e-9);
  ASSERT_EQ(study.axes.size(), 1u);
  EXPECT_EQ(study.axes[0].values.size(), 2u);
}

TEST(Config, ARangeIsTheListOfItsIntegers) {
  auto const values = [](std::string const& axis) {
    const Study study = parse_study(replaced(sound, "[5, 10]", axis), "demo.toml");
    std::vector<std::int64_t> list;
    for (Value const& value : study.axes[0].values) list.push_back(std::get<std::int64_t>(value));
    return list;
  };
  EXPECT_EQ(values("{ from = 5, to = 8 }"), (std::vector<std::int64_t>{5, 6, 7, 8}));
  EXPECT_EQ(values("{ from = 5, to = 12, step = 5 }"), (std::vector<std::int64_t>{5, 10}));
  EXPECT_EQ(values("{ from = 7, to = 7 }"), (std::vector<std::int64_t>{7}));
  const Study range = parse_study(replaced(sound, "[5, 10]", "{ from = 5, to = 6 }"), "demo.toml",
                                  Strings{"axes.layers.to=7"});
  EXPECT_EQ(range.axes[0].values.size(), 3u);
  EXPECT_EQ(parse_study(resolved(range), "again.toml").axes[0].values, range.axes[0].values);
}

TEST(Config, UnknownKeysNameTheNearestWithFileAndLine) {
  expect_error(replaced(sound, "models", "modles"),
               {"demo.toml:7: ", "'problem.modles'", "did you mean 'models'?"});
  expect_error(replaced(sound, "[measure]", "[mesure]"),
               {"demo.toml:15", "'mesure'", "did you mean 'measure'?"});
  expect_error(replaced(sound, "repeats", "repeat"),
               {"demo.toml:16", "'measure.repeat'", "did you mean 'repeats'?"});
  expect_error(replaced(sound, "title", "titel"), {"demo.toml:3", "did you mean 'title'?"});
  expect_error(replaced(sound, "layers", "layer"),
               {"demo.toml:13", "unknown axis 'axes.layer'", "did you mean 'layers'?"});
  expect_error(replaced(sound, "phase_rel_max", "phase_max"),
               {"demo.toml:19", "'limits.phase_max'", "did you mean 'phase_rel_max'?"});
  expect_error(replaced(sound, "dispersion-solver", "dispersion-sover"),
               {"demo.toml:10", "method.name", "did you mean 'dispersion-solver'?"});
}

TEST(Config, WrongTypesAndRangesNameKeyValueAndNeed) {
  expect_error(replaced(sound, "models = 8", "models = \"8\""),
               {"demo.toml:7", "problem.models = \"8\"", "an integer is needed"});
  expect_error(replaced(sound, "models = 8", "models = 8.5"), {"problem.models = 8.5", "a number"});
  expect_error(replaced(sound, "models = 8", "models = 0"), {"problem.models = 0", "at least 1"});
  expect_error(replaced(sound, "models = 8", "models = 1979-05-27"), {"problem.models is not"});
  expect_error(replaced(sound, "models = 8", "models = [1, \"a\"]"), {"problem.models is not"});
  expect_error(replaced(sound, "repeats = 2", "repeats = 0"), {"measure.repeats = 0"});
  expect_error(replaced(sound, "1e-9", "inf"), {"limits.phase_rel_max", "not a finite number"});
  expect_error(replaced(sound, "1e-9", "nan"), {"limits.phase_rel_max", "not a finite number"});
  expect_error(replaced(sound, "[5, 10]", "[5, 1]"), {"axes.layers = 1", "at least 2"});
  expect_error(replaced(sound, "[5, 10]", "[]"), {"axes.layers", "empty"});
  expect_error(replaced(sound, "[5, 10]", "{ from = 9, to = 5 }"), {"axes.layers", "empty"});
  expect_error(replaced(sound, "[5, 10]", "{ from = 5 }"), {"axes.layers", "no end"});
  expect_error(replaced(sound, "[5, 10]", "{ from = 0, to = 5 }"),
               {"axes.layers has 0", "at least 2"});
  expect_error(replaced(sound, "[5, 10]", "{ from = 5, to = 9, step = 0 }"),
               {"axes.layers.step = 0", "at least 1"});
  expect_error(replaced(sound, "[5, 10]", "{ from = 5, till = 9 }"),
               {"unknown key 'axes.layers.till'", "to"});
  expect_error(replaced(sound, "[5, 10]", "{ from = 5, to = 9000000 }"),
               {"axes.layers", "too long"});
  expect_error(replaced(sound, "layers = [5, 10]", "perturbation = { from = 0, to = 1 }"),
               {"axes.perturbation", "of integers", "a number"});
  expect_error(replaced(sound, "[5, 10]", "5"), {"axes.layers", "not a list"});
  expect_error(replaced(sound, "name = \"demo\"", "name = \"../demo\""), {"study.name", "folder"});
  expect_error(replaced(sound, "name = \"demo\"", "name = \"\""), {"study.name"});
}

TEST(Config, MissingOrMisshapenSections) {
  expect_error("", {"study is missing"});
  expect_error("[study]\nname = \"x\"", {"problem is missing"});
  expect_error(replaced(sound, "name = \"dispersion-gradient\"\n", ""),
               {"problem.name is missing"});
  expect_error("study = 3", {"study is not a table"});
  expect_error(replaced(sound, "[problem]", "problem = 4\n[other]"), {"unknown key 'other'"});
}

TEST(Config, NotTomlNamesTheLine) {
  expect_error("[study]\nname = \n", {"demo.toml:2", "not valid TOML"});
  expect_error(sound + "layers = 3\nlayers = 4\n", {"demo.toml:21", "not valid TOML"});
}

TEST(Config, UnreadableFileIsNamed) {
  try {
    read_study("/no/such/study.toml");
    FAIL();
  } catch (Error const& error) {
    EXPECT_NE(std::string(error.what()).find("/no/such/study.toml"), std::string::npos);
  }
  EXPECT_THROW(read_study("/"), Error);
}

TEST(Config, AnAxisMayNotHideASetting) {
  expect_error(replaced(sound, "models = 8", "layers = 8"),
               {"demo.toml:7", "problem.layers", "axis", "--set axes.layers"});
}

TEST(Config, OverridesReplaceAndAdd) {
  const Study study = parse_study(sound, "demo.toml",
                                  Strings{"problem.models=3", "axes.layers=[7]",
                                          "method.waves=[\"love\"]", "measure.min_time=1",
                                          "limits.group_rel_max=1e-8", "study.title=two words"});
  EXPECT_EQ(study.problems[0].parameters.integer("models"), 3);
  EXPECT_EQ(study.methods[0].parameters.texts("waves"), Strings{"love"});
  EXPECT_EQ(study.measure.min_time, 1.0);
  EXPECT_EQ(study.axes[0].values.size(), 1u);
  EXPECT_EQ(study.limits.size(), 2u);
  EXPECT_EQ(study.title, "two words");
}

TEST(Config, WrongOverridesAreNamed) {
  expect_error(sound, {"--set problem.modles=3: ", "did you mean 'models'?"}, {"problem.modles=3"});
  expect_error(sound, {"--set problem.models=many: ", "an integer is needed"},
               {"problem.models=many"});
  expect_error(sound, {"--set nothing", "no value"}, {"nothing"});
  expect_error(sound, {"--set =3", "no value"}, {"=3"});
  expect_error(sound, {"--set study.name.x=3", "not a table"}, {"study.name.x=3"});
  expect_error(sound, {"--set problem.=3"}, {"problem.=3"});
  expect_error(sound, {"not one value"}, {"problem.models=3\nx=4"});
}

TEST(Config, SeveralMethodsAreAnArrayOfTables) {
  const std::string text = replaced(sound, "[method]\nname = \"dispersion-solver\"",
                                    "[[method]]\nname = \"dispersion-solver\"\n"
                                    "[[method]]\nname = \"halfspace-average\"");
  Study study = parse_study(text, "demo.toml");
  ASSERT_EQ(study.methods.size(), 2u);
  EXPECT_EQ(study.methods[1].name, "halfspace-average");
  study = parse_study(text, "demo.toml", Strings{"method.1.modes=3"});
  EXPECT_EQ(study.methods[0].parameters.integer("modes"), 1);
  EXPECT_EQ(study.methods[1].parameters.integer("modes"), 3);
  expect_error(text, {"name one entry"}, {"method.modes=3"});
  expect_error(text, {"no entry 2"}, {"method.2.modes=3"});
  expect_error(text, {"no key"}, {"method.1="});
}

std::set<std::string> ids(Study const& study) {
  std::set<std::string> all;
  for (Case const& item : expand(study)) all.insert(item.id);
  return all;
}

TEST(Config, ResolvedReadsBackToTheSameCases) {
  const Study study = parse_study(sound, "demo.toml", Strings{"axes.ranks=[1,2]"});
  const Study again = parse_study(resolved(study), "resolved.toml");
  EXPECT_EQ(ids(again), ids(study));
  EXPECT_EQ(resolved(again), resolved(study));
  EXPECT_NE(ids(parse_study(sound, "demo.toml")), ids(study));
}

} // namespace
} // namespace moho::study
