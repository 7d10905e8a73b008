// SPDX-License-Identifier: BSD-3-Clause
// Topology optimisation: figures of an independent implementation (numpy, scipy), the published
// compliance, the same bits on any number of ranks, refusals.
#include "moho/study/compliance.hpp"
#include "checks_support.hpp"
#include "moho/core/error.hpp"
#include "moho/core/philox.hpp"
#include "moho/study/registry.hpp"
#include "moho/study/stop.hpp"
#include <cmath>
#include <csignal>
#include <cstring>
#include <gtest/gtest.h>

namespace moho::study {
namespace {

using parallel::Comm;

std::unique_ptr<Problem> small_plate() {
  return make_compliance(
      with(compliance_parameters(), {{"nx", std::int64_t{20}}, {"ny", std::int64_t{10}}}), {});
}

// numpy and scipy.sparse.linalg.spsolve, element matrix by 2 x 2 Gauss points.
TEST(Compliance, AgreesWithAnIndependentImplementation) {
  ComplianceModel model(Comm(), Cantilever{});
  EXPECT_NEAR(model.compliance(std::vector<double>(1800, 1)), 53.70808814904, 1e-9);
  EXPECT_NEAR(model.compliance(std::vector<double>(1800, 0.5)), 426.6779594764, 1e-8);
}

TEST(Compliance, ChecksHoldAndControlsReject) {
  expect_sound(small_plate()->verify(Comm()),
               {"uniform_scaling", "energy", "filter_total", "gradient_fd", "taylor_slope"});
  expect_sound(make_compliance(defaults(compliance_parameters()), {})->verify(Comm()),
               {"solid_compliance"});
}

TEST(Compliance, ChecksHoldToTheEndsOfTheRanges) {
  test::Settings const ends[] = {
      {{"young_min", 1e-12}}, {{"penalty", 1.0}},   {{"penalty", 10.0}},    {{"volume", 0.01}},
      {{"volume", 1.0}},      {{"poisson", -0.99}}, {{"poisson", 0.499}},   {{"radius", 0.1}},
      {{"radius", 100.0}},    {{"traction", 1e-9}}, {{"density_min", 1e-9}}};
  for (auto const& end : ends) {
    Parameters parameters = with(compliance_parameters(), end);
    parameters.set("nx", std::int64_t{20});
    parameters.set("ny", std::int64_t{10});
    SCOPED_TRACE(end.begin()->first);
    expect_sound(make_compliance(parameters, {})->verify(Comm()), {"uniform_scaling", "energy"});
  }
  EXPECT_THROW(make_compliance(with(compliance_parameters(), {{"traction", 0.0}}), {}), Error);
}

// Every rank alone, and all together: not one bit differs.
TEST(Compliance, DesignsDoNotDependOnRanks) {
  auto const problem = small_plate();
  auto const parameters = with(simp_parameters(), {{"iterations", std::int64_t{25}}});
  for (auto const& make : {make_simp_mma, make_simp_oc}) {
    auto const together = make(parameters), alone = make(parameters);
    const Batch a = answers_of(*problem, *together, Comm()),
                b = answers_of(*problem, *alone, Comm::self());
    for (char const* name : {"density", "displacement", "history"})
      EXPECT_EQ(a.reals(name), b.reals(name)) << name;
  }
}

TEST(Compliance, ASignalEndsTheDesignOnAllRanks) {
  const Comm comm;
  auto const problem = small_plate();
  for (auto const& make : {make_simp_mma, make_simp_oc}) {
    auto const method = make(defaults(simp_parameters()));
    method->prepare(*problem, comm);
    Batch answers;
    catch_stop_signals();
    if (comm.rank() == comm.size() - 1) std::raise(SIGTERM);
    EXPECT_THROW(method->apply(problem->draw(Split::test, 0, 1), answers), Stopped);
    catch_stop_signals();
  }
}

// The trivial answer is what the metrics measure against, and a wrong one is seen.
TEST(Compliance, UniformDesignIsTrivialAndAClaimIsChecked) {
  auto const problem = small_plate();
  auto const method = make_uniform_design({});
  Batch answers = answers_of(*problem, *method, Comm::self());
  const Batch inputs = problem->draw(Split::test, 0, 1);
  const Batch truth = problem->truth(inputs, Comm::self());
  EXPECT_DOUBLE_EQ(metric(problem->assess(inputs, truth, answers), "of_uniform"), 1);
  EXPECT_TRUE(std::isnan(truth.reals("compliance").at(0))); // nobody has published this one
  std::vector<double> density = answers.reals("density");
  density[3] = 1.5;
  answers.set("density", "", density, {1, density.size()});
  answers.set("compliance", "", std::vector<double>{1.0});
  const Assessment found = problem->assess(inputs, truth, answers);
  EXPECT_EQ(metric(found, "densities_outside"), 1);
  EXPECT_GT(metric(found, "volume_excess"), 1e-4);
  EXPECT_GT(metric(found, "claim_rel"), 0.1);
}

TEST(Compliance, RefusesWhatMakesNoSense) {
  EXPECT_THROW(ComplianceModel(Comm::self(), Cantilever{.nx = 20, .ny = 15}), Error);
  auto const specs = compliance_parameters();
  EXPECT_THROW(make_compliance(with(specs, {{"young_min", 7e4}}), {}), Error);
  EXPECT_THROW(make_compliance(with(specs, {{"load_height", 31.0}}), {}), Error);
  auto const other = find_problem("operator-1d");
  auto const method = make_simp_mma(defaults(simp_parameters()));
  EXPECT_THROW(method->prepare(*other.make(defaults(other.parameters), {}), Comm::self()), Error);
}

// A solver that gives up voids the record, and says so.
TEST(Compliance, ADivergedSolverBreaksItsCheck) {
  auto const problem = small_plate();
  auto const method = make_simp_mma(
      with(simp_parameters(),
           {{"petsc", std::vector<std::string>{"ksp_type=cg", "pc_type=none", "ksp_max_it=2"}}}));
  answers_of(*problem, *method, Comm());
  const Cost cost = method->cost();
  ASSERT_EQ(cost.checks.front().name, "solver_converged");
  EXPECT_FALSE(cost.checks.front().pass());
  EXPECT_NE(cost.checks.front().note.find("DIVERGED_ITS"), std::string::npos);
}

} // namespace
} // namespace moho::study
