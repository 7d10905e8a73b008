// SPDX-License-Identifier: BSD-3-Clause
// Boundary terms. A facet's points are points of its cell, so the cell's shape functions serve.
#include "moho/core/error.hpp"
#include "moho/fem/vector.hpp"
#include "points.hpp"
#include <cmath>
#include <numeric>

namespace moho::fem {
namespace {
using namespace detail;

/// One facet of the reference cell.
struct FacetTables {
  PointTables at;
  FacetMap map;
  std::vector<int> nodes; ///< of the space, on the facet
};

template <class L, class G>
std::vector<FacetTables> facet_tables(int degree) {
  constexpr int dim = L::dim;
  Quadrature const rule = facet_quadrature(L::cell, degree);
  std::vector<FacetTables> tables;
  for (int facet = 0; facet < facet_count(L::cell); ++facet) {
    FacetMap const map = facet_map(L::cell, facet);
    std::vector<double> xi(static_cast<std::size_t>(rule.size() * dim));
    for (int q = 0; q < rule.size(); ++q)
      map.point(&rule.points[static_cast<std::size_t>(q * (dim - 1))],
                &xi[static_cast<std::size_t>(q * dim)]);
    tables.push_back(
        {tabulate<L, G>(xi, rule.weights), map, facet_nodes(Element{L::cell, L::degree}, facet)});
  }
  return tables;
}

/// Length or area of a facet per unit of its reference: |t| or |t_1 x t_2| of the tangents
/// t_s = J dxi/ds.
template <int dim>
double facet_measure(double const* J, FacetMap const& map) {
  double t[dim * (dim - 1)];
  for (int c = 0; c < dim; ++c)
    for (int s = 0; s < dim - 1; ++s) {
      t[c * (dim - 1) + s] = 0;
      for (int d = 0; d < dim; ++d)
        t[c * (dim - 1) + s] +=
            J[c * dim + d] * map.columns[static_cast<std::size_t>(d * (dim - 1) + s)];
    }
  if constexpr (dim == 2) {
    return std::sqrt(t[0] * t[0] + t[1] * t[1]);
  } else {
    double const x = t[2] * t[5] - t[4] * t[3], y = t[4] * t[1] - t[0] * t[5],
                 z = t[0] * t[3] - t[2] * t[1];
    return std::sqrt(x * x + y * y + z * z);
  }
}

/// Boundary facets with one of the tags by (cell, facet): an order that no partition changes.
std::vector<std::size_t> chosen(Facets const& facets, std::span<const std::int32_t> tags) {
  std::vector<std::size_t> list;
  for (std::size_t i = 0; i < facets.size(); ++i)
    if (tags.empty() || std::find(tags.begin(), tags.end(), facets.tag[i]) != tags.end())
      list.push_back(i);
  std::sort(list.begin(), list.end(), [&](std::size_t a, std::size_t b) {
    return facets.cell[a] != facets.cell[b] ? facets.cell[a] < facets.cell[b]
                                            : facets.local[a] < facets.local[b];
  });
  return list;
}

/// visit(tables of the facet, q, x, jxw, the cell's nodes) at the points of the chosen facets.
template <class L, class G, class Visit>
void visit_facets(Facets const& facets, std::vector<std::size_t> const& list, HostCells const& mesh,
                  int degree, Visit const& visit) {
  constexpr int dim = L::dim;
  std::vector<FacetTables> const tables = facet_tables<L, G>(degree);
  double X[G::nodes * dim], J[dim * dim], x[dim];
  for (std::size_t const i : list) {
    FacetTables const& facet = tables.at(static_cast<std::size_t>(facets.local[i]));
    PointTables const& at = facet.at;
    std::int32_t const cell = facets.cell[i];
    mesh.coordinates<G>(cell, X);
    for (int q = 0; q < at.points; ++q) {
      auto const p = static_cast<std::size_t>(q);
      jacobian<G>(&at.dM[p * G::nodes * dim], X, J);
      position<G>(&at.M[p * G::nodes], X, x);
      visit(facet, q, x, at.weights[p] * facet_measure<dim>(J, facet.map),
            mesh.cell_nodes.data() + static_cast<std::int64_t>(cell) * L::nodes);
    }
  }
}

void require_same_part(Part const& part, Topology const& topology) {
  if (part.mesh.cell_count() != static_cast<std::size_t>(topology.cells()) ||
      part.space.local_nodes() != static_cast<std::size_t>(topology.local_nodes()))
    throw Error("boundary terms: the part has " + std::to_string(part.mesh.cell_count()) +
                " cells and the topology " + std::to_string(topology.cells()) +
                " (it was built from another part) pass the part it was built from");
}

} // namespace

void facet_load(Part const& part, Topology const& topology, std::span<const std::int32_t> tags,
                int degree, Field const& g, Reals out) {
  require_same_part(part, topology);
  require_size("facet_load: out", out.extent(0), scalars(topology.owned_nodes(), topology));
  HostCells const mesh(topology);
  HostOutput const to(out, true);
  int const B = mesh.components, k = topology.element().nodes();
  auto const visit = [&](FacetTables const& facet, int q, double const* x, double jxw,
                         std::int32_t const* nodes) {
    double value[most_components] = {};
    g(x, value);
    for (int const a : facet.nodes) {
      if (nodes[a] >= mesh.owned) continue;
      double const weight = jxw * facet.at.N[static_cast<std::size_t>(q * k + a)];
      for (int i = 0; i < B; ++i)
        to.data()[static_cast<std::int64_t>(nodes[a]) * B + i] += weight * value[i];
    }
  };
  std::vector<std::size_t> const list = chosen(part.mesh.boundary, tags);
  with_elements(topology.element(), topology.geometry(), [&](auto l, auto geometry) {
    visit_facets<decltype(l), decltype(geometry)>(part.mesh.boundary, list, mesh, degree, visit);
  });
  to.finish();
}

void facet_mass(Part const& part, Topology const& topology, std::span<const std::int32_t> tags,
                int degree, Field const& alpha, Reals values) {
  require_same_part(part, topology);
  require_size("facet_mass: values", values.extent(0), topology.pattern().nonzeros());
  HostCells const mesh(topology);
  HostOutput const to(values, true);
  int const B = mesh.components, k = topology.element().nodes();
  auto const visit = [&](FacetTables const& facet, int q, double const* x, double jxw,
                         std::int32_t const* nodes) {
    double factor[most_components] = {};
    alpha(x, factor);
    double const weight = jxw * factor[0];
    double const* const N = &facet.at.N[static_cast<std::size_t>(q * k)];
    for (int const a : facet.nodes) {
      if (nodes[a] >= mesh.owned) continue;
      for (int const b : facet.nodes)
        for (int i = 0; i < B; ++i) {
          auto const position = topology.find(nodes[a] * B + i, nodes[b] * B + i);
          MOHO_REQUIRE(position >= 0);
          to.data()[position] += weight * (N[a] * N[b]);
        }
    }
  };
  std::vector<std::size_t> const list = chosen(part.mesh.boundary, tags);
  with_elements(topology.element(), topology.geometry(), [&](auto l, auto geometry) {
    visit_facets<decltype(l), decltype(geometry)>(part.mesh.boundary, list, mesh, degree, visit);
  });
  to.finish();
}

} // namespace moho::fem
