// SPDX-License-Identifier: BSD-3-Clause
// The priors: what is stated of their distributions, the same model wherever it is drawn, and that
// these checks reject what is not so.
#include "moho/dispersion/priors.hpp"
#include <algorithm>
#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <set>

namespace moho::dispersion {
namespace {

using Samples = std::vector<Sample>;

constexpr std::size_t many = 3000;

Samples drawn(Prior prior, Edge edge = Edge::reflect, std::size_t count = many,
              std::uint64_t first = 0, std::uint32_t stream = 0, std::uint64_t seed = 7) {
  Samples samples;
  for (std::uint64_t i = first; i < first + count; ++i)
    samples.push_back(draw({prior, seed, stream, edge}, i));
  return samples;
}

/// Share of the samples for which `holds`.
double share(Samples const& samples, std::function<bool(Sample const&)> const& holds) {
  return static_cast<double>(std::count_if(samples.begin(), samples.end(), holds)) /
         static_cast<double>(samples.size());
}

bool has(Sample const& sample, char const* word) {
  return sample.kind.find(word) != std::string::npos;
}

bool halfspace_not_fastest(Sample const& sample) {
  auto const& vs = sample.model.vs;
  return vs.back() < *std::max_element(vs.begin(), vs.end());
}

double median_skin(Samples const& samples) {
  std::vector<double> ratio;
  for (Sample const& s : samples) ratio.push_back(s.model.vs[0] / s.model.vs[2]);
  std::nth_element(ratio.begin(), ratio.begin() + ratio.size() / 2, ratio.end());
  return ratio[ratio.size() / 2];
}

bool same(Sample const& a, Sample const& b) {
  return a.kind == b.kind && a.model.thickness == b.model.thickness && a.model.vp == b.model.vp &&
         a.model.vs == b.model.vs && a.model.rho == b.model.rho && a.periods == b.periods;
}

/// "" or what is not as every model of any prior must be.
std::string unsound(Sample const& s) {
  if (std::string why = problem_with(s.model.view()); !why.empty()) return why;
  return problem_with_periods(s.periods);
}

/// "" or what is not as every strong or weak model must be.
std::string off_grid(Sample const& s) {
  if (s.model.layers() != 256) return "rows";
  for (std::size_t i = 0; i < 256; ++i) {
    if (s.model.thickness[i] != (i < 255 ? 0.5 : 0.0)) return "thickness";
    if (s.model.rho[i] != brocher_density(s.model.vp[i])) return "density";
  }
  if (s.periods.size() != 59 || s.periods.front() != 2 || s.periods.back() != 60) return "periods";
  return "";
}

/// Largest of |vs[i+1] - vs[i]| (sign 0), of the rises (1) or of the drops (-1).
double largest_step(Sample const& s, int sign) {
  double most = 0;
  for (std::size_t i = 1; i < s.model.layers(); ++i) {
    double const step = s.model.vs[i] - s.model.vs[i - 1];
    most = std::max(most, sign == 0 ? std::abs(step) : sign * step);
  }
  return most;
}

double low_ratio(Sample const& s) {
  double low = 1e9;
  for (std::size_t i = 0; i < s.model.layers(); ++i)
    low = std::min(low, s.model.vp[i] / s.model.vs[i]);
  return low;
}
double high_ratio(Sample const& s) {
  double high = 0;
  for (std::size_t i = 0; i < s.model.layers(); ++i)
    high = std::max(high, s.model.vp[i] / s.model.vs[i]);
  return high;
}

TEST(Priors, EveryModelIsSound) {
  for (const Prior prior : {Prior::strong, Prior::weak, Prior::random})
    for (const Edge edge : {Edge::reflect, Edge::zero})
      for (Sample const& s : drawn(prior, edge, 1000)) ASSERT_EQ(unsound(s), "") << name(prior);
  Sample broken = drawn(Prior::strong, Edge::reflect, 1)[0]; // the check can fail
  broken.model.vp[3] = broken.model.vs[3];
  EXPECT_NE(unsound(broken), "");
}

TEST(Priors, AModelDependsOnSeedStreamPriorAndIndexAlone) {
  for (const Prior prior : {Prior::strong, Prior::weak, Prior::random}) {
    const Samples all = drawn(prior, Edge::reflect, 40);
    const Samples tail = drawn(prior, Edge::reflect, 10, 30);
    for (std::size_t i = 0; i < 10; ++i) EXPECT_TRUE(same(all[30 + i], tail[i])) << name(prior);
    for (std::size_t i = 40; i-- > 0;) // in another order
      EXPECT_TRUE(same(all[i], draw({prior, 7, 0, Edge::reflect}, i))) << name(prior);
    // And on each of them: no two coincide.
    std::set<std::vector<double>> profiles;
    for (Samples const& some :
         {all, drawn(prior, Edge::reflect, 40, 0, 1), drawn(prior, Edge::reflect, 40, 0, 2),
          drawn(prior, Edge::reflect, 40, 0, 0, 8), drawn(prior, Edge::reflect, 40, 1ull << 33)})
      for (Sample const& s : some) EXPECT_TRUE(profiles.insert(s.model.vs).second) << name(prior);
  }
}

TEST(Priors, TwoPriorsOfOneSeedShareNoNumber) {
  // Streams 0, 1, 2, .. of one prior fall between those of the others.
  std::set<std::uint64_t> seen;
  for (std::uint32_t stream = 0; stream < 9; ++stream)
    EXPECT_TRUE(seen.insert(Draws(7, 0, stream).bits()).second);
  EXPECT_FALSE(seen.insert(Draws(7, 0, 4).bits()).second) << "the check cannot fail";
}

TEST(Priors, DrawsFollowTheirDistributions) {
  constexpr int n = 20000;
  double sum = 0, square = 0, gamma = 0, low = 1, high = 0;
  std::map<int, int> die;
  Draws draws(3, 5);
  for (int i = 0; i < n; ++i) {
    double const x = draws.normal(2, 0.5), u = draws.uniform(-1, 1);
    sum += x;
    square += (x - 2) * (x - 2);
    gamma += draws.gamma(2.5);
    low = std::min(low, u);
    high = std::max(high, u);
    ++die[draws.integer(1, 6)];
  }
  EXPECT_NEAR(sum / n, 2, 0.015);
  EXPECT_NEAR(std::sqrt(square / n), 0.5, 0.01);
  EXPECT_NEAR(gamma / n, 2.5, 0.05);
  EXPECT_GE(low, -1);
  EXPECT_LT(low, -0.999);
  EXPECT_LT(high, 1);
  EXPECT_GT(high, 0.999);
  ASSERT_EQ(die.size(), 6u);
  for (auto const& [face, times] : die) EXPECT_NEAR(times, n / 6, 300) << face;
}

TEST(StrongPrior, GridDensityAndPeriods) {
  for (Sample const& s : drawn(Prior::strong, Edge::reflect, 200)) ASSERT_EQ(off_grid(s), "");
  Sample broken = drawn(Prior::strong, Edge::reflect, 1)[0];
  broken.model.rho[100] += 0.01;
  EXPECT_EQ(off_grid(broken), "density");
  EXPECT_NEAR(brocher_density(6.0), 2.717, 0.001); // figure 1 of Brocher (2005)
  for (double vp = 0.1; vp < 10; vp += 0.1)
    EXPECT_GT(brocher_density(vp), brocher_density(vp - 0.1));
}

TEST(StrongPrior, ClassesHaveTheirProbabilities) {
  const Samples samples = drawn(Prior::strong);
  const std::map<std::string, double> stated{
      {"oceanic", 0.15}, {"shield", 0.25}, {"platform", 0.25}, {"orogen", 0.2}, {"rift", 0.15}};
  for (auto const& [kind, probability] : stated)
    EXPECT_NEAR(share(samples, [&](Sample const& s) { return s.kind == kind; }), probability, 0.03)
        << kind;
}

TEST(StrongPrior, VelocitiesStayInTheirRanges) {
  for (Sample const& s : drawn(Prior::strong)) {
    auto const [low, high] = std::minmax_element(s.model.vs.begin(), s.model.vs.end());
    ASSERT_GE(*low, 0.2) << s.kind;
    ASSERT_LE(*high, s.kind == "shield" ? 5.2 : 5.0) << s.kind;
    // The mantle: within its range but for the channel, and a lower crust lifted from below.
    ASSERT_GE(s.model.vs.back(), (s.kind == "shield" ? 4.5 : 4.0) - 0.15 - 1e-9) << s.kind;
    ASSERT_LE(largest_step(s, -1), 0.255) << s.kind; // 0.1, and a channel that begins at the Moho
    ASSERT_GE(low_ratio(s), 1.6 - 1e-12);
    ASSERT_LE(high_ratio(s), 2.1 + 1e-12);
  }
  // Few channels do, and nothing else drops by more than 0.1 and the flank of a channel.
  EXPECT_GT(
      share(drawn(Prior::strong), [](Sample const& s) { return largest_step(s, -1) < 0.105; }),
      0.95);
  // Steps up, by contrast, are not limited: the base of the sediment stands out.
  EXPECT_GT(share(drawn(Prior::strong, Edge::reflect, 300),
                  [](Sample const& s) { return largest_step(s, 1) > 0.15; }),
            0.5);
}

TEST(StrongPrior, PublishedSharesWithPublishedEdges) {
  const Samples zero = drawn(Prior::strong, Edge::zero), reflect = drawn(Prior::strong);
  EXPECT_NEAR(share(zero, halfspace_not_fastest), 0.39, 0.04);
  EXPECT_NEAR(median_skin(zero), 0.57, 0.02);
  // Mirrored edges remove the slow skin and nothing else.
  EXPECT_NEAR(share(reflect, halfspace_not_fastest), 0.39, 0.04);
  EXPECT_NEAR(median_skin(reflect), 0.94, 0.03);
  for (std::size_t i = 0; i < 50; ++i) {
    auto const &a = zero[i].model.vs, &b = reflect[i].model.vs;
    EXPECT_LT(a[0], b[0]);
    // One slow node may lower the limit on drops of those below, never from above.
    for (std::size_t k = 60; k < a.size(); ++k) EXPECT_NEAR(a[k], b[k], 1e-12) << k;
  }
}

TEST(WeakPrior, GridBoundsJumpsAndRatios) {
  for (Sample const& s : drawn(Prior::weak, Edge::reflect, 1000)) {
    ASSERT_EQ(off_grid(s), "");
    for (std::size_t i = 0; i < 256; ++i) {
      double const t = 0.5 * static_cast<double>(i) / 150;
      ASSERT_GE(s.model.vs[i], 0.15 + 3.65 * t - 1e-12);
      ASSERT_LE(s.model.vs[i], 4.0 + 1.6 * t + 1e-12);
    }
    ASSERT_LE(largest_step(s, 0), 0.25 + 1e-12);
    ASSERT_GE(low_ratio(s), 1.65 - 1e-12);
    ASSERT_LE(high_ratio(s), 2.0 + 1e-12);
  }
}

TEST(WeakPrior, PublishedShares) {
  const Samples zero = drawn(Prior::weak, Edge::zero), reflect = drawn(Prior::weak);
  EXPECT_NEAR(share(zero, halfspace_not_fastest), 0.76, 0.04);
  EXPECT_NEAR(median_skin(zero), 0.97, 0.02);
  EXPECT_NEAR(median_skin(reflect), 0.97, 0.02);
  // It is the wider one: it spreads more than the strong prior in the mantle and less on top.
  auto const spread = [](Samples const& samples, std::size_t node) {
    double sum = 0, square = 0;
    for (Sample const& s : samples) {
      sum += s.model.vs[node];
      square += s.model.vs[node] * s.model.vs[node];
    }
    auto const n = static_cast<double>(samples.size());
    return std::sqrt(square / n - sum * sum / n / n);
  };
  EXPECT_GT(spread(reflect, 200), 1.5 * spread(drawn(Prior::strong), 200));
  double mean = 0;
  for (Sample const& s : reflect) mean += s.model.vs[160] / static_cast<double>(many);
  EXPECT_NEAR(mean, 4.2, 0.1); // the trend at 80 km is 4.3, cut at 4.85 above
}

TEST(RandomPrior, SharesOfKindsAndAdditions) {
  const Samples samples = drawn(Prior::random, Edge::reflect, 20000);
  auto const part = [&](char const* word) {
    return share(samples, [&](Sample const& s) { return has(s, word); });
  };
  EXPECT_NEAR(part("near-surface"), 0.98 * 0.4, 0.01);
  EXPECT_NEAR(part("crust"), 0.98 * 0.6, 0.01);
  EXPECT_NEAR(part("gradient"), 0.02, 0.004);
  EXPECT_NEAR(part("+lid"), 0.1, 0.007);
  EXPECT_NEAR(part("+water"), 0.2, 0.01);
  // 90 % have a half-space above the fastest layer, and of the others some do.
  const Samples plain = [&] {
    Samples some;
    for (Sample const& s : samples)
      if (!has(s, "+lid") && !has(s, "gradient")) some.push_back(s);
    return some;
  }();
  double const faster = share(plain, halfspace_not_fastest);
  EXPECT_GT(faster, 0.005);
  EXPECT_LT(faster, 0.1);
}

TEST(RandomPrior, RowsRangesAndPeriods) {
  std::set<std::size_t> rows;
  for (Sample const& s : drawn(Prior::random, Edge::reflect, 5000)) {
    std::size_t const additions = has(s, "+lid") + has(s, "+water");
    std::size_t const layers = s.model.layers() - 1 - additions;
    ASSERT_EQ(s.periods.size(), 10u);
    ASSERT_TRUE(std::is_sorted(s.periods.begin(), s.periods.end()));
    ASSERT_GT(s.periods.back(), s.periods.front());
    if (has(s, "+water")) {
      ASSERT_EQ(s.model.vs[0], 0);
      ASSERT_GE(s.model.thickness[0], 0.05);
      ASSERT_LE(s.model.thickness[0], 6);
    }
    if (has(s, "gradient")) {
      ASSERT_GE(layers, 50u);
      ASSERT_LE(layers, 300u);
      continue;
    }
    rows.insert(layers);
    double total = 0;
    for (std::size_t i = additions; i < s.model.layers(); ++i) total += s.model.thickness[i];
    ASSERT_GE(total, has(s, "crust") ? 20 - 1e-9 : 0.01 - 1e-9) << s.kind;
    ASSERT_LE(total, has(s, "crust") ? 180 + 1e-9 : 0.1 + 1e-9) << s.kind;
    for (std::size_t i = additions; i < s.model.layers(); ++i) ASSERT_GE(s.model.vs[i], 0.08);
    if (has(s, "+lid")) {
      std::size_t const lid = additions - 1;
      double const contrast = s.model.vs[lid] / s.model.vs[lid + 1];
      double const thin = s.model.thickness[lid] / s.model.thickness[lid + 1];
      ASSERT_TRUE(contrast >= 3 && contrast <= 10) << contrast;
      ASSERT_TRUE(thin >= 0.02 && thin <= 0.1) << thin;
    }
  }
  EXPECT_EQ(rows.size(), 11u); // 2 .. 12
  EXPECT_EQ(*rows.begin(), 2u);
  EXPECT_EQ(*rows.rbegin(), 12u);
}

} // namespace
} // namespace moho::dispersion
