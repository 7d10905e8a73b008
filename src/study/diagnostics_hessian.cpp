// SPDX-License-Identifier: BSD-3-Clause
// The spectrum of a matrix that is known by its products: power iteration, Hutchinson, Lanczos.
#include "dense.hpp"
#include "moho/core/error.hpp"
#include "moho/core/philox.hpp"
#include "moho/study/diagnostics.hpp"
#include "moho/study/measure.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace moho::study {
namespace {

using Vector = nn::FlatArray<double>;
using Vectors = Kokkos::View<double**, Kokkos::LayoutRight, MemorySpace>;
using Range = Kokkos::RangePolicy<ExecutionSpace>;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
/// Streams of Philox, so that the three never share a number.
enum Stream : std::uint32_t { power_start = 0x48455301, trace_probe, lanczos_start };

void fill_normal(ExecutionSpace const& space, Philox const& philox, std::uint32_t draw,
                 Vector const& out) {
  Kokkos::parallel_for(
      "moho::study::fill_normal", Range(space, 0, out.extent(0)),
      KOKKOS_LAMBDA(std::size_t i) { out(i) = philox.normal(i, draw); });
}

void fill_signs(ExecutionSpace const& space, Philox const& philox, std::uint32_t draw,
                Vector const& out) {
  Kokkos::parallel_for(
      "moho::study::fill_signs", Range(space, 0, out.extent(0)),
      KOKKOS_LAMBDA(std::size_t i) { out(i) = philox.bits(i, draw) >> 63 ? 1.0 : -1.0; });
}

/// out = factor in.
void scale(ExecutionSpace const& space, double factor, Vector const& in, Vector const& out) {
  Kokkos::parallel_for(
      "moho::study::scale", Range(space, 0, out.extent(0)),
      KOKKOS_LAMBDA(std::size_t i) { out(i) = factor * in(i); });
}

/// out += factor in.
void add(ExecutionSpace const& space, double factor, Vector const& in, Vector const& out) {
  Kokkos::parallel_for(
      "moho::study::add", Range(space, 0, out.extent(0)),
      KOKKOS_LAMBDA(std::size_t i) { out(i) += factor * in(i); });
}

Vector row(Vectors const& vectors, std::size_t r) {
  return Vector(vectors.data() + r * vectors.extent(1), vectors.extent(1));
}

/// Vectors of n entries and what is done with them.
struct Algebra {
  ExecutionSpace space;
  nn::FlatSums sums;

  double dot(Vector const& a, Vector const& b) const { return sums.dot<double>(space, a, b); }
  /// Takes out what `v` has of the first `count` rows; twice, so that rounding leaves nothing.
  void orthogonalise(Vectors const& rows, std::size_t count, Vector const& v) const {
    for (int pass = 0; pass < 2; ++pass)
      for (std::size_t r = 0; r < count; ++r) add(space, -dot(row(rows, r), v), row(rows, r), v);
  }
  /// v / |v| into `to`; returns |v|. Where that is 0 or not finite, `to` is left alone.
  double normalise(Vector const& v, Vector const& to) const {
    double const norm = std::sqrt(dot(v, v));
    if (norm > 0 && std::isfinite(norm)) scale(space, 1 / norm, v, to);
    return norm;
  }
  void apply(HessianProduct const& product, Vector const& v, Vector const& out) const {
    space.fence();
    product(v, out);
  }
};

bool settled(double now, double before, double tolerance) {
  return std::abs(now - before) / (std::abs(before) + 1e-6) < tolerance;
}

/// `vectors` holds `found` eigenvectors; the next one goes into row `found`.
PowerResult power_iteration(Algebra const& algebra, HessianProduct const& product,
                            Vectors const& vectors, std::size_t found, Vector const& image,
                            PowerOptions const& options) {
  Vector const v = row(vectors, found);
  PowerResult result{nan, 0, false};
  while (result.products < options.most_products) {
    algebra.apply(product, v, image);
    double const before = result.eigenvalue;
    result.eigenvalue = algebra.dot(v, image);
    ++result.products;
    if (!std::isfinite(result.eigenvalue)) return {nan, result.products, false};
    algebra.orthogonalise(vectors, found, image);
    double const norm = algebra.normalise(image, v);
    if (norm == 0) { // v is in the kernel of what is left
      result.converged = true;
      return result;
    }
    if (!std::isfinite(norm)) return {nan, result.products, false};
    if (result.products > 1 && settled(result.eigenvalue, before, options.tolerance)) {
      result.converged = true;
      return result;
    }
  }
  return result;
}

} // namespace

std::vector<PowerResult> dominant_eigenvalues(ExecutionSpace const& space, std::size_t n,
                                              HessianProduct const& product,
                                              PowerOptions const& options) {
  MOHO_REQUIRE(options.count >= 1 && options.most_products >= 1);
  Algebra const algebra{space, nn::FlatSums(n)};
  const std::size_t count = std::min(n, static_cast<std::size_t>(options.count));
  Vectors const vectors("moho::study::eigenvectors", count, n);
  Vector const image("moho::study::H v", n);
  std::vector<PowerResult> results;
  Philox const philox{options.seed, power_start};
  for (std::size_t found = 0; found < count; ++found) {
    Vector const v = row(vectors, found);
    fill_normal(space, philox, static_cast<std::uint32_t>(found), v);
    algebra.orthogonalise(vectors, found, v);
    algebra.normalise(v, v);
    results.push_back(power_iteration(algebra, product, vectors, found, image, options));
    if (!std::isfinite(results.back().eigenvalue)) break;
  }
  return results;
}

TraceEstimate estimate_trace(ExecutionSpace const& space, std::size_t n,
                             HessianProduct const& product, TraceOptions const& options) {
  MOHO_REQUIRE(options.most_samples >= 1);
  Algebra const algebra{space, nn::FlatSums(n)};
  Vector const v("moho::study::probe", n), image("moho::study::H v", n);
  Philox const philox{options.seed, trace_probe};
  TraceEstimate result{0, nan, 0, false};
  double squares = 0; // sum of squared deviations from the running mean (Welford, 1962)
  while (result.samples < options.most_samples && !result.converged) {
    fill_signs(space, philox, static_cast<std::uint32_t>(result.samples), v);
    algebra.apply(product, v, image);
    double const sample = algebra.dot(v, image), before = result.mean;
    ++result.samples;
    result.mean += (sample - before) / result.samples;
    squares += (sample - before) * (sample - result.mean);
    if (!std::isfinite(result.mean)) return {nan, nan, result.samples, false};
    result.converged = result.samples > 1 && settled(result.mean, before, options.tolerance);
  }
  if (result.samples > 1)
    result.standard_error = std::sqrt(squares / (result.samples - 1.0) / result.samples);
  return result;
}

namespace {

/// Diagonal and next diagonal of the Lanczos matrix of one run.
struct Tridiagonal {
  std::vector<double> diagonal, off;
};

Tridiagonal lanczos(Algebra const& algebra, HessianProduct const& product, Vectors const& basis,
                    Vector const& image, std::size_t steps) {
  Tridiagonal t;
  double largest = 0;
  for (std::size_t j = 0; j < steps; ++j) {
    Vector const v = row(basis, j);
    algebra.apply(product, v, image);
    double const alpha = algebra.dot(v, image);
    if (!std::isfinite(alpha))
      throw Error("the spectral density was not found (the product of step " + std::to_string(j) +
                  " is not finite) see whether the training has diverged");
    t.diagonal.push_back(alpha);
    if (j + 1 == steps) break;
    algebra.orthogonalise(basis, j + 1, image);
    double const beta = std::sqrt(algebra.dot(image, image));
    largest = std::max({largest, std::abs(alpha), beta});
    // The Krylov space is exhausted: what is left is rounding.
    if (!(beta > 1e-13 * static_cast<double>(steps) * largest)) break;
    t.off.push_back(beta);
    scale(algebra.space, 1 / beta, image, row(basis, j + 1));
  }
  return t;
}

} // namespace

SpectralDensity spectral_density(ExecutionSpace const& space, std::size_t n,
                                 HessianProduct const& product, DensityOptions const& options) {
  MOHO_REQUIRE(n > 0 && options.runs >= 1 && options.steps >= 1);
  const BlasThreads one(1);
  Algebra const algebra{space, nn::FlatSums(n)};
  const std::size_t steps = std::min(n, static_cast<std::size_t>(options.steps));
  Vectors const basis("moho::study::Krylov basis", steps, n);
  Vector const image("moho::study::H v", n);
  SpectralDensity density{{}, {}, {}, 0, 0};
  Philox const philox{options.seed, lanczos_start};
  for (int run = 0; run < options.runs; ++run) {
    Vector const start = row(basis, 0);
    fill_signs(space, philox, static_cast<std::uint32_t>(run), start);
    scale(space, 1 / std::sqrt(static_cast<double>(n)), start, start);
    Tridiagonal const t = lanczos(algebra, product, basis, image, steps);
    const std::size_t m = t.diagonal.size();
    Matrix matrix(m, m);
    for (std::size_t j = 0; j < m; ++j) matrix(j, j) = t.diagonal[j];
    for (std::size_t j = 0; j + 1 < m; ++j) matrix(j + 1, j) = t.off[j];
    SymmetricEigen const eigen = symmetric_eigen(std::move(matrix));
    density.steps.push_back(static_cast<int>(m));
    for (std::size_t j = 0; j < m; ++j) {
      double const first = eigen.vectors(0, j);
      density.nodes.push_back(eigen.values[j]);
      density.weights.push_back(first * first / options.runs);
    }
  }
  auto const [low, high] = std::minmax_element(density.nodes.begin(), density.nodes.end());
  density.smallest = *low;
  density.largest = *high;
  return density;
}

double SpectralDensity::at(double x, double sigma) const {
  double const root_two_pi = 2.5066282746310002;
  double sum = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    double const z = (x - nodes[i]) / sigma;
    sum += weights[i] * std::exp(-z * z / 2);
  }
  return sum / (root_two_pi * sigma);
}

} // namespace moho::study
