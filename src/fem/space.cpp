// SPDX-License-Identifier: BSD-3-Clause
#include "moho/fem/space.hpp"
#include "moho/core/error.hpp"
#include "numbering.hpp"
#include <cmath>
#include <numeric>

namespace moho::fem {
namespace {

std::size_t index(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

/// Numbers of the nodes on sets of M vertices, from `first` on; returns the number after the last.
template <std::size_t M>
std::int32_t number_sets(Vertices const& vertices, std::size_t width,
                         std::vector<std::vector<int>> const& supports, std::int32_t first,
                         std::vector<std::int32_t>& cell_nodes) {
  std::vector<std::array<int, M>> local;
  std::vector<std::size_t> node;
  for (std::size_t a = 0; a < supports.size(); ++a) {
    if (supports[a].size() != M) continue;
    local.emplace_back();
    std::copy(supports[a].begin(), supports[a].end(), local.back().begin());
    node.push_back(a);
  }
  if (local.empty()) return first;
  EntityNumbers const numbers =
      number_entities<M>(vertices.cells, width, local, vertices.point.size());
  std::size_t const count = vertices.cells.size() / width;
  for (std::size_t c = 0; c < count; ++c)
    for (std::size_t s = 0; s < local.size(); ++s)
      cell_nodes[c * supports.size() + node[s]] = first + numbers.of[c * local.size() + s];
  return first + numbers.count;
}

/// Degree 2 on a mesh of degree 2: a node is one point, in all cells that share it.
void require_one_point(Mesh const& mesh, std::vector<std::int32_t> const& cell_nodes,
                       std::size_t nodes) {
  std::vector<std::int32_t> point(nodes, -1);
  std::size_t const k = index(mesh.geometry.nodes());
  for (std::size_t i = 0; i < cell_nodes.size(); ++i) {
    std::int32_t& known = point[index(cell_nodes[i])];
    if (known >= 0 && known != mesh.cells[i])
      throw Error("cell " + std::to_string(mesh.cell_id[i / k]) + ": local point " +
                  std::to_string(i % k) + " is point " +
                  std::to_string(mesh.point_id[index(mesh.cells[i])]) +
                  ", another cell has point " + std::to_string(mesh.point_id[index(known)]) +
                  " there (cells that share an edge or face share its points) "
                  "renumber the mesh file or write it at first order");
    known = mesh.cells[i];
  }
}

std::vector<std::int64_t> iota(std::size_t n) {
  std::vector<std::int64_t> numbers(n);
  std::iota(numbers.begin(), numbers.end(), std::int64_t{0});
  return numbers;
}

} // namespace

std::vector<std::vector<int>> node_vertices(Element element) {
  if (element.degree != 1 && element.degree != 2)
    throw Error("degree " + std::to_string(element.degree) +
                " (moho has Lagrange elements of degree 1 and 2) ask for 1 or 2");
  std::vector<std::vector<int>> supports;
  int const corners = vertex_count(element.cell);
  if (element.degree == 1 || is_simplex(element.cell)) {
    for (int v = 0; v < corners; ++v) supports.push_back({v});
    if (element.degree == 2)
      for (auto const& edge : edges(element.cell)) supports.push_back({edge[0], edge[1]});
    return supports;
  }
  // Tensor cells: digits 0, 1, 2 along each axis; 1 means both ends.
  for (int node = 0; node < element.nodes(); ++node) {
    supports.emplace_back();
    for (int v = 0; v < corners; ++v) {
      bool carries = true;
      for (int i = 0, rest = node; i < element.dim(); ++i, rest /= 3)
        carries = carries && (rest % 3 == 1 || rest % 3 == 2 * (v >> i & 1));
      if (carries) supports.back().push_back(v);
    }
  }
  return supports;
}

std::vector<int> vertex_nodes(Element element) {
  std::vector<int> nodes(index(vertex_count(element.cell)));
  auto const supports = node_vertices(element);
  for (std::size_t a = 0; a < supports.size(); ++a)
    if (supports[a].size() == 1) nodes[index(supports[a][0])] = static_cast<int>(a);
  return nodes;
}

Vertices number_vertices(Mesh const& mesh) {
  auto const local = vertex_nodes(mesh.geometry);
  std::size_t const k = index(mesh.geometry.nodes()), count = mesh.cell_count();
  std::vector<std::int32_t> number(mesh.point_count(), -1);
  for (std::size_t c = 0; c < count; ++c)
    for (int const a : local) number[index(mesh.cells[c * k + index(a)])] = 0;
  Vertices vertices;
  for (std::size_t p = 0; p < number.size(); ++p)
    if (number[p] == 0) vertices.point.push_back(static_cast<std::int32_t>(p));
  auto const by_id = [&](std::int32_t a, std::int32_t b) {
    return mesh.point_id[index(a)] < mesh.point_id[index(b)];
  };
  if (!std::is_sorted(vertices.point.begin(), vertices.point.end(), by_id))
    std::sort(vertices.point.begin(), vertices.point.end(), by_id);
  for (std::size_t v = 0; v < vertices.point.size(); ++v)
    number[index(vertices.point[v])] = static_cast<std::int32_t>(v);
  vertices.cells.resize(count * local.size());
  for (std::size_t c = 0; c < count; ++c)
    for (std::size_t v = 0; v < local.size(); ++v)
      vertices.cells[c * local.size() + v] = number[index(mesh.cells[c * k + index(local[v])])];
  return vertices;
}

std::vector<double> node_points(Mesh const& mesh, Element element,
                                std::vector<std::int32_t> const& cell_nodes, std::size_t nodes) {
  std::size_t const d = index(mesh.dim()), k = index(element.nodes());
  std::size_t const g = index(mesh.geometry.nodes());
  auto supports = node_vertices(element);
  auto const vertex = vertex_nodes(mesh.geometry);
  bool const same = element.degree == mesh.geometry.degree;
  std::vector<double> points(nodes * d);
  std::vector<std::uint8_t> done(nodes, 0);
  for (std::size_t i = 0; i < cell_nodes.size(); ++i) {
    std::size_t const node = index(cell_nodes[i]), a = i % k;
    if (done[node]) continue;
    done[node] = 1;
    std::int32_t const* const cell = &mesh.cells[i / k * g];
    if (same) {
      for (std::size_t c = 0; c < d; ++c)
        points[node * d + c] = mesh.points[index(cell[a]) * d + c];
      continue;
    }
    // Means of pairs of pairs (1, 2, 4, 8 vertices): exact where a coordinate has two values.
    std::size_t const n = supports[a].size();
    for (std::size_t c = 0; c < d; ++c) {
      std::array<double, 8> x{};
      for (std::size_t v = 0; v < n; ++v)
        x[v] = mesh.points[index(cell[vertex[index(supports[a][v])]]) * d + c];
      for (std::size_t m = n; m > 1; m /= 2)
        for (std::size_t v = 0; v < m / 2; ++v) x[v] = 0.5 * (x[2 * v] + x[2 * v + 1]);
      points[node * d + c] = x[0];
    }
  }
  return points;
}

Space make_space(Mesh const& mesh, int degree) {
  Space space;
  space.element = {mesh.cell(), degree};
  std::size_t const k = index(space.element.nodes()), width = index(vertex_count(mesh.cell()));
  std::size_t const count = mesh.cell_count();
  Vertices const vertices = number_vertices(mesh);
  auto const supports = node_vertices(space.element);
  space.cell_nodes.resize(count * k);
  for (std::size_t c = 0; c < count; ++c)
    for (std::size_t a = 0; a < k; ++a)
      if (supports[a].size() == 1)
        space.cell_nodes[c * k + a] = vertices.cells[c * width + index(supports[a][0])];
  auto nodes = static_cast<std::int32_t>(vertices.point.size());
  nodes = number_sets<2>(vertices, width, supports, nodes, space.cell_nodes);
  if (mesh.dim() == 3) nodes = number_sets<4>(vertices, width, supports, nodes, space.cell_nodes);
  for (std::size_t a = 0; a < k; ++a) {
    if (supports[a].size() != width || is_simplex(mesh.cell())) continue;
    for (std::size_t c = 0; c < count; ++c) space.cell_nodes[c * k + a] = nodes++;
  }
  if (degree == 2 && mesh.geometry.degree == 2)
    require_one_point(mesh, space.cell_nodes, index(nodes));
  space.points = node_points(mesh, space.element, space.cell_nodes, index(nodes));
  space.owned = nodes;
  space.global_nodes = nodes;
  space.row = space.id = iota(index(nodes));
  return space;
}

void renumber(Space& space, std::span<std::int64_t const> row) {
  std::size_t const n = space.local_nodes(), d = index(space.element.dim());
  MOHO_REQUIRE(row.size() == n && index(space.global_nodes) == n);
  std::vector<std::int64_t> id(n, -1);
  std::vector<double> points(n * d);
  for (std::size_t i = 0; i < n; ++i) {
    std::size_t const r = index(row[i]);
    MOHO_REQUIRE(r < n && id[r] == -1);
    id[r] = space.id[i];
    std::copy_n(&space.points[i * d], d, &points[r * d]);
  }
  for (std::int32_t& node : space.cell_nodes) node = static_cast<std::int32_t>(row[index(node)]);
  space.id = std::move(id);
  space.points = std::move(points);
  space.row = iota(n);
}

void reorder(Space& space, Ordering ordering) {
  std::size_t const k = index(space.element.nodes());
  auto const order = ordering == Ordering::rcm ? rcm_order(space.cell_nodes, k, space.local_nodes())
                     : ordering == Ordering::hilbert
                         ? hilbert_order(space.points, space.element.dim())
                         : lexicographic_order(space.points, space.element.dim());
  renumber(space, ranks(order));
  space.id = space.row;
}

} // namespace moho::fem
