// SPDX-License-Identifier: BSD-3-Clause
#include "scatter.hpp"
#include <cstring>
#include <vector>

namespace moho::fem {
namespace {

/// Slots of the pack that starts at a place: 32-bit numbers, or 16-bit ones from a base.
struct Wide {
  static std::int32_t const* at(Routing const& r, std::int32_t first, int pairs) {
    return r.position.data() + std::size_t(first) * std::size_t(pairs);
  }
  static double* slots(Routing const&, std::int32_t, double* slots, int) { return slots; }
};
struct Narrow {
  static std::uint16_t const* at(Routing const& r, std::int32_t first, int pairs) {
    return r.offset.data() + std::size_t(first) * std::size_t(pairs);
  }
  static double* slots(Routing const& r, std::int32_t first, double* slots, int stride) {
    return slots + std::size_t(r.base.data()[first / simd_lanes]) * std::size_t(stride);
  }
};

/// One number per pair, Map inlined. The pack stands in a small buffer: its lanes are read as
/// operands of the additions.
template <class Map, class Address>
void scatter_numbers(MapInputs const& in, MapFunction, MapKey const&, Routing const& routing,
                     std::int32_t begin, std::int32_t end, double* all) {
  constexpr int pairs = Map::pairs;
  for (std::int32_t first = begin; first < end; first += simd_lanes) {
    alignas(64) double buffer[pairs][simd_lanes];
    Map{}(in, first, [&](int pair, HostPack const* block) {
      std::memcpy(buffer[pair], block, sizeof *block);
    });
    auto const* at = Address::at(routing, first, pairs);
    double* const slots = Address::slots(routing, first, all, 1);
#if !defined(__CUDACC__)
#pragma GCC unroll 8
#endif
    for (int l = 0; l < simd_lanes; ++l)
#if !defined(__CUDACC__)
#pragma GCC unroll 16
#endif
      for (int p = 0; p < pairs; ++p) slots[at[l * pairs + p]] += buffer[p][l];
  }
}

/// Any Map and block through its function; S doubles per slot.
template <int S, class Address>
void scatter_blocks(MapInputs const& in, MapFunction map, MapKey const&, Routing const& routing,
                    std::int32_t begin, std::int32_t end, double* all) {
  constexpr int B = S == 9 ? 3 : S == 4 ? 2 : 1;
  int const pairs = routing.pairs;
  std::vector<double> const room(std::size_t(pairs) * S * simd_lanes + simd_lanes);
  auto const aligned = (reinterpret_cast<std::uintptr_t>(room.data()) + 63) / 64 * 64;
  double* const buffer = reinterpret_cast<double*>(aligned);
  for (std::int32_t first = begin; first < end; first += simd_lanes) {
    map(in, first, reinterpret_cast<HostPack*>(buffer));
    auto const* at = Address::at(routing, first, pairs);
    double* const slots = Address::slots(routing, first, all, S);
    for (int l = 0; l < simd_lanes; ++l) {
      double const* from = buffer + l;
      for (int p = 0; p < pairs; ++p, from += S * simd_lanes) {
        auto const position = at[l * pairs + p];
        if constexpr (S == 1) {
          slots[position] += *from;
        } else {
          double* const to = slots + std::size_t(position & slot_mask) * S;
          if (static_cast<std::int32_t>(position) < 0) // the block of the other triangle
            for (int e = 0; e < S; ++e) to[e] += from[(e % B * B + e / B) * simd_lanes];
          else
            for (int e = 0; e < S; ++e) to[e] += from[e * simd_lanes];
        }
      }
    }
  }
}

#if defined(MOHO_PACK_INLINE) && defined(__AVX512F__)
typedef double Quad __attribute__((vector_size(32), aligned(8), may_alias));

/// to[lane][node] = the x[3] and w of each lane.
inline void lanes_to_quads(HostPack const* x, HostPack w, int node, Quad (*to)[4]) {
  using Pack = HostPack::Vector;
  Pack const a = __builtin_shufflevector(x[0].v, x[1].v, 0, 8, 2, 10, 4, 12, 6, 14);
  Pack const b = __builtin_shufflevector(x[0].v, x[1].v, 1, 9, 3, 11, 5, 13, 7, 15);
  Pack const c = __builtin_shufflevector(x[2].v, w.v, 0, 8, 2, 10, 4, 12, 6, 14);
  Pack const d = __builtin_shufflevector(x[2].v, w.v, 1, 9, 3, 11, 5, 13, 7, 15);
  auto const store = [&](Pack four, int lane) { // lanes `lane` and `lane` + 2
    to[lane][node] = __builtin_shufflevector(four, four, 0, 1, 2, 3);
    to[lane + 2][node] = __builtin_shufflevector(four, four, 4, 5, 6, 7);
  };
  store(__builtin_shufflevector(a, c, 0, 1, 8, 9, 2, 3, 10, 11), 0);
  store(__builtin_shufflevector(b, d, 0, 1, 8, 9, 2, 3, 10, 11), 1);
  store(__builtin_shufflevector(a, c, 4, 5, 12, 13, 6, 7, 14, 15), 4);
  store(__builtin_shufflevector(b, d, 4, 5, 12, 13, 6, 7, 14, 15), 5);
}

/// Moments in three dimensions: a row of a block is one vector addition, as in MomentsMap. The
/// fourth lane of a row holds what nobody reads.
template <class Address>
void scatter_moments(MapInputs const& in, MapFunction, MapKey const&, Routing const& routing,
                     std::int32_t begin, std::int32_t end, double* all) {
  constexpr int pairs = 10;
  for (std::int32_t first = begin; first < end; first += simd_lanes) {
    HostPack X[12], g[12], volume;
    load_points<Lagrange<Cell::tetrahedron, 1>>(in, first, X);
    p1_gradients<3>(X, g, volume);
    alignas(64) Quad gradient[simd_lanes][4];
    for (int a = 0; a < 4; ++a) lanes_to_quads(g + 3 * a, volume, a, gradient);
    auto const* at = Address::at(routing, first, pairs);
    double* const slots = Address::slots(routing, first, all, 12);
    for (int l = 0; l < simd_lanes; ++l) {
      Quad const v = __builtin_shufflevector(gradient[l][0], gradient[l][0], 3, 3, 3, 3);
      auto const* position = at + l * pairs;
      for (int a = 0; a < 4; ++a) {
        Quad const ga = gradient[l][a], h = v * ga;
        auto* own = reinterpret_cast<Quad*>(slots + std::size_t(*position++) * 12);
        own[0] += v * (__builtin_shufflevector(ga, ga, 0, 0, 0, 0) * ga);
        own[1] += v * (__builtin_shufflevector(ga, ga, 1, 1, 1, 1) * ga);
        own[2] += v * (__builtin_shufflevector(ga, ga, 2, 2, 2, 2) * ga);
        Quad const h0 = __builtin_shufflevector(h, h, 0, 0, 0, 0);
        Quad const h1 = __builtin_shufflevector(h, h, 1, 1, 1, 1);
        Quad const h2 = __builtin_shufflevector(h, h, 2, 2, 2, 2);
        for (int b = a + 1; b < 4; ++b) {
          auto* to = reinterpret_cast<Quad*>(slots + std::size_t(*position++) * 12);
          Quad const gb = gradient[l][b];
          to[0] += h0 * gb;
          to[1] += h1 * gb;
          to[2] += h2 * gb;
        }
      }
    }
  }
}
#else
/// The same, row by row of the block, for any vector unit.
template <class Address>
void scatter_moments(MapInputs const& in, MapFunction map, MapKey const&, Routing const& routing,
                     std::int32_t begin, std::int32_t end, double* all) {
  constexpr int pairs = 10;
  for (std::int32_t first = begin; first < end; first += simd_lanes) {
    HostPack blocks[pairs * 9];
    map(in, first, blocks);
    auto const* at = Address::at(routing, first, pairs);
    double* const slots = Address::slots(routing, first, all, 12);
    for (int l = 0; l < simd_lanes; ++l)
      for (int p = 0; p < pairs; ++p) {
        double* const to = slots + std::size_t(at[l * pairs + p]) * 12;
        for (int e = 0; e < 9; ++e) to[e / 3 * 4 + e % 3] += lane(blocks[p * 9 + e], l);
      }
  }
}
#endif

template <Cell cell, FormKind kind, class Address>
constexpr ScatterFunction fused =
    scatter_numbers<DirectMap<Lagrange<cell, 1>, Lagrange<cell, 1>, kind, false>, Address>;

template <class Address>
ScatterFunction choose(MapKey const& key) {
  if constexpr (on_host) { // a device has no use for them
    bool const p1 = is_simplex(key.element.cell) && key.element.degree == 1;
    bool const triangle = key.element.cell == Cell::triangle;
    if (key.block == Block::moments && key.element.dim() == 3) return scatter_moments<Address>;
    if (p1 && !key.tensor && key.kind == FormKind::diffusion)
      return triangle ? fused<Cell::triangle, FormKind::diffusion, Address>
                      : fused<Cell::tetrahedron, FormKind::diffusion, Address>;
    if (p1 && key.kind == FormKind::mass)
      return triangle ? fused<Cell::triangle, FormKind::mass, Address>
                      : fused<Cell::tetrahedron, FormKind::mass, Address>;
    if (key.block_size() == 1) return scatter_blocks<1, Address>;
    return key.element.dim() == 2 ? scatter_blocks<4, Address> : scatter_blocks<9, Address>;
  }
  return nullptr;
}

} // namespace

ScatterFunction scatter_function(MapKey const& key, Routing const& routing) {
  return routing.offset.extent(0) > 0 ? choose<Narrow>(key) : choose<Wide>(key);
}

} // namespace moho::fem
