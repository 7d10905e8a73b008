// SPDX-License-Identifier: BSD-3-Clause
#include "evolution_support.hpp"
#include "moho/study/evolution.hpp"
#include "moho/study/field_batch.hpp"
#include <set>

namespace moho::study::test {
namespace {

using parallel::Comm;

Evolution const& evolution_of(Problem const& problem) {
  return capability<EvolutionProblem>(problem)->evolution();
}

TEST(EvolutionProblems, PassTheirChecks) {
  for (char const* domain : {"square", "cube"})
    expect_all_pass(problem("heat", {{"domain", text(domain)}})->verify(Comm()));
  for (char const* domain : {"square", "disk"})
    for (double const speed : {1.0, 30.0})
      expect_all_pass(
          problem("wave", {{"domain", text(domain)}, {"speed", speed}})->verify(Comm()));
  for (char const* domain : {"square", "lshape"})
    for (double const eps : {0.5, 32.0})
      expect_all_pass(
          problem("allen-cahn", {{"domain", text(domain)}, {"eps", eps}})->verify(Comm()));
  expect_all_pass(problem("allen-cahn", {{"solution", text("free")}})->verify(Comm()));
}

TEST(EvolutionProblems, PassTheirChecksToTheEndsOfTheirRanges) {
  for (char const* domain : {"square", "cube"})
    for (double const end : {1e-12, 10.0})
      expect_all_pass(
          problem("heat", {{"domain", text(domain)}, {"final_time", end}})->verify(Comm()));
  // 1.1785: cos(omega t) = 0 at 0.3 of it.
  for (double const speed : {1e-6, 1.0, 1e6})
    for (double const end : {1e-6, 1.1785113019775793, 1e6})
      expect_all_pass(problem("wave", {{"speed", speed}, {"final_time", end}})->verify(Comm()));
  for (double const eps : {1e-6, 1e3, 1e6})
    for (double const end : {1e-6, 300.0})
      expect_all_pass(problem("allen-cahn", {{"eps", eps}, {"final_time", end}})->verify(Comm()));
}

bool passes(Pde const& pde, std::string const& name) {
  for (Check const& check : pde_checks(pde))
    if (check.name == name) return check.pass();
  ADD_FAILURE() << name;
  return false;
}

TEST(EvolutionProblems, AnotherEquationIsRejected) {
  for (char const* name : {"heat", "wave", "allen-cahn"}) {
    Evolution evolution = evolution_of(*problem(name));
    EXPECT_TRUE(passes(frozen(evolution, 0.05), "strong_form")) << name;
    evolution.diffusion *= 1 + 1e-6;
    EXPECT_FALSE(passes(frozen(evolution, 0.05), "strong_form")) << name;
    evolution = evolution_of(*problem(name));
    TimeField const exact = evolution.exact; // too slow in time alone
    evolution.exact = [exact](double t, double const* x, double* u) {
      exact(0.05 + (1 - 1e-6) * (t - 0.05), x, u);
    };
    EXPECT_FALSE(passes(frozen(evolution, 0.05), "strong_form")) << name;
  }
}

TEST(EvolutionProblems, ItemsAreAskedAtTheTimesInTurn) {
  auto const heat = problem("heat", {{"final_time", 1.0}, {"times", whole(4)}});
  const Batch all = heat->draw(Split::test, 0, 40), part = heat->draw(Split::test, 30, 5);
  const std::vector<double> times = all.reals(time_array);
  EXPECT_EQ(std::set<double>(times.begin(), times.end()), (std::set<double>{0.25, 0.5, 0.75, 1}));
  EXPECT_EQ(part.reals(time_array)[2], times[32]);
  EXPECT_EQ(part.reals(point_array)[5], all.reals(point_array)[65]);
  const std::vector<double> truth = heat->truth(all, Comm()).reals(value_array),
                            x = all.reals(point_array);
  for (std::size_t i = 0; i < 40; ++i)
    EXPECT_NEAR(truth[i],
                std::exp(-2 * M_PI * M_PI * times[i]) * std::sin(M_PI * x[2 * i]) *
                    std::sin(M_PI * x[2 * i + 1]),
                1e-15);
}

TEST(EvolutionProblems, TheFreeOneIsNotKnown) {
  auto const free = problem("allen-cahn", {{"solution", text("free")}});
  const Batch inputs = free->draw(Split::test, 0, 3);
  EXPECT_TRUE(std::isnan(free->truth(inputs, Comm()).reals(value_array)[1]));
  double const corner[] = {1, 0.3};
  double u = 1;
  evolution_of(*free).initial(corner, &u);
  EXPECT_NEAR(u, 0, 1e-15);
}

TEST(EvolutionProblems, WhatMakesNoSenseIsRefused) {
  expect_error("final_time", [] { problem("heat", {{"final_time", 0.0}}); });
  expect_error("final_time = 50 (the solution has decayed to exp(-987))", [] {
    problem("heat", {{"final_time", 50.0}});
  });
  expect_error("final_time = 301", [] { problem("allen-cahn", {{"final_time", 301.0}}); });
  expect_error("solution = free", [] {
    problem("allen-cahn", {{"solution", text("free")}, {"domain", text("lshape")}});
  });
}

TEST(DoubleWell, HasItsMinimaAtPlusMinusOne) {
  EXPECT_EQ(double_well(4, 1), 0);
  EXPECT_EQ(double_well(4, -1), 0);
  EXPECT_EQ(double_well(4, 0), 1);
}

} // namespace
} // namespace moho::study::test
