// SPDX-License-Identifier: BSD-3-Clause
// Numberings that others made: the local order is recognised, wrong ones are refused by name.
#include "mesh_support.hpp"

namespace moho::fem {
namespace {

/// A space in a peer's numbering and local order.
struct Foreign {
  Mesh mesh;
  Space space; ///< what make_space should find
  std::vector<std::int64_t> dofmap;
  std::vector<double> points;
};

/// `per_cell`: every cell has a local order of its own.
Foreign foreign(Cell cell, int degree, bool per_cell, std::uint64_t seed) {
  Foreign f{structured(small(cell, 0.1)), {}, {}, {}};
  f.space = make_space(f.mesh, degree);
  renumber(f.space, shuffled(f.space.local_nodes(), seed));
  f.space.id = f.space.row;
  std::size_t const k = at(f.space.element.nodes());
  for (std::size_t c = 0; c < f.mesh.cell_count(); ++c)
    for (std::int64_t const a : shuffled(k, per_cell ? seed + c : seed))
      f.dofmap.push_back(f.space.cell_nodes[c * k + at(a)]);
  f.points = f.space.points;
  return f;
}

std::string refusal(Foreign const& f, int degree) {
  return error_of([&] { make_space(f.mesh, degree, f.dofmap, f.points); });
}

TEST(DofmapTest, AnyLocalOrderIsRecognised) {
  for (Cell const cell : all_cells)
    for (int const degree : {1, 2})
      for (bool const per_cell : {false, true}) {
        Foreign const f = foreign(cell, degree, per_cell, 5);
        EXPECT_TRUE(make_space(f.mesh, degree, f.dofmap, f.points) == f.space)
            << name(f.space.element) << " seed 5";
      }
}

TEST(DofmapTest, SmallCellsFarFromTheOrigin) {
  Foreign f = foreign(Cell::tetrahedron, 2, true, 6);
  for (auto* const points : {&f.mesh.points, &f.points, &f.space.points})
    for (double& x : *points) x = 100 + 1e-3 * x;
  EXPECT_EQ(refusal(f, 2), "");
}

TEST(DofmapTest, WrongShapesAreRefused) {
  Foreign f = foreign(Cell::triangle, 2, false, 5);
  EXPECT_TRUE(names(refusal(f, 1), {"dofmap: 144 entries", "P1 triangle", "check the degree"}));
  f.points.pop_back();
  EXPECT_TRUE(names(refusal(f, 2), {"dof_coordinates", "63 nodes"}));
}

TEST(DofmapTest, WrongNumbersAreNamed) {
  for (Cell const cell : all_cells) {
    Foreign const good = foreign(cell, 2, false, 5);
    std::size_t const k = at(good.space.element.nodes()), c = good.mesh.cell_count() / 2;
    std::string const where = "cell " + std::to_string(c);
    Foreign f = good;
    f.dofmap[c * k + 1] = f.space.global_nodes;
    EXPECT_TRUE(
        names(refusal(f, 2), {where, "names node " + std::to_string(f.space.global_nodes)}));
    f.dofmap[c * k + 1] = -1;
    EXPECT_TRUE(names(refusal(f, 2), {where, "names node -1"}));
    f = good; // a node of a distant cell
    f.dofmap[c * k + 1] = f.dofmap[0] == f.dofmap[c * k + 1] ? f.dofmap[1] : f.dofmap[0];
    EXPECT_TRUE(names(refusal(f, 2), {where, "has no node at ("}));
    f = good; // a coordinate that is not where the node is
    f.points[at(f.dofmap[c * k]) * at(f.mesh.dim())] += 0.01;
    EXPECT_TRUE(names(refusal(f, 2), {"has no node at ("}));
  }
}

TEST(DofmapTest, ADiscontinuousSpaceIsRefused) {
  // Two numbers at the same place: the coordinates alone cannot tell.
  Foreign f = foreign(Cell::triangle, 1, false, 5);
  std::size_t const c = f.mesh.cell_count() - 1;
  std::int64_t const shared = f.dofmap[3 * c];
  std::int64_t const other = shared == 0 ? 1 : 0;
  f.points[2 * at(other)] = f.points[2 * at(shared)];
  f.points[2 * at(other) + 1] = f.points[2 * at(shared) + 1];
  f.dofmap[3 * c] = other;
  EXPECT_NE(refusal(f, 1), "");
  // A swap of the numbers of a slit's two sides in one cell.
  Mesh slit = structured({Cell::triangle, {2, 2}, {}, 0, {}});
  slit.points.insert(slit.points.end(), {0.5, 0.5}); // the centre twice: above and below
  slit.point_id.push_back(9);
  for (std::size_t i = 3 * 4; i < slit.cells.size(); ++i)
    if (slit.cells[i] == 4) slit.cells[i] = 9;
  Space const space = make_space(slit, 1);
  std::vector<std::int64_t> dofmap(space.cell_nodes.begin(), space.cell_nodes.end());
  EXPECT_TRUE(make_space(slit, 1, dofmap, space.points) == space);
  auto const refused = [&](std::vector<std::int64_t> const& wrong) {
    return error_of([&] { make_space(slit, 1, wrong, space.points); });
  };
  auto wrong = dofmap; // in the first cell that has it; in all; in the last
  *std::find(wrong.begin(), wrong.end(), 9) = 4;
  EXPECT_TRUE(names(refused(wrong), {"dofmap: cell", "node 4 for two places"}));
  std::replace(wrong.begin(), wrong.end(), std::int64_t{9}, std::int64_t{4});
  EXPECT_TRUE(names(refused(wrong), {"dofmap: cell", "node 4 for two places"}));
  wrong = dofmap;
  *std::find(wrong.rbegin(), wrong.rend(), 9) = 4;
  EXPECT_TRUE(names(refused(wrong), {"dofmap: cell", "node 4 where another cell has node 9"}));
}

} // namespace
} // namespace moho::fem
