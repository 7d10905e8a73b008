// SPDX-License-Identifier: BSD-3-Clause
// Every operation entry by entry: first and second derivatives.
#include "support/nn_gradients.hpp"

using namespace moho::nn;
using namespace moho::nn::test;

namespace {

constexpr std::uint64_t seed = 4711;

struct Unary {
  char const* name;
  Value (*function)(Value);
  double low, high;
};

Value cube(Value a) {
  return power(a, 3);
}
Value odd_power(Value a) {
  return power(a, 2.6);
}
Value inverse(Value a) {
  return 2.0 / a;
}
Value affine(Value a) {
  return 3.0 - 2.0 * a + 0.5;
}
Value negative(Value a) {
  return -a;
}
Value squared(Value a) {
  return square(a);
}

constexpr Unary unary[] = {{"exp", exp, -2, 2},
                           {"log", log, 0.3, 3},
                           {"sqrt", sqrt, 0.3, 3},
                           {"tanh", tanh, -3, 3},
                           {"sigmoid", sigmoid, -4, 4},
                           {"sin", sin, -6, 6},
                           {"cos", cos, -6, 6},
                           {"erf", erf, -2, 2},
                           {"gelu", gelu, -3, 3},
                           {"gelu_slope", gelu_slope, -3, 3},
                           {"relu", relu, 0.1, 2},
                           {"relu", relu, -2, -0.1},
                           {"absolute", absolute, -2, -0.1},
                           {"power 3", cube, -2, 2},
                           {"power 2.6", odd_power, 0.3, 2},
                           {"inverse", inverse, 0.4, 2},
                           {"affine", affine, -1, 1},
                           {"negative", negative, -1, 1},
                           {"square", squared, -1, 1}};

TEST(Derivative, OfFunctionsEntryByEntry) {
  for (Unary const& one : unary) {
    Quality const quality =
        derivative_quality([&](std::vector<Value> const& x) { return one.function(x[0]); },
                           {Shape{5, 7}}, {random_numbers(35, seed, one.low, one.high)}, seed);
    expect_good(quality, one.name);
  }
}

/// A function that claims the derivative of another.
TEST(Derivative, AWrongOneIsFound) {
  // y = sin x, whose tape is bent: the constant part makes x -> 1.001 sin x for values alone
  Tape tape;
  Value const x = tape.input("x", {9}), v = tape.input("v", {9});
  Value const right = jvp(sin(x), x, v), wrong = jvp(1.001 * sin(x), x, v);
  Numbers const at = random_numbers(9, seed), direction = random_numbers(9, seed + 1);
  double const step = 1e-5;
  Numbers up = at, down = at;
  for (std::size_t i = 0; i < at.size(); ++i) {
    up[i] += step * direction[i];
    down[i] -= step * direction[i];
  }
  Numbers differences = evaluate({sin(x)}, {x}, {up})[0];
  Numbers const below = evaluate({sin(x)}, {x}, {down})[0];
  for (std::size_t i = 0; i < at.size(); ++i)
    differences[i] = (differences[i] - below[i]) / (2 * step);
  EXPECT_LE(relative_difference(evaluate({right}, {x, v}, {at, direction})[0], differences), 1e-7);
  EXPECT_GT(relative_difference(evaluate({wrong}, {x, v}, {at, direction})[0], differences), 1e-4);
}

using Binary = Value (*)(Value, Value);
struct Pair {
  char const* name;
  Binary function;
};
Value plus(Value a, Value b) {
  return a + b;
}
Value minus(Value a, Value b) {
  return a - b;
}
Value times(Value a, Value b) {
  return a * b;
}
Value over(Value a, Value b) {
  return a / b;
}
Value larger(Value a, Value b) {
  return maximum(square(a), b);
}
Value chosen(Value a, Value b) {
  return select(greater(a, b), a * a * b, sin(b));
}

TEST(Derivative, OfPairsWithBroadcasting) {
  constexpr Pair pairs[] = {{"plus", plus}, {"minus", minus},   {"times", times},
                            {"over", over}, {"larger", larger}, {"chosen", chosen}};
  std::pair<Shape, Shape> const shapes[] = {{Shape{3, 4}, Shape{3, 4}},
                                            {Shape{3, 4}, Shape{4}},
                                            {Shape{3, 1}, Shape{1, 4}},
                                            {Shape{}, Shape{2, 3}},
                                            {Shape{2, 1, 3}, Shape{5, 1}}};
  for (Pair const& one : pairs)
    for (auto const& [a, b] : shapes) {
      Quality const quality = derivative_quality(
          [&](std::vector<Value> const& x) { return one.function(x[0], x[1]); }, {a, b},
          {random_numbers(a.size(), seed + 5), random_numbers(b.size(), seed + 6, 0.5, 2)}, seed);
      expect_good(quality, (one.name + a.str() + b.str()).c_str());
    }
}

TEST(Derivative, IsZeroWhereNothingDepends) {
  Tape tape;
  Value const x = tape.input("x", {3}), y = tape.input("y", {2});
  Value const g = grad(sum(greater(x, 0.5 * x)), x), h = grad(sum(y), x);
  auto const values = evaluate({g, h}, {x, y}, {{1, 2, 3}, {4, 5}});
  EXPECT_EQ(values[0], (Numbers{0, 0, 0}));
  EXPECT_EQ(values[1], (Numbers{0, 0, 0}));
}

TEST(Derivative, OfNoNumberIsRefused) {
  Tape tape;
  Value const x = tape.input("x", {3});
  EXPECT_THROW(grad(x, x), moho::Error);
  EXPECT_THROW(vjp({x}, {tape.constant({2}, 1.0)}, {x}), moho::Error);
}

} // namespace
