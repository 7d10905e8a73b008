// SPDX-License-Identifier: BSD-3-Clause
// Unconstrained and bound-constrained minimisation by PETSc's TAO, behind plain spans.
#pragma once
#include "moho/parallel/petsc.hpp"
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace moho::parallel {

/// f at x, and its gradient, which it writes. May throw: `minimise` throws the same.
using Objective = std::function<double(std::span<double const> x, std::span<double> gradient)>;

struct MinimiseOptions {
  std::string type = "lmvm"; ///< of TAO: "lmvm" (limited-memory BFGS), "bncg", "blmvm", ..
  int iterations = 1000;
  int evaluations = 10000;
  int memory = 0;                       ///< pairs that lmvm and blmvm keep; 0: TAO's own choice
  double value = 0;                     ///< enough: f <= value ends it
  double gradient = 0;                  ///< |g| / |g0| at or below ends it
  std::span<double const> lower, upper; ///< bounds; empty: none
  PetscOptions petsc{};                 ///< further options, such as tao_ls_type
};

/// How it ended.
struct MinimiseReport {
  bool converged = false; ///< `value` or a tolerance on the gradient was reached
  std::string reason;     ///< TAO's name: "MINF", "GRTOL", "DIVERGED_MAXITS"
  int iterations = 0, evaluations = 0;
  double value = 0, gradient = 0; ///< |g|
  std::vector<double> history;    ///< f at each iterate, the start included
};

/// Moves x (this rank's part of the vector) to a minimum. Collective; on Comm::self() each rank
/// works alone, and with the same f on all they get the same bits. Throws moho::Error for an
/// unknown type or option.
MinimiseReport minimise(Comm const& comm, Objective const& f, std::span<double> x,
                        MinimiseOptions const& options = {});

} // namespace moho::parallel
