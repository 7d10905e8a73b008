// SPDX-License-Identifier: BSD-3-Clause
#include "moho/fem/topology.hpp"
#include "moho/core/error.hpp"
#include "moho/core/simd.hpp"
#include "routing.hpp"
#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

namespace moho::fem {
namespace {

constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();

void require_32_bits(std::int64_t count, char const* what) {
  if (count > most)
    throw Error("topology: " + std::to_string(count) + " " + what + " on one rank (positions are " +
                "32 bits wide) use more ranks");
}

/// (cells, width) padded to whole packs by copies of the last cell.
Ints padded_cells(std::vector<std::int32_t> const& from, std::size_t cells, int width,
                  char const* label) {
  std::size_t const w = static_cast<std::size_t>(width);
  std::size_t const padded = (cells + simd_lanes - 1) / simd_lanes * simd_lanes;
  std::vector<std::int32_t> all(from.begin(), from.begin() + static_cast<long>(cells * w));
  all.reserve(padded * w);
  for (std::size_t c = cells; c < padded; ++c)
    for (std::size_t i = 0; i < w; ++i) all.push_back(from[(cells - 1) * w + i]);
  return to_device(all, label);
}

Reals strided_points(std::vector<double> const& from, int dim, int stride) {
  std::size_t const n = from.size() / static_cast<std::size_t>(dim);
  Reals to("moho::fem::points", n * static_cast<std::size_t>(stride));
  auto host = Kokkos::create_mirror_view(to);
  for (std::size_t i = 0; i < n; ++i)
    for (int d = 0; d < dim; ++d)
      host(i * static_cast<std::size_t>(stride) + static_cast<std::size_t>(d)) =
          from[i * static_cast<std::size_t>(dim) + static_cast<std::size_t>(d)];
  Kokkos::deep_copy(to, host);
  return to;
}

void fill_incidence(Space const& space, NodeGraph& graph) {
  int const k = space.element.nodes();
  graph.incident_ptr.assign(static_cast<std::size_t>(space.owned) + 1, 0);
  for (std::int32_t const node : space.cell_nodes)
    if (node < space.owned) ++graph.incident_ptr[static_cast<std::size_t>(node) + 1];
  for (std::size_t i = 0; i < static_cast<std::size_t>(space.owned); ++i)
    graph.incident_ptr[i + 1] += graph.incident_ptr[i];
  graph.incident.resize(static_cast<std::size_t>(graph.incident_ptr.back()));
  std::vector<std::int32_t> next(graph.incident_ptr.begin(), graph.incident_ptr.end() - 1);
  std::int32_t const entries = static_cast<std::int32_t>(space.cells()) * k;
  for (std::int32_t at = 0; at < entries; ++at) {
    std::int32_t const node = space.cell_nodes[static_cast<std::size_t>(at)];
    if (node < space.owned)
      graph.incident[static_cast<std::size_t>(next[static_cast<std::size_t>(node)]++)] = at;
  }
}

/// Neighbours of each owned node: all nodes of its cells.
void fill_columns(Space const& space, NodeGraph& graph) {
  int const k = space.element.nodes();
  std::vector<std::int32_t> seen(space.local_nodes(), -1), row;
  graph.ptr = {0};
  graph.diagonal = graph.off = {0};
  std::int64_t total = 0;
  for (std::int32_t i = 0; i < space.owned; ++i) {
    row.clear();
    auto const* at = graph.incident.data() + graph.incident_ptr[static_cast<std::size_t>(i)];
    auto const* end = graph.incident.data() + graph.incident_ptr[static_cast<std::size_t>(i) + 1];
    if (at == end)
      throw Error("topology: node " + std::to_string(space.id[static_cast<std::size_t>(i)]) +
                  " belongs to no cell (its row would be empty) remove it from the mesh");
    for (; at != end; ++at) {
      std::int32_t const* nodes = space.cell_nodes.data() + *at / k * k;
      for (int b = 0; b < k; ++b) {
        std::int32_t& mark = seen[static_cast<std::size_t>(nodes[b])];
        if (mark == i) continue;
        mark = i;
        row.push_back(nodes[b]);
      }
    }
    std::sort(row.begin(), row.end());
    auto const owned = std::lower_bound(row.begin(), row.end(), space.owned) - row.begin();
    total += static_cast<std::int64_t>(row.size());
    require_32_bits(total, "entries");
    graph.column.insert(graph.column.end(), row.begin(), row.end());
    graph.split.push_back(graph.ptr.back() + static_cast<std::int32_t>(owned));
    graph.ptr.push_back(static_cast<std::int32_t>(total));
    graph.diagonal.push_back(graph.diagonal.back() + static_cast<std::int32_t>(owned));
    graph.off.push_back(static_cast<std::int32_t>(total) - graph.diagonal.back());
  }
}

/// The pattern of nodes with each node B unknowns.
Pattern scalar_pattern(NodeGraph const& graph, Space const& space, int B) {
  Pattern pattern;
  pattern.components = B;
  pattern.first_row = space.first_row * B;
  pattern.global_rows = space.global_nodes * B;
  std::size_t const owned = static_cast<std::size_t>(space.owned);
  std::size_t const blocks = static_cast<std::size_t>(B) * static_cast<std::size_t>(B);
  pattern.diagonal_ptr.reserve(owned * static_cast<std::size_t>(B) + 1);
  pattern.off_ptr.reserve(owned * static_cast<std::size_t>(B) + 1);
  pattern.diagonal_column.reserve(blocks * static_cast<std::size_t>(graph.diagonal.back()));
  pattern.off_column.reserve(blocks * static_cast<std::size_t>(graph.off.back()));
  pattern.diagonal_ptr.push_back(0);
  pattern.off_ptr.push_back(0);
  for (std::size_t i = 0; i < owned; ++i)
    for (int r = 0; r < B; ++r) {
      for (std::int32_t e = graph.ptr[i]; e < graph.split[i]; ++e)
        for (int c = 0; c < B; ++c)
          pattern.diagonal_column.push_back(graph.column[static_cast<std::size_t>(e)] * B + c);
      for (std::int32_t e = graph.split[i]; e < graph.ptr[i + 1]; ++e) {
        std::size_t const node =
            static_cast<std::size_t>(graph.column[static_cast<std::size_t>(e)]);
        for (int c = 0; c < B; ++c) pattern.off_column.push_back(space.row[node] * B + c);
      }
      pattern.diagonal_ptr.push_back(static_cast<std::int32_t>(pattern.diagonal_column.size()));
      pattern.off_ptr.push_back(static_cast<std::int32_t>(pattern.off_column.size()));
    }
  return pattern;
}

} // namespace

Ints to_device(std::vector<std::int32_t> const& from, char const* label) {
  Ints to(Kokkos::ViewAllocateWithoutInitializing(label), from.size());
  auto host = Kokkos::create_mirror_view(to);
  if (!from.empty()) std::memcpy(host.data(), from.data(), from.size() * sizeof(std::int32_t));
  Kokkos::deep_copy(to, host);
  return to;
}

struct Topology::Cache {
  struct Key {
    bool symmetric;
    Orient orient;
    int ranges;
    auto operator<=>(Key const&) const = default;
  };
  std::map<Key, std::vector<Routing>> routings;
  std::map<Key, GatherLists> gather_lists;
};

Topology::Topology(Part const& part, int components)
    : _element(part.space.element), _geometry(part.mesh.geometry), _owned(part.space.owned),
      _local_nodes(static_cast<std::int32_t>(part.space.local_nodes())), _node_row(part.space.row),
      _node_id(part.space.id), _cache(std::make_shared<Cache>()) {
  Space const& space = part.space;
  if (components < 1 || components > 3)
    throw Error("topology: " + std::to_string(components) +
                " components (1 to 3 are possible) split the unknown");
  if (space.owned < 1 || space.cells() == 0)
    throw Error("topology: this rank owns no node (the mesh has " +
                std::to_string(space.global_nodes) + ") use fewer ranks or a finer mesh");
  MOHO_REQUIRE(space.cells() == part.mesh.cell_count());
  auto const k = static_cast<std::int64_t>(_element.nodes());
  auto const cells = static_cast<std::int64_t>(space.cells());
  require_32_bits((cells + simd_lanes) * k, "nodes of cells");
  _cells = static_cast<std::int32_t>(cells);

  fill_incidence(space, _graph);
  fill_columns(space, _graph);
  require_32_bits(static_cast<std::int64_t>(_graph.column.size()) * components * components,
                  "non-zeros");
  _pattern = scalar_pattern(_graph, space, components);

  _device_graph = {to_device(_graph.ptr, "moho::fem::graph_ptr"),
                   to_device(_graph.split, "moho::fem::graph_split"),
                   to_device(_graph.diagonal, "moho::fem::graph_diagonal"),
                   to_device(_graph.off, "moho::fem::graph_off"), _graph.diagonal.back()};

  int const dim = _geometry.dim();
  _cell_points =
      padded_cells(part.mesh.cells, space.cells(), _geometry.nodes(), "moho::fem::cell_points");
  _cell_nodes =
      padded_cells(space.cell_nodes, space.cells(), _element.nodes(), "moho::fem::cell_nodes");
  _points = strided_points(part.mesh.points, dim, dim);
  _padded_points = dim == 2 ? _points : strided_points(part.mesh.points, dim, 4);
}

std::int64_t Topology::find(std::int32_t row, std::int32_t local_column) const {
  auto const in = [](auto const& columns, auto begin, auto end, auto wanted) -> std::int64_t {
    auto const first = columns.begin() + begin, last = columns.begin() + end;
    auto const at = std::lower_bound(first, last, wanted);
    return at == last || *at != wanted ? -1 : at - columns.begin();
  };
  if (row < 0 || static_cast<std::size_t>(row) >= _pattern.rows() || local_column < 0) return -1;
  std::size_t const r = static_cast<std::size_t>(row);
  int const B = _pattern.components;
  if (local_column < _owned * B)
    return in(_pattern.diagonal_column, _pattern.diagonal_ptr[r], _pattern.diagonal_ptr[r + 1],
              local_column);
  std::size_t const node = static_cast<std::size_t>(local_column / B);
  if (node >= _node_row.size()) return -1;
  std::int64_t const global = _node_row[node] * B + local_column % B;
  std::int64_t const at =
      in(_pattern.off_column, _pattern.off_ptr[r], _pattern.off_ptr[r + 1], global);
  return at < 0 ? at : at + static_cast<std::int64_t>(_pattern.diagonal_nonzeros());
}

std::vector<Routing> const& Topology::routings(bool symmetric, Orient orient, int ranges) const {
  Cache::Key const key{symmetric, orient, ranges};
  auto at = _cache->routings.find(key);
  if (at == _cache->routings.end()) {
    auto const bounds = balanced_ranges(_graph, _owned, ranges);
    std::vector<Routing> made;
    for (std::size_t r = 0; r + 1 < bounds.size(); ++r)
      made.push_back(make_routing(*this, symmetric, orient, bounds[r], bounds[r + 1]));
    at = _cache->routings.emplace(key, std::move(made)).first;
  }
  return at->second;
}

GatherLists const& Topology::gather_lists(bool symmetric, Orient orient, int rows) const {
  Cache::Key const key{symmetric, orient, rows};
  auto at = _cache->gather_lists.find(key);
  if (at == _cache->gather_lists.end())
    at = _cache->gather_lists.emplace(key, make_gather_lists(*this, symmetric, orient, rows)).first;
  return at->second;
}

} // namespace moho::fem
