// SPDX-License-Identifier: BSD-3-Clause
// Every model: derivatives with respect to its parameters and its input, exchange of parameters.
#include "moho/nn/models/deeponet.hpp"
#include "moho/nn/models/fno2d.hpp"
#include "moho/nn/models/pinn.hpp"
#include "moho/nn/models/resnet.hpp"
#include "support/errors.hpp"
#include "support/nn_gradients.hpp"
#include <memory>

using namespace moho::nn;
using namespace moho::nn::test;

namespace {

constexpr std::uint64_t seed = 2021;

Fno1dOptions small_fno1d() {
  Fno1dOptions options;
  options.width = 3;
  options.modes = 3;
  options.projection = 4;
  options.layers = 2;
  options.padding = 2;
  return options;
}

Fno2dOptions small_fno2d() {
  Fno2dOptions options;
  options.points[0] = 6;
  options.points[1] = 5;
  options.width = 2;
  options.modes[0] = 2;
  options.modes[1] = 3;
  options.projection = 3;
  options.layers = 2;
  options.padding = 1;
  return options;
}

struct Case {
  char const* name;
  std::unique_ptr<Model> model;
  Shape input;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (char const* const activation : {"tanh", "gelu", "sin", "sigmoid"}) {
    MlpOptions options;
    options.sizes = {3, 5, 4, 2};
    options.activation = activation;
    all.push_back({activation, std::make_unique<Mlp>(options), Shape{4, 3}});
  }
  ResNetOptions resnet;
  resnet.inputs = 3;
  resnet.outputs = 2;
  resnet.width = 4;
  resnet.blocks = 2;
  resnet.activation = "tanh";
  all.push_back({"resnet", std::make_unique<ResNet>(resnet), Shape{4, 3}});
  all.push_back({"fno1d", std::make_unique<Fno1d>(small_fno1d()), Shape{2, 9, 1}});
  Fno1dOptions channels = small_fno1d();
  channels.inputs = 2;
  channels.outputs = 3;
  channels.padding = 0;
  all.push_back({"fno1d channels", std::make_unique<Fno1d>(channels), Shape{2, 8, 2}});
  all.push_back({"fno2d", std::make_unique<Fno2d>(small_fno2d()), Shape{2, 6, 5, 1}});
  all.push_back({"fno2d flat", std::make_unique<Fno2d>(small_fno2d()), Shape{2, 30}});
  DeepOnetOptions deeponet;
  deeponet.branch = {4, 5, 3};
  deeponet.trunk = {2, 4, 3};
  deeponet.queries = random_numbers(10, seed);
  all.push_back({"deeponet", std::make_unique<DeepOnet>(deeponet), Shape{3, 4}});
  PinnOptions pinn;
  pinn.sizes = {2, 5, 5, 1};
  all.push_back({"pinn", std::make_unique<Pinn>(pinn), Shape{6, 2}});
  pinn.features = 2;
  pinn.xavier = false;
  all.push_back({"pinn with features", std::make_unique<Pinn>(pinn), Shape{6, 2}});
  return all;
}

TEST(Models, DerivativesOfEveryModel) {
  for (Case const& one : cases()) {
    std::vector<double> const theta = one.model->layout().initial(seed);
    Shape const parameters{one.model->layout().size()};
    expect_good(derivative_quality(
                    [&](std::vector<Value> const& in) { return one.model->apply(in[0], in[1]); },
                    {parameters, one.input}, {theta, random_numbers(one.input.size(), seed)}, seed),
                one.name);
  }
}

TEST(Models, RowsDoNotDependOnEachOther) {
  for (Case const& one : cases()) {
    std::vector<double> const theta = one.model->layout().initial(seed);
    std::int64_t const n = one.input[0], row = one.input.size() / n;
    auto const answers = [&](Numbers const& input, std::int64_t rows) {
      auto extents = one.input.extents();
      extents[0] = rows;
      Tape tape;
      Value const parameters = tape.input("theta", {one.model->layout().size()}),
                  x = tape.input("x", Shape(extents));
      return evaluate({one.model->apply(parameters, x)}, {parameters, x}, {theta, input})[0];
    };
    Numbers const input = random_numbers(one.input.size(), seed);
    Numbers const all = answers(input, n),
                  last = answers(Numbers(input.end() - row, input.end()), 1);
    EXPECT_LE(relative_difference(
                  Numbers(all.end() - static_cast<std::ptrdiff_t>(last.size()), all.end()), last),
              1e-14)
        << one.name;
  }
}

TEST(Models, InitialValuesDependOnTheSeedAlone) {
  Fno1d const model(small_fno1d());
  EXPECT_EQ(model.layout().initial(1), model.layout().initial(1));
  EXPECT_NE(model.layout().initial(1), model.layout().initial(2));
  // an array begins with the same values however long the others are
  Parameter const& spectral = model.layout().at("spec1.weight");
  auto const theta = model.layout().initial(7);
  double least = 1, most = 0;
  for (std::int64_t i = 0; i < spectral.shape.size(); ++i) {
    least = std::min(least, theta[spectral.offset + i]);
    most = std::max(most, theta[spectral.offset + i]);
  }
  EXPECT_GE(least, 0);
  EXPECT_LT(most, 1.0 / 9);
  EXPECT_GT(most, 0.9 / 9);
}

TEST(Models, ParametersAreExchangedInTheOrderOfOthers) {
  Fno1d const model(small_fno1d());
  Parameter const& weight = model.layout().at("spec0.weight");
  EXPECT_EQ(weight.exchange_shape(), (Shape{3, 3, 3, 2})); // in, out, modes, Re/Im
  std::vector<double> theta = model.layout().initial(5), back(theta.size());
  auto const outside = model.layout().to_exchange(weight, theta);
  // in 1, out 2, mode 0, Im: here mode 0, in 1, Im, out 2
  EXPECT_EQ(outside[((1 * 3 + 2) * 3 + 0) * 2 + 1],
            theta[weight.offset + ((0 * 3 + 1) * 2 + 1) * 3 + 2]);
  for (Parameter const& one : model.layout().parameters())
    model.layout().from_exchange(one, model.layout().to_exchange(one, theta), back);
  EXPECT_EQ(back, theta);
  EXPECT_THROW(model.layout().from_exchange(weight, {1, 2}, back), moho::Error);
  EXPECT_THROW(model.layout().at("spec9.weight"), moho::Error);
}

/// The number of numbers that others count (Li et al. 2021, a complex number being two).
TEST(Models, HaveThePublishedNumberOfParameters) {
  EXPECT_EQ(Fno1d(Fno1dOptions{}).layout().size(), 549569);
  EXPECT_EQ(Fno2d(Fno2dOptions{}).layout().size(), 2368001);
  EXPECT_EQ(Pinn(PinnOptions{}).layout().size(), 2 * 50 + 50 + 2 * (50 * 50 + 50) + 51);
}

TEST(Models, WrongInputIsToldWithTheLayer) {
  Tape tape;
  auto const message = [&](Model const& model, Shape const& input) -> std::string {
    return moho::test::error_of(
        [&] { model.apply(tape.input("theta", {model.layout().size()}), tape.input("x", input)); });
  };
  MlpOptions mlp;
  mlp.sizes = {3, 5, 2};
  EXPECT_NE(message(Mlp(mlp), {4, 2}).find("layer0: dense: input (4, 2), weight (5, 3)"),
            std::string::npos);
  EXPECT_NE(message(Fno1d(small_fno1d()), {2, 1, 1}).find("modes"), std::string::npos);
  EXPECT_NE(message(Fno1d(small_fno1d()), {2, 9, 2}).find("lift"), std::string::npos);
  EXPECT_NE(message(Fno2d(small_fno2d()), {2, 31}).find("(2, 31)"), std::string::npos);
  DeepOnetOptions unequal;
  unequal.branch = {4, 3};
  unequal.trunk = {2, 2};
  EXPECT_THROW(DeepOnet{unequal}, moho::Error);
  MlpOptions unknown = mlp;
  unknown.activation = "tahn";
  EXPECT_NE(message(Mlp(unknown), {4, 3}).find("tahn"), std::string::npos);
}

} // namespace
