// SPDX-License-Identifier: BSD-3-Clause
// `fem-1d` against the exact discrete operators of the reference and against smooth solutions.
#include "fake_spaces.hpp"
#include "moho/core/error.hpp"
#include "moho/study/boundary_value.hpp"
#include <fstream>
#include <nlohmann/json.hpp>

namespace moho::study::test {
namespace {

using parallel::Comm;

/// An equation and nothing else.
class Equation : public Problem, public BoundaryValueProblem {
public:
  Equation(BoundaryValue equation, std::size_t intervals)
      : _equation(equation), _intervals(intervals) {}
  BoundaryValue equation() const override { return _equation; }
  std::size_t intervals() const override { return _intervals; }
  std::size_t count(Split) const override { return 0; }
  Batch draw(Split, std::uint64_t, std::size_t) const override { return Batch(0); }
  Batch truth(Batch const&, Comm const&) const override { return Batch(0); }
  std::vector<Check> verify(Comm const&) const override { return {}; }
  Assessment assess(Batch const&, Batch const&, Batch const&) const override { return {}; }

private:
  BoundaryValue _equation;
  std::size_t _intervals;
};

std::unique_ptr<Method> prepared(BoundaryValue const& equation, std::size_t intervals) {
  auto fem = method("fem-1d");
  fem->prepare(Equation(equation, intervals), Comm::self());
  return fem;
}

nlohmann::json reference() {
  std::ifstream file(data_file({}, "sciml/green1d.json"));
  return nlohmann::json::parse(file);
}

/// Largest |A - A_hat| over the largest |A_hat|, A the answers to unit inputs.
double distance_to_reference(Method& fem, nlohmann::json const& exact, std::size_t intervals) {
  const std::size_t nodes = intervals + 1;
  const std::vector<double> columns = weights(fem, nodes);
  double worst = 0, largest = 0;
  for (std::size_t i = 0; i < nodes; ++i)
    for (std::size_t j = 0; j < nodes; ++j) {
      bool const inside = i > 0 && i < intervals;
      double const expected = inside ? exact.at(i - 1).at(j).get<double>() : 0;
      worst = std::max(worst, std::abs(columns[j * nodes + i] - expected));
      largest = std::max(largest, std::abs(expected));
    }
  return worst / largest;
}

// Where the Green's function lies in the trial space the nodal values are exact.
TEST(Fem1d, IsExactAtTheNodes) {
  const nlohmann::json file = reference();
  const std::size_t n = file.at("meta").at("N");
  for (const Operator1d kind : {Operator1d::poisson, Operator1d::biharmonic_simply_supported,
                                Operator1d::biharmonic_clamped}) {
    std::string key = name(kind);
    std::replace(key.begin(), key.end(), '-', '_');
    nlohmann::json const& exact = file.at("ops").at(key).at("A_hat");
    BoundaryValue equation{.kind = kind};
    double const limit = kind == Operator1d::poisson ? 1e-14 : 1e-11;
    EXPECT_LT(distance_to_reference(*prepared(equation, n), exact, n), limit) << key;
    equation.k = 1 + 1e-9; // the comparison can tell
    EXPECT_GT(distance_to_reference(*prepared(equation, n), exact, n), limit) << key;
  }
}

TEST(Fem1d, IsCloseForTheOtherOperators) {
  const nlohmann::json file = reference();
  const std::size_t n = file.at("meta").at("N");
  for (const Operator1d kind :
       {Operator1d::advection_diffusion, Operator1d::reaction_diffusion, Operator1d::helmholtz}) {
    std::string key = name(kind);
    std::replace(key.begin(), key.end(), '-', '_');
    nlohmann::json const& exact = file.at("ops").at(key).at("A_hat");
    double const found = distance_to_reference(*prepared({.kind = kind}, n), exact, n);
    EXPECT_LT(found, kind == Operator1d::helmholtz ? 0.4 : 0.05) << key;
    EXPECT_GT(found, 1e-4) << key; // they are not exact at the nodes
    BoundaryValue other{.kind = kind};
    other.beta = -other.beta;
    other.c = 0;
    other.w = 1;
    EXPECT_GT(distance_to_reference(*prepared(other, n), exact, n), 0.5) << key;
  }
}

/// u = sin^2(pi x) satisfies every boundary condition but u'' = 0, u = sin(pi x) that one.
struct Smooth {
  double u, du, d2u, d4u;
};
Smooth smooth(double x, bool clamped) {
  constexpr double pi = std::numbers::pi;
  if (clamped) // (1 - cos 2 pi x) / 2
    return {(1 - std::cos(2 * pi * x)) / 2, pi * std::sin(2 * pi * x),
            2 * pi * pi * std::cos(2 * pi * x), -8 * std::pow(pi, 4) * std::cos(2 * pi * x)};
  double const s = std::sin(pi * x);
  return {s, pi * std::cos(pi * x), -pi * pi * s, std::pow(pi, 4) * s};
}

double error_on(BoundaryValue const& q, std::size_t n) {
  std::vector<double> f, u;
  for (std::size_t i = 0; i <= n; ++i) {
    const Smooth v = smooth(static_cast<double>(i) / static_cast<double>(n),
                            q.kind == Operator1d::biharmonic_clamped);
    u.push_back(v.u);
    switch (q.kind) {
    case Operator1d::poisson:
      f.push_back(-q.k * v.d2u);
      break;
    case Operator1d::advection_diffusion:
      f.push_back(-q.eps * v.d2u + q.beta * v.du);
      break;
    case Operator1d::reaction_diffusion:
      f.push_back(-q.k * v.d2u + q.c * v.u);
      break;
    case Operator1d::helmholtz:
      f.push_back(-q.k * v.d2u - q.w * q.w * v.u);
      break;
    default:
      f.push_back(q.k * v.d4u);
    }
  }
  return relative_difference(answers(*prepared(q, n), inputs_of(f, n + 1)), u);
}

TEST(Fem1d, ConvergesWithTheSecondOrder) {
  for (const Operator1d kind : {Operator1d::poisson, Operator1d::biharmonic_simply_supported,
                                Operator1d::biharmonic_clamped, Operator1d::advection_diffusion,
                                Operator1d::reaction_diffusion, Operator1d::helmholtz}) {
    BoundaryValue const equation{.kind = kind, .k = 0.7};
    double const coarse = error_on(equation, 64), fine = error_on(equation, 128);
    EXPECT_NEAR(std::log2(coarse / fine), 2, 0.05) << name(kind);
    EXPECT_LT(fine, 1e-2) << name(kind);
  }
}

TEST(Fem1d, AnswersDependOnTheirItemAlone) {
  auto const fem = prepared({.kind = Operator1d::biharmonic_clamped}, 9);
  std::vector<double> f;
  for (int i = 0; i < 30; ++i) f.push_back(std::sin(1.7 * i));
  const std::vector<double> all = answers(*fem, inputs_of(f, 10));
  for (std::size_t i = 0; i < 3; ++i) {
    auto const part = [i](std::vector<double> const& v) {
      return std::vector<double>(v.begin() + static_cast<std::ptrdiff_t>(10 * i),
                                 v.begin() + static_cast<std::ptrdiff_t>(10 * i + 10));
    };
    EXPECT_EQ(answers(*fem, inputs_of(part(f), 10)), part(all));
  }
  EXPECT_GT(fem->cost().flops.value_or(0), 0);
}

TEST(Fem1d, SmallestGrids) {
  EXPECT_EQ(answers(*prepared({}, 1), inputs_of({1, 2}, 2)), (std::vector<double>{0, 0}));
  const std::vector<double> two = answers(*prepared({}, 2), inputs_of({1, 1, 1}, 3));
  EXPECT_NEAR(two[1], 0.125, 1e-16); // x (1 - x) / 2
  EXPECT_EQ(answers(*prepared({.kind = Operator1d::biharmonic_clamped}, 1), inputs_of({1, 2}, 2)),
            (std::vector<double>{0, 0}));
}

TEST(Fem1d, RefusesWhatItCannotSolve) {
  auto const fem = method("fem-1d");
  const Fake no_equation(poisson_space("sin", 3, 8));
  EXPECT_TRUE(
      names(error_of([&] { fem->prepare(no_equation, Comm::self()); }), {"needs the equation"}));
  // On three intervals: 2 k / h - w^2 2 h / 3 = k / h + w^2 h / 6 for w^2 = 10.8 k.
  BoundaryValue resonance{.kind = Operator1d::helmholtz, .k = 2.5, .w = std::sqrt(27.0)};
  EXPECT_TRUE(names(error_of([&] { prepared(resonance, 3); }), {"singular"}));
  resonance.w *= 1 + 1e-6;
  EXPECT_EQ(error_of([&] { prepared(resonance, 3); }), "");
  auto const nine = prepared({}, 8);
  EXPECT_TRUE(names(error_of([&] { answers(*nine, inputs_of({1, 2, 3}, 3)); }), {"prepared on 9"}));
}

} // namespace
} // namespace moho::study::test
