// SPDX-License-Identifier: BSD-3-Clause
// Five-point differences for -div(a grad u) = f on the unit square, u = 0 on its edge.
#pragma once
#include "dense.hpp"
#include <cstddef>
#include <span>
#include <vector>

namespace moho::study {

/// How a face between two nodes gets its coefficient. The lower one is there to be told apart: it
/// is of first order.
enum class FaceMean { arithmetic, harmonic, lower };

/// An answer, and by how much it can be off.
struct DarcySolution {
  std::vector<double> u; ///< (points, points), x slowest, zeros on the edge
  double bound = 0;      ///< of |u - exact solution of the difference equations|, relative, L2
  int iterations = 0;
};

/// Solves on points x points nodes, i / (points - 1), the edge included; a and f stand at them. The
/// flux through a face is (a of the face) (difference of u) / h; the default is the arithmetic
/// mean, that of the public script of Li et al. (2021).
///
/// Conjugate gradients, preconditioned with the same scheme for a = 1, which sines diagonalise
/// along y and tridiagonal systems solve along x. Its spectrum lies in [least a, largest a],
/// whatever the geometry: the error falls by (sqrt(r) - 1) / (sqrt(r) + 1) with each step, r =
/// largest / least (Concus & Golub, 1973): by 1/3 for 12 and 3. By the same token the energy of the
/// error is at most (residual, preconditioned residual) / least a: `bound` is computed from the
/// final residual.
class DarcySolver {
public:
  explicit DarcySolver(std::size_t points, FaceMean mean = FaceMean::arithmetic);

  /// Until the bound of the energy of the error is `tolerance` squared of that of u. Throws
  /// moho::Error for a coefficient that is not positive, and where rounding prevents it.
  DarcySolution solve(std::span<double const> a, std::span<double const> f,
                      double tolerance = 1e-11);
  std::size_t points() const { return _points; }

  /// Largest |(a grad u) fluxes out of a node's patch - h^2 f| over the inner nodes, over h^2 f's
  /// largest.
  double imbalance(std::span<double const> a, std::span<double const> f,
                   std::span<double const> u) const;

private:
  void set_faces(std::span<double const> a);
  double face(double left, double right) const;
  /// out := A v on the inner nodes, times h^2.
  void flow_out(std::vector<double> const& v, std::vector<double>& out) const;
  /// out := the solution for a = 1 of the right-hand side v (times h^2 as well).
  void precondition(std::vector<double> const& v, std::vector<double>& out);

  /// The sines of one parity about the middle: they see half a line alone.
  struct Parity {
    Matrix sine;  ///< (modes, places): of the first half of a line, its middle with the even ones
    Matrix pivot; ///< (modes, lines): of the tridiagonal systems, inverted
    Matrix folded, modes;
    Parity(std::size_t inner, bool even);
    void solve(); ///< folded := the answer along a half line of its right-hand side
  };

  std::size_t _points, _inner; ///< _inner: nodes along a side that are not on the edge
  FaceMean _mean;
  Parity _even, _odd;
  std::vector<double> _across; ///< (inner + 1, inner): faces between neighbours in x
  std::vector<double> _along;  ///< (inner, inner + 1): faces between neighbours in y
};

} // namespace moho::study
