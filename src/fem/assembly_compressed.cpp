// SPDX-License-Identifier: BSD-3-Clause
// Policy compressed_gather: gradients and volumes of P1 simplices, an eighth of the local matrices,
// from which each entry's sum is formed. A host has them in memory, a device tile by tile.
#include "assembly_base.hpp"
#include "moho/core/error.hpp"
#include "tiles.hpp"

namespace moho::fem {
namespace {

/// Where gradients (d + 1, d) and volume times the coefficient of each cell stand: on a host cell
/// by cell, on a device number by number, so that neighbouring threads write neighbouring numbers.
template <int d>
struct CellNumbers {
  static constexpr int count = (d + 1) * d + 1, volume = count - 1, padded = d == 2 ? 8 : 16;
  std::size_t cells;
  KOKKOS_FORCEINLINE_FUNCTION std::size_t place(std::size_t cell, std::size_t n) const {
    return on_host ? cell * padded + n : n * cells + cell;
  }
  static std::size_t room(std::int32_t cells) {
    return static_cast<std::size_t>(cells) * (on_host ? padded : count);
  }
};

template <int d>
struct FillGradients {
  MapInputs in;
  bool weighted;
  CellNumbers<d> numbers;
  KOKKOS_FORCEINLINE_FUNCTION void operator()(std::int32_t first, std::int32_t at,
                                              double* cells) const {
    using L = Lagrange<d == 2 ? Cell::triangle : Cell::tetrahedron, 1>;
    constexpr std::size_t n = (d + 1) * d;
    HostPack X[n], g[n], volume;
    load_points<L>(in, first + at, X);
    p1_gradients<d>(X, g, volume);
    if (weighted) volume = volume * PackCoefficient<L, 1>{in, first + at}(0, 0);
    for (int l = 0; l < simd_lanes; ++l) {
      std::size_t const cell = static_cast<std::size_t>(at + l);
      for (std::size_t i = 0; i < n; ++i) cells[numbers.place(cell, i)] = lane(g[i], l);
      cells[numbers.place(cell, n)] = lane(volume, l);
    }
  }
};

/// The gradient of one node.
struct Gradient {
  double const* first;
  std::size_t step;
  KOKKOS_FORCEINLINE_FUNCTION double operator[](int i) const {
    return first[on_host ? static_cast<std::size_t>(i) : static_cast<std::size_t>(i) * step];
  }
};

/// Adds the block of nodes a < b, or a = b, of one cell; the operations of MomentsMap.
template <int d, int size, bool diagonal>
KOKKOS_FORCEINLINE_FUNCTION void add_block(double const* cells, CellNumbers<d> numbers,
                                           std::size_t cell, std::size_t a, std::size_t b,
                                           double* sum) {
  double const volume = cells[numbers.place(cell, CellNumbers<d>::volume)];
  Gradient const ga{cells + numbers.place(cell, a * d), numbers.cells},
      gb{cells + numbers.place(cell, b * d), numbers.cells};
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
struct SumCompressed {
  static constexpr std::uint32_t nodes = d + 1, pairs = nodes * (nodes + 1) / 2;
  std::int32_t const *ptr, *item, *entry_row;
  CellNumbers<d> numbers;
  DeviceGraph graph;
  Finish finish;

  template <bool diagonal>
  KOKKOS_FORCEINLINE_FUNCTION void add(std::int32_t e, double const* cells, double* sum) const {
    constexpr PairNodes<d> of;
    constexpr std::uint32_t g = group;
    for_items(item, ptr[e], ptr[e + 1], [&](std::int32_t one) {
      std::uint32_t const number = static_cast<std::uint32_t>(one & slot_mask);
      std::uint32_t const rest = number / g, pair = rest % pairs;
      std::size_t const cell = std::size_t(rest / pairs) * g + number % g;
      add_block<d, size, diagonal>(cells, numbers, cell, of.first >> (4 * pair) & 15,
                                   of.second >> (4 * pair) & 15, sum);
    });
  }
  /// Nodes are sorted, so all contributions to an entry are turned alike.
  KOKKOS_FORCEINLINE_FUNCTION void operator()(std::int32_t e, double const* cells) const {
    constexpr PairNodes<d> of;
    double sum[9] = {};
    std::int32_t const one = item[ptr[e]];
    std::uint32_t const pair = static_cast<std::uint32_t>(one & slot_mask) / group % pairs;
    if ((of.first >> (4 * pair) & 15) == (of.second >> (4 * pair) & 15))
      add<true>(e, cells, sum);
    else
      add<false>(e, cells, sum);
    write_entry(graph, finish, e, entry_row[e], sum, one < 0 ? 1 : d, one < 0 ? d : 1);
  }
};

void require_served(Task const& task) {
  Element const element = task.key.element;
  bool const served = is_simplex(element.cell) && element.degree == 1 && !task.key.tensor &&
                      task.inputs.constant() &&
                      (task.key.kind == FormKind::diffusion || task.key.block == Block::moments);
  if (!served)
    throw Error("reduce policy compressed-gather (it serves diffusion with a scalar coefficient "
                "constant in the cell and elasticity with global parameters, on P1 simplices) "
                "use scatter, owner-scatter, tiled-gather or two-pass");
}

/// On a host: all cells, then all entries; each loop a function, so that gcc has registers for it.
template <class Fill>
[[gnu::noinline]] void fill_memory(Fill const& fill, std::int32_t padded, double* cells) {
  Kokkos::parallel_for(
      "moho::fem::gradients", Kokkos::RangePolicy<ExecutionSpace>(0, padded / simd_lanes),
      KOKKOS_LAMBDA(int pack) { fill(0, pack * simd_lanes, cells); });
}
template <class Sum>
[[gnu::noinline]] void sum_from_memory(Sum const& sum, std::int32_t entries, double const* cells) {
  Kokkos::parallel_for(
      "moho::fem::compressed_gather", Kokkos::RangePolicy<ExecutionSpace>(0, entries),
      KOKKOS_LAMBDA(int e) { sum(e, cells); });
}

template <int d>
class CompressedGather final : public Assembly {
public:
  CompressedGather(Topology const& topology, Form const& form) : _maker(topology, form) {
    Task const task = _maker.make(form, Reals(), false);
    require_served(task);
    if (!on_host) _rows = tile_rows(topology, CellNumbers<d>::room);
    std::int32_t const cells = places(lists(task));
    if (on_host)
      _cells = Reals(Kokkos::ViewAllocateWithoutInitializing("moho::fem::cell_gradients"),
                     CellNumbers<d>::room(cells));
  }
  void assemble(Form const& form, Reals values, bool add) override {
    Task const task = _maker.make(form, values, add);
    require_served(task);
    if (task.key.block == Block::moments)
      run<d * d>(task);
    else
      run<1>(task);
    ExecutionSpace().fence();
  }

private:
  template <int size>
  void run(Task const& task) {
    Topology const& topology = _maker.topology();
    GatherLists const& lists = this->lists(task);
    MapInputs const in =
        with_cells(task.inputs, on_host ? topology.cells() : places(lists),
                   on_host ? Ints() : lists.cell, lists.cell_points, lists.cell_nodes);
    CellNumbers<d> const numbers{static_cast<std::size_t>(lists.most_cells)};
    FillGradients<d> const fill{in, size == 1, numbers};
    SumCompressed<d, size> const sum{lists.ptr.data(),        lists.item.data(),
                                     lists.entry_row.data(),  numbers,
                                     topology.device_graph(), task.finish};
    if constexpr (on_host) {
      fill_memory(fill, places(lists), _cells.data());
      sum_from_memory(sum, topology.graph().ptr.back(), _cells.data());
    } else {
      run_tiles("moho::fem::compressed_gather", Tiles(lists, topology.device_graph()),
                CellNumbers<d>::room(lists.most_cells), fill, sum);
    }
  }
  static std::int32_t places(GatherLists const& lists) {
    return static_cast<std::int32_t>(lists.cell.extent(0));
  }
  /// All rows are one tile on a host.
  GatherLists const& lists(Task const& task) const {
    return _maker.topology().gather_lists(true, task.orient, _rows);
  }
  TaskMaker _maker;
  int _rows = 0;
  Reals _cells;
};

} // namespace

std::unique_ptr<Assembly> make_compressed_gather(Topology const& topology, Form const& form) {
  if (topology.element().dim() == 2) return std::make_unique<CompressedGather<2>>(topology, form);
  return std::make_unique<CompressedGather<3>>(topology, form);
}

} // namespace moho::fem
