// SPDX-License-Identifier: BSD-3-Clause
// The physics loss: against differences of the network's answers, by two routes, shard by shard.
#include "central_difference.hpp"
#include "moho/core/host_copy.hpp"
#include "moho/core/philox.hpp"
#include "pinn_equations.hpp"
#include "pinn_loss.hpp"
#include "support.hpp"
#include <cmath>
#include <iostream>
#include <numeric>
#include <set>

namespace moho::study::test {
namespace {

constexpr std::uint64_t seed = 77;

nn::PinnOptions small(int features = 0) {
  nn::PinnOptions options;
  options.sizes = {2, 6, 5, 1};
  options.features = features;
  return options;
}

std::vector<double> weights(nn::Pinn const& model) {
  std::vector<double> theta = model.layout().initial(seed);
  for (std::size_t i = 0; i < theta.size(); ++i) theta[i] += 0.1 * Philox{seed, 3}.normal(i, 0);
  return theta;
}

/// A network of (x, t) written without the library's tape.
double network(std::vector<std::int64_t> const& sizes, std::vector<double> const& theta, double x,
               double t) {
  std::vector<double> h{x, t};
  std::size_t at = 0;
  for (std::size_t layer = 0; layer + 1 < sizes.size(); ++layer) {
    auto const outputs = static_cast<std::size_t>(sizes[layer + 1]);
    std::vector<double> next(outputs);
    for (std::size_t o = 0; o < outputs; ++o) {
      for (std::size_t i = 0; i < h.size(); ++i) next[o] += theta[at + o * h.size() + i] * h[i];
      next[o] += theta[at + outputs * h.size() + o];
      if (layer + 2 < sizes.size()) next[o] = std::tanh(next[o]);
    }
    at += outputs * (h.size() + 1);
    h = next;
  }
  return h[0];
}

/// The terms by their definitions, derivatives by differences.
LossTerms by_differences(SpaceTimeEquation const& equation, CollocationPoints const& points,
                         SpaceTimeField const& u) {
  double const step = 1.0 / 64;
  auto const mean = [](double sum, std::size_t n) { return sum / static_cast<double>(n); };
  auto const square = [](double a) { return a * a; };
  auto const slope = [&](double x, double t, double by_x, double by_t) {
    return central_difference([&](double s) { return u(x + s * by_x, t + s * by_t); }, step);
  };
  LossTerms terms{};
  for (double const r : residual_of(equation, u, points.inner, step)) terms[0] += r * r;
  terms[0] = mean(terms[0], points.inner.size() / 2);
  double const right = equation.length;
  for (double const t : points.ends) {
    terms[1] += equation.ends == Ends::zero ? square(u(0, t)) + square(u(right, t))
                                            : square(u(0, t) - u(right, t));
    if (equation.smooth_ends) terms[1] += square(slope(0, t, 1, 0) - slope(right, t, 1, 0));
  }
  terms[1] = mean(terms[1], points.ends.size());
  for (double const x : points.initial) {
    terms[2] += square(u(x, 0) - equation.initial(x));
    if (equation.at_rest) terms[2] += square(slope(x, 0, 0, 1));
  }
  terms[2] = mean(terms[2], points.initial.size());
  return terms;
}

LossTerms terms_of(PhysicsLoss<double>& loss, std::vector<double> const& theta, int shards = 8) {
  loss.share(shards);
  LossTerms total{};
  for (int shard = 0; shard < shards; ++shard) {
    LossTerms const part = loss.terms(shard, to_device("theta", theta));
    for (std::size_t i = 0; i < 3; ++i) total[i] += part[i];
  }
  return total;
}

TEST(PhysicsLoss, IsItsDefinition) {
  for (SpaceTimeEquation const& equation : every_equation()) {
    nn::Pinn const model(small());
    const std::vector<double> theta = weights(model);
    CollocationPoints const points = collocation(equation, 17, 11, 40, seed);
    PhysicsLoss<double> loss(model, equation, points, Route::jets, false);
    LossTerms const found = terms_of(loss, theta),
                    expected = by_differences(equation, points, [&](double x, double t) {
                      return network(small().sizes, theta, x, t);
                    });
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_NEAR(found[i], expected[i], 1e-7 * (1 + expected[i])) << equation.label << " " << i;
      EXPECT_GT(expected[i], 1e-4) << equation.label << " " << i;
    }
  }
}

struct Everything {
  double loss = 0;
  std::vector<double> gradient, product;
};

Everything everything(SpaceTimeEquation const& equation, nn::Pinn const& model, Route route,
                      bool hard, int shards = 8, std::int64_t residuals = 40,
                      Staging staging = Staging::where_needed) {
  PhysicsLoss<double> loss(model, equation, collocation(equation, 65, 65, residuals, seed), route,
                           hard, staging);
  const std::vector<double> theta = weights(model);
  std::vector<double> v;
  for (std::size_t i = 0; i < theta.size(); ++i) v.push_back(std::cos(static_cast<double>(i)));
  Everything all;
  all.gradient.assign(theta.size(), 0);
  all.product.assign(theta.size(), 0);
  loss.share(shards);
  DeviceArray<double> const gradient("gradient", theta.size());
  for (int shard = 0; shard < shards; ++shard) {
    all.loss += loss.evaluate(shard, to_device("theta", theta), gradient, {});
    const std::vector<double> part = to_host(gradient),
                              product =
                                  loss.product(shard, to_device("theta", theta), to_device("v", v));
    for (std::size_t i = 0; i < part.size(); ++i) {
      all.gradient[i] += part[i];
      all.product[i] += product[i];
    }
  }
  return all;
}

double distance(std::vector<double> const& a, std::vector<double> const& b) {
  double most = 0, largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    most = std::fmax(most, std::fabs(a[i] - b[i]));
    largest = std::fmax(largest, std::fabs(b[i]));
  }
  return most / largest;
}
double distance(Everything const& a, Everything const& b) {
  return std::fmax(std::fabs(a.loss / b.loss - 1),
                   std::fmax(distance(a.gradient, b.gradient), distance(a.product, b.product)));
}

TEST(PhysicsLoss, RoutesAgree) {
  std::cout << "seed " << seed << "\n";
  for (auto const& [name, settings] : all_equations())
    for (bool const hard : {false, true}) {
      SpaceTimeEquation const one = equation(name, settings);
      nn::Pinn const model(hard ? constrained(small(2), one) : small());
      Everything const jets = everything(one, model, Route::jets, hard),
                       reverse = everything(one, model, Route::reverse, hard);
      EXPECT_LE(distance(jets, reverse), 1e-11) << name << " " << hard;
      auto const p = problem(name, settings);
      SpaceTimeEquation const other =
          capability<PhysicsInformed>(*p)->equation(one.coefficient * (1 + 1e-9));
      EXPECT_GT(distance(everything(other, model, Route::jets, hard), reverse), 1e-11) << name;
      std::vector<SpaceTimeEquation> bent;
      for (std::size_t d = 0; d < one.derivatives.along.size(); ++d)
        bent.emplace_back(one).derivatives.along[d].weight *= 1 + 1e-9;
      for (std::size_t axis = 0; axis < one.derivatives.drift.size(); ++axis)
        bent.emplace_back(one).derivatives.drift[axis] += 1e-9;
      EXPECT_GT(bent.size(), 0u);
      for (SpaceTimeEquation const& wrong : bent)
        EXPECT_GT(distance(everything(wrong, model, Route::jets, hard), reverse), 1e-11) << name;
    }
}

// Pieces of a shard and shards are sums of the same numbers in another order.
TEST(PhysicsLoss, DoesNotDependOnHowItIsShared) {
  for (SpaceTimeEquation const& equation : every_equation()) {
    nn::Pinn const model(small());
    Everything const one = everything(equation, model, Route::jets, false, 1, 1000),
                     eight = everything(equation, model, Route::jets, false, 8, 1000);
    EXPECT_LE(distance(one, eight), 1e-12) << equation.label;
    EXPECT_GT(distance(one, everything(equation, model, Route::jets, false, 1, 999)), 1e-6);
  }
}

// The host reads the loss beside the device, in two pieces of a shard as well.
TEST(PhysicsLoss, IsTheSameBesideADevice) {
  SpaceTimeEquation const equation = every_equation().front();
  nn::Pinn const model(small());
  Everything const here = everything(equation, model, Route::jets, false, 2, 600),
                   apart = everything(equation, model, Route::jets, false, 2, 600, Staging::always),
                   fewer = everything(equation, model, Route::jets, false, 2, 599, Staging::always);
  EXPECT_EQ(here.loss, apart.loss);
  EXPECT_EQ(here.gradient, apart.gradient);
  EXPECT_NE(fewer.loss, apart.loss);
}

TEST(PhysicsLoss, DerivativesAreThoseOfTheLoss) {
  for (SpaceTimeEquation const& equation : every_equation()) {
    nn::Pinn const model(small());
    PhysicsLoss<double> loss(model, equation, collocation(equation, 17, 11, 40, seed), Route::jets,
                             false);
    loss.share(1);
    const std::vector<double> theta = weights(model);
    std::vector<double> v;
    for (std::size_t i = 0; i < theta.size(); ++i) v.push_back(std::cos(static_cast<double>(i)));
    DeviceArray<double> const gradient("gradient", theta.size());
    auto const at = [&](double s) {
      std::vector<double> moved = theta;
      for (std::size_t i = 0; i < v.size(); ++i) moved[i] += s * v[i];
      return loss.evaluate(0, to_device("theta", moved), gradient, {});
    };
    auto const slope_at = [&](double s) {
      at(s);
      const std::vector<double> g = to_host(gradient);
      return std::inner_product(g.begin(), g.end(), v.begin(), 0.0);
    };
    double const slope = slope_at(0);
    EXPECT_NEAR(central_difference(at, 1e-3), slope, 1e-8 * std::fabs(slope)) << equation.label;
    const std::vector<double> product =
        loss.product(0, to_device("theta", theta), to_device("v", v));
    double const bend = std::inner_product(product.begin(), product.end(), v.begin(), 0.0);
    EXPECT_NEAR(central_difference(slope_at, 1e-3), bend, 1e-8 * std::fabs(bend)) << equation.label;
  }
}

TEST(PhysicsLoss, HardConstraintsHoldWhateverTheWeights) {
  for (SpaceTimeEquation const& equation : every_equation()) {
    CollocationPoints const points = collocation(equation, 33, 21, 100, seed);
    nn::PinnOptions options = small(2);
    options.frequency = 2 * std::acos(-1.0) / equation.length;
    nn::Pinn const bound(constrained(options, equation)), loose(options);
    PhysicsLoss<double> hard(bound, equation, points, Route::jets, true),
        soft(loose, equation, points, Route::jets, false);
    LossTerms const kept = terms_of(hard, weights(bound)), free = terms_of(soft, weights(loose));
    // the bell of reaction-diffusion has slopes of 3.4e-8 at the ends
    EXPECT_LE(kept[1], equation.smooth_ends ? 1e-13 : 1e-27) << equation.label;
    EXPECT_LE(kept[2], 1e-30) << equation.label;
    EXPECT_GT(kept[0], 1e-3) << equation.label;
    EXPECT_GT(free[2], 1e-3) << equation.label;
  }
  EXPECT_TRUE(names(error_of([] { constrained(small(0), equation("convection")); }),
                    {"periodic", "method.features = 1"}));
  EXPECT_NO_THROW(constrained(small(0), equation("wave")));
}

TEST(PhysicsLoss, AnotherEquationIsAnotherLoss) {
  auto const p = problem("convection", {{"beta", 2.0}});
  auto const& physics = *capability<PhysicsInformed>(*p);
  nn::Pinn const model(small());
  const std::vector<double> theta = weights(model);
  CollocationPoints const points = collocation(physics.equation(), 17, 11, 40, seed);
  PhysicsLoss<double> loss(model, physics.equation(0), points, Route::jets, false),
      direct(model, physics.equation(), points, Route::jets, false);
  LossTerms const still = terms_of(loss, theta);
  loss.set_equation(physics.equation());
  LossTerms const moving = terms_of(loss, theta);
  EXPECT_EQ(moving, terms_of(direct, theta));
  EXPECT_NE(moving[0], still[0]);
  EXPECT_EQ(moving[2], still[2]);
}

TEST(Collocation, DrawsInnerPointsWithoutReplacement) {
  SpaceTimeEquation const equation = test::equation("convection");
  CollocationPoints const points = collocation(equation, 257, 101, 1000, 4);
  EXPECT_EQ(points.initial.size(), 257u);
  EXPECT_EQ(points.ends.size(), 101u);
  EXPECT_EQ(points.initial.front(), 0);
  EXPECT_EQ(points.initial.back(), equation.length);
  std::set<std::pair<double, double>> seen;
  double mean_x = 0, mean_t = 0;
  for (std::size_t i = 0; i < points.inner.size(); i += 2) {
    double const x = points.inner[i], t = points.inner[i + 1];
    EXPECT_TRUE(x > 0 && x < equation.length && t > 0 && t <= 1) << x << " " << t;
    seen.emplace(x, t);
    mean_x += x / equation.length / 1000;
    mean_t += t / 1000;
  }
  EXPECT_EQ(seen.size(), 1000u);
  EXPECT_NEAR(mean_x, 0.5, 0.05);
  EXPECT_NEAR(mean_t, 0.505, 0.05);
  // fewer are the first of more; another seed draws others
  const std::vector<double> few = collocation(equation, 257, 101, 100, 4).inner;
  EXPECT_EQ(few, std::vector<double>(points.inner.begin(), points.inner.begin() + 200));
  EXPECT_NE(few, collocation(equation, 257, 101, 100, 5).inner);
  // all of them
  EXPECT_EQ(collocation(equation, 9, 5, 28, 4).inner.size(), 56u);
  EXPECT_TRUE(names(error_of([&] { collocation(equation, 9, 5, 29, 4); }), {"n_res = 29", "28"}));
  EXPECT_TRUE(names(error_of([&] { collocation(equation, 100001, 100001, 29, 4); }),
                    {"grid_x = 100001", "10 million"}));
}

TEST(PhysicsLoss, TooFewPointsForTheShardsAreTold) {
  SpaceTimeEquation const equation = test::equation("convection");
  nn::Pinn const model(small());
  PhysicsLoss<double> loss(model, equation, collocation(equation, 17, 11, 7, seed), Route::jets,
                           false);
  EXPECT_NO_THROW(loss.share(7));
  EXPECT_TRUE(names(error_of([&] { loss.share(8); }), {"7 points", "8 shards", "method.n_res"}));
}

} // namespace
} // namespace moho::study::test
