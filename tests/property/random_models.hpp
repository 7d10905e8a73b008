// SPDX-License-Identifier: BSD-3-Clause
// Seeded layered models for tests: the prior of sites, and shapes that break solvers.
#pragma once
#include "moho/dispersion/priors.hpp"
#include <cstdint>
#include <string>
#include <vector>

namespace moho::testing {

using Model = dispersion::OwnedModel;
using Rng = dispersion::Draws;
using dispersion::draw_gradient;
using dispersion::draw_random;
using dispersion::log_spaced;
using dispersion::Sample;

/// Made to fold: a thin stiff lid, a thick very soft layer of high Poisson ratio, a fast
/// half-space, sometimes with a layer between, water above or graded contacts; 40 periods about the
/// resonance of the soft layer.
Sample draw_foldable(Rng& rng);

/// The fixed models that plain double precision or a simple search gets wrong: lids, ice over mud,
/// twin channels, fast lid over a slow half-space, folded branches.
std::vector<Sample> hard_samples();

/// The model as text that can be pasted into an issue or a script.
std::string to_text(Model const& model);

/// Seed of this run: MOHO_SEED, or 20261120. Printed by every test that draws.
std::uint64_t seed_of_run();

} // namespace moho::testing
