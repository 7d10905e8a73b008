// SPDX-License-Identifier: BSD-3-Clause
// Equations in space-time, their solutions, the norms.
#include "central_difference.hpp"
#include "moho/core/host_copy.hpp"
#include "moho/nn/ops.hpp"
#include "moho/nn/program.hpp"
#include "pinn_equations.hpp"
#include "pinn_reaction_diffusion.hpp"
#include "support.hpp"
#include <cmath>
#include <numbers>

namespace moho::study::test {
namespace {

constexpr double pi = std::numbers::pi;

bool all_pass(std::vector<Check> const& checks) {
  bool all = true;
  for (Check const& check : checks) {
    EXPECT_TRUE(check.pass()) << check.name << " " << check.value;
    all = all && check.pass();
  }
  return all;
}

TEST(Equations, TruthsSatisfyThem) {
  for (auto const& [name, settings] : all_equations())
    EXPECT_TRUE(all_pass(problem(name, settings)->verify(parallel::Comm()))) << name;
  EXPECT_TRUE(all_pass(problem("convection", {{"beta", 150.0}})->verify(parallel::Comm())));
  EXPECT_TRUE(all_pass(problem("convection", {{"beta", 0.0}})->verify(parallel::Comm())));
  EXPECT_TRUE(all_pass(problem("reaction", {{"rho", 40.0}})->verify(parallel::Comm())));
  EXPECT_TRUE(all_pass(problem("wave", {{"beta", std::int64_t{9}}})->verify(parallel::Comm())));
  EXPECT_TRUE(all_pass(
      problem("reaction-diffusion", {{"rho", 0.0}, {"nu", 5.0}})->verify(parallel::Comm())));
}

/// Names of the checks that fail when the closed form of an equation is another function.
std::vector<std::string> failures(std::string const& equation,
                                  double (*exact)(Parameters const&, double, double)) {
  EquationEntry entry = find_equation(equation);
  entry.exact = exact;
  std::vector<std::string> failed;
  for (Check const& check : equation_checks(entry, defaults(entry.parameters)))
    if (!check.pass() && check.name.find("control") == std::string::npos)
      failed.push_back(check.name);
  return failed;
}

TEST(Equations, WrongSolutionsAreFound) {
  using Names = std::vector<std::string>;
  EXPECT_EQ(
      failures("convection", [](Parameters const& p, double x,
                                double t) { return std::sin(x - (p.real("beta") + 1e-5) * t); }),
      Names{"equation"});
  EXPECT_EQ(failures("convection", [](Parameters const& p, double x,
                                      double t) { return 1 + std::sin(x - p.real("beta") * t); }),
            Names{"initial_values"});
  EXPECT_EQ(
      failures("convection", [](Parameters const& p, double x,
                                double t) { return std::sin(1.1 * (x - p.real("beta") * t)); }),
      (Names{"initial_values", "ends"}));
  EXPECT_EQ(failures("wave",
                     [](Parameters const&, double x, double t) {
                       return std::sin(pi * x) * std::cos(2 * pi * t) +
                              0.5 * std::sin(5 * pi * x) * std::cos(10 * pi * t) +
                              0.1 * std::sin(pi * x) * std::sin(2 * pi * t);
                     }),
            Names{"initial_rate"});
}

TEST(Equations, InitialValuesOnATapeAreTheSame) {
  for (SpaceTimeEquation const& one : every_equation()) {
    nn::Tape tape;
    std::vector<double> places;
    for (int i = 0; i <= 20; ++i) places.push_back(one.length * i / 20);
    nn::Value const x = tape.input("x", {21, 1});
    nn::Derivatives wanted{{{{1}, 2, 0.5}}, {3}};
    nn::Jet const jet = one.initial_jet(nn::jet_of(x, wanted));
    nn::Program<double> program(
        {jet.value, *jet.along[0].first, *jet.along[0].second, *jet.combined});
    copy_to_device(std::span<double const>(places), program.input(x));
    program.run(ExecutionSpace());
    for (std::size_t i = 0; i < places.size(); ++i) {
      auto const first = [&](double at) {
        return central_difference([&](double s) { return one.initial(at + s); }, one.length / 200);
      };
      EXPECT_NEAR(to_host(program.result(0))[i], one.initial(places[i]), 1e-14) << one.label;
      EXPECT_NEAR(to_host(program.result(1))[i], first(places[i]), 1e-8) << one.label;
      double const second =
          central_difference([&](double s) { return first(places[i] + s); }, one.length / 200);
      double const tolerance = 1e-6 * (1 + std::fabs(second));
      EXPECT_NEAR(to_host(program.result(2))[i], second, tolerance) << one.label;
      EXPECT_NEAR(to_host(program.result(3))[i], 3 * first(places[i]) + 0.5 * second, tolerance)
          << one.label;
    }
  }
}

TEST(Equations, AnotherCoefficientKeepsTheRest) {
  for (auto const& [name, settings] : all_equations()) {
    auto const p = problem(name, settings);
    auto const& physics = *capability<PhysicsInformed>(*p);
    SpaceTimeEquation const raised = physics.equation(7.25);
    EXPECT_EQ(raised.coefficient, 7.25);
    EXPECT_NE(raised.label, physics.equation().label);
    EXPECT_EQ(raised.initial(1), physics.equation().initial(1));
    EXPECT_EQ(raised.length, physics.equation().length);
  }
}

TEST(Equations, NamesAreTold) {
  EXPECT_TRUE(names(error_of([] { find_equation("convektion"); }), {"convektion", "convection"}));
}

// A trapezoidal rule of many steps, with nothing in common but the equation.
TEST(Reaction, MeetsAnIntegration) {
  auto const p = problem("reaction", {{"rho", 6.0}, {"points", std::int64_t{9}}});
  const Batch asked = p->draw(Split::test, 0, p->count(Split::test));
  const std::vector<double> truth = p->truth(asked, parallel::Comm()).reals(output_array);
  for (std::size_t i = 0; i < 9; ++i) {
    double u = truth[i];
    constexpr int steps = 20000;
    for (int k = 0; k < steps; ++k) {
      auto const rate = [](double v) { return 6 * v * (1 - v); };
      double const k1 = rate(u), k2 = rate(u + k1 / steps);
      u += (k1 + k2) / (2 * steps);
    }
    EXPECT_NEAR(truth[truth.size() - 9 + i], u, 1e-7);
  }
}

std::vector<double> truth_of(Settings const& settings) {
  auto const p = problem("reaction-diffusion", settings);
  return p->truth(p->draw(Split::test, 0, p->count(Split::test)), parallel::Comm())
      .reals(output_array);
}

double uncertainty_of(Settings const& settings) {
  auto const p = problem("reaction-diffusion", settings);
  return p->truth(p->draw(Split::test, 0, 1), parallel::Comm()).reals("uncertainty").at(0);
}

TEST(ReactionDiffusionTruth, KnowsItsUncertainty) {
  double const smooth = uncertainty_of({}), sharp = uncertainty_of({{"rho", 60.0}, {"nu", 0.1}});
  EXPECT_LT(smooth, 1e-8);
  EXPECT_GT(sharp, smooth);
  // twice the points and four times the times: the same function, within what it claims
  Settings const some{{"points", std::int64_t{17}}, {"times", std::int64_t{6}}},
      more{{"points", std::int64_t{33}}, {"times", std::int64_t{21}}};
  const std::vector<double> coarse = truth_of(some), fine = truth_of(more);
  double worst = 0;
  for (std::size_t k = 0; k < 6; ++k)
    for (std::size_t i = 0; i < 17; ++i)
      worst = std::fmax(worst, std::fabs(coarse[k * 17 + i] - fine[4 * k * 33 + 2 * i]));
  EXPECT_LT(worst, 1e-8);
  // the last point is the first one of the circle
  EXPECT_EQ(fine[3 * 33], fine[4 * 33 - 1]);
}

TEST(ReactionDiffusionTruth, SplittingIsOfOrderTwoAndFourExtrapolated) {
  ReactionDiffusion const flow{0.5, 4, 2 * pi};
  std::vector<double> start;
  for (int i = 0; i < 64; ++i) start.push_back(0.5 + 0.3 * std::cos(2 * pi * i / 64));
  auto const last = [](std::vector<double> const& u) { return u[64 + 5]; };
  double const exact = last(flow.solve(start, 1, 2, 512));
  auto const order = [&](auto const& by) {
    return std::log2(std::fabs(last(by(8)) - exact) / std::fabs(last(by(16)) - exact));
  };
  EXPECT_NEAR(order([&](std::size_t n) { return flow.split(start, 1, 2, n); }), 2, 0.1);
  EXPECT_NEAR(order([&](std::size_t n) { return flow.solve(start, 1, 2, n); }), 4, 0.3);
}

TEST(SpaceTime, AsksAboutAGridAndNothingElse) {
  auto const p = problem("wave", {{"points", std::int64_t{5}}, {"times", std::int64_t{3}}});
  EXPECT_EQ(p->count(Split::test), 15u);
  EXPECT_EQ(p->count(Split::train), 0u);
  const std::vector<double> points = p->draw(Split::test, 0, 15).reals(input_array);
  EXPECT_EQ((std::vector<double>(points.begin() + 2 * 4, points.begin() + 2 * 6)),
            (std::vector<double>{1, 0, 0, 0.5}));
  EXPECT_EQ(points.back(), 1);
  EXPECT_EQ(p->draw(Split::test, 7, 2).reals(input_array),
            std::vector<double>(points.begin() + 14, points.begin() + 18));
  EXPECT_TRUE(names(error_of([&] { p->draw(Split::train, 0, 1); }), {"pinn-wave", "test items"}));
  EXPECT_TRUE(names(error_of([&] { p->draw(Split::test, 10, 6); }), {"15"}));
}

TEST(SpaceTime, NormsAreTheirDefinitions) {
  auto const p = problem("convection", {{"beta", 1.0}});
  const Batch asked = p->draw(Split::test, 0, p->count(Split::test));
  const Batch truth = p->truth(asked, parallel::Comm());
  const std::vector<double> u = truth.reals(output_array), x = asked.reals(input_array);
  auto const assessed = [&](std::function<double(std::size_t)> const& answer) {
    std::vector<double> values;
    for (std::size_t i = 0; i < u.size(); ++i) values.push_back(answer(i));
    Batch answers(u.size());
    answers.set(output_array, "", values, {u.size(), 1});
    return p->assess(asked, truth, answers);
  };
  auto const half = assessed([&](std::size_t i) { return 0.5 * u[i]; });
  EXPECT_NEAR(metric(half.metrics, "l2re"), 0.5, 1e-14);
  EXPECT_NEAR(metric(half.metrics, "l1re"), 0.5, 1e-14);
  EXPECT_NEAR(metric(half.metrics, "linf"), 0.5, 1e-14);
  EXPECT_NEAR(
      metric(assessed([&](std::size_t i) { return std::sin(x[2 * i]); }).metrics, "of_initial"), 1,
      1e-14);
  double mean = 0;
  for (double const value : u) mean += value / static_cast<double>(u.size());
  EXPECT_NEAR(metric(assessed([&](std::size_t) { return mean; }).metrics, "of_mean"), 1, 1e-12);
  EXPECT_EQ(metric(assessed([&](std::size_t i) { return u[i]; }).metrics, "l2re"), 0);
  auto const broken = assessed([&](std::size_t i) { return i == 3 ? std::nan("") : u[i]; });
  for (char const* const name : {"l2re", "l1re", "linf", "of_initial", "of_mean"})
    EXPECT_TRUE(std::isnan(metric(broken.metrics, name))) << name;
  EXPECT_EQ(half.data.at(3).path, "field/truth");
  EXPECT_EQ(half.data.at(3).shape, (std::vector<std::size_t>{101, 129}));
}

} // namespace
} // namespace moho::study::test
