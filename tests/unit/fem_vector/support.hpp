// SPDX-License-Identifier: BSD-3-Clause
// What the tests of vectors, constraints and derivatives share: meshes of every kind, parts of
// them, dense matrices and solves.
#pragma once
#include "moho/core/host_copy.hpp"
#include "moho/fem/assembly.hpp"
#include "moho/fem/constraints.hpp"
#include "moho/fem/derivative.hpp"
#include "moho/fem/vector.hpp"
#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace moho::fem::test {

using Vector = std::vector<double>;

inline Vector host(ConstReals view) {
  return to_host(view);
}
inline Reals device(Vector const& from) {
  return to_device("test", from);
}

/// A space on a mesh (or a part of both) with its topology.
struct Built {
  Part part;
  std::unique_ptr<Topology> topology;
  Built(Part p, int components)
      : part(std::move(p)), topology(std::make_unique<Topology>(part, components)) {}
  std::size_t owned() const {
    return static_cast<std::size_t>(topology->owned_nodes() * topology->components());
  }
  std::size_t local() const {
    return static_cast<std::size_t>(topology->local_nodes() * topology->components());
  }
  Reals vector() const { return Reals("vector", owned()); }
};

inline Mesh mesh_of(Cell cell, int n, double perturbation = 0) {
  Structured spec;
  spec.cell = cell;
  spec.n.assign(static_cast<std::size_t>(dimension(cell)), n);
  spec.perturbation = perturbation;
  return structured(spec);
}

/// The mesh with curved cells: nodes of degree 2, moved by map(x).
inline Mesh curved(Mesh const& mesh, std::function<void(double*)> const& map) {
  Space const space = make_space(mesh, 2);
  Mesh out = mesh;
  out.geometry.degree = 2;
  out.points = space.points;
  out.cells = space.cell_nodes;
  out.point_id = space.id;
  for (std::size_t i = 0; i < out.point_count(); ++i)
    map(&out.points[i * static_cast<std::size_t>(out.dim())]);
  return out;
}

inline Built build(Mesh const& mesh, int degree, int components) {
  Space const space = make_space(mesh, degree);
  return Built(take_part(mesh, space, 0, space.global_nodes), components);
}

/// Parts that own the rows between the cuts, which are shares of all rows.
inline std::vector<Built> split(Mesh const& mesh, int degree, int components,
                                std::vector<double> const& shares) {
  Space const space = make_space(mesh, degree);
  std::vector<std::int64_t> cut{0};
  for (double const share : shares)
    cut.push_back(static_cast<std::int64_t>(share * static_cast<double>(space.global_nodes)));
  cut.push_back(space.global_nodes);
  std::vector<Built> parts;
  for (std::size_t i = 0; i + 1 < cut.size(); ++i)
    parts.emplace_back(take_part(mesh, space, cut[i], cut[i + 1]), components);
  return parts;
}
inline std::vector<std::vector<double>> const& all_shares() {
  static std::vector<std::vector<double>> const shares{{.5}, {.1, .61}, {.23, .5, .77}};
  return shares;
}

/// Values of a vector over all nodes on the nodes that a part holds.
inline Vector on_part(Vector const& whole, Built const& part) {
  auto const B = static_cast<std::size_t>(part.topology->components());
  Vector out;
  for (std::int64_t const row : part.part.space.row)
    for (std::size_t i = 0; i < B; ++i) out.push_back(whole[static_cast<std::size_t>(row) * B + i]);
  return out;
}

/// Are `part` (owned entries) the bits of `whole` from the part's first row on?
inline bool same_bits(Vector const& whole, Vector const& part, Built const& of, int width) {
  auto const first = static_cast<std::size_t>(of.part.space.first_row * width);
  auto const n = static_cast<std::size_t>(of.part.space.owned * width);
  return n <= part.size() && first + n <= whole.size() &&
         std::memcmp(&whole[first], part.data(), n * sizeof(double)) == 0;
}

inline Vector random_vector(std::size_t n, unsigned seed, double low = -1, double high = 1) {
  std::mt19937_64 generator(seed);
  std::uniform_real_distribution<double> uniform(low, high);
  Vector out(n);
  for (double& x : out) x = uniform(generator);
  return out;
}

inline double dot(Vector const& a, Vector const& b, std::size_t n) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

/// Values of f at the nodes, (local nodes, components).
inline Vector nodal(Built const& built, Field const& f) {
  auto const dim = static_cast<std::size_t>(built.part.mesh.dim());
  auto const B = static_cast<std::size_t>(built.topology->components());
  Vector out(built.local());
  for (std::size_t i = 0; i < built.part.space.local_nodes(); ++i)
    f(&built.part.space.points[i * dim], &out[i * B]);
  return out;
}

inline Vector assemble(Built const& built, Form const& form) {
  Reals const values = make_values(*built.topology);
  make_assembly(*built.topology, form, Reduce::two_pass)->assemble(form, values);
  return host(values);
}

/// y = A x of a whole mesh (no ghosts).
inline Vector multiply(Pattern const& pattern, Vector const& values, Vector const& x) {
  Vector y(pattern.rows());
  for (std::size_t row = 0; row < y.size(); ++row)
    for (auto j = static_cast<std::size_t>(pattern.diagonal_ptr[row]);
         j < static_cast<std::size_t>(pattern.diagonal_ptr[row + 1]); ++j)
      y[row] += values[j] * x[static_cast<std::size_t>(pattern.diagonal_column[j])];
  return y;
}

/// Solves A x = b (or A^T x = b) of a whole mesh by Gaussian elimination with pivoting.
inline Vector solve(Pattern const& pattern, Vector const& values, Vector b,
                    bool transpose = false) {
  std::size_t const n = pattern.rows();
  std::vector<double> A(n * n);
  for (std::size_t row = 0; row < n; ++row)
    for (auto j = static_cast<std::size_t>(pattern.diagonal_ptr[row]);
         j < static_cast<std::size_t>(pattern.diagonal_ptr[row + 1]); ++j) {
      auto const column = static_cast<std::size_t>(pattern.diagonal_column[j]);
      A[transpose ? column * n + row : row * n + column] = values[j];
    }
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k + 1; i < n; ++i)
      if (std::fabs(A[i * n + k]) > std::fabs(A[pivot * n + k])) pivot = i;
    std::swap_ranges(&A[k * n], &A[k * n] + n, &A[pivot * n]);
    std::swap(b[k], b[pivot]);
    for (std::size_t i = k + 1; i < n; ++i) {
      double const factor = A[i * n + k] / A[k * n + k];
      if (factor == 0) continue;
      for (std::size_t j = k; j < n; ++j) A[i * n + j] -= factor * A[k * n + j];
      b[i] -= factor * b[k];
    }
  }
  for (std::size_t k = n; k-- > 0;) {
    for (std::size_t j = k + 1; j < n; ++j) b[k] -= A[k * n + j] * b[j];
    b[k] /= A[k * n + k];
  }
  return b;
}

/// Marks of all components of the nodes on boundary facets with these tags.
inline std::vector<std::uint8_t> fixed_marks(Built const& built,
                                             std::vector<std::int32_t> const& tags = {}) {
  std::vector<std::uint8_t> out;
  for (std::uint8_t const mark : boundary_nodes(built.part, tags))
    out.insert(out.end(), static_cast<std::size_t>(built.topology->components()), mark);
  return out;
}

/// Integral of x^i y^j z^k over the unit square or cube.
inline double moment(int i, int j, int k = 0) {
  return 1. / ((i + 1) * (j + 1) * (k + 1));
}

} // namespace moho::fem::test
