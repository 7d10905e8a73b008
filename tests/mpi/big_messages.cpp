// SPDX-License-Identifier: BSD-3-Clause
// A message of more than 2^31 bytes; needs about 5 GB of memory.
#include "moho/parallel/communicator.hpp"
#include "support/mpi_support.hpp"

using moho::parallel::Comm;
using namespace moho::test;

TEST(Comm, gathers_more_than_2_to_the_31_bytes) {
  Comm const comm;
  std::size_t const n = (std::size_t{1} << 28) + 1000;
  std::vector<double> mine(comm.rank() == 1 ? n : 1, -1.0);
  mine.back() = comm.rank();
  auto const all = comm.gather(std::span<double const>(mine));
  if (comm.root()) {
    EXPECT_EQ(all.size(), n + 1);
    EXPECT_EQ(all.front(), 0.0);
    EXPECT_EQ(all[1], -1.0);
    EXPECT_EQ(all[n - 1], -1.0);
    EXPECT_EQ(all.back(), 1.0);
  }
}
