// SPDX-License-Identifier: BSD-3-Clause
#include "moho/core/error.hpp"
#include "support.hpp"
#include <gtest/gtest.h>

namespace moho::fem::test {
namespace {

struct Setting {
  Cell cell;
  int degree;
  FormKind kind;
  bool tensor;
};

std::vector<Setting> settings() {
  std::vector<Setting> out;
  for (Cell const cell : all_cells)
    for (int const degree : {1, 2}) {
      if (cell == Cell::hexahedron && degree == 2) continue; // slow, and in no way special
      out.push_back({cell, degree, FormKind::diffusion, false});
      out.push_back({cell, degree, FormKind::diffusion, true});
      out.push_back({cell, degree, FormKind::mass, false});
      out.push_back({cell, degree, FormKind::advection, false});
      out.push_back({cell, degree, FormKind::elasticity, false});
    }
  return out;
}

std::string setting_name(testing::TestParamInfo<Setting> const& info) {
  Setting const& s = info.param;
  return std::string(name(s.cell)) + std::to_string(s.degree) + name(s.kind) +
         (s.tensor ? "tensor" : "");
}

Form form_of(Setting const& s, Where where) {
  int const dim = dimension(s.cell);
  Form form;
  form.kind = s.kind;
  form.tensor = s.tensor;
  form.components = s.kind == FormKind::elasticity ? dim : 2;
  form.coefficient.where = where;
  form.coefficient.components = s.tensor                         ? dim * dim
                                : s.kind == FormKind::advection  ? dim
                                : s.kind == FormKind::elasticity ? 2
                                                                 : 1;
  return form;
}

/// lambda^T K(p) u with the coefficient p; `share`: counted by the rows that are owned.
double bilinear(Built const& built, Form form, Vector const& p, Vector const& lambda,
                Vector const& u) {
  form.coefficient.values = device(p);
  Vector const y = multiply(built.topology->pattern(), assemble(built, form), u);
  return dot(lambda, y, y.size());
}

class EveryDerivative : public testing::TestWithParam<Setting> {
protected:
  Built whole() const {
    return build(mesh_of(GetParam().cell, 2, .1), GetParam().degree,
                 form_of(GetParam(), Where::global).components);
  }
};

TEST_P(EveryDerivative, AgreesWithCentralDifferences) {
  Built const built = whole();
  unsigned const seed = 17;
  SCOPED_TRACE("seed " + std::to_string(seed));
  Vector const lambda = random_vector(built.local(), seed),
               u = random_vector(built.local(), seed + 1);
  for (Where const where : {Where::global, Where::cell, Where::quadrature, Where::nodal}) {
    Form const form = form_of(GetParam(), where);
    std::size_t const n = coefficient_size(*built.topology, form);
    Vector const p = random_vector(n, seed + 2, .5, 2);
    Reals const out("gradient", n);
    coefficient_gradient(*built.topology, form, device(lambda), device(u), out);
    Vector const gradient = host(out);
    double largest = 0;
    for (double const x : gradient) largest = std::max(largest, std::fabs(x));
    // Some entries, one by one; K is linear in p, so that h may be large.
    for (std::size_t k = 0; k < 7; ++k) {
      std::size_t const i = k * (n - 1) / 6;
      Vector up = p, down = p;
      up[i] += .25, down[i] -= .25;
      double const difference =
          (bilinear(built, form, up, lambda, u) - bilinear(built, form, down, lambda, u)) / .5;
      EXPECT_NEAR(gradient[i], difference, 1e-10 * largest)
          << "where " << static_cast<int>(where) << " entry " << i;
      EXPECT_GT(std::fabs(1.001 * largest - largest), 1e-10 * largest); // 0.1 % would be seen
    }
    // All at once: lambda^T K(p) u = gradient . p.
    double const form_value = bilinear(built, form, p, lambda, u);
    double const product = dot(gradient, p, n);
    EXPECT_NEAR(product, form_value, 1e-12 * largest * static_cast<double>(n));
  }
}

TEST_P(EveryDerivative, HasTheSameBitsOnAnySplit) {
  Mesh const mesh = mesh_of(GetParam().cell, 3, .1);
  int const B = form_of(GetParam(), Where::cell).components;
  Built const all = build(mesh, GetParam().degree, B);
  Vector const lambda = random_vector(all.local(), 1), u = random_vector(all.local(), 2);
  for (Where const where : {Where::global, Where::cell, Where::quadrature, Where::nodal}) {
    Form const form = form_of(GetParam(), where);
    Reals const out("gradient", coefficient_size(*all.topology, form));
    coefficient_gradient(*all.topology, form, device(lambda), device(u), out);
    Vector const whole = host(out);
    Vector total(whole.size());
    for (Built const& part : split(mesh, GetParam().degree, B, {.23, .61})) {
      Reals const mine("gradient", coefficient_size(*part.topology, form));
      coefficient_gradient(*part.topology, form, device(on_part(lambda, part)),
                           device(on_part(u, part)), mine);
      Vector const here = host(mine);
      if (where == Where::nodal) {
        EXPECT_TRUE(same_bits(whole, here, part, form.coefficient.components));
      } else if (where == Where::global) {
        for (std::size_t i = 0; i < total.size(); ++i) total[i] += here[i];
      } else {
        std::size_t const width = whole.size() / mesh.cell_count();
        for (std::size_t c = 0; c < part.part.mesh.cell_count(); ++c)
          ASSERT_EQ(std::memcmp(&here[c * width],
                                &whole[static_cast<std::size_t>(part.part.mesh.cell_id[c]) * width],
                                width * sizeof(double)),
                    0);
      }
    }
    for (std::size_t i = 0; i < total.size() && where == Where::global; ++i) {
      EXPECT_NEAR(total[i], whole[i], 1e-12 * (1 + std::fabs(whole[i])));
    }
  }
}

TEST_P(EveryDerivative, TransposeOfReduceIsItsAdjoint) {
  // <Reduce(A), C> = <A, Reduce^T(C)> for local matrices A and a random cotangent C.
  Built const built = whole();
  Form form = form_of(GetParam(), Where::cell);
  form.coefficient.values =
      device(random_vector(coefficient_size(*built.topology, form), 4, .5, 2));
  auto const cells = static_cast<std::size_t>(built.topology->cells());
  auto const n = static_cast<std::size_t>(built.topology->element().nodes() * form.components);
  Vector const K = assemble(built, form);
  Vector cotangent = random_vector(K.size(), 5);
  std::size_t const nonzeros = built.topology->pattern().nonzeros();
  Reals const local("local", cells * n * n), back("back", cells * n * n);
  local_matrices(*built.topology, form, 0, built.topology->cells(), local);
  reduce_transpose(*built.topology, device(cotangent), back);
  double const left = dot(K, cotangent, nonzeros);
  double const right = dot(host(local), host(back), cells * n * n);
  double scale = 0;
  for (std::size_t i = 0; i < nonzeros; ++i) scale += std::fabs(K[i] * cotangent[i]);
  EXPECT_NEAR(left, right, 1e-12 * scale);
  cotangent[static_cast<std::size_t>(built.topology->find(0, 0))] += 1; // must be seen
  reduce_transpose(*built.topology, device(cotangent), back);
  EXPECT_GT(std::fabs(dot(host(local), host(back), cells * n * n) - left), 1e-6 * scale / n);
}

INSTANTIATE_TEST_SUITE_P(Derivative, EveryDerivative, testing::ValuesIn(settings()), setting_name);

/// J(p) = |u - d|^2 / 2 with K(p) u = F, u = 0 on the boundary, and its gradient by the adjoint.
class Identification {
public:
  Identification(Cell cell, int degree, Where where)
      : _built(build(mesh_of(cell, 3, .1), degree, 1)),
        _constraints(*_built.topology, fixed_marks(_built)) {
    _form.coefficient.where = where;
    Reals const load_vector = _built.vector();
    load(
        *_built.topology, 4, [](double const* x, double* f) { f[0] = 10 * std::exp(x[0]); },
        load_vector);
    _constraints.zero(load_vector);
    _load = host(load_vector);
    _data = random_vector(_built.owned(), 21);
  }
  std::size_t size() const { return coefficient_size(*_built.topology, _form); }

  double loss(Vector const& p) {
    Vector const u = state(p);
    double sum = 0;
    for (std::size_t i = 0; i < u.size(); ++i) sum += (u[i] - _data[i]) * (u[i] - _data[i]) / 2;
    return sum;
  }
  Vector gradient(Vector const& p) {
    Vector const u = state(p);
    Vector misfit = u;
    for (std::size_t i = 0; i < u.size(); ++i) misfit[i] -= _data[i];
    Reals const right = device(misfit);
    _constraints.zero(right); // u is fixed there
    Vector lambda = solve(_built.topology->pattern(), _matrix, host(right), true);
    Reals const out("gradient", size());
    coefficient_gradient(*_built.topology, _form, device(lambda), device(u), out);
    Vector g = host(out);
    for (double& x : g) x = -x;
    return g;
  }

private:
  Vector state(Vector const& p) {
    _form.coefficient.values = device(p);
    Reals const values = device(assemble(_built, _form));
    _constraints.eliminate(values);
    _matrix = host(values);
    return solve(_built.topology->pattern(), _matrix, _load);
  }
  Built _built;
  Constraints _constraints;
  Form _form;
  Vector _load, _data, _matrix;
};

/// Slope of log |J(p + h q) - J(p) - h g.q| over log h.
double taylor_slope(Identification& problem, Vector const& p, Vector const& q, double slope) {
  double const J = problem.loss(p);
  auto const remainder = [&](double h) {
    Vector moved = p;
    for (std::size_t i = 0; i < p.size(); ++i) moved[i] += h * q[i];
    return std::fabs(problem.loss(moved) - J - h * slope);
  };
  double const coarse = 4e-3, fine = 1e-3;
  return std::log(remainder(coarse) / remainder(fine)) / std::log(coarse / fine);
}

TEST(Adjoint, TaylorRemainderIsOfSecondOrder) {
  for (Cell const cell : {Cell::triangle, Cell::quadrilateral, Cell::tetrahedron})
    for (Where const where : {Where::global, Where::cell, Where::quadrature, Where::nodal}) {
      SCOPED_TRACE(std::string(name(cell)) + " where " + std::to_string(static_cast<int>(where)));
      Identification problem(cell, 1 + (cell == Cell::triangle), where);
      Vector const p = random_vector(problem.size(), 31, .8, 1.6);
      Vector const q = random_vector(problem.size(), 32);
      Vector const g = problem.gradient(p);
      double const along = dot(g, q, g.size());
      EXPECT_NEAR(taylor_slope(problem, p, q, along), 2, .05);
      // A gradient that is 1 % off leaves a remainder of first order.
      EXPECT_LT(taylor_slope(problem, p, q, 1.01 * along), 1.9);
      // Central differences.
      double const h = 1e-4;
      Vector up = p, down = p;
      for (std::size_t i = 0; i < p.size(); ++i) up[i] += h * q[i], down[i] -= h * q[i];
      double const difference = (problem.loss(up) - problem.loss(down)) / (2 * h);
      EXPECT_NEAR(along, difference, 1e-7 * std::fabs(along));
      EXPECT_GT(std::fabs(1.0001 * along - difference), 1e-7 * std::fabs(along));
    }
}

TEST(LoadGradient, IsTheAdjointOfTheLoads) {
  for (Cell const cell : all_cells) {
    Built const built = build(mesh_of(cell, 2, .1), 2, 2);
    Vector const lambda = random_vector(built.local(), 3);
    int const rule = 4;
    auto const points = static_cast<std::size_t>(quadrature(cell, rule).size());
    std::size_t const n = static_cast<std::size_t>(built.topology->cells()) * points * 2;
    Vector const f = random_vector(n, 4), nodal_f = random_vector(built.local(), 5);
    Reals const out = built.vector(), gradient("gradient", n), back = built.vector();
    load_at_points(*built.topology, rule, device(f), out);
    load_gradient_at_points(*built.topology, rule, device(lambda), gradient);
    double const left = dot(host(out), lambda, built.owned());
    EXPECT_NEAR(left, dot(host(gradient), f, n), 1e-13);
    EXPECT_GT(std::fabs(left), 1e-6);
    load_nodal(*built.topology, device(nodal_f), out);
    load_nodal(*built.topology, device(lambda), back);
    EXPECT_NEAR(dot(host(out), lambda, built.owned()), dot(host(back), nodal_f, built.owned()),
                1e-13);
  }
}

TEST(Derivative, RefusesWhatDoesNotFit) {
  Built const built = build(mesh_of(Cell::triangle, 2), 1, 1);
  Form form;
  Reals const nine("nine", 9), one("one", 1), none("none", 0);
  EXPECT_NO_THROW(coefficient_gradient(*built.topology, form, nine, nine, one));
  EXPECT_THROW(coefficient_gradient(*built.topology, form, one, nine, one), Error);
  EXPECT_THROW(coefficient_gradient(*built.topology, form, nine, one, one), Error);
  EXPECT_THROW(coefficient_gradient(*built.topology, form, nine, nine, none), Error);
  form.components = 2;
  EXPECT_THROW(coefficient_gradient(*built.topology, form, nine, nine, one), Error);
  form.components = 1;
  form.kind = FormKind::elasticity;
  EXPECT_THROW(coefficient_gradient(*built.topology, form, nine, nine, one), Error);
  EXPECT_THROW(load_gradient_at_points(*built.topology, 2, nine, one), Error);
}

} // namespace
} // namespace moho::fem::test
