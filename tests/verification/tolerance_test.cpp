// SPDX-License-Identifier: BSD-3-Clause
// Solving to a tolerance: every phase velocity within it, certified by counts on both sides, for
// less work.
#include "verification/reference_data.hpp"
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <iostream>
#include <map>
#include <numeric>

namespace moho::verification {
namespace {

using dispersion::Status;

constexpr int modes = 4;
double const tolerances[] = {1e-12, 1e-10, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1};

/// The models of the reference files and some random ones.
ModelBatch const& models() {
  static ModelBatch const batch = [] {
    ModelBatch all;
    for (std::string const& file : reference_files())
      for (ReferenceCase const& c : reference_cases(file)) all.append(c.model.view(), c.periods);
    for (std::uint64_t i = 0; i < 200; ++i) {
      testing::Rng rng(testing::seed_of_run(), i);
      testing::Sample const s = testing::draw_random(rng);
      all.append(s.model.view(), s.periods);
    }
    std::cout << "MOHO_SEED " << testing::seed_of_run() << "\n";
    return all;
  }();
  return batch;
}

Curves const& answers(double tolerance) {
  static std::map<double, Curves> known;
  auto entry = known.find(tolerance);
  if (entry == known.end()) {
    SolveOptions options;
    options.modes = modes;
    options.group = false;
    options.folds = dispersion::FoldSearch::slopes;
    options.tolerance = tolerance;
    entry = known.emplace(tolerance, dispersion::solve(models(), options)).first;
  }
  return entry->second;
}

double total_work(Curves const& curves) {
  return static_cast<double>(
      std::accumulate(curves.work.begin(), curves.work.end(), std::int64_t{0}));
}

/// Phases within the tolerance of the exact ones (and what double leaves of those), counts equal.
Report within(Curves const& exact, Curves const& found, double tolerance) {
  Report out;
  for (Wave wave : dispersion::all_waves) {
    Curves::OfWave const &a = exact.wave[static_cast<std::size_t>(wave)],
                         &b = found.wave[static_cast<std::size_t>(wave)];
    out.expect(a.mode_count == b.mode_count, [] { return std::string("the counts differ"); });
    for (std::size_t at = 0; at < a.phase.size(); ++at) {
      auto const where = [&] {
        return std::string(dispersion::name(wave)) + " mode " + std::to_string(at / exact.points) +
               " point " + std::to_string(at % exact.points);
      };
      if (std::isnan(a.phase[at]))
        out.expect(std::isnan(b.phase[at]) && a.status[at] == b.status[at], where);
      else
        out.close(a.phase[at], b.phase[at], tolerance + 1e-12, where);
    }
  }
  return out;
}

/// The counts at c (1 - tolerance) and c (1 + tolerance) enclose the mode.
Report enclosed(Curves const& found, double tolerance, std::size_t every) {
  Report out;
  for (std::size_t i = 0; i < models().size(); i += every)
    for (Wave wave : dispersion::all_waves) {
      Curves::OfWave const& of = found.wave[static_cast<std::size_t>(wave)];
      const dispersion::LayeredModel model = models().model(i);
      for (std::size_t p = 0; p < models().periods(i).size(); ++p)
        for (std::size_t mode = 0; mode < modes; ++mode) {
          const std::size_t at =
              mode * found.points + static_cast<std::size_t>(models().period_offset()[i]) + p;
          if (std::isnan(of.phase[at]) || of.status[at] == Status::multivalued) continue;
          double const low = of.phase[at] * (1 - tolerance);
          double const high =
              std::min(of.phase[at] * (1 + tolerance), model.vs.back() * (1 - 1e-7));
          int const n = static_cast<int>(mode);
          double const period = models().periods(i)[p];
          out.expect(dispersion::mode_count(model, period, low, wave) <= n &&
                         dispersion::mode_count(model, period, high, wave) > n,
                     [&] { return "case " + std::to_string(i) + " mode " + std::to_string(n); });
        }
    }
  return out;
}

TEST(Tolerance, bounds_the_error_of_every_phase) {
  for (double const tolerance : tolerances) {
    Report const report = within(answers(0), answers(tolerance), tolerance);
    EXPECT_GT(report.compared, 10000);
    EXPECT_TRUE(report.passed()) << "tolerance " << tolerance << ": " << report;
  }
}

TEST(Tolerance, is_certified_by_counts) {
  for (double const tolerance : {1e-6, 1e-3}) {
    Report const report = enclosed(answers(tolerance), tolerance, 5);
    EXPECT_TRUE(report.passed()) << "tolerance " << tolerance << ": " << report;
  }
}

TEST(Tolerance, saves_work) {
  double last = total_work(answers(0));
  for (double const tolerance : tolerances) {
    double const work = total_work(answers(tolerance));
    std::cout << "tolerance " << tolerance << ": " << work / total_work(answers(0))
              << " of the work\n";
    EXPECT_LE(work, last * (tolerance < 1e-7 ? 1 : 0.999)) << tolerance;
    last = work;
  }
  EXPECT_LT(last, 0.85 * total_work(answers(0)));
}

TEST(Tolerance, halves_the_work_of_a_smooth_model) {
  std::vector<double> thickness(20, 5.0), vp(20), vs(20), rho(20), periods(40);
  for (std::size_t i = 0; i < 20; ++i) {
    vs[i] = 3 + 0.08 * static_cast<double>(i);
    vp[i] = 1.75 * vs[i];
    rho[i] = 2.7;
  }
  thickness.back() = 0;
  for (std::size_t i = 0; i < 40; ++i) periods[i] = 2 * std::pow(1.1, static_cast<double>(i));
  ModelBatch batch;
  batch.append({thickness, vp, vs, rho}, periods);
  double const exact = total_work(dispersion::solve(batch, {.group = false}));
  for (auto const& [tolerance, share] : {std::pair{1e-6, 0.95}, {1e-4, 0.8}, {1e-2, 0.65}})
    EXPECT_LT(total_work(dispersion::solve(batch, {.group = false, .tolerance = tolerance})),
              share * exact)
        << tolerance;
}

TEST(Tolerance, in_extended_precision_bounds_the_error_too) {
  ModelBatch batch;
  for (std::size_t i = 0; i < models().size(); i += 40)
    batch.append(models().model(i), models().periods(i));
  SolveOptions options{.modes = 2, .group = false, .extended_only = true};
  Curves const exact = dispersion::solve(batch, options);
  options.tolerance = 1e-4;
  Curves const found = dispersion::solve(batch, options);
  Report const report = within(exact, found, 1e-4);
  EXPECT_TRUE(report.passed()) << report;
  EXPECT_LT(total_work(found), total_work(exact));
}

// Negative tests: what is just beyond the tolerance is rejected.

TEST(Tolerance, an_error_beyond_it_is_noticed) {
  for (double const tolerance : {1e-6, 1e-2}) {
    Curves spoiled = answers(tolerance);
    Curves::OfWave& love = spoiled.wave[1];
    std::size_t at = 0;
    while (std::isnan(love.phase[at]) || love.status[at] == Status::multivalued) ++at;
    love.phase[at] = answers(0).wave[1].phase[at] * (1 + 1.5 * tolerance);
    EXPECT_EQ(within(answers(0), spoiled, tolerance).failures, 1);
    EXPECT_EQ(enclosed(spoiled, tolerance, 1).failures, 1);
  }
}

TEST(Tolerance, an_answer_to_a_wider_one_is_rejected) {
  EXPECT_FALSE(within(answers(0), answers(1e-2), 1e-4).passed());
  EXPECT_FALSE(enclosed(answers(1e-2), 1e-5, 5).passed());
}

} // namespace
} // namespace moho::verification
