// SPDX-License-Identifier: BSD-3-Clause
// Local matrices by the Map, and by their definition in long double with the elasticity tensor
// written out.
#pragma once
#include "moho/fem/local.hpp"
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <vector>

namespace moho::fem::test {

using Vector = std::vector<double>;
inline constexpr unsigned seed = 20266;

/// Reference tables in memory of the host, where the Map is run here.
class HostTables {
public:
  HostTables(Element element, Element geometry, Quadrature const& rule) {
    const ReferenceTables tables(element, geometry, rule);
    Tables const& from = tables.view();
    int const dim = element.dim(),
              per_point = 1 + element.nodes() * (1 + dim) + geometry.nodes() * dim;
    _data.resize(static_cast<std::size_t>(from.points * per_point));
    using Host = Kokkos::View<double*, Kokkos::HostSpace, Kokkos::MemoryTraits<Kokkos::Unmanaged>>;
    using Device =
        Kokkos::View<double const*, MemorySpace, Kokkos::MemoryTraits<Kokkos::Unmanaged>>;
    Kokkos::deep_copy(Host(_data.data(), _data.size()), Device(from.weight, _data.size()));
    auto const here = [&](double const* at) { return _data.data() + (at - from.weight); };
    _view = {from.points, here(from.weight), here(from.N), here(from.dN), here(from.dG)};
  }
  HostTables(HostTables const&) = delete;
  Tables const& view() const { return _view; }

private:
  Vector _data;
  Tables _view;
};

/// Values of the coefficient at the points of the rule: component i at q, or of the cell (q = 0).
struct Values {
  bool constant = true;
  int components = 1;
  Vector at;
  double operator()(int q, int i) const {
    return at[static_cast<std::size_t>((constant ? 0 : q) * components + i)];
  }
};

template <class G>
Vector reference_cell() {
  return reference_nodes({G::cell, G::degree});
}

/// The reference cell with every node moved by up to `shift` at random.
template <class G>
Vector random_cell(std::mt19937_64& random, double shift = 0.08) {
  std::uniform_real_distribution<double> move(-shift, shift);
  Vector X = reference_cell<G>();
  for (double& x : X) x += move(random);
  return X;
}

inline Values random_values(std::mt19937_64& random, int components, int points, bool constant) {
  std::uniform_real_distribution<double> uniform(0.5, 2.0);
  Values v{constant, components, Vector(static_cast<std::size_t>(components * points))};
  for (double& x : v.at) x = uniform(random);
  return v;
}

/// The whole local matrix, (k, B, k, B) row-major with B = dim for elasticity, else 1; from the
/// upper pairs alone where `symmetric`. X and coefficient as of T's lanes.
template <class M, class T, class C>
std::vector<T> matrix(Tables const& tables, T const* X, C const& coefficient, bool constant,
                      bool symmetric) {
  constexpr int k = M::nodes, B = M::per_pair == 1 ? 1 : M::dim;
  std::vector<T> full(k * B * k * B, T(-1e300));
  auto put = [&](int a, int i, int b, int j, T x) {
    full[static_cast<std::size_t>(((a * B + i) * k + b) * B + j)] = x;
  };
  std::vector<int> row, column;
  for (int a = 0; a < k; ++a)
    for (int b = symmetric ? a : 0; b < k; ++b) row.push_back(a), column.push_back(b);
  M::pairs(tables, X, coefficient, constant, symmetric, [&](int pair, T const* block) {
    int const a = row[static_cast<std::size_t>(pair)], b = column[static_cast<std::size_t>(pair)];
    for (int i = 0; i < B; ++i)
      for (int j = 0; j < B; ++j) {
        put(a, i, b, j, block[i * B + j]);
        if (symmetric) put(b, j, a, i, block[i * B + j]);
      }
  });
  return full;
}

template <class M>
Vector matrix(Tables const& tables, Vector const& X, Values const& c, bool symmetric = false) {
  return matrix<M, double>(
      tables, X.data(), [&](int q, int i) { return c(q, i); }, c.constant, symmetric);
}

using Real = long double;

/// Inverse and determinant of a dim x dim matrix by Gauss-Jordan with pivots, in long double.
inline Real invert(int dim, Real* A, Real* inverse) {
  Real det = 1;
  for (int i = 0; i < dim * dim; ++i) inverse[i] = i / dim == i % dim;
  for (int c = 0; c < dim; ++c) {
    int pivot = c;
    for (int r = c; r < dim; ++r)
      if (std::fabs(A[r * dim + c]) > std::fabs(A[pivot * dim + c])) pivot = r;
    for (int j = 0; j < dim && pivot != c; ++j)
      std::swap(A[c * dim + j], A[pivot * dim + j]),
          std::swap(inverse[c * dim + j], inverse[pivot * dim + j]);
    if (pivot != c) det = -det;
    Real const p = A[c * dim + c];
    det *= p;
    for (int j = 0; j < dim; ++j) A[c * dim + j] /= p, inverse[c * dim + j] /= p;
    for (int r = 0; r < dim; ++r) {
      Real const f = A[r * dim + c];
      for (int j = 0; j < dim && r != c; ++j)
        A[r * dim + j] -= f * A[c * dim + j], inverse[r * dim + j] -= f * inverse[c * dim + j];
    }
  }
  return det;
}

/// What a form has at a point: N, physical gradients g, coefficient c; entry ((a,i),(b,j)).
template <class M>
Real integrand(FormKind kind, bool tensor, int a, int i, int b, int j, double const* N,
               Real const* g, double const* c) {
  constexpr int dim = M::dim;
  Real const *ga = g + a * dim, *gb = g + b * dim;
  Real sum = 0;
  switch (kind) {
  case FormKind::mass:
    return Real(c[0]) * N[a] * N[b];
  case FormKind::advection:
    for (int d = 0; d < dim; ++d) sum += c[d] * gb[d];
    return N[a] * sum;
  case FormKind::diffusion:
    for (int d = 0; d < dim; ++d)
      for (int e = 0; e < dim; ++e)
        sum += ga[d] * (tensor ? c[d * dim + e] : d == e ? c[0] : 0) * gb[e];
    return sum;
  case FormKind::elasticity: // g_a,p C_ipjr g_b,r, C = lambda d_ip d_jr + mu (d_ij d_pr + d_ir
                             // d_pj)
    for (int p = 0; p < dim; ++p)
      for (int r = 0; r < dim; ++r)
        sum += ga[p] * gb[r] *
               (Real(c[0]) * (i == p) * (j == r) +
                Real(c[1]) * ((i == j) * (p == r) + (i == r) * (p == j)));
  }
  return sum;
}

/// The same matrix by its definition: the coefficient is a function of the point's number.
template <class L, class G, class M, class C>
std::vector<Real> by_definition(FormKind kind, bool tensor, Quadrature const& rule, Vector const& X,
                                C const& coefficient) {
  constexpr int dim = L::dim, k = L::nodes, B = M::per_pair == 1 ? 1 : dim;
  std::vector<Real> K(k * B * k * B, 0);
  for (int q = 0; q < rule.size(); ++q) {
    double const* xi = rule.points.data() + q * dim;
    double N[k], dN[k * dim], dG[G::nodes * dim], c[9] = {};
    L::values(xi, N), L::gradients(xi, dN), G::gradients(xi, dG);
    for (int i = 0; i < M::coefficients; ++i) c[i] = coefficient(q, i);
    Real J[9] = {}, inverse[9], g[k * dim] = {};
    for (int n = 0; n < G::nodes; ++n)
      for (int e = 0; e < dim * dim; ++e)
        J[e] += Real(X[static_cast<std::size_t>(n * dim + e / dim)]) * dG[n * dim + e % dim];
    Real const w = rule.weights[static_cast<std::size_t>(q)] * std::fabs(invert(dim, J, inverse));
    for (int a = 0; a < k; ++a)
      for (int e = 0; e < dim * dim; ++e)
        g[a * dim + e % dim] += dN[a * dim + e / dim] * inverse[e];
    std::size_t to = 0;
    for (int a = 0; a < k; ++a)
      for (int i = 0; i < B; ++i)
        for (int b = 0; b < k; ++b)
          for (int j = 0; j < B; ++j, ++to)
            K[to] += w * integrand<M>(kind, tensor, a, i, b, j, N, g, c);
  }
  return K;
}

/// Frobenius norm of the difference relative to that of the second.
template <class A, class B>
double difference(A const& x, B const& exact) {
  Real error = 0, size = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    Real const d = Real(x[i]) - Real(exact[i]);
    error += d * d, size += Real(exact[i]) * Real(exact[i]);
  }
  return static_cast<double>(std::sqrt(error / size));
}

inline bool same_bits(Vector const& x, Vector const& y) {
  return x.size() == y.size() && std::memcmp(x.data(), y.data(), 8 * x.size()) == 0;
}

template <class L, class G, FormKind k, bool t = false>
std::string label() {
  return name(Element{L::cell, L::degree}) + " on degree " + std::to_string(G::degree) + ", form " +
         std::to_string(static_cast<int>(k)) + (t ? " (tensor)" : "");
}

} // namespace moho::fem::test
