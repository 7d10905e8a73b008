// SPDX-License-Identifier: BSD-3-Clause
// Local matrices by themselves, batches of coefficients, and the transpose of Reduce.
#include "assembly_base.hpp"
#include "moho/core/error.hpp"
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

namespace moho::fem {
namespace {

Task checked_task(Topology const& topology, Form const& form, ReferenceTables& tables) {
  check_form(topology, form);
  Element const element = topology.element();
  tables = ReferenceTables(element, topology.geometry(),
                           quadrature(element.cell, quadrature_degree(form, element)));
  return make_task(topology, form, tables);
}

/// Writes the blocks of a cell as a full matrix, (k B, k B) row-major.
struct Unpack {
  int nodes, components, size;
  bool symmetric;

  KOKKOS_FUNCTION void operator()(double const* blocks, double* to) const {
    int const n = nodes * components;
    for (int a = 0; a < nodes; ++a)
      for (int b = 0; b < nodes; ++b) {
        bool const flip = symmetric && a > b;
        int const low = flip ? b : a, high = flip ? a : b;
        int const pair = symmetric ? low * nodes - low * (low + 1) / 2 + high : a * nodes + b;
        double const* const block = blocks + pair * size * group;
        for (int i = 0; i < components; ++i)
          for (int j = 0; j < components; ++j) {
            double value = 0;
            if (size == 1)
              value = i == j ? block[0] : 0;
            else
              value = block[(flip ? j * components + i : i * components + j) * group];
            to[(a * components + i) * n + b * components + j] = value;
          }
      }
  }
};

template <class Map>
void map_cells(MapInputs const& in, Map const& map, std::int32_t first_pack, std::int32_t packs,
               int pairs, Unpack const& unpack, std::int32_t first, std::int32_t last,
               Reals const& blocks, Reals const& out) {
  double* const room = blocks.data();
  double* const to = out.data();
  std::size_t const entries = static_cast<std::size_t>(unpack.nodes * unpack.components) *
                              static_cast<std::size_t>(unpack.nodes * unpack.components);
  Kokkos::parallel_for(
      "moho::fem::local_matrices", Kokkos::RangePolicy<ExecutionSpace>(0, packs),
      KOKKOS_LAMBDA(int pack) {
        std::int32_t const at = pack * simd_lanes, cell = first_pack * simd_lanes + at;
        double* const here = room + block_place(block_number(at, 0, 1), pairs * unpack.size);
        map(in, cell, here);
        for (int l = 0; l < simd_lanes; ++l)
          if (cell + l >= first && cell + l < last)
            unpack(here + l, to + static_cast<std::size_t>(cell + l - first) * entries);
      });
}

using Index = std::size_t;

/// Block by block of batch members, so that a chunk's slots stay in the cache.
struct Batch {
  int size;
  double const* coefficient; ///< (cells, size)
};

void scatter_batch(MapInputs const& in, MapFunction map, Routing const& routing, Batch const& batch,
                   std::int32_t begin, std::int32_t end, std::vector<HostPack>& blocks,
                   double* slots) {
  SlotTable const table(routing);
  int const pairs = routing.pairs;
  Index const n = Index(batch.size);
  for (std::int32_t first = begin; first < end; first += simd_lanes) {
    map(in, first, blocks.data());
    for (int l = 0; l < simd_lanes && first + l < in.cells; ++l) {
      double const* const c = batch.coefficient + Index(first + l) * n;
      for (int p = 0; p < pairs; ++p) {
        double const unit = lane(blocks[Index(p)], l);
        double* const to = slots + Index(table(first + l, p)) * n;
        for (Index j = 0; j < n; ++j) to[j] += c[j] * unit;
      }
    }
  }
}

} // namespace

void local_matrices(Topology const& topology, Form const& form, std::int32_t first,
                    std::int32_t last, Reals out) {
  int const n = topology.element().nodes() * form.components;
  if (first < 0 || first > last || last > topology.cells())
    throw Error("local_matrices: cells " + std::to_string(first) + " to " + std::to_string(last) +
                " (the part holds " + std::to_string(topology.cells()) + ") choose some of them");
  Index const wanted = Index(last - first) * Index(n) * Index(n);
  if (out.extent(0) < wanted)
    throw Error("local_matrices: room for " + std::to_string(out.extent(0)) + " numbers (" +
                std::to_string(wanted) + " come) make it larger");
  if (first == last) return;
  ReferenceTables tables;
  Task task = checked_task(topology, form, tables);
  if (task.key.block == Block::moments) task.key.block = Block::full;
  int const size = task.key.block_size();
  int const pairs = pair_count(task.key.element.nodes(), task.key.symmetric());
  std::int32_t const first_pack = first / simd_lanes;
  std::int32_t const packs = (last + simd_lanes - 1) / simd_lanes - first_pack;
  Reals const blocks(Kokkos::ViewAllocateWithoutInitializing("moho::fem::blocks"),
                     block_room(packs * simd_lanes, pairs, size));
  Unpack const unpack{task.key.element.nodes(), form.components, size, task.key.symmetric()};
  with_map(task.key, [&](auto map) {
    map_cells(task.inputs, map, first_pack, packs, pairs, unpack, first, last, blocks, out);
  });
  ExecutionSpace().fence();
}

void assemble_batch(Topology const& topology, Form const& form, int batch, ConstReals coefficient,
                    Reals values) {
  if (form.kind == FormKind::elasticity || !form.symmetric())
    throw Error(std::string("assemble_batch: a form of ") + name(form.kind) +
                " (batches are of scalar coefficients of diffusion or mass) assemble one by one");
  if (!on_host) throw Error("assemble_batch (it serves hosts) assemble one by one");
  Index const n = Index(std::max(batch, 0)), cells = Index(topology.cells());
  if (batch < 1 || coefficient.extent(0) < cells * n ||
      values.extent(0) < topology.pattern().nonzeros() * n)
    throw Error("assemble_batch: a batch of " + std::to_string(batch) + " with " +
                std::to_string(coefficient.extent(0)) + " coefficients and room for " +
                std::to_string(values.extent(0)) + " values (cells x batch and nonzeros x batch " +
                "are needed) make them larger");
  Form unit = form;
  unit.coefficient = Coefficient(); // 1; that of the batch is constant in each cell as well
  ReferenceTables tables;
  Task const task = checked_task(topology, unit, tables);
  Routing const& routing = topology.routings(true, task.orient, 1).front();
  MapInputs const in =
      with_cells(task.inputs, routing.cells, routing.cell, routing.cell_points, routing.cell_nodes);
  MapFunction const map = map_function(task.key);
  std::vector<HostPack> blocks(Index(routing.pairs));
  Reals const slots(Kokkos::ViewAllocateWithoutInitializing("moho::fem::batch_slots"),
                    Index(routing.slots) * n);
  std::int32_t cleared = 0, written = 0;
  for (Index c = 0; c < routing.zero.size(); ++c) {
    std::int32_t const begin = std::int32_t(c) * chunk_cells;
    std::int32_t const end = std::min(begin + chunk_cells, routing.padded);
    std::memset(slots.data() + Index(cleared) * n, 0,
                Index(routing.zero[c] - cleared) * n * sizeof(double));
    cleared = routing.zero[c];
    scatter_batch(in, map, routing, {batch, coefficient.data()}, begin, end, blocks, slots.data());
    expand_batch(topology.graph(), routing, slots.data(), batch, form.components, values.data(),
                 written, routing.done[c]);
    written = routing.done[c];
  }
}

void reduce_transpose(Topology const& topology, ConstReals cotangent, Reals out) {
  int const k = topology.element().nodes(), B = topology.components(), n = k * B;
  Index const wanted = Index(topology.cells()) * Index(n) * Index(n);
  if (cotangent.extent(0) < topology.pattern().nonzeros() || out.extent(0) < wanted)
    throw Error("reduce_transpose: " + std::to_string(cotangent.extent(0)) +
                " cotangents and room "
                "for " +
                std::to_string(out.extent(0)) + " numbers (" +
                std::to_string(topology.pattern().nonzeros()) + " and " + std::to_string(wanted) +
                " are needed) make them larger");
  SlotTable const table(topology.routings(false, Orient::plain, 1).front());
  DeviceGraph const graph = topology.device_graph();
  ConstInts const cell_nodes = topology.cell_nodes();
  Kokkos::parallel_for(
      "moho::fem::reduce_transpose", Kokkos::RangePolicy<ExecutionSpace>(0, topology.cells() * k),
      KOKKOS_LAMBDA(int at) {
        std::int32_t const cell = at / k, i = cell_nodes(at);
        double* const rows =
            out.data() + static_cast<std::size_t>(at) * static_cast<std::size_t>(B * n);
        for (int b = 0; b < k; ++b) {
          std::int32_t const slot = table(cell, at % k * k + b);
          bool const dropped = (slot & bin_mask) == bin_mask;
          std::int32_t const e = slot - slot / (bin_mask + 1); // bins are no entries
          RowPlace place{0, 0};
          std::size_t first = 0;
          if (!dropped) {
            std::int32_t const begin = graph.ptr(i), split = graph.split(i);
            place = e < split ? row_place(graph.diagonal(i), split - begin, 0, B)
                              : row_place(graph.off(i), graph.ptr(i + 1) - split,
                                          graph.diagonal_total, B);
            first = place.at(e < split ? e - begin : e - split, B);
          }
          for (int r = 0; r < B; ++r)
            for (int c = 0; c < B; ++c)
              rows[r * n + b * B + c] =
                  dropped ? 0.0
                          : cotangent(first + static_cast<std::size_t>(r) * place.row +
                                      static_cast<std::size_t>(c));
        }
      });
  ExecutionSpace().fence();
}

} // namespace moho::fem
