// SPDX-License-Identifier: BSD-3-Clause
// The solver against closed forms: acceptance checks 1, 2 and 3 (phase and group velocity, counts).
#include "verification/reference_data.hpp"
#include <cmath>
#include <gtest/gtest.h>
#include <numbers>

namespace moho::verification {
namespace {

struct Answer {
  std::vector<double> phase, group; ///< (modes) of one wave at one period
  int count;
};

Answer solve_one(Model const& model, double period, Wave wave, int modes) {
  ModelBatch batch;
  batch.append(model.view(), std::vector<double>{period});
  SolveOptions options;
  options.modes = modes;
  options.waves = {wave == Wave::rayleigh, wave == Wave::love};
  Curves const curves = dispersion::solve(batch, options);
  Curves::OfWave const& of = curves.wave[static_cast<std::size_t>(wave)];
  return {of.phase, of.group, of.mode_count.at(0)};
}

/// Half-spaces: c/vs, U = c, one Rayleigh mode, no Love mode; at any period, scale and density.
Report check_halfspaces(std::vector<HalfspaceRayleigh> const& known) {
  Report out;
  for (HalfspaceRayleigh const& h : known)
    for (double const vs : {0.1, 3.5})
      for (double const period : {0.013, 1.0, 170.0})
        for (double const rho : {1.2, 3.3}) {
          Model const model{{0}, {vs * h.vp_over_vs}, {vs}, {rho}};
          Answer const r = solve_one(model, period, Wave::rayleigh, 2);
          Answer const love = solve_one(model, period, Wave::love, 1);
          auto const where = [&] {
            return "poisson " + std::to_string(h.poisson) + " vs " + std::to_string(vs) + " T " +
                   std::to_string(period);
          };
          out.close(h.c_over_vs * vs, r.phase[0], 1e-12, where);
          out.close(h.c_over_vs * vs, r.group[0], 1e-12, where);
          out.expect(r.count == 1 && std::isnan(r.phase[1]), where);
          out.expect(love.count == 0 && std::isnan(love.phase[0]), where);
        }
  return out;
}

/// floor(w h / pi sqrt(1/b1^2 - 1/b2^2)) + 1
int love_modes(TwoLayerLove const& l) {
  return int(2 * l.thickness / l.period *
             std::sqrt(1 / (l.vs[0] * l.vs[0]) - 1 / (l.vs[1] * l.vs[1]))) +
         1;
}

Report check_two_layer_love(std::vector<TwoLayerLove> const& known) {
  Report out;
  for (TwoLayerLove const& l : known) {
    Model const model{
        {l.thickness, 0}, {1.8 * l.vs[0], 1.8 * l.vs[1]}, {l.vs[0], l.vs[1]}, {l.rho[0], l.rho[1]}};
    Answer const a = solve_one(model, l.period, Wave::love, l.modes + 1);
    auto const where = [&] {
      return "Love h=" + std::to_string(l.thickness) + " T=" + std::to_string(l.period);
    };
    out.expect(a.count == l.modes && l.modes == love_modes(l), where);
    out.expect(!std::isnan(a.phase[l.modes - 1]) && std::isnan(a.phase[l.modes]), where);
    for (std::size_t n = 0; n < l.phase.size(); ++n) {
      out.close(l.phase[n], a.phase[n], 1e-12, where);
      out.close(l.group[n], a.group[n], 1e-10, where);
    }
  }
  return out;
}

Report check_water(std::vector<WaterOverHalfspace> const& known) {
  Report out;
  for (WaterOverHalfspace const& w : known) {
    Model const model{{w.depth, 0}, {w.vp_water, w.vp}, {0, w.vs}, {w.rho_water, w.rho}};
    int const n = int(w.phase.size());
    Answer const a = solve_one(model, w.period, Wave::rayleigh, n + 1);
    auto const where = [&] { return "water T=" + std::to_string(w.period); };
    out.expect(a.count == n && std::isnan(a.phase[n]), where);
    for (int mode = 0; mode < n; ++mode)
      out.close(w.phase[mode], a.phase[mode], 1e-12,
                [&] { return where() + " mode " + std::to_string(mode); });
  }
  return out;
}

/// Short periods over deep water: the Scholte wave does not see the surface.
Report check_scholte(std::vector<Scholte> const& known) {
  Report out;
  for (Scholte const& s : known)
    for (double const period : {0.05, 0.02}) {
      Model const model{{20, 0}, {s.vp_water, s.vp}, {0, s.vs}, {s.rho_water, s.rho}};
      Answer const a = solve_one(model, period, Wave::rayleigh, 1);
      auto const where = [&] { return "Scholte vs=" + std::to_string(s.vs); };
      out.close(s.phase, a.phase[0], 1e-10, where);
      out.close(s.phase, a.group[0], 1e-8, where);
    }
  return out;
}

TEST(ClosedForm, halfspace_rayleigh) {
  Report const report = check_halfspaces(closed_form().rayleigh);
  EXPECT_EQ(closed_form().rayleigh.size(), 8u);
  EXPECT_TRUE(report.passed()) << report;
}

TEST(ClosedForm, two_layer_love) {
  Report const report = check_two_layer_love(closed_form().love);
  EXPECT_EQ(closed_form().love.size(), 11u);
  EXPECT_TRUE(report.passed()) << report;
}

TEST(ClosedForm, water_over_halfspace) {
  Report const report = check_water(closed_form().water);
  std::size_t roots = 0;
  for (WaterOverHalfspace const& w : closed_form().water) roots += w.phase.size();
  EXPECT_EQ(roots, 19u);
  EXPECT_TRUE(report.passed()) << report;
}

TEST(ClosedForm, scholte_limit) {
  Report const report = check_scholte(closed_form().scholte);
  EXPECT_EQ(closed_form().scholte.size(), 3u);
  EXPECT_TRUE(report.passed()) << report;
}

TEST(ClosedForm, a_perturbed_halfspace_is_rejected) {
  std::vector<HalfspaceRayleigh> model = closed_form().rayleigh, value = model;
  for (HalfspaceRayleigh& h : model) h.vp_over_vs *= 1 + 1e-10;
  for (HalfspaceRayleigh& h : value) h.c_over_vs *= 1 + 3e-12;
  EXPECT_FALSE(check_halfspaces(model).passed());
  EXPECT_FALSE(check_halfspaces(value).passed());
}

TEST(ClosedForm, a_perturbed_love_layer_is_rejected) {
  std::vector<TwoLayerLove> model = closed_form().love, count = model, group = model;
  for (TwoLayerLove& l : model) l.rho[1] *= 1 + 1e-9;
  ++count[0].modes;
  group[0].group[0] *= 1 + 3e-10;
  EXPECT_FALSE(check_two_layer_love(model).passed());
  EXPECT_FALSE(check_two_layer_love(count).passed());
  EXPECT_EQ(check_two_layer_love(group).failures, 1);
}

TEST(ClosedForm, a_perturbed_ocean_is_rejected) {
  std::vector<WaterOverHalfspace> model = closed_form().water, value = model;
  for (WaterOverHalfspace& w : model) w.depth *= 1 + 1e-10;
  value[0].phase[3] *= 1 + 3e-12;
  EXPECT_FALSE(check_water(model).passed());
  EXPECT_EQ(check_water(value).failures, 1);
  std::vector<Scholte> scholte = closed_form().scholte;
  scholte[2].rho_water *= 1 + 1e-8;
  EXPECT_FALSE(check_scholte(scholte).passed());
}

} // namespace
} // namespace moho::verification
