// SPDX-License-Identifier: BSD-3-Clause
#include "moho/fem/vector.hpp"
#include "moho/core/error.hpp"
#include "points.hpp"
#include <cstring>
#include <string>

namespace moho::fem {
namespace detail {

void require_size(char const* what, std::size_t given, std::size_t wanted) {
  if (given < wanted)
    throw Error(std::string(what) + " has " + std::to_string(given) + " values (" +
                std::to_string(wanted) + " are needed here) give an array of that size");
}

} // namespace detail

namespace {
using namespace detail;

/// f from a host function of position.
struct FieldValues {
  static constexpr bool wants_position = true;
  Field const& f;
  std::int32_t cells, first = 0;

  void begin(std::int32_t cell) { first = cell; }
  template <class L, class Count>
  void at(int, HostPack const* x, Count components, HostPack* out) const {
    // Through arrays: single lanes of a pack in a register are slow to reach.
    double position[L::dim][simd_lanes], values[most_components][simd_lanes] = {};
    std::memcpy(position, x, sizeof position);
    int const count = std::min<std::int32_t>(simd_lanes, cells - first);
    for (int l = 0; l < count; ++l) {
      double here[3], value[most_components] = {};
      for (int c = 0; c < L::dim; ++c) here[c] = position[c][l];
      f(here, value);
      for (int i = 0; i < components; ++i) values[i][l] = value[i];
    }
    for (int i = 0; i < components; ++i) std::memcpy(&out[i], values[i], sizeof(HostPack));
  }
};

/// f given at the points: (cells, points, components).
struct PointValues {
  static constexpr bool wants_position = false;
  double const* f;
  int points;
  std::int32_t cells, first = 0;

  void begin(std::int32_t cell) { first = cell; }
  template <class L, class Count>
  KOKKOS_FORCEINLINE_FUNCTION void at(int q, HostPack const*, Count components,
                                      HostPack* out) const {
    for (int i = 0; i < components; ++i)
      out[i] = pack_of([&](int l) {
        std::int64_t const cell = first + l < cells ? first + l : cells - 1;
        return f[(cell * points + q) * components + i];
      });
  }
};

/// f nodal: (local nodes, components), interpolated.
struct NodalValues {
  static constexpr bool wants_position = false;
  double const* f;
  MapInputs in;
  std::int32_t first = 0;

  void begin(std::int32_t cell) { first = cell; }
  template <class L, class Count>
  KOKKOS_FORCEINLINE_FUNCTION void at(int q, HostPack const*, Count components,
                                      HostPack* out) const {
    HostPack nodal[L::nodes * most_components]; // loaded again at each point: it is in the cache
    load_values<L>(in, f, components, first, nodal);
    double const* const N = in.tables.N + q * L::nodes;
    for (int i = 0; i < components; ++i) {
      out[i] = nodal[i] * HostPack(N[0]);
      for (int a = 1; a < L::nodes; ++a)
        out[i] = multiply_add(nodal[a * components + i], HostPack(N[a]), out[i]);
    }
  }
};

/// F[a * components + i] = sum over q of w_q |J| f_i(x_q) N_a(q) of simd_lanes cells.
template <class L, class G, class Count, class Values>
void local_load(PointTables const& at, HostPack const* X, Count components, Values const& values,
                HostPack* F) {
  constexpr int dim = L::dim;
  HostPack J[dim * dim], A[dim * dim], x[dim], f[most_components], volume(0.0);
  for (int a = 0; a < L::nodes * components; ++a) F[a] = HostPack(0.0);
  for (int q = 0; q < at.points; ++q) {
    auto const p = static_cast<std::size_t>(q);
    if (q == 0 || !is_affine<G>) {
      jacobian<G>(&at.dM[p * G::nodes * dim], X, J);
      volume = abs(adjugate<dim>(J, A));
    }
    if constexpr (Values::wants_position) position<G>(&at.M[p * G::nodes], X, x);
    values.template at<L>(q, x, components, f);
    HostPack const weight = HostPack(at.weights[p]) * volume;
    double const* const N = &at.N[p * L::nodes];
    for (int i = 0; i < components; ++i) {
      HostPack const weighted = weight * f[i];
      for (int a = 0; a < L::nodes; ++a)
        F[a * components + i] = multiply_add(weighted, HostPack(N[a]), F[a * components + i]);
    }
  }
}

/// Adds the local vectors of all cells to the owned rows, cell by cell in ascending order.
template <class L, class G, class Count, class Values>
void add_load(HostCells const& mesh, PointTables const& at, Count components, Values& values,
              double* out) {
  constexpr int k = L::nodes;
  MapInputs const in = mesh.inputs(at);
  HostPack X[G::nodes * G::dim], F[k * most_components];
  for (std::int32_t first = 0; first < mesh.cells; first += simd_lanes) {
    int const count = std::min<std::int32_t>(simd_lanes, mesh.cells - first);
    load_points<G>(in, first, X);
    values.begin(first);
    local_load<L, G>(at, X, components, values, F);
    double local[k * most_components][simd_lanes];
    std::memcpy(local, F, static_cast<std::size_t>(k * components) * sizeof(HostPack));
    for (int l = 0; l < count; ++l) {
      std::int32_t const* const nodes = in.cell_nodes + static_cast<std::int64_t>(first + l) * k;
      for (int a = 0; a < k; ++a) {
        if (nodes[a] >= mesh.owned) continue;
        double* const row = out + static_cast<std::int64_t>(nodes[a]) * components;
        for (int i = 0; i < components; ++i) row[i] += local[a * components + i][l];
      }
    }
  }
}

/// Adds the load of make(host cells, tables) -> values; the tables are those of a rule exact to
/// `degree`.
template <class Make>
void add_load(Topology const& topology, int degree, Reals out, bool add, Make const& make) {
  HostCells const mesh(topology);
  HostOutput const to(out, add);
  with_elements(topology.element(), topology.geometry(), [&](auto l, auto g) {
    using L = decltype(l);
    using G = decltype(g);
    PointTables const at = tabulate<L, G>(quadrature(L::cell, degree));
    auto values = make(mesh, at);
    if (mesh.components == 1)
      add_load<L, G>(mesh, at, Fixed<1>(), values, to.data());
    else
      add_load<L, G>(mesh, at, mesh.components, values, to.data());
  });
  to.finish();
}

} // namespace

void load(Topology const& topology, int degree, Field const& f, Reals out, bool add) {
  require_size("load: out", out.extent(0), scalars(topology.owned_nodes(), topology));
  add_load(topology, degree, out, add, [&](HostCells const& mesh, PointTables const&) {
    return FieldValues{f, mesh.cells};
  });
}

void load_at_points(Topology const& topology, int degree, ConstReals f, Reals out, bool add) {
  Quadrature const rule = quadrature(topology.element().cell, degree);
  require_size("load_at_points: out", out.extent(0), scalars(topology.owned_nodes(), topology));
  require_size("load_at_points: f", f.extent(0),
               scalars(topology.cells(), topology) * static_cast<std::size_t>(rule.size()));
  auto const given = on_host(f);
  add_load(topology, degree, out, add, [&](HostCells const& mesh, PointTables const& at) {
    return PointValues{given.data(), at.points, mesh.cells};
  });
}

void load_nodal(Topology const& topology, ConstReals f, Reals out, bool add) {
  require_size("load_nodal: out", out.extent(0), scalars(topology.owned_nodes(), topology));
  require_size("load_nodal: f", f.extent(0), scalars(topology.local_nodes(), topology));
  auto const given = on_host(f);
  Form mass;
  mass.kind = FormKind::mass;
  int const degree = quadrature_degree(mass, topology.element());
  add_load(topology, degree, out, add, [&](HostCells const& mesh, PointTables const& at) {
    return NodalValues{given.data(), mesh.inputs(at)};
  });
}

} // namespace moho::fem
