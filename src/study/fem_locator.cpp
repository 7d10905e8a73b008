// SPDX-License-Identifier: BSD-3-Clause
#include "fem_locator.hpp"
#include "moho/fem/element.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace moho::study {
namespace {

constexpr int most_nodes = 27;
constexpr double inside = 1e-10; ///< what counts as on the edge

/// x and dx/dxi (dim, dim) at xi.
void map(fem::Element geometry, double const* X, double const* xi, double* x, double* J) {
  fem::with_element(geometry, [&](auto element) {
    using G = decltype(element);
    double N[G::nodes], dN[G::nodes * G::dim];
    G::values(xi, N);
    G::gradients(xi, dN);
    for (int i = 0; i < G::dim; ++i) {
      x[i] = 0;
      for (int a = 0; a < G::nodes; ++a) x[i] += N[a] * X[a * G::dim + i];
      for (int d = 0; d < G::dim; ++d) {
        J[i * G::dim + d] = 0;
        for (int a = 0; a < G::nodes; ++a)
          J[i * G::dim + d] += X[a * G::dim + i] * dN[a * G::dim + d];
      }
    }
  });
}

/// J s = r by Cramer's rule; false where J is singular.
bool solve(int dim, double const* J, double const* r, double* s) {
  if (dim == 2) {
    double const det = J[0] * J[3] - J[1] * J[2];
    s[0] = (r[0] * J[3] - J[1] * r[1]) / det;
    s[1] = (J[0] * r[1] - r[0] * J[2]) / det;
    return det != 0;
  }
  auto const det3 = [](double const* a, double const* b, double const* c) {
    return a[0] * (b[1] * c[2] - b[2] * c[1]) - b[0] * (a[1] * c[2] - a[2] * c[1]) +
           c[0] * (a[1] * b[2] - a[2] * b[1]);
  };
  double const a[3] = {J[0], J[3], J[6]}, b[3] = {J[1], J[4], J[7]}, c[3] = {J[2], J[5], J[8]};
  double const det = det3(a, b, c);
  s[0] = det3(r, b, c) / det;
  s[1] = det3(a, r, c) / det;
  s[2] = det3(a, b, r) / det;
  return det != 0;
}

double outside(fem::Cell cell, double const* xi) {
  double off = 0, sum = 0;
  for (int d = 0; d < fem::dimension(cell); ++d) {
    off = std::fmax(off, -xi[d]);
    if (!is_simplex(cell)) off = std::fmax(off, xi[d] - 1);
    sum += xi[d];
  }
  if (is_simplex(cell)) off = std::fmax(off, sum - 1);
  return off <= inside ? 0 : off;
}

} // namespace

PointLocator::PointLocator(fem::Part const& part) : _part(&part), _dim(part.mesh.dim()) {
  fem::Mesh const& mesh = part.mesh;
  auto const dim = static_cast<std::size_t>(_dim);
  auto const k = static_cast<std::size_t>(mesh.geometry.nodes());
  std::array<double, 3> high{};
  _low.fill(std::numeric_limits<double>::infinity());
  high.fill(-std::numeric_limits<double>::infinity());
  for (std::size_t i = 0; i < mesh.points.size(); ++i) {
    _low[i % dim] = std::fmin(_low[i % dim], mesh.points[i]);
    high[i % dim] = std::fmax(high[i % dim], mesh.points[i]);
  }
  auto const side = static_cast<std::int64_t>(
      std::ceil(std::pow(static_cast<double>(mesh.cell_count()), 1.0 / _dim)));
  for (std::size_t d = 0; d < dim; ++d) {
    _bins[d] = std::max<std::int64_t>(side, 1);
    _width[d] = std::fmax((high[d] - _low[d]) / static_cast<double>(_bins[d]), 1e-300);
  }
  std::vector<std::pair<std::int32_t, std::int32_t>> entries; // bin, cell
  for (std::size_t c = 0; c < mesh.cell_count(); ++c) {
    std::array<double, 3> from{}, to{};
    for (std::size_t d = 0; d < dim; ++d) {
      from[d] = std::numeric_limits<double>::infinity();
      to[d] = -from[d];
      for (std::size_t a = 0; a < k; ++a) {
        double const x = mesh.points[static_cast<std::size_t>(mesh.cells[c * k + a]) * dim + d];
        from[d] = std::fmin(from[d], x);
        to[d] = std::fmax(to[d], x);
      }
      double const margin = 0.1 * (to[d] - from[d]); // bent edges leave the box of their nodes
      from[d] -= margin;
      to[d] += margin;
    }
    auto const at = [&](double x, std::size_t d) {
      return std::clamp<std::int64_t>(
          static_cast<std::int64_t>(std::floor((x - _low[d]) / _width[d])), 0, _bins[d] - 1);
    };
    for (std::int64_t z = dim > 2 ? at(from[2], 2) : 0; z <= (dim > 2 ? at(to[2], 2) : 0); ++z)
      for (std::int64_t y = at(from[1], 1); y <= at(to[1], 1); ++y)
        for (std::int64_t x = at(from[0], 0); x <= at(to[0], 0); ++x)
          entries.emplace_back(static_cast<std::int32_t>((z * _bins[1] + y) * _bins[0] + x),
                               static_cast<std::int32_t>(c));
  }
  std::sort(entries.begin(), entries.end());
  _first.assign(static_cast<std::size_t>(_bins[0] * _bins[1] * _bins[2]) + 1, 0);
  for (auto const& [where, cell] : entries) {
    ++_first[static_cast<std::size_t>(where) + 1];
    _cells.push_back(cell);
  }
  for (std::size_t i = 1; i < _first.size(); ++i) _first[i] += _first[i - 1];
}

std::size_t PointLocator::bin(double const* x) const {
  std::array<std::int64_t, 3> at{};
  for (std::size_t d = 0; d < static_cast<std::size_t>(_dim); ++d)
    at[d] = std::clamp<std::int64_t>(
        static_cast<std::int64_t>(std::floor((x[d] - _low[d]) / _width[d])), 0, _bins[d] - 1);
  return static_cast<std::size_t>((at[2] * _bins[1] + at[1]) * _bins[0] + at[0]);
}

PointLocator::Found PointLocator::place(std::int32_t cell, double const* x) const {
  fem::Mesh const& mesh = _part->mesh;
  auto const k = static_cast<std::size_t>(mesh.geometry.nodes()),
             dim = static_cast<std::size_t>(_dim), c = static_cast<std::size_t>(cell);
  double X[most_nodes * 3];
  for (std::size_t a = 0; a < k; ++a)
    for (std::size_t d = 0; d < dim; ++d)
      X[a * dim + d] = mesh.points[static_cast<std::size_t>(mesh.cells[c * k + a]) * dim + d];
  Found found;
  found.cell = cell;
  found.id = mesh.cell_id[c];
  std::fill_n(found.xi, dim, is_simplex(mesh.cell()) ? 1.0 / (_dim + 1) : 0.5);
  for (int iteration = 0; iteration < 20; ++iteration) {
    double at[3], J[9], r[3], s[3] = {0, 0, 0}, change = 0;
    map(mesh.geometry, X, found.xi, at, J);
    for (std::size_t d = 0; d < dim; ++d) r[d] = x[d] - at[d];
    bool const regular = solve(_dim, J, r, s);
    for (std::size_t d = 0; d < dim; ++d) {
      found.xi[d] += s[d];
      change = std::fmax(change, std::abs(s[d]));
    }
    double const far = std::fmax(std::abs(found.xi[0]), std::abs(found.xi[1]));
    if (!regular || !(far < 1e3)) { // Newton left a cell that is bent: the point is not in it
      found.off = std::numeric_limits<double>::max();
      return found;
    }
    if (change < 1e-14) break;
  }
  found.off = outside(mesh.cell(), found.xi);
  return found;
}

PointLocator::Found PointLocator::find(double const* x, bool everywhere) const {
  Found best;
  best.off = std::numeric_limits<double>::infinity();
  auto const look = [&](std::int32_t cell) {
    const Found found = place(cell, x); // cells ascend by id: the first of equals is kept
    if (found.off < best.off) best = found;
  };
  const std::size_t where = bin(x);
  for (std::int32_t i = _first[where]; i < _first[where + 1] && best.off > 0; ++i)
    look(_cells[static_cast<std::size_t>(i)]);
  for (std::size_t cell = 0; everywhere && cell < _part->mesh.cell_count(); ++cell)
    look(static_cast<std::int32_t>(cell));
  return best;
}

void PointLocator::interpolate(Found const& found, std::span<double const> u, int components,
                               double* out) const {
  std::fill_n(out, components, 0.0);
  if (found.cell < 0) return;
  fem::with_element(_part->space.element, [&](auto element) {
    using L = decltype(element);
    double N[L::nodes];
    L::values(found.xi, N);
    for (int a = 0; a < L::nodes; ++a) {
      auto const node = static_cast<std::size_t>(
          _part->space.cell_nodes[static_cast<std::size_t>(found.cell * L::nodes + a)]);
      for (int c = 0; c < components; ++c)
        out[c] +=
            N[a] * u[node * static_cast<std::size_t>(components) + static_cast<std::size_t>(c)];
    }
  });
}

} // namespace moho::study
