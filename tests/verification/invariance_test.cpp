// SPDX-License-Identifier: BSD-3-Clause
// Exact invariances: scaling (acceptance check 6) and splitting of layers (check 8).
#include "verification/reference_data.hpp"
#include <gtest/gtest.h>
#include <iostream>

namespace moho::verification {
namespace {

constexpr Limits exact{1e-12, 1e-10};

struct Item {
  std::string name;
  Model model;
  std::vector<double> periods;
};

/// Cases of every reference file, each sixth of the many random ones; at most `layers` layers.
std::vector<Item> items(std::size_t layers) {
  std::vector<Item> out;
  for (std::string const& file : reference_files()) {
    std::vector<ReferenceCase> const& cases = reference_cases(file);
    for (std::size_t i = 0; i < cases.size(); i += file == "ref_g_random" ? 6 : 1)
      if (cases[i].model.layers() <= layers)
        out.push_back({file + " " + cases[i].name, cases[i].model, cases[i].periods});
  }
  return out;
}

Curves solve_items(std::vector<Item> const& list) {
  ModelBatch batch;
  for (Item const& item : list) batch.append(item.model.view(), item.periods);
  SolveOptions options;
  options.modes = 3;
  return dispersion::solve(batch, options);
}

void scale(std::vector<double>& values, double by) {
  for (double& v : values) v *= by;
}

/// Lengths and velocities times `length` and `velocity`, periods to match, densities times
/// `density`; with `slip` the periods are off by that fraction (negative test).
Report check_scaling(double length, double velocity, double density, double slip = 0) {
  std::vector<Item> list = items(300);
  Curves expected = solve_items(list);
  for (Item& item : list) {
    scale(item.model.thickness, length);
    scale(item.model.vp, velocity);
    scale(item.model.vs, velocity);
    scale(item.model.rho, density);
    scale(item.periods, length / velocity * (1 + slip));
  }
  for (Curves::OfWave& wave : expected.wave) {
    scale(wave.phase, velocity);
    scale(wave.group, velocity);
  }
  return compare_answers(expected, solve_items(list), exact);
}

TEST(Scaling, length_and_period) {
  Report const report = check_scaling(3.7, 1, 1);
  EXPECT_TRUE(report.passed()) << report;
}

TEST(Scaling, velocity_and_period) {
  Report const report = check_scaling(1, 0.13, 1);
  EXPECT_TRUE(report.passed()) << report;
}

TEST(Scaling, density) {
  Report const report = check_scaling(1, 1, 2.9);
  EXPECT_TRUE(report.passed()) << report;
}

TEST(Scaling, powers_of_two_change_no_more_than_any_other) {
  Report const report = check_scaling(1024, 1.0 / 64, 8);
  EXPECT_TRUE(report.passed()) << report;
}

TEST(Scaling, a_wrong_scale_is_rejected) {
  EXPECT_FALSE(check_scaling(3.7, 1, 1, 1e-10).passed());
}

Model split(Model const& model, std::size_t layer, int parts) {
  Model out;
  for (std::size_t i = 0; i < model.layers(); ++i)
    for (int part = 0; part < (i == layer ? parts : 1); ++part)
      out.push_back(i == layer ? model.thickness[i] / parts : model.thickness[i], model.vp[i],
                    model.vs[i], model.rho[i]);
  return out;
}

/// Every layer of every case of at most 14 layers in 2, 3 or 7 parts; `drift` thickens the parts.
Report check_splitting(double drift = 0) {
  std::vector<Item> whole, parts;
  static constexpr int counts[] = {2, 3, 7};
  for (Item const& item : items(14))
    for (std::size_t layer = 0; layer + 1 < item.model.layers(); ++layer) {
      whole.push_back(item);
      parts.push_back(item);
      parts.back().model = split(item.model, layer, counts[whole.size() % 3]);
      parts.back().model.thickness[layer] *= 1 + drift;
    }
  return compare_answers(solve_items(whole), solve_items(parts), exact);
}

TEST(Splitting, a_layer_in_equal_parts_changes_nothing) {
  Report const report = check_splitting();
  std::cout << report << "\n";
  EXPECT_TRUE(report.passed()) << report;
}

TEST(Splitting, unequal_wholes_are_rejected) {
  EXPECT_FALSE(check_splitting(1e-10).passed());
}

} // namespace
} // namespace moho::verification
