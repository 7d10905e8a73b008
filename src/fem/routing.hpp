// SPDX-License-Identifier: BSD-3-Clause
// Where contributions of local matrices go. Inner header of the fem module.
//
// A sum over cells is kept once per pair of nodes, in a slot: of a symmetric form the pair (u, v)
// has one slot, from which both entries of the matrix are written ("expanded"). That halves the
// sums and what they touch; the bits are those of summing both, since both triangles of a local
// matrix hold the same bits and are summed in the same order. Slots of a block form hold the block
// of (lower id, higher id), which no partition changes.
#pragma once
#include "moho/core/simd.hpp"
#include "moho/fem/topology.hpp"
#include <cstdint>
#include <vector>

namespace moho::fem {

using Offsets = Kokkos::View<std::uint16_t*, MemorySpace>;

inline constexpr bool on_host =
    Kokkos::SpaceAccessibility<Kokkos::HostSpace, MemorySpace>::accessible;

inline constexpr std::int32_t transposed = INT32_MIN; ///< flag in a position or entry
inline constexpr std::int32_t slot_mask = INT32_MAX;
/// Every slot whose number ends in these bits is a bin for contributions to no owned row, so that
/// one is near any slot and no kernel has to branch.
inline constexpr std::int32_t bin_mask = 4095;
inline constexpr std::int32_t chunk_cells = 4096; ///< between two expansions; a multiple of lanes

/// Pairs of local nodes of a form on k nodes.
constexpr int pair_count(int k, bool symmetric) {
  return symmetric ? k * (k + 1) / 2 : k * k;
}

/// Tables of one contiguous range [first, last) of owned nodes.
struct Routing {
  std::int32_t first = 0, last = 0;
  int pairs = 0;
  std::int32_t cells = 0;  ///< that touch the range
  std::int32_t padded = 0; ///< the same, padded to a multiple of simd_lanes
  std::int32_t slots = 0;  ///< bins included
  Ints cell;               ///< (padded) local cells, ascending; empty: all cells of the part
  Ints cell_points;        ///< (padded, geometry nodes)
  Ints cell_nodes;         ///< (padded, k)
  /// (padded, pairs) slot, with the flag `transposed` where the pair's block is that of (higher id,
  /// lower id).
  Ints position;
  /// The same as base[pack] + offset, where that fits 16 bits and nothing is flagged; else empty.
  Offsets offset;
  Ints base; ///< (packs of simd_lanes cells)
  bool flagged = false;

  /// Slot of each node entry of these rows, with the flag `transposed`: first those of the diagonal
  /// block, from node entry diagonal_first on, then the others, from off_first on.
  Ints diagonal_slot, off_slot;
  std::int32_t diagonal_first = 0, off_first = 0;

  /// After chunk c the rows below done[c] are complete; before it, slots below zero[c] must have
  /// been cleared. Host.
  std::vector<std::int32_t> zero, done;
};

/// Slots of a Routing for kernels, whichever table it has.
struct SlotTable {
  int pairs = 0;
  std::int32_t const *position = nullptr, *base = nullptr;
  std::uint16_t const* offset = nullptr;
  explicit SlotTable(Routing const& r)
      : pairs(r.pairs), position(r.position.data()), base(r.base.data()),
        offset(r.offset.extent(0) > 0 ? r.offset.data() : nullptr) {}
  /// With its flag.
  KOKKOS_FORCEINLINE_FUNCTION std::int32_t operator()(std::int32_t cell, int pair) const {
    std::size_t const at = static_cast<std::size_t>(cell) * static_cast<std::size_t>(pairs) +
                           static_cast<std::size_t>(pair);
    return offset == nullptr ? position[at] : base[cell / simd_lanes] + offset[at];
  }
};

/// For each node entry its contributions, in tiles of rows: S of TensorGalerkin.
struct GatherLists {
  int pairs = 0;
  std::int32_t tiles = 0, most_cells = 0, most_entries = 0;
  std::vector<std::int32_t> row_host; ///< (tiles + 1) first row of each tile
  Ints row;                           ///< the same on the device
  Ints cell_ptr, cell;                ///< cells of each tile, ascending; tiles padded to lanes
  Ints cell_points, cell_nodes;       ///< of those
  /// Contributions to entry e (in the order of NodeGraph::column): item[ptr[e] .. ptr[e + 1]),
  /// each block_number(cell of the tile, pair), with the flag `transposed`.
  Ints ptr, item;
  Ints entry_row; ///< (entries) owned node
  Ints value;     ///< (entries) first entry of the block in `values`
};

/// Blocks of local matrices stand in groups of so many cells, whose numbers alternate.
inline constexpr int group = on_host ? simd_lanes : 32;
KOKKOS_FORCEINLINE_FUNCTION std::int32_t block_number(std::int32_t cell, int pair, int pairs) {
  constexpr std::uint32_t g = group; // unsigned: a shift and a mask
  std::uint32_t const c = static_cast<std::uint32_t>(cell);
  return static_cast<std::int32_t>(
      (c / g * static_cast<std::uint32_t>(pairs) + static_cast<std::uint32_t>(pair)) * g + c % g);
}
/// Where number e of that block stands among blocks of `size` numbers; others follow `group` apart.
KOKKOS_FORCEINLINE_FUNCTION std::size_t block_place(std::int32_t number, int size) {
  constexpr std::size_t g = group;
  std::size_t const n = static_cast<std::size_t>(number);
  return size == 1 ? n : n / g * g * static_cast<std::size_t>(size) + n % g;
}
/// Numbers that the blocks of so many cells need.
inline std::size_t block_room(std::int32_t cells, int pairs, int size) {
  return static_cast<std::size_t>((cells + group - 1) / group) * static_cast<std::size_t>(group) *
         static_cast<std::size_t>(pairs * size);
}

/// Host vector -> device view.
Ints to_device(std::vector<std::int32_t> const& from, char const* label);

Routing make_routing(Topology const& topology, bool symmetric, Orient orient, std::int32_t first,
                     std::int32_t last);
GatherLists make_gather_lists(Topology const& topology, bool symmetric, Orient orient,
                              std::int32_t rows);
/// Cells that touch the rows of a tile, at most and padded, in tiles of so many rows.
std::int32_t most_tile_cells(Topology const& topology, std::int32_t rows);
/// Row boundaries of `ranges` ranges with about as many entries each.
std::vector<std::int32_t> balanced_ranges(NodeGraph const& graph, std::int32_t owned, int ranges);

} // namespace moho::fem
