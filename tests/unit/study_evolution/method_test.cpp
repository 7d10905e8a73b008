// SPDX-License-Identifier: BSD-3-Clause
// The method `fem-evolution` on heat, waves and phase separation.
#include "evolution_support.hpp"
#include "moho/study/evolution.hpp"
#include "moho/study/field_batch.hpp"
#include "moho/study/stop.hpp"
#include <algorithm>
#include <csignal>

namespace moho::study::test {
namespace {

using parallel::Comm;

Outcome solved(std::string const& name, Settings const& asked, Settings const& answered) {
  return run(*problem(name, asked), *method("fem-evolution", answered));
}

/// How often a metric halves when a setting is changed from a to b.
double halvings(std::string const& name, Settings const& asked, Settings const& answered,
                std::string const& key, Value const& a, Value const& b,
                std::string const& metric = "l2_error") {
  using moho::test::with;
  double const coarse = solved(name, asked, with(answered, key, a)).metrics[metric],
               fine = solved(name, asked, with(answered, key, b)).metrics[metric];
  return Comm().root() ? std::log2(coarse / fine) : NAN;
}

void expect_near_on_root(double value, double expected, double tolerance, std::string const& what) {
  if (Comm().root()) {
    EXPECT_NEAR(value, expected, tolerance) << what;
  }
}

const Settings fine{{"degree", whole(2)}, {"n", whole(8)}};

Settings fine_with(std::string const& scheme) {
  return moho::test::with(fine, "scheme", scheme);
}

TEST(FemEvolution, OrdersInTime) {
  // Of BE: the difference to exp(-t) has a second order that halving makes half as large.
  expect_near_on_root(halvings("heat", {}, fine_with("backward-euler"), "dt", 1.5625e-3, 7.8125e-4),
                      1, 0.05, "BE");
  expect_near_on_root(halvings("heat", {}, fine_with("crank-nicolson"), "dt", 0.025, 0.0125), 2,
                      0.06, "CN");
  expect_near_on_root(halvings("wave", {}, fine, "dt", 0.1, 0.05), 2, 0.05, "Newmark");
  expect_near_on_root(halvings("allen-cahn", {}, fine, "dt", 0.0125, 0.00625), 1, 0.05, "Eyre");
}

TEST(FemEvolution, OrdersInSpace) {
  struct {
    char const* name;
    double time, dt;
  } const cases[] = {{"heat", 0.01, 5e-4}, {"wave", 0.25, 2.5e-3}, {"allen-cahn", 0.01, 2.5e-4}};
  for (auto const& one : cases) {
    const Settings asked{{"final_time", one.time}}, answered{{"dt", one.dt}};
    expect_near_on_root(halvings(one.name, asked, answered, "n", whole(8), whole(16)), 2, 0.1,
                        one.name);
    expect_near_on_root(halvings(one.name, asked, answered, "n", whole(8), whole(16), "h1_error"),
                        1, 0.05, one.name);
  }
}

TEST(FemEvolution, BeatsTheTrivialAnswer) {
  for (char const* name : {"heat", "wave", "allen-cahn"}) {
    Outcome found =
        solved(name, {}, {{"n", whole(8)}, {"dt", name == text("heat") ? 0.01 : 0.025}});
    if (Comm().root()) {
      EXPECT_LT(found.metrics["of_mean"], 0.1) << name;
    }
    for (auto const& [check, pass] : found.checks) EXPECT_TRUE(pass) << check;
  }
}

TEST(FemEvolution, TheEnergyOfWavesStays) {
  bool const alone = Comm().size() == 1;
  const Settings asked{{"final_time", alone ? 100.0 : 5.0}};
  Settings answered{{"n", whole(6)}, {"dt", 0.01}};
  Outcome kept = solved("wave", asked, answered);
  EXPECT_EQ(kept.cost.counters[0].value, alone ? 10000 : 500);
  EXPECT_LT(kept.metrics["energy_drift"], 1e-10);
  // E = |du/dt|^2 / 2 + |grad u|^2 / 2 = pi^2 / 4 of the exact solution.
  EXPECT_NEAR(kept.metrics["energy_start"], M_PI * M_PI / 4, 0.1);
  answered["petsc"] = std::vector<std::string>{"ksp_type=cg", "pc_type=none", "ksp_rtol=5e-7"};
  EXPECT_GT(solved("wave", {{"final_time", 1.0}}, answered).metrics["energy_drift"], 1e-10);
}

TEST(FemEvolution, TheEnergyOfPhasesNeverRises) {
  for (double const dt : {1.0, 0.1, 0.01}) {
    const Settings asked{
        {"solution", text("free")}, {"eps", 12.0}, {"final_time", dt == 1.0 ? 4.0 : 0.4}};
    Outcome found = solved("allen-cahn", asked, {{"n", whole(12)}, {"dt", dt}});
    EXPECT_LE(found.metrics["energy_rise"], 1e-14) << dt; // rounding, at a standstill
    EXPECT_LT(found.metrics["energy_end"], 0.9 * found.metrics["energy_start"]);
    EXPECT_GT(found.metrics["newton_most"], 0);
    if (Comm().root()) {
      EXPECT_TRUE(std::isnan(found.metrics["of_mean"]));
    }
  }
  // A source may raise it: u = exp(-t) moves away from the wells.
  EXPECT_GT(solved("allen-cahn", {{"eps", 12.0}}, {{"n", whole(8)}}).metrics["energy_rise"], 1e-6);
}

TEST(FemEvolution, OnADiskAndInACube) {
  Outcome drum =
      solved("wave", {{"domain", text("disk")}}, {{"mesh", text("disk.msh")}, {"n", whole(1)}});
  Outcome cube = solved("heat", {{"domain", text("cube")}}, {{"n", whole(6)}});
  if (!Comm().root()) return;
  EXPECT_LT(drum.metrics["rel_l2"], 0.02);
  EXPECT_LT(cube.metrics["of_mean"], 0.1);
}

TEST(FemEvolution, AnswersAreThoseOfOneRank) {
  for (char const* name : {"heat", "wave", "allen-cahn"}) {
    auto const asked = problem(name, {{"points", whole(50)}});
    auto const many = method("fem-evolution", {{"n", whole(8)}, {"dt", 0.025}}),
               one = method("fem-evolution", {{"n", whole(8)}, {"dt", 0.025}});
    const std::vector<double> a = run(*asked, *many).answers.reals(value_array),
                              b = run(*asked, *one, Comm::self()).answers.reals(value_array);
    for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-9) << name;
  }
}

TEST(FemEvolution, RepeatedCallsDoTheSameWork) {
  auto const asked = problem("wave");
  auto const waves = method("fem-evolution", {{"n", whole(6)}});
  const std::vector<double> first = run(*asked, *waves).answers.reals(value_array);
  const Batch inputs = asked->draw(Split::test, 0, asked->count(Split::test));
  Batch again;
  waves->apply(inputs, again);
  EXPECT_EQ(again.reals(value_array), first);
}

TEST(FemEvolution, ANewtonThatDoesNotConvergeIsReported) {
  Outcome failed = solved("allen-cahn", {}, {{"n", whole(6)}, {"newton_iterations", whole(1)}});
  EXPECT_FALSE(failed.checks.at("newton_converged"));
  EXPECT_TRUE(failed.checks.at("solver_converged"));
  for (Check const& check : failed.cost.checks)
    if (check.name == "newton_converged") {
      EXPECT_NE(check.note.find("did not converge"), std::string::npos);
    }
  if (Comm().root()) {
    EXPECT_TRUE(std::isnan(failed.metrics["of_mean"]));
  }
}

TEST(FemEvolution, ASolverThatDoesNotConvergeIsReported) {
  const std::vector<std::string> options{"ksp_type=cg", "pc_type=none", "ksp_max_it=1"};
  for (char const* name : {"heat", "wave", "allen-cahn"}) {
    Outcome failed = solved(name, {}, {{"n", whole(6)}, {"petsc", options}});
    EXPECT_FALSE(failed.checks.at("solver_converged")) << name;
    EXPECT_NE(failed.cost.checks[0].note.find("DIVERGED_ITS"), std::string::npos);
  }
}

TEST(FemEvolution, WhatDoesNotFitIsNamed) {
  auto const refused = [](std::string const& part, std::string const& name, Settings const& asked,
                          Settings const& answered) {
    expect_error(part, [&] {
      auto const question = problem(name, asked);
      method("fem-evolution", answered)->prepare(*question, Comm());
    });
  };
  refused("use newmark", "wave", {}, {{"scheme", text("eyre")}});
  refused("use crank-nicolson or backward-euler", "heat", {}, {{"scheme", text("newmark")}});
  refused("use eyre", "allen-cahn", {}, {{"scheme", text("backward-euler")}});
  refused("method.dt = 0.03 does not meet the final time 0.1", "heat", {}, {{"dt", 0.03}});
  refused("method.dt = 1e-17 is too short for the final time 0.1 (which is 1e+16 steps, at most "
          "1e+09",
          "heat", {}, {{"dt", 1e-17}});
  refused("method.dt = 1e-300 is too short", "heat", {}, {{"dt", 1e-300}});
  refused("method.dt = 5e-324 is too short", "heat", {}, {{"dt", 5e-324}});
  refused("method.dt = 1e+300 does not meet", "heat", {}, {{"dt", 1e300}});
  refused("does not meet the time asked about", "heat", {{"times", whole(4)}}, {{"dt", 0.01}});
  refused("needs an equation in time", "poisson", {}, {});
  refused("method.mesh", "wave", {{"domain", text("disk")}}, {});
  expect_error("method.dt = 0", [] { method("fem-evolution", {{"dt", 0.0}}); });
  expect_error("method.dt = -1", [] { method("fem-evolution", {{"dt", -1.0}}); });
  expect_error("boundary-value problem", [] {
    auto const question = problem("heat");
    method("fem", {})->prepare(*question, Comm());
  });
}

TEST(FemEvolution, WhatDoesNotFitIsSeenWithoutWork) {
  auto const heat = problem("heat");
  EXPECT_NO_THROW(method("fem-evolution", {})->accept(*heat));
  EXPECT_THROW(method("fem-evolution", {{"dt", 1e-17}})->accept(*heat), Error);
  EXPECT_THROW(method("fem-evolution", {{"scheme", text("newmark")}})->accept(*heat), Error);
  EXPECT_THROW(method("fem-evolution", {{"cell", text("hexahedron")}})->accept(*heat), Error);
  EXPECT_THROW(method("fem-evolution", {})->accept(*problem("poisson")), Error);
}

/// True when `body` was stopped by a signal, on every rank.
template <class Body>
bool stopped(Body&& body) {
  try {
    body();
  } catch (Stopped const&) {
    return true;
  }
  return false;
}

TEST(FemEvolution, ASignalEndsTheStepsOnAllRanks) {
  const Comm comm;
  catch_stop_signals();
  for (char const* name : {"heat", "wave", "allen-cahn"}) {
    auto const asked = problem(name, {{"points", whole(5)}});
    auto const steps = method("fem-evolution", {{"n", whole(4)}, {"dt", 1e-8}});
    steps->prepare(*asked, comm);
    Batch answers;
    if (comm.rank() == comm.size() - 1) std::raise(SIGTERM);
    EXPECT_TRUE(stopped([&] { steps->apply(asked->draw(Split::test, 0, 5), answers); })) << name;
    catch_stop_signals(); // forget it
  }
}

TEST(StopPoint, AllRanksStopAtTheSameCallSoonAfterTheSignal) {
  const Comm comm;
  catch_stop_signals();
  StopPoint stop_point(comm);
  double sum = 0;
  Stopwatch watch;
  double raised = 0;
  std::int64_t calls = 0;
  EXPECT_TRUE(stopped([&] {
    for (;; ++calls) {
      stop_point();
      for (int i = 0; i < 1000 * (1 + comm.rank()); ++i) sum += std::sin(i); // unequal ranks
      if (raised == 0 && comm.rank() == 0 && watch.seconds() > 1) {
        raised = watch.seconds();
        std::raise(SIGUSR1);
      }
    }
  }));
  EXPECT_TRUE(std::isfinite(sum));
  EXPECT_EQ(comm.min(calls), comm.max(calls));
  EXPECT_GT(calls, 100);
  if (comm.root()) {
    EXPECT_LT(watch.seconds() - raised, 5);
  }
  catch_stop_signals();
}

TEST(StopPoint, WithoutASignalNothingStops) {
  catch_stop_signals();
  StopPoint stop_point{Comm()};
  EXPECT_FALSE(stopped([&] {
    for (int i = 0; i < 1000000; ++i) stop_point();
  }));
}

TEST(FemEvolution, TimesThatNoStepMeetsAreRefused) {
  auto const asked = problem("heat");
  auto const heat = method("fem-evolution", {{"n", whole(4)}});
  heat->prepare(*asked, Comm());
  Batch inputs(1), answers;
  inputs.set(point_array, "", std::vector<double>{0.5, 0.5}, {1, 2});
  inputs.set(time_array, "", std::vector<double>{0.0});
  heat->apply(inputs, answers);
  EXPECT_NEAR(answers.reals(value_array)[0], 1, 1e-14);
  inputs.set(time_array, "", std::vector<double>{0.015});
  expect_error("time asked about", [&] { heat->apply(inputs, answers); });
  inputs.set(time_array, "", std::vector<double>{0.2});
  expect_error("up to 0.1", [&] { heat->apply(inputs, answers); });
}

} // namespace
} // namespace moho::study::test
