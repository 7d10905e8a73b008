// SPDX-License-Identifier: BSD-3-Clause
#include "moho/fem/element.hpp"
#include "moho/core/error.hpp"

namespace moho::fem {

char const* name(Cell cell) {
  switch (cell) {
  case Cell::triangle:
    return "triangle";
  case Cell::quadrilateral:
    return "quadrilateral";
  case Cell::tetrahedron:
    return "tetrahedron";
  case Cell::hexahedron:
    break;
  }
  return "hexahedron";
}

Cell cell_from_name(std::string_view name) {
  for (const Cell cell : all_cells)
    if (name == fem::name(cell)) return cell;
  throw Error("unknown cell '" + std::string(name) +
              "' (known: triangle, quadrilateral, tetrahedron, hexahedron) correct the name");
}

std::string name(Element element) {
  return (is_simplex(element.cell) ? "P" : "Q") + std::to_string(element.degree) + " " +
         name(element.cell);
}

namespace detail {

void refuse_degree(Element element) {
  throw Error("no " + name(element) + " element (degrees 1 and 2 are built in) use degree 1 or 2");
}

void refuse_geometry(Element element, Element geometry) {
  throw Error("a " + name(element) + " space on cells of " + name(geometry) +
              " geometry (cells must be the same, and the geometry not of higher degree) "
              "use a space of degree " +
              std::to_string(geometry.degree) + " or straight cells");
}

namespace {
void check(Element element) {
  if (element.degree != 1 && element.degree != 2) refuse_degree(element);
}
void check_facet(Cell cell, int facet) {
  if (facet < 0 || facet >= facet_count(cell))
    throw Error("facet " + std::to_string(facet) + " of a " + name(cell) + " (it has 0 to " +
                std::to_string(facet_count(cell) - 1) + ") correct the facet's number");
}
} // namespace
} // namespace detail

std::vector<double> reference_nodes(Element element) {
  detail::check(element);
  int const dim = element.dim(), p = element.degree;
  std::vector<double> x(static_cast<std::size_t>(element.nodes() * dim), 0.0);
  auto at = [&](int node, int d) -> double& { return x[static_cast<std::size_t>(node * dim + d)]; };
  if (!is_simplex(element.cell)) {
    for (int a = 0; a < element.nodes(); ++a)
      for (int d = 0, rest = a; d < dim; ++d, rest /= p + 1)
        at(a, d) = static_cast<double>(rest % (p + 1)) / p;
    return x;
  }
  for (int d = 0; d < dim; ++d) at(d + 1, d) = 1;
  if (p == 2) {
    int node = dim + 1;
    for (auto [i, j] : edges(element.cell)) {
      for (int d = 0; d < dim; ++d) at(node, d) = (at(i, d) + at(j, d)) / 2;
      ++node;
    }
  }
  return x;
}

std::vector<std::array<int, 2>> edges(Cell cell) {
  std::vector<std::array<int, 2>> edge;
  if (is_simplex(cell)) {
    for (int i = 0; i < vertex_count(cell); ++i)
      for (int j = i + 1; j < vertex_count(cell); ++j) edge.push_back({i, j});
    return edge;
  }
  // The nodes of degree 2 in tensor order which are in the middle along one axis alone.
  int const dim = dimension(cell);
  for (int a = 0; a < node_count(cell, 2); ++a) {
    int first = 0, axis = -1, middles = 0;
    for (int d = 0, rest = a; d < dim; ++d, rest /= 3) {
      if (rest % 3 == 1) axis = d, ++middles;
      if (rest % 3 == 2) first |= 1 << d;
    }
    if (middles == 1) edge.push_back({first, first | 1 << axis});
  }
  return edge;
}

std::vector<int> facet_nodes(Element element, int facet) {
  detail::check(element);
  detail::check_facet(element.cell, facet);
  int const dim = element.dim(), p = element.degree;
  std::vector<int> nodes;
  if (is_simplex(element.cell)) {
    for (int v = 0; v < dim + 1; ++v)
      if (v != facet) nodes.push_back(v);
    int node = dim + 1; // edges by sorted vertices: the facet's order is that of the cell
    if (p == 2)
      for (auto [i, j] : edges(element.cell)) {
        if (i != facet && j != facet) nodes.push_back(node);
        ++node;
      }
    return nodes;
  }
  int const axis = facet / 2, side = facet % 2 * p;
  for (int a = 0; a < element.nodes(); ++a) {
    int rest = a;
    for (int d = 0; d < axis; ++d) rest /= p + 1;
    if (rest % (p + 1) == side) nodes.push_back(a);
  }
  return nodes;
}

FacetMap facet_map(Cell cell, int facet) {
  const Element linear{cell, 1};
  std::vector<int> const corner = facet_nodes(linear, facet);
  std::vector<double> const x = reference_nodes(linear);
  auto at = [&](int i, int d) {
    return x[static_cast<std::size_t>(corner[static_cast<std::size_t>(i)] * linear.dim() + d)];
  };
  FacetMap map;
  map.dim = linear.dim();
  for (int d = 0; d < map.dim; ++d) {
    map.origin[static_cast<std::size_t>(d)] = at(0, d);
    for (int s = 0; s < map.dim - 1; ++s) // corners 1 and 2 are the unit points of s for all facets
      map.columns[static_cast<std::size_t>(d * (map.dim - 1) + s)] = at(s + 1, d) - at(0, d);
  }
  return map;
}

void FacetMap::point(double const* s, double* xi) const {
  for (int d = 0; d < dim; ++d) {
    xi[d] = origin[static_cast<std::size_t>(d)];
    for (int i = 0; i < dim - 1; ++i)
      xi[d] += columns[static_cast<std::size_t>(d * (dim - 1) + i)] * s[i];
  }
}

} // namespace moho::fem
