// SPDX-License-Identifier: BSD-3-Clause
// SGI, OODjump and diagonality on the closed-form matrices, and on matrices that must score badly.
#include "moho/study/cross_validation.hpp"
#include "moho/study/registry.hpp"
#include <algorithm>
#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace moho::study {
namespace {

using Json = nlohmann::json;

constexpr double infinite = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

Json reference(std::string const& name) {
  std::ifstream file(data_file({}, "sciml/" + name));
  return Json::parse(file);
}

/// "sin3" holds the modes 1 .. 3, "poly3" the powers 0 .. 3; linear functions are finite elements.
Space space(std::string const& name) {
  if (name.rfind("fem", 0) == 0) return {"fem", "fem", {"fem", "poly 0", "poly 1"}};
  std::string const family = name.substr(0, name.find_first_of("0123456789"));
  Space result{name, family, {}};
  int const last = std::stoi(name.substr(family.size()));
  for (int m = family == "poly" ? 0 : 1; m <= last; ++m)
    result.elements.insert(family + " " + std::to_string(m));
  return result;
}

GeneralizationMatrix matrix(Json const& names, Json const& rows) {
  GeneralizationMatrix result;
  for (auto const& name : names) result.spaces.push_back(space(name));
  for (auto const& row : rows)
    for (auto const& value : row) result.error.push_back(value);
  return result;
}

GeneralizationMatrix poisson(std::string const& n) {
  Json const file = reference("crossval1d.json");
  return matrix(file.at("meta").at("sets"), file.at("N").at(n).at("rel"));
}

/// The rows and columns of one family.
GeneralizationMatrix part(GeneralizationMatrix const& all, std::string const& family) {
  GeneralizationMatrix result;
  std::size_t const n = all.spaces.size();
  for (std::size_t a = 0; a < n; ++a) {
    if (all.spaces[a].family != family) continue;
    result.spaces.push_back(all.spaces[a]);
    for (std::size_t b = 0; b < n; ++b)
      if (all.spaces[b].family == family) result.error.push_back(all.error[a * n + b]);
  }
  return result;
}

/// Families of four nested spaces with errors that a rule gives.
template <class Rule>
GeneralizationMatrix families(Rule const& rule) {
  GeneralizationMatrix result;
  for (char const* family : {"sin", "cos"})
    for (int p = 1; p <= 4; ++p) result.spaces.push_back(space(family + std::to_string(p)));
  for (std::size_t a = 0; a < 8; ++a)
    for (std::size_t b = 0; b < 8; ++b) result.error.push_back(rule(a, b));
  return result;
}

TEST(CrossValidation, ClosedFormOfPoisson) {
  for (char const* n : {"16", "24", "32"}) {
    auto const m = poisson(n);
    ASSERT_EQ(m.spaces.size(), 25u);
    Generalization const g = generalization(m, 1e-16);
    EXPECT_EQ(g.sgi, 1) << n;
    EXPECT_LT(g.in_span_max, 1e-20) << n;
    EXPECT_GT(g.out_of_span_min, 1e-19) << n; // poly8 knows sin1 well
    EXPECT_NEAR(generalization(part(m, "poly"), 1e-16).out_of_span_min, 2e-13, 1e-13) << n;
    EXPECT_GT(g.ood_jump, 20) << n;
    EXPECT_LT(std::abs(g.diagonality), 2) << n;
    EXPECT_EQ(m.spaces.at(static_cast<std::size_t>(g.broadest)).name, "fem") << n;
    EXPECT_LT(g.broadest_worst, 1e-2) << n;
  }
}

TEST(CrossValidation, ClosedFormOfTheBiharmonic) {
  Json const file = reference("crossval1d_biharmonic.json");
  auto const m = matrix(file.at("sets"), file.at("rel"));
  Generalization const g = generalization(m, 1e-20);
  EXPECT_EQ(g.sgi, 1);
  EXPECT_NEAR(generalization(part(m, "poly"), 1e-20).out_of_span_min, 3.8e-16, 1e-17);
  EXPECT_LT(g.in_span_max, 1e-20);
  EXPECT_GT(g.ood_jump, 20);
}

// Tensor spaces: nested triangles. Errors of zero count as round-off.
TEST(CrossValidation, ClosedFormInTwoDimensions) {
  Json const file = reference("crossval2d.json");
  GeneralizationMatrix m;
  for (auto const& set : file.at("sets")) {
    Space item{"sin" + set[0].dump() + "x" + set[1].dump(), "sin", {}};
    for (int i = 1; i <= set[0].get<int>(); ++i)
      for (int j = 1; j <= set[1].get<int>(); ++j)
        item.elements.insert(std::to_string(i) + "x" + std::to_string(j));
    m.spaces.push_back(item);
  }
  for (auto const& row : file.at("rel"))
    for (auto const& value : row) m.error.push_back(value);
  Generalization const g = generalization(m, 1e-16);
  EXPECT_EQ(g.sgi, 1);
  EXPECT_EQ(g.diagonality, 0);
  EXPECT_GT(g.out_of_span_min, 1e-3);
  EXPECT_EQ(g.broadest, 15); // sin4x4 holds all others
}

TEST(CrossValidation, DefectsScoreOtherwise) {
  auto const right = poisson("24");
  auto transposed = right;
  for (std::size_t a = 0; a < 25; ++a)
    for (std::size_t b = 0; b < 25; ++b) transposed.error[a * 25 + b] = right.error[b * 25 + a];
  EXPECT_LT(generalization(transposed, 1e-16).sgi, 0.5);
  EXPECT_GT(generalization(transposed, 1e-16).diagonality, 2);
  EXPECT_LT(generalization(transposed, 1e-16).out_of_span_min, 1e-16);

  auto shifted = right; // the entries of one row, cos8
  std::rotate(&shifted.error[23 * 25], &shifted.error[23 * 25 + 24], &shifted.error[23 * 25] + 25);
  EXPECT_LT(generalization(shifted, 1e-16).sgi, 1);

  // Two rows, poly8 and sin8: SGI is relative to a row's own error, which is as bad now, and can
  // not see it. The largest error within and the smallest outside do.
  auto swapped = right;
  std::swap_ranges(&swapped.error[7 * 25], &swapped.error[8 * 25], &swapped.error[15 * 25]);
  EXPECT_GT(generalization(swapped, 1e-16).in_span_max, 1e-6);
  EXPECT_LT(generalization(swapped, 1e-16).out_of_span_min, 1e-16);

  auto diagonal = right;
  for (std::size_t a = 0; a < 25; ++a)
    for (std::size_t b = 0; b < 25; ++b)
      if (a != b) diagonal.error[a * 25 + b] = 0.1;
  Generalization const g = generalization(diagonal, 1e-16);
  EXPECT_LT(g.sgi, 0.3);
  EXPECT_GT(g.diagonality, 2);
  EXPECT_EQ(g.in_span_max, 0.1);
}

TEST(CrossValidation, ValuesByHand) {
  // Own 1e-6, sub-space of the family 5e-6, outside 1e-2.
  auto const rule = [](std::size_t a, std::size_t b) {
    if (a == b) return 1e-6;
    return a / 4 == b / 4 && b < a ? 5e-6 : 1e-2;
  };
  Generalization g = generalization(families(rule), 1e-16);
  EXPECT_EQ(g.sgi, 1);
  EXPECT_NEAR(g.ood_jump, 4, 1e-12);
  EXPECT_NEAR(g.diagonality, std::log10(5), 1e-12);
  EXPECT_EQ(g.in_span_max, 5e-6);
  EXPECT_EQ(g.out_of_span_min, 1e-2);
  EXPECT_EQ(g.broadest_worst, 1e-2);
  EXPECT_EQ(g.broadest, 0);

  // One of the 20 pairs within is lost.
  auto broken = families(rule);
  broken.error[3 * 8 + 1] = 2e-5;
  EXPECT_NEAR(generalization(broken, 1e-16).sgi, 19. / 20, 1e-15);
  EXPECT_EQ(generalization(broken, 3e-5).sgi, 1); // tau is the larger limit
  broken.error[3 * 8 + 1] = nan;
  g = generalization(broken, 1e-16);
  EXPECT_NEAR(g.sgi, 19. / 20, 1e-15);
  EXPECT_EQ(g.in_span_max, infinite);
}

TEST(CrossValidation, LostRowsAreNeverLearnt) {
  auto const g = generalization(families([](std::size_t, std::size_t) { return nan; }), infinite);
  EXPECT_EQ(g.sgi, 0);
  EXPECT_TRUE(std::isnan(g.broadest) && std::isnan(g.broadest_worst));
  EXPECT_EQ(g.in_span_max, infinite);
  EXPECT_TRUE(std::isnan(g.ood_jump));
}

TEST(CrossValidation, ZeroCountsAsRoundOff) {
  auto const g = generalization(
      families([](std::size_t a, std::size_t b) { return a / 4 == b / 4 && b <= a ? 0.0 : 1.0; }),
      0);
  EXPECT_EQ(g.sgi, 1);
  EXPECT_NEAR(g.ood_jump, 2 * 15.6536, 1e-3);
  EXPECT_EQ(g.diagonality, 0);
}

TEST(CrossValidation, WithoutSpansThereIsNoIndex) {
  GeneralizationMatrix m{{{"a", "", {}}, {"b", "", {}}}, {1, 10, 100, 1}};
  auto const g = generalization(m, 1e-16);
  EXPECT_TRUE(std::isnan(g.sgi) && std::isnan(g.diagonality));
  EXPECT_EQ(g.in_span_max, 1); // a space holds itself
  EXPECT_EQ(g.ood_jump, 1.5);
  EXPECT_EQ(g.out_of_span_min, 10);
  EXPECT_EQ(g.broadest, 0);
  auto const none = generalization({}, 1e-16);
  EXPECT_TRUE(std::isnan(none.sgi) && std::isnan(none.ood_jump) && std::isnan(none.broadest));
  m.error.pop_back();
  EXPECT_THROW(generalization(m, 1e-16), std::logic_error);
}

} // namespace
} // namespace moho::study
