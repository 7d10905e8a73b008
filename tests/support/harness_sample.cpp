// SPDX-License-Identifier: BSD-3-Clause
// Tests that must fail, one of each kind, for test_harness.py; run with --gtest_filter.
#include "moho/core/error.hpp"
#include "moho/parallel/communicator.hpp"
#include "support/mpi_support.hpp"
#include <cstdlib>
#include <stdexcept>

using namespace moho::test;

TEST(sample, passes) {
  EXPECT_TRUE(all_ranks_agree(std::vector<double>{1.0, 2.0}));
}

TEST(sample, only_rank_1_fails) {
  EXPECT_NE(world_rank(), 1);
}

TEST(sample, only_rank_1_throws) {
  if (world_rank() == 1) throw std::runtime_error("thrown on rank 1");
}

TEST(sample, rank_1_throws_before_a_collective) {
  const moho::parallel::Comm comm;
  run_collectively(
      comm,
      [&] {
        if (comm.rank() == 1) throw moho::Error("rank 1 left early", moho::ExitCode::invalid);
        comm.barrier();
      },
      1.0);
}

TEST(sample, ranks_disagree) {
  EXPECT_TRUE(all_ranks_agree(1.0 + 1e-16 * world_rank() * 4));
}

TEST(sample, lengths_disagree) {
  EXPECT_TRUE(all_ranks_agree(std::vector<int>(static_cast<std::size_t>(1 + world_rank()), 0)));
}

TEST(sample, does_not_hold_on_rank_1) {
  EXPECT_TRUE(holds_on_all_ranks(world_rank() != 1));
}

TEST(sample, deadlock) { // rank 1 waits for a message that nobody sends
  int value = 0;
  if (world_rank() == 1) MPI_Recv(&value, 1, MPI_INT, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  MPI_Barrier(MPI_COMM_WORLD);
}

TEST(sample, leak) { // fails under AddressSanitizer only
  static void* volatile memory = nullptr;
  if (world_rank() == 1) memory = std::malloc(1000);
  if (memory) memory = nullptr;
}

TEST(sample, mpi_error) { // an invalid rank: the job must end with a message, not hang
  MPI_Comm comm = MPI_COMM_NULL;
  MPI_Comm_dup(MPI_COMM_WORLD, &comm);
  MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
  moho::parallel::Comm const checked(comm);
  moho::parallel::run_collectively(checked, [&] {
    if (world_rank() == 1) checked.broadcast(std::string("text"), 99);
    checked.idle_barrier();
  });
}
