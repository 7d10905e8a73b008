// SPDX-License-Identifier: BSD-3-Clause
// Parts for ranks: together the whole, each complete for its rows.
#include "mesh_support.hpp"
#include <set>

namespace moho::fem {
namespace {

/// First rows of `ranks` blocks, by equal shares or by random cuts.
std::vector<std::int64_t> cuts(std::int64_t n, int ranks, std::uint64_t seed) {
  std::vector<std::int64_t> at_row{0, n};
  for (int r = 1; r < ranks; ++r)
    at_row.push_back(seed == 0 ? n * r / ranks
                               : static_cast<std::int64_t>(Philox{seed, 2}.uniform(at(r), 0) *
                                                           static_cast<double>(n)));
  std::sort(at_row.begin(), at_row.end());
  return at_row;
}

/// Is everything in the part as in the whole, and is all there that its rows need?
void expect_piece(Mesh const& mesh, Space const& space, Part const& part, std::int64_t first,
                  std::int64_t last) {
  Space const& own = part.space;
  std::size_t const k = at(space.element.nodes()), g = at(mesh.geometry.nodes());
  std::size_t const d = at(mesh.dim());
  ASSERT_EQ(own.owned, last - first);
  ASSERT_EQ(own.global_nodes, space.global_nodes);
  ASSERT_EQ(own.first_row, first);
  for (std::size_t n = 0; n < own.local_nodes(); ++n) {
    bool const owned = n < at(own.owned);
    ASSERT_EQ(owned, first <= own.row[n] && own.row[n] < last);
    if (owned) {
      ASSERT_EQ(own.row[n], first + static_cast<std::int64_t>(n));
    } else if (n > at(own.owned)) {
      ASSERT_LT(own.row[n - 1], own.row[n]);
    }
    ASSERT_EQ(own.id[n], space.id[at(own.row[n])]);
    for (std::size_t i = 0; i < d; ++i)
      ASSERT_EQ(own.points[n * d + i], space.points[at(own.row[n]) * d + i]);
  }
  std::set<std::int64_t> held(part.mesh.cell_id.begin(), part.mesh.cell_id.end());
  ASSERT_EQ(held.size(), part.mesh.cell_count());
  ASSERT_TRUE(std::is_sorted(part.mesh.cell_id.begin(), part.mesh.cell_id.end()));
  for (std::size_t c = 0; c < mesh.cell_count(); ++c) { // ids are places in these meshes
    bool const touches = std::any_of(&space.cell_nodes[c * k], &space.cell_nodes[c * k] + k,
                                     [&](std::int32_t n) { return first <= n && n < last; });
    ASSERT_EQ(touches, held.count(static_cast<std::int64_t>(c)) == 1) << "cell " << c;
  }
  for (std::size_t c = 0; c < part.mesh.cell_count(); ++c) {
    std::size_t const id = at(part.mesh.cell_id[c]);
    for (std::size_t a = 0; a < k; ++a)
      ASSERT_EQ(own.row[at(own.cell_nodes[c * k + a])], space.cell_nodes[id * k + a]);
    for (std::size_t a = 0; a < g; ++a) {
      std::size_t const p = at(part.mesh.cells[c * g + a]), w = at(mesh.cells[id * g + a]);
      ASSERT_EQ(part.mesh.point_id[p], mesh.point_id[w]);
      for (std::size_t i = 0; i < d; ++i)
        ASSERT_EQ(part.mesh.points[p * d + i], mesh.points[w * d + i]);
    }
  }
  std::set<std::array<std::int64_t, 3>> expected, found;
  for (std::size_t f = 0; f < mesh.boundary.size(); ++f)
    if (held.count(mesh.boundary.cell[f]))
      expected.insert({mesh.boundary.cell[f], mesh.boundary.local[f], mesh.boundary.tag[f]});
  for (std::size_t f = 0; f < part.mesh.boundary.size(); ++f)
    found.insert({part.mesh.cell_id[at(part.mesh.boundary.cell[f])], part.mesh.boundary.local[f],
                  part.mesh.boundary.tag[f]});
  ASSERT_EQ(found, expected);
  if (part.mesh.cell_count() > 0) check_mesh(part.mesh, "part");
}

TEST(PartTest, PartsAreTheWhole) {
  for (Cell const cell : all_cells)
    for (int const degree : {1, 2})
      for (Ordering const ordering : {Ordering::lexicographic, Ordering::hilbert, Ordering::rcm})
        for (int ranks = 1; ranks <= 5; ++ranks)
          for (std::uint64_t const seed : {0u, 31u}) {
            Mesh const mesh = structured(small(cell, 0.1, ordering));
            Space space = make_space(mesh, degree);
            reorder(space, ordering);
            auto const rows = cuts(space.global_nodes, ranks, seed);
            std::set<std::int64_t> cells, nodes;
            for (int r = 0; r < ranks; ++r) {
              Part const part = take_part(mesh, space, rows[at(r)], rows[at(r) + 1]);
              SCOPED_TRACE(name(space.element) + " rank " + std::to_string(r) + " of " +
                           std::to_string(ranks) + " seed " + std::to_string(seed));
              expect_piece(mesh, space, part, rows[at(r)], rows[at(r) + 1]);
              cells.insert(part.mesh.cell_id.begin(), part.mesh.cell_id.end());
              nodes.insert(part.space.row.begin(), part.space.row.begin() + part.space.owned);
            }
            EXPECT_EQ(cells.size(), mesh.cell_count());
            EXPECT_EQ(nodes.size(), space.local_nodes());
          }
}

TEST(PartTest, OfCurvedCellsAndForeignRows) {
  // As after a partition of a Gmsh mesh: rows in the order of the ranks, ids as in the file.
  Mesh const mesh = curved_disk(5);
  for (int const degree : {1, 2}) {
    Space space = make_space(mesh, degree);
    renumber(space, shuffled(space.local_nodes(), 13));
    EXPECT_NE(space.id, space.row);
    auto const rows = cuts(space.global_nodes, 3, 0);
    for (std::size_t r = 0; r < 3; ++r)
      expect_piece(mesh, space, take_part(mesh, space, rows[r], rows[r + 1]), rows[r], rows[r + 1]);
  }
}

TEST(PartTest, StructuredPartsAreTakenParts) {
  for (Cell const cell : all_cells)
    for (int const degree : {1, 2})
      for (double const perturbation : {0.0, 0.1}) {
        Structured const spec = small(cell, perturbation);
        Mesh const mesh = structured(spec);
        // The numbering is that of the grid, which coordinates show where nothing is moved.
        Space straight = make_space(structured(small(cell)), degree);
        std::vector<std::int64_t> row(straight.local_nodes());
        auto const before = straight.cell_nodes;
        reorder(straight, Ordering::lexicographic);
        for (std::size_t i = 0; i < before.size(); ++i) row[at(before[i])] = straight.cell_nodes[i];
        Space space = make_space(mesh, degree);
        renumber(space, row);
        space.id = space.row;
        for (int ranks = 1; ranks <= 5; ++ranks)
          for (std::uint64_t const seed : {0u, 32u, 33u}) {
            auto const rows = cuts(space.global_nodes, ranks, seed);
            for (int r = 0; r < ranks; ++r) {
              Part const taken = take_part(mesh, space, rows[at(r)], rows[at(r) + 1]);
              Part const direct = structured_part(spec, degree, rows[at(r)], rows[at(r) + 1]);
              EXPECT_TRUE(direct.mesh == taken.mesh)
                  << name(space.element) << " rank " << r << " of " << ranks << " seed " << seed;
              EXPECT_TRUE(direct.space == taken.space)
                  << name(space.element) << " rank " << r << " of " << ranks << " seed " << seed;
            }
          }
      }
}

TEST(PartTest, OneNodeAndNone) {
  Structured const spec = small(Cell::tetrahedron, 0.1);
  std::int64_t const n = structured_nodes(spec, 2);
  Mesh const mesh = structured(spec);
  for (std::int64_t row = 0; row < n; ++row) { // every node alone
    Part const part = structured_part(spec, 2, row, row + 1);
    ASSERT_EQ(part.space.owned, 1);
    ASSERT_EQ(part.space.row[0], row);
    ASSERT_GE(part.mesh.cell_count(), 1u);
  }
  Part const none = structured_part(spec, 2, 100, 100);
  EXPECT_EQ(none.space.owned, 0);
  EXPECT_EQ(none.mesh.cell_count(), 0u);
  EXPECT_EQ(take_part(mesh, make_space(mesh, 2), 100, 100).mesh.cell_count(), 0u);
}

TEST(PartTest, RefusesWhatItCannotDo) {
  EXPECT_TRUE(
      names(error_of([] { structured_part(small(Cell::triangle, 0, Ordering::hilbert), 1, 0, 1); }),
            {"lexicographic"}));
  Mesh const mesh = structured(small(Cell::triangle));
  Space const space = make_space(mesh, 1);
  EXPECT_THROW(take_part(mesh, space, 0, space.global_nodes + 1), std::logic_error);
  EXPECT_THROW(take_part(mesh, space, 2, 1), std::logic_error);
  EXPECT_THROW(structured_part(small(Cell::triangle), 1, -1, 1), std::logic_error);
  EXPECT_TRUE(
      names(error_of([] { structured_part(small(Cell::triangle), 3, 0, 1); }), {"degree 3"}));
}

TEST(PartTest, MemoryFollowsThePart) {
  // 1000^3 hexahedra: 10^9 cells that nobody could hold.
  Structured const spec{Cell::hexahedron, {1000, 1000, 1000}, {}, 0.1, {}};
  std::int64_t const middle = structured_nodes(spec, 1) / 2;
  Part const part = structured_part(spec, 1, middle, middle + 10);
  EXPECT_EQ(part.space.owned, 10);
  EXPECT_EQ(part.mesh.cell_count(), 4u * 11u);
  EXPECT_GT(part.mesh.cell_id.front(), std::int64_t{400'000'000});
}

} // namespace
} // namespace moho::fem
