// SPDX-License-Identifier: BSD-3-Clause
// Properties of the dispersion solver on drawn models (acceptance check 14 and its additions).
// MOHO_SEED and MOHO_MODELS choose others; every failure prints the seed and the model.
#include "property/invariants.hpp"
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <gtest/gtest.h>
#include <iostream>
#include <limits>
#include <sstream>

#ifndef MOHO_MODELS
#define MOHO_MODELS 2000
#endif

namespace moho::testing {
namespace {

using dispersion::Curves;
using dispersion::ModelBatch;
using dispersion::SolveOptions;
using dispersion::Status;
using Draw = Sample (*)(Rng&);

std::size_t models_of_run() {
  char const* text = std::getenv("MOHO_MODELS");
  return text ? std::size_t(std::atoll(text)) : MOHO_MODELS;
}

std::vector<Sample> draw(Draw generator, std::size_t first, std::size_t count) {
  std::vector<Sample> out;
  for (std::size_t i = first; i < first + count; ++i) {
    Rng rng(seed_of_run(), i);
    out.push_back(generator(rng));
  }
  return out;
}

Curves solve(ModelBatch const& batch, int modes) {
  SolveOptions options;
  options.modes = modes;
  return dispersion::solve(batch, options);
}

/// The report, the seed, and the models of the first failures, to be pasted elsewhere.
std::string explain(Report const& report, std::vector<Sample> const& samples,
                    std::size_t first = 0) {
  std::ostringstream out;
  out << "MOHO_SEED=" << seed_of_run() << ", cases counted from " << first << "; " << report;
  std::size_t shown = 0;
  for (verification::Deviation const& d : report.failed) {
    std::size_t const at = d.where.find("case ");
    if (at == std::string::npos || ++shown > 3) continue;
    Sample const& sample = samples.at(std::stoul(d.where.substr(at + 5)));
    out << "\n" << d.where << " is of kind " << sample.kind << ", " << to_text(sample.model);
  }
  return out.str();
}

/// Draws and checks `count` models in batches; each batch alone is explained when it fails.
template <class Check>
void for_batches(Draw generator, std::size_t count, int modes, Check&& check) {
  constexpr std::size_t size = 250;
  for (std::size_t first = 0; first < count; first += size) {
    std::vector<Sample> const samples = draw(generator, first, std::min(size, count - first));
    ModelBatch const batch = verification::batch_of(samples);
    Curves const found = solve(batch, modes);
    Report const report = check(batch, found);
    ASSERT_TRUE(report.passed()) << explain(report, samples, first);
  }
}

struct Tally {
  std::int64_t values = 0, extended = 0, failed = 0;
  FoldShare folds;
  void add(ModelBatch const& batch, Curves const& found) {
    for (Curves::OfWave const& wave : found.wave)
      for (Status const status : wave.status) {
        values += status != Status::absent;
        extended += status == Status::extended;
        failed += status == Status::failed;
      }
    FoldShare const more = share_of_folds(batch, found);
    folds.cases += more.cases;
    folds.cases_folded += more.cases_folded;
    folds.periods += more.periods;
    folds.periods_folded += more.periods_folded;
  }
};

std::ostream& operator<<(std::ostream& out, Tally const& t) {
  return out << t.values << " points, " << t.extended << " extended, " << t.failed << " failed; "
             << t.folds.cases_folded << " of " << t.folds.cases << " models fold, at "
             << t.folds.periods_folded << " of " << t.folds.periods << " periods (seed "
             << seed_of_run() << ")";
}

TEST(Sites, keep_every_invariant_and_certify) {
  Tally tally;
  for_batches(draw_random, models_of_run(), 3, [&](ModelBatch const& batch, Curves const& found) {
    Report report = check_invariants(batch, found);
    report.merge(verification::certify(batch, found));
    tally.add(batch, found);
    return report;
  });
  std::cout << tally << "\n";
  EXPECT_EQ(tally.failed, 0) << tally;
}

TEST(Foldable, models_keep_every_invariant_and_certify) {
  Tally tally;
  for_batches(draw_foldable, models_of_run() / 4, 3,
              [&](ModelBatch const& batch, Curves const& found) {
                Report report = check_invariants(batch, found);
                report.merge(verification::certify(batch, found));
                tally.add(batch, found);
                return report;
              });
  std::cout << tally << "\n";
  EXPECT_GT(tally.folds.cases_folded, 0) << "the generator of folds makes none";
  EXPECT_EQ(tally.failed, 0) << tally;
}

TEST(Gradients, keep_every_invariant_and_certify) {
  for_batches(draw_gradient, models_of_run() / 40, 3,
              [](ModelBatch const& batch, Curves const& found) {
                Report report = check_invariants(batch, found);
                report.merge(verification::certify(batch, found));
                return report;
              });
}

constexpr int all_modes = 60;

TEST(Sites, a_dense_scan_of_the_count_finds_no_missed_root) {
  for_batches(draw_random, models_of_run() / 40, all_modes,
              [](ModelBatch const& batch, Curves const& found) {
                return scan_for_missed_roots(batch, found, 200, false);
              });
}

TEST(Foldable, a_dense_scan_of_the_count_finds_no_missed_root) {
  for_batches(draw_foldable, models_of_run() / 20, all_modes,
              [](ModelBatch const& batch, Curves const& found) {
                return scan_for_missed_roots(batch, found, 250, false);
              });
}

TEST(Sites, an_independent_secular_function_changes_sign_at_the_roots_only) {
  for_batches(draw_random, models_of_run() / 40, all_modes,
              [](ModelBatch const& batch, Curves const& found) {
                return scan_for_missed_roots(batch, found, 300, true);
              });
}

TEST(Foldable, an_independent_secular_function_changes_sign_at_the_roots_only) {
  for_batches(draw_foldable, models_of_run() / 20, all_modes,
              [](ModelBatch const& batch, Curves const& found) {
                return scan_for_missed_roots(batch, found, 400, true);
              });
}

TEST(Hard, models_have_no_missed_root_and_all_their_folds) {
  std::vector<Sample> const samples = hard_samples();
  ModelBatch const batch = verification::batch_of(samples);
  Curves const found = solve(batch, all_modes);
  Report report = check_invariants(batch, found);
  report.merge(scan_for_missed_roots(batch, found, 600, true));
  EXPECT_TRUE(report.passed()) << explain(report, samples);
  std::int64_t made_to_fold = 0;
  for (Sample const& s : samples) made_to_fold += s.kind.starts_with("fold");
  EXPECT_EQ(share_of_folds(batch, found).cases_folded, made_to_fold);
}

Report check_scaling(std::size_t count, double slip) {
  std::vector<Sample> samples = draw(draw_random, 0, count);
  Curves expected = solve(verification::batch_of(samples), 2);
  Rng rng(seed_of_run(), 1u << 31);
  double const length = std::exp(rng.uniform(-3, 3)), speed = std::exp(rng.uniform(-2, 2));
  double const density = std::exp(rng.uniform(-1, 1));
  auto const scale = [](std::vector<double>& values, double by) {
    for (double& v : values) v *= by;
  };
  for (Sample& s : samples) {
    scale(s.model.thickness, length);
    scale(s.model.vp, speed);
    scale(s.model.vs, speed);
    scale(s.model.rho, density);
    scale(s.periods, length / speed * (1 + slip));
  }
  for (Curves::OfWave& wave : expected.wave) {
    scale(wave.phase, speed);
    scale(wave.group, speed);
  }
  return verification::compare_answers(expected, solve(verification::batch_of(samples), 2),
                                       {3e-12, 1e-9});
}

TEST(Sites, scale) {
  Report const report = check_scaling(models_of_run() / 10, 0);
  EXPECT_TRUE(report.passed()) << "MOHO_SEED=" << seed_of_run() << "; " << report;
}

TEST(Sites, that_scale_wrongly_are_noticed) {
  EXPECT_FALSE(check_scaling(20, 1e-9).passed());
}

/// A sound model far outside of the prior.
Sample draw_extreme(Rng& rng) {
  Sample s = rng.chance(0.7) ? draw_random(rng) : draw_foldable(rng);
  s.kind += " extreme";
  std::size_t const rows = s.model.layers();
  std::size_t const row = std::size_t(rng.integer(0, int(rows) - 1));
  switch (rng.integer(0, 6)) {
  case 0: // wave numbers from nothing to thousands of layers' worth
    for (double& t : s.periods) t *= std::pow(10.0, rng.uniform(-3, 3));
    break;
  case 1: // one layer paper-thin or enormous
    if (row + 1 < rows) s.model.thickness[row] *= std::pow(10.0, rng.uniform(-6, 3));
    break;
  case 2: // one layer almost incompressible
    s.model.vp[row] =
        std::max(s.model.vp[row], s.model.vs[row] * std::pow(10.0, rng.uniform(0.5, 2)));
    break;
  case 3: // the smallest allowed vp
    for (std::size_t i = 0; i < rows; ++i)
      if (s.model.vs[i] > 0) s.model.vp[i] = s.model.vs[i] * std::sqrt(4.0 / 3.0) * (1 + 1e-12);
    break;
  case 4: // equal or almost equal rows
    for (std::size_t i = 1; i < rows; ++i)
      if (s.model.vs[i - 1] > 0) s.model.vs[i] = s.model.vs[i - 1] * (1 + (i % 2 ? 0 : 1e-13));
    for (std::size_t i = 0; i < rows; ++i)
      s.model.vp[i] = std::max(s.model.vp[i], 1.5 * s.model.vs[i]);
    break;
  case 5: // a row of another density, from foam to iron and beyond
    s.model.rho[row] *= std::pow(10.0, rng.uniform(-3, 3));
    break;
  default: // the half-space slower than everything, or faster
    s.model.vs.back() *= std::pow(10.0, rng.uniform(-1, 1));
    s.model.vp.back() = 1.8 * s.model.vs.back();
  }
  return s;
}

TEST(Extremes, keep_every_invariant) {
  Tally tally;
  for_batches(draw_extreme, models_of_run() / 4, 2,
              [&](ModelBatch const& batch, Curves const& found) {
                tally.add(batch, found);
                return check_invariants(batch, found);
              });
  std::cout << tally << "\n";
}

/// Every case either has an error and no numbers, or keeps the invariants.
Report check_corrupted(std::vector<Sample> const& samples, Curves const& found) {
  Report out;
  std::size_t point = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    bool const refused = !found.error[i].empty();
    for (std::size_t p = 0; p < samples[i].periods.size(); ++p, ++point)
      for (Curves::OfWave const& wave : found.wave) {
        auto const where = [&] {
          return "case " + std::to_string(i) + " (" + found.error[i] + ")";
        };
        if (refused) out.expect(wave.mode_count[point] == -1, where);
        for (int mode = 0; mode < found.modes; ++mode) {
          std::size_t const entry = mode * found.points + point;
          bool const empty =
              wave.status[entry] == Status::absent || wave.status[entry] == Status::failed;
          out.expect(empty == std::isnan(wave.phase[entry]) &&
                         empty == std::isnan(wave.group[entry]),
                     [&] {
                       return where() + ": " + name(wave.status[entry]) + " with phase " +
                              std::to_string(wave.phase[entry]) + ", group " +
                              std::to_string(wave.group[entry]);
                     });
          if (refused) out.expect(wave.status[entry] == Status::failed, where);
        }
      }
  }
  return out;
}

TEST(Corrupted, models_are_refused_or_solved_but_never_crash) {
  static constexpr double limit = std::numeric_limits<double>::max();
  static constexpr double poisons[] = {NAN,    INFINITY, -INFINITY, -1.0,  0.0, -0.0,
                                       1e-300, limit,    5e-324,    1e-12, 1e12};
  std::vector<Sample> samples = draw(draw_random, 0, models_of_run() / 2);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    Rng rng(seed_of_run() + 1, i);
    Model& m = samples[i].model;
    std::vector<double>* const columns[] = {&m.thickness, &m.vp, &m.vs, &m.rho,
                                            &samples[i].periods};
    std::vector<double>& column = *columns[rng.integer(0, 4)];
    column[std::size_t(rng.integer(0, int(column.size()) - 1))] = poisons[rng.integer(0, 10)];
  }
  Curves const found = solve(verification::batch_of(samples), 2);
  Report const report = check_corrupted(samples, found);
  EXPECT_TRUE(report.passed()) << explain(report, samples);
  EXPECT_GT(std::count_if(found.error.begin(), found.error.end(),
                          [](auto const& e) { return !e.empty(); }),
            std::ptrdiff_t(samples.size()) / 4);
}

// Negative tests: the same checks reject an answer that was spoiled.

struct Solved {
  std::vector<Sample> samples;
  ModelBatch batch;
  Curves found;
};

Solved solved(Draw generator, std::size_t count, int modes) {
  Solved out;
  out.samples = draw(generator, 0, count);
  out.batch = verification::batch_of(out.samples);
  out.found = solve(out.batch, modes);
  return out;
}

TEST(InvariantsReject, spoiled_answers) {
  Solved const s = solved(draw_random, 20, 2);
  auto const rejected = [&](auto&& spoil) {
    Curves spoiled = s.found;
    spoil(spoiled, spoiled.wave[0]);
    return !check_invariants(s.batch, spoiled).passed();
  };
  EXPECT_FALSE(rejected([](auto&, auto&) {}));
  EXPECT_TRUE(rejected([](auto&, auto& r) { r.phase[0] = NAN; }));
  EXPECT_TRUE(rejected([](auto&, auto& r) { r.group[0] = -r.group[0]; }));
  EXPECT_TRUE(rejected([](auto&, auto& r) { r.group[0] = 1e9; }));
  EXPECT_TRUE(rejected([](auto&, auto& r) { r.phase[0] = 100; }));
  EXPECT_TRUE(rejected([](auto&, auto& r) { r.status[0] = Status::failed; }));
  EXPECT_TRUE(rejected([](auto&, auto& r) { r.status[0] = Status::multivalued; }));
  EXPECT_TRUE(rejected([](auto&, auto& r) { r.mode_count[0] = 0; }));
  EXPECT_TRUE(rejected([](auto& c, auto&) { c.error[3] = "refused"; }));
  EXPECT_TRUE(rejected([](auto& c, auto&) {
    c.flags.insert(c.flags.begin(),
                   {0, dispersion::Wave::love, 0, -1, Status::multivalued, "?", {}});
  }));
}

TEST(ScanRejects, a_fold_that_is_not_flagged) {
  Solved s;
  s.samples = {hard_samples()[5]};
  ASSERT_EQ(s.samples[0].kind, "folded basin");
  s.batch = verification::batch_of(s.samples);
  s.found = solve(s.batch, all_modes);
  EXPECT_TRUE(scan_for_missed_roots(s.batch, s.found, 1500, false).passed());
  EXPECT_TRUE(scan_for_missed_roots(s.batch, s.found, 1500, true).passed());
  EXPECT_GT(share_of_folds(s.batch, s.found).periods_folded, 3);
  s.found.flags.clear();
  EXPECT_FALSE(scan_for_missed_roots(s.batch, s.found, 1500, false).passed());
}

TEST(ScanRejects, a_root_that_is_off_or_invented) {
  Solved const s = solved(draw_random, 5, all_modes);
  Curves off = s.found, invented = s.found;
  off.wave[0].phase[0] *= 1.01;
  EXPECT_FALSE(scan_for_missed_roots(s.batch, off, 600, false).passed());
  EXPECT_FALSE(scan_for_missed_roots(s.batch, off, 600, true).passed());
  std::size_t const last = (all_modes - 1) * invented.points;
  invented.wave[0].phase[last] = 0.99 * s.samples[0].model.vs_halfspace();
  invented.wave[0].group[last] = 1;
  EXPECT_FALSE(scan_for_missed_roots(s.batch, invented, 600, false).passed());
}

} // namespace
} // namespace moho::testing
