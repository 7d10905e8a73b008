// SPDX-License-Identifier: BSD-3-Clause
// Orderings of points and nodes: lexicographic, Hilbert curve, reverse Cuthill-McKee.
#include "numbering.hpp"
#include <numeric>

namespace moho::fem {
namespace {

/// Index along the Hilbert curve of `bits` levels through a cell of the grid: Skilling,
/// "Programming the Hilbert curve", AIP Conf. Proc. 707 (2004).
std::uint64_t hilbert_index(std::array<std::uint32_t, 3> x, int dim, int bits) {
  std::uint32_t const top = 1u << (bits - 1);
  for (std::uint32_t q = top; q > 1; q >>= 1)
    for (int i = 0; i < dim; ++i) {
      std::uint32_t const below = q - 1, flip = x[0] ^ x[i];
      if (x[i] & q)
        x[0] ^= below;
      else {
        x[0] ^= flip & below;
        x[i] ^= flip & below;
      }
    }
  for (int i = 1; i < dim; ++i) x[i] ^= x[i - 1];
  std::uint32_t gray = 0;
  for (std::uint32_t q = top; q > 1; q >>= 1)
    if (x[dim - 1] & q) gray ^= q - 1;
  std::uint64_t index = 0;
  for (int b = bits - 1; b >= 0; --b)
    for (int i = 0; i < dim; ++i) index = index << 1 | (((x[i] ^ gray) >> b) & 1u);
  return index;
}

/// Nodes of cells the other way round.
struct CellsOfNodes {
  std::vector<std::int64_t> start;
  std::vector<std::int32_t> cell;
};

CellsOfNodes invert(std::vector<std::int32_t> const& cells, std::size_t width, std::size_t nodes) {
  CellsOfNodes result{std::vector<std::int64_t>(nodes + 1, 0),
                      std::vector<std::int32_t>(cells.size())};
  for (std::int32_t const node : cells) ++result.start[static_cast<std::size_t>(node) + 1];
  std::partial_sum(result.start.begin(), result.start.end(), result.start.begin());
  std::vector<std::int64_t> next(result.start.begin(), result.start.end() - 1);
  for (std::size_t i = 0; i < cells.size(); ++i)
    result.cell[static_cast<std::size_t>(next[static_cast<std::size_t>(cells[i])]++)] =
        static_cast<std::int32_t>(i / width);
  return result;
}

/// The graph that joins all nodes of a cell, walked without storing it.
class NodeGraph {
public:
  NodeGraph(std::vector<std::int32_t> const& cells, std::size_t width, std::size_t nodes)
      : _cells(cells), _width(width), _inverse(invert(cells, width, nodes)), _degree(nodes) {
    std::vector<std::int32_t> seen(nodes, -1);
    for (std::size_t i = 0; i < nodes; ++i)
      for_neighbours(static_cast<std::int32_t>(i), [&](std::int32_t j) {
        if (seen[static_cast<std::size_t>(j)] == static_cast<std::int32_t>(i)) return;
        seen[static_cast<std::size_t>(j)] = static_cast<std::int32_t>(i);
        ++_degree[i];
      });
  }

  std::int32_t degree(std::int32_t node) const { return _degree[static_cast<std::size_t>(node)]; }

  /// Breadth-first from `root`, neighbours by ascending degree, then number: appends to `order`
  /// what `mark` does not hold as `stamp` yet. Returns the depth; `last` is where the last level
  /// begins in `order`.
  int walk(std::int32_t root, std::vector<std::int32_t>& mark, std::int32_t stamp,
           std::vector<std::int32_t>& order, std::size_t& last) const {
    std::size_t next = order.size(), level_end = next + 1;
    int depth = 0;
    last = next;
    order.push_back(root);
    mark[static_cast<std::size_t>(root)] = stamp;
    while (next < order.size()) {
      if (next == level_end) {
        ++depth;
        last = next;
        level_end = order.size();
      }
      std::size_t const begin = order.size();
      for_neighbours(order[next++], [&](std::int32_t j) {
        if (mark[static_cast<std::size_t>(j)] == stamp) return;
        mark[static_cast<std::size_t>(j)] = stamp;
        order.push_back(j);
      });
      std::sort(order.begin() + static_cast<std::ptrdiff_t>(begin), order.end(),
                [this](std::int32_t a, std::int32_t b) {
                  return degree(a) != degree(b) ? degree(a) < degree(b) : a < b;
                });
    }
    return depth;
  }

private:
  template <class F>
  void for_neighbours(std::int32_t node, F const& f) const {
    auto const i = static_cast<std::size_t>(node);
    for (std::int64_t at = _inverse.start[i]; at < _inverse.start[i + 1]; ++at) {
      std::size_t const cell =
          static_cast<std::size_t>(_inverse.cell[static_cast<std::size_t>(at)]);
      for (std::size_t a = 0; a < _width; ++a)
        if (std::int32_t const j = _cells[cell * _width + a]; j != node) f(j);
    }
  }

  std::vector<std::int32_t> const& _cells;
  std::size_t _width;
  CellsOfNodes _inverse;
  std::vector<std::int32_t> _degree;
};

/// A node at an end of its component: George and Liu, "An implementation of a pseudoperipheral node
/// finder", ACM TOMS 5 (1979): go to a node of least degree in the last level while that is deeper.
std::int32_t end_node(NodeGraph const& graph, std::int32_t root, std::vector<std::int32_t>& mark,
                      std::int32_t& stamp) {
  std::vector<std::int32_t> order;
  for (int depth = -1;;) {
    order.clear();
    std::size_t last = 0;
    int const found = graph.walk(root, mark, ++stamp, order, last);
    if (found <= depth) return root;
    depth = found;
    root = *std::min_element(order.begin() + static_cast<std::ptrdiff_t>(last), order.end(),
                             [&](std::int32_t a, std::int32_t b) {
                               return graph.degree(a) != graph.degree(b)
                                          ? graph.degree(a) < graph.degree(b)
                                          : a < b;
                             });
  }
}

std::vector<std::int32_t> identity(std::size_t n) {
  std::vector<std::int32_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  return order;
}

} // namespace

Ordering ordering_from_name(std::string_view name) {
  if (name == "lexicographic") return Ordering::lexicographic;
  if (name == "hilbert") return Ordering::hilbert;
  if (name == "rcm") return Ordering::rcm;
  throw Error("unknown ordering '" + std::string(name) +
              "' (known: lexicographic, hilbert, rcm) use one of them");
}

std::vector<std::int32_t> hilbert_order(std::vector<double> const& points, int dim) {
  constexpr int bits = 20; // 3 * 20 fit in 64
  std::size_t const d = static_cast<std::size_t>(dim), n = points.size() / d;
  std::array<double, 3> low{}, high{};
  for (std::size_t i = 0; i < d && n > 0; ++i) {
    low[i] = high[i] = points[i];
    for (std::size_t p = 1; p < n; ++p) {
      low[i] = std::min(low[i], points[p * d + i]);
      high[i] = std::max(high[i], points[p * d + i]);
    }
  }
  double const side = std::max({high[0] - low[0], high[1] - low[1], high[2] - low[2]});
  double const scale = side > 0 ? ((1 << bits) - 1) / side : 0;
  std::vector<std::pair<std::uint64_t, std::int32_t>> keys(n);
  for (std::size_t p = 0; p < n; ++p) {
    std::array<std::uint32_t, 3> x{};
    for (std::size_t i = 0; i < d; ++i)
      x[i] = static_cast<std::uint32_t>((points[p * d + i] - low[i]) * scale);
    keys[p] = {hilbert_index(x, dim, bits), static_cast<std::int32_t>(p)};
  }
  std::sort(keys.begin(), keys.end());
  std::vector<std::int32_t> order(n);
  for (std::size_t p = 0; p < n; ++p) order[p] = keys[p].second;
  return order;
}

std::vector<std::int32_t> lexicographic_order(std::vector<double> const& points, int dim) {
  std::size_t const d = static_cast<std::size_t>(dim);
  auto order = identity(points.size() / d);
  std::sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
    for (std::size_t i = d; i-- > 0;) {
      double const x = points[static_cast<std::size_t>(a) * d + i];
      double const y = points[static_cast<std::size_t>(b) * d + i];
      if (x != y) return x < y;
    }
    return a < b;
  });
  return order;
}

std::vector<std::int32_t> rcm_order(std::vector<std::int32_t> const& cells, std::size_t width,
                                    std::size_t nodes) {
  NodeGraph const graph(cells, width, nodes);
  // Components start at their node of least degree (then number).
  auto roots = identity(nodes);
  std::stable_sort(roots.begin(), roots.end(), [&](std::int32_t a, std::int32_t b) {
    return graph.degree(a) < graph.degree(b);
  });
  std::vector<std::int32_t> order, mark(nodes, 0), placed(nodes, 0);
  order.reserve(nodes);
  std::int32_t stamp = 0;
  for (std::int32_t const root : roots) {
    if (placed[static_cast<std::size_t>(root)]) continue;
    std::size_t last = 0;
    graph.walk(end_node(graph, root, mark, stamp), placed, 1, order, last);
  }
  std::reverse(order.begin(), order.end());
  return order;
}

std::vector<std::int64_t> ranks(std::vector<std::int32_t> const& order) {
  std::vector<std::int64_t> rank(order.size());
  for (std::size_t k = 0; k < order.size(); ++k)
    rank[static_cast<std::size_t>(order[k])] = static_cast<std::int64_t>(k);
  return rank;
}

} // namespace moho::fem
