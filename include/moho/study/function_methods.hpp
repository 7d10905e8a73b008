// SPDX-License-Identifier: BSD-3-Clause
// Methods of the tasks "function map" and "coefficient" that need no network; the registry names
// them. All of them work on the root: their answers do not depend on the number of ranks.
#pragma once
#include "moho/study/method.hpp"
#include "moho/study/parameters.hpp"
#include <memory>
#include <string>
#include <vector>

namespace moho::study {

/// `linear-map`: u = W f, least squares over the training items. With inputs B and targets C in
/// columns and U an orthonormal basis of range(B), the limit of gradient descent from W0 is
/// W* = C B^+ + W0 (I - U U^T) (arXiv 2506.15199, theorem 3.2). Singular values of B below 1e-13 of
/// the largest count as zero. `fit`:
/// * closed-form: W* by an LQ factorization of the samples and the SVD of its triangle;
/// * cgls: conjugate gradients on the samples (Bjoerck, 1996, section 7.4), row by row with
/// gradients
///   kept orthogonal, until each row's gradient fell by `tolerance`, at most rank(B) steps;
/// * gd: full batch, rate 1/L unless given, L the largest eigenvalue of the inputs' covariance;
/// * adam: full batch (Kingma & Ba, 2015), betas 0.9 and 0.999, epsilon 1e-8. It does not converge
///   to W*.
/// `intercept`: affine, on inputs standardized by their training mean and deviation.
std::vector<ParameterSpec> linear_map_parameters();
std::unique_ptr<Method> make_linear_map(Parameters const& parameters);
/// train_mse: mean over items and outputs (sum over items where they are a basis); train_rel_mse;
/// condition: of the kept singular values; off_span = |W (I - U U^T)| / |W|;
/// to_closed_form = |W - W*| / |W*|, Frobenius.
std::vector<std::string> const& linear_map_metrics();

/// `nearest-neighbour`: the target of the training item whose standardized inputs are nearest, of
/// equally near ones the first.
std::vector<ParameterSpec> nearest_neighbour_parameters();
std::unique_ptr<Method> make_nearest_neighbour(Parameters const& parameters);

/// `mean`: the mean of the training targets, whatever is asked.
std::vector<ParameterSpec> mean_parameters();
std::unique_ptr<Method> make_mean(Parameters const& parameters);

/// `fem-1d`: Galerkin finite elements on the nodes of a BoundaryValueProblem: piecewise linear, and
/// cubic Hermite elements for the biharmonic operators. f is interpolated linearly and integrated
/// exactly. Answers are nodal values. `prepare` throws moho::Error when the matrix is singular to
/// working precision; metric: `condition`, of the matrix, estimated in the 1-norm.
std::vector<ParameterSpec> fem_1d_parameters();
std::vector<std::string> const& fem_1d_metrics();
std::unique_ptr<Method> make_fem_1d(Parameters const& parameters);

/// `fd-fit`: the coefficient w that minimizes |w FD_q(u) -+ f|^2 over all items and the nodes at
/// which the centred stencil of order q fits (arXiv 2506.15199, theorem 3.1).
std::vector<ParameterSpec> fd_fit_parameters();
std::unique_ptr<Method> make_fd_fit(Parameters const& parameters);

} // namespace moho::study
