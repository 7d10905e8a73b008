// SPDX-License-Identifier: BSD-3-Clause
// What is known of a matrix without assembling it: its size, and the form on affine fields.
#include "assembly_truth.hpp"
#include "moho/core/philox.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace moho::study {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

std::size_t index(int i) {
  return static_cast<std::size_t>(i);
}

/// a0 + a . x
using Affine = std::vector<double>;

bool constant(Affine const& f) {
  return std::all_of(f.begin() + 1, f.end(), [](double a) { return a == 0; });
}

/// Integral of f g.
double product(Moments const& over, Affine const& f, Affine const& g) {
  const std::size_t dim = f.size() - 1;
  double sum = f[0] * g[0] * over.zero;
  for (std::size_t i = 0; i < dim; ++i) {
    sum += (f[0] * g[i + 1] + f[i + 1] * g[0]) * over.first[i];
    for (std::size_t j = 0; j < dim; ++j) sum += f[i + 1] * g[j + 1] * over.second[i * dim + j];
  }
  return sum;
}

/// Integral of f g h; NaN where it is a cubic.
double product(Moments const& over, Affine const& f, Affine const& g, Affine const& h) {
  Affine all[] = {f, g, h};
  auto const first = std::find_if(std::begin(all), std::end(all), constant);
  if (first == std::end(all)) return nan;
  std::iter_swap(first, std::begin(all));
  return all[0][0] * product(over, all[1], all[2]);
}

/// Component c of item i of an array (n, components, 1 + dim).
Affine part_of(std::vector<double> const& all, MatrixForm const& matrix, std::size_t item, int c) {
  const std::size_t width = index(matrix.dim() + 1);
  auto const begin = all.begin() + static_cast<std::ptrdiff_t>(
                                       (item * index(matrix.components) + index(c)) * width);
  return {begin, begin + static_cast<std::ptrdiff_t>(width)};
}

/// lambda div u div v + 2 mu eps(u) : eps(v), of constant gradients.
double elastic(MatrixForm const& matrix, std::vector<Affine> const& u,
               std::vector<Affine> const& v) {
  const std::vector<double> moduli = base_coefficient(matrix);
  double div_u = 0, div_v = 0, strain = 0;
  for (std::size_t i = 0; i < u.size(); ++i) {
    div_u += u[i][i + 1];
    div_v += v[i][i + 1];
    for (std::size_t j = 0; j < u.size(); ++j)
      strain += (u[i][j + 1] + u[j][i + 1]) / 2 * (v[i][j + 1] + v[j][i + 1]) / 2;
  }
  return moduli[0] * div_u * div_v + 2 * moduli[1] * strain;
}

/// Of one component, k (1 + slope x_0) aside of what is constant.
double scalar_energy(MatrixForm const& matrix, Moments const& over, Affine const& scale,
                     Affine const& u, Affine const& v) {
  const std::vector<double> k = base_coefficient(matrix);
  const Affine one = [&] {
    Affine f(u.size(), 0.0);
    f[0] = 1;
    return f;
  }();
  const std::size_t dim = u.size() - 1;
  if (matrix.kind == fem::FormKind::mass) return k[0] * product(over, scale, u, v);
  double flux = 0;
  if (matrix.kind == fem::FormKind::advection) {
    for (std::size_t i = 0; i < dim; ++i) flux += k[i] * u[i + 1];
    return flux * product(over, scale, v);
  }
  for (std::size_t i = 0; i < dim; ++i)
    for (std::size_t j = 0; j < dim; ++j)
      flux += v[i + 1] * (matrix.tensor ? k[i * dim + j] : i == j ? k[0] : 0.0) * u[j + 1];
  return flux * product(over, scale, one);
}

/// Degree of the integrand without its coefficient; gradients of affine fields are constant.
int integrand_degree(MatrixForm const& matrix, std::vector<Affine> const& u,
                     std::vector<Affine> const& v) {
  auto const degree = [](std::vector<Affine> const& f) {
    return std::all_of(f.begin(), f.end(), constant) ? 0 : 1;
  };
  if (matrix.kind == fem::FormKind::mass) return degree(u) + degree(v);
  return matrix.kind == fem::FormKind::advection ? degree(v) : 0;
}

/// Whether rounding alone separates v . K u from the integral.
bool exact(MatrixForm const& matrix, std::vector<Affine> const& u, std::vector<Affine> const& v) {
  if (matrix.how.curved) return false;
  bool const tensor = matrix.how.cell == "quadrilateral" || matrix.how.cell == "hexahedron";
  bool const bent = tensor && matrix.how.perturbation != 0;
  int const degree = integrand_degree(matrix, u, v);
  // A coefficient per cell is that at the mean of its vertices: right for the whole cell where it
  // is a parallelepiped and nothing else varies.
  if (matrix.where == fem::Where::cell) return degree == 0 && !bent;
  if (!bent) return true;
  // The form's rule has to integrate the determinant as well.
  int const all = degree + (matrix.where == fem::Where::global ? 0 : 1);
  return all <= (matrix.dim() == 2 ? 2 : 1);
}

} // namespace

std::vector<double> base_coefficient(MatrixForm const& matrix) {
  const std::size_t dim = index(matrix.dim());
  if (matrix.kind == fem::FormKind::elasticity) {
    const fem::Lame moduli = fem::lame(1, 0.3);
    return {moduli.lambda, moduli.mu};
  }
  if (matrix.kind == fem::FormKind::advection)
    return dim == 2 ? std::vector<double>{1, 0.5} : std::vector<double>{1, 0.5, 0.25};
  if (!matrix.tensor) return {1};
  std::vector<double> tensor(dim * dim); // positive definite, not symmetric
  for (std::size_t i = 0; i < dim; ++i)
    for (std::size_t j = 0; j < dim; ++j)
      tensor[i * dim + j] =
          i == j ? 1 + 0.5 * static_cast<double>(i) : 0.125 * static_cast<double>(1 + 2 * i + j);
  return tensor;
}

std::vector<double> MatrixForm::coefficient(double const* x) const {
  std::vector<double> values = base_coefficient(*this);
  if (where != fem::Where::global)
    for (double& value : values) value *= 1 + x[0] / 2;
  return values;
}

Moments box_moments(std::vector<double> const& size) {
  const std::size_t dim = size.size();
  Moments over{1, std::vector<double>(dim), std::vector<double>(dim * dim)};
  for (double const length : size) over.zero *= length;
  for (std::size_t i = 0; i < dim; ++i) {
    over.first[i] = over.zero * size[i] / 2;
    for (std::size_t j = 0; j < dim; ++j)
      over.second[i * dim + j] = over.zero * size[i] * size[j] / (i == j ? 3 : 4);
  }
  return over;
}

Moments cell_moments(parallel::Comm const& comm, fem::Part const& part) {
  fem::Mesh const& mesh = part.mesh;
  const std::size_t dim = index(mesh.dim()), corners = dim + 1;
  Moments over{0, std::vector<double>(dim), std::vector<double>(dim * dim)};
  bool const simple = is_simplex(mesh.cell()) && mesh.geometry.degree == 1;
  const std::size_t k = index(part.space.element.nodes());
  for (std::size_t c = 0; simple && c < mesh.cell_count(); ++c) {
    if (part.space.cell_nodes[c * k] >= part.space.owned) continue;
    auto const x = [&](std::size_t a, std::size_t i) {
      return mesh.points[index(mesh.cells[c * corners + a]) * dim + i];
    };
    auto const edge = [&](std::size_t a, std::size_t i) { return x(a, i) - x(0, i); };
    double volume = (edge(1, 0) * edge(2, 1) - edge(1, 1) * edge(2, 0)) / 2;
    if (dim == 3) {
      volume = 0;
      for (std::size_t i = 0; i < 3; ++i)
        volume += edge(1, i) *
                  (edge(2, (i + 1) % 3) * edge(3, (i + 2) % 3) -
                   edge(2, (i + 2) % 3) * edge(3, (i + 1) % 3)) /
                  6;
    }
    over.zero += volume;
    // Integral of l_a l_b over a simplex: V (1 + [a = b]) / ((d + 1)(d + 2)).
    std::vector<double> sum(dim, 0.0);
    for (std::size_t i = 0; i < dim; ++i) {
      for (std::size_t a = 0; a < corners; ++a) sum[i] += x(a, i);
      over.first[i] += volume * sum[i] / static_cast<double>(corners);
    }
    for (std::size_t i = 0; i < dim; ++i)
      for (std::size_t j = 0; j < dim; ++j) {
        double both = sum[i] * sum[j];
        for (std::size_t a = 0; a < corners; ++a) both += x(a, i) * x(a, j);
        over.second[i * dim + j] += volume * both / static_cast<double>(corners * (corners + 1));
      }
  }
  auto const total = [&](double value) { return simple ? comm.sum(value) : nan; };
  over.zero = total(over.zero);
  for (double& value : over.first) value = total(value);
  for (double& value : over.second) value = total(value);
  return over;
}

MatrixSize box_size(fem::Element element, std::vector<int> const& n) {
  std::int64_t all = 1, more = 1; // products of n_i and of n_i + 1
  for (const std::int64_t i : n) {
    all *= i;
    more *= i + 1;
  }
  if (!is_simplex(element.cell)) {
    MatrixSize size{1, 1};
    for (const std::int64_t i : n) { // products of those of intervals
      size.rows *= element.degree * i + 1;
      size.entries *= element.degree == 1 ? 3 * i + 1 : 8 * i + 1;
    }
    return size;
  }
  // Vertices, edges, triangles, tetrahedra; two squares' diagonals and Kuhn's cubes.
  const std::int64_t vertices = more;
  std::int64_t edges = all, triangles = 2 * all, tetrahedra = 0;
  for (std::size_t i = 0; i < n.size(); ++i) edges += n[i] * (more / (n[i] + 1));
  if (n.size() == 3) {
    tetrahedra = 6 * all;
    triangles = 12 * all;
    for (std::size_t i = 0; i < 3; ++i) {
      const std::int64_t face = std::int64_t{n[(i + 1) % 3]} * n[(i + 2) % 3];
      edges += face * (n[i] + 1);
      triangles += 2 * face;
    }
  }
  // Pairs of nodes by the smallest simplex that holds both: of degree 1 a vertex with itself, two
  // ends of an edge; of degree 2 also middles of edges, 7 on an edge, 12 in a triangle, 6 in a
  // tetrahedron.
  if (element.degree == 1) return {vertices, vertices + 2 * edges};
  return {vertices + edges, vertices + 7 * edges + 12 * triangles + 6 * tetrahedra};
}

double energy(MatrixForm const& matrix, Moments const& over, std::vector<double> const& trial,
              std::vector<double> const& test, std::size_t item) {
  std::vector<Affine> u, v;
  for (int c = 0; c < matrix.components; ++c) {
    u.push_back(part_of(trial, matrix, item, c));
    v.push_back(part_of(test, matrix, item, c));
  }
  Affine scale(index(matrix.dim() + 1), 0.0);
  scale[0] = 1;
  if (matrix.where != fem::Where::global) scale[1] = 0.5;
  if (!exact(matrix, u, v)) return nan;
  if (matrix.kind == fem::FormKind::elasticity) {
    Affine one(scale.size(), 0.0);
    one[0] = 1;
    return elastic(matrix, u, v) * product(over, scale, one);
  }
  double sum = 0;
  for (std::size_t c = 0; c < u.size(); ++c) sum += scalar_energy(matrix, over, scale, u[c], v[c]);
  return sum;
}

} // namespace moho::study
