// SPDX-License-Identifier: BSD-3-Clause
// Networks as methods: they learn, answer each row by itself, and know their derivatives.
#include "moho/nn/models/mlp.hpp"
#include "moho/parallel/hdf5.hpp"
#include "moho/study/function_batch.hpp"
#include "moho/study/networks.hpp"
#include "moho/study/weights_file.hpp"
#include "support/by_name.hpp"
#include "support/errors.hpp"
#include "support/kokkos_traffic.hpp"
#include "support/mpi_support.hpp"
#include <cmath>
#include <filesystem>
#include <gtest/gtest.h>
#include <unistd.h>

using namespace moho;
using namespace moho::study;

namespace {

std::unique_ptr<Problem> sines(std::int64_t items = 32) {
  return test::problem(
      "operator-1d",
      {{"draws", std::string("samples")}, {"train", items}, {"test", std::int64_t{6}}});
}

Parameters small(std::string const& name) {
  Parameters parameters = defaults(find_method(name).parameters);
  for (auto const& [key, value] :
       std::map<std::string, Value>{{"width", Value(std::int64_t{8})},
                                    {"epochs", Value(std::int64_t{40})},
                                    {"batch", Value(std::int64_t{8})},
                                    {"rate", Value(1e-2)},
                                    {"depth", Value(std::int64_t{2})},
                                    {"modes", Value(std::int64_t{4})},
                                    {"layers", Value(std::int64_t{2})},
                                    {"blocks", Value(std::int64_t{1})},
                                    {"projection", Value(std::int64_t{8})},
                                    {"activation", Value(std::string("tanh"))}})
    if (parameters.has(key)) parameters.set(key, value);
  return parameters;
}

struct Trained {
  std::unique_ptr<Problem> problem;
  std::unique_ptr<Method> method;
  Preparation preparation;
  Batch inputs, answers;

  explicit Trained(std::string const& name, Parameters const& parameters, std::int64_t items = 32)
      : problem(sines(items)) {
    method = find_method(name).make(parameters);
    method->accept(*problem);
    preparation = method->prepare(*problem, parallel::Comm());
    inputs = problem->draw(Split::test, 0, problem->count(Split::test));
    method->apply(inputs, answers);
  }
  std::vector<double> values() const { return answers.reals(output_array); }
};

double metric(Preparation const& preparation, std::string const& name) {
  for (Metric const& one : preparation.metrics)
    if (one.name == name) return one.value;
  return std::nan("");
}

TEST(Network, EveryArchitectureLearns) {
  for (NetworkEntry const& network : networks()) {
    Trained const one(network.name, small(network.name));
    std::vector<double> losses;
    for (Dataset const& data : one.preparation.data)
      if (data.path == "history/loss") losses = std::get<std::vector<double>>(data.values);
    ASSERT_EQ(losses.size(), 40u) << network.name;
    EXPECT_LT(losses.back(), 0.7 * losses.front()) << network.name;
    EXPECT_LT(metric(one.preparation, "train_loss"), 1) << network.name;
    for (Check const& check : one.preparation.checks) EXPECT_TRUE(check.pass()) << check.note;
  }
}

TEST(Network, FurtherAnswersTakeNoMemoryFromKokkos) {
  bool const root = parallel::Comm().root();
  for (std::string const precision : {"float32", "float64"}) {
    Parameters parameters = small("mlp");
    parameters.set("epochs", Value(std::int64_t{1}));
    parameters.set("precision", Value(precision));
    Trained one("mlp", parameters);
    {
      test::KokkosTraffic const watch;
      one.method->apply(one.inputs, one.answers);
      EXPECT_EQ(watch.allocations(), 0u) << precision;
      Batch fresh;
      one.method->apply(one.inputs, fresh);
      EXPECT_EQ(watch.allocations(), root ? 1u : 0u) << precision;
    }
    if (!root) {
      one.method->apply(one.problem->draw(Split::validation, 0, 6), one.answers);
      continue;
    }
    // What somebody else holds is not written over.
    Batch const held = one.answers;
    std::vector<double> const before = one.values();
    one.method->apply(one.problem->draw(Split::validation, 0, 6), one.answers);
    EXPECT_EQ(held.reals(output_array), before);
    EXPECT_NE(one.values(), before);
  }
}

TEST(Network, FloatAnswersAreCloseToDouble) {
  Parameters parameters = small("mlp");
  parameters.set("epochs", Value(std::int64_t{1}));
  Trained const wide("mlp", parameters);
  parameters.set("precision", Value(std::string("float32")));
  Trained const narrow("mlp", parameters);
  if (!parallel::Comm().root()) return;
  auto const a = wide.values(), b = narrow.values();
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-4);
  EXPECT_NE(a, b);
}

TEST(Network, AnAnswerDoesNotDependOnWhatElseIsAsked) {
  for (char const* const name : {"mlp", "fno"}) {
    Parameters parameters = small(name);
    parameters.set("epochs", Value(std::int64_t{1}));
    Trained one(name, parameters);
    Batch last = one.problem->draw(Split::test, 5, 1), answer;
    one.method->apply(last, answer);
    if (!parallel::Comm().root()) continue;
    auto const all = one.values(), alone = answer.reals(output_array);
    EXPECT_TRUE(std::equal(alone.begin(), alone.end(),
                           all.end() - static_cast<std::ptrdiff_t>(alone.size())))
        << name;
  }
}

TEST(Network, DerivativesAreThoseOfItsAnswersAndItsLoss) {
  for (char const* const name : {"mlp", "deeponet", "fno"}) {
    Parameters parameters = small(name);
    parameters.set("epochs", Value(std::int64_t{2}));
    parameters.set("loss", Value(std::string("mse")));
    Trained one(name, parameters);
    auto& trainable = dynamic_cast<Trainable&>(*one.method);
    std::vector<double> const theta = trainable.parameters();
    std::vector<double> v(theta.size());
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = std::sin(static_cast<double>(i));
    double const step = 1e-5;
    auto const at = [&](double t) {
      std::vector<double> moved = theta;
      for (std::size_t i = 0; i < v.size(); ++i) moved[i] += t * v[i];
      return moved;
    };
    auto const inner = [](std::vector<double> const& a, std::vector<double> const& b) {
      double sum = 0;
      for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
      return sum;
    };
    double const slope = (trainable.loss(at(step)) - trainable.loss(at(-step))) / (2 * step),
                 expected = inner(trainable.gradient(theta), v);
    EXPECT_NEAR(slope, expected, 1e-6 * std::fabs(expected) + 1e-9) << name;
    auto const up = trainable.gradient(at(step)), down = trainable.gradient(at(-step));
    double const curvature = (inner(up, v) - inner(down, v)) / (2 * step),
                 product = inner(trainable.hessian_product(theta, v), v);
    EXPECT_NEAR(curvature, product, 1e-6 * std::fabs(product) + 1e-9) << name;

    auto& differentiable = dynamic_cast<Differentiable&>(*one.method);
    parallel::Comm const comm;
    std::vector<double> const f = one.inputs.reals(input_array);
    std::vector<double> w = comm.broadcast(comm.root() ? one.values() : std::vector<double>());
    Batch cotangents(one.inputs.count());
    auto const outputs = w.size() / one.inputs.count();
    cotangents.set(output_array, "", w, {one.inputs.count(), outputs});
    auto const pulled = differentiable.vjp(one.inputs, cotangents).reals(input_array);
    std::vector<double> moved(2);
    for (int side : {0, 1}) {
      std::vector<double> shifted = f;
      for (std::size_t i = 0; i < f.size(); ++i)
        shifted[i] += (side ? step : -step) * std::cos(static_cast<double>(i));
      Batch in(one.inputs.count()), out;
      in.set(input_array, "", shifted, {one.inputs.count(), f.size() / one.inputs.count()});
      one.method->apply(in, out);
      if (comm.root()) moved[static_cast<std::size_t>(side)] = inner(out.reals(output_array), w);
    }
    if (!comm.root()) continue;
    double along = 0;
    for (std::size_t i = 0; i < f.size(); ++i)
      along += pulled[i] * std::cos(static_cast<double>(i));
    EXPECT_NEAR((moved[1] - moved[0]) / (2 * step), along, 1e-6 * std::fabs(along) + 1e-9) << name;
  }
}

/// What a record of it would hold.
void write_data(std::string const& path, std::vector<Dataset> const& data) {
  parallel::Comm const comm;
  if (comm.root()) {
    auto file = parallel::h5::File::create(path);
    for (Dataset const& set : data)
      if (auto const* reals = std::get_if<std::vector<double>>(&set.values))
        file.write("/" + set.path, std::span<double const>(*reals), set.shape);
    file.close();
  }
  comm.barrier();
}

TEST(Network, WeightsOfAFileAnswerTheSame) {
  parallel::Comm const comm;
  std::string const path = std::filesystem::temp_directory_path().string() + "/moho-weights-" +
                           comm.broadcast(std::to_string(::getpid())) + ".h5";
  Parameters parameters = small("mlp");
  parameters.set("epochs", Value(std::int64_t{3}));
  Trained const one("mlp", parameters);
  write_data(path, one.preparation.data);
  parameters.set("weights", Value(path));
  // whatever they are asked beside: the scaling is that of the training, not of the present problem
  for (std::int64_t const items : {32, 8}) {
    Trained const other("mlp", parameters, items);
    if (comm.root()) {
      EXPECT_EQ(one.values(), other.values()) << items;
    }
    EXPECT_TRUE(other.preparation.trained_on && other.preparation.trained_on->empty());
  }
  auto const refusal = [&] {
    return test::error_of([&] { Trained const wrong("mlp", parameters); });
  };
  parameters.set("output_scaling", Value(std::string("none")));
  EXPECT_TRUE(test::names(refusal(), {"method.output_scaling", path, "trained with scaling"}));
  parameters.set("output_scaling", Value(std::string("channel")));
  parameters.set("width", Value(std::int64_t{9}));
  EXPECT_TRUE(test::names(refusal(), {path, "layer0.weight has shape (8"}));
  comm.barrier();
  if (comm.root()) std::filesystem::remove(path);
  EXPECT_TRUE(test::names(refusal(), {path}));
}

TEST(Network, WeightsOfAnotherCodeAreNotScaledByGuess) {
  parallel::Comm const comm;
  std::string const path = std::filesystem::temp_directory_path().string() + "/moho-bare-" +
                           comm.broadcast(std::to_string(::getpid())) + ".h5";
  Parameters parameters = small("mlp");
  parameters.set("epochs", Value(std::int64_t{3}));
  for (char const* const key : {"input_scaling", "output_scaling"})
    parameters.set(key, Value(std::string("none")));
  Trained const one("mlp", parameters);
  nn::MlpOptions options;
  auto const n = static_cast<std::int64_t>(one.inputs.at(input_array).shape[1]);
  options.sizes = {n, 8, 8, n};
  if (comm.root())
    write_weights(path, nn::Mlp(options).layout(),
                  dynamic_cast<Trainable const&>(*one.method).parameters());
  comm.barrier();
  parameters.set("weights", Value(path));
  Trained const other("mlp", parameters);
  if (comm.root()) {
    EXPECT_EQ(one.values(), other.values());
  }
  parameters.set("input_scaling", Value(std::string("channel")));
  EXPECT_TRUE(test::names(test::error_of([&] { Trained const guessed("mlp", parameters); }),
                          {"method.input_scaling", path, "\"none\""}));
  comm.barrier();
  if (comm.root()) std::filesystem::remove(path);
}

/// Items of a file, in memory and read as they are wanted.
std::vector<double> losses_of(bool stream, std::string const& scaling) {
  auto const problem = test::problem("dataset");
  Parameters parameters = small("mlp");
  parameters.set("epochs", Value(std::int64_t{3}));
  parameters.set("stream", Value(stream));
  parameters.set("input_scaling", Value(scaling));
  parameters.set("output_scaling", Value(scaling));
  auto const method = find_method("mlp").make(parameters);
  for (Dataset const& data : method->prepare(*problem, parallel::Comm()).data)
    if (data.path == "history/loss") return std::get<std::vector<double>>(data.values);
  return {};
}

TEST(Network, StreamedItemsTrainLikeThoseInMemory) {
  auto const memory = losses_of(false, "none"), streamed = losses_of(true, "none");
  ASSERT_EQ(memory.size(), 3u);
  EXPECT_EQ(memory, streamed);
  for (char const* const scaling : {"channel", "point"}) {
    auto const a = losses_of(false, scaling), b = losses_of(true, scaling);
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-9 * a[i]) << scaling;
    EXPECT_NE(a, memory);
  }
}

TEST(Network, OnlyFilesCanBeStreamed) {
  Parameters parameters = small("mlp");
  parameters.set("stream", Value(true));
  auto const problem = sines();
  auto const method = find_method("mlp").make(parameters);
  EXPECT_THROW(method->prepare(*problem, parallel::Comm()), Error);
}

TEST(Network, WhatCannotServeIsRefusedEarly) {
  auto const problem = sines();
  Parameters modes = small("fno");
  modes.set("modes", Value(std::int64_t{4000}));
  EXPECT_THROW(find_method("fno").make(modes)->accept(*problem), Error);
  auto const curves = test::problem("dispersion-family");
  EXPECT_THROW(find_method("fno").make(small("fno"))->accept(*curves), Error);
  EXPECT_THROW(find_method("deeponet").make(small("deeponet"))->accept(*curves), Error);
  EXPECT_NO_THROW(find_method("mlp").make(small("mlp"))->accept(*curves));
  Parameters few = small("mlp");
  few.set("batch", Value(std::int64_t{7}));
  EXPECT_THROW(find_method("mlp").make(few), Error);
  few.set("reduction", Value(std::string("fast")));
  EXPECT_NO_THROW(find_method("mlp").make(few));
  auto const refusal = [&](char const* key, Value const& value) {
    Parameters parameters = small("fno");
    parameters.set(key, value);
    return test::error_of([&] { find_method("fno").make(parameters)->accept(*problem); });
  };
  EXPECT_TRUE(test::names(refusal("batch", std::int64_t{33}), {"method.batch = 33", "32 items"}));
  EXPECT_TRUE(test::names(refusal("stream", true), {"method.stream = true"}));
  EXPECT_TRUE(test::names(refusal("weights", std::string("/none.h5")), {"/none.h5"}));
  EXPECT_EQ(refusal("batch", std::int64_t{32}), "");
}

} // namespace
