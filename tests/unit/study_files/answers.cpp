// SPDX-License-Identifier: BSD-3-Clause
// Answers as JSON and HDF5 hold what the contract of `moho dispersion` promises.
#include "fake_solver.hpp"
#include "moho/core/error.hpp"
#include "moho/parallel/hdf5.hpp"
#include "moho/study/dispersion_files.hpp"
#include <array>
#include <cmath>
#include <cstdio>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sstream>
#include <unistd.h>

namespace moho {
namespace {

using Json = nlohmann::json;
using dispersion::Wave;
using study::DispersionAnswers;
using study::DispersionCase;

/// Two sound cases around a bad one. 0.1 and 1/3 need all their digits to read back.
std::vector<DispersionCase> three_cases() {
  DispersionCase first{"first", {0.1, 0}, {5, 6}, {3, 3.5}, {2.5, 2.7}, {8, 1.0 / 3, 7}, {}, ""};
  first.kernels = {{Wave::rayleigh, 0, 20}, {Wave::love, 1, 8}, {Wave::rayleigh, 0, 200}};
  DispersionCase bad{"bad", {}, {}, {}, {}, {}, {}, "vs[0] = nan (made up)"};
  DispersionCase last{"last\n\"q\"", {0}, {6}, {3.1}, {2.7}, {2}, {}, ""};
  last.warnings = {"looks odd"};
  return {first, bad, last};
}

struct Solved {
  std::vector<DispersionCase> cases = three_cases();
  dispersion::SolveOptions options;
  dispersion::ModelBatch batch = study::batch_of(cases);
  dispersion::Curves curves;
  study::KernelAnswers kernels;
  explicit Solved(int modes = 3, std::array<bool, 2> waves = {true, true}) {
    options.modes = modes;
    options.waves = waves;
    curves = test::fake_solve(batch, options);
    for (DispersionCase& one : cases)
      std::erase_if(one.kernels, [&](study::KernelRequest const& request) {
        return !waves[static_cast<std::size_t>(request.wave)];
      });
    std::vector<dispersion::RootPoint> points;
    for (study::KernelRequest const& request : cases[0].kernels)
      points.push_back({0, request.wave, request.period, 3.25});
    kernels = {std::vector<double>(points.size(), 3.25),
               std::vector<dispersion::Status>(points.size()),
               test::fake_sensitivities(batch, points)};
  }
  DispersionAnswers answers() const { return {cases, batch, curves, options, kernels}; }
  Json json() const { return Json::parse(answers_as_json(answers())); }
};

TEST(AnswersJson, KeepsOrderAndNamesAndModels) {
  const Solved solved;
  const Json out = solved.json();
  EXPECT_EQ(out["format"], "moho.dispersion/1");
  ASSERT_EQ(out["cases"].size(), 3u);
  EXPECT_EQ(out["cases"][0]["name"], "first");
  EXPECT_EQ(out["cases"][2]["name"], "last\n\"q\"");
  EXPECT_EQ(out["cases"][0]["periods"].get<std::vector<double>>(), solved.cases[0].periods);
  EXPECT_EQ(out["cases"][0]["model"]["thickness"].get<std::vector<double>>(),
            solved.cases[0].thickness);
}

TEST(AnswersJson, ABadCaseHasOnlyNameAndError) {
  const Json bad = Solved().json()["cases"][1];
  EXPECT_EQ(bad, (Json{{"name", "bad"}, {"error", "vs[0] = nan (made up)"}}));
}

TEST(AnswersJson, NumbersReadBackExactlyAndAbsentIsNull) {
  const Solved solved;
  const Json modes = solved.json()["cases"][0]["modes"];
  ASSERT_EQ(modes.size(), 6u); // modes 0..2 of two waves
  for (Json const& one : modes) {
    bool const love = one["wave"] == "love";
    auto const mode = one["mode"].get<std::size_t>();
    EXPECT_EQ(one.contains("ellipticity"), !love);
    for (std::size_t p = 0; p < 3; ++p) {
      double const phase = solved.curves.wave[love].phase[mode * solved.curves.points + p];
      EXPECT_EQ(one["phase"][p].is_null(), std::isnan(phase));
      EXPECT_EQ(one["group"][p].is_null(), std::isnan(phase));
      if (!std::isnan(phase)) {
        EXPECT_EQ(one["phase"][p].get<double>(), phase);
      }
    }
  }
  EXPECT_TRUE(modes[2]["phase"][0].is_null()); // mode 2 is absent in the fake
  EXPECT_FALSE(modes[0]["phase"][0].is_null());
}

TEST(AnswersJson, FlagsSayWhereAndWhy) {
  const Json flags = Solved().json()["cases"][0]["flags"];
  ASSERT_EQ(flags.size(), 4u); // two periods of two waves
  EXPECT_EQ(flags[0]["kind"], "multivalued");
  EXPECT_EQ(flags[0]["wave"], "rayleigh");
  EXPECT_EQ(flags[0]["period"], 8.0);
  EXPECT_TRUE(flags[0]["mode"].is_null());
  ASSERT_EQ(flags[0]["roots"].size(), 2u);
  EXPECT_EQ(flags[0]["roots"][1],
            (Json{{"c", 2.5}, {"U", -0.25}, {"ellipticity", nullptr}, {"N_above", 2}}));
  EXPECT_EQ(flags[0]["roots"][0]["ellipticity"], 0.7);
  EXPECT_EQ(flags[1]["kind"], "failed");
  EXPECT_EQ(flags[1]["mode"], 0);
  EXPECT_EQ(flags[1]["period"], 7.0);
  EXPECT_EQ(flags[1]["reason"], "made up");
}

TEST(AnswersJson, EllipticityIsThatOfTheSolver) {
  const Solved solved;
  const Json modes = solved.json()["cases"][0]["modes"];
  for (std::size_t mode = 0; mode < 3; ++mode)
    for (std::size_t p = 0; p < 3; ++p) {
      double const expected = solved.curves.wave[0].ellipticity[mode * solved.curves.points + p];
      Json const& found = modes[mode]["ellipticity"][p];
      EXPECT_EQ(found.is_null(), std::isnan(expected));
      if (!found.is_null()) {
        EXPECT_EQ(found.get<double>(), expected);
      }
    }
  Solved without; // a solver that was not asked for it
  without.curves.wave[0].ellipticity.clear();
  EXPECT_EQ(without.json()["cases"][0]["modes"][0]["ellipticity"],
            (Json{nullptr, nullptr, nullptr}));
}

constexpr std::array<char const*, 12> derivatives{
    "dc_dh",           "dc_dvp",           "dc_dvs",           "dc_drho",
    "dU_dh",           "dU_dvp",           "dU_dvs",           "dU_drho",
    "dellipticity_dh", "dellipticity_dvp", "dellipticity_dvs", "dellipticity_drho"};

TEST(AnswersJson, KernelsHoldEveryDerivativeThatTheWaveHas) {
  const Solved solved;
  const Json kernels = solved.json()["cases"][0]["kernels"];
  dispersion::Sensitivities const& of = solved.kernels.sensitivities;
  ASSERT_EQ(kernels.size(), 3u);
  EXPECT_EQ(kernels[0]["period"], 20.0);
  EXPECT_EQ(kernels[0]["phase"], 3.25);
  EXPECT_EQ(kernels[0]["group"], of.group[0]);
  EXPECT_EQ(kernels[0]["ellipticity"], of.ellipticity[0]);
  EXPECT_EQ(kernels[0]["status"], "ok");
  EXPECT_FALSE(kernels[0].contains("reason"));
  EXPECT_EQ(kernels[0]["dc_dvs"], (Json{of.dphase.vs[0], of.dphase.vs[1]}));
  EXPECT_EQ(kernels[0]["dU_dh"], (Json{of.dgroup.thickness[0], of.dgroup.thickness[1]}));
  EXPECT_EQ(kernels[0]["dellipticity_drho"],
            (Json{of.dellipticity.rho[0], of.dellipticity.rho[1]}));
  EXPECT_EQ(kernels[1]["dc_drho"], (Json{of.dphase.rho[2], of.dphase.rho[3]})); // of the second
  for (char const* key : derivatives) {
    EXPECT_EQ(kernels[0][key].size(), 2u) << key;
    bool const love_too = std::string(key).find("vp") == std::string::npos &&
                          std::string(key).find("dell") == std::string::npos;
    EXPECT_EQ(kernels[1].contains(key), love_too) << key;
  }
  EXPECT_FALSE(kernels[1].contains("ellipticity"));
}

TEST(AnswersJson, AKernelThatIsNotKnownIsNullWithAReason) {
  const Json kernel = Solved().json()["cases"][0]["kernels"][2];
  for (char const* key : derivatives) EXPECT_EQ(kernel[key], (Json{nullptr, nullptr})) << key;
  EXPECT_EQ(kernel["reason"], "made up");
}

TEST(AnswersJson, WarningsStandWithTheirCaseAlone) {
  const Json cases = Solved().json()["cases"];
  EXPECT_FALSE(cases[0].contains("warnings"));
  EXPECT_EQ(cases[2]["warnings"], Json{"looks odd"});
}

TEST(AnswersJson, AWaveNotAskedForLeavesNoTrace) {
  const Json one = Solved(1, {false, true}).json()["cases"][0];
  EXPECT_FALSE(one["mode_count"].contains("rayleigh"));
  EXPECT_EQ(one["mode_count"]["love"].size(), 3u);
  ASSERT_EQ(one["modes"].size(), 1u);
  EXPECT_EQ(one["modes"][0]["wave"], "love");
  ASSERT_EQ(one["kernels"].size(), 1u);
  EXPECT_EQ(one["kernels"][0]["wave"], "love");
}

TEST(AnswersJson, IsReadAgainAsCases) {
  auto const again = study::parse_cases(answers_as_json(Solved().answers()), "out.json");
  ASSERT_EQ(again.size(), 3u);
  EXPECT_EQ(again[0].error, "");
  EXPECT_EQ(again[0].periods, three_cases()[0].periods);
  EXPECT_EQ(again[0].kernels.size(), 3u);
  EXPECT_NE(again[1].error, ""); // it has no model
}

TEST(Answers, CountsErrorsAndFailedPoints) {
  Solved solved(1);
  EXPECT_EQ(solved.answers().errors(), 1u);
  EXPECT_EQ(solved.answers().failed_points(), 2u);
  solved.cases[1].error = ""; // the solver's own judgement of the empty model is left
  EXPECT_EQ(solved.answers().errors(), 1u);
  solved.curves.flags.clear();
  EXPECT_EQ(solved.answers().failed_points(), 0u);
}

TEST(AnswersTable, HasARowPerPointAndNamesErrors) {
  const std::string table = answers_as_table(Solved(1).answers());
  EXPECT_NE(table.find("vs[0] = nan"), table.npos);
  EXPECT_NE(table.find("multivalued (made up); roots 1.500000, 2.500000"), table.npos) << table;
  EXPECT_NE(table.find("rayleigh"), table.npos);
}

TEST(AnswersTable, PutsModesSideBySideAndNamesFlags) {
  Solved solved(6);
  solved.curves.wave[1].status[0] = dispersion::Status::extended;
  const std::string table = answers_as_table(solved.answers());
  EXPECT_NE(table.find(" c5 km/s"), table.npos);
  EXPECT_NE(table.find("mode 0 extended\n"), table.npos);
  std::istringstream lines(table);
  std::string line;
  std::size_t headings = 0, rows = 0;
  while (std::getline(lines, line)) {
    headings += line.find("period s") != line.npos;
    rows += line.find(" 0.333333 ") != line.npos && line.find("at 0.33") == line.npos;
    EXPECT_LT(line.size(), 160u) << line;
  }
  EXPECT_EQ(headings, 8u); // two cases, two waves, two blocks of modes
  EXPECT_EQ(rows, 4u);
  EXPECT_NE(table.find("kernel of rayleigh mode 0 at 200 s: made up"), table.npos);
  EXPECT_NE(table.find("kernel of love mode 1 at 8 s: c 3.250000"), table.npos);
}

class AnswersHdf5 : public testing::Test {
protected:
  std::string path = testing::TempDir() + "moho_answers_" + std::to_string(getpid()) + ".h5";
  void TearDown() override { std::remove(path.c_str()); }
  parallel::h5::File written(Solved const& solved) const {
    auto file = parallel::h5::File::create(path);
    write_answers(file, solved.answers());
    file.close();
    return parallel::h5::File::open(path);
  }
};

TEST_F(AnswersHdf5, HoldsEveryDatasetOfTheContract) {
  const Solved solved;
  auto const file = written(solved);
  EXPECT_EQ(file.string_attribute("/", "format"), "moho.dispersion/1");
  EXPECT_EQ(file.read_strings("/case/name"),
            (std::vector<std::string>{"first", "bad", "last\n\"q\""}));
  EXPECT_EQ(file.read_ints("/model/offset"), (std::vector<std::int64_t>{0, 2, 2, 3}));
  EXPECT_EQ(file.read_doubles("/model/vs"), (std::vector<double>{3, 3.5, 3.1}));
  EXPECT_EQ(file.read_ints("/mode_count/case"),
            (std::vector<std::int64_t>{0, 0, 0, 0, 0, 0, 2, 2}));
  EXPECT_EQ(file.read_ints("/mode_count/wave"),
            (std::vector<std::int64_t>{0, 0, 0, 1, 1, 1, 0, 1}));
  EXPECT_EQ(file.read_ints("/mode_count/count"), (std::vector<std::int64_t>(8, 2)));
  auto const wave = file.read_ints("/curve/wave"), mode = file.read_ints("/curve/mode"),
             of_case = file.read_ints("/curve/case"), status = file.read_ints("/curve/status");
  auto const phase = file.read_doubles("/curve/phase"), period = file.read_doubles("/curve/period");
  ASSERT_EQ(phase.size(), 24u); // (3 + 1) periods x 3 modes x 2 waves
  std::size_t row = 0;
  for (std::size_t i : {0u, 2u})
    for (std::size_t w = 0; w < 2; ++w)
      for (std::size_t m = 0; m < 3; ++m)
        for (std::size_t p = 0; p < solved.cases[i].periods.size(); ++p, ++row) {
          const std::size_t at = m * solved.curves.points +
                                 static_cast<std::size_t>(solved.batch.period_offset()[i]) + p;
          double const expected = solved.curves.wave[w].phase[at];
          EXPECT_TRUE(phase[row] == expected || (std::isnan(expected) && std::isnan(phase[row])));
          EXPECT_EQ(period[row], solved.cases[i].periods[p]);
          EXPECT_EQ(of_case[row], static_cast<std::int64_t>(i));
          EXPECT_EQ(wave[row], static_cast<std::int64_t>(w));
          EXPECT_EQ(mode[row], static_cast<std::int64_t>(m));
          EXPECT_EQ(status[row], static_cast<std::int64_t>(solved.curves.wave[w].status[at]));
        }
  EXPECT_EQ(file.read_doubles("/curve/ellipticity").at(0), solved.curves.wave[0].ellipticity[0]);
  EXPECT_TRUE(std::isnan(file.read_doubles("/curve/ellipticity").at(9))); // Love
  EXPECT_EQ(file.read_strings("/case/warning"), (std::vector<std::string>{"", "", "looks odd"}));
  EXPECT_EQ(file.string_attribute("/curve/phase", "units"), "km/s");
}

TEST_F(AnswersHdf5, HoldsKernelsAndFlags) {
  const Solved solved;
  auto const file = written(solved);
  EXPECT_EQ(file.read_ints("/kernel/offset"), (std::vector<std::int64_t>{0, 2, 4, 6}));
  EXPECT_EQ(file.read_ints("/kernel/case"), (std::vector<std::int64_t>{0, 0, 0}));
  EXPECT_EQ(file.read_ints("/kernel/wave"), (std::vector<std::int64_t>{0, 1, 0}));
  EXPECT_EQ(file.read_doubles("/kernel/period"), (std::vector<double>{20, 8, 200}));
  EXPECT_EQ(file.read_doubles("/kernel/phase"), (std::vector<double>(3, 3.25)));
  EXPECT_EQ(file.read_strings("/kernel/reason"), (std::vector<std::string>{"", "", "made up"}));
  for (char const* name : derivatives) {
    auto const values = file.read_doubles(std::string("/kernel/") + name);
    ASSERT_EQ(values.size(), 6u) << name;
    bool const love_too = std::string(name).find("vp") == std::string::npos &&
                          std::string(name).find("dell") == std::string::npos;
    EXPECT_EQ(std::isnan(values[2]), !love_too) << name;
    EXPECT_TRUE(std::isnan(values[5])) << name;
  }
  EXPECT_EQ(file.read_doubles("/kernel/dU_drho").at(1), solved.kernels.sensitivities.dgroup.rho[1]);
  EXPECT_EQ(file.string_attribute("/kernel/dU_drho", "units"), "(km/s)/(g/cm3)");
  EXPECT_EQ(file.read_ints("/flag/kind"), (std::vector<std::int64_t>{3, 2, 3, 2}));
  EXPECT_EQ(file.read_ints("/flag/offset"), (std::vector<std::int64_t>{0, 2, 2, 4, 4}));
  EXPECT_EQ(file.read_doubles("/flag/c"), (std::vector<double>{1.5, 2.5, 1.5, 2.5}));
  EXPECT_EQ(file.read_doubles("/flag/ellipticity").at(0), 0.7);
  EXPECT_TRUE(std::isnan(file.read_doubles("/flag/ellipticity").at(1)));
  EXPECT_EQ(file.read_doubles("/flag/U"), (std::vector<double>{0.5, -0.25, 0.5, -0.25}));
  EXPECT_EQ(file.read_ints("/flag/mode"), (std::vector<std::int64_t>{-1, 0, -1, 0}));
}

TEST_F(AnswersHdf5, OffsetsAreThereWhenNothingElseIs) {
  Solved solved(1, {true, false});
  for (DispersionCase& one : solved.cases) one.error = "all bad";
  auto const file = written(solved);
  EXPECT_EQ(file.read_ints("/model/offset"), (std::vector<std::int64_t>(4, 0)));
  EXPECT_EQ(file.read_ints("/kernel/offset"), (std::vector<std::int64_t>{0}));
  EXPECT_EQ(file.read_ints("/flag/offset"), (std::vector<std::int64_t>{0}));
  EXPECT_TRUE(file.read_doubles("/curve/phase").empty());
}

} // namespace
} // namespace moho
