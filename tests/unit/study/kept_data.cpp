// SPDX-License-Identifier: BSD-3-Clause
// What a problem drew is kept with its truth: whole splits, on one communicator, within a budget.
#include "kept_data.hpp"
#include "moho/core/error.hpp"
#include "moho/study/function_batch.hpp"
#include "support/errors.hpp"
#include "support/mpi_support.hpp"

namespace moho::study {
namespace {

using parallel::Comm;

constexpr std::size_t items = 6, width = 3, bytes = items * width * sizeof(double);

/// Counts what it is asked for. The truth is complete on the root alone.
class Counted : public Problem {
public:
  std::size_t count(Split) const override { return items; }
  Batch draw(Split split, std::uint64_t first, std::size_t n) const override {
    ++draws;
    std::vector<double> values;
    for (std::size_t i = 0; i < n * width; ++i)
      values.push_back(static_cast<double>(split) * 1000 + static_cast<double>(first * width + i));
    Batch batch(n);
    batch.set(input_array, "", values, {n, width});
    return batch;
  }
  Batch truth(Batch const& inputs, Comm const& comm) const override {
    ++truths;
    comm.barrier(); // so that a rank left out would be noticed
    if (fails && comm.rank() == comm.size() - 1) throw Error("no truth");
    Batch truth(inputs.count());
    if (comm.root())
      truth.set(output_array, "", inputs.reals(input_array), {inputs.count(), width});
    return truth;
  }
  std::vector<Check> verify(Comm const&) const override { return {}; }
  Assessment assess(Batch const&, Batch const&, Batch const&) const override { return {}; }
  mutable int draws = 0, truths = 0;
  bool fails = false;
};

struct Sample {
  Comm comm;
  Counted problem;
  KeptBudget budget;
  KeptData kept{problem, comm, budget};

  Batch draw(Split split) const { return kept.draw_together(split, 0, items, comm); }
  /// Of the root.
  std::vector<double> truth(Batch const& inputs) const {
    const Batch truth = kept.truth(inputs, comm);
    return comm.root() ? truth.reals(output_array) : std::vector<double>{};
  }
};

TEST(KeptData, WholeSplitsAreWorkedOutOnce) {
  const Sample sample;
  std::vector<std::vector<double>> truths;
  for (int i = 0; i < 3; ++i)
    for (Split const split : {Split::train, Split::validation}) {
      const Batch inputs = sample.draw(split);
      EXPECT_EQ(inputs.reals(input_array), sample.problem.draw(split, 0, items).reals(input_array));
      truths.push_back(sample.truth(inputs));
    }
  EXPECT_EQ(sample.problem.draws, 2 + 6);
  EXPECT_EQ(sample.problem.truths, 2);
  for (std::size_t i = 2; i < 6; ++i) EXPECT_EQ(truths[i], truths[i - 2]);
  if (sample.comm.root()) {
    EXPECT_NE(truths[0], truths[1]);
  }
}

TEST(KeptData, OtherItemsAreNotTakenForThem) {
  const Sample sample;
  sample.truth(sample.draw(Split::train));
  for (int i = 1; i <= 2; ++i) {
    sample.truth(sample.kept.draw_together(Split::train, 0, items - 1, sample.comm)); // a block
    sample.truth(sample.kept.draw(Split::train, 0, items)); // equal, yet a rank's own
    EXPECT_EQ(sample.problem.truths, 1 + 2 * i);
  }
  // Of one rank by itself: the truth that is kept may be complete on another.
  EXPECT_EQ(sample.kept.truth(sample.draw(Split::train), Comm::self()).reals(output_array).size(),
            items * width);
}

// A rank that asks about something else of its own does not leave the others alone.
TEST(KeptData, AllRanksTakeWhatIsKeptOrNone) {
  const Sample sample;
  const Batch inputs = sample.draw(Split::train);
  sample.truth(inputs);
  bool const last = sample.comm.rank() == sample.comm.size() - 1;
  sample.truth(last ? sample.problem.draw(Split::train, 0, items) : inputs);
  EXPECT_EQ(sample.problem.truths, 2);
}

TEST(KeptData, TheBudgetBoundsWhatIsKept) {
  const Comm comm;
  const Counted problem;
  KeptBudget budget{2 * bytes};
  {
    const KeptData kept(problem, comm, budget);
    for (int i = 1; i <= 2; ++i) {
      kept.truth(kept.draw_together(Split::train, 0, items, comm), comm);
      EXPECT_EQ(problem.truths, i); // 1 of the training items, the others of those below
      EXPECT_EQ(budget.left, 0u);
      kept.truth(kept.draw_together(Split::validation, 0, items, comm), comm);
      EXPECT_EQ(problem.draws, 1 + i);
      EXPECT_EQ(problem.truths, 1 + i);
    }
  }
  EXPECT_EQ(budget.left, 2 * bytes);
  KeptBudget little{bytes - 1};
  const KeptData none(problem, comm, little);
  none.draw_together(Split::train, 0, items, comm);
  EXPECT_EQ(little.left, bytes - 1);
}

TEST(KeptData, AnErrorIsThrownOnAllRanksAndNothingIsKept) {
  Sample sample;
  const Batch inputs = sample.draw(Split::train);
  sample.problem.fails = true;
  EXPECT_EQ(test::error_of([&] { sample.truth(inputs); }), "no truth");
  sample.problem.fails = false;
  sample.truth(inputs);
  EXPECT_EQ(sample.problem.truths, 2);
}

TEST(KeptData, TakesTheTimeOfDrawsAndTruths) {
  const Sample sample;
  EXPECT_EQ(sample.kept.take_seconds(), 0);
  sample.truth(sample.draw(Split::train));
  EXPECT_GT(sample.kept.take_seconds(), 0);
  EXPECT_EQ(sample.kept.take_seconds(), 0);
}

} // namespace
} // namespace moho::study
