// SPDX-License-Identifier: BSD-3-Clause
// Kernels, ellipticity and cost in the norm of the dispersion problems: right answers pass, every
// kind of wrong one shows, and the trivial answer is beaten.
#include "moho/core/error.hpp"
#include "moho/study/atomic_file.hpp"
#include "moho/study/dispersion_arrays.hpp"
#include "moho/study/dispersion_kernels.hpp"
#include "moho/study/dispersion_problem.hpp"
#include "moho/study/dispersion_trivial.hpp"
#include "support/mpi_support.hpp"
#include "unit/study/dispersion_support.hpp"
#include <cmath>
#include <filesystem>
#include <gtest/gtest.h>
#include <limits>
#include <unistd.h>

namespace moho::study {
namespace {

namespace fs = std::filesystem;
using dispersion::LayeredModel;
using dispersion::Status;
using dispersion::Wave;
using test_support::answered;
using test_support::metric;
using Strings = std::vector<std::string>;
using Reals = std::vector<double>;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// --- the norm ------------------------------------------------------------------------------------

/// One model of two layers, two periods, one mode of Rayleigh waves, dc/dvs and dU/dvs.
struct Sample {
  Reals thickness{10, 0}, vp{5, 8}, vs{3, 4.5}, rho{2.5, 3.3};
  Batch inputs, truth;
  WaveAnswers answer{1, 2, {3, 3.2}, {2.9, 3}, {0, 0}, {1, 1}, {0.7, -0.5}};
  Reals phase_kernel{0.5, 0.2, 0.3, 0.4}, group_kernel{1, -0.2, 2, 0.1};
  std::vector<std::int64_t> work{40};

  Sample() {
    dispersion::ModelBatch models;
    models.append({thickness, vp, vs, rho}, Reals{1, 2});
    inputs = inputs_batch(models, {"sample"});
    truth = answers();
    truth.set("uncertainty", "", Reals{1e-12});
  }

  Batch answers() const {
    dispersion::Curves none;
    none.error.resize(1);
    none.work = work;
    Batch batch = answers_batch(none, {1, {false, false}});
    set_wave_answers(batch, Wave::rayleigh, answer);
    batch.set("rayleigh/kernel/dc_dvs", "1", phase_kernel, {1, 4});
    batch.set("rayleigh/kernel/dU_dvs", "1", group_kernel, {1, 4});
    return batch;
  }
  Assessment assess() const { return assess_curves(inputs, truth, answers(), 1); }
};

TEST(KernelNorm, RightAnswersHaveNoError) {
  const Assessment result = Sample().assess();
  EXPECT_EQ(metric(result, "kernel_rel_max"), 0);
  EXPECT_EQ(metric(result, "group_kernel_rel_max"), 0);
  EXPECT_EQ(metric(result, "kernels_compared"), 4);
  EXPECT_EQ(metric(result, "kernel_of_trivial"), 0);
  EXPECT_EQ(metric(result, "ellipticity_rel_max"), 0);
  EXPECT_TRUE(std::isnan(metric(result, "ellipticity_channel_rel_max"))); // no such point
  EXPECT_TRUE(std::isnan(metric(result, "kernels_over_curves")));         // not timed
}

TEST(KernelNorm, AnErrorIsMeasuredByTheLargestComponentOfItsKernel) {
  Sample sample;
  sample.phase_kernel[1] += 1e-6; // of the kernel whose largest component is 0.5
  sample.group_kernel[3] += 1e-5; // 2
  const Assessment result = sample.assess();
  EXPECT_NEAR(metric(result, "kernel_rel_max"), 2e-6, 1e-12);
  EXPECT_NEAR(metric(result, "group_kernel_rel_max"), 5e-6, 1e-12);
  EXPECT_GT(metric(result, "kernel_of_trivial"), 0);
}

TEST(KernelNorm, AKernelOfZerosHasAScale) {
  Sample sample;
  sample.phase_kernel = {0, 0, 0, 0};
  sample.truth = sample.answers();
  sample.truth.set("uncertainty", "", Reals{1e-12});
  EXPECT_EQ(metric(sample.assess(), "kernel_rel_max"), 0);
  sample.phase_kernel[0] = 1e-14; // of 3 km/s over 4.5 km/s
  EXPECT_NEAR(metric(sample.assess(), "kernel_rel_max"), 1e-14 / (1e-8 * 3 / 4.5), 1e-12);
  sample.phase_kernel[0] = 1e-9; // is no zero
  EXPECT_GT(metric(sample.assess(), "kernel_rel_max"), 0.1);
}

TEST(KernelNorm, OnlyDifferencesForgiveTinyKernels) {
  Sample sample;
  sample.phase_kernel = {1e-5, 0, 1e-5, 0};
  sample.truth = sample.answers();
  sample.truth.set("uncertainty", "", Reals{1e-12});
  sample.phase_kernel[0] *= 1 + 1e-3;
  EXPECT_NEAR(metric(sample.assess(), "kernel_rel_max"), 1e-3, 1e-9); // published
  sample.truth.set(kernel_floor_array, "", Reals{1e-3});
  EXPECT_NEAR(metric(sample.assess(), "kernel_rel_max"), 1e-8 / (1e-3 * 3 / 4.5), 1e-10);
}

TEST(KernelNorm, ANaNShows) {
  Sample sample;
  sample.phase_kernel[2] = nan;
  EXPECT_TRUE(std::isnan(metric(sample.assess(), "kernel_rel_max")));
  Sample last;
  last.phase_kernel[3] = nan;
  EXPECT_TRUE(std::isnan(metric(last.assess(), "kernel_rel_max")));
}

TEST(KernelNorm, WhatIsNotKnownIsNotCompared) {
  Sample sample;
  sample.truth.set("rayleigh/kernel/dc_dvs", "1", Reals{nan, nan, 0.3, 0.4}, {1, 4});
  sample.phase_kernel[0] = 99;
  const Assessment result = sample.assess();
  EXPECT_EQ(metric(result, "kernels_compared"), 3);
  EXPECT_EQ(metric(result, "kernel_rel_max"), 0);
}

TEST(KernelNorm, EllipticityOfChannelPointsIsApart) {
  Sample sample;
  sample.answer.ellipticity = {0.7 * (1 + 1e-8), -0.5 * (1 + 1e-5)};
  EXPECT_NEAR(metric(sample.assess(), "ellipticity_rel_max"), 1e-5, 1e-10);
  sample.answer.status[1] = static_cast<std::int64_t>(Status::channel);
  const Assessment result = sample.assess();
  EXPECT_NEAR(metric(result, "ellipticity_rel_max"), 1e-8, 1e-12);
  EXPECT_NEAR(metric(result, "ellipticity_channel_rel_max"), 1e-5, 1e-10);
}

TEST(KernelNorm, AnEllipticityOfTheWrongSignOrMissingShows) {
  Sample sample;
  sample.answer.ellipticity[0] *= -1;
  EXPECT_NEAR(metric(sample.assess(), "ellipticity_rel_max"), 2, 1e-12);
  sample.answer.ellipticity[0] = nan;
  EXPECT_TRUE(std::isnan(metric(sample.assess(), "ellipticity_rel_max")));
}

TEST(KernelNorm, PhaseAloneIsNotAskedForGroupVelocities) {
  Sample sample;
  sample.answer.group.clear();
  sample.answer.ellipticity.clear();
  const Assessment result = sample.assess();
  EXPECT_EQ(metric(result, "phase_rel_max"), 0);
  EXPECT_TRUE(std::isnan(metric(result, "group_rel_max")));
  EXPECT_TRUE(std::isnan(metric(result, "ellipticity_rel_max")));
}

TEST(KernelNorm, EvaluationsArePerLayerAndRoot) {
  Sample sample; // 40 layer evaluations, 2 layers, 2 roots
  EXPECT_EQ(metric(sample.assess(), "evaluations_per_root"), 10);
  sample.answer.phase[1] = nan;
  EXPECT_EQ(metric(sample.assess(), "evaluations_per_root"), 20);
  sample.answer.phase[0] = nan;
  EXPECT_TRUE(std::isnan(metric(sample.assess(), "evaluations_per_root")));
}

TEST(KernelNorm, DataHasTheKernelsLayerByLayer) {
  std::size_t found = 0;
  for (Dataset const& set : Sample().assess().data) {
    if (set.path == "kernel/offset") {
      ++found;
      EXPECT_EQ(std::get<std::vector<std::int64_t>>(set.values),
                (std::vector<std::int64_t>{0, 2, 4}));
    }
    if (set.path == "kernel/dc_dvs" || set.path == "truth/kernel/dc_dvs") {
      ++found;
      EXPECT_EQ(std::get<Reals>(set.values), Sample().phase_kernel);
    }
  }
  EXPECT_EQ(found, 3u);
}

// --- the trivial answer --------------------------------------------------------------------------

TEST(TrivialAnswer, ItsKernelsAreItsDerivatives) {
  const std::vector<Reals> models[] = {{{5, 10, 0}, {1.5, 5, 8}, {0, 3, 4.5}, {1, 2.5, 3.3}},
                                       {{4, 10, 0}, {4, 5, 8}, {2, 3, 4.5}, {2, 2.5, 3.3}},
                                       {{0}, {8}, {4.5}, {3.3}}};
  char const* const parameters[] = {"dh", "dvp", "dvs", "drho"};
  for (auto columns : models) {
    auto const velocity = [&] {
      return trivial_velocity({columns[0], columns[1], columns[2], columns[3]});
    };
    for (std::size_t p = 0; p < 4; ++p) {
      const Reals kernel = trivial_kernel({columns[0], columns[1], columns[2], columns[3]},
                                          std::string("dc_") + parameters[p]);
      for (std::size_t i = 0; i < kernel.size(); ++i) {
        double& x = columns[p][i];
        if (x == 0) continue; // water's vs, the half-space's thickness
        double const kept = x, step = 1e-5;
        x = kept + step;
        double const above = velocity();
        x = kept - step;
        double const below = velocity();
        x = kept;
        EXPECT_NEAR(kernel[i], (above - below) / (2 * step), 1e-9) << parameters[p] << " " << i;
      }
    }
  }
}

// --- generated models ----------------------------------------------------------------------------

std::unique_ptr<Problem> gradient() {
  Parameters p = defaults(dispersion_gradient_parameters());
  p.set("models", std::int64_t{3});
  p.set("layers", std::int64_t{5});
  p.set("periods", std::int64_t{6});
  p.set("truth", std::int64_t{2});
  p.set("differences", std::int64_t{2});
  return make_dispersion_gradient(p, {});
}

TEST(DispersionGradient, ExactKernelsMeetCentralDifferences) {
  Parameters p = defaults(dispersion_solver_parameters());
  p.set("kernels", kernel_names());
  auto const solver = make_dispersion_solver(p);
  const Assessment result = answered(*gradient(), *solver);
  if (!parallel::Comm().root()) return;
  EXPECT_EQ(metric(result, "kernels_compared"), 2 * 6 * (12 + 8)); // 2 models, no dE for Love
  EXPECT_LT(metric(result, "kernel_rel_max"), 1e-8);
  EXPECT_LT(metric(result, "group_kernel_rel_max"), 1e-7);
  EXPECT_LT(metric(result, "ellipticity_kernel_rel_max"), 1e-6);
  EXPECT_LT(metric(result, "kernel_of_trivial"), 1e-7);
  EXPECT_LT(metric(result, "phase_of_trivial"), 1e-10);
  EXPECT_GT(metric(result, "kernels_over_curves"), 0);
  EXPECT_LT(metric(result, "evaluations_per_root"), 30);
}

TEST(DispersionGradient, TruthByDifferencesTellsItsFloor) {
  const parallel::Comm comm;
  const Batch inputs = gradient()->draw(Split::test, 0, 3);
  const Batch truth = gradient()->truth(inputs, comm);
  if (comm.root()) {
    EXPECT_EQ(truth.reals(kernel_floor_array), Reals{1e-3});
  }
}

TEST(DispersionGradient, TrivialKernelsAreSeenToBeWrong) {
  Parameters p = defaults(halfspace_average_parameters());
  p.set("kernels", kernel_names());
  auto const trivial = make_halfspace_average(p);
  const Assessment result = answered(*gradient(), *trivial);
  if (!parallel::Comm().root()) return;
  EXPECT_GT(metric(result, "kernel_rel_max"), 0.5);
  EXPECT_EQ(metric(result, "kernel_of_trivial"), 1);
  EXPECT_EQ(metric(result, "phase_of_trivial"), 1);
  EXPECT_GT(metric(result, "ellipticity_rel_max"), 0.01);
}

TEST(DispersionGradient, PhaseAloneCostsLess) {
  auto const evaluations = [](bool group) {
    Parameters p = defaults(dispersion_solver_parameters());
    p.set("group", group);
    auto const solver = make_dispersion_solver(p);
    answered(*gradient(), *solver);
    for (Counter const& counter : solver->cost().counters)
      if (counter.name == "layer_evaluations") return counter.value;
    return std::int64_t{0};
  };
  const std::int64_t phase = evaluations(false), all = evaluations(true);
  if (!parallel::Comm().root()) return;
  EXPECT_GT(phase, 0);
  EXPECT_LT(phase, all);
}

TEST(DispersionGradient, ModelsPerRankNeedALaunch) {
  Parameters p = defaults(dispersion_gradient_parameters());
  p.set("models", std::int64_t{7});
  EXPECT_EQ(make_dispersion_gradient(p, {"", 3})->count(Split::test), 7u);
  p.set("per_rank", true);
  EXPECT_EQ(make_dispersion_gradient(p, {"", 3})->count(Split::test), 21u);
  try {
    make_dispersion_gradient(p, {});
    FAIL() << "accepted";
  } catch (Error const& error) {
    EXPECT_NE(std::string(error.what()).find("axis `ranks`"), std::string::npos) << error.what();
  }
}

// --- published kernels ---------------------------------------------------------------------------

constexpr char file[] = R"({"format": "surface-wave-reference/1", "cases": [
 {"name": "one", "model": {"thickness": [10, 0], "vp": [5, 8], "vs": [3, 4.5], "rho": [2.5, 3.3]},
  "periods": [5, 10], "mode_count": {"rayleigh": [1, 1], "love": [1, 1]},
  "modes": [{"wave": "rayleigh", "mode": 0, "phase": [2.9, 3.2], "group": [2.7, 2.8],
             "ellipticity": [0.7, null]},
            {"wave": "love", "mode": 0, "phase": [3.3, 3.6], "group": [3.1, 3.2]}],
  "kernels": [{"wave": "rayleigh", "mode": 0, "period": 10, "phase": 3.2,
               "dc_dvs": [0.25, 0.5], "dU_dvs": [1, 2]}]}]})";

class PublishedKernels : public testing::Test {
protected:
  PublishedKernels()
      : _folder(fs::temp_directory_path() / ("moho_kernels_" + std::to_string(::getpid()))) {
    fs::create_directories(_folder);
  }
  ~PublishedKernels() override { fs::remove_all(_folder); }
  std::unique_ptr<Problem> problem(std::string const& text) const {
    write_atomically((_folder / "one.json").string(), text);
    Parameters p;
    p.set("files", Strings{"one"});
    p.set("cases", Strings{});
    return make_dispersion_reference(p, {_folder.string()});
  }
  fs::path _folder;
};

TEST_F(PublishedKernels, StandAtTheirPointAndNowhereElse) {
  auto const reference = problem(file);
  const Batch inputs = reference->draw(Split::test, 0, 1);
  const Batch truth = reference->truth(inputs, parallel::Comm::self());
  const Reals kernel = truth.reals("rayleigh/kernel/dc_dvs");
  ASSERT_EQ(kernel.size(), 4u);
  EXPECT_TRUE(std::isnan(kernel[0]) && std::isnan(kernel[1]));
  EXPECT_EQ(kernel[2], 0.25);
  EXPECT_EQ(kernel[3], 0.5);
  EXPECT_EQ(truth.reals("rayleigh/kernel/dU_dvs")[3], 2);
  EXPECT_FALSE(truth.has("rayleigh/kernel/dc_dh"));
  EXPECT_FALSE(truth.has(kernel_floor_array)); // known to the last digit
  EXPECT_FALSE(truth.has("love/kernel/dc_dvs"));
  const Reals ellipticity = wave_answers(truth, Wave::rayleigh).ellipticity;
  EXPECT_EQ(ellipticity.at(0), 0.7);
  EXPECT_TRUE(std::isnan(ellipticity.at(1)));
  EXPECT_TRUE(wave_answers(truth, Wave::love).ellipticity.empty());
}

TEST_F(PublishedKernels, OfTheWrongLengthAreRefused) {
  std::string wrong = file;
  wrong.replace(wrong.find("[0.25, 0.5]"), 11, "[0.25]");
  try {
    problem(wrong);
    FAIL() << "accepted";
  } catch (Error const& error) {
    EXPECT_NE(std::string(error.what()).find("kernels[0].dc_dvs"), std::string::npos)
        << error.what();
  }
}

} // namespace
} // namespace moho::study
