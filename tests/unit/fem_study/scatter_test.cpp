// SPDX-License-Identifier: BSD-3-Clause
// Bytes from the root to each rank: what parts of meshes travel by.
#include "moho/parallel/communicator.hpp"
#include "support/mpi_support.hpp"

using moho::Error;
using moho::parallel::Comm;
using moho::parallel::run_collectively;
using namespace moho::test;

namespace {

std::string bytes_for(int rank) {
  return std::string(static_cast<std::size_t>(1000 * rank), static_cast<char>('a' + rank));
}

} // namespace

TEST(scatter, each_rank_gets_its_own) {
  for (const std::size_t chunk : {std::size_t{1} << 30, std::size_t{7}}) {
    const Comm comm(MPI_COMM_WORLD, chunk);
    for (int root = 0; root < comm.size(); ++root)
      EXPECT_EQ(comm.scatter(bytes_for, root), bytes_for(comm.rank()));
  }
}

TEST(scatter, a_failure_of_the_root_reaches_all) {
  const Comm comm;
  for (int bad = 0; bad < comm.size(); ++bad) {
    std::string message;
    try {
      run_collectively(comm, [&] {
        comm.scatter([&](int to) {
          if (to == bad) throw Error("no part for rank " + std::to_string(to));
          return bytes_for(to);
        });
      });
    } catch (Error const& error) {
      message = error.what();
    }
    EXPECT_EQ(message, "no part for rank " + std::to_string(bad));
  }
  EXPECT_EQ(comm.scatter(bytes_for), bytes_for(comm.rank())); // nothing is left on the way
}
