// SPDX-License-Identifier: BSD-3-Clause
// Transposes of small blocks in registers. A line of a cache is read and written once, so that
// strides of a power of two, whose lines fall on few places of the first cache, do no harm.
#pragma once
#include "moho/core/kokkos.hpp"
#include <cstdint>
#include <cstring>

namespace moho::nn {

inline constexpr int transpose_block = 8;

#if (defined(__GNUC__) || defined(__clang__)) && !defined(__CUDACC__) && !defined(__HIPCC__)
template <class T>
struct BlockRow {
  typedef T Vector __attribute__((vector_size(transpose_block * sizeof(T))));
};

/// out[j * out_stride + i] = in[i * in_stride + j] for i, j below transpose_block: three rounds of
/// interleaving row r with row r + 4.
template <class T>
inline void transpose_in_registers(T const* in, std::int64_t in_stride, T* out,
                                   std::int64_t out_stride) {
  using Vector = typename BlockRow<T>::Vector;
  Vector a[8], b[8];
  for (int i = 0; i < 8; ++i) std::memcpy(&a[i], in + i * in_stride, sizeof(Vector));
  auto const interleave = [](Vector const* from, Vector* to) __attribute__((always_inline)) {
    for (int r = 0; r < 4; ++r) {
      to[2 * r] = __builtin_shufflevector(from[r], from[r + 4], 0, 8, 1, 9, 2, 10, 3, 11);
      to[2 * r + 1] = __builtin_shufflevector(from[r], from[r + 4], 4, 12, 5, 13, 6, 14, 7, 15);
    }
  };
  interleave(a, b);
  interleave(b, a);
  interleave(a, b);
  for (int j = 0; j < 8; ++j) std::memcpy(out + j * out_stride, &b[j], sizeof(Vector));
}
#else
template <class T>
inline void transpose_in_registers(T const* in, std::int64_t in_stride, T* out,
                                   std::int64_t out_stride) {
  for (int i = 0; i < transpose_block; ++i)
    for (int j = 0; j < transpose_block; ++j) out[j * out_stride + i] = in[i * in_stride + j];
}
#endif

/// out[j * out_stride + i] = in[i * in_stride + j] for i < rows, j < columns.
template <class T>
inline void transpose(std::int64_t rows, std::int64_t columns, T const* in, std::int64_t in_stride,
                      T* out, std::int64_t out_stride) {
  constexpr std::int64_t block = transpose_block;
  std::int64_t const whole_rows = rows / block * block, whole_columns = columns / block * block;
  for (std::int64_t j = 0; j < whole_columns; j += block)
    for (std::int64_t i = 0; i < whole_rows; i += block)
      transpose_in_registers(in + i * in_stride + j, in_stride, out + j * out_stride + i,
                             out_stride);
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = i < whole_rows ? whole_columns : 0; j < columns; ++j)
      out[j * out_stride + i] = in[i * in_stride + j];
}

} // namespace moho::nn
