// SPDX-License-Identifier: BSD-3-Clause
// Cells seen from the points of a quadrature rule: what loads, samples, facet terms and derivatives
// have in common. Internal to fem.
#pragma once
#include "map.hpp"
#include "moho/core/simd.hpp"
#include "moho/fem/quadrature.hpp"
#include "moho/fem/topology.hpp"
#include <algorithm>
#include <array>
#include <vector>

namespace moho::fem::detail {

/// Shape functions of the space (N) and of the geometry (M) at some reference points.
struct PointTables {
  int points = 0;
  std::vector<double> weights;
  std::vector<double> N, dN; ///< (points, nodes), (points, nodes, dim)
  std::vector<double> M, dM; ///< (points, geometry nodes), (points, geometry nodes, dim)
};

/// Tables of the elements L (space) and G (geometry) at xi (points, dim).
template <class L, class G>
PointTables tabulate(std::vector<double> const& xi, std::vector<double> const& weights) {
  static_assert(L::cell == G::cell);
  constexpr int dim = L::dim;
  PointTables at;
  auto const n = weights.size();
  at.points = static_cast<int>(n);
  at.weights = weights;
  at.N.resize(n * L::nodes);
  at.dN.resize(n * L::nodes * dim);
  at.M.resize(n * G::nodes);
  at.dM.resize(n * G::nodes * dim);
  for (std::size_t q = 0; q < n; ++q) {
    L::values(&xi[q * dim], &at.N[q * L::nodes]);
    L::gradients(&xi[q * dim], &at.dN[q * L::nodes * dim]);
    G::values(&xi[q * dim], &at.M[q * G::nodes]);
    G::gradients(&xi[q * dim], &at.dM[q * G::nodes * dim]);
  }
  return at;
}

template <class L, class G>
PointTables tabulate(Quadrature const& rule) {
  return tabulate<L, G>(rule.points, rule.weights);
}

/// Is J the same at all points of every such cell?
template <class G>
inline constexpr bool is_affine = is_simplex(G::cell) && G::degree == 1;

/// x[c] = sum of X_a M_a at one point.
template <class G, class T>
KOKKOS_FORCEINLINE_FUNCTION void position(double const* M, T const* X, T* x) {
  for (int c = 0; c < G::dim; ++c) {
    x[c] = X[c] * T(M[0]);
    for (int a = 1; a < G::nodes; ++a) x[c] = x[c] + X[a * G::dim + c] * T(M[a]);
  }
}

/// The view, or a copy of it on the host.
template <class V>
auto on_host(V const& view) {
  return Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), view);
}

/// What Map reads of a topology, on the device.
inline MapInputs map_inputs(Topology const& topology, Tables const& tables) {
  MapInputs in;
  in.tables = tables;
  in.cells = topology.cells();
  in.cell_points = topology.cell_points().data();
  in.cell_nodes = topology.cell_nodes().data();
  in.points = topology.padded_points().data();
  return in;
}

/// The same on the host (no copy where the device is the host).
struct HostCells {
  explicit HostCells(Topology const& topology)
      : cell_points(on_host(topology.cell_points())), cell_nodes(on_host(topology.cell_nodes())),
        points(on_host(topology.padded_points())), cells(topology.cells()),
        owned(topology.owned_nodes()), components(topology.components()) {}
  MapInputs inputs(PointTables const& at) const {
    MapInputs in;
    in.tables = {at.points, at.weights.data(), at.N.data(), at.dN.data(), at.dM.data()};
    in.cells = cells;
    in.cell_points = cell_points.data();
    in.cell_nodes = cell_nodes.data();
    in.points = points.data();
    return in;
  }
  /// Coordinates (G::nodes, dim) of one cell.
  template <class G>
  void coordinates(std::int32_t cell, double* X) const {
    for (int g = 0; g < G::nodes; ++g) {
      auto const point = static_cast<std::size_t>(
          cell_points(static_cast<std::size_t>(cell) * G::nodes + static_cast<std::size_t>(g)));
      for (int c = 0; c < G::dim; ++c)
        X[g * G::dim + c] = points(point * (G::dim == 2 ? 2 : 4) + static_cast<std::size_t>(c));
    }
  }
  Kokkos::View<std::int32_t const*, Kokkos::HostSpace> cell_points, cell_nodes;
  Kokkos::View<double const*, Kokkos::HostSpace> points; ///< padded
  std::int32_t cells, owned;
  int components;
};

/// A number known to the compiler (std::integral_constant is not for device code).
template <int n>
struct Fixed {
  KOKKOS_FORCEINLINE_FUNCTION constexpr operator int() const { return n; } // NOLINT: it is an int
};

/// Nodal values (local nodes, components) of the pack that starts at `first`: out (L::nodes,
/// components). Count: int or Fixed.
template <class L, class Count>
KOKKOS_FORCEINLINE_FUNCTION void load_values(MapInputs const& in, double const* values,
                                             Count components, std::int32_t first, HostPack* out) {
  std::int32_t const* const nodes = in.cell_nodes + static_cast<std::int64_t>(first) * L::nodes;
  for (int a = 0; a < L::nodes; ++a)
    for (int c = 0; c < components; ++c)
      out[a * components + c] = pack_of([&](int l) {
        return values[static_cast<std::int64_t>(nodes[l * L::nodes + a]) * components + c];
      });
}

/// Lanes 0 .. count - 1 to places `stride` apart.
KOKKOS_FORCEINLINE_FUNCTION void store(HostPack from, int count, int stride, double* to) {
#if defined(MOHO_PACK_INLINE)
  if (stride == 1 && count == simd_lanes) {
    __builtin_memcpy(to, &from, sizeof from);
    return;
  }
#endif
  for (int l = 0; l < count; ++l) to[l * stride] = lane(from, l);
}

/// An output on the host: `data()` is the view itself, or a copy that `finish` writes back.
class HostOutput {
public:
  HostOutput(Reals out, bool keep) : _out(out), _host(Kokkos::create_mirror_view(out)) {
    if (keep)
      Kokkos::deep_copy(_host, _out);
    else
      Kokkos::deep_copy(_host, 0.0);
  }
  double* data() const { return _host.data(); }
  void finish() const { Kokkos::deep_copy(_out, _host); }

private:
  Reals _out;
  decltype(Kokkos::create_mirror_view(Reals())) _host;
};

inline constexpr int most_components = 3;

/// Scalar unknowns of so many nodes.
inline std::size_t scalars(std::int32_t nodes, Topology const& topology) {
  return static_cast<std::size_t>(nodes) * static_cast<std::size_t>(topology.components());
}

/// Throws moho::Error when `what` has fewer than `wanted` values.
void require_size(char const* what, std::size_t given, std::size_t wanted);

} // namespace moho::fem::detail
