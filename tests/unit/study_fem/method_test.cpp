// SPDX-License-Identifier: BSD-3-Clause
// The method `fem` on every steady problem, through the registry.
#include "fem_support.hpp"
#include "moho/study/method.hpp"
#include "support/by_name.hpp"
#include <algorithm>
#include <cmath>
#include <map>

namespace moho::study::test {
namespace {

using moho::test::all_ranks_agree;
using moho::test::problem;
using moho::test::Settings;
using moho::test::with;
using parallel::Comm;

constexpr double six_digits = 5e-7;

std::string text(char const* value) {
  return value;
}

/// What a run leaves: metrics and checks by name, answers on the root.
struct Outcome {
  Preparation preparation;
  Cost cost;
  std::map<std::string, double> metrics;
  std::vector<double> values;
};

Outcome run(Problem const& asked, Settings const& settings, int times = 1) {
  const Comm comm;
  MethodEntry const& entry = find_method("fem");
  auto const method = entry.make(with(entry.parameters, settings));
  Outcome result;
  result.preparation = method->prepare(asked, comm);
  const Batch inputs = asked.draw(Split::test, 0, asked.count(Split::test));
  Batch answers;
  for (int i = 0; i < times; ++i) method->apply(inputs, answers);
  result.cost = method->cost();
  method->examine(answers);
  for (Metric const& metric : asked.assess(inputs, asked.truth(inputs, comm), answers).metrics)
    result.metrics[metric.name] = metric.value;
  for (Metric const& metric : result.cost.metrics) result.metrics[metric.name] = metric.value;
  result.values = answers.reals(value_array);
  return result;
}

const std::pair<std::string, Value> tight{"petsc", std::vector<std::string>{"ksp_rtol=1e-12"}};

/// The rate of a metric between n and 2 n.
double rate(Problem const& asked, Settings const& settings, std::int64_t n,
            std::string const& metric) {
  double const coarse = run(asked, with(settings, "n", n)).metrics.at(metric);
  return std::log2(coarse / run(asked, with(settings, "n", 2 * n)).metrics.at(metric));
}

TEST(Fem, ErrorsOfOtherCodesToSixDigits) { // spec/fem.md section 4
  Outcome const p1 = run(*problem("poisson"), {{"n", std::int64_t{256}}, tight});
  EXPECT_NEAR(p1.metrics.at("l2_error") / 2.113203e-05, 1, six_digits);
  EXPECT_GT(std::abs(p1.metrics.at("l2_error") / 2.11321e-05 - 1), six_digits);
  Outcome const cube =
      run(*problem("poisson", {{"domain", text("cube")}}), {{"n", std::int64_t{32}}, tight});
  EXPECT_NEAR(cube.metrics.at("l2_error") / 1.597641e-03, 1, six_digits);
}

TEST(Fem, ElasticityToSixDigits) {
  Outcome const one = run(*problem("elasticity"), {{"n", std::int64_t{32}}, tight});
  EXPECT_NEAR(one.metrics.at("l2_error") / 4.574630e-03, 1, six_digits);
}

TEST(Fem, RatesInThePlane) {
  for (char const* cell : {"triangle", "quadrilateral"})
    for (std::int64_t const degree : {1, 2})
      for (char const* name : {"poisson", "diffusion", "mixed-boundary"}) {
        const Settings settings{{"cell", text(cell)}, {"degree", degree}, tight};
        auto const asked = problem(name);
        EXPECT_NEAR(rate(*asked, settings, 16, "l2_error"), static_cast<double>(degree + 1), 0.1)
            << cell << degree << name;
        EXPECT_NEAR(rate(*asked, settings, 16, "h1_error"), static_cast<double>(degree), 0.1)
            << cell << degree << name;
      }
}

TEST(Fem, RatesInSpace) {
  for (char const* cell : {"tetrahedron", "hexahedron"})
    for (std::int64_t const degree : {1, 2}) {
      const Settings settings{{"cell", text(cell)}, {"degree", degree}, tight};
      auto const asked = problem("poisson", {{"domain", text("cube")}});
      double const loose = degree == 1 ? 0.25 : 0.2;
      EXPECT_NEAR(rate(*asked, settings, 6, "l2_error"), static_cast<double>(degree + 1), loose)
          << cell << degree;
    }
}

TEST(Fem, AWrongEquationShows) {
  // The rate stays, the error does not: k off by 1e-3 leaves an error that does not fall.
  auto const right = problem("poisson");
  Pde pde = capability<BoundaryProblem>(*right)->pde();
  pde.terms[0].constant = {1.001};
  const FieldProblem wrong(pde, 100, 1);
  const Settings fine{{"n", std::int64_t{64}}, {"degree", std::int64_t{2}}};
  EXPECT_LT(run(*right, fine).metrics.at("rel_l2"), 1e-5);
  EXPECT_NEAR(run(wrong, fine).metrics.at("rel_l2"), 1e-3, 1e-5);
}

TEST(Fem, AdvectionReactionAndTensors) {
  for (char const* coefficient : {"scalar", "tensor"}) {
    auto const asked = problem("diffusion", {{"coefficient", text(coefficient)},
                                             {"advection", std::vector<double>{3, -2}},
                                             {"reaction", 5.0}});
    EXPECT_NEAR(rate(*asked, {}, 16, "l2_error"), 2, 0.1) << coefficient;
  }
}

TEST(Fem, PlaneWaves) { // the errors of TensorMesh's example, spec/fem.md section 2: h = 0.1, 0.05
  auto const both = problem("helmholtz"), real = problem("helmholtz", {{"complex", false}});
  EXPECT_NEAR(rate(*both, {}, 20, "l2_error"), 2, 0.1);
  Outcome const one = run(*real, {{"n", std::int64_t{20}}}),
                two = run(*both, {{"n", std::int64_t{20}}});
  EXPECT_LT(two.metrics.at("l2_error"), 0.03);
  EXPECT_LT(one.metrics.at("l2_error"), two.metrics.at("l2_error"));
}

TEST(Fem, AnswersAreThoseOfOneRank) {
  for (char const* name : {"poisson", "mixed-boundary", "diffusion"}) {
    auto const asked = problem(name, {{"points", std::int64_t{50}}});
    Settings const settings{
        {"n", std::int64_t{12}},
        {"degree", std::int64_t{2}},
        {"petsc", std::vector<std::string>{"ksp_rtol=1e-13", "pc_type=jacobi"}}};
    Outcome const many = run(*asked, settings);
    auto const alone = find_method("fem").make(with(find_method("fem").parameters, settings));
    alone->prepare(*asked, Comm::self());
    Batch answers;
    alone->apply(asked->draw(Split::test, 0, 50), answers);
    const std::vector<double> expected = answers.reals(value_array);
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(many.values[i], expected[i], 1e-11) << name;
    EXPECT_TRUE(all_ranks_agree(many.values));
  }
}

TEST(Fem, RepeatedCallsDoTheSame) {
  auto const asked = problem("mixed-boundary", {{"points", std::int64_t{50}}});
  const Settings settings{{"n", std::int64_t{16}}};
  Outcome const once = run(*asked, settings), thrice = run(*asked, settings, 3);
  for (std::size_t i = 0; i < once.values.size(); ++i)
    EXPECT_NEAR(once.values[i], thrice.values[i], 1e-13);
}

TEST(Fem, TellsItsPhasesAndCounts) {
  Outcome const one = run(*problem("poisson"), {{"n", std::int64_t{16}}});
  std::vector<std::string> names;
  for (Phase const& phase : one.preparation.phases) names.push_back(phase.name);
  EXPECT_EQ(names, (std::vector<std::string>{"mesh", "space", "tables", "first_assembly"}));
  names.clear();
  for (Phase const& phase : one.cost.phases) names.push_back(phase.name);
  EXPECT_EQ(names, (std::vector<std::string>{"assembly", "load", "conditions", "preconditioner",
                                             "solve", "evaluate"}));
  std::map<std::string, std::int64_t> counters;
  for (Counter const& counter : one.preparation.counters) counters[counter.name] = counter.value;
  EXPECT_EQ(counters.at("unknowns"), 17 * 17);
  EXPECT_EQ(counters.at("fixed"), 4 * 16);
  EXPECT_EQ(counters.at("cells"), 2 * 16 * 16);
}

TEST(Fem, DivergenceIsACheckWithPetscsReason) {
  Outcome const one = run(*problem("poisson"),
                          {{"n", std::int64_t{64}},
                           {"petsc", std::vector<std::string>{"ksp_max_it=2", "pc_type=jacobi"}}});
  ASSERT_EQ(one.cost.checks.size(), 1u);
  EXPECT_EQ(one.cost.checks[0].name, "solver_converged");
  EXPECT_FALSE(one.cost.checks[0].pass());
  EXPECT_NE(one.cost.checks[0].note.find("DIVERGED_ITS"), std::string::npos)
      << one.cost.checks[0].note;
  Outcome const good = run(*problem("poisson"), {{"n", std::int64_t{64}}});
  EXPECT_TRUE(good.cost.checks[0].pass());
}

TEST(Fem, ASingularProblemIsRefusedOrItsMeanIsZero) {
  auto const asked = problem("poisson", {{"solution", text("cosine")}});
  expect_error("method.nullspace = \"constant\"", [&] { run(*asked, {}); });
  const Settings settings{{"nullspace", text("constant")}, {"degree", std::int64_t{1}}, tight};
  EXPECT_NEAR(rate(*asked, settings, 16, "l2_error"), 2, 0.1);
  Pde pde = capability<BoundaryProblem>(*problem("elasticity"))->pde();
  pde.conditions.clear();
  const FieldProblem loose(pde, 10, 1);
  expect_error("rigid motions", [&] { run(loose, settings); });
}

TEST(Fem, TheHollowCubeOfTwoElements) {
  // No closed form: the largest displacement by Q2 agrees with that by P2 and improves on P1.
  auto const asked = problem(
      "elasticity",
      {{"domain", text("hollow-cube")}, {"load", text("constant")}, {"points", std::int64_t{10}}});
  auto const largest = [&](char const* cell, std::int64_t degree) {
    return run(*asked, {{"cell", text(cell)}, {"degree", degree}, {"n", std::int64_t{8}}})
        .metrics.at("largest");
  };
  double const p2 = largest("tetrahedron", 2), q2 = largest("hexahedron", 2),
               p1 = largest("tetrahedron", 1);
  EXPECT_NEAR(p2 / q2, 1, 0.04);
  EXPECT_GT(std::abs(p1 / q2 - 1), 0.1);
}

TEST(Fem, NeedsAnEquation) {
  auto const other = problem("operator-1d");
  expect_error("boundary-value problem", [&] {
    find_method("fem").make(defaults(find_method("fem").parameters))->prepare(*other, Comm());
  });
}

TEST(Fem, AMistypedOptionIsNamed) {
  expect_error("ksp_rtoll", [&] {
    run(*problem("poisson"), {{"petsc", std::vector<std::string>{"ksp_rtoll=1e-3"}}});
  });
}

} // namespace
} // namespace moho::study::test
