// SPDX-License-Identifier: BSD-3-Clause
// Tiles of rows: what they count, and that a team's scratch memory holds what a tile needs.
#include "cases.hpp"
#include "tiles.hpp"
#include <gtest/gtest.h>

namespace moho::fem::test {
namespace {

TEST(Tiles, CountsAreThoseOfTheLists) {
  for (Cell const cell : all_cells) {
    Part const part = whole_part(cell, 1, dimension(cell) == 2 ? 12 : 5);
    Topology const topology(part, 1);
    for (int const rows : {1, 7, 64, 100000}) {
      auto const lists = make_gather_lists(topology, true, Orient::plain, rows);
      EXPECT_EQ(most_tile_cells(topology, rows), lists.most_cells) << rows << " rows";
      EXPECT_EQ(lists.tiles, (topology.owned_nodes() + rows - 1) / rows);
    }
    EXPECT_LT(most_tile_cells(topology, 1), most_tile_cells(topology, 64));
  }
}

// Else a device's tiles lie in its slow memory.
TEST(Tiles, FitTheScratchMemory) {
  Part const part = whole_part(Cell::tetrahedron, 1, 12);
  Topology const topology(part, 1);
  for (std::size_t const numbers : {1, 10, 13, 90}) {
    auto const needs = [=](std::int32_t cells) {
      return static_cast<std::size_t>(cells) * numbers;
    };
    int const rows = tile_rows(topology, needs);
    ASSERT_GT(rows, 0);
    EXPECT_LE(tile_bytes(needs(most_tile_cells(topology, rows))), most_tile_bytes())
        << numbers << " numbers per cell, " << rows << " rows";
  }
  // A cell that no such memory holds: as many rows as elsewhere, in the next level.
  std::size_t const all = most_tile_bytes();
  auto const too_much = [=](std::int32_t cells) { return static_cast<std::size_t>(cells) * all; };
  EXPECT_EQ(tile_rows(topology, too_much), 8);
}

TEST(Tiles, ItemsComeInTheirOrder) {
  std::vector<std::int32_t> const item = {5, 3, 8, 1, 9, 2, 7};
  for (std::int32_t end = 0; end <= 7; ++end)
    for (std::int32_t begin = 0; begin <= end; ++begin) {
      std::vector<std::int32_t> found;
      for_items(item.data(), begin, end, [&](std::int32_t one) { found.push_back(one); });
      EXPECT_EQ(found, std::vector<std::int32_t>(item.begin() + begin, item.begin() + end));
    }
}

} // namespace
} // namespace moho::fem::test
