// SPDX-License-Identifier: BSD-3-Clause
// The main flow with a toy problem, on 1 to 4 ranks: what it records, and what it does when a step
// fails on all ranks, on one, or is interrupted.
#include "moho/study/runner.hpp"
#include "moho/study/atomic_file.hpp"
#include "support/errors.hpp"
#include "support/mpi_support.hpp"
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <thread>
#include <unistd.h>

namespace moho::study {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using test::all_ranks_agree;
using test::holds_on_all_ranks;

/// What goes wrong, and where: "verify", "draw", ... on every rank; with a '!' on the last rank
/// only.
struct Trouble {
  std::string step;
  void maybe(std::string const& here, parallel::Comm const& comm) const {
    if (step == here) throw Error("trouble in " + here);
    if (step == here + "!" && comm.rank() == comm.size() - 1)
      throw std::runtime_error("trouble in " + here);
  }
};

/// Asked for: twice the input.
class Doubling : public Problem {
public:
  explicit Doubling(Parameters const& parameters) : _trouble{parameters.text("trouble")} {
    if (_trouble.step == "make") throw Error("trouble in make");
  }
  std::size_t count(Split) const override { return 4; }
  Batch draw(Split split, std::uint64_t first, std::size_t n) const override {
    _trouble.maybe("draw", parallel::Comm());
    std::vector<double> values;
    for (std::size_t i = 0; i < n; ++i)
      values.push_back(static_cast<double>(first + i) + (split == Split::test ? 0 : 0.5));
    Batch batch(n);
    batch.set("x", "", values);
    return batch;
  }
  Batch truth(Batch const& inputs, parallel::Comm const& comm) const override {
    ++truths;
    if (_trouble.step == "slow") std::this_thread::sleep_for(std::chrono::milliseconds(200));
    _trouble.maybe("truth", comm);
    std::vector<double> values = inputs.reals("x");
    for (double& v : values) v *= 2;
    Batch truth(inputs.count());
    truth.set("y", "", values);
    return truth;
  }
  std::vector<Check> verify(parallel::Comm const& comm) const override {
    ++verified;
    _trouble.maybe("verify", comm);
    return {{"known", _trouble.step == "check" ? 1.0 : 0.0, Relation::equal, 0}};
  }
  Assessment assess(Batch const&, Batch const& truth, Batch const& answers) const override {
    _trouble.maybe("assess", parallel::Comm());
    double error = 0;
    for (std::size_t i = 0; i < 4; ++i)
      error = std::max(error, std::abs(truth.reals("y")[i] - answers.reals("y")[i]));
    return {{{"error", error}}, {{"items", 4, true}}, {{"y", "", answers.reals("y")}}};
  }
  inline static int verified = 0, truths = 0;

private:
  Trouble _trouble;
};

class Doubler : public Method {
public:
  explicit Doubler(Parameters const& parameters) : _trouble{parameters.text("fault")} {}
  Preparation prepare(Problem const& problem, parallel::Comm const& comm) override {
    _comm = comm;
    if (_trouble.step.starts_with("learn"))
      problem.truth(problem.draw_together(Split::train, 0, 4, comm), comm);
    _trouble.maybe("prepare", comm);
    return {{{"samples", 3}}, {}, {}};
  }
  void apply(Batch const& in, Batch& out) override {
    ++applied;
    _trouble.maybe("apply", _comm);
    if (_trouble.step == "slow") std::this_thread::sleep_for(std::chrono::milliseconds(20));
    if (_trouble.step == "signal" && _comm.rank() == _comm.size() - 1) std::raise(SIGUSR1);
    if (!_comm.root()) return;
    std::vector<double> values = in.reals("x");
    for (double& v : values) v *= _trouble.step == "wrong" ? 2.5 : 2;
    out = Batch(in.count());
    out.set("y", "", values);
  }
  Cost cost() const override { return {4, {}, {}, {}}; }
  inline static int applied = 0;

private:
  parallel::Comm _comm;
  Trouble _trouble;
};

Choice choice(char const* name, char const* key, std::string const& value) {
  Choice result{name, {}};
  result.parameters.set(key, value);
  return result;
}

Study study(std::vector<std::string> const& troubles, std::vector<std::string> const& faults) {
  Study result;
  result.name = "toy";
  for (std::string const& trouble : troubles)
    result.problems.push_back(choice("doubling", "trouble", trouble));
  for (std::string const& fault : faults)
    result.methods.push_back(choice("doubler", "fault", fault));
  result.measure = {3, 2, 0, false};
  result.limits["error"].most = 0.1;
  return result;
}

class Runner : public testing::Test {
protected:
  Runner() {
    int pid = static_cast<int>(::getpid());
    MPI_Bcast(&pid, 1, MPI_INT, 0, MPI_COMM_WORLD);
    _folder = fs::temp_directory_path() / ("moho_runner_" + std::to_string(pid));
    clean();
    options.out = _folder.string();
    options.command = {"moho", "run", "toy.toml"};
    options.make_problem = [](Choice const& c, Environment const&) {
      return std::make_unique<Doubling>(c.parameters);
    };
    options.make_method = [](Choice const& c) { return std::make_unique<Doubler>(c.parameters); };
    Doubling::verified = Doubling::truths = Doubler::applied = 0;
  }
  ~Runner() override { clean(); }

  void clean() const {
    MPI_Barrier(MPI_COMM_WORLD);
    if (comm.root()) fs::remove_all(_folder);
    MPI_Barrier(MPI_COMM_WORLD);
  }
  RunReport run(Study const& study) { return run_study(study, options, comm); }
  /// The error that all ranks get; "" if none.
  std::string error_of(Study const& study) {
    return test::error_of([&] { run(study); });
  }
  Json record(CaseReport const& report) const {
    return Json::parse(read_file(report.folder + "/result.json"));
  }
  std::size_t files() const {
    std::size_t n = 0;
    if (fs::exists(_folder))
      for (auto const& entry : fs::recursive_directory_iterator(_folder))
        n += entry.is_regular_file();
    return n;
  }

  parallel::Comm comm;
  RunOptions options;
  fs::path _folder;
};

TEST_F(Runner, LeavesARecord) {
  const RunReport report = run(study({""}, {""}));
  EXPECT_EQ(report.exit_code(), ExitCode::ok);
  EXPECT_EQ(report.count(Action::ran), 1u);
  EXPECT_EQ(Doubler::applied, 5); // 2 to warm up, 3 timed: on every rank
  EXPECT_TRUE(all_ranks_agree(Doubler::applied));
  if (comm.root()) {
    const Json json = record(report.cases[0]);
    EXPECT_EQ(json["status"], "ok");
    EXPECT_EQ(json["id"], report.cases[0].id);
    EXPECT_EQ(json["timings"]["apply"]["samples"].size(), 3u);
    EXPECT_EQ(json["timings"]["apply"]["warmup"], 2);
    EXPECT_EQ(json["timings"]["prepare"]["samples"].size(), 1u);
    EXPECT_LE(json["timings"]["apply"]["rank_min"], json["timings"]["apply"]["rank_max"]);
    EXPECT_EQ(json["counters"], Json({{"samples", 3}, {"items", 4}, {"flops", 4}}));
    EXPECT_EQ(json["metrics"]["error"], 0.0);
    EXPECT_EQ(json["provenance"]["run"]["ranks"], comm.size());
    EXPECT_GT(json["provenance"]["run"]["peak_memory"], 1 << 20); // byte, not KiB or pages
    EXPECT_LT(json["provenance"]["run"]["peak_memory"], std::int64_t{4} << 30);
    EXPECT_EQ(json["provenance"]["run"]["command"], Json(options.command));
    EXPECT_EQ(files(), 3u); // study.toml, result.json, data.h5
  }
}

TEST_F(Runner, FinishedCasesAreSkippedUnlessForced) {
  run(study({"", "check"}, {""}));
  int const applied = Doubler::applied;
  RunReport report = run(study({"", "check"}, {""}));
  EXPECT_EQ(report.count(Action::skipped), 2u);
  EXPECT_EQ(Doubler::applied, applied);
  EXPECT_EQ(report.exit_code(), ExitCode::invalid); // what was invalid still is
  options.force = true;
  report = run(study({"", "check"}, {""}));
  EXPECT_EQ(report.count(Action::ran), 2u);
  EXPECT_GT(Doubler::applied, applied);
}

TEST_F(Runner, AProblemIsVerifiedOnceForAllItsCases) {
  run(study({""}, {"", "wrong"}));
  EXPECT_EQ(Doubling::verified, 1);
}

// What a problem drew and knew serves all methods; whose turn it was shows in `data` alone.
TEST_F(Runner, TheTrainingSetIsWorkedOutOnceAndIsNobodysTime) {
  const RunReport report = run(study({"slow"}, {"learn 1", "learn 2", ""}));
  EXPECT_EQ(Doubling::truths, 2); // of the training items and of those asked about
  EXPECT_EQ(report.exit_code(), ExitCode::ok);
  if (!comm.root()) return;
  auto const median = [&](std::size_t item, char const* region) {
    return record(report.cases[item])["timings"][region]["median"].get<double>();
  };
  EXPECT_GE(median(0, "data"), 0.2);
  EXPECT_LT(median(1, "data"), 0.1);
  for (std::size_t const item : {0u, 1u}) EXPECT_LT(median(item, "prepare"), 0.1) << item;
  EXPECT_FALSE(record(report.cases[2])["timings"].contains("data"));
}

TEST_F(Runner, AnotherProblemIsWorkedOutAnew) {
  run(study({"", "second", "third"}, {"learn 1", "learn 2"}));
  EXPECT_EQ(Doubling::truths, 6);
}

// A draw that fails on one rank fails on all, in every case of the problem.
TEST_F(Runner, WhatFailedToBeDrawnIsTriedAgainByAllRanks) {
  const RunReport report = run(study({"draw!"}, {"", "learn 1"}));
  for (CaseReport const& item : report.cases) EXPECT_EQ(item.outcome.status, CaseStatus::failed);
}

TEST_F(Runner, MinTimeAsksForMoreRepeats) {
  Study slow = study({""}, {"slow"});
  slow.measure = {1, 0, 0.1, false};
  run(slow);
  EXPECT_GE(Doubler::applied, 2);
  EXPECT_LE(Doubler::applied, 6);
  EXPECT_TRUE(all_ranks_agree(Doubler::applied));
}

TEST_F(Runner, VeryShortCallsAreNotRepeatedForEver) {
  Study quick = study({""}, {""});
  quick.measure = {1, 0, 1e6, false};
  run(quick);
  EXPECT_EQ(Doubler::applied, 1000);
}

TEST_F(Runner, AFailedCheckOrLimitVoidsTheRating) {
  const RunReport report = run(study({"", "check"}, {"", "wrong"}));
  EXPECT_EQ(report.exit_code(), ExitCode::invalid);
  std::string statuses;
  for (CaseReport const& item : report.cases)
    statuses += std::string(name(item.outcome.status)) + " ";
  EXPECT_EQ(statuses, "ok invalid invalid invalid ");
  if (comm.root()) {
    for (CaseReport const& item : report.cases)
      EXPECT_EQ(record(item)["fom"][0]["value"].is_null(), item.outcome.status != CaseStatus::ok);
  }
}

TEST_F(Runner, AFailingStepIsRecordedAndTheSweepGoesOn) {
  for (std::string const step :
       {"verify", "verify!", "draw", "draw!", "truth", "truth!", "assess"}) {
    const RunReport report = run(study({step, ""}, {""}));
    EXPECT_EQ(report.exit_code(), ExitCode::crashed) << step;
    EXPECT_EQ(report.cases[0].outcome.status, CaseStatus::failed) << step;
    EXPECT_EQ(report.cases[1].outcome.status, CaseStatus::ok) << step;
    if (comm.root()) {
      const Json json = record(report.cases[0]);
      EXPECT_EQ(json["status"], "failed");
      EXPECT_NE(json["error"].get<std::string>().find("trouble in "), std::string::npos) << json;
      EXPECT_TRUE(json["fom"].empty());
      EXPECT_TRUE(json["data"].is_null());
    }
  }
}

TEST_F(Runner, AFailingMethodIsRecordedAndTheSweepGoesOn) {
  for (std::string const step : {"prepare", "prepare!", "apply", "apply!"}) {
    const RunReport report = run(study({""}, {step, ""}));
    EXPECT_EQ(report.exit_code(), ExitCode::crashed) << step;
    EXPECT_EQ(report.cases[0].outcome.status, CaseStatus::failed) << step;
    EXPECT_EQ(report.cases[1].outcome.status, CaseStatus::ok) << step;
  }
}

TEST_F(Runner, AFailedCaseIsTriedAgain) {
  Study failing = study({""}, {"apply"});
  EXPECT_EQ(run(failing).exit_code(), ExitCode::crashed);
  EXPECT_EQ(run(failing).count(Action::ran), 1u);
}

TEST_F(Runner, WhatCannotBeMadeStopsTheStudyBeforeAnythingIsWritten) {
  EXPECT_EQ(error_of(study({"", "make"}, {""})), "trouble in make");
  EXPECT_EQ(Doubler::applied, 0);
  if (comm.root()) {
    EXPECT_EQ(files(), 0u);
  }
}

TEST_F(Runner, DryRunWritesNothing) {
  options.dry_run = true;
  RunReport report = run(study({"", "check"}, {""}));
  EXPECT_EQ(report.count(Action::remaining), 2u);
  if (comm.root()) {
    EXPECT_FALSE(fs::exists(_folder));
  }
  options.dry_run = false;
  run(study({""}, {""}));
  options.dry_run = true;
  report = run(study({"", "check"}, {""}));
  EXPECT_EQ(report.count(Action::skipped), 1u);
  EXPECT_EQ(report.count(Action::remaining), 1u);
}

TEST_F(Runner, ASignalOnAnyRankEndsTheRunWithoutAHalfRecord) {
  const RunReport report = run(study({""}, {"", "signal", "wrong"}));
  EXPECT_EQ(report.signal, SIGUSR1);
  EXPECT_TRUE(all_ranks_agree(report.signal));
  EXPECT_EQ(report.count(Action::ran), 1u);
  EXPECT_EQ(report.count(Action::remaining), 2u);
  EXPECT_EQ(report.exit_code(), ExitCode::ok);
  if (comm.root()) {
    EXPECT_EQ(files(), 3u);
    EXPECT_FALSE(fs::exists(report.cases[1].folder));
  }
  const RunReport again = run(study({""}, {"", "wrong"}));
  EXPECT_EQ(again.count(Action::skipped), 1u);
  EXPECT_EQ(again.count(Action::ran), 1u);
  EXPECT_EQ(again.signal, 0);
}

TEST_F(Runner, NoCaseIsBegunAfterTheTimeLimit) {
  options.max_time = 0;
  RunReport report = run(study({""}, {"", "wrong"}));
  EXPECT_EQ(report.count(Action::remaining), 2u);
  EXPECT_TRUE(report.out_of_time);
  EXPECT_EQ(Doubler::applied, 0);
  // The second case is not begun: the first shows that it would take too long.
  Study slow = study({""}, {"slow", "wrong"});
  slow.measure = {1, 0, 0.6, false};
  options.max_time = 0.9;
  report = run(slow);
  EXPECT_EQ(report.count(Action::ran), 1u);
  EXPECT_EQ(report.count(Action::remaining), 1u);
}

TEST_F(Runner, CasesOfOtherSizesAreLeftToTheirLaunch) {
  Study scaled = study({""}, {""});
  scaled.axes.push_back({"ranks", AxisTarget::ranks, {}});
  for (std::int64_t n = 1; n <= 5; ++n) scaled.axes[0].values.emplace_back(n);
  const RunReport report = run(scaled);
  EXPECT_EQ(report.cases.size(), 1u);
  EXPECT_EQ(report.other_sizes.size(), 4u);
  if (comm.root()) {
    EXPECT_EQ(record(report.cases[0])["case"]["ranks"], comm.size());
  }
  scaled.axes[0].values = {Value(std::int64_t{5})};
  EXPECT_NE(error_of(scaled).find("has 5"), std::string::npos);
}

TEST_F(Runner, AFolderThatCannotBeWrittenIsAnErrorOnAllRanks) {
  if (comm.root()) std::ofstream(_folder) << "a file";
  const std::string error = error_of(study({""}, {""}));
  EXPECT_NE(error.find(_folder.string()), std::string::npos) << error;
  EXPECT_TRUE(all_ranks_agree(error));
  EXPECT_EQ(Doubler::applied, 0);
}

TEST_F(Runner, ADamagedRecordIsRunAgain) {
  RunReport report = run(study({""}, {""}));
  if (comm.root()) write_atomically(report.cases[0].folder + "/result.json", "{\"format\":");
  comm.barrier();
  report = run(study({""}, {""}));
  EXPECT_EQ(report.count(Action::ran), 1u);
}

TEST_F(Runner, MachineRatesStandInTheRecord) {
  Study measured = study({""}, {""});
  measured.measure.ceilings = true;
  const RunReport report = run(measured);
  if (comm.root()) {
    const Json host = record(report.cases[0])["provenance"]["host"];
    ASSERT_TRUE(host.contains("gemm") && host.contains("stream"));
    for (char const* rate : {"gemm", "stream"}) // null when something else used the machine
      EXPECT_TRUE(host[rate].is_null() || host[rate].get<double>() > 1e6) << host;
  }
}

TEST_F(Runner, EveryRankGetsTheReport) {
  const RunReport report = run(study({"", "check"}, {"", "apply"}));
  EXPECT_TRUE(all_ranks_agree(static_cast<int>(report.exit_code())));
  std::string text;
  for (CaseReport const& item : report.cases)
    text += item.id + name(item.action) + name(item.outcome.status);
  EXPECT_TRUE(all_ranks_agree(text));
}

} // namespace
} // namespace moho::study
