// SPDX-License-Identifier: BSD-3-Clause
// The root cuts a mesh and its space into parts, and sends each rank its own.
#include "moho/study/fem_mesh.hpp"
#include "moho/study/names.hpp"
#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <span>
#include <type_traits>
#include <utility>

namespace moho::study {
namespace {

constexpr std::array partitions{Partition::automatic, Partition::blocks, Partition::graph};
// Blocks are taken where the cells that ranks hold in all exceed the mesh's by at most this factor.
constexpr double most_redundant = 1.25;

// ---- parts as bytes
// ------------------------------------------------------------------------------

template <class T>
void put(std::string& out, std::vector<T> const& values) {
  static_assert(std::is_trivially_copyable_v<T>);
  const std::uint64_t count = values.size();
  out.append(reinterpret_cast<char const*>(&count), sizeof count);
  out.append(reinterpret_cast<char const*>(values.data()), count * sizeof(T));
}

template <class T>
std::vector<T> take(std::string const& bytes, std::size_t& at) {
  std::uint64_t count = 0;
  MOHO_REQUIRE(bytes.size() - at >= sizeof count);
  std::memcpy(&count, bytes.data() + at, sizeof count);
  at += sizeof count;
  MOHO_REQUIRE((bytes.size() - at) / sizeof(T) >= count);
  std::vector<T> values(count);
  if (count) std::memcpy(values.data(), bytes.data() + at, count * sizeof(T));
  at += count * sizeof(T);
  return values;
}

std::string pack(fem::Part const& part) {
  auto const& [mesh, space] = part;
  std::string out;
  put<std::int64_t>(out, {static_cast<std::int64_t>(mesh.geometry.cell), mesh.geometry.degree,
                          space.element.degree, space.owned, space.first_row, space.global_nodes});
  put(out, mesh.points);
  put(out, mesh.cells);
  put(out, mesh.cell_id);
  put(out, mesh.point_id);
  put(out, mesh.boundary.cell);
  put(out, mesh.boundary.local);
  put(out, mesh.boundary.tag);
  put(out, space.cell_nodes);
  put(out, space.row);
  put(out, space.id);
  put(out, space.points);
  return out;
}

fem::Part unpack(std::string const& bytes) {
  std::size_t at = 0;
  fem::Part part;
  auto& [mesh, space] = part;
  auto const head = take<std::int64_t>(bytes, at);
  MOHO_REQUIRE(head.size() == 6);
  auto const cell = static_cast<fem::Cell>(head[0]);
  mesh.geometry = {cell, static_cast<int>(head[1])};
  space.element = {cell, static_cast<int>(head[2])};
  space.owned = static_cast<std::int32_t>(head[3]);
  space.first_row = head[4];
  space.global_nodes = head[5];
  mesh.points = take<double>(bytes, at);
  mesh.cells = take<std::int32_t>(bytes, at);
  mesh.cell_id = take<std::int64_t>(bytes, at);
  mesh.point_id = take<std::int64_t>(bytes, at);
  mesh.boundary.cell = take<std::int32_t>(bytes, at);
  mesh.boundary.local = take<std::int8_t>(bytes, at);
  mesh.boundary.tag = take<std::int32_t>(bytes, at);
  space.cell_nodes = take<std::int32_t>(bytes, at);
  space.row = take<std::int64_t>(bytes, at);
  space.id = take<std::int64_t>(bytes, at);
  space.points = take<double>(bytes, at);
  MOHO_REQUIRE(at == bytes.size());
  return part;
}

// ---- who owns what
// -------------------------------------------------------------------------------

NodeBlock block_of(std::int64_t nodes, int rank, int ranks) {
  return {nodes * rank / ranks, nodes * (rank + 1) / ranks};
}

void require_enough(std::int64_t nodes, int ranks, std::string const& what) {
  if (nodes < ranks)
    throw Error(what + " has " + std::to_string(nodes) + " nodes (each of " +
                std::to_string(ranks) + " ranks must own one) use fewer ranks or a finer mesh");
}

// Cells that ranks hold in all, over the cells of the mesh, when nodes go by blocks.
double redundancy(fem::Space const& space, int ranks) {
  auto const nodes = static_cast<std::size_t>(space.element.nodes());
  std::vector<std::int64_t> first;
  for (int r = 1; r <= ranks; ++r) first.push_back(block_of(space.global_nodes, r, ranks).first);
  std::vector<int> seen(nodes);
  std::size_t held = 0;
  for (std::size_t c = 0; c < space.cells(); ++c) {
    for (std::size_t a = 0; a < nodes; ++a) {
      const std::int64_t row = space.row[static_cast<std::size_t>(space.cell_nodes[c * nodes + a])];
      seen[a] = static_cast<int>(std::upper_bound(first.begin(), first.end(), row) - first.begin());
    }
    std::sort(seen.begin(), seen.end());
    held += static_cast<std::size_t>(std::unique(seen.begin(), seen.end()) - seen.begin());
  }
  return static_cast<double>(held) / static_cast<double>(space.cells());
}

// The rank of each cell by PTScotch; on the root.
std::vector<std::int32_t> cell_ranks(parallel::Comm const& comm, fem::Mesh const& mesh) {
  parallel::PlexMesh plex;
  if (comm.root()) plex = plex_from_mesh(mesh);
  const parallel::Distribution mine = parallel::distribute(comm, plex);
  const std::vector<std::int64_t> cells = comm.gather(std::span(mine.owned_cells));
  const std::vector<std::int64_t> counts =
      comm.all_gather(static_cast<std::int64_t>(mine.owned_cells.size()));
  std::vector<std::int32_t> rank(mesh.cell_count(), -1);
  std::size_t at = 0;
  for (std::size_t r = 0; comm.root() && r < counts.size(); ++r)
    for (std::int64_t i = 0; i < counts[r]; ++i)
      rank[static_cast<std::size_t>(cells[at++])] = static_cast<std::int32_t>(r);
  return rank;
}

// The rank of each node: that of its cell of the lowest id.
std::vector<std::int32_t> node_ranks(fem::Space const& space,
                                     std::span<const std::int32_t> cell_rank) {
  auto const nodes = static_cast<std::size_t>(space.element.nodes());
  std::vector<std::int32_t> owner(space.local_nodes(), -1);
  for (std::size_t i = 0; i < space.cell_nodes.size(); ++i) {
    std::int32_t& of = owner[static_cast<std::size_t>(space.cell_nodes[i])];
    if (of < 0) of = cell_rank[i / nodes];
  }
  return owner;
}

// The first row of each rank and, last, the number of rows.
std::vector<std::int64_t> first_rows(std::span<const std::int32_t> owner, int ranks) {
  std::vector<std::int64_t> first(static_cast<std::size_t>(ranks) + 1, 0);
  for (const std::int32_t of : owner) {
    MOHO_REQUIRE(of >= 0 && of < ranks);
    ++first[static_cast<std::size_t>(of) + 1];
  }
  std::partial_sum(first.begin(), first.end(), first.begin());
  return first;
}

std::vector<std::int64_t> first_rows_of_blocks(std::int64_t nodes, int ranks) {
  std::vector<std::int64_t> first;
  for (int r = 0; r <= ranks; ++r) first.push_back(block_of(nodes, r, ranks).first);
  return first;
}

// -1, or a rank without rows.
int idle_rank(std::span<const std::int64_t> first) {
  auto const same = std::adjacent_find(first.begin(), first.end());
  return same == first.end() ? -1 : static_cast<int>(same - first.begin());
}

// Rows of a whole space ordered by rank, ids kept and ascending within each.
void order_by_rank(fem::Space& space, std::span<const std::int32_t> owner,
                   std::span<const std::int64_t> first) {
  std::vector<std::int64_t> next(first.begin(), first.end() - 1), row(owner.size());
  for (std::size_t n = 0; n < owner.size(); ++n)
    row[n] = next[static_cast<std::size_t>(owner[n])]++;
  renumber(space, row);
}

} // namespace

Partition partition_from_name(std::string_view word) {
  std::vector<std::string> known;
  for (const Partition partition : partitions) {
    if (word == name(partition)) return partition;
    known.emplace_back(name(partition));
  }
  throw Error("partition '" + std::string(word) + "' is not known (there are three) " +
              suggestion(word, known));
}

char const* name(Partition partition) {
  switch (partition) {
  case Partition::automatic:
    return "automatic";
  case Partition::blocks:
    return "blocks";
  case Partition::graph:
    return "graph";
  }
  return "";
}

NodeBlock node_block(parallel::Comm const& comm, std::int64_t nodes) {
  require_enough(nodes, comm.size(), "the mesh");
  return block_of(nodes, comm.rank(), comm.size());
}

fem::Part distribute(parallel::Comm const& comm, fem::Mesh mesh, fem::Space space,
                     Partition partition, std::string const& what) {
  int const ranks = comm.size();
  if (ranks == 1) return {std::move(mesh), std::move(space)};
  bool by_graph = partition == Partition::graph;
  parallel::run_collectively(comm, [&] {
    if (!comm.root()) return;
    require_enough(space.global_nodes, ranks, what);
    if (partition == Partition::automatic) by_graph = redundancy(space, ranks) > most_redundant;
  });
  by_graph = comm.max(std::int64_t{comm.root() && by_graph}) != 0;

  std::vector<std::int32_t> cell_rank;
  if (by_graph) cell_rank = cell_ranks(comm, mesh);
  std::vector<std::int64_t> first;
  parallel::run_collectively(comm, [&] {
    if (comm.root()) first = first_rows_of_blocks(space.global_nodes, ranks);
    if (comm.root() && by_graph) {
      const std::vector<std::int32_t> owner = node_ranks(space, cell_rank);
      const std::vector<std::int64_t> of_graph = first_rows(owner, ranks);
      const int idle = idle_rank(of_graph);
      if (idle < 0) {
        first = of_graph;
        order_by_rank(space, owner, first);
      }
      // Blocks are never empty here.
      else if (partition == Partition::graph)
        throw Error(what + " is too small for " + std::to_string(ranks) + " ranks (rank " +
                    std::to_string(idle) +
                    " owns no node) use fewer ranks, blocks or a finer mesh");
    }
  });
  fem::Part part;
  parallel::run_collectively(comm, [&] {
    part = unpack(comm.scatter([&](int to) {
      auto const r = static_cast<std::size_t>(to);
      return pack(fem::take_part(mesh, space, first[r], first[r + 1]));
    }));
  });
  return part;
}

} // namespace moho::study
