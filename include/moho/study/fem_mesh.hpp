// SPDX-License-Identifier: BSD-3-Clause
// Meshes from files, and the cut of a mesh and its space into the parts of the ranks.
#pragma once
#include "moho/fem/space.hpp"
#include "moho/parallel/communicator.hpp"
#include "moho/parallel/plex.hpp"
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace moho::study {

/// A whole mesh and, if the file fixes the numbering, the space's cell -> node map.
struct MeshFile {
  fem::Mesh mesh;
  int dofmap_degree = 0;            ///< 0: the file has no dofmap
  std::vector<std::int64_t> dofmap; ///< (cells, nodes), in the file's own local order
  std::vector<double> dof_points;   ///< (nodes, dim)
};

/// Reads MESH.h5 (contract of `moho fem assemble`) or FILE.msh (Gmsh 2.2, 4.1). The whole mesh,
/// checked, cells turned to positive orientation where they are simplices, on the root; empty
/// elsewhere. Throws moho::Error naming file and dataset, cell or point, on all ranks. Collective.
MeshFile read_mesh(parallel::Comm const& comm, std::string const& path);

/// The space of `degree` on it; 0: that of the dofmap, else 1. Throws where the two differ. On the
/// root.
fem::Space space_of(MeshFile const& file, int degree, std::string const& path);

/// A mesh of PETSc's reader as one of moho::fem, checked and turned as by `read_mesh`: boundary
/// facets with the file's tags (0: none). Tags on facets inside the mesh are dropped. `what` names
/// it in errors.
fem::Mesh mesh_from_plex(parallel::PlexMesh const& plex, std::string const& what);
/// The other way, vertices alone: what a partitioner wants. Tags are dropped.
parallel::PlexMesh plex_from_mesh(fem::Mesh const& mesh);

/// The same cells with straight edges: vertices alone, tags kept. What a space of degree 1 needs.
fem::Mesh straightened(fem::Mesh const& mesh, std::string const& what);

/// Throws moho::Error naming `what` and the first two points at the same place: meshes whose
/// blocks were not merged.
void check_coincident(fem::Mesh const& mesh, std::string const& what);

/// How nodes are shared out. Nodes keep their id; `row` is contiguous on each rank.
enum class Partition {
  automatic, ///< blocks where the ranks then hold at most 1.25 times the cells in all, else graph
  blocks,    ///< equal blocks of the numbering
  graph,     ///< PTScotch on the graph of the cells
};
Partition partition_from_name(std::string_view name); ///< throws naming the known ones
char const* name(Partition partition);

/// Nodes [first, last) of equal blocks.
struct NodeBlock {
  std::int64_t first = 0, last = 0;
};
/// This rank's block of `nodes`; throws (on all ranks) when a rank would get none.
NodeBlock node_block(parallel::Comm const& comm, std::int64_t nodes);

/// Cuts a whole mesh and a space on it (on the root, moved in) into one part per rank. `what` names
/// the mesh in errors. Collective.
fem::Part distribute(parallel::Comm const& comm, fem::Mesh mesh, fem::Space space,
                     Partition partition, std::string const& what);

} // namespace moho::study
