// SPDX-License-Identifier: BSD-3-Clause
// What every problem with a solver of its own owes: items known by their number, the same bits on
// any number of ranks, checks that pass, settings that fit.
#include "support.hpp"

namespace moho::study::test {
namespace {

using parallel::Comm;

struct Drawn {
  std::string name;
  Settings settings;
  std::ptrdiff_t width;                  ///< of a row
  std::vector<Settings> sound;           ///< whose checks must pass
  std::size_t checks;                    ///< at least
  std::int64_t misfit;                   ///< a number of points that does not fit
  std::vector<std::string> misfit_names; ///< what the error says besides
};

std::vector<Drawn> drawn_problems() {
  return {{"burgers-1d",
           small_burgers(),
           16,
           {with(small_burgers(), "time_steps", std::int64_t{200})},
           14,
           17,
           {"problem.grid = 128", "divisor"}},
          {"darcy-operator",
           small_darcy(),
           36,
           {small_darcy(), with(small_darcy(), "high", 300.0), with(small_darcy(), "tau", 30.0)},
           20,
           7,
           {"problem.grid = 21", "divide 20"}}};
}

class Draws : public testing::TestWithParam<Drawn> {
protected:
  std::unique_ptr<Problem> asked(Settings const& settings = GetParam().settings) const {
    return problem(GetParam().name, settings);
  }
  /// Rows first .. last-1 of values.
  static std::vector<double> rows(std::vector<double> const& values, std::ptrdiff_t first,
                                  std::ptrdiff_t last) {
    std::ptrdiff_t const width = GetParam().width;
    return {values.begin() + first * width, values.begin() + last * width};
  }
};

TEST_P(Draws, ItemsDependOnTheirNumberAlone) {
  auto const one = asked();
  const std::vector<double> together = inputs(*one, Split::train, 0, 12);
  for (std::ptrdiff_t const i : {0, 5, 11})
    EXPECT_EQ(inputs(*one, Split::train, static_cast<std::uint64_t>(i), 1),
              rows(together, i, i + 1));
  const std::vector<double> first = inputs(*one, Split::train, 0, 1);
  EXPECT_NE(inputs(*one, Split::test, 0, 1), first);
  EXPECT_NE(inputs(*one, Split::test, 0, 1), inputs(*one, Split::validation, 0, 1));
  auto const other = asked(with(GetParam().settings, "seed", std::int64_t{2}));
  EXPECT_NE(inputs(*other, Split::train, 0, 1), first);
}

TEST_P(Draws, TogetherGiveEveryRankTheSameBits) {
  auto const one = asked();
  for (std::size_t const n : {1u, 7u, 12u}) {
    const Batch together = one->draw_together(Split::train, 12 - n, n, Comm());
    const Batch alone = one->draw(Split::train, 12 - n, n);
    EXPECT_EQ(together.reals(input_array), alone.reals(input_array)) << n;
    for (Batch::Array const& array : alone.arrays())
      if (array.name != input_array) {
        EXPECT_EQ(together.integers(array.name), alone.integers(array.name)) << array.name;
      }
  }
}

// All ranks of the world together, and each rank by itself.
TEST_P(Draws, TruthHasTheSameBitsOnAnyNumberOfRanks) {
  const Comm world;
  auto const one = asked();
  const std::vector<double> shared = answers(*one, Split::train, 0, 7, world),
                            alone = answers(*one, Split::train, 0, 7, Comm::self()),
                            part = answers(*one, Split::train, 3, 2, Comm::self());
  EXPECT_TRUE(moho::test::all_ranks_agree(alone));
  if (world.root()) {
    EXPECT_EQ(shared, alone);
  }
  EXPECT_EQ(part, rows(alone, 3, 5));
}

TEST_P(Draws, ChecksPassAndAreTheSameOnAllRanks) {
  for (Settings const& settings : GetParam().sound) {
    const std::vector<Check> checks = asked(settings)->verify(Comm());
    EXPECT_GE(checks.size(), GetParam().checks);
    for (Check const& check : checks) {
      EXPECT_TRUE(check.pass()) << check.name << " " << check.value;
      EXPECT_TRUE(moho::test::all_ranks_agree(check.value)) << check.name;
    }
  }
}

TEST_P(Draws, SettingsThatDoNotFitAreRefused) {
  const std::string message =
      error_of([&] { asked(with(GetParam().settings, "s", GetParam().misfit)); });
  EXPECT_TRUE(names(message, {"problem.s = " + std::to_string(GetParam().misfit)}));
  EXPECT_TRUE(names(message, GetParam().misfit_names));
}

TEST_P(Draws, AnswersItsOwnDrawsAlone) {
  auto const width = static_cast<std::size_t>(GetParam().width);
  Batch foreign(1);
  foreign.set(input_array, "", std::vector<double>(width, 1.0), {1, width});
  EXPECT_TRUE(names(error_of([&] { asked()->truth(foreign, Comm::self()); }),
                    {GetParam().name, "its own draws"}));
}

INSTANTIATE_TEST_SUITE_P(Problems, Draws, testing::ValuesIn(drawn_problems()),
                         [](auto const& info) {
                           return info.param.name.substr(0, info.param.name.find('-'));
                         });

} // namespace
} // namespace moho::study::test
