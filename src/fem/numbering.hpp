// SPDX-License-Identifier: BSD-3-Clause
// Numbers of vertices, edges and faces by sorting; shared by mesh and space. Host, internal.
#pragma once
#include "moho/core/error.hpp"
#include "moho/fem/mesh.hpp"
#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace moho::fem {

/// Vertices (0 .. vertex_count - 1) of the vertex, edge, face or cell that carries each node.
std::vector<std::vector<int>> node_vertices(Element element);

/// Local node of each vertex of the cell.
std::vector<int> vertex_nodes(Element element);

/// Vertices of a mesh, numbered by ascending point_id (points of degree 2 between them left out).
struct Vertices {
  std::vector<std::int32_t> cells; ///< (cells, vertices of a cell)
  std::vector<std::int32_t> point; ///< (vertices) local point
};
Vertices number_vertices(Mesh const& mesh);

/// Sets of vertices, numbered in the lexicographic order of their sorted members.
struct EntityNumbers {
  std::vector<std::int32_t> of; ///< (cells, sets of a cell)
  std::int32_t count = 0;
};

/// Numbers the sets of M vertices that the cells hold: `cells` (cells, width), `local` the places
/// of the members. Sorted by buckets of the lowest vertex, so linear in practice.
template <std::size_t M>
EntityNumbers number_entities(std::vector<std::int32_t> const& cells, std::size_t width,
                              std::vector<std::array<int, M>> const& local,
                              std::size_t vertex_count) {
  struct Entry {
    std::array<std::int32_t, M - 1> rest;
    std::int32_t place;
  };
  std::size_t const count = cells.size() / width, per_cell = local.size();
  if (count * per_cell > std::numeric_limits<std::int32_t>::max())
    throw Error("mesh of " + std::to_string(count) + " cells is too large for one rank " +
                "(edges and faces are numbered in 32 bits) use more ranks or a structured mesh");
  auto members = [&](std::size_t cell, std::size_t set) {
    std::array<std::int32_t, M> v;
    for (std::size_t m = 0; m < M; ++m)
      v[m] = cells[cell * width + static_cast<std::size_t>(local[set][m])];
    if constexpr (M == 2)
      v = {std::min(v[0], v[1]), std::max(v[0], v[1])};
    else
      for (std::size_t m = 1; m < M; ++m)
        for (std::size_t i = m; i > 0 && v[i] < v[i - 1]; --i) std::swap(v[i], v[i - 1]);
    return v;
  };
  std::vector<std::int32_t> start(vertex_count + 1, 0);
  for (std::size_t c = 0; c < count; ++c)
    for (std::size_t s = 0; s < per_cell; ++s)
      ++start[static_cast<std::size_t>(members(c, s)[0]) + 1];
  for (std::size_t v = 0; v < vertex_count; ++v) start[v + 1] += start[v];
  std::vector<Entry> entries(count * per_cell);
  std::vector<std::int32_t> next(start.begin(), start.end() - 1);
  for (std::size_t c = 0; c < count; ++c)
    for (std::size_t s = 0; s < per_cell; ++s) {
      auto const v = members(c, s);
      Entry& entry = entries[static_cast<std::size_t>(next[static_cast<std::size_t>(v[0])]++)];
      for (std::size_t m = 1; m < M; ++m) entry.rest[m - 1] = v[m];
      entry.place = static_cast<std::int32_t>(c * per_cell + s);
    }
  EntityNumbers numbers{std::vector<std::int32_t>(count * per_cell), 0};
  for (std::size_t v = 0; v < vertex_count; ++v) {
    auto const first = entries.begin() + start[v], last = entries.begin() + start[v + 1];
    auto const before = [](Entry const& a, Entry const& b) {
      for (std::size_t m = 0; m + 2 < M; ++m)
        if (a.rest[m] != b.rest[m]) return a.rest[m] < b.rest[m];
      return a.rest[M - 2] < b.rest[M - 2];
    };
    std::sort(first, last, before);
    for (auto e = first; e != last; ++e) {
      if (e == first || before(*(e - 1), *e)) ++numbers.count;
      numbers.of[static_cast<std::size_t>(e->place)] = numbers.count - 1;
    }
  }
  return numbers;
}

/// Orders of nodes or points: `order[k]` is the item that comes k-th.
std::vector<std::int32_t> hilbert_order(std::vector<double> const& points, int dim);
std::vector<std::int32_t> lexicographic_order(std::vector<double> const& points, int dim);
/// Of the graph that joins all nodes of a cell; `cells` (cells, width).
std::vector<std::int32_t> rcm_order(std::vector<std::int32_t> const& cells, std::size_t width,
                                    std::size_t nodes);
/// rank[order[k]] = k.
std::vector<std::int64_t> ranks(std::vector<std::int32_t> const& order);

/// Where the nodes of a space are, by the first of their cells: `points` (nodes, dim) for
/// cell_nodes (cells, k).
std::vector<double> node_points(Mesh const& mesh, Element element,
                                std::vector<std::int32_t> const& cell_nodes, std::size_t nodes);

} // namespace moho::fem
