// SPDX-License-Identifier: BSD-3-Clause
// The steady problems of task "field", with manufactured solutions unless said otherwise.
#pragma once
#include "moho/study/parameters.hpp"
#include "moho/study/problem.hpp"
#include "moho/study/registry.hpp"
#include <memory>
#include <vector>

namespace moho::study {

/// points, seed: of every problem of the task.
std::vector<ParameterSpec> field_parameters();

/// `poisson`: -div grad u = f. `solution`: sine (a product that vanishes on the boundary), radial
/// (disk, u = (1 - r^2) / 4), exponential (disk, u = (1 - r^2) e^x), corner (l-shape, u = r^(2/3)
/// sin(2 theta / 3), whose gradient is infinite at the corner), cosine (square, cube: no condition
/// but zero flux, so that u is known but for a constant; of mean 0). auto: sine; radial and corner
/// on their domains.
std::vector<ParameterSpec> poisson_parameters();
std::unique_ptr<Problem> make_poisson(Parameters const& parameters, Environment const&);

/// `diffusion`: -div(K grad u) + b . grad u + c u = f with K = k or k [[2, 1/2], [1/2, 1]],
/// k = 1 + sin(2 pi x) cos(2 pi y) / 2, u a product of sines.
std::vector<ParameterSpec> diffusion_parameters();
std::unique_ptr<Problem> make_diffusion(Parameters const& parameters, Environment const&);

/// `mixed-boundary`: u = exp(x) cos(pi y) on the square, with Dirichlet data at x = 0 (tag 1),
/// Neumann at x = 1 (2), Robin at y = 0, 1 (3, 4).
std::vector<ParameterSpec> mixed_boundary_parameters();
std::unique_ptr<Problem> make_mixed_boundary(Parameters const& parameters, Environment const&);

/// `elasticity`: isotropic, plane strain in 2D, u = 0 on the boundary. `load` "sine": u = (s, 2s,
/// -s), s a product of sines; "constant": f = 1 in every component, whose solution is not known
/// (the benchmark of TensorMesh on the hollow cube).
std::vector<ParameterSpec> elasticity_parameters();
std::unique_ptr<Problem> make_elasticity(Parameters const& parameters, Environment const&);

/// `helmholtz`: -div grad u - k^2 u = 0, u = cos(kx), or exp(ikx) as (cos, sin), on the square,
/// with its values on the boundary. Throws near a resonance.
std::vector<ParameterSpec> helmholtz_parameters();
std::unique_ptr<Problem> make_helmholtz(Parameters const& parameters, Environment const&);

} // namespace moho::study
