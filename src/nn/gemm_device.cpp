// SPDX-License-Identifier: BSD-3-Clause
// Matrix products on a device: cuBLAS, or a thread per entry of C where it cannot help.
#include "host.hpp"
#include "moho/core/error.hpp"
#include "products.hpp"
#include <string>
#include <type_traits>
#include <utility>
#if defined(KOKKOS_ENABLE_CUDA) && defined(MOHO_NN_CUBLAS)
#include <cublas_v2.h>
#endif

namespace moho::nn {
namespace {

/// A thread per entry of C.
template <class T>
void run_plainly(ExecutionSpace const& space, Products const& products, T const* a, T const* b,
                 T* c, bool accumulate) {
  Products const all = products; // captured whole
  std::int64_t const entries = all.product.m * all.product.n;
  std::int64_t const passes = all.sum_count();
  Kokkos::parallel_for(
      "moho::nn::plain_products",
      sent_with_launch(Kokkos::RangePolicy<ExecutionSpace>(space, 0, all.item_count() * entries)),
      KOKKOS_LAMBDA(std::int64_t index) {
        Product const& p = all.product;
        std::int64_t const i = index % entries / p.n, j = index % p.n;
        Offsets const at = offsets(all.items, all.item_loops, index / entries);
        T const* const left = a + at.a + i * p.a_row;
        T const* const right = b + at.b + j * p.b_column;
        T* const out = c + at.c + i * p.c_row + j * p.c_column;
        T sum = accumulate ? *out : T(0);
        for (std::int64_t pass = 0; pass < passes; ++pass) {
          Offsets const step = offsets(all.sums, all.sum_loops, pass);
          for (std::int64_t s = 0; s < p.k; ++s)
            sum += left[step.a + s * p.a_sum] * right[step.b + s * p.b_sum];
        }
        *out = sum;
      });
}

#if defined(KOKKOS_ENABLE_CUDA) && defined(MOHO_NN_CUBLAS)
void check(cublasStatus_t status) {
  if (status != CUBLAS_STATUS_SUCCESS)
    throw Error("cuBLAS refused a matrix product (status " + std::to_string(status) +
                ") see whether the device has memory left");
}

/// The process's handle; it goes when Kokkos is finalized.
cublasHandle_t handle() {
  static cublasHandle_t const the_handle = [] {
    cublasHandle_t made;
    check(cublasCreate(&made));
    Kokkos::push_finalize_hook([made] { cublasDestroy(made); });
    return made;
  }();
  return the_handle;
}

/// cuBLAS gives up its workspace when it is told a stream, even the one that it has.
void use_stream_of(ExecutionSpace const& space) {
  cudaStream_t now = nullptr;
  check(cublasGetStream(handle(), &now));
  if (now != space.cuda_stream()) check(cublasSetStream(handle(), space.cuda_stream()));
}

struct BatchSteps {
  long long a, b, c;
  int count;
};

template <class T>
void call_cublas(Product const& p, BatchSteps const& batch, T const* a, T const* b, T* c,
                 bool accumulate) {
  // cuBLAS is column-major: it is given C^T = B^T A^T.
  Stored const left = stored(p.k, p.n, p.b_sum, p.b_column),
               right = stored(p.m, p.k, p.a_row, p.a_sum),
               out = stored(p.m, p.n, p.c_row, p.c_column);
  auto const form = [](Stored const& s) { return s.transposed ? CUBLAS_OP_T : CUBLAS_OP_N; };
  auto const size = [](std::int64_t n) { return static_cast<int>(n); };
  T const one = 1, beta = accumulate ? 1 : 0;
  if constexpr (std::is_same_v<T, float>)
    check(cublasSgemmStridedBatched(handle(), form(left), form(right), size(p.n), size(p.m),
                                    size(p.k), &one, b, size(left.lead), batch.b, a,
                                    size(right.lead), batch.a, &beta, c, size(out.lead), batch.c,
                                    batch.count));
  else
    check(cublasDgemmStridedBatched(handle(), form(left), form(right), size(p.n), size(p.m),
                                    size(p.k), &one, b, size(left.lead), batch.b, a,
                                    size(right.lead), batch.a, &beta, c, size(out.lead), batch.c,
                                    batch.count));
}

/// The longest loop over items becomes cuBLAS' batch, the others stay loops.
template <class T>
void run_cublas(ExecutionSpace const& space, Products const& products, T const* a, T const* b, T* c,
                bool accumulate) {
  use_stream_of(space);
  Products rest = products;
  Loop batch;
  int longest = -1;
  for (int d = 0; d < rest.item_loops; ++d)
    if (rest.items[d].extent > batch.extent && rest.items[d].extent <= 65535 * 1024) {
      longest = d;
      batch = rest.items[d];
    }
  if (longest >= 0) rest.items[longest] = Loop{};
  BatchSteps const steps{batch.a, batch.b, batch.c, static_cast<int>(batch.extent)};
  std::int64_t const items = rest.item_count(), passes = rest.sum_count();
  for (std::int64_t item = 0; item < items; ++item) {
    Offsets const at = offsets(rest.items, rest.item_loops, item);
    for (std::int64_t pass = 0; pass < passes; ++pass) {
      Offsets const step = offsets(rest.sums, rest.sum_loops, pass);
      call_cublas(rest.product, steps, a + at.a + step.a, b + at.b + step.b, c + at.c,
                  accumulate || pass > 0);
    }
  }
}
#endif

} // namespace

template <class T>
void run_on_device(ExecutionSpace const& space, Products const& products, T const* a, T const* b,
                   T* c, bool accumulate) {
  Product const& p = products.product;
  bool const turn = is_turned(p);
  if (turn) {
    Products turned = products;
    turned.product = transposed(p);
    for (Loop& loop : turned.items) std::swap(loop.a, loop.b);
    for (Loop& loop : turned.sums) std::swap(loop.a, loop.b);
    return run_on_device(space, turned, b, a, c, accumulate);
  }
#if defined(KOKKOS_ENABLE_CUDA) && defined(MOHO_NN_CUBLAS)
  // Products of numbers fill the device by themselves if they are many.
  bool const entrywise = p.m == 1 && p.n == 1 && products.item_count() >= 1024;
  if (!entrywise && p.k > 0 && is_readable(p))
    return run_cublas(space, products, a, b, c, accumulate);
#endif
  run_plainly(space, products, a, b, c, accumulate);
}
template void run_on_device(ExecutionSpace const&, Products const&, float const*, float const*,
                            float*, bool);
template void run_on_device(ExecutionSpace const&, Products const&, double const*, double const*,
                            double*, bool);

} // namespace moho::nn
