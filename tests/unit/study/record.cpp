// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/record.hpp"
#include "moho/core/error.hpp"
#include "moho/parallel/hdf5.hpp"
#include "moho/study/atomic_file.hpp"
#include <cmath>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <limits>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace moho::study {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

Record sound() {
  Record record;
  record.study = "demo";
  record.item.problem.name = "p";
  record.item.method.name = "m";
  record.item.problem.parameters.set("seed", std::int64_t{7});
  record.item.limits["error"].most = 1e-3;
  record.item.id = case_id(record.item);
  record.provenance = R"({"git":{},"build":{},"host":{},"run":{"seed":null}})";
  record.checks = {{"closed_form", 1e-14, Relation::at_most, 1e-12, "a note"}};
  record.counters = {{"curves", 100, true}, {"roots", 7}};
  record.timings["apply"] = {{0.5, 0.4, 0.6}, 0.3, 0.5, 1};
  record.timings["prepare"] = {{0.1}, 0.1, 0.1, 0};
  record.metrics = {{"error", 0.1 + 0.2}, {"unknown", nan}};
  record.metrics[0].value = 1e-4;
  record.data = {{"curve/phase", "km/s", std::vector<double>{1, nan, 3}},
                 {"curve/mode", "", std::vector<std::int32_t>{0, 1, 2}},
                 {"case/name", "", std::vector<std::string>{"a", "b"}}};
  return record;
}

Json json_of(Record const& record) {
  return Json::parse(to_json(record));
}

TEST(Record, CheckHoldsOnlyForNumbers) {
  for (const Relation relation : {Relation::at_most, Relation::at_least, Relation::equal}) {
    EXPECT_TRUE((Check{"x", 1, relation, 1}.pass()));
    EXPECT_FALSE((Check{"x", nan, relation, 1}.pass()));
    EXPECT_FALSE((Check{"x", 1, relation, nan}.pass()));
  }
  EXPECT_FALSE((Check{"x", 2, Relation::at_most, 1}.pass()));
  EXPECT_FALSE((Check{"x", 0, Relation::at_least, 1}.pass()));
  EXPECT_FALSE((Check{"x", 0, Relation::equal, 1}.pass()));
}

TEST(Record, SoundResultIsRated) {
  Record record = sound();
  judge(record);
  EXPECT_EQ(record.status, CaseStatus::ok);
  const Json json = json_of(record);
  EXPECT_EQ(json["status"], "ok");
  EXPECT_EQ(json["checks"].size(), 2u); // the limit is a check as well
  EXPECT_EQ(json["checks"][1]["name"], "error");
  ASSERT_EQ(json["fom"].size(), 1u); // `roots` is no rate
  EXPECT_EQ(json["fom"][0]["name"], "curves_per_second");
  EXPECT_EQ(json["fom"][0]["value"], 200.0); // 100 curves in the median of 0.5 s
  EXPECT_EQ(json["counters"]["curves"], 100);
  EXPECT_TRUE(json["metrics"]["unknown"].is_null());
  EXPECT_EQ(json["provenance"]["run"]["seed"], 7);
  EXPECT_EQ(json["timings"]["apply"]["samples"], Json({0.5, 0.4, 0.6}));
  EXPECT_NEAR(json["timings"]["apply"]["mad"].get<double>(), 0.1, 1e-15);
  EXPECT_FALSE(json.contains("error"));
  EXPECT_EQ(json["data"], "data.h5");
}

TEST(Record, AFailedCheckVoidsTheRating) {
  Record record = sound();
  record.checks[0].value = 1e-3;
  judge(record);
  EXPECT_EQ(record.status, CaseStatus::invalid);
  EXPECT_EQ(json_of(record)["status"], "invalid");
  EXPECT_TRUE(json_of(record)["fom"][0]["value"].is_null());
  EXPECT_FALSE(json_of(record)["checks"][0]["pass"].get<bool>());
}

TEST(Record, ABrokenLimitOrAnUnknownMetricVoidsTheRating) {
  for (double const value : {2e-3, nan, std::numeric_limits<double>::infinity()}) {
    Record record = sound();
    record.metrics[0].value = value;
    judge(record);
    EXPECT_EQ(record.status, CaseStatus::invalid) << value;
  }
  Record record = sound();
  record.metrics.clear();
  judge(record);
  EXPECT_EQ(record.status, CaseStatus::invalid);
}

TEST(Record, InfinityIsNoPass) { // JSON has no infinity: value null means not passed
  Record record = sound();
  record.checks[0] = {"x", -std::numeric_limits<double>::infinity(), Relation::at_most, 1};
  judge(record);
  EXPECT_EQ(record.status, CaseStatus::invalid);
  EXPECT_FALSE(json_of(record)["checks"][0]["pass"].get<bool>());
}

TEST(Record, NumbersReadBackExactly) {
  Record record = sound();
  double const value = 0.1 + 0.2;
  record.metrics[0].value = value;
  EXPECT_EQ(json_of(record)["metrics"]["error"].get<double>(), value);
}

TEST(Record, CeilingsStandWithTheHost) {
  Record record = sound();
  EXPECT_FALSE(json_of(record)["provenance"]["host"].contains("gemm"));
  record.ceilings = {nan, 2e10};
  EXPECT_EQ(json_of(record)["provenance"]["host"]["gemm"], 2e10);
  EXPECT_TRUE(json_of(record)["provenance"]["host"]["stream"].is_null());
}

class RecordFolder : public testing::Test {
protected:
  RecordFolder()
      : _folder(fs::temp_directory_path() / ("moho_record_" + std::to_string(::getpid()))) {
    fs::remove_all(_folder);
  }
  ~RecordFolder() override { fs::remove_all(_folder); }
  std::string folder() const { return _folder.string(); }
  fs::path _folder;
};

TEST_F(RecordFolder, WritesBothFilesAndReadsTheOutcome) {
  Record record = sound();
  judge(record);
  write_record(record, folder());
  const Outcome outcome = read_outcome(folder(), record.item.id);
  EXPECT_TRUE(outcome.done);
  EXPECT_EQ(outcome.status, CaseStatus::ok);
  EXPECT_EQ(outcome.apply, 0.5);
  ASSERT_EQ(outcome.merits.size(), 1u);
  EXPECT_EQ(outcome.merits[0].value, 200);
  auto file = parallel::h5::File::open(folder() + "/data.h5");
  EXPECT_EQ(file.read_doubles("/curve/phase")[2], 3);
  EXPECT_EQ(file.string_attribute("/curve/phase", "units"), "km/s");
  EXPECT_EQ(file.read_ints("/curve/mode")[2], 2);
  EXPECT_EQ(file.read_strings("/case/name")[1], "b");
}

TEST_F(RecordFolder, AnotherCaseOrADamagedRecordIsNotDone) {
  Record record = sound();
  judge(record);
  write_record(record, folder());
  EXPECT_FALSE(read_outcome(folder(), "other-id").done);
  EXPECT_FALSE(read_outcome(folder() + "x", record.item.id).done);
  const std::string path = folder() + "/result.json", text = read_file(path);
  for (std::string const& damaged :
       {std::string(), text.substr(0, text.size() / 2), std::string("[]"), std::string("{}")}) {
    write_atomically(path, damaged);
    EXPECT_FALSE(read_outcome(folder(), record.item.id).done) << damaged;
  }
}

TEST_F(RecordFolder, AFailureIsARecordThatIsRunAgain) {
  Record record;
  record.item = sound().item;
  record.study = "demo";
  record.provenance = sound().provenance;
  record.error = "something broke (\xff) in f\"ile";
  write_record(record, folder());
  const Outcome outcome = read_outcome(folder(), record.item.id);
  EXPECT_FALSE(outcome.done);
  EXPECT_EQ(outcome.status, CaseStatus::failed);
  EXPECT_NE(outcome.error.find("something broke"), std::string::npos);
  EXPECT_FALSE(fs::exists(_folder / "data.h5"));
}

TEST_F(RecordFolder, InvalidIsDoneAndTellsWhy) {
  Record record = sound();
  record.metrics[0].value = 0.5;
  judge(record);
  write_record(record, folder());
  const Outcome outcome = read_outcome(folder(), record.item.id);
  EXPECT_TRUE(outcome.done);
  EXPECT_EQ(outcome.status, CaseStatus::invalid);
  EXPECT_EQ(outcome.broken, std::vector<std::string>{"error 0.5 <= 0.001: limit of the study"});
}

TEST_F(RecordFolder, LeftoversOfAKilledRunGo) {
  fs::create_directories(_folder);
  constexpr char gone[] = ".data.tmp1999999999.h5"; // of a process that cannot be
  const std::string alive = ".data.tmp" + std::to_string(::getppid()) + ".h5";
  std::ofstream(_folder / gone) << "half";
  std::ofstream(_folder / alive) << "half";
  std::ofstream(_folder / "notes.txt") << "mine";
  Record record = sound();
  judge(record);
  write_record(record, folder());
  EXPECT_FALSE(fs::exists(_folder / gone));
  EXPECT_TRUE(fs::exists(_folder / alive));
  EXPECT_TRUE(fs::exists(_folder / "notes.txt"));
}

TEST_F(RecordFolder, DataOfAnotherRunNeverStandsBesideARecord) {
  Record record = sound();
  judge(record);
  write_record(record, folder());
  record.data.clear();
  write_record(record, folder());
  EXPECT_FALSE(fs::exists(_folder / "data.h5"));
  EXPECT_TRUE(json_of(record)["data"].is_null());
  // When the data cannot be written, what was there stays, and nothing else.
  record.data = {{"a", "", std::vector<double>{1}}, {"a", "", std::vector<double>{2}}};
  EXPECT_THROW(write_record(record, folder()), Error);
  EXPECT_TRUE(read_outcome(folder(), record.item.id).done);
  EXPECT_EQ(std::distance(fs::directory_iterator(_folder), fs::directory_iterator()), 1);
}

TEST_F(RecordFolder, UnwritableFolderIsNamed) {
  Record record = sound();
  judge(record);
  try {
    write_record(record, "/proc/version/x");
    FAIL();
  } catch (Error const& error) {
    EXPECT_NE(std::string(error.what()).find("/proc/version/x"), std::string::npos);
  }
}

} // namespace
} // namespace moho::study
