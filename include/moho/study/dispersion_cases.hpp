// SPDX-License-Identifier: BSD-3-Clause
// Everything that the cases of a file ask for, answered by all ranks: curves and kernels, of the
// models as they stand or of their flattened stand-ins.
#pragma once
#include "moho/dispersion/flattening.hpp"
#include "moho/study/dispersion_batch.hpp"
#include "moho/study/dispersion_files.hpp"
#include <optional>

namespace moho::study {

struct CaseOptions {
  dispersion::SolveOptions solve;
  bool kernels = false; ///< a kernel of every root of the curves, besides those the cases ask for
  std::optional<dispersion::FlattenOptions> flatten; ///< the models are spheres
};

/// Answers to a list of cases; complete on the root.
struct CaseAnswers {
  dispersion::ModelBatch batch; ///< the models of the cases, as they stand
  dispersion::Curves curves;
  KernelAnswers kernels;
};

/// Solves the cases of the root. On return their `kernels` lists what `CaseAnswers::kernels`
/// answers: requests of waves not asked for are gone, those that `options.kernels` adds are there;
/// a case that cannot be flattened has its `error`. The same bits on any number of ranks.
/// Collective. If a rank throws, every rank throws that moho::Error.
CaseAnswers solve_cases(parallel::Comm const& comm, std::vector<DispersionCase>& cases,
                        CaseOptions const& options, SolveProgress const& progress = {});

} // namespace moho::study
