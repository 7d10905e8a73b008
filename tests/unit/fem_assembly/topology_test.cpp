// SPDX-License-Identifier: BSD-3-Clause
// Patterns against sets of pairs, counts of spec section 10, positions.
#include "cases.hpp"
#include "moho/core/error.hpp"
#include <gtest/gtest.h>
#include <set>

namespace moho::fem::test {
namespace {

TEST(Topology, PatternIsThatOfSharedCells) {
  for (Cell const cell : all_cells)
    for (int degree = 1; degree <= 2; ++degree)
      for (int B = 1; B <= 3; ++B) {
        Part const whole = whole_part(cell, degree, dimension(cell) == 2 ? 4 : 2);
        std::int64_t const n = whole.space.global_nodes;
        std::set<std::pair<std::int64_t, std::int64_t>> expected, found;
        std::size_t const k = static_cast<std::size_t>(whole.space.element.nodes());
        for (std::size_t c = 0; c < whole.space.cells(); ++c)
          for (std::size_t a = 0; a < k; ++a)
            for (std::size_t b = 0; b < k; ++b)
              for (int i = 0; i < B * B; ++i) {
                auto const row = [&](std::size_t at) {
                  return whole.space
                      .row[static_cast<std::size_t>(whole.space.cell_nodes[c * k + at])];
                };
                expected.insert({row(a) * B + i / B, row(b) * B + i % B});
              }
        for (int r = 0; r < 3; ++r) {
          Part const part = take_part(whole.mesh, whole.space, n * r / 3, n * (r + 1) / 3);
          Topology const topology(part, B);
          Pattern const& p = topology.pattern();
          EXPECT_EQ(p.first_row, n * r / 3 * B);
          EXPECT_EQ(p.global_rows, n * B);
          std::vector<double> const values(p.nonzeros());
          Entries entries;
          add_entries(topology, values, entries);
          EXPECT_EQ(entries.size(), p.nonzeros()) << "an entry occurs twice";
          for (auto const& entry : entries) found.insert(entry.first);
          for (std::size_t row = 0; row < p.rows(); ++row) {
            auto const d = p.diagonal_column.begin(), o = d;
            EXPECT_TRUE(std::is_sorted(d + p.diagonal_ptr[row], o + p.diagonal_ptr[row + 1]));
            EXPECT_TRUE(std::is_sorted(p.off_column.begin() + p.off_ptr[row],
                                       p.off_column.begin() + p.off_ptr[row + 1]));
          }
        }
        EXPECT_EQ(found, expected);
      }
}

TEST(Topology, CountsOfNonzeros) {
  auto const nonzeros = [](Cell cell, int degree, int n, int B) {
    Part part;
    part.mesh = structured({cell,
                            std::vector<int>(static_cast<std::size_t>(dimension(cell)), n),
                            {},
                            0,
                            Ordering::lexicographic});
    part.space = make_space(part.mesh, degree);
    return Topology(part, B).pattern().nonzeros();
  };
  EXPECT_EQ(nonzeros(Cell::triangle, 1, 256, 1), 460289u);
  EXPECT_EQ(nonzeros(Cell::tetrahedron, 1, 32, 1), 513313u);
  EXPECT_EQ(nonzeros(Cell::tetrahedron, 1, 32, 3), 4619817u);
  EXPECT_EQ(nonzeros(Cell::triangle, 2, 256, 1), 3018753u);
}

TEST(Topology, FindsEntries) {
  Part const whole = whole_part(Cell::triangle, 2, 4);
  Part const part = take_part(whole.mesh, whole.space, 20, 50);
  Topology const topology(part, 2);
  Pattern const& p = topology.pattern();
  std::size_t found = 0;
  for (std::int32_t row = 0; row < static_cast<std::int32_t>(p.rows()); ++row)
    for (std::int32_t column = 0; column < topology.local_nodes() * 2; ++column) {
      std::int64_t const at = topology.find(row, column);
      if (at < 0) continue;
      ++found;
      std::size_t const i = static_cast<std::size_t>(at);
      if (i < p.diagonal_nonzeros()) {
        EXPECT_EQ(p.diagonal_column[i], column);
      } else {
        std::size_t const node = static_cast<std::size_t>(column / 2);
        EXPECT_EQ(p.off_column[i - p.diagonal_nonzeros()], part.space.row[node] * 2 + column % 2);
      }
    }
  EXPECT_EQ(found, p.nonzeros());
  EXPECT_EQ(topology.find(-1, 0), -1);
  EXPECT_EQ(topology.find(0, -1), -1);
  EXPECT_EQ(topology.find(static_cast<std::int32_t>(p.rows()), 0), -1);
  EXPECT_EQ(topology.find(0, 1 << 20), -1);
}

TEST(Topology, RefusesWhatItCannotServe) {
  Part const part = whole_part(Cell::triangle, 1, 3);
  EXPECT_THROW(Topology(part, 0), Error);
  EXPECT_THROW(Topology(part, 4), Error);
  Part const nothing = take_part(part.mesh, part.space, 5, 5);
  EXPECT_THROW(Topology(nothing, 1), Error) << "more ranks than nodes";
  Part dangling = part;
  dangling.space.owned += 1; // a node of no cell
  dangling.space.row.push_back(dangling.space.global_nodes);
  dangling.space.id.push_back(dangling.space.global_nodes);
  EXPECT_THROW(Topology(dangling, 1), Error);
}

} // namespace
} // namespace moho::fem::test
