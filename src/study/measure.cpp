// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/measure.hpp"
#include "moho/core/error.hpp"
#include "moho/nn/gemm.hpp"
#include "moho/study/machine.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <new>

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

int host_threads() {
  return std::max(1, Kokkos::DefaultHostExecutionSpace().concurrency());
}

} // namespace

void triad(ExecutionSpace const& space, Array const& a, Array const& b, Array const& c,
           double scale) {
  MOHO_EXPECT(a.extent(0) == b.extent(0) && a.extent(0) == c.extent(0));
  double* const pa = a.data();
  double const* const pb = b.data();
  double const* const pc = c.data();
  Kokkos::parallel_for(
      "moho::study::triad", Kokkos::RangePolicy<ExecutionSpace>(space, 0, a.extent(0)),
      KOKKOS_LAMBDA(std::size_t i) { pa[i] = pb[i] + scale * pc[i]; });
}

void gemm(int order, double const* a, double const* b, double* c) {
  double const one = 1, zero = 0;
  dgemm_("N", "N", &order, &order, &order, &one, a, &order, b, &order, &zero, c, &order);
}

void gemm(int order, float const* a, float const* b, float* c) {
  float const one = 1, zero = 0;
  sgemm_("N", "N", &order, &order, &order, &one, a, &order, b, &order, &zero, c, &order);
}

BlasThreads::BlasThreads(int threads) : _before(nn::blas_threads()) {
  if (_before > 0) nn::set_blas_threads(threads);
  _count = nn::blas_threads();
}

BlasThreads::~BlasThreads() {
  if (_before > 0) nn::set_blas_threads(_before);
}

double drift(double before, double after) {
  if (!(before > 0) || !(after > 0)) return std::numeric_limits<double>::infinity();
  return std::max(before, after) / std::min(before, after) - 1;
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
  // Touched by the threads that will use them: memory lies in their domain.
  double* const a = _a.data();
  double* const b = _b.data();
  double* const c = _c.data();
  Kokkos::parallel_for(
      "moho::study::triad_touch", Kokkos::RangePolicy<ExecutionSpace>(0, n),
      KOKKOS_LAMBDA(std::size_t i) {
        a[i] = 0;
        b[i] = 1;
        c[i] = 2;
      });
  Kokkos::fence();
}

template <class T>
void RateProbe::Factors<T>::make(std::size_t order) {
  left.assign(order * order, T(1) / T(3));
  right.assign(order * order, T(3));
  product.assign(order * order, T(0));
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
  if (factors.product.empty())
    parallel::run_collectively(_comm, [&] { factors.make(static_cast<std::size_t>(order)); });
  auto const best = best_of(_comm, _options.seconds, [&] {
    gemm(order, factors.left.data(), factors.right.data(), factors.product.data());
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
