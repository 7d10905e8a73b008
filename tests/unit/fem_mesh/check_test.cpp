// SPDX-License-Identifier: BSD-3-Clause
// Wrong meshes are refused, and the message names the item by its global id.
#include "mesh_support.hpp"

namespace moho::fem {
namespace {

std::string verdict(Mesh const& mesh) {
  return error_of([&] { check_mesh(mesh, "mesh.msh"); });
}

/// A mesh whose ids differ from its places, as on a part.
Mesh part_like(Cell cell) {
  Mesh mesh = structured(small(cell));
  for (auto& id : mesh.cell_id) id = 1000 + 3 * id;
  for (auto& id : mesh.point_id) id = 5000 + 7 * id;
  return mesh;
}

TEST(CheckMeshTest, AcceptsGoodOnes) {
  for (Cell const cell : all_cells) {
    EXPECT_EQ(verdict(part_like(cell)), "");
    EXPECT_EQ(verdict(structured(small(cell, 0.1, Ordering::hilbert))), "");
  }
  EXPECT_EQ(verdict(disk(4)), "");
  EXPECT_EQ(verdict(curved_disk(4)), "");
}

TEST(CheckMeshTest, AnisotropicAndDistantCellsAreFine) {
  EXPECT_EQ(verdict(structured({Cell::triangle, {2, 2}, {1, 1e-6}, 0, {}})), "");
  EXPECT_EQ(verdict(structured({Cell::tetrahedron, {2, 2, 2}, {1, 1e-4, 1e-4}, 0, {}})), "");
  Mesh far = structured(small(Cell::triangle));
  for (double& x : far.points) x += 1e6;
  EXPECT_EQ(verdict(far), "");
}

TEST(HasAffineCellsTest, TensorCellsAreWhereTheyAreParallelograms) {
  for (Cell const cell : all_cells) {
    EXPECT_TRUE(has_affine_cells(structured(small(cell)))) << name(cell);
    EXPECT_EQ(has_affine_cells(structured(small(cell, 0.1))), is_simplex(cell)) << name(cell);
  }
  Mesh sheared = structured(small(Cell::quadrilateral));
  for (std::size_t i = 0; i < sheared.points.size(); i += 2)
    sheared.points[i] = 1e3 + 0.1 * sheared.points[i] + 0.7 * sheared.points[i + 1];
  EXPECT_TRUE(has_affine_cells(sheared));
  sheared.points[0] += 1e-9;
  EXPECT_FALSE(has_affine_cells(sheared));
  EXPECT_FALSE(has_affine_cells(curved_disk(4)));
}

TEST(CheckMeshTest, NamesInvertedCells) {
  for (Cell const cell : all_cells) {
    Mesh mesh = part_like(cell);
    std::size_t const k = at(mesh.geometry.nodes());
    if (is_simplex(cell))
      std::swap(mesh.cells[5 * k], mesh.cells[5 * k + 1]);
    else // a mirrored cell: x and y change places
      std::swap(mesh.cells[5 * k + 1], mesh.cells[5 * k + 2]);
    EXPECT_TRUE(names(verdict(mesh), {"mesh.msh: cell 1015", "inverted"})) << verdict(mesh);
  }
}

TEST(CheckMeshTest, NamesDegenerateCells) {
  Mesh single; // three points on a sloped line: det J is rounding
  single.geometry = {Cell::triangle, 1};
  for (int v = 0; v < 3; ++v) {
    single.points.push_back(0.1 + 0.1 * v);
    single.points.push_back(0.3 + 0.7 * (0.1 + 0.1 * v));
  }
  single.cells = {0, 1, 2};
  single.cell_id = {42};
  single.point_id = {7, 8, 9};
  EXPECT_TRUE(names(verdict(single), {"cell 42", "degenerate"})) << verdict(single);
  Mesh tet = part_like(Cell::tetrahedron); // flat: vertex 3 into the plane of the others
  for (std::size_t i = 0; i < 3; ++i)
    tet.points[3 * at(tet.cells[4 * 9 + 3]) + i] =
        (tet.points[3 * at(tet.cells[4 * 9]) + i] + tet.points[3 * at(tet.cells[4 * 9 + 1]) + i] +
         tet.points[3 * at(tet.cells[4 * 9 + 2]) + i]) /
        3;
  EXPECT_NE(verdict(tet), "");
}

TEST(CheckMeshTest, SeesOneBadCornerOfATensorCell) {
  for (Cell const cell : {Cell::quadrilateral, Cell::hexahedron}) {
    Mesh mesh;
    mesh.geometry = {cell, 1};
    int const d = dimension(cell), k = vertex_count(cell);
    for (int v = 0; v < k; ++v) {
      mesh.cells.push_back(v);
      mesh.point_id.push_back(v);
      for (int i = 0; i < d; ++i) mesh.points.push_back(v >> i & 1);
    }
    mesh.cell_id = {3};
    EXPECT_EQ(verdict(mesh), "");
    for (int i = 0; i < d; ++i) mesh.points[at((k - 1) * d + i)] = 0.2; // an arrow: not convex
    EXPECT_TRUE(
        names(verdict(mesh), {"cell 3 is inverted", "at its point " + std::to_string(k - 1)}));
  }
}

TEST(CheckMeshTest, SeesACurvedEdgeThatFolds) {
  Mesh mesh = curved(structured({Cell::triangle, {1, 1}, {}, 0, {}}), [](double*) {});
  EXPECT_EQ(verdict(mesh), "");
  mesh.points[2 * at(mesh.cells[3]) + 1] = 0.8; // edge 01 of cell 0 through vertex 2's side
  EXPECT_TRUE(names(verdict(mesh), {"cell 0 is inverted"})) << verdict(mesh);
}

TEST(CheckMeshTest, NamesWrongIndicesAndPoints) {
  Mesh const good = part_like(Cell::tetrahedron);
  Mesh mesh = good;
  mesh.cells[4 * 7 + 2] = static_cast<std::int32_t>(mesh.point_count());
  EXPECT_TRUE(names(verdict(mesh), {"cell 1021", "names point 120", "there are 120 points"}));
  mesh = good;
  mesh.cells[4 * 7 + 2] = -1;
  EXPECT_TRUE(names(verdict(mesh), {"cell 1021", "names point -1"}));
  mesh = good;
  mesh.cells[4 * 7 + 2] = mesh.cells[4 * 7];
  EXPECT_TRUE(names(verdict(mesh), {"cell 1021 has point", "twice"}));
  mesh = good;
  mesh.points[3 * 11 + 1] = NAN;
  EXPECT_TRUE(names(verdict(mesh), {"point 5077", "nan"}));
  mesh = good;
  mesh.point_id.push_back(99999);
  mesh.points.insert(mesh.points.end(), {0.5, 0.5, 0.5});
  EXPECT_TRUE(names(verdict(mesh), {"point 99999 is in no cell"}));
}

TEST(CheckMeshTest, NamesWrongLists) {
  Mesh const good = part_like(Cell::triangle);
  Mesh mesh = good;
  std::swap(mesh.cell_id[3], mesh.cell_id[4]);
  EXPECT_TRUE(names(verdict(mesh), {"cell 1009 stands after cell 1012"}));
  mesh = good;
  mesh.boundary.cell[2] = 24;
  EXPECT_TRUE(names(verdict(mesh), {"boundary facet 2", "of cell 24"}));
  mesh = good;
  mesh.boundary.local[2] = 3;
  EXPECT_TRUE(names(verdict(mesh), {"boundary facet 2 is facet 3"}));
  mesh = good;
  mesh.points.pop_back();
  EXPECT_TRUE(names(verdict(mesh), {"coordinates"}));
  mesh.cells.clear();
  mesh.cell_id.clear();
  EXPECT_TRUE(names(verdict(mesh), {"no cells"}));
}

TEST(CheckMeshTest, DoubledCellsShareAFacet) {
  Mesh mesh = structured(small(Cell::tetrahedron));
  EXPECT_EQ(boundary_facets(mesh).size(), mesh.boundary.size());
  mesh.cells.insert(mesh.cells.end(), &mesh.cells[4 * 20], &mesh.cells[4 * 20] + 4);
  mesh.cell_id.push_back(360);
  EXPECT_TRUE(names(error_of([&] { boundary_facets(mesh); }), {"20, ", "360", "share one facet"}));
}

TEST(OrientTest, TurnsMirroredSimplices) {
  for (Cell const cell : {Cell::triangle, Cell::tetrahedron})
    for (int const degree : {1, 2}) {
      Mesh good = structured(small(cell));
      if (degree == 2) good = curved(good, [](double*) {});
      Mesh mesh = good;
      std::size_t const k = at(mesh.geometry.nodes());
      std::uint64_t const seed = 20260;
      std::size_t wrong = 0;
      // Mirror some cells by hand: vertices 0 and 1 change places, edges with them.
      auto const edge = edges(cell);
      for (std::size_t c = 0; c < mesh.cell_count(); ++c) {
        if (Philox{seed, 1}.uniform(c, 0) < 0.5) continue;
        ++wrong;
        auto const swap01 = [](int v) { return v == 0 ? 1 : v == 1 ? 0 : v; };
        std::vector<std::int32_t> const old(&mesh.cells[c * k], &mesh.cells[c * k] + k);
        std::swap(mesh.cells[c * k], mesh.cells[c * k + 1]);
        for (std::size_t e = 0; degree == 2 && e < edge.size(); ++e) {
          std::array<int, 2> image{swap01(edge[e][0]), swap01(edge[e][1])};
          std::sort(image.begin(), image.end());
          std::size_t const to = at(std::find(edge.begin(), edge.end(), image) - edge.begin());
          mesh.cells[c * k + at(vertex_count(cell)) + to] = old[at(vertex_count(cell)) + e];
        }
        for (std::size_t f = 0; f < mesh.boundary.size(); ++f)
          if (at(mesh.boundary.cell[f]) == c)
            mesh.boundary.local[f] = static_cast<std::int8_t>(swap01(mesh.boundary.local[f]));
      }
      EXPECT_TRUE(names(verdict(mesh), {"inverted"}));
      EXPECT_EQ(orient(mesh), wrong) << "seed " << seed;
      EXPECT_EQ(verdict(mesh), "");
      EXPECT_EQ(orient(mesh), 0u);
      // Facets still are those of the boundary, and each lies on the side of its tag.
      Facets facets = boundary_facets(mesh);
      facets.tag = mesh.boundary.tag;
      EXPECT_TRUE(facets == mesh.boundary) << name(cell) << degree;
      for (std::size_t f = 0; f < facets.size(); ++f)
        for (int const a : facet_nodes(mesh.geometry, facets.local[f])) {
          std::int32_t const p = mesh.cells[at(facets.cell[f]) * k + at(a)];
          EXPECT_EQ(mesh.points[at(p * mesh.dim() + (facets.tag[f] - 1) / 2)],
                    facets.tag[f] % 2 == 1 ? 0 : 1);
        }
      make_space(mesh, 2); // points of edges still agree between cells
    }
}

TEST(OrientTest, AFoldedMeshIsFoundByItsFacets) {
  for (Cell const cell : all_cells) {
    Mesh mesh = structured(small(cell));
    std::size_t const d = at(mesh.dim());
    if (!is_simplex(cell)) { // two boxes of which one lies in the other
      mesh = structured({cell, std::vector<int>(d, 1), {}, 0, {}});
      mesh.boundary = {};
      for (std::size_t v = 0; v < at(vertex_count(cell)); ++v) {
        std::int32_t const low = mesh.cells[v & ~std::size_t{1}];
        if (v % 2 == 0) {
          mesh.cells.push_back(low);
          continue;
        }
        mesh.cells.push_back(static_cast<std::int32_t>(mesh.point_count()));
        mesh.point_id.push_back(mesh.cells.back());
        for (std::size_t i = 0; i < d; ++i)
          mesh.points.push_back(i == 0 ? 0.5 : mesh.points[at(low) * d + i]);
      }
      mesh.cell_id.push_back(1);
      EXPECT_EQ(verdict(mesh), "");
      EXPECT_EQ(orient(mesh), 0u);
      EXPECT_TRUE(names(error_of([&] { boundary_facets(mesh); }), {"is inverted against cell"}))
          << name(cell);
      continue;
    }
    for (std::size_t p = 0; p < mesh.point_count(); ++p) { // an inner point over its neighbours
      bool inner = true;
      for (std::size_t i = 0; i < d; ++i)
        inner = inner && mesh.points[p * d + i] > 0 && mesh.points[p * d + i] < 0.4;
      if (inner) mesh.points[p * d] += 0.7;
    }
    EXPECT_TRUE(names(verdict(mesh), {"inverted"}));
    EXPECT_GT(orient(mesh), 0u);
    EXPECT_EQ(verdict(mesh), ""); // every cell alone looks right
    EXPECT_TRUE(names(error_of([&] { boundary_facets(mesh); }), {"is inverted against cell"}))
        << name(cell);
  }
}

TEST(OrientTest, TurnsMirroredTensorCells) {
  for (Cell const cell : {Cell::quadrilateral, Cell::hexahedron}) {
    Mesh const good = structured(small(cell, 0.1));
    std::size_t const k = at(good.geometry.nodes());
    Mesh mesh = good;
    for (std::size_t c = 0; c < mesh.cell_count(); c += 2)
      for (std::size_t v = 0; v < k; v += 4)
        std::swap(mesh.cells[c * k + v + 1], mesh.cells[c * k + v + 2]);
    for (std::size_t f = 0; f < mesh.boundary.size(); ++f)
      if (std::int8_t& local = mesh.boundary.local[f]; mesh.boundary.cell[f] % 2 == 0 && local < 4)
        local ^= 2;
    EXPECT_TRUE(names(verdict(mesh), {"cell 0 is inverted"}));
    EXPECT_EQ(orient(mesh), (mesh.cell_count() + 1) / 2);
    EXPECT_EQ(mesh.cells, good.cells);
    EXPECT_EQ(mesh.boundary.local, good.boundary.local);
    EXPECT_EQ(boundary_facets(mesh).local, good.boundary.local);
  }
  Mesh around = structured(small(Cell::quadrilateral)); // vertices in a circle
  std::swap(around.cells[2], around.cells[3]);
  EXPECT_EQ(orient(around), 0u);
  EXPECT_TRUE(names(verdict(around), {"cell 0 is inverted"}));
}

} // namespace
} // namespace moho::fem
