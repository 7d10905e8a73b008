// SPDX-License-Identifier: BSD-3-Clause
// Weak scaling of training: a batch for each rank, and the time of a step.
#include "moho/study/cases.hpp"
#include "moho/study/config.hpp"
#include "support/errors.hpp"
#include "training_support.hpp"
#include <algorithm>

using namespace moho;
using namespace moho::study;
using namespace moho::study::test;
using moho::test::error_of;
using moho::test::names;

namespace {

TrainingOptions of_each_rank(std::int64_t batch) {
  TrainingOptions options = options_of();
  options.batch = batch;
  options.batch_per_rank = true;
  return options;
}

TEST(BatchPerRank, IsABatchOfAllTheirItems) {
  std::int64_t const ranks = parallel::Comm().size();
  auto const together = trained<double>(of_each_rank(8));
  EXPECT_EQ(together.step_items, 8 * ranks);
  EXPECT_EQ(together.steps, 6 * (Sample<double>::items / (8 * ranks)));
  TrainingOptions whole = options_of();
  whole.batch = 8 * ranks;
  auto const alone = trained<double>(whole, {}, parallel::Comm::self());
  EXPECT_EQ(together.parameters, alone.parameters);
  EXPECT_EQ(together.history.loss, alone.history.loss);
  // and not that of one rank
  whole.batch = 8;
  bool const same =
      trained<double>(whole, {}, parallel::Comm::self()).parameters == alone.parameters;
  EXPECT_EQ(same, ranks == 1);
}

TEST(BatchPerRank, MoreThanThereAreIsTold) {
  std::int64_t const ranks = parallel::Comm().size(), most = Sample<double>::items / ranks;
  EXPECT_NO_THROW(trained<double>(of_each_rank(most)));
  EXPECT_TRUE(names(error_of([&] { trained<double>(of_each_rank(most + 1)); }),
                    {"a batch of " + std::to_string((most + 1) * ranks), "48"}));
}

TEST(BatchPerRank, ACheckpointIsThatOfItsNumberOfRanks) {
  std::string const path = scratch("per-rank");
  parallel::Comm const comm;
  TrainingOptions some = of_each_rank(8), all = some;
  some.epochs = 2;
  trained<double>(some, {path});
  comm.barrier();
  if (comm.size() > 1 && comm.root()) {
    EXPECT_TRUE(names(error_of([&] { trained<double>(all, {path}, parallel::Comm::self()); }),
                      {path, "on " + std::to_string(comm.size()) + " ranks", "on 1 ranks"}));
  }
  comm.barrier();
  EXPECT_EQ(trained<double>(all, {path}).parameters, trained<double>(all).parameters);
  comm.barrier();
  if (comm.root()) std::filesystem::remove(path);
}

TEST(StepTime, IsThatOfOneStep) {
  for (char const* const optimiser : {"adam", "lbfgs"}) {
    auto const outcome = trained<double>(options_of(optimiser));
    EXPECT_GT(outcome.step_seconds, 0) << optimiser;
    // at least half of the steps took the median or longer
    EXPECT_LE(outcome.step_seconds * static_cast<double>(outcome.steps) / 2, outcome.seconds)
        << optimiser;
    EXPECT_EQ(outcome.step_items, std::string(optimiser) == "lbfgs" ? 0 : 16);
    bool told = false;
    for (Metric const& metric : described(outcome, 1).metrics)
      told = told || (metric.name == "step_seconds" && metric.value == outcome.step_seconds);
    EXPECT_TRUE(told);
  }
}

TEST(StepTime, IsNotKnownWithoutAStep) {
  std::string const path = scratch("no-step");
  EXPECT_TRUE(std::isnan(trained<double>(options_of(), {path, -1.0}).step_seconds));
  parallel::Comm().barrier();
  if (parallel::Comm().root()) std::filesystem::remove(path);
}

std::string study_with(std::string const& axes) {
  return "[study]\nname = \"a\"\n[problem]\nname = \"operator-1d\"\n[method]\nname = \"mlp\"\n"
         "batch_per_rank = true\n" +
         axes;
}

TEST(BatchPerRank, NeedsALaunch) {
  auto const cases = [](std::string const& axes) {
    return expand(parse_study(study_with(axes), "a.toml"));
  };
  EXPECT_TRUE(names(error_of([&] { cases(""); }), {"method.batch_per_rank", "axis `ranks`"}));
  EXPECT_EQ(cases("[axes]\nranks = [1, 2]\n").size(), 2u);
}

} // namespace
