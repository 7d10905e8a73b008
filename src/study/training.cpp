// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/training.hpp"
#include "moho/core/error.hpp"
#include "moho/core/host_copy.hpp"
#include "moho/core/philox.hpp"
#include "moho/core/statistics.hpp"
#include "moho/core/stopwatch.hpp"
#include "moho/study/progress.hpp"
#include "moho/study/stop.hpp"
#include "training_checkpoint.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <memory>
#include <numeric>

namespace moho::study {
namespace {

constexpr std::uint32_t stream_order = 0x0de7;
constexpr double checkpoint_interval = 60;        // s
constexpr std::int64_t steps_of_whole_epoch = 20; // without batches: as many as lbfgs' iterations
constexpr double not_known = std::numeric_limits<double>::quiet_NaN();

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

/// Items of a step on all ranks together.
std::int64_t step_items(TrainingOptions const& options, parallel::Comm const& comm) {
  return options.batch * (options.batch_per_rank ? comm.size() : 1);
}

/// Times of the last steps; the room is fixed, so that no step allocates.
class StepTimes {
public:
  void add(double seconds) { _seconds[_count++ % _seconds.size()] = seconds; }
  /// NaN without a step.
  double median() const {
    return moho::median(std::span(_seconds).first(std::min(_count, _seconds.size())));
  }

private:
  std::array<double, 1024> _seconds{};
  std::size_t _count = 0;
};

/// One training; its members are what stands in a checkpoint and what goes with it.
template <class T>
class Trainer {
public:
  Trainer(parallel::Comm const& comm, TrainingTask<T>& task, TrainingOptions const& options,
          Validation<T> const& validation, Sitting const& sitting, std::string const& identity)
      : _comm(comm), _task(task), _sum(comm, options.reduction, task.loss()), _options(options),
        _step_items(step_items(options, comm)), _validation(validation), _sitting(sitting),
        _identity(identity), _sums(static_cast<std::size_t>(task.loss().parameters())),
        _gradient("moho::study::gradient", static_cast<std::size_t>(task.loss().parameters())) {
    if (options.optimiser == "lbfgs") {
      _lbfgs = std::make_unique<nn::Lbfgs<T>>(_gradient.extent(0), lbfgs_options());
    } else if (options.optimiser == "sgd") {
      _optimiser = std::make_unique<nn::Sgd<T>>(
          _gradient.extent(0), nn::SgdOptions{options.momentum, false, options.weight_decay});
    } else {
      nn::AdamOptions adam;
      adam.weight_decay = options.weight_decay;
      adam.decoupled = options.optimiser == "adamw";
      _optimiser = std::make_unique<nn::Adam<T>>(_gradient.extent(0), adam);
    }
  }

  TrainingOutcome<T> run(std::vector<T> const& initial, std::string const& title) {
    begin(initial);
    Progress progress(title, "epochs",
                      (_task.stages() - 1) * _options.stage_epochs + _options.epochs, _comm.root());
    progress.advance(_state.epoch);
    TrainingEnd end = TrainingEnd::finished;
    try {
      while (!finished() && !stopped_early()) {
        if (_comm.max(_watch.seconds()) > _sitting.seconds) {
          end = TrainingEnd::time;
          break;
        }
        if (!(_lbfgs ? lbfgs_epoch() : epoch())) {
          end = TrainingEnd::not_finite;
          break;
        }
        if (_converged && last_stage()) {
          end = TrainingEnd::converged;
          break;
        }
        if (!last_stage() && (_converged || _state.stage_epoch >= _options.stage_epochs))
          enter_next_stage();
        progress.note("loss " + short_number(_state.history.loss.back()) + ", validation " +
                      short_number(_state.history.validation.back()));
        progress.advance();
        if (_comm.max(_since_checkpoint.seconds()) > checkpoint_interval) save();
      }
    } catch (Stopped const&) {
      save();
      throw;
    }
    if (end == TrainingEnd::finished && stopped_early()) end = TrainingEnd::patience;
    if (end != TrainingEnd::not_finite && !last_step_is_finite()) end = TrainingEnd::not_finite;
    // what diverged leaves the last checkpoint as it was
    if (end != TrainingEnd::not_finite) save();
    return outcome(end);
  }

private:
  nn::LbfgsOptions lbfgs_options() const {
    nn::LbfgsOptions options;
    options.rate = _options.schedule.base;
    return options;
  }

  void begin(std::vector<T> const& initial) {
    auto kept = read_checkpoint<T>(_sitting.checkpoint, _identity, _comm);
    if (kept) {
      _state = std::move(*kept);
      if (_lbfgs)
        _lbfgs->restore(_state.optimiser);
      else
        _optimiser->restore(_state.optimiser);
    } else {
      _state.parameters = initial;
      _state.best_validation = std::numeric_limits<double>::infinity();
    }
    _task.enter(_state.stage);
    ++_state.sittings;
    _first_step = _state.steps;
    _earlier = _state.seconds;
    _theta = to_device("moho::study::theta", _state.parameters);
  }

  double seconds() { return _earlier + _comm.max(_watch.seconds()); }

  /// Patience begins with the first validation, of a stage too, and ends with one.
  bool stopped_early() const {
    return _options.patience > 0 && !_state.best.empty() &&
           _state.epoch % _options.validate_every == 0 &&
           _state.epoch - _state.best_epoch > _options.patience;
  }

  bool last_stage() const { return _state.stage + 1 >= _task.stages(); }
  bool finished() const { return last_stage() && _state.stage_epoch >= _options.epochs; }

  void enter_next_stage() {
    ++_state.stage;
    _state.stage_epoch = 0;
    _converged = false;
    // what was best of another loss is not best of this one
    _state.best.clear();
    _state.best_validation = std::numeric_limits<double>::infinity();
    _task.enter(_state.stage);
    if (_lbfgs) _lbfgs->reset();
  }

  /// What the last step has done stands in no loss of the history.
  bool last_step_is_finite() {
    if (_state.steps == _first_step || std::isfinite(_sum.evaluate(_theta, _gradient))) return true;
    _failed_step = _state.steps;
    return false;
  }

  /// False when the loss was not finite.
  bool epoch() {
    std::int64_t const items = _task.items(),
                       batches = items > 0 ? items / _step_items : steps_of_whole_epoch;
    std::vector<std::int64_t> const order = epoch_order(items, _options.seed, _state.epoch);
    double const rate = nn::learning_rate(_options.schedule, _state.epoch);
    for (std::int64_t& step = _state.step_in_epoch; step < batches; ++step) {
      _stop();
      const Stopwatch watch;
      if (items > 0)
        _task.set_batch(std::span(order).subspan(static_cast<std::size_t>(step * _step_items),
                                                 static_cast<std::size_t>(_step_items)));
      double const loss = _sum.evaluate(_theta, _gradient);
      if (!std::isfinite(loss)) {
        _failed_step = _state.steps;
        return false;
      }
      if (_options.clip > 0) nn::clip_by_norm(ExecutionSpace(), _sums, _gradient, _options.clip);
      _optimiser->step(ExecutionSpace(), _theta, _gradient, rate);
      _step_times.add(watch.seconds());
      _state.epoch_loss += loss;
      ++_state.steps;
    }
    end_epoch(_state.epoch_loss / static_cast<double>(batches), rate);
    return true;
  }

  /// False when the loss was not finite.
  bool lbfgs_epoch() {
    _stop();
    if (_task.items() > 0) {
      std::vector<std::int64_t> all(static_cast<std::size_t>(_task.items()));
      std::iota(all.begin(), all.end(), std::int64_t{0});
      _task.set_batch(all);
    }
    const Stopwatch watch;
    nn::LbfgsReport const report = _lbfgs->step(
        ExecutionSpace(), _theta, [&](DeviceArray<T> const& theta, DeviceArray<T> const& gradient) {
          return _sum.evaluate(theta, gradient);
        });
    _state.steps += report.evaluations;
    _step_times.add(watch.seconds() / static_cast<double>(report.evaluations));
    if (!std::isfinite(report.loss)) {
      _failed_step = _state.steps;
      return false;
    }
    end_epoch(report.loss, _options.schedule.base);
    // A small change of the loss or of the parameters ends an epoch, and the next one goes on from
    // there, as with torch.optim.LBFGS in a loop. Where nothing moved at all nothing ever will.
    _converged = report.iterations <= 1 && (report.stop == nn::LbfgsStop::gradient ||
                                            report.stop == nn::LbfgsStop::not_descent ||
                                            report.stop == nn::LbfgsStop::line_search);
    return true;
  }

  void end_epoch(double loss, double rate) {
    ++_state.epoch;
    ++_state.stage_epoch;
    _state.step_in_epoch = 0;
    _state.epoch_loss = 0;
    bool const asked = _validation && (_state.epoch % _options.validate_every == 0 || finished());
    double const validation = asked ? _validation(_theta) : not_known;
    if (asked && validation < _state.best_validation) {
      _state.best_validation = validation;
      _state.best_epoch = _state.epoch;
      _state.best = to_host(_theta);
    }
    TrainingHistory& history = _state.history;
    history.epoch.push_back(_state.epoch);
    history.loss.push_back(loss);
    history.validation.push_back(validation);
    history.rate.push_back(rate);
    for (auto const& [name, value] : _task.observe(_theta)) history.observed[name].push_back(value);
    history.seconds.push_back(seconds());
  }

  void save() {
    _since_checkpoint.restart();
    // Without a step there is nothing to go on from: a job that sees no new file will not go on.
    if (_sitting.checkpoint.empty() || _state.steps == _first_step) return;
    _state.parameters = to_host(_theta);
    _state.optimiser = _lbfgs ? _lbfgs->state() : _optimiser->state();
    _state.seconds = seconds();
    try {
      parallel::run_collectively(_comm, [&] {
        if (_comm.root()) write_checkpoint(_sitting.checkpoint, _state, _identity);
      });
    } catch (Error const& error) { // a full disk is no reason to lose what is learnt
      if (_comm.root())
        std::fprintf(stderr, "\nmoho: %s; training goes on, without a new checkpoint\n",
                     error.what());
    }
  }

  TrainingOutcome<T> outcome(TrainingEnd end) {
    TrainingOutcome<T> outcome;
    outcome.end = end;
    bool const best = !_state.best.empty() && std::isfinite(_state.best_validation);
    outcome.parameters = best ? _state.best : to_host(_theta);
    outcome.history = _state.history;
    outcome.steps = _state.steps;
    outcome.failed_step = _failed_step;
    outcome.best_epoch = best ? _state.best_epoch : _state.epoch;
    outcome.stage = _state.stage;
    outcome.seconds = seconds();
    outcome.earlier_seconds = _earlier;
    outcome.exposed_share = _sum.total() > 0 ? _sum.exposed() / _sum.total() : 0;
    outcome.step_items = _lbfgs || _task.items() == 0 ? 0 : _step_items;
    outcome.step_seconds = _comm.max(_step_times.median());
    outcome.sittings = static_cast<int>(_state.sittings);
    return outcome;
  }

  parallel::Comm _comm;
  TrainingTask<T>& _task;
  ParallelLoss<T> _sum;
  TrainingOptions const& _options;
  std::int64_t _step_items;
  Validation<T> const& _validation;
  Sitting const& _sitting;
  std::string const& _identity;
  nn::FlatSums _sums;
  DeviceArray<T> _gradient, _theta;
  std::unique_ptr<nn::Optimiser<T>> _optimiser;
  std::unique_ptr<nn::Lbfgs<T>> _lbfgs;
  Checkpoint<T> _state;
  StopPoint _stop{_comm};
  Stopwatch _watch, _since_checkpoint;
  StepTimes _step_times;
  double _earlier = 0;
  std::int64_t _failed_step = -1, _first_step = 0; ///< in which the loss failed; of this sitting
  bool _converged = false;
};

/// Batches of items.
template <class T>
class BatchTask : public TrainingTask<T> {
public:
  BatchTask(BatchLoss<T>& loss, std::int64_t items) : _loss(loss), _items(items) {}
  ShardedLoss<T>& loss() override { return _loss; }
  std::int64_t items() const override { return _items; }
  void set_batch(std::span<const std::int64_t> items) override { _loss.set_batch(items); }

private:
  BatchLoss<T>& _loss;
  std::int64_t _items;
};

} // namespace

std::vector<std::int64_t> epoch_order(std::int64_t n, std::uint64_t seed, std::int64_t epoch) {
  Philox const random{seed, stream_order};
  std::vector<std::pair<std::uint64_t, std::int64_t>> keys;
  for (std::int64_t i = 0; i < n; ++i)
    keys.emplace_back(random.bits(static_cast<std::uint64_t>(i), static_cast<std::uint32_t>(epoch)),
                      i);
  std::sort(keys.begin(), keys.end());
  std::vector<std::int64_t> order;
  for (auto const& [key, item] : keys) order.push_back(item);
  return order;
}

template <class T>
TrainingOutcome<T> train(parallel::Comm const& comm, TrainingTask<T>& task,
                         std::vector<T> const& initial, TrainingOptions const& options,
                         Validation<T> const& validation, Sitting const& sitting,
                         std::string const& identity, std::string const& title) {
  std::int64_t const items = task.items();
  std::int64_t const batch = step_items(options, comm);
  if (options.optimiser != "lbfgs" && items > 0 && batch > items)
    throw Error("a batch of " + std::to_string(batch) + " items (there are " +
                std::to_string(items) + " to train on); use a smaller one");
  // another number of ranks would go on with other batches
  std::string const name = options.batch_per_rank
                               ? identity + " on " + std::to_string(comm.size()) + " ranks"
                               : identity;
  return Trainer<T>(comm, task, options, validation, sitting, name).run(initial, title);
}

template <class T>
TrainingOutcome<T> train(parallel::Comm const& comm, BatchLoss<T>& loss, std::int64_t items,
                         std::vector<T> const& initial, TrainingOptions const& options,
                         Validation<T> const& validation, Sitting const& sitting,
                         std::string const& identity, std::string const& title) {
  BatchTask<T> task(loss, items);
  return train<T>(comm, task, initial, options, validation, sitting, identity, title);
}

#define MOHO_INSTANTIATE(T)                                                                        \
  template TrainingOutcome<T> train(                                                               \
      parallel::Comm const&, TrainingTask<T>&, std::vector<T> const&, TrainingOptions const&,      \
      Validation<T> const&, Sitting const&, std::string const&, std::string const&);               \
  template TrainingOutcome<T> train(parallel::Comm const&, BatchLoss<T>&, std::int64_t,            \
                                    std::vector<T> const&, TrainingOptions const&,                 \
                                    Validation<T> const&, Sitting const&, std::string const&,      \
                                    std::string const&);
MOHO_INSTANTIATE(float)
MOHO_INSTANTIATE(double)
#undef MOHO_INSTANTIATE

template <class T>
Preparation described(TrainingOutcome<T> const& outcome, double flops) {
  TrainingHistory const& history = outcome.history;
  Preparation report;
  report.partial = outcome.end == TrainingEnd::time;
  report.earlier_seconds = outcome.earlier_seconds;
  report.metrics = {{"train_loss", history.loss.empty() ? not_known : history.loss.back()},
                    {"train_seconds", outcome.seconds},
                    {"step_seconds", outcome.step_seconds},
                    {"exposed_share", outcome.exposed_share},
                    {"train_gflops", flops / (outcome.seconds - outcome.earlier_seconds) * 1e-9}};
  report.counters = {{"epochs", static_cast<std::int64_t>(history.epoch.size())},
                     {"steps", outcome.steps},
                     {"sittings", outcome.sittings}};
  if (outcome.step_items > 0) report.counters.push_back({"step_items", outcome.step_items});
  report.data = {{"history/epoch", "", history.epoch},
                 {"history/loss", "", history.loss},
                 {"history/rate", "", history.rate},
                 {"history/seconds", "s", history.seconds}};
  report.checks = {{"loss_finite", static_cast<double>(outcome.failed_step), Relation::equal, -1,
                    outcome.failed_step < 0
                        ? std::string("the loss stayed finite")
                        : "the loss was not finite in step " + std::to_string(outcome.failed_step) +
                              "; take a smaller rate"}};
  return report;
}
template Preparation described(TrainingOutcome<float> const&, double);
template Preparation described(TrainingOutcome<double> const&, double);

std::vector<ParameterSpec> training_parameters() {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  return {
      {"optimiser",
       std::string("adam"),
       "who changes the weights",
       0,
       0,
       {"adam", "adamw", "sgd", "lbfgs"}},
      {"rate", 1e-3, "learning rate", 0, infinity},
      {"schedule",
       std::string("constant"),
       "of the rate, by epochs",
       0,
       0,
       {"constant", "step", "cosine"}},
      {"period", std::int64_t{100},
       "epochs: of a step (the rate is multiplied by factor), of a cosine", 1, 1e9},
      {"factor", 0.5, "of a step of the schedule", 0, 1},
      {"warm_up", std::int64_t{0}, "epochs of a linear start", 0, 1e9},
      {"weight_decay", 0.0, "L2 penalty of adam and sgd, decoupled in adamw", 0, infinity},
      {"momentum", 0.9, "of sgd", 0, 1},
      {"clip", 0.0, "largest 2-norm of a gradient; 0: any", 0, infinity},
      {"epochs", std::int64_t{100}, "passes over the items; of lbfgs: steps of 20 iterations", 1,
       1e9},
      {"batch", std::int64_t{20}, "items per step (lbfgs: all)", 1, 1e9},
      {"batch_per_rank", false,
       "that many for each rank of the launch (needs the axis ranks): weak scaling of the steps"},
      {"patience", std::int64_t{0}, "epochs without a better validation before it stops; 0: never",
       0, 1e9},
      {"validate_every", std::int64_t{1}, "epochs", 1, 1e9},
      {"training_seed", std::int64_t{0}, "of the first weights and the order of items", 0,
       infinity},
      {"reduction",
       std::string("deterministic"),
       "of gradients over ranks: the same bits on 1 to 8 ranks, or as fast as MPI is",
       0,
       0,
       {"deterministic", "fast"}},
  };
}

namespace {

/// Settings that would be passed over without a word.
void refuse_idle(TrainingOptions const& options) {
  nn::Schedule const& schedule = options.schedule;
  bool const lbfgs = options.optimiser == "lbfgs";
  if (lbfgs && schedule.kind != nn::Schedule::Kind::constant)
    throw Error("method.schedule (lbfgs searches along its own steps) leave it constant");
  if (lbfgs && options.clip > 0)
    throw Error("method.clip (lbfgs searches along its own steps) leave it 0");
  if (lbfgs && options.weight_decay > 0)
    throw Error("method.weight_decay (lbfgs has none) leave it 0");
  std::int64_t const falls = options.epochs - schedule.warm_up;
  if (schedule.kind == nn::Schedule::Kind::cosine && falls > schedule.period)
    throw Error("method.period = " + std::to_string(schedule.period) +
                " (a cosine is at 0 for the " + "epochs behind it, of " + std::to_string(falls) +
                ") set it to " + std::to_string(falls));
}

} // namespace

TrainingOptions training_options(Parameters const& parameters) {
  TrainingOptions options;
  options.optimiser = parameters.text("optimiser");
  std::string const& kind = parameters.text("schedule");
  options.schedule.kind = kind == "step"     ? nn::Schedule::Kind::step
                          : kind == "cosine" ? nn::Schedule::Kind::cosine
                                             : nn::Schedule::Kind::constant;
  options.schedule.base = parameters.real("rate");
  options.schedule.period = parameters.integer("period");
  options.schedule.factor = parameters.real("factor");
  options.schedule.warm_up = parameters.integer("warm_up");
  nn::check(options.schedule);
  options.weight_decay = parameters.real("weight_decay");
  options.momentum = parameters.real("momentum");
  options.clip = parameters.real("clip");
  options.epochs = parameters.integer("epochs");
  options.batch = parameters.integer("batch");
  options.batch_per_rank = parameters.flag("batch_per_rank");
  options.patience = parameters.integer("patience");
  options.validate_every = parameters.integer("validate_every");
  options.seed = static_cast<std::uint64_t>(parameters.integer("training_seed"));
  options.reduction =
      parameters.text("reduction") == "fast" ? Reduction::fast : Reduction::deterministic;
  refuse_idle(options);
  if (options.optimiser != "lbfgs" && options.reduction == Reduction::deterministic &&
      options.batch < logical_shards)
    throw Error("method.batch = " + std::to_string(options.batch) + " (a batch is shared among " +
                std::to_string(logical_shards) +
                " shards) set it higher, or method.reduction to \"fast\"");
  return options;
}

} // namespace moho::study
