// SPDX-License-Identifier: BSD-3-Clause
// What a list of cases asks for is answered in its order, by any number of ranks.
#include "moho/study/dispersion_cases.hpp"
#include "support/mpi_support.hpp"
#include <cmath>
#include <gtest/gtest.h>

namespace moho {
namespace {

using dispersion::Status;
using dispersion::Wave;
using parallel::Comm;
using study::CaseAnswers;
using study::CaseOptions;
using study::DispersionCase;
using study::KernelRequest;
using study::solve_cases;

DispersionCase crust(std::string name, double vs, std::vector<KernelRequest> kernels) {
  DispersionCase one{std::move(name), {35, 0},     {6.3, 8.1},         {vs, 4.6},
                     {2.8, 3.3},      {30, 5, 10}, std::move(kernels), ""};
  return one;
}

/// Requests at listed and other periods, modes that are absent or past any limit, a bad case.
std::vector<DispersionCase> asking() {
  DispersionCase bad;
  bad.name = "bad";
  bad.error = "made up";
  return {crust("a", 3.6,
                {{Wave::rayleigh, 0, 10},
                 {Wave::love, 1, 5},
                 {Wave::rayleigh, 0, 17},
                 {Wave::love, 3, 3},
                 {Wave::love, 7, 50},
                 {Wave::rayleigh, 2000000000, 10}}),
          bad, crust("b", 3.5, {}),
          crust("c", 3.4, {{Wave::rayleigh, 1, 4}, {Wave::rayleigh, 0, 10}})};
}

std::vector<DispersionCase> on_root(Comm const& comm, std::vector<DispersionCase> cases) {
  return comm.root() ? std::move(cases) : std::vector<DispersionCase>();
}

TEST(SolveCases, AnswersEveryRequestInItsPlace) {
  const Comm comm;
  auto cases = on_root(comm, asking());
  CaseOptions options;
  options.solve.modes = 2;
  const CaseAnswers found = solve_cases(comm, cases, options);
  if (!comm.root()) return;
  auto const& kernels = found.kernels;
  auto const& of = kernels.sensitivities;
  EXPECT_EQ(of.offset, (std::vector<std::int64_t>{0, 2, 4, 6, 8, 10, 12, 14, 16}));
  ASSERT_EQ(kernels.phase.size(), 8u);
  const std::vector<bool> known{true, true, true, true, false, false, true, true};
  for (std::size_t k = 0; k < 8; ++k) {
    EXPECT_EQ(std::isfinite(kernels.phase[k]), known[k]) << k;
    EXPECT_EQ(of.reason[k].empty(), known[k]) << k << of.reason[k];
    EXPECT_EQ(std::isfinite(of.dphase.vs[2 * k]), known[k]) << k;
  }
  EXPECT_NE(of.reason[4].find("mode 7 is absent at 50 s"), std::string::npos) << of.reason[4];
  EXPECT_EQ(kernels.status[4], Status::absent);
  EXPECT_NE(of.reason[5].find("20000"), std::string::npos) << of.reason[5];
  EXPECT_TRUE(std::isnan(of.ellipticity[1])); // Love
  // A listed point is that of the curves; the same point asked of another case is another one.
  EXPECT_EQ(kernels.phase[0], found.curves.wave[0].phase[2]);
  EXPECT_EQ(kernels.phase[1], found.curves.wave[1].phase[found.curves.points + 1]);
  EXPECT_NE(kernels.phase[7], kernels.phase[0]);
  // Each is the kernel of its own request: c grows with vs, and by Euler's theorem (rho -> g rho
  // leaves c alone) the density kernel has no projection on the density.
  for (std::size_t k = 0; k < 8; ++k) {
    if (!known[k]) continue;
    EXPECT_NEAR(of.dphase.rho[2 * k] * 2.8 + of.dphase.rho[2 * k + 1] * 3.3, 0, 1e-9) << k;
    double const by_h = 35 * of.dphase.thickness[2 * k]; // = omega dc/domega = c (1 - c / U)
    EXPECT_NEAR(by_h, kernels.phase[k] * (1 - kernels.phase[k] / of.group[k]), 1e-8) << k;
  }
}

TEST(SolveCases, AnswersDoNotDependOnRanksOrOtherRequests) {
  const Comm comm;
  CaseOptions options;
  options.solve.modes = 2;
  for (bool flatten : {false, true}) {
    if (flatten) options.flatten.emplace();
    auto cases = on_root(comm, asking());
    const CaseAnswers all = solve_cases(comm, cases, options);
    if (!comm.root()) continue;
    auto again = asking();
    const CaseAnswers alone = solve_cases(Comm::self(), again, options);
    for (std::size_t k = 0; k < alone.kernels.phase.size(); ++k) {
      if (std::isnan(alone.kernels.phase[k])) continue;
      EXPECT_EQ(all.kernels.phase[k], alone.kernels.phase[k]);
      EXPECT_EQ(all.kernels.sensitivities.dgroup.vs[2 * k],
                alone.kernels.sensitivities.dgroup.vs[2 * k]);
    }
    for (std::size_t w = 0; w < 2; ++w)
      for (std::size_t i = 0; i < all.curves.wave[w].phase.size(); ++i)
        EXPECT_TRUE(all.curves.wave[w].phase[i] == alone.curves.wave[w].phase[i] ||
                    std::isnan(alone.curves.wave[w].phase[i]));
  }
}

TEST(SolveCases, AddsAKernelOfEveryRootOnce) {
  const Comm comm;
  auto cases = on_root(comm, asking());
  CaseOptions options;
  options.solve.modes = 2;
  options.solve.waves = {true, false};
  options.kernels = true;
  const CaseAnswers found = solve_cases(comm, cases, options);
  if (!comm.root()) return;
  std::size_t roots = 0;
  for (double const phase : found.curves.wave[0].phase) roots += std::isfinite(phase);
  std::size_t requests = 0;
  for (DispersionCase const& one : cases) {
    requests += one.kernels.size();
    for (KernelRequest const& request : one.kernels) EXPECT_EQ(request.wave, Wave::rayleigh);
  }
  // Of the five Rayleigh requests of the file two are roots of the curves (mode 0 at 10 s).
  EXPECT_EQ(requests, roots + 3);
  EXPECT_EQ(found.kernels.phase.size(), requests);
  EXPECT_TRUE(cases[1].kernels.empty());
}

TEST(SolveCases, ASphereIsSolvedOnModelsOfItsOwnForEachWave) {
  const Comm comm;
  CaseOptions options;
  options.flatten.emplace();
  auto cases = on_root(comm, {crust("a", 3.6, {{Wave::love, 0, 10}, {Wave::rayleigh, 0, 17}})});
  if (comm.root()) cases.push_back(crust("deep", 3.6, {}));
  if (comm.root()) cases.back().thickness[0] = 7000;
  const CaseAnswers sphere = solve_cases(comm, cases, options);
  if (!comm.root()) return;
  EXPECT_NE(cases[1].error.find("below the centre"), std::string::npos) << cases[1].error;
  ASSERT_EQ(cases[0].warnings.size(), 1u); // 138 km of wavelength over 35 km of crust
  EXPECT_NE(cases[0].warnings[0].find("138 km at 30 s"), std::string::npos) << cases[0].warnings[0];
  const dispersion::LayeredModel model = sphere.batch.model(0);
  EXPECT_EQ(model.layers(), 2u); // not the flattened one
  for (const Wave wave : dispersion::all_waves) {
    auto const flat = dispersion::flatten(model, wave, *options.flatten);
    dispersion::ModelBatch batch;
    batch.append(flat.model(), std::vector<double>{30, 5, 10});
    auto const curves = dispersion::solve(batch, {});
    auto const w = static_cast<std::size_t>(wave);
    for (std::size_t p = 0; p < 3; ++p) {
      const dispersion::Velocities expected = dispersion::on_sphere(
          {curves.wave[w].phase[p], curves.wave[w].group[p]}, wave, batch.periods(0)[p], 6371);
      EXPECT_EQ(sphere.curves.wave[w].phase[p], expected.phase);
      EXPECT_EQ(sphere.curves.wave[w].group[p], expected.group);
      EXPECT_NE(sphere.curves.wave[w].phase[p], curves.wave[w].phase[p]);
    }
  }
  EXPECT_EQ(sphere.kernels.phase[0], sphere.curves.wave[1].phase[2]);
  EXPECT_EQ(sphere.kernels.sensitivities.offset, (std::vector<std::int64_t>{0, 2, 4}));
}

/// Phase, group velocity and ellipticity of one point of a sphere.
std::array<double, 3> point_of(DispersionCase one, KernelRequest const& request) {
  one.periods = {request.period};
  one.kernels.clear();
  CaseOptions options;
  options.flatten.emplace();
  std::vector<DispersionCase> cases{one};
  const CaseAnswers found = solve_cases(Comm::self(), cases, options);
  auto const& of = found.curves.wave[static_cast<std::size_t>(request.wave)];
  return {of.phase.at(0), of.group.at(0), of.ellipticity.empty() ? 0 : of.ellipticity[0]};
}

TEST(SolveCases, KernelsOfASphereAreItsDerivatives) {
  if (!Comm().root()) return;
  for (const Wave wave : dispersion::all_waves) {
    const KernelRequest request{wave, 0, 17};
    std::vector<DispersionCase> cases{crust("a", 3.6, {request})};
    CaseOptions options;
    options.flatten.emplace();
    const CaseAnswers found = solve_cases(Comm::self(), cases, options);
    auto const& of = found.kernels.sensitivities;
    auto const check = [&](std::vector<double> DispersionCase::*parameter,
                           std::vector<double> dispersion::Gradient::*column) {
      for (std::size_t row = 0; row < 2; ++row) {
        DispersionCase up = cases[0], down = cases[0];
        double const value = (cases[0].*parameter)[row], d = 1e-4 * value;
        if (value == 0) continue;
        (up.*parameter)[row] += d;
        (down.*parameter)[row] -= d;
        auto const a = point_of(up, request), b = point_of(down, request);
        EXPECT_NEAR((of.dphase.*column)[row], (a[0] - b[0]) / (2 * d), 2e-7) << row;
        EXPECT_NEAR((of.dgroup.*column)[row], (a[1] - b[1]) / (2 * d), 2e-6) << row;
        if (std::isfinite(a[2])) {
          EXPECT_NEAR((of.dellipticity.*column)[row], (a[2] - b[2]) / (2 * d), 2e-6) << row;
        }
      }
    };
    check(&DispersionCase::thickness, &dispersion::Gradient::thickness);
    check(&DispersionCase::vs, &dispersion::Gradient::vs);
    check(&DispersionCase::vp, &dispersion::Gradient::vp);
    check(&DispersionCase::rho, &dispersion::Gradient::rho);
  }
}

} // namespace
} // namespace moho
