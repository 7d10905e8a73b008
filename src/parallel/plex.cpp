// SPDX-License-Identifier: BSD-3-Clause
// Distribution of a whole mesh by DMPlex.
#include "moho/parallel/plex.hpp"
#include "moho/parallel/petsc.hpp"
#include "petsc_detail.hpp"
#include "plex_detail.hpp"
#include <algorithm>
#include <petscsf.h>

namespace moho::parallel {
namespace {

using detail::CellShape;
using detail::Handle;
using detail::petsc_check;
using detail::petsc_int;

// Vertices of all cells in DMPlex's order, and how many vertices there are. Nodes of higher degree
// do not matter here; numbers of vertices may have gaps, which DMPlex takes for lone vertices.
std::vector<PetscInt> cell_vertices(PlexMesh const& mesh, CellShape const& shape,
                                    std::size_t& cells, std::int64_t& vertices) {
  std::size_t const corners = static_cast<std::size_t>(shape.vertices);
  std::size_t nodes = corners;
  if (mesh.degree == 2) nodes = shape.simplex ? corners * (corners + 1) / 2 : corners == 4 ? 9 : 27;
  cells = mesh.cells.size() / nodes;
  std::vector<PetscInt> out(cells * corners);
  vertices = 0;
  for (std::size_t e = 0; e < cells; ++e) {
    PetscInt* const cone = out.data() + e * corners;
    for (std::size_t v = 0; v < corners; ++v) {
      std::size_t local = v; // a vertex of a tensor cell of degree 2 has even coordinates
      if (mesh.degree == 2 && !shape.simplex)
        local = 2 * (v & 1) + 6 * (v >> 1 & 1) + 18 * (v >> 2 & 1);
      auto const point = mesh.cells[e * nodes + local];
      cone[shape.gmsh[v]] = petsc_int(point, "point");
      vertices = std::max(vertices, point + 1);
    }
    petsc_check(DMPlexInvertCell(shape.type, cone), "DMPlexInvertCell");
  }
  return out;
}

Handle<DM, DMDestroy> make_plex(Comm const& comm, PlexMesh const& mesh, CellShape const& shape) {
  std::size_t cells = 0;
  std::int64_t vertices = 0;
  std::vector<PetscInt> cones;
  run_collectively(comm, [&] {
    if (comm.root()) cones = cell_vertices(mesh, shape, cells, vertices);
  });
  std::vector<double> const nowhere(static_cast<std::size_t>(vertices * shape.dim), 0.0);
  Handle<DM, DMDestroy> dm;
  petsc_check(DMPlexCreateFromCellListPetsc(comm.raw(), shape.dim, static_cast<PetscInt>(cells),
                                            static_cast<PetscInt>(vertices), shape.vertices,
                                            PETSC_TRUE, cones.data(), shape.dim, nowhere.data(),
                                            dm.out()),
              "DMPlexCreateFromCellListPetsc");
  return dm;
}

// Cells that are leaves of the point SF are copies of other ranks' cells.
Distribution read_cells(DM dm, PetscSF migration) {
  PetscInt first = 0, end = 0, leaves = 0, copies = 0;
  PetscInt const *local = nullptr, *copy = nullptr;
  PetscSFNode const *origin = nullptr, *owner = nullptr;
  PetscSF points = nullptr;
  petsc_check(DMPlexGetHeightStratum(dm, 0, &first, &end), "DMPlexGetHeightStratum");
  petsc_check(PetscSFGetGraph(migration, nullptr, &leaves, &local, &origin), "PetscSFGetGraph");
  petsc_check(DMGetPointSF(dm, &points), "DMGetPointSF");
  petsc_check(PetscSFGetGraph(points, nullptr, &copies, &copy, &owner), "PetscSFGetGraph");
  std::vector<bool> is_copy(static_cast<std::size_t>(end - first), false);
  for (PetscInt i = 0; i < copies; ++i) {
    PetscInt const point = copy ? copy[i] : i;
    if (point >= first && point < end) is_copy[static_cast<std::size_t>(point - first)] = true;
  }
  Distribution out;
  for (PetscInt i = 0; i < leaves; ++i) {
    PetscInt const point = local ? local[i] : i;
    if (point < first || point >= end) continue;
    out.held_cells.push_back(origin[i].index);
    if (!is_copy[static_cast<std::size_t>(point - first)])
      out.owned_cells.push_back(origin[i].index);
  }
  std::sort(out.held_cells.begin(), out.held_cells.end());
  std::sort(out.owned_cells.begin(), out.owned_cells.end());
  return out;
}

} // namespace

Distribution distribute(Comm const& comm, PlexMesh const& mesh, std::string const& partitioner) {
  require_petsc();
  auto const* shape = detail::shape_of(comm.broadcast(mesh.cell));
  if (!shape)
    throw Error("cannot distribute a mesh of '" + comm.broadcast(mesh.cell) +
                "' (not a cell of moho's); use triangle, quadrilateral, tetrahedron or hexahedron");
  auto const dm = make_plex(comm, mesh, *shape);
  if (comm.size() == 1) {
    PetscInt cells = 0;
    petsc_check(DMPlexGetHeightStratum(dm, 0, nullptr, &cells), "DMPlexGetHeightStratum");
    Distribution all;
    for (PetscInt cell = 0; cell < cells; ++cell) all.held_cells.push_back(cell);
    all.owned_cells = all.held_cells;
    return all;
  }
  PetscPartitioner part = nullptr;
  petsc_check(DMPlexGetPartitioner(dm, &part), "DMPlexGetPartitioner");
  petsc_check(PetscPartitionerSetType(part, partitioner.c_str()), "PetscPartitionerSetType");
  // Neighbours in the overlap: cells that share any point.
  petsc_check(DMSetBasicAdjacency(dm, PETSC_FALSE, PETSC_TRUE), "DMSetBasicAdjacency");
  Handle<PetscSF, PetscSFDestroy> migration;
  Handle<DM, DMDestroy> distributed;
  petsc_check(DMPlexDistribute(dm, 1, migration.out(), distributed.out()), "DMPlexDistribute");
  return read_cells(distributed, migration);
}

} // namespace moho::parallel
