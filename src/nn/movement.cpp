// SPDX-License-Identifier: BSD-3-Clause
#include "moho/nn/movement.hpp"
#include "divider.hpp"
#include "host.hpp"
#include "moho/core/error.hpp"
#include "moho/core/host_copy.hpp"
#include "transpose.hpp"
#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

namespace moho::nn {
namespace {

constexpr int max_axes = 12;

/// A StridedCopy without its axes of extent 1, neighbours joined, the slowest of the output first.
struct Axes {
  int rank = 0;
  std::int64_t n[max_axes] = {}, in[max_axes] = {}, out[max_axes] = {};

  /// Where entry `index`, counted row-major over the first `axes` axes, begins.
  KOKKOS_FUNCTION void offsets(std::int64_t index, int axes, std::int64_t& from,
                               std::int64_t& to) const {
    from = to = 0;
    for (int d = axes - 1; d >= 0; --d) {
      std::int64_t const i = index % n[d];
      index /= n[d];
      from += i * in[d];
      to += i * out[d];
    }
  }
  std::int64_t size(int axes) const {
    std::int64_t product = 1;
    for (int d = 0; d < axes; ++d) product *= n[d];
    return product;
  }
  void erase(int axis) {
    --rank;
    for (int d = axis; d < rank; ++d) {
      n[d] = n[d + 1];
      in[d] = in[d + 1];
      out[d] = out[d + 1];
    }
  }
};

Axes collapse(StridedCopy const& shape) {
  MOHO_REQUIRE(shape.extents.size() <= max_axes &&
               shape.in_strides.size() == shape.extents.size() &&
               shape.out_strides.size() == shape.extents.size());
  Axes axes;
  for (std::size_t d = 0; d < shape.extents.size(); ++d) {
    MOHO_REQUIRE(shape.extents[d] >= 0 && (shape.extents[d] <= 1 || shape.out_strides[d] != 0));
    if (shape.extents[d] == 1) continue;
    int at = axes.rank++; // insertion: the slowest of the output first
    for (; at > 0 && axes.out[at - 1] < shape.out_strides[d]; --at) {
      axes.n[at] = axes.n[at - 1];
      axes.in[at] = axes.in[at - 1];
      axes.out[at] = axes.out[at - 1];
    }
    axes.n[at] = shape.extents[d];
    axes.in[at] = shape.in_strides[d];
    axes.out[at] = shape.out_strides[d];
  }
  for (int d = axes.rank - 1; d > 0; --d)
    if (axes.in[d - 1] == axes.in[d] * axes.n[d] && axes.out[d - 1] == axes.out[d] * axes.n[d]) {
      axes.n[d - 1] *= axes.n[d];
      axes.in[d - 1] = axes.in[d];
      axes.out[d - 1] = axes.out[d];
      axes.erase(d);
    }
  if (axes.rank == 0) {
    axes.rank = 1;
    axes.n[0] = axes.in[0] = axes.out[0] = 1;
  }
  return axes;
}

template <class T>
void copy_row(std::int64_t n, T const* in, std::int64_t in_stride, T* out,
              std::int64_t out_stride) {
  if (in_stride == 1 && out_stride == 1)
    std::memcpy(out, in, static_cast<std::size_t>(n) * sizeof(T));
  else if (out_stride == 1)
    for (std::int64_t i = 0; i < n; ++i) out[i] = in[i * in_stride];
  else
    for (std::int64_t i = 0; i < n; ++i) out[i * out_stride] = in[i * in_stride];
}

/// Rows along the output's fastest axis. The axis before it is a plain loop, so that short rows
/// cost no division each.
template <class T>
void copy_rows(ExecutionSpace const& space, Axes const& axes, T const* in, T* out) {
  constexpr std::int64_t row_entries = 4096; // a task: small enough to share out, worth its start
  int const last = axes.rank - 1, outer_axes = std::max(last - 1, 0);
  std::int64_t const n = axes.n[last], in_step = axes.in[last], out_step = axes.out[last];
  std::int64_t const rows = last > 0 ? axes.n[last - 1] : 1;
  std::int64_t const in_row = last > 0 ? axes.in[last - 1] : 0,
                     out_row = last > 0 ? axes.out[last - 1] : 0;
  std::int64_t const block = std::max<std::int64_t>(1, row_entries / n);
  std::int64_t const blocks = ceil_divide(rows, block);
  // A single row is shared out in pieces.
  bool const single = last == 0;
  std::int64_t const piece = 8 * row_entries;
  std::int64_t const tasks = single ? ceil_divide(n, piece) : axes.size(outer_axes) * blocks;
  Kokkos::parallel_for("moho::nn::copy_rows", Kokkos::RangePolicy<ExecutionSpace>(space, 0, tasks),
                       [=](std::int64_t t) {
                         if (single) {
                           std::int64_t const first = t * piece;
                           copy_row(std::min(piece, n - first), in + first * in_step, in_step,
                                    out + first * out_step, out_step);
                           return;
                         }
                         std::int64_t from, to;
                         axes.offsets(t / blocks, outer_axes, from, to);
                         std::int64_t const first = t % blocks * block;
                         std::int64_t const end = std::min(rows, first + block);
                         for (std::int64_t r = first; r < end; ++r)
                           copy_row(n, in + from + r * in_row, in_step, out + to + r * out_row,
                                    out_step);
                       });
}

/// The input's unit stride lies along axis `t`, the output's along the last.
template <class T>
void copy_transposed(ExecutionSpace const& space, Axes axes, int t, T const* in, T* out) {
  constexpr std::int64_t tile = 64; // both sides of a tile stay in the first cache
  int const last = axes.rank - 1;
  std::int64_t const rows = axes.n[last], columns = axes.n[t];
  std::int64_t const in_stride = axes.in[last], out_stride = axes.out[t];
  axes.erase(last);
  axes.erase(t);
  std::int64_t const row_tiles = ceil_divide(rows, tile), column_tiles = ceil_divide(columns, tile);
  std::int64_t const tiles = row_tiles * column_tiles;
  Kokkos::parallel_for("moho::nn::copy_transposed",
                       Kokkos::RangePolicy<ExecutionSpace>(space, 0, axes.size(axes.rank) * tiles),
                       [=](std::int64_t task) {
                         std::int64_t from, to;
                         axes.offsets(task / tiles, axes.rank, from, to);
                         std::int64_t const i = task % tiles / column_tiles * tile,
                                            j = task % column_tiles * tile;
                         transpose(std::min(tile, rows - i), std::min(tile, columns - j),
                                   in + from + i * in_stride + j, in_stride,
                                   out + to + j * out_stride + i, out_stride);
                       });
}

template <class T>
void copy_on_host(ExecutionSpace const& space, Axes const& axes, T const* in, T* out) {
  int const last = axes.rank - 1;
  int t = last;
  if (axes.out[last] == 1 && axes.in[last] != 1 && axes.n[last] >= 4)
    for (int d = 0; d < last; ++d)
      if (axes.in[d] == 1 && axes.n[d] >= 4) t = d;
  if (t < last)
    copy_transposed(space, axes, t, in, out);
  else
    copy_rows(space, axes, in, out);
}

/// A thread per entry of the output.
template <class T>
struct EntryCopy {
  Axes axes;
  T const* in;
  T* out;
  KOKKOS_FUNCTION void operator()(std::int64_t index) const {
    std::int64_t from, to;
    axes.offsets(index, axes.rank, from, to);
    out[to] = in[from];
  }
};

/// The same for arrays whose entries 31 bits can count.
template <class T>
struct SmallEntryCopy {
  int rank;
  Divider n[max_axes];
  std::int32_t in_stride[max_axes], out_stride[max_axes];
  T const* in;
  T* out;

  SmallEntryCopy(Axes const& axes, T const* in_, T* out_) : rank(axes.rank), in(in_), out(out_) {
    for (int d = 0; d < rank; ++d) {
      n[d] = Divider(static_cast<std::uint32_t>(axes.n[d]));
      in_stride[d] = static_cast<std::int32_t>(axes.in[d]);
      out_stride[d] = static_cast<std::int32_t>(axes.out[d]);
    }
  }
  KOKKOS_FUNCTION void operator()(std::uint32_t index) const {
    std::int32_t from = 0, to = 0;
    for (int d = rank - 1; d >= 0; --d) {
      std::uint32_t rest = index; // the slowest axis needs no division
      if (d > 0) n[d].divide(index, index, rest);
      from += static_cast<std::int32_t>(rest) * in_stride[d];
      to += static_cast<std::int32_t>(rest) * out_stride[d];
    }
    out[to] = in[from];
  }
};

template <class T>
void copy_entries(ExecutionSpace const& space, Axes const& axes, T const* in, T* out) {
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
  static const std::string label = "moho::nn::copy";
  std::int64_t const size = axes.size(axes.rank);
  std::int64_t in_reach = 0, out_reach = 0;
  for (int d = 0; d < axes.rank; ++d) {
    in_reach += (axes.n[d] - 1) * axes.in[d];
    out_reach += (axes.n[d] - 1) * axes.out[d];
  }
  if (std::max({size, in_reach, out_reach}) <= most)
    Kokkos::parallel_for(label,
                         Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<std::uint32_t>>(
                             space, 0, static_cast<std::uint32_t>(size)),
                         SmallEntryCopy<T>(axes, in, out));
  else
    Kokkos::parallel_for(
        label, Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<std::int64_t>>(space, 0, size),
        EntryCopy<T>{axes, in, out});
}

template <class T>
void gather_on_host(ExecutionSpace const& space, std::int64_t const* index, std::int64_t rows,
                    std::int64_t length, T const* in, T* out) {
  Kokkos::parallel_for("moho::nn::gather_rows", Kokkos::RangePolicy<ExecutionSpace>(space, 0, rows),
                       [=](std::int64_t m) {
                         T const* const from = in + index[m] * length;
                         T* const to = out + m * length;
                         for (std::int64_t j = 0; j < length; ++j) to[j] = from[j];
                       });
}

template <class T>
void gather_entries(ExecutionSpace const& space, std::int64_t const* index, std::int64_t rows,
                    std::int64_t length, T const* in, T* out) {
  Kokkos::parallel_for(
      "moho::nn::gather_rows", Kokkos::RangePolicy<ExecutionSpace>(space, 0, rows * length),
      KOKKOS_LAMBDA(std::int64_t i) { out[i] = in[index[i / length] * length + i % length]; });
}

template <class T>
void scatter_on_host(ExecutionSpace const& space, std::int64_t rows, std::int64_t const* begin,
                     std::int64_t const* positions, std::int64_t length, T const* in, T* out) {
  Kokkos::parallel_for("moho::nn::scatter_add_rows",
                       Kokkos::RangePolicy<ExecutionSpace>(space, 0, rows), [=](std::int64_t i) {
                         T* const to = out + i * length;
                         for (std::int64_t j = 0; j < length; ++j) to[j] = 0;
                         for (std::int64_t p = begin[i]; p < begin[i + 1]; ++p) {
                           T const* const from = in + positions[p] * length;
                           for (std::int64_t j = 0; j < length; ++j) to[j] += from[j];
                         }
                       });
}

template <class T>
void scatter_entries(ExecutionSpace const& space, std::int64_t rows, std::int64_t const* begin,
                     std::int64_t const* positions, std::int64_t length, T const* in, T* out) {
  Kokkos::parallel_for(
      "moho::nn::scatter_add_rows", Kokkos::RangePolicy<ExecutionSpace>(space, 0, rows * length),
      KOKKOS_LAMBDA(std::int64_t at) {
        std::int64_t const i = at / length, j = at % length;
        T sum = 0;
        for (std::int64_t p = begin[i]; p < begin[i + 1]; ++p) sum += in[positions[p] * length + j];
        out[at] = sum;
      });
}

} // namespace

template <class T>
void copy(ExecutionSpace const& space, StridedCopy const& shape, T const* in, T* out) {
  Axes const axes = collapse(shape);
  if (axes.size(axes.rank) == 0) return;
  if constexpr (on_host)
    copy_on_host(space, axes, in, out);
  else
    copy_entries(space, axes, in, out);
}

template <class T>
void fill(ExecutionSpace const& space, T value, T* out, std::int64_t n) {
  Kokkos::parallel_for(
      "moho::nn::fill", Kokkos::RangePolicy<ExecutionSpace>(space, 0, n),
      KOKKOS_LAMBDA(std::int64_t i) { out[i] = value; });
}

template <class T>
void gather_rows(ExecutionSpace const& space, Kokkos::View<std::int64_t const*, MemorySpace> index,
                 std::int64_t length, T const* in, T* out) {
  auto const rows = static_cast<std::int64_t>(index.extent(0));
  if constexpr (on_host)
    gather_on_host(space, index.data(), rows, length, in, out);
  else
    gather_entries(space, index.data(), rows, length, in, out);
}

Segments segments(std::vector<std::int64_t> const& index, std::int64_t rows) {
  std::vector<std::int64_t> begin(static_cast<std::size_t>(rows) + 1), positions(index.size());
  for (std::size_t m = 0; m < index.size(); ++m) {
    if (index[m] < 0 || index[m] >= rows)
      throw Error("an index names no row (position " + std::to_string(m) + " holds " +
                  std::to_string(index[m]) + ", the rows are 0 to " + std::to_string(rows - 1) +
                  ") correct the index");
    ++begin[static_cast<std::size_t>(index[m]) + 1];
  }
  for (std::size_t i = 1; i < begin.size(); ++i) begin[i] += begin[i - 1];
  std::vector<std::int64_t> next(begin);
  for (std::size_t m = 0; m < index.size(); ++m)
    positions[static_cast<std::size_t>(next[static_cast<std::size_t>(index[m])]++)] =
        static_cast<std::int64_t>(m);
  return {to_device("moho::nn::segment_begin", begin),
          to_device("moho::nn::segment_positions", positions)};
}

template <class T>
void scatter_add_rows(ExecutionSpace const& space, Segments const& segments, std::int64_t length,
                      T const* in, T* out) {
  auto const rows = static_cast<std::int64_t>(segments.begin.extent(0)) - 1;
  std::int64_t const* const begin = segments.begin.data();
  std::int64_t const* const positions = segments.positions.data();
  if constexpr (on_host)
    scatter_on_host(space, rows, begin, positions, length, in, out);
  else
    scatter_entries(space, rows, begin, positions, length, in, out);
}

#define MOHO_INSTANTIATE(T)                                                                        \
  template void copy(ExecutionSpace const&, StridedCopy const&, T const*, T*);                     \
  template void fill(ExecutionSpace const&, T, T*, std::int64_t);                                  \
  template void gather_rows(ExecutionSpace const&, Kokkos::View<std::int64_t const*, MemorySpace>, \
                            std::int64_t, T const*, T*);                                           \
  template void scatter_add_rows(ExecutionSpace const&, Segments const&, std::int64_t, T const*,   \
                                 T*);
MOHO_INSTANTIATE(float)
MOHO_INSTANTIATE(double)
#undef MOHO_INSTANTIATE

} // namespace moho::nn
