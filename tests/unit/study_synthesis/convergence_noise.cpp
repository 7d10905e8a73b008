// SPDX-License-Identifier: BSD-3-Clause
// Rates of noisy errors: the interval covers the truth as often as it says, noise has no rate.
#include "moho/core/philox.hpp"
#include "moho/study/convergence.hpp"
#include <cmath>
#include <cstdio>
#include <gtest/gtest.h>
#include <vector>

namespace moho::study {
namespace {

constexpr std::uint64_t seed = 20260215;
constexpr int repeats = 1000;

struct Tally {
  int found = 0, covered = 0;
  double points = 0; ///< mean number used
};

/// Fits of `repeats` data sets with the true rate `rate`; `error(random, repeat, i)` of x[i].
template <class Error>
Tally tally(std::vector<double> const& x, double rate, std::uint32_t stream, Error const& error) {
  Tally tally;
  Philox const random{seed, stream};
  for (int repeat = 0; repeat < repeats; ++repeat) {
    std::vector<double> errors;
    for (std::size_t i = 0; i < x.size(); ++i)
      errors.push_back(
          error(random, static_cast<std::uint64_t>(repeat), static_cast<std::uint32_t>(i)));
    RateFit const fit = fit_rate(x, errors, {});
    if (!fit.found) continue;
    ++tally.found;
    tally.points += static_cast<double>(fit.points);
    if (fit.low <= rate && rate <= fit.high) ++tally.covered;
  }
  tally.points /= std::max(1, tally.found);
  std::printf("seed %llu stream %u: found %d of %d, covered %d, %.2f points\n",
              static_cast<unsigned long long>(seed), stream, tally.found, repeats, tally.covered,
              tally.points);
  return tally;
}

std::vector<double> doublings(int n, int replicates) {
  std::vector<double> x;
  for (int i = 0; i < n; ++i) x.insert(x.end(), static_cast<std::size_t>(replicates), 16 << i);
  return x;
}

void expect_coverage(Tally const& tally) {
  EXPECT_GE(tally.found, 900);
  EXPECT_GE(tally.covered, 0.90 * tally.found);
  EXPECT_LE(tally.covered, 0.98 * tally.found);
}

// Errors of means of n normal samples, |z| / sqrt(n): very skewed in the logarithm.
TEST(ConvergenceNoise, MonteCarloWithReplicates) {
  auto const x = doublings(8, 10);
  expect_coverage(tally(x, 0.5, 1, [&](Philox const& r, std::uint64_t repeat, std::uint32_t i) {
    return std::abs(r.normal(repeat, i)) / std::sqrt(x[i]);
  }));
}

// Mean square errors over 20 values: what a study with noise leaves, once per abscissa.
TEST(ConvergenceNoise, MeanSquaresWithoutReplicates) {
  auto const x = doublings(8, 1);
  expect_coverage(tally(x, 1, 2, [&](Philox const& r, std::uint64_t repeat, std::uint32_t i) {
    double sum = 0;
    for (std::uint32_t k = 0; k < 20; ++k) sum += std::pow(r.normal(repeat, 20 * i + k), 2);
    return sum / 20 / x[i];
  }));
}

TEST(ConvergenceNoise, FewAbscissasWithReplicates) {
  auto const x = doublings(3, 5);
  expect_coverage(tally(x, 2, 3, [&](Philox const& r, std::uint64_t repeat, std::uint32_t i) {
    return std::pow(x[i], -2) * std::exp(0.1 * r.normal(repeat, i));
  }));
}

// The coarse end does not follow the power law: it must not bias the rate of the rest.
TEST(ConvergenceNoise, BendIsLeftInNoiseToo) {
  auto const x = doublings(9, 6);
  Tally const all = tally(x, 1, 4, [&](Philox const& r, std::uint64_t repeat, std::uint32_t i) {
    return std::min(1.0, 64 / x[i]) * std::exp(0.1 * r.normal(repeat, i));
  });
  EXPECT_GE(all.found, 950);
  EXPECT_GE(all.covered, 0.85 * all.found); // 16 and 32 bend away, 64 is the corner
}

TEST(ConvergenceNoise, NoiseHasNoRate) {
  for (int replicates : {1, 10}) {
    auto const x = doublings(8, replicates);
    Tally const none = tally(x, 0, 5, [&](Philox const& r, std::uint64_t repeat, std::uint32_t i) {
      return std::exp(r.normal(repeat, i));
    });
    EXPECT_LE(none.found, 0.05 * repeats);
  }
}

// Noise of a tiny error is not taken for the floor of round-off.
TEST(ConvergenceNoise, SmallErrorsAreNoFloor) {
  auto const x = doublings(8, 10);
  Tally const tiny = tally(x, 1, 6, [&](Philox const& r, std::uint64_t repeat, std::uint32_t i) {
    return 1e-10 / x[i] * std::exp(r.normal(repeat, i));
  });
  expect_coverage(tiny);
  EXPECT_GE(tiny.points, 7);
}

} // namespace
} // namespace moho::study
