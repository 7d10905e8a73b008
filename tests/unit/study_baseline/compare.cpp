// SPDX-License-Identifier: BSD-3-Clause
// Gates of `moho compare`: each kind of perturbation must be caught, and only those.
#include "sample_records.hpp"
#include <functional>

namespace {

using namespace moho;
using namespace moho::test;
using study::Verdict;

class Compare : public InFolder {
protected:
  /// Base run "a" as sampled, run "b" changed by `change`; what comes of it.
  study::Comparison after(std::function<void(Json&)> const& change, bool strict = false) {
    auto record = sample_record();
    add("a", record);
    change(record);
    add("b", record);
    return study::compare(path("a"), path("b"), {.strict = strict});
  }
};

/// Names of the values that regressed, joined.
std::string regressions(study::Comparison const& comparison) {
  std::string names;
  for (auto const& f : comparison.findings)
    if (f.verdict == Verdict::regression)
      names += (names.empty() ? "" : " ") + f.kind + ":" + f.name;
  return names;
}

TEST_F(Compare, EqualRunsPass) {
  auto const result = after([](Json&) {});
  EXPECT_FALSE(result.regressed());
  // status, 1 check, 2 counters, 6 metrics
  EXPECT_EQ(result.count(Verdict::same), 10u);
  EXPECT_EQ(result.count(Verdict::shown), 2u);
  EXPECT_EQ(result.count(Verdict::unjudged), 0u);
}

TEST_F(Compare, ACounterMustBeEqual) {
  // beyond 2^53: no rounding may hide it
  auto const changed = [](Json& r) { r["counters"]["layer_evaluations"] = 123456789012346; };
  EXPECT_EQ(regressions(after(changed)), "counter:layer_evaluations");
  auto const large = [](Json& r) { r["counters"]["layer_evaluations"] = 9007199254740993; };
  EXPECT_EQ(regressions(after(large)), "counter:layer_evaluations");
}

TEST_F(Compare, ALowerCounterIsCaughtToo) {
  EXPECT_EQ(regressions(after([](Json& r) { r["counters"]["roots"] = 59; })), "counter:roots");
}

TEST_F(Compare, AMetricMayMoveWithinItsTolerance) {
  EXPECT_EQ(regressions(after([](Json& r) { r["metrics"]["phase_rel_max"] = 1.19e-11; })), "");
  EXPECT_EQ(regressions(after([](Json& r) { r["metrics"]["phase_rel_max"] = 1.21e-11; })),
            "metric:phase_rel_max");
}

TEST_F(Compare, WholeMetricsAreCountsAndMustBeEqual) {
  EXPECT_EQ(regressions(after([](Json& r) { r["metrics"]["points"] = 59; })), "metric:points");
  EXPECT_EQ(regressions(after([](Json& r) { r["metrics"]["null_mismatches"] = 1; })),
            "metric:null_mismatches");
}

TEST_F(Compare, ArraysAreComparedEntryByEntry) {
  EXPECT_EQ(regressions(after([](Json& r) { r["metrics"]["folds"][1] = 0.6; })), "metric:folds[1]");
}

TEST_F(Compare, UnknownAndKnownDiffer) {
  EXPECT_EQ(regressions(after([](Json& r) { r["metrics"]["group_rel_max"] = 1e-9; })),
            "metric:group_rel_max");
  EXPECT_EQ(regressions(after([](Json& r) { r["metrics"]["phase_rel_max"] = nullptr; })),
            "metric:phase_rel_max");
}

TEST_F(Compare, AFailedCheckIsCaught) {
  auto const fail = [](Json& r) {
    r["checks"][0]["pass"] = false;
    r["status"] = "invalid";
  };
  EXPECT_EQ(regressions(after(fail)), "case:status check:phase_rel_max");
}

TEST_F(Compare, AFailedCheckHidesBehindNoOther) {
  auto const add_failed_twin = [](Json& r) {
    r["checks"].push_back(r["checks"][0]);
    r["checks"][0]["pass"] = false;
  };
  EXPECT_EQ(regressions(after(add_failed_twin)), "check:phase_rel_max");
}

TEST_F(Compare, WhatIsGoneIsCaught) {
  EXPECT_EQ(regressions(after([](Json& r) { r["checks"] = Json::array(); })),
            "check:phase_rel_max");
  EXPECT_EQ(regressions(after([](Json& r) { r["counters"].erase("roots"); })), "counter:roots");
  EXPECT_EQ(regressions(after([](Json& r) { r["metrics"].erase("points"); })), "metric:points");
}

TEST_F(Compare, WhatIsNewIsLogged) {
  auto const grow = [](Json& r) {
    r["counters"]["messages"] = 3;
    r["metrics"]["linf"] = 1.5;
  };
  auto const result = after(grow);
  EXPECT_FALSE(result.regressed());
  EXPECT_EQ(result.count(Verdict::unjudged), 2u);
  EXPECT_EQ(regressions(after(grow, true)), "counter:messages metric:linf");
}

TEST_F(Compare, TimesAreShownAndNeverJudged) {
  auto const result = after([](Json& r) {
    r["timings"]["apply"]["median"] = 600.0;
    r["fom"][0]["value"] = 0.1;
  });
  EXPECT_FALSE(result.regressed());
  auto const table = study::comparison_table(result, false);
  EXPECT_NE(table.find("ratio 1000.000"), std::string::npos) << table;
}

TEST_F(Compare, ACrashedCaseIsCaught) {
  auto const crash = [](Json& r) {
    r["status"] = "failed";
    r["error"] = "no memory";
    r["counters"] = Json::object();
    r["metrics"] = Json::object();
    r["checks"] = Json::array();
  };
  auto const result = after(crash);
  EXPECT_EQ(regressions(result), "case:status");
  EXPECT_NE(study::comparison_table(result, false).find("no memory"), std::string::npos);
}

TEST_F(Compare, APartialCaseIsNotJudgedByItsCounts) {
  auto const stop = [](Json& r) {
    r["status"] = "partial";
    r["counters"]["roots"] = 7;
  };
  EXPECT_EQ(regressions(after(stop)), "");
  EXPECT_EQ(regressions(after(stop, true)), "case:status");
}

TEST_F(Compare, MissingCasesAreLogged) {
  add("a", sample_record("a1"));
  add("a", sample_record("a2"));
  add("b", sample_record("a1"));
  add("b", sample_record("a3"));
  auto const result = study::compare(path("a"), path("b"), {});
  EXPECT_FALSE(result.regressed());
  EXPECT_EQ(result.count(Verdict::unjudged), 2u);
  EXPECT_TRUE(study::compare(path("a"), path("b"), {.strict = true}).regressed());
}

TEST_F(Compare, AFailedCheckNeedsNoCounterpart) {
  auto record = sample_record("new");
  add("a", sample_record());
  add("b", sample_record());
  record["checks"][0]["pass"] = false;
  add("b", record);
  EXPECT_EQ(regressions(study::compare(path("a"), path("b"), {})), "check:phase_rel_max");
}

TEST_F(Compare, BaselinesJudgeFromEitherSide) {
  add("runs", sample_record());
  update("runs");
  auto changed = sample_record();
  changed["counters"]["roots"] = 61;
  add("later", changed);
  auto const file = "baselines/ci-x86-gcc12-serial-avx512/accuracy.json";
  for (auto const& stored :
       {path("baselines"), path(file), path("baselines/ci-x86-gcc12-serial-avx512")}) {
    EXPECT_EQ(regressions(study::compare(path("runs"), stored, {})), "") << stored;
    EXPECT_EQ(regressions(study::compare(path("later"), stored, {})), "counter:roots") << stored;
    EXPECT_EQ(regressions(study::compare(stored, path("later"), {})), "counter:roots") << stored;
  }
  EXPECT_NE(error_of([&] { study::compare(path("baselines"), path(file), {}); }), "");
}

TEST_F(Compare, AMissingPlatformIsLogged) {
  auto record = sample_record();
  add("runs", record);
  update("runs");
  record["provenance"]["build"]["platform"] = "elsewhere";
  record["counters"]["roots"] = 61;
  add("other", record);
  auto const result = study::compare(path("other"), path("baselines"), {});
  EXPECT_FALSE(result.regressed());
  ASSERT_EQ(result.notes.size(), 1u);
  EXPECT_NE(result.notes[0].find("elsewhere"), std::string::npos);
  EXPECT_NE(study::comparison_table(result, false).find("nothing was compared"), std::string::npos);
  EXPECT_TRUE(study::compare(path("other"), path("baselines"), {.strict = true}).regressed());
  // the user may say which platform it is
  const study::CompareOptions named{.platform = "ci-x86-gcc12-serial-avx512"};
  EXPECT_EQ(regressions(study::compare(path("other"), path("baselines"), named)), "counter:roots");
}

TEST_F(Compare, NoBaselinesAtAllIsLogged) {
  add("runs", sample_record());
  EXPECT_FALSE(study::compare(path("runs"), path("baselines"), {}).regressed());
}

TEST_F(Compare, BadInputNamesTheFile) {
  add("a", sample_record());
  auto const message = [&](std::string const& b) {
    return error_of([&] { study::compare(path("a"), path(b), {}); });
  };
  EXPECT_NE(message("nowhere").find("nowhere"), std::string::npos);
  fs::create_directories(path("empty"));
  EXPECT_NE(message("empty").find("no result.json"), std::string::npos);
  write("torn/result.json", "{\"format\": ");
  EXPECT_NE(message("torn").find("torn/result.json"), std::string::npos);
  write("alien/result.json", "{\"format\": \"other/7\"}");
  EXPECT_NE(message("alien").find("other/7"), std::string::npos);
  write("number/result.json", "{\"format\": 3}");
  EXPECT_NE(message("number").find("number/result.json"), std::string::npos);
  auto lacking = sample_record();
  lacking.erase("counters");
  add("lacking", lacking);
  EXPECT_NE(message("lacking").find("counters"), std::string::npos);
  add("twice", sample_record());
  write("twice/other/a1/result.json", sample_record().dump());
  EXPECT_NE(message("twice").find("too"), std::string::npos);
}

TEST_F(Compare, TheJsonSaysTheSame) {
  auto const result = after([](Json& r) { r["counters"]["roots"] = 59; });
  auto const json = Json::parse(study::comparison_json(result));
  EXPECT_EQ(json.at("format"), "moho.compare/1");
  EXPECT_EQ(json.at("regressed"), true);
  EXPECT_EQ(json.at("regressions"), 1);
  for (auto const& f : json.at("findings")) {
    if (f.at("verdict") != "regression") continue;
    EXPECT_EQ(f.at("name"), "roots");
    EXPECT_EQ(f.at("base"), 60);
    EXPECT_EQ(f.at("now"), 59);
  }
}

TEST(DefaultTolerance, TellsCountsFromErrors) {
  EXPECT_EQ(study::default_tolerance(60).rel, 0);
  EXPECT_EQ(study::default_tolerance(60).abs, 0);
  EXPECT_EQ(study::default_tolerance(0).rel, 0);
  EXPECT_EQ(study::default_tolerance(0).abs, 1e-12);
  EXPECT_EQ(study::default_tolerance(1e-11).rel, 0.1);
}

} // namespace
