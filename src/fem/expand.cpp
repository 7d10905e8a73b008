// SPDX-License-Identifier: BSD-3-Clause
#include "expand.hpp"
#include <cstring>

namespace moho::fem {
namespace {

using Index = std::size_t;

/// values[i] (+)= slots[slot[i]]: a number per entry needs no rows.
template <bool add>
void gather(std::int32_t const* slot, double const* slots, Index n, double* values) {
  Index i = 0;
#if defined(__AVX512F__) && defined(MOHO_PACK_INLINE)
  for (; i + 8 <= n; i += 8) {
    __m256i const at = _mm256_loadu_si256(reinterpret_cast<__m256i const*>(slot + i));
    __m512d sum = _mm512_mask_i32gather_pd(_mm512_setzero_pd(), 0xff, at, slots, 8);
    if constexpr (add)
      sum = (__m512d)((HostPack::Vector)_mm512_loadu_pd(values + i) + (HostPack::Vector)sum);
    _mm512_storeu_pd(values + i, sum);
  }
#endif
  for (; i < n; ++i) values[i] = add ? values[i] + slots[slot[i]] : slots[slot[i]];
}

void expand_numbers(NodeGraph const& graph, Routing const& routing, double const* slots,
                    Finish const& finish, std::int32_t first, std::int32_t last) {
  // Of a symmetric scalar form an entry is its slot, whichever triangle; flags say nothing.
  auto const part = [&](std::vector<std::int32_t> const& ptr, Ints const& table,
                        std::int32_t table_first, double* values) {
    std::int32_t const begin = ptr[Index(first)], end = ptr[Index(last)];
    auto const* slot = table.data() + (begin - table_first);
    if (finish.add)
      gather<true>(slot, slots, Index(end - begin), values + begin);
    else
      gather<false>(slot, slots, Index(end - begin), values + begin);
  };
  part(graph.diagonal, routing.diagonal_slot, routing.diagonal_first, finish.values);
  part(graph.off, routing.off_slot, routing.off_first, finish.values + graph.diagonal.back());
}

/// Blocks of the entries [begin, end) of one node row.
struct BlockRow {
  std::int32_t const* slot;
  std::int32_t entries;
  RowPlace place;
};

template <int B>
void write_blocks(BlockRow const& row, double const* slots, int stride, int row_stride,
                  Finish const& finish) {
  for (std::int32_t e = 0; e < row.entries; ++e) {
    double const* S = slots + Index(row.slot[e] & slot_mask) * Index(stride);
    bool const flip = row.slot[e] < 0;
    Finish const local = finish; // in registers
    double* const to = local.values + row.place.at(e, B);
    double out[B * B];
    for (int r = 0; r < B; ++r)
      for (int c = 0; c < B; ++c)
        out[r * B + c] = local.entry(S, flip ? 1 : row_stride, flip ? row_stride : 1, r, c);
    for (int r = 0; r < B; ++r)
      for (int c = 0; c < B; ++c) {
        double& value = to[Index(r) * row.place.row + Index(c)];
        value = local.add ? value + out[r * B + c] : out[r * B + c];
      }
  }
}

#if defined(MOHO_PACK_INLINE)
typedef double Quad __attribute__((vector_size(32)));

Quad load_quad(double const* from) {
  Quad q;
  std::memcpy(&q, from, sizeof q);
  return q;
}

/// Elastic blocks of three components from moments with rows of 4; see Finish::entry.
void write_elastic(BlockRow const& row, double const* slots, Finish const& finish) {
  double const l = finish.lambda, m = finish.mu;
  Quad const lambda{l, l, l, l}, mu{m, m, m, m};
  double* const values = finish.values + row.place.first;
  Index const length = row.place.row;
  for (std::int32_t e = 0; e < row.entries; ++e) {
    double const* S = slots + Index(row.slot[e] & slot_mask) * 12;
    Quad const r0 = load_quad(S), r1 = load_quad(S + 4), r2 = load_quad(S + 8);
    Quad const even = __builtin_shufflevector(r0, r1, 0, 4, 2, 6);
    Quad const odd = __builtin_shufflevector(r0, r1, 1, 5, 3, 7);
    Quad const c0 = __builtin_shufflevector(even, r2, 0, 1, 4, 7);
    Quad const c1 = __builtin_shufflevector(odd, r2, 0, 1, 5, 7);
    Quad const c2 = __builtin_shufflevector(even, r2, 2, 3, 6, 7);
    double const trace = r0[0] + r1[1] + r2[2], shear = m * trace;
    bool const flip = row.slot[e] < 0;
    Quad const k0 = lambda * (flip ? c0 : r0) + mu * (flip ? r0 : c0) + Quad{shear, 0, 0, 0};
    Quad const k1 = lambda * (flip ? c1 : r1) + mu * (flip ? r1 : c1) + Quad{0, shear, 0, 0};
    Quad const k2 = lambda * (flip ? c2 : r2) + mu * (flip ? r2 : c2) + Quad{0, 0, shear, 0};
    double* const to = values + Index(e) * 3;
    std::memcpy(to, &k0, 24);
    std::memcpy(to + length, &k1, 24);
    std::memcpy(to + 2 * length, &k2, 24);
  }
}
#endif

template <int B>
void expand_blocks(NodeGraph const& graph, Routing const& routing, double const* slots, int stride,
                   int row_stride, Finish const& finish, std::int32_t first, std::int32_t last) {
  std::int32_t const total = graph.diagonal.back();
  auto const write = [&](BlockRow const& row) {
#if defined(MOHO_PACK_INLINE)
    if (B == 3 && finish.block == Block::moments && !finish.add && stride == 12)
      return write_elastic(row, slots, finish);
#endif
    write_blocks<B>(row, slots, stride, row_stride, finish);
  };
  for (std::int32_t i = first; i < last; ++i) {
    std::int32_t const d = graph.diagonal[Index(i)], o = graph.off[Index(i)];
    std::int32_t const diagonal = graph.diagonal[Index(i) + 1] - d,
                       off = graph.off[Index(i) + 1] - o;
    write({routing.diagonal_slot.data() + (d - routing.diagonal_first), diagonal,
           row_place(d, diagonal, 0, B)});
    write({routing.off_slot.data() + (o - routing.off_first), off, row_place(o, off, total, B)});
  }
}

} // namespace

void expand(NodeGraph const& graph, Routing const& routing, double const* slots, int stride,
            int row_stride, Finish const& finish, std::int32_t first, std::int32_t last) {
  if (finish.components == 1)
    expand_numbers(graph, routing, slots, finish, first, last);
  else if (finish.components == 2)
    expand_blocks<2>(graph, routing, slots, stride, row_stride, finish, first, last);
  else
    expand_blocks<3>(graph, routing, slots, stride, row_stride, finish, first, last);
}

void expand_batch(NodeGraph const& graph, Routing const& routing, double const* slots, int batch,
                  int components, double* values, std::int32_t first, std::int32_t last) {
  int const B = components;
  Index const n = Index(batch);
  auto const part = [&](std::vector<std::int32_t> const& ptr, Ints const& table,
                        std::int32_t table_first, std::int32_t base) {
    for (std::int32_t i = first; i < last; ++i) {
      std::int32_t const begin = ptr[Index(i)], entries = ptr[Index(i) + 1] - begin;
      RowPlace const place = row_place(begin, entries, base, B);
      for (std::int32_t e = 0; e < entries; ++e) {
        double const* from = slots + Index(table.data()[begin - table_first + e] & slot_mask) * n;
        for (int r = 0; r < B; ++r)
          for (int c = 0; c < B; ++c) {
            double* to = values + (place.at(e, B) + Index(r) * place.row + Index(c)) * n;
            if (r == c)
              std::memcpy(to, from, n * sizeof(double));
            else
              std::memset(to, 0, n * sizeof(double));
          }
      }
    }
  };
  part(graph.diagonal, routing.diagonal_slot, routing.diagonal_first, 0);
  part(graph.off, routing.off_slot, routing.off_first, graph.diagonal.back());
}

} // namespace moho::fem
