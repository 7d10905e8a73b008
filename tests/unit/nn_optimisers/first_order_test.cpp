// SPDX-License-Identifier: BSD-3-Clause
// SGD and Adam against torch.optim, against a plain loop on a long array, and their checkpoints.
#include "moho/core/philox.hpp"
#include "support/errors.hpp"
#include "torch_text.hpp"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <gtest/gtest.h>
#include <memory>

namespace moho::nn {
namespace {

template <class T>
std::unique_ptr<Optimiser<T>> make(TorchText const& text, std::size_t n) {
  if (text.words.at("kind") == "sgd")
    return std::make_unique<Sgd<T>>(n, SgdOptions{text.number("momentum"),
                                                  text.number("nesterov") != 0,
                                                  text.number("weight_decay")});
  std::vector<double> const& betas = text.first("betas");
  return std::make_unique<Adam<T>>(n, AdamOptions{betas[0], betas[1], text.number("eps"),
                                                  text.number("weight_decay"),
                                                  text.number("decoupled") != 0});
}

/// Largest difference to torch's parameters over all recorded steps.
template <class T, class Step>
double replay(TorchText const& text, Step const& step) {
  FlatArray<T> const parameters = flat<T>(text.first("initial"));
  double largest = 0;
  for (std::size_t k = 0; k < text.all("gradient").size(); ++k) {
    step(parameters, flat<T>(text.all("gradient")[k]), text.all("rate")[k][0]);
    largest = std::max(largest, relative_difference(plain(parameters), text.all("parameters")[k]));
  }
  return largest;
}

template <class T>
double replay(std::string const& name) {
  TorchText const text = read_torch_text(name);
  auto const optimiser = make<T>(text, text.first("initial").size());
  return replay<T>(text, [&](FlatArray<T> const& p, FlatArray<T> const& g, double rate) {
    optimiser->step(ExecutionSpace(), p, g, rate);
  });
}

char const* const recorded[] = {"adam",         "adam_betas",   "adam_l2", "adamw",          "sgd",
                                "sgd_momentum", "sgd_nesterov", "sgd_l2",  "sgd_nesterov_l2"};

TEST(FirstOrder, FollowsTorch) {
  for (char const* name : recorded) {
    double const difference = replay<double>(name), single = replay<float>(name);
    std::printf("%-16s double %.1e  float %.1e\n", name, difference, single);
    EXPECT_LT(difference, 1e-12) << name;
    EXPECT_LT(single, 2e-5) << name;
  }
}

/// Adam as one might have got it wrong.
struct WrongAdam {
  bool eps_inside = false, correct_mean = true, correct_square = true, off_by_one = false,
       decay_after = false;
};

double replay_wrong(std::string const& name, WrongAdam const& wrong) {
  TorchText const text = read_torch_text(name);
  std::vector<double> m(6), v(6);
  std::vector<double> const& betas = text.first("betas");
  double const eps = text.number("eps"), decay = text.number("weight_decay");
  bool const decoupled = text.number("decoupled") != 0;
  int t = wrong.off_by_one ? 1 : 0;
  auto const step = [&](FlatArray<double> const& parameters, FlatArray<double> const& gradient,
                        double rate) {
    std::vector<double> p = plain(parameters), g = plain(gradient);
    ++t;
    double const c1 = wrong.correct_mean ? 1 - std::pow(betas[0], t) : 1,
                 c2 = wrong.correct_square ? 1 - std::pow(betas[1], t) : 1;
    for (std::size_t i = 0; i < p.size(); ++i) {
      if (!decoupled) g[i] += decay * p[i];
      if (decoupled && !wrong.decay_after) p[i] *= 1 - rate * decay;
      m[i] = betas[0] * m[i] + (1 - betas[0]) * g[i];
      v[i] = betas[1] * v[i] + (1 - betas[1]) * g[i] * g[i];
      double const root =
          wrong.eps_inside ? std::sqrt(v[i] / c2 + eps) : std::sqrt(v[i]) / std::sqrt(c2) + eps;
      p[i] -= rate / c1 * m[i] / root;
      if (decoupled && wrong.decay_after) p[i] *= 1 - rate * decay;
    }
    copy_to_device(std::span<double const>(p), parameters);
  };
  return replay<double>(text, step);
}

TEST(FirstOrder, WrongFormulasAreRejected) {
  for (char const* name : {"adam", "adam_betas", "adam_l2", "adamw"})
    EXPECT_LT(replay_wrong(name, {}), 1e-12) << name; // the loop itself is right
  EXPECT_GT(replay_wrong("adam", {.eps_inside = true}), 1e-12);
  EXPECT_GT(replay_wrong("adam_betas", {.eps_inside = true}), 1e-6);
  EXPECT_GT(replay_wrong("adam", {.correct_mean = false}), 1e-3);
  EXPECT_GT(replay_wrong("adam", {.correct_square = false}), 1e-3);
  EXPECT_GT(replay_wrong("adam", {.off_by_one = true}), 1e-3);
  EXPECT_GT(replay_wrong("adamw", {.decay_after = true}), 1e-6);
}

/// The recorded run with an option that is not the recorded one.
double replay_with(std::string const& name, char const* word, double value) {
  TorchText text = read_torch_text(name);
  text.lines[word][0][0] = value;
  auto const optimiser = make<double>(text, 6);
  return replay<double>(text, [&](FlatArray<double> const& p, FlatArray<double> const& g,
                                  double rate) { optimiser->step(ExecutionSpace(), p, g, rate); });
}

TEST(FirstOrder, WrongOptionsAreRejected) {
  EXPECT_GT(replay_with("adamw", "decoupled", 0), 1e-4);
  EXPECT_GT(replay_with("adam_l2", "decoupled", 1), 1e-4);
  EXPECT_GT(replay_with("adam", "eps", 1e-7), 1e-12);
  EXPECT_GT(replay_with("sgd_nesterov", "nesterov", 0), 1e-4);
  EXPECT_GT(replay_with("sgd_momentum", "momentum", 0.89), 1e-4);
  EXPECT_GT(replay_with("sgd_l2", "weight_decay", 0.21), 1e-6);
  EXPECT_THROW(Sgd<double>(3, {.momentum = 0, .nesterov = true}), Error);
  EXPECT_THROW(Adam<double>(3, {.beta2 = 1}), Error);
}

template <class T>
FlatArray<T> random(std::size_t n, std::uint32_t stream) {
  Philox const philox{2024, stream};
  std::vector<double> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = philox.normal(i, 0);
  return flat<T>(values);
}

/// An entry's answer does not depend on where in an array it stands.
template <class T>
void expect_entries_alone() {
  const std::size_t n = 10007;
  FlatArray<T> const whole = random<T>(n, 0), gradient = random<T>(n, 1);
  Adam<T> adam(n, {.weight_decay = 0.1, .decoupled = true});
  Sgd<T> sgd(n, {.momentum = 0.9, .nesterov = true, .weight_decay = 0.1});
  const std::size_t some[] = {0, 1, 15, 16, 2047, 2048, 5000, n - 1};
  std::vector<double> p, g;
  for (const std::size_t i : some) {
    p.push_back(plain(whole)[i]);
    g.push_back(plain(gradient)[i]);
  }
  FlatArray<T> const few = flat<T>(p), few_gradients = flat<T>(g);
  Adam<T> few_adam(p.size(), {.weight_decay = 0.1, .decoupled = true});
  Sgd<T> few_sgd(p.size(), {.momentum = 0.9, .nesterov = true, .weight_decay = 0.1});
  for (int k = 0; k < 5; ++k) {
    adam.step(ExecutionSpace(), whole, gradient, 0.01);
    sgd.step(ExecutionSpace(), whole, gradient, 0.01);
    few_adam.step(ExecutionSpace(), few, few_gradients, 0.01);
    few_sgd.step(ExecutionSpace(), few, few_gradients, 0.01);
  }
  std::vector<double> in_whole;
  for (const std::size_t i : some) in_whole.push_back(plain(whole)[i]);
  EXPECT_LT(relative_difference(plain(few), in_whole), sizeof(T) == 8 ? 1e-15 : 1e-6);
}
TEST(FirstOrder, EntriesDoNotDependOnTheirPlace) {
  expect_entries_alone<double>();
  expect_entries_alone<float>();
}

/// 7 steps at once, and 3, a checkpoint into a new optimiser, and 4: the same bits.
template <class T, class Make>
void expect_restart(Make const& make_one) {
  const std::size_t n = 3001;
  auto const run = [&](Optimiser<T>& optimiser, FlatArray<T> const& p, int first, int last) {
    for (int k = first; k < last; ++k)
      optimiser.step(ExecutionSpace(), p, random<T>(n, 10 + k), 0.01 / (1 + k));
  };
  FlatArray<T> const through = random<T>(n, 0), restarted = random<T>(n, 0);
  auto one = make_one(n), first = make_one(n), second = make_one(n);
  run(*one, through, 0, 7);
  run(*first, restarted, 0, 3);
  second->restore(first->state());
  EXPECT_EQ(second->steps(), 3);
  run(*second, restarted, 3, 7);
  EXPECT_EQ(to_host(through), to_host(restarted));

  // Without what it remembers, the restart is another one.
  FlatArray<T> const forgotten = random<T>(n, 0);
  auto third = make_one(n), fourth = make_one(n);
  run(*third, forgotten, 0, 3);
  run(*fourth, forgotten, 3, 7);
  EXPECT_NE(to_host(through), to_host(forgotten));
}
TEST(FirstOrder, RestartHasTheSameBits) {
  auto const adam = [](std::size_t n) { return std::make_unique<Adam<double>>(n); };
  auto const adam_float = [](std::size_t n) { return std::make_unique<Adam<float>>(n); };
  auto const sgd = [](std::size_t n) {
    return std::make_unique<Sgd<double>>(n, SgdOptions{0.9, false, 0});
  };
  expect_restart<double>(adam);
  expect_restart<float>(adam_float);
  expect_restart<double>(sgd);
}

TEST(FirstOrder, StatesOfOthersAreRefused) {
  Adam<double> adam(4), longer(5), other(4, {.beta1 = 0.8});
  Sgd<double> sgd(4, {.momentum = 0.9});
  auto const restoring = [&](OptimiserState<double> const& state) {
    return test::error_of([&] { adam.restore(state); });
  };
  EXPECT_EQ(restoring(adam.state()), "");
  EXPECT_NE(restoring(sgd.state()).find("'sgd', this is 'adam'"), std::string::npos);
  EXPECT_NE(restoring(longer.state()).find("5 parameters"), std::string::npos);
  EXPECT_NE(restoring(other.state()).find("beta1"), std::string::npos);
  OptimiserState<double> damaged = adam.state();
  damaged.arrays.erase("square");
  EXPECT_NE(restoring(damaged).find("'square' is missing"), std::string::npos);
  damaged = adam.state();
  damaged.arrays["mean"].pop_back();
  EXPECT_NE(restoring(damaged).find("'mean' has 3 entries"), std::string::npos);
  damaged = adam.state();
  damaged.arrays["momentum"] = {};
  EXPECT_NE(restoring(damaged).find("'momentum' is unknown"), std::string::npos);
}

template <class T>
void expect_sums() {
  for (const std::size_t n : {0, 1, 15, 16, 17, 4095, 4096, 4097, 100003}) {
    FlatSums const sums(n);
    FlatArray<T> const a = random<T>(n, 1), b = random<T>(n, 2);
    long double dot = 0, absolute = 0, largest = 0, products = 0;
    std::vector<double> const x = plain(a), y = plain(b);
    for (std::size_t i = 0; i < n; ++i) {
      dot += static_cast<long double>(x[i]) * y[i];
      products += std::abs(static_cast<long double>(x[i]) * y[i]);
      absolute += std::abs(x[i]);
      largest = std::max<long double>(largest, std::abs(x[i]));
    }
    double const close = 1e-15 * static_cast<double>(products + absolute + 1);
    EXPECT_NEAR(sums.dot<T>(ExecutionSpace(), a, b), static_cast<double>(dot), close);
    EXPECT_NEAR(sums.absolute_sum<T>(ExecutionSpace(), a), static_cast<double>(absolute), close);
    EXPECT_EQ(sums.absolute_largest<T>(ExecutionSpace(), a), static_cast<double>(largest));
    if (n == 0) continue;
    std::vector<double> spoiled = x;
    spoiled[n / 2] = std::nan("");
    EXPECT_TRUE(std::isnan(sums.absolute_largest<T>(ExecutionSpace(), flat<T>(spoiled)))) << n;
    EXPECT_TRUE(std::isnan(sums.absolute_sum<T>(ExecutionSpace(), flat<T>(spoiled)))) << n;
  }
}
TEST(FlatSums, AreThoseOfAPlainLoop) {
  expect_sums<double>();
  expect_sums<float>();
}

/// The order that FlatSums promises, on one thread: 16 strands in each chunk of 4096, joined as a
/// tree, then chunk after chunk. Products of floats are exact in double, so contraction to fma
/// changes no bit.
double ordered_dot(std::vector<float> const& a, std::vector<float> const& b,
                   std::size_t strands = 16, std::size_t chunk = 4096) {
  double sum = 0;
  for (std::size_t first = 0; first < a.size(); first += chunk) {
    double strand[16] = {};
    for (std::size_t i = first; i < std::min(a.size(), first + chunk); ++i)
      strand[(i - first) % strands] += static_cast<double>(a[i]) * static_cast<double>(b[i]);
    for (std::size_t width = strands / 2; width > 0; width /= 2)
      for (std::size_t l = 0; l < width; ++l) strand[l] += strand[l + width];
    sum += strand[0];
  }
  return sum;
}
TEST(FlatSums, OrderDoesNotDependOnThreads) {
  for (const std::size_t n : {1, 16, 100, 4097, 100003}) {
    FlatArray<float> const a = random<float>(n, 3), b = random<float>(n, 4);
    double const sum = FlatSums(n).dot<float>(ExecutionSpace(), a, b);
    std::vector<float> const x = to_host(a), y = to_host(b);
    EXPECT_EQ(sum, ordered_dot(x, y)) << n;
    if (n < 100000) continue;
    EXPECT_NE(sum, ordered_dot(x, y, 8)) << n;
    EXPECT_NE(sum, ordered_dot(x, y, 16, 2048)) << n;
  }
}

} // namespace
} // namespace moho::nn
