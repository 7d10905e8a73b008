// SPDX-License-Identifier: BSD-3-Clause
// L-BFGS: checkpoints, and that a step allocates nothing.
#include "allocations.hpp"
#include "objectives.hpp"
#include "support/errors.hpp"
#include "support/kokkos_traffic.hpp"
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <gtest/gtest.h>

namespace moho::nn {
namespace {

/// A long and badly scaled valley, so that the history fills.
HostObjective valley() {
  return [](std::vector<double> const& x, std::vector<double>& g) {
    double loss = 0;
    g.assign(x.size(), 0);
    for (std::size_t i = 0; i + 1 < x.size(); ++i) {
      double const w =
          1 + 50 * std::sin(1.0 + static_cast<double>(i)) * std::sin(1.0 + static_cast<double>(i));
      double const a = x[i] - 1, b = x[i + 1] - x[i] * x[i];
      loss += a * a + w * b * b;
      g[i] += 2 * a - 4 * w * b * x[i];
      g[i + 1] += 2 * w * b;
    }
    return loss;
  };
}

template <class T>
void expect_restart(int history) {
  const std::size_t n = 300;
  std::vector<double> start(n);
  for (std::size_t i = 0; i < n; ++i) start[i] = std::cos(static_cast<double>(i));
  LbfgsOptions const options{.max_iterations = 4, .max_evaluations = 100, .history = history};
  auto const evaluate = on_device<T>(valley());
  auto const run = [&](Lbfgs<T>& lbfgs, FlatArray<T> const& x, int steps) {
    for (int k = 0; k < steps; ++k) lbfgs.step(ExecutionSpace(), x, evaluate);
  };
  FlatArray<T> const through = flat<T>(start), restarted = flat<T>(start);
  Lbfgs<T> one(n, options), first(n, options), second(n, options);
  run(one, through, 7);
  run(first, restarted, 3);
  OptimiserState<T> const state = first.state();
  EXPECT_EQ(state.arrays.at("y").size(), n * static_cast<std::size_t>(std::min(history, 11)));
  second.restore(state);
  run(second, restarted, 4);
  EXPECT_EQ(to_host(through), to_host(restarted));
  EXPECT_EQ(one.evaluations(), second.evaluations());
  EXPECT_EQ(one.iterations(), 28);

  // Negative: a restart that forgets, and one from a pair that is a little off.
  FlatArray<T> const forgotten = flat<T>(start), damaged = flat<T>(start);
  Lbfgs<T> third(n, options), fourth(n, options), fifth(n, options);
  run(third, forgotten, 3);
  Kokkos::deep_copy(damaged, forgotten);
  third.reset();
  run(third, forgotten, 4);
  EXPECT_NE(to_host(through), to_host(forgotten));
  OptimiserState<T> changed = state;
  *(changed.arrays["y"].end() - 17) += T(1e-3); // of the youngest: the oldest may go unread
  fifth.restore(changed);
  run(fifth, damaged, 4);
  EXPECT_NE(to_host(through), to_host(damaged));
}
TEST(LbfgsState, RestartHasTheSameBits) {
  expect_restart<double>(100);
  expect_restart<double>(5); // the ring has turned
  expect_restart<float>(5);
}

TEST(LbfgsState, StatesOfOthersAreRefused) {
  auto const evaluate = on_device<double>(valley());
  FlatArray<double> const x = flat<double>({0.1, 0.2, 0.3, 0.4, 0.5});
  Lbfgs<double> lbfgs(5), longer(6), shorter(5, {.history = 3});
  lbfgs.step(ExecutionSpace(), x, evaluate);
  OptimiserState<double> const good = lbfgs.state();
  auto const restoring = [&](OptimiserState<double> const& state) {
    return test::error_of([&] { lbfgs.restore(state); });
  };
  EXPECT_EQ(restoring(good), "");
  EXPECT_NE(restoring(longer.state()).find("6 parameters"), std::string::npos);
  EXPECT_NE(restoring(shorter.state()).find("history"), std::string::npos);
  EXPECT_NE(restoring(Adam<double>(5).state()).find("'adam'"), std::string::npos);
  OptimiserState<double> bad = good;
  bad.counters["pairs"] = 101;
  EXPECT_NE(restoring(bad).find("101 pairs"), std::string::npos);
  bad = good;
  --bad.counters["pairs"];
  EXPECT_NE(restoring(bad).find("entries"), std::string::npos);
  bad = good;
  bad.numbers["inverse"].pop_back();
  EXPECT_NE(restoring(bad).find("'inverse'"), std::string::npos);
  bad = good;
  bad.numbers.erase("scale");
  EXPECT_NE(restoring(bad).find("'scale' is missing"), std::string::npos);
  EXPECT_EQ(restoring(good), ""); // none of them has changed it
  EXPECT_EQ(lbfgs.state().arrays, good.arrays);
}

/// Arrays of Kokkos made by a step; with the Serial backend of Kokkos 3, everything by new. (The
/// launch policies of others allocate a few bytes of their own, and so do fences since Kokkos 4,
/// which have names; so does the name of a kernel while tools listen: they look at another step.)
template <class Step>
std::size_t allocations_of(Step const& step) {
  step();
  step();
  const std::size_t before = allocations();
  step();
  const std::size_t made = allocations() - before;
  const test::KokkosTraffic views;
  step();
  bool const everything = std::string(backend_name()) == "Serial" && KOKKOS_VERSION < 40000;
  return everything ? std::max(made, views.allocations()) : views.allocations();
}

TEST(LbfgsState, StepsAllocateNothing) {
  const std::size_t n = 5000;
  FlatArray<double> const x = flat<double>(std::vector<double>(n, 0.5));
  FlatArray<double> const gradient = flat<double>(std::vector<double>(n, 0.25));
  Lbfgs<double> lbfgs(n, {.max_iterations = 3, .gradient_tolerance = 0, .change_tolerance = 0});
  Lbfgs<double>::Objective const evaluate = [](FlatArray<double> const& at,
                                               FlatArray<double> const& g) {
    auto const* const p = at.data();
    double loss = 0;
    for (std::size_t i = 0; i < at.extent(0); ++i) {
      double const w = 1 + static_cast<double>(i % 7);
      loss += w * (1 - std::cos(p[i]));
      g.data()[i] = w * std::sin(p[i]);
    }
    return loss;
  };
  Adam<double> adam(n);
  Sgd<double> sgd(n, {.momentum = 0.9});
  FlatSums const sums(n);
  if constexpr (!std::is_same_v<ExecutionSpace, Kokkos::DefaultHostExecutionSpace>)
    GTEST_SKIP() << "allowed: this objective reads host memory";
  ExecutionSpace const space;
  EXPECT_EQ(allocations_of([&] { lbfgs.step(space, x, evaluate); }), 0u);
  EXPECT_EQ(allocations_of([&] { adam.step(space, x, gradient, 1e-3); }), 0u);
  EXPECT_EQ(allocations_of([&] { sgd.step(space, x, gradient, 1e-3); }), 0u);
  EXPECT_EQ(allocations_of([&] { clip_by_norm(space, sums, gradient, 0.1); }), 0u);
  EXPECT_GT(allocations_of([&] { flat<double>({1, 2, 3}); }), 0u); // the count sees a View
}

} // namespace
} // namespace moho::nn
