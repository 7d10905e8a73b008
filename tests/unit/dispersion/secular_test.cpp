// SPDX-License-Identifier: BSD-3-Clause
// Layer functions, propagators and counts against independent formulations.
#include "moho/dispersion/love.hpp"
#include <array>
#include <cmath>
#include <gtest/gtest.h>
#include <random>
#include <vector>

using namespace moho::dispersion;
using moho::DoubleDouble;

namespace {

constexpr unsigned seed = 20262;
using Matrix = std::array<std::array<long double, 5>, 5>;

struct Draw {
  std::mt19937_64 random{seed};
  double uniform(double a, double b) {
    return std::uniform_real_distribution<double>(a, b)(random);
  }
  SolidLayer<double> layer(double vs) {
    return make_solid(0.0, vs * uniform(1.2, 4.0), vs, uniform(1.0, 4.0));
  }
};

/// Generator of (m12, m13, m34, m14, m23)' = B m, straight from the motion-stress equations.
Matrix generator(SolidLayer<double> const& l, double c) {
  long double const a = l.a, b = l.b, e = l.e, R = static_cast<long double>(l.rho) * c * c;
  long double const Z = l.zeta - R;
  return {{{0, 0, 0, b, -a},
           {0, 0, 0, e, 1},
           {0, 0, 0, Z, R},
           {-R, -2, a, 0, 0},
           {-Z, -2 * e, -b, 0, 0}}};
}

/// exp(-B x) v by scaling: the upward propagator, by Taylor series in long double.
std::array<long double, 5> propagate_by_series(Matrix const& B, double x,
                                               std::array<long double, 5> v) {
  int const steps = 1 + static_cast<int>(8 * x);
  for (int s = 0; s < steps; ++s) {
    auto term = v;
    for (int k = 1; k < 40; ++k) {
      std::array<long double, 5> next{};
      for (int i = 0; i < 5; ++i)
        for (int j = 0; j < 5; ++j) next[i] -= B[i][j] * term[j] * x / steps / k;
      term = next;
      for (int i = 0; i < 5; ++i) v[i] += term[i];
    }
  }
  return v;
}

/// Largest difference of two minor vectors, relative to the largest component, after the scale
/// factor exp(-(r + s) x) of the closed form.
double propagator_error(SolidLayer<double> const& l, double c, double x) {
  LayerAtVelocity<double, double> const at(l, c * c, 1 / (c * c));
  PsvFunctions<double> const f = psv_functions(x, at.r2, at.s2, at.gap, at.inv_gap);
  Minors<double> const bottom{0.3, -0.7, 0.4, 0.9, 0.2};
  double spread;
  Minors<double> const top = propagate(at, f, bottom, spread);
  auto const exact = propagate_by_series(
      generator(l, c), x, {bottom.m12, bottom.m13, bottom.m34, bottom.m14, bottom.m23});
  // f.one is the scale factor of the growing exponentials (1 for thin layers)
  double const got[] = {top.m12, top.m13, top.m34, top.m14, top.m23};
  double error = 0, size = 0;
  for (int i = 0; i < 5; ++i) {
    double const want = static_cast<double>(exact[i] * f.one);
    error = std::max(error, std::fabs(got[i] - want));
    size = std::max(size, std::fabs(want));
  }
  return error / size;
}

LayerView<double> view(std::vector<FluidLayer<double>> const& f,
                       std::vector<SolidLayer<double>> const& s) {
  return {f.data(), s.data(), static_cast<int>(f.size()), static_cast<int>(s.size())};
}

} // namespace

TEST(PsvLayer, PropagatorIsTheExponentialOfTheEquationsInEveryRegime) {
  Draw draw;
  for (int i = 0; i < 400; ++i) {
    SolidLayer<double> const l = draw.layer(1.0);
    double const c = i % 2 ? draw.uniform(0.05, 1.0) : draw.uniform(0.8, 5.0);
    double const x = std::exp(draw.uniform(std::log(1e-3), std::log(6.0)));
    EXPECT_LT(propagator_error(l, c, x), 2e-13) << "c " << c << " x " << x << " seed " << seed;
  }
}

TEST(PsvLayer, RegimesJoinAtTheBodyWaveVelocities) {
  SolidLayer<double> const l = make_solid(0.0, 1.7, 1.0, 2.0);
  for (double speed : {1.0, 1.7, std::sqrt(0.98)})
    for (double offset : {-1e-9, 0.0, 1e-9})
      for (double x : {0.01, 0.3, 2.0})
        EXPECT_LT(propagator_error(l, speed + offset, x), 2e-13)
            << speed << " " << offset << " " << x;
}

TEST(PsvLayer, APerturbedConstantIsNoticed) {
  SolidLayer<double> l = make_solid(0.0, 1.7, 1.0, 2.0);
  double const sound = propagator_error(l, 0.8, 1.0);
  l.inv_gap *= 1 + 1e-9; // enters the closed form, not the equations
  EXPECT_GT(propagator_error(l, 0.8, 1.0), 1e3 * sound);
}

TEST(PsvLayer, StiffThinLayersLoseNoDigits) {
  Draw draw;
  for (int i = 0; i < 300; ++i) {
    double const vs = draw.uniform(3, 50), vp = vs * draw.uniform(1.3, 4),
                 x = draw.uniform(1e-3, 1);
    double const c = draw.uniform(0.1, 1.0), c2 = c * c;
    auto const l = make_solid(0.0, vp, vs, 2.0);
    auto const ll =
        make_solid(DoubleDouble(0.0), DoubleDouble(vp), DoubleDouble(vs), DoubleDouble(2.0));
    LayerAtVelocity<double, double> const at(l, c2, 1 / c2);
    const DoubleDouble cc2 = DoubleDouble(c) * DoubleDouble(c);
    LayerAtVelocity<DoubleDouble, DoubleDouble> const att(ll, cc2, DoubleDouble(1.0) / cc2);
    auto const f = psv_functions(x, at.r2, at.s2, at.gap, at.inv_gap);
    auto const g = psv_functions(DoubleDouble(x), att.r2, att.s2, att.gap, att.inv_gap);
    // double may sit in the series (unscaled) where extended precision is scaled
    double const scale = f.one / g.one.hi;
    EXPECT_NEAR(f.m1 / (g.m1.hi * scale), 1, 1e-14);
    EXPECT_NEAR(f.s1 / (g.s1.hi * scale), 1, 1e-11) << "enters with a factor x^2";
    EXPECT_NEAR(f.m2 / (g.m2.hi * scale), 1, 1e-12);
  }
}

TEST(HalfSpace, IsAnEigenvectorOfTheGenerator) {
  Draw draw;
  for (int i = 0; i < 100; ++i) {
    SolidLayer<double> const l = draw.layer(1.0);
    double const c = draw.uniform(0.1, 0.999);
    Minors<double> const m = half_space_minors(l, c * c);
    double const v[] = {m.m12, m.m13, m.m34, m.m14, m.m23};
    double const sum = std::sqrt(1 - c * c * l.inv_vp2) + std::sqrt(1 - c * c * l.inv_vs2);
    const Matrix B = generator(l, c);
    for (int r = 0; r < 5; ++r) {
      long double row = 0;
      for (int j = 0; j < 5; ++j) row += B[r][j] * v[j];
      EXPECT_NEAR(static_cast<double>(row), -sum * v[r], 1e-12);
    }
    EXPECT_NEAR(m.m12 * m.m34, -m.m13 * m.m13 - m.m14 * m.m23, 1e-13) << "Pluecker relation";
  }
}

TEST(FluidTop, OneLayerIsTheTangent) {
  Draw draw;
  for (int i = 0; i < 300; ++i) {
    double const h = draw.uniform(0.1, 20), vp = 1.5, rho = 1.03, c = draw.uniform(0.3, 4),
                 k = draw.uniform(0.1, 3);
    const std::vector<FluidLayer<double>> f{make_fluid(h, vp, rho)};
    FluidTop<double> const top = fluid_top(view(f, {}), c * c, k);
    double const n2 = c * c / (vp * vp) - 1, n = std::sqrt(std::fabs(n2)), x = k * h;
    double const stiffness = -rho * c * c * (n2 > 0 ? std::tan(n * x) : std::tanh(n * x)) / n;
    EXPECT_NEAR(top.P / top.u / stiffness, 1, 1e-10);
    EXPECT_EQ(top.count, n2 > 0 ? std::floor(n * x / M_PI + 0.5) : 0) << "c " << c << " kh " << x;
  }
}

TEST(FluidTop, CutLayersGiveTheSameStiffnessAndCount) {
  Draw draw;
  for (int i = 0; i < 200; ++i) {
    double const h = draw.uniform(1, 20), c = draw.uniform(0.5, 4), k = draw.uniform(0.1, 3);
    const std::vector<FluidLayer<double>> whole{make_fluid(0.5 * h, 1.4, 1.0),
                                                make_fluid(h, 1.9, 1.2)};
    const std::vector<FluidLayer<double>> cut{
        make_fluid(0.2 * h, 1.4, 1.0), make_fluid(0.3 * h, 1.4, 1.0), make_fluid(0.7 * h, 1.9, 1.2),
        make_fluid(0.3 * h, 1.9, 1.2)};
    auto const a = fluid_top(view(whole, {}), c * c, k), b = fluid_top(view(cut, {}), c * c, k);
    EXPECT_NEAR(a.P * b.u, b.P * a.u, 1e-9);
    EXPECT_EQ(a.count, b.count);
  }
}

TEST(Count, EqualsTheSignChangesOfTheSecularFunction) {
  Draw draw;
  for (int i = 0; i < 60; ++i) {
    std::vector<SolidLayer<double>> s;
    int const n = 1 + i % 6;
    for (int j = 0; j < n; ++j) {
      double const vs = draw.uniform(1.5, 3.8);
      s.push_back(
          make_solid(draw.uniform(1, 10), vs * draw.uniform(1.3, 2.5), vs, draw.uniform(2, 3)));
    }
    s.push_back(make_solid(0.0, 8.0, 4.5, 3.3));
    std::vector<FluidLayer<double>> f;
    if (i % 3 == 0) f.push_back(make_fluid(draw.uniform(0.5, 5), 1.5, 1.0));
    double const omega = draw.uniform(0.3, 3);
    for (bool is_love : {false, true}) {
      int changes = 0, last = 0;
      double before = 1;
      for (double c = 0.3; c < 4.49; c += 2e-4) {
        auto const e =
            is_love ? love(view(f, s), c, omega / c) : rayleigh<true>(view(f, s), c, omega / c);
        if ((e.secular < 0) != (before < 0)) ++changes;
        before = e.secular;
        last = static_cast<int>(e.count);
        ASSERT_EQ(e.secular < 0, last % 2 == 1) << "the sign carries the parity";
      }
      EXPECT_EQ(last, changes) << (is_love ? "love" : "rayleigh") << " model " << i << " seed "
                               << seed;
    }
  }
}
