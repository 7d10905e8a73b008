// SPDX-License-Identifier: BSD-3-Clause
// Layer stacks on which the kernels take known branches, and how many operations they then need.
// The numbers are declared here, by hand; tests/unit/dispersion/operations_test.cpp counts the
// operations really done and rejects a declaration that is off by more than 10 %.
//
// After a change of a kernel: run `test_unit_dispersion_operations`, which prints what it counted
// in the form of the tables below, and correct tables and comments.
#pragma once
#include "moho/dispersion/layers.hpp"
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace moho::micro {

enum class Kernel {
  rayleigh,             ///< secular function with mode count
  rayleigh_secular,     ///< without
  love,                 ///< secular function with mode count
  rayleigh_derivatives, ///< secular function and its derivatives by c and k (Dual)
  love_derivatives
};
inline constexpr std::array<Kernel, 5> all_kernels{Kernel::rayleigh, Kernel::rayleigh_secular,
                                                   Kernel::love, Kernel::rayleigh_derivatives,
                                                   Kernel::love_derivatives};
inline constexpr char const* name(Kernel kernel) {
  constexpr char const* names[] = {"rayleigh", "rayleigh_secular", "love", "rayleigh_derivatives",
                                   "love_derivatives"};
  return names[static_cast<int>(kernel)];
}

/// What the layer functions meet: all lanes alike in the first three.
enum class Regime {
  thin,        ///< power series
  evanescent,  ///< c well below vs: both waves decay
  oscillating, ///< c between vs and vp
  mixed        ///< a gradient near its fundamental mode, 1 to 100 s: lanes differ
};
inline constexpr std::array<Regime, 4> all_regimes{Regime::thin, Regime::evanescent,
                                                   Regime::oscillating, Regime::mixed};
inline constexpr char const* name(Regime regime) {
  constexpr char const* names[] = {"thin", "evanescent", "oscillating", "mixed"};
  return names[static_cast<int>(regime)];
}

/// A stack and points (phase velocity, wavenumber) to evaluate.
struct KernelCase {
  std::vector<dispersion::SolidLayer<double>> layers; ///< the half-space last
  std::vector<double> c, k;                           ///< km/s, 1/km
  dispersion::LayerView<double> view() const {
    return {nullptr, layers.data(), 0, static_cast<int>(layers.size())};
  }
};

/// `layers` rows, the half-space included.
inline KernelCase kernel_case(Regime regime, int layers, int points) {
  struct Stack {
    double thickness, vs, c, k;
  };
  constexpr Stack stacks[] = {{0.2, 3.5, 3.0, 0.5}, {4, 3.5, 2.2, 0.5}, {4, 2.5, 3.4, 0.4}, {}};
  bool const mixed = regime == Regime::mixed;
  Stack const& stack = stacks[static_cast<int>(regime)];
  auto const gradient = [](double depth) { return 2.5 + 2.2 * (1 - std::exp(-depth / 35)); };
  KernelCase result;
  double const step = mixed ? 100.0 / (layers - 1) : stack.thickness;
  for (int i = 0; i + 1 < layers; ++i) {
    double const vs = mixed ? gradient((i + 0.5) * step) : stack.vs;
    result.layers.push_back(dispersion::make_solid(step, 1.75 * vs, vs, 2.7));
  }
  result.layers.push_back(dispersion::make_solid(0.0, 8.1, 4.7, 3.3));
  for (int i = 0; i < points; ++i) {
    double const part = points > 1 ? i / (points - 1.0) : 0.5, period = std::pow(100, part);
    double const c = mixed ? 0.92 * gradient(1.2 * period) : stack.c * (0.98 + 0.04 * part);
    result.c.push_back(c);
    result.k.push_back(mixed ? 2 * 3.14159265358979 / period / c : stack.k);
  }
  return result;
}

/// Additions, multiplications, divisions, square roots and roundings, those inside exp and sincos
/// included; an fma is two. Comparisons, selections and bit manipulations are none.
struct Flops {
  double layer; ///< of a layer above the half-space
  double rest;  ///< of the half-space and the surface
  constexpr double of(int layers) const { return layer * (layers - 1) + rest; }
};

/// e^x: 3 operations find the power of two, 5 what is left of x, 21 the polynomial.
inline constexpr std::int64_t exp_flops = 29;
/// Sine and cosine: 3 operations find the quadrant, 6 what is left, 29 the two polynomials.
inline constexpr std::int64_t sincos_flops = 38;

/// By kernel and regime {thin, evanescent, oscillating, mixed}. A layer of `rayleigh` is 11 for its
/// constants at c, 101 for the layer functions (two exp 58, the rest differences and divisions; 22
/// more for a series where layers are thin, 28 where sincos stands for an exp), 74 to propagate the
/// five minors, 16 for the count, 3 for width and scaling. A layer of `love` is 33, 44 or 57 for the
/// functions, the rest for two components and the count. With two derivatives products triple, and
/// exp, sincos and divisions are done once: about three times as much.
inline constexpr Flops flops_table[][4] = {
    {{227, 30}, {205, 30}, {233, 30}, {227, -104}},    // rayleigh
    {{207, 27}, {185, 27}, {213, 27}, {207, -107}},    // rayleigh_secular
    {{52, 7}, {63, 7}, {76, 7}, {58, 65}},             // love
    {{727, 114}, {637, 114}, {760, 114}, {741, -549}}, // rayleigh_derivatives
    {{209, 20}, {171, 20}, {207, 20}, {189, -83}}};    // love_derivatives

/// Operations of one evaluation at one point.
inline constexpr Flops declared_flops(Kernel kernel, Regime regime) {
  return flops_table[static_cast<std::size_t>(kernel)][static_cast<std::size_t>(regime)];
}

/// Bytes of memory traffic that `points` evaluations cannot avoid: the layers once, c and k in, the
/// results out.
inline constexpr double declared_bytes(Kernel kernel, int layers, int points) {
  bool const derivatives =
      kernel == Kernel::rayleigh_derivatives || kernel == Kernel::love_derivatives;
  double const results = derivatives ? 3 : 4; // f, df/dc, df/dk; or f, exponent, count, doubt
  return static_cast<double>(sizeof(dispersion::SolidLayer<double>)) * layers +
         (2 + results) * sizeof(double) * points;
}

/// All derivatives at one root: of the phase velocity alone, or (`everything`) of group velocity
/// and ellipticity too.
inline constexpr Flops sensitivity_flops(bool love, bool everything) {
  if (love) return everything ? Flops{758, -170} : Flops{135, 25};
  return everything ? Flops{4511, -3538} : Flops{725, -503};
}

/// Operations on doubles of one operation on DoubleDouble, counted by hand in double_double.hpp
/// (they are not templates, so nothing can count them). Error-free sum 6, renormalisation 3,
/// error-free product 4; std::fma is two. Sum: 2 x 6 + 2 x 3 + 2; product: 4 + 5 + 3; quotient:
/// 3 divisions, 2 products, 3 sums, one renormalisation.
struct ExtendedCost {
  double add = 20, multiply = 12, divide = 90, root = 36, floor = 5;
  double exponential = 1610; ///< 9 terms of (product, quotient, sum), 10 squarings
  double sine_cosine = 3530; ///< 14 terms of 2 x (product, quotient, sum), 3-part reduction
};

/// The secular function with count in extended precision on the mixed case.
inline constexpr Flops extended_flops(Kernel kernel) {
  return kernel == Kernel::love ? Flops{2488, 567} : Flops{5912, 906};
}

} // namespace moho::micro
