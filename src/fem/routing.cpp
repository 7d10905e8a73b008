// SPDX-License-Identifier: BSD-3-Clause
#include "routing.hpp"
#include "moho/core/error.hpp"
#include <algorithm>
#include <limits>
#include <numeric>
#include <string>

namespace moho::fem {
namespace {

std::size_t index(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

/// Rounds cells up to whole packs.
std::int32_t to_packs(std::size_t cells) {
  return static_cast<std::int32_t>((cells + simd_lanes - 1) / simd_lanes * simd_lanes);
}

/// Host copies of a part's cells, with the nodes of each cell in their own or in ascending order of
/// id (points go with them).
class Cells {
public:
  Cells(Topology const& topology, Orient orient)
      : k(topology.element().nodes()), geometry(topology.geometry().nodes()),
        nodes(copy(topology.cell_nodes())), points(copy(topology.cell_points())) {
    bool const sorted = orient == Orient::sorted;
    MOHO_REQUIRE(!sorted || k == geometry);
    auto const& id = topology.node_id();
    std::vector<int> order(index(k));
    std::vector<std::int32_t> n(index(k)), p(index(k));
    for (std::size_t c = 0; sorted && c < nodes.size(); c += index(k)) {
      std::iota(order.begin(), order.end(), 0);
      std::sort(order.begin(), order.end(), [&](int a, int b) {
        return id[index(nodes[c + index(a)])] < id[index(nodes[c + index(b)])];
      });
      for (int a = 0; a < k; ++a) {
        n[index(a)] = nodes[c + index(order[index(a)])];
        p[index(a)] = points[c + index(order[index(a)])];
      }
      std::copy(n.begin(), n.end(), nodes.begin() + static_cast<long>(c));
      std::copy(p.begin(), p.end(), points.begin() + static_cast<long>(c));
    }
  }

  /// Nodes or points of those cells, padded by copies of the last one.
  static Ints take(std::vector<std::int32_t> const& from, int width,
                   std::vector<std::int32_t> const& cells, char const* label) {
    std::vector<std::int32_t> to;
    to.reserve(cells.size() * index(width));
    for (std::int32_t const c : cells)
      for (int a = 0; a < width; ++a) to.push_back(from[index(c) * index(width) + index(a)]);
    return to_device(to, label);
  }

  int k, geometry;
  std::vector<std::int32_t> nodes, points; ///< padded

private:
  static std::vector<std::int32_t> copy(ConstInts const& from) {
    std::vector<std::int32_t> to(from.extent(0));
    Kokkos::View<std::int32_t*, Kokkos::HostSpace, Kokkos::MemoryUnmanaged> const host(to.data(),
                                                                                       to.size());
    Kokkos::deep_copy(host, from);
    return to;
  }
};

/// Number of the pair (a, b) of a form.
int pair_number(int k, bool symmetric, int a, int b) {
  return symmetric ? a * k - a * (a + 1) / 2 + b : a * k + b;
}

/// Cells that touch rows [first, last), ascending, padded to packs by copies of the last one.
std::vector<std::int32_t> touching(NodeGraph const& graph, int k, std::int32_t first,
                                   std::int32_t last, std::size_t& count) {
  std::vector<std::int32_t> cells;
  for (std::int32_t j = graph.incident_ptr[index(first)]; j < graph.incident_ptr[index(last)]; ++j)
    cells.push_back(graph.incident[index(j)] / k);
  std::sort(cells.begin(), cells.end());
  cells.erase(std::unique(cells.begin(), cells.end()), cells.end());
  count = cells.size();
  cells.resize(index(to_packs(count)), cells.back());
  return cells;
}

/// Builds a Routing, row by row.
class RoutingBuilder {
public:
  RoutingBuilder(Topology const& topology, bool symmetric, Orient orient, std::int32_t first,
                 std::int32_t last)
      : _topology(topology), _graph(topology.graph()), _symmetric(symmetric), _orient(orient),
        _cells(topology, orient) {
    _to.first = first;
    _to.last = last;
    _to.pairs = pair_count(_cells.k, symmetric);
    take_cells();
    _entry_slot.resize(_graph.column.size() == 0
                           ? 0
                           : index(_graph.ptr[index(last)]) - index(_graph.ptr[index(first)]));
    _position.assign(index(_to.padded) * index(_to.pairs), -1);
    number_slots();
    fill_bins();
    make_schedule();
  }

  Routing finish() {
    expand_lists();
    compress();
    _to.position = to_device(_position, "moho::fem::position");
    if (_to.offset.extent(0) > 0) _to.position = Ints();
    return std::move(_to);
  }

private:
  bool whole() const { return _to.first == 0 && _to.last == _topology.owned_nodes(); }
  bool in_range(std::int32_t node) const { return node >= _to.first && node < _to.last; }
  std::int32_t row(std::int32_t i) const { return _graph.ptr[index(i)]; }
  /// Which cell of the range a local cell is.
  std::int32_t rank(std::int32_t cell) const {
    if (whole()) return cell;
    auto const end = _list.begin() + _to.cells;
    return static_cast<std::int32_t>(std::lower_bound(_list.begin(), end, cell) - _list.begin());
  }

  void take_cells() {
    std::size_t count = 0;
    if (whole()) { // all cells that a part holds touch a node it owns
      count = index(_topology.cells());
      _list.resize(index(to_packs(count)), static_cast<std::int32_t>(count) - 1);
      std::iota(_list.begin(), _list.begin() + static_cast<long>(count), 0);
    } else {
      _list = touching(_graph, _cells.k, _to.first, _to.last, count);
      _to.cell = to_device(_list, "moho::fem::range_cells");
    }
    _to.cells = static_cast<std::int32_t>(count);
    _to.padded = static_cast<std::int32_t>(_list.size());
    _to.cell_nodes = Cells::take(_cells.nodes, _cells.k, _list, "moho::fem::range_nodes");
    _to.cell_points = Cells::take(_cells.points, _cells.geometry, _list, "moho::fem::range_points");
  }

  /// The slot of an entry stands at its row if that is in the range; of two rows in the range, at
  /// the lower one. Entries above the diagonal are met in their row, those below refer to them.
  void number_slots() {
    std::vector<std::int32_t> slot_of(index(_topology.local_nodes()), -1);
    std::vector<std::int32_t> next(_graph.ptr.begin() + _to.first, _graph.ptr.begin() + _to.last);
    for (std::int32_t i = _to.first; i < _to.last; ++i) {
      for (std::int32_t e = row(i); e < row(i + 1); ++e) {
        std::int32_t const j = _graph.column[index(e)];
        if (_symmetric && j < i && in_range(j)) continue;
        std::int32_t const slot = new_slot();
        slot_of[index(j)] = slot;
        _entry_slot[index(e - row(_to.first))] = slot;
        // Rows below ask for (j, i) in ascending i, which is ascending column in row j.
        if (_symmetric && j > i && in_range(j)) {
          std::int32_t& at = next[index(j - _to.first)];
          while (_graph.column[index(at)] != i) ++at;
          _entry_slot[index(at - row(_to.first))] = slot;
        }
      }
      route_row(i, slot_of);
    }
  }

  std::int32_t new_slot() {
    if ((_slots & bin_mask) == bin_mask) ++_slots;
    if (_slots >= slot_mask - 2 * bin_mask)
      throw Error("topology: more than 2^31 sums on one rank (positions are 32 bits wide) use more "
                  "ranks");
    return _slots++;
  }

  void route_row(std::int32_t i, std::vector<std::int32_t> const& slot_of) {
    int const k = _cells.k;
    auto const& id = _topology.node_id();
    std::int32_t const* at = _graph.incident.data() + _graph.incident_ptr[index(i)];
    std::int32_t const* end = _graph.incident.data() + _graph.incident_ptr[index(i + 1)];
    for (; at != end; ++at) {
      std::int32_t const cell = *at / k;
      std::int32_t const* nodes = _cells.nodes.data() + index(cell) * index(k);
      std::int32_t* to = _position.data() + index(rank(cell)) * index(_to.pairs);
      int const a = static_cast<int>(std::find(nodes, nodes + k, i) - nodes);
      for (int b = 0; b < k; ++b) {
        std::int32_t const j = nodes[b];
        if (!_symmetric) {
          to[pair_number(k, false, a, b)] = slot_of[index(j)];
          continue;
        }
        if (j < i && in_range(j)) continue;
        int const low = std::min(a, b), high = std::max(a, b);
        bool const flag =
            _orient == Orient::flagged && id[index(nodes[low])] > id[index(nodes[high])];
        _to.flagged = _to.flagged || flag;
        to[pair_number(k, true, low, high)] = slot_of[index(j)] | (flag ? transposed : 0);
      }
    }
  }

  /// What goes to no row of the range, padded cells included, goes to the bin that follows the
  /// lowest slot of its pack.
  void fill_bins() {
    std::size_t const pack = index(simd_lanes) * index(_to.pairs);
    std::size_t const last = index(_to.cells) * index(_to.pairs);
    std::fill(_position.begin() + static_cast<long>(last), _position.end(), -1);
    for (std::size_t p = 0; p < _position.size(); p += pack) {
      std::int32_t lowest = slot_mask;
      for (std::size_t i = p; i < p + pack; ++i)
        if (_position[i] != -1) lowest = std::min(lowest, _position[i] & slot_mask);
      for (std::size_t i = p; i < p + pack; ++i)
        if (_position[i] == -1) _position[i] = lowest | bin_mask;
    }
    _to.slots = (_slots | bin_mask) + 1;
  }

  void make_schedule() {
    int const k = _cells.k;
    std::int32_t const chunks = (_to.padded + chunk_cells - 1) / chunk_cells;
    std::int32_t zero = 0, done = _to.first;
    for (std::int32_t c = 0; c < chunks; ++c) {
      std::size_t const begin = index(c) * chunk_cells * index(_to.pairs);
      std::size_t const end =
          std::min(begin + index(chunk_cells) * index(_to.pairs), _position.size());
      for (std::size_t i = begin; i < end; ++i)
        if ((_position[i] & bin_mask) != bin_mask)
          zero = std::max(zero, (_position[i] & slot_mask) + 1);
      while (done < _to.last) {
        std::int32_t const cell =
            _graph.incident[index(_graph.incident_ptr[index(done + 1)] - 1)] / k;
        if (rank(cell) / chunk_cells > c) break;
        ++done;
      }
      _to.zero.push_back(zero);
      _to.done.push_back(done);
    }
  }

  void expand_lists() {
    auto const& id = _topology.node_id();
    std::vector<std::int32_t> diagonal, off;
    for (std::int32_t i = _to.first; i < _to.last; ++i)
      for (std::int32_t e = row(i); e < row(i + 1); ++e) {
        bool const flag = _symmetric && _orient != Orient::plain &&
                          id[index(i)] > id[index(_graph.column[index(e)])];
        (e < _graph.split[index(i)] ? diagonal : off)
            .push_back(_entry_slot[index(e - row(_to.first))] | (flag ? transposed : 0));
      }
    _to.diagonal_first = _graph.diagonal[index(_to.first)];
    _to.off_first = _graph.off[index(_to.first)];
    diagonal.resize(diagonal.size() + simd_lanes, 0); // vector loads may read on
    off.resize(off.size() + simd_lanes, 0);
    _to.diagonal_slot = to_device(diagonal, "moho::fem::diagonal_slot");
    _to.off_slot = to_device(off, "moho::fem::off_slot");
  }

  /// Half the bytes of the longest table.
  void compress() {
    if (_to.flagged) return;
    std::size_t const pack = index(simd_lanes) * index(_to.pairs);
    std::vector<std::int32_t> base;
    for (std::size_t p = 0; p < _position.size(); p += pack) {
      auto const begin = _position.begin() + static_cast<long>(p);
      auto const [low, high] = std::minmax_element(begin, begin + static_cast<long>(pack));
      if (*high - *low > std::numeric_limits<std::uint16_t>::max()) return;
      base.push_back(*low);
    }
    _to.base = to_device(base, "moho::fem::base");
    _to.offset =
        Offsets(Kokkos::ViewAllocateWithoutInitializing("moho::fem::offset"), _position.size());
    auto host = Kokkos::create_mirror_view(_to.offset);
    for (std::size_t i = 0; i < _position.size(); ++i)
      host(i) = static_cast<std::uint16_t>(_position[i] - base[i / pack]);
    Kokkos::deep_copy(_to.offset, host);
  }

  Topology const& _topology;
  NodeGraph const& _graph;
  bool _symmetric;
  Orient _orient;
  Cells _cells;
  Routing _to;
  std::int32_t _slots = 0;
  std::vector<std::int32_t> _list; ///< cells of the range, padded
  std::vector<std::int32_t> _position, _entry_slot;
};

/// Builds GatherLists, tile by tile.
class ListBuilder {
public:
  ListBuilder(Topology const& topology, bool symmetric, Orient orient, std::int32_t rows)
      : _topology(topology), _graph(topology.graph()), _symmetric(symmetric),
        _cells(topology, orient), _rank(index(topology.cells()), -1) {
    _to.pairs = pair_count(_cells.k, symmetric);
    _ptr.reserve(_graph.column.size() + 1);
    _ptr.push_back(0);
    std::int32_t const owned = topology.owned_nodes(), step = rows > 0 ? rows : owned;
    for (std::int32_t first = 0; first < owned; first += step)
      add_tile(first, std::min(owned, first + step));
  }

  GatherLists finish() {
    _to.tiles = static_cast<std::int32_t>(_to.row_host.size());
    _to.row_host.push_back(_topology.owned_nodes());
    _to.row = to_device(_to.row_host, "moho::fem::tile_rows");
    _cell_ptr.push_back(static_cast<std::int32_t>(_list.size()));
    _to.cell_ptr = to_device(_cell_ptr, "moho::fem::tile_cell_ptr");
    _to.cell = to_device(_list, "moho::fem::tile_cells");
    _to.cell_nodes = Cells::take(_cells.nodes, _cells.k, _list, "moho::fem::tile_nodes");
    _to.cell_points = Cells::take(_cells.points, _cells.geometry, _list, "moho::fem::tile_points");
    _to.ptr = to_device(_ptr, "moho::fem::gather_ptr");
    _to.item = to_device(_item, "moho::fem::gather_item");
    std::vector<std::int32_t> row_of;
    row_of.reserve(_graph.column.size());
    for (std::int32_t i = 0; i < _topology.owned_nodes(); ++i)
      row_of.insert(row_of.end(), index(_graph.ptr[index(i + 1)] - _graph.ptr[index(i)]), i);
    _to.entry_row = to_device(row_of, "moho::fem::entry_row");
    _to.value = to_device(values(), "moho::fem::entry_value");
    return std::move(_to);
  }

private:
  /// Where each entry's block starts in the values: the diagonal block's rows, then the others.
  std::vector<std::int32_t> values() const {
    std::int32_t const B = _topology.components();
    std::vector<std::int32_t> at(_graph.column.size());
    for (std::size_t i = 0; i + 1 < _graph.ptr.size(); ++i)
      for (std::int32_t e = _graph.ptr[i]; e < _graph.ptr[i + 1]; ++e) {
        bool const diagonal = e < _graph.split[i];
        std::int32_t const first =
            diagonal ? _graph.diagonal[i] : _graph.diagonal.back() + _graph.off[i];
        at[index(e)] = B * B * first + B * (e - (diagonal ? _graph.ptr[i] : _graph.split[i]));
      }
    return at;
  }

  void add_tile(std::int32_t first, std::int32_t last) {
    std::size_t count = 0;
    auto const cells = touching(_graph, _cells.k, first, last, count);
    _to.row_host.push_back(first);
    _cell_ptr.push_back(static_cast<std::int32_t>(_list.size()));
    _list.insert(_list.end(), cells.begin(), cells.end());
    if (static_cast<std::int64_t>(std::max(
            _list.size(), block_room(static_cast<std::int32_t>(cells.size()), _to.pairs, 1))) >
        slot_mask)
      throw Error("topology: more than 2^31 local entries on one rank (positions are 32 bits wide) "
                  "use more ranks");
    for (std::size_t c = 0; c < count; ++c) _rank[index(cells[c])] = static_cast<std::int32_t>(c);
    _to.most_cells = std::max(_to.most_cells, static_cast<std::int32_t>(cells.size()));
    _to.most_entries =
        std::max(_to.most_entries, _graph.ptr[index(last)] - _graph.ptr[index(first)]);
    for (std::int32_t i = first; i < last; ++i) add_row(i);
  }

  /// Counting sort of the row's contributions by column; cells stay in their order.
  void add_row(std::int32_t i) {
    int const k = _cells.k;
    std::int32_t const begin = _graph.ptr[index(i)], end = _graph.ptr[index(i + 1)];
    auto const column = [&](std::int32_t j) {
      return index(std::lower_bound(_graph.column.begin() + begin, _graph.column.begin() + end, j) -
                   (_graph.column.begin() + begin));
    };
    std::size_t const columns = index(end - begin);
    if (_sorted.size() < columns) _sorted.resize(columns);
    for (auto& items : _sorted) items.clear();
    for (std::int32_t at = _graph.incident_ptr[index(i)]; at < _graph.incident_ptr[index(i + 1)];
         ++at) {
      std::int32_t const cell = _graph.incident[index(at)] / k;
      std::int32_t const* nodes = _cells.nodes.data() + index(cell) * index(k);
      int const a = static_cast<int>(std::find(nodes, nodes + k, i) - nodes);
      for (int b = 0; b < k; ++b) {
        bool const flag = _symmetric && a > b;
        int const pair = flag ? pair_number(k, true, b, a) : pair_number(k, _symmetric, a, b);
        _sorted[column(nodes[b])].push_back(block_number(_rank[index(cell)], pair, _to.pairs) |
                                            (flag ? transposed : 0));
      }
    }
    for (std::size_t c = 0; c < columns; ++c) {
      _item.insert(_item.end(), _sorted[c].begin(), _sorted[c].end());
      _ptr.push_back(static_cast<std::int32_t>(_item.size()));
    }
  }

  Topology const& _topology;
  NodeGraph const& _graph;
  bool _symmetric;
  Cells _cells;
  GatherLists _to;
  std::vector<std::int32_t> _rank; ///< of a cell in its tile
  std::vector<std::int32_t> _list, _cell_ptr, _ptr, _item;
  std::vector<std::vector<std::int32_t>> _sorted;
};

} // namespace

GatherLists make_gather_lists(Topology const& topology, bool symmetric, Orient orient,
                              std::int32_t rows) {
  return ListBuilder(topology, symmetric, orient, rows).finish();
}

std::int32_t most_tile_cells(Topology const& topology, std::int32_t rows) {
  NodeGraph const& graph = topology.graph();
  int const k = topology.element().nodes();
  std::int32_t const owned = topology.owned_nodes();
  std::size_t most = 0;
  for (std::int32_t first = 0; first < owned; first += rows) {
    std::size_t count = 0;
    most = std::max(most, touching(graph, k, first, std::min(owned, first + rows), count).size());
  }
  return static_cast<std::int32_t>(most);
}

Routing make_routing(Topology const& topology, bool symmetric, Orient orient, std::int32_t first,
                     std::int32_t last) {
  return RoutingBuilder(topology, symmetric, orient, first, last).finish();
}

std::vector<std::int32_t> balanced_ranges(NodeGraph const& graph, std::int32_t owned, int ranges) {
  int const n = std::max(1, std::min<int>(ranges, owned));
  std::vector<std::int32_t> bounds{0};
  std::int64_t const total = graph.ptr[index(owned)];
  for (int r = 1; r < n; ++r) {
    auto const at = std::lower_bound(graph.ptr.begin(), graph.ptr.end(), total * r / n);
    auto const row = static_cast<std::int32_t>(at - graph.ptr.begin());
    bounds.push_back(std::min(std::max(row, bounds.back() + 1), owned - (n - r)));
  }
  bounds.push_back(owned);
  return bounds;
}

} // namespace moho::fem
