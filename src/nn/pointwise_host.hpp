// SPDX-License-Identifier: BSD-3-Clause
// The interpreter of a plan on a host: a step is one vector loop over a block.
#pragma once
#include "host.hpp"
#include "moho/core/error.hpp"
#include "pointwise_apply.hpp"
#include <algorithm>
#include <utility>

// Entries of a step do not depend on each other, even where an output lies on an input.
#if defined(__GNUC__) && !defined(__clang__) && !defined(__CUDACC__)
#define MOHO_INDEPENDENT _Pragma("GCC ivdep")
#else
#define MOHO_INDEPENDENT
#endif

namespace moho::nn::detail {

template <class T>
using Loop = void (*)(std::int64_t n, T const* a, T const* b, T const* c, T value, T* out);

template <int code, class T>
void loop(std::int64_t n, T const* a, T const* b, T const* c, T value, T* out) {
  MOHO_INDEPENDENT
  for (std::int64_t i = 0; i < n; ++i) out[i] = apply<code>(a[i], b[i], c[i], value);
}
template <class T, int... code>
constexpr std::array<Loop<T>, sizeof...(code)> loops(std::integer_sequence<int, code...>) {
  return {loop<first_code + code, T>...};
}
template <class T>
inline constexpr auto loop_of =
    loops<T>(std::make_integer_sequence<int, end_code - first_code>()); ///< of code - first_code

// ---- strided arrays to buffers and back ---------------------------------------------------------

/// to[i * to_stride] = from[i * from_stride]
template <class T>
void copy_row(std::int64_t n, T const* from, std::int64_t from_stride, T* to,
              std::int64_t to_stride) {
  if (to_stride == 1 && from_stride == 0)
    std::fill_n(to, n, *from);
  else if (to_stride == 1 && from_stride == 1)
    std::copy_n(from, n, to);
  else
    for (std::int64_t i = 0; i < n; ++i) to[i * to_stride] = from[i * from_stride];
}

/// Rows of `length` entries, of any strides.
struct Rows {
  std::int64_t rows, length, from_down, from_along, to_down, to_along;
};
template <int length, class T>
void copy_short_rows(Rows const& r, T const* from, T* to) {
  for (std::int64_t i = 0; i < r.rows; ++i, from += r.from_down, to += r.to_down)
    for (int j = 0; j < length; ++j) to[j * r.to_along] = from[j * r.from_along];
}
template <class T>
void copy_rows(Rows const& r, T const* from, T* to) {
  switch (r.length) {
  case 2:
    return copy_short_rows<2>(r, from, to);
  case 3:
    return copy_short_rows<3>(r, from, to);
  case 4:
    return copy_short_rows<4>(r, from, to);
  case 5:
    return copy_short_rows<5>(r, from, to);
  case 6:
    return copy_short_rows<6>(r, from, to);
  default:
    break;
  }
  if (r.length >= 16 || r.length > r.rows)
    for (std::int64_t i = 0; i < r.rows; ++i)
      copy_row(r.length, from + i * r.from_down, r.from_along, to + i * r.to_down, r.to_along);
  else // short rows: the other way round
    for (std::int64_t j = 0; j < r.length; ++j)
      copy_row(r.rows, from + j * r.from_along, r.from_down, to + j * r.to_along, r.to_down);
}

/// Copies what a block holds of an array, the array's part strided, the buffer's contiguous.
template <bool to_buffer, class T>
void copy_block(BlockArray const& array, std::int64_t steps,
                std::conditional_t<to_buffer, T const, T>* strided,
                std::conditional_t<to_buffer, T, T const>* buffer) {
  auto copy = [](std::int64_t rows, std::int64_t length, auto* s, std::int64_t down,
                 std::int64_t along, auto* b) {
    if constexpr (to_buffer)
      copy_rows<T>({rows, length, down, along, length, 1}, s, b);
    else
      copy_rows<T>({rows, length, length, 1, down, along}, b, s);
  };
  Strides extent = array.extent;
  if (array.leads) extent[0] *= steps;
  if (array.axes == 0) return copy(1, 1, strided, 1, 1, buffer);
  auto const last = static_cast<std::size_t>(array.axes - 1);
  std::int64_t const length = extent[last], along = array.stride[last];
  if (last == 0) return copy(1, length, strided, 0, along, buffer);
  std::size_t const before = last - 1;
  std::int64_t const rows = extent[before];
  Strides index{};
  for (;;) {
    auto* s = strided;
    for (std::size_t d = 0; d < before; ++d) s += index[d] * array.stride[d];
    copy(rows, length, s, array.stride[before], along, buffer);
    buffer += rows * length;
    std::size_t d = before;
    while (d > 0 && ++index[d - 1] == extent[d - 1]) index[--d] = 0;
    if (d == 0) return;
  }
}

// ---- blocks -------------------------------------------------------------------------------------

/// Works on blocks first .. end-1.
template <class T>
class BlockRun {
public:
  BlockRun(Plan const& plan, Steps const& steps, T const* const* in, T* const* out)
      : _plan(plan), _steps(steps), _in(in), _out(out) {}

  void operator()(std::int64_t first, std::int64_t end) const {
    alignas(64) T scratch[scratch_bytes / sizeof(T)];
    constexpr std::size_t most_slots =
        max_loads + max_stores + max_loads + max_instructions + max_stores;
    T* slots[most_slots];
    int const loads = static_cast<int>(_plan.loads.size());
    int const stores = static_cast<int>(_plan.stores.size());
    for (int b = 0; b < _steps.buffers; ++b) slots[loads + stores + b] = scratch + b * _plan.pitch;
    for (std::int64_t block = first, outer = -1; block < end; ++block) {
      std::int64_t const now = block / _plan.blocks.pieces;
      run_block(block, block == first, now != outer, slots);
      outer = now;
    }
  }

private:
  Plan const& _plan;
  Steps const& _steps;
  T const* const* _in;
  T* const* _out;

  /// Where a block begins in an array.
  std::int64_t offset(BlockArray const& array, Strides const& index, std::int64_t row) const {
    std::int64_t at = row * array.step;
    for (int d = 0; d < _plan.blocks.axis; ++d)
      at += index[static_cast<std::size_t>(d)] * array.outer[static_cast<std::size_t>(d)];
    return at;
  }

  void run_block(std::int64_t block, bool first, bool new_outer, T** slots) const {
    Blocks const& blocks = _plan.blocks;
    std::int64_t rest = block / blocks.pieces;
    std::int64_t const row = (block - rest * blocks.pieces) * blocks.steps;
    auto const axis = static_cast<std::size_t>(blocks.axis);
    std::int64_t const steps = std::min(blocks.steps, _plan.grid.extents[axis] - row);
    std::int64_t const n = steps * blocks.length;
    Strides index{};
    for (std::size_t d = axis; d-- > 0;) {
      std::int64_t const next = rest / _plan.grid.extents[d];
      index[d] = rest - next * _plan.grid.extents[d];
      rest = next;
    }
    std::size_t const loads = _plan.loads.size();
    for (std::size_t l = 0; l < loads; ++l) // in place; what is not is never read through this
      slots[l] = const_cast<T*>(_in[l]) + offset(_plan.loads[l], index, row);
    for (std::size_t j = 0; j < _plan.stores.size(); ++j)
      slots[loads + j] = _out[j] + offset(_plan.stores[j], index, row);
    for (Step const& step : _steps.steps) {
      if (step.kind == Step::Kind::compute) {
        loop_of<T>[static_cast<std::size_t>(step.code - first_code)](
            n, slots[step.a], slots[step.b], slots[step.c], static_cast<T>(step.value),
            slots[step.out]);
      } else if (step.kind == Step::Kind::load) {
        using Refill = BlockArray::Refill;
        bool const needed =
            step.refill == Refill::block || first || (step.refill == Refill::outer && new_outer);
        if (needed) // one that outlives the block is filled to a whole block's length
          copy_block<true, T>(_plan.loads[static_cast<std::size_t>(step.array)],
                              step.refill == Refill::block ? steps : blocks.steps,
                              slots[step.array], slots[step.out]);
      } else {
        copy_block<false, T>(_plan.stores[static_cast<std::size_t>(step.array)], steps,
                             slots[loads + static_cast<std::size_t>(step.array)], slots[step.a]);
      }
    }
  }
};

/// An output lies on an input that is still needed after it is written.
template <class T>
bool in_conflict(Plan const& plan, T const* const* in, T* const* out) {
  return std::any_of(plan.conflicts.begin(), plan.conflicts.end(),
                     [&](auto const pair) { return in[pair.load] == out[pair.store]; });
}

template <class T>
void run_on_host(ExecutionSpace const& space, Plan const& plan, T const* const* in, T* const* out) {
  Steps const& steps = in_conflict(plan, in, out) ? plan.deferred : plan.direct;
  BlockRun<T> const work(plan, steps, in, out);
  std::int64_t const count = plan.blocks.count();
  std::int64_t const parts = std::min<std::int64_t>(space.concurrency(), ceil_divide(count, 4));
  if (parts <= 1) return work(0, count);
  Kokkos::parallel_for(
      "moho::nn::pointwise",
      Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<std::int64_t>>(space, 0, parts),
      [work, count, parts](std::int64_t part) {
        work(part * count / parts, (part + 1) * count / parts);
      });
}

} // namespace moho::nn::detail
