// SPDX-License-Identifier: BSD-3-Clause
// `burgers-1d`: from the initial state of a viscous flow to its state later. Training data for
// neural operators (Li et al., "Fourier neural operator for parametric partial differential
// equations", ICLR 2021, section 5.1 and appendix A.3).
#pragma once
#include "moho/study/parameters.hpp"
#include "moho/study/problem.hpp"
#include "moho/study/registry.hpp"
#include <memory>
#include <vector>

namespace moho::study {

/// `burgers-1d`, task "function map":
///
///   u_t + (u^2 / 2)_x = nu u_xx on the circle of length 1,  u(., 0) -> u(., time).
///
/// Both are values at i / s, `s` points; the flow is solved on `grid` points, of which each
/// (grid / s)-th is kept. The initial state is Gaussian, N(0, sigma^2 (-d^2/dx^2 + tau^2)^-gamma)
/// with sigma^2 = 625, tau^2 = 25, gamma = 2: the sum
///
///   sum_{k=1}^{grid/2-1} sigma ((2 pi k)^2 + tau^2)^(-gamma/2) sqrt(2) (xi_k cos 2 pi k x + eta_k
///   sin 2 pi k x)
///
/// over the L2-orthonormal eigenfunctions of the periodic Laplacian, xi and eta N(0, 1). As in the
/// paper's scripts its mean over x is zero; `constant = true` adds the eigenfunction 1 with its
/// standard deviation sigma tau^-gamma (1 by default), so that flows also drift. (The scripts sum
/// to grid/2; the mode left out has a size of 4e-8 on 8192 points.)
///
/// Item i of a split depends on (seed, split, i) alone, and its modes on neither `s` nor `grid`.
/// Truth: Fourier modes, product without aliasing, ETDRK4 in `time_steps` steps. Its uncertainty is
/// the largest distance (in the L2 norm, relative) of the first `refine` items asked about from a
/// solution on twice the grid in twice the steps; NaN where none was refined. `Gridded`.
std::vector<ParameterSpec> burgers_1d_parameters();
std::unique_ptr<Problem> make_burgers_1d(Parameters const& parameters, Environment const&);

} // namespace moho::study
