// SPDX-License-Identifier: BSD-3-Clause
#include "moho/parallel/exchange.hpp"
#include "support/mpi_support.hpp"
#include <algorithm>
#include <gtest/gtest.h>

namespace moho::test {
namespace {

using parallel::Comm;
using parallel::GhostExchange;

struct Blocks {
  std::int64_t first, owned, all;
};

// Rank r owns r + 1 numbers; the last of several ranks owns none.
Blocks blocks_of(Comm const& comm) {
  std::int64_t const r = comm.rank(), n = comm.size();
  bool const none = n > 1 && r + 1 == n;
  std::int64_t const all = n > 1 ? (n - 1) * n / 2 : 1;
  return {r * (r + 1) / 2, none ? 0 : r + 1, all};
}

TEST(GhostExchange, GhostsGetTheirOwnersValues) {
  Comm const comm;
  auto const [first, owned, all] = blocks_of(comm);
  std::vector<std::int64_t> ghosts;
  for (std::int64_t g = all - 1; g >= 0; --g) // descending: any order is fine
    if ((g < first || g >= first + owned) && (g + comm.rank()) % 3 != 0) ghosts.push_back(g);
  GhostExchange const exchange(comm, first, static_cast<std::int32_t>(owned), ghosts);
  auto const value = [](std::int64_t g, int c) { return static_cast<double>(g) + 0.5 + 100.0 * c; };
  for (int components : {1, 3}) {
    auto const n = static_cast<std::size_t>(components);
    std::vector<double> values((static_cast<std::size_t>(owned) + ghosts.size()) * n, -1);
    std::vector<std::uint8_t> marks(values.size(), 9);
    for (std::int64_t i = 0; i < owned; ++i)
      for (int c = 0; c < components; ++c) {
        values[static_cast<std::size_t>(i) * n + static_cast<std::size_t>(c)] = value(first + i, c);
        marks[static_cast<std::size_t>(i) * n + static_cast<std::size_t>(c)] =
            static_cast<std::uint8_t>((first + i + c) % 2);
      }
    for (int repeat = 0; repeat < 2; ++repeat) {
      exchange.update(values, components);
      exchange.update(marks, components);
    }
    for (std::size_t i = 0; i < ghosts.size(); ++i)
      for (int c = 0; c < components; ++c) {
        auto const at = (static_cast<std::size_t>(owned) + i) * n + static_cast<std::size_t>(c);
        EXPECT_EQ(values[at], value(ghosts[i], c));
        EXPECT_EQ(marks[at], (ghosts[i] + c) % 2);
      }
  }
}

// Decided by all ranks: the others would wait for ever.
TEST(GhostExchange, ImpossibleGhostsFailOnAllRanks) {
  Comm const comm;
  auto const [first, owned, all] = blocks_of(comm);
  auto const n = static_cast<std::int32_t>(owned);
  for (std::int64_t bad : {all, std::int64_t{-1}, std::int64_t{0}}) { // 0: rank 0's own
    std::vector<std::int64_t> ghosts;
    if (comm.root()) ghosts.push_back(bad);
    EXPECT_THROW(GhostExchange(comm, first, n, ghosts), Error) << bad;
  }
  if (comm.size() > 1) { // blocks that descend
    EXPECT_THROW(GhostExchange(comm, -first, n, {}), Error);
  }
}

} // namespace
} // namespace moho::test
