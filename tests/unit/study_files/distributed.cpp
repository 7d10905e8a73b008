// SPDX-License-Identifier: BSD-3-Clause
// A batch solved by all ranks gives the same bits as one rank, and errors reach every rank.
#include "fake_solver.hpp"
#include "moho/core/error.hpp"
#include "moho/study/dispersion_batch.hpp"
#include "support/mpi_support.hpp"
#include <chrono>
#include <cstring>
#include <gtest/gtest.h>
#include <thread>

namespace moho {
namespace {

using dispersion::Curves;
using dispersion::ModelBatch;
using dispersion::SolveOptions;
using parallel::Comm;
using study::solve_distributed;

/// Models of 1 .. 7 rows with 0 .. 4 periods; every tenth is unsound.
ModelBatch mixed_batch(std::size_t n) {
  ModelBatch batch;
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t rows = 1 + i % 7;
    std::vector<double> thickness(rows, 1.0), vp, vs, rho(rows, 2.5), periods;
    if (i % 10 != 9) thickness.back() = 0;
    for (std::size_t row = 0; row < rows; ++row) {
      vs.push_back(2 + 0.01 * static_cast<double>(i) + 0.1 * static_cast<double>(row));
      vp.push_back(1.8 * vs.back());
    }
    for (std::size_t p = 0; p < (i + 3) % 5; ++p) periods.push_back(static_cast<double>(5 + p));
    batch.append({thickness, vp, vs, rho}, periods);
  }
  return batch;
}

SolveOptions three_modes() {
  SolveOptions options;
  options.modes = 3;
  return options;
}

template <class T>
bool same_bits(std::vector<T> const& a, std::vector<T> const& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

void expect_same(Curves const& a, Curves const& b) {
  EXPECT_EQ(a.modes, b.modes);
  EXPECT_EQ(a.points, b.points);
  EXPECT_EQ(a.error, b.error);
  EXPECT_EQ(a.work, b.work);
  EXPECT_EQ(a.flops, b.flops);
  for (std::size_t w = 0; w < 2; ++w) {
    EXPECT_TRUE(same_bits(a.wave[w].mode_count, b.wave[w].mode_count));
    EXPECT_TRUE(same_bits(a.wave[w].phase, b.wave[w].phase));
    EXPECT_TRUE(same_bits(a.wave[w].group, b.wave[w].group));
    EXPECT_TRUE(same_bits(a.wave[w].ellipticity, b.wave[w].ellipticity));
    EXPECT_TRUE(same_bits(a.wave[w].status, b.wave[w].status));
  }
  EXPECT_EQ(a.flags.size(), b.flags.size());
  for (std::size_t i = 0; i < std::min(a.flags.size(), b.flags.size()); ++i) {
    EXPECT_EQ(a.flags[i].case_index, b.flags[i].case_index);
    EXPECT_EQ(a.flags[i].wave, b.flags[i].wave);
    EXPECT_EQ(a.flags[i].period_index, b.flags[i].period_index);
    EXPECT_EQ(a.flags[i].mode, b.flags[i].mode);
    EXPECT_EQ(a.flags[i].kind, b.flags[i].kind);
    EXPECT_EQ(a.flags[i].reason, b.flags[i].reason);
    EXPECT_EQ(a.flags[i].roots.size(), b.flags[i].roots.size());
  }
}

TEST(SolveDistributed, GivesTheBitsOfOneRank) {
  const Comm comm;
  for (std::size_t n : {1u, 3u, 50u, 301u})
    for (std::array<bool, 2> waves : {std::array{true, true}, std::array{false, true}}) {
      const ModelBatch batch = mixed_batch(n);
      SolveOptions options = three_modes();
      options.waves = waves;
      const Curves all = solve_distributed(comm, batch, options, {}, test::fake_solve);
      if (comm.root())
        expect_same(all, test::fake_solve(batch, options));
      else
        EXPECT_TRUE(all.error.empty() && all.wave[0].phase.empty());
    }
}

TEST(SolveDistributed, UnequalSpeedsChangeNothing) {
  const Comm comm;
  const ModelBatch batch = mixed_batch(60);
  auto const slow = [&](ModelBatch const& part, SolveOptions const& options) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1 + 4 * comm.rank()));
    return test::fake_solve(part, options);
  };
  const Curves all = solve_distributed(comm, batch, three_modes(), {}, slow);
  if (comm.root()) expect_same(all, test::fake_solve(batch, three_modes()));
}

TEST(SolveDistributed, ReportsProgressOnTheRootUpToTheEnd) {
  const Comm comm;
  std::size_t calls = 0, last = 0;
  auto const progress = [&](std::size_t done, std::size_t total) {
    EXPECT_GT(done, last);
    EXPECT_EQ(total, 60u);
    last = done;
    ++calls;
  };
  solve_distributed(comm, mixed_batch(60), three_modes(), progress, test::fake_solve);
  EXPECT_EQ(last, comm.root() ? 60u : 0u);
  EXPECT_EQ(calls > 0, comm.root());
}

TEST(SolveDistributed, AnErrorOnOneRankReachesAll) {
  const Comm comm;
  int const failing = comm.size() - 1;
  auto const throwing = [&](ModelBatch const& part, SolveOptions const& options) {
    if (comm.rank() == failing) throw Error("rank made to fail", ExitCode::crashed);
    return test::fake_solve(part, options);
  };
  try {
    solve_distributed(comm, mixed_batch(60), three_modes(), {}, throwing);
    ADD_FAILURE() << "no error on rank " << comm.rank();
  } catch (Error const& error) {
    EXPECT_STREQ(error.what(), "rank made to fail");
    EXPECT_EQ(error.code(), ExitCode::crashed);
  }
  comm.barrier(); // every rank is here: none was left in a collective
}

TEST(SolveDistributed, ASolverThatForgetsCasesIsADefect) {
  const Comm comm;
  auto const forgetful = [](ModelBatch const& part, SolveOptions const& options) {
    Curves curves = test::fake_solve(part, options);
    curves.error.pop_back();
    return curves;
  };
  EXPECT_THROW(solve_distributed(comm, mixed_batch(20), three_modes(), {}, forgetful), Error);
}

std::vector<dispersion::RootPoint> some_points(ModelBatch const& batch, std::size_t n) {
  std::vector<dispersion::RootPoint> points;
  for (std::size_t i = 0; i < n; ++i)
    points.push_back({static_cast<std::int64_t>(7 * i % batch.size()),
                      static_cast<dispersion::Wave>(i % 2), 1.0 + static_cast<double>(i % 130),
                      2.0 + 0.01 * static_cast<double>(i), i % 5 == 0});
  return points;
}

void expect_same(dispersion::Sensitivities const& a, dispersion::Sensitivities const& b) {
  EXPECT_EQ(a.offset, b.offset);
  EXPECT_EQ(a.reason, b.reason);
  EXPECT_TRUE(same_bits(a.group, b.group));
  EXPECT_TRUE(same_bits(a.ellipticity, b.ellipticity));
  for (auto gradient : {&dispersion::Sensitivities::dphase, &dispersion::Sensitivities::dgroup,
                        &dispersion::Sensitivities::dellipticity})
    for (auto column : {&dispersion::Gradient::thickness, &dispersion::Gradient::vp,
                        &dispersion::Gradient::vs, &dispersion::Gradient::rho})
      EXPECT_TRUE(same_bits(a.*gradient.*column, b.*gradient.*column));
}

TEST(SensitivitiesDistributed, GiveTheBitsOfOneRank) {
  const Comm comm;
  const ModelBatch batch = mixed_batch(30);
  for (std::size_t n : {0u, 1u, 5u, 400u})
    for (bool all : {true, false}) {
      const dispersion::SensitivityOptions options{all, all};
      auto const points = some_points(batch, n);
      auto const found = study::sensitivities_distributed(
          comm, batch, comm.root() ? points : std::vector<dispersion::RootPoint>(), options,
          test::fake_sensitivities);
      if (comm.root())
        expect_same(found, test::fake_sensitivities(batch, points, options));
      else
        EXPECT_TRUE(found.offset.empty() && found.group.empty());
    }
}

TEST(SensitivitiesDistributed, AnErrorOrAGapReachesAllRanks) {
  const Comm comm;
  const ModelBatch batch = mixed_batch(30);
  auto const points = some_points(batch, 50);
  int const failing = comm.size() - 1;
  auto const throwing = [&](auto const&... arguments) {
    if (comm.rank() == failing) throw Error("rank made to fail", ExitCode::crashed);
    return test::fake_sensitivities(arguments...);
  };
  EXPECT_THROW(study::sensitivities_distributed(comm, batch, points, {}, throwing), Error);
  auto const forgetful = [](auto const&... arguments) {
    auto found = test::fake_sensitivities(arguments...);
    found.dgroup.vs.pop_back();
    return found;
  };
  EXPECT_THROW(study::sensitivities_distributed(comm, batch, points, {}, forgetful), Error);
  comm.barrier();
}

TEST(BroadcastBatch, GivesEveryRankTheRootsBatch) {
  const Comm comm;
  const ModelBatch mine = comm.root() ? mixed_batch(20) : ModelBatch();
  const ModelBatch batch = study::broadcast_batch(comm, mine);
  EXPECT_EQ(batch.size(), 20u);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    auto const expected = mixed_batch(20);
    EXPECT_TRUE(std::ranges::equal(batch.model(i).vs, expected.model(i).vs));
    EXPECT_TRUE(std::ranges::equal(batch.model(i).thickness, expected.model(i).thickness));
    EXPECT_TRUE(std::ranges::equal(batch.periods(i), expected.periods(i)));
  }
}

TEST(PredictedCosts, GrowWithLayersPeriodsModesAndWaves) {
  ModelBatch batch;
  const std::vector<double> two(2, 1.0), three(3, 1.0);
  batch.append({two, two, two, two}, three);
  batch.append({three, three, three, three}, {});
  SolveOptions options;
  EXPECT_EQ(study::predicted_costs(batch, options), (std::vector<double>{12, 1}));
  options.modes = 5;
  options.waves = {true, false};
  EXPECT_EQ(study::predicted_costs(batch, options), (std::vector<double>{30, 1}));
}

} // namespace
} // namespace moho
