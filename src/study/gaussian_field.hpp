// SPDX-License-Identifier: BSD-3-Clause
// Gaussian random fields N(0, C), C = sigma^2 (-Laplace + tau^2)^-gamma, as Karhunen-Loeve sums
// over the eigenpairs of the Laplacian: the fields of Li et al., "Fourier neural operator for
// parametric partial differential equations" (ICLR 2021), whose scripts sample them so. Numbers
// belong to modes, not to points: a finer grid sees the same field.
#pragma once
#include "burgers_solver_fft.hpp"
#include "dense.hpp"
#include "moho/core/philox.hpp"
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace moho::study {

/// Of C.
struct Covariance {
  double sigma = 1, tau = 1, gamma = 2;
};

/// On the circle of length 1, with the L2-orthonormal eigenfunctions sqrt(2) cos(2 pi k x) and
/// sqrt(2) sin(2 pi k x):
///
///   u(x) = sum_{k=1}^{modes} s_k sqrt(2) (xi_k cos(2 pi k x) + eta_k sin(2 pi k x)) + s_0 zeta,
///   s_k = sigma ((2 pi k)^2 + tau^2)^(-gamma/2),
///
/// xi, eta, zeta N(0, 1). The constant term is left out unless `constant`.
class PeriodicField {
public:
  PeriodicField(Covariance const& covariance, std::size_t modes, bool constant);

  /// At the points i / points; modes < points / 2, as they are not told apart otherwise.
  std::vector<double> draw(Philox const& random, std::uint64_t item, std::size_t points) const;

  /// Expectation of u(x) u(x + lag), and the standard deviation of its mean over x of one field.
  double covariance(double lag) const;
  double deviation(double lag) const;

private:
  std::vector<double> _s; ///< s_0 .. s_modes; s_0 = 0 without the constant
  mutable std::unique_ptr<RealTransform> _transform; ///< of the last draw
};

/// On the unit square with zero normal derivative, eigenfunctions c_i(x) c_j(y), c_0 = 1,
/// c_k = sqrt(2) cos(pi k x):
///
///   g(x, y) = sum_{i, j < modes, (i, j) != (0, 0)} s_ij xi_ij c_i(x) c_j(y),
///   s_ij = sigma (pi^2 (i^2 + j^2) + tau^2)^(-gamma/2).
class NeumannField {
public:
  /// At the nodes i / (points - 1) along each side. modes < 2^15.
  NeumannField(Covariance const& covariance, std::size_t modes, std::size_t points);

  /// (points, points), x slowest.
  std::vector<double> draw(Philox const& random, std::uint64_t item) const;

  /// Expectation of the square, and the standard deviation of that of one field, where a square is
  /// integrated by the trapezoidal rule on the nodes; modes < points.
  double variance() const;
  double deviation() const;
  double mean_square(std::vector<double> const& field) const;

private:
  std::size_t _modes, _points;
  Matrix _s;      ///< (modes y, modes x)
  Matrix _cosine; ///< (points, modes)
};

} // namespace moho::study
