// SPDX-License-Identifier: BSD-3-Clause
// Neural networks of the sizes that reference/peers/nn_torch.py has in PyTorch: a training step
// (loss, gradient, Adam), inference of a batch, latency of one item.
#include "harness.hpp"
#include "moho/core/host_copy.hpp"
#include "moho/core/philox.hpp"
#include "moho/nn/derivative.hpp"
#include "moho/nn/models/deeponet.hpp"
#include "moho/nn/models/fno2d.hpp"
#include "moho/nn/models/pinn.hpp"
#include "moho/nn/ops.hpp"
#include "moho/nn/optimiser.hpp"
#include "moho/nn/program.hpp"
#include <memory>
#include <numbers>
#include <optional>

namespace moho::micro {
namespace {

using nn::Value;

/// A loss of parameters and arrays, and the answers, for `items` items. `chunk` of them at a time
/// stay in the caches of a host; a device takes all at once.
struct Case {
  std::string name;
  std::int64_t items = 0, chunk = 0;
  std::shared_ptr<nn::Model> model;
  std::vector<std::int64_t> widths; ///< of a row of each array
  /// Mean loss of a chunk; the arrays are (chunk, width).
  std::function<Value(Value theta, std::vector<Value> const& arrays)> loss;
  /// A further loss of the parameters alone, added once a step; empty: none.
  std::function<Value(Value theta)> once{};
};

Value relative_l2(Value p, Value y) {
  return nn::mean(nn::sqrt(nn::sum(nn::square(p - y), {1})) /
                  nn::sqrt(nn::sum(nn::square(y), {1})));
}

template <class M>
Case supervised(std::string const& name, std::int64_t items, std::int64_t chunk,
                std::shared_ptr<M> model, std::int64_t inputs, std::int64_t outputs,
                bool relative) {
  return {name,
          items,
          chunk,
          model,
          {inputs, outputs},
          [model, relative](Value theta, std::vector<Value> const& in) {
            Value const p = model->apply(theta, in[0]);
            return relative ? relative_l2(p, in[1]) : nn::mean(nn::square(p - in[1]));
          }};
}

Case fno1d() {
  nn::Fno1dOptions options;
  options.padding = 2;
  options.ends_included = true;
  return supervised("fno1d", 20, 1, std::make_shared<nn::Fno1d>(options), 1024, 1024, true);
}

Case fno2d() {
  nn::Fno2dOptions options;
  options.points[0] = options.points[1] = 85;
  return supervised("fno2d", 20, 1, std::make_shared<nn::Fno2d>(options), 85 * 85, 85 * 85, true);
}

Case deeponet() {
  nn::DeepOnetOptions options;
  options.branch = {100, 128, 128, 128, 128};
  options.trunk = {2, 128, 128, 128, 128};
  options.activation = "relu";
  for (std::uint64_t i = 0; i < 2048; ++i) options.queries.push_back(Philox{1, 0}.uniform(i, 0));
  return supervised("deeponet", 256, 256, std::make_shared<nn::DeepOnet>(options), 100, 1024,
                    false);
}

Case mlp() {
  nn::MlpOptions options;
  options.sizes = {30, 256, 256, 256, 256, 60};
  options.activation = "relu";
  return supervised("mlp", 1024, 1024, std::make_shared<nn::Mlp>(options), 30, 60, false);
}

/// 10 000 points in the domain, and 100 points with known values.
Case pinn(bool burgers, std::int64_t chunk) {
  nn::PinnOptions options;
  options.sizes = {2, 50, 50, 50, 50, 1};
  auto const model = std::make_shared<nn::Pinn>(options);
  std::vector<double> edge, known;
  for (std::uint64_t i = 0; i < 100; ++i) {
    edge.push_back(Philox{2, 0}.uniform(i, 0));
    edge.push_back(Philox{2, 0}.uniform(i, 1));
    known.push_back(Philox{2, 0}.normal(i, 1));
  }
  return {burgers ? "pinn_burgers" : "pinn_convection",
          10000,
          chunk,
          model,
          {2},
          [=](Value theta, std::vector<Value> const& in) {
            nn::Derivatives wanted; // u_t - nu u_xx and u_x, or u_t + 30 u_x
            if (burgers) wanted.along = {{{1, 0}, 1, -0.01 / std::numbers::pi}};
            wanted.drift = burgers ? std::vector<double>{0, 1} : std::vector<double>{30, 1};
            nn::Jet const u = model->jet(theta, in[0], wanted);
            Value const residual =
                burgers ? *u.combined + u.value * *u.along[0].first : *u.combined;
            return nn::mean(nn::square(residual));
          },
          [=](Value theta) {
            nn::Tape& tape = theta.tape();
            Value const at_edge = model->apply(theta, tape.constant({100, 2}, edge));
            return nn::mean(nn::square(at_edge - tape.constant({100, 1}, known)));
          }};
}

std::vector<Case> cases() {
  return {fno1d(), fno2d(), deeponet(), mlp(), pinn(false, 250), pinn(true, 250)};
}

/// to = share from, added to `to` unless it is the first.
template <class T>
void accumulate(ExecutionSpace const& space, typename nn::Program<T>::Array const& from, bool first,
                double share, typename nn::Program<T>::Array const& to) {
  T const weight = static_cast<T>(share);
  Kokkos::parallel_for(
      "moho::micro::accumulate",
      Kokkos::RangePolicy<ExecutionSpace>(space, 0, static_cast<std::int64_t>(to.extent(0))),
      KOKKOS_LAMBDA(std::int64_t i) {
        to(i) = first ? weight * from(i) : to(i) + weight * from(i);
      });
}

/// Programs of a case for a step and for answers.
template <class T>
class Network {
public:
  Network(Case const& one, std::int64_t chunk) {
    theta = tape.input("theta", {one.model->layout().size()});
    for (std::size_t i = 0; i < one.widths.size(); ++i)
      arrays.push_back(tape.input("array" + std::to_string(i), {chunk, one.widths[i]}));
    _chunks = one.items / chunk;
    Value loss = one.loss(theta, arrays);
    if (one.once) {
      Value const more = one.once(theta);
      if (_chunks > 1)
        once.emplace(std::vector{more, nn::grad(more, theta)});
      else
        loss = loss + more;
    }
    step.emplace(std::vector{loss, nn::grad(loss, theta)});
    answer.emplace(std::vector{one.model->apply(theta, arrays[0])});
    auto const size = static_cast<std::size_t>(theta.shape().size());
    auto const first = one.model->layout().initial(0);
    parameters = to_device("theta", std::vector<T>(first.begin(), first.end()));
    total = Array("gradient", size);
    adam = std::make_unique<nn::Adam<T>>(size);
    if (once) once->bind(theta, parameters);
    for (auto* const program : {&*step, &*answer}) {
      program->bind(theta, parameters);
      for (std::size_t i = 0; i < arrays.size(); ++i) {
        std::vector<T> values;
        for (std::int64_t k = 0; k < arrays[i].shape().size(); ++k)
          values.push_back(static_cast<T>(
              Philox{3, static_cast<std::uint32_t>(i)}.uniform(static_cast<std::uint64_t>(k), 0)));
        copy_to_device(std::span<T const>(values), program->input(arrays[i]));
      }
    }
  }

  /// Does not fence.
  void train() {
    ExecutionSpace const space;
    for (std::int64_t c = 0; c < _chunks; ++c) {
      step->run(space);
      if (_chunks > 1) accumulate<T>(space, step->result(1), c == 0, 1.0 / double(_chunks), total);
    }
    if (once) {
      once->run(space);
      accumulate<T>(space, once->result(1), false, 1, total);
    }
    Array const gradient = _chunks > 1 ? total : step->result(1);
    adam->step(space, parameters, gradient, 1e-3);
  }
  /// Does not fence.
  void infer() {
    ExecutionSpace const space;
    for (std::int64_t c = 0; c < _chunks; ++c) answer->run(space);
  }
  std::int64_t chunks() const { return _chunks; }
  /// Share of the time of a step that is spent in matrix products.
  double product_share() {
    double products = 0, all = 0;
    for (int repeat = 0; repeat < 3; ++repeat)
      for (nn::Timing const& one : step->profile(ExecutionSpace())) {
        all += one.seconds;
        if (one.kernel == "contraction") products += one.seconds;
      }
    return products / all;
  }

  using Array = typename nn::Program<T>::Array;
  nn::Tape tape;
  Value theta;
  std::vector<Value> arrays;
  std::optional<nn::Program<T>> step, answer, once;

private:
  Array parameters, total;
  std::unique_ptr<nn::Adam<T>> adam;
  std::int64_t _chunks = 1;
};

template <class T>
void measure(Harness& harness, benchmark::State& state, Case const& one, std::string const& what) {
  bool const latency = what == "latency";
  Case single = one;
  single.items = 1;
  Case const& measured = latency ? single : one;
  Network<T> network(measured, latency ? 1 : harness.as_device() ? one.items : one.chunk);
  std::string const key = "nn/" + what + "/" + one.name + (sizeof(T) == 4 ? "/f32" : "/f64");
  bool const train = what == "train";
  harness.time(
      state, key, [&] { train ? network.train() : network.infer(); },
      [&] {
        double const flops = train ? network.step->flops() : network.answer->flops();
        double const more = train && network.once ? network.once->flops() : 0;
        return Work{.flops = flops * static_cast<double>(network.chunks()) + more,
                    .items = {{"items", static_cast<double>(latency ? 1 : one.items)}}};
      },
      sizeof(T) == 4 ? Gemm::sgemm : Gemm::dgemm, latency ? Fence::each : Fence::some);
  state.counters["parameters"] = static_cast<double>(one.model->layout().size());
  if (train) state.counters["product_share"] = network.product_share();
}

} // namespace

void register_nn_benchmarks(Harness& harness) {
  static const std::vector<Case> all = cases();
  for (Case const& one : all)
    for (char const* const what : {"train", "infer", "latency"})
      for (bool const narrow : {true, false})
        benchmark::RegisterBenchmark(
            ("nn/" + std::string(what) + "/" + one.name + (narrow ? "/f32" : "/f64")).c_str(),
            [&harness, &one, what, narrow](benchmark::State& state) {
              if (narrow)
                measure<float>(harness, state, one, what);
              else
                measure<double>(harness, state, one, what);
            })
            ->UseManualTime()
            ->Unit(benchmark::kMillisecond);
}

} // namespace moho::micro
