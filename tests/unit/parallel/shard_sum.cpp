// SPDX-License-Identifier: BSD-3-Clause
// Sums over shards: the same bits on any number of ranks; sums that run in the background.
#include "moho/parallel/shard_sum.hpp"
#include "moho/core/philox.hpp"
#include "support/mpi_support.hpp"
#include <cstring>
#include <gtest/gtest.h>

using namespace moho;
using namespace moho::parallel;

namespace {

constexpr int shards = 8;
constexpr std::size_t size = 1000;

template <class T>
std::vector<T> shard(int s) {
  std::vector<T> values(size);
  for (std::size_t i = 0; i < size; ++i)
    values[i] = static_cast<T>(Philox{5, 1}.normal(i, static_cast<std::uint32_t>(s)));
  return values;
}

template <class T>
std::vector<T> tree(int first, int last) {
  if (last - first == 1) return shard<T>(first);
  auto left = tree<T>(first, (first + last) / 2);
  auto const right = tree<T>((first + last) / 2, last);
  for (std::size_t i = 0; i < size; ++i) left[i] += right[i];
  return left;
}

template <class T, class Place>
std::vector<T> summed(ShardSum<T, Place>& sum) {
  using Array = typename ShardSum<T, Place>::Array;
  auto const on_host = [](std::vector<T>& values) {
    return Kokkos::View<T*, Kokkos::HostSpace>(values.data(), values.size());
  };
  sum.start();
  for (int s = sum.owned().first; s < sum.owned().last; ++s) {
    auto values = shard<T>(s);
    Kokkos::deep_copy(sum.next(), on_host(values));
    sum.commit();
  }
  Array const result("result", size);
  sum.finish(result);
  std::vector<T> values(size);
  Kokkos::deep_copy(on_host(values), result);
  return values;
}

template <class T, class Place>
void check(DeviceMpi mpi) {
  ShardSum<T, Place> sum(Comm(), shards, size, mpi);
  auto const expected = tree<T>(0, shards);
  for (int round = 0; round < 3; ++round) {
    auto const result = summed(sum);
    EXPECT_EQ(std::memcmp(result.data(), expected.data(), size * sizeof(T)), 0) << name(mpi);
  }
  // one after the other gives other bits, so that the comparison can fail
  auto chain = shard<T>(0);
  for (int s = 1; s < shards; ++s)
    for (std::size_t i = 0; i < size; ++i) chain[i] += shard<T>(s)[i];
  EXPECT_NE(std::memcmp(chain.data(), expected.data(), size * sizeof(T)), 0);
}

TEST(ShardSum, HasTheBitsOfTheTree) {
  check<double, OnHost>(DeviceMpi::host);
  check<float, OnHost>(DeviceMpi::host);
}

TEST(ShardSum, HasTheSameBitsInTheMemoryOfKernels) {
  for (DeviceMpi const mpi : {device_mpi(Comm()), DeviceMpi::staged}) {
    check<double, OnDevice>(mpi);
    check<float, OnDevice>(mpi);
  }
}

TEST(ShardSum, EveryShardHasOneOwner) {
  for (int ranks = 1; ranks <= shards; ++ranks) {
    int next = 0;
    for (int rank = 0; rank < ranks; ++rank) {
      auto const [first, last] = owned_shards(shards, rank, ranks);
      EXPECT_EQ(first, next);
      EXPECT_GT(last, first);
      next = last;
    }
    EXPECT_EQ(next, shards);
  }
}

TEST(ShardSum, MoreRanksThanShardsAreRefused) {
  if (Comm().size() < 3) return;
  EXPECT_THROW(ShardSum<double>(Comm(), 2, 1), Error);
}

TEST(RunningSums, AddOverRanks) {
  Comm const comm;
  RunningSums sums(comm);
  std::vector<double> a(100, comm.rank() + 1.0);
  std::vector<float> b(7, 2.0f);
  sums.start(std::span<double>(a));
  sums.start(std::span<float>(b).subspan(0, 3));
  sums.poke();
  EXPECT_GE(sums.wait(), 0);
  EXPECT_EQ(sums.wait(), 0);
  double const ranks = comm.size();
  EXPECT_EQ(a, std::vector<double>(100, ranks * (ranks + 1) / 2));
  EXPECT_EQ(b[2], 2 * static_cast<float>(ranks));
  EXPECT_EQ(b[3], 2.0f);
}

} // namespace
