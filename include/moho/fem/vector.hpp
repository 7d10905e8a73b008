// SPDX-License-Identifier: BSD-3-Clause
// Vectors on a space: loads, boundary terms, values at quadrature points, norms.
//
// Sums run over the held cells (facets) in ascending order, so that what is complete on a rank has
// the same bits on any number of ranks. Arrays that are too short throw moho::Error.
#pragma once
#include "moho/fem/form.hpp"
#include "moho/fem/quadrature.hpp"
#include "moho/fem/topology.hpp"
#include <functional>
#include <span>
#include <vector>

namespace moho::fem {

/// A host function of position: writes `components` values at x[dim].
using Field = std::function<void(double const* x, double* out)>;

/// Vector over owned scalar rows: rows = integral of f . v over the cells held, f evaluated at the
/// points of `quadrature(cell, degree)`. Complete without communication. `add`: to what is there.
void load(Topology const& topology, int degree, Field const& f, Reals out, bool add = false);
/// The same with f given at the points of that rule, f (cells, points, components).
void load_at_points(Topology const& topology, int degree, ConstReals f, Reals out,
                    bool add = false);
/// The same with f nodal, (local nodes, components), interpolated; the rule is that of the mass
/// form, so that this is the mass matrix applied to f.
void load_nodal(Topology const& topology, ConstReals f, Reals out, bool add = false);

/// Neumann terms: adds the integral of g . v over the boundary facets with one of `tags` (all if
/// empty; a tag that the part does not hold adds nothing) to `out`, (owned scalar rows).
void facet_load(Part const& part, Topology const& topology, std::span<const std::int32_t> tags,
                int degree, Field const& g, Reals out);
/// Robin terms: adds the integral of alpha u . v over those facets to matrix values (components
/// alike). alpha has one component.
void facet_mass(Part const& part, Topology const& topology, std::span<const std::int32_t> tags,
                int degree, Field const& alpha, Reals values);

/// u_h at the points of a rule on the cells [first, last): points (n, q, dim), weights times |J|
/// (n, q), values (n, q, components), gradients (n, q, components, dim; empty unless asked for).
/// `u` holds owned and ghost nodes: (local nodes, components). Host arrays.
struct Sampled {
  int points_per_cell = 0;
  std::vector<double> points, weights, values, gradients;
};
Sampled sample(Topology const& topology, int degree, std::span<double const> u, std::int32_t first,
               std::int32_t last, bool gradients);

/// Does this rank count the cell in sums over ranks? Those whose first node it owns: each cell of
/// the whole mesh once.
std::vector<std::uint8_t> counted_cells(Topology const& topology);

/// Integrals of |u_h - u|^2, |grad(u_h - u)|^2, |u|^2, |grad u|^2 over the counted cells.
/// `exact_gradient` writes (components, dim); it may be empty (then the gradients' are 0). Sum over
/// ranks, then take roots.
struct SquaredNorms {
  double error = 0, error_gradient = 0, exact = 0, exact_gradient = 0;
};
SquaredNorms error_norms(Topology const& topology, int degree, std::span<double const> u,
                         Field const& exact, Field const& exact_gradient);

} // namespace moho::fem
