// SPDX-License-Identifier: BSD-3-Clause
// What is accepted as a model, and what the refusal says.
#include "moho/dispersion/model.hpp"
#include <cmath>
#include <gtest/gtest.h>

using namespace moho::dispersion;

namespace {

struct Rows {
  std::vector<double> thickness{1.0, 2.0, 0.0}, vp{3.0, 5.0, 8.0}, vs{1.5, 2.9, 4.5},
      rho{2.0, 2.5, 3.3};
  std::string problem() const { return problem_with({thickness, vp, vs, rho}); }
};

/// Expects a refusal that names `key` and says `why`.
void expect_refused(Rows const& rows, std::string const& key, std::string const& why) {
  const std::string text = rows.problem();
  EXPECT_NE(text.find(key), std::string::npos) << "got: " << text;
  EXPECT_NE(text.find(why), std::string::npos) << "got: " << text;
}

} // namespace

TEST(Model, SoundModelsAreAccepted) {
  EXPECT_EQ(Rows{}.problem(), "");
  Rows water;
  water.vs[0] = 0;
  EXPECT_EQ(water.problem(), "");
  Rows limit;
  limit.vp[1] = std::sqrt(4.0 / 3) * limit.vs[1];
  EXPECT_EQ(limit.problem(), "") << "vp = sqrt(4/3) vs is a bulk modulus of 0, just allowed";
}

TEST(Model, EveryUnsoundValueIsNamed) {
  for (double bad : {-1.0, 0.0, double(NAN), double(INFINITY)}) {
    Rows r;
    r.thickness[1] = bad;
    expect_refused(r, "thickness[1]", std::isfinite(bad) ? "" : "finite");
    r = {};
    r.vp[0] = bad;
    expect_refused(r, "vp[0]", "> 0");
    r = {};
    r.rho[2] = bad;
    expect_refused(r, "rho[2]", "> 0");
    if (bad == 0.0) continue;
    r = {};
    r.vs[1] = bad;
    expect_refused(r, "vs[1]", ">= 0");
  }
}

TEST(Model, StructureIsChecked) {
  Rows r;
  r.thickness[2] = 3.0;
  expect_refused(r, "thickness[2]", "half-space");
  r = {};
  r.vs[1] = 0;
  expect_refused(r, "vs[1]", "fluid layer below a solid");
  r = {};
  r.vs[2] = 0;
  expect_refused(r, "vs[2]", "half-space must be solid");
  r = {};
  r.vp[1] = 3.0;
  expect_refused(r, "vp[1]", "sqrt(4/3)");
  r = {};
  r.rho.pop_back();
  expect_refused(r, "rho", "2 rows");
  EXPECT_NE(problem_with({}).find("no rows"), std::string::npos);
}

TEST(Model, ContrastsBeyondComputingAreRefused) {
  Rows r;
  r.rho[0] = 1e-300;
  expect_refused(r, "rho[0]", "1e8 times");
  r = {};
  r.vp[1] = 1e12;
  expect_refused(r, "vp[1]", "1e8 times");
  r = {};
  r.vs[1] = 1e-6;
  EXPECT_EQ(r.problem(), "") << "six orders of magnitude are accepted";
}

TEST(Model, PeriodsAreChecked) {
  EXPECT_EQ(problem_with_periods(std::vector<double>{3.0, 1.0, 2.0}), "") << "order is free";
  EXPECT_NE(problem_with_periods({}).find("empty"), std::string::npos);
  for (double bad : {0.0, -2.0, double(NAN), double(INFINITY)})
    EXPECT_NE(problem_with_periods(std::vector<double>{1.0, bad}).find("periods[1]"),
              std::string::npos);
}
