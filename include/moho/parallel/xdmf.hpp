// SPDX-License-Identifier: BSD-3-Clause
// Fields on meshes for ParaView: NAME.xdmf beside NAME.h5.
#pragma once
#include "moho/parallel/communicator.hpp"
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace moho::parallel {

/// What one rank contributes: owned nodes in global order, cells it counts.
struct XdmfMesh {
  std::string
      cell; ///< triangle | quadrilateral | tetrahedron | hexahedron, local order of moho::fem
  int degree = 1, dim = 2;
  std::span<double const> points;      ///< (owned nodes, dim)
  std::span<const std::int64_t> cells; ///< (counted cells, nodes) global node numbers
};
struct XdmfField {
  std::string name;
  int components = 1;
  bool on_cells = false;
  std::span<double const> values; ///< (owned nodes or counted cells, components)
};
/// Writes path (must end in .xdmf) and the .h5 beside it; both appear whole or not at all. With
/// `times` several steps: fields[step]. Collective.
void write_xdmf(Comm const& comm, std::string const& path, XdmfMesh const& mesh,
                std::vector<std::vector<XdmfField>> const& fields,
                std::vector<double> const& times = {});

} // namespace moho::parallel
