// SPDX-License-Identifier: BSD-3-Clause
// Operator problems: spaces, draws, noise, refused parameters; the norm of function maps.
#include "moho/study/function_batch.hpp"
#include "moho/study/operator_problem.hpp"
#include "moho/study/operator_space.hpp"
#include "support/by_name.hpp"
#include "support/errors.hpp"
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>
#include <map>
#include <set>

namespace moho::study {
namespace {

using test::Settings;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

std::unique_ptr<Problem> line(Settings const& settings) {
  return test::problem("operator-1d", settings);
}
std::unique_ptr<Problem> square(Settings const& settings) {
  return test::problem("poisson-2d", settings);
}
std::unique_ptr<Problem> coefficient(Settings const& settings) {
  return test::problem("coefficient-1d", settings);
}

Value text(char const* value) {
  return std::string(value);
}
Value number(std::int64_t value) {
  return value;
}

double metric(Assessment const& assessment, std::string const& name) {
  for (Metric const& m : assessment.metrics)
    if (m.name == name) return m.value;
  ADD_FAILURE() << "no metric " << name;
  return nan;
}

template <class Body>
void expect_refused(Body const& body, std::vector<std::string> const& parts) {
  EXPECT_TRUE(test::names(test::error_of(body), parts));
}

Batch outputs(std::vector<double> const& values, std::size_t items) {
  Batch batch(items);
  batch.set(output_array, "", values, {items, values.size() / items});
  return batch;
}

// --- the norm -----------------------------------------------------------------------------------

TEST(FunctionNorm, ByHand) {
  // Means of the outputs: 2 and 0. Errors 1, 0, 0, -2; |u|^2 = 1 + 4 + 9 + 4.
  const Batch truth = outputs({1, 2, 3, -2}, 2), answers = outputs({2, 2, 3, -4}, 2);
  const Assessment samples = assess_function(truth, answers);
  EXPECT_DOUBLE_EQ(metric(samples, "mse"), 5.0 / 4);
  EXPECT_DOUBLE_EQ(metric(samples, "rel_mse"), 5.0 / 18);
  EXPECT_DOUBLE_EQ(metric(samples, "rel_l2"), std::sqrt(5.0 / 18));
  EXPECT_DOUBLE_EQ(metric(samples, "of_mean"), 5.0 / 10);
  EXPECT_DOUBLE_EQ(metric(samples, "linf"), 2);
  const Assessment basis = assess_function(truth, answers, Items::basis);
  EXPECT_DOUBLE_EQ(metric(basis, "mse"), 5.0 / 2) << "a sum over items, not their mean";
  EXPECT_DOUBLE_EQ(metric(basis, "rel_mse"), 5.0 / 18);
  EXPECT_DOUBLE_EQ(metric(basis, "of_mean"), 5.0 / 18) << "the mean of random coefficients is 0";
  ASSERT_EQ(samples.metrics.size(), function_metrics().size());
}

TEST(FunctionNorm, UnknownTruthsAreLeftOut) {
  const Assessment found = assess_function(outputs({1, nan, 3, -2}, 2), outputs({2, 9, 3, nan}, 2));
  EXPECT_TRUE(std::isnan(metric(found, "mse"))) << "a NaN answer to a known truth counts";
  EXPECT_TRUE(std::isnan(metric(found, "linf")));
  const Assessment known = assess_function(outputs({1, nan, 3, -2}, 2), outputs({2, 9, 3, -2}, 2));
  EXPECT_DOUBLE_EQ(metric(known, "mse"), 1.0 / 3);
  EXPECT_DOUBLE_EQ(metric(known, "rel_mse"), 1.0 / 14);
  EXPECT_DOUBLE_EQ(metric(known, "linf"), 1);
  EXPECT_EQ(known.counters.at(1).name, "unknown");
  EXPECT_EQ(known.counters.at(1).value, 1);
  const Assessment nothing = assess_function(outputs({nan, nan}, 1), outputs({2, 9}, 1));
  for (Metric const& m : nothing.metrics) EXPECT_TRUE(std::isnan(m.value)) << m.name;
}

TEST(FunctionNorm, OtherShapesAreADefect) {
  EXPECT_THROW(assess_function(outputs({1, 2, 3, 4}, 2), outputs({1, 2, 3, 4}, 1)),
               std::logic_error);
}

// --- spaces -------------------------------------------------------------------------------------

TEST(FunctionSpaces, NestWithinFamiliesAndNowhereElse) {
  ASSERT_EQ(published_spaces().size(), 25u);
  std::vector<Space> all;
  for (std::string const& name : published_spaces()) all.push_back(function_space(name, 24).space);
  for (Space const& a : all)
    for (Space const& b : all) {
      auto const degree = [](Space const& s) {
        return s.family == "fem" ? 0 : std::stoi(s.name.substr(s.family.size()));
      };
      bool const linear_in_fem = a.name == "fem" && b.name == "poly1";
      bool const nested = a.family == b.family && degree(b) <= degree(a);
      EXPECT_EQ(a.contains(b), nested || linear_in_fem) << a.name << " " << b.name;
    }
  EXPECT_EQ(function_space("poly3", 24).basis.size(), 4u);
  EXPECT_EQ(function_space("sin3", 24).basis.size(), 3u);
  EXPECT_EQ(function_space("poly0", 24).basis.size(), 1u);
  EXPECT_EQ(function_space("fem", 24).basis.size(), 25u);
  EXPECT_EQ(function_space("fem", 12).space.elements.count("hat12/12"), 1u);
  EXPECT_EQ(function_space("fem", 24).space.elements.count("hat12/12"), 0u);
}

TEST(FunctionSpaces, AsManyFunctionsAsTheNodesTellApart) {
  EXPECT_NO_THROW(function_space("poly12", 12));
  EXPECT_NO_THROW(function_space("cos12", 12));
  EXPECT_NO_THROW(function_space("sin11", 12));
  expect_refused([] { function_space("poly13", 12); }, {"poly13", "N = 12", "p <= 12"});
  expect_refused([] { function_space("cos13", 12); }, {"cos13", "13 nodes"});
  expect_refused([] { function_space("sin12", 12); }, {"sin12", "zero at every node", "p < 12"});
  for (char const* name : {"sine3", "sin", "sin0", "cos0", "sin03", "poly-1", "sin3x", "fem1", ""})
    expect_refused([&] { function_space(name, 12); }, {"unknown space", "did you mean"});
  expect_refused([] { function_space("pol3", 12); }, {"'poly3'"});
}

// --- draws --------------------------------------------------------------------------------------

TEST(OperatorDraws, ExpectationItemsAreTheBasis) {
  auto const asked = line({{"space", text("cos3")}, {"N", number(10)}, {"k", 2.0}});
  EXPECT_FALSE(asked->sampled());
  ASSERT_EQ(asked->count(Split::train), 3u);
  ASSERT_EQ(asked->count(Split::test), 3u);
  const Batch inputs = asked->draw(Split::test, 0, 3);
  EXPECT_EQ(inputs.labels, (std::vector<std::string>{"cos1", "cos2", "cos3"}));
  const std::vector<double> f = inputs.reals(input_array);
  const Batch truth = asked->truth(inputs, parallel::Comm());
  const std::vector<double> u = truth.reals(output_array);
  EXPECT_EQ(truth.at(output_array).shape, (std::vector<std::size_t>{3, 11}));
  for (std::size_t m = 1; m <= 3; ++m)
    for (std::size_t i = 0; i <= 10; ++i) {
      double const x = static_cast<double>(i) / 10, l = static_cast<double>(m) * M_PI;
      double const end = m % 2 == 1 ? 2 : 0;
      EXPECT_NEAR(f[(m - 1) * 11 + i], std::cos(l * x), 1e-15);
      EXPECT_NEAR(u[(m - 1) * 11 + i], (std::cos(l * x) - 1 + x * end) / (2 * l * l), 1e-16);
    }
  // A part of them is a part of them.
  const Batch last = asked->draw(Split::test, 2, 1);
  EXPECT_EQ(last.reals(input_array), std::vector<double>(f.begin() + 22, f.end()));
  EXPECT_EQ(asked->truth(last, parallel::Comm()).reals(output_array),
            std::vector<double>(u.begin() + 22, u.end()));
  EXPECT_THROW(asked->draw(Split::test, 2, 2), std::logic_error);
}

TEST(OperatorDraws, SamplesAreTheSameInAnyBlocksAndDifferBetweenSplits) {
  for (auto const& asked : {line({{"space", text("poly4")},
                                  {"draws", text("samples")},
                                  {"train", number(50)},
                                  {"test", number(40)}}),
                            square({{"space", text("sin2x3")},
                                    {"N", number(6)},
                                    {"draws", text("samples")},
                                    {"train", number(50)},
                                    {"test", number(40)}})}) {
    EXPECT_TRUE(asked->sampled());
    EXPECT_EQ(asked->count(Split::train), 50u);
    EXPECT_EQ(asked->count(Split::test), 40u);
    const Batch whole = asked->draw(Split::test, 0, 40), part = asked->draw(Split::test, 13, 5);
    const std::vector<double> f = whole.reals(input_array), g = part.reals(input_array);
    const std::size_t nodes = f.size() / 40;
    EXPECT_EQ(std::memcmp(f.data() + 13 * nodes, g.data(), g.size() * sizeof(double)), 0);
    const std::vector<double> u = asked->truth(whole, parallel::Comm()).reals(output_array);
    const std::vector<double> v = asked->truth(part, parallel::Comm()).reals(output_array);
    EXPECT_EQ(std::memcmp(u.data() + 13 * nodes, v.data(), v.size() * sizeof(double)), 0);
    std::set<double> seen;
    for (Split const split : {Split::train, Split::validation, Split::test}) {
      const std::vector<double> values = asked->draw(split, 0, 40).reals(input_array);
      for (std::size_t i = 0; i < 40; ++i) seen.insert(values[i * nodes + nodes / 2 + 1]);
    }
    EXPECT_EQ(seen.size(), 120u);
  }
}

TEST(OperatorDraws, CoefficientsAreStandardNormal) {
  constexpr std::size_t n = 20000;
  auto const asked =
      line({{"space", text("sin3")}, {"draws", text("samples")}, {"test", number(n)}});
  const std::vector<double> c = asked->draw(Split::test, 0, n).reals("coefficients");
  double moments[3][3] = {}, mean[3] = {};
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t a = 0; a < 3; ++a) {
      mean[a] += c[i * 3 + a] / n;
      for (std::size_t b = 0; b < 3; ++b) moments[a][b] += c[i * 3 + a] * c[i * 3 + b] / n;
    }
  for (std::size_t a = 0; a < 3; ++a) {
    EXPECT_NEAR(mean[a], 0, 5 / std::sqrt(n));
    for (std::size_t b = 0; b < 3; ++b)
      EXPECT_NEAR(moments[a][b], a == b ? 1 : 0, 5 * std::sqrt(2.0 / n));
  }
}

TEST(OperatorDraws, NoiseIsOnTrainingTargetsAlone) {
  const Settings quiet{{"space", text("sin3")},
                       {"draws", text("samples")},
                       {"train", number(400)},
                       {"test", number(10)}};
  Settings loud = quiet;
  loud["noise"] = 0.25;
  auto const a = line(quiet), b = line(loud);
  const parallel::Comm comm;
  const Batch x = a->draw(Split::train, 0, 400), y = b->draw(Split::train, 0, 400);
  EXPECT_EQ(x.reals(input_array), y.reals(input_array)) << "inputs are not touched";
  const std::vector<double> u = a->truth(x, comm).reals(output_array),
                            v = b->truth(y, comm).reals(output_array);
  double square_sum = 0;
  for (std::size_t i = 0; i < u.size(); ++i) square_sum += (u[i] - v[i]) * (u[i] - v[i]);
  double const n = static_cast<double>(u.size());
  EXPECT_NEAR(square_sum / n / (0.25 * 0.25), 1, 5 * std::sqrt(2 / n));
  EXPECT_EQ(a->truth(a->draw(Split::test, 0, 10), comm).reals(output_array),
            b->truth(b->draw(Split::test, 0, 10), comm).reals(output_array));
  EXPECT_FALSE(b->draw(Split::test, 0, 10).has("label_noise"));
  Settings contradiction = loud;
  contradiction["draws"] = text("expectation");
  expect_refused([&] { line(contradiction); }, {"noise", "samples"});
}

TEST(OperatorDraws, WhatIsLearntOfOneOperatorSaysNothingOfAnother) {
  auto const wide = line({{"space", text("sin3")}});
  EXPECT_TRUE(wide->space().contains(line({{"space", text("sin2")}})->space()));
  EXPECT_TRUE(wide->space().contains(line({{"space", text("sin2")}, {"c", 3.0}})->space()));
  for (Settings const& other :
       {Settings{{"space", text("sin2")}, {"k", 2.0}},
        Settings{{"space", text("sin2")}, {"operator", text("biharmonic-clamped")}},
        Settings{{"space", text("sin2")}, {"operator", text("reaction-diffusion")}}})
    EXPECT_FALSE(wide->space().contains(line(other)->space()));
}

TEST(OperatorDraws, SquareIsSlowestInX) {
  auto const asked = square({{"space", text("sin2x1")}, {"N", number(4)}, {"k", 3.0}});
  EXPECT_EQ(asked->space().elements.size(), 2u);
  EXPECT_TRUE(asked->space().elements.rbegin()->ends_with("sin2x1"));
  const Batch inputs = asked->draw(Split::test, 1, 1); // sin(2 pi x) sin(pi y)
  const std::vector<double> f = inputs.reals(input_array),
                            u = asked->truth(inputs, parallel::Comm()).reals(output_array);
  for (std::size_t i = 0; i <= 4; ++i)
    for (std::size_t j = 0; j <= 4; ++j) {
      double const exact =
          std::sin(M_PI * static_cast<double>(i) / 2) * std::sin(M_PI * static_cast<double>(j) / 4);
      EXPECT_NEAR(f[i * 5 + j], exact, 1e-15);
      EXPECT_NEAR(u[i * 5 + j], exact / (15 * M_PI * M_PI), 1e-17);
    }
}

// --- coefficient --------------------------------------------------------------------------------

TEST(CoefficientProblem, LowerTermsStandInTheSource) {
  for (char const* operator_ : {"poisson", "reaction-diffusion", "helmholtz"}) {
    auto const asked =
        coefficient({{"operator", text(operator_)}, {"space", text("sin2")}, {"k", 0.5}});
    const Batch in = asked->draw(Split::test, 1, 1);
    const std::vector<double> f = in.reals(source_array), u = in.reals(solution_array);
    EXPECT_EQ(in.integers(derivative_array), std::vector<std::int64_t>{2});
    for (std::size_t i = 0; i < f.size(); ++i)
      EXPECT_NEAR(f[i], 0.5 * 4 * M_PI * M_PI * u[i], 1e-14) << operator_;
    EXPECT_EQ(asked->truth(in, parallel::Comm()).reals(coefficient_array),
              std::vector<double>{0.5});
  }
  auto const beam = coefficient({{"operator", text("biharmonic-clamped")}});
  EXPECT_EQ(beam->draw(Split::test, 0, 1).integers(derivative_array), std::vector<std::int64_t>{4});
}

TEST(CoefficientProblem, BiasIsSigned) {
  auto const asked = coefficient({{"space", text("poly2")}, {"k", 2.0}});
  const Batch in = asked->draw(Split::test, 0, 3), truth = asked->truth(in, parallel::Comm());
  Batch answer(1);
  answer.set(coefficient_array, "", std::vector<double>{1.5});
  const Assessment found = asked->assess(in, truth, answer);
  EXPECT_DOUBLE_EQ(metric(found, "coefficient_rel"), -0.25);
  EXPECT_DOUBLE_EQ(metric(found, "coefficient_rel_abs"), 0.25);
  EXPECT_GT(metric(found, "coefficient_of_trivial"), 0);
}

// --- what is refused, what is checked -----------------------------------------------------------

TEST(OperatorProblems, RefuseWhatHasNoMeaning) {
  expect_refused([] { line({{"k", 0.0}}); }, {"problem.k", "positive"});
  expect_refused([] { line({{"operator", text("helmholtz")}, {"w", 2 * M_PI}}); }, {"resonance"});
  expect_refused([] { line({{"space", text("sin24")}}); }, {"sin24", "N = 24"});
  expect_refused(
      [] {
        coefficient({{"operator", text("advection-diffusion")}});
      },
      {"advection-diffusion", "no single coefficient"});
  expect_refused([] { square({{"space", text("sin4")}}); }, {"sin4", "sin2x3"});
  for (char const* name : {"sin2x0", "sin02x1", "sin2x", "sin2x3x", "poly2x3", ""})
    expect_refused([&] { square({{"space", text(name)}}); }, {"unknown space"});
  expect_refused([] { square({{"space", text("sin2x6")}, {"N", number(6)}}); }, {"N = 6", "< 6"});
  expect_refused([] { square({{"k", -1.0}}); }, {"problem.k"});
}

TEST(OperatorProblems, PassTheirChecksAndRejectTheirControls) {
  const parallel::Comm comm;
  std::vector<std::unique_ptr<Problem>> all;
  for (std::string const& name : operator_names())
    for (std::int64_t const n : {2, 3, 24, 100}) {
      all.push_back(line({{"operator", name}, {"N", n}, {"space", text("sin1")}}));
      if (name != "advection-diffusion")
        all.push_back(coefficient({{"operator", name}, {"N", n}, {"space", text("poly1")}}));
    }
  all.push_back(square({}));
  all.push_back(square({{"N", number(60)}, {"space", text("sin5x2")}, {"k", 1e-3}}));
  for (auto const& one : all) {
    const std::vector<Check> checks = one->verify(comm);
    std::size_t controls = 0;
    for (Check const& check : checks) {
      EXPECT_TRUE(check.pass()) << check.name << " " << check.value << " " << check.limit;
      controls += check.name.rfind("control.", 0) == 0;
    }
    EXPECT_EQ(2 * controls, checks.size());
    EXPECT_GT(controls, 0u);
  }
}

} // namespace
} // namespace moho::study
