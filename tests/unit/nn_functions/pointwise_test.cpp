// SPDX-License-Identifier: BSD-3-Clause
// Every operation against plain code, layouts of operands and results, aliasing, limits.
#include "pointwise_support.hpp"

using namespace moho;
using namespace moho::nn;
using namespace moho::nn::test;

namespace {

constexpr unsigned seed = 71923;

long double plain(Op op, long double a, long double b, long double c, long double value) {
  long double const normal = std::erfc(-a / std::sqrt(2.0L)) / 2;
  switch (op) {
  case Op::copy:
    return a;
  case Op::add:
    return a + b;
  case Op::subtract:
    return a - b;
  case Op::multiply:
    return a * b;
  case Op::divide:
    return a / b;
  case Op::negate:
    return -a;
  case Op::scale:
    return value * a;
  case Op::shift:
    return a + value;
  case Op::power:
    return std::pow(a, value);
  case Op::exp:
    return std::exp(a);
  case Op::log:
    return std::log(a);
  case Op::sqrt:
    return std::sqrt(a);
  case Op::tanh:
    return std::tanh(a);
  case Op::sigmoid:
    return 1 / (1 + std::exp(-a));
  case Op::sin:
    return std::sin(a);
  case Op::cos:
    return std::cos(a);
  case Op::erf:
    return std::erf(a);
  case Op::gelu:
    return a * normal;
  case Op::gelu_slope:
    return normal + a * std::exp(-a * a / 2) / std::sqrt(2 * std::acos(-1.0L));
  case Op::relu:
    return std::fmax(a, 0.0L);
  case Op::absolute:
    return std::fabs(a);
  case Op::sign:
    return (a > 0) - (a < 0);
  case Op::greater:
    return a > b;
  case Op::maximum:
    return std::fmax(a, b);
  case Op::multiply_add:
    return a * b + c;
  case Op::multiply_subtract:
    return a * b - c;
  case Op::subtract_product:
    return c - a * b;
  case Op::reflect:
    return value - a;
  case Op::reflect_product:
    return value - a * b;
  case Op::add_scaled:
    return value * a + b;
  case Op::add_scaled_product:
    return value * a * b + c;
  case Op::select:
    return a != 0 ? b : c;
  default:
    ADD_FAILURE() << "no plain code for " << name(op);
    return 0;
  }
}

template <class T>
class Pointwise : public testing::Test {};
using Reals = testing::Types<float, double>;
TYPED_TEST_SUITE(Pointwise, Reals);

/// Largest error of an operation over n entries, in eps of 1 + |result|. `judged`: the operation
/// whose plain code judges.
template <class T>
double error_of(Op op, double value, std::int64_t n, Op judged) {
  std::mt19937_64 random(seed);
  bool const positive = op == Op::log || op == Op::sqrt || op == Op::power;
  std::vector<std::vector<T>> operand;
  for (int k = 0; k < operands(op); ++k)
    operand.push_back(random_values<T>(n, random, positive ? 0.1 : -3, 3));
  if (op == Op::divide)
    for (T& b : operand[1]) b += b < 0 ? T(-0.5) : T(0.5);
  if (op == Op::select || op == Op::sign || op == Op::greater)
    for (std::size_t i = 0; i < operand[0].size(); i += 3) {
      operand[0][i] = 0;
      if (op == Op::greater) operand[1][i] = 0;
    }
  auto const found = run_one<T>({op, 0, 0, 0, value}, operand);
  double worst = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    long double const exact =
        plain(judged, operand[0][i], operand.size() > 1 ? operand[1][i] : 0,
              operand.size() > 2 ? operand[2][i] : 0, static_cast<long double>(T(value)));
    auto const error = static_cast<double>(std::fabs(found[i] - exact) / (1 + std::fabs(exact)));
    worst = std::max(worst, error / std::numeric_limits<T>::epsilon());
  }
  return worst;
}

std::vector<Op> all_ops() {
  std::vector<Op> ops;
  for (int op = 0; op <= static_cast<int>(Op::einsum); ++op)
    if (is_pointwise(static_cast<Op>(op))) ops.push_back(static_cast<Op>(op));
  return ops;
}

} // namespace

TYPED_TEST(Pointwise, EveryOperationAtEverySize) {
  for (const Op op : all_ops())
    for (std::int64_t n : {1, 7, 511, 513, 100003})
      for (double value : {0.7, -1.3}) {
        if (op == Op::power && n > 1000) continue;
        EXPECT_LT(error_of<TypeParam>(op, value, n, op), op == Op::power ? 4 : 2)
            << name(op) << ", " << n << " entries, seed " << seed;
      }
}

TYPED_TEST(Pointwise, TheCheckSeesAnotherOperation) {
  auto const ops = all_ops();
  for (const Op op : ops)
    for (const Op other : ops) {
      // x^0.7 of shift and scale need the value, relu(0..) is no other op on random numbers
      if (other == op || operands(other) != operands(op)) continue;
      EXPECT_GT(error_of<TypeParam>(op, 0.7, 513, other), 1000) << name(op) << ' ' << name(other);
    }
}

TYPED_TEST(Pointwise, PowersByMultiplicationAndByLogarithm) {
  for (double value : {-4., -3., -2., -1., 0., 1., 2., 3., 4., 0.5, -0.5, 5., -2.5, 0.25}) {
    EXPECT_LT(error_of<TypeParam>(Op::power, value, 513, Op::power), 8) << value;
    EXPECT_GT(error_of<TypeParam>(Op::power, value + 1e-3, 513, Op::power) +
                  error_of<TypeParam>(Op::power, value, 513, Op::tanh),
              1000);
  }
  // small integers keep the sign and know 0
  using T = TypeParam;
  std::vector<T> const a = {-2, 0, T(0.5)};
  auto power = [&](double value) { return run_one<T>({Op::power, 0, 0, 0, value}, {a}); };
  EXPECT_EQ(power(3), (std::vector<T>{-8, 0, T(0.125)}));
  EXPECT_EQ(power(0), (std::vector<T>{1, 1, 1}));
  EXPECT_EQ(power(-2)[0], T(0.25));
  EXPECT_EQ(power(-1)[1], std::numeric_limits<T>::infinity());
  EXPECT_TRUE(std::isnan(power(1.5)[0]));
}

TYPED_TEST(Pointwise, NaNIsNotLost) {
  using T = TypeParam;
  T const nan = std::numeric_limits<T>::quiet_NaN();
  for (const Op op : all_ops()) {
    if (op == Op::greater) continue;
    for (int k = 0; k < operands(op); ++k) {
      std::vector<std::vector<T>> operand(static_cast<std::size_t>(operands(op)),
                                          std::vector<T>(50, T(1)));
      if (op == Op::select && k == 0) continue; // NaN != 0
      if (op == Op::select && k == 2) operand[0].assign(50, T(0));
      for (std::size_t i = 0; i < 50; i += 7) operand[static_cast<std::size_t>(k)][i] = nan;
      auto const found = run_one<T>({op, 0, 0, 0, 1.5}, operand);
      for (std::size_t i = 0; i < 50; ++i)
        EXPECT_EQ(std::isnan(found[i]), i % 7 == 0) << name(op) << ", operand " << k;
    }
  }
}

// Operands of every layout, for shapes whose blocks end in every way.
namespace {

/// y = tanh(x + operand) * operand for one layout of the operand; and both results strided if so.
template <class T>
void check_layout(Shape const& shape, Strides const& strides, Strides const& stored) {
  std::mt19937_64 random(seed);
  Expression e{shape, {shape.strides(), strides}, {}, {}};
  e.instructions = {{Op::add, 0, 1}, {Op::tanh, 2}, {Op::multiply, 3, 1}};
  e.stores = {{4, stored}, {2, shape.strides()}};
  std::vector<Array<T>> const loads = {{random_values<T>(shape.size(), random), 0},
                                       {random_values<T>(span(shape, strides), random), 0}};
  std::vector<Array<T>> const stores = {
      {std::vector<T>(static_cast<std::size_t>(span(shape, stored)), T(77)), 0},
      {std::vector<T>(static_cast<std::size_t>(shape.size())), 0}};
  auto const found = run(e, loads, stores);
  EXPECT_EQ(different(e, loads, stores, {}, found), 0) << shape.str();
}

} // namespace

TYPED_TEST(Pointwise, EveryBroadcastOfThreeAxes) {
  for (Shape const shape : {Shape{3, 5, 7}, Shape{40, 3, 50}, Shape{7, 300, 2}, Shape{2, 3, 3000},
                            Shape{1, 900, 1}, Shape{700, 2, 3}, Shape{2500, 1, 5}})
    for (int repeated = 0; repeated < 8; ++repeated) {
      std::vector<std::int64_t> extents = shape.extents();
      for (std::size_t d = 0; d < 3; ++d)
        if (repeated >> d & 1) extents[d] = 1;
      Shape const from(extents);
      check_layout<TypeParam>(shape, broadcast_strides(from, from.strides(), shape),
                              shape.strides());
    }
}

TYPED_TEST(Pointwise, StridedOperandsAndResults) {
  for (Shape const shape : {Shape{6, 7}, Shape{300, 50}, Shape{1000, 2}, Shape{2, 2100}}) {
    std::int64_t const m = shape[0], n = shape[1];
    for (Strides const& strides : {Strides{n + 3, 1}, Strides{1, m}, Strides{2 * n, 2},
                                   Strides{0, 3}, Strides{1, m + 1}, Strides{n, 1}})
      for (Strides const& stored :
           {Strides{n, 1}, Strides{n + 5, 1}, Strides{1, m}, Strides{2 * n, 2}})
        check_layout<TypeParam>(shape, strides, stored);
  }
  check_layout<TypeParam>(Shape{}, {}, {});
  check_layout<TypeParam>(Shape{1, 1}, {0, 0}, {5, 7});
}

// A device's threads have several entries each, and 32-bit offsets where these are enough.
TYPED_TEST(Pointwise, MoreEntriesThanThreads) {
  check_layout<TypeParam>(Shape{3, 700, 201}, {0, 0, 1}, {700 * 203, 203, 1});
  check_layout<TypeParam>(Shape{5, 3, 2, 7, 4001}, {2 * 7, 0, 7, 1, 5 * 2 * 7},
                          {4, 4001 * 4 * 5, 4001 * 4 * 5 * 3, 4001 * 4 * 5 * 3 * 2, 20});
}

TYPED_TEST(Pointwise, AnOutputMayLieOnAnInput) {
  using T = TypeParam;
  std::mt19937_64 random(seed);
  for (std::int64_t n : {1, 7, 513, 100003})
    for (int pitch : {1, 2}) {
      // x0 is written before x1 x0 reads it; x1 is swapped in
      Expression e{Shape{n}, {{pitch}, {pitch}, {0}}, {}, {}};
      e.instructions = {{Op::exp, 0}, {Op::multiply, 0, 1}, {Op::add, 3, 2}, {Op::tanh, 4}};
      e.stores = {{3, {pitch}}, {0, {pitch}}, {6, {1}}, {5, {pitch}}};
      std::vector<Array<T>> const loads = {{random_values<T>(n * pitch, random), 0},
                                           {random_values<T>(n * pitch, random), 0},
                                           {random_values<T>(1, random), 0}};
      std::vector<Array<T>> const stores(
          4, {std::vector<T>(static_cast<std::size_t>(n * pitch), T(5)), 0});
      for (std::vector<int> const& shared : {std::vector<int>{-1, -1, -1, -1},
                                             {0, 1, -1, -1},
                                             {1, 0, -1, -1},
                                             {-1, 1, -1, 0},
                                             {0, -1, -1, 1}})
        EXPECT_EQ(different(e, loads, stores, shared, run(e, loads, stores, shared)), 0)
            << n << " entries, seed " << seed;
    }
}

TEST(PointwiseNegative, ComparisonSeesOneBitAndAGapWrittenTo) {
  Expression e{Shape{4, 3}, {{3, 1}}, {{Op::exp, 0}}, {{1, {5, 1}}}};
  std::mt19937_64 random(seed);
  std::vector<Array<float>> const loads = {{random_values<float>(12, random), 0}};
  std::vector<Array<float>> const stores = {{std::vector<float>(18, 9.f), 0}};
  auto found = run(e, loads, stores);
  EXPECT_EQ(different(e, loads, stores, {}, found), 0);
  auto bit = found, gap = found;
  bit[0][6] = std::nextafter(bit[0][6], 100.f);
  gap[0][3] = 0;
  EXPECT_EQ(different(e, loads, stores, {}, bit), 1);
  EXPECT_EQ(different(e, loads, stores, {}, gap), 1);
}

TEST(PointwiseNegative, WhatExceedsALimitIsRefused) {
  auto expression = [](int loads, int instructions, int stores) {
    Expression e{Shape{4}, {}, {}, {}};
    e.loads.assign(static_cast<std::size_t>(loads), {1});
    e.instructions.assign(static_cast<std::size_t>(instructions), {Op::exp, 0});
    e.stores.assign(static_cast<std::size_t>(stores), {loads, {1}});
    return e;
  };
  using Kernel = PointwiseKernel<double>;
  EXPECT_NO_THROW(Kernel(expression(max_loads, max_instructions, max_stores)));
  EXPECT_THROW(Kernel(expression(max_loads + 1, 1, 1)), std::logic_error);
  EXPECT_THROW(Kernel(expression(1, max_instructions + 1, 1)), std::logic_error);
  EXPECT_THROW(Kernel(expression(1, 1, max_stores + 1)), std::logic_error);
}

TEST(PointwiseNegative, WhatIsNoExpressionIsRefused) {
  Expression const good{Shape{4, 3}, {{3, 1}, {0, 1}}, {{Op::add, 0, 1}}, {{2, {3, 1}}}};
  using Kernel = PointwiseKernel<float>;
  EXPECT_NO_THROW(Kernel{good});
  auto refused = [&](auto change) {
    Expression e = good;
    change(e);
    EXPECT_THROW(Kernel{e}, std::logic_error);
  };
  refused([](Expression& e) { e.instructions[0].a = 2; }); // itself
  refused([](Expression& e) { e.instructions[0].b = -1; });
  refused([](Expression& e) { e.instructions[0].b = 3; });
  refused([](Expression& e) { e.instructions[0].op = Op::sum; });
  refused([](Expression& e) { e.stores[0].reg = 3; });
  refused([](Expression& e) { e.stores[0].reg = -1; });
  refused([](Expression& e) { e.stores[0].strides = {0, 1}; });
  refused([](Expression& e) { e.stores[0].strides = {1}; });
  refused([](Expression& e) { e.loads[1] = {1, 1, 1}; });
}
