// SPDX-License-Identifier: BSD-3-Clause
// Green's functions and tabulated solutions against green1d.json, closed forms and limits.
#include "moho/core/error.hpp"
#include "moho/core/philox.hpp"
#include "moho/study/boundary_value.hpp"
#include "verification/operator_support.hpp"
#include <algorithm>
#include <chrono>
#include <cmath>
#include <gtest/gtest.h>

namespace moho::verification {
namespace {

using study::BasisFunction;
using study::BoundaryValue;
using study::Operator1d;
using Kind = BasisFunction::Kind;

constexpr double limit = 1e-14;

BoundaryValue equation(std::string name, Json const& params) {
  std::replace(name.begin(), name.end(), '_', '-');
  BoundaryValue result;
  result.kind = study::operator_named(name);
  for (auto const& [key, place] : std::map<std::string, double*>{{"k", &result.k},
                                                                 {"c", &result.c},
                                                                 {"w", &result.w},
                                                                 {"eps", &result.eps},
                                                                 {"beta", &result.beta}})
    if (params.contains(key)) *place = params[key];
  return result;
}

/// Largest difference over the largest value.
struct Worst {
  double difference = 0, largest = 0;
  void add(double found, double exact) {
    double const d = std::abs(found - exact);
    difference = std::isnan(d) ? HUGE_VAL : std::fmax(difference, d);
    largest = std::fmax(largest, std::abs(exact));
  }
  double relative() const { return difference / largest; }
};

struct Errors {
  double nodes, points, hats;
};

/// `factor` on the answers: 1, or a perturbation that a check must notice.
Errors errors(BoundaryValue const& e, Json const& known, double factor) {
  Worst nodes, points, hats;
  std::size_t const n = known["G_nodes"].size() + 1;
  auto const at = [&](std::size_t i) {
    return static_cast<long double>(i) / static_cast<long double>(n);
  };
  auto const green = [&](long double x, long double s) {
    return static_cast<double>(factor * study::greens_function(e, x, s));
  };
  for (std::size_t i = 1; i < n; ++i)
    for (std::size_t j = 1; j < n; ++j)
      nodes.add(green(at(i), at(j)), known["G_nodes"][i - 1][j - 1]);
  for (Json const& p : known["points"])
    points.add(green(p[0].get<double>(), p[1].get<double>()), p[2]);
  const study::NodeSolutions table(e, n);
  for (std::size_t j = 0; j <= n; ++j) {
    std::vector<double> const& u = table.solution({Kind::hat, j});
    EXPECT_EQ(u.front(), 0);
    EXPECT_EQ(u.back(), 0);
    for (std::size_t i = 1; i < n; ++i) hats.add(factor * u[i], known["A_hat"][i - 1][j]);
  }
  return {nodes.relative(), points.relative(), hats.relative()};
}

TEST(GreenReference, NodesPointsAndHatsOfSixOperators) {
  Json const& operators = reference("green1d")["ops"];
  ASSERT_EQ(operators.size(), 6u);
  for (auto const& [name, known] : operators.items()) {
    const BoundaryValue e = equation(name, known["params"]);
    const Errors found = errors(e, known, 1), perturbed = errors(e, known, 1 + 1e-13);
    std::printf("%-28s G %.1e  points %.1e  hats %.1e\n", name.c_str(), found.nodes, found.points,
                found.hats);
    EXPECT_LE(found.nodes, limit) << name;
    EXPECT_LE(found.points, limit) << name;
    EXPECT_LE(found.hats, limit) << name;
    // The control: the same limits reject 1e-13 more, and another coefficient.
    EXPECT_GT(perturbed.nodes, limit) << name;
    EXPECT_GT(perturbed.points, limit) << name;
    EXPECT_GT(perturbed.hats, limit) << name;
    BoundaryValue other = e;
    other.k *= 1 + 1e-10, other.eps *= 1 + 1e-10;
    const Errors rejected = errors(other, known, 1);
    EXPECT_GT(rejected.nodes, limit) << name;
    EXPECT_GT(rejected.hats, limit) << name;
  }
}

BoundaryValue random_equation(Philox const& random, std::uint64_t item, std::size_t& intervals) {
  auto const between = [&](std::uint32_t draw, double low, double high) {
    return low * std::pow(high / low, random.uniform(item, draw));
  };
  BoundaryValue e;
  e.kind = static_cast<Operator1d>(item % 6);
  e.k = between(0, 1e-3, 1e3);
  e.c = between(1, 1e-3, 1e6);
  e.eps = between(2, 1e-5, 10);
  e.beta = between(3, 1e-2, 1e2) * (random.uniform(item, 4) < 0.5 ? -1 : 1);
  // Half-way between resonances, near enough.
  double const waves = std::floor(30 * random.uniform(item, 5));
  e.w = std::sqrt(e.k) * M_PI * (waves + 0.1 + 0.8 * random.uniform(item, 6));
  intervals = 3 + static_cast<std::size_t>(60 * random.uniform(item, 7));
  return e;
}

TEST(GreenProperty, TablesMeetClosedFormsForRandomEquations) {
  const Philox random{printed_seed("TablesMeetClosedForms"), 1};
  for (std::uint64_t item = 0; item < 120; ++item) {
    std::size_t intervals = 0;
    const BoundaryValue e = random_equation(random, item, intervals);
    // The problem's own checks hold closed forms of the sines against the tables, with controls.
    auto const asked = problem("operator-1d", {{"operator", std::string(study::name(e.kind))},
                                               {"N", static_cast<std::int64_t>(intervals)},
                                               {"k", e.k},
                                               {"c", e.c},
                                               {"beta", e.beta},
                                               {"eps", e.eps},
                                               {"w", e.w},
                                               {"space", std::string("sin1")}});
    for (study::Check const& check : asked->verify(parallel::Comm()))
      EXPECT_TRUE(check.pass()) << check.name << " " << check.value << " item " << item << " "
                                << study::name(e.kind) << " N " << intervals << " k " << e.k
                                << " c " << e.c << " beta " << e.beta << " eps " << e.eps << " w "
                                << e.w;
  }
}

/// -eps G_xx + beta G_x and its like vanish off the diagonal, and the highest derivative but one
/// jumps by 1/k there: by differences in long double, which lose digits but tell operators apart.
TEST(GreenProperty, SolvesTheEquationAwayFromTheSource) {
  const Philox random{printed_seed("SolvesTheEquation"), 2};
  for (std::uint64_t item = 0; item < 60; ++item) {
    if (item % 6 == 1 || item % 6 == 2) continue; // fourth differences lose too much
    std::size_t intervals = 0;
    BoundaryValue e = random_equation(random, item, intervals);
    e.c = e.k * (5 + 50 * random.uniform(item, 21)); // so that no term is small beside another
    e.beta = e.eps * (random.uniform(item, 22) < 0.5 ? -8 : 8);
    e.w = std::sqrt(e.k) * (4 + random.uniform(item, 23));
    long double const h = 1e-4L, s = 0.4L + 0.2L * random.uniform(item, 20);
    auto const residual = [&](BoundaryValue const& of, long double x) {
      auto const g = [&](long double y) { return study::greens_function(of, y, s); };
      long double const second = (g(x + h) - 2 * g(x) + g(x - h)) / (h * h);
      long double const first = (g(x + h) - g(x - h)) / (2 * h);
      switch (e.kind) {
      case Operator1d::advection_diffusion:
        return -e.eps * second + e.beta * first;
      case Operator1d::reaction_diffusion:
        return -e.k * second + e.c * g(x);
      case Operator1d::helmholtz:
        return -e.k * second - static_cast<long double>(e.w) * e.w * g(x);
      default:
        return -e.k * second;
      }
    };
    for (long double const x : {0.1L, 0.25L, 0.75L, 0.9L})
      EXPECT_LT(std::abs(residual(e, x)), 1e-4L) << study::name(e.kind) << " item " << item;
    // At the source itself -k u'' is a unit jump of k u', seen as 1 / h.
    EXPECT_NEAR(static_cast<double>(residual(e, s) * h), 1, 1e-2) << study::name(e.kind);
    if (e.kind == Operator1d::poisson) continue;
    BoundaryValue other = e; // the control: the Green's function of a neighbour
    other.c *= 1.1, other.beta *= 1.1, other.w *= 0.9;
    long double most = 0;
    for (long double const x : {0.1L, 0.25L, 0.75L, 0.9L})
      most = std::fmax(most, std::abs(residual(other, x)));
    EXPECT_GT(most, 1e-3L) << study::name(e.kind) << " item " << item;
  }
}

TEST(GreenLimits, StiffOperatorsNeitherOverflowNorLoseTheirOuterSolution) {
  // f = 1: u = x / beta outside the layer, 1 / c in the interior.
  const study::NodeSolutions fast({Operator1d::advection_diffusion, 1, 1, 1e3, 1e-9}, 24);
  const study::NodeSolutions back({Operator1d::advection_diffusion, 1, 1, -1e3, 1e-9}, 24);
  const study::NodeSolutions damped({Operator1d::reaction_diffusion, 1e-12, 4}, 24);
  for (std::size_t i = 1; i < 24; ++i) {
    double const x = static_cast<double>(i) / 24;
    EXPECT_NEAR(fast.solution({Kind::power, 0})[i], x / 1e3, 1e-14);
    EXPECT_NEAR(back.solution({Kind::power, 0})[i], (1 - x) / 1e3, 1e-14);
    EXPECT_NEAR(damped.solution({Kind::power, 0})[i], 0.25, 1e-14);
    EXPECT_NEAR(damped.solution({Kind::power, 1})[i], x / 4, 1e-14);
  }
}

TEST(GreenLimits, OperatorsMeetPoissonWhereTheirExtraTermVanishes) {
  const study::NodeSolutions poisson({Operator1d::poisson, 2}, 24);
  const std::vector<BoundaryValue> same{{Operator1d::reaction_diffusion, 2, 0},
                                        {Operator1d::advection_diffusion, 1, 0, 0, 2},
                                        {Operator1d::helmholtz, 2, 0, 0, 1, 0},
                                        {Operator1d::reaction_diffusion, 2, 1e-16},
                                        {Operator1d::advection_diffusion, 1, 0, 1e-16, 2},
                                        {Operator1d::helmholtz, 2, 0, 0, 1, 1e-9}};
  for (BoundaryValue const& e : same) {
    const study::NodeSolutions table(e, 24);
    for (std::size_t i = 0; i <= 24; ++i)
      EXPECT_NEAR(table.solution({Kind::cosine, 3})[i], poisson.solution({Kind::cosine, 3})[i],
                  1e-17)
          << study::name(e.kind);
  }
}

TEST(GreenLimits, ResonanceAndMeaninglessCoefficientsAreRefused) {
  auto const refused = [](BoundaryValue const& e, std::string const& part) {
    try {
      study::require_solvable(e);
      ADD_FAILURE() << "not refused: " << part;
    } catch (Error const& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  };
  refused({Operator1d::helmholtz, 4, 0, 0, 1, 6 * M_PI}, "resonance");
  refused({Operator1d::helmholtz, 1, 0, 0, 1, -M_PI}, "n = 1");
  refused({Operator1d::poisson, 0}, "problem.k");
  refused({Operator1d::biharmonic_clamped, -1}, "problem.k");
  refused({Operator1d::reaction_diffusion, 1, -1}, "problem.c");
  refused({Operator1d::advection_diffusion, 1, 0, 1, 0}, "problem.eps");
  EXPECT_NO_THROW(study::require_solvable({Operator1d::helmholtz, 4, 0, 0, 1, 6 * M_PI + 0.01}));
  EXPECT_NO_THROW(study::require_solvable({Operator1d::poisson, 1, -1, 0, 0, M_PI}))
      << "of what does not enter nothing is asked";
}

TEST(GreenTables, AreQuick) {
  for (int kind = 0; kind < 6; ++kind) {
    auto const start = std::chrono::steady_clock::now();
    const study::NodeSolutions table({static_cast<Operator1d>(kind)}, 24);
    for (std::size_t i = 0; i <= 24; ++i) {
      table.solution({Kind::hat, i});
      if (i > 8) continue;
      table.solution({Kind::power, i});
      table.solution({Kind::sine, i});
      table.solution({Kind::cosine, i});
    }
    double const seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::printf("%-28s all 25 spaces: %.1f ms\n", study::name(static_cast<Operator1d>(kind)),
                1e3 * seconds);
    EXPECT_LT(seconds, 0.5) << "meant to take 3 ms; the margin is for a busy machine";
  }
}

} // namespace
} // namespace moho::verification
