// SPDX-License-Identifier: BSD-3-Clause
// Policy atomic: all cells at once, sums by atomic additions, whose order is left to chance.
#include "assembly_base.hpp"

namespace moho::fem {
namespace {

template <class Map>
void add_all(MapInputs const& in, Map const& map, SlotTable const& table, int size,
             std::int32_t padded, Reals const& blocks, Reals const& slots) {
  double* const room = blocks.data();
  double* const sums = slots.data();
  int const n = size == 9 ? 3 : size == 4 ? 2 : 1;
  Kokkos::parallel_for(
      "moho::fem::atomic", Kokkos::RangePolicy<ExecutionSpace>(0, padded / simd_lanes),
      KOKKOS_LAMBDA(int pack) {
        std::int32_t const first = pack * simd_lanes;
        double* const at = room + block_place(block_number(first, 0, 1), table.pairs * size);
        map(in, first, at);
        for (int p = 0; p < table.pairs; ++p)
          for (int l = 0; l < simd_lanes; ++l) {
            std::int32_t const slot = table(first + l, p);
            double* const to =
                sums + static_cast<std::size_t>(slot & slot_mask) * static_cast<std::size_t>(size);
            for (int e = 0; e < size; ++e)
              Kokkos::atomic_add(to + (slot < 0 ? e % n * n + e / n : e),
                                 at[(p * size + e) * group + l]);
          }
      });
}

/// Writes all rows from their slots.
void write_all(DeviceGraph const& graph, Routing const& routing, Finish const& finish, int size,
               std::int32_t rows, Reals const& slots) {
  std::int32_t const* const diagonal = routing.diagonal_slot.data();
  std::int32_t const* const off = routing.off_slot.data();
  double const* const sums = slots.data();
  int const n = size == 9 ? 3 : size == 4 ? 2 : 1;
  Kokkos::parallel_for(
      "moho::fem::atomic_write", Kokkos::RangePolicy<ExecutionSpace>(0, rows),
      KOKKOS_LAMBDA(int i) {
        std::int32_t const split = graph.split(i);
        for (std::int32_t e = graph.ptr(i); e < graph.ptr(i + 1); ++e) {
          std::int32_t const slot = e < split ? diagonal[graph.diagonal(i) + e - graph.ptr(i)]
                                              : off[graph.off(i) + e - split];
          double const* const S =
              sums + static_cast<std::size_t>(slot & slot_mask) * static_cast<std::size_t>(size);
          write_entry(graph, finish, e, i, S, slot < 0 ? 1 : n, slot < 0 ? n : 1);
        }
      });
}

class Atomic final : public Assembly {
public:
  Atomic(Topology const& topology, Form const& form) : _maker(topology, form) {}
  void assemble(Form const& form, Reals values, bool add) override {
    Task const task = _maker.make(form, values, add);
    Topology const& topology = _maker.topology();
    Routing const& routing = topology.routings(task.key.symmetric(), task.orient, 1).front();
    int const size = task.key.block_size();
    std::size_t const sums = std::size_t(routing.slots) * std::size_t(size);
    std::size_t const room = block_room(routing.padded, routing.pairs, size);
    if (_slots.extent(0) != sums) _slots = Reals("moho::fem::slots", sums);
    if (_blocks.extent(0) != room)
      _blocks = Reals(Kokkos::ViewAllocateWithoutInitializing("moho::fem::local_matrices"), room);
    Kokkos::deep_copy(_slots, 0.0);
    MapInputs const in = with_cells(task.inputs, routing.cells, routing.cell, routing.cell_points,
                                    routing.cell_nodes);
    with_map(task.key, [&](auto map) {
      add_all(in, map, SlotTable(routing), size, routing.padded, _blocks, _slots);
    });
    write_all(topology.device_graph(), routing, task.finish, size, topology.owned_nodes(), _slots);
    ExecutionSpace().fence();
  }

private:
  TaskMaker _maker;
  Reals _slots, _blocks;
};

} // namespace

std::unique_ptr<Assembly> make_atomic(Topology const& topology, Form const& form) {
  return std::make_unique<Atomic>(topology, form);
}

} // namespace moho::fem
