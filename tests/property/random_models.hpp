// SPDX-License-Identifier: BSD-3-Clause
// Seeded layered models for tests: a broad prior of real sites, and shapes that break solvers.
#pragma once
#include "moho/dispersion/model.hpp"
#include <cstdint>
#include <string>
#include <vector>

namespace moho::testing {

/// A layered model that owns its rows; the last row is the half-space.
struct Model {
  std::vector<double> thickness, vp, vs, rho;
  std::size_t layers() const { return thickness.size(); }
  dispersion::LayeredModel view() const { return {thickness, vp, vs, rho}; }
  double vs_halfspace() const { return vs.back(); }
  void push_back(double h, double p, double s, double r);
};

/// One drawn case. `kind` names the generator.
struct Sample {
  std::string kind;
  Model model;
  std::vector<double> periods;
};

/// SplitMix64 with its own distributions: the same values on every platform.
class Rng {
public:
  explicit Rng(std::uint64_t seed) : _state(seed) {}
  /// Independent stream of item `index` under `seed`.
  Rng(std::uint64_t seed, std::uint64_t index);
  std::uint64_t bits();
  double uniform(double low, double high);
  double normal(double mean, double deviation);
  double gamma(double shape); ///< shape >= 1
  bool chance(double probability) { return uniform(0, 1) < probability; }
  int integer(int low, int high); ///< both ends included

private:
  std::uint64_t _state;
};

/// Sites of the prior: 2-12 layers over a half-space, 40 % metre scale and 60 % crustal; with it
/// water (20 %), stiff lids (10 %), and gradients of 50-300 layers (2 %). 10 log-spaced periods.
Sample draw_site(Rng& rng);

/// Gradient of 50-300 layers, 10 periods.
Sample draw_gradient(Rng& rng);

/// Made to fold: a thin stiff lid, a thick very soft layer of high Poisson ratio, a fast
/// half-space, sometimes with a layer between, water above or graded contacts; 40 periods about the
/// resonance of the soft layer.
Sample draw_foldable(Rng& rng);

/// The fixed models that plain double precision or a simple search gets wrong: lids, ice over mud,
/// twin channels, fast lid over a slow half-space, folded branches.
std::vector<Sample> hard_samples();

std::vector<double> log_spaced(double first, double last, int count);

/// The model as text that can be pasted into an issue or a script.
std::string to_text(Model const& model);

/// Seed of this run: MOHO_SEED, or 20261120. Printed by every test that draws.
std::uint64_t seed_of_run();

} // namespace moho::testing
