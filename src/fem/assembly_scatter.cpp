// SPDX-License-Identifier: BSD-3-Clause
// Policies scatter and owner_scatter: each range of rows is summed by one thread, which scatters
// all cells that touch it. A scatter is that with one range.
#include "assembly_base.hpp"
#include "scatter.hpp"
#include <algorithm>
#include <cstring>

namespace moho::fem {
namespace {

using Host = Kokkos::DefaultHostExecutionSpace;
using HostReals = Kokkos::View<double*, Kokkos::HostSpace>;

class Scatter final : public Assembly {
public:
  Scatter(Topology const& topology, Form const& form, int ranges)
      : _maker(topology, form), _ranges(ranges) {
    prepare(_maker.make(form, Reals(), false));
  }

  void assemble(Form const& form, Reals values, bool add) override {
    Task const task = _maker.make(form, values, add);
    prepare(task);
    NodeGraph const& graph = _maker.topology().graph();
    auto const& routings = *_routings;
    auto const& slots = _slots;
    auto const map = _map;
    int const stride = _stride;
    auto const work = [&](int r) {
      scatter_range(graph, routings[std::size_t(r)], task, map, slots[std::size_t(r)].data(),
                    stride);
    };
    run(work);
  }

private:
  template <class Work>
  void run(Work const& work) const {
    auto const* const shared = &work; // outlives the loop
    int const n = static_cast<int>(_routings->size());
    if (n == 1) return work(0);
    Kokkos::parallel_for("moho::fem::scatter",
                         Kokkos::RangePolicy<Host>(Host(), 0, n, Kokkos::ChunkSize(1)),
                         [=](int r) { (*shared)(r); });
    Host().fence();
  }

  /// Tables and slots for the Map of this task, kept from call to call.
  void prepare(Task const& task) {
    if (_routings != nullptr && _orient == task.orient && _block == task.key.block) return;
    auto const& routings = _maker.topology().routings(task.key.symmetric(), task.orient, _ranges);
    _stride = slot_stride(task.key.block, task.key.element.dim());
    _map = map_function(task.key);
    _routings = &routings;
    _slots.assign(routings.size(), HostReals());
    auto const work = [&](int r) { // each thread touches its own first
      _slots[std::size_t(r)] = HostReals(
          Kokkos::ViewAllocateWithoutInitializing("moho::fem::slots"),
          std::size_t(routings[std::size_t(r)].slots) * std::size_t(_stride) + simd_lanes);
    };
    for (int r = 0; r < static_cast<int>(routings.size()); ++r) work(r);
    run([&](int r) {
      auto const& slots = _slots[std::size_t(r)];
      std::memset(slots.data(), 0, slots.extent(0) * sizeof(double));
    });
    _orient = task.orient;
    _block = task.key.block;
  }

  /// Chunk by chunk of cells: clears the slots that it is the first to touch, scatters, writes the
  /// rows that are complete, while all of them are in the cache.
  static void scatter_range(NodeGraph const& graph, Routing const& routing, Task const& task,
                            MapFunction map, double* slots, int stride) {
    MapInputs const in = with_cells(task.inputs, routing.cells, routing.cell, routing.cell_points,
                                    routing.cell_nodes);
    ScatterFunction const scatter = scatter_function(task.key, routing);
    int const row_stride = slot_row(task.key.block, task.key.element.dim());
    std::int32_t cleared = 0, written = routing.first;
    for (std::size_t c = 0; c < routing.zero.size(); ++c) {
      std::int32_t const begin = static_cast<std::int32_t>(c) * chunk_cells;
      std::int32_t const end = std::min(begin + chunk_cells, routing.padded);
      std::size_t const s = std::size_t(stride);
      std::memset(slots + std::size_t(cleared) * s, 0,
                  std::size_t(routing.zero[c] - cleared) * s * sizeof(double));
      cleared = routing.zero[c];
      scatter(in, map, task.key, routing, begin, end, slots);
      expand(graph, routing, slots, stride, row_stride, task.finish, written, routing.done[c]);
      written = routing.done[c];
    }
  }

  TaskMaker _maker;
  int _ranges, _stride = 1;
  MapFunction _map = nullptr;
  std::vector<Routing> const* _routings = nullptr;
  std::vector<HostReals> _slots;
  Orient _orient = Orient::plain;
  Block _block = Block::scalar;
};

} // namespace

std::unique_ptr<Assembly> make_scatter(Topology const& topology, Form const& form, int ranges) {
  return std::make_unique<Scatter>(topology, form, ranges);
}

} // namespace moho::fem
