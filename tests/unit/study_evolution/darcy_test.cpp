// SPDX-License-Identifier: BSD-3-Clause
// Many coefficients on one mesh.
#include "evolution_support.hpp"
#include "moho/study/darcy.hpp"
#include "moho/study/function_batch.hpp"

namespace moho::study::test {
namespace {

using parallel::Comm;

const Settings small{{"squares", whole(4)}, {"truth_n", whole(16)}, {"test", whole(6)}};

TEST(Darcy, PassesItsChecks) {
  expect_all_pass(problem("darcy", small)->verify(Comm()));
  expect_all_pass(problem("darcy", {{"squares", whole(3)}, {"truth_n", whole(12)}, {"length", 0.0}})
                      ->verify(Comm()));
}

TEST(Darcy, PassesItsChecksToTheEndsOfItsRanges) {
  auto const verify = [](int squares, int truth_n, double length, double sigma) {
    expect_all_pass(problem("darcy", {{"squares", whole(squares)},
                                      {"truth_n", whole(truth_n)},
                                      {"length", length},
                                      {"sigma", sigma}})
                        ->verify(Comm()));
  };
  for (double const length : {0.0, 50.0, 100.0}) verify(4, 16, length, 1);
  for (double const sigma : {1e-6, 10.0}) verify(4, 16, 0.1, sigma);
  for (int const squares : {1, 2, 3, 8}) verify(squares, 2 * squares, 0.1, 1);
}

TEST(Darcy, DrawsDependOnTheItemAlone) {
  auto const asked = problem("darcy", small);
  const std::vector<double> all = asked->draw(Split::test, 0, 5).reals(input_array),
                            one = asked->draw(Split::test, 3, 1).reals(input_array);
  for (std::size_t i = 0; i < 16; ++i) EXPECT_EQ(one[i], all[48 + i]);
  EXPECT_NE(asked->draw(Split::train, 3, 1).reals(input_array), one);
}

TEST(Darcy, TruthKnowsItsUncertainty) {
  // The difference of truths on 16 and 32 intervals is what the coarser one says of itself, or
  // less.
  auto const coarse = problem("darcy", small);
  auto const fine = problem("darcy", moho::test::with(small, "truth_n", whole(32)));
  const Batch inputs = coarse->draw(Split::test, 0, 3);
  const Batch a = coarse->truth(inputs, Comm()), b = fine->truth(inputs, Comm());
  if (!Comm().root()) return;
  const std::vector<double> u = a.reals(output_array), v = b.reals(output_array),
                            claimed = a.reals("uncertainty");
  for (std::size_t i = 0; i < 3; ++i) {
    double off = 0, norm = 0;
    for (std::size_t j = 16 * i; j < 16 * (i + 1); ++j) {
      off += (u[j] - v[j]) * (u[j] - v[j]);
      norm += v[j] * v[j];
    }
    EXPECT_LT(std::sqrt(off / norm), claimed[i]);
    EXPECT_GT(std::sqrt(off / norm), claimed[i] / 30);
  }
}

TEST(FemBatch, BatchIsTheLoopBitForBit) {
  auto const asked = problem("darcy", small);
  for (std::int64_t const degree : {1, 2}) {
    const Settings settings{{"n", whole(8)}, {"degree", degree}};
    Settings const loop = moho::test::with(settings, "mode", text("loop")),
                   pieces = moho::test::with(settings, "batch", whole(4));
    Outcome const a = run(*asked, *method("fem-batch", settings)),
                  b = run(*asked, *method("fem-batch", loop)),
                  c = run(*asked, *method("fem-batch", pieces));
    EXPECT_TRUE(a.checks.at("batch_equals_loop"));
    EXPECT_TRUE(a.checks.at("control.batch_equals_loop"));
    EXPECT_TRUE(c.checks.at("batch_equals_loop"));
    EXPECT_EQ(b.checks.count("batch_equals_loop"), 0u);
    EXPECT_EQ(a.answers.reals(output_array), b.answers.reals(output_array));
    EXPECT_EQ(a.answers.reals(output_array), c.answers.reals(output_array));
  }
}

TEST(FemBatch, IsRightAndBalanced) {
  auto const asked = problem("darcy", small);
  for (char const* cell : {"triangle", "quadrilateral"}) {
    Outcome coarse = run(*asked, *method("fem-batch", {{"n", whole(8)}, {"cell", text(cell)}})),
            fine = run(*asked, *method("fem-batch", {{"n", whole(16)}, {"cell", text(cell)}}));
    EXPECT_TRUE(fine.checks.at("solver_converged"));
    if (!Comm().root()) continue;
    EXPECT_LT(fine.metrics["of_mean"], 0.01) << cell;
    EXPECT_LT(fine.metrics["rel_l2"], 0.5 * coarse.metrics["rel_l2"]) << cell;
    EXPECT_LT(fine.metrics["flux_balance"], 1e-10);
  }
  // A loose solver leaves fluxes that do not balance.
  Outcome loose =
      run(*asked,
          *method("fem-batch", {{"n", whole(8)},
                                {"petsc", std::vector<std::string>{"ksp_type=cg", "pc_type=jacobi",
                                                                   "ksp_rtol=1e-3"}}}));
  if (Comm().root()) {
    EXPECT_GT(loose.metrics["flux_balance"], 1e-8);
  }
}

TEST(FemBatch, SurrogatesAnswerTheSameQuestions) {
  auto const asked = problem(
      "darcy",
      {{"squares", whole(2)}, {"truth_n", whole(8)}, {"test", whole(20)}, {"train", whole(60)}});
  Outcome mean = run(*asked, *method("mean", {})),
          map = run(*asked, *method("linear-map", {{"intercept", true}}));
  if (!Comm().root()) return;
  EXPECT_GE(mean.metrics["of_mean"], 1);
  EXPECT_LT(map.metrics["of_mean"], mean.metrics["of_mean"]);
  EXPECT_TRUE(std::isnan(mean.metrics["flux_balance"]));
}

TEST(FemBatch, ASolverThatDoesNotConvergeIsReported) {
  Outcome const failed =
      run(*problem("darcy", small),
          *method("fem-batch", {{"n", whole(8)},
                                {"petsc", std::vector<std::string>{"ksp_type=cg", "pc_type=none",
                                                                   "ksp_max_it=1"}}}));
  EXPECT_FALSE(failed.checks.at("solver_converged"));
}

TEST(FemBatch, WhatDoesNotFitIsNamed) {
  auto const refused = [](std::string const& part, std::string const& name,
                          Settings const& answered) {
    expect_error(part, [&] {
      auto const question = problem(name, {});
      method("fem-batch", answered)->prepare(*question, Comm());
    });
  };
  refused("does not resolve 8 squares", "darcy", {{"n", whole(12)}});
  refused("method.perturbation", "darcy", {{"perturbation", 0.1}});
  refused("needs a flow through squares", "operator-1d", {});
  expect_error("problem.truth_n = 24", [] { problem("darcy", {{"truth_n", whole(24)}}); });
}

} // namespace
} // namespace moho::study::test
