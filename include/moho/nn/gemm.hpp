// SPDX-License-Identifier: BSD-3-Clause
// Matrix products behind one interface: BLAS on a host, cuBLAS on a CUDA device, plain loops where
// neither was found.
#pragma once
#include "moho/core/kokkos.hpp"
#include <cstdint>
#include <string>

namespace moho::nn {

/// C (m, n) = op(A) (m, k) op(B) (k, n), all row-major: rows of A, B and C as they are stored lie
/// `lda`, `ldb` and `ldc` entries apart. A is stored (k, m) where `transpose_a`, B (n, k) where
/// `transpose_b`.
struct GemmShape {
  std::int64_t m = 0, n = 0, k = 0;
  bool transpose_a = false, transpose_b = false;
  std::int64_t lda = 0, ldb = 0, ldc = 0;
};

/// C = op(A) op(B), added to C where `accumulate`; else C is not read. The same bits on any number
/// of threads. Throws std::logic_error where a leading dimension is smaller than a row. T: float or
/// double.
template <class T>
void gemm(ExecutionSpace const& space, GemmShape const& shape, T const* a, T const* b, T* c,
          bool accumulate = false);

/// `count` products of one shape, whose operands lie `a`, `b` and `c` entries apart; 0: all use the
/// same A or B.
struct GemmBatch {
  std::int64_t count = 1, a = 0, b = 0, c = 0;
};
template <class T>
void gemm_batched(ExecutionSpace const& space, GemmShape const& shape, GemmBatch const& batch,
                  T const* a, T const* b, T* c, bool accumulate = false);

/// Who multiplies: "BLAS", "cuBLAS" or "plain loops".
char const* gemm_library();

/// Threads that the linked BLAS uses; 0 where it cannot be asked (OpenBLAS, MKL and BLIS can).
int blas_threads();
/// Does nothing where the linked BLAS cannot be told.
void set_blas_threads(int threads);

} // namespace moho::nn
