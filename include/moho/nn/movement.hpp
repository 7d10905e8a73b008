// SPDX-License-Identifier: BSD-3-Clause
// Copies that change the layout of an array.
#pragma once
#include "moho/core/kokkos.hpp"
#include <cstdint>
#include <vector>

namespace moho::nn {

/// out[sum i_d out_strides_d] = in[sum i_d in_strides_d] for all i below `extents`.
struct StridedCopy {
  std::vector<std::int64_t> extents, in_strides, out_strides;
};
template <class T>
void copy(ExecutionSpace const& space, StridedCopy const& shape, T const* in, T* out);

template <class T>
void fill(ExecutionSpace const& space, T value, T* out, std::int64_t n);

/// out[m, :] = in[index[m], :], rows of `length` entries.
template <class T>
void gather_rows(ExecutionSpace const& space, Kokkos::View<std::int64_t const*, MemorySpace> index,
                 std::int64_t length, T const* in, T* out);

/// Which positions m of an index have the value i: positions[begin[i] .. begin[i+1]), ascending.
struct Segments {
  Kokkos::View<std::int64_t*, MemorySpace> begin, positions;
};
/// Throws moho::Error that names the position of an index outside 0 .. rows-1.
Segments segments(std::vector<std::int64_t> const& index, std::int64_t rows);

/// out[i, :] = sum of in[m, :] over the positions m of i, in ascending order.
template <class T>
void scatter_add_rows(ExecutionSpace const& space, Segments const& segments, std::int64_t length,
                      T const* in, T* out);

} // namespace moho::nn
