// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/pde_problem.hpp"
#include "support/by_name.hpp"
#include "support/errors.hpp"
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

namespace moho::study::test {
namespace {

using moho::test::problem;
using moho::test::Settings;
using parallel::Comm;

std::string text(char const* value) {
  return value;
}

/// Every steady problem in all of its forms whose solution is known.
std::vector<std::unique_ptr<Problem>> known_problems() {
  std::vector<std::unique_ptr<Problem>> all;
  for (char const* domain : {"square", "cube", "lshape", "hollow-cube", "disk"})
    all.push_back(problem("poisson", {{"domain", text(domain)}}));
  all.push_back(problem("poisson", {{"domain", text("lshape")}, {"solution", text("sine")}}));
  all.push_back(problem("poisson", {{"domain", text("disk")}, {"solution", text("exponential")}}));
  for (char const* domain : {"square", "cube"}) {
    all.push_back(problem("poisson", {{"domain", text(domain)}, {"solution", text("cosine")}}));
    for (char const* coefficient : {"scalar", "tensor"})
      all.push_back(
          problem("diffusion", {{"domain", text(domain)}, {"coefficient", text(coefficient)}}));
  }
  all.push_back(
      problem("diffusion", {{"advection", std::vector<double>{3, -2}}, {"reaction", 5.0}}));
  for (double const alpha : {0.0, 1.0, 7.5})
    all.push_back(problem("mixed-boundary", {{"alpha", alpha}}));
  for (char const* domain : {"square", "cube", "lshape", "hollow-cube"})
    all.push_back(problem("elasticity", {{"domain", text(domain)}}));
  for (bool const both : {true, false}) all.push_back(problem("helmholtz", {{"complex", both}}));
  return all;
}

void expect_verified(Problem const& one, std::string const& what = {}) {
  const std::vector<Check> checks = one.verify(Comm::self());
  EXPECT_GE(checks.size(), 6u);
  std::size_t controls = 0;
  for (Check const& check : checks) {
    EXPECT_TRUE(check.pass()) << what << " " << check.name << " " << check.value << " "
                              << check.limit;
    controls += check.name.rfind("control.", 0) == 0 ? 1 : 0;
  }
  EXPECT_EQ(2 * controls, checks.size());
}

TEST(FieldProblems, AreVerifiedWithControls) {
  for (auto const& one : known_problems()) expect_verified(*one);
}

TEST(FieldProblems, AreVerifiedToTheEndsOfTheirRanges) {
  for (double const alpha : {1e-6, 50.0, 100.0, 1e3, 1e6})
    expect_verified(*problem("mixed-boundary", {{"alpha", alpha}}), "alpha");
  // Towards 1e4 resonances lie so close that nearly every wavenumber is refused.
  for (double const k : {1e-3, 0.1, 40.0, 100.0, 333.0, 1000.0})
    for (bool const both : {true, false})
      expect_verified(*problem("helmholtz", {{"wavenumber", k}, {"complex", both}}), "helmholtz");
  for (double const young : {1e-12, 1e15})
    for (double const ratio : {-0.99, 0.4999})
      expect_verified(*problem("elasticity", {{"young", young}, {"poisson_ratio", ratio}}),
                      "elasticity");
  for (double const b : {1e-6, 1e6})
    for (double const c : {0.0, 1e6})
      expect_verified(
          *problem("diffusion", {{"advection", std::vector<double>{b, -b}}, {"reaction", c}}),
          "diffusion");
}

/// The checks of a Pde that fail.
std::vector<std::string> broken(Pde const& pde) {
  std::vector<std::string> names;
  for (Check const& check : pde_checks(pde))
    if (!check.pass()) names.push_back(check.name);
  return names;
}

bool has(std::vector<std::string> const& names, char const* name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

TEST(FieldProblems, AWrongPdeIsRejected) {
  auto const posed = problem("mixed-boundary");
  const Pde right = capability<BoundaryProblem>(*posed)->pde();
  EXPECT_TRUE(broken(right).empty());
  Pde source = right;
  source.source = [f = right.source](double const* x, double* out) { f(x, out), *out += 1e-6; };
  EXPECT_TRUE(has(broken(source), "strong_form"));
  Pde gradient = right;
  gradient.gradient = [g = right.gradient](double const* x, double* out) {
    g(x, out), std::swap(out[0], out[1]);
  };
  EXPECT_TRUE(has(broken(gradient), "exact_gradient"));
  for (std::size_t i = 0; i < right.conditions.size(); ++i) {
    Pde data = right;
    data.conditions[i].value = [f = right.conditions[i].value](double const* x, double* out) {
      f(x, out), *out *= 1 + 1e-9;
    };
    EXPECT_TRUE(has(broken(data), "boundary_data")) << i;
    Pde missing = right;
    missing.conditions.erase(missing.conditions.begin() + static_cast<std::ptrdiff_t>(i));
    // Nothing said is zero flux: true on the Robin sides alone.
    EXPECT_EQ(has(broken(missing), "boundary_data"), i < 2) << i;
  }
  Pde coefficient = right;
  coefficient.terms[0].constant = {1 + 1e-6};
  EXPECT_TRUE(has(broken(coefficient), "strong_form"));
}

TEST(FieldProblems, TruthIsTheSolutionAtThePoints) {
  auto const one = problem("elasticity", {{"points", std::int64_t{20}}});
  const Batch inputs = one->draw(Split::test, 0, 20), truth = one->truth(inputs, Comm::self());
  const std::vector<double> points = inputs.reals("point"), u = truth.reals("value");
  EXPECT_EQ(truth.at("value").shape, (std::vector<std::size_t>{20, 3}));
  for (std::size_t i = 0; i < 20; ++i) {
    double s = 1;
    for (std::size_t d = 0; d < 3; ++d) s *= std::sin(M_PI * points[3 * i + d]);
    EXPECT_NEAR(u[3 * i], s, 1e-15);
    EXPECT_NEAR(u[3 * i + 1], 2 * s, 1e-15);
    EXPECT_NEAR(u[3 * i + 2], -s, 1e-15);
  }
}

TEST(FieldProblems, AnUnknownSolutionIsNotANumber) {
  auto const one = problem(
      "elasticity",
      {{"domain", text("hollow-cube")}, {"load", text("constant")}, {"points", std::int64_t{5}}});
  EXPECT_TRUE(one->verify(Comm::self()).empty());
  const Batch truth = one->truth(one->draw(Split::test, 0, 5), Comm::self());
  for (double const value : truth.reals("value")) EXPECT_TRUE(std::isnan(value));
}

TEST(FieldProblems, SplitsDiffer) {
  auto const one = problem("poisson");
  EXPECT_EQ(one->count(Split::test), 1000u);
  EXPECT_NE(one->draw(Split::test, 0, 1).reals("point"),
            one->draw(Split::train, 0, 1).reals("point"));
}

TEST(FieldProblems, WhatIsSingularIsKnown) {
  auto const pde = [](std::unique_ptr<Problem> const& one) {
    return capability<BoundaryProblem>(*one)->pde();
  };
  EXPECT_FALSE(pde(problem("poisson")).singular());
  EXPECT_TRUE(pde(problem("poisson", {{"solution", text("cosine")}})).singular());
  EXPECT_FALSE(pde(problem("mixed-boundary")).singular());
  Pde reaction = pde(problem("poisson", {{"solution", text("cosine")}}));
  reaction.terms.push_back({fem::FormKind::mass, {1}});
  EXPECT_FALSE(reaction.singular());
}

void expect_refused(std::string const& name, Settings const& settings, std::string const& part) {
  EXPECT_TRUE(moho::test::names(moho::test::error_of([&] { problem(name, settings); }), {part}))
      << name;
}

TEST(FieldProblems, WhatMakesNoSenseIsRefused) {
  expect_refused("poisson", {{"domain", text("disk")}, {"solution", text("corner")}}, "use auto");
  expect_refused("poisson", {{"domain", text("disk")}, {"solution", text("sine")}}, "use auto");
  expect_refused("poisson", {{"solution", text("radial")}}, "'square'");
  expect_refused("diffusion", {{"advection", std::vector<double>{1}}}, "problem.advection has 1");
  expect_refused("helmholtz", {{"wavenumber", M_PI * std::sqrt(5.0)}}, "resonance");
}

} // namespace
} // namespace moho::study::test
