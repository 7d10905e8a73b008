// SPDX-License-Identifier: BSD-3-Clause
// What must hold for the local matrices of every element, geometry and form.
#pragma once
#include "local_support.hpp"

namespace moho::fem::test {

template <class L, class G>
struct Pair {
  using Shape = L;
  using Geometry = G;
};

template <class L, class G, FormKind kind, bool tensor = false>
struct Check {
  using M = LocalMatrix<L, G, kind, tensor>;
  static Form form(bool nodal = false) {
    Form f;
    f.kind = kind;
    f.tensor = tensor;
    f.coefficient.where = nodal ? Where::nodal : Where::cell;
    return f;
  }
  static Quadrature rule(int more = 0) {
    return quadrature(L::cell, quadrature_degree(form(), {L::cell, L::degree}) + more);
  }
  static HostTables tables(Quadrature const& r) {
    return {{L::cell, L::degree}, {G::cell, G::degree}, r};
  }
  static std::string what() {
    return label<L, G, kind, tensor>() + ", seed " + std::to_string(seed);
  }

  /// Constant and varying coefficients; affine simplices against a rule of far higher degree.
  static void against_definition() {
    std::mt19937_64 random(seed);
    for (int repeat = 0; repeat < 3; ++repeat)
      for (bool constant : {true, false}) {
        auto const r = rule(constant ? 0 : 2);
        auto const t = tables(r);
        auto const X = random_cell<G>(random);
        auto const c = random_values(random, M::coefficients, r.size(), constant);
        auto const mine = matrix<M>(t.view(), X, c);
        auto const exact = by_definition<L, G, M>(kind, tensor, constant && M::affine ? rule(5) : r,
                                                  X, [&](int q, int i) { return c(q, i); });
        EXPECT_LT(difference(mine, exact), 2e-15)
            << what() << (constant ? " constant" : " varying");
      }
  }
  /// That comparison sees a node that moved by 1e-12 of the cell.
  static void definition_sees_a_moved_node() {
    std::mt19937_64 random(seed);
    auto const r = rule();
    auto const t = tables(r);
    auto X = random_cell<G>(random);
    auto const c = random_values(random, M::coefficients, r.size(), true);
    auto const exact =
        by_definition<L, G, M>(kind, tensor, r, X, [&](int q, int i) { return c(q, i); });
    X[1] += 1e-12;
    EXPECT_GT(difference(matrix<M>(t.view(), X, c), exact), 5e-14) << what();
  }
  /// A pack gives each lane the bits of the double kernel; upper pairs have those of all pairs; and
  /// the matrix of a symmetric form is symmetric to the last bit.
  static void bits() {
    std::mt19937_64 random(seed);
    for (bool constant : {true, false}) {
      auto const r = rule(3); // Q2: more than one chunk of points
      auto const t = tables(r);
      std::vector<HostPack> X(G::nodes * L::dim),
          c(static_cast<std::size_t>(M::coefficients * r.size()));
      std::vector<Vector> x;
      std::vector<Values> v;
      for (int l = 0; l < simd_lanes; ++l) {
        x.push_back(random_cell<G>(random));
        v.push_back(random_values(random, M::coefficients, r.size(), constant));
        for (std::size_t i = 0; i < X.size(); ++i) set_lane(X[i], l, x.back()[i]);
        for (std::size_t i = 0; i < c.size(); ++i) set_lane(c[i], l, v.back().at[i]);
      }
      auto const coefficient = [&](int q, int i) {
        return c[static_cast<std::size_t>((constant ? 0 : q) * M::coefficients + i)];
      };
      auto const packed = matrix<M, HostPack>(t.view(), X.data(), coefficient, constant, false);
      for (int l = 0; l < simd_lanes; ++l) {
        Vector one(packed.size());
        for (std::size_t i = 0; i < one.size(); ++i) one[i] = lane(packed[i], l);
        auto const at = static_cast<std::size_t>(l);
        auto const scalar = matrix<M>(t.view(), x[at], v[at]);
        EXPECT_TRUE(same_bits(one, scalar)) << what() << " lane " << l;
        if (!M::symmetric_form) continue;
        EXPECT_TRUE(same_bits(scalar, matrix<M>(t.view(), x[at], v[at], true))) << what();
        auto const n = static_cast<std::size_t>(std::lround(std::sqrt(scalar.size())));
        for (std::size_t i = 0; i < scalar.size(); ++i)
          ASSERT_EQ(scalar[i], scalar[i % n * n + i / n]) << what() << " entry " << i;
      }
    }
  }
  /// A scalar coefficient that is constant in the cell multiplies last.
  static void scales_last() {
    if constexpr (M::coefficients == 1) {
      std::mt19937_64 random(seed);
      auto const r = rule();
      auto const t = tables(r);
      auto const X = random_cell<G>(random);
      auto one = matrix<M>(t.view(), X, {true, 1, {1.0}});
      for (double& x : one) x *= 1.7;
      EXPECT_TRUE(same_bits(matrix<M>(t.view(), X, {true, 1, {1.7}}), one)) << what();
    }
  }
  /// Largest entry of K u, relative to the largest of K, for fields u_i = at(x, i) at the nodes.
  template <class F>
  static double residual(F const& at, bool columns = true) {
    std::mt19937_64 random(seed);
    auto const r = rule();
    auto const t = tables(r);
    auto const X = random_cell<G>(random);
    auto const c = random_values(random, M::coefficients, r.size(), true);
    auto const K = matrix<M>(t.view(), X, c);
    constexpr int B = M::per_pair == 1 ? 1 : L::dim, n = L::nodes * B;
    auto const nodes = reference_nodes({L::cell, L::degree});
    double worst = 0, largest = 0;
    for (int i = 0; i < n; ++i) {
      double sum = 0;
      for (int b = 0; b < L::nodes; ++b) {
        double N[G::nodes], x[3] = {};
        G::values(nodes.data() + b * L::dim, N);
        for (int g = 0; g < G::nodes; ++g)
          for (int d = 0; d < L::dim; ++d)
            x[d] += N[g] * X[static_cast<std::size_t>(g * L::dim + d)];
        for (int j = 0; j < B; ++j) {
          int const o = b * B + j;
          double const entry = K[static_cast<std::size_t>(columns ? i * n + o : o * n + i)];
          sum += entry * at(x, j), largest = std::max(largest, std::fabs(entry));
        }
      }
      worst = std::max(worst, std::fabs(sum));
    }
    return worst / largest;
  }

  static void all() {
    against_definition();
    definition_sees_a_moved_node();
    bits();
    scales_last();
    kernel();
  }
  /// Constants are in the kernel of diffusion and advection, rigid modes in that of elasticity;
  /// a linear field and a stretch are not.
  static void kernel() {
    if constexpr (kind == FormKind::elasticity) {
      for (int d = 0; d < L::dim; ++d)
        EXPECT_LT(residual([&](double const*, int j) { return j == d ? 1. : 0.; }), 1e-14)
            << what();
      for (int a = 0; a < L::dim; ++a)
        for (int b = a + 1; b < L::dim; ++b)
          EXPECT_LT(residual([&](double const* x, int j) {
                      return j == a ? x[b] : j == b ? -x[a] : 0.;
                    }),
                    1e-14)
              << what() << " rotation " << a << b;
      EXPECT_GT(residual([&](double const* x, int j) { return j == 0 ? x[0] : 0.; }), 1e-3)
          << what();
      EXPECT_GT(residual([&](double const* x, int j) {
                  return j == 0 ? x[1] : j == 1 ? x[0] : 0.;
                }),
                1e-3)
          << what();
    } else if constexpr (kind != FormKind::mass) {
      EXPECT_LT(residual([](double const*, int) { return 1.; }), 1e-14) << what();
      EXPECT_GT(residual([](double const* x, int) { return x[0]; }), 1e-3) << what();
      if constexpr (tensor) { // columns sum to zero as well
        EXPECT_LT(residual([](double const*, int) { return 1.; }, false), 1e-14) << what();
      }
    }
  }
};

template <class P>
void all_forms() {
  using L = typename P::Shape;
  using G = typename P::Geometry;
  Check<L, G, FormKind::diffusion>::all();
  Check<L, G, FormKind::diffusion, true>::all();
  Check<L, G, FormKind::mass>::all();
  Check<L, G, FormKind::advection>::all();
  Check<L, G, FormKind::elasticity>::all();
}

/// Mass and stiffness with a coefficient of the element's own degree, nodal: the degree that is
/// chosen is exact on affine cells, and one less is not.
template <class L, FormKind kind>
void nodal_degree_is_exact() {
  using G = Lagrange<L::cell, 1>;
  using Checks = Check<L, G, kind>;
  using M = typename Checks::M;
  std::mt19937_64 random(seed);
  const Element element{L::cell, L::degree};
  int const degree = quadrature_degree(Checks::form(true), element);
  auto X = reference_cell<G>();
  for (std::size_t i = 0; i < X.size(); i += L::dim) X[i] += 0.3 * X[i + 1]; // affine
  auto const nodal = random_values(random, M::coefficients, L::nodes, false);
  auto const at = [&](Quadrature const& r) { // (points, components)
    Values v{false, M::coefficients, {}};
    for (int q = 0; q < r.size(); ++q) {
      double N[L::nodes];
      L::values(r.points.data() + q * L::dim, N);
      for (int i = 0; i < M::coefficients; ++i) {
        double sum = 0;
        for (int a = 0; a < L::nodes; ++a) sum += N[a] * nodal(a, i);
        v.at.push_back(sum);
      }
    }
    return v;
  };
  auto const fine = quadrature(L::cell, degree + 4);
  auto const fine_values = at(fine);
  auto const exact = by_definition<L, G, M>(kind, false, fine, X, fine_values);
  auto const of_degree = [&](int d) {
    auto const r = quadrature(L::cell, d);
    return difference(matrix<M>(Checks::tables(r).view(), X, at(r)), exact);
  };
  EXPECT_LT(of_degree(degree), 3e-15) << Checks::what();
  int lower = degree; // the rule below is one that is truly of a lower degree
  while (lower > 0 && quadrature(L::cell, lower).degree >= degree) --lower;
  if (degree > 1) { // a rule of one point has degree 1
    ASSERT_LT(quadrature(L::cell, lower).degree, degree) << Checks::what();
    EXPECT_GT(of_degree(lower), 1e-6) << Checks::what() << " degree " << lower;
  }
}

} // namespace moho::fem::test
