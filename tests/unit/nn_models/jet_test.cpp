// SPDX-License-Identifier: BSD-3-Clause
// Jets against nested reverse mode: two routes to the same derivatives.
#include "moho/nn/models/pinn.hpp"
#include "support/nn_gradients.hpp"

using namespace moho::nn;
using namespace moho::nn::test;

namespace {

constexpr std::uint64_t seed = 1994;

/// L = drift . grad + the sum of weight (d / d direction)^2.
Derivatives all_wanted() {
  return {{{{1, 0}, 2, -0.7}, {{0, 1}, 2, 0.3}, {{3, 1}, 1, 0.2}}, {0.4, -1.5}};
}

/// u, u_x, u_t, u_xx, u_tt, the derivative along (3, 1) and L u by either route.
std::vector<Value> by_jets(Pinn const& model, Value theta, Value x, Derivatives const& wanted) {
  Jet const u = model.jet(theta, x, wanted);
  return {u.value,
          *u.along[0].first,
          *u.along[1].first,
          *u.along[0].second,
          *u.along[1].second,
          *u.along[2].first,
          *u.combined};
}
std::vector<Value> by_reverse_mode(Pinn const& model, Value theta, Value x) {
  auto const slopes = [x](Value y) {
    Value const g = grad(sum(y), x);
    return std::pair(slice(g, 1, 0, 1), slice(g, 1, 1, 1));
  };
  Value const u = model.apply(theta, x);
  auto const [u_x, u_t] = slopes(u);
  auto const [u_xx, u_xt] = slopes(u_x);
  Value const u_tt = slopes(u_t).second, along = 9.0 * u_xx + 6.0 * u_xt + u_tt;
  return {u,
          u_x,
          u_t,
          u_xx,
          u_tt,
          3.0 * u_x + u_t,
          0.4 * u_x - 1.5 * u_t - 0.7 * u_xx + 0.3 * u_tt + 0.2 * along};
}

/// The largest relative difference of values, and of the gradients of a loss made of them.
double difference(PinnOptions const& options, Derivatives const& wanted = all_wanted(),
                  std::size_t bent = 0, double bend = 0) {
  Pinn const model(options);
  Tape tape;
  Value const theta = tape.input("theta", {model.layout().size()}), x = tape.input("x", {9, 2});
  auto a = by_jets(model, theta, x, wanted);
  auto const b = by_reverse_mode(model, theta, x);
  a[bent] = (1 + bend) * a[bent];
  std::vector<Value> results;
  for (std::vector<Value> const* const route : {static_cast<std::vector<Value> const*>(&a), &b}) {
    Value loss = tape.constant({}, 0.0);
    for (Value const stream : *route) loss = loss + mean(square(stream));
    results.insert(results.end(), route->begin(), route->end());
    results.push_back(loss);
    results.push_back(grad(loss, theta));
    results.push_back(grad(loss, x));
  }
  auto const values =
      evaluate(results, {theta, x}, {model.layout().initial(seed), random_numbers(18, seed, 0, 2)});
  std::size_t const half = results.size() / 2;
  double most = 0;
  for (std::size_t i = 0; i < half; ++i)
    most = std::max(most, relative_difference(values[i], values[half + i]));
  return most;
}

std::vector<PinnOptions> variants() {
  std::vector<PinnOptions> all;
  for (char const* const activation : {"tanh", "sin", "gelu", "sigmoid"}) {
    PinnOptions options;
    options.sizes = {2, 7, 6, 1};
    options.activation = activation;
    all.push_back(options);
  }
  all.push_back(all[0]);
  all.back().features = 3;
  all.back().frequency = 2;
  all.push_back(all[0]);
  // hard constraint u = sin x at t = 0
  all.back().ansatz = [](Jet const& network, Jet const& coordinates) {
    return apply(sin, columns(coordinates, 0, 1)) + columns(coordinates, 1, 1) * network;
  };
  return all;
}

TEST(Jets, EqualNestedReverseMode) {
  for (PinnOptions const& options : variants()) EXPECT_LE(difference(options), 1e-11);
}

TEST(Jets, AWrongStreamIsFound) {
  for (std::size_t stream = 0; stream < 7; ++stream)
    EXPECT_GT(difference(variants()[0], all_wanted(), stream, 1e-9), 1e-11) << stream;
}

TEST(Jets, AWrongWeightOrDriftIsFound) {
  // products of jets are in the last one alone
  for (PinnOptions const& options : {variants().front(), variants()[4], variants().back()}) {
    for (std::size_t d = 0; d < 3; ++d) {
      Derivatives wrong = all_wanted();
      wrong.along[d].weight += 1e-8;
      EXPECT_GT(difference(options, wrong), 1e-11) << d;
    }
    for (std::size_t axis = 0; axis < 2; ++axis) {
      Derivatives wrong = all_wanted();
      wrong.drift[axis] += 1e-8;
      EXPECT_GT(difference(options, wrong), 1e-11) << axis;
    }
  }
}

/// Largest relative difference of L u, carried as one stream with first derivatives alone, from
/// L u of separate streams.
double collapse(PinnOptions const& options, double bend = 0) {
  Pinn const model(options);
  Tape tape;
  Value const theta = tape.input("theta", {model.layout().size()}), x = tape.input("x", {9, 2});
  Derivatives separate = all_wanted(), combined = separate;
  separate.along[2].order = 2;
  separate.drift.clear();
  for (Direction& one : separate.along) one.weight = 0;
  for (Direction& one : combined.along) one.order = 1;
  Jet const u = model.jet(theta, x, separate), v = model.jet(theta, x, combined);
  EXPECT_FALSE(u.combined); // it was not asked for, and is 0
  for (Jet::Along const& one : v.along) EXPECT_FALSE(one.second);
  Value expected = 0.4 * *u.along[0].first - 1.5 * *u.along[1].first;
  for (std::size_t d = 0; d < 3; ++d)
    expected = expected + combined.along[d].weight * (1 + bend) * *u.along[d].second;
  auto const values =
      evaluate({*v.combined, expected, grad(sum(square(*v.combined)), theta),
                grad(sum(square(expected)), theta)},
               {theta, x}, {model.layout().initial(seed), random_numbers(18, seed, 0, 2)});
  return std::max(relative_difference(values[0], values[1]),
                  relative_difference(values[2], values[3]));
}

TEST(Jets, TheCombinedStreamIsTheCombinationOfTheOthers) {
  for (PinnOptions const& options : variants()) {
    EXPECT_LE(collapse(options), 1e-12);
    EXPECT_GT(collapse(options, 1e-9), 1e-12);
  }
}

TEST(Jets, ProductsSumsAndNumbersHaveTheirDerivatives) {
  // p = x t^2 + 5, q = 2 x + t, L = 3 d/dx + d/dt + 0.5 d^2/dx^2 - d^2/dt^2
  Tape tape;
  Value const x = tape.input("x", {4, 2});
  Jet const at = jet_of(x, {{{{1, 0}, 2, 0.5}, {{0, 1}, 2, -1}}, {3, 1}});
  Jet const a = columns(at, 0, 1), b = columns(at, 1, 1);
  Jet const p = a * b * b + jet_of(5, at), q = jet_of(2, at) * a + b, f = p * q;
  auto const points = random_numbers(8, seed, 0, 2);
  auto const found =
      evaluate({f.value, *f.along[0].first, *f.along[1].first, *f.along[0].second,
                *f.along[1].second, *f.combined, whole(jet_of(5, a).along[0].first, a)},
               {x}, {points});
  for (std::size_t i = 0; i < 4; ++i) {
    double const s = points[2 * i], t = points[2 * i + 1];
    double const f_s = 4 * s * t * t + t * t * t + 10, f_t = 4 * s * s * t + 3 * s * t * t + 5,
                 f_ss = 4 * t * t, f_tt = 4 * s * s + 6 * s * t;
    Numbers const expected{(s * t * t + 5) * (2 * s + t),           f_s, f_t, f_ss, f_tt,
                           3 * f_s + f_t + 0.5 * f_ss - 1.0 * f_tt, 0};
    for (std::size_t k = 0; k < expected.size(); ++k)
      EXPECT_NEAR(found[k][i], expected[k], 1e-12) << "seed " << seed << ", " << k;
  }
}

TEST(Jets, OfDifferentDerivativesAreRefused) {
  Tape tape;
  Value const x = tape.input("x", {4, 2});
  Jet const a = jet_of(x, {{{{1, 0}, 1, 0.5}}, {}}), b = jet_of(x, {{{{1, 0}, 1, 0.25}}, {}});
  EXPECT_NO_THROW(a * a);
  EXPECT_THROW(a * b, std::logic_error);
  EXPECT_THROW(a + jet_of(x, {}), std::logic_error);
  EXPECT_THROW(beside({a, b}), std::logic_error);
  EXPECT_THROW(jet_of(x, {{{{1, 0}, 3}}, {}}), std::logic_error);
  EXPECT_THROW(jet_of(x, {{{{1}}}, {}}), std::logic_error);
  EXPECT_THROW(jet_of(x, {{}, {1, 2, 3}}), std::logic_error);
}

TEST(Jets, AHardConstraintHolds) {
  Pinn const model(variants().back());
  Tape tape;
  Value const theta = tape.input("theta", {model.layout().size()}), x = tape.input("x", {5, 2});
  Numbers points = random_numbers(10, seed, 0, 6);
  for (std::size_t i = 1; i < points.size(); i += 2) points[i] = 0; // t = 0
  auto const u =
      evaluate({model.apply(theta, x)}, {theta, x}, {model.layout().initial(3), points})[0];
  for (std::size_t i = 0; i < u.size(); ++i) EXPECT_NEAR(u[i], std::sin(points[2 * i]), 1e-15);
}

TEST(Jets, FeaturesAreAllThatIsSeenOfX) {
  PinnOptions const options = variants()[4]; // period pi
  Pinn const model(options);
  Tape tape;
  Value const theta = tape.input("theta", {model.layout().size()}), x = tape.input("x", {1, 2});
  auto const at = [&](double place) {
    return evaluate({model.apply(theta, x)}, {theta, x},
                    {model.layout().initial(3), {place, 0.4}})[0][0];
  };
  EXPECT_NEAR(at(0.3), at(0.3 + std::acos(-1.0)), 1e-14);
  EXPECT_GT(std::fabs(at(0.3) - at(0.4)), 1e-6);
}

} // namespace
