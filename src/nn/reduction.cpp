// SPDX-License-Identifier: BSD-3-Clause
// Sums over a middle axis. On a host: pairwise over rows of a few cache lines, in an order that
// depends on the shape alone.
#include "host.hpp"
#include "moho/nn/pointwise.hpp"
#include "reduction_device.hpp"
#include <algorithm>

namespace moho::nn {
namespace detail {

using Index = std::int64_t;
constexpr Index leaf_rows = 16, tile = 256, narrow = 64, most_parts = 64;

/// How a sum is worked on. Where `inner` is small, `group` successive rows (a power of 2) make one
/// long row. A long sum is cut into parts, for threads.
struct Sum {
  Index outer, reduced, inner;
  Index group = 1, rows, tiles, parts = 1, part_rows;

  Sum(Index outer_, Index reduced_, Index inner_)
      : outer(outer_), reduced(reduced_), inner(inner_) {
    while (group * inner < narrow && 2 * group <= reduced) group *= 2;
    rows = reduced / group;
    tiles = ceil_divide(inner, tile);
    Index const columns = outer * tiles, entries = reduced * std::min(inner, tile);
    if (columns < most_parts) parts = std::clamp<Index>(entries / 16384, 1, most_parts / columns);
    part_rows = ceil_divide(ceil_divide(rows, parts), leaf_rows) * leaf_rows;
    parts = ceil_divide(rows, part_rows);
  }
  Index columns() const { return outer * tiles; }
  Index first(Index column) const { return column % tiles * tile; }
  Index width(Index column) const {
    return group > 1 ? group * inner : std::min(tile, inner - first(column));
  }
  Index begin(Index column) const { return column / tiles * reduced * inner + first(column); }
};

} // namespace detail

namespace {

using namespace detail;

template <class T>
void add_row(T const* __restrict__ row, Index width, T* __restrict__ out) {
  for (Index i = 0; i < width; ++i) out[i] += row[i];
}

template <class T>
void sum_leaf(T const* in, Index stride, Index rows, Index width, T* __restrict__ out) {
  if (rows < leaf_rows) {
    std::copy_n(in, width, out);
    for (Index r = 1; r < rows; ++r) add_row(in + r * stride, width, out);
    return;
  }
  T const *a = in, *b = in + 4 * stride, *c = b + 4 * stride, *d = c + 4 * stride;
  Index const two = 2 * stride, three = 3 * stride;
  for (Index i = 0; i < width; ++i)
    out[i] = (((a[i] + a[i + stride]) + (a[i + two] + a[i + three])) +
              ((b[i] + b[i + stride]) + (b[i + two] + b[i + three]))) +
             (((c[i] + c[i + stride]) + (c[i + two] + c[i + three])) +
              ((d[i] + d[i + stride]) + (d[i + two] + d[i + three])));
}

/// out[i] = sum over r of in[r * stride + i]; i below width <= tile.
template <class T>
void sum_rows(T const* in, Index stride, Index rows, Index width, T* out) {
  if (rows <= leaf_rows) return sum_leaf(in, stride, rows, width, out);
  Index first = leaf_rows;
  while (2 * first < rows) first *= 2;
  T rest[tile];
  sum_rows(in, stride, first, width, out);
  sum_rows(in + first * stride, stride, rows - first, width, rest);
  add_row(rest, width, out);
}

template <class T>
void sum_part(Sum const& s, T const* in, Index column, Index part, T* out) {
  Index const row = part * s.part_rows, stride = s.group * s.inner;
  sum_rows(in + s.begin(column) + row * stride, stride, std::min(s.part_rows, s.rows - row),
           s.width(column), out);
}

/// `sums`: those of the parts, overwritten.
template <class T>
void finish(Sum const& s, T const* in, Index column, T* sums, T* out) {
  T total[tile];
  Index width = s.width(column);
  sum_rows(sums, tile, s.parts, width, total);
  Index const rest = (s.reduced - s.rows * s.group) * s.inner; // less than a long row
  T const* tail = in + s.begin(column) + s.rows * s.group * s.inner;
  add_row(tail, rest, total);
  for (Index rows = s.group; rows > 1; rows /= 2) {
    width /= 2;
    add_row(total + width, width, total);
  }
  std::copy_n(total, width, out + column / s.tiles * s.inner + s.first(column));
}

/// Few entries per sum: one after the other.
template <class T>
void sum_short(Index first, Index end, Index reduced, Index inner, T const* in, T* out) {
  for (Index o = first; o < end; ++o)
    for (Index i = 0; i < inner; ++i) {
      T const* p = in + o * reduced * inner + i;
      T sum = p[0];
      for (Index r = 1; r < reduced; ++r) sum += p[r * inner];
      out[o * inner + i] = sum;
    }
}

/// Calls body(first, end) for ranges of 0 .. n-1, in parallel where that is worth it.
template <class Body>
void in_ranges(ExecutionSpace const& space, Index n, Index entries, Body const& body) {
  Index const parts = std::min({Index(space.concurrency()), n, ceil_divide(entries, 16384)});
  if (parts <= 1) return body(0, n);
  Kokkos::parallel_for(
      "moho::nn::sum_middle",
      Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<Index>>(space, 0, parts),
      [body, n, parts](Index part) { body(part * n / parts, (part + 1) * n / parts); });
}

template <class T>
void sum_on_host(ExecutionSpace const& space, T const* in, T* out, Index outer, Index reduced,
                 Index inner) {
  Index const entries = outer * reduced * inner;
  if (reduced * inner < leaf_rows)
    return in_ranges(space, outer, entries, [=](Index first, Index end) {
      sum_short(first, end, reduced, inner, in, out);
    });
  Sum const s(outer, reduced, inner);
  if (s.parts == 1)
    return in_ranges(space, s.columns(), entries, [=](Index first, Index end) {
      T sums[tile];
      for (Index column = first; column < end; ++column) {
        sum_part(s, in, column, 0, sums);
        finish(s, in, column, sums, out);
      }
    });
  T sums[most_parts * tile];
  T* const begin = sums;
  in_ranges(space, s.columns() * s.parts, entries, [=](Index first, Index end) {
    for (Index k = first; k < end; ++k) sum_part(s, in, k / s.parts, k % s.parts, begin + k * tile);
  });
  for (Index column = 0; column < s.columns(); ++column)
    finish(s, in, column, sums + column * s.parts * tile, out);
}

} // namespace

std::int64_t sum_scratch(std::int64_t outer, std::int64_t reduced, std::int64_t inner) {
  return on_host ? 0 : detail::TeamSplit(outer, reduced, inner).scratch();
}

template <class T>
void sum_middle(ExecutionSpace const& space, T const* in, T* out, std::int64_t outer,
                std::int64_t reduced, std::int64_t inner, [[maybe_unused]] T* scratch) {
  if constexpr (on_host)
    sum_on_host(space, in, out, outer, reduced, inner);
  else
    detail::sum_on_device(space, detail::TeamSplit(outer, reduced, inner), in, out, scratch);
}

template void sum_middle(ExecutionSpace const&, float const*, float*, std::int64_t, std::int64_t,
                         std::int64_t, float*);
template void sum_middle(ExecutionSpace const&, double const*, double*, std::int64_t, std::int64_t,
                         std::int64_t, double*);

} // namespace moho::nn
