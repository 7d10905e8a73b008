// SPDX-License-Identifier: BSD-3-Clause
#include "moho/fem/mesh.hpp"
#include "moho/core/error.hpp"
#include "numbering.hpp"
#include <algorithm>
#include <numeric>

namespace moho::fem {
namespace {

std::size_t index(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

/// Facets of all cells, numbered by their vertices.
template <std::size_t M>
EntityNumbers number_facets(Vertices const& vertices, Cell cell) {
  std::vector<std::array<int, M>> local;
  for (int f = 0; f < facet_count(cell); ++f) {
    auto const nodes = facet_nodes({cell, 1}, f);
    MOHO_REQUIRE(nodes.size() == M);
    local.emplace_back();
    std::copy(nodes.begin(), nodes.end(), local.back().begin());
  }
  return number_entities<M>(vertices.cells, index(vertex_count(cell)), local,
                            vertices.point.size());
}

EntityNumbers number_facets(Mesh const& mesh) {
  Vertices const vertices = number_vertices(mesh);
  if (mesh.dim() == 2) return number_facets<2>(vertices, mesh.cell());
  if (mesh.cell() == Cell::tetrahedron) return number_facets<3>(vertices, mesh.cell());
  return number_facets<4>(vertices, mesh.cell());
}

[[noreturn]] void refuse_facet(Mesh const& mesh, EntityNumbers const& facets, std::int32_t number) {
  std::size_t const per_cell = index(facet_count(mesh.cell()));
  std::string cells;
  for (std::size_t i = 0; i < facets.of.size(); ++i)
    if (facets.of[i] == number)
      cells += (cells.empty() ? "" : ", ") + std::to_string(mesh.cell_id[i / per_cell]);
  throw Error("cells " + cells +
              " share one facet (a facet belongs to two cells at most) remove doubled or "
              "overlapping cells from the mesh");
}

/// det J of the edges of a cell that meet at its vertex `corner` (of a simplex: 0).
double determinant(Mesh const& mesh, std::size_t cell, int corner = 0) {
  int const d = mesh.dim();
  bool const simplex = is_simplex(mesh.cell());
  auto const nodes = vertex_nodes(mesh.geometry);
  auto const x = [&](int vertex, int i) {
    std::size_t const place = cell * index(mesh.geometry.nodes()) + index(nodes[index(vertex)]);
    return mesh.points[index(mesh.cells[place]) * index(d) + index(i)];
  };
  double e[3][3];
  for (int v = 0; v < d; ++v) {
    int const next = simplex ? v + 1 : corner ^ (1 << v);
    double const sign = (corner >> v & 1) != 0 ? -1 : 1;
    for (int i = 0; i < d; ++i) e[v][i] = sign * (x(next, i) - x(corner, i));
  }
  if (d == 2) return e[0][0] * e[1][1] - e[0][1] * e[1][0];
  return e[0][0] * (e[1][1] * e[2][2] - e[1][2] * e[2][1]) -
         e[0][1] * (e[1][0] * e[2][2] - e[1][2] * e[2][0]) +
         e[0][2] * (e[1][0] * e[2][1] - e[1][1] * e[2][0]);
}

/// The mirror image of a sound cell: of a tensor cell at every vertex, else it is folded.
bool is_mirrored(Mesh const& mesh, std::size_t cell) {
  int const corners = is_simplex(mesh.cell()) ? 1 : vertex_count(mesh.cell());
  for (int v = 0; v < corners; ++v)
    if (!(determinant(mesh, cell, v) < 0)) return false;
  return true;
}

/// Whether the orientation that the order of its vertices' numbers gives to a facet is not the one
/// that it has as part of the boundary of the reference cell.
bool flips(std::vector<std::int32_t> const& vertices, Cell cell, int facet) {
  bool odd = false;
  if (is_simplex(cell)) {
    odd = facet % 2 == 1;
    for (std::size_t a = 0; a < vertices.size(); ++a)
      for (std::size_t b = a + 1; b < vertices.size(); ++b)
        if (vertices[a] > vertices[b]) odd = !odd;
    return odd;
  }
  // The boundary of a box: sum over axes i of (-1)^i (side 1 - side 0); in its plane, at the lowest
  // vertex m, the order of m's neighbours along the first and the second axis.
  odd = (facet / 2 % 2 == 1) != (facet % 2 == 0);
  auto const m = static_cast<std::size_t>(std::min_element(vertices.begin(), vertices.end()) -
                                          vertices.begin());
  if (vertices.size() == 2) return odd != (m == 1);
  bool const reversed = (m == 1) || (m == 2);
  return odd != (reversed != (vertices[m ^ 1] > vertices[m ^ 2]));
}

/// Two cells on one side of their common facet overlap: the mesh is folded there, which no det J
/// tells, since the order of a cell's vertices is free. The orientations that the two give to the
/// facet must be opposite.
void refuse_folds(Mesh const& mesh, EntityNumbers const& facets) {
  std::size_t const k = index(mesh.geometry.nodes()), per_cell = index(facet_count(mesh.cell()));
  auto const nodes = vertex_nodes(mesh.geometry);
  std::vector<std::vector<int>> local;
  for (std::size_t f = 0; f < per_cell; ++f)
    local.push_back(facet_nodes({mesh.cell(), 1}, static_cast<int>(f)));
  std::vector<std::int32_t> positive(index(facets.count), -1), negative(positive), vertices;
  double det = 0;
  for (std::size_t i = 0; i < facets.of.size(); ++i) {
    std::size_t const cell = i / per_cell, facet = i % per_cell;
    if (facet == 0) det = determinant(mesh, cell);
    vertices.clear();
    for (int const v : local[facet])
      vertices.push_back(mesh.cells[cell * k + index(nodes[index(v)])]);
    bool const flipped = (det < 0) != flips(vertices, mesh.cell(), static_cast<int>(facet));
    std::int32_t& seen = (flipped ? negative : positive)[index(facets.of[i])];
    if (seen >= 0 && det != 0)
      throw Error("cell " + std::to_string(mesh.cell_id[cell]) + " is inverted against cell " +
                  std::to_string(mesh.cell_id[index(seen)]) +
                  " (both lie on the same side of their common facet) move their points, or "
                  "correct the cells");
    seen = static_cast<std::int32_t>(cell);
  }
}

/// Where each local node goes when the last two vertices of a simplex, or the axes x and y of a
/// tensor cell, change places.
std::vector<int> mirror(Element element) {
  auto const supports = node_vertices(element);
  int const last = dimension(element.cell);
  auto const moved = [&](int v) {
    if (is_simplex(element.cell)) return v < last - 1 ? v : 2 * last - 1 - v;
    return (v & ~3) | (v & 1) << 1 | (v >> 1 & 1);
  };
  std::vector<int> result;
  for (auto const& support : supports) {
    std::vector<int> image;
    for (int const v : support) image.push_back(moved(v));
    std::sort(image.begin(), image.end());
    result.push_back(
        static_cast<int>(std::find(supports.begin(), supports.end(), image) - supports.begin()));
  }
  return result;
}

void sort_within_cells(Facets& facets) {
  std::vector<std::array<std::int32_t, 3>> rows(facets.size());
  for (std::size_t f = 0; f < rows.size(); ++f)
    rows[f] = {facets.cell[f], facets.local[f], facets.tag[f]};
  std::stable_sort(rows.begin(), rows.end());
  for (std::size_t f = 0; f < rows.size(); ++f) {
    facets.cell[f] = rows[f][0];
    facets.local[f] = static_cast<std::int8_t>(rows[f][1]);
    facets.tag[f] = rows[f][2];
  }
}

} // namespace

std::size_t orient(Mesh& mesh) {
  std::size_t const k = index(mesh.geometry.nodes());
  auto const image = mirror(mesh.geometry);
  std::vector<std::uint8_t> swapped(mesh.cell_count(), 0);
  std::vector<std::int32_t> cell(k);
  std::size_t count = 0;
  for (std::size_t c = 0; c < mesh.cell_count(); ++c) {
    if (!is_mirrored(mesh, c)) continue;
    std::copy_n(&mesh.cells[c * k], k, cell.begin());
    for (std::size_t a = 0; a < k; ++a) mesh.cells[c * k + index(image[a])] = cell[a];
    swapped[c] = 1;
    ++count;
  }
  int const last = mesh.dim(); // facet f of a simplex is opposite to vertex f
  for (std::size_t f = 0; f < mesh.boundary.size(); ++f) {
    if (!swapped[index(mesh.boundary.cell[f])]) continue;
    std::int8_t& local = mesh.boundary.local[f];
    if (!is_simplex(mesh.cell()))
      local = static_cast<std::int8_t>(local < 4 ? local ^ 2 : local); // x=0, x=1, y=0, ..
    else if (local >= last - 1)
      local = static_cast<std::int8_t>(2 * last - 1 - local);
  }
  if (count > 0) sort_within_cells(mesh.boundary);
  return count;
}

Facets boundary_facets(Mesh const& mesh) {
  EntityNumbers const facets = number_facets(mesh);
  std::vector<std::uint8_t> uses(index(facets.count), 0);
  for (std::int32_t const number : facets.of)
    if (++uses[index(number)] > 2) refuse_facet(mesh, facets, number);
  refuse_folds(mesh, facets);
  Facets result;
  std::size_t const per_cell = index(facet_count(mesh.cell()));
  for (std::size_t i = 0; i < facets.of.size(); ++i) {
    if (uses[index(facets.of[i])] != 1) continue;
    result.cell.push_back(static_cast<std::int32_t>(i / per_cell));
    result.local.push_back(static_cast<std::int8_t>(i % per_cell));
    result.tag.push_back(0);
  }
  return result;
}

Mesh cut(Mesh const& mesh, std::function<bool(double const*)> const& keep) {
  std::size_t const d = index(mesh.dim()), k = index(mesh.geometry.nodes());
  auto const vertices = vertex_nodes(mesh.geometry);
  Mesh result;
  result.geometry = mesh.geometry;
  std::vector<std::int32_t> old_cell, place(mesh.point_count(), -1);
  for (std::size_t c = 0; c < mesh.cell_count(); ++c) {
    std::array<double, 3> centre{};
    for (int const v : vertices)
      for (std::size_t i = 0; i < d; ++i)
        centre[i] += mesh.points[index(mesh.cells[c * k + index(v)]) * d + i] /
                     static_cast<double>(vertices.size());
    if (!keep(centre.data())) continue;
    old_cell.push_back(static_cast<std::int32_t>(c));
    for (std::size_t a = 0; a < k; ++a) place[index(mesh.cells[c * k + a])] = 0;
  }
  if (old_cell.empty())
    throw Error("no cell is left of the mesh (the cut removes all " +
                std::to_string(mesh.cell_count()) + ") use a finer mesh or another cut");
  for (std::size_t p = 0; p < place.size(); ++p) {
    if (place[p] < 0) continue;
    place[p] = static_cast<std::int32_t>(result.point_id.size());
    result.point_id.push_back(place[p]);
    result.points.insert(result.points.end(), &mesh.points[p * d], &mesh.points[p * d] + d);
  }
  result.cell_id.resize(old_cell.size());
  std::iota(result.cell_id.begin(), result.cell_id.end(), std::int64_t{0});
  for (std::int32_t const c : old_cell)
    for (std::size_t a = 0; a < k; ++a)
      result.cells.push_back(place[index(mesh.cells[index(c) * k + a])]);
  result.boundary = boundary_facets(result);
  // Both lists ascend by cell and facet.
  Facets& facets = result.boundary;
  for (std::size_t f = 0, old = 0; f < facets.size(); ++f) {
    std::pair const wanted{old_cell[index(facets.cell[f])], facets.local[f]};
    auto const at = [&] { return std::pair{mesh.boundary.cell[old], mesh.boundary.local[old]}; };
    while (old < mesh.boundary.size() && at() < wanted) ++old;
    if (old < mesh.boundary.size() && at() == wanted) facets.tag[f] = mesh.boundary.tag[old];
  }
  return result;
}

} // namespace moho::fem
