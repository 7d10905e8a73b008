// SPDX-License-Identifier: BSD-3-Clause
// Folds at their birth: where a branch begins to fold, two roots appear at one velocity. The period
// at which they do is bisected with the independent secular function, and the solver is asked on
// both sides of it, closer and closer, one period per case (no neighbour to learn from).
#include "property/oracle.hpp"
#include "verification/compare.hpp"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <gtest/gtest.h>
#include <iostream>

#ifndef MOHO_MODELS
#define MOHO_MODELS 2000
#endif

namespace moho::testing {
namespace {

using dispersion::Curves;
using dispersion::ModelBatch;
using dispersion::Status;
using verification::Report;

/// Rayleigh roots seen by a scan of the independent secular function.
int roots_seen(Model const& model, double period, int steps) {
  double slowest = model.vs_halfspace();
  for (std::size_t i = 0; i < model.layers(); ++i)
    slowest = std::min(slowest, model.vs[i] > 0 ? model.vs[i] : model.vp[i]);
  int changes = 0;
  bool positive = false;
  std::vector<double> const grid =
      log_spaced(0.2 * slowest, model.vs_halfspace() * (1 - 1e-7), steps);
  for (std::size_t i = 0; i < grid.size(); ++i) {
    bool const now = Oracle<long double>::rayleigh(model.view(), period, grid[i]) > 0;
    changes += i > 0 && now != positive;
    positive = now;
  }
  return changes;
}

struct Onset {
  std::size_t sample;
  double period;    ///< the last one without the pair of roots
  double direction; ///< +1: the fold lies at longer periods
  int fewer;        ///< roots without the pair
};

/// Bisects between two periods that differ by one pair of roots; false if something else happens.
bool bisect(Model const& model, double without, double with, int fewer, Onset& out) {
  out = {0, 0, with > without ? 1.0 : -1.0, fewer};
  for (int i = 0; i < 26; ++i) {
    double const middle = std::sqrt(without * with);
    int const roots = roots_seen(model, middle, i < 10 ? 400 : 1500);
    if (roots != fewer && roots != fewer + 2) return false;
    (roots == fewer ? without : with) = middle;
  }
  out.period = without;
  return true;
}

std::vector<Onset> find_onsets(std::vector<Sample> const& samples) {
  std::vector<Onset> out;
  for (std::size_t s = 0; s < samples.size(); ++s) {
    Model const& model = samples[s].model;
    std::vector<double> const periods =
        log_spaced(samples[s].periods.front(), samples[s].periods.back(), 160);
    int before = 0;
    for (std::size_t p = 0; p < periods.size(); ++p) {
      int const roots = roots_seen(model, periods[p], 150);
      Onset onset;
      bool const appears = roots == before + 2, vanishes = roots == before - 2;
      if (p > 0 && (appears || vanishes) &&
          bisect(model, periods[appears ? p - 1 : p], periods[appears ? p : p - 1],
                 std::min(roots, before), onset)) {
        onset.sample = s;
        out.push_back(onset);
      }
      before = roots;
    }
  }
  return out;
}

/// Roots that an answer of one case and one period lists.
int roots_listed(Curves const& found) {
  for (dispersion::Flag const& flag : found.flags)
    if (flag.kind == Status::multivalued) return int(flag.roots.size());
  int roots = 0;
  for (double phase : found.wave[0].phase) roots += !std::isnan(phase);
  return roots;
}

Curves ask(Model const& model, double period) {
  ModelBatch batch;
  batch.append(model.view(), std::vector<double>{period});
  dispersion::SolveOptions options;
  options.modes = 40;
  options.waves = {true, false};
  return dispersion::solve(batch, options);
}

Report check_onsets(std::vector<Sample> const& samples, std::vector<Onset> const& onsets,
                    bool ignore_flags) {
  Report out;
  for (Onset const& onset : onsets)
    for (double const distance : {1e-3, 1e-4, 1e-5})
      for (int const side : {1, -1}) {
        Sample const& sample = samples[onset.sample];
        double const period = onset.period * (1 + side * onset.direction * distance);
        int const expected = onset.fewer + (side > 0 ? 2 : 0);
        if (roots_seen(sample.model, period, 3000) != expected) continue; // another onset between
        Curves found = ask(sample.model, period);
        if (ignore_flags) found.flags.clear();
        out.expect(roots_listed(found) == expected, [&] {
          char text[160];
          std::snprintf(text, sizeof text, ": T=%.17g, %g from the onset: %d roots, not %d", period,
                        distance, roots_listed(found), expected);
          return sample.kind + text + "\n" + to_text(sample.model);
        });
      }
  return out;
}

TEST(FoldOnset, both_sides_are_told_apart) {
  char const* text = std::getenv("MOHO_MODELS");
  std::size_t const asked = (text ? std::size_t(std::atoll(text)) : MOHO_MODELS) / 100;
  std::size_t const models = std::clamp<std::size_t>(asked, 20, 300);
  std::vector<Sample> samples;
  for (std::size_t i = 0; i < models; ++i) {
    Rng rng(seed_of_run(), i);
    samples.push_back(draw_foldable(rng));
  }
  std::vector<Onset> const onsets = find_onsets(samples);
  Report const report = check_onsets(samples, onsets, false);
  std::cout << onsets.size() << " onsets in " << models << " models (seed " << seed_of_run()
            << "): " << report << "\n";
  EXPECT_GE(onsets.size(), models / 10);
  EXPECT_TRUE(report.passed()) << "MOHO_SEED=" << seed_of_run() << "; " << report;
}

TEST(FoldOnset, an_answer_without_flags_is_rejected) {
  std::vector<Sample> const samples{hard_samples()[5]};
  ASSERT_EQ(samples[0].kind, "folded basin");
  std::vector<Onset> const onsets = find_onsets(samples);
  ASSERT_EQ(onsets.size(), 2u);
  EXPECT_TRUE(check_onsets(samples, onsets, false).passed());
  EXPECT_FALSE(check_onsets(samples, onsets, true).passed());
}

/// The first two Rayleigh modes of one model.
Curves two_modes(Model const& model, std::vector<double> const& periods,
                 dispersion::FoldSearch folds) {
  ModelBatch batch;
  batch.append(model.view(), periods);
  dispersion::SolveOptions options;
  options.modes = 2;
  options.waves = {true, false};
  options.folds = folds;
  return dispersion::solve(batch, options);
}

/// The lowest mode that folds: the count falls back to it.
int folded_mode(dispersion::Flag const& flag) {
  int lowest = 1000, before = 0;
  for (dispersion::Root const& root : flag.roots) {
    if (root.count_above < before) lowest = std::min(lowest, root.count_above);
    before = root.count_above;
  }
  return lowest;
}

TEST(FoldSearch, slopes_find_the_folds_of_the_modes_asked_for) {
  std::size_t folded = 0, missed = 0, invented = 0;
  for (std::size_t i = 0; i < 500; ++i) {
    Rng rng(seed_of_run(), i);
    Sample const sample = draw_foldable(rng);
    for (std::size_t const count : {60, 9}) { // dense, and too sparse for neighbours to tell
      std::vector<double> const periods =
          log_spaced(sample.periods.front(), sample.periods.back(), int(count));
      Curves const scanned = two_modes(sample.model, periods, dispersion::FoldSearch::scan);
      Curves const found = two_modes(sample.model, periods, dispersion::FoldSearch::slopes);
      for (std::size_t p = 0; p < count; ++p)
        invented += found.wave[0].status[p] == Status::multivalued &&
                    scanned.wave[0].status[p] != Status::multivalued;
      for (dispersion::Flag const& flag : scanned.flags) {
        if (flag.kind != Status::multivalued || folded_mode(flag) > 1) continue;
        ++folded;
        bool const seen =
            found.wave[0].status[std::size_t(flag.period_index)] == Status::multivalued;
        missed += !seen;
        if (!seen)
          std::cout << "missed: model " << i << " of " << count << " periods, "
                    << periods[std::size_t(flag.period_index)] << " s\n"
                    << to_text(sample.model);
      }
    }
  }
  std::cout << folded << " folded points (seed " << seed_of_run() << ")\n";
  EXPECT_GT(folded, 50u);
  EXPECT_EQ(missed, 0u) << "MOHO_SEED=" << seed_of_run();
  EXPECT_EQ(invented, 0u) << "MOHO_SEED=" << seed_of_run();
}

TEST(FoldSearch, a_model_without_contrast_is_not_scanned) {
  Sample const sample = hard_samples()[5];
  ModelBatch batch;
  batch.append(sample.model.view(), log_spaced(0.1, 0.2, 20)); // far from its fold
  dispersion::SolveOptions scan, slopes;
  slopes.folds = dispersion::FoldSearch::slopes;
  EXPECT_LT(dispersion::solve(batch, slopes).work[0], dispersion::solve(batch, scan).work[0] / 2);
}

} // namespace
} // namespace moho::testing
