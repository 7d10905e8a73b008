// SPDX-License-Identifier: BSD-3-Clause
// What all policies share. Inner header of the fem module.
#pragma once
#include "expand.hpp"
#include "map.hpp"
#include "moho/fem/assembly.hpp"
#include "routing.hpp"
#include <memory>
#include <type_traits>

namespace moho::fem {

/// One assembly of one form: what to map and how to finish.
struct Task {
  MapKey key;
  Orient orient = Orient::plain;
  MapInputs inputs; ///< without cells' tables
  Finish finish;
};

/// Checks a form against what the assembly was built for, keeps reference tables.
class TaskMaker {
public:
  TaskMaker(Topology const& topology, Form const& form);
  /// Throws moho::Error for another form, or a coefficient or `values` of the wrong size.
  Task make(Form const& form, Reals const& values, bool add);
  Topology const& topology() const { return _topology; }

private:
  Topology const& _topology;
  FormKind _kind;
  int _components;
  bool _tensor;
  int _degree = -1; ///< of the tables
  ReferenceTables _tables;
};

/// Throws moho::Error when the form does not fit the topology or its coefficient has a wrong size.
void check_form(Topology const& topology, Form const& form);
/// The Map of a form: its key, how blocks are turned, inputs over all cells of the part.
Task make_task(Topology const& topology, Form const& form, ReferenceTables const& tables);
/// Inputs for the cells of a range or of the tiles.
MapInputs with_cells(MapInputs inputs, std::int32_t cells, Ints const& cell,
                     Ints const& cell_points, Ints const& cell_nodes);

std::unique_ptr<Assembly> make_scatter(Topology const& topology, Form const& form, int ranges);
std::unique_ptr<Assembly> make_atomic(Topology const& topology, Form const& form);
std::unique_ptr<Assembly> make_two_pass(Topology const& topology, Form const& form);
std::unique_ptr<Assembly> make_tiled_gather(Topology const& topology, Form const& form);
std::unique_ptr<Assembly> make_compressed_gather(Topology const& topology, Form const& form);

/// Map into memory, in the layout of block_number. On hosts through a function, so that policies
/// are compiled once; on devices inlined.
struct HostMap {
  MapFunction function;
  KOKKOS_FUNCTION void operator()(MapInputs const& in, std::int32_t first, double* to) const {
    function(in, first, reinterpret_cast<HostPack*>(to));
  }
};
template <class Map>
struct DeviceMap {
  KOKKOS_FUNCTION void operator()(MapInputs const& in, std::int32_t first, double* to) const {
    Map{}(in, first, [to](int pair, HostPack const* block) {
      for (int e = 0; e < Map::block_size; ++e)
        to[(pair * Map::block_size + e) * group] = lane(block[e], 0);
    });
  }
};
/// Calls f with one of them.
template <class F>
void with_map(MapKey const& key, F&& f) {
  if constexpr (on_host)
    f(HostMap{map_function(key)});
  else
    with_direct_map(key, [&](auto map) { f(DeviceMap<decltype(map)>{}); });
}

/// Calls f(integral constant) with the numbers per block.
template <class F>
void with_size(int size, F&& f) {
  if (size == 1)
    f(std::integral_constant<int, 1>{});
  else if (size == 4)
    f(std::integral_constant<int, 4>{});
  else
    f(std::integral_constant<int, 9>{});
}
/// The same with the numbers per block as an integral constant, f(map, size).
template <class F>
void with_map_and_size(MapKey const& key, F&& f) {
  if constexpr (on_host) {
    HostMap const map{map_function(key)};
    with_size(key.block_size(), [&](auto size) { f(map, size); });
  } else {
    with_direct_map(key, [&](auto map) {
      using Map = decltype(map);
      f(DeviceMap<Map>{}, std::integral_constant<int, Map::block_size>{});
    });
  }
}

/// Writes a node entry's block: entry `e` of `graph.column`, in the row of owned node i.
KOKKOS_FORCEINLINE_FUNCTION void write_entry(DeviceGraph const& graph, Finish const& finish,
                                             std::int32_t e, std::int32_t i, double const* S,
                                             int row_stride, int column_stride) {
  std::int32_t const begin = graph.ptr(i), split = graph.split(i), end = graph.ptr(i + 1);
  bool const diagonal = e < split;
  RowPlace const place =
      diagonal ? row_place(graph.diagonal(i), split - begin, 0, finish.components)
               : row_place(graph.off(i), end - split, graph.diagonal_total, finish.components);
  finish.write(place.at(diagonal ? e - begin : e - split, finish.components), place.row, S,
               row_stride, column_stride);
}

} // namespace moho::fem
