// SPDX-License-Identifier: BSD-3-Clause
// Topology: everything of assembly that does not depend on values. Built once, reused.
#pragma once
#include "moho/fem/form.hpp"
#include "moho/fem/space.hpp"
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace moho::fem {

/// The owned rows of a matrix as CSR, split like PETSc's MPIAIJ: columns this rank owns, and
/// others. `values` of an assembled matrix are one array: first those of `diagonal`, then of `off`,
/// in their order. Scalar rows: components * node + component. Columns ascend in each row. Host.
struct Pattern {
  int components = 1;
  std::int64_t first_row = 0, global_rows = 0;             ///< scalar
  std::vector<std::int32_t> diagonal_ptr, diagonal_column; ///< columns: local scalar, owned
  std::vector<std::int32_t> off_ptr;
  std::vector<std::int64_t> off_column; ///< global scalar
  std::size_t rows() const { return diagonal_ptr.size() - 1; }
  std::size_t diagonal_nonzeros() const { return diagonal_column.size(); }
  std::size_t nonzeros() const { return diagonal_column.size() + off_column.size(); }
};

/// The pattern in nodes. Host. Columns are local nodes and ascend; those of row i that are owned
/// stand in column[ptr[i] .. split[i]), the ghosts in column[split[i] .. ptr[i + 1]).
struct NodeGraph {
  std::vector<std::int32_t> ptr, split, column;
  /// Entry e of row i stands at node entry `diagonal[i] + e` of the diagonal block, or, counted
  /// from split[i], at `off[i] + e` of the other. (owned + 1) each.
  std::vector<std::int32_t> diagonal, off;
  /// Cells at each owned node, ascending: cell * k + local node.
  std::vector<std::int32_t> incident_ptr, incident;
};

/// NodeGraph's row tables on the device.
struct DeviceGraph {
  ConstInts ptr, split, diagonal, off;
  std::int32_t diagonal_total = 0; ///< node entries of the diagonal block
};

/// How the blocks of a symmetric form, one per pair of nodes, are turned: a slot keeps that of
/// (lower id, higher id).
enum class Orient : std::int8_t {
  plain,   ///< numbers, or a form that is not symmetric: not at all
  sorted,  ///< nodes of a cell are taken in ascending id, so that each is right (P1 simplices)
  flagged, ///< contributions that need it carry a flag
};

struct Routing; // src/fem/routing.hpp: where contributions go
struct GatherLists;

/// Cells, nodes and coordinates on the device, pattern and routing tables.
class Topology {
public:
  /// Throws moho::Error when positions do not fit 32 bits (PETSc's PetscInt here) or the part
  /// owns no node (a mesh smaller than the number of ranks).
  Topology(Part const& part, int components);

  Pattern const& pattern() const { return _pattern; }
  NodeGraph const& graph() const { return _graph; }
  DeviceGraph const& device_graph() const { return _device_graph; }
  Element element() const { return _element; }
  Element geometry() const { return _geometry; }
  int components() const { return _pattern.components; }
  std::int32_t cells() const { return _cells; }
  std::int32_t owned_nodes() const { return _owned; }
  std::int32_t local_nodes() const { return _local_nodes; }

  // Device arrays. Cells are padded to a multiple of simd_lanes by copies of the last one.
  ConstInts cell_points() const { return _cell_points; } ///< (cells, geometry nodes)
  ConstInts cell_nodes() const { return _cell_nodes; }   ///< (cells, k) local nodes
  ConstReals points() const { return _points; }          ///< (points, dim)
  /// (points, 2 or 4): points, padded so that one is one load.
  ConstReals padded_points() const { return _padded_points; }

  /// (local nodes) matrix row of each node, and the number that no partition changes. Host.
  std::vector<std::int64_t> const& node_row() const { return _node_row; }
  std::vector<std::int64_t> const& node_id() const { return _node_id; }

  /// Index into `values` of the entry (scalar row, scalar column), local numbers; -1 if absent.
  /// Binary search, host: for boundary terms and tests.
  std::int64_t find(std::int32_t row, std::int32_t local_column) const;

  /// Routing tables of `ranges` contiguous ranges of owned rows, built at the first call. Not to be
  /// called concurrently.
  std::vector<Routing> const& routings(bool symmetric, Orient orient, int ranges) const;
  /// Contributions to each entry, by tiles of at most `rows` owned nodes (0: one tile).
  GatherLists const& gather_lists(bool symmetric, Orient orient, int rows) const;

private:
  Pattern _pattern;
  NodeGraph _graph;
  DeviceGraph _device_graph;
  Element _element, _geometry;
  std::int32_t _cells = 0, _owned = 0, _local_nodes = 0;
  Ints _cell_points, _cell_nodes;
  Reals _points, _padded_points;
  std::vector<std::int64_t> _node_row, _node_id; ///< (local nodes)
  struct Cache;
  std::shared_ptr<Cache> _cache; ///< of tables made on demand
};

} // namespace moho::fem
