// SPDX-License-Identifier: BSD-3-Clause
// What the harness needs, for one process without MPI (MOHO_KERNELS_ONLY): the names of
// parallel/communicator.hpp and study/measure.hpp. Both rates are those of the default execution
// space, a device's where there is one.
#pragma once
#include "moho/core/kokkos.hpp"
#include "moho/core/rates.hpp"
#include <cstddef>

namespace moho::parallel {

/// Rank 0 of 1.
class Comm {
public:
  int rank() const { return 0; }
  int size() const { return 1; }
  bool root() const { return true; }
  void barrier() const {}
  double max(double x) const { return x; }
  double sum(double x) const { return x; }
};

template <class Body>
void run_collectively(Comm const&, Body const& body) {
  body();
}

} // namespace moho::parallel

namespace moho::study {

struct MeasureOptions {
  double seconds = 0.3;        ///< for each of the two rates
  std::size_t array_bytes = 0; ///< of one triad array; 0: 256 MiB
  int gemm_order = 0;          ///< 0: 4096 on a device, 768 sqrt(threads) on a host
};

/// Best rates of a few passes.
struct Rates {
  double triad = 0; ///< byte/s, 24 bytes per element
  double gemm = 0;  ///< flop/s
};

class RateProbe {
public:
  RateProbe(parallel::Comm const& comm, MeasureOptions const& options);
  Rates measure(Gemm kind = Gemm::dgemm);

private:
  template <class T>
  using Array = Kokkos::View<T*, MemorySpace>;
  template <class T>
  struct Factors {
    Array<T> left, right, product;
  };
  template <class T>
  double gemm_rate(Factors<T>& factors) const;

  MeasureOptions _options;
  Array<double> _a, _b, _c;
  Factors<double> _double;
  Factors<float> _single; ///< made when they are first needed
};

/// C = A B, square matrices of `order` rows in the memory of the execution space. Does not fence.
void gemm(int order, double const* a, double const* b, double* c);
void gemm(int order, float const* a, float const* b, float* c);

/// The BLAS of a device has no threads; that of a host is told by moho::nn.
class BlasThreads {
public:
  explicit BlasThreads(int) {}
};

} // namespace moho::study
