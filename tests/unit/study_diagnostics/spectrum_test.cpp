// SPDX-License-Identifier: BSD-3-Clause
// Power iteration, Hutchinson and Lanczos on matrices with known spectra.
#include "dense.hpp"
#include "moho/core/error.hpp"
#include "moho/core/host_copy.hpp"
#include "moho/core/philox.hpp"
#include "moho/study/diagnostics.hpp"
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

namespace moho::study {
namespace {

/// R diag(eigenvalues) R^T with a product of random reflections R.
struct Known {
  std::vector<double> eigenvalues;
  std::vector<std::vector<double>> reflections;
  int products = 0;

  explicit Known(std::vector<double> values) : eigenvalues(std::move(values)) {
    for (std::uint32_t r = 0; r < 3; ++r) {
      Philox const philox{31, r};
      std::vector<double> w(eigenvalues.size());
      double square = 0;
      for (std::size_t i = 0; i < w.size(); ++i) {
        w[i] = philox.normal(i, 0);
        square += w[i] * w[i];
      }
      for (double& x : w) x /= std::sqrt(square);
      reflections.push_back(w);
    }
  }
  void reflect(std::vector<double>& v, std::size_t r) const {
    double dot = 0;
    for (std::size_t i = 0; i < v.size(); ++i) dot += reflections[r][i] * v[i];
    for (std::size_t i = 0; i < v.size(); ++i) v[i] -= 2 * dot * reflections[r][i];
  }
  std::vector<double> times(std::vector<double> v) const {
    for (std::size_t r = 0; r < 3; ++r) reflect(v, r);
    for (std::size_t i = 0; i < v.size(); ++i) v[i] *= eigenvalues[i];
    for (std::size_t r = 3; r-- > 0;) reflect(v, r);
    return v;
  }
  HessianProduct product() {
    return [this](nn::FlatArray<double> const& v, nn::FlatArray<double> const& out) {
      ++products;
      std::vector<double> const result = times(to_host(v));
      copy_to_device(std::span<double const>(result), out);
    };
  }
  std::size_t size() const { return eigenvalues.size(); }
};

/// Three outliers, one of them negative, over a bulk in [0, 1].
Known with_outliers() {
  std::vector<double> values{-50, 30, 10};
  for (int i = 0; i < 197; ++i) values.push_back(i / 196.0);
  return Known(values);
}

TEST(Dense, SymmetricEigenvalues) {
  Known const known = with_outliers();
  const std::size_t n = known.size();
  Matrix a(n, n);
  for (std::size_t j = 0; j < n; ++j) {
    std::vector<double> unit(n);
    unit[j] = 1;
    auto const column = known.times(unit);
    std::copy(column.begin(), column.end(), a.values.begin() + static_cast<long>(j * n));
  }
  auto expected = known.eigenvalues;
  std::sort(expected.begin(), expected.end());
  auto const values = symmetric_eigenvalues(a);
  SymmetricEigen const eigen = symmetric_eigen(a);
  for (std::size_t i = 0; i < n; ++i) {
    EXPECT_NEAR(values[i], expected[i], 1e-12);
    EXPECT_NEAR(eigen.values[i], expected[i], 1e-12);
  }
  Matrix left = product(a, Form::plain, eigen.vectors, Form::plain);
  for (std::size_t j = 0; j < n; ++j)
    for (std::size_t i = 0; i < n; ++i)
      EXPECT_NEAR(left(i, j), eigen.values[j] * eigen.vectors(i, j), 1e-11);
  EXPECT_GT(std::abs(symmetric_eigenvalues([&] {
                       Matrix off = a;
                       off(0, 0) += 1e-6;
                       return off;
                     }())[n - 1] -
                     expected[n - 1]),
            1e-12); // negative
  EXPECT_TRUE(symmetric_eigenvalues(Matrix(0, 0)).empty());
  a(3, 1) = std::nan("");
  EXPECT_THROW(symmetric_eigenvalues(a), Error);
}

TEST(PowerIteration, FindsTheLargestWithTheirSigns) {
  Known known = with_outliers();
  auto const found = dominant_eigenvalues(ExecutionSpace(), known.size(), known.product(),
                                          {.count = 3, .tolerance = 1e-9});
  ASSERT_EQ(found.size(), 3u);
  double const expected[] = {-50, 30, 10};
  int products = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(found[i].eigenvalue, expected[i], 1e-6) << i;
    EXPECT_TRUE(found[i].converged);
    products += found[i].products;
  }
  EXPECT_EQ(products, known.products);
  // At the usual tolerance it stops earlier, within a percent.
  auto const usual = dominant_eigenvalues(ExecutionSpace(), known.size(), known.product());
  EXPECT_NEAR(usual[0].eigenvalue, -50, 0.5);
  EXPECT_LT(usual[0].products, found[0].products);
  // Another start finds the same by another way.
  auto const other = dominant_eigenvalues(ExecutionSpace(), known.size(), known.product(),
                                          {.tolerance = 1e-9, .seed = 2});
  EXPECT_NEAR(other[0].eigenvalue, -50, 1e-6);
  EXPECT_NE(other[0].eigenvalue, found[0].eigenvalue);
}

TEST(PowerIteration, TellsWhenItFails) {
  Known flat({1, -1, 0.5, 0.2}); // two of the same size: no dominant one
  auto const found = dominant_eigenvalues(ExecutionSpace(), 4, flat.product(),
                                          {.most_products = 20, .tolerance = 1e-15});
  EXPECT_EQ(found[0].products, 20);
  EXPECT_FALSE(found[0].converged);
  Known zero({0, 0, 0});
  auto const none = dominant_eigenvalues(ExecutionSpace(), 3, zero.product(), {.count = 5});
  EXPECT_EQ(none.size(), 3u);
  EXPECT_EQ(none[0].eigenvalue, 0);
  EXPECT_TRUE(none[0].converged);
  Known broken({1, std::nan(""), 1});
  auto const bad = dominant_eigenvalues(ExecutionSpace(), 3, broken.product(), {.count = 2});
  EXPECT_EQ(bad.size(), 1u);
  EXPECT_TRUE(std::isnan(bad[0].eigenvalue));
  EXPECT_FALSE(bad[0].converged);
}

TEST(Trace, IsExactForDiagonalsAndWithinItsErrorElse) {
  // Random signs give a diagonal matrix's trace exactly.
  Known diagonal({3, -1, 4, 1, -5, 9});
  for (auto& w : diagonal.reflections) std::fill(w.begin(), w.end(), 0.0);
  TraceEstimate const exact = estimate_trace(ExecutionSpace(), 6, diagonal.product());
  EXPECT_DOUBLE_EQ(exact.mean, 11);
  EXPECT_EQ(exact.samples, 2);
  EXPECT_TRUE(exact.converged);

  Known known = with_outliers();
  double trace = 0;
  for (double const l : known.eigenvalues) trace += l;
  TraceEstimate const estimate = estimate_trace(ExecutionSpace(), known.size(), known.product(),
                                                {.most_samples = 4000, .tolerance = 0});
  EXPECT_EQ(estimate.samples, 4000);
  EXPECT_FALSE(estimate.converged);
  EXPECT_GT(estimate.standard_error, 0);
  std::printf("trace %g, estimated %g +- %g\n", trace, estimate.mean, estimate.standard_error);
  EXPECT_LT(std::abs(estimate.mean - trace), 4 * estimate.standard_error);
  // The variance of one probe is 2 (|H|_F^2 - sum of squares of its diagonal).
  double off = 0;
  for (std::size_t j = 0; j < known.size(); ++j) {
    std::vector<double> unit(known.size());
    unit[j] = 1;
    auto const column = known.times(unit);
    for (std::size_t i = 0; i < column.size(); ++i) off += i == j ? 0 : column[i] * column[i];
  }
  EXPECT_NEAR(estimate.standard_error, std::sqrt(2 * off / 4000), 0.1 * estimate.standard_error);
  // Negative: a matrix with another trace is told apart.
  Known shifted = with_outliers();
  for (double& l : shifted.eigenvalues) l += 0.5;
  TraceEstimate const another = estimate_trace(ExecutionSpace(), known.size(), shifted.product(),
                                               {.most_samples = 4000, .tolerance = 0});
  EXPECT_GT(std::abs(another.mean - trace), 4 * another.standard_error);
  Known broken({1, std::nan("")});
  EXPECT_TRUE(std::isnan(estimate_trace(ExecutionSpace(), 2, broken.product()).mean));
}

double moment(SpectralDensity const& density, int power) {
  double sum = 0;
  for (std::size_t i = 0; i < density.nodes.size(); ++i)
    sum += density.weights[i] * std::pow(density.nodes[i], power);
  return sum;
}

TEST(Density, FindsExtremesAndMoments) {
  Known known = with_outliers();
  const std::size_t n = known.size();
  SpectralDensity const density =
      spectral_density(ExecutionSpace(), n, known.product(), {.runs = 10, .steps = 60});
  EXPECT_EQ(known.products, 600);
  EXPECT_NEAR(density.smallest, -50, 1e-8);
  EXPECT_NEAR(density.largest, 30, 1e-8);
  EXPECT_EQ(density.nodes.size(), 600u);
  EXPECT_NEAR(moment(density, 0), 1, 1e-12);
  double first = 0, second = 0;
  for (double const l : known.eigenvalues) {
    first += l / static_cast<double>(n);
    second += l * l / static_cast<double>(n);
  }
  // Random signs: the moments are estimates, like traces.
  EXPECT_NEAR(moment(density, 1), first, 0.5);
  EXPECT_NEAR(moment(density, 2), second, 0.3 * second);
  // As a function it has the weight 1, and most of it over the bulk.
  double whole = 0, bulk = 0;
  for (double x = -60; x < 40; x += 0.01) {
    double const d = density.at(x, 0.1) * 0.01;
    whole += d;
    if (x > -0.5 && x < 1.5) bulk += d;
  }
  EXPECT_NEAR(whole, 1, 1e-6);
  EXPECT_GT(bulk, 0.9);
  // Negative: too few steps do not find the extremes.
  auto const few = spectral_density(ExecutionSpace(), n, known.product(), {.steps = 3});
  EXPECT_GT(std::abs(few.smallest + 50) + std::abs(few.largest - 30), 1e-6);
}

/// Without re-orthogonalisation found eigenvalues come again as ghosts.
TEST(Density, HasNoGhosts) {
  Known known = with_outliers();
  const std::size_t n = known.size();
  SpectralDensity const all =
      spectral_density(ExecutionSpace(), n, known.product(), {.steps = 200});
  ASSERT_EQ(all.nodes.size(), n); // every eigenvalue once
  auto expected = known.eigenvalues;
  std::sort(expected.begin(), expected.end());
  for (std::size_t i = 0; i < n; ++i) EXPECT_NEAR(all.nodes[i], expected[i], 1e-9) << i;
}

TEST(Density, EndsWhenTheSpaceIsExhausted) {
  Known two({1, 1, 1, 4, 4, 4, 4});
  SpectralDensity const density = spectral_density(ExecutionSpace(), 7, two.product());
  ASSERT_EQ(density.steps, std::vector<int>{2});
  EXPECT_NEAR(density.nodes[0], 1, 1e-13);
  EXPECT_NEAR(density.nodes[1], 4, 1e-13);
  Known zero({0, 0});
  EXPECT_EQ(spectral_density(ExecutionSpace(), 2, zero.product()).nodes, std::vector<double>{0});
  Known broken({1, std::nan("")});
  EXPECT_THROW(spectral_density(ExecutionSpace(), 2, broken.product()), Error);
}

TEST(Spectrum, SeedsGiveTheSameBits) {
  for (int twice = 0; twice < 2; ++twice) {
    Known known = with_outliers();
    auto const run = [&](std::uint64_t seed) {
      return spectral_density(ExecutionSpace(), known.size(), known.product(),
                              {.runs = 2, .steps = 20, .seed = seed})
          .weights;
    };
    EXPECT_EQ(run(5), run(5));
    EXPECT_NE(run(5), run(6));
  }
}

} // namespace
} // namespace moho::study
