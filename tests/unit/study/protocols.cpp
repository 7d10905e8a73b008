// SPDX-License-Identifier: BSD-3-Clause
// Cross-validation through the runner with toy problems, on 1 to 4 ranks: rows and their matrix,
// cases side by side on groups of ranks, and that nothing is asked about that was seen before.
#include "moho/parallel/hdf5.hpp"
#include "moho/study/atomic_file.hpp"
#include "moho/study/function_batch.hpp"
#include "moho/study/runner.hpp"
#include "moho/study/witness.hpp"
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

/// Asked for: the input itself; inputs lie around `centre`.
class Echo : public Problem, public Probed {
public:
  explicit Echo(Parameters const& p) : _centre(p.integer("centre")), _same(p.flag("same")) {}
  std::size_t count(Split) const override { return 3; }
  Space space() const override {
    return {"", "echo", {std::to_string(_centre), std::to_string(0)}};
  }
  Batch draw(Split split, std::uint64_t first, std::size_t n) const override {
    std::vector<double> values;
    for (std::size_t i = 0; i < n; ++i)
      values.push_back(static_cast<double>(_centre) + 0.01 * static_cast<double>(first + i) +
                       (_same ? 0 : 0.1 * static_cast<double>(split)));
    Batch batch(n);
    batch.set(input_array, "", values, {n, 1});
    return batch;
  }
  Batch truth(Batch const& inputs, parallel::Comm const&) const override {
    ++truths;
    Batch truth(inputs.count());
    truth.set(output_array, "", inputs.reals(input_array));
    return truth;
  }
  std::vector<Check> verify(parallel::Comm const&) const override { return {}; }
  Assessment assess(Batch const&, Batch const& truth, Batch const& answers) const override {
    double sum = 0, scale = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      sum += std::pow(answers.reals(output_array)[i] - truth.reals(output_array)[i], 2);
      scale += std::pow(truth.reals(output_array)[i], 2);
    }
    return {{{"rel_mse", sum / scale}}, {{"items", 3}}, {{"own", "", std::vector<double>{sum}}}};
  }
  Batch probes() const override {
    Batch batch(1);
    batch.set(input_array, "", std::vector<double>{1}, {1, 1});
    return batch;
  }
  Assessment assess_probes(Batch const& answers) const override {
    return {{{"response", answers.reals(output_array)[0]}}, {}, {}};
  }
  inline static int truths = 0;

private:
  std::int64_t _centre;
  bool _same;
};

/// Answers with the mean of the training inputs; peeks at the test inputs if told to.
class Average : public Method {
public:
  explicit Average(Parameters const& p) : _fault(p.text("fault")) {}
  Preparation prepare(Problem const& problem, parallel::Comm const& comm) override {
    _comm = comm;
    ++prepared;
    const Split split = _fault == "peek" ? Split::test : Split::train;
    double sum = 0;
    for (double const x : problem.draw(split, 0, problem.count(split)).reals(input_array)) sum += x;
    _mean = sum / 3;
    EXPECT_NE(capability<Probed>(problem), nullptr);
    if (_fault == "slow") std::this_thread::sleep_for(std::chrono::milliseconds(100));
    return {{{"samples", 3}}, {}, {{"mean", _mean}}};
  }
  void apply(Batch const& in, Batch& out) override {
    if (_fault == "crash" && _mean > 2) throw Error("trouble in apply");
    if (!_comm.root()) return;
    out = Batch(in.count());
    out.set(output_array, "", std::vector<double>(in.count(), _mean));
  }
  Cost cost() const override { return {5, {}, {}, {}}; }
  inline static int prepared = 0;

private:
  parallel::Comm _comm;
  std::string _fault;
  double _mean = 0;
};

class Protocols : public testing::Test {
protected:
  Protocols() {
    int pid = static_cast<int>(::getpid());
    MPI_Bcast(&pid, 1, MPI_INT, 0, MPI_COMM_WORLD);
    folder = fs::temp_directory_path() / ("moho_protocols_" + std::to_string(pid));
    clean();
    options.out = folder.string();
    options.make_problem = [](Choice const& c, Environment const&) {
      return std::make_unique<Echo>(c.parameters);
    };
    options.make_method = [](Choice const& c) { return std::make_unique<Average>(c.parameters); };
    Echo::truths = Average::prepared = 0;
  }
  ~Protocols() override { clean(); }
  void clean() const {
    comm.barrier();
    if (comm.root()) fs::remove_all(folder);
    comm.barrier();
  }

  /// Problems around 1, 2, 3: one matrix per fault.
  static Study study(std::vector<std::string> const& faults, bool same = false) {
    Study result;
    result.name = "toy";
    for (std::int64_t centre = 1; centre <= 3; ++centre) {
      Choice problem{"echo", {}};
      problem.parameters.set("centre", centre);
      problem.parameters.set("same", same);
      result.problems.push_back(problem);
    }
    for (std::string const& fault : faults) {
      Choice method{"average", {}};
      method.parameters.set("fault", fault);
      result.methods.push_back(method);
    }
    result.measure = {1, 0, 0, false};
    result.cross_validation.emplace();
    result.cross_validation->tau = 1e-3;
    return result;
  }
  RunReport run(Study const& study) { return run_study(study, options, comm); }
  Json record(CaseReport const& report) const {
    return Json::parse(read_file(report.folder + "/result.json"));
  }

  parallel::Comm comm;
  RunOptions options;
  fs::path folder;
};

TEST_F(Protocols, RowsMakeAMatrix) {
  const RunReport report = run(study({""}));
  ASSERT_EQ(report.cases.size(), 4u); // three rows and their matrix
  EXPECT_EQ(report.exit_code(), ExitCode::ok);
  EXPECT_TRUE(report.waiting.empty());
  EXPECT_EQ(Average::prepared, 3);
  EXPECT_EQ(Echo::truths, 3); // of what is asked: once for all rows
  if (!comm.root()) return;
  const Json row = record(report.cases[1]);
  EXPECT_EQ(row["case"]["prepared_on"], "echo #2");
  EXPECT_EQ(row["case"]["asked"], Json({"echo #1", "echo #2", "echo #3"}));
  EXPECT_DOUBLE_EQ(row["metrics"]["mean"], 2.01);
  EXPECT_EQ(row["counters"]["flops"], 15); // of three answers
  EXPECT_EQ(row["checks"][0]["name"], "inputs_leaked");
  const Json matrix = record(report.cases[3]);
  EXPECT_EQ(matrix["case"]["synthesis"], "cross-validation");
  EXPECT_EQ(matrix["case"]["points"].size(), 3u);
  auto const data = parallel::h5::File::open(report.cases[3].folder + "/data.h5");
  EXPECT_EQ(data.read_strings("/matrix/label")[2], "echo #3");
  EXPECT_EQ(data.shape("/matrix/rel_mse"), (std::vector<std::size_t>{3, 3}));
  const std::vector<double> error = data.read_doubles("/matrix/rel_mse");
  for (std::size_t b = 0; b < 3; ++b) {
    auto const asked = parallel::h5::File::open(report.cases[1].folder + "/data.h5");
    EXPECT_EQ(asked.read_doubles("/asked/rel_mse")[b], error[3 + b]);
  }
  EXPECT_NEAR(error[3 + 0], 0.8 * 0.8 / (1.21 * 1.21), 1e-3); // 2.01 for 1.21
  EXPECT_DOUBLE_EQ(data.read_doubles("/row/mean")[2], 3.01);
  EXPECT_EQ(matrix["metrics"]["broadest"], 1.0);
  EXPECT_GT(matrix["timings"]["rows"]["median"], 0.0);
}

TEST_F(Protocols, AFinishedStudyDoesNoWorkAndANewerRowMakesTheMatrixAgain) {
  run(study({""}));
  RunReport report = run(study({""}));
  EXPECT_EQ(report.count(Action::skipped), 4u);
  EXPECT_EQ(Average::prepared, 3);
  if (comm.root()) fs::remove(report.cases[0].folder + "/result.json");
  comm.barrier();
  report = run(study({""}));
  EXPECT_EQ(report.cases[0].action, Action::ran);
  EXPECT_EQ(report.cases[1].action, Action::skipped);
  EXPECT_EQ(report.cases[3].action, Action::ran);
}

TEST_F(Protocols, PartsOfAStudyWaitForEachOther) {
  options.selector = "0/2";
  RunReport report = run(study({""}));
  EXPECT_EQ(report.cases.size(), 2u);
  EXPECT_EQ(report.waiting.size(), 1u);
  options.selector = "1/2";
  report = run(study({""}));
  EXPECT_EQ(report.cases.size(), 2u); // the last row, then the matrix
  EXPECT_TRUE(report.waiting.empty());
}

TEST_F(Protocols, AMethodThatPeeksIsRefused) {
  const RunReport report = run(study({"peek"}));
  EXPECT_EQ(report.exit_code(), ExitCode::crashed);
  EXPECT_EQ(report.waiting.size(), 1u);
  if (comm.root()) {
    const std::string error = record(report.cases[0])["error"];
    EXPECT_NE(error.find("'average' has seen 3 of the 3 inputs of 'echo #1'"), std::string::npos)
        << error;
  }
}

TEST_F(Protocols, SplitsThatCoincideAreRefused) {
  Study plain = study({""}, true);
  EXPECT_EQ(run(plain).exit_code(), ExitCode::crashed);
  plain.cross_validation.reset();
  plain.name = "plain";
  EXPECT_EQ(run(plain).exit_code(), ExitCode::crashed); // without a matrix as well
}

TEST_F(Protocols, ABrokenRowLeavesTheOthersAndNoMatrix) {
  const RunReport report = run(study({"crash", ""}));
  EXPECT_EQ(report.exit_code(), ExitCode::crashed);
  EXPECT_EQ(report.waiting.size(), 1u);
  EXPECT_EQ(report.cases.size(), 7u);
}

TEST_F(Protocols, ALimitOfTheMatrixCanFail) {
  Study limited = study({""});
  limited.cross_validation->limits["ood_jump"].least = 1e3;
  const RunReport report = run(limited);
  EXPECT_EQ(report.exit_code(), ExitCode::invalid);
  EXPECT_EQ(report.cases[3].outcome.status, CaseStatus::invalid);
}

TEST_F(Protocols, AnInvalidRowVoidsTheMatrix) {
  Study limited = study({""});
  limited.limits["rel_mse"].most = 3e-3; // broken by the row of the smallest centre
  const RunReport report = run(limited);
  ASSERT_EQ(report.cases.size(), 4u);
  EXPECT_EQ(report.cases[0].outcome.status, CaseStatus::invalid);
  EXPECT_EQ(report.cases[3].outcome.status, CaseStatus::invalid);
}

TEST_F(Protocols, ProbesAreAskedForOnDemand) {
  Study probing = study({""});
  probing.cross_validation->probe = true;
  const RunReport report = run(probing);
  if (comm.root()) {
    EXPECT_DOUBLE_EQ(record(report.cases[1])["metrics"]["response"], 2.01);
  }
}

TEST_F(Protocols, GroupsOfRanksShareTheCases) {
  std::vector<std::string> told;
  Study farmed = study({"", "slow"});
  farmed.ranks_per_case = 1;
  const RunReport report =
      run_study(farmed, options, comm, [&](CaseReport const& item) { told.push_back(item.id); });
  EXPECT_EQ(report.count(Action::ran), 8u);
  EXPECT_EQ(comm.sum(static_cast<std::int64_t>(told.size())), 8);
  std::string text;
  for (CaseReport const& item : report.cases)
    text += item.id + name(item.action) + name(item.outcome.status);
  EXPECT_TRUE(all_ranks_agree(text));
  if (comm.size() > 1) {
    EXPECT_LT(Average::prepared, 6);
  }
  EXPECT_EQ(comm.sum(std::int64_t{Average::prepared}), 6);
  if (comm.root()) {
    EXPECT_EQ(record(report.cases[0])["provenance"]["run"]["ranks"], 1);
  }
  EXPECT_EQ(run(farmed).count(Action::skipped), 8u);
}

TEST_F(Protocols, WhatWasDoneBeforeIsToldByEveryGroup) {
  Study farmed = study({"", "slow"});
  farmed.ranks_per_case = 1;
  run(farmed);
  std::string mine;
  run_study(farmed, options, comm, [&](CaseReport const& item) {
    if (item.outcome.status != CaseStatus::ok || item.action != Action::skipped) mine += item.id;
  });
  EXPECT_EQ(mine, "");
}

TEST_F(Protocols, ARowWithoutItsArraysIsRunAgainAndADamagedOneIsNamed) {
  RunReport report = run(study({"", "slow"}));
  if (comm.root()) fs::remove(report.cases[0].folder + "/data.h5");
  comm.barrier();
  report = run(study({"", "slow"}));
  EXPECT_EQ(report.cases[0].action, Action::ran);
  if (comm.root()) {
    write_atomically(report.cases[0].folder + "/data.h5", "no arrays");
    fs::remove_all(report.cases[6].folder);
    fs::remove_all(report.cases[7].folder);
  }
  comm.barrier();
  report = run(study({"", "slow"}));
  ASSERT_EQ(report.cases.size(), 8u); // one broken row does not cost the other matrix
  EXPECT_EQ(report.exit_code(), ExitCode::crashed);
  std::string statuses;
  for (std::size_t i = 6; i < 8; ++i)
    statuses += std::string(name(report.cases[i].outcome.status)) + " ";
  EXPECT_EQ(statuses, "failed ok ");
  if (comm.root()) {
    const std::string error = record(report.cases[6])["error"];
    EXPECT_NE(error.find("--force --case " + report.cases[0].id), std::string::npos) << error;
  }
}

TEST_F(Protocols, TheMatrixDoesNotDependOnTheRanks) {
  const RunReport report = run(study({""}));
  Study farmed = study({""});
  farmed.name = "farmed";
  farmed.ranks_per_case = 1;
  const RunReport other = run(farmed);
  if (!comm.root()) return;
  EXPECT_EQ(report.cases[3].id, other.cases[3].id);
  auto const error = [](CaseReport const& item) {
    return parallel::h5::File::open(item.folder + "/data.h5").read_doubles("/matrix/rel_mse");
  };
  EXPECT_EQ(error(report.cases[3]), error(other.cases[3]));
}

TEST_F(Protocols, AFailureOfOneGroupEndsTheRunForAll) {
  Study farmed = study({"slow"});
  farmed.ranks_per_case = 1;
  if (comm.root()) {
    fs::create_directories(folder / "toy");
    for (Case const& item : expand(farmed)) std::ofstream(folder / "toy" / item.id) << "a file";
  }
  comm.barrier();
  std::string error;
  try {
    run(farmed);
  } catch (Error const& thrown) {
    error = thrown.what();
  }
  EXPECT_NE(error.find("toy"), std::string::npos) << error;
  EXPECT_TRUE(all_ranks_agree(error));
}

TEST_F(Protocols, AMatrixOfOneIsRefused) {
  Study lonely = study({""});
  lonely.problems.resize(1);
  EXPECT_THROW(run(lonely), Error);
}

TEST(Witness, TellsItemsApartByTheirValues) {
  Batch flat(3);
  flat.set(input_array, "", std::vector<double>{1, 2, 3, 4, 1, 2}, {3, 2});
  flat.set("secret", "", std::vector<double>{7, 8, 9}); // no part of the question
  const std::vector<std::uint64_t> hashes = item_hashes(flat);
  EXPECT_EQ(hashes[0], hashes[2]);
  EXPECT_NE(hashes[0], hashes[1]);

  Batch ragged(3);
  ragged.set("layer_offset", "", std::vector<std::int64_t>{0, 1, 3, 4});
  ragged.set("vs", "km/s", std::vector<double>{3, 3, 4, 3});
  const std::vector<std::uint64_t> models = item_hashes(ragged);
  EXPECT_EQ(models[0], models[2]);
  EXPECT_NE(models[0], models[1]);
  EXPECT_EQ(item_hashes(Batch(0)).size(), 0u);
}

} // namespace
} // namespace moho::study
