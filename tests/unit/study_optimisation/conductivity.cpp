// SPDX-License-Identifier: BSD-3-Clause
// Identification of a coefficient: checks and controls, the fall of the misfit, the same bits on
// any number of ranks, what its trivial answer is worth.
#include "moho/study/conductivity.hpp"
#include "checks_support.hpp"
#include "moho/core/error.hpp"
#include "moho/study/registry.hpp"
#include "moho/study/stop.hpp"
#include <cmath>
#include <csignal>
#include <gtest/gtest.h>

namespace moho::study {
namespace {

using parallel::Comm;

std::unique_ptr<Problem> field(std::int64_t n, std::int64_t refine = 1) {
  return make_conductivity(with(conductivity_parameters(), {{"n", n}, {"refine", refine}}), {});
}

TEST(Conductivity, ChecksHoldAndControlsReject) {
  expect_sound(field(25)->verify(Comm()),
               {"constant_scaling", "adjoint_identity", "gradient_fd", "taylor_slope"});
}

TEST(Conductivity, ChecksHoldToTheEndsOfTheRanges) {
  for (double const contrast : {-0.99, 0.0, 0.99})
    for (double const waves : {0.0, 100.0})
      expect_sound(make_conductivity(
                       with(conductivity_parameters(),
                            {{"n", std::int64_t{10}}, {"contrast", contrast}, {"waves", waves}}),
                       {})
                       ->verify(Comm()),
                   {"gradient_fd", "taylor_slope"});
  expect_sound(field(2, 16)->verify(Comm()), {"gradient_fd", "taylor_slope"});
}

// u(1/2, 1/2) of -Lap u = 1 on the square is 0.0736713532815..; linear elements are off by h^2.
TEST(Conductivity, SolutionConvergesToTheKnownCentre) {
  auto const error = [](int n) {
    ConductivityModel model(Comm(), ConductivityGrid{n});
    const ConductivityGrid grid{n};
    const std::vector<double> u = model.solve(std::vector<double>(grid.nodes(), 1));
    return std::abs(u[grid.nodes() / 2] - 0.07367135328151);
  };
  double const coarse = error(16), fine = error(32);
  EXPECT_LT(fine, 2e-4);
  EXPECT_NEAR(std::log2(coarse / fine), 2, 0.05);
}

TEST(Conductivity, AnswersDoNotDependOnRanks) {
  auto const problem = field(10);
  for (char const* minimiser : {"lmvm", "bncg"}) {
    auto const parameters =
        with(adjoint_identification_parameters(),
             {{"minimiser", std::string(minimiser)}, {"iterations", std::int64_t{60}}});
    auto const together = make_adjoint_identification(parameters),
               alone = make_adjoint_identification(parameters);
    const Batch a = answers_of(*problem, *together, Comm()),
                b = answers_of(*problem, *alone, Comm::self());
    EXPECT_EQ(a.reals("conductivity"), b.reals("conductivity")) << minimiser;
    EXPECT_EQ(a.reals("history"), b.reals("history")) << minimiser;
  }
}

TEST(Conductivity, TheBestConstantIsTrivial) {
  auto const problem = field(10);
  auto const method = make_constant_conductivity({});
  Batch answers = answers_of(*problem, *method, Comm::self());
  const Assessment best = assessed(*problem, answers);
  std::vector<double> k = answers.reals("conductivity");
  for (double const factor : {0.99, 1.01}) { // it is the best
    std::vector<double> other = k;
    for (double& value : other) value *= factor;
    answers.set("conductivity", "", other, {1, other.size()});
    EXPECT_GT(metric(assessed(*problem, answers), "misfit"), metric(best, "misfit")) << factor;
  }
  EXPECT_LT(metric(best, "misfit_fall"), 10);
  EXPECT_GT(metric(best, "k_of_constant"), 0.99);
}

// `refine` takes effect, by about the error of the elements.
TEST(Conductivity, DataOfAFinerGridAreOthers) {
  auto const exact = field(8), finer = field(8, 4);
  const std::vector<double> a = exact->draw(Split::test, 0, 1).reals("solution"),
                            b = finer->draw(Split::test, 0, 1).reals("solution");
  double worst = 0, largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    worst = std::max(worst, std::abs(a[i] - b[i]));
    largest = std::max(largest, b[i]);
  }
  EXPECT_GT(worst, 1e-3 * largest);
  EXPECT_LT(worst, 0.1 * largest);
}

TEST(Conductivity, RefusesOtherProblems) {
  auto const other = find_problem("operator-1d");
  auto const method = make_adjoint_identification(defaults(adjoint_identification_parameters()));
  EXPECT_THROW(method->prepare(*other.make(defaults(other.parameters), {}), Comm::self()), Error);
}

TEST(Conductivity, ADivergedSolverIsReported) {
  SystemOptions options;
  options.petsc = {{"ksp_type", "cg"}, {"pc_type", "none"}, {"ksp_max_it", "1"}};
  ConductivityModel model(Comm(), ConductivityGrid{10}, options);
  EXPECT_THROW(model.solve(std::vector<double>(121, 1)), Unsolved);
  EXPECT_NE(model.report().reason.find("DIVERGED_ITS"), std::string::npos);
}

Check check(Cost const& cost, std::string const& name) {
  for (Check const& one : cost.checks)
    if (one.name == name) return one;
  ADD_FAILURE() << "no check " << name;
  return {};
}

TEST(Conductivity, AMinimiserThatGivesUpIsReported) {
  auto const problem = field(8);
  auto const cost = [&](std::int64_t iterations, double target) {
    auto const method = make_adjoint_identification(with(
        adjoint_identification_parameters(), {{"iterations", iterations}, {"target", target}}));
    answers_of(*problem, *method, Comm());
    return method->cost();
  };
  const Cost enough = cost(2000, 1e-4), few = cost(1, 1e-4);
  EXPECT_TRUE(check(enough, "minimiser_converged").pass());
  EXPECT_TRUE(check(few, "solver_converged").pass());
  EXPECT_FALSE(check(few, "minimiser_converged").pass());
  EXPECT_NE(check(few, "minimiser_converged").note.find("DIVERGED_MAXITS"), std::string::npos);
}

// The answer is the last one that was solved for, so that the case can be assessed.
TEST(Conductivity, AMethodWhoseSolverFailsAnswersAndSaysSo) {
  auto const problem = field(10);
  auto const failing = [&](std::vector<std::string> const& petsc) {
    auto const method =
        make_adjoint_identification(with(adjoint_identification_parameters(), {{"petsc", petsc}}));
    Batch const answers = answers_of(*problem, *method, Comm());
    EXPECT_FALSE(check(method->cost(), "solver_converged").pass());
    EXPECT_FALSE(check(method->cost(), "minimiser_converged").pass());
    EXPECT_TRUE(std::isfinite(metric(assessed(*problem, answers), "k_rel_l2")));
    return check(method->cost(), "solver_converged").note;
  };
  EXPECT_NE(failing({"ksp_type=cg", "pc_type=none", "ksp_max_it=1"}).find("DIVERGED_ITS after 1"),
            std::string::npos);
  // At the start it converges, within the limit, and later not.
  EXPECT_NE(failing({"ksp_type=cg", "pc_type=jacobi", "ksp_max_it=25"}).find("DIVERGED_ITS"),
            std::string::npos);
}

TEST(Conductivity, ASignalEndsTheMinimiserOnAllRanks) {
  const Comm comm;
  auto const problem = field(10);
  auto const method = make_adjoint_identification(defaults(adjoint_identification_parameters()));
  method->prepare(*problem, comm);
  Batch answers;
  catch_stop_signals();
  if (comm.rank() == comm.size() - 1) std::raise(SIGTERM);
  EXPECT_THROW(method->apply(problem->draw(Split::test, 0, 1), answers), Stopped);
  catch_stop_signals();
  EXPECT_NO_THROW(method->apply(problem->draw(Split::test, 0, 1), answers));
}

} // namespace
} // namespace moho::study
