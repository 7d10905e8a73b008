// SPDX-License-Identifier: BSD-3-Clause
// The dispersion problems and methods: draws, truth, and a norm that sees every kind of wrong
// answer.
#include "moho/core/error.hpp"
#include "moho/study/atomic_file.hpp"
#include "moho/study/dispersion_arrays.hpp"
#include "moho/study/dispersion_problem.hpp"
#include "support/errors.hpp"
#include "support/mpi_support.hpp"
#include "unit/study/dispersion_support.hpp"
#include <cmath>
#include <filesystem>
#include <functional>
#include <gtest/gtest.h>
#include <limits>
#include <set>
#include <unistd.h>

namespace moho::study {
namespace {

namespace fs = std::filesystem;
using dispersion::Status;
using dispersion::Wave;
using test::all_ranks_agree;
using test_support::answered;
using test_support::metric;
using Strings = std::vector<std::string>;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// --- the norm ------------------------------------------------------------------------------------

/// One model, three periods, two modes of one wave; the overtone is absent at the last period.
struct Sample {
  Batch inputs, truth;
  WaveAnswers answer;

  Sample() {
    dispersion::ModelBatch models;
    const std::vector<double> thickness{10, 0}, vp{5, 8}, vs{3, 4.5}, rho{2.5, 3.3};
    models.append({thickness, vp, vs, rho}, std::vector<double>{1, 2, 3});
    inputs = inputs_batch(models, {"sample"});
    answer = {2,        3, {3, 3.1, 3.2, 4, 4.1, nan}, {2.9, 2.9, 3, 3, 3, nan}, {0, 0, 0, 0, 5, 1},
              {2, 2, 1}};
    dispersion::Curves folds;
    folds.error.resize(1);
    folds.flags.push_back(
        {0, Wave::rayleigh, 1, -1, Status::multivalued, "", {{3, 1, 0.7, 1}, {4, 1, 0.7, 2}}});
    truth = answers_batch(folds, {1, {false, false}});
    set_wave_answers(truth, Wave::rayleigh, answer);
    truth.set("uncertainty", "", std::vector<double>{1e-12});
  }

  Assessment assess(dispersion::Curves const& flags) const {
    Batch answers = answers_batch(flags, {1, {false, false}});
    set_wave_answers(answers, Wave::rayleigh, answer);
    return assess_curves(inputs, truth, answers, 1);
  }
  Assessment assess() const { return assess(flagged({{3, 1, 0.7, 1}, {4, 1, 0.7, 2}})); }

  static dispersion::Curves flagged(std::vector<dispersion::Root> const& roots) {
    dispersion::Curves curves;
    curves.error.resize(1);
    curves.flags.push_back({0, Wave::rayleigh, 1, -1, Status::multivalued, "", roots});
    return curves;
  }
};

TEST(DispersionNorm, RightAnswersHaveNoError) {
  const Assessment result = Sample().assess();
  EXPECT_EQ(metric(result, "phase_rel_max"), 0);
  EXPECT_EQ(metric(result, "phase_rel_p999"), 0);
  EXPECT_EQ(metric(result, "group_rel_max"), 0);
  EXPECT_EQ(metric(result, "mode_count_mismatches"), 0);
  EXPECT_EQ(metric(result, "null_mismatches"), 0);
  EXPECT_EQ(metric(result, "points"), 6);
  EXPECT_EQ(metric(result, "points_compared"), 6);
  EXPECT_EQ(metric(result, "points_extended"), 1);
  EXPECT_EQ(metric(result, "points_failed"), 0);
  EXPECT_EQ(metric(result, "fold_periods"), 1);
  EXPECT_EQ(metric(result, "fold_mismatches"), 0);
  EXPECT_EQ(metric(result, "fold_rel_max"), 0);
  EXPECT_EQ(metric(result, "truth_uncertainty"), 1e-12);
}

TEST(DispersionNorm, MetricsAreThoseDeclared) {
  const Assessment result = Sample().assess();
  std::set<std::string> found, declared(curve_metrics().begin(), curve_metrics().end());
  for (Metric const& m : result.metrics) found.insert(m.name);
  EXPECT_EQ(found, declared);
}

TEST(DispersionNorm, SeesAWrongPhaseOrGroup) {
  Sample sample;
  sample.answer.phase[1] *= 1 + 1e-8;
  sample.answer.group[4] *= 1 - 1e-6;
  const Assessment result = sample.assess();
  EXPECT_NEAR(metric(result, "phase_rel_max"), 1e-8, 1e-14);
  EXPECT_NEAR(metric(result, "group_rel_max"), 1e-6, 1e-12);
}

TEST(DispersionNorm, SeesAMissingAnInventedAndAFailedPoint) {
  Sample missing, invented, failed;
  missing.answer.status[0] = 1;
  missing.answer.phase[0] = nan;
  EXPECT_EQ(metric(missing.assess(), "null_mismatches"), 1);
  invented.answer.status[5] = 0;
  invented.answer.phase[5] = 4.4;
  EXPECT_EQ(metric(invented.assess(), "null_mismatches"), 1);
  failed.answer.status[0] = 2;
  failed.answer.phase[0] = nan;
  EXPECT_EQ(metric(failed.assess(), "points_failed"), 1);
  EXPECT_EQ(metric(failed.assess(), "null_mismatches"), 0);
  EXPECT_EQ(metric(failed.assess(), "phase_rel_max"), 0);
}

TEST(DispersionNorm, ANaNThatClaimsToBeAnAnswerShows) {
  Sample sample;
  sample.answer.phase[0] = nan;
  EXPECT_TRUE(std::isnan(metric(sample.assess(), "phase_rel_max")));
}

TEST(DispersionNorm, SeesAWrongCount) {
  Sample sample;
  sample.answer.mode_count[2] = 2;
  EXPECT_EQ(metric(sample.assess(), "mode_count_mismatches"), 1);
}

TEST(DispersionNorm, SeesFoldsNotFlaggedOrWithWrongRoots) {
  const Sample sample;
  dispersion::Curves none;
  none.error.resize(1);
  EXPECT_EQ(metric(sample.assess(none), "fold_mismatches"), 1);
  EXPECT_TRUE(std::isnan(metric(sample.assess(none), "fold_rel_max")));
  EXPECT_EQ(metric(sample.assess(Sample::flagged({{3, 1, 0.7, 1}})), "fold_mismatches"), 1);
  const Assessment off = sample.assess(Sample::flagged({{3, 1, 0.7, 1}, {4.001, 1, 0.7, 2}}));
  EXPECT_EQ(metric(off, "fold_mismatches"), 1);
  EXPECT_NEAR(metric(off, "fold_rel_max"), 0.001 / 4, 1e-9);
}

TEST(DispersionNorm, WhatIsNotKnownIsNotCompared) {
  Sample sample;
  WaveAnswers unknown = sample.answer;
  unknown.status.assign(6, unknown_status);
  unknown.mode_count.assign(3, unknown_status);
  set_wave_answers(sample.truth, Wave::rayleigh, unknown);
  sample.answer.phase[0] = 9;
  const Assessment result = sample.assess();
  EXPECT_EQ(metric(result, "points_compared"), 0);
  EXPECT_TRUE(std::isnan(metric(result, "phase_rel_max")));
}

TEST(DispersionNorm, DataHasOneRowPerPoint) {
  const Assessment result = Sample().assess();
  std::set<std::string> paths;
  for (Dataset const& set : result.data) {
    paths.insert(set.path);
    if (set.path.rfind("curve/", 0) == 0 || set.path.rfind("truth/", 0) == 0) {
      EXPECT_EQ(std::visit([](auto const& v) { return v.size(); }, set.values), 6u) << set.path;
    }
    if (set.path == "curve/mode") {
      EXPECT_EQ(std::get<std::vector<std::int32_t>>(set.values),
                (std::vector<std::int32_t>{0, 0, 0, 1, 1, 1}));
    }
  }
  for (char const* path : {"case/name", "model/offset", "model/vs", "curve/case", "curve/wave",
                           "curve/period", "curve/phase", "curve/status", "truth/group"})
    EXPECT_EQ(paths.count(path), 1u) << path;
}

// --- the gradient problem ------------------------------------------------------------------------

Parameters gradient_parameters() {
  Parameters p = defaults(dispersion_gradient_parameters());
  p.set("models", std::int64_t{6});
  p.set("periods", std::int64_t{5});
  p.set("truth", std::int64_t{2});
  return p;
}

std::unique_ptr<Problem> gradient(std::function<void(Parameters&)> const& change = {}) {
  Parameters p = gradient_parameters();
  if (change) change(p);
  return make_dispersion_gradient(p, {});
}

TEST(DispersionGradient, ADrawDependsOnItsIndexAlone) {
  auto const problem = gradient();
  const Batch all = problem->draw(Split::test, 0, 6), one = problem->draw(Split::test, 4, 1);
  auto const vs = all.reals("vs");
  EXPECT_EQ(std::vector<double>(vs.begin() + 40, vs.begin() + 50), one.reals("vs"));
  EXPECT_EQ(all.labels[4], one.labels[0]);
  EXPECT_TRUE(all_ranks_agree(vs));
}

TEST(DispersionGradient, SplitsAndSeedsNeverCoincide) {
  std::set<double> seen;
  std::size_t drawn = 0;
  for (const std::int64_t seed : {1, 2}) {
    auto const problem = gradient([&](Parameters& p) { p.set("seed", seed); });
    for (const Split split : {Split::train, Split::validation, Split::test})
      for (double const v : problem->draw(split, 0, 6).reals("vs")) {
        seen.insert(v);
        ++drawn;
      }
  }
  EXPECT_EQ(seen.size(), drawn);
}

TEST(DispersionGradient, ModelsAreThoseDescribed) {
  auto const smooth = gradient([](Parameters& p) { p.set("perturbation", 0.0); });
  const dispersion::ModelBatch models = model_batch(smooth->draw(Split::test, 0, 6));
  const dispersion::LayeredModel model = models.model(3);
  ASSERT_EQ(model.layers(), 10u);
  EXPECT_NEAR(model.thickness[0], 100.0 / 9, 1e-12);
  EXPECT_EQ(model.thickness[9], 0);
  EXPECT_NEAR(model.vs[9], 2.5 + 2.2 * (1 - std::exp(-100.0 / 35)), 1e-12);
  EXPECT_NEAR(model.vs[0], 2.5 + 2.2 * (1 - std::exp(-50.0 / 9 / 35)), 1e-12);
  EXPECT_NEAR(model.vp[4], 1.75 * model.vs[4], 1e-12);
  EXPECT_NEAR(model.rho[4], 1.74 * std::pow(model.vp[4], 0.25), 1e-12);
  EXPECT_DOUBLE_EQ(models.periods(0)[0], 1);
  EXPECT_NEAR(models.periods(0)[4], 100, 1e-12);
  const dispersion::ModelBatch rough = model_batch(gradient()->draw(Split::test, 0, 6));
  double largest = 0;
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(problem_with(rough.model(i)), "");
    for (std::size_t k = 0; k < 10; ++k)
      largest = std::max(largest, std::abs(rough.model(i).vs[k] / model.vs[k] - 1));
  }
  EXPECT_LE(largest, 0.03 + 1e-12);
  EXPECT_GT(largest, 0.02);
}

TEST(DispersionGradient, SolverMeetsItsExtendedPrecision) {
  auto const method = make_dispersion_solver(defaults(dispersion_solver_parameters()));
  const Assessment result = answered(*gradient(), *method);
  if (!parallel::Comm().root()) return;
  EXPECT_LE(metric(result, "phase_rel_max"), 1e-11);
  EXPECT_LE(metric(result, "group_rel_max"), 1e-8);
  EXPECT_EQ(metric(result, "mode_count_mismatches"), 0);
  EXPECT_EQ(metric(result, "points"), 6 * 5 * 2);
  EXPECT_EQ(metric(result, "points_compared"), 2 * 5 * 2); // the sample
  std::int64_t work = 0, roots = 0;
  for (Counter const& counter : method->cost().counters) {
    if (counter.name == "layer_evaluations") work = counter.value;
    if (counter.name == "roots") roots = counter.value;
  }
  EXPECT_GT(work, 60 * 10);
  EXPECT_EQ(roots, 60);
}

TEST(DispersionGradient, TheTrivialAnswerIsSeenToBeWrong) {
  auto const method = make_halfspace_average(defaults(halfspace_average_parameters()));
  const Assessment result = answered(*gradient(), *method);
  if (!parallel::Comm().root()) return;
  EXPECT_GT(metric(result, "phase_rel_max"), 0.05);
  EXPECT_LT(metric(result, "phase_rel_max"), 1);
  EXPECT_GT(metric(result, "mode_count_mismatches"), 0);
}

TEST(DispersionGradient, WithoutASampleNothingIsKnown) {
  auto const method = make_halfspace_average(defaults(halfspace_average_parameters()));
  auto const problem = gradient([](Parameters& p) { p.set("truth", std::int64_t{0}); });
  const Assessment result = answered(*problem, *method);
  if (!parallel::Comm().root()) return;
  EXPECT_EQ(metric(result, "points_compared"), 0);
  EXPECT_TRUE(std::isnan(metric(result, "phase_rel_max")));
  EXPECT_TRUE(std::isnan(metric(result, "truth_uncertainty")));
}

// --- closed forms --------------------------------------------------------------------------------

TEST(DispersionVerify, ClosedFormsHoldAndHaveControls) {
  std::set<std::string> names;
  for (Check const& check : closed_form_checks()) {
    EXPECT_TRUE(check.pass()) << check.name << " " << check.value;
    EXPECT_TRUE(names.insert(check.name).second) << check.name;
  }
  for (std::string const& name : names)
    if (name.rfind("control.", 0) != 0) {
      EXPECT_EQ(names.count("control." + name), 1u) << name;
    }
}

// --- the reference problem -----------------------------------------------------------------------

constexpr char curves_file[] = R"({"format": "surface-wave-reference/1", "cases": [
 {"name": "one", "model": {"thickness": [10, 0], "vp": [5, 8], "vs": [3, 4.5], "rho": [2.5, 3.3]},
  "periods": [5, 10], "mode_count": {"rayleigh": [2, 1], "love": [1, 1]},
  "modes": [{"wave": "rayleigh", "mode": 0, "phase": [2.9, 3.2], "group": [2.7, 2.8]},
            {"wave": "rayleigh", "mode": 1, "phase": [4.2, null], "group": [3.5, null]},
            {"wave": "love", "mode": 0, "phase": [3.3, 3.6], "group": [3.1, 3.2]}]},
 {"name": "two", "model": {"thickness": [0], "vp": [8], "vs": [4.5], "rho": [3.3]},
  "periods": [5], "mode_count": {"rayleigh": [1], "love": [0]},
  "modes": [{"wave": "rayleigh", "mode": 0, "phase": [4.1], "group": [4.1]}]}]})";

constexpr char folds_file[] = R"({"format": "surface-wave-reference/1", "cases": [
 {"name": "fold", "model": {"thickness": [10, 0], "vp": [5, 8], "vs": [3, 4.5], "rho": [2.5, 3.3]},
  "points": [
   {"period": 5, "count_at_cmax": 2, "roots": [
     {"c": 2.9, "U": 2.7, "ellipticity": 1, "N_above": 1},
     {"c": 4.2, "U": 3.7, "ellipticity": 1, "N_above": 2}]},
   {"period": 6, "count_at_cmax": 2, "roots": [
     {"c": 3.0, "U": 2.7, "ellipticity": 1, "N_above": 1},
     {"c": 4.0, "U": 3.7, "ellipticity": 1, "N_above": 2},
     {"c": 4.1, "U": -3.7, "ellipticity": 1, "N_above": 1},
     {"c": 4.3, "U": 3.7, "ellipticity": 1, "N_above": 2}]}]}]})";

class DispersionReference : public testing::Test {
protected:
  DispersionReference()
      : _folder(fs::temp_directory_path() / ("moho_reference_" + std::to_string(::getpid()))) {
    fs::create_directories(_folder);
    write_atomically((_folder / "curves.json").string(), curves_file);
    write_atomically((_folder / "folds.json").string(), folds_file);
  }
  ~DispersionReference() override { fs::remove_all(_folder); }
  std::unique_ptr<Problem> problem(Strings const& files, Strings const& cases = {}) const {
    Parameters p;
    p.set("files", files);
    p.set("cases", cases);
    return make_dispersion_reference(p, {_folder.string()});
  }
  std::string error_of(Strings const& files, Strings const& cases = {}) const {
    return test::error_of([&] { problem(files, cases); });
  }
  fs::path _folder;
};

TEST_F(DispersionReference, TruthIsWhatTheFileSays) {
  auto const reference = problem({"curves"});
  EXPECT_EQ(reference->count(Split::test), 2u);
  EXPECT_EQ(reference->count(Split::train), 0u);
  const Batch inputs = reference->draw(Split::test, 0, 2);
  EXPECT_EQ(inputs.labels, (Strings{"curves/one", "curves/two"}));
  const Batch truth = reference->truth(inputs, parallel::Comm::self());
  const WaveAnswers rayleigh = wave_answers(truth, Wave::rayleigh);
  EXPECT_EQ(rayleigh.modes, 2u);
  EXPECT_EQ(rayleigh.mode_count, (std::vector<std::int64_t>{2, 1, 1}));
  // Mode 1 at 10 s is absent; of the second case the file lists mode 0 only.
  EXPECT_EQ(rayleigh.status, (std::vector<std::int64_t>{0, 0, 0, 0, 1, unknown_status}));
  EXPECT_EQ(rayleigh.phase[3], 4.2);
  const WaveAnswers love = wave_answers(truth, Wave::love);
  EXPECT_EQ(love.status[2], 1); // a half-space has no Love wave
  EXPECT_EQ(truth.reals("uncertainty")[0], 2e-12);
  const Batch second = reference->draw(Split::test, 1, 1);
  EXPECT_EQ(wave_answers(reference->truth(second, parallel::Comm::self()), Wave::rayleigh).points,
            1u);
}

TEST_F(DispersionReference, FoldsGiveTheSlowestRootOfEachModeAndAllRoots) {
  auto const reference = problem({"folds.json"});
  const Batch inputs = reference->draw(Split::test, 0, 1);
  const Batch truth = reference->truth(inputs, parallel::Comm::self());
  const WaveAnswers rayleigh = wave_answers(truth, Wave::rayleigh);
  EXPECT_EQ(rayleigh.phase, (std::vector<double>{2.9, 3.0, 4.2, 4.0}));
  EXPECT_EQ(rayleigh.mode_count, (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(wave_answers(truth, Wave::love).status[0], unknown_status);
  EXPECT_EQ(truth.integers("flag/period_index"), std::vector<std::int64_t>{1});
  EXPECT_EQ(truth.reals("flag/phase"), (std::vector<double>{3.0, 4.0, 4.1, 4.3}));
}

TEST_F(DispersionReference, VerifyRejectsContradictoryFiles) {
  auto const contradictions = [&] {
    for (Check const& check : problem({"curves", "folds"})->verify(parallel::Comm::self()))
      if (check.name == "reference_contradictions") return check.value;
    return nan;
  };
  EXPECT_EQ(contradictions(), 0);
  std::string wrong = curves_file;
  wrong.replace(wrong.find("4.2, null"), 3, "4.6"); // faster than the half-space
  write_atomically((_folder / "curves.json").string(), wrong);
  EXPECT_EQ(contradictions(), 1);
  wrong.replace(wrong.find("4.6, null"), 9, "4.2, 4.3"); // one mode more than counted
  write_atomically((_folder / "curves.json").string(), wrong);
  EXPECT_EQ(contradictions(), 1);
}

TEST_F(DispersionReference, CasesAreChosenByName) {
  EXPECT_EQ(problem({"curves", "folds"}, {"two", "fold"})->count(Split::test), 2u);
  const std::string error = error_of({"curves"}, {"tow"});
  EXPECT_NE(error.find("'tow'"), std::string::npos) << error;
  EXPECT_NE(error.find("did you mean 'two'?"), std::string::npos) << error;
}

TEST_F(DispersionReference, MissingAndBrokenFilesAreNamed) {
  EXPECT_NE(error_of({"nothing"}).find("nothing.json"), std::string::npos);
  write_atomically((_folder / "broken.json").string(), "{\"cases\": [");
  EXPECT_NE(error_of({"broken"}).find("broken.json"), std::string::npos);
  EXPECT_NE(error_of({}).find("problem.files"), std::string::npos);
}

} // namespace
} // namespace moho::study
