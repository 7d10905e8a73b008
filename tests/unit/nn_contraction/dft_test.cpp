// SPDX-License-Identifier: BSD-3-Clause
#include "moho/core/error.hpp"
#include "moho/nn/dft.hpp"
#include "support.hpp"

namespace moho::nn::test {
namespace {

constexpr long double two_pi = 6.283185307179586476925286766559005768L;
constexpr std::int64_t lengths[] = {1, 2, 3, 4, 5, 8, 12, 33, 48, 85, 94, 188, 1024, 1026};

std::size_t at(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

/// Half a unit in the last place of numbers up to 1, and a little for the reference itself.
constexpr double half_unit = .51 * std::numeric_limits<double>::epsilon();

/// The angle's own direct evaluation: long double holds k n / N to 1e-19 turns.
long double angle(std::int64_t k, std::int64_t n, std::int64_t N) {
  return two_pi * static_cast<long double>(k * n % N) / static_cast<long double>(N);
}

TEST(Dft, RealTablesAreTheDefinition) {
  for (std::int64_t const N : lengths) {
    std::int64_t const modes = N / 2 + 1;
    auto const forward = dft_table(N, modes), inverse = inverse_dft_table(N, modes);
    ASSERT_EQ(forward.size(), at(2 * modes * N));
    ASSERT_EQ(inverse.size(), at(2 * modes * N));
    for (std::int64_t k = 0; k < modes; ++k)
      for (std::int64_t n = 0; n < N; ++n) {
        long double const cos = std::cos(angle(k, n, N)), sin = std::sin(angle(k, n, N));
        EXPECT_NEAR(forward[at(k * N + n)], static_cast<double>(cos), half_unit);
        EXPECT_NEAR(forward[at((modes + k) * N + n)], static_cast<double>(-sin), half_unit);
        bool const end = k == 0 || 2 * k == N;
        auto const points = static_cast<long double>(N);
        EXPECT_NEAR(inverse[at(n * 2 * modes + k)],
                    static_cast<double>((end ? 1 : 2) * cos / points),
                    2 * half_unit / static_cast<double>(N));
        EXPECT_NEAR(inverse[at(n * 2 * modes + modes + k)],
                    end ? 0 : static_cast<double>(-2 * sin / points),
                    2 * half_unit / static_cast<double>(N));
      }
  }
}

TEST(Dft, QuartersOfATurnAreExact) {
  auto const table = dft_table(1024, 3);
  EXPECT_EQ(table[1024 + 256], 0.0);                    // cos(pi / 2)
  EXPECT_EQ(table[1024 + 512], -1.0);                   // cos(pi)
  EXPECT_EQ(table[4 * 1024 + 512], 0.0);                // sin(pi)
  EXPECT_EQ(table[4 * 1024 + 256], -1.0);               // -sin(pi / 2)
  EXPECT_EQ(table[1024 + 128], -table[4 * 1024 + 128]); // an eighth
}

TEST(Dft, InverseOfAllModesIsTheInverse) {
  for (std::int64_t const N : lengths) {
    if (N > 200) continue;
    std::int64_t const modes = N / 2 + 1;
    auto const forward = dft_table(N, modes), inverse = inverse_dft_table(N, modes);
    for (std::int64_t n = 0; n < N; ++n)
      for (std::int64_t m = 0; m < N; ++m) {
        double sum = 0;
        for (std::int64_t k = 0; k < 2 * modes; ++k)
          sum += inverse[at(n * 2 * modes + k)] * forward[at(k * N + m)];
        EXPECT_NEAR(sum, n == m ? 1 : 0, 1e-14) << N;
      }
  }
}

TEST(Dft, ComplexTablesAreTheDefinition) {
  for (std::int64_t const N : {2, 7, 24, 94}) {
    auto const kept = two_sided_modes(N, N / 2);
    auto const F = static_cast<std::int64_t>(kept.size());
    ASSERT_EQ(F, N / 2 * 2);
    auto const forward = complex_dft_table(N, kept), inverse = inverse_complex_dft_table(N, kept);
    auto const points = static_cast<double>(N);
    for (std::int64_t f = 0; f < F; ++f)
      for (std::int64_t n = 0; n < N; ++n) {
        // (a + i b) (cos - i sin), and the conjugate
        long double const turn = angle((kept[at(f)] + N) % N, n, N);
        auto const cos = static_cast<double>(std::cos(turn)),
                   sin = static_cast<double>(std::sin(turn));
        auto const entry = [&](int p, int q) { return forward[at(((p * F + f) * N + n) * 2 + q)]; };
        EXPECT_NEAR(entry(0, 0), cos, half_unit);
        EXPECT_NEAR(entry(0, 1), sin, half_unit);
        EXPECT_NEAR(entry(1, 0), -sin, half_unit);
        EXPECT_NEAR(entry(1, 1), cos, half_unit);
        auto const back = [&](int p, int q) { return inverse[at(((n * 2 + p) * 2 + q) * F + f)]; };
        EXPECT_NEAR(back(0, 0), cos / points, half_unit / points * 2);
        EXPECT_NEAR(back(0, 1), -sin / points, half_unit / points * 2);
        EXPECT_NEAR(back(1, 0), sin / points, half_unit / points * 2);
        EXPECT_NEAR(back(1, 1), cos / points, half_unit / points * 2);
      }
  }
}

TEST(Dft, KeepsBothEndsOfTheSpectrum) {
  EXPECT_EQ(two_sided_modes(9, 3), (std::vector<std::int64_t>{0, 1, 2, -3, -2, -1}));
}

TEST(Dft, RefusesModesThatTheAxisLacks) {
  EXPECT_NO_THROW(dft_table(8, 5));
  EXPECT_THROW(dft_table(8, 6), Error);
  EXPECT_THROW(dft_table(8, 0), Error);
  EXPECT_THROW(inverse_dft_table(9, 6), Error);
  EXPECT_NO_THROW(inverse_dft_table(9, 5));
  EXPECT_THROW(two_sided_modes(9, 5), Error);
  EXPECT_THROW(dft_table(0, 1), Error);
  EXPECT_THROW(complex_dft_table(0, {0}), std::logic_error);
}

} // namespace
} // namespace moho::nn::test
