// SPDX-License-Identifier: BSD-3-Clause
// Grids of problems, and the scaling of what stands on them.
#include "support.hpp"
#include <cmath>
#include <limits>
#include <stdexcept>

namespace moho::study::test {
namespace {

using parallel::Comm;

TEST(Grids, CoordinatesIncludeTheEndsOrNot) {
  Grid grid{{5}, false, {1}, {3}, true, 1, 1};
  EXPECT_EQ(grid.coordinates(0), (std::vector<double>{1, 1.5, 2, 2.5, 3}));
  grid.ends_included = false;
  grid.periodic = true;
  grid.points = {4};
  EXPECT_EQ(grid.coordinates(0), (std::vector<double>{1, 1.5, 2, 2.5}));
  EXPECT_EQ((Grid{{3, 4, 5}, false, {0, 0, 0}, {1, 1, 1}, true, 1, 1}.size()), 60u);
}

TEST(Grids, PartsThatDoNotFitAreDefects) {
  const Grid sound{{5}, false, {0}, {1}, true, 1, 1};
  EXPECT_NO_THROW(require_sound(sound));
  for (auto const& spoil : std::vector<std::function<void(Grid&)>>{
           [](Grid& g) { g.points.clear(); }, [](Grid& g) { g.points = {1}; },
           [](Grid& g) { g.periodic = true; }, [](Grid& g) { g.upper = {0}; },
           [](Grid& g) {
             g.lower = {0, 0};
           },
           [](Grid& g) { g.input_channels = 0; }}) {
    Grid grid = sound;
    spoil(grid);
    EXPECT_THROW(require_sound(grid), std::logic_error);
  }
}

TEST(Grids, AreACapabilityOfProblemsOnGrids) {
  for (std::string const name :
       {"burgers-1d", "darcy-operator", "dataset", "operator-1d", "poisson-2d"}) {
    auto const asked = problem(name);
    auto const* gridded = capability<Gridded>(*asked);
    EXPECT_NE(gridded, nullptr) << name;
    if (gridded == nullptr) continue;
    const Grid grid = gridded->grid();
    require_sound(grid);
    const std::vector<std::size_t> shape = asked->draw(Split::test, 0, 1).at(input_array).shape;
    EXPECT_EQ(shape.back(), grid.size()) << name;
  }
  EXPECT_EQ(capability<Gridded>(*problem("dispersion-family")), nullptr);
}

// Without further code, as every problem of the task.
TEST(Grids, TrivialMethodsAnswerTheirProblems) {
  const Comm world;
  for (auto const& [name, settings] : std::vector<std::pair<std::string, Settings>>{
           {"burgers-1d", small_burgers()}, {"darcy-operator", small_darcy()}, {"dataset", {}}}) {
    auto const asked = problem(name, settings);
    const Batch in = asked->draw(Split::test, 0, asked->count(Split::test)),
                truth = asked->truth(in, world);
    for (std::string const who : {"mean", "nearest-neighbour", "linear-map"}) {
      Parameters with_intercept = defaults(find_method(who).parameters);
      if (who == "linear-map") with_intercept.set("intercept", true);
      auto const method = find_method(who).make(with_intercept);
      method->prepare(*asked, world);
      Batch out;
      method->apply(in, out);
      if (!world.root()) continue;
      const Assessment found = asked->assess(in, truth, out);
      std::vector<std::string> names;
      double of_mean = NAN;
      for (Metric const& metric : found.metrics) {
        names.push_back(metric.name);
        if (metric.name == "of_mean") of_mean = metric.value;
      }
      EXPECT_EQ(names, find_problem(name).metrics);
      // The training mean is not quite the best constant; few items teach the others something.
      EXPECT_GE(of_mean, who == "mean" ? 1 : 0) << name;
      EXPECT_LT(of_mean, who == "linear-map" && name != "darcy-operator" ? 0.9 : 4) << name << who;
    }
  }
}

TEST(Normalisation, OfEachChannel) {
  // Items (2), points (2), channels (2): a channel of 0 .. 3 and one of 10 times it.
  std::vector<double> values{0, 0, 1, 10, 2, 20, 3, 30};
  const Normalisation n = normalisation(values, 4, 2, Scaling::channel, "input");
  EXPECT_EQ(n.mean, (std::vector<double>{1.5, 15}));
  EXPECT_NEAR(n.deviation[0], std::sqrt(1.25), 1e-15);
  EXPECT_NEAR(n.deviation[1], 10 * std::sqrt(1.25), 1e-14);
  const std::vector<double> before = values;
  n.apply(values);
  double sum = 0, square = 0;
  for (std::size_t i = 0; i < values.size(); i += 2) {
    sum += values[i];
    square += values[i] * values[i];
    EXPECT_NEAR(values[i], values[i + 1], 1e-15);
  }
  EXPECT_NEAR(sum, 0, 1e-15);
  EXPECT_NEAR(square / 4, 1, 1e-15);
  n.undo(values);
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], before[i], 1e-14);
}

// A boundary value that is always 7 says nothing, and comes back whatever is answered there.
TEST(Normalisation, OfEachPointLeavesWhatNeverVaries) {
  std::vector<double> values{7, 1, 7, 3};
  const Normalisation n = normalisation(values, 2, 1, Scaling::point, "output");
  EXPECT_EQ(n.deviation, (std::vector<double>{0, 1}));
  n.apply(values);
  EXPECT_EQ(values, (std::vector<double>{0, -1, 0, 1}));
  values = {0.3, -1, -5, 1};
  n.undo(values);
  EXPECT_EQ(values, (std::vector<double>{7, 1, 7, 3}));
}

TEST(Normalisation, RefusesAConstantChannel) {
  std::vector<double> values;
  for (int i = 0; i < 100000; ++i) values.insert(values.end(), {0.1 * i, 0.1});
  for (const Scaling scaling : {Scaling::channel, Scaling::point}) {
    const std::string message =
        error_of([&] { normalisation(values, 2, 2, scaling, "input of x"); });
    EXPECT_TRUE(names(message, {"constant normalisation channel 1", "input of x", "0.1"}));
  }
  values.back() = 0.2; // no longer constant: the same call is content
  EXPECT_EQ(error_of([&] { normalisation(values, 2, 2, Scaling::channel, "input of x"); }), "");
}

TEST(Normalisation, RefusesWhatIsNotFinite) {
  std::vector<double> values{1, 2, std::numeric_limits<double>::quiet_NaN(), 3};
  EXPECT_TRUE(names(error_of([&] { normalisation(values, 1, 1, Scaling::channel, "output"); }),
                    {"cannot normalise the output", "value 2"}));
}

TEST(Normalisation, IsTheSameOnAllRanksAndSoIsItsError) {
  const Comm world;
  std::vector<double> values;
  if (world.root()) values = {1, 5, 2, 5, 4, 7};
  const Normalisation n = normalisation(world, values, 2, 1, Scaling::point, "input");
  EXPECT_TRUE(moho::test::all_ranks_agree(n.mean));
  EXPECT_TRUE(moho::test::all_ranks_agree(n.deviation));
  EXPECT_EQ(n.mean.size(), 2u);
  if (world.root()) values = {5, 5, 5, 5};
  const std::string message =
      error_of([&] { normalisation(world, values, 2, 1, Scaling::channel, "input"); });
  EXPECT_TRUE(moho::test::holds_on_all_ranks(message.find("constant normalisation channel") !=
                                             std::string::npos));
}

} // namespace
} // namespace moho::study::test
