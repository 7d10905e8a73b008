// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/parameters.hpp"
#include "moho/study/names.hpp"
#include <gtest/gtest.h>
#include <limits>

namespace moho::study {
namespace {

using Strings = std::vector<std::string>;

TEST(Parameters, KeyOrderDoesNotMatter) {
  Parameters a, b;
  a.set("x", 1.0);
  a.set("n", std::int64_t{2});
  b.set("n", std::int64_t{2});
  b.set("x", 1.0);
  EXPECT_EQ(a, b);
  EXPECT_EQ(to_json(a), R"({"n":2,"x":1.0})");
  b.set("x", 1.5);
  EXPECT_NE(a, b);
}

TEST(Parameters, JsonNumbersReadBackAndKeepTheirType) {
  EXPECT_EQ(to_json(Value(0.1)), "0.1");
  EXPECT_EQ(to_json(Value(3.0)), "3.0");
  EXPECT_EQ(to_json(Value(1e-300)), "1e-300");
  EXPECT_EQ(to_json(Value(std::int64_t{3})), "3");
  EXPECT_EQ(to_json(Value(Strings{"a", "b\"c\n"})), R"(["a","b\"c\u000a"])");
  EXPECT_EQ(to_json(Value(std::numeric_limits<double>::infinity())), "null");
}

TEST(Parameters, AdaptsOnlyWithoutLoss) {
  auto const adapted = [](Value value, Value const& like) {
    return adapt(value, like) ? to_json(value) : "refused";
  };
  EXPECT_EQ(adapted(std::int64_t{3}, 1.0), "3.0");
  EXPECT_EQ(adapted(std::string("a"), Strings{}), R"(["a"])");
  EXPECT_EQ(adapted(std::vector<std::int64_t>{1, 2}, std::vector<double>{}), "[1.0,2.0]");
  EXPECT_EQ(adapted(Strings{}, std::vector<double>{}), "[]");
  EXPECT_EQ(adapted(3.0, std::int64_t{1}), "refused");
  EXPECT_EQ(adapted(std::string("3"), std::int64_t{1}), "refused");
  EXPECT_EQ(adapted(true, std::int64_t{1}), "refused");
  EXPECT_EQ(adapted(std::int64_t{1}, true), "refused");
  EXPECT_EQ(adapted(Strings{"a"}, std::string()), "refused");
  EXPECT_EQ(adapted((std::int64_t{1} << 53) + 1, 1.0), "refused"); // no such double
}

TEST(Parameters, ProblemNamesValueAndBound) {
  const ParameterSpec spec{"n", std::int64_t{1}, "count", 1, 10};
  EXPECT_EQ(problem_with(std::int64_t{1}, spec), "");
  EXPECT_EQ(problem_with(std::int64_t{10}, spec), "");
  EXPECT_NE(problem_with(std::int64_t{0}, spec).find("0 (at least 1"), std::string::npos);
  EXPECT_NE(problem_with(std::int64_t{11}, spec).find("11 (at most 10"), std::string::npos);
  const ParameterSpec real{"x", 1.0, "x"};
  EXPECT_NE(problem_with(std::numeric_limits<double>::infinity(), real), "");
  EXPECT_NE(problem_with(std::numeric_limits<double>::quiet_NaN(), real), "");
  const ParameterSpec word{"w", Strings{}, "w", 0, 0, {"love", "rayleigh"}};
  EXPECT_EQ(problem_with(Strings{"love"}, word), "");
  EXPECT_NE(problem_with(Strings{"love", "lvoe"}, word).find("lvoe"), std::string::npos);
}

TEST(Parameters, AbsentOrOtherTypeIsADefect) {
  Parameters parameters;
  parameters.set("n", std::int64_t{2});
  EXPECT_EQ(parameters.integer("n"), 2);
  EXPECT_THROW(parameters.real("n"), std::logic_error);
  EXPECT_THROW(parameters.integer("m"), std::logic_error);
}

TEST(Names, DistanceCountsEdits) {
  EXPECT_EQ(edit_distance("", "abc"), 3);
  EXPECT_EQ(edit_distance("layers", "layers"), 0);
  EXPECT_EQ(edit_distance("layrs", "layers"), 1);
  EXPECT_EQ(edit_distance("alyers", "layers"), 1); // neighbours swapped
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3);
}

TEST(Names, NearestIgnoresCase) {
  const Strings known{"modes", "waves", "extended"};
  EXPECT_EQ(nearest_name("Mode", known), "modes");
  EXPECT_EQ(nearest_name("EXTEND", known), "extended");
  EXPECT_EQ(nearest_name("x", Strings{}), "");
  EXPECT_EQ(suggestion("wave", known), "did you mean 'waves'? known: modes, waves, extended");
}

} // namespace
} // namespace moho::study
