// SPDX-License-Identifier: BSD-3-Clause
// Diagnostics of trained networks: heavy tails of weights, similarity of representations, barriers
// between solutions, and the spectrum of a Hessian that is known by its products alone.
#pragma once
#include "moho/nn/optimiser.hpp"
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace moho::study {

/// Ascending squares of the singular values of a row-major matrix (rows, columns): min(rows,
/// columns) of them. Throws moho::Error for values that are not finite.
std::vector<double> squared_singular_values(std::span<double const> matrix, std::size_t rows,
                                            std::size_t columns);

enum class HillVariant {
  /// k = max(1, n/2): 1 + k / sum_{i=1..k} ln(l[n-i] / l[n-k-1]) (Zhou et al., NeurIPS 2023).
  paper,
  /// Their code, whose tail includes its own smallest value: i0 = n/2, m = n - i0:
  /// 1 + m / (sum_{j>=i0} ln l[j] - m ln l[i0]). Infinite for n <= 2.
  code
};

/// Exponent of a power law fitted to the upper half of a spectrum (Hill, 1975).
struct HillAlpha {
  double alpha;     ///< may be infinite; NaN where the formula has no value
  std::size_t tail; ///< eigenvalues in the tail: k or m
  bool usable;      ///< n >= 4, and the tail is positive, finite and not all equal
};
/// `eigenvalues` ascending (n), e.g. squared_singular_values. Those not above `filter` are left out
/// first, unless all would be; without a filter pass a negative number.
HillAlpha hill_alpha(std::span<double const> eigenvalues, HillVariant variant = HillVariant::paper,
                     double filter = -1);

/// Linear centred kernel alignment of two representations of the same samples, row-major
/// (samples, columns): |Yc^T Xc|_F^2 / (|Xc^T Xc|_F |Yc^T Yc|_F), columns centred (Kornblith et
/// al., 2019). In [0, 1]; NaN where one of them is constant.
double linear_cka(std::span<double const> x, std::span<double const> y, std::size_t samples);

/// Along a path between two solutions: how the loss departs most from the mean of its ends.
struct ModeConnectivity {
  double mc; ///< (L(first) + L(last)) / 2 - L(t*); below 0: a barrier
  double t;  ///< t* = argmax |(L(first) + L(last)) / 2 - L(t)|, the first of several
};
/// `t` and `losses` of at least two points of the path, its ends included (Yang et al., 2021). A
/// loss that is not finite is the barrier. Throws moho::Error for arrays of other lengths.
ModeConnectivity mode_connectivity(std::span<double const> t, std::span<double const> losses);

/// Writes `product` = H v for a symmetric H; both have `n` entries.
using HessianProduct =
    std::function<void(nn::FlatArray<double> const& v, nn::FlatArray<double> const& product)>;

/// An eigenvalue found by power iteration.
struct PowerResult {
  double eigenvalue; ///< v . H v: the largest in absolute value, with its sign
  int products;      ///< with H
  bool converged;
};
struct PowerOptions {
  int count = 1;           ///< eigenvalues; each next one is orthogonal to those before
  int most_products = 100; ///< for each
  /// Of |l_k - l_{k-1}| / (|l_{k-1}| + 1e-6).
  double tolerance = 1e-3;
  std::uint64_t seed = 1;
};
/// Dominant eigenvalues of H, as PyHessian finds them: Gaussian start, deflation by
/// orthogonalising; at most n of them. Stops at a product that is not finite, with the eigenvalue
/// NaN. Random numbers are Philox of (seed, entry).
std::vector<PowerResult> dominant_eigenvalues(ExecutionSpace const& space, std::size_t n,
                                              HessianProduct const& product,
                                              PowerOptions const& options = {});

struct TraceOptions {
  int most_samples = 100;
  double tolerance = 1e-3; ///< of the running mean, as above
  std::uint64_t seed = 1;
};
struct TraceEstimate {
  double mean;
  double standard_error; ///< of the mean; NaN for one sample
  int samples;
  bool converged;
};
/// Trace of H from products with random signs (Hutchinson, 1990).
TraceEstimate estimate_trace(ExecutionSpace const& space, std::size_t n,
                             HessianProduct const& product, TraceOptions const& options = {});

struct DensityOptions {
  int runs = 1;
  int steps = 100; ///< of each run; fewer where the Krylov space is exhausted
  std::uint64_t seed = 1;
};
/// A quadrature of the spectral density: sum of weights f(nodes) approximates tr f(H) / n.
struct SpectralDensity {
  std::vector<double> nodes, weights; ///< runs one after the other, nodes ascending in each
  std::vector<int> steps;             ///< of each run
  double smallest, largest;           ///< of all nodes: the extreme eigenvalues
  /// Gaussians of width sigma around the nodes, at x.
  double at(double x, double sigma) const;
};
/// Stochastic Lanczos quadrature with full re-orthogonalisation (Ubaru, Chen & Saad, 2017; Ghorbani
/// et al., 2019). Throws moho::Error when a product is not finite.
SpectralDensity spectral_density(ExecutionSpace const& space, std::size_t n,
                                 HessianProduct const& product, DensityOptions const& options = {});

} // namespace moho::study
