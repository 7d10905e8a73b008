// SPDX-License-Identifier: BSD-3-Clause
// Derivatives through assembly and solve. With K(p) u = F(p), a loss L(u) and K^T lambda = dL/du:
// dL/dp = lambda^T dF/dp - lambda^T (dK/dp) u. One Map over the cells, no local matrix is formed.
#pragma once
#include "moho/fem/form.hpp"
#include "moho/fem/topology.hpp"

namespace moho::fem {

/// Number of values in the coefficient of `form`, laid out as `Where` says: what a gradient has.
std::size_t coefficient_size(Topology const& topology, Form const& form);

/// gradient[p] = lambda^T (dK / dp) u for each value p of the form's coefficient, in the
/// coefficient's own layout; K is linear in p, so its values are not read.
///
/// `lambda`, `u`: (local nodes, components), ghosts filled, and zero where an elimination zeroed
/// rows or columns. `cell` and `quadrature` values are complete on each rank that holds the cell;
/// `nodal` ones on owned nodes (ghosts: 0); `global` ones are this rank's share, over its counted
/// cells (vector.hpp), to be summed over ranks. Bit for bit the same on any number of ranks but for
/// that sum. Throws moho::Error on arrays that are too short and components that do not fit.
void coefficient_gradient(Topology const& topology, Form const& form, ConstReals lambda,
                          ConstReals u, Reals gradient);

/// lambda^T dF/df of load_at_points: (cells, points, components) = weight |J| lambda(x_q). (That of
/// load_nodal is load_nodal applied to lambda: the mass matrix is symmetric.)
void load_gradient_at_points(Topology const& topology, int degree, ConstReals lambda,
                             Reals gradient);

} // namespace moho::fem
