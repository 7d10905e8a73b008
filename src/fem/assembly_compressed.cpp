// SPDX-License-Identifier: BSD-3-Clause
// Policy compressed_gather: gradients and volumes of P1 simplices in memory, an eighth of the local
// matrices, from which each entry's sum is formed.
#include "assembly_base.hpp"
#include "moho/core/error.hpp"

namespace moho::fem {
namespace {

/// Gradients (d + 1, d) and volume times the coefficient of each cell, (cells, stride).
template <int d>
constexpr int stride_of = d == 2 ? 8 : 16;

template <int d>
void store_gradients(MapInputs const& in, std::int32_t padded, bool weighted, Reals const& cells) {
  constexpr int n = (d + 1) * d, stride = stride_of<d>;
  using L = Lagrange<d == 2 ? Cell::triangle : Cell::tetrahedron, 1>;
  double* const out = cells.data();
  Kokkos::parallel_for(
      "moho::fem::gradients", Kokkos::RangePolicy<ExecutionSpace>(0, padded / simd_lanes),
      KOKKOS_LAMBDA(int pack) {
        std::int32_t const first = pack * simd_lanes;
        HostPack X[n], g[n], volume;
        load_points<L>(in, first, X);
        p1_gradients<d>(X, g, volume);
        if (weighted) volume = volume * PackCoefficient<L, 1>{in, first}(0, 0);
        for (int l = 0; l < simd_lanes; ++l) {
          double* const to = out + static_cast<std::size_t>(first + l) * stride;
          for (int i = 0; i < n; ++i) to[i] = lane(g[i], l);
          to[n] = lane(volume, l);
        }
      });
}

/// Adds the block of nodes a < b, or a = b, of one cell; the operations of MomentsMap.
template <int d, int size, bool diagonal>
KOKKOS_FORCEINLINE_FUNCTION void add_block(double const* cell, std::uint32_t a, std::uint32_t b,
                                           double* sum) {
  double const volume = cell[(d + 1) * d];
  double const *ga = cell + a * d, *gb = cell + b * d;
  if constexpr (size == 1) {
    double dot = ga[0] * gb[0];
    for (int i = 1; i < d; ++i) dot = multiply_add(ga[i], gb[i], dot);
    sum[0] += volume * dot;
  } else {
    for (int i = 0; i < d; ++i) {
      double const h = diagonal ? ga[i] : volume * ga[i];
      for (int j = 0; j < d; ++j) sum[i * d + j] += diagonal ? volume * (h * gb[j]) : h * gb[j];
    }
  }
}

/// Local nodes of the pairs a <= b, four bits each.
template <int d>
struct PairNodes {
  std::uint64_t first = 0, second = 0;
  constexpr PairNodes() {
    int shift = 0;
    for (std::uint64_t a = 0; a <= d; ++a)
      for (std::uint64_t b = a; b <= d; ++b, shift += 4) first |= a << shift, second |= b << shift;
  }
};

template <int d, int size>
struct CompressedEntries {
  static constexpr std::uint32_t nodes = d + 1, pairs = nodes * (nodes + 1) / 2;
  std::int32_t const *ptr, *item, *entry_row;
  double const* cells;
  DeviceGraph graph;
  Finish finish;

  template <bool diagonal>
  KOKKOS_FORCEINLINE_FUNCTION void add(std::int32_t e, double* sum) const {
    constexpr PairNodes<d> of;
    constexpr std::uint32_t g = group;
    for (std::int32_t j = ptr[e]; j < ptr[e + 1]; ++j) {
      std::uint32_t const number = static_cast<std::uint32_t>(item[j] & slot_mask);
      std::uint32_t const rest = number / g, pair = rest % pairs;
      std::size_t const cell = std::size_t(rest / pairs) * g + number % g;
      add_block<d, size, diagonal>(cells + cell * stride_of<d>,
                                   static_cast<std::uint32_t>(of.first >> (4 * pair) & 15),
                                   static_cast<std::uint32_t>(of.second >> (4 * pair) & 15), sum);
    }
  }
  /// Nodes are sorted, so all contributions to an entry are turned alike.
  KOKKOS_FORCEINLINE_FUNCTION void operator()(std::int32_t e) const {
    constexpr PairNodes<d> of;
    double sum[9] = {};
    std::int32_t const one = item[ptr[e]];
    std::uint32_t const pair = static_cast<std::uint32_t>(one & slot_mask) / group % pairs;
    if ((of.first >> (4 * pair) & 15) == (of.second >> (4 * pair) & 15))
      add<true>(e, sum);
    else
      add<false>(e, sum);
    write_entry(graph, finish, e, entry_row[e], sum, one < 0 ? 1 : d, one < 0 ? d : 1);
  }
};

template <int d, int size>
void gather_entries(GatherLists const& lists, DeviceGraph const& graph, Finish const& finish,
                    std::int32_t entries, Reals const& cells) {
  CompressedEntries<d, size> const gather{
      lists.ptr.data(), lists.item.data(), lists.entry_row.data(), cells.data(), graph, finish};
  Kokkos::parallel_for(
      "moho::fem::compressed_gather", Kokkos::RangePolicy<ExecutionSpace>(0, entries),
      KOKKOS_LAMBDA(int e) { gather(e); });
}

class CompressedGather final : public Assembly {
public:
  CompressedGather(Topology const& topology, Form const& form) : _maker(topology, form) {
    prepare(_maker.make(form, Reals(), false));
  }
  void assemble(Form const& form, Reals values, bool add) override {
    Task const task = _maker.make(form, values, add);
    GatherLists const& lists = prepare(task);
    if (task.key.element.dim() == 2)
      run<2>(task, lists);
    else
      run<3>(task, lists);
    ExecutionSpace().fence();
  }

private:
  template <int d>
  void run(Task const& task, GatherLists const& lists) {
    Topology const& topology = _maker.topology();
    std::int32_t const padded = static_cast<std::int32_t>(lists.cell.extent(0));
    std::int32_t const entries = topology.graph().ptr.back();
    bool const elastic = task.key.block == Block::moments;
    MapInputs const in =
        with_cells(task.inputs, topology.cells(), Ints(), lists.cell_points, lists.cell_nodes);
    store_gradients<d>(in, padded, !elastic, _cells);
    if (elastic)
      gather_entries<d, d * d>(lists, topology.device_graph(), task.finish, entries, _cells);
    else
      gather_entries<d, 1>(lists, topology.device_graph(), task.finish, entries, _cells);
  }

  GatherLists const& prepare(Task const& task) {
    Element const element = task.key.element;
    bool const fits = is_simplex(element.cell) && element.degree == 1 && !task.key.tensor &&
                      task.inputs.constant() &&
                      (task.key.kind == FormKind::diffusion || task.key.block == Block::moments);
    if (!fits)
      throw Error("reduce policy compressed-gather (it serves diffusion with a scalar coefficient "
                  "constant in the cell and elasticity with global parameters, on P1 simplices) "
                  "use scatter, owner-scatter, tiled-gather or two-pass");
    auto const& lists = _maker.topology().gather_lists(true, task.orient, 0);
    std::size_t const room =
        lists.cell.extent(0) * static_cast<std::size_t>(element.dim() == 2 ? 8 : 16);
    if (_cells.extent(0) < room)
      _cells = Reals(Kokkos::ViewAllocateWithoutInitializing("moho::fem::cell_gradients"), room);
    return lists;
  }
  TaskMaker _maker;
  Reals _cells;
};

} // namespace

std::unique_ptr<Assembly> make_compressed_gather(Topology const& topology, Form const& form) {
  return std::make_unique<CompressedGather>(topology, form);
}

} // namespace moho::fem
