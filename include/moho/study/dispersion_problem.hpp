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

/// `dispersion-solver`: moho's solver, spread over the ranks.
std::vector<ParameterSpec> dispersion_solver_parameters();
std::unique_ptr<Method> make_dispersion_solver(Parameters const& parameters);

/// `halfspace-average`: phase = group = 0.92 of the mean vs, weighted by thickness. The trivial
/// answer that everything must beat; it shows that the metrics can fail.
std::vector<ParameterSpec> halfspace_average_parameters();
std::unique_ptr<Method> make_halfspace_average(Parameters const& parameters);

} // namespace moho::study
