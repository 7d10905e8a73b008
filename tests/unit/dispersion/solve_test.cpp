// SPDX-License-Identifier: BSD-3-Clause
// The batch interface: places, orders, statuses and limits.
#include "moho/core/error.hpp"
#include "moho/dispersion/solve.hpp"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>
#include <numeric>
#include <random>

using namespace moho::dispersion;

namespace {

struct Crust {
  std::vector<double> thickness{10, 25, 0}, vp{5.5, 6.5, 8.1}, vs{3.1, 3.7, 4.6},
      rho{2.6, 2.9, 3.3};
  LayeredModel model() const { return {thickness, vp, vs, rho}; }
};

bool same_bits(double a, double b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

} // namespace

TEST(Solve, PeriodOrderAndDuplicatesAreKept) {
  const Crust crust;
  ModelBatch sorted, mixed;
  sorted.append(crust.model(), std::vector<double>{5, 10, 20, 40});
  mixed.append(crust.model(), std::vector<double>{40, 10, 5, 20, 10});
  const Curves a = solve(sorted, {2}), b = solve(mixed, {2});
  int const from[] = {3, 1, 0, 2, 1};
  for (int w = 0; w < 2; ++w)
    for (std::size_t n = 0; n < 2; ++n)
      for (std::size_t p = 0; p < 5; ++p) {
        double const x = a.wave[w].phase[n * 4 + static_cast<std::size_t>(from[p])];
        double const y = b.wave[w].phase[n * 5 + p];
        EXPECT_TRUE((std::isnan(x) && std::isnan(y)) || std::fabs(x / y - 1) < 1e-13);
      }
}

TEST(Solve, PeriodsInAnyOrderHaveTheSameBits) {
  const Crust crust;
  std::vector<double> ascending(41);
  for (std::size_t p = 0; p < ascending.size(); ++p)
    ascending[p] = 2 * std::pow(1.1, static_cast<double>(p));
  std::vector<std::size_t> order(ascending.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  unsigned const seed = 20261122;
  std::mt19937 random(seed);
  for (int trial = 0; trial < 20; ++trial) {
    if (trial == 0)
      std::reverse(order.begin(), order.end());
    else
      std::shuffle(order.begin(), order.end(), random);
    std::vector<double> mixed;
    for (std::size_t p : order) mixed.push_back(ascending[p]);
    ModelBatch batch;
    batch.append(crust.model(), ascending);
    batch.append(crust.model(), mixed);
    const Curves r = solve(batch, {2});
    EXPECT_EQ(r.work[0], r.work[1]) << "seed " << seed << ", trial " << trial;
    for (std::size_t n = 0; n < 2; ++n)
      for (std::size_t p = 0; p < order.size(); ++p) {
        std::size_t const row = n * 2 * order.size();
        EXPECT_TRUE(
            same_bits(r.wave[0].phase[row + order.size() + p], r.wave[0].phase[row + order[p]]))
            << "seed " << seed << ", trial " << trial;
      }
  }
}

TEST(Solve, AnUnsoundCaseKeepsItsPlaceAndTheOthersAreSolved) {
  const Crust crust;
  Crust broken;
  broken.vp[1] = -1;
  const std::vector<double> periods{8, 16};
  ModelBatch batch, alone;
  batch.append(crust.model(), periods);
  batch.append(broken.model(), periods);
  batch.append(crust.model(), {});
  batch.append(crust.model(), periods);
  alone.append(crust.model(), periods);
  const Curves r = solve(batch, {}), one = solve(alone, {});
  EXPECT_EQ(r.error[0], "");
  EXPECT_NE(r.error[1].find("vp[1]"), std::string::npos);
  EXPECT_NE(r.error[2].find("periods is empty"), std::string::npos);
  EXPECT_EQ(r.error[3], "");
  EXPECT_EQ(r.wave[0].mode_count[2], -1);
  EXPECT_TRUE(std::isnan(r.wave[0].phase[3]));
  EXPECT_EQ(r.wave[0].status[2], Status::failed);
  for (std::size_t p = 0; p < 2; ++p) {
    EXPECT_TRUE(same_bits(r.wave[0].phase[p], one.wave[0].phase[p]));
    EXPECT_TRUE(same_bits(r.wave[1].group[4 + p], one.wave[1].group[p]));
  }
}

TEST(Solve, OneWaveAloneIsTheSame) {
  const Crust crust;
  ModelBatch batch;
  batch.append(crust.model(), std::vector<double>{3, 9, 27});
  const Curves both = solve(batch, {3}), love = solve(batch, {3, {false, true}});
  EXPECT_TRUE(love.wave[0].phase.empty());
  for (std::size_t i = 0; i < both.wave[1].phase.size(); ++i)
    EXPECT_TRUE(same_bits(both.wave[1].phase[i], love.wave[1].phase[i]));
}

TEST(Solve, ExtendedPrecisionAgreesWithDouble) {
  const Crust crust;
  ModelBatch batch;
  batch.append(crust.model(), std::vector<double>{2, 6, 18, 54});
  const Curves plain = solve(batch, {3}),
               extended = solve(batch, {.modes = 3, .extended_only = true});
  for (int w = 0; w < 2; ++w)
    for (std::size_t i = 0; i < plain.wave[w].phase.size(); ++i) {
      const Status s = plain.wave[w].status[i];
      EXPECT_EQ(extended.wave[w].status[i], s == Status::ok ? Status::extended : s);
      if (s == Status::ok) {
        EXPECT_NEAR(plain.wave[w].phase[i] / extended.wave[w].phase[i], 1, 1e-13);
        EXPECT_NEAR(plain.wave[w].group[i] / extended.wave[w].group[i], 1, 1e-11);
      }
    }
}

TEST(Solve, AChannelModeInExtendedPrecisionIsExtendedWhereNoGroupIsAsked) {
  const std::vector<double> h{60, 10, 40, 0}, vp{6.2, 4.0, 6.4, 8.1}, vs{3.6, 2.0, 3.7, 4.6},
      rho{2.8, 2.4, 2.8, 3.3}; // fold_prone: slopes are taken anyway
  ModelBatch batch;
  batch.append({h, vp, vs, rho}, std::vector<double>{2});
  SolveOptions options{.waves = {true, false}, .extended_only = true};
  EXPECT_EQ(solve(batch, options).wave[0].status[0], Status::channel);
  options.group = false;
  EXPECT_EQ(solve(batch, options).wave[0].status[0], Status::extended);
}

TEST(Solve, TenThousandLayers) {
  int const n = 10000;
  std::vector<double> h(n, 0.01), vp(n), vs(n), rho(n, 2.7);
  for (int i = 0; i < n; ++i) {
    vs[static_cast<std::size_t>(i)] = 2.5 + 2.0 * i / n;
    vp[static_cast<std::size_t>(i)] = 1.75 * vs[static_cast<std::size_t>(i)];
  }
  h.back() = 0;
  ModelBatch batch;
  batch.append({h, vp, vs, rho}, std::vector<double>{2, 20});
  const Curves r = solve(batch, {});
  for (int w = 0; w < 2; ++w)
    for (std::size_t p = 0; p < 2; ++p) {
      EXPECT_TRUE(r.wave[w].status[p] == Status::ok || r.wave[w].status[p] == Status::extended);
      EXPECT_GT(r.wave[w].phase[p], 2.0);
      EXPECT_LT(r.wave[w].phase[p], 4.5);
    }
}

TEST(Solve, ExtremeScalesAndUnitsAreAnswered) {
  // metres instead of kilometres, and a model a million times smaller: exact powers of ten apart
  const Crust crust;
  Crust metres = crust;
  for (double& v : metres.thickness) v *= 1000;
  for (double& v : metres.vp) v *= 1000;
  for (double& v : metres.vs) v *= 1000;
  ModelBatch batch;
  batch.append(crust.model(), std::vector<double>{10});
  batch.append(metres.model(), std::vector<double>{10});
  const Curves r = solve(batch, {});
  EXPECT_NEAR(r.wave[0].phase[1] / r.wave[0].phase[0], 1000, 1e-10);
}

TEST(Solve, APeriodWithTooManyModesIsRefusedAndTheOthersAreSolved) {
  const Crust crust;
  ModelBatch batch, alone;
  batch.append(crust.model(), std::vector<double>{10, 1e-7, 20});
  alone.append(crust.model(), std::vector<double>{10, 20});
  const Curves r = solve(batch, {}), one = solve(alone, {});
  for (int w = 0; w < 2; ++w) {
    EXPECT_EQ(r.wave[w].status[1], Status::failed);
    EXPECT_TRUE(std::isnan(r.wave[w].phase[1]));
    EXPECT_TRUE(same_bits(r.wave[w].phase[0], one.wave[w].phase[0]));
    EXPECT_TRUE(same_bits(r.wave[w].phase[2], one.wave[w].phase[1]));
  }
  ASSERT_EQ(r.flags.size(), 2u);
  EXPECT_NE(r.flags[0].reason.find("20000 modes"), std::string::npos);
  EXPECT_TRUE(one.flags.empty());
}

TEST(Solve, AToleranceOutOfRangeIsRefused) {
  const Crust crust;
  ModelBatch batch;
  batch.append(crust.model(), std::vector<double>{10});
  for (double bad : {-1e-9, 0.11, HUGE_VAL, std::numeric_limits<double>::quiet_NaN()}) try {
      solve(batch, {.group = false, .tolerance = bad});
      ADD_FAILURE() << bad << " was accepted";
    } catch (moho::Error const& e) {
      EXPECT_EQ(std::string(e.what()).find("tolerance is "), 0u) << e.what();
    }
  for (double good : {0.0, 1e-300, 0.1})
    EXPECT_NO_THROW(solve(batch, {.group = false, .tolerance = good}));
}

TEST(Solve, AToleranceBelow1em7OrWhereSlopesAreTakenChangesNoBit) {
  const Crust crust;
  Crust foldable = crust; // a contrast of rigidity that allows folds
  foldable.vs[0] = 0.7;
  ModelBatch batch, love_only;
  batch.append(crust.model(), std::vector<double>{3, 5, 9, 17, 33});
  batch.append(foldable.model(), std::vector<double>{3, 5, 9, 17, 33});
  auto const same = [&](SolveOptions options, double tolerance, std::size_t first) {
    const Curves exact = solve(batch, options);
    options.tolerance = tolerance;
    const Curves found = solve(batch, options);
    bool equal = true;
    for (std::size_t w = 0; w < 2; ++w)
      for (std::size_t i = first; i < exact.wave[w].phase.size(); ++i)
        equal = equal && same_bits(exact.wave[w].phase[i], found.wave[w].phase[i]) &&
                same_bits(exact.wave[w].group[i], found.wave[w].group[i]);
    return equal && std::equal(exact.work.begin() + static_cast<int>(first) / 5, exact.work.end(),
                               found.work.begin() + static_cast<int>(first) / 5);
  };
  EXPECT_TRUE(same({.group = false}, 9e-8, 0));
  EXPECT_FALSE(same({.group = false}, 1e-3, 0));
  EXPECT_TRUE(same({.modes = 2}, 0.1, 0));
  EXPECT_TRUE(same({.waves = {true, false}, .group = false}, 1e-3, 5));
}

TEST(ModeCount, GoesUpByOneAcrossEachRoot) {
  const Crust crust;
  ModelBatch batch;
  batch.append(crust.model(), std::vector<double>{4});
  const Curves r = solve(batch, {3});
  for (Wave wave : all_waves)
    for (int n = 0; n < 3; ++n) {
      double const c = r.wave[static_cast<int>(wave)].phase[static_cast<std::size_t>(n)];
      if (std::isnan(c)) continue;
      EXPECT_EQ(mode_count(crust.model(), 4, c * (1 - 1e-9), wave), n);
      EXPECT_EQ(mode_count(crust.model(), 4, c * (1 + 1e-9), wave), n + 1);
    }
}
