// SPDX-License-Identifier: BSD-3-Clause
// Policies two_pass (TensorGalerkin's own layout: all local matrices in memory, then the sparse sum
// S) and tiled_gather (the same tile by tile, in scratch memory).
#include "assembly_base.hpp"
#include "tiles.hpp"

namespace moho::fem {
namespace {

/// What the gather of an entry reads.
struct Gather {
  std::int32_t const *ptr, *item, *entry_row, *value;
  DeviceGraph graph;
  Finish finish;

  Gather(GatherLists const& lists, DeviceGraph const& g, Finish const& f)
      : ptr(lists.ptr.data()), item(lists.item.data()), entry_row(lists.entry_row.data()),
        value(lists.value.data()), graph(g), finish(f) {}

  /// Sums the contributions to entry e in ascending order of cells.
  template <int size>
  KOKKOS_FORCEINLINE_FUNCTION void entry(std::int32_t e, double const* blocks) const {
    constexpr int n = size == 9 ? 3 : size == 4 ? 2 : 1;
    double sum[9] = {};
    for_items(item, ptr[e], ptr[e + 1], [&](std::int32_t one) {
      double const* const block = blocks + block_place(one & slot_mask, size);
      if (size > 1 && one < 0)
        for (int i = 0; i < size; ++i) sum[i] += block[(i % n * n + i / n) * group];
      else
        for (int i = 0; i < size; ++i) sum[i] += block[i * group];
    });
    if (size == 1 && finish.components == 1)
      finish.put(static_cast<std::size_t>(value[e]), sum[0]);
    else
      write_entry(graph, finish, e, entry_row[e], sum, n, 1);
  }
};

template <class Map>
void map_all(MapInputs const& in, Map const& map, std::int32_t padded, int numbers,
             Reals const& blocks) {
  double* const to = blocks.data();
  Kokkos::parallel_for(
      "moho::fem::two_pass_map", Kokkos::RangePolicy<ExecutionSpace>(0, padded / simd_lanes),
      KOKKOS_LAMBDA(int pack) {
        std::int32_t const first = pack * simd_lanes;
        map(in, first, to + block_place(block_number(first, 0, 1), numbers));
      });
}

template <int size>
void gather_all(Gather const& gather, std::int32_t entries, Reals const& blocks) {
  double const* const from = blocks.data();
  Kokkos::parallel_for(
      "moho::fem::two_pass_gather", Kokkos::RangePolicy<ExecutionSpace>(0, entries),
      KOKKOS_LAMBDA(int e) { gather.entry<size>(e, from); });
}

class TwoPass final : public Assembly {
public:
  TwoPass(Topology const& topology, Form const& form) : _maker(topology, form) {
    prepare(_maker.make(form, Reals(), false));
  }
  void assemble(Form const& form, Reals values, bool add) override {
    Task const task = _maker.make(form, values, add);
    GatherLists const& lists = prepare(task);
    Topology const& topology = _maker.topology();
    MapInputs const in =
        with_cells(task.inputs, topology.cells(), Ints(), lists.cell_points, lists.cell_nodes);
    std::int32_t const padded = static_cast<std::int32_t>(lists.cell.extent(0));
    with_map(task.key, [&](auto map) {
      map_all(in, map, padded, lists.pairs * task.key.block_size(), _blocks);
    });
    with_size(task.key.block_size(), [&](auto size) {
      gather_all<decltype(size)::value>({lists, topology.device_graph(), task.finish},
                                        topology.graph().ptr.back(), _blocks);
    });
    ExecutionSpace().fence();
  }

private:
  GatherLists const& prepare(Task const& task) {
    auto const& lists = _maker.topology().gather_lists(task.key.symmetric(), task.orient, 0);
    std::size_t const room = block_room(lists.most_cells, lists.pairs, task.key.block_size());
    if (_blocks.extent(0) < room)
      _blocks = Reals(Kokkos::ViewAllocateWithoutInitializing("moho::fem::local_matrices"), room);
    return lists;
  }
  TaskMaker _maker;
  Reals _blocks;
};

/// Local matrices of a tile's cells.
template <class Map>
struct FillBlocks {
  MapInputs in;
  Map map;
  int numbers; ///< of a cell
  KOKKOS_FORCEINLINE_FUNCTION void operator()(std::int32_t first, std::int32_t at,
                                              double* blocks) const {
    map(in, first + at, blocks + block_place(block_number(at, 0, 1), numbers));
  }
};
template <int size>
struct SumBlocks {
  Gather gather;
  KOKKOS_FORCEINLINE_FUNCTION void operator()(std::int32_t e, double const* blocks) const {
    gather.entry<size>(e, blocks);
  }
};

class TiledGather final : public Assembly {
public:
  TiledGather(Topology const& topology, Form const& form) : _maker(topology, form) {
    Task const task = _maker.make(form, Reals(), false);
    int const pairs = pair_count(task.key.element.nodes(), task.key.symmetric());
    int const size = task.key.block_size();
    _rows = tile_rows(topology, [=](std::int32_t cells) { return block_room(cells, pairs, size); });
    lists(task);
  }
  void assemble(Form const& form, Reals values, bool add) override {
    Task const task = _maker.make(form, values, add);
    GatherLists const& lists = this->lists(task);
    Topology const& topology = _maker.topology();
    MapInputs const in = with_cells(task.inputs, static_cast<std::int32_t>(lists.cell.extent(0)),
                                    lists.cell, lists.cell_points, lists.cell_nodes);
    Tiles const tiles(lists, topology.device_graph());
    Gather const gather(lists, topology.device_graph(), task.finish);
    with_map_and_size(task.key, [&](auto map, auto of_block) {
      constexpr int size = decltype(of_block)::value;
      run_tiles("moho::fem::tiled_gather", tiles, block_room(lists.most_cells, lists.pairs, size),
                FillBlocks<decltype(map)>{in, map, lists.pairs * size}, SumBlocks<size>{gather});
    });
    ExecutionSpace().fence();
  }

private:
  GatherLists const& lists(Task const& task) const {
    return _maker.topology().gather_lists(task.key.symmetric(), task.orient, _rows);
  }
  TaskMaker _maker;
  int _rows = 0;
};

} // namespace

std::unique_ptr<Assembly> make_two_pass(Topology const& topology, Form const& form) {
  return std::make_unique<TwoPass>(topology, form);
}
std::unique_ptr<Assembly> make_tiled_gather(Topology const& topology, Form const& form) {
  return std::make_unique<TiledGather>(topology, form);
}

} // namespace moho::fem
