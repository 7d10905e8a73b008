// SPDX-License-Identifier: BSD-3-Clause
// Cells as moho numbers their nodes, and as Gmsh and DMPlex do.
#pragma once
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <petscdmplex.h>

namespace moho::parallel::detail {

struct CellShape {
  char const* name;
  DMPolytopeType type;
  int dim, vertices;
  bool simplex;
  /// Gmsh's vertex at each vertex of moho's order (tensor order for tensor cells).
  std::array<int, 8> gmsh;
};
inline constexpr std::array<CellShape, 4> cell_shapes{
    {{"triangle", DM_POLYTOPE_TRIANGLE, 2, 3, true, {0, 1, 2}},
     {"quadrilateral", DM_POLYTOPE_QUADRILATERAL, 2, 4, false, {0, 1, 3, 2}},
     {"tetrahedron", DM_POLYTOPE_TETRAHEDRON, 3, 4, true, {0, 1, 2, 3}},
     {"hexahedron", DM_POLYTOPE_HEXAHEDRON, 3, 8, false, {0, 1, 3, 2, 4, 5, 7, 6}}}};

/// nullptr: no cell of moho's.
inline CellShape const* shape_of(DMPolytopeType type) {
  for (auto const& shape : cell_shapes)
    if (shape.type == type) return &shape;
  return nullptr;
}
inline CellShape const* shape_of(std::string_view name) {
  for (auto const& shape : cell_shapes)
    if (shape.name == name) return &shape;
  return nullptr;
}

/// Throws moho::Error naming file, section and remedy unless it is a whole Gmsh file of version 2.2
/// or 4.1, ASCII or binary, that PETSc's reader can take: sections in order, counts that agree,
/// entities and nodes that exist, known elements, tags and names within its arrays, one type of
/// cell.
void check_gmsh(std::string const& path);

} // namespace moho::parallel::detail
