// SPDX-License-Identifier: BSD-3-Clause
// Problem dispersion-prior: blocks, splits, refused parameters; the arrays of a block; certificates
// that are counted again; kernels on any number of ranks.
#include "moho/core/error.hpp"
#include "moho/dispersion/priors.hpp"
#include "moho/study/dispersion_arrays.hpp"
#include "moho/study/dispersion_batch.hpp"
#include "moho/study/dispersion_kernels.hpp"
#include "moho/study/dispersion_prior.hpp"
#include "moho/study/dispersion_problem.hpp"
#include "unit/study/dispersion_support.hpp"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <map>
#include <set>

namespace moho::study {
namespace {

using dispersion::ModelBatch;
using dispersion::Status;
using dispersion::Wave;
using test_support::metric;
using Settings = std::map<std::string, Value>;

std::unique_ptr<Problem> problem(Settings const& settings = {}) {
  Parameters parameters = defaults(dispersion_prior_parameters());
  for (auto const& [key, value] : settings) parameters.set(key, value);
  return make_dispersion_prior(parameters, {});
}

Value text(char const* value) {
  return std::string(value);
}
Value number(std::int64_t value) {
  return value;
}

Batch all_of(Problem const& asked) {
  return asked.draw(asked.asked(), 0, asked.count(asked.asked()));
}

Batch solved(Batch const& inputs, dispersion::SolveOptions const& options) {
  return answers_batch(dispersion::solve(model_batch(inputs), options), options);
}

void expect_refused(Settings const& settings, std::vector<std::string> const& parts) {
  test_support::expect_refused([&] { problem(settings); }, parts);
}

TEST(DispersionPrior, BlocksEndToEndAreTheWholeSet) {
  for (char const* prior : {"strong", "weak", "random"}) {
    const Settings whole{{"prior", text(prior)}, {"models", number(10)}};
    const Batch all = all_of(*problem(whole));
    ASSERT_EQ(all.count(), 10u);
    std::vector<double> vs, periods;
    std::vector<std::string> names;
    for (std::int64_t block = 0; block < 3; ++block) {
      Settings part = whole;
      part["block_size"] = number(4);
      part["block"] = number(block);
      const Batch one = all_of(*problem(part));
      EXPECT_EQ(one.count(), block < 2 ? 4u : 2u);
      for (double const v : one.reals("vs")) vs.push_back(v);
      for (double const t : one.reals("period")) periods.push_back(t);
      names.insert(names.end(), one.labels.begin(), one.labels.end());
    }
    EXPECT_EQ(vs, all.reals("vs")) << prior;
    EXPECT_EQ(periods, all.reals("period")) << prior;
    EXPECT_EQ(names, all.labels) << prior;
  }
}

TEST(DispersionPrior, SplitsShareNoModelAndAStudyAsksForOne) {
  std::set<std::int64_t> hashes;
  std::size_t drawn = 0;
  for (char const* split : {"train", "validation", "test"}) {
    auto const asked = problem({{"split", text(split)}, {"models", number(50)}});
    const ModelBatch models = model_batch(all_of(*asked));
    EXPECT_NE(all_of(*asked).labels[0].find(split), std::string::npos);
    for (std::size_t i = 0; i < models.size(); ++i, ++drawn)
      hashes.insert(model_hash(models.model(i)));
    // What is asked does not change what the splits are.
    const Batch train = asked->draw(Split::train, 0, 2);
    EXPECT_EQ(train.reals("vs"), problem()->draw(Split::train, 0, 2).reals("vs"));
  }
  EXPECT_EQ(hashes.size(), drawn);
  EXPECT_EQ(problem()->asked(), Split::test);
}

TEST(DispersionPrior, OwnPeriodsOrThoseGiven) {
  EXPECT_EQ(all_of(*problem({{"models", number(1)}})).reals("period").size(), 59u);
  const std::vector<double> given{3, 8.5};
  const Batch batch = all_of(*problem({{"models", number(2)}, {"periods", given}}));
  EXPECT_EQ(batch.reals("period"), (std::vector<double>{3, 8.5, 3, 8.5}));
}

TEST(DispersionPrior, RefusesWhatMakesNoSense) {
  const Settings blocks{{"models", number(100)}, {"block_size", number(30)}};
  auto const with = [&](std::int64_t block) {
    Settings settings = blocks;
    settings["block"] = number(block);
    return settings;
  };
  EXPECT_EQ(problem(with(3))->count(Split::test), 10u);
  expect_refused(with(4), {"problem.block = 4", "100 models", "blocks of 30", "0 .. 3"});
  expect_refused({{"block", number(1)}}, {"problem.block = 1", "0 .. 0"});
  expect_refused({{"prior", text("random")}, {"store", text("float32")}},
                 {"problem.store", "random prior", "none"});
  expect_refused({{"periods", std::vector<double>{1, 0}}}, {"problem.periods"});
}

TEST(DispersionPrior, ChecksPassAndControlsToo) {
  for (char const* prior : {"strong", "random"})
    for (Check const& check :
         problem({{"prior", text(prior)}, {"models", number(20)}})->verify(parallel::Comm::self()))
      EXPECT_TRUE(check.pass()) << check.name << " = " << check.value;
}

// --- certificates --------------------------------------------------------------------------------

/// 30 random sites with two modes, and answers that a test may spoil.
struct Answered {
  std::unique_ptr<Problem> asked = problem({{"prior", text("random")},
                                            {"models", number(30)},
                                            {"recheck", number(30)},
                                            {"keep", number(0)}});
  Batch inputs = all_of(*asked), answers;
  Answered() {
    dispersion::SolveOptions options;
    options.modes = 2;
    answers = solved(inputs, options);
  }
  Assessment assess() const {
    return asked->assess(inputs, asked->truth(inputs, parallel::Comm::self()), answers);
  }
  /// A root that is certified in double precision.
  static std::size_t a_root(WaveAnswers const& values) {
    return static_cast<std::size_t>(std::find(values.status.begin(), values.status.end(),
                                              static_cast<std::int64_t>(Status::ok)) -
                                    values.status.begin());
  }
};

TEST(Certificates, HoldForWhatTheSolverSays) {
  const Answered answered;
  const Assessment result = answered.assess();
  EXPECT_EQ(metric(result, "certificates_broken"), 0);
  EXPECT_EQ(metric(result, "points_not_finite"), 0);
  double const points = metric(result, "points");
  EXPECT_EQ(points, 30 * 10 * 2 * 2);
  double sum = 0;
  for (char const* status : {"ok", "absent", "extended", "multivalued", "channel", "failed"})
    sum += metric(result, std::string("points_") + status);
  EXPECT_EQ(sum, points);
  EXPECT_EQ(metric(result, "certificates_checked"), points - metric(result, "points_absent") -
                                                        metric(result, "points_failed") -
                                                        metric(result, "points_multivalued"));
}

TEST(Certificates, EveryKindOfWrongRootIsBroken) {
  const Answered sound;
  for (double const factor : {1 + 1e-8, 1 - 1e-8, std::nan("")}) {
    Answered wrong;
    WaveAnswers values = wave_answers(sound.answers, Wave::rayleigh);
    const std::size_t at = Answered::a_root(values);
    values.phase[at] *= factor;
    set_wave_answers(wrong.answers, Wave::rayleigh, values);
    const Assessment result = wrong.assess();
    EXPECT_EQ(metric(result, "certificates_broken"), 1) << factor;
    EXPECT_EQ(metric(result, "points_not_finite"), std::isnan(factor) ? 1 : 0);
  }
  Answered swapped; // mode 1 said to be mode 0
  WaveAnswers values = wave_answers(sound.answers, Wave::love);
  for (std::size_t p = 0; p < values.points; ++p)
    if (values.status[values.points + p] == static_cast<std::int64_t>(Status::ok)) {
      values.phase[p] = values.phase[values.points + p];
      break;
    }
  set_wave_answers(swapped.answers, Wave::love, values);
  EXPECT_EQ(metric(swapped.assess(), "certificates_broken"), 1);
}

// --- arrays of a block ---------------------------------------------------------------------------

Dataset const& find(std::vector<Dataset> const& data, std::string const& path) {
  for (Dataset const& set : data)
    if (set.path == path) return set;
  throw std::runtime_error("no " + path);
}

bool has(std::vector<Dataset> const& data, std::string const& path) {
  return std::any_of(data.begin(), data.end(), [&](auto const& set) { return set.path == path; });
}

/// Two strong models at three periods; kernels whose values tell where they belong.
struct Block {
  Batch inputs =
      all_of(*problem({{"models", number(2)}, {"periods", std::vector<double>{5, 9, 30}}}));
  Batch answers;
  static constexpr std::size_t models = 2, modes = 2, periods = 3, rows = 256;

  static double value(std::size_t i, std::size_t m, std::size_t t, std::size_t k) {
    return static_cast<double>(((i * 10 + m) * 10 + t) * 1000 + k) + 0.1;
  }
  Block() {
    dispersion::SolveOptions options;
    options.modes = modes;
    answers = solved(inputs, options);
    std::vector<double> kernel;
    for (std::size_t m = 0; m < modes; ++m)
      for (std::size_t i = 0; i < models; ++i)
        for (std::size_t t = 0; t < periods; ++t)
          for (std::size_t k = 0; k < rows; ++k) kernel.push_back(value(i, m, t, k));
    for (char const* name : {"rayleigh/kernel/dc_dvp", "love/kernel/dc_dvp", "love/kernel/dc_dvs"})
      answers.set(name, "1", kernel, {modes, models * periods * rows});
  }
};

TEST(BlockArrays, StandModelByModel) {
  const Block block;
  auto const data = block_datasets(block.inputs, block.answers, 40, Precision::float64);
  const WaveAnswers answers = wave_answers(block.answers, Wave::love);
  Dataset const& phase = find(data, "set/love/phase");
  EXPECT_EQ(phase.shape, (std::vector<std::size_t>{2, 2, 3}));
  auto const& kernel = std::get<std::vector<double>>(find(data, "set/love/dc_dvs").values);
  for (std::size_t i = 0; i < 2; ++i)
    for (std::size_t m = 0; m < 2; ++m)
      for (std::size_t t = 0; t < 3; ++t) {
        const std::size_t at = (i * 2 + m) * 3 + t;
        double const here = std::get<std::vector<double>>(phase.values)[at];
        double const there = answers.phase[(m * 2 + i) * 3 + t];
        EXPECT_EQ(std::memcmp(&here, &there, sizeof here), 0);
        for (std::size_t k : {0, 7, 255}) EXPECT_EQ(kernel[at * 256 + k], Block::value(i, m, t, k));
      }
  EXPECT_EQ(std::get<std::vector<std::int64_t>>(find(data, "set/index").values),
            (std::vector<std::int64_t>{40, 41}));
  EXPECT_EQ(std::get<std::vector<double>>(find(data, "set/vs").values), block.inputs.reals("vs"));
  EXPECT_EQ(find(data, "set/thickness").values.index(), 0u);
  EXPECT_EQ(std::get<std::vector<double>>(find(data, "set/period").values),
            (std::vector<double>{5, 9, 30}));
  EXPECT_TRUE(has(data, "set/rayleigh/dc_dvp"));
  EXPECT_FALSE(has(data, "set/love/dc_dvp")) << "zeros, not worth the space";
  EXPECT_FALSE(has(data, "set/rayleigh/dc_dvs")) << "not asked for";
}

TEST(BlockArrays, KernelsInSinglePrecisionOneChunkPerModel) {
  const Block block;
  auto const data = block_datasets(block.inputs, block.answers, 0, Precision::float32);
  Dataset const& kernel = find(data, "set/love/dc_dvs");
  EXPECT_EQ(kernel.shape, (std::vector<std::size_t>{2, 2, 3, 256}));
  EXPECT_EQ(kernel.chunk, (std::vector<std::size_t>{1, 2, 3, 256}));
  EXPECT_EQ(std::get<std::vector<float>>(kernel.values)[3 * 256 + 5],
            static_cast<float>(Block::value(0, 1, 0, 5)));
  EXPECT_NO_THROW(std::get<std::vector<double>>(find(data, "set/love/phase").values));
}

TEST(BlockArrays, WhatWasNotAskedForIsNotThere) {
  dispersion::SolveOptions options;
  options.group = false;
  options.waves = {false, true};
  const Batch inputs = all_of(*problem({{"models", number(2)}}));
  auto const data = block_datasets(inputs, solved(inputs, options), 0, Precision::float32);
  EXPECT_TRUE(has(data, "set/love/phase"));
  EXPECT_FALSE(has(data, "set/love/group"));
  EXPECT_FALSE(has(data, "set/rayleigh/phase"));
}

TEST(BlockArrays, UnequalModelsAreRefused) {
  const Batch inputs = all_of(*problem({{"prior", text("random")}, {"models", number(2)}}));
  EXPECT_THROW(block_datasets(inputs, Batch(2), 0, Precision::float32), Error);
}

TEST(BlockArrays, HashTellsModelsApart) {
  const Batch inputs = all_of(*problem({{"models", number(2)}}));
  const ModelBatch models = model_batch(inputs);
  EXPECT_NE(model_hash(models.model(0)), model_hash(models.model(1)));
  EXPECT_EQ(model_hash(models.model(0)), model_hash(model_batch(inputs).model(0)));
  std::vector<double> rho(models.model(0).rho.begin(), models.model(0).rho.end());
  rho[200] = std::nextafter(rho[200], 9);
  dispersion::LayeredModel changed = models.model(0);
  changed.rho = rho;
  EXPECT_NE(model_hash(changed), model_hash(models.model(0)));
}

// --- kernels -------------------------------------------------------------------------------------

TEST(Kernels, NamesUnitsAndRows) {
  ASSERT_EQ(kernel_names().size(), 12u);
  EXPECT_EQ(kernel_units("dc_dvs"), "1");
  EXPECT_EQ(kernel_units("dc_dh"), "km/s/km");
  EXPECT_EQ(kernel_units("dU_drho"), "km/s/(g/cm3)");
  EXPECT_EQ(kernel_units("dE_dvp"), "1/(km/s)");
  EXPECT_THROW(kernel_units("dc_dx"), Error);
  const ModelBatch models =
      model_batch(all_of(*problem({{"prior", text("random")}, {"models", number(3)}})));
  auto const offset = kernel_offset(models);
  ASSERT_EQ(offset.size(), models.points() + 1);
  EXPECT_EQ(offset[10], static_cast<std::int64_t>(10 * models.model(0).layers()));
  EXPECT_EQ(offset[11] - offset[10], static_cast<std::int64_t>(models.model(1).layers()));
}

TEST(Kernels, AreThoseOfEachPointOnAnyNumberOfRanks) {
  const parallel::Comm comm;
  // Enough rows for several slices: 256 x 59 x 2 waves x 2 modes x 20 models.
  const ModelBatch models = model_batch(all_of(*problem({{"models", number(20)}})));
  dispersion::SolveOptions options;
  options.modes = 2;
  const dispersion::Curves curves = solve_distributed(comm, models, options);
  Batch answers(models.size());
  append_kernels(comm, models, curves, options, {"dc_dvs", "dU_drho", "dE_dh"}, answers);
  if (!comm.root()) return;
  EXPECT_TRUE(answers.has("rayleigh/kernel/dE_dh"));
  EXPECT_FALSE(answers.has("love/kernel/dE_dh"));
  EXPECT_FALSE(answers.has("love/kernel/dc_dh"));
  auto const kernel = answers.reals("love/kernel/dc_dvs");
  auto const offset = kernel_offset(models);
  auto const rows = static_cast<std::size_t>(offset.back());
  ASSERT_EQ(answers.at("love/kernel/dc_dvs").shape, (std::vector<std::size_t>{2, rows}));
  auto const& of = curves.wave[static_cast<std::size_t>(Wave::love)];
  std::size_t present = 0, absent = 0;
  for (std::size_t m = 0; m < 2; ++m)
    for (std::size_t p = 0; p < models.points(); p += 7) {
      double const* const row = kernel.data() + m * rows + offset[p];
      double const phase = of.phase[m * models.points() + p];
      (std::isfinite(phase) ? present : absent) += 1;
      if (!std::isfinite(phase)) {
        EXPECT_TRUE(std::isnan(row[0]) && std::isnan(row[255]));
        continue;
      }
      const std::size_t i = p / 59;
      auto const alone = dispersion::sensitivities(
          models, {{static_cast<std::int64_t>(i), Wave::love, models.periods(i)[p % 59], phase,
                    of.status[m * models.points() + p] == Status::extended}});
      EXPECT_EQ(std::memcmp(row, alone.dphase.vs.data(), 256 * sizeof(double)), 0);
    }
  EXPECT_GT(present, 200u);
  EXPECT_GT(absent, 0u) << "no absent mode: NaN was not tested";
}

} // namespace
} // namespace moho::study
