// SPDX-License-Identifier: BSD-3-Clause
// Operations of whole arrays, messages, and derivatives as arrays: Jacobians and products with the
// Hessian.
#include "support/errors.hpp"
#include "support/nn_gradients.hpp"

using namespace moho::nn;
using namespace moho::nn::test;
using moho::test::error_of;
using moho::test::names;

namespace {

constexpr std::uint64_t seed = 1848;

void check(char const* what, std::function<Value(std::vector<Value> const&)> const& function,
           std::vector<Shape> const& shapes) {
  std::vector<Numbers> at;
  for (std::size_t i = 0; i < shapes.size(); ++i)
    at.push_back(random_numbers(shapes[i].size(), seed + i));
  expect_good(derivative_quality(function, shapes, at, seed), what);
}

TEST(Derivative, OfLayouts) {
  using In = std::vector<Value> const&;
  check("reshape", [](In x) { return sin(reshape(x[0], {4, 3})); }, {Shape{2, 6}});
  check("reshape of a view",
        [](In x) {
          return sin(reshape(permute(x[0], {1, 0}), {3, 4}));
        },
        {Shape{2, 6}});
  check("permute", [](In x) { return sin(permute(x[0], {2, 0, 1})); }, {Shape{2, 3, 4}});
  check("slice", [](In x) { return sin(slice(x[0], 1, 1, 2)); }, {Shape{3, 4}});
  check("slices",
        [](In x) {
          return sin(slice(x[0], 0, 0, 2)) * slice(x[0], 0, 1, 2) + square(slice(x[0], 0, 2, 2));
        },
        {Shape{4, 3}});
  check("pad", [](In x) { return sin(pad(square(x[0]), 1, 2, 1)); }, {Shape{3, 4}});
  check("concat",
        [](In x) {
          return square(concat({sin(x[0]), x[1], sin(x[0])}, 1));
        },
        {Shape{3, 2}, Shape{3, 4}});
  check("concat of concats",
        [](In x) {
          return square(concat({concat({exp(x[0]), x[1]}, 1), concat({x[1], sin(x[0])}, 1)}, 0));
        },
        {Shape{2, 3}, Shape{2, 3}});
  check("gather", [](In x) { return square(gather(sin(x[0]), {2, 0, 2, 1})); }, {Shape{3, 5}});
  check("scatter_add",
        [](In x) {
          return square(scatter_add(sin(x[0]), {2, 0, 2}, 4));
        },
        {Shape{3, 5}});
}

TEST(Derivative, OfSums) {
  using In = std::vector<Value> const&;
  check("sum", [](In x) { return sin(sum(square(x[0]))); }, {Shape{3, 4}});
  check("column sums", [](In x) { return sin(sum(square(x[0]), {0})); }, {Shape{3, 4}});
  check("row sums", [](In x) { return sin(sum(square(x[0]), {-1})); }, {Shape{3, 4}});
  check("two axes", [](In x) { return sin(sum(square(x[0]), {0, 2})); }, {Shape{3, 4, 2}});
  check("mean", [](In x) { return sin(mean(square(x[0]))); }, {Shape{3, 4}});
  check("expand", [](In x) { return square(expand(sin(x[0]), {2, 3, 4}, {0, 2})); }, {Shape{3}});
  check("sum of a view",
        [](In x) {
          return square(sum(permute(sin(x[0]), {1, 0, 2}), {1}));
        },
        {Shape{3, 4, 2}});
}

TEST(Derivative, OfContractions) {
  using In = std::vector<Value> const&;
  check("dense", [](In x) { return tanh(dense(x[0], x[1], x[2])); },
        {Shape{4, 3}, Shape{5, 3}, Shape{5}});
  check("dense of three axes", [](In x) { return tanh(dense(x[0], x[1], x[2])); },
        {Shape{2, 4, 3}, Shape{5, 3}, Shape{5}});
  check("transform", [](In x) { return square(einsum("kn,bnc->bkc", x[0], x[1])); },
        {Shape{4, 6}, Shape{2, 6, 3}});
  check("modes", [](In x) { return square(einsum("nrkc,kcso->nrkso", x[0], x[1])); },
        {Shape{3, 2, 4, 2}, Shape{4, 2, 2, 3}});
  check("outer", [](In x) { return square(einsum("i,j->ij", x[0], x[1])); }, {Shape{3}, Shape{4}});
  check("batches", [](In x) { return square(einsum("bi,bi->b", x[0], x[1])); },
        {Shape{3, 4}, Shape{3, 4}});
  check("dot", [](In x) { return square(dot(x[0], sin(x[1]))); }, {Shape{3, 2}, Shape{3, 2}});
  check("of a repeated operand",
        [](In x) {
          return square(einsum("ni,oi->no", expand(x[0], {4, 3}, {0}), x[1]));
        },
        {Shape{3}, Shape{2, 3}});
}

TEST(Derivative, Arrays) {
  Tape tape;
  Value const x = tape.input("x", {4, 3}), w = tape.input("w", {2, 3});
  Value const y = sin(einsum("ni,oi->no", x, w));
  Numbers const at = random_numbers(12, seed), weights = random_numbers(6, seed + 1);
  auto const all = evaluate({jacobian(y, x), batch_jacobian(y, x), cos(einsum("ni,oi->no", x, w))},
                            {x, w}, {at, weights});
  for (int n = 0; n < 4; ++n)
    for (int o = 0; o < 2; ++o)
      for (int m = 0; m < 4; ++m)
        for (int i = 0; i < 3; ++i) {
          double const own = all[2][n * 2 + o] * weights[o * 3 + i];
          EXPECT_NEAR(all[0][((n * 2 + o) * 4 + m) * 3 + i], m == n ? own : 0, 1e-15);
          EXPECT_NEAR(all[1][(n * 2 + o) * 3 + i], own, 1e-15);
        }
}

TEST(Derivative, HessianProductIsThatOfTheMatrix) {
  Tape tape;
  Value const x = tape.input("x", {5}), v = tape.input("v", {5});
  Value const loss = sum(exp(sin(x)) * square(sum(x)));
  Value const product = hvp(loss, x, v);
  Value const matrix = jacobian(grad(loss, x), x);
  Numbers const at = random_numbers(5, seed), direction = random_numbers(5, seed + 1);
  auto const values = evaluate({product, matrix}, {x, v}, {at, direction});
  for (int i = 0; i < 5; ++i) {
    double expected = 0;
    for (int j = 0; j < 5; ++j) expected += values[1][i * 5 + j] * direction[j];
    EXPECT_NEAR(values[0][i], expected, 1e-13 * largest(values[0]));
  }
}

TEST(Tape, MessagesNameScopeOperationAndShapes) {
  Tape tape;
  Value const x = tape.input("x", {4, 3}), w = tape.input("w", {2, 5}), b = tape.input("b", {2});
  Scope const scope(tape, "branch1");
  for (auto const& message : {error_of([&] { dense(x, w, b); }), error_of([&] { x + w; }),
                              error_of([&] { einsum("ni,oi->no", x, w); }), error_of([&] {
                                concat({x, w}, 0);
                              }),
                              error_of([&] { dot(x, w); })}) {
    EXPECT_NE(message.find("branch1"), std::string::npos) << message;
    EXPECT_NE(message.find("(4, 3)"), std::string::npos) << message;
    EXPECT_NE(message.find("(2, 5)"), std::string::npos) << message;
  }
  EXPECT_TRUE(names(error_of([&] { reshape(x, {5}); }), {"(4, 3)"}));
  EXPECT_TRUE(names(error_of([&] { slice(x, 1, 2, 2); }), {"slice"}));
  EXPECT_TRUE(names(error_of([&] { slice(x, 2, 0, 1); }), {"axis 2"}));
  EXPECT_TRUE(names(error_of([&] { permute(x, {0, 0}); }), {"permute"}));
  EXPECT_TRUE(names(error_of([&] { gather(x, {4}); }), {"gather"}));
  EXPECT_TRUE(names(error_of([&] { tape.constant({2}, Numbers{1}); }), {"constant"}));
}

TEST(Tape, FindsWhatIsThereAlready) {
  Tape tape;
  Value const x = tape.input("x", {4}), y = tape.input("x", {4});
  EXPECT_EQ(sin(x), sin(x));
  EXPECT_NE(sin(x), sin(y));
  EXPECT_NE(2.0 * x, 3.0 * x);
  EXPECT_EQ(tape.constant({2}, Numbers{1, 2}), tape.constant({2}, Numbers{1, 2}));
  EXPECT_NE(tape.constant({2}, Numbers{1, 2}), tape.constant({2}, Numbers{1, 3}));
}

} // namespace
