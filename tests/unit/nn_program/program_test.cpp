// SPDX-License-Identifier: BSD-3-Clause
// Programs: the same bits with and without fusion, no allocation while they run, bound memory.
#include "moho/core/error.hpp"
#include "moho/nn/models/fno1d.hpp"
#include "moho/nn/models/pinn.hpp"
#include "support/nn_gradients.hpp"

using namespace moho::nn;
using namespace moho::nn::test;

namespace {

constexpr std::uint64_t seed = 31;

/// Loss, gradient and product with the Hessian of a small FNO.
struct Training {
  Tape tape;
  Value theta, x, y, v;
  std::vector<Value> results;
  std::vector<Numbers> values;

  Training() {
    Fno1dOptions options;
    options.width = 4;
    options.modes = 3;
    options.projection = 5;
    options.layers = 2;
    options.padding = 2;
    Fno1d const model(options);
    Shape const parameters{model.layout().size()};
    theta = tape.input("theta", parameters);
    v = tape.input("v", parameters);
    x = tape.input("x", {3, 10, 1});
    y = tape.input("y", {3, 10, 1});
    Value const loss = mean(square(model.apply(theta, x) - y));
    results = {loss, grad(loss, theta), hvp(loss, theta, v)};
    values = {model.layout().initial(seed), random_numbers(30, seed), random_numbers(30, seed + 1),
              random_numbers(parameters.size(), seed + 2)};
  }
  std::vector<Numbers> run(ProgramOptions const& options) {
    return evaluate(results, {theta, x, y, v}, values, options);
  }
};

TEST(Program, FusionChangesNoBit) {
  Training training;
  ProgramOptions plain;
  plain.fuse = false;
  auto const fused = training.run({}), single = training.run(plain);
  EXPECT_EQ(fused, single);
  EXPECT_LT(Program<double>(training.results).steps() + 25,
            Program<double>(training.results, plain).steps());
  // what is compared would show a change of the last bit
  training.values[1][3] = std::nextafter(training.values[1][3], 2.0);
  EXPECT_NE(training.run({}), fused);
}

TEST(Program, RunsAreTheSame) {
  Training training;
  Program<double> program(training.results);
  for (std::size_t i = 0; i < 4; ++i)
    moho::copy_to_device(
        std::span<double const>(training.values[i]),
        program.input(std::vector{training.theta, training.x, training.y, training.v}[i]));
  std::vector<Numbers> first;
  for (int run = 0; run < 3; ++run) {
    program.run(moho::ExecutionSpace());
    std::vector<Numbers> now;
    for (std::size_t i = 0; i < 3; ++i) now.push_back(moho::to_host(program.result(i)));
    if (run == 0) first = now;
    EXPECT_EQ(now, first);
  }
}

TEST(Program, FloatIsCloseToDouble) {
  Training training;
  Program<float> program(training.results);
  for (std::size_t i = 0; i < 4; ++i) {
    std::vector<float> const narrow(training.values[i].begin(), training.values[i].end());
    moho::copy_to_device(
        std::span<float const>(narrow),
        program.input(std::vector{training.theta, training.x, training.y, training.v}[i]));
  }
  program.run(moho::ExecutionSpace());
  auto const exact = training.run({});
  for (std::size_t i = 0; i < 3; ++i) {
    auto const narrow = moho::to_host(program.result(i));
    EXPECT_LE(relative_difference(Numbers(narrow.begin(), narrow.end()), exact[i]), 1e-5);
  }
}

TEST(Program, BoundMemoryIsReadAndWritten) {
  Tape tape;
  Value const x = tape.input("x", {3}), y = tape.input("y", {3});
  Program<double> program({x + y, x, x + y, reshape(x, {1, 3})});
  using Array = Program<double>::Array;
  Array const a = moho::to_device("a", Numbers{1, 2, 3}),
              b = moho::to_device("b", Numbers{4, 5, 6});
  Array const out("out", 3);
  program.bind(x, a);
  EXPECT_THROW(program.run(moho::ExecutionSpace()), std::logic_error); // y is not bound
  program.bind(y, b);
  program.bind_result(0, out);
  program.run(moho::ExecutionSpace());
  EXPECT_EQ(moho::to_host(out), (Numbers{5, 7, 9}));
  for (std::size_t i : {1, 3}) EXPECT_EQ(moho::to_host(program.result(i)), (Numbers{1, 2, 3}));
  EXPECT_EQ(moho::to_host(program.result(2)), (Numbers{5, 7, 9}));
  EXPECT_THROW(program.bind(x, Array("short", 2)), std::logic_error);
  EXPECT_THROW(program.bind(x + y, a), std::logic_error);
}

TEST(Program, ConstantsAndEmptyDependence) {
  Tape tape;
  Value const x = tape.input("x", {2, 2});
  Value const two = tape.constant({2, 2}, 2.0), table = tape.constant({2}, Numbers{1, 10});
  auto const values = evaluate(
      {two, einsum("ij,jk->ik", x, two), x * table, pad(x, 0, 1, 0), concat({two, x}, 1), sum(two)},
      {x}, {{1, 2, 3, 4}});
  EXPECT_EQ(values[0], (Numbers{2, 2, 2, 2}));
  EXPECT_EQ(values[1], (Numbers{6, 6, 14, 14}));
  EXPECT_EQ(values[2], (Numbers{1, 20, 3, 40}));
  EXPECT_EQ(values[3], (Numbers{0, 0, 1, 2, 3, 4}));
  EXPECT_EQ(values[4], (Numbers{2, 2, 1, 2, 2, 2, 3, 4}));
  EXPECT_EQ(values[5], (Numbers{8}));
}

/// Instructions of the operations that are entry by entry, as they run when nothing is fused.
std::size_t operations(Value result) {
  ProgramOptions plain;
  plain.fuse = false;
  return Program<double>({result}, plain).steps();
}

TEST(Program, FactorsMeetAndAreOne) {
  Tape tape;
  Value const x = tape.input("x", {2, 3}), y = tape.input("y", {2, 3}),
              row = tape.input("row", {3});
  EXPECT_EQ(-(-x), x);
  EXPECT_EQ(2 * (3 * x), 6 * x);
  EXPECT_EQ(0.5 * (2 * x), x);
  EXPECT_EQ(x + x, 2 * x);
  EXPECT_EQ((2 * x) * (-3 * y), -6 * (x * y));
  EXPECT_EQ(-x * y, -(x * y));
  EXPECT_EQ(-tape.constant({3}, 2.0), tape.constant({3}, -2.0));
  EXPECT_EQ(x * (2 * y) * (4 * x), 8 * (x * y * x));
  // a factor of few numbers stays where it costs least
  EXPECT_EQ(tape.node((x * (2 * row)).id()).op, Op::multiply);
  EXPECT_EQ(tape.node(((2 * x) * row).id()).op, Op::scale);
  EXPECT_NE(2 * x, 3 * x);
  EXPECT_EQ(grad(sum(square(x)), x), 2 * x);
}

TEST(Program, TermsAreOneInstruction) {
  Tape tape;
  Value const a = tape.input("a", {4}), b = tape.input("b", {4}), c = tape.input("c", {4});
  std::vector<Value> const results{
      a * b + c,         c + a * b,         a * b - c,        c - a * b,   c + -a,
      0.7 - a,           0.7 - a * b,       0.3 * a + b,      b + 0.3 * a, b - 0.3 * a,
      0.3 * (a * b) + c, c + 0.3 * (a * b), c - 0.3 * (a * b)};
  std::vector<Numbers> const at{random_numbers(4, seed), random_numbers(4, seed + 1),
                                random_numbers(4, seed + 2)};
  auto const found = evaluate(results, {a, b, c}, at);
  for (std::size_t i = 0; i < 4; ++i) {
    double const x = at[0][i], y = at[1][i], z = at[2][i];
    Numbers const expected{x * y + z,      z + x * y,   x * y - z,       z - x * y,
                           z - x,          0.7 - x,     0.7 - x * y,     0.3 * x + y,
                           y + 0.3 * x,    y - 0.3 * x, 0.3 * x * y + z, z + 0.3 * x * y,
                           z - 0.3 * x * y};
    for (std::size_t k = 0; k < expected.size(); ++k)
      EXPECT_NEAR(found[k][i], expected[k], 1e-15) << "seed " << seed << ", " << k;
  }
  for (Value const result : results) EXPECT_EQ(operations(result), 1u);
  // a multiple of a product goes first: two instructions and not three
  EXPECT_EQ(operations(a * c + 0.3 * (a * b)), 2u);
  // what somebody else wants is kept
  Value const product = a * b;
  EXPECT_EQ(operations((product + c) * product), 3u);
  EXPECT_EQ(operations(0.3 * a - b), 2u);
}

/// Long chains are cut into kernels that can hold them.
TEST(Program, ManyOperationsInOneExpression) {
  Tape tape;
  std::vector<Value> inputs;
  std::vector<Numbers> values;
  Value total = tape.constant({7}, 0.0);
  for (int i = 0; i < 120; ++i) {
    inputs.push_back(tape.input("x" + std::to_string(i), {7}));
    values.push_back(random_numbers(7, seed + i));
    total = total + sin(inputs.back()) * inputs[inputs.size() / 2];
  }
  std::vector<Value> results{total};
  for (Value const x : inputs) results.push_back(exp(total) * x);
  ProgramOptions plain;
  plain.fuse = false;
  EXPECT_EQ(evaluate(results, inputs, values), evaluate(results, inputs, values, plain));
}

TEST(Program, ProfileCountsTheWork) {
  Training training;
  Program<double> program(training.results);
  for (Value const input : {training.theta, training.x, training.y, training.v})
    program.input(input);
  double flops = 0;
  bool spectral = false;
  for (Timing const& timing : program.profile(moho::ExecutionSpace())) {
    flops += timing.flops;
    EXPECT_GE(timing.seconds, 0);
    EXPECT_GT(timing.bytes, 0);
    spectral = spectral || timing.scope.find("spec0") != std::string::npos;
  }
  EXPECT_EQ(flops, program.flops());
  EXPECT_GT(flops, 0);
  EXPECT_TRUE(spectral);
}

} // namespace
