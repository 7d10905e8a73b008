// SPDX-License-Identifier: BSD-3-Clause
// A space whose numbering somebody else made.
#include "moho/core/error.hpp"
#include "moho/fem/space.hpp"
#include <algorithm>
#include <cmath>

namespace moho::fem {
namespace {

std::size_t index(std::int64_t i) {
  return static_cast<std::size_t>(i);
}

std::string in_cell(Mesh const& mesh, std::size_t cell) {
  return "dofmap: cell " + std::to_string(mesh.cell_id[cell]);
}

/// The local order of a dofmap: `place[a]` is where node a of a cell stands in it.
class LocalOrder {
public:
  LocalOrder(Mesh const& mesh, Space const& space, std::span<std::int64_t const> dofmap,
             std::span<double const> points)
      : _mesh(mesh), _space(space), _dofmap(dofmap), _points(points),
        _k(index(space.element.nodes())), _d(index(space.element.dim())), _place(_k) {
    for (std::size_t a = 0; a < _k; ++a) _place[a] = a;
  }

  /// That of cell `c`; nearly always the one of the cell before.
  std::vector<std::size_t> const& of(std::size_t c) {
    double side = 0; // longest distance to the first node, in the largest coordinate
    for (std::size_t a = 1; a < _k; ++a) side = std::max(side, distance(node(c, a), node(c, 0)));
    double const near = 1e-6 * side;
    bool same = true;
    for (std::size_t a = 0; a < _k && same; ++a)
      same = distance(node(c, a), dof(c, _place[a])) <= near;
    if (!same) search(c, near);
    return _place;
  }

private:
  double const* node(std::size_t c, std::size_t a) const {
    return &_space.points[index(_space.cell_nodes[c * _k + a]) * _d];
  }
  double const* dof(std::size_t c, std::size_t place) const {
    return &_points[index(_dofmap[c * _k + place]) * _d];
  }
  double distance(double const* x, double const* y) const {
    double largest = 0;
    for (std::size_t i = 0; i < _d; ++i) {
      double const apart = std::fabs(x[i] - y[i]);
      if (std::isnan(apart)) return apart; // near nothing
      largest = std::max(largest, apart);
    }
    return largest;
  }
  void search(std::size_t c, double near) {
    for (std::size_t a = 0; a < _k; ++a) {
      std::size_t place = 0;
      while (place < _k && !(distance(node(c, a), dof(c, place)) <= near)) ++place;
      if (place == _k) {
        std::string at;
        for (std::size_t i = 0; i < _d; ++i)
          at += (i == 0 ? "" : ", ") + std::to_string(node(c, a)[i]);
        throw Error(in_cell(_mesh, c) + " has no node at (" + at +
                    ") (the local order is recognised from dof_coordinates, which must be the "
                    "nodes of a Lagrange element of degree " +
                    std::to_string(_space.element.degree) +
                    ") check degree, dofmap and dof_coordinates");
      }
      _place[a] = place;
    }
  }

  Mesh const& _mesh;
  Space const& _space;
  std::span<std::int64_t const> _dofmap;
  std::span<double const> _points;
  std::size_t _k, _d;
  std::vector<std::size_t> _place;
};

void check_dofmap(Mesh const& mesh, Space const& space, std::span<std::int64_t const> dofmap,
                  std::span<double const> points) {
  std::size_t const k = index(space.element.nodes()), d = index(space.element.dim());
  std::int64_t const n = space.global_nodes;
  if (dofmap.size() != mesh.cell_count() * k)
    throw Error("dofmap: " + std::to_string(dofmap.size()) + " entries (" +
                std::to_string(mesh.cell_count()) + " cells of " + name(space.element) + " have " +
                std::to_string(k) + " each) check the degree");
  if (points.size() != index(n) * d)
    throw Error("dof_coordinates: " + std::to_string(points.size()) + " numbers (the " +
                name(space.element) + " space of this mesh has " + std::to_string(n) +
                " nodes in " + std::to_string(d) + " dimensions) check degree and mesh");
  for (std::size_t i = 0; i < dofmap.size(); ++i)
    if (dofmap[i] < 0 || dofmap[i] >= n)
      throw Error(in_cell(mesh, i / k) + " names node " + std::to_string(dofmap[i]) +
                  " (nodes are 0 to " + std::to_string(n - 1) + ") correct the dofmap");
}

} // namespace

Space make_space(Mesh const& mesh, int degree, std::span<std::int64_t const> dofmap,
                 std::span<double const> dof_points) {
  Space space = make_space(mesh, degree);
  check_dofmap(mesh, space, dofmap, dof_points);
  std::size_t const k = index(space.element.nodes()), n = space.local_nodes();
  std::vector<std::int64_t> row(n, -1), node_of(n, -1);
  LocalOrder order(mesh, space, dofmap, dof_points);
  for (std::size_t c = 0; c < mesh.cell_count(); ++c) {
    auto const& place = order.of(c);
    for (std::size_t a = 0; a < k; ++a) {
      std::int32_t const node = space.cell_nodes[c * k + a];
      std::int64_t const given = dofmap[c * k + place[a]];
      std::int64_t& known = row[index(node)];
      if (known >= 0 && known != given)
        throw Error(in_cell(mesh, c) + " has node " + std::to_string(given) +
                    " where another cell has node " + std::to_string(known) +
                    " (cells that share a vertex, edge or face share its nodes: the space is "
                    "continuous) correct the dofmap");
      std::int64_t& taken = node_of[index(given)];
      if (taken >= 0 && taken != node)
        throw Error(in_cell(mesh, c) + " uses node " + std::to_string(given) +
                    " for two places of the mesh (one number per node) correct the dofmap");
      known = given;
      taken = node;
    }
  }
  renumber(space, row);
  space.id = space.row;
  space.points.assign(dof_points.begin(), dof_points.end());
  return space;
}

} // namespace moho::fem
