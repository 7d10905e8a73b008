// SPDX-License-Identifier: BSD-3-Clause
// Gmsh files and the distribution of meshes.
#include "gmsh_files.hpp"
#include "moho/parallel/plex.hpp"
#include "support/mpi_support.hpp"
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <set>

namespace moho::test {
namespace {

using parallel::Comm;
using parallel::PlexMesh;
using parallel::read_gmsh;

std::size_t corners_of(PlexMesh const& mesh) {
  if (mesh.cell == "triangle") return 3;
  return mesh.cell == "hexahedron" ? 8 : 4;
}
std::size_t nodes_of(PlexMesh const& mesh) {
  std::size_t const c = corners_of(mesh);
  if (mesh.degree == 1) return c;
  bool const simplex = mesh.cell == "triangle" || mesh.cell == "tetrahedron";
  return simplex ? c * (c + 1) / 2 : (mesh.dim == 2 ? 9 : 27);
}
std::size_t facet_corners(PlexMesh const& mesh) {
  if (mesh.dim == 2) return 2;
  return mesh.cell == "hexahedron" ? 4 : 3;
}

// Weights of a cell's vertices at each of its nodes of degree 2, by the definition of the order in
// fem/element.hpp: (nodes, vertices).
std::vector<std::vector<double>> straight(PlexMesh const& mesh) {
  std::size_t const c = corners_of(mesh);
  std::vector<std::vector<double>> out;
  if (mesh.cell == "triangle" || mesh.cell == "tetrahedron") {
    for (std::size_t a = 0; a < c; ++a) out.emplace_back(c, 0.0), out.back()[a] = 1;
    for (std::size_t a = 0; a < c; ++a)
      for (std::size_t b = a + 1; b < c; ++b)
        out.emplace_back(c, 0.0), out.back()[a] = out.back()[b] = 0.5;
    return out;
  }
  for (std::size_t node = 0; node < (mesh.dim == 2 ? 9u : 27u); ++node) {
    out.emplace_back(c, 1.0);
    for (std::size_t v = 0; v < c; ++v)
      for (std::size_t d = 0, rest = node; d < static_cast<std::size_t>(mesh.dim); ++d, rest /= 3) {
        double const x = static_cast<double>(rest % 3) / 2;
        out.back()[v] *= (v >> d & 1) == 1 ? x : 1 - x;
      }
  }
  return out;
}

// Largest distance of a node of degree 2 from its place in the straight cell, in diameters.
double bend(PlexMesh const& mesh) {
  auto const weights = straight(mesh);
  std::size_t const k = nodes_of(mesh), dim = static_cast<std::size_t>(mesh.dim);
  auto const x = [&](std::size_t e, std::size_t node) {
    return mesh.points.data() + static_cast<std::size_t>(mesh.cells[e * k + node]) * dim;
  };
  std::vector<std::size_t> vertices;
  for (std::size_t a = 0; a < k; ++a)
    if (*std::max_element(weights[a].begin(), weights[a].end()) == 1) vertices.push_back(a);
  double largest = 0;
  for (std::size_t e = 0; e < mesh.cells.size() / k; ++e) {
    double diameter = 0;
    for (std::size_t d = 0; d < dim; ++d)
      for (auto v : vertices)
        diameter = std::max(diameter, std::fabs(x(e, v)[d] - x(e, vertices[0])[d]));
    for (std::size_t a = 0; a < k; ++a)
      for (std::size_t d = 0; d < dim; ++d) {
        double place = 0;
        for (std::size_t v = 0; v < vertices.size(); ++v)
          place += weights[a][v] * x(e, vertices[v])[d];
        largest = std::max(largest, std::fabs(x(e, a)[d] - place) / diameter);
      }
  }
  return largest;
}

// Determinant of the edges at the first vertex: its sign is the orientation.
double orientation(PlexMesh const& mesh, std::size_t e) {
  std::size_t const k = nodes_of(mesh);
  bool const simplex = mesh.cell == "triangle" || mesh.cell == "tetrahedron";
  std::size_t const step = !simplex && mesh.degree == 2 ? 2 : 1;
  std::vector<std::size_t> ends{1, 2, 3};
  if (!simplex) ends = {step, mesh.degree == 2 ? 6u : 2u, mesh.degree == 2 ? 18u : 4u};
  double J[3][3] = {{0}};
  auto const dim = static_cast<std::size_t>(mesh.dim);
  auto const x = [&](std::size_t node, std::size_t d) {
    return mesh.points[static_cast<std::size_t>(mesh.cells[e * k + node]) * dim + d];
  };
  for (std::size_t i = 0; i < dim; ++i)
    for (std::size_t d = 0; d < dim; ++d) J[i][d] = x(ends[i], d) - x(0, d);
  if (dim == 2) return J[0][0] * J[1][1] - J[0][1] * J[1][0];
  return J[0][0] * (J[1][1] * J[2][2] - J[1][2] * J[2][1]) -
         J[0][1] * (J[1][0] * J[2][2] - J[1][2] * J[2][0]) +
         J[0][2] * (J[1][0] * J[2][1] - J[1][1] * J[2][0]);
}

double radius(PlexMesh const& mesh, std::int64_t point) {
  double sum = 0;
  for (int d = 0; d < std::min(mesh.dim, mesh.cell == "hexahedron" ? 2 : 3); ++d)
    sum += std::pow(mesh.points[static_cast<std::size_t>(point * mesh.dim + d)], 2);
  return std::sqrt(sum);
}

TEST(Gmsh, KeepsTheOrderOfTheFile) {
  Comm const comm;
  Temporary const file(two_triangles);
  auto const mesh = read_gmsh(comm, comm.broadcast(file.path()));
  if (!comm.root()) {
    EXPECT_TRUE(mesh.cell.empty() && mesh.points.empty());
    return;
  }
  EXPECT_EQ(mesh.cell, "triangle");
  EXPECT_EQ(mesh.dim, 2);
  EXPECT_EQ(mesh.degree, 1);
  EXPECT_EQ(mesh.points, (std::vector<double>{0, 0, 1, 0, 1, 1, 0, 2}));
  EXPECT_EQ(mesh.cells, (std::vector<std::int64_t>{3, 0, 2, 0, 1, 2}));
  EXPECT_EQ(mesh.facet_tag, std::vector<std::int32_t>{6});
  EXPECT_EQ(mesh.facet_vertices, (std::vector<std::int64_t>{0, 1}));
}

// A quadrilateral of eight nodes becomes one of nine: the centre is what the eight make of it.
TEST(Gmsh, SerendipityIsCompleted) {
  Comm const comm;
  Temporary const file(
      "$MeshFormat\n2.2 0 8\n$EndMeshFormat\n$Nodes\n8\n1 0 0 0\n2 2 0 0\n3 2 2 0\n"
      "4 0 2 0\n5 1 0.25 0\n6 2 1 0\n7 1 2 0\n8 0 1 0\n$EndNodes\n$Elements\n1\n"
      "1 16 2 1 1 1 2 3 4 5 6 7 8\n$EndElements\n");
  auto const mesh = read_gmsh(comm, comm.broadcast(file.path()));
  if (!comm.root()) return;
  EXPECT_EQ(mesh.cell, "quadrilateral");
  ASSERT_EQ(mesh.cells.size(), 9u);
  std::vector<double> x;
  for (auto node : mesh.cells)
    for (std::size_t d = 0; d < 2; ++d)
      x.push_back(mesh.points[2 * static_cast<std::size_t>(node) + d]);
  EXPECT_EQ(x, (std::vector<double>{0, 0, 1, 0.25, 2, 0, 0, 1, 1, 1.125, 2, 1, 0, 2, 1, 2, 2, 2}));
}

TEST(Gmsh, FormatsAgree) {
  Comm const comm;
  for (std::string order : {"1", "2"}) {
    auto const first = read_gmsh(comm, fixtures + "ring" + order + "-22.msh");
    for (std::string format : {"22-binary", "41", "41-binary"}) {
      auto const mesh = read_gmsh(comm, fixtures + "ring" + order + "-" + format + ".msh");
      EXPECT_EQ(mesh.cells, first.cells) << format;
      EXPECT_EQ(mesh.facet_tag, first.facet_tag) << format;
      EXPECT_EQ(mesh.facet_vertices, first.facet_vertices) << format;
      EXPECT_EQ(mesh.degree, first.degree);
      ASSERT_EQ(mesh.points.size(), first.points.size());
      for (std::size_t i = 0; i < mesh.points.size(); ++i)
        EXPECT_NEAR(mesh.points[i], first.points[i], 1e-14); // ASCII has 16 digits
    }
    if (!comm.root()) continue;
    EXPECT_EQ(first.cells.size() / nodes_of(first), 8u);
    EXPECT_EQ(first.facet_tag.size(), 12u);
  }
}

struct Case {
  char const* file;
  char const* cell;
  int degree;
  std::vector<std::pair<int, double>> radii; ///< of boundary numbers
};

// Files of the repository: node order (a wrong one puts nodes far from their places), orientation,
// boundary numbers, curved sides.
TEST(Gmsh, NodesAreWhereTheirCellsSay) {
  Comm const comm;
  for (Case const& c :
       {Case{"disk.msh", "triangle", 1, {{1, 1.0}}},
        Case{"disk-order2.msh", "triangle", 2, {{1, 1.0}}}, Case{"lshape.msh", "triangle", 1, {}},
        Case{"ball-order2.msh", "tetrahedron", 2, {{1, 1.0}}},
        Case{"ring-order2.msh", "hexahedron", 2, {{1, 1.0}, {2, 2.0}}}}) {
    auto mesh = read_gmsh(comm, meshes + c.file);
    if (!comm.root()) continue;
    EXPECT_EQ(mesh.cell, c.cell);
    EXPECT_EQ(mesh.degree, c.degree);
    std::size_t const k = nodes_of(mesh), w = facet_corners(mesh);
    for (std::size_t e = 0; e < mesh.cells.size() / k; ++e)
      EXPECT_GT(orientation(mesh, e), 0) << c.file << " " << e;
    for (auto [tag, r] : c.radii) {
      std::size_t found = 0;
      for (std::size_t f = 0; f < mesh.facet_tag.size(); ++f) {
        if (mesh.facet_tag[f] != tag) continue;
        ++found;
        for (std::size_t v = 0; v < w; ++v)
          EXPECT_NEAR(radius(mesh, mesh.facet_vertices[f * w + v]), r, 1e-7) << c.file;
      }
      EXPECT_GT(found, 8u) << c.file;
    }
    if (c.degree == 1) continue;
    EXPECT_LT(bend(mesh), 0.11) << c.file;
    EXPECT_GT(bend(mesh), 0.01) << c.file;           // sides are curved
    std::swap(mesh.cells[k - 1], mesh.cells[k - 2]); // negative
    EXPECT_GT(bend(mesh), 0.2) << c.file;
  }
}

// Number of cells at each facet of the boundary is one, at others two; corner + outer is the whole.
TEST(Gmsh, BoundaryNumbersCoverTheBoundary) {
  Comm const comm;
  auto const mesh = read_gmsh(comm, meshes + "lshape.msh");
  if (!comm.root()) return;
  std::map<std::vector<std::int64_t>, int> sides;
  for (std::size_t e = 0; e < mesh.cells.size(); e += 3)
    for (std::size_t i = 0; i < 3; ++i) {
      std::vector<std::int64_t> side{mesh.cells[e + i], mesh.cells[e + (i + 1) % 3]};
      std::sort(side.begin(), side.end());
      ++sides[side];
    }
  std::set<std::vector<std::int64_t>> boundary, tagged;
  for (auto const& [side, cells] : sides)
    if (cells == 1) boundary.insert(side);
  double corner = 0, all = 0;
  for (std::size_t f = 0; f < mesh.facet_tag.size(); ++f) {
    auto const a = mesh.facet_vertices[2 * f], b = mesh.facet_vertices[2 * f + 1];
    tagged.insert({a, b});
    double const length = std::hypot(mesh.points[static_cast<std::size_t>(2 * a)] -
                                         mesh.points[static_cast<std::size_t>(2 * b)],
                                     mesh.points[static_cast<std::size_t>(2 * a + 1)] -
                                         mesh.points[static_cast<std::size_t>(2 * b + 1)]);
    all += length;
    if (mesh.facet_tag[f] == 1) corner += length;
  }
  EXPECT_EQ(boundary, tagged);
  EXPECT_NEAR(corner, 1, 1e-10);
  EXPECT_NEAR(all, 4, 1e-10);
}

// Cells that share a point with one of `cells`, and those.
std::vector<std::int64_t> with_neighbours(PlexMesh const& mesh,
                                          std::vector<std::int64_t> const& cells) {
  std::size_t const k = nodes_of(mesh);
  std::set<std::int64_t> points;
  for (auto e : cells)
    for (std::size_t a = 0; a < k; ++a)
      points.insert(mesh.cells[static_cast<std::size_t>(e) * k + a]);
  std::vector<std::int64_t> out;
  for (std::size_t e = 0; e < mesh.cells.size() / k; ++e)
    if (std::any_of(mesh.cells.begin() + static_cast<std::ptrdiff_t>(e * k),
                    mesh.cells.begin() + static_cast<std::ptrdiff_t>((e + 1) * k),
                    [&](auto p) { return points.contains(p); }))
      out.push_back(static_cast<std::int64_t>(e));
  return out;
}

TEST(Distribute, EveryCellHasOneOwnerAndTheOverlapIsOneLayer) {
  Comm const comm;
  for (std::string path : {meshes + "disk.msh", meshes + "ball-order2.msh",
                           meshes + "ring-order2.msh", fixtures + "ring1-22.msh"})
    for (std::string partitioner : {"ptscotch", "simple"}) {
      auto const mesh = read_gmsh(comm, path);
      auto const mine = distribute(comm, mesh, partitioner);
      // Every rank reads for itself, to check its own part.
      auto const all = read_gmsh(Comm::self(), path);
      auto const cells = static_cast<std::int64_t>(all.cells.size() / nodes_of(all));
      std::vector<std::int64_t> owners;
      auto gathered = comm.gather(std::span<const std::int64_t>(mine.owned_cells));
      owners = comm.broadcast(std::span<const std::int64_t>(gathered));
      std::sort(owners.begin(), owners.end());
      EXPECT_EQ(static_cast<std::int64_t>(owners.size()), cells);
      for (std::size_t i = 0; i < owners.size(); ++i)
        EXPECT_EQ(owners[i], static_cast<std::int64_t>(i));
      EXPECT_TRUE(std::is_sorted(mine.owned_cells.begin(), mine.owned_cells.end()));
      EXPECT_EQ(mine.held_cells, with_neighbours(all, mine.owned_cells)) << path << partitioner;
      EXPECT_LE(static_cast<double>(mine.owned_cells.size()),
                1.3 * static_cast<double>(cells) / comm.size() + 1);
      // Negative: with several ranks the layer is not empty.
      if (comm.size() > 1) {
        EXPECT_GT(mine.held_cells.size(), mine.owned_cells.size());
      }
    }
}

TEST(Distribute, WrongRequestsFailOnAllRanks) {
  Comm const comm;
  auto const mesh = read_gmsh(comm, fixtures + "ring1-22.msh");
  if (comm.size() > 1) {
    auto const message = error_of([&] { distribute(comm, mesh, "magic"); });
    EXPECT_TRUE(contains(message, "magic")) << message;
    EXPECT_TRUE(all_ranks_agree(message));
  }
  EXPECT_TRUE(contains(error_of([&] { distribute(comm, PlexMesh{}); }), "cannot distribute"));
}

} // namespace
} // namespace moho::test
