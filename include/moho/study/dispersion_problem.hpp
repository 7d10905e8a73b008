// SPDX-License-Identifier: BSD-3-Clause
// Problems and methods of surface-wave dispersion; the registry names them.
#pragma once
#include "moho/study/method.hpp"
#include "moho/study/parameters.hpp"
#include "moho/study/problem.hpp"
#include "moho/study/registry.hpp"
#include <memory>
#include <vector>

namespace moho::study {

/// `dispersion-reference`: cases of files with published answers, which are the truth.
std::vector<ParameterSpec> dispersion_reference_parameters();
std::unique_ptr<Problem> make_dispersion_reference(Parameters const& parameters,
                                                   Environment const& environment);

/// `dispersion-gradient`: smooth models of the upper 100 km, vs = 2.5 + 2.2 (1 - exp(-z / 35 km)),
/// vp = 1.75 vs, rho = 1.74 vp^0.25, vs perturbed layer by layer. The truth of the first models is
/// the solver's extended-precision path.
std::vector<ParameterSpec> dispersion_gradient_parameters();
std::unique_ptr<Problem> make_dispersion_gradient(Parameters const& parameters,
                                                  Environment const& environment);

/// `dispersion-prior`: models of the strong, the weak or the random prior (priors.hpp) in blocks;
/// train, validation and test share no model. Nothing is known of the answers but that their
/// certificates must hold. Metrics: those of the curves, certificates_checked, certificates_broken.
std::vector<ParameterSpec> dispersion_prior_parameters();
std::vector<std::string> const& prior_metrics();
std::unique_ptr<Problem> make_dispersion_prior(Parameters const& parameters,
                                               Environment const& environment);

/// `dispersion-layering`: one smooth model of the upper 100 km (that of dispersion-gradient without
/// perturbation, or a linear one) cut into homogeneous layers. The truth is the continuum:
/// layerings of n, 2n and 4n layers extrapolated, uncertain by the difference of two
/// extrapolations. What a perfect solver is off by is the error of the layers: order 2 for
/// "midpoint", 1 for "top".
std::vector<ParameterSpec> dispersion_layering_parameters();
std::unique_ptr<Problem> make_dispersion_layering(Parameters const& parameters,
                                                  Environment const& environment);

/// `dispersion-family`: random layered models of one family as a function map (function_batch.hpp).
/// Sites are shared by all families: half-space (top at 30 .. 60 km, vs 4.2 .. 4.9 km/s), surface
/// velocity (2 .. 3.2 km/s), curvature and vp/vs depend on (seed, split, index) alone, so that
/// families differ in structure, not in range. `input` (n, depths + 3): mean vs of depth cells
/// below the top of the solid (`family_cells`) and vs of the half-space, km/s; depth of water, km;
/// vp/vs. `output` (n, periods):
/// phase velocity of the fundamental Rayleigh mode, km/s, by the solver; NaN where it failed.
/// The models stand beside them as in dispersion_arrays.hpp. Families:
/// layers-2, -3, -5, -10: that many rows, vs increases with depth; gradient: 64 layers of the
/// trend; inversion: layers-5 with one layer slower than that above it; water: layers-5 below 0.5
/// .. 6 km.
std::vector<ParameterSpec> dispersion_family_parameters();
std::unique_ptr<Problem> make_dispersion_family(Parameters const& parameters,
                                                Environment const& environment);
/// Edges of the depth cells, km, cells + 1: cells grow by 12 % from one to the next, down to 60 km.
std::vector<double> family_cells(std::size_t cells);

/// `dispersion-solver`: moho's solver, spread over the ranks.
std::vector<ParameterSpec> dispersion_solver_parameters();
std::unique_ptr<Method> make_dispersion_solver(Parameters const& parameters);

/// `halfspace-average`: phase = group = 0.92 of the mean vs, weighted by thickness. The trivial
/// answer that everything must beat; it shows that the metrics can fail.
std::vector<ParameterSpec> halfspace_average_parameters();
std::unique_ptr<Method> make_halfspace_average(Parameters const& parameters);

} // namespace moho::study
