// SPDX-License-Identifier: BSD-3-Clause
#include "moho/core/error.hpp"
#include "support.hpp"
#include <gtest/gtest.h>

namespace moho::fem::test {
namespace {

double sum_of(Vector const& v) {
  double sum = 0;
  for (double const x : v) sum += x;
  return sum;
}
void one(double const*, double* f) {
  f[0] = 1;
}

class EveryFacet : public testing::TestWithParam<std::tuple<Cell, int>> {
protected:
  Cell cell() const { return std::get<0>(GetParam()); }
  int degree() const { return std::get<1>(GetParam()); }
};

TEST_P(EveryFacet, LoadIntegratesOnEachSide) {
  // f = x^2 + 2 y + 3 xy (+ z), tested with v = 1 and v = y on each side of the unit cube.
  Built const built = build(mesh_of(cell(), 3, .1), degree(), 1);
  int const dim = built.part.mesh.dim();
  Field const f = [dim](double const* x, double* out) {
    out[0] = x[0] * x[0] + 2 * x[1] + 3 * x[0] * x[1] + (dim == 3 ? x[2] : 0);
  };
  double const z = dim == 3 ? .5 : 0;
  // Integrals of f over x=0, x=1, y=0, y=1, (z=0, z=1).
  double const over[]{1 + z,
                      1 + 1 + 1.5 + z,
                      1. / 3 + z,
                      1. / 3 + 2 + 1.5 + z,
                      1. / 3 + 1 + .75,
                      1. / 3 + 1 + .75 + 1};
  // Integrals of f y over x=0, x=1.
  double const times_y[]{2. / 3 + z / 2, .5 + 2. / 3 + 1 + z / 2};
  for (int side = 0; side < 2 * dim; ++side) {
    Reals const out = built.vector();
    std::vector<std::int32_t> const tag{side + 1};
    facet_load(built.part, *built.topology, tag, 5, f, out);
    Vector const F = host(out);
    EXPECT_NEAR(sum_of(F), over[side], 2e-14) << name(cell()) << " side " << side;
    EXPECT_GT(std::fabs(sum_of(F) - over[(side + 1) % (2 * dim)]), .1 * (side != 4));
    Vector const y = nodal(built, [](double const* x, double* v) { v[0] = x[1]; });
    if (side < 2) {
      EXPECT_NEAR(dot(F, y, F.size()), times_y[side], 2e-14);
    }
  }
}

TEST_P(EveryFacet, MassIntegratesAlphaUV) {
  // u = 1 + x - 2 y, v = 3 - x + y, alpha = 1 + x, on y = 1.
  Built const built = build(mesh_of(cell(), 3, .1), degree(), 2);
  Reals const values = make_values(*built.topology);
  std::vector<std::int32_t> const top{4};
  Field const alpha = [](double const* x, double* a) { a[0] = 1 + x[0]; };
  facet_mass(built.part, *built.topology, top, 2 * degree() + 1, alpha, values);
  auto const component = [&](int i, double c, double cx, double cy) {
    return nodal(built, [=](double const* x, double* v) {
      v[i] = c + cx * x[0] + cy * x[1];
      v[1 - i] = 0;
    });
  };
  Vector const R = host(values);
  auto const& pattern = built.topology->pattern();
  for (int i = 0; i < 2; ++i) {
    Vector const u = component(i, 1, 1, -2), v = component(i, 3, -1, 1);
    Vector const Ru = multiply(pattern, R, u);
    // integral of (1 + x)(x - 1)(4 - x) = -4 + x + 4 x^2 - x^3 over [0, 1]
    EXPECT_NEAR(dot(v, Ru, v.size()), -4 + .5 + 4. / 3 - .25, 2e-14);
    // Components do not mix.
    EXPECT_EQ(dot(component(1 - i, 1, 1, 1), Ru, v.size()), 0);
  }
  // Symmetric to the bit; it changes when alpha does.
  for (std::int32_t row = 0; row < built.topology->owned_nodes() * 2; ++row)
    for (auto j = pattern.diagonal_ptr[static_cast<std::size_t>(row)];
         j < pattern.diagonal_ptr[static_cast<std::size_t>(row) + 1]; ++j) {
      auto const column = pattern.diagonal_column[static_cast<std::size_t>(j)];
      ASSERT_EQ(R[static_cast<std::size_t>(j)],
                R[static_cast<std::size_t>(built.topology->find(column, row))]);
    }
  Reals const others = make_values(*built.topology);
  facet_mass(built.part, *built.topology, top, 2 * degree() + 1, one, others);
  EXPECT_NE(host(others), R);
}

TEST_P(EveryFacet, MassHasTheSameBitsOnAnySplit) {
  Mesh const mesh = mesh_of(cell(), 4, .1);
  Field const alpha = [](double const* x, double* a) { a[0] = std::exp(x[0] + x[1]); };
  Built const whole = build(mesh, degree(), 1);
  Reals const values = make_values(*whole.topology);
  facet_mass(whole.part, *whole.topology, {}, 5, alpha, values);
  Vector const K = host(values);
  std::size_t compared = 0;
  for (Built const& part : split(mesh, degree(), 1, {.23, .61})) {
    Reals const mine = make_values(*part.topology);
    facet_mass(part.part, *part.topology, {}, 5, alpha, mine);
    Vector const P = host(mine);
    auto const& row = part.part.space.row;
    for (std::int32_t a = 0; a < part.topology->owned_nodes(); ++a)
      for (std::int32_t b = 0; b < part.topology->local_nodes(); ++b) {
        auto const here = part.topology->find(a, b);
        auto const there =
            whole.topology->find(static_cast<std::int32_t>(row[static_cast<std::size_t>(a)]),
                                 static_cast<std::int32_t>(row[static_cast<std::size_t>(b)]));
        ASSERT_EQ(here >= 0, there >= 0);
        if (here < 0) continue;
        ASSERT_EQ(P[static_cast<std::size_t>(here)], K[static_cast<std::size_t>(there)]);
        ++compared;
      }
  }
  EXPECT_EQ(compared, whole.topology->pattern().nonzeros());
}

std::string element_name(testing::TestParamInfo<std::tuple<Cell, int>> const& info) {
  return std::string(name(std::get<0>(info.param))) + std::to_string(std::get<1>(info.param));
}
INSTANTIATE_TEST_SUITE_P(Facets, EveryFacet,
                         testing::Combine(testing::ValuesIn(all_cells), testing::Values(1, 2)),
                         element_name);

TEST(Facets, CurvedFacetsHaveTheMeasureOfTheirArc) {
  // The last coordinate is moved by c x (1 - x): the last side becomes a parabola (times a line),
  // which degree 2 follows exactly.
  double const c = .3;
  double const arc = std::sqrt(1 + c * c) / 2 + std::asinh(c) / (2 * c);
  for (Cell const cell : all_cells) {
    int const last = dimension(cell) - 1;
    Mesh const straight = mesh_of(cell, 4);
    Mesh const mesh = curved(straight, [=](double* x) { x[last] += c * x[0] * (1 - x[0]); });
    Built const built = build(mesh, 2, 1), flat = build(straight, 2, 1);
    std::vector<std::int32_t> const side{2 * last + 2};
    Reals const out = built.vector(), plain = flat.vector();
    facet_load(built.part, *built.topology, side, 10, one, out);
    facet_load(flat.part, *flat.topology, side, 10, one, plain);
    EXPECT_NEAR(sum_of(host(out)), arc, 1e-12) << name(cell);
    EXPECT_NEAR(sum_of(host(plain)), 1, 1e-14);
    EXPECT_GT(arc, 1.01);
  }
}

TEST(Facets, UnknownTagsAddNothingAndMismatchesThrow) {
  Built const built = build(mesh_of(Cell::triangle, 3), 1, 1);
  Built const other = build(mesh_of(Cell::triangle, 2), 1, 1);
  Reals const out = built.vector();
  std::vector<std::int32_t> const unknown{77};
  facet_load(built.part, *built.topology, unknown, 2, one, out);
  EXPECT_EQ(sum_of(host(out)), 0);
  facet_load(built.part, *built.topology, {}, 2, one, out);
  EXPECT_NEAR(sum_of(host(out)), 4, 1e-14);
  EXPECT_THROW(facet_load(other.part, *built.topology, {}, 2, one, out), Error);
  EXPECT_THROW(facet_load(built.part, *built.topology, {}, 2, one, Reals("few", 2)), Error);
  EXPECT_THROW(facet_mass(built.part, *built.topology, {}, 2, one, Reals("few", 2)), Error);
}

} // namespace
} // namespace moho::fem::test
