// SPDX-License-Identifier: BSD-3-Clause
// One matrix product on one thread of the host, by the shape's best way.
#include "gemm_skinny.hpp"
#include "lanes.hpp"
#include "moho/core/error.hpp"
#include "moho/nn/gemm.hpp"
#include "products.hpp"
#include <algorithm>
#include <limits>
#include <type_traits>
#include <utility>
#if __has_include(<dlfcn.h>)
#include <dlfcn.h>
#endif

#ifdef MOHO_NN_BLAS
extern "C" {
void sgemm_(char const*, char const*, int const*, int const*, int const*, float const*,
            float const*, int const*, float const*, int const*, float const*, float*, int const*);
void dgemm_(char const*, char const*, int const*, int const*, int const*, double const*,
            double const*, int const*, double const*, int const*, double const*, double*,
            int const*);
}
#endif

namespace moho::nn {
namespace {

#ifdef MOHO_NN_VECTORS
/// Sum of x_s y_s over n entries, both of stride 1, in four vectors: enough chains to hide the
/// latency of a multiply-add.
template <class T>
T dot(std::int64_t n, T const* x, T const* y) {
  using Whole = Vector<T, lanes<T>>;
  constexpr int width = lanes<T>;
  typename Whole::type sums[4] = {};
  std::int64_t s = 0;
  for (; s + 4 * width <= n; s += 4 * width)
    for (int v = 0; v < 4; ++v)
      sums[v] += Whole::load(x + s + v * width) * Whole::load(y + s + v * width);
  for (int v = 0; s + width <= n; s += width, ++v)
    sums[v] += Whole::load(x + s) * Whole::load(y + s);
  if (s < n) {
    int const left = static_cast<int>(n - s);
    sums[3] += Whole::load_some(x + s, left) * Whole::load_some(y + s, left);
  }
  return sum_lanes<T, width>((sums[0] + sums[1]) + (sums[2] + sums[3]));
}
#else
template <class T>
T dot(std::int64_t n, T const* x, T const* y) {
  T sum = 0;
  for (std::int64_t s = 0; s < n; ++s) sum += x[s] * y[s];
  return sum;
}
#endif

/// y = A x, A (m, k). The summed index is worked off in blocks, whose x is made contiguous.
template <class T>
void multiply_vector(std::int64_t m, std::int64_t k, T const* a, std::int64_t a_row,
                     std::int64_t a_sum, T const* x, std::int64_t x_stride, T* y,
                     std::int64_t y_stride, bool accumulate) {
  constexpr std::int64_t block = 1024;
  T near[block];
  for (std::int64_t first = 0; first < k; first += block) {
    std::int64_t const count = std::min(block, k - first);
    bool const add = accumulate || first > 0;
    T const* const part = a + first * a_sum;
    for (std::int64_t s = 0; s < count; ++s) near[s] = x[(first + s) * x_stride];
    if (a_sum == 1) {
      for (std::int64_t i = 0; i < m; ++i) {
        T const sum = dot(count, part + i * a_row, near);
        y[i * y_stride] = add ? y[i * y_stride] + sum : sum;
      }
      continue;
    }
    constexpr std::int64_t rows = 256;
    for (std::int64_t begin = 0; begin < m; begin += rows) {
      std::int64_t const some = std::min(rows, m - begin);
      T sums[rows] = {};
      for (std::int64_t s = 0; s < count; ++s) {
        T const* const column = part + s * a_sum + begin * a_row;
        if (a_row == 1)
          for (std::int64_t i = 0; i < some; ++i) sums[i] += column[i] * near[s];
        else
          for (std::int64_t i = 0; i < some; ++i) sums[i] += column[i * a_row] * near[s];
      }
      for (std::int64_t i = 0; i < some; ++i) {
        T& out = y[(begin + i) * y_stride];
        out = add ? out + sums[i] : sums[i];
      }
    }
  }
}

/// Any strides, entry by entry.
template <class T>
void multiply_plainly(Product const& p, T const* a, T const* b, T* c, bool accumulate) {
  for (std::int64_t i = 0; i < p.m; ++i)
    for (std::int64_t j = 0; j < p.n; ++j) {
      T sum = 0;
      for (std::int64_t s = 0; s < p.k; ++s)
        sum += a[i * p.a_row + s * p.a_sum] * b[s * p.b_sum + j * p.b_column];
      T& out = c[i * p.c_row + j * p.c_column];
      out = accumulate ? out + sum : sum;
    }
}

#ifdef MOHO_NN_BLAS
template <class T>
void call_blas(Product const& p, T const* a, T const* b, T* c, bool accumulate) {
  // BLAS is column-major: it is given C^T = B^T A^T.
  Stored const left = stored(p.k, p.n, p.b_sum, p.b_column),
               right = stored(p.m, p.k, p.a_row, p.a_sum), out = stored(p.m, p.n, p.c_row, 1);
  char const form_left = left.transposed ? 'T' : 'N', form_right = right.transposed ? 'T' : 'N';
  int const m = static_cast<int>(p.n), n = static_cast<int>(p.m), k = static_cast<int>(p.k),
            lda = static_cast<int>(left.lead), ldb = static_cast<int>(right.lead),
            ldc = static_cast<int>(out.lead);
  T const one = 1, beta = accumulate ? 1 : 0;
  if constexpr (std::is_same_v<T, float>)
    sgemm_(&form_left, &form_right, &m, &n, &k, &one, b, &lda, a, &ldb, &beta, c, &ldc);
  else
    dgemm_(&form_left, &form_right, &m, &n, &k, &one, b, &lda, a, &ldb, &beta, c, &ldc);
}
#endif

/// BLAS is for products that are long in all directions, where its blocking for all caches counts,
/// and for compilers that were not told of the wide vectors that BLAS may find.
[[maybe_unused]] bool is_for_blas(Product const& p) {
  return is_readable(p) && (!skinny_is_fast || std::min({p.m, p.n, p.k}) >= 512);
}

template <class Function>
[[maybe_unused]] Function* symbol([[maybe_unused]] char const* name) {
#if __has_include(<dlfcn.h>)
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
#else
  return nullptr;
#endif
}

} // namespace

Product transposed(Product const& p) {
  return {p.n, p.m, p.k, p.b_column, p.b_sum, p.a_sum, p.a_row, p.c_column, p.c_row};
}

Stored stored(std::int64_t rows, std::int64_t columns, std::int64_t row_stride,
              std::int64_t column_stride) {
  constexpr std::int64_t most = std::numeric_limits<int>::max();
  if ((column_stride == 1 || columns == 1) && (row_stride >= columns || rows == 1)) {
    std::int64_t const lead = rows == 1 ? columns : row_stride;
    return {lead <= most, false, lead};
  }
  if ((row_stride == 1 || rows == 1) && (column_stride >= rows || columns == 1)) {
    std::int64_t const lead = columns == 1 ? rows : column_stride;
    return {lead <= most, true, lead};
  }
  return {};
}

bool is_readable(Product const& p) {
  Stored const c = stored(p.m, p.n, p.c_row, p.c_column);
  return c.readable && !c.transposed && stored(p.m, p.k, p.a_row, p.a_sum).readable &&
         stored(p.k, p.n, p.b_sum, p.b_column).readable;
}

template <class T>
void multiply_on_host(Product const& product, T const* a, T const* b, T* c, bool accumulate) {
  // C's entries shall follow each other along its rows.
  bool const turn = is_turned(product);
  Product const p = turn ? transposed(product) : product;
  if (turn) std::swap(a, b);
  if (p.k == 0 || (p.c_column != 1 && p.n > 1 && p.m > 1))
    multiply_plainly(p, a, b, c, accumulate);
  else if (p.n == 1)
    multiply_vector(p.m, p.k, a, p.a_row, p.a_sum, b, p.b_sum, c, p.c_row, accumulate);
  else if (p.m == 1)
    multiply_vector(p.n, p.k, b, p.b_column, p.b_sum, a, p.a_sum, c, p.c_column, accumulate);
#ifdef MOHO_NN_BLAS
  else if (is_for_blas(p))
    call_blas(p, a, b, c, accumulate);
#endif
  else
    multiply_skinny(p, a, b, c, accumulate);
}
template void multiply_on_host(Product const&, float const*, float const*, float*, bool);
template void multiply_on_host(Product const&, double const*, double const*, double*, bool);

int blas_threads() {
  static auto* const openblas = symbol<int()>("openblas_get_num_threads");
  static auto* const mkl = symbol<int()>("MKL_Get_Max_Threads");
  static auto* const blis = symbol<long()>("bli_thread_get_num_threads");
  if (openblas) return openblas();
  if (mkl) return mkl();
  return blis ? static_cast<int>(blis()) : 0;
}

void set_blas_threads(int threads) {
  static auto* const openblas = symbol<void(int)>("openblas_set_num_threads");
  static auto* const mkl = symbol<void(int)>("MKL_Set_Num_Threads");
  static auto* const blis = symbol<void(long)>("bli_thread_set_num_threads");
  if (openblas)
    openblas(threads);
  else if (mkl)
    mkl(threads);
  else if (blis)
    blis(threads);
}

OneBlasThread::OneBlasThread() : _before(blas_threads()) {
  if (_before > 1) set_blas_threads(1);
}

OneBlasThread::~OneBlasThread() {
  if (_before > 1) set_blas_threads(_before);
}

} // namespace moho::nn
