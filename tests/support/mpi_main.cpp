// SPDX-License-Identifier: BSD-3-Clause
// main() of tests under MPI: rank 0 reports as usual, the others report failures only, and a
// failure on any rank fails the run.
#include "moho/core/kokkos.hpp"
#include "moho/parallel/communicator.hpp"
#include <cstdio>
#include <gtest/gtest.h>
#include <mpi.h>
#include <string>

namespace {

class FailurePrinter : public testing::EmptyTestEventListener {
public:
  explicit FailurePrinter(int rank) : _rank(rank) {}
  // gtest holds a lock during OnTestPartResult, under which it cannot be asked for the test's name.
  void OnTestStart(testing::TestInfo const& test) override {
    _test = std::string(test.test_suite_name()) + "." + test.name();
  }
  void OnTestPartResult(testing::TestPartResult const& result) override {
    if (!result.failed()) return;
    std::fprintf(stderr, "[rank %d] %s: %s:%d: %s\n", _rank, _test.c_str(),
                 result.file_name() ? result.file_name() : "-", result.line_number(),
                 result.message());
  }

private:
  int _rank;
  std::string _test = "-";
};

// Rank 0 keeps gtest's listeners; the others would write the same report and the same XML file.
void keep_failures_only(int rank) {
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());
  delete listeners.Release(listeners.default_xml_generator());
  listeners.Append(new FailurePrinter(rank));
}

} // namespace

int main(int argc, char** argv) {
  const moho::parallel::Environment mpi(argc, argv); // ends PETSc too
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  int code = 0;
  {
    testing::InitGoogleTest(&argc, argv);
    Kokkos::ScopeGuard kokkos(argc, argv);
    if (rank != 0) keep_failures_only(rank);
    code = RUN_ALL_TESTS();
  }
  if (testing::UnitTest::GetInstance()->test_to_run_count() == 0 &&
      !testing::GTEST_FLAG(list_tests)) {
    std::fprintf(stderr, "no test ran (the filter matches none, or none is linked in)\n");
    code = 1;
  }
  MPI_Allreduce(MPI_IN_PLACE, &code, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  return code;
}
