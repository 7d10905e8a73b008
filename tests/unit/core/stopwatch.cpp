// SPDX-License-Identifier: BSD-3-Clause
#include "moho/core/stopwatch.hpp"
#include <chrono>
#include <gtest/gtest.h>
#include <thread>

namespace moho {
namespace {

TEST(Stopwatch, MeasuresWallClockTime) {
  const Stopwatch watch;
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  double const first = watch.seconds();
  EXPECT_GE(first, 0.030);
  EXPECT_LT(first, 5);
  EXPECT_GE(watch.seconds(), first);
}

TEST(Stopwatch, RestartBeginsAnew) {
  Stopwatch watch;
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  watch.restart();
  EXPECT_LT(watch.seconds(), 0.050);
}

double sum_on_device(int n) {
  const Kokkos::View<double*, MemorySpace> values("values", static_cast<std::size_t>(n));
  Kokkos::parallel_for(
      "work", n, KOKKOS_LAMBDA(int const i) {
        double x = i;
        for (int k = 0; k < 200; ++k) x = x * 0.5 + 1;
        values(i) = x;
      });
  const Stopwatch after_launch; // waits for the kernel
  double const before = after_launch.seconds();
  Kokkos::fence();
  return after_launch.seconds() - before;
}

TEST(Stopwatch, HasFencedWhenItIsRead) { // nothing is left to wait for
  EXPECT_LT(sum_on_device(100000), 0.01);
}

} // namespace
} // namespace moho
