// SPDX-License-Identifier: BSD-3-Clause
// L-BFGS against torch.optim.LBFGS, and its line search on losses that are not finite.
#include "moho/core/error.hpp"
#include "objectives.hpp"
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>

namespace moho::nn {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

/// How far a replay of a record is from it.
struct Difference {
  double parameters = 0;
  double loss = 0;  ///< relative
  int counters = 0; ///< steps whose counts of iterations or evaluations differ
};

Difference replay(TorchText const& text, HostObjective const& objective, LbfgsOptions options) {
  FlatArray<double> const x = flat<double>(text.first("initial"));
  Lbfgs<double> lbfgs(x.extent(0), options);
  auto const evaluate = on_device<double>(objective);
  Difference difference;
  for (std::size_t k = 0; k < text.all("parameters").size(); ++k) {
    LbfgsReport const report = lbfgs.step(ExecutionSpace(), x, evaluate);
    difference.parameters =
        std::max(difference.parameters, relative_difference(plain(x), text.all("parameters")[k]));
    difference.counters +=
        static_cast<double>(lbfgs.iterations()) != text.all("iterations")[k][0] ||
        static_cast<double>(lbfgs.evaluations()) != text.all("evaluations")[k][0];
    double const loss = text.all("loss")[k][0];
    difference.loss =
        std::max(difference.loss, std::abs(report.loss - loss) / (std::abs(loss) + 1e-3));
  }
  return difference;
}

char const* const recorded[] = {"lbfgs_rosenbrock2",   "lbfgs_rosenbrock2_steps",
                                "lbfgs_rosenbrock6",   "lbfgs_rosenbrock10_history3",
                                "lbfgs_least_squares", "lbfgs_logistic",
                                "lbfgs_logistic_rate"};

TEST(Lbfgs, FollowsTorch) {
  for (char const* name : recorded) {
    TorchText const text = read_torch_text(name);
    Difference const d = replay(text, recorded_objective(text), recorded_options(text));
    std::printf("%-28s %.1e\n", name, d.parameters);
    EXPECT_LT(d.parameters, 1e-8) << name;
    EXPECT_LT(d.loss, 1e-8) << name;
    EXPECT_EQ(d.counters, 0) << name;
  }
}

/// What the comparison says when the gradient is off by a factor in one entry.
TEST(Lbfgs, WrongGradientIsRejected) {
  TorchText const text = read_torch_text("lbfgs_logistic");
  HostObjective const right = recorded_objective(text);
  auto const wrong = [&](std::vector<double> const& x, std::vector<double>& g) {
    double const loss = right(x, g);
    g[2] *= 1 + 1e-6;
    return loss;
  };
  EXPECT_GT(replay(text, wrong, recorded_options(text)).parameters, 1e-8);
}

TEST(Lbfgs, WrongOptionsAreRejected) {
  TorchText const text = read_torch_text("lbfgs_rosenbrock10_history3");
  LbfgsOptions const right = recorded_options(text);
  for (int history : {2, 4, 100}) {
    LbfgsOptions wrong = right;
    wrong.history = history;
    FlatArray<double> const x = flat<double>(text.first("initial"));
    Lbfgs<double> lbfgs(x.extent(0), wrong);
    auto const evaluate = on_device<double>(rosenbrock());
    double difference = 0;
    for (std::vector<double> const& expected : text.all("parameters")) {
      lbfgs.step(ExecutionSpace(), x, evaluate);
      difference = std::max(difference, relative_difference(plain(x), expected));
    }
    EXPECT_GT(difference, 1e-4) << history;
  }
  EXPECT_THROW(Lbfgs<double>(3, {.history = 0}), Error);
  EXPECT_THROW(Lbfgs<double>(3, {.max_iterations = 0}), Error);
}

TEST(Lbfgs, CubicMinimum) {
  // (x - 1)^2 (x + 2) has its minimum at 1; slope 3 (x - 1)(x + 1).
  auto const f = [](double x) { return (x - 1) * (x - 1) * (x + 2); };
  auto const g = [](double x) { return 3 * (x - 1) * (x + 1); };
  for (double x1 : {-0.5, 0.0, 0.7})
    for (double x2 : {1.2, 2.0, 5.0}) {
      EXPECT_NEAR(cubic_minimum(x1, f(x1), g(x1), x2, f(x2), g(x2), x1, x2), 1, 1e-12);
      EXPECT_NEAR(cubic_minimum(x2, f(x2), g(x2), x1, f(x1), g(x1), x1, x2), 1, 1e-12);
      EXPECT_GT(std::abs(cubic_minimum(x1, f(x1), 1.1 * g(x1), x2, f(x2), g(x2), x1, x2) - 1),
                1e-4);
    }
  EXPECT_EQ(cubic_minimum(0, f(0), g(0), 2, f(2), g(2), 1.5, 2), 1.5); // held within
  EXPECT_EQ(cubic_minimum(0, 1, -1, 4, inf, std::nan(""), 0, 4), 2);   // the middle
  EXPECT_EQ(cubic_minimum(0, 1, -1, 4, -3, -1, 1, 4), 2.5);            // a line
  EXPECT_EQ(cubic_minimum(0, 1, -2, 4, -3, -2, 1, 4), 2.5);            // falls all the way
}

/// A bowl around 1 that is not finite past a wall: the first trials of a search land behind it.
HostObjective walled(double wall, double loss_behind, double slope_behind) {
  return [=](std::vector<double> const& x, std::vector<double>& g) {
    double loss = 0;
    g.assign(x.size(), 0);
    for (std::size_t i = 0; i < x.size(); ++i) {
      loss += 1e-3 * (x[i] - 1) * (x[i] - 1) * (1 + static_cast<double>(i));
      g[i] = 2e-3 * (x[i] - 1) * (1 + static_cast<double>(i));
    }
    if (x[0] > wall) {
      loss = loss_behind;
      g.assign(x.size(), slope_behind);
    }
    return loss;
  };
}

TEST(Lbfgs, LossesThatAreNotFiniteAreFailedTrials) {
  for (double loss : {inf, -inf, std::nan(""), 0.0})
    for (double slope : {std::nan(""), inf, -inf}) {
      FlatArray<double> const x = flat<double>({-3, -2, 4});
      // The first trial is 1e3 long, far behind the wall.
      Lbfgs<double> lbfgs(3, {.rate = 1e6});
      auto const evaluate = on_device<double>(walled(1.5, loss, slope));
      double last = inf;
      for (int k = 0; k < 5; ++k) {
        LbfgsReport const report = lbfgs.step(ExecutionSpace(), x, evaluate);
        EXPECT_TRUE(std::isfinite(report.loss));
        EXPECT_LE(report.loss, last);
        last = report.loss;
      }
      EXPECT_LT(last, 1e-9) << loss << " " << slope;
      EXPECT_LT(plain(x)[0], 1.5);
    }
}

TEST(Lbfgs, NeverBetterNeverEndless) {
  // Finite at the start alone.
  int calls = 0;
  std::vector<double> const start{0.5, 0.25};
  auto const lonely = [&](std::vector<double> const& x, std::vector<double>& g) {
    ++calls;
    g.assign(2, 1);
    return x == start ? 1.0 : std::nan("");
  };
  FlatArray<double> const x = flat<double>(start);
  Lbfgs<double> lbfgs(2);
  LbfgsReport const report = lbfgs.step(ExecutionSpace(), x, on_device<double>(lonely));
  EXPECT_EQ(report.stop, LbfgsStop::line_search);
  EXPECT_LE(calls, 27);
  EXPECT_EQ(report.evaluations, calls);
  EXPECT_EQ(plain(x), start); // bit for bit where it was
  EXPECT_EQ(report.loss, 1.0);
}

LbfgsStop stop_of(HostObjective const& objective, std::vector<double> const& start,
                  LbfgsOptions const& options) {
  Lbfgs<double> lbfgs(start.size(), options);
  return lbfgs.step(ExecutionSpace(), flat<double>(start), on_device<double>(objective)).stop;
}

TEST(Lbfgs, TellsWhyItStopped) {
  std::vector<double> const start{-1.2, 1};
  EXPECT_EQ(stop_of(rosenbrock(), start, {.max_iterations = 3, .max_evaluations = 9}),
            LbfgsStop::iterations);
  EXPECT_EQ(stop_of(rosenbrock(), start, {.max_iterations = 100, .max_evaluations = 10}),
            LbfgsStop::evaluations);
  EXPECT_EQ(stop_of(rosenbrock(), start,
                    {.max_iterations = 100, .gradient_tolerance = 1e-3, .change_tolerance = 1e-15}),
            LbfgsStop::gradient);
  EXPECT_EQ(stop_of(rosenbrock(), {1, 1}, {}), LbfgsStop::gradient);
  auto const lifted = [](std::vector<double> const& x, std::vector<double>& g) {
    g = {0.6 * x[0]};
    return 1e12 + 0.3 * x[0] * x[0]; // the square is lost
  };
  EXPECT_EQ(stop_of(lifted, {1e-3}, {}), LbfgsStop::loss);
  auto const steep = [](std::vector<double> const& x, std::vector<double>& g) {
    g = {1e6 * x[0]};
    return 5e5 * x[0] * x[0];
  };
  EXPECT_EQ(stop_of(steep, {1e-3}, {.gradient_tolerance = 0, .change_tolerance = 1e-2}),
            LbfgsStop::step);
  auto const flat_bottom = [](std::vector<double> const& x, std::vector<double>& g) {
    g = {2e-6 * x[0]};
    return 1e-6 * x[0] * x[0];
  };
  EXPECT_EQ(stop_of(flat_bottom, {1}, {}), LbfgsStop::not_descent); // |g|^2 below 1e-9
  auto const nowhere = [](std::vector<double> const&, std::vector<double>& g) {
    g = {1};
    return std::nan("");
  };
  EXPECT_EQ(stop_of(nowhere, {1}, {}), LbfgsStop::not_finite);
  auto const broken = [](std::vector<double> const&, std::vector<double>& g) {
    g = {std::nan("")};
    return 1.0;
  };
  EXPECT_EQ(stop_of(broken, {1}, {}), LbfgsStop::not_finite);
  for (int stop = 0; stop <= static_cast<int>(LbfgsStop::not_finite); ++stop)
    EXPECT_NE(std::string(describe(static_cast<LbfgsStop>(stop))), "");
}

TEST(Lbfgs, SinglePrecisionConverges) {
  TorchText const text = read_torch_text("lbfgs_logistic");
  FlatArray<float> const x = flat<float>(text.first("initial"));
  Lbfgs<float> lbfgs(x.extent(0));
  auto const evaluate = on_device<float>(recorded_objective(text));
  for (int k = 0; k < 5; ++k) lbfgs.step(ExecutionSpace(), x, evaluate);
  EXPECT_LT(relative_difference(plain(x), text.all("parameters").back()), 1e-3);
}

} // namespace
} // namespace moho::nn
