// SPDX-License-Identifier: BSD-3-Clause
// exp, sincos, DoubleDouble, Dual and HostPack against the C library and published constants.
#include "moho/core/dual.hpp"
#include <cmath>
#include <gtest/gtest.h>
#include <random>

namespace moho {

namespace {

/// Distance of `got` from `exact` in units of the last place of `exact`.
double ulps(double got, long double exact) {
  double const rounded = static_cast<double>(exact);
  double const unit = std::nextafter(std::fabs(rounded), INFINITY) - std::fabs(rounded);
  return static_cast<double>(std::fabs(static_cast<long double>(got) - exact) / unit);
}

double relative(DoubleDouble a, DoubleDouble b) {
  const DoubleDouble d = (a - b) / b;
  return std::fabs(d.hi);
}

constexpr unsigned seed = 20261;

} // namespace

TEST(Elementary, ExpIsWithinTwoUlps) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(-690.0, 50.0), tiny(-1e-3, 1e-3);
  double worst = 0;
  for (int i = 0; i < 20000; ++i) {
    double const x = i % 2 ? uniform(random) : tiny(random);
    worst = std::max(worst, ulps(moho::exp(x), std::exp(static_cast<long double>(x))));
  }
  EXPECT_LT(worst, 2.0) << "seed " << seed;
  EXPECT_EQ(moho::exp(0.0), 1.0);
}

TEST(Elementary, ExpOfVeryNegativeArgumentsIsTinyAndFinite) {
  for (double x : {-700.0, -1e4, -1e300}) {
    EXPECT_GE(moho::exp(x), 0.0);
    EXPECT_LT(moho::exp(x), 1e-300);
  }
}

TEST(Elementary, SinCosAreAccurateToTheirAbsoluteUlp) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(0.0, 1000.0);
  double worst = 0;
  for (int i = 0; i < 20000; ++i) {
    double const y = i % 3 ? uniform(random) : uniform(random) * 1e-3;
    double s, c;
    moho::sincos(y, s, c);
    worst =
        std::max(worst, std::fabs(s - static_cast<double>(std::sin(static_cast<long double>(y)))));
    worst =
        std::max(worst, std::fabs(c - static_cast<double>(std::cos(static_cast<long double>(y)))));
  }
  EXPECT_LT(worst, 3e-16) << "seed " << seed;
}

TEST(HostPack, LanesDoNotInfluenceEachOther) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(-30.0, 3.0);
  for (int round = 0; round < 200; ++round) {
    HostPack mixed(0.0);
    for (int i = 0; i < Scalar<HostPack>::lanes; ++i) set_lane(mixed, i, uniform(random));
    HostPack s, c;
    // Of moho, where a pack is a plain double too.
    moho::sincos(moho::abs(mixed), s, c);
    const HostPack e = moho::exp(mixed);
    for (int i = 0; i < Scalar<HostPack>::lanes; ++i) {
      const HostPack same(lane(mixed, i));
      HostPack s1, c1;
      moho::sincos(moho::abs(same), s1, c1);
      for (int j = 0; j < Scalar<HostPack>::lanes; ++j) {
        ASSERT_EQ(lane(moho::exp(same), j), lane(e, i));
        ASSERT_EQ(lane(s1, j), lane(s, i));
        ASSERT_EQ(lane(c1, j), lane(c, i));
      }
    }
  }
}

TEST(HostPack, InversePowerOfTwoIsExact) {
  for (double x : {1.0, 0.75, 3.9, 1e-200, 1e200, 5e-290}) {
    HostPack exponent;
    const HostPack scale = detail::inverse_power_of_two(HostPack(x), exponent);
    EXPECT_EQ(lane(exponent, 0), std::ilogb(x));
    EXPECT_EQ(lane(scale, 0), std::ldexp(1.0, -std::ilogb(x)));
    double one_exponent;
    EXPECT_EQ(detail::inverse_power_of_two(x, one_exponent), lane(scale, 0));
    EXPECT_EQ(one_exponent, lane(exponent, 0));
  }
}

TEST(DoubleDouble, KnownConstantsTo30Digits) {
  const DoubleDouble e(0x1.5bf0a8b145769p+1, 0x1.4d57ee2b1013ap-53);
  const DoubleDouble root2(0x1.6a09e667f3bcdp+0, -0x1.bdd3413b26456p-54);
  const DoubleDouble pi(0x1.921fb54442d18p+1, 0x1.1a62633145c07p-53);
  EXPECT_LT(relative(moho::exp(DoubleDouble(1.0)), e), 1e-30);
  EXPECT_LT(relative(moho::sqrt(DoubleDouble(2.0)), root2), 1e-30);
  DoubleDouble s, c;
  moho::sincos(pi / DoubleDouble(6.0), s, c);
  EXPECT_LT(relative(s, DoubleDouble(0.5)), 1e-30);
  EXPECT_LT(relative(c * c, DoubleDouble(0.75)), 1e-30);
}

TEST(DoubleDouble, IdentitiesHoldWhereDoubleFails) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(0.1, 300.0);
  for (int i = 0; i < 500; ++i) {
    const DoubleDouble x(uniform(random)), y(uniform(random));
    EXPECT_LT(relative((x / y) * y, x), 1e-30);
    EXPECT_LT(relative(moho::exp(-x) * moho::exp(x), DoubleDouble(1.0)), 1e-28);
    DoubleDouble s, c;
    moho::sincos(x, s, c);
    EXPECT_LT(relative(s * s + c * c, DoubleDouble(1.0)), 1e-30);
    const DoubleDouble tiny(1e-25);
    EXPECT_EQ(((x + tiny) - x).hi, 1e-25) << "the low part must survive";
    EXPECT_EQ((x.hi + 1e-25) - x.hi, 0.0) << "and does not in double: this test can fail";
  }
}

TEST(Dual, DerivativesAreExact) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> uniform(0.2, 2.0);
  for (int i = 0; i < 200; ++i) {
    double const x = uniform(random), y = uniform(random);
    Dual<double> const X(x, 1.0, 0.0), Y(y, 0.0, 1.0);
    Dual<double> s, c;
    sincos(X * Y, s, c);
    Dual<double> const f = exp(-X) * s / sqrt(Y) + 1.0 / (X + 2.0 * Y) - c * 3.0;
    double const e = std::exp(-x), S = std::sin(x * y), C = std::cos(x * y), r = 1 / std::sqrt(y);
    double const q = 1 / ((x + 2 * y) * (x + 2 * y));
    EXPECT_NEAR(f.v, e * S * r + 1 / (x + 2 * y) - 3 * C, 1e-14);
    EXPECT_NEAR(f.d0, e * r * (C * y - S) - q + 3 * S * y, 1e-13);
    EXPECT_NEAR(f.d1, e * r * (C * x - S / (2 * y)) - 2 * q + 3 * S * x, 1e-13);
  }
}

TEST(Dual, NestedGivesMixedSecondDerivatives) {
  using Inner = Dual<double>;
  double const x = 0.7, y = 1.3;
  // d/dx outside, d/dy inside
  Dual<Inner> const X(Inner(x), Inner(1.0), Inner(0.0)), Y(Inner(y, 1.0, 0.0));
  Dual<Inner> s, c;
  sincos(X * Y, s, c);
  Dual<Inner> const f = s * sqrt(X) + exp(-(X * Y)) * 2.0;
  double const S = std::sin(x * y), C = std::cos(x * y), E = std::exp(-x * y), r = std::sqrt(x);
  EXPECT_NEAR(f.v.v, S * r + 2 * E, 1e-15);
  EXPECT_NEAR(f.d0.v, C * y * r + S / (2 * r) - 2 * y * E, 1e-14);
  EXPECT_NEAR(f.v.d0, C * x * r - 2 * x * E, 1e-14);
  EXPECT_NEAR(f.d0.d0, C * r - S * x * y * r + C * x / (2 * r) - 2 * E + 2 * x * y * E, 1e-14);
  EXPECT_EQ(value(f), f.v.v);
}

} // namespace moho
