// SPDX-License-Identifier: BSD-3-Clause
// `moho baseline update`: what is stored, what is kept, what is refused.
#include "sample_records.hpp"

namespace {

using namespace moho;
using namespace moho::test;

constexpr char file[] = "baselines/ci-x86-gcc12-serial-avx512/accuracy.json";

class Update : public InFolder {};

TEST_F(Update, StoresWhatARunLeft) {
  add("runs", sample_record());
  auto const updated = update("runs", {.why = "first values"});
  ASSERT_EQ(updated.size(), 1u);
  EXPECT_EQ(updated[0].added, 1u);
  auto const json = read(file);
  EXPECT_EQ(json.at("format"), "moho.baseline/1");
  EXPECT_EQ(json.at("platform"), "ci-x86-gcc12-serial-avx512");
  EXPECT_EQ(json.at("study"), "accuracy");
  EXPECT_EQ(json.at("why"), "first values");
  EXPECT_EQ(json.at("sha"), "abc");
  EXPECT_EQ(json.at("utc"), "2026-01-02T03:04:05Z");
  auto const& one = json.at("cases").at("a1");
  EXPECT_EQ(one.at("counters").at("layer_evaluations"), 123456789012345);
  EXPECT_EQ(one.at("metrics").at("phase_rel_max"), Json::array({1e-11, 1e-12, 0.1}));
  EXPECT_EQ(one.at("metrics").at("points"), Json::array({60.0, 0.0, 0.0}));
  EXPECT_EQ(one.at("metrics").at("group_rel_max"), Json::array({nullptr, 0.0, 0.0}));
  EXPECT_EQ(one.at("timings").at("apply"), Json::array({0.6, 0.1, 3, "s", "lower", "soft"}));
  EXPECT_EQ(one.at("timings").at("fom:curves_per_second"),
            Json::array({100.5, nullptr, 1, "1/s", "higher", "soft"}));
  EXPECT_EQ(one.at("checks"), Json::array({"phase_rel_max"}));
  // nothing but the file: the temporary one is gone
  std::size_t files = 0;
  for (auto const& entry : fs::directory_iterator(fs::path(path(file)).parent_path()))
    files += entry.is_regular_file() ? 1 : 0;
  EXPECT_EQ(files, 1u);
}

TEST_F(Update, RefusesAnEmptyReason) {
  add("runs", sample_record());
  for (auto const* why : {" ", "\t\n"}) {
    auto const message = error_of([&] { update("runs", {.why = why}); });
    EXPECT_NE(message.find("--why"), std::string::npos) << message;
  }
  auto const message = error_of(
      [&] { study::update_baselines(path("runs"), {.why = "", .folder = path("baselines")}); });
  EXPECT_NE(message.find("--why"), std::string::npos) << message;
  EXPECT_FALSE(fs::exists(path("baselines")));
}

TEST_F(Update, RefusesWhatIsNotValid) {
  for (auto const* status : {"invalid", "failed", "partial"}) {
    auto record = sample_record("bad");
    record["status"] = status;
    add("runs", sample_record());
    add("runs", record);
    auto const message = error_of([&] { update("runs"); });
    EXPECT_TRUE(names(message, {status, "bad/result.json"}));
  }
  auto record = sample_record("bad");
  record["checks"][0]["pass"] = false;
  add("runs", record);
  EXPECT_TRUE(names(error_of([&] { update("runs"); }), {"phase_rel_max"}));
  EXPECT_FALSE(fs::exists(path("baselines")));
}

TEST_F(Update, RefusesAFolderWithoutRecords) {
  fs::create_directories(path("runs"));
  EXPECT_TRUE(names(error_of([&] { update("runs"); }), {"no result.json"}));
}

TEST_F(Update, RefusesTwoPlatformsAtOnce) {
  auto record = sample_record("b1");
  record["provenance"]["build"]["platform"] = "elsewhere";
  add("runs", sample_record());
  add("runs", record);
  EXPECT_TRUE(names(error_of([&] { update("runs"); }), {"elsewhere"}));
  EXPECT_EQ(update("runs", {.platform = "mysite"}).size(), 1u);
  EXPECT_TRUE(fs::exists(path("baselines/mysite/accuracy.json")));
}

TEST_F(Update, KeepsCasesThatWereNotRun) {
  add("runs", sample_record("a1"));
  add("runs", sample_record("a2"));
  update("runs", {.why = "old"});
  add("less", sample_record("a1"));
  auto const kept = update("less", {.why = "new"});
  EXPECT_EQ(kept.at(0).replaced, 1u);
  EXPECT_EQ(kept.at(0).kept, 1u);
  EXPECT_EQ(read(file).at("cases").at("a1").at("why"), "new");
  EXPECT_EQ(read(file).at("cases").at("a2").at("why"), "old");
  EXPECT_EQ(update("less", {.prune = true}).at(0).dropped, 1u);
  EXPECT_EQ(read(file).at("cases").size(), 1u);
}

TEST_F(Update, KeepsTolerancesThatAPersonSet) {
  add("runs", sample_record());
  update("runs", {.tolerances = {{"phase_rel_max", {3e-10, 0.5}}}});
  EXPECT_EQ(read(file).at("cases").at("a1").at("metrics").at("phase_rel_max"),
            Json::array({1e-11, 3e-10, 0.5}));
  auto record = sample_record();
  record["metrics"]["phase_rel_max"] = 2e-11;
  record["metrics"]["points"] = 60.5;
  add("runs", record);
  update("runs");
  auto const metrics = read(file).at("cases").at("a1").at("metrics");
  EXPECT_EQ(metrics.at("phase_rel_max"), Json::array({2e-11, 3e-10, 0.5}));
  EXPECT_EQ(metrics.at("points"), Json::array({60.5, 1e-12, 0.1})); // was the default, stays so
}

TEST_F(Update, RunningItTwiceChangesNothing) {
  add("runs", sample_record());
  update("runs");
  auto const first = read(file).dump();
  update("runs");
  EXPECT_EQ(read(file).dump(), first);
}

TEST_F(Update, NumbersReadBackTheSame) {
  auto record = sample_record();
  record["metrics"]["phase_rel_max"] = 0.1 + 0.2;
  add("runs", record);
  update("runs");
  EXPECT_EQ(read(file).at("cases").at("a1").at("metrics").at("phase_rel_max").at(0).get<double>(),
            0.1 + 0.2);
}

TEST_F(Update, TellsThatTheSourceHadChanges) {
  auto record = sample_record();
  record["provenance"]["git"]["dirty"] = true;
  add("runs", record);
  EXPECT_TRUE(update("runs").at(0).dirty);
  EXPECT_EQ(read(file).at("dirty"), true);
}

} // namespace
