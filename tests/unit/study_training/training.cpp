// SPDX-License-Identifier: BSD-3-Clause
// Data-parallel training: the same bits on any number of ranks and after any interruption.
#include "moho/core/error.hpp"
#include "moho/core/host_copy.hpp"
#include "training_support.hpp"
#include <filesystem>
#include <fstream>
#include <limits>

using namespace moho;
using namespace moho::study;
using namespace moho::study::test;

namespace {

template <class T>
void same_on_all_ranks(std::string const& optimiser) {
  auto const together = trained<T>(options_of(optimiser));
  auto const alone = trained<T>(options_of(optimiser), {}, parallel::Comm::self());
  EXPECT_EQ(together.parameters, alone.parameters) << optimiser;
  EXPECT_EQ(together.history.loss, alone.history.loss) << optimiser;
  EXPECT_LT(together.history.loss.back(), together.history.loss.front());
}

TEST(Training, HasTheSameBitsOnAnyNumberOfRanks) {
  for (char const* const optimiser : {"adam", "adamw", "sgd", "lbfgs"}) {
    same_on_all_ranks<double>(optimiser);
    same_on_all_ranks<float>(optimiser);
  }
}

TEST(Training, FastModeIsCloseAndNotTheSame) {
  TrainingOptions options = options_of();
  options.epochs = 34; // more than 100 steps
  auto const exact = trained<double>(options);
  options.reduction = Reduction::fast;
  auto const fast = trained<double>(options);
  ASSERT_GE(fast.steps, 100);
  for (std::size_t i = 0; i < exact.history.loss.size(); ++i)
    EXPECT_NEAR(fast.history.loss[i], exact.history.loss[i], 1e-6 * exact.history.loss[i]);
  // shards of one or two ranks are summed in another order
  if (parallel::Comm().size() <= 2) EXPECT_NE(fast.parameters, exact.parameters);
}

/// Training that ends after two epochs and goes on from its checkpoint.
void goes_on(std::string const& optimiser) {
  std::string const path = scratch("restart");
  TrainingOptions const whole = options_of(optimiser);
  auto const expected = trained<double>(whole);
  TrainingOptions some = whole;
  some.epochs = 2;
  auto const first = trained<double>(some, {path});
  EXPECT_EQ(first.sittings, 1);
  auto const rest = trained<double>(whole, {path});
  EXPECT_EQ(rest.sittings, 2);
  EXPECT_EQ(rest.parameters, expected.parameters) << optimiser;
  EXPECT_EQ(rest.history.loss, expected.history.loss) << optimiser;
  EXPECT_EQ(rest.history.epoch, expected.history.epoch);
  EXPECT_GE(rest.seconds, rest.earlier_seconds);
  EXPECT_GT(rest.earlier_seconds, 0);
  // what went another way before goes on another way (lbfgs takes the items in one order)
  if (optimiser == "lbfgs") return;
  if (parallel::Comm().root()) std::filesystem::remove(path);
  parallel::Comm().barrier();
  some.seed = 5;
  trained<double>(some, {path});
  EXPECT_NE(trained<double>(whole, {path}).parameters, expected.parameters);
  parallel::Comm().barrier();
  if (parallel::Comm().root()) std::filesystem::remove(path);
}

TEST(Training, GoesOnWithTheSameBits) {
  for (char const* const optimiser : {"adam", "sgd", "lbfgs"}) goes_on(optimiser);
}

TEST(Training, OutOfTimeIsToldAndResumed) {
  std::string const path = scratch("time");
  TrainingOptions const options = options_of();
  auto const none = trained<double>(options, {path, -1.0});
  EXPECT_EQ(none.end, TrainingEnd::time);
  EXPECT_TRUE(none.history.epoch.empty());
  auto const all = trained<double>(options, {path});
  EXPECT_EQ(all.end, TrainingEnd::finished);
  EXPECT_EQ(all.parameters, trained<double>(options).parameters);
  parallel::Comm().barrier();
  if (parallel::Comm().root()) std::filesystem::remove(path);
}

template <class F>
std::string message_of(F const& f) {
  try {
    f();
  } catch (Error const& error) {
    return error.what();
  }
  return "nothing thrown";
}

TEST(Training, BadCheckpointsAndBatchesAreTold) {
  std::string const path = scratch("bad");
  trained<double>(options_of(), {path});
  std::string const other =
      message_of([&] { trained<double>(options_of(), {path}, parallel::Comm(), {}, "another"); });
  EXPECT_NE(other.find(path), std::string::npos) << other;
  EXPECT_NE(other.find("sample"), std::string::npos) << other;
  EXPECT_NE(other.find("another"), std::string::npos) << other;
  parallel::Comm().barrier();
  if (parallel::Comm().root()) std::ofstream(path) << "no checkpoint";
  parallel::Comm().barrier();
  EXPECT_NE(message_of([&] { trained<double>(options_of(), {path}); }).find(path),
            std::string::npos);
  parallel::Comm().barrier();
  if (parallel::Comm().root()) std::filesystem::remove(path);
  TrainingOptions small = options_of();
  small.batch = 5;
  EXPECT_NE(message_of([&] { trained<double>(small); }).find("batch of 5"), std::string::npos);
  TrainingOptions large = options_of();
  large.batch = 100;
  EXPECT_NE(message_of([&] { trained<double>(large); }).find("batch of 100"), std::string::npos);
}

TEST(Training, ALossThatIsNotFiniteStopsAndKeepsTheCheckpoint) {
  std::string const path = scratch("nan");
  TrainingOptions options = options_of();
  options.epochs = 1;
  trained<double>(options, {path});
  auto const size = std::filesystem::file_size(path);
  options.epochs = 50;
  options.schedule.base = 1e200;
  auto const outcome = trained<double>(options, {path});
  EXPECT_EQ(outcome.end, TrainingEnd::not_finite);
  EXPECT_GE(outcome.failed_step, 3);
  EXPECT_EQ(std::filesystem::file_size(path), size);
  // what was good goes on
  EXPECT_EQ(trained<double>(options_of(), {path}).parameters,
            trained<double>(options_of()).parameters);
  parallel::Comm().barrier();
  if (parallel::Comm().root()) std::filesystem::remove(path);
}

TEST(Training, PatienceEndsItAndTheBestIsKept) {
  TrainingOptions options = options_of();
  options.epochs = 30;
  options.patience = 3;
  options.validate_every = 1;
  std::int64_t calls = 0;
  std::vector<double> best;
  Validation<double> const worse_after_two = [&](DeviceArray<double> const& theta) {
    ++calls;
    if (calls == 2) best = to_host(theta);
    return calls == 1 ? 2.0 : calls == 2 ? 1.0 : 3.0;
  };
  auto const outcome = trained<double>(options, {}, parallel::Comm(), worse_after_two);
  EXPECT_EQ(outcome.end, TrainingEnd::patience);
  EXPECT_EQ(outcome.best_epoch, 2);
  EXPECT_EQ(outcome.parameters, best);
  EXPECT_EQ(calls, 6);
}

TEST(Training, OrderOfAnEpochIsAPermutation) {
  auto const order = epoch_order(100, 7, 3);
  std::vector<std::int64_t> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (std::int64_t i = 0; i < 100; ++i) EXPECT_EQ(sorted[static_cast<std::size_t>(i)], i);
  EXPECT_NE(order, sorted);
  EXPECT_EQ(order, epoch_order(100, 7, 3));
  EXPECT_NE(order, epoch_order(100, 7, 4));
  EXPECT_NE(order, epoch_order(100, 8, 3));
}

} // namespace
