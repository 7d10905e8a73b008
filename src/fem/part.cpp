// SPDX-License-Identifier: BSD-3-Clause
// What a rank works on: the cells that touch its nodes.
#include "grid.hpp"
#include "moho/core/error.hpp"
#include "moho/fem/space.hpp"
#include "numbering.hpp"
#include <algorithm>

namespace moho::fem {
namespace {

std::size_t index(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

/// Nodes in [first, last) to the front, then the others, both ascending: the order of a Space.
void own(Space& space, Compressed nodes, std::int64_t first, std::int64_t last) {
  auto const begin = std::lower_bound(nodes.id.begin(), nodes.id.end(), first);
  auto const end = std::lower_bound(begin, nodes.id.end(), last);
  auto const below = static_cast<std::int32_t>(begin - nodes.id.begin());
  auto const owned = static_cast<std::int32_t>(end - begin);
  for (std::int32_t& node : nodes.local) {
    if (node < below)
      node += owned;
    else if (node < below + owned)
      node -= below;
  }
  std::rotate(nodes.id.begin(), begin, end);
  space.cell_nodes = std::move(nodes.local);
  space.row = std::move(nodes.id);
  space.owned = owned;
  space.first_row = first;
}

} // namespace

Part take_part(Mesh const& whole, Space const& space, std::int64_t first, std::int64_t last) {
  MOHO_REQUIRE(0 <= first && first <= last && last <= space.global_nodes);
  MOHO_REQUIRE(index(space.global_nodes) == space.local_nodes());
  std::size_t const d = index(whole.dim()), g = index(whole.geometry.nodes());
  std::size_t const k = index(space.element.nodes());
  Part part;
  Mesh& mesh = part.mesh;
  mesh.geometry = whole.geometry;
  std::vector<std::int32_t> local_cell(whole.cell_count(), -1);
  std::vector<std::int64_t> points, nodes;
  for (std::size_t c = 0; c < whole.cell_count(); ++c) {
    auto const cell = space.cell_nodes.begin() + static_cast<std::ptrdiff_t>(c * k);
    if (std::none_of(cell, cell + static_cast<std::ptrdiff_t>(k),
                     [&](std::int32_t node) { return first <= node && node < last; }))
      continue;
    local_cell[c] = static_cast<std::int32_t>(mesh.cell_id.size());
    mesh.cell_id.push_back(whole.cell_id[c]);
    nodes.insert(nodes.end(), cell, cell + static_cast<std::ptrdiff_t>(k));
    points.insert(points.end(), &whole.cells[c * g], &whole.cells[c * g] + g);
  }
  Compressed held = compress(points);
  mesh.cells = std::move(held.local);
  for (std::int64_t const p : held.id) {
    mesh.point_id.push_back(whole.point_id[index(p)]);
    mesh.points.insert(mesh.points.end(), &whole.points[index(p) * d],
                       &whole.points[index(p) * d] + d);
  }
  for (std::size_t f = 0; f < whole.boundary.size(); ++f) {
    std::int32_t const cell = local_cell[index(whole.boundary.cell[f])];
    if (cell < 0) continue;
    mesh.boundary.cell.push_back(cell);
    mesh.boundary.local.push_back(whole.boundary.local[f]);
    mesh.boundary.tag.push_back(whole.boundary.tag[f]);
  }
  part.space.element = space.element;
  part.space.global_nodes = space.global_nodes;
  own(part.space, compress(nodes), first, last);
  for (std::int64_t const row : part.space.row) {
    part.space.id.push_back(space.id[index(row)]);
    part.space.points.insert(part.space.points.end(), &space.points[index(row) * d],
                             &space.points[index(row) * d] + d);
  }
  return part;
}

std::int64_t structured_nodes(Structured const& spec, int degree) {
  return Grid(spec).nodes(degree);
}

Part structured_part(Structured const& spec, int degree, std::int64_t first, std::int64_t last) {
  if (spec.ordering != Ordering::lexicographic)
    throw Error("structured_part knows the lexicographic ordering alone (others need the whole "
                "mesh) use structured, make_space, reorder and take_part");
  Grid const grid(spec);
  auto const offset = grid.offsets(degree);
  Part part;
  part.space.element = {spec.cell, degree};
  part.space.global_nodes = grid.nodes(degree);
  MOHO_REQUIRE(0 <= first && first <= last && last <= part.space.global_nodes);
  std::size_t const k = index(part.space.element.nodes()), subs = index(grid.per_cube());
  std::int64_t const reach = *std::max_element(offset.begin(), offset.end());
  // Layers of cubes (along the last axis) between the first and the last node of the range.
  auto const& n = grid.n();
  std::size_t const axis = index(grid.dim() - 1);
  std::int64_t const layer = part.space.global_nodes / (degree * n[axis] + 1);
  std::int64_t const per_layer = grid.cells() / grid.per_cube() / n[axis];
  std::int64_t const bottom = std::max<std::int64_t>(0, (first / layer - 1) / degree);
  std::int64_t const top = std::min(n[axis], last / layer / degree + 1);
  std::vector<std::int64_t> ids, nodes;
  for (std::int64_t cube = bottom * per_layer; cube < top * per_layer; ++cube) {
    std::int64_t const origin = grid.origin(grid.cube(cube), degree);
    if (origin + reach < first || origin >= last) continue;
    for (std::size_t s = 0; s < subs; ++s) {
      auto const cell = offset.begin() + static_cast<std::ptrdiff_t>(s * k);
      if (std::none_of(cell, cell + static_cast<std::ptrdiff_t>(k),
                       [&](std::int64_t o) { return first <= origin + o && origin + o < last; }))
        continue;
      ids.push_back(cube * grid.per_cube() + static_cast<std::int64_t>(s));
      for (std::size_t a = 0; a < k; ++a)
        nodes.push_back(origin + cell[static_cast<std::ptrdiff_t>(a)]);
    }
  }
  part.mesh = grid.mesh(std::move(ids));
  if (spec.perturbation != 0 && part.mesh.cell_count() > 0)
    check_mesh(part.mesh, "structured mesh");
  own(part.space, compress(nodes), first, last);
  part.space.id = part.space.row;
  part.space.points =
      node_points(part.mesh, part.space.element, part.space.cell_nodes, part.space.local_nodes());
  return part;
}

std::vector<std::uint8_t> boundary_nodes(Part const& part, std::span<std::int32_t const> tags) {
  Element const element = part.space.element;
  std::vector<std::vector<int>> nodes;
  for (int f = 0; f < facet_count(element.cell); ++f) nodes.push_back(facet_nodes(element, f));
  std::vector<std::uint8_t> mark(part.space.local_nodes(), 0);
  Facets const& facets = part.mesh.boundary;
  for (std::size_t f = 0; f < facets.size(); ++f) {
    if (!tags.empty() && std::find(tags.begin(), tags.end(), facets.tag[f]) == tags.end()) continue;
    for (int const a : nodes[index(facets.local[f])])
      mark[index(
          part.space.cell_nodes[index(facets.cell[f]) * index(element.nodes()) + index(a)])] = 1;
  }
  return mark;
}

} // namespace moho::fem
