// SPDX-License-Identifier: BSD-3-Clause
// Trained networks: data -> scaling -> training -> answers.
#include "function_training.hpp"
#include "moho/core/error.hpp"
#include "moho/core/host_copy.hpp"
#include "moho/core/staged.hpp"
#include "moho/nn/derivative.hpp"
#include "moho/nn/ops.hpp"
#include "moho/study/function_batch.hpp"
#include "moho/study/networks.hpp"
#include "moho/study/sha256.hpp"
#include "moho/study/training.hpp"
#include "moho/study/weights_file.hpp"
#include "streamed_items.hpp"
#include <algorithm>
#include <cmath>
#include <numeric>

namespace moho::study {
namespace {

/// Rows of inputs or targets, in T, with their scaling.
struct Rows {
  std::int64_t count = 0, width = 0;
  std::vector<double> values; ///< (count, width)
};

/// What the root has, on every rank.
Rows shared(parallel::Comm const& comm, Matrix const& items) {
  Rows rows;
  rows.values = comm.broadcast(std::span<double const>(items.values));
  std::vector<std::int64_t> const extents = comm.broadcast(std::vector<std::int64_t>{
      static_cast<std::int64_t>(items.columns), static_cast<std::int64_t>(items.rows)});
  rows.count = extents[0];
  rows.width = extents[1];
  return rows;
}

/// The scaling of rows, on the host and on a tape.
struct Affine : RowScaling {
  static Affine none(std::size_t width) { return {RowScaling::none(width)}; }
  static Affine of(Normalisation const& found, std::size_t width) {
    Affine affine = none(width);
    for (std::size_t i = 0; i < width; ++i) {
      affine.mean[i] = found.mean[i % found.mean.size()];
      affine.deviation[i] = found.deviation[i % found.deviation.size()];
    }
    return affine;
  }
  /// What `scaling` says of the rows; "none" leaves them.
  static Affine of(std::string const& scaling, Rows const& rows, std::size_t channels,
                   std::string const& what) {
    auto const width = static_cast<std::size_t>(rows.width);
    if (scaling == "none") return none(width);
    return of(normalisation(rows.values, width, channels, scaling_of(scaling), what), width);
  }
  static Scaling scaling_of(std::string const& scaling) {
    return scaling == "point" ? Scaling::point : Scaling::channel;
  }
  /// 0 where training never varied.
  void apply(std::vector<double>& rows) const {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      std::size_t const j = i % mean.size();
      rows[i] = deviation[j] > 0 ? (rows[i] - mean[j]) / deviation[j] : 0;
    }
  }
  /// mean + deviation x on a tape, x (n, width).
  nn::Value undo(nn::Value x) const {
    if (is_identity()) return x;
    nn::Shape const shape{static_cast<std::int64_t>(mean.size())};
    return x * x.tape().constant(shape, deviation) + x.tape().constant(shape, mean);
  }
};

/// Sum over items of the loss, p and y (n, width).
nn::Value item_losses(std::string const& kind, nn::Value p, nn::Value y) {
  if (kind == "mse") return nn::sum(nn::square(p - y)) / static_cast<double>(y.shape()[1]);
  return nn::sum(nn::sqrt(nn::sum(nn::square(p - y), {1})) / nn::sqrt(nn::sum(nn::square(y), {1})));
}

/// A program that answers a fixed number of rows, so that no answer depends on how many are asked.
/// It keeps its memory, all arrays of Kokkos among it.
template <class T>
struct Forward {
  nn::Tape tape;
  nn::Value theta, x;
  std::unique_ptr<nn::Program<T>> program;
  std::vector<T> chunk, found;
  std::vector<double> answers;

  Forward(nn::Model const& model, Affine const& targets, std::int64_t rows, std::int64_t width) {
    theta = tape.input("theta", {model.layout().size()});
    x = tape.input("x", {rows, width});
    program = std::make_unique<nn::Program<T>>(std::vector{targets.undo(model.apply(theta, x))});
  }

  /// Answers to `inputs` (n, width), there until the next are asked for.
  std::span<double const> answer(DeviceArray<T> const& parameters, std::span<double const> inputs) {
    auto const width = static_cast<std::size_t>(x.shape()[1]),
               rows = static_cast<std::size_t>(x.shape()[0]), n = inputs.size() / width;
    answers.clear();
    chunk.resize(rows * width);
    program->bind(theta, parameters);
    for (std::size_t begin = 0; begin < n; begin += rows) {
      // the last chunk is filled up with its last row
      for (std::size_t row = 0; row < rows; ++row) {
        auto const from = inputs.subspan(std::min(begin + row, n - 1) * width, width);
        std::copy(from.begin(), from.end(),
                  chunk.begin() + static_cast<std::ptrdiff_t>(row * width));
      }
      copy_to_device(std::span<T const>(chunk), program->input(x));
      program->run(ExecutionSpace());
      found.resize(program->result(0).extent(0));
      copy_to_host(program->result(0), std::span<T>(found));
      std::size_t const outputs = found.size() / rows, used = std::min(rows, n - begin);
      answers.insert(answers.end(), found.begin(),
                     found.begin() + static_cast<std::ptrdiff_t>(used * outputs));
    }
    return answers;
  }
};

/// This rank's share of n items.
std::pair<std::int64_t, std::int64_t> share_of(std::int64_t n, parallel::Comm const& comm) {
  return {n * comm.rank() / comm.size(), n * (comm.rank() + 1) / comm.size()};
}

class Network : public Method, public Differentiable, public Trainable {
public:
  Network(NetworkEntry const& entry, Parameters const& parameters)
      : _entry(entry), _parameters(parameters), _options(training_options(parameters)) {}

  void accept(Problem const& problem) const override {
    auto const* gridded = capability<Gridded>(problem);
    if (!gridded) {
      if (_entry.name == "fno" || _entry.name == "deeponet") _entry.make(_parameters, {1, 1, {}});
      return;
    }
    auto const model = _entry.make(_parameters, shape_of(gridded->grid()));
    std::string const& file = _parameters.text("weights");
    if (!file.empty()) return static_cast<void>(read_weights(file, model->layout()));
    auto const items = static_cast<std::int64_t>(problem.count(Split::train));
    if (_options.optimiser != "lbfgs" && !_options.batch_per_rank && _options.batch > items)
      throw Error("method.batch = " + std::to_string(_options.batch) + " (there are " +
                  std::to_string(items) + " items to train on) use a smaller one");
    if (_parameters.flag("stream") && !capability<Streamed>(problem)) throw_not_streamed();
  }

  void sit(Sitting const& sitting) override { _sitting = sitting; }

  Preparation prepare(Problem const& problem, parallel::Comm const& comm) override {
    require_samples(problem, _entry.name);
    _comm = comm;
    read_data(problem);
    return _parameters.text("precision") == "float32" ? prepared<float>() : prepared<double>();
  }

  void apply(Batch const& in, Batch& out) override {
    Matrix const asked = asked_inputs(in, static_cast<std::size_t>(_inputs.width), _entry.name);
    auto const n = static_cast<std::int64_t>(asked.columns);
    auto const [first, last] = share_of(n, _comm);
    std::vector<double> mine(asked.values.begin() + first * _inputs.width,
                             asked.values.begin() + last * _inputs.width);
    _input_scale.apply(mine);
    std::vector<double> const all = _comm.gather(_answer(mine));
    _flops = static_cast<std::int64_t>(static_cast<double>(n) * _flops_per_item);
    if (!_comm.root()) return;
    if (out.count() != asked.columns || out.arrays().size() != 1) out = Batch(asked.columns);
    out.set(output_array, _units, all, {asked.columns, static_cast<std::size_t>(_targets.width)});
  }

  Cost cost() const override {
    Cost cost;
    cost.flops = _flops;
    return cost;
  }

  // ---- Differentiable
  // ----------------------------------------------------------------------------
  Batch vjp(Batch const& in, Batch const& cotangents) override {
    Matrix asked = asked_inputs(in, static_cast<std::size_t>(_inputs.width), _entry.name);
    auto const n = static_cast<std::int64_t>(asked.columns);
    std::vector<double> rows = asked.values;
    _input_scale.apply(rows);
    nn::Tape tape;
    nn::Value const theta = tape.input("theta", {_model->layout().size()}),
                    x = tape.input("x", {n, _inputs.width}),
                    w = tape.input("w", {n, _targets.width});
    nn::Program<double> program(nn::vjp({_target_scale.undo(_model->apply(theta, x))}, {w}, {x}));
    program.bind(theta, to_device("theta", _theta));
    copy_to_device(std::span<double const>(rows), program.input(x));
    copy_to_device(std::span<double const>(cotangents.reals(output_array)), program.input(w));
    program.run(ExecutionSpace());
    std::vector<double> gradient = to_host(program.result(0));
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      double const deviation = _input_scale.deviation[i % _input_scale.deviation.size()];
      gradient[i] = deviation > 0 ? gradient[i] / deviation : 0;
    }
    Batch result(asked.columns);
    result.set(input_array, "", gradient, {asked.columns, asked.rows});
    return result;
  }

  // ---- Trainable
  // -----------------------------------------------------------------------------------
  std::vector<double> parameters() const override { return _theta; }
  double loss(std::vector<double> const& parameters) override {
    return whole_loss(parameters, nullptr);
  }
  std::vector<double> gradient(std::vector<double> const& parameters) override {
    std::vector<double> gradient;
    whole_loss(parameters, &gradient);
    return gradient;
  }
  std::vector<double> hessian_product(std::vector<double> const& parameters,
                                      std::vector<double> const& v) override {
    refuse_streamed();
    MOHO_REQUIRE(parameters.size() == _theta.size() && v.size() == _theta.size());
    nn::Tape tape;
    nn::Value const theta = tape.input("theta", {_model->layout().size()}),
                    direction = tape.input("v", {_model->layout().size()}),
                    x = tape.input("x", {_entry.chunk, _inputs.width}),
                    y = tape.input("y", {_entry.chunk, _targets.width}),
                    used = tape.input("used", {_entry.chunk, 1});
    // rows that only fill up a chunk do not count
    nn::Value const p = _target_scale.undo(_model->apply(theta, x));
    nn::Value const loss = item_losses(_parameters.text("loss"), y + used * (p - y), y) /
                           static_cast<double>(_inputs.count);
    nn::Program<double> program({nn::hvp(loss, theta, direction)});
    program.bind(theta, to_device("theta", parameters));
    program.bind(direction, to_device("v", v));
    Staged<double> const mask(program.input(used));
    const ExecutionSpace execution;
    std::vector<double> total(v.size(), 0.0);
    for (std::int64_t begin = 0; begin < _inputs.count; begin += _entry.chunk) {
      fill(program, x, _inputs, begin);
      fill(program, y, _targets, begin);
      for (std::int64_t row = 0; row < _entry.chunk; ++row)
        mask.host()[static_cast<std::size_t>(row)] = begin + row < _inputs.count ? 1 : 0;
      mask.to_device(execution);
      program.run(execution);
      std::vector<double> const part = to_host(program.result(0));
      for (std::size_t i = 0; i < total.size(); ++i) total[i] += part[i];
    }
    return total;
  }

private:
  MapShape shape_of(std::optional<Grid> const& grid) const {
    MapShape shape{_inputs.width, _targets.width, grid};
    if (grid) {
      auto const points = static_cast<std::int64_t>(grid->size());
      shape.inputs = points * grid->input_channels;
      shape.outputs = points * grid->output_channels;
    }
    return shape;
  }

  void read_data(Problem const& problem) {
    auto const* gridded = capability<Gridded>(problem);
    std::optional<Grid> grid;
    if (gridded) grid = gridded->grid();
    if (_parameters.flag("stream"))
      read_statistics(problem, grid);
    else
      read_training_set(problem, grid);
    _model = _entry.make(_parameters, shape_of(grid));
    std::string const& file = _parameters.text("weights");
    if (!file.empty()) {
      parallel::run_collectively(_comm, [&] { _stored = read_weights(file, _model->layout()); });
      take_scaling(*_stored, file);
    }
    _input_scale.apply(_inputs.values);
    std::size_t const asked = problem.count(Split::validation);
    if (asked == 0) return;
    const Batch inputs = problem.draw_together(Split::validation, 0, asked, _comm);
    const Batch truth = problem.truth(inputs, _comm);
    _validation_inputs.count = static_cast<std::int64_t>(asked);
    _validation_inputs.width = _inputs.width;
    _validation_inputs.values = inputs.reals(input_array);
    _input_scale.apply(_validation_inputs.values);
    std::vector<double> known;
    if (_comm.root()) known = truth.reals(output_array);
    _validation_targets.values = _comm.broadcast(std::span<double const>(known));
  }

  void read_training_set(Problem const& problem, std::optional<Grid> const& grid) {
    TrainingSet set = training_set(problem, _comm);
    _units = _comm.broadcast(set.units);
    _inputs = shared(_comm, set.inputs);
    _targets = shared(_comm, set.targets);
    _input_scale =
        Affine::of(_parameters.text("input_scaling"), _inputs,
                   grid ? static_cast<std::size_t>(grid->input_channels) : 1, inputs_word);
    _target_scale =
        Affine::of(_parameters.text("output_scaling"), _targets,
                   grid ? static_cast<std::size_t>(grid->output_channels) : 1, outputs_word);
  }

  [[noreturn]] static void throw_not_streamed() {
    throw Error(
        "method.stream = true (the items of this problem are not in a file) set it to false");
  }

  /// Weights of a file answer with the scaling that they were learnt with.
  void take_scaling(StoredNetwork const& stored, std::string const& file) {
    auto const take = [&](char const* key, std::optional<RowScaling> const& kept, Affine& scale) {
      bool const asked = _parameters.text(key) != "none";
      std::string const name = std::string("method.") + key;
      if (!kept && asked)
        throw Error(name + " = \"" + _parameters.text(key) + "\" ('" + file +
                    "' does not say how its rows were scaled) set it to \"none\", or store "
                    "/scaling in the file");
      if (!kept) return;
      if (kept->mean.size() != scale.mean.size())
        throw Error("'" + file + "': /scaling is of rows of " + std::to_string(kept->mean.size()) +
                    " values (there are " + std::to_string(scale.mean.size()) +
                    ") take weights of a network for these");
      if (asked == kept->is_identity())
        throw Error(name + " = \"" + _parameters.text(key) + "\" ('" + file + "' was trained " +
                    (asked ? "without" : "with") + " scaling) set it as it was then");
      static_cast<RowScaling&>(scale) = *kept;
    };
    take("input_scaling", stored.inputs, _input_scale);
    take("output_scaling", stored.outputs, _target_scale);
  }

  /// Passes over the training items once, a block at a time, for what scaling has to know.
  void read_statistics(Problem const& problem, std::optional<Grid> const& grid) {
    constexpr std::size_t block = 64;
    _streamed = capability<Streamed>(problem);
    if (!_streamed || !grid) throw_not_streamed();
    MapShape const shape = shape_of(grid);
    _inputs.count = _targets.count = static_cast<std::int64_t>(problem.count(Split::train));
    _inputs.width = shape.inputs;
    _targets.width = shape.outputs;
    auto const inputs = static_cast<std::size_t>(shape.inputs),
               outputs = static_cast<std::size_t>(shape.outputs);
    Moments of_inputs(inputs), of_targets(outputs);
    for (std::size_t first = 0; first < problem.count(Split::train); first += block) {
      std::size_t const n = std::min(block, problem.count(Split::train) - first);
      const Batch some = problem.draw(Split::train, first, n);
      of_inputs.add(some.reals(input_array));
      const Batch known = problem.truth(some, _comm);
      std::vector<double> answers;
      if (_comm.root()) answers = known.reals(output_array);
      of_targets.add(_comm.broadcast(std::span<double const>(answers)));
    }
    auto const scale = [&](char const* key, Moments const& moments, std::size_t width, int channels,
                           char const* what) {
      std::string const& scaling = _parameters.text(key);
      if (scaling == "none") return Affine::none(width);
      return Affine::of(moments.normalisation(static_cast<std::size_t>(channels),
                                              Affine::scaling_of(scaling), what),
                        width);
    };
    _input_scale = scale("input_scaling", of_inputs, inputs, grid->input_channels, inputs_word);
    _target_scale =
        scale("output_scaling", of_targets, outputs, grid->output_channels, outputs_word);
  }

  static constexpr char const *inputs_word = "input of the training items",
                              *outputs_word = "output of the training items";

  /// What is trained and how, for checkpoints.
  std::string identity() const {
    return "{\"network\":" + json_string(_entry.name) + ",\"parameters\":" + to_json(_parameters) +
           ",\"inputs\":" + std::to_string(_inputs.width) +
           ",\"outputs\":" + std::to_string(_targets.width) +
           ",\"items\":" + std::to_string(_inputs.count) + ",\"sha256\":\"" + data_digest() + "\"}";
  }
  /// Of the training items; of streamed ones, of what their scaling tells.
  std::string data_digest() const {
    Sha256 sha;
    for (std::vector<double> const* values :
         {&_inputs.values, &_targets.values, &_input_scale.mean, &_input_scale.deviation,
          &_target_scale.mean, &_target_scale.deviation})
      sha.update(std::span<double const>(*values));
    return sha.hex();
  }

  ItemLoss item_loss() const {
    return [this](nn::Value theta, std::vector<nn::Value> const& arrays) {
      return item_losses(_parameters.text("loss"),
                         _target_scale.undo(_model->apply(theta, arrays[0])), arrays[1]);
    };
  }

  /// Mean over the validation items of the relative L2 error.
  template <class T>
  double validation_error(Forward<T>& forward, DeviceArray<T> const& parameters) {
    auto const width = static_cast<std::size_t>(_targets.width);
    auto const [first, last] = share_of(_validation_inputs.count, _comm);
    std::span<double const> const answers = forward.answer(
        parameters, std::span(_validation_inputs.values)
                        .subspan(static_cast<std::size_t>(first * _inputs.width),
                                 static_cast<std::size_t>((last - first) * _inputs.width)));
    std::vector<double> errors;
    for (std::int64_t item = first; item < last; ++item) {
      double difference = 0, size = 0;
      for (std::size_t j = 0; j < width; ++j) {
        double const y = _validation_targets.values[static_cast<std::size_t>(item) * width + j],
                     p = answers[static_cast<std::size_t>(item - first) * width + j];
        difference += (p - y) * (p - y);
        size += y * y;
      }
      errors.push_back(std::sqrt(difference / size));
    }
    // added on the root in the order of items, whoever worked them out
    std::vector<double> const all = _comm.gather(std::span<double const>(errors));
    std::vector<double> const mean{std::accumulate(all.begin(), all.end(), 0.0) /
                                   static_cast<double>(_validation_inputs.count)};
    return _comm.broadcast(std::span<double const>(mean))[0];
  }

  template <class T>
  Preparation prepared() {
    auto forward =
        std::make_shared<Forward<T>>(*_model, _target_scale, _entry.chunk, _inputs.width);
    _flops_per_item = forward->program->flops() / static_cast<double>(_entry.chunk);
    Preparation report;
    if (_stored) {
      _theta = _stored->theta;
      report.trained_on = _stored->trained_on;
    } else {
      report = trained<T>(*forward);
      report.counters.push_back({"samples", _inputs.count});
    }
    report.keeps_weights = true;
    auto const parameters =
        to_device("moho::study::theta", std::vector<T>(_theta.begin(), _theta.end()));
    _answer = [forward, parameters](std::span<double const> inputs) {
      return forward->answer(parameters, inputs);
    };
    report.counters.push_back({"parameters", _model->layout().size()});
    if (!_comm.root()) return report;
    for (auto const& list :
         {weights_data(_model->layout(), _theta), scaling_data(_input_scale, _target_scale)})
      report.data.insert(report.data.end(), list.begin(), list.end());
    return report;
  }

  template <class T>
  Preparation trained(Forward<T>& forward) {
    std::unique_ptr<ItemSource<T>> items;
    if (_streamed) {
      items = std::make_unique<StreamedItems<T>>(
          *_streamed, _inputs.count, _inputs.width, _targets.width,
          [this](std::vector<double>& rows) { _input_scale.apply(rows); });
    } else {
      std::vector<T> inputs(_inputs.values.begin(), _inputs.values.end()),
          targets(_targets.values.begin(), _targets.values.end());
      items = std::make_unique<MemoryItems<T>>(std::vector{std::move(inputs), std::move(targets)},
                                               std::vector{_inputs.width, _targets.width});
    }
    BatchLoss<T> loss(*items, item_loss(), _model->layout().size(), _entry.chunk);
    std::vector<double> const first = _model->layout().initial(_options.seed);
    Validation<T> validation;
    if (_validation_inputs.count > 0)
      validation = [&](DeviceArray<T> const& theta) { return validation_error(forward, theta); };
    TrainingOutcome<T> const outcome =
        train<T>(_comm, loss, _inputs.count, {first.begin(), first.end()}, _options, validation,
                 _sitting, identity(), _entry.name);
    _theta.assign(outcome.parameters.begin(), outcome.parameters.end());
    Preparation report = described(outcome, _comm.sum(loss.flops()));
    std::vector<double> const& validations = outcome.history.validation;
    double best = std::nan("");
    for (double const error : validations)
      if (std::isfinite(error) && !(best <= error)) best = error;
    report.metrics.push_back({"validation_rel_l2", best});
    report.counters.push_back({"best_epoch", outcome.best_epoch});
    report.data.push_back({"history/validation", "", validations});
    return report;
  }

  /// Loss over all training items, and its gradient.
  double whole_loss(std::vector<double> const& parameters, std::vector<double>* gradient) {
    refuse_streamed();
    MOHO_REQUIRE(parameters.size() == _theta.size());
    MemoryItems<double> const items({_inputs.values, _targets.values},
                                    {_inputs.width, _targets.width});
    BatchLoss<double> loss(items, item_loss(), _model->layout().size(), _entry.chunk);
    std::vector<std::int64_t> all(static_cast<std::size_t>(_inputs.count));
    std::iota(all.begin(), all.end(), std::int64_t{0});
    loss.set_batch(all);
    ParallelLoss<double> sum(_comm, _options.reduction, loss);
    DeviceArray<double> const to("moho::study::gradient", parameters.size());
    double const value = sum.evaluate(to_device("moho::study::theta", parameters), to);
    if (gradient) *gradient = to_host(to);
    return value;
  }

  void refuse_streamed() const {
    if (_streamed)
      throw Error("the loss over all items of a network that was trained with stream = true (they "
                  "are not in memory) train it with stream = false");
  }

  static void fill(nn::Program<double>& program, nn::Value array, Rows const& rows,
                   std::int64_t begin) {
    std::vector<double> chunk;
    for (std::int64_t row = 0; row < array.shape()[0]; ++row) {
      auto const from = rows.values.begin() + std::min(begin + row, rows.count - 1) * rows.width;
      chunk.insert(chunk.end(), from, from + rows.width);
    }
    copy_to_device(std::span<double const>(chunk), program.input(array));
  }

  NetworkEntry const& _entry;
  Parameters _parameters;
  TrainingOptions _options;
  Sitting _sitting;
  Streamed const* _streamed = nullptr; ///< while it is trained on items in a file
  parallel::Comm _comm;
  std::string _units;
  Rows _inputs, _targets, _validation_inputs, _validation_targets; ///< inputs are scaled
  Affine _input_scale, _target_scale;
  std::unique_ptr<nn::Model> _model;
  std::vector<double> _theta;
  std::optional<StoredNetwork> _stored; ///< weights of a file
  std::function<std::span<double const>(std::span<double const>)> _answer;
  double _flops_per_item = 0;
  std::int64_t _flops = 0;
};

} // namespace

std::vector<std::string> const& network_metrics() {
  static const std::vector<std::string> names{"train_loss",   "validation_rel_l2", "train_seconds",
                                              "step_seconds", "exposed_share",     "train_gflops"};
  return names;
}

MethodEntry network_method(NetworkEntry const& network) {
  std::vector<ParameterSpec> parameters = network.parameters;
  for (ParameterSpec& one : training_parameters()) parameters.push_back(std::move(one));
  std::vector<std::string> const scalings{"none", "channel", "point"};
  parameters.push_back(
      {"loss", std::string("relative-l2"), "mean over the items", 0, 0, {"relative-l2", "mse"}});
  parameters.push_back({"input_scaling", std::string("channel"),
                        "to mean 0 and deviation 1: each channel, or each value of a row", 0, 0,
                        scalings});
  parameters.push_back(
      {"output_scaling", std::string("channel"), "the same of the answers", 0, 0, scalings});
  parameters.push_back({"precision",
                        std::string("float64"),
                        "of training and answers",
                        0,
                        0,
                        {"float64", "float32"}});
  parameters.push_back({"stream", false, "read items from their file when a batch wants them"});
  parameters.push_back({"weights", std::string(), "file of weights to take instead of training"});
  return {
      network.name,
      function_map,
      network.summary,
      parameters,
      [&network](Parameters const& chosen) { return std::make_unique<Network>(network, chosen); },
      network_metrics()};
}

} // namespace moho::study
