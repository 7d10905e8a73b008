// SPDX-License-Identifier: BSD-3-Clause
// Reading cases and published answers from JSON: what is wrong with one case stays there.
#include "moho/core/error.hpp"
#include "moho/study/dispersion_files.hpp"
#include <cmath>
#include <gtest/gtest.h>

namespace moho {
namespace {

using study::DispersionCase;
using study::parse_cases;
using study::parse_reference;

constexpr char const* sound_model =
    R"({"thickness": [1, 0], "vp": [5, 6], "vs": [3, 3.5], "rho": [2.5, 2.7]})";

/// A file of one format with these cases.
std::string file_of(std::string const& cases,
                    std::string const& format = "\"surface-wave-reference/1\"") {
  return "{\"format\": " + format + ", \"cases\": [" + cases + "]}";
}

std::string case_of(std::string const& model, std::string const& rest = "\"periods\": [1, 2]") {
  return "{\"name\": \"a\", \"model\": " + model + ", " + rest + "}";
}

/// The one case of a file, from its text.
DispersionCase only(std::string const& text, std::vector<double> const& periods = {}) {
  auto const cases = parse_cases(file_of(text), "in.json", periods);
  EXPECT_EQ(cases.size(), 1u);
  return cases.at(0);
}

bool contains(std::string const& text, std::string const& part) {
  return text.find(part) != text.npos;
}

/// What a whole file is refused with; "" if it is accepted.
std::string refusal(std::string const& text, std::string const& source = "in.json") {
  try {
    parse_cases(text, source);
    return "";
  } catch (Error const& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    return error.what();
  }
}

TEST(ReadJson, KeepsOrderNamesAndNumbers) {
  auto const cases = parse_cases(
      file_of(case_of(sound_model) + ",{\"name\":\"b\",\"note\":[],\"periods\":[9,0.1,9]," +
                  "\"model\":{\"thickness\":[0],\"vp\":[6.062178],\"vs\":[3.5],\"rho\":[2.7]}}",
              "\"moho.dispersion/1\""),
      "in.json");
  ASSERT_EQ(cases.size(), 2u);
  EXPECT_EQ(cases[0].name, "a");
  EXPECT_EQ(cases[0].error, "");
  EXPECT_EQ(cases[0].vs, (std::vector<double>{3, 3.5}));
  EXPECT_EQ(cases[1].name, "b");
  EXPECT_EQ(cases[1].periods, (std::vector<double>{9, 0.1, 9})); // neither sorted nor made unique
  EXPECT_EQ(cases[1].vp, (std::vector<double>{6.062178}));
}

TEST(ReadJson, PeriodsFromTheCommandLineReplaceThoseOfTheFile) {
  EXPECT_EQ(only(case_of(sound_model), {5, 4}).periods, (std::vector<double>{5, 4}));
  EXPECT_EQ(only(case_of(sound_model, "\"periods\": 3"), {5}).error, "");
}

TEST(ReadJson, TakesPeriodsOfPoints) {
  auto const one =
      only(case_of(sound_model, R"("points": [{"period": 3, "x": 1}, {"period": 2}])"));
  EXPECT_EQ(one.error, "");
  EXPECT_EQ(one.periods, (std::vector<double>{3, 2}));
  EXPECT_TRUE(contains(only(case_of(sound_model, R"("points": [{"time": 3}])")).error,
                       "points[0].period is missing"));
}

TEST(ReadJson, ReadsKernelRequests) {
  const std::string rest = R"("periods": [1], "kernels": [{"wave": "love", "mode": 2, "period": 7,
                               "dc_dh": "ignored"}])";
  auto const one = only(case_of(sound_model, rest));
  ASSERT_EQ(one.kernels.size(), 1u);
  EXPECT_EQ(one.kernels[0].wave, dispersion::Wave::love);
  EXPECT_EQ(one.kernels[0].mode, 2);
  EXPECT_EQ(one.kernels[0].period, 7);
}

TEST(ReadJson, IgnoresAnswersWhateverTheyAre) {
  auto const one = only(case_of(sound_model, R"("periods": [1], "modes": 7, "mode_count": "x",
                                                "flags": {"a": NaN}, "error": "old")"));
  EXPECT_EQ(one.error, "");
}

struct BadCase {
  char const *text, *says;
};

// Each of these makes its case unusable, and only its case.
const BadCase bad_cases[] = {
    {R"(17)", "the case is number"},
    {R"({"periods": [1]})", "model is missing"},
    {R"({"model": [], "periods": [1]})", "model is array"},
    {R"({"name": 3, "model": {}, "periods": [1]})", "name is 3"},
    {R"({"model": {"thickness": [0], "vp": [6], "rho": [2]}, "periods": [1]})",
     "model.vs is missing"},
    {R"({"model": {"thickness": [0], "vp": [6], "vs": "3", "rho": [2]}, "periods": [1]})",
     "model.vs is \"3\""},
    {R"({"model": {"thickness": [0], "vp": [6], "vs": ["3"], "rho": [2]}, "periods": [1]})",
     "model.vs[0] is \"3\""},
    {R"({"model": {"thickness": [0], "vp": [6], "vs": [null], "rho": [2]}, "periods": [1]})",
     "model.vs[0] is null"},
    {R"({"model": {"thickness": [1, 0], "vp": [6], "vs": [3, 3], "rho": [2, 2]}, "periods": [1]})",
     "vp has 1 rows"},
    {R"({"model": {"thickness": [], "vp": [], "vs": [], "rho": []}, "periods": [1]})", "no rows"},
    {R"({"model": {"thickness": [-1, 0], "vp": [6, 6], "vs": [3, 3], "rho": [2, 2]},
         "periods": [1]})",
     "thickness[0] = -1"},
    {R"({"model": {"thickness": [NaN, 0], "vp": [6, 6], "vs": [3, 3], "rho": [2, 2]},
         "periods": [1]})",
     "thickness[0] = nan"},
    {R"({"model": {"thickness": [1, 0], "vp": [6, Infinity], "vs": [3, 3], "rho": [2, 2]},
         "periods": [1]})",
     "vp[1] = inf"},
    {R"({"model": {"thickness": [1, 0], "vp": [6, 6], "vs": [3, -Infinity], "rho": [2, 2]},
         "periods": [1]})",
     "vs[1] = -inf"},
    {R"({"model": {"thickness": [1, 0], "vp": [6, 6], "vs": [3, 3], "rho": [2, 1e999]},
         "periods": [1]})",
     "rho[1] = inf"},
    {R"({"model": {"thickness": [1, 2], "vp": [6, 6], "vs": [3, 3], "rho": [2, 2]},
         "periods": [1]})",
     "no half-space"},
    {R"({"model": {"thickness": [1, 1, 0], "vp": [6, 6, 6], "vs": [3, 0, 3], "rho": [2, 2, 2]},
         "periods": [1]})",
     "fluid layer below a solid"},
    {R"({"model": {"thickness": [0], "vp": [3.4], "vs": [3], "rho": [2]}, "periods": [1]})",
     "sqrt(4/3)"},
    {R"({"model": {"thickness": [0], "vp": [6], "vs": [3], "rho": [2]}})", "periods is missing"},
    {R"({"model": {"thickness": [0], "vp": [6], "vs": [3], "rho": [2]}, "periods": []})",
     "periods is empty"},
    {R"({"model": {"thickness": [0], "vp": [6], "vs": [3], "rho": [2]}, "periods": {}})",
     "periods is {}"},
    {R"({"model": {"thickness": [0], "vp": [6], "vs": [3], "rho": [2]}, "periods": [1, 0]})",
     "periods[1] = 0"},
    {R"({"model": {"thickness": [0], "vp": [6], "vs": [3], "rho": [2]}, "periods": [-2]})",
     "periods[0] = -2"},
    {R"({"model": {"thickness": [0], "vp": [6], "vs": [3], "rho": [2]}, "periods": [NaN]})",
     "periods[0] = nan"},
    {R"({"model": {"thickness": [0], "vp": [6], "vs": [3], "rho": [2]}, "periods": [1],
         "kernels": [{"wave": "sound", "mode": 0, "period": 1}]})",
     "kernels[0].wave is \"sound\""},
    {R"({"model": {"thickness": [0], "vp": [6], "vs": [3], "rho": [2]}, "periods": [1],
         "kernels": [{"wave": "love", "mode": -1, "period": 1}]})",
     "kernels[0].mode is -1"},
    {R"({"model": {"thickness": [0], "vp": [6], "vs": [3], "rho": [2]}, "periods": [1],
         "kernels": [{"wave": "love", "mode": 0, "period": 0}]})",
     "kernels[0].period = 0"},
};

TEST(ReadJson, OneBadCaseKeepsItsPlaceAndTheOthersAreRead) {
  for (BadCase const& bad : bad_cases) {
    auto const cases = parse_cases(
        file_of(case_of(sound_model) + "," + bad.text + "," + case_of(sound_model)), "in.json");
    ASSERT_EQ(cases.size(), 3u) << bad.text;
    EXPECT_TRUE(contains(cases[1].error, bad.says)) << bad.text << "\nsays " << cases[1].error;
    EXPECT_TRUE(cases[1].vs.empty() && cases[1].periods.empty());
    EXPECT_EQ(cases[1].name, "case[1]") << bad.text;
    EXPECT_EQ(cases[0].error + cases[2].error, "");
    EXPECT_EQ(cases[2].vs.size(), 2u);
  }
}

TEST(ReadJson, NotANumberInsideAStringStaysText) {
  auto const one = only(R"({"name": "NaN \"Infinity\" 1e999 \\", "model": )" +
                        std::string(sound_model) + R"(, "periods": [1]})");
  EXPECT_EQ(one.name, "NaN \"Infinity\" 1e999 \\");
  EXPECT_EQ(one.error, "");
}

TEST(ReadJson, RefusesAFileThatIsNotOfItsFormat) {
  const std::string good = file_of(case_of(sound_model));
  EXPECT_EQ(refusal(good), "");
  const std::pair<std::string, char const*> bad[] = {
      {"", "not JSON"},
      {"{\"format\": \"surface-wave-reference/1\",\n \"cases\": [}", "line 2"},
      {good + "x", "not JSON"},
      {good.substr(0, good.size() / 2), "not JSON"},
      {"[1, 2]", "it is array"},
      {"{\"cases\": []}", "no key 'format'"},
      {file_of(case_of(sound_model), "\"moho.dispersion/2\""), "moho.dispersion/2"},
      {file_of(case_of(sound_model), "1"), "format is 1"},
      {"{\"format\": \"moho.dispersion/1\"}", "no key 'cases'"},
      {"{\"format\": \"moho.dispersion/1\", \"cases\": {}}", "cases is object"},
      {"{\"format\": \"moho.dispersion/1\", \"cases\": []}", "cases is empty"},
  };
  for (auto const& [text, says] : bad) {
    const std::string why = refusal(text);
    EXPECT_TRUE(contains(why, says)) << text << "\nsays " << why;
    EXPECT_TRUE(contains(why, "'in.json'")) << why;
  }
}

TEST(ReadJson, ContentTellsTheFormatWhereTheNameDoesNot) {
  EXPECT_EQ(refusal(file_of(case_of(sound_model)), "cases"), "");
  EXPECT_TRUE(contains(refusal("", "cases"), "is empty"));
}

TEST(ReadReference, ReadsAnswers) {
  const std::string answers = R"("periods": [1, 2], "max_mode_listed": 1,
    "mode_count": {"rayleigh": [2, 1], "love": [1, 0]},
    "modes": [{"wave": "rayleigh", "mode": 0, "phase": [3.1, 3.2], "group": [3.0, 2.9],
               "ellipticity": [0.7, null]},
              {"wave": "love", "mode": 1, "phase": [3.4, null], "group": [3.3, null]}])";
  auto const cases = parse_reference(file_of(case_of(sound_model, answers)), "ref.json");
  ASSERT_EQ(cases.size(), 1u);
  EXPECT_EQ(cases[0].max_mode_listed, 1);
  EXPECT_EQ(cases[0].mode_count[0], (std::vector<int>{2, 1}));
  EXPECT_EQ(cases[0].mode_count[1], (std::vector<int>{1, 0}));
  auto const* curve = cases[0].curve(dispersion::Wave::rayleigh, 0);
  ASSERT_NE(curve, nullptr);
  EXPECT_EQ(curve->group, (std::vector<double>{3.0, 2.9}));
  EXPECT_TRUE(std::isnan(curve->ellipticity[1]));
  EXPECT_EQ(cases[0].curve(dispersion::Wave::rayleigh, 1), nullptr);
  EXPECT_TRUE(std::isnan(cases[0].curve(dispersion::Wave::love, 1)->phase[1]));
}

TEST(ReadReference, ReadsRootsOfPoints) {
  const std::string points = R"("points": [{"period": 16, "count_at_cmax": 2, "roots": [
    {"c": 0.5, "U": 0.1, "ellipticity": 0.06, "N_above": 1},
    {"c": 2.9, "U": 2.5, "N_above": 2}]}])";
  auto const cases = parse_reference(file_of(case_of(sound_model, points)), "ref.json");
  ASSERT_EQ(cases.at(0).points.size(), 1u);
  EXPECT_EQ(cases[0].points[0].count, 2);
  EXPECT_EQ(cases[0].points[0].roots.at(1).phase, 2.9);
  EXPECT_EQ(cases[0].points[0].roots[0].group, 0.1);
  EXPECT_TRUE(std::isnan(cases[0].points[0].roots[1].ellipticity));
}

TEST(ReadReference, RefusesTheFileForOneBadCase) {
  const std::pair<char const*, char const*> bad[] = {
      {R"("periods": [1, 2], "mode_count": {"rayleigh": [2], "love": [1, 1]})",
       "mode_count.rayleigh"},
      {R"("periods": [1, 2], "mode_count": {"rayleigh": [2, 1]})", "mode_count.love is missing"},
      {R"("periods": [1], "modes": [{"wave": "love", "mode": 0, "phase": [1, 2], "group": [1]}])",
       "modes[0]"},
      {R"("periods": [1], "modes": [{"wave": "love", "mode": 0, "phase": ["x"], "group": [1]}])",
       "modes[0].phase[0]"},
      {R"("periods": [1], "modes": 3)", "ref.json"},
      {R"("points": [{"period": 1, "count_at_cmax": 1, "roots": [{"c": 1}]}])", "roots[0].U"},
      {R"("periods": [0])", "periods[0]"},
  };
  for (auto const& [rest, says] : bad) {
    try {
      parse_reference(file_of(case_of(sound_model, rest)), "ref.json");
      ADD_FAILURE() << "accepted: " << rest;
    } catch (Error const& error) {
      EXPECT_TRUE(contains(error.what(), says)) << rest << "\nsays " << error.what();
      EXPECT_TRUE(contains(error.what(), "ref.json")) << error.what();
    }
  }
}

} // namespace
} // namespace moho
