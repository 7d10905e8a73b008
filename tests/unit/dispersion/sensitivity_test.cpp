// SPDX-License-Identifier: BSD-3-Clause
// The interface of `sensitivities`: shapes, options, bad requests. Its numbers: tests/verification.
#include "moho/dispersion/ellipticity.hpp"
#include "moho/dispersion/sensitivity.hpp"
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <numeric>
#include <random>

using namespace moho::dispersion;

namespace {

std::vector<double> const periods{2.0, 5.0, 11.0};

/// A crust; a shelf sea over it; an unsound model.
ModelBatch batch() {
  ModelBatch b;
  std::vector<double> const h{10, 20, 0}, vp{5.8, 6.5, 8.1}, vs{3.3, 3.7, 4.6}, rho{2.6, 2.9, 3.3};
  b.append({h, vp, vs, rho}, periods);
  std::vector<double> const wh{0.4, 10, 20, 0}, wvp{1.5, 5.8, 6.5, 8.1}, wvs{0, 3.3, 3.7, 4.6},
      wrho{1.03, 2.6, 2.9, 3.3};
  b.append({wh, wvp, wvs, wrho}, periods);
  std::vector<double> const bad{4.6, 3.7, -1};
  b.append({h, vp, bad, rho}, periods);
  return b;
}

std::vector<RootPoint> roots(ModelBatch const& b) {
  Curves const curves = solve(b, {});
  std::vector<RootPoint> points;
  for (std::int64_t i = 0; i < 2; ++i)
    for (Wave wave : all_waves)
      for (std::size_t p = 0; p < periods.size(); ++p)
        points.push_back({i, wave, periods[p],
                          curves.wave[static_cast<std::size_t>(wave)]
                              .phase[3 * static_cast<std::size_t>(i) + p]});
  return points;
}

bool all_nan(std::vector<double> const& v, std::int64_t first, std::int64_t last) {
  bool nan = true;
  for (std::int64_t i = first; i < last; ++i)
    nan = nan && std::isnan(v[static_cast<std::size_t>(i)]);
  return nan;
}

TEST(Sensitivities, have_a_row_for_each_layer_of_each_point) {
  ModelBatch const b = batch();
  auto const points = roots(b);
  Sensitivities const s = sensitivities(b, points);
  ASSERT_EQ(s.offset.size(), points.size() + 1);
  EXPECT_EQ(s.offset.back(), 6 * 3 + 6 * 4);
  for (Gradient const* g : {&s.dphase, &s.dgroup, &s.dellipticity})
    for (auto const* v : {&g->thickness, &g->vp, &g->vs, &g->rho}) {
      EXPECT_EQ(v->size(), static_cast<std::size_t>(s.offset.back()));
      for (double x : *v) EXPECT_TRUE(std::isfinite(x));
    }
  for (std::size_t i = 0; i < points.size(); ++i) {
    EXPECT_EQ(s.reason[i], "");
    EXPECT_GT(s.group[i], 1);
    EXPECT_LT(s.group[i], 4.6);
    EXPECT_EQ(std::isnan(s.ellipticity[i]), points[i].wave == Wave::love);
    auto const last = static_cast<std::size_t>(s.offset[i + 1] - 1);
    EXPECT_EQ(s.dphase.thickness[last], 0) << "thickness of the half-space";
    if (points[i].wave == Wave::love) {
      EXPECT_EQ(s.dphase.vp[last], 0);
      EXPECT_EQ(s.dellipticity.vs[last], 0);
    }
  }
}

TEST(Sensitivities, of_a_sea_are_zero_for_its_vs_and_for_love) {
  ModelBatch const b = batch();
  auto const points = roots(b);
  Sensitivities const s = sensitivities(b, points);
  for (std::size_t i = 6; i < 12; ++i) {
    auto const sea = static_cast<std::size_t>(s.offset[i]);
    bool const love = points[i].wave == Wave::love;
    EXPECT_EQ(s.dphase.vs[sea], 0);
    EXPECT_EQ(s.dgroup.vs[sea], 0);
    EXPECT_EQ(s.dphase.vp[sea] == 0, love);
    EXPECT_EQ(s.dphase.rho[sea] == 0, love);
    EXPECT_EQ(s.dphase.thickness[sea] == 0, love);
  }
}

TEST(Sensitivities, are_left_out_where_not_asked_for) {
  ModelBatch const b = batch();
  auto const points = roots(b);
  Sensitivities const all = sensitivities(b, points),
                      some = sensitivities(b, points, {false, false});
  EXPECT_TRUE(some.dgroup.vs.empty());
  EXPECT_TRUE(some.dellipticity.vs.empty());
  EXPECT_EQ(some.dphase.vs, all.dphase.vs);
  EXPECT_EQ(some.group, all.group);
}

TEST(Sensitivities, in_extended_precision_agree) {
  ModelBatch const b = batch();
  auto points = roots(b);
  Sensitivities const fast = sensitivities(b, points);
  for (RootPoint& p : points) p.extended = true;
  Sensitivities const slow = sensitivities(b, points);
  for (std::size_t i = 0; i < fast.dphase.vs.size(); ++i) {
    EXPECT_NEAR(fast.dphase.vs[i], slow.dphase.vs[i], 1e-12);
    EXPECT_NEAR(fast.dgroup.rho[i], slow.dgroup.rho[i], 1e-10);
    EXPECT_NEAR(fast.dellipticity.thickness[i], slow.dellipticity.thickness[i], 1e-10);
  }
}

TEST(Sensitivities, of_a_bad_request_are_nan_with_a_reason) {
  ModelBatch const b = batch();
  auto const good = roots(b);
  Sensitivities const alone = sensitivities(b, {good[4]});
  struct Bad {
    RootPoint point;
    char const* text;
  };
  RootPoint const p = good[4];
  Bad const bad[] = {{{7, p.wave, p.period, p.phase}, "case 7 is not in the batch"},
                     {{-1, p.wave, p.period, p.phase}, "case -1 is not in the batch"},
                     {{2, p.wave, p.period, p.phase}, "vs"},
                     {{0, p.wave, NAN, p.phase}, "period is nan"},
                     {{0, p.wave, -1, p.phase}, "period is -1"},
                     {{0, p.wave, p.period, NAN}, "phase is nan"},
                     {{0, p.wave, p.period, 4.7}, "not a trapped mode"},
                     {{0, p.wave, p.period, p.phase * 1.001}, "not a root at this period"}};
  for (Bad const& each : bad) { // the neighbour is not harmed
    Sensitivities const s = sensitivities(b, {each.point, good[4]});
    EXPECT_NE(s.reason[0].find(each.text), std::string::npos) << s.reason[0];
    EXPECT_TRUE(std::isnan(s.group[0]));
    for (Gradient const* g : {&s.dphase, &s.dgroup, &s.dellipticity})
      EXPECT_TRUE(all_nan(g->vs, s.offset[0], s.offset[1]));
    EXPECT_EQ(s.reason[1], "");
    auto const first = static_cast<std::size_t>(s.offset[1]);
    for (std::size_t i = 0; i < alone.dphase.vs.size(); ++i)
      EXPECT_EQ(s.dphase.vs[first + i], alone.dphase.vs[i]);
  }
}

TEST(Sensitivities, of_points_in_any_order_have_the_same_bits_in_new_memory_and_old) {
  ModelBatch const b = batch();
  auto const points = roots(b);
  Sensitivities const straight = sensitivities(b, points);
  std::vector<std::size_t> order(points.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  unsigned const seed = 20261122;
  std::mt19937 random(seed);
  Sensitivities used = sensitivities(b, {{7, Wave::love, 1, 1}, points[3], points[0]});
  for (int trial = 0; trial < 10; ++trial) {
    std::shuffle(order.begin(), order.end(), random);
    std::vector<RootPoint> mixed;
    for (std::size_t i : order) mixed.push_back(points[i]);
    differentiate(b, mixed, {}, used);
    for (std::size_t j = 0; j < order.size(); ++j) {
      auto const i = order[j];
      ASSERT_EQ(used.reason[j], "") << "seed " << seed;
      EXPECT_EQ(used.group[j], straight.group[i]) << "seed " << seed;
      auto const from = static_cast<std::size_t>(straight.offset[i]);
      auto const to = static_cast<std::size_t>(used.offset[j]);
      auto const rows = static_cast<std::size_t>(straight.offset[i + 1]) - from;
      for (std::size_t r = 0; r < rows; ++r) {
        EXPECT_EQ(used.dphase.vs[to + r], straight.dphase.vs[from + r]) << "seed " << seed;
        EXPECT_EQ(used.dgroup.rho[to + r], straight.dgroup.rho[from + r]) << "seed " << seed;
        EXPECT_EQ(used.dellipticity.vp[to + r], straight.dellipticity.vp[from + r]);
      }
    }
  }
  differentiate(b, {points[0]}, {false, false}, used); // less than before
  EXPECT_EQ(used.reason.size(), 1u);
  EXPECT_EQ(used.dphase.vs.size(), 3u);
  EXPECT_TRUE(used.dgroup.vs.empty() && used.dellipticity.vs.empty());
}

TEST(Sensitivities, of_nothing_are_nothing) {
  Sensitivities const s = sensitivities(batch(), {});
  EXPECT_EQ(s.offset, std::vector<std::int64_t>{0});
  EXPECT_TRUE(s.dphase.vs.empty());
}

TEST(Sensitivities, of_a_mode_in_a_deep_channel_have_its_ellipticity_and_no_more) {
  ModelBatch b;
  std::vector<double> const h{150, 10, 0}, vp{6.2, 4.0, 8.1}, vs{3.6, 2.0, 4.6}, rho{2.8, 2.4, 3.3};
  b.append({h, vp, vs, rho}, std::vector<double>{1.0});
  Curves const curves = solve(b, {});
  Sensitivities const s = sensitivities(b, {{0, Wave::rayleigh, 1.0, curves.wave[0].phase[0]}});
  EXPECT_NE(s.reason[0].find("buried channel"), std::string::npos) << s.reason[0];
  // Far above a channel that moves with c < the Rayleigh velocity there, both potentials decay
  // upward: the motion at the surface is that of two evanescent waves that meet it.
  EXPECT_TRUE(std::isfinite(s.ellipticity[0]));
  EXPECT_TRUE(all_nan(s.dellipticity.vs, 0, 3));
  EXPECT_FALSE(all_nan(s.dphase.vs, 0, 3));
  EXPECT_GT(std::fabs(s.dgroup.vs[1]), 0.5);
}

TEST(Ellipticity, is_trusted_unless_a_channel_holds_the_mode) {
  EXPECT_TRUE(trustworthy({3.0, 1e-15}, 0.7, 1e-16));
  EXPECT_FALSE(trustworthy({1e6, 1e-15}, 0.7, 1e-16)) << "leverage";
  EXPECT_FALSE(trustworthy({1e-9, 0.3}, 0.7, 1e-16)) << "drowned: no leverage, but no mode";
  EXPECT_FALSE(trustworthy({NAN, 1e-15}, 0.7, 1e-16));
  EXPECT_TRUE(trustworthy({1e6, 1e-15}, 0.7, 1e-29));
}

} // namespace
