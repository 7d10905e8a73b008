// SPDX-License-Identifier: BSD-3-Clause
#include "moho/core/error.hpp"
#include "support.hpp"
#include <gtest/gtest.h>

namespace moho::fem::test {
namespace {

/// sum of F_a g(x_a) for component i: the integral of f_i g when g is in the space.
double tested(Built const& built, Vector const& F, int i, std::function<double(double const*)> g) {
  auto const dim = static_cast<std::size_t>(built.part.mesh.dim());
  auto const B = static_cast<std::size_t>(built.topology->components());
  double sum = 0;
  for (std::size_t a = 0; a < built.part.space.local_nodes(); ++a)
    sum += F[a * B + static_cast<std::size_t>(i)] * g(&built.part.space.points[a * dim]);
  return sum;
}

/// f_0 = x^2 y, f_1 = 3 x^2 y, f_2 = 5 x^2 y.
void cubic(int components, double const* x, double* f) {
  for (int i = 0; i < components; ++i) f[i] = (2 * i + 1) * x[0] * x[0] * x[1];
}

class EveryElement : public testing::TestWithParam<std::tuple<Cell, int, int>> {
protected:
  Cell cell() const { return std::get<0>(GetParam()); }
  int degree() const { return std::get<1>(GetParam()); }
  int components() const { return std::get<2>(GetParam()); }
};

TEST_P(EveryElement, LoadIntegratesPolynomialsOnPerturbedMeshes) {
  Built const built = build(mesh_of(cell(), 3, .15), degree(), components());
  Reals const out = built.vector();
  int const B = components();
  load(
      *built.topology, 10, [B](double const* x, double* f) { cubic(B, x, f); }, out);
  Vector const F = host(out);
  for (int i = 0; i < B; ++i) {
    double const c = 2 * i + 1;
    EXPECT_NEAR(tested(built, F, i, [](double const*) { return 1.; }), c * moment(2, 1), 1e-14 * c);
    EXPECT_NEAR(tested(built, F, i, [](double const* x) { return x[0]; }), c * moment(3, 1),
                1e-14 * c);
    EXPECT_NEAR(tested(built, F, i, [](double const* x) { return x[1]; }), c * moment(2, 2),
                1e-14 * c);
  }
  // A rule that is too low must be seen.
  load(
      *built.topology, 1, [B](double const* x, double* f) { cubic(B, x, f); }, out);
  double const low = tested(built, host(out), 0, [](double const* x) { return x[0]; });
  EXPECT_GT(std::fabs(low - moment(3, 1)), 1e-6);
}

TEST_P(EveryElement, LoadAtPointsHasTheBitsOfLoad) {
  Built const built = build(mesh_of(cell(), 2, .1), degree(), components());
  int const rule = 4, B = components();
  Field const f = [B](double const* x, double* out) {
    for (int i = 0; i < B; ++i) out[i] = std::sin(x[0] + i) * std::exp(x[1]);
  };
  Vector const zero(built.local(), 0.);
  Sampled const at = sample(*built.topology, rule, zero, 0, built.topology->cells(), false);
  auto const dim = static_cast<std::size_t>(built.part.mesh.dim());
  Vector values(at.weights.size() * static_cast<std::size_t>(B));
  for (std::size_t i = 0; i < at.weights.size(); ++i)
    f(&at.points[i * dim], &values[i * static_cast<std::size_t>(B)]);
  Reals const one = built.vector(), other = built.vector();
  load(*built.topology, rule, f, one);
  load_at_points(*built.topology, rule, device(values), other);
  EXPECT_EQ(host(one), host(other));
  values[0] += 1e-3;
  load_at_points(*built.topology, rule, device(values), other);
  EXPECT_NE(host(one), host(other));
  // `add` adds to what is there.
  load(*built.topology, rule, f, one, true);
  load(*built.topology, rule, f, other);
  Vector const twice = host(one), once = host(other);
  for (std::size_t i = 0; i < once.size(); ++i) EXPECT_NEAR(twice[i], 2 * once[i], 1e-15) << i;
}

TEST_P(EveryElement, NodalLoadIsTheMassMatrixApplied) {
  Built const built = build(mesh_of(cell(), 2, .1), degree(), components());
  unsigned const seed = 5;
  SCOPED_TRACE("seed " + std::to_string(seed));
  Vector const f = random_vector(built.local(), seed);
  Reals const out = built.vector();
  load_nodal(*built.topology, device(f), out);
  Form mass;
  mass.kind = FormKind::mass;
  mass.components = components();
  Vector const values = assemble(built, mass), F = host(out);
  Vector const y = multiply(built.topology->pattern(), values, f);
  double largest = 0;
  for (std::size_t i = 0; i < y.size(); ++i) largest = std::max(largest, std::fabs(y[i]));
  for (std::size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(F[i], y[i], 1e-14 * largest) << i;
}

TEST_P(EveryElement, LoadsHaveTheSameBitsOnAnySplit) {
  Mesh const mesh = mesh_of(cell(), 4, .1);
  int const B = components(), rule = degree() + 3;
  Field const f = [B](double const* x, double* out) {
    for (int i = 0; i < B; ++i) out[i] = std::sin(3 * x[0] + i) * std::exp(x[1]);
  };
  Built const whole = build(mesh, degree(), B);
  Vector const nodal_f = random_vector(whole.local(), 7);
  Reals const F = whole.vector(), M = whole.vector(), S = whole.vector();
  std::vector<std::int32_t> const tags{2, 4};
  load(*whole.topology, rule, f, F);
  load_nodal(*whole.topology, device(nodal_f), M);
  facet_load(whole.part, *whole.topology, tags, rule, f, S);
  for (auto const& shares : all_shares())
    for (Built const& part : split(mesh, degree(), B, shares)) {
      Reals const p = part.vector();
      load(*part.topology, rule, f, p);
      EXPECT_TRUE(same_bits(host(F), host(p), part, B));
      load_nodal(*part.topology, device(on_part(nodal_f, part)), p);
      EXPECT_TRUE(same_bits(host(M), host(p), part, B));
      EXPECT_FALSE(same_bits(host(F), host(p), part, B)); // the comparison can fail
      Kokkos::deep_copy(p, 0.);
      facet_load(part.part, *part.topology, tags, rule, f, p);
      EXPECT_TRUE(same_bits(host(S), host(p), part, B));
    }
}

std::string element_name(testing::TestParamInfo<std::tuple<Cell, int, int>> const& info) {
  return std::string(name(std::get<0>(info.param))) + std::to_string(std::get<1>(info.param)) +
         "x" + std::to_string(std::get<2>(info.param));
}
INSTANTIATE_TEST_SUITE_P(Load, EveryElement,
                         testing::Combine(testing::ValuesIn(all_cells), testing::Values(1, 2),
                                          testing::Values(1, 3)),
                         element_name);

TEST(Load, CurvedCellsKeepTheVolume) {
  // Inner edges are bent, the boundary stays: the volume is still 1, and x is in the space.
  for (Cell const cell : all_cells) {
    Mesh const mesh = curved(mesh_of(cell, 2), [cell](double* x) {
      double product = .08;
      for (int d = 0; d < dimension(cell); ++d) product *= std::sin(M_PI * x[d]);
      for (int d = 0; d < dimension(cell); ++d) x[d] += product;
    });
    Built const built = build(mesh, 2, 1);
    Reals const out = built.vector();
    load(
        *built.topology, 8, [](double const*, double* f) { f[0] = 1; }, out);
    EXPECT_NEAR(tested(built, host(out), 0, [](double const*) { return 1.; }), 1, 1e-14);
    EXPECT_NEAR(tested(built, host(out), 0, [](double const* x) { return x[0]; }), .5, 1e-13)
        << name(cell);
  }
}

TEST(Load, RefusesShortArrays) {
  Built const built = build(mesh_of(Cell::triangle, 2), 1, 1);
  Reals const out = built.vector(), few("few", 3);
  Field const one = [](double const*, double* f) { f[0] = 1; };
  EXPECT_THROW(load(*built.topology, 2, one, few), Error);
  EXPECT_THROW(load_nodal(*built.topology, few, out), Error);
  EXPECT_THROW(load_at_points(*built.topology, 2, few, out), Error);
  Vector const u(4);
  EXPECT_THROW(sample(*built.topology, 2, u, 0, 1, false), Error);
  EXPECT_THROW(sample(*built.topology, 2, Vector(9), 0, 9, false), Error);
  EXPECT_THROW(error_norms(*built.topology, 2, u, one, {}), Error);
}

} // namespace
} // namespace moho::fem::test
