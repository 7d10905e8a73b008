// SPDX-License-Identifier: BSD-3-Clause
// The closed form of `linear-map`: exact where it was taught, what it cannot know elsewhere, and
// what it says of sets that do not determine it.
#include "fake_spaces.hpp"
#include "moho/core/error.hpp"
#include "support/mpi_support.hpp"
#include <algorithm>

namespace moho::study::test {
namespace {

using parallel::Comm;

Fake basis(std::string const& family, int p, int intervals) {
  return Fake(poisson_space(family, p, intervals), {.sampled = false});
}

TEST(LinearMap, IsExactInTheSpanAndOnlyThere) {
  for (int const intervals : {16, 24, 32})
    for (std::string const family : {"poly", "sin", "cos"}) {
      auto const fit = method("linear-map");
      fit->prepare(basis(family, 8, intervals), Comm::self());
      for (int p = 1; p <= 8; ++p)
        EXPECT_LT(relative_error(*fit, basis(family, p, intervals)), 1e-25) << family << p;
      EXPECT_GT(relative_error(*fit, basis(family, 9, intervals)), 1e-15) << family;
    }
}

// Expected errors of the published table's closed form at N = 24 (row poly8 and row cos8).
TEST(LinearMap, MissesByTheTheory) {
  struct Expected {
    char const *on, *asked;
    int p;
    double error;
  };
  for (Expected const& e : {Expected{"poly", "sin", 4, 1.3e-6},
                            {"poly", "sin", 8, 4.9e-4},
                            {"poly", "cos", 8, 2.1e-3},
                            {"sin", "poly", 8, 1.3e-5},
                            {"cos", "sin", 8, 0.73}}) {
    auto const fit = method("linear-map");
    fit->prepare(basis(e.on, 8, 24), Comm::self());
    EXPECT_NEAR(relative_error(*fit, basis(e.asked, e.p, 24)) / e.error, 1, 0.05)
        << e.on << "8 -> " << e.asked << e.p;
  }
}

TEST(LinearMap, DescribesWhatItWasTaught) {
  auto const fit = method("linear-map");
  const Preparation poly = fit->prepare(basis("poly", 8, 24), Comm::self());
  EXPECT_EQ(counter(poly, "rank"), 9);
  EXPECT_EQ(counter(poly, "inputs"), 25);
  EXPECT_EQ(counter(poly, "samples"), 9);
  EXPECT_EQ(counter(poly, "parameters"), 625);
  EXPECT_EQ(counter(poly, "diverged"), 0);
  EXPECT_GT(metric(poly, "condition"), 1e5);
  EXPECT_LT(metric(poly, "condition"), 1e7);
  EXPECT_LT(metric(poly, "train_rel_mse"), 1e-25);
  EXPECT_LT(metric(poly, "off_span"), 1e-9);
  EXPECT_EQ(metric(poly, "to_closed_form"), 0);
  const Preparation sine = fit->prepare(basis("sin", 3, 24), Comm::self());
  EXPECT_NEAR(metric(sine, "condition"), 1, 1e-12); // orthogonal on the nodes
}

// The metrics that `prepare` returns are those that the registry promises.
TEST(LinearMap, MetricsAreDeclared) {
  auto const fit = method("linear-map");
  for (Metric const& metric : fit->prepare(basis("sin", 3, 8), Comm::self()).metrics)
    EXPECT_EQ(std::count(find_method("linear-map").metrics.begin(),
                         find_method("linear-map").metrics.end(), metric.name),
              1)
        << metric.name;
}

// A basis gives a sum over its functions, samples the mean over them: the same in expectation.
TEST(LinearMap, TrainingErrorIsOfTheExpectation) {
  auto const cannot = method("linear-map", {{"fit", "gd"}, {"iterations", std::int64_t{0}}});
  const Preparation exact = cannot->prepare(basis("sin", 3, 24), Comm::self());
  const Preparation sampled =
      cannot->prepare(Fake(poisson_space("sin", 3, 24), {.train = 20000}), Comm::self());
  double const mse = metric(exact, "train_mse");
  EXPECT_NEAR(metric(exact, "train_rel_mse"), 1, 1e-14);
  double sum = 0; // sum of sin^2 over the nodes is N/2
  for (int m = 1; m <= 3; ++m) sum += 12 / std::pow(m * std::numbers::pi, 4);
  EXPECT_NEAR(mse, sum / 25, 1e-12 * mse);
  EXPECT_NEAR(metric(sampled, "train_mse"), mse, 5 * std::sqrt(2.0 / 20000) * mse);
}

// With noise: the residual is orthogonal to the inputs, which makes W the least-squares answer.
TEST(LinearMap, IsTheLeastSquaresAnswer) {
  const Fake noisy(poisson_space("poly", 5, 16), {.train = 700, .noise = 1e-3});
  auto const largest_share = [&](Method& fit) {
    const Batch inputs = noisy.draw(Split::train, 0, 700);
    const std::vector<double> f = inputs.reals(input_array), found = answers(fit, inputs),
                              u = noisy.truth(inputs, Comm::self()).reals(output_array);
    double worst = 0;
    for (std::size_t j = 0; j < 17; ++j)
      for (std::size_t k = 0; k < 17; ++k) {
        double product = 0, a = 0, b = 0;
        for (std::size_t i = 0; i < 700; ++i) {
          double const r = u[i * 17 + k] - found[i * 17 + k];
          product += r * f[i * 17 + j];
          a += r * r;
          b += f[i * 17 + j] * f[i * 17 + j];
        }
        worst = std::max(worst, std::abs(product) / std::sqrt(a * b));
      }
    return worst;
  };
  for (char const* how : {"closed-form", "cgls"}) {
    auto const fit = method("linear-map", {{"fit", how}});
    const Preparation preparation = fit->prepare(noisy, Comm::self());
    EXPECT_LT(largest_share(*fit), 1e-11) << how;
    EXPECT_NEAR(metric(preparation, "train_mse"), 1e-6, 1e-7) << how;
  }
  auto const early = method("linear-map", {{"fit", "cgls"}, {"iterations", std::int64_t{2}}});
  early->prepare(noisy, Comm::self());
  EXPECT_GT(largest_share(*early), 1e-6); // stopped early it is not
}

// W0 (I - U U^T) stays: what training never showed is answered as before it.
TEST(LinearMap, KeepsTheFirstWeightsOffTheSpan) {
  const Fake taught(poisson_space("sin", 3, 12), {.train = 300});
  const std::vector<double> strange = [] { // orthogonal to sin1 .. sin3 on the nodes
    std::vector<double> f;
    for (int i = 0; i <= 12; ++i) f.push_back(std::sin(5 * std::numbers::pi * i / 12));
    return f;
  }();
  std::map<std::string, Value> const start{{"initial", 0.5}, {"initial_seed", std::int64_t{3}}};
  auto const with = [&](char const* how, std::int64_t iterations) {
    std::map<std::string, Value> values = start;
    values["fit"] = std::string(how);
    values["iterations"] = iterations;
    auto fit = method("linear-map", values);
    fit->prepare(taught, Comm::self());
    return fit;
  };
  auto const untrained = with("gd", 0);
  const std::vector<double> first = answers(*untrained, inputs_of(strange, 13));
  EXPECT_GT(std::abs(first[4]), 1e-3);
  for (char const* how : {"closed-form", "cgls", "gd"}) {
    auto const fit = with(how, 500);
    EXPECT_LT(relative_difference(answers(*fit, inputs_of(strange, 13)), first), 1e-12) << how;
    EXPECT_LT(relative_error(*fit, taught), 1e-25) << how;
  }
  auto const adam = with("adam", 500);
  EXPECT_GT(relative_difference(answers(*adam, inputs_of(strange, 13)), first), 1e-2);
}

TEST(LinearMap, SaysThatASetIsDeficient) {
  Space1d space = poisson_space("sin", 3, 8);
  space.inputs[2] = space.inputs[0]; // two sources alike
  auto const fit = method("linear-map");
  const Preparation deficient = fit->prepare(Fake(space), Comm::self());
  EXPECT_EQ(counter(deficient, "rank"), 2);
  EXPECT_GT(metric(deficient, "train_rel_mse"), 1e-6);
  for (auto& f : space.inputs) f.assign(9, 0.0);
  for (char const* how : {"closed-form", "cgls", "gd", "adam"}) {
    auto const blind = method("linear-map", {{"fit", how}, {"iterations", std::int64_t{50}}});
    const Preparation nothing = blind->prepare(Fake(space), Comm::self());
    EXPECT_EQ(counter(nothing, "rank"), 0) << how;
    EXPECT_EQ(metric(nothing, "train_rel_mse"), 1) << how;
    EXPECT_TRUE(std::isnan(metric(nothing, "condition"))) << how;
  }
}

TEST(LinearMap, InterceptFitsAnOffset) {
  Space1d space = poisson_space("sin", 3, 8);
  for (auto& f : space.inputs) f.push_back(0); // a feature that tells nothing
  const FakeOptions shifted{.train = 400, .offset = std::vector<double>(9, 3.25)};
  const Fake problem(space, shifted);
  for (char const* how : {"closed-form", "cgls"}) {
    auto const affine = method("linear-map", {{"fit", how}, {"intercept", true}});
    const Preparation preparation = affine->prepare(problem, Comm::self());
    EXPECT_LT(relative_error(*affine, problem), 1e-25) << how;
    EXPECT_EQ(counter(preparation, "parameters"), 9 * 10 + 9);
    const Batch one = problem.draw(Split::test, 0, 1);
    std::vector<double> values = one.reals(input_array);
    const std::vector<double> before = answers(*affine, one);
    values.back() = 1e6; // it was constant in training
    EXPECT_EQ(answers(*affine, inputs_of(values, 10)), before) << how;
  }
  auto const linear = method("linear-map");
  linear->prepare(problem, Comm::self());
  EXPECT_GT(relative_error(*linear, problem), 0.1); // it has no offset to give
}

TEST(LinearMap, ConstantFeaturesOfAnySizeAreNoTrouble) {
  Space1d space = poisson_space("sin", 2, 6);
  Columns constant = space.inputs;
  FakeOptions options{.train = 997, .offset = std::vector<double>(7, 1.0)};
  class Constant : public Fake { // 0.1 is no binary fraction: its mean is rounded
  public:
    using Fake::Fake;
    Batch draw(Split split, std::uint64_t first, std::size_t n) const override {
      Batch batch = Fake::draw(split, first, n);
      std::vector<double> values = batch.reals(input_array);
      for (std::size_t i = 0; i < n; ++i) values[i * 7] = 0.1;
      batch.set(input_array, "", values, {n, 7});
      return batch;
    }
  };
  const Constant problem(space, options);
  auto const affine = method("linear-map", {{"intercept", true}});
  EXPECT_EQ(counter(affine->prepare(problem, Comm::self()), "rank"), 2);
  EXPECT_LT(relative_error(*affine, problem), 1e-25);
}

TEST(LinearMap, LeavesOutWhatIsNotKnown) {
  const Fake partly(poisson_space("sin", 3, 8), {.train = 100, .unknown = 10});
  auto const fit = method("linear-map");
  const Preparation preparation = fit->prepare(partly, Comm::self());
  EXPECT_EQ(counter(preparation, "left_out"), 10);
  EXPECT_EQ(counter(preparation, "samples"), 90);
  EXPECT_LT(metric(preparation, "train_rel_mse"), 1e-25);
  const Fake blank(poisson_space("sin", 3, 8), {.train = 10, .unknown = 10});
  EXPECT_TRUE(
      names(error_of([&] { fit->prepare(blank, Comm::self()); }), {"of 10 training items none"}));
}

TEST(LinearMap, RefusesAnotherGridAndABasisWithAnIntercept) {
  auto const fit = method("linear-map");
  fit->prepare(basis("sin", 3, 8), Comm::self());
  EXPECT_TRUE(names(error_of([&] {
                      answers(*fit, inputs_of({1, 2, 3}, 3));
                    }),
                    {"prepared on 9 inputs"}));
  auto const affine = method("linear-map", {{"intercept", true}});
  EXPECT_TRUE(names(error_of([&] { affine->prepare(basis("sin", 3, 8), Comm::self()); }),
                    {"needs samples"}));
}

// Bit for bit: on any number of ranks, and whatever else is asked in the same call.
TEST(LinearMap, AnswersDependOnTheirItemAlone) {
  const Fake problem(poisson_space("poly", 6, 24), {.train = 1500, .test = 37, .noise = 1e-3});
  for (char const* how : {"closed-form", "cgls", "gd", "adam"}) {
    std::map<std::string, Value> const values{{"fit", how}, {"iterations", std::int64_t{40}}};
    auto const together = method("linear-map", values), alone = method("linear-map", values);
    together->prepare(problem, Comm());
    alone->prepare(problem, Comm::self());
    const Batch inputs = problem.draw(Split::test, 0, 37);
    const std::vector<double> all = answers(*alone, inputs), shared = answers(*together, inputs);
    if (Comm().root()) {
      EXPECT_EQ(all, shared) << how;
    } else {
      EXPECT_TRUE(shared.empty());
    }
    const std::vector<double> f = inputs.reals(input_array);
    for (std::size_t i : {0, 17, 36}) {
      const std::vector<double> one(f.begin() + static_cast<std::ptrdiff_t>(25 * i),
                                    f.begin() + static_cast<std::ptrdiff_t>(25 * i + 25));
      EXPECT_EQ(answers(*alone, inputs_of(one, 25)),
                std::vector<double>(all.begin() + static_cast<std::ptrdiff_t>(25 * i),
                                    all.begin() + static_cast<std::ptrdiff_t>(25 * i + 25)))
          << how << ' ' << i;
    }
    EXPECT_EQ(alone->cost().flops.value_or(0), 2 * 25 * 25);
  }
}

} // namespace
} // namespace moho::study::test
