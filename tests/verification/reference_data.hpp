// SPDX-License-Identifier: BSD-3-Clause
// Reads reference/physics/dispersion.
#pragma once
#include "verification/compare.hpp"

namespace moho::verification {

/// The files of known curves: ref_a_simple ... ref_h_lids, ref_fold.
std::vector<std::string> const& reference_files();

/// All cases of a file, e.g. "ref_c_earth".
std::vector<ReferenceCase> const& reference_cases(std::string const& file);

struct HalfspaceRayleigh {
  double poisson, vp_over_vs, c_over_vs, ellipticity;
};
struct TwoLayerLove {
  double thickness, vs[2], rho[2], period;
  std::vector<double> phase, group;
  int modes;
};
struct WaterOverHalfspace {
  double depth, vp_water, rho_water, vp, vs, rho, period;
  std::vector<double> phase;
};
struct Scholte {
  double vp_water, rho_water, vp, vs, rho, phase;
};
struct ClosedForm {
  std::vector<HalfspaceRayleigh> rayleigh;
  std::vector<TwoLayerLove> love;
  std::vector<WaterOverHalfspace> water;
  std::vector<Scholte> scholte;
};
ClosedForm const& closed_form();

/// A point that a well-known solver misses, jumps over or invents.
struct Trap {
  std::string name, kind, solver;
  Wave wave;
  int mode;
  double period; ///< printed with six digits
  double phase;  ///< true phase, eight digits; NaN: the mode is absent
};
std::vector<Trap> traps();

} // namespace moho::verification
