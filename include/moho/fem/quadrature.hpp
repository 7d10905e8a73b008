// SPDX-License-Identifier: BSD-3-Clause
// Quadrature on the reference cells, by polynomial degree that it integrates exactly.
#pragma once
#include "moho/fem/element.hpp"
#include <vector>

namespace moho::fem {

struct Quadrature {
  int dim = 0, degree = 0;
  std::vector<double> points;  ///< (size, dim), in the reference cell
  std::vector<double> weights; ///< (size), sum = volume of the reference cell
  int size() const { return static_cast<int>(weights.size()); }
};

/// A rule with positive weights and inner points, exact for polynomials of total degree `degree`
/// (simplices) or of that degree in each variable (tensor cells). Simplices up to degree 12 or
/// more (tabulated symmetric rules where there are some, else collapsed Gauss-Jacobi).
Quadrature quadrature(Cell cell, int degree);
/// The same on a facet of the cell, as points of the facet's own reference interval / triangle /
/// quadrilateral (dim - 1 coordinates).
Quadrature facet_quadrature(Cell cell, int degree);

} // namespace moho::fem
