// SPDX-License-Identifier: BSD-3-Clause
#include "support.hpp"
#include <gtest/gtest.h>

namespace moho::fem::test {
namespace {

/// A polynomial of the space's degree and its gradient; component i is scaled by i + 1.
struct Truth {
  int dim, degree, components;
  Field value() const {
    return [*this](double const* x, double* out) {
      for (int i = 0; i < components; ++i)
        out[i] = (i + 1) * (1 + 2 * x[0] - x[1] + (dim == 3 ? .5 * x[2] : 0) +
                            (degree == 2 ? x[0] * x[1] + x[0] * x[0] : 0));
    };
  }
  Field gradient() const {
    return [*this](double const* x, double* out) {
      for (int i = 0; i < components; ++i) {
        out[i * dim] = (i + 1) * (2 + (degree == 2 ? x[1] + 2 * x[0] : 0));
        out[i * dim + 1] = (i + 1) * (-1 + (degree == 2 ? x[0] : 0));
        if (dim == 3) out[i * dim + 2] = (i + 1) * .5;
      }
    };
  }
};

class EveryNorm : public testing::TestWithParam<std::tuple<Cell, int, int>> {
protected:
  Truth truth() const {
    auto const [cell, degree, components] = GetParam();
    return {dimension(cell), degree, components};
  }
  Mesh mesh(int n, double perturbation) const {
    return mesh_of(std::get<0>(GetParam()), n, perturbation);
  }
};

TEST_P(EveryNorm, AFunctionOfTheSpaceHasNoError) {
  // Q2 on a perturbed (bilinear) mesh does not hold x^2; so degree 2 keeps its mesh straight.
  Truth const t = truth();
  Built const built = build(mesh(3, t.degree == 1 ? .1 : 0.), t.degree, t.components);
  Vector u = nodal(built, t.value());
  SquaredNorms const exact = error_norms(*built.topology, 7, u, t.value(), t.gradient());
  EXPECT_LT(exact.error, 1e-26);
  EXPECT_LT(exact.error_gradient, 1e-24);
  u[u.size() / 2] += 1e-3; // it is seen
  SquaredNorms const wrong = error_norms(*built.topology, 7, u, t.value(), t.gradient());
  EXPECT_GT(wrong.error, 1e-10);
  EXPECT_GT(wrong.error_gradient, 1e-10);
  // Without a gradient those sums are 0, the others unchanged.
  SquaredNorms const plain = error_norms(*built.topology, 7, u, t.value(), {});
  EXPECT_EQ(plain.error, wrong.error);
  EXPECT_EQ(plain.error_gradient, 0);
  EXPECT_EQ(plain.exact_gradient, 0);
}

TEST_P(EveryNorm, NormsOfTheExactFunction) {
  // u = x y, |u|^2 = 1/9, |grad u|^2 = 2/3; u_h = 0.
  Truth const t = truth();
  Built const built = build(mesh(3, .1), t.degree, t.components);
  Field const u = [t](double const* x, double* out) {
    for (int i = 0; i < t.components; ++i) out[i] = (i + 1) * x[0] * x[1];
  };
  Field const gradient = [t](double const* x, double* out) {
    for (int i = 0; i < t.components; ++i) {
      out[i * t.dim] = (i + 1) * x[1], out[i * t.dim + 1] = (i + 1) * x[0];
      if (t.dim == 3) out[i * t.dim + 2] = 0;
    }
  };
  double squares = 0;
  for (int i = 0; i < t.components; ++i) squares += (i + 1) * (i + 1);
  SquaredNorms const s = error_norms(*built.topology, 9, Vector(built.local()), u, gradient);
  EXPECT_NEAR(s.exact, squares / 9, 1e-13);
  EXPECT_NEAR(s.exact_gradient, squares * 2 / 3, 1e-13);
  EXPECT_EQ(s.error, s.exact);
  EXPECT_EQ(s.error_gradient, s.exact_gradient);
}

TEST_P(EveryNorm, PartsCountEachCellOnce) {
  Truth const t = truth();
  Mesh const whole_mesh = mesh(4, .1);
  Built const whole = build(whole_mesh, t.degree, t.components);
  Vector const u = random_vector(whole.local(), 11);
  SquaredNorms const all = error_norms(*whole.topology, 7, u, t.value(), t.gradient());
  for (auto const& shares : all_shares()) {
    SquaredNorms sum;
    std::vector<int> times(whole_mesh.cell_count());
    double held = 0;
    for (Built const& part : split(whole_mesh, t.degree, t.components, shares)) {
      SquaredNorms const s =
          error_norms(*part.topology, 7, on_part(u, part), t.value(), t.gradient());
      sum.error += s.error, sum.error_gradient += s.error_gradient;
      sum.exact += s.exact, sum.exact_gradient += s.exact_gradient;
      std::vector<std::uint8_t> const counted = counted_cells(*part.topology);
      for (std::size_t i = 0; i < counted.size(); ++i)
        times[static_cast<std::size_t>(part.part.mesh.cell_id[i])] += counted[i];
      held += static_cast<double>(counted.size());
    }
    EXPECT_EQ(times, std::vector<int>(times.size(), 1));
    EXPECT_GT(held, static_cast<double>(times.size())); // some cells are held twice
    EXPECT_NEAR(sum.error, all.error, 2e-15 * all.error);
    EXPECT_NEAR(sum.error_gradient, all.error_gradient, 2e-15 * all.error_gradient);
    EXPECT_NEAR(sum.exact, all.exact, 2e-15 * all.exact);
    EXPECT_NEAR(sum.exact_gradient, all.exact_gradient, 2e-15 * all.exact_gradient);
  }
}

TEST_P(EveryNorm, SamplesAreThoseOfTheFunction) {
  Truth const t = truth();
  Built const built = build(mesh(3, t.degree == 1 ? .1 : 0.), t.degree, t.components);
  Vector const u = nodal(built, t.value());
  std::int32_t const first = 2, last = 7;
  Sampled const at = sample(*built.topology, 3, u, first, last, true);
  auto const n = static_cast<std::size_t>((last - first) * at.points_per_cell);
  ASSERT_EQ(at.weights.size(), n);
  double value[3], gradient[9], difference = 0;
  for (std::size_t i = 0; i < n; ++i) {
    double const* const x = &at.points[i * static_cast<std::size_t>(t.dim)];
    t.value()(x, value);
    t.gradient()(x, gradient);
    for (int j = 0; j < t.components; ++j)
      difference = std::max(
          difference,
          std::fabs(
              at.values[i * static_cast<std::size_t>(t.components) + static_cast<std::size_t>(j)] -
              value[j]));
    for (int j = 0; j < t.components * t.dim; ++j)
      difference = std::max(
          difference, std::fabs(at.gradients[i * static_cast<std::size_t>(t.components * t.dim) +
                                             static_cast<std::size_t>(j)] -
                                gradient[j]));
  }
  EXPECT_LT(difference, 1e-13);
  // The cells asked for, and those alone.
  Sampled const all = sample(*built.topology, 3, u, 0, built.topology->cells(), false);
  EXPECT_TRUE(all.gradients.empty());
  auto const offset = static_cast<std::ptrdiff_t>(first * at.points_per_cell * t.components);
  EXPECT_TRUE(std::equal(at.values.begin(), at.values.end(), all.values.begin() + offset));
  EXPECT_FALSE(std::equal(at.values.begin(), at.values.end(), all.values.begin()));
}

std::string element_name(testing::TestParamInfo<std::tuple<Cell, int, int>> const& info) {
  return std::string(name(std::get<0>(info.param))) + std::to_string(std::get<1>(info.param)) +
         "x" + std::to_string(std::get<2>(info.param));
}
INSTANTIATE_TEST_SUITE_P(Norms, EveryNorm,
                         testing::Combine(testing::ValuesIn(all_cells), testing::Values(1, 2),
                                          testing::Values(1, 2)),
                         element_name);

} // namespace
} // namespace moho::fem::test
