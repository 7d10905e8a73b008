// SPDX-License-Identifier: BSD-3-Clause
#include "fem_support.hpp"
#include <cmath>

namespace moho::study::test {
namespace {

using moho::test::all_ranks_agree;
using parallel::Comm;

/// A problem whose solution is linear, so that every element has it exactly.
Pde patch(Domain const& domain, int components, std::vector<Term> terms) {
  Pde pde;
  pde.domain = domain;
  pde.components = components;
  pde.terms = std::move(terms);
  pde.exact = linear(domain.dim(), components);
  pde.conditions = {{ConditionKind::dirichlet, {}, pde.exact, 0}};
  return pde;
}

struct Solved {
  parallel::SolveReport report;
  fem::Reals u; ///< local
};

Solved solve(Pde const& pde, std::shared_ptr<FemSpace const> const& space,
             SystemOptions options = {}) {
  options.petsc = solver_options(pde, options.petsc);
  if (options.petsc.empty()) options.petsc = {{"ksp_rtol", "1e-13"}};
  FemSystem system(space, fixed_by(pde, *space), options);
  const std::vector<fem::Form> forms = forms_of(pde, *space);
  system.assemble(forms);
  add_robin(pde, system);
  const fem::Reals b = load_of(pde, *space), x = space->owned_vector();
  system.lift(boundary_values(pde, *space), b);
  system.eliminate();
  const parallel::SolveReport report = system.solve(b, x);
  return {report, space->with_ghosts(x)};
}

double error_of(Pde const& pde, FemSpace const& space, fem::Reals const& u) {
  return space.norms(u, pde.exact, {}).error_l2;
}

TEST(FemSystem, PassesThePatchTest) {
  for (char const* cell : cells)
    for (int const degree : {1, 2}) {
      const Domain domain = domain_of(cell);
      Discretization how = cut(cell, degree, 3);
      how.perturbation = 0.1;
      for (int const components : {1, domain.dim()}) {
        auto const space = space_on(domain, how, components);
        Term term; // elasticity where there is a vector
        if (components > 1) term = {fem::FormKind::elasticity, {1.3, 0.7}};
        const Pde pde = patch(domain, components, {term});
        const Solved solved = solve(pde, space);
        EXPECT_TRUE(solved.report.converged) << solved.report.reason;
        EXPECT_LT(error_of(pde, *space, solved.u), 1e-10) << cell << degree;
        Pde wrong = pde; // one side held elsewhere
        wrong.conditions[0].value = [f = pde.exact, components](double const* x, double* out) {
          f(x, out);
          for (int c = 0; c < components; ++c) out[c] += x[0] > 0.9 ? 1e-6 : 0;
        };
        EXPECT_GT(error_of(pde, *space, solve(wrong, space).u), 1e-8) << cell << degree;
      }
    }
}

/// Assembled values of the forms, applied to a function.
std::vector<double> applied(FemSystem& system, std::vector<fem::Form> const& forms, Field const& f,
                            bool transpose = false) {
  system.assemble(forms);
  system.changed();
  FemSpace const& space = system.space();
  const fem::Reals y = space.owned_vector();
  system.multiply(space.without_ghosts(space.interpolate(f)), y, transpose);
  return host(y);
}

TEST(FemSystem, AddsFormsAndTransposes) {
  const Domain domain{DomainKind::square};
  auto const space = space_on(domain, cut("triangle", 2, 5));
  FemSystem system(space, {}, {});
  Pde pde;
  pde.domain = domain;
  pde.terms = {Term{}, {fem::FormKind::advection, {3, -2}}, {fem::FormKind::mass, {5}}};
  const std::vector<fem::Form> forms = forms_of(pde, *space);
  const Field f = [](double const* x, double* out) { *out = std::sin(3 * x[0] - x[1] * x[1]); };
  std::vector<double> sum(space->owned());
  for (fem::Form const& form : forms) {
    const std::vector<double> part = applied(system, {form}, f);
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += part[i];
  }
  const std::vector<double> all = applied(system, forms, f);
  double off = 0, most = 0;
  for (std::size_t i = 0; i < sum.size(); ++i) {
    off = std::fmax(off, std::abs(all[i] - sum[i]));
    most = std::fmax(most, std::abs(all[i]));
  }
  EXPECT_LT(off, 1e-13 * most);
  // v . A u = u . A^T v.
  const Field g = [](double const* x, double* out) { *out = std::cos(x[0] + 4 * x[1]); };
  auto const dot = [&](std::vector<double> const& a, Field const& with) {
    const std::vector<double> b = host(space->interpolate(with));
    double mine = 0;
    for (std::size_t i = 0; i < a.size(); ++i) mine += a[i] * b[i];
    return Comm().sum(mine);
  };
  double const forward = dot(applied(system, forms, f), g),
               backward = dot(applied(system, forms, g, true), f);
  EXPECT_NEAR(forward, backward, 1e-12 * std::abs(forward));
  EXPECT_GT(std::abs(forward - dot(applied(system, forms, g), f)), 1e-3); // it is not symmetric
}

TEST(FemSystem, SolvesTransposedSystems) {
  const Domain domain{DomainKind::square};
  auto const space = space_on(domain, cut("triangle", 1, 6));
  Pde pde = patch(domain, 1, {Term{}, {fem::FormKind::advection, {3, -2}}});
  pde.definiteness = Definiteness::nonsymmetric;
  SystemOptions options;
  options.petsc = solver_options(pde, {});
  FemSystem system(space, fixed_by(pde, *space), options);
  system.assemble(forms_of(pde, *space));
  system.eliminate();
  const fem::Reals b = space->without_ghosts(
                       space->interpolate([](double const*x, double*out) { *out = x[0] * x[1]; })),
                   x = space->owned_vector(), again = space->owned_vector();
  EXPECT_TRUE(system.solve(b, x, true).converged);
  system.multiply(x, again, true);
  const std::vector<double> left = host(again), right = host(b);
  for (std::size_t i = 0; i < left.size(); ++i) EXPECT_NEAR(left[i], right[i], 1e-13);
}

TEST(FemSystem, RobinTermsAreFacetMasses) {
  // The sum of all entries of alpha M on a side of length 1 is alpha.
  auto const space = space_on({DomainKind::square}, cut("quadrilateral", 2, 4));
  FemSystem system(space, {}, {});
  Pde pde;
  pde.conditions = {{ConditionKind::robin, {2}, {}, 2.5}};
  Kokkos::deep_copy(system.values(), 0);
  add_robin(pde, system);
  system.changed();
  const fem::Reals one = space->owned_vector(), y = space->owned_vector();
  Kokkos::deep_copy(one, 1);
  system.multiply(one, y);
  EXPECT_NEAR(space->dot(one, y), 2.5, 1e-13);
}

TEST(FemSystem, EveryReducePolicyGivesTheSolution) {
  auto const space = space_on({DomainKind::square}, cut("triangle", 1, 8));
  const Pde pde = patch({DomainKind::square}, 1, {Term{}});
  for (const fem::Reduce reduce :
       {fem::Reduce::scatter, fem::Reduce::owner_scatter, fem::Reduce::tiled_gather,
        fem::Reduce::compressed_gather, fem::Reduce::two_pass, fem::Reduce::coo,
        fem::Reduce::insert, fem::Reduce::atomic}) {
    SystemOptions options;
    options.reduce = reduce;
    EXPECT_LT(error_of(pde, *space, solve(pde, space, options).u), 1e-10) << name(reduce);
  }
}

TEST(FemSystem, MissingTagsAreNamed) {
  auto const space = space_on({DomainKind::square}, cut("triangle", 1, 4));
  Pde pde = patch({DomainKind::square}, 1, {Term{}});
  require_tags(pde, *space, "mesh 'm'");
  pde.conditions[0].tags = {1, 9};
  expect_error("mesh 'm' has no boundary facets with tag 9",
               [&] { require_tags(pde, *space, "mesh 'm'"); });
}

TEST(FemSystem, OptionsAreRead) {
  Parameters parameters = defaults(system_parameters());
  EXPECT_FALSE(system_options_of(parameters).reduce);
  parameters.set("reduce", std::string("two-pass"));
  parameters.set("petsc", std::vector<std::string>{"ksp_type=cg", "ksp_view", "pc_x=a=b"});
  const SystemOptions options = system_options_of(parameters);
  EXPECT_EQ(options.reduce, fem::Reduce::two_pass);
  EXPECT_EQ(options.petsc,
            (parallel::PetscOptions{{"ksp_type", "cg"}, {"ksp_view", ""}, {"pc_x", "a=b"}}));
  parameters.set("petsc", std::vector<std::string>{"-ksp_type=cg"});
  EXPECT_THROW(system_options_of(parameters), Error);
}

TEST(FemSystem, IndefiniteProblemsGetADirectSolver) {
  Pde pde;
  EXPECT_TRUE(solver_options(pde, {}).empty());
  pde.definiteness = Definiteness::indefinite;
  EXPECT_EQ(solver_options(pde, {}).at("pc_type"), "lu");
  EXPECT_EQ(solver_options(pde, {{"ksp_type", "gmres"}}).count("pc_type"), 0u);
}

} // namespace
} // namespace moho::study::test
