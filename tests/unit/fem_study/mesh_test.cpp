// SPDX-License-Identifier: BSD-3-Clause
// Meshes of PETSc's reader: tags, orientation, curved cells, and what is refused.
#include "moho/study/fem_mesh.hpp"
#include "support/errors.hpp"
#include "support/mpi_support.hpp"
#include <map>

using namespace moho;
using moho::parallel::PlexMesh;

namespace {

// Two triangles of the unit square; the second one clockwise.
PlexMesh square() {
  PlexMesh plex;
  plex.dim = 2;
  plex.cell = "triangle";
  plex.points = {0, 0, 1, 0, 0, 1, 1, 1};
  plex.cells = {0, 1, 3, 0, 2, 3};
  plex.facet_tag = {7, 8, 9};
  plex.facet_vertices = {0, 1, 1, 3, 0, 3}; // bottom, right, and the diagonal inside
  return plex;
}

std::string refusal(PlexMesh const& plex) {
  return test::error_of([&] { study::mesh_from_plex(plex, "mesh 'x'"); });
}

} // namespace

TEST(mesh_from_plex, tags_of_the_boundary) {
  const fem::Mesh mesh = study::mesh_from_plex(square(), "mesh 'x'");
  EXPECT_EQ(mesh.boundary.size(), 4U);
  std::map<std::int32_t, int> tags;
  for (std::size_t f = 0; f < mesh.boundary.size(); ++f) {
    ++tags[mesh.boundary.tag[f]];
    for (int const a : facet_nodes(mesh.geometry, mesh.boundary.local[f])) {
      auto const point = static_cast<std::size_t>(
          mesh.cells[static_cast<std::size_t>(mesh.boundary.cell[f] * 3 + a)]);
      if (mesh.boundary.tag[f] == 7) {
        EXPECT_EQ(mesh.points[2 * point + 1], 0);
      }
      if (mesh.boundary.tag[f] == 8) {
        EXPECT_EQ(mesh.points[2 * point], 1);
      }
    }
  }
  EXPECT_EQ(tags, (std::map<std::int32_t, int>{{0, 2}, {7, 1}, {8, 1}}));
}

TEST(mesh_from_plex, clockwise_cells_are_turned) {
  const fem::Mesh mesh = study::mesh_from_plex(square(), "mesh 'x'");
  EXPECT_EQ(mesh.cells, (std::vector<std::int32_t>{0, 1, 3, 0, 3, 2}));
}

TEST(mesh_from_plex, faults_name_the_mesh) {
  PlexMesh folded = square();
  folded.points = {0, 0, 1, 0, 0.9, 0.1, 1, 1}; // the second triangle on the side of the first
  EXPECT_EQ(refusal(folded).find("mesh 'x': cell 1 is inverted against cell 0"), 0U)
      << refusal(folded);
  PlexMesh apart = square();
  apart.points.insert(apart.points.end(), {1, 1, 2, 1, 2, 2});
  apart.cells.insert(apart.cells.end(), {4, 5, 6});
  EXPECT_EQ(refusal(apart).find("mesh 'x': points 3 and 4 lie at the same place"), 0U)
      << refusal(apart);
  PlexMesh flat = square();
  flat.points = {0, 0, 1, 0, 0, 1, 0.5, 0};
  EXPECT_NE(refusal(flat).find("degenerate"), std::string::npos) << refusal(flat);
  EXPECT_EQ(refusal(square()), "");
}

TEST(plex_from_mesh, gives_the_vertices_back) {
  for (const fem::Cell cell : fem::all_cells) {
    fem::Structured spec;
    spec.cell = cell;
    spec.n.assign(static_cast<std::size_t>(dimension(cell)), 2);
    const fem::Mesh mesh = fem::structured(spec);
    const PlexMesh plex = study::plex_from_mesh(mesh);
    EXPECT_EQ(plex.points, mesh.points);
    EXPECT_EQ(study::mesh_from_plex(plex, "mesh").cells, mesh.cells);
  }
}

TEST(plex_from_mesh, leaves_out_the_points_of_edges) {
  fem::Mesh mesh;
  mesh.geometry = {fem::Cell::quadrilateral, 2};
  for (int j = 0; j < 3; ++j)
    for (int i = 0; i < 3; ++i) mesh.points.insert(mesh.points.end(), {0.5 * i, 0.5 * j});
  mesh.cells = {0, 1, 2, 3, 4, 5, 6, 7, 8};
  mesh.cell_id = {0};
  mesh.point_id = {0, 1, 2, 3, 4, 5, 6, 7, 8};
  const PlexMesh plex = study::plex_from_mesh(mesh);
  EXPECT_EQ(plex.points, (std::vector<double>{0, 0, 1, 0, 0, 1, 1, 1}));
  EXPECT_EQ(plex.cells, (std::vector<std::int64_t>{0, 1, 2, 3}));
}

TEST(straightened, keeps_vertices_and_tags) {
  fem::Mesh mesh; // a triangle with one bent edge
  mesh.geometry = {fem::Cell::triangle, 2};
  mesh.points = {0, 0, 1, 0, 0, 1, 0.5, 0, 0, 0.5, 0.7, 0.7};
  mesh.cells = {0, 1, 2, 3, 4, 5};
  mesh.cell_id = {0};
  mesh.point_id = {0, 1, 2, 3, 4, 5};
  mesh.boundary = {{0, 0, 0}, {0, 1, 2}, {5, 6, 7}};
  const fem::Mesh found = study::straightened(mesh, "mesh");
  EXPECT_EQ(found.geometry, (fem::Element{fem::Cell::triangle, 1}));
  EXPECT_EQ(found.points, (std::vector<double>{0, 0, 1, 0, 0, 1}));
  EXPECT_EQ(found.cells, (std::vector<std::int32_t>{0, 1, 2}));
  EXPECT_EQ(found.boundary.tag, mesh.boundary.tag);
  EXPECT_EQ(fem::make_space(found, 1).global_nodes, 3);
  EXPECT_EQ(study::straightened(found, "mesh").points, found.points);
}
