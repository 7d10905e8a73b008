// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/measure.hpp"
#include "moho/core/error.hpp"
#include "moho/nn/gemm.hpp"
#include "moho/study/machine.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <type_traits>

extern "C" void dgemm_(char const*, char const*, int const*, int const*, int const*, double const*,
                       double const*, int const*, double const*, int const*, double const*, double*,
                       int const*);
extern "C" void sgemm_(char const*, char const*, int const*, int const*, int const*, float const*,
                       float const*, int const*, float const*, int const*, float const*, float*,
                       int const*);

namespace moho::study {
namespace {

using Array = Kokkos::View<double*, MemorySpace>;

constexpr std::size_t most_array_bytes = std::size_t{256} << 20;
constexpr int least_passes = 3, most_passes = 10000;

/// By the threads that will use them: memory then lies in their domain.
void touch(Array const& a, Array const& b, Array const& c) {
  Kokkos::parallel_for(
      "moho::study::triad_touch", Kokkos::RangePolicy<ExecutionSpace>(0, a.extent(0)),
      KOKKOS_LAMBDA(std::size_t i) {
        a(i) = 0;
        b(i) = 1;
        c(i) = 2;
      });
  Kokkos::fence();
}

/// Best pass of a few: of the slowest rank (`all`) and of this rank (`own`), in seconds.
struct Best {
  double all = std::numeric_limits<double>::infinity();
  double own = std::numeric_limits<double>::infinity();
  int passes = 0;
};

/// Repeats `pass` on all ranks at the same time until `seconds` are spent. The closing barrier
/// counts: a rank that starts late, alone on the memory, cannot make the sum look faster.
template <class Pass>
Best best_of(parallel::Comm const& comm, double seconds, Pass const& pass) {
  pass(); // warm-up
  Best best;
  double spent = 0;
  while (best.passes < least_passes || (spent < seconds && best.passes < most_passes)) {
    comm.barrier();
    double const start = MPI_Wtime();
    pass();
    double const own = MPI_Wtime() - start;
    comm.barrier();
    double const all = comm.max(MPI_Wtime() - start);
    best.own = std::min(best.own, own);
    best.all = std::min(best.all, all);
    spent += all;
    ++best.passes;
  }
  return best;
}

int ranks_on_node(parallel::Comm const& comm) {
  MPI_Comm node = MPI_COMM_NULL;
  MPI_Comm_split_type(comm.raw(), MPI_COMM_TYPE_SHARED, comm.rank(), MPI_INFO_NULL, &node);
  int size = 1;
  MPI_Comm_size(node, &size);
  MPI_Comm_free(&node);
  return size;
}

std::size_t default_array_bytes(std::int64_t last_cache, int ranks) {
  auto const cache = static_cast<std::size_t>(last_cache > 0 ? last_cache : std::int64_t{32} << 20);
  return std::min(4 * cache / static_cast<std::size_t>(ranks), most_array_bytes);
}

void call_blas(int n, double const* a, double const* b, double* c) {
  double const one = 1, zero = 0;
  dgemm_("N", "N", &n, &n, &n, &one, a, &n, b, &n, &zero, c, &n);
}
void call_blas(int n, float const* a, float const* b, float* c) {
  float const one = 1, zero = 0;
  sgemm_("N", "N", &n, &n, &n, &one, a, &n, b, &n, &zero, c, &n);
}

/// On a host the BLAS itself, with its own threads: a ceiling that no code of moho lowers.
template <class T>
void multiply(int order, T const* a, T const* b, T* c) {
  if constexpr (std::is_same_v<ExecutionSpace, Kokkos::DefaultHostExecutionSpace>)
    call_blas(order, a, b, c);
  else // A B by columns is B A by rows
    nn::gemm<T>(ExecutionSpace(), {order, order, order, false, false, order, order, order}, b, a,
                c);
}

int host_threads() {
  return std::max(1, Kokkos::DefaultHostExecutionSpace().concurrency());
}

} // namespace

void gemm(int order, double const* a, double const* b, double* c) {
  multiply(order, a, b, c);
}

void gemm(int order, float const* a, float const* b, float* c) {
  multiply(order, a, b, c);
}

BlasThreads::BlasThreads(int threads) : _before(nn::blas_threads()) {
  if (_before > 0) nn::set_blas_threads(threads);
  _count = nn::blas_threads();
}

BlasThreads::~BlasThreads() {
  if (_before > 0) nn::set_blas_threads(_before);
}

RateProbe::RateProbe(parallel::Comm const& comm, MeasureOptions const& options)
    : _comm(comm), _options(options) {
  int const neighbours = ranks_on_node(comm);
  auto const cache = read_host().last_cache;
  auto bytes = options.array_bytes;
  if (bytes == 0) bytes = default_array_bytes(cache, neighbours);
  auto const n = std::max<std::size_t>(bytes / sizeof(double), 1024);
  if (_options.gemm_order <= 0)
    _options.gemm_order = std::min(8192, static_cast<int>(768 * std::sqrt(host_threads())));
  auto const order = static_cast<std::size_t>(_options.gemm_order);
  parallel::run_collectively(comm, [&] {
    try {
      const auto uninitialised = [](char const* label) {
        return Kokkos::view_alloc(std::string(label), Kokkos::WithoutInitializing);
      };
      _a = Array(uninitialised("moho::study::triad_a"), n);
      _b = Array(uninitialised("moho::study::triad_b"), n);
      _c = Array(uninitialised("moho::study::triad_c"), n);
      _double.make(order);
    } catch (std::exception const& error) {
      throw Error("cannot measure the machine's rates (no memory for 3 arrays of " +
                  std::to_string(n * sizeof(double)) + " bytes on a rank: " + error.what() +
                  ") start fewer ranks per node");
    }
  });
  _cache_multiple = cache <= 0 ? 0
                               : static_cast<double>(n * sizeof(double)) * neighbours /
                                     static_cast<double>(cache);
  touch(_a, _b, _c);
}

template <class T>
void RateProbe::Factors<T>::make(std::size_t order) {
  left = Kokkos::View<T*, MemorySpace>("moho::study::left", order * order);
  right = Kokkos::View<T*, MemorySpace>("moho::study::right", order * order);
  product = Kokkos::View<T*, MemorySpace>("moho::study::product", order * order);
  Kokkos::deep_copy(left, T(1) / T(3));
  Kokkos::deep_copy(right, T(3));
}

void RateProbe::measure_triad(Rates& rates) {
  const ExecutionSpace space;
  auto const best = best_of(_comm, _options.seconds, [&] {
    triad(space, _a, _b, _c, 3.0);
    space.fence();
  });
  double const bytes = 24.0 * static_cast<double>(_a.extent(0));
  rates.triad = _comm.sum(bytes) / best.all;
  rates.triad_of_rank = _comm.all_gather(bytes / best.own);
  rates.triad_passes = best.passes;
  rates.array_bytes =
      static_cast<std::size_t>(_comm.min(static_cast<std::int64_t>(_a.extent(0) * sizeof(double))));
  rates.cache_multiple = _comm.min(_cache_multiple);
}

template <class T>
void RateProbe::measure_gemm(Rates& rates, Factors<T>& factors) {
  // As many threads as moho's own kernels have on this rank: a ceiling for the same cores.
  const BlasThreads threads(host_threads());
  int const order = _options.gemm_order;
  if (factors.product.extent(0) == 0)
    parallel::run_collectively(_comm, [&] { factors.make(static_cast<std::size_t>(order)); });
  auto const best = best_of(_comm, _options.seconds, [&] {
    gemm(order, factors.left.data(), factors.right.data(), factors.product.data());
    Kokkos::fence();
  });
  double const flops = 2.0 * order * order * order;
  rates.gemm = flops * _comm.size() / best.all;
  rates.gemm_of_rank = _comm.all_gather(flops / best.own);
  rates.gemm_passes = best.passes;
  rates.gemm_order = order;
  rates.gemm_threads = threads.count();
}

Rates RateProbe::measure(Gemm kind) {
  Rates rates;
  measure_triad(rates);
  if (kind == Gemm::sgemm)
    measure_gemm(rates, _single);
  else
    measure_gemm(rates, _double);
  return rates;
}

Rates measure_rates(parallel::Comm const& comm, MeasureOptions const& options) {
  return RateProbe(comm, options).measure();
}

} // namespace moho::study
