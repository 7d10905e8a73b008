// SPDX-License-Identifier: BSD-3-Clause
// Training of flat parameters on batches of items: optimisers, schedules, early stop, checkpoints
// from which it goes on with the same bits.
#pragma once
#include "moho/nn/lbfgs.hpp"
#include "moho/nn/schedule.hpp"
#include "moho/study/method.hpp"
#include "moho/study/parameters.hpp"
#include "moho/study/sharded_loss.hpp"
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace moho::study {

struct TrainingOptions {
  std::string optimiser = "adam"; ///< adam, adamw, sgd, lbfgs (all items at once)
  nn::Schedule schedule{};        ///< per epoch
  double weight_decay = 0, momentum = 0.9;
  double clip = 0;               ///< largest 2-norm of a gradient; 0: any
  std::int64_t epochs = 1;       ///< of lbfgs: outer steps of 20 iterations
  std::int64_t stage_epochs = 1; ///< at most, of every stage of a curriculum but the last
  std::int64_t batch = 20;       ///< items; what is left of an epoch is dropped
  bool batch_per_rank = false;   ///< `batch` items for each rank: weak scaling
  std::int64_t patience = 0; ///< epochs without a better validation after which it stops; 0: never
  std::int64_t validate_every = 1; ///< epochs
  std::uint64_t seed = 0;          ///< of the order of items
  Reduction reduction = Reduction::deterministic;
};

/// The training parameters of a method: names, defaults, meaning; and what they say.
std::vector<ParameterSpec> training_parameters();
TrainingOptions training_options(Parameters const& parameters);

/// How it went, epoch by epoch; all of it stands in a checkpoint.
struct TrainingHistory {
  std::vector<std::int64_t> epoch;
  std::vector<double> loss;          ///< mean over the batches of the epoch
  std::vector<double> validation;    ///< NaN where it was not asked for
  std::vector<double> rate, seconds; ///< seconds since the start, sittings added up
  std::map<std::string, std::vector<double>> observed; ///< what the task tells (TrainingTask)
};

enum class TrainingEnd { finished, patience, converged, time, not_finite };

template <class T>
struct TrainingOutcome {
  TrainingEnd end = TrainingEnd::finished;
  std::vector<T> parameters; ///< the best of validation, or the last without validation
  TrainingHistory history;
  std::int64_t steps = 0;        ///< optimiser steps, or evaluations of lbfgs
  std::int64_t failed_step = -1; ///< where the loss was not finite
  std::int64_t best_epoch = 0;
  std::int64_t stage = 0;                  ///< of a curriculum, in which it ended
  double seconds = 0, earlier_seconds = 0; ///< of all sittings; of those before this one
  double exposed_share = 0;                ///< of this sitting's steps, spent waiting for others
  std::int64_t step_items = 0;             ///< of all ranks together; 0: all there are
  double step_seconds = 0; ///< median of this sitting's last steps, slowest rank; NaN without one
  int sittings = 1;
};

/// What a training leaves for a record: metrics train_loss, train_seconds, step_seconds,
/// exposed_share and train_gflops (`flops`: of matrix products in this sitting, all ranks
/// together), counters, history, and the check that the loss stayed finite.
template <class T>
Preparation described(TrainingOutcome<T> const& outcome, double flops);

/// Validation error of parameters; the same on every rank. Collective.
template <class T>
using Validation = std::function<double(DeviceArray<T> const& parameters)>;

/// What is trained: a loss, and what an epoch of it is.
template <class T>
class TrainingTask {
public:
  virtual ~TrainingTask() = default;
  /// The same object throughout.
  virtual ShardedLoss<T>& loss() = 0;
  /// Items of an epoch, from which batches are taken. 0: every evaluation takes all there is, and
  /// 20 steps are an epoch.
  virtual std::int64_t items() const { return 0; }
  virtual void set_batch(std::span<const std::int64_t> items) { static_cast<void>(items); }
  /// A curriculum: stages in turn, whose weights are carried over. The curvature that L-BFGS has
  /// learnt is not.
  virtual std::int64_t stages() const { return 1; }
  /// From now on the loss is that of this stage.
  virtual void enter(std::int64_t stage) { static_cast<void>(stage); }
  /// Further numbers for the history at the end of an epoch: the same names each time, the same
  /// values on every rank. Collective.
  virtual std::map<std::string, double> observe(DeviceArray<T> const& parameters) {
    static_cast<void>(parameters);
    return {};
  }
};

/// Trains from `initial` or, where there is one, from the checkpoint. `identity` tells what is
/// trained; a checkpoint of something else throws moho::Error that names both. Throws Stopped after
/// a signal, with a checkpoint left behind. Collective.
template <class T>
TrainingOutcome<T> train(parallel::Comm const& comm, TrainingTask<T>& task,
                         std::vector<T> const& initial, TrainingOptions const& options,
                         Validation<T> const& validation, Sitting const& sitting,
                         std::string const& identity, std::string const& title);

/// The same, on batches of `items` items.
template <class T>
TrainingOutcome<T> train(parallel::Comm const& comm, BatchLoss<T>& loss, std::int64_t items,
                         std::vector<T> const& initial, TrainingOptions const& options,
                         Validation<T> const& validation, Sitting const& sitting,
                         std::string const& identity, std::string const& title);

/// Items 0 .. n-1 in the order of an epoch: a function of seed and epoch alone.
std::vector<std::int64_t> epoch_order(std::int64_t n, std::uint64_t seed, std::int64_t epoch);

} // namespace moho::study
