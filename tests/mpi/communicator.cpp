// SPDX-License-Identifier: BSD-3-Clause
#include "moho/parallel/communicator.hpp"
#include "support/mpi_support.hpp"
#include <chrono>
#include <cmath>
#include <ctime>
#include <limits>
#include <thread>

using moho::parallel::Comm;
using namespace moho::test;

namespace {

double processor_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// Values of rank r: r + 1 of them (none on rank 1), all different.
template <class T>
std::vector<T> own_values(int rank) {
  std::vector<T> values;
  for (int i = 0; rank != 1 && i <= rank; ++i) values.push_back(static_cast<T>(10 * rank + i));
  return values;
}

template <class T>
void expect_gathered(Comm const& comm, int root) {
  auto const mine = own_values<T>(comm.rank());
  auto const all = comm.gather(std::span<T const>(mine), root);
  std::vector<T> expected;
  for (int r = 0; comm.rank() == root && r < comm.size(); ++r) {
    for (auto value : own_values<T>(r)) expected.push_back(value);
  }
  EXPECT_EQ(all, expected);
}

} // namespace

TEST(Comm, rank_and_size) {
  Comm const comm;
  EXPECT_EQ(comm.rank(), world_rank());
  EXPECT_EQ(comm.size(), world_size());
  EXPECT_EQ(comm.root(), world_rank() == 0);
  EXPECT_EQ(Comm::self().size(), 1);
  EXPECT_EQ(Comm::self().rank(), 0);
}

TEST(Comm, reductions) {
  Comm const comm;
  int const n = comm.size(), r = comm.rank();
  EXPECT_EQ(comm.sum(r + 0.5), n * (n - 1) / 2 + 0.5 * n);
  EXPECT_EQ(comm.max(-1.0 * r), 0.0);
  EXPECT_EQ(comm.min(-1.0 * r), 1.0 - n);
  auto const big = std::int64_t{1} << 60; // exact, where a double would round
  EXPECT_EQ(comm.sum(std::int64_t{r} + (r == 0 ? big + 1 : 0)), big + 1 + n * (n - 1) / 2);
  EXPECT_EQ(comm.max(std::int64_t{r} - big), n - 1 - big);
  EXPECT_EQ(comm.min(big - r), big - n + 1);
  EXPECT_TRUE(all_ranks_agree(comm.sum(0.1 * (r + 1))));
}

TEST(Comm, broadcast_from_every_root) {
  Comm const comm;
  for (int root = 0; root < comm.size(); ++root) {
    bool const here = comm.rank() == root;
    EXPECT_EQ(comm.broadcast(here ? std::string("a\0b", 3) : "other", root),
              std::string("a\0b", 3));
    EXPECT_EQ(comm.broadcast(here ? std::string() : "other", root), "");
    std::vector<double> const x{0.1, -0.0, 1e308};
    EXPECT_EQ(comm.broadcast(std::span<double const>(here ? x : std::vector<double>(9)), root), x);
    std::vector<std::int64_t> const i{std::numeric_limits<std::int64_t>::min(), 3};
    EXPECT_EQ(comm.broadcast(std::span<std::int64_t const>(here ? i : decltype(i){}), root), i);
  }
}

TEST(Comm, gather_in_rank_order_to_every_root) {
  Comm const comm;
  for (int root = 0; root < comm.size(); ++root) {
    expect_gathered<double>(comm, root);
    expect_gathered<std::int64_t>(comm, root);
    expect_gathered<std::int32_t>(comm, root);
    expect_gathered<std::int8_t>(comm, root);
    auto const texts = comm.gather(std::string(static_cast<std::size_t>(comm.rank()), 'x'), root);
    ASSERT_EQ(texts.size(), comm.rank() == root ? static_cast<std::size_t>(comm.size()) : 0u);
    for (std::size_t r = 0; r < texts.size(); ++r) EXPECT_EQ(texts[r], std::string(r, 'x'));
  }
}

TEST(Comm, all_gather) {
  Comm const comm;
  auto const x = comm.all_gather(comm.rank() + 0.5);
  auto const i = comm.all_gather(std::int64_t{comm.rank()} << 40);
  ASSERT_EQ(x.size(), static_cast<std::size_t>(comm.size()));
  for (std::size_t r = 0; r < x.size(); ++r) {
    EXPECT_EQ(x[r], static_cast<double>(r) + 0.5);
    EXPECT_EQ(i[r], static_cast<std::int64_t>(r) << 40);
  }
}

// Pieces of 7 bytes stand in for the pieces of 2^30 bytes of real long messages (mpi.big_messages).
TEST(Comm, long_messages_go_in_pieces) {
  Comm const comm(MPI_COMM_WORLD, 7);
  int const root = comm.size() - 1;
  std::vector<double> mine(static_cast<std::size_t>(100 + comm.rank()));
  for (std::size_t i = 0; i < mine.size(); ++i)
    mine[i] = comm.rank() * 1000 + static_cast<double>(i);
  auto const all = comm.gather(std::span<double const>(mine), root);
  std::size_t next = 0;
  for (int r = 0; comm.rank() == root && r < comm.size(); ++r) {
    for (int i = 0; i < 100 + r; ++i) EXPECT_EQ(all.at(next++), r * 1000 + i);
  }
  EXPECT_EQ(all.size(), next);
  std::string const text = "pieces that do not divide the length";
  EXPECT_EQ(comm.broadcast(comm.root() ? text : ""), text);
}

TEST(Comm, ranks_that_wait_idle_sleep) {
  Comm const comm;
  using namespace std::chrono_literals;
  auto const start = std::chrono::steady_clock::now();
  double const before = processor_seconds();
  if (comm.rank() == comm.size() - 1) std::this_thread::sleep_for(500ms);
  comm.idle_barrier();
  double const used = processor_seconds() - before;
  std::chrono::duration<double> const passed = std::chrono::steady_clock::now() - start;
  EXPECT_GE(passed.count(), 0.45); // it is a barrier
  EXPECT_LT(used, 0.1);            // and nobody spun for the half second
}

TEST(Comm, works_on_a_part_of_the_ranks) {
  MPI_Comm half = MPI_COMM_NULL;
  MPI_Comm_split(MPI_COMM_WORLD, world_rank() % 2, world_rank(), &half);
  Comm const comm(half);
  EXPECT_EQ(comm.sum(std::int64_t{1}), (world_size() + 1 - world_rank() % 2) / 2);
  MPI_Comm_free(&half);
}
