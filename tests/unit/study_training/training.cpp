// SPDX-License-Identifier: BSD-3-Clause
// Data-parallel training: the same bits on any number of ranks and after any interruption.
#include "moho/core/host_copy.hpp"
#include "support/errors.hpp"
#include "training_support.hpp"
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>

using namespace moho;
using namespace moho::study;
using namespace moho::study::test;
using moho::test::error_of;
using moho::test::names;

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
  if (parallel::Comm().size() <= 2) {
    EXPECT_NE(fast.parameters, exact.parameters);
  }
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

TEST(Training, BadCheckpointsAndBatchesAreTold) {
  std::string const path = scratch("bad");
  trained<double>(options_of(), {path});
  std::string const other =
      error_of([&] { trained<double>(options_of(), {path}, parallel::Comm(), {}, "another"); });
  EXPECT_TRUE(names(other, {path, "sample", "another"}));
  parallel::Comm().barrier();
  // one byte of the weights
  if (parallel::Comm().root()) {
    auto const size = static_cast<long>(std::filesystem::file_size(path));
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    std::string content(static_cast<std::size_t>(size), ' ');
    file.read(content.data(), size);
    auto const weights = trained<double>(options_of(), {}, parallel::Comm::self()).history.loss;
    std::string const first(reinterpret_cast<char const*>(weights.data()), sizeof(double));
    auto const at = content.find(first); // the history of losses is found by its first one
    ASSERT_NE(at, std::string::npos);
    file.seekp(static_cast<std::streamoff>(at));
    file.put(static_cast<char>(content[at] ^ 1));
  }
  parallel::Comm().barrier();
  EXPECT_TRUE(names(error_of([&] { trained<double>(options_of(), {path}); }),
                    {path, "damaged", "--force"}));
  parallel::Comm().barrier();
  if (parallel::Comm().root()) std::ofstream(path) << "no checkpoint";
  parallel::Comm().barrier();
  EXPECT_TRUE(names(error_of([&] { trained<double>(options_of(), {path}); }), {path, "--force"}));
  parallel::Comm().barrier();
  if (parallel::Comm().root()) std::filesystem::remove(path);
  TrainingOptions small = options_of();
  small.batch = 5;
  EXPECT_TRUE(names(error_of([&] { trained<double>(small); }), {"batch of 5"}));
  TrainingOptions large = options_of();
  large.batch = 100;
  EXPECT_TRUE(names(error_of([&] { trained<double>(large); }), {"batch of 100"}));
}

TEST(Training, GoesOnWhereNoCheckpointCanBeWritten) {
  EXPECT_EQ(trained<double>(options_of(), {"/proc/moho/checkpoint.h5"}).parameters,
            trained<double>(options_of()).parameters);
}

TEST(Training, WhatTheLastStepBrokeIsSeen) {
  TrainingOptions options = options_of("sgd");
  options.epochs = 1;
  options.batch = Sample<double>::items; // one step, whose own loss is finite
  EXPECT_EQ(trained<double>(options).end, TrainingEnd::finished);
  options.schedule.base = 1e300;
  auto const outcome = trained<double>(options);
  EXPECT_EQ(outcome.end, TrainingEnd::not_finite);
  EXPECT_EQ(outcome.failed_step, 1);
  Preparation const told = described(outcome, 0);
  EXPECT_FALSE(told.checks.at(0).pass());
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

/// Items of which the last rank cannot read one.
class Unreadable : public ItemSource<double> {
public:
  explicit Unreadable(ItemSource<double> const& items) : _items(items) {}
  std::int64_t count() const override { return _items.count(); }
  std::vector<std::int64_t> widths() const override { return _items.widths(); }
  void fetch(std::span<const std::int64_t> items, std::span<double* const> out) const override {
    parallel::Comm const comm;
    if (comm.rank() == comm.size() - 1 && std::find(items.begin(), items.end(), 47) != items.end())
      throw Error("item 47 cannot be read");
    _items.fetch(items, out);
  }

private:
  ItemSource<double> const& _items;
};

TEST(Training, AnItemThatCannotBeReadIsToldOnAllRanks) {
  for (Reduction const reduction : {Reduction::deterministic, Reduction::fast}) {
    Sample<double> sample;
    Unreadable const items(sample.data);
    BatchLoss<double> loss(
        items,
        [&](nn::Value theta, std::vector<nn::Value> const& in) {
          return nn::sum(nn::square(sample.model.apply(theta, in[0]) - in[1]));
        },
        sample.model.layout().size(), 3);
    TrainingOptions options = options_of();
    options.reduction = reduction;
    options.epochs = 50; // the item comes to every rank sooner or later
    std::string const message = error_of([&] {
      train<double>(parallel::Comm(), loss, Sample<double>::items, sample.first(), options, {}, {},
                    "sample", "test");
    });
    EXPECT_EQ(message, "item 47 cannot be read");
  }
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
  // it begins with the first validation
  calls = 0;
  options.validate_every = 5;
  auto const rare = trained<double>(options, {}, parallel::Comm(), worse_after_two);
  EXPECT_EQ(rare.end, TrainingEnd::patience);
  EXPECT_EQ(rare.best_epoch, 10);
  EXPECT_EQ(rare.history.epoch.back(), 15);
}

/// What training_options says of settings beside the defaults.
std::string refusal(std::vector<std::pair<std::string, Value>> const& settings) {
  Parameters parameters;
  for (ParameterSpec const& spec : training_parameters()) parameters.set(spec.key, spec.fallback);
  for (auto const& [name, value] : settings) parameters.set(name, value);
  return error_of([&] { training_options(parameters); });
}

TEST(TrainingOptions, SettingsThatWouldDoNothingAreRefused) {
  using Text = std::string;
  EXPECT_EQ(refusal({}), "");
  EXPECT_EQ(refusal({{"optimiser", Text("lbfgs")}}), "");
  EXPECT_TRUE(names(refusal({{"optimiser", Text("lbfgs")}, {"clip", 1.0}}), {"method.clip"}));
  EXPECT_TRUE(names(refusal({{"optimiser", Text("lbfgs")}, {"weight_decay", 1e-3}}),
                    {"method.weight_decay"}));
  EXPECT_TRUE(names(refusal({{"optimiser", Text("lbfgs")}, {"schedule", Text("step")}}),
                    {"method.schedule"}));
  std::vector<std::pair<std::string, Value>> cosine{
      {"schedule", Text("cosine")}, {"epochs", std::int64_t{105}}, {"warm_up", std::int64_t{5}}};
  EXPECT_EQ(refusal(cosine), "");
  cosine[2].second = std::int64_t{4};
  EXPECT_TRUE(names(refusal(cosine), {"method.period = 100", "set it to 101"}));
}

/// scale (100 (y - x^2)^2 + (x - to)^2) of (x, y), an eighth from each shard: Rosenbrock's valley.
class Valley : public ShardedLoss<double> {
public:
  double to = 1, scale = 1;
  std::int64_t parameters() const override { return 2; }
  void share(int shards) override { _shards = shards; }
  double evaluate(int, DeviceArray<double> const& theta, DeviceArray<double> const& gradient,
                  Ready const&) override {
    std::vector<double> const at = to_host(theta);
    double const x = at[0], y = at[1], by = scale / _shards, bend = y - x * x;
    std::vector<double> const slope{by * (-400 * x * bend + 2 * (x - to)), by * 200 * bend};
    copy_to_device(std::span(slope), gradient);
    return by * (100 * bend * bend + (x - to) * (x - to));
  }

private:
  int _shards = 1;
};

/// Without items, in stages whose minima move.
class ValleyTask : public TrainingTask<double> {
public:
  Valley valley;
  std::int64_t all_stages = 1;
  ShardedLoss<double>& loss() override { return valley; }
  std::int64_t stages() const override { return all_stages; }
  void enter(std::int64_t stage) override { valley.to = 1 + static_cast<double>(stage); }
  std::map<std::string, double> observe(DeviceArray<double> const& theta) override {
    return {{"to", valley.to}, {"x", to_host(theta)[0]}};
  }
};

TrainingOutcome<double> walked(ValleyTask& task, TrainingOptions const& options) {
  return train<double>(parallel::Comm(), task, {-1.2, 1}, options, {}, {}, "valley", "test");
}

TEST(TrainingTask, StagesFollowOneAnother) {
  ValleyTask task;
  task.all_stages = 3;
  TrainingOptions options = options_of("lbfgs");
  options.epochs = 40;
  options.stage_epochs = 30;
  auto const outcome = walked(task, options);
  EXPECT_EQ(outcome.end, TrainingEnd::converged);
  EXPECT_EQ(outcome.stage, 2);
  EXPECT_NEAR(outcome.parameters[0], 3, 1e-3);
  EXPECT_NEAR(outcome.parameters[1], 9, 1e-2);
  auto const& to = outcome.history.observed.at("to");
  ASSERT_EQ(to.size(), outcome.history.loss.size());
  EXPECT_TRUE(std::is_sorted(to.begin(), to.end()));
  EXPECT_EQ(to.front(), 1);
  EXPECT_EQ(to.back(), 3);
  // a stage that is solved takes no more epochs
  EXPECT_LT(std::count(to.begin(), to.end(), 1.0), 30);
  EXPECT_EQ(outcome.history.observed.at("x").back(), outcome.parameters[0]);
  // one stage alone ends elsewhere
  ValleyTask one;
  EXPECT_NEAR(walked(one, options).parameters[0], 1, 1e-3);
}

TEST(TrainingTask, AStageHasItsEpochsAtMost) {
  ValleyTask task;
  task.all_stages = 2;
  TrainingOptions options = options_of("adam");
  options.epochs = 3;
  options.stage_epochs = 2;
  auto const outcome = walked(task, options);
  EXPECT_EQ(outcome.end, TrainingEnd::finished);
  EXPECT_EQ(outcome.history.observed.at("to"), (std::vector<double>{1, 1, 2, 2, 2}));
  EXPECT_EQ(outcome.steps, 5 * 20);
}

// The loss changes by less than L-BFGS' tolerance in an iteration, yet there is far to go.
TEST(TrainingTask, AnEpochThatEndsEarlyIsNotTheEnd) {
  ValleyTask task;
  task.valley.scale = 2e-7;
  TrainingOptions options = options_of("lbfgs");
  options.epochs = 1;
  auto const first = walked(task, options);
  EXPECT_LT(first.steps, 20);
  options.epochs = 200;
  auto const all = walked(task, options);
  EXPECT_EQ(all.end, TrainingEnd::converged);
  EXPECT_GT(all.history.loss.size(), 1u);
  EXPECT_LT(all.history.loss.back(), 0.9 * first.history.loss.back());
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
