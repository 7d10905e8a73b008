// SPDX-License-Identifier: BSD-3-Clause
// Mesh: cells and points that one rank holds, and the built-in meshes. Host data.
#pragma once
#include "moho/fem/element.hpp"
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moho::fem {

/// Boundary facets, found by topology (a facet of exactly one cell of the whole mesh).
struct Facets {
  std::vector<std::int32_t> cell; ///< local cell
  std::vector<std::int8_t> local; ///< which facet of it
  std::vector<std::int32_t> tag; ///< physical id; built-in meshes: 1 x=0, 2 x=1, 3 y=0, 4 y=1, 5, 6
  std::size_t size() const { return cell.size(); }
};

/// A mesh, or the part of one that a rank holds: every cell that touches a node which the rank
/// owns. Cells stand in ascending global id, so that sums over cells have one order on any number
/// of ranks.
struct Mesh {
  Element geometry;                   ///< of the coordinates: degree 1, or 2 for curved cells
  std::vector<double> points;         ///< (points, dim)
  std::vector<std::int32_t> cells;    ///< (cells, geometry.nodes()) local points
  std::vector<std::int64_t> cell_id;  ///< (cells), ascending
  std::vector<std::int64_t> point_id; ///< (points) id in the whole mesh, partition-independent
  Facets boundary;

  Cell cell() const { return geometry.cell; }
  int dim() const { return geometry.dim(); }
  std::size_t cell_count() const { return cell_id.size(); }
  std::size_t point_count() const { return point_id.size(); }
};

/// Throws moho::Error naming the mesh (`what`) and the first offending item by its global id: point
/// index out of range, a point used twice in a cell, an inverted or degenerate cell (det J <= 0 or
/// tiny against the cell's size, at any of its nodes), a point of no cell, coordinates that are not
/// finite, ids that do not ascend, a boundary facet of no cell, no cells. Local: a part passes too.
void check_mesh(Mesh const& mesh, std::string const& what);
/// True if every cell is the image of the reference cell under an affine map, to rounding. Local.
bool has_affine_cells(Mesh const& mesh);
/// Swaps local points of cells that are mirrored (files in the field hold them: DOLFINx orders
/// vertices by their numbers); returns how many. A cell that is inverted at some of its vertices
/// alone stays an error of check_mesh.
std::size_t orient(Mesh& mesh);

/// Facets that belong to one cell alone, tag 0, by ascending cell and local facet; of a whole mesh.
/// Throws moho::Error for a facet of more than two, and naming a cell that is inverted against its
/// neighbour (both on one side of their facet).
Facets boundary_facets(Mesh const& mesh);

enum class Ordering { lexicographic, hilbert, rcm };
/// The ordering of that name; throws moho::Error naming the known ones.
Ordering ordering_from_name(std::string_view name);

/// A mesh of a rectangle or box at the origin, n intervals along each side; triangles and
/// tetrahedra by cutting each square in 2 (diagonal 00-11) and each cube in 6 (Kuhn, around
/// 000-111).
struct Structured {
  Cell cell = Cell::triangle;
  std::vector<int> n;       ///< (dim) intervals along x, y(, z)
  std::vector<double> size; ///< (dim) lengths of the sides; empty: 1
  double perturbation = 0;  ///< inner points moved by this share of h, by a smooth sine field:
                            ///< x_i += perturbation h_i prod_j sin(2 pi x_j / size_j); 0 on the
                            ///< boundary
  Ordering ordering = Ordering::lexicographic; ///< of points and cells
};
/// The whole mesh. Points in the ordering; cells by their lowest point (so lexicographic cells are
/// those of square 0, 1, ..), tags 1 x=0, 2 x=size, 3 y=0, ..
Mesh structured(Structured const& spec);
/// The cells of a whole mesh for which keep(mean of the vertices) holds, points and cells
/// renumbered in their order; boundary tags stay, and are 0 where the cut is new. Throws
/// moho::Error when nothing is left.
Mesh cut(Mesh const& mesh, std::function<bool(double const* centre)> const& keep);

} // namespace moho::fem
