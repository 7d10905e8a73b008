// SPDX-License-Identifier: BSD-3-Clause
// `fem`: Lagrange elements for boundary-value problems, solved by PETSc.
#pragma once
#include "moho/study/method.hpp"
#include "moho/study/parameters.hpp"
#include <memory>
#include <string>
#include <vector>

namespace moho::study {

/// For problems with a `BoundaryProblem`. Timings: prepare.mesh, .space (topology, exchange),
/// .tables (of the assembly), .first_assembly; apply.assembly, .load, .conditions, .preconditioner,
/// .solve, .evaluate. Check `solver_converged` has PETSc's reason. A singular problem is refused
/// unless `nullspace` = "constant": then the solution of mean zero is taken.
std::vector<ParameterSpec> fem_parameters();
/// iterations, residual_rel = |b - Ax| / |b|.
std::vector<std::string> const& fem_metrics();
std::unique_ptr<Method> make_fem(Parameters const& parameters);

} // namespace moho::study
