// SPDX-License-Identifier: BSD-3-Clause
#include "mesh_support.hpp"
#include <map>
#include <set>

namespace moho::fem {
namespace {

/// All meshes of the tests of spaces: straight, perturbed, curved, cut, in all orderings.
std::vector<Mesh> meshes(Cell cell) {
  std::vector<Mesh> result{structured(small(cell)), structured(small(cell, 0.15)),
                           structured(small(cell, 0.1, Ordering::hilbert)),
                           structured(small(cell, 0.1, Ordering::rcm))};
  result.push_back(curved(structured(small(cell)), [](double* x) { x[0] += 0.1 * x[1] * x[1]; }));
  result.push_back(cut(result[0], [](double const* x) { return x[0] + x[1] < 1.2; }));
  return result;
}

TEST(SpaceTest, NodesAgreeBetweenCells) {
  for (Cell const cell : all_cells)
    for (int const degree : {1, 2})
      for (Mesh const& mesh : meshes(cell)) {
        Space const space = make_space(mesh, degree);
        std::size_t const k = at(space.element.nodes()), d = at(mesh.dim());
        ASSERT_EQ(space.cells(), mesh.cell_count());
        auto const xi = reference_nodes(space.element);
        std::vector<int> used(space.local_nodes(), 0);
        for (std::size_t c = 0; c < mesh.cell_count(); ++c)
          for (std::size_t a = 0; a < k; ++a) {
            std::size_t const node = at(space.cell_nodes[c * k + a]);
            ++used.at(node);
            auto const x = position(mesh, c, &xi[a * d]);
            for (std::size_t i = 0; i < d; ++i)
              EXPECT_NEAR(space.points[node * d + i], x[i], 1e-15)
                  << name(space.element) << " cell " << c << " node " << a;
          }
        EXPECT_EQ(std::count(used.begin(), used.end(), 0), 0);
        // No two nodes in one place: what cells share is one node.
        std::set<std::vector<long>> places;
        for (std::size_t n = 0; n < space.local_nodes(); ++n) {
          std::vector<long> place;
          for (std::size_t i = 0; i < d; ++i)
            place.push_back(std::lround(space.points[n * d + i] * 1e9));
          places.insert(place);
        }
        EXPECT_EQ(places.size(), space.local_nodes()) << name(space.element);
      }
}

TEST(SpaceTest, CountsOfTheGrid) {
  for (Cell const cell : all_cells)
    for (int const degree : {1, 2}) {
      Structured const spec = small(cell);
      std::int64_t nodes = 1;
      for (int const n : spec.n) nodes *= degree * n + 1;
      Space const space = make_space(structured(spec), degree);
      EXPECT_EQ(space.global_nodes, nodes) << name(space.element);
      EXPECT_EQ(structured_nodes(spec, degree), nodes);
      EXPECT_EQ(space.owned, nodes);
      EXPECT_EQ(space.first_row, 0);
      EXPECT_EQ(space.row, space.id);
    }
}

/// Numbering of degree 2 by maps, from the words of the contract.
std::vector<std::int32_t> numbers_by_map(Mesh const& mesh) {
  std::size_t const v = at(vertex_count(mesh.cell())), k = at(node_count(mesh.cell(), 2));
  std::map<std::vector<std::int32_t>, std::int32_t> edge, face;
  std::vector<std::vector<std::int32_t>> entity; // of each node of each cell
  auto const xi = reference_nodes({mesh.cell(), 2});
  auto const corner = reference_nodes({mesh.cell(), 1});
  std::size_t const d = at(mesh.dim());
  for (std::size_t c = 0; c < mesh.cell_count(); ++c)
    for (std::size_t a = 0; a < k; ++a) {
      // The vertices of the node's entity: those at its coordinates, where these are 0 or 1; of
      // simplices those with a barycentric coordinate of 1/2 or 1.
      std::vector<std::int32_t> vertices;
      for (std::size_t w = 0; w < v; ++w) {
        bool carries = true;
        double rest = 1;
        for (std::size_t i = 0; i < d; ++i) {
          rest -= xi[a * d + i];
          if (!is_simplex(mesh.cell()))
            carries = carries && (xi[a * d + i] == 0.5 || xi[a * d + i] == corner[w * d + i]);
        }
        if (is_simplex(mesh.cell())) carries = (w == 0 ? rest : xi[a * d + w - 1]) > 0.25;
        if (carries) vertices.push_back(mesh.cells[c * v + w]);
      }
      std::sort(vertices.begin(), vertices.end());
      if (vertices.size() == 2) edge[vertices];
      if (vertices.size() == 4 && d == 3) face[vertices];
      entity.push_back(vertices);
    }
  auto next = static_cast<std::int32_t>(mesh.point_count());
  for (auto* const numbers : {&edge, &face})
    for (auto& item : *numbers) item.second = next++;
  std::vector<std::int32_t> result;
  for (auto const& e : entity)
    result.push_back(e.size() == 1             ? e[0]
                     : e.size() == 2           ? edge[e]
                     : e.size() == 4 && d == 3 ? face[e]
                                               : next++);
  return result;
}

TEST(SpaceTest, NumbersByVerticesEdgesFacesCells) {
  for (Cell const cell : all_cells)
    for (Ordering const ordering : {Ordering::lexicographic, Ordering::hilbert}) {
      Mesh const mesh = structured(small(cell, 0.1, ordering));
      EXPECT_EQ(make_space(mesh, 2).cell_nodes, numbers_by_map(mesh)) << name(cell);
      EXPECT_EQ(make_space(mesh, 1).cell_nodes, mesh.cells);
    }
}

TEST(SpaceTest, VerticesAreNumberedByTheirIds) {
  Mesh mesh = structured(small(Cell::triangle));
  auto const id = shuffled(mesh.point_count(), 3);
  mesh.point_id = id;
  Space const space = make_space(mesh, 1);
  for (std::size_t i = 0; i < mesh.cells.size(); ++i)
    EXPECT_EQ(space.cell_nodes[i], id[at(mesh.cells[i])]);
}

TEST(SpaceTest, CurvedCellsKeepTheirPoints) {
  Mesh const disk = curved_disk(4);
  Space const quadratic = make_space(disk, 2), linear = make_space(disk, 1);
  EXPECT_EQ(linear.global_nodes, 61);
  EXPECT_EQ(quadratic.global_nodes, 61 + 156);
  EXPECT_EQ(quadratic.points, disk.points); // its points are numbered like the nodes
  std::size_t on_circle = 0;
  for (std::size_t n = 0; n < quadratic.local_nodes(); ++n)
    on_circle +=
        std::fabs(std::hypot(quadratic.points[2 * n], quadratic.points[2 * n + 1]) - 1) < 1e-14;
  EXPECT_EQ(on_circle, 48u); // straight edges would have 24
  // Two cells with different points on a shared edge are refused by name.
  Mesh torn = disk;
  std::int32_t const inner = torn.cells[4]; // edge 02 of cell 0, shared with cell 5
  torn.cells[4] = static_cast<std::int32_t>(torn.point_count());
  torn.point_id.push_back(torn.cells[4]);
  torn.points.insert(torn.points.end(),
                     {torn.points[2 * at(inner)], torn.points[2 * at(inner) + 1]});
  EXPECT_TRUE(
      names(error_of([&] { make_space(torn, 2); }), {"cell ", "point " + std::to_string(inner)}));
}

TEST(SpaceTest, RefusesOtherDegrees) {
  Mesh const mesh = structured(small(Cell::triangle));
  EXPECT_TRUE(names(error_of([&] { make_space(mesh, 3); }), {"degree 3"}));
  EXPECT_TRUE(names(error_of([&] { make_space(mesh, 0); }), {"degree 0"}));
}

TEST(RenumberTest, MovesNodesAndKeepsIds) {
  Mesh const mesh = structured(small(Cell::hexahedron, 0.1));
  Space const before = make_space(mesh, 2);
  Space after = before;
  std::uint64_t const seed = 77;
  auto const row = shuffled(before.local_nodes(), seed);
  renumber(after, row);
  for (std::size_t i = 0; i < before.cell_nodes.size(); ++i) {
    std::size_t const old = at(before.cell_nodes[i]), now = at(after.cell_nodes[i]);
    EXPECT_EQ(at(row[old]), now) << "seed " << seed;
    EXPECT_EQ(after.id[now], before.id[old]);
    EXPECT_EQ(after.row[now], static_cast<std::int64_t>(now));
    for (std::size_t d = 0; d < 3; ++d)
      EXPECT_EQ(after.points[3 * now + d], before.points[3 * old + d]);
  }
  auto twice = row;
  twice[0] = twice[1];
  EXPECT_THROW(renumber(after, twice), std::logic_error);
}

TEST(ReorderTest, LexicographicSortsByCoordinates) {
  for (Cell const cell : all_cells) {
    Space space = make_space(structured(small(cell, 0, Ordering::hilbert)), 2);
    reorder(space, Ordering::lexicographic);
    std::size_t const d = at(space.element.dim());
    for (std::size_t n = 1; n < space.local_nodes(); ++n) {
      std::vector<double> low, high;
      for (std::size_t i = d; i-- > 0;) {
        low.push_back(space.points[(n - 1) * d + i]);
        high.push_back(space.points[n * d + i]);
      }
      EXPECT_LT(low, high) << name(cell) << " node " << n;
    }
    EXPECT_EQ(space.id, space.row);
  }
}

} // namespace
} // namespace moho::fem
