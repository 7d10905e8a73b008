// SPDX-License-Identifier: BSD-3-Clause
// The machine's own ceilings, measured: memory bandwidth (STREAM triad) and matrix product (dgemm,
// or sgemm for what computes in float).
// A speed is quoted as a fraction of what the same cores reached immediately before and after it.
#pragma once
#include "moho/core/kokkos.hpp"
#include "moho/core/rates.hpp"
#include "moho/parallel/communicator.hpp"
#include <cstddef>
#include <vector>

namespace moho::study {

struct MeasureOptions {
  double seconds = 0.3;        ///< for each of the two rates; at least 3 passes are made
  std::size_t array_bytes = 0; ///< of one triad array on one rank; 0: 4 x the last-level caches of
                               ///< the node over its ranks, at most 256 MiB
  int gemm_order = 0;          ///< rows of the square matrices; 0: 768 sqrt(threads)
};

/// Best rates of a few passes in which all ranks work at the same time. The same on every rank.
struct Rates {
  double triad = 0; ///< byte/s, all ranks together; 24 bytes per element (McCalpin, 1995)
  double gemm = 0;  ///< flop/s, all ranks together; 2 n^3 per product
  std::vector<double> triad_of_rank, gemm_of_rank; ///< (ranks) each rank's own best
  std::size_t array_bytes = 0;                     ///< of one triad array, smallest over the ranks
  double cache_multiple = 0; ///< array bytes of a node over its last-level caches; 0 = not known.
                             ///< Below about 4 the bandwidth may be that of the cache.
  int gemm_order = 0, gemm_threads = 0, triad_passes = 0, gemm_passes = 0;
};

/// Keeps the arrays between measurements, so that a second one starts at once.
class RateProbe {
public:
  /// Allocates and touches the arrays. Collective. Throws moho::Error if memory does not suffice.
  RateProbe(parallel::Comm const& comm, MeasureOptions const& options);
  /// Both rates. Collective.
  Rates measure(Gemm kind = Gemm::dgemm);

private:
  using Array = Kokkos::View<double*, MemorySpace>;
  template <class T>
  struct Factors {
    Kokkos::View<T*, MemorySpace> left, right, product;
    void make(std::size_t order);
  };
  void measure_triad(Rates& rates);
  template <class T>
  void measure_gemm(Rates& rates, Factors<T>& factors);

  parallel::Comm _comm;
  MeasureOptions _options;
  Array _a, _b, _c;
  Factors<double> _double;
  Factors<float> _single; ///< made when they are first needed
  double _cache_multiple = 0;
};

/// One measurement. Collective.
Rates measure_rates(parallel::Comm const& comm, MeasureOptions const& options);

/// C = A B, column-major square matrices of `order` rows (order^2 values each) in MemorySpace: by
/// the linked BLAS on a host, by nn::gemm on a device. Does not fence.
void gemm(int order, double const* a, double const* b, double* c);
void gemm(int order, float const* a, float const* b, float* c);

/// Limits the BLAS to `threads` threads while it lives, where the BLAS can be told (OpenBLAS, MKL).
class BlasThreads {
public:
  explicit BlasThreads(int threads);
  ~BlasThreads();
  BlasThreads(BlasThreads const&) = delete;
  BlasThreads& operator=(BlasThreads const&) = delete;
  int count() const { return _count; } ///< threads in use; 0 = the BLAS does not tell

private:
  int _before = 0, _count = 0;
};

} // namespace moho::study
