// SPDX-License-Identifier: BSD-3-Clause
// Elementary functions against the library's in long double: accuracy, limits, NaN, and that a
// value does not depend on where in a loop it is computed.
#include "moho/nn/functions.hpp"
#include <algorithm>
#include <cstdlib>
#include <functional>
#include <gtest/gtest.h>
#include <random>
#include <vector>

namespace f = moho::nn::functions;

namespace {

constexpr unsigned seed = 60341;
using Reference = std::function<long double(long double)>;
template <class T>
using Function = T (*)(T);

long double normal(long double x) { // the distribution function
  return std::erfc(-x / std::sqrt(2.0L)) / 2;
}
long double density(long double x) {
  return std::exp(-x * x / 2) / std::sqrt(2 * 3.14159265358979323846264338327950288L);
}
long double gelu(long double x) {
  return x * normal(x);
}
long double gelu_slope(long double x) {
  return normal(x) + x * density(x);
}
long double sigmoid(long double x) {
  return 1 / (1 + std::exp(-x));
}

#define LIBRARY(name) [](long double x) { return std::name(x); }
#define OURS(name) [](auto x) { return f::name(x); }

/// What an error is measured in.
enum class Unit { ulp, absolute, relative_to_x };

template <class T>
long double unit_at(Unit unit, long double exact, long double x) {
  if (unit == Unit::absolute) return std::numeric_limits<T>::epsilon();
  if (unit == Unit::relative_to_x) return std::numeric_limits<T>::epsilon() * std::fabs(x);
  int exponent;
  std::frexp(std::max<T>(static_cast<T>(std::fabs(exact)), std::numeric_limits<T>::min()),
             &exponent);
  return std::ldexp(1.0L, exponent - std::numeric_limits<T>::digits);
}

/// A dense grid, uniform points, and points that crowd at 0.
template <class T>
std::vector<T> points(double low, double high) {
  constexpr int n = 60000;
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(low, high);
  std::vector<T> x;
  auto add = [&](double v) {
    T const rounded = static_cast<T>(v);
    if (rounded >= low && rounded <= high && rounded != 0) x.push_back(rounded);
  };
  for (int i = 0; i <= n; ++i) add(low + (high - low) * i / n);
  for (int i = 0; i < n; ++i) add(uniform(random));
  for (int i = 0; i < n / 4; ++i)
    add(std::ldexp(uniform(random), -static_cast<int>(random() % 60)));
  return x;
}

struct Worst {
  double error = 0, at = 0;
};
template <class T, class F>
Worst worst(F function, Reference const& exact, double low, double high, Unit unit) {
  Worst found;
  for (const T x : points<T>(low, high)) {
    long double const truth = exact(x), error = std::fabs(function(x) - truth);
    double const in_units = static_cast<double>(error / unit_at<T>(unit, truth, x));
    if (!(in_units <= found.error)) found = {in_units, static_cast<double>(x)};
  }
  return found;
}

/// Where a product and a sum are two roundings, errors are larger.
#ifdef __FP_FAST_FMA
constexpr double leeway = 1;
#else
constexpr double leeway = 4;
#endif

/// The error is below `limit`; and the same check rejects an error in the last digits (by 3 limits)
/// and a term that a wrong coefficient adds.
template <class T, class F>
void accurate(char const* name, F function, Reference const& exact, double low, double high,
              double limit, Unit unit = Unit::ulp) {
  limit *= leeway;
  Worst const found = worst<T>(function, exact, low, high, unit);
  EXPECT_LE(found.error, limit) << name << " at " << found.at << ", seed " << seed;
  if (std::getenv("MOHO_SHOW_ERRORS"))
    std::printf("%s<%s> [%g, %g]: %.3g (limit %g)\n", name, sizeof(T) == 4 ? "float" : "double",
                low, high, found.error, limit);
  T const delta = static_cast<T>(6 * limit) * std::numeric_limits<T>::epsilon();
  T const scale = static_cast<T>(1 / std::min(1., std::max(std::fabs(low), std::fabs(high))));
  auto digits = [&](T x) { return function(x) * (T(1) + delta); };
  auto coefficient = [&](T x) {
    T const s = scale * x;
    return function(x) * (T(1) + delta * std::min(s * s, T(1)));
  };
  EXPECT_FALSE(worst<T>(digits, exact, low, high, unit).error <= limit) << name;
  EXPECT_FALSE(worst<T>(coefficient, exact, low, high, unit).error <= limit) << name;
}

template <class T>
constexpr bool is_float = sizeof(T) == sizeof(float);

template <class T>
class Functions : public testing::Test {};
using Reals = testing::Types<float, double>;
TYPED_TEST_SUITE(Functions, Reals);

} // namespace

TYPED_TEST(Functions, ExpAndLog) {
  using T = TypeParam;
  bool const single = is_float<T>;
  accurate<T>("exp", OURS(exp), LIBRARY(exp), -1, 1, 1.2);
  accurate<T>("exp", OURS(exp), LIBRARY(exp), single ? -87.3 : -708.3, single ? 88.7 : 709.7, 1.2);
  // subnormal results have an ulp of 2^-149 (2^-1074)
  accurate<T>("exp", OURS(exp), LIBRARY(exp), single ? -104 : -746, single ? -87 : -708, 1.2);
  accurate<T>("log", OURS(log), LIBRARY(log), 1e-3, 3, 1.);
  accurate<T>("log", OURS(log), LIBRARY(log), single ? 1e-44 : 1e-320, single ? 3e38 : 1e308, 1.);
}

TYPED_TEST(Functions, TanhAndSigmoid) {
  using T = TypeParam;
  for (double range : {1., 30.}) accurate<T>("tanh", OURS(tanh), LIBRARY(tanh), -range, range, 3);
  accurate<T>("sigmoid", OURS(sigmoid), sigmoid, -1, 1, 2.5);
  accurate<T>("sigmoid", OURS(sigmoid), sigmoid, is_float<T> ? -87 : -700, 50, 2.5);
}

TYPED_TEST(Functions, Erf) {
  using T = TypeParam;
  accurate<T>("erf", OURS(erf), LIBRARY(erf), -1, 1, 4.);
  accurate<T>("erf", OURS(erf), LIBRARY(erf), -8, 8, 7.5);
}

TYPED_TEST(Functions, SinAndCos) {
  using T = TypeParam;
  double const far = is_float<T> ? 1e4 : 1e5;
  accurate<T>("sin", OURS(sin), LIBRARY(sin), -1.5, 1.5, 2.);
  for (double range : {10., far}) { // 1.2 eps: 1.4e-7 and 2.7e-16
    accurate<T>("sin", OURS(sin), LIBRARY(sin), -range, range, 1.2, Unit::absolute);
    accurate<T>("cos", OURS(cos), LIBRARY(cos), -range, range, 1.2, Unit::absolute);
  }
}

TEST(FunctionsNegative, AWrongDigitOfOneCoefficientIsRejected) {
  auto sine = [](double wrong) { // the series of sin, one coefficient wrong by this fraction
    return [wrong](double r) {
      double const q = r * r;
      double const p = f::detail::polynomial(
          q, -0x1.5555555555555p-3, 0x1.11111111110c1p-7, -0x1.a01a01a0148a3p-13 * (1 + wrong),
          0x1.71de3a52870fap-19, -0x1.ae6454cb00648p-26, 0x1.6123cb128acc4p-33,
          -0x1.ae431798f04fdp-41, 0x1.8828fd7a185d1p-49);
      return f::detail::fused(q * r, p, r);
    };
  };
  Reference const exact = LIBRARY(sin);
  EXPECT_LE(worst<double>(sine(0), exact, -1.5, 1.5, Unit::ulp).error, 2);
  EXPECT_GT(worst<double>(sine(1e-12), exact, -1.5, 1.5, Unit::ulp).error, 2);
}

TYPED_TEST(Functions, GeluAndItsSlope) {
  using T = TypeParam;
  bool const single = is_float<T>;
  double const end = single ? 13 : 37;
  accurate<T>("gelu", OURS(gelu), gelu, -end, end, 1.6, Unit::relative_to_x);
  accurate<T>("gelu", OURS(gelu), gelu, 0, 20, 5);
  accurate<T>("gelu", OURS(gelu), gelu, -1, 0, 6);
  accurate<T>("gelu", OURS(gelu), gelu, single ? -4 : -8.5, -1, single ? 30 : 10);
  accurate<T>("gelu_slope", OURS(gelu_slope), gelu_slope, -end, end, 1.5, Unit::absolute);
  accurate<T>("gelu_slope", OURS(gelu_slope), gelu_slope, 0, 20, 3.5);
  accurate<T>("gelu_slope", OURS(gelu_slope), gelu_slope, single ? -5 : -8.5, -1, 9);
}

TYPED_TEST(Functions, GeluSlopeIsTheDerivativeOfGelu) {
  auto difference = [](double wrong) {
    double most = 0;
    for (double x = -6; x <= 6; x += 0.037) {
      double const h = 1e-3, central = (8 * (f::gelu(x + h) - f::gelu(x - h)) -
                                        (f::gelu(x + 2 * h) - f::gelu(x - 2 * h))) /
                                       (12 * h);
      most = std::max(most, std::fabs(central - wrong * f::gelu_slope(TypeParam(x))));
    }
    return most;
  };
  double const limit = is_float<TypeParam> ? 3e-7 : 2e-12;
  EXPECT_LT(difference(1), limit);
  EXPECT_GT(difference(1 + 10 * limit), limit);
}

TYPED_TEST(Functions, Limits) {
  using T = TypeParam;
  T const inf = std::numeric_limits<T>::infinity(), huge = std::numeric_limits<T>::max();
  EXPECT_EQ(f::exp(-inf), 0);
  EXPECT_EQ(f::exp(-huge), 0);
  EXPECT_EQ(f::exp(inf), inf);
  EXPECT_EQ(f::exp(T(is_float<T> ? 88.8 : 709.8)), inf);
  EXPECT_EQ(f::exp(T(0)), 1);
  EXPECT_EQ(f::log(T(0)), -inf);
  EXPECT_EQ(f::log(-T(0)), -inf);
  EXPECT_EQ(f::log(T(1)), 0);
  EXPECT_EQ(f::log(inf), inf);
  EXPECT_TRUE(std::isnan(f::log(T(-1))));
  EXPECT_TRUE(std::isnan(f::log(-inf)));
  for (const T x : {inf, huge, T(100)}) {
    EXPECT_EQ(f::tanh(x), 1);
    EXPECT_EQ(f::tanh(-x), -1);
    EXPECT_EQ(f::erf(x), 1);
    EXPECT_EQ(f::erf(-x), -1);
    EXPECT_EQ(f::sigmoid(x), 1);
    EXPECT_EQ(f::gelu(x), x);
    EXPECT_EQ(f::gelu(-x), 0);
    EXPECT_EQ(f::gelu_slope(x), 1);
    EXPECT_EQ(f::gelu_slope(-x), 0);
  }
  EXPECT_EQ(f::sigmoid(-inf), 0);
  EXPECT_EQ(f::sigmoid(T(0)), T(0.5));
  EXPECT_TRUE(std::signbit(f::tanh(-T(0))));
  EXPECT_TRUE(std::isnan(f::sin(inf)));
  EXPECT_TRUE(std::isnan(f::cos(-inf)));
  for (const T x : {T(1e30), huge}) EXPECT_LE(std::fabs(f::sin(x)), 1); // no digit is left
  for (T x = 0; x < 20; x += T(0.001)) {
    EXPECT_LE(f::tanh(x), 1);
    EXPECT_LE(f::erf(x), 1);
  }
}

TYPED_TEST(Functions, EveryNaNComesThrough) {
  using T = TypeParam;
  using Word = f::detail::Word<T>;
  Function<T> const all[] = {f::exp<T>, f::log<T>, f::tanh<T>, f::sigmoid<T>,   f::sin<T>,
                             f::cos<T>, OURS(erf), OURS(gelu), f::gelu_slope<T>};
  Word const exponent = f::detail::bits(std::numeric_limits<T>::infinity());
  Word const sign = Word(1) << (8 * sizeof(T) - 1);
  std::mt19937_64 random(seed);
  for (int k = 0; k < 400; ++k) {
    Word payload = static_cast<Word>(random()) & ~(exponent | sign);
    if (k < 3) payload = Word(1) << k;
    for (const Word signs : {Word(0), sign}) {
      T const x = f::detail::from_bits<T>(exponent | payload | signs);
      for (std::size_t i = 0; i < std::size(all); ++i)
        EXPECT_TRUE(payload == 0 || std::isnan(all[i](x))) << i << ", payload " << payload;
    }
  }
}

// The bits of a value are the same in a vector, in what remains of a loop, and alone.
namespace {

template <class T, class F>
__attribute__((noinline)) void in_loop(T const* x, T* y, std::size_t n, F function) {
  for (std::size_t i = 0; i < n; ++i) y[i] = function(x[i]);
}
template <class T, class F>
__attribute__((noinline)) void alone(T const* x, T* y, F function) {
  *y = function(*x);
}

/// Values whose bits depend on their place.
template <class T, class F>
int dependent(F function) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(-12, 12);
  std::vector<T> x(1100), y(x.size());
  for (T& v : x) v = static_cast<T>(uniform(random));
  std::vector<T> single(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) alone(&x[i], &single[i], function);
  int wrong = 0;
  for (std::size_t first = 0; first < 40; ++first) {
    std::size_t const n = x.size() - first - first * first % 37;
    in_loop(x.data() + first, y.data(), n, function);
    for (std::size_t i = 0; i < n; ++i)
      wrong += f::detail::bits(y[i]) != f::detail::bits(single[first + i]) &&
               !(std::isnan(y[i]) && std::isnan(single[first + i]));
  }
  return wrong;
}

} // namespace

TYPED_TEST(Functions, BitsDoNotDependOnThePlaceInALoop) {
  using T = TypeParam;
  EXPECT_EQ(dependent<T>(OURS(exp)), 0);
  EXPECT_EQ(dependent<T>(OURS(log)), 0);
  EXPECT_EQ(dependent<T>(OURS(tanh)), 0);
  EXPECT_EQ(dependent<T>(OURS(sigmoid)), 0);
  EXPECT_EQ(dependent<T>(OURS(sin)), 0);
  EXPECT_EQ(dependent<T>(OURS(cos)), 0);
  EXPECT_EQ(dependent<T>(OURS(erf)), 0);
  EXPECT_EQ(dependent<T>(OURS(gelu)), 0);
  EXPECT_EQ(dependent<T>(OURS(gelu_slope)), 0);
  int calls = 0; // the check sees one that does depend
  EXPECT_GT(dependent<T>([&calls](T x) { return f::exp(x) * (++calls % 7 ? T(1) : T(1.5)); }), 0);
}
