// SPDX-License-Identifier: BSD-3-Clause
// The operation counts that benchmarks and records declare are those that the kernels do.
#include "support/counting.hpp" // first: before the kernels

#include "benchmarks/micro/kernel_cases.hpp"
#include "moho/dispersion/love.hpp"
#include "moho/dispersion/solve.hpp"
#include "src/dispersion/sensitivity_kernel.hpp"
#include <gtest/gtest.h>

namespace moho::micro {
namespace {

using dispersion::LayerView;

constexpr double tolerance = 0.1;

/// Whether a declared count may stand for the one that was counted.
bool agrees(double declared, double counted) {
  return std::abs(declared - counted) <= tolerance * counted;
}

template <class T>
void evaluate(Kernel kernel, LayerView<double> const& model, T c, T k) {
  Dual<T> const dc{c, T(1.0), T(0.0)}, dk{k, T(0.0), T(1.0)};
  switch (kernel) {
  case Kernel::rayleigh:
    dispersion::rayleigh<true>(model, c, k);
    break;
  case Kernel::rayleigh_secular:
    dispersion::rayleigh<false>(model, c, k);
    break;
  case Kernel::love:
    dispersion::love(model, c, k);
    break;
  case Kernel::rayleigh_derivatives:
    dispersion::rayleigh<false>(model, dc, dk);
    break;
  case Kernel::love_derivatives:
    dispersion::love(model, dc, dk);
    break;
  }
}

/// Operations of one evaluation, the mean over the points of a case.
double counted(Kernel kernel, Regime regime, int layers) {
  int const points = 60;
  KernelCase const sample = kernel_case(regime, layers, points);
  Counting::count() = {};
  for (int i = 0; i < points; ++i)
    evaluate(kernel, sample.view(), Counting(sample.c[static_cast<std::size_t>(i)]),
             Counting(sample.k[static_cast<std::size_t>(i)]));
  return static_cast<double>(Counting::count().total()) / points;
}

/// The same in extended precision: operations on DoubleDouble, each at its declared cost.
double counted_extended(Kernel kernel, int layers) {
  using Extended = CountingScalar<true>;
  int const points = 16;
  KernelCase const sample = kernel_case(Regime::mixed, layers, points);
  Extended::count() = {};
  for (std::size_t i = 0; i < std::size_t{16}; ++i)
    evaluate(kernel, sample.view(), Extended(sample.c[i]), Extended(sample.k[i]));
  OperationCount const& n = Extended::count();
  const ExtendedCost cost;
  auto const times = [](std::int64_t count, double each) {
    return static_cast<double>(count) * each;
  };
  return (times(n.add, cost.add) + times(n.multiply, cost.multiply) + times(n.divide, cost.divide) +
          times(n.root, cost.root) + times(n.floor, cost.floor) +
          times(n.exponential, cost.exponential) + times(n.sine_cosine, cost.sine_cosine)) /
         points;
}

/// Operations of all derivatives at one point: of the phase velocity, or of everything.
double counted_sensitivity(dispersion::Wave wave, bool everything, int layers) {
  using Kernel = dispersion::detail::PackKernel<Counting>;
  int const points = 16;
  KernelCase const sample = kernel_case(Regime::mixed, layers, points);
  const std::vector<dispersion::detail::RowScale> scale(static_cast<std::size_t>(layers),
                                                        {1, 1, 1});
  std::vector<double> gradient(static_cast<std::size_t>(12 * layers));
  dispersion::detail::GradientColumns columns{};
  for (int c = 0; c < 12; ++c) columns.column[c] = gradient.data() + c * layers;
  std::vector<Counting> scratch(Kernel::bytes(0, layers, everything) / sizeof(Counting) + 8);
  Counting::count() = {};
  for (std::size_t i = 0; i < std::size_t{16}; ++i) {
    const dispersion::detail::PointIn<double> in{sample.c[i], sample.c[i] * sample.k[i], 0, 1, 1};
    dispersion::detail::PointOut out{};
    Kernel(sample.view(), wave, {true, everything, everything}, 1, &in, scale.data(),
           reinterpret_cast<unsigned char*>(scratch.data()), columns, &out)
        .run(false);
  }
  return static_cast<double>(Counting::count().total()) / points;
}

TEST(Operations, AnOperationIsCountedOnce) {
  Counting::count() = {};
  const Counting a(2.0), b(3.0);
  EXPECT_EQ((a * b + a).v, 8);
  EXPECT_EQ((sqrt(a * a) / b - 1.0).v, 2.0 / 3 - 1);
  EXPECT_EQ(select(a < b, -a, abs(b)).v, -2);
  OperationCount const& n = Counting::count();
  EXPECT_EQ(n.add, 2);
  EXPECT_EQ(n.multiply, 2);
  EXPECT_EQ(n.divide, 1);
  EXPECT_EQ(n.root, 1);
  EXPECT_EQ(n.total(), 6);
}

/// The counting scalar follows the same path as double, to the last bit where no fma is formed.
TEST(Operations, CountingComputesWhatTheKernelComputes) {
  for (const Regime regime : all_regimes) {
    KernelCase const sample = kernel_case(regime, 20, 5);
    for (std::size_t i = 0; i < 5; ++i) {
      auto const plain = dispersion::rayleigh<true>(sample.view(), sample.c[i], sample.k[i]);
      auto const same =
          dispersion::rayleigh<true>(sample.view(), Counting(sample.c[i]), Counting(sample.k[i]));
      EXPECT_EQ(same.count.v, plain.count);
      EXPECT_EQ(same.exponent.v, plain.exponent);
      EXPECT_NEAR(same.secular.v, plain.secular, 1e-9) << name(regime);
    }
  }
}

TEST(Operations, ElementaryFunctionsAreDeclared) {
  Counting::count() = {};
  exp(Counting(-1.3));
  EXPECT_EQ(Counting::count().total(), exp_flops);
  Counting::count() = {};
  Counting s, c;
  sincos(Counting(2.0), s, c);
  EXPECT_EQ(Counting::count().total(), sincos_flops);
}

/// What the tables of kernel_cases.hpp should say.
TEST(Operations, Tables) {
  for (const Kernel kernel : all_kernels) {
    std::printf("    {");
    for (const Regime regime : all_regimes) {
      double const few = counted(kernel, regime, 11), many = counted(kernel, regime, 101);
      double const layer = (many - few) / 90;
      std::printf("{%.0f, %.0f}, ", layer, few - 10 * layer);
      EXPECT_GT(layer, 0);
    }
    std::printf("}, // %s\n", name(kernel));
  }
  for (const Kernel kernel : {Kernel::rayleigh, Kernel::love}) {
    double const few = counted_extended(kernel, 11), many = counted_extended(kernel, 101);
    double const layer = (many - few) / 90;
    std::printf("    {%.0f, %.0f} // %s, extended\n", layer, few - 10 * layer, name(kernel));
  }
  for (const dispersion::Wave wave : dispersion::all_waves)
    for (bool const everything : {false, true}) {
      double const few = counted_sensitivity(wave, everything, 11);
      double const layer = (counted_sensitivity(wave, everything, 101) - few) / 90;
      std::printf("    {%.0f, %.0f} // %s, %s\n", layer, few - 10 * layer, dispersion::name(wave),
                  everything ? "all derivatives" : "derivatives of the phase velocity");
    }
}

TEST(Operations, KernelsAreDeclared) {
  for (const Kernel kernel : all_kernels) {
    for (const Regime regime : all_regimes) {
      for (int layers : {10, 20, 100}) {
        double const found = counted(kernel, regime, layers);
        EXPECT_TRUE(agrees(declared_flops(kernel, regime).of(layers), found))
            << name(kernel) << ", " << name(regime) << ", " << layers << " layers: declared "
            << declared_flops(kernel, regime).of(layers) << ", counted " << found;
      }
    }
  }
}

TEST(Operations, SensitivitiesAreDeclared) {
  for (const dispersion::Wave wave : dispersion::all_waves)
    for (bool const everything : {false, true})
      for (int layers : {10, 20, 100}) {
        double const declared =
            sensitivity_flops(wave == dispersion::Wave::love, everything).of(layers);
        double const found = counted_sensitivity(wave, everything, layers);
        EXPECT_TRUE(agrees(declared, found))
            << dispersion::name(wave) << (everything ? ", everything, " : ", phase, ") << layers
            << " layers: declared " << declared << ", counted " << found;
      }
}

TEST(Operations, ExtendedPrecisionIsDeclared) {
  for (const Kernel kernel : {Kernel::rayleigh, Kernel::love})
    for (int layers : {10, 20, 100}) {
      double const found = counted_extended(kernel, layers);
      EXPECT_TRUE(agrees(extended_flops(kernel).of(layers), found))
          << name(kernel) << ", " << layers << " layers: declared "
          << extended_flops(kernel).of(layers) << ", counted " << found;
    }
}

/// What records quote: the mixed case is what a search meets.
TEST(Operations, TheSolverDeclaresWhatItsKernelsDo) {
  for (const Kernel kernel : {Kernel::rayleigh, Kernel::love}) {
    auto const wave = static_cast<std::size_t>(kernel == Kernel::love);
    auto const declared = static_cast<double>(dispersion::flops_per_layer[wave]);
    for (int layers : {10, 20, 100}) {
      double const found = counted(kernel, Regime::mixed, layers);
      EXPECT_TRUE(agrees(declared * layers, found))
          << name(kernel) << ": flops_per_layer (solve.hpp) declares " << declared
          << " per layer, counted " << found / layers << " with " << layers << " layers";
    }
  }
}

TEST(Operations, AWrongDeclarationIsRejected) {
  for (const Kernel kernel : all_kernels)
    for (const Regime regime : all_regimes) {
      double const found = counted(kernel, regime, 20);
      EXPECT_TRUE(agrees(found, found));
      EXPECT_FALSE(agrees(1.15 * found, found)) << name(kernel);
      EXPECT_FALSE(agrees(0.85 * found, found)) << name(kernel);
    }
  // and a kernel that does more than is declared: one that counts where none is to be counted
  EXPECT_FALSE(agrees(declared_flops(Kernel::rayleigh_secular, Regime::evanescent).of(20),
                      counted(Kernel::rayleigh, Regime::evanescent, 20) * 1.05));
  EXPECT_FALSE(agrees(declared_flops(Kernel::love, Regime::evanescent).of(20),
                      counted(Kernel::love_derivatives, Regime::evanescent, 20)));
}

} // namespace
} // namespace moho::micro
