// SPDX-License-Identifier: BSD-3-Clause
// Tables of truncated transforms against sums in long double, and back.
#include "moho/core/error.hpp"
#include "moho/nn/dft.hpp"
#include "support/nn_gradients.hpp"
#include <complex>

using namespace moho::nn;
using namespace moho::nn::test;

namespace {

using Complex = std::complex<long double>;

Complex unit(std::int64_t k, std::int64_t j, std::int64_t n) {
  long double const angle = 2 * std::acos(-1.0L) * static_cast<long double>(k * j % n) / n;
  return {std::cos(angle), std::sin(angle)};
}

double worst_entry(std::int64_t n, std::int64_t modes, std::vector<double> const& table) {
  long double worst = 0;
  for (std::int64_t k = 0; k < modes; ++k)
    for (std::int64_t j = 0; j < n; ++j) {
      Complex const exact = std::conj(unit(k, j, n));
      worst = std::max(worst, std::fabs(table[k * n + j] - exact.real()));
      worst = std::max(worst, std::fabs(table[(modes + k) * n + j] - exact.imag()));
    }
  return static_cast<double>(worst);
}

TEST(Dft, EntriesAreExactToTheLastBit) {
  for (std::int64_t const n : {1, 2, 7, 32, 33, 94, 1024, 1026}) {
    std::int64_t const modes = std::min<std::int64_t>(n / 2 + 1, 40);
    auto table = dft_table(n, modes);
    EXPECT_LE(worst_entry(n, modes, table), 1.2e-16) << n;
    table[n - 1] += 1e-15;
    EXPECT_GT(worst_entry(n, modes, table), 5e-16) << n;
  }
}

/// x -> modes -> x for a function that has these modes alone.
TEST(Dft, InverseGivesRealFunctionsBack) {
  for (std::int64_t const n : {8, 9, 94}) {
    std::int64_t const modes = n / 2 + 1;
    Numbers const x = random_numbers(n, 5);
    auto const forward = dft_table(n, modes), inverse = inverse_dft_table(n, modes);
    for (std::int64_t j = 0; j < n; ++j) {
      double back = 0;
      for (std::int64_t k = 0; k < 2 * modes; ++k) {
        double coefficient = 0;
        for (std::int64_t i = 0; i < n; ++i) coefficient += forward[k * n + i] * x[i];
        back += inverse[j * 2 * modes + k] * coefficient;
      }
      EXPECT_NEAR(back, x[j], 1e-13);
    }
    EXPECT_EQ(inverse[3 * 2 * modes + modes], 0); // Im of mode 0
    if (n % 2 == 0) {
      EXPECT_EQ(inverse[3 * 2 * modes + 2 * modes - 1], 0); // Im of Nyquist's
    }
    EXPECT_NE(inverse[3 * 2 * modes + modes + 1], 0);
  }
}

TEST(Dft, ComplexTablesTransformAndBack) {
  std::int64_t const n = 11, m = 5;
  auto const kept = two_sided_modes(n, m);
  EXPECT_EQ(kept, (std::vector<std::int64_t>{0, 1, 2, 3, 4, -5, -4, -3, -2, -1}));
  auto const f = static_cast<std::int64_t>(kept.size());
  auto const forward = complex_dft_table(n, kept), inverse = inverse_complex_dft_table(n, kept);
  Numbers const x = random_numbers(2 * n, 6);
  std::vector<Complex> modes(kept.size());
  for (std::int64_t k = 0; k < f; ++k) {
    for (std::int64_t j = 0; j < n; ++j)
      modes[k] += std::conj(unit(kept[k], j, n)) * Complex(x[2 * j], x[2 * j + 1]);
    double re = 0, im = 0;
    for (std::int64_t i = 0; i < 2 * n; ++i) {
      re += forward[k * 2 * n + i] * x[i];
      im += forward[(f + k) * 2 * n + i] * x[i];
    }
    EXPECT_NEAR(re, static_cast<double>(modes[k].real()), 1e-14);
    EXPECT_NEAR(im, static_cast<double>(modes[k].imag()), 1e-14);
  }
  for (std::int64_t j = 0; j < n; ++j) {
    Complex exact = 0;
    for (std::int64_t k = 0; k < f; ++k) exact += unit(kept[k], j, n) * modes[k];
    exact /= static_cast<long double>(n);
    double re = 0, im = 0;
    for (std::int64_t k = 0; k < f; ++k) {
      double const a = static_cast<double>(modes[k].real()),
                   b = static_cast<double>(modes[k].imag());
      re += inverse[2 * j * 2 * f + k] * a + inverse[2 * j * 2 * f + f + k] * b;
      im += inverse[(2 * j + 1) * 2 * f + k] * a + inverse[(2 * j + 1) * 2 * f + f + k] * b;
    }
    EXPECT_NEAR(re, static_cast<double>(exact.real()), 1e-14);
    EXPECT_NEAR(im, static_cast<double>(exact.imag()), 1e-14);
  }
}

TEST(Dft, ModesAboveNyquistAreRefused) {
  EXPECT_THROW(dft_table(8, 6), moho::Error);
  EXPECT_THROW(inverse_dft_table(8, 6), moho::Error);
  EXPECT_THROW(dft_table(8, 0), moho::Error);
  EXPECT_THROW(two_sided_modes(8, 5), moho::Error);
}

} // namespace
