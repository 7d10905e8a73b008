// SPDX-License-Identifier: BSD-3-Clause
// Unstructured meshes: Gmsh files by PETSc's DMPlex, and the distribution of any whole mesh.
// Plain arrays only; `study` turns them into fem meshes.
#pragma once
#include "moho/parallel/communicator.hpp"
#include <cstdint>
#include <string>
#include <vector>

namespace moho::parallel {

/// A whole mesh on the root (empty elsewhere), Gmsh's cells of the highest dimension.
struct PlexMesh {
  int dim = 0, degree = 1;    ///< degree of the geometry: 2 for second-order Gmsh cells
  std::string cell;           ///< triangle | quadrilateral | tetrahedron | hexahedron
  std::vector<double> points; ///< (points, dim): vertices in file order (those of no such cell
                              ///< dropped), then, degree 2, edges, quadrilateral faces and cells,
                              ///< each by sorted vertices
  std::vector<std::int64_t> cells;          ///< (cells, nodes): local order of moho::fem
  std::vector<std::int32_t> facet_tag;      ///< facets of a physical group, its number > 0
  std::vector<std::int64_t> facet_vertices; ///< (facets, vertices of a facet), sorted in each
};
/// Reads a Gmsh 2.2 or 4.1 file (ASCII or binary, order 1 or 2, serendipity cells completed)
/// through DMPlexCreateGmshFromFile. Periodic identifications are ignored. Throws moho::Error
/// naming the file, before PETSc's reader sees it: truncated, not a mesh, partitioned, wrong
/// counts, a node or entity that does not exist, unsupported or mixed cells, a surface in space.
/// Collective.
PlexMesh read_gmsh(Comm const& comm, std::string const& path);

/// Which rank works on each cell: PTScotch's partition of the cells' graph through
/// DMPlexDistribute, and which cells each rank holds with an overlap of one layer (cells that share
/// a vertex). Per rank on return: ascending ids of its cells and of those it holds in all.
/// Collective; `mesh` on the root.
struct Distribution {
  std::vector<std::int64_t> owned_cells, held_cells;
};
Distribution distribute(Comm const& comm, PlexMesh const& mesh,
                        std::string const& partitioner = "ptscotch");

} // namespace moho::parallel
