// SPDX-License-Identifier: BSD-3-Clause
// What a machine's ceilings are measured with, with MPI (study/measure.hpp) and without.
#pragma once
#include "moho/core/error.hpp"
#include "moho/core/kokkos.hpp"
#include <algorithm>
#include <limits>

namespace moho {

/// The matrix product that a kernel is compared with: that of the values it computes with.
enum class Gemm { dgemm, sgemm };

/// a[i] = b[i] + scale c[i]. Does not fence.
inline void triad(ExecutionSpace const& space, Kokkos::View<double*, MemorySpace> const& a,
                  Kokkos::View<double*, MemorySpace> const& b,
                  Kokkos::View<double*, MemorySpace> const& c, double scale) {
  MOHO_EXPECT(a.extent(0) == b.extent(0) && a.extent(0) == c.extent(0));
  double* const pa = a.data();
  double const* const pb = b.data();
  double const* const pc = c.data();
  Kokkos::parallel_for(
      "moho::triad", Kokkos::RangePolicy<ExecutionSpace>(space, 0, a.extent(0)),
      KOKKOS_LAMBDA(std::size_t i) { pa[i] = pb[i] + scale * pc[i]; });
}

/// By how much two rates differ: larger / smaller - 1; infinite if one of them is not positive.
inline double drift(double before, double after) {
  if (!(before > 0) || !(after > 0)) return std::numeric_limits<double>::infinity();
  return std::max(before, after) / std::min(before, after) - 1;
}
/// Rates that differ by more make a sample void: something else used the machine meanwhile.
inline constexpr double most_drift = 0.10;

} // namespace moho
