// SPDX-License-Identifier: BSD-3-Clause
// How CGLS, gradient descent and Adam approach the closed form of `linear-map`, or do not.
#include "fake_spaces.hpp"
#include "moho/core/error.hpp"

namespace moho::study::test {
namespace {

using parallel::Comm;

std::map<std::string, Value> fit(char const* how, std::int64_t iterations = 2000) {
  return {{"fit", std::string(how)}, {"iterations", iterations}};
}

/// The data set "name" of a preparation.
template <class T>
std::vector<T> data(Preparation const& preparation, std::string const& path) {
  for (Dataset const& set : preparation.data)
    if (set.path == path) return std::get<std::vector<T>>(set.values);
  ADD_FAILURE() << "no data set " << path;
  return {};
}

// Acceptance A3: trained on samples, all errors are those of the closed form.
TEST(Cgls, ReproducesTheClosedForm) {
  for (int const p : {1, 4, 8})
    for (std::string const family : {"poly", "sin", "cos"}) {
      const Space1d space = poisson_space(family, p, 24);
      auto const trained = method("linear-map", fit("cgls")), exact = method("linear-map");
      const Preparation preparation = trained->prepare(Fake(space), Comm::self());
      exact->prepare(Fake(space, {.sampled = false}), Comm::self());
      double const limit = family == "poly" ? 1e-14 : 1e-20;
      for (int inside = 1; inside <= p; ++inside)
        EXPECT_LT(
            relative_error(*trained, Fake(poisson_space(family, inside, 24), {.sampled = false})),
            limit)
            << family << p << " -> " << inside;
      for (std::string const other : {"poly", "sin", "cos"}) {
        const Fake outside(poisson_space(other, 9, 24), {.sampled = false});
        double const expected = relative_error(*exact, outside);
        EXPECT_NEAR(relative_error(*trained, outside), expected, 1e-3 * expected)
            << family << p << " -> " << other;
      }
      EXPECT_LE(counter(preparation, "iterations"), counter(preparation, "rank"));
      EXPECT_LT(metric(preparation, "off_span"), 1e-11) << family << p;
      EXPECT_LT(metric(preparation, "to_closed_form"), 1e-5) << family << p;
    }
}

TEST(Cgls, TooFewStepsDoNot) {
  auto const early = method("linear-map", fit("cgls", 4));
  const Preparation preparation = early->prepare(Fake(poisson_space("poly", 8, 24)), Comm::self());
  EXPECT_EQ(counter(preparation, "iterations"), 4);
  EXPECT_GT(metric(preparation, "train_rel_mse"), 1e-14);
  EXPECT_GT(metric(preparation, "to_closed_form"), 1e-3);
  const std::vector<double> loss = data<double>(preparation, "history/loss");
  EXPECT_EQ(loss.size(), 5u);
  for (std::size_t i = 1; i < loss.size(); ++i) EXPECT_LT(loss[i], loss[i - 1]);
}

// W_T = sum_i (1 - (1 - eta l_i)^T) C B^+ u_i u_i^T over the eigenpairs of the covariance (arXiv
// 2506.15199, theorem 3.2). Sines are orthogonal on the nodes: u_i = sin_i / |sin_i|, and the
// basis gives each l_i = |sin_i|^2 = N/2 times the square of its amplitude.
TEST(GradientDescent, FollowsItsFormula) {
  constexpr int n = 12;
  Space1d space = poisson_space("sin", 3, n);
  const std::vector<double> amplitude{1, 0.5, 0.125};
  for (std::size_t m = 0; m < 3; ++m) {
    for (double& value : space.inputs[m]) value *= amplitude[m];
    for (double& value : space.outputs[m]) value *= amplitude[m];
  }
  double const largest = n / 2.0;
  for (std::int64_t const steps : {1, 7, 200})
    for (double const rate : {0.0, 0.3 / largest, 1.9 / largest}) {
      std::map<std::string, Value> values = fit("gd", steps);
      values["rate"] = rate;
      auto const descent = method("linear-map", values);
      descent->prepare(Fake(space, {.sampled = false}), Comm::self());
      double const eta = rate == 0 ? 1 / largest : rate;
      std::vector<double> expected((n + 1) * (n + 1), 0.0); // column after column
      for (std::size_t m = 0; m < 3; ++m) {
        double const eigenvalue = largest * amplitude[m] * amplitude[m];
        double const share = 1 - std::pow(1 - eta * eigenvalue, static_cast<double>(steps));
        for (std::size_t j = 0; j <= n; ++j)
          for (std::size_t i = 0; i <= n; ++i)
            expected[j * (n + 1) + i] +=
                share * space.outputs[m][i] * space.inputs[m][j] / eigenvalue;
      }
      EXPECT_LT(relative_difference(weights(*descent, n + 1), expected), 1e-12)
          << steps << ' ' << rate;
      values["iterations"] = steps + 1;
      auto const next = method("linear-map", values);
      next->prepare(Fake(space, {.sampled = false}), Comm::self());
      EXPECT_GT(relative_difference(weights(*next, n + 1), expected), 1e-6); // it tells T apart
    }
}

// Spec of the suite, section 1.6: N = 16, 2000 samples, 2000 steps.
TEST(Adam, DoesNotReachTheClosedForm) {
  struct Expected {
    char const* family;
    int p;
    double off_span;
  };
  for (Expected const& e :
       {Expected{"sin", 2, 0.34}, Expected{"sin", 6, 0.073}, Expected{"poly", 2, 0.074}}) {
    const Fake problem(poisson_space(e.family, e.p, 16));
    const Preparation adam = method("linear-map", fit("adam"))->prepare(problem, Comm::self());
    const Preparation descent = method("linear-map", fit("gd"))->prepare(problem, Comm::self());
    const Preparation cgls = method("linear-map", fit("cgls"))->prepare(problem, Comm::self());
    EXPECT_NEAR(metric(adam, "off_span") / e.off_span, 1, 0.05) << e.family << e.p;
    EXPECT_GT(metric(adam, "to_closed_form"), 0.05) << e.family << e.p;
    for (Preparation const& other : {descent, cgls})
      EXPECT_LT(metric(other, "off_span"), 1e-11) << e.family << e.p;
    EXPECT_LT(metric(cgls, "to_closed_form"), 1e-9) << e.family << e.p;
    // Monomials are slow for gradient descent, yet it is on its way.
    EXPECT_LT(metric(descent, "to_closed_form"), std::string(e.family) == "sin" ? 1e-9 : 0.01);
  }
}

// Monomials of degree 6 are too ill-conditioned for gradient descent, and it says so.
TEST(GradientDescent, StallsOnMonomials) {
  const Preparation stalled =
      method("linear-map", fit("gd"))->prepare(Fake(poisson_space("poly", 6, 16)), Comm::self());
  EXPECT_GT(metric(stalled, "train_rel_mse"), 1e-8);
  EXPECT_LT(metric(stalled, "train_rel_mse"), 1e-4);
  EXPECT_GT(metric(stalled, "condition"), 1e3);
}

TEST(GradientDescent, DivergenceIsToldNotThrown) {
  std::map<std::string, Value> values = fit("gd");
  values["rate"] = 1e3;
  const Fake problem(poisson_space("sin", 3, 16));
  auto const wild = method("linear-map", values);
  const Preparation preparation = wild->prepare(problem, Comm::self());
  EXPECT_EQ(counter(preparation, "diverged"), 1);
  EXPECT_LT(counter(preparation, "iterations"), 2000);
  EXPECT_GT(metric(preparation, "train_rel_mse"), 1e100);
  EXPECT_GT(metric(preparation, "to_closed_form"), 1e50);
  for (double const value : weights(*wild, 17)) EXPECT_TRUE(std::isfinite(value));
  for (double const value : data<double>(preparation, "history/loss"))
    EXPECT_TRUE(std::isfinite(value));
}

TEST(History, IsThinAndEndsWithTheLast) {
  for (std::int64_t const steps : {1, 199, 200, 201, 777, 2000}) {
    const Preparation preparation = method("linear-map", fit("gd", steps))
                                        ->prepare(Fake(poisson_space("cos", 3, 8)), Comm::self());
    const std::vector<std::int64_t> iteration =
        data<std::int64_t>(preparation, "history/iteration");
    const std::vector<double> loss = data<double>(preparation, "history/loss");
    EXPECT_EQ(iteration.size(), loss.size());
    EXPECT_LE(iteration.size(), 200u) << steps;
    EXPECT_GE(iteration.size(), std::min<std::size_t>(100, static_cast<std::size_t>(steps)));
    EXPECT_EQ(iteration.front(), 0);
    EXPECT_EQ(iteration.back(), steps);
    EXPECT_NEAR(loss.back(), metric(preparation, "train_mse"),
                1e-10 * metric(preparation, "train_mse") + 1e-30);
  }
}

} // namespace
} // namespace moho::study::test
