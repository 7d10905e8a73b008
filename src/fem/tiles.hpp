// SPDX-License-Identifier: BSD-3-Clause
// Assembly tile by tile: a team puts what it knows of the cells around its rows into scratch memory
// and sums the entries of these rows from there. Inner header of the fem module.
#pragma once
#include "routing.hpp"
#include <algorithm>

namespace moho::fem {

/// Contributions whose numbers a thread reads before it adds the first. On a device they are under
/// way together; a diagonal entry has four times as many as its neighbours.
inline constexpr int ahead = on_host ? 1 : 4;

/// Calls add(item) for each of [begin, end), in order.
template <class Add>
KOKKOS_FORCEINLINE_FUNCTION void for_items(std::int32_t const* item, std::int32_t begin,
                                           std::int32_t end, Add const& add) {
  for (std::int32_t j = begin; j < end; j += ahead) {
    std::int32_t some[ahead];
    for (int i = 0; i < ahead; ++i) some[i] = item[j + i < end ? j + i : j];
    for (int i = 0; i < ahead; ++i)
      if (j + i < end) add(some[i]);
  }
}

/// Tables of the tiles.
struct Tiles {
  std::int32_t count = 0;
  std::int32_t const *row = nullptr, *cell_ptr = nullptr, *graph_ptr = nullptr;
  Tiles(GatherLists const& lists, DeviceGraph const& graph)
      : count(lists.tiles), row(lists.row.data()), cell_ptr(lists.cell_ptr.data()),
        graph_ptr(graph.ptr.data()) {}
};

/// fill(first, at, scratch): what is known of the pack of cells at place `at` of the tile whose
/// first cell has place `first` in the tables. entry(e, scratch): sums node entry e.
template <class Fill, class Entry>
struct TileKernel {
  using Policy = Kokkos::TeamPolicy<ExecutionSpace>;
  Tiles tiles;
  Fill fill;
  Entry entry;
  int level;
  std::size_t bytes;

  KOKKOS_FUNCTION void operator()(typename Policy::member_type const& team) const {
    int const tile = team.league_rank();
    auto const room = reinterpret_cast<std::uintptr_t>(
        team.team_scratch(level).get_shmem(static_cast<int>(bytes)));
    double* const scratch = reinterpret_cast<double*>((room + 63) / 64 * 64);
    std::int32_t const first = tiles.cell_ptr[tile], last = tiles.cell_ptr[tile + 1];
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, (last - first) / simd_lanes),
                         [&](int pack) { fill(first, pack * simd_lanes, scratch); });
    team.team_barrier();
    std::int32_t const begin = tiles.graph_ptr[tiles.row[tile]];
    std::int32_t const end = tiles.graph_ptr[tiles.row[tile + 1]];
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, begin, end),
                         [&](std::int32_t e) { entry(e, scratch); });
  }
};

/// Bytes that a tile of so many numbers asks for: they begin at a line of the cache.
inline std::size_t tile_bytes(std::size_t numbers) {
  return numbers * sizeof(double) + 64;
}
/// Kokkos' level of scratch memory: a host's is its second-level cache, a device's the fast memory
/// of a processor.
inline int tile_level() {
  return on_host ? 1 : 0;
}
/// Bytes that a team may have of it.
inline std::size_t most_tile_bytes() {
  return static_cast<std::size_t>(
      Kokkos::TeamPolicy<ExecutionSpace>::scratch_size_max(tile_level()));
}

template <class Fill, class Entry>
void run_tiles(char const* label, Tiles const& tiles, std::size_t numbers, Fill const& fill,
               Entry const& entry) {
  using Kernel = TileKernel<Fill, Entry>;
  std::size_t const bytes = tile_bytes(numbers);
  // A level that is too small for a tile gives way to the next.
  int const level = bytes <= most_tile_bytes() ? tile_level() : 1;
  typename Kernel::Policy policy = on_host ? typename Kernel::Policy(tiles.count, 1)
                                           : typename Kernel::Policy(tiles.count, Kokkos::AUTO);
  policy.set_scratch_size(level, Kokkos::PerTeam(bytes));
  Kokkos::parallel_for(label, sent_with_launch(policy), Kernel{tiles, fill, entry, level, bytes});
}

/// Rows per tile, so that what a tile needs, `numbers(cells)`, fits its memory: about 256 KiB on a
/// host, on a device all that a team may have.
template <class Numbers>
int tile_rows(Topology const& topology, Numbers const& numbers) {
  // A cell belongs to two or three tiles.
  double const cells_per_row = 2.5 * topology.cells() / std::max(1, topology.owned_nodes());
  double const target = on_host ? 262144 : static_cast<double>(most_tile_bytes());
  double const row = 8 * cells_per_row * static_cast<double>(numbers(1024)) / 1024;
  int const rows = static_cast<int>(std::clamp(target / row, 8.0, 4096.0));
  if (on_host) return rows;
  for (int fewer = rows; fewer > 0; fewer -= std::max(1, fewer / 16))
    if (tile_bytes(numbers(most_tile_cells(topology, fewer))) <= most_tile_bytes()) return fewer;
  return rows;
}

} // namespace moho::fem
