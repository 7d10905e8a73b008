// SPDX-License-Identifier: BSD-3-Clause
#include "moho/core/error.hpp"
#include "support.hpp"
#include <gtest/gtest.h>

namespace moho::fem::test {
namespace {

/// 1 + 2 x - y (+ z / 2), in every space; component i times i + 1.
Field linear(int dim, int components) {
  return [=](double const* x, double* out) {
    for (int i = 0; i < components; ++i)
      out[i] = (i + 1) * (1 + 2 * x[0] - x[1] + (dim == 3 ? .5 * x[2] : 0));
  };
}

Form diffusion_of(int components) {
  Form form;
  form.components = components;
  return form;
}

class EveryConstraint : public testing::TestWithParam<std::tuple<Cell, int, int>> {
protected:
  Built whole(int n) const {
    auto const [cell, degree, components] = GetParam();
    return build(mesh_of(cell, n, .1), degree, components);
  }
};

TEST_P(EveryConstraint, PatchTestReproducesLinearFields) {
  Built const built = whole(2);
  int const B = built.topology->components();
  Form const form = diffusion_of(B);
  Reals const values = make_values(*built.topology), b = built.vector();
  make_assembly(*built.topology, form, Reduce::two_pass)->assemble(form, values);
  Constraints const constraints(*built.topology, fixed_marks(built));
  Vector const exact = nodal(built, linear(built.part.mesh.dim(), B));
  constraints.lift(values, device(exact), b);
  constraints.eliminate(values);
  Vector const u = solve(built.topology->pattern(), host(values), host(b));
  for (std::size_t i = 0; i < u.size(); ++i) EXPECT_NEAR(u[i], exact[i], 1e-12) << i;
  // Without the lift the inner values are not those.
  Reals const none = built.vector();
  constraints.set(device(exact), none);
  Vector const wrong = solve(built.topology->pattern(), host(values), host(none));
  double difference = 0;
  for (std::size_t i = 0; i < u.size(); ++i)
    difference = std::max(difference, std::fabs(wrong[i] - exact[i]));
  EXPECT_GT(difference, .1);
}

TEST_P(EveryConstraint, EliminationIsThatOfTheDenseMatrix) {
  Built const built = whole(2);
  int const B = built.topology->components();
  auto const& pattern = built.topology->pattern();
  std::vector<std::uint8_t> fixed = fixed_marks(built, {1, 3});
  fixed.back() = 1; // one component of one node
  if (B > 1) fixed[fixed.size() - 2] = 0;
  Constraints const constraints(*built.topology, fixed);
  unsigned const seed = 3;
  SCOPED_TRACE("seed " + std::to_string(seed));
  Vector const g = random_vector(built.local(), seed), b0 = random_vector(built.owned(), seed + 1);
  Vector const K = assemble(built, diffusion_of(B));
  double const diagonal = 2.5;
  Reals const values = device(K), b = device(b0);
  constraints.lift(values, device(g), b, diagonal);
  constraints.eliminate(values, diagonal);
  Vector const after = host(values), lifted = host(b);
  std::size_t fixed_rows = 0;
  for (std::size_t row = 0; row < pattern.rows(); ++row) {
    fixed_rows += fixed[row];
    double wanted = b0[row];
    for (auto j = static_cast<std::size_t>(pattern.diagonal_ptr[row]);
         j < static_cast<std::size_t>(pattern.diagonal_ptr[row + 1]); ++j) {
      auto const column = static_cast<std::size_t>(pattern.diagonal_column[j]);
      bool const touched = fixed[row] || fixed[column];
      EXPECT_EQ(after[j], touched ? (row == column ? diagonal : 0) : K[j]);
      if (fixed[column]) wanted -= K[j] * g[column];
    }
    EXPECT_NEAR(lifted[row], fixed[row] ? diagonal * g[row] : wanted, 1e-14);
  }
  EXPECT_EQ(constraints.fixed_rows(), fixed_rows);
  constraints.zero(b);
  Vector const zeroed = host(b);
  for (std::size_t row = 0; row < pattern.rows(); ++row)
    EXPECT_EQ(zeroed[row], fixed[row] ? 0 : lifted[row]);
}

TEST_P(EveryConstraint, LiftHasTheSameBitsOnAnySplit) {
  auto const [cell, degree, B] = GetParam();
  Mesh const mesh = mesh_of(cell, 4, .1);
  Built const all = build(mesh, degree, B);
  std::vector<std::uint8_t> const fixed = fixed_marks(all);
  unsigned const seed = 9;
  SCOPED_TRACE("seed " + std::to_string(seed));
  Vector const g = random_vector(all.local(), seed), b0 = random_vector(all.owned(), seed + 1);
  Form const form = diffusion_of(B);
  Reals const b = device(b0);
  Constraints(*all.topology, fixed).lift(device(assemble(all, form)), device(g), b);
  Vector const marks(fixed.begin(), fixed.end());
  for (auto const& shares : all_shares())
    for (Built const& part : split(mesh, degree, B, shares)) {
      Vector const mine = on_part(marks, part), start = on_part(b0, part);
      Reals const c = device(start);
      Constraints const constraints(*part.topology, {mine.begin(), mine.end()});
      constraints.lift(device(assemble(part, form)), device(on_part(g, part)), c);
      EXPECT_TRUE(same_bits(host(b), host(c), part, B));
      EXPECT_FALSE(same_bits(b0, host(c), part, B));
    }
}

std::string element_name(testing::TestParamInfo<std::tuple<Cell, int, int>> const& info) {
  return std::string(name(std::get<0>(info.param))) + std::to_string(std::get<1>(info.param)) +
         "x" + std::to_string(std::get<2>(info.param));
}
INSTANTIATE_TEST_SUITE_P(Constraints, EveryConstraint,
                         testing::Combine(testing::ValuesIn(all_cells), testing::Values(1, 2),
                                          testing::Values(1, 2)),
                         element_name);

TEST(Constraints, RefusesWrongMarks) {
  Built const built = build(mesh_of(Cell::triangle, 2), 1, 1);
  EXPECT_THROW(Constraints(*built.topology, std::vector<std::uint8_t>(5)), Error);
  EXPECT_THROW(Constraints(*built.topology, std::vector<std::uint8_t>(9, 2)), Error);
  EXPECT_NO_THROW(Constraints(*built.topology, std::vector<std::uint8_t>(9, 1)));
}

TEST(Constraints, NothingFixedChangesNothing) {
  Built const built = build(mesh_of(Cell::triangle, 2), 1, 1);
  Vector const K = assemble(built, diffusion_of(1)), b = random_vector(9, 1);
  Constraints const none(*built.topology, std::vector<std::uint8_t>(9, 0));
  Reals const values = device(K), c = device(b);
  none.lift(values, device(b), c);
  none.eliminate(values);
  EXPECT_EQ(host(values), K);
  EXPECT_EQ(host(c), b);
}

} // namespace
} // namespace moho::fem::test
