// SPDX-License-Identifier: BSD-3-Clause
// Space: the nodes of a Lagrange space on the cells that a rank holds, and who owns them.
#pragma once
#include "moho/fem/mesh.hpp"
#include <cstdint>
#include <span>
#include <vector>

namespace moho::fem {

/// A scalar Lagrange space (a vector space has the same nodes, components interleaved: degree of
/// freedom = components * node + component). Local nodes: the owned ones first, in ascending `row`,
/// then the ghosts in ascending `row`.
struct Space {
  Element element;
  std::vector<std::int32_t> cell_nodes; ///< (cells, nodes of the element) local nodes
  std::int32_t owned = 0;               ///< local nodes 0 .. owned-1 are this rank's
  std::int64_t first_row = 0;           ///< `row` of local node 0
  std::int64_t global_nodes = 0;        ///< of the whole mesh
  std::vector<std::int64_t> row;        ///< (local nodes) number in the matrix: contiguous per rank
  std::vector<std::int64_t> id;         ///< (local nodes) number that no partition changes
  std::vector<double> points;           ///< (local nodes, dim) where the nodes are
  std::size_t local_nodes() const { return row.size(); }
  std::size_t cells() const {
    return cell_nodes.size() / static_cast<std::size_t>(element.nodes());
  }
};

/// Space of `degree` on a whole mesh, held by one rank. `id` = `row`: vertices first (by point_id),
/// then edges by sorted (v0 < v1), quadrilateral faces by sorted vertices, then cells. For
/// structured meshes of ordering other than lexicographic this still holds, so locality at degree 2
/// comes from `reorder`. Nodes of cells with straight edges are means of their vertices; degree 2
/// on a mesh of degree 2 takes the mesh's points. Throws moho::Error when two cells disagree on the
/// point of a shared node.
Space make_space(Mesh const& mesh, int degree);
/// The same with numbers that are given: `dofmap` (cells, k) in any local order, recognised from
/// `dof_points` (nodes, dim). Throws moho::Error, naming cell and node, when they are not a
/// numbering of the nodes of that space.
Space make_space(Mesh const& mesh, int degree, std::span<std::int64_t const> dofmap,
                 std::span<double const> dof_points);
/// Gives local node i of a whole space the row `row[i]` (a permutation) and moves the nodes to
/// their rows; `id` goes with the node.
void renumber(Space& space, std::span<std::int64_t const> row);
/// Renumbers the nodes of a whole space: row = id = rank of the node in the ordering (Hilbert curve
/// through the node points; reverse Cuthill-McKee of the node graph; lexicographic by z, y, x of
/// the points as they are: on a perturbed mesh not the order of its grid).
void reorder(Space& space, Ordering ordering);

/// A mesh and a space on it: what a rank works on.
struct Part {
  Mesh mesh;
  Space space;
};
/// Cells, points and nodes that a rank needs which owns the nodes `row` in [first, last) of a whole
/// space: all cells that touch one of them. Rows and ids keep their numbers.
Part take_part(Mesh const& whole, Space const& space, std::int64_t first, std::int64_t last);
/// The same without the whole mesh in memory, for a structured mesh in lexicographic ordering whose
/// nodes are numbered lexicographically on the grid of spacing h / degree (row = id). Equal to
/// reorder(lexicographic) of the mesh without perturbation + take_part, bit for bit. Throws
/// moho::Error for another ordering.
Part structured_part(Structured const& spec, int degree, std::int64_t first, std::int64_t last);
/// Nodes of the whole space of that mesh (so that ranks can cut [0, n) in blocks).
std::int64_t structured_nodes(Structured const& spec, int degree);

/// Marks of local nodes on boundary facets, 0 or 1: all tags, or those of `tags`. Topological: a
/// node of a boundary facet, wherever its coordinates are. On a part, ghosts' marks may miss facets
/// of cells which are not held; owned nodes' marks are complete.
std::vector<std::uint8_t> boundary_nodes(Part const& part, std::span<const std::int32_t> tags = {});

} // namespace moho::fem
