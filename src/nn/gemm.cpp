// SPDX-License-Identifier: BSD-3-Clause
#include "moho/nn/gemm.hpp"
#include "host.hpp"
#include "moho/core/error.hpp"
#include "products.hpp"

namespace moho::nn {
namespace {

Product product_of(GemmShape const& s) {
  MOHO_REQUIRE(s.m >= 0 && s.n >= 0 && s.k >= 0);
  MOHO_REQUIRE(s.lda >= (s.transpose_a ? s.m : s.k) && s.ldb >= (s.transpose_b ? s.k : s.n) &&
               s.ldc >= s.n);
  Product p{s.m, s.n, s.k};
  p.a_row = s.transpose_a ? 1 : s.lda;
  p.a_sum = s.transpose_a ? s.lda : 1;
  p.b_sum = s.transpose_b ? 1 : s.ldb;
  p.b_column = s.transpose_b ? s.ldb : 1;
  p.c_row = s.ldc;
  p.c_column = 1;
  return p;
}

} // namespace

template <class T>
void gemm_batched(ExecutionSpace const& space, GemmShape const& shape, GemmBatch const& batch,
                  T const* a, T const* b, T* c, bool accumulate) {
  Products products;
  products.product = product_of(shape);
  MOHO_REQUIRE(batch.count >= 0 && (batch.count <= 1 || batch.c != 0));
  if (shape.m == 0 || shape.n == 0 || batch.count == 0) return;
  // Without scratch, a long sum is not shared out among threads.
  products.sum_panels = false;
  if (batch.count > 1) {
    products.item_loops = 1;
    products.items[0] = {batch.count, batch.a, batch.b, batch.c};
  }
  run<T>(space, products, a, b, c, nullptr, accumulate);
}

template <class T>
void gemm(ExecutionSpace const& space, GemmShape const& shape, T const* a, T const* b, T* c,
          bool accumulate) {
  gemm_batched(space, shape, GemmBatch{}, a, b, c, accumulate);
}

#define MOHO_INSTANTIATE(T)                                                                        \
  template void gemm(ExecutionSpace const&, GemmShape const&, T const*, T const*, T*, bool);       \
  template void gemm_batched(ExecutionSpace const&, GemmShape const&, GemmBatch const&, T const*,  \
                             T const*, T*, bool);
MOHO_INSTANTIATE(float)
MOHO_INSTANTIATE(double)
#undef MOHO_INSTANTIATE

char const* gemm_library() {
  if constexpr (on_host) {
#ifdef MOHO_NN_BLAS
    return "BLAS";
#else
    return "plain loops";
#endif
  } else {
#if defined(KOKKOS_ENABLE_CUDA) && defined(MOHO_NN_CUBLAS)
    return "cuBLAS";
#else
    return "plain loops";
#endif
  }
}

} // namespace moho::nn
