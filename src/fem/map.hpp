// SPDX-License-Identifier: BSD-3-Clause
// Map over packs of cells: loads, local matrices, one sink. Inner header of the fem module.
#pragma once
#include "moho/fem/local.hpp"
#include "moho/fem/topology.hpp"
#include <cstdint>

namespace moho::fem {

/// What a slot holds, per pair of nodes.
enum class Block : std::int8_t {
  scalar,  ///< one number, the same for each component
  full,    ///< B x B, row-major
  moments, ///< S = integral of grad N_a (grad N_b)^T, from which the elastic block is made when
           ///< all cells are summed: lambda S + mu S^T + mu tr(S) I; lambda and mu global, P1
};

/// Arrays that Map reads, captured by value.
struct MapInputs {
  Tables tables;
  std::int32_t cells = 0;                    ///< without padding
  std::int32_t const* cell = nullptr;        ///< (padded) local cells, null: all
  std::int32_t const* cell_points = nullptr; ///< (padded, geometry nodes)
  std::int32_t const* cell_nodes = nullptr;  ///< (padded, k)
  double const* points = nullptr;            ///< padded_points
  Where where = Where::global;
  double const* values = nullptr; ///< of the coefficient, null: 1

  /// The local cell at place `at` of the table (padded places name a cell as well).
  KOKKOS_FORCEINLINE_FUNCTION std::int32_t local_cell(std::int32_t at) const {
    if (cell != nullptr) return cell[at];
    return at < cells ? at : cells - 1;
  }
  bool constant() const { return where == Where::global || where == Where::cell; }
};

/// A pack of f(lane).
template <class F>
KOKKOS_FORCEINLINE_FUNCTION HostPack pack_of(F const& f) {
#if defined(MOHO_PACK_INLINE)
  HostPack p;
  for (int l = 0; l < simd_lanes; ++l) p.v[l] = f(l);
  return p;
#else
  return f(0);
#endif
}

/// Coordinates of simd_lanes points, `stride` places apart in `point`, to x[dim].
template <int dim>
KOKKOS_FORCEINLINE_FUNCTION void load_point(double const* points, std::int32_t const* point,
                                            int stride, HostPack* x) {
#if defined(MOHO_PACK_INLINE) && defined(__AVX512F__) // one load per point, then a transpose
  using Pack = HostPack::Vector;
  typedef double Few __attribute__((vector_size(dim == 2 ? 16 : 32)));
  auto const at = [&](int l) {
    Few p;
    __builtin_memcpy(&p, points + std::size_t(dim == 2 ? 2 : 4) * std::size_t(point[l * stride]),
                     sizeof p);
    return p;
  };
  if constexpr (dim == 2) {
    auto const four = [&](int l) {
      auto const u = __builtin_shufflevector(at(l), at(l + 2), 0, 1, 2, 3);
      auto const v = __builtin_shufflevector(at(l + 4), at(l + 6), 0, 1, 2, 3);
      return __builtin_shufflevector(u, v, 0, 1, 2, 3, 4, 5, 6, 7);
    };
    Pack const even = four(0), odd = four(1);
    x[0] = HostPack::of(__builtin_shufflevector(even, odd, 0, 8, 2, 10, 4, 12, 6, 14));
    x[1] = HostPack::of(__builtin_shufflevector(even, odd, 1, 9, 3, 11, 5, 13, 7, 15));
  } else {
    auto const two = [&](int l) { // x y z - of lanes l and l + 4
      return __builtin_shufflevector(at(l), at(l + 4), 0, 1, 2, 3, 4, 5, 6, 7);
    };
    Pack const r0 = two(0), r1 = two(1), r2 = two(2), r3 = two(3);
    Pack const a = __builtin_shufflevector(r0, r1, 0, 8, 2, 10, 4, 12, 6, 14);
    Pack const b = __builtin_shufflevector(r0, r1, 1, 9, 3, 11, 5, 13, 7, 15);
    Pack const c = __builtin_shufflevector(r2, r3, 0, 8, 2, 10, 4, 12, 6, 14);
    Pack const d = __builtin_shufflevector(r2, r3, 1, 9, 3, 11, 5, 13, 7, 15);
    x[0] = HostPack::of(__builtin_shufflevector(a, c, 0, 1, 8, 9, 4, 5, 12, 13));
    x[1] = HostPack::of(__builtin_shufflevector(b, d, 0, 1, 8, 9, 4, 5, 12, 13));
    x[2] = HostPack::of(__builtin_shufflevector(a, c, 2, 3, 10, 11, 6, 7, 14, 15));
  }
#else
  for (int d = 0; d < dim; ++d)
    x[d] = pack_of([&](int l) { return points[(dim == 2 ? 2 : 4) * point[l * stride] + d]; });
#endif
}

/// X (G::nodes, dim) of the pack that starts at place `first`.
template <class G>
KOKKOS_FORCEINLINE_FUNCTION void load_points(MapInputs const& in, std::int32_t first, HostPack* X) {
  std::int32_t const* const point = in.cell_points + std::size_t(first) * G::nodes;
  MOHO_FEM_UNROLL
  for (int g = 0; g < G::nodes; ++g)
    load_point<G::dim>(in.points, point + g, G::nodes, X + g * G::dim);
}

/// The coefficient on the pack that starts at place `first`: component i at point q of the rule.
template <class L, int components>
struct PackCoefficient {
  MapInputs const& in;
  std::int32_t first;

  KOKKOS_FORCEINLINE_FUNCTION HostPack operator()(int q, int i) const {
    if (in.values == nullptr) return HostPack(1.0);
    if (in.where == Where::global) return HostPack(in.values[i]);
    if (in.where == Where::cell) {
#if defined(MOHO_PACK_INLINE)
      if (components == 1 && in.cell == nullptr && first + simd_lanes <= in.cells) {
        HostPack p;
        __builtin_memcpy(&p, in.values + first, sizeof p);
        return p;
      }
#endif
      return pack_of([&](int l) {
        return in.values[std::size_t(in.local_cell(first + l)) * components + std::size_t(i)];
      });
    }
    if (in.where == Where::quadrature)
      return pack_of([&](int l) {
        std::size_t const cell = std::size_t(in.local_cell(first + l));
        return in.values[(cell * std::size_t(in.tables.points) + std::size_t(q)) * components +
                         std::size_t(i)];
      });
    std::int32_t const* const nodes = in.cell_nodes + std::size_t(first) * L::nodes;
    double const* const N = in.tables.N + q * L::nodes;
    HostPack sum(0.0);
    for (int a = 0; a < L::nodes; ++a) {
      HostPack const at = pack_of([&](int l) {
        return in.values[std::size_t(nodes[l * L::nodes + a]) * components + std::size_t(i)];
      });
      sum = multiply_add(HostPack(N[a]), at, sum);
    }
    return sum;
  }
};

/// Local matrices of one pack, inlined where it is called: sink(pair, block).
template <class L, class G, FormKind kind, bool tensor>
struct DirectMap {
  using Local = LocalMatrix<L, G, kind, tensor>;
  static constexpr int block_size = Local::per_pair;
  static constexpr bool symmetric = Local::symmetric_form;
  static constexpr int pairs = symmetric ? Local::upper_pairs : L::nodes * L::nodes;

  template <class Sink>
  KOKKOS_FORCEINLINE_FUNCTION void operator()(MapInputs const& in, std::int32_t first,
                                              Sink&& sink) const {
    HostPack X[G::nodes * G::dim];
    load_points<G>(in, first, X);
    PackCoefficient<L, Local::coefficients> const coefficient{in, first};
    if (in.where == Where::global || in.where == Where::cell)
      Local::pairs(in.tables, X, coefficient, true, symmetric, sink);
    else
      Local::pairs(in.tables, X, coefficient, false, symmetric, sink);
  }
};

/// Block::moments of P1 simplices.
template <int d>
struct MomentsMap {
  static constexpr int block_size = d * d;
  static constexpr bool symmetric = true;
  static constexpr int pairs = (d + 1) * (d + 2) / 2;
  using G = Lagrange<d == 2 ? Cell::triangle : Cell::tetrahedron, 1>;

  template <class Sink>
  KOKKOS_FORCEINLINE_FUNCTION void operator()(MapInputs const& in, std::int32_t first,
                                              Sink&& sink) const {
    HostPack X[(d + 1) * d], g[(d + 1) * d], volume, S[d * d];
    load_points<G>(in, first, X);
    p1_gradients<d>(X, g, volume);
    int pair = 0;
    for (int a = 0; a <= d; ++a)
      for (int b = a; b <= d; ++b, ++pair) {
        for (int i = 0; i < d; ++i)
          for (int j = 0; j < d; ++j) // the diagonal's form is symmetric to the last bit
            S[i * d + j] = a == b ? volume * (g[a * d + i] * g[b * d + j])
                                  : (volume * g[a * d + i]) * g[b * d + j];
        sink(pair, static_cast<HostPack const*>(S));
      }
  }
};

/// A Map whose type is forgotten: blocks (pairs, block_size) of one pack. Host alone.
using MapFunction = void (*)(MapInputs const& in, std::int32_t first, HostPack* blocks);

/// Which Map an assembly needs.
struct MapKey {
  Element element, geometry;
  FormKind kind = FormKind::diffusion;
  bool tensor = false;
  Block block = Block::scalar;
  bool symmetric() const { return kind != FormKind::advection && !tensor; }
  int block_size() const { return block == Block::scalar ? 1 : element.dim() * element.dim(); }
};
/// Throws moho::Error for elements and geometries that do not go together.
MapFunction map_function(MapKey const& key);

/// The most that a buffer of one pack's blocks needs: elasticity on Q2 hexahedra.
inline constexpr int most_blocks = 27 * 28 / 2 * 9;

/// Calls f(Map) with the Map of that key, for device kernels.
template <class F>
void with_direct_map(MapKey const& key, F&& f) {
  if (key.block == Block::moments) {
    if (key.element.dim() == 2)
      f(MomentsMap<2>{});
    else
      f(MomentsMap<3>{});
    return;
  }
  with_elements(key.element, key.geometry, [&](auto l, auto g) {
    using L = decltype(l);
    using G = decltype(g);
    switch (key.kind) {
    case FormKind::diffusion:
      return key.tensor ? f(DirectMap<L, G, FormKind::diffusion, true>{})
                        : f(DirectMap<L, G, FormKind::diffusion, false>{});
    case FormKind::mass:
      return f(DirectMap<L, G, FormKind::mass, false>{});
    case FormKind::advection:
      return f(DirectMap<L, G, FormKind::advection, false>{});
    case FormKind::elasticity:
      break;
    }
    f(DirectMap<L, G, FormKind::elasticity, false>{});
  });
}

} // namespace moho::fem
