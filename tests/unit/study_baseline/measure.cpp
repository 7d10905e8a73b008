// SPDX-License-Identifier: BSD-3-Clause
// The ceilings: right arithmetic, sane rates, the same numbers on every rank.
#include "moho/study/measure.hpp"
#include "moho/core/error.hpp"
#include "moho/core/host_copy.hpp"
#include "support/mpi_support.hpp"
#include <cmath>
#include <limits>

namespace {

using namespace moho;
using namespace moho::study;

const MeasureOptions quick{.seconds = 0.02, .array_bytes = 4 << 20, .gemm_order = 64};

void check_triad() {
  using Array = Kokkos::View<double*, MemorySpace>;
  const std::size_t n = 1001;
  const Array a("a", n), b("b", n), c("c", n);
  auto const hb = Kokkos::create_mirror_view(b), hc = Kokkos::create_mirror_view(c);
  for (std::size_t i = 0; i < n; ++i) {
    hb(i) = static_cast<double>(i);
    hc(i) = 0.5;
  }
  Kokkos::deep_copy(b, hb);
  Kokkos::deep_copy(c, hc);
  triad(ExecutionSpace(), a, b, c, 4.0);
  auto const ha = Kokkos::create_mirror_view(a);
  Kokkos::deep_copy(ha, a);
  for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(ha(i), static_cast<double>(i) + 2.0);
}
TEST(Triad, ComputesEveryElement) {
  check_triad();
}

TEST(Gemm, MultipliesColumnMajorMatrices) {
  auto const a = to_device("a", std::vector<double>{1, 2, 3, 4}); // [1 3; 2 4] [5 7; 6 8]
  auto const b = to_device("b", std::vector<double>{5, 6, 7, 8});
  auto const c = to_device("c", std::vector<double>(4, -1));
  gemm(2, a.data(), b.data(), c.data());
  Kokkos::fence();
  EXPECT_EQ(to_host(c), (std::vector<double>{23, 34, 31, 46}));
}

TEST(Rates, AreTheSameOnEveryRankAndAddUp) {
  const parallel::Comm comm;
  auto const rates = measure_rates(comm, quick);
  auto const ranks = static_cast<std::size_t>(comm.size());
  EXPECT_TRUE(test::all_ranks_agree(rates.triad));
  EXPECT_TRUE(test::all_ranks_agree(rates.gemm));
  EXPECT_TRUE(test::all_ranks_agree(rates.triad_of_rank));
  EXPECT_TRUE(test::all_ranks_agree(rates.gemm_of_rank));
  EXPECT_EQ(rates.triad_of_rank.size(), ranks);
  EXPECT_EQ(rates.gemm_of_rank.size(), ranks);
  double triad_sum = 0, gemm_sum = 0;
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    EXPECT_GT(rates.triad_of_rank[rank], 1e6);
    EXPECT_GT(rates.gemm_of_rank[rank], 1e6);
    triad_sum += rates.triad_of_rank[rank];
    gemm_sum += rates.gemm_of_rank[rank];
  }
  // The sum of each rank's own best is a bound on what all reach in one pass.
  EXPECT_LE(rates.triad, triad_sum * 1.0001);
  EXPECT_LE(rates.gemm, gemm_sum * 1.0001);
  EXPECT_GT(rates.triad, 0);
  EXPECT_GE(rates.triad_passes, 3);
  EXPECT_GE(rates.gemm_passes, 3);
  EXPECT_EQ(rates.gemm_order, 64);
  EXPECT_EQ(rates.array_bytes, quick.array_bytes);
}

TEST(Rates, StopWhenTheirTimeIsSpent) {
  const parallel::Comm comm;
  RateProbe probe(comm, quick);
  double const start = MPI_Wtime();
  probe.measure();
  probe.measure();
  // Two measurements of two rates of 0.02 s; generous, because the machine may be busy.
  EXPECT_LT(MPI_Wtime() - start, 20.0);
}

TEST(Rates, TooMuchMemoryIsAnErrorOnEveryRank) {
  const parallel::Comm comm;
  auto options = quick;
  options.array_bytes = std::size_t{1} << 60;
  bool refused = false;
  try {
    RateProbe probe(comm, options);
  } catch (Error const& error) {
    refused = std::string(error.what()).find("no memory for") != std::string::npos;
  }
  EXPECT_TRUE(test::holds_on_all_ranks(refused));
}

TEST(Drift, IsTheRelativeChange) {
  EXPECT_EQ(drift(8, 9), 0.125);
  EXPECT_EQ(drift(9, 8), 0.125);
  EXPECT_EQ(drift(5, 5), 0);
  EXPECT_TRUE(std::isinf(drift(0, 5)));
  EXPECT_TRUE(std::isinf(drift(5, std::numeric_limits<double>::quiet_NaN())));
  EXPECT_GT(drift(10, 11.2), most_drift);
  EXPECT_LT(drift(10, 10.8), most_drift);
}

TEST(BlasThreads, ComeBackToWhatTheyWere) {
  int before = 0;
  { before = BlasThreads(1).count(); }
  if (before == 0) return; // this BLAS does not tell
  const BlasThreads outer(2);
  {
    const BlasThreads inner(1);
    EXPECT_EQ(inner.count(), 1);
  }
  EXPECT_EQ(BlasThreads(outer.count()).count(), outer.count());
}

} // namespace
