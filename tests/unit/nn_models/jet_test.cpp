// SPDX-License-Identifier: BSD-3-Clause
// Jets against nested reverse mode: two routes to the same derivatives.
#include "moho/nn/models/pinn.hpp"
#include "support/nn_gradients.hpp"

using namespace moho::nn;
using namespace moho::nn::test;

namespace {

constexpr std::uint64_t seed = 1994;

/// u, u_x, u_t, u_xx, u_tt and the derivative along (3, 1) by either route.
std::vector<Value> by_jets(Pinn const& model, Value theta, Value x) {
  Jet const u = model.jet(theta, x, {{{1, 0}, 2}, {{0, 1}, 2}, {{3, 1}, 1}});
  return {u.value,
          *u.along[0].first,
          *u.along[1].first,
          *u.along[0].second,
          *u.along[1].second,
          *u.along[2].first};
}
std::vector<Value> by_reverse_mode(Pinn const& model, Value theta, Value x) {
  Value const u = model.apply(theta, x), g = grad(sum(u), x);
  Value const u_x = slice(g, 1, 0, 1), u_t = slice(g, 1, 1, 1);
  return {u,
          u_x,
          u_t,
          slice(grad(sum(u_x), x), 1, 0, 1),
          slice(grad(sum(u_t), x), 1, 1, 1),
          3.0 * u_x + u_t};
}

/// The largest relative difference of values, and of the gradients of a loss made of them.
double difference(PinnOptions const& options, double bend = 0) {
  Pinn const model(options);
  Tape tape;
  Value const theta = tape.input("theta", {model.layout().size()}), x = tape.input("x", {9, 2});
  auto a = by_jets(model, theta, x);
  auto const b = by_reverse_mode(model, theta, x);
  if (bend != 0) a[3] = (1 + bend) * a[3];
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
  EXPECT_GT(difference(variants()[0], 1e-9), 1e-11);
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
