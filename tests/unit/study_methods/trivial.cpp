// SPDX-License-Identifier: BSD-3-Clause
// The trivial answers: nearest neighbour and mean.
#include "fake_spaces.hpp"
#include "moho/core/error.hpp"
#include <cstdio>
#include <random>

namespace moho::study::test {
namespace {

using parallel::Comm;

/// Items listed by hand: training inputs and targets; what is asked is asked by the test.
class Listed : public Problem {
public:
  Listed(std::vector<double> inputs, std::size_t width, std::vector<double> targets)
      : _inputs(std::move(inputs)), _targets(std::move(targets)), _width(width) {}
  std::size_t count(Split) const override { return _inputs.size() / _width; }
  Batch draw(Split, std::uint64_t, std::size_t) const override {
    return inputs_of(_inputs, _width);
  }
  Batch truth(Batch const& inputs, Comm const& comm) const override {
    Batch truth(inputs.count());
    if (comm.root())
      truth.set(output_array, "km/s", _targets, {inputs.count(), _targets.size() / inputs.count()});
    return truth;
  }
  std::vector<Check> verify(Comm const&) const override { return {}; }
  Assessment assess(Batch const&, Batch const&, Batch const&) const override { return {}; }

private:
  std::vector<double> _inputs, _targets;
  std::size_t _width;
};

TEST(NearestNeighbour, GivesTheTargetOfTheNearest) {
  auto const neighbour = method("nearest-neighbour");
  neighbour->prepare(Listed({0, 0, 1, 0, 0, 1, 1, 1}, 2, {10, 11, 12, 13}), Comm::self());
  EXPECT_EQ(answers(*neighbour, inputs_of({0.1, 0.2, 0.9, 0.3, 0.2, 7, 2, 2}, 2)),
            (std::vector<double>{10, 11, 12, 13}));
}

// A feature with a large unit must not drown the others, and one that is constant says nothing.
TEST(NearestNeighbour, StandardizesTheInputs) {
  auto const neighbour = method("nearest-neighbour");
  neighbour->prepare(Listed({0, 0, 5, 1000, 1, 5}, 3, {1, 2}), Comm::self());
  // Distances in raw units: 600 to the first, 400.001 to the second; by deviations the first wins.
  EXPECT_EQ(answers(*neighbour, inputs_of({600, 0, 5}, 3)), std::vector<double>{1});
  EXPECT_EQ(answers(*neighbour, inputs_of({600, 0, 1e9}, 3)), std::vector<double>{1});
}

TEST(NearestNeighbour, OfEquallyNearTheFirst) {
  auto const neighbour = method("nearest-neighbour");
  neighbour->prepare(Listed({3, -1, 1, -1, 1, -3}, 1, {0, 1, 2, 3, 4, 5}), Comm::self());
  EXPECT_EQ(answers(*neighbour, inputs_of({0, 1, -1}, 1)), (std::vector<double>{1, 2, 1}));
}

/// The brute force that the product may only speed up.
std::vector<double> by_loop(std::vector<double> const& train, std::vector<double> const& targets,
                            std::vector<double> const& asked, std::size_t width) {
  std::vector<double> found;
  const std::size_t n = train.size() / width;
  std::vector<double> mean(width, 0.0), deviation(width, 0.0);
  for (std::size_t i = 0; i < train.size(); ++i) mean[i % width] += train[i] / double(n);
  for (std::size_t i = 0; i < train.size(); ++i)
    deviation[i % width] += std::pow(train[i] - mean[i % width], 2) / double(n);
  for (std::size_t j = 0; j < asked.size() / width; ++j) {
    double best = HUGE_VAL, answer = 0;
    for (std::size_t t = 0; t < n; ++t) {
      double distance = 0;
      for (std::size_t i = 0; i < width; ++i)
        distance += std::pow(train[t * width + i] - asked[j * width + i], 2) / deviation[i];
      if (distance < best) {
        best = distance;
        answer = targets[t];
      }
    }
    found.push_back(answer);
  }
  return found;
}

TEST(NearestNeighbour, IsTheBruteForce) {
  constexpr std::size_t width = 7, n = 1003, asked = 131;
  const Philox random{std::random_device{}(), 1};
  std::printf("seed %lu\n", static_cast<unsigned long>(random.seed));
  SCOPED_TRACE("seed " + std::to_string(random.seed));
  std::vector<double> train, targets, questions;
  for (std::size_t i = 0; i < n * width; ++i)
    train.push_back(1e4 + random.normal(i, 0)); // a large mean costs the product digits
  for (std::size_t i = 0; i < n; ++i) targets.push_back(static_cast<double>(i));
  for (std::size_t i = 0; i < asked * width; ++i) questions.push_back(1e4 + random.normal(i, 1));
  for (std::size_t i = 0; i < width; ++i) questions[i] = train[500 * width + i]; // an item itself
  auto const alone = method("nearest-neighbour"), together = method("nearest-neighbour");
  const Listed problem(train, width, targets);
  const Preparation preparation = alone->prepare(problem, Comm::self());
  EXPECT_EQ(counter(preparation, "samples"), 1003);
  const std::vector<double> found = answers(*alone, inputs_of(questions, width));
  EXPECT_EQ(found, by_loop(train, targets, questions, width));
  EXPECT_EQ(found.at(0), 500);
  EXPECT_EQ(alone->cost().flops.value_or(0), std::int64_t{2} * 7 * 1003 * 131);
  together->prepare(problem, Comm());
  const std::vector<double> shared = answers(*together, inputs_of(questions, width));
  EXPECT_EQ(shared, Comm().root() ? found : std::vector<double>{});
}

TEST(NearestNeighbour, RefusesWhatHasNoNeighbours) {
  auto const neighbour = method("nearest-neighbour");
  const Fake basis(poisson_space("sin", 3, 8), {.sampled = false});
  EXPECT_TRUE(names(error_of([&] { neighbour->prepare(basis, Comm::self()); }),
                    {"nearest-neighbour needs samples"}));
  neighbour->prepare(Listed({0, 1}, 1, {10, 11}), Comm::self());
  EXPECT_TRUE(names(error_of([&] {
                      answers(*neighbour, inputs_of({0, 1}, 2));
                    }),
                    {"asked about 2"}));
}

TEST(NearestNeighbour, UnknownTargetsAreNoNeighbours) {
  auto const neighbour = method("nearest-neighbour");
  const Preparation preparation =
      neighbour->prepare(Listed({0, 1, 2}, 1, {10, std::nan(""), 12}), Comm::self());
  EXPECT_EQ(counter(preparation, "left_out"), 1);
  EXPECT_EQ(answers(*neighbour, inputs_of({0.9, 1.1}, 1)), (std::vector<double>{10, 12}));
}

TEST(Mean, IsTheMean) {
  auto const mean = method("mean");
  mean->prepare(Listed({0, 1}, 1, {10, 20, 30, 50}), Comm::self());
  EXPECT_EQ(answers(*mean, inputs_of({7, 8, 9}, 1)), (std::vector<double>{20, 35, 20, 35, 20, 35}));
  Batch out;
  mean->apply(inputs_of({1}, 1), out);
  EXPECT_EQ(out.at(output_array).units, "km/s");
  EXPECT_EQ(out.at(output_array).shape, (std::vector<std::size_t>{1, 2}));
}

TEST(Mean, OfABasisIsZero) {
  auto const mean = method("mean");
  const Fake basis(poisson_space("sin", 3, 8), {.sampled = false});
  mean->prepare(basis, Comm::self());
  EXPECT_EQ(relative_error(*mean, basis), 1);
}

} // namespace
} // namespace moho::study::test
