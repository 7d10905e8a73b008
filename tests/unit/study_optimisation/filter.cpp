// SPDX-License-Identifier: BSD-3-Clause
// The filter of sensitivities against its definition, cell by cell.
#include "moho/core/error.hpp"
#include "moho/core/philox.hpp"
#include "moho/study/design_filter.hpp"
#include <cmath>
#include <gtest/gtest.h>

namespace moho::study {
namespace {

constexpr std::uint64_t seed = 5;

std::vector<double> scattered(std::size_t n, int dim) {
  std::vector<double> centres(n * static_cast<std::size_t>(dim));
  for (std::size_t i = 0; i < centres.size(); ++i)
    centres[i] = 4 * Philox{seed, 1}.uniform(i, 0) - 2; // negative places too
  return centres;
}

std::vector<double> by_definition(std::vector<double> const& centres, int dim, double radius,
                                  std::vector<double> const& in) {
  const std::size_t n = in.size();
  auto const d = static_cast<std::size_t>(dim);
  auto const weight = [&](std::size_t e, std::size_t f) {
    double square = 0;
    for (std::size_t i = 0; i < d; ++i)
      square += std::pow(centres[e * d + i] - centres[f * d + i], 2);
    return std::max(0.0, radius - std::sqrt(square));
  };
  std::vector<double> sum(n, 0), out(n, 0);
  for (std::size_t e = 0; e < n; ++e)
    for (std::size_t f = 0; f < n; ++f) sum[e] += weight(e, f);
  for (std::size_t e = 0; e < n; ++e)
    for (std::size_t f = 0; f < n; ++f) out[e] += weight(e, f) * in[f] / sum[f];
  return out;
}

TEST(DesignFilter, IsItsDefinitionInEveryDimension) {
  for (int dim = 1; dim <= 3; ++dim) {
    const std::size_t n = 150;
    const std::vector<double> centres = scattered(n, dim);
    std::vector<double> values(n);
    for (std::size_t e = 0; e < n; ++e) values[e] = Philox{seed, 2}.normal(e, 0);
    const std::vector<double> right = by_definition(centres, dim, 0.7, values),
                              wrong = by_definition(centres, dim, 0.72, values);
    const DesignFilter filter(centres, dim, 0.7);
    filter.apply(values);
    double worst = 0, control = 0;
    for (std::size_t e = 0; e < n; ++e) {
      worst = std::max(worst, std::abs(values[e] - right[e]));
      control = std::max(control, std::abs(values[e] - wrong[e]));
    }
    EXPECT_LT(worst, 1e-13) << dim << ", seed " << seed;
    EXPECT_GT(control, 1e-4) << dim;
  }
}

TEST(DesignFilter, SmallRadiusLeavesValuesAlone) {
  const std::vector<double> centres{0, 0, 1, 0, 0, 1};
  const DesignFilter filter(centres, 2, 0.5);
  EXPECT_EQ(filter.entries(), 3u);
  std::vector<double> values{1, -2, 3};
  filter.apply(values);
  EXPECT_EQ(values, (std::vector<double>{1, -2, 3}));
}

TEST(DesignFilter, RemovesACheckerboard) {
  std::vector<double> centres, values;
  for (int j = 0; j < 20; ++j)
    for (int i = 0; i < 20; ++i) {
      centres.push_back(i);
      centres.push_back(j);
      values.push_back((i + j) % 2 == 0 ? 1 : -1);
    }
  const DesignFilter filter(centres, 2, 1.5);
  filter.apply(values);
  EXPECT_LT(std::abs(values[10 * 20 + 10]), 0.1);
}

TEST(DesignFilter, RefusesARadiusThatReachesNothing) {
  EXPECT_THROW(DesignFilter(std::vector<double>{0, 0}, 2, 0), Error);
  EXPECT_THROW(DesignFilter(std::vector<double>{0, 0}, 2, std::nan("")), Error);
}

} // namespace
} // namespace moho::study
