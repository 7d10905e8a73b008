// SPDX-License-Identifier: BSD-3-Clause
// main() of tests without MPI.
#include "moho/core/kokkos.hpp"
#include <cstdio>
#include <gtest/gtest.h>

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  Kokkos::ScopeGuard kokkos(argc, argv);
  int code = RUN_ALL_TESTS();
  if (testing::UnitTest::GetInstance()->test_to_run_count() == 0 &&
      !testing::GTEST_FLAG(list_tests)) {
    std::fprintf(stderr, "no test ran (the filter matches none, or none is linked in)\n");
    code = 1;
  }
  return code;
}
