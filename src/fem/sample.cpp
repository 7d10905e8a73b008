// SPDX-License-Identifier: BSD-3-Clause
#include "moho/core/double_double.hpp"
#include "moho/core/error.hpp"
#include "moho/fem/vector.hpp"
#include "points.hpp"
#include <string>

namespace moho::fem {
namespace {
using namespace detail;

/// u_h, x and w |J| at the points of one cell after the other: visit(x, jxw, u, du), du
/// (components, dim), only with `gradients`.
template <class L, class G, class Visit>
void visit_points(HostCells const& mesh, PointTables const& at, double const* u, std::int32_t first,
                  std::int32_t last, bool gradients, Visit const& visit) {
  constexpr int dim = L::dim, k = L::nodes;
  int const B = mesh.components;
  double X[G::nodes * dim], U[k * most_components], J[dim * dim], A[dim * dim] = {}, det = 0;
  double value[most_components], gradient[most_components * dim] = {}, x[dim];
  for (std::int32_t cell = first; cell < last; ++cell) {
    mesh.coordinates<G>(cell, X);
    std::int32_t const* const nodes = mesh.cell_nodes.data() + static_cast<std::int64_t>(cell) * k;
    for (int a = 0; a < k; ++a)
      for (int i = 0; i < B; ++i) U[a * B + i] = u[static_cast<std::int64_t>(nodes[a]) * B + i];
    for (int q = 0; q < at.points; ++q) {
      auto const p = static_cast<std::size_t>(q);
      if (q == 0 || !is_affine<G>) {
        jacobian<G>(&at.dM[p * G::nodes * dim], X, J);
        det = adjugate<dim>(J, A);
      }
      position<G>(&at.M[p * G::nodes], X, x);
      double const *const N = &at.N[p * k], *const dN = &at.dN[p * k * dim];
      for (int i = 0; i < B; ++i) {
        double reference[dim] = {};
        value[i] = 0;
        for (int a = 0; a < k; ++a) value[i] += U[a * B + i] * N[a];
        if (!gradients) continue;
        for (int a = 0; a < k; ++a)
          for (int d = 0; d < dim; ++d) reference[d] += U[a * B + i] * dN[a * dim + d];
        for (int c = 0; c < dim; ++c) {
          double sum = 0;
          for (int d = 0; d < dim; ++d) sum += reference[d] * A[d * dim + c];
          gradient[i * dim + c] = sum / det;
        }
      }
      visit(x, at.weights[p] * abs(det), value, gradient);
    }
  }
}

} // namespace

Sampled sample(Topology const& topology, int degree, std::span<double const> u, std::int32_t first,
               std::int32_t last, bool gradients) {
  require_size("sample: u", u.size(), scalars(topology.local_nodes(), topology));
  if (first < 0 || last < first || last > topology.cells())
    throw Error("sample: cells [" + std::to_string(first) + ", " + std::to_string(last) +
                ") (the part has " + std::to_string(topology.cells()) + ") ask for cells held");
  Quadrature const rule = quadrature(topology.element().cell, degree);
  int const B = topology.components(), dim = topology.element().dim();
  Sampled out;
  out.points_per_cell = rule.size();
  auto const n = static_cast<std::size_t>(last - first) * static_cast<std::size_t>(rule.size());
  out.points.resize(n * static_cast<std::size_t>(dim));
  out.weights.resize(n);
  out.values.resize(n * static_cast<std::size_t>(B));
  if (gradients) out.gradients.resize(out.values.size() * static_cast<std::size_t>(dim));
  std::size_t i = 0; // of the point: visits come in order
  auto const visit = [&](double const* x, double jxw, double const* value, double const* gradient) {
    std::copy_n(x, dim, &out.points[i * static_cast<std::size_t>(dim)]);
    out.weights[i] = jxw;
    std::copy_n(value, B, &out.values[i * static_cast<std::size_t>(B)]);
    if (gradients)
      std::copy_n(gradient, B * dim, &out.gradients[i * static_cast<std::size_t>(B * dim)]);
    ++i;
  };
  HostCells const mesh(topology);
  with_elements(topology.element(), topology.geometry(), [&](auto l, auto g) {
    using L = decltype(l);
    using G = decltype(g);
    visit_points<L, G>(mesh, tabulate<L, G>(rule), u.data(), first, last, gradients, visit);
  });
  return out;
}

std::vector<std::uint8_t> counted_cells(Topology const& topology) {
  HostCells const mesh(topology);
  auto const k = static_cast<std::size_t>(topology.element().nodes());
  std::vector<std::uint8_t> counted(static_cast<std::size_t>(mesh.cells));
  for (std::size_t cell = 0; cell < counted.size(); ++cell)
    counted[cell] = mesh.cell_nodes(cell * k) < mesh.owned ? 1 : 0;
  return counted;
}

SquaredNorms error_norms(Topology const& topology, int degree, std::span<double const> u,
                         Field const& exact, Field const& exact_gradient) {
  require_size("error_norms: u", u.size(), scalars(topology.local_nodes(), topology));
  int const B = topology.components(), dim = topology.element().dim();
  std::vector<std::uint8_t> const counted = counted_cells(topology);
  SquaredNorms sum; // of one cell
  DoubleDouble total[4];
  auto const visit = [&](double const* x, double jxw, double const* value, double const* gradient) {
    double truth[most_components] = {}, truth_gradient[most_components * 3] = {};
    exact(x, truth);
    for (int i = 0; i < B; ++i) {
      sum.error += jxw * ((value[i] - truth[i]) * (value[i] - truth[i]));
      sum.exact += jxw * (truth[i] * truth[i]);
    }
    if (!exact_gradient) return;
    exact_gradient(x, truth_gradient);
    for (int i = 0; i < B * dim; ++i) {
      double const difference = gradient[i] - truth_gradient[i];
      sum.error_gradient += jxw * (difference * difference);
      sum.exact_gradient += jxw * (truth_gradient[i] * truth_gradient[i]);
    }
  };
  HostCells const mesh(topology);
  with_elements(topology.element(), topology.geometry(), [&](auto l, auto g) {
    using L = decltype(l);
    using G = decltype(g);
    PointTables const at = tabulate<L, G>(quadrature(L::cell, degree));
    for (std::int32_t cell = 0; cell < mesh.cells; ++cell) {
      if (!counted[static_cast<std::size_t>(cell)]) continue;
      sum = {};
      visit_points<L, G>(mesh, at, u.data(), cell, cell + 1, static_cast<bool>(exact_gradient),
                         visit);
      // Sums over many cells lose no digit, and hardly depend on how the ranks share them.
      total[0] = total[0] + sum.error, total[1] = total[1] + sum.error_gradient;
      total[2] = total[2] + sum.exact, total[3] = total[3] + sum.exact_gradient;
    }
  });
  return {total[0].hi, total[1].hi, total[2].hi, total[3].hi};
}

} // namespace moho::fem
