// SPDX-License-Identifier: BSD-3-Clause
// The grid under the built-in meshes: numbers and coordinates of any cell of it. Host, internal.
#pragma once
#include "moho/fem/mesh.hpp"
#include <array>
#include <cstdint>
#include <vector>

namespace moho::fem {

/// Grid of a Structured mesh in lexicographic numbering. Cells: those of cube 0, then cube 1, ..
/// (`per_cube` of each).
class Grid {
public:
  /// Throws moho::Error naming the wrong member.
  explicit Grid(Structured const& spec);

  Cell cell() const { return _cell; }
  int dim() const { return dimension(_cell); }
  int per_cube() const { return static_cast<int>(_corners.size()); }
  std::int64_t cells() const { return _n[0] * _n[1] * _n[2] * per_cube(); }
  std::array<std::int64_t, 3> const& n() const { return _n; } ///< 1 along z in 2D
  /// Nodes of degree 1 or 2: points of the grid of spacing h / degree.
  std::int64_t nodes(int degree) const;
  /// Nodes of each sub-cell of a cube, counted from the cube's first: (per_cube, nodes).
  std::vector<std::int64_t> offsets(int degree) const;
  /// Number of the first node of a cube.
  std::int64_t origin(std::array<std::int64_t, 3> const& cube, int degree) const;
  std::array<std::int64_t, 3> cube(std::int64_t number) const;
  /// Coordinates of a point (a node of degree 1).
  void point(std::int64_t number, double* x) const;
  /// The cells of that ascending ids, their points and boundary facets.
  Mesh mesh(std::vector<std::int64_t> cell_ids) const;

private:
  std::vector<std::int64_t> facet_tags() const;
  Facets boundary(Mesh const& mesh) const;

  Cell _cell;
  std::array<std::int64_t, 3> _n{1, 1, 1};
  std::array<double, 3> _size{1, 1, 1};
  double _perturbation;
  std::array<std::vector<double>, 3> _sine; ///< sin(2 pi i / n), exactly 0 at the ends
  std::vector<std::vector<int>> _corners;   ///< (per_cube, vertices): bits of the cube's corner
};

/// Items used, out of a range of ids: `id` ascending, `local` their places for each use.
struct Compressed {
  std::vector<std::int64_t> id;
  std::vector<std::int32_t> local;
};
/// Memory of the range between the lowest and the highest id.
Compressed compress(std::vector<std::int64_t> const& used);

} // namespace moho::fem
