// SPDX-License-Identifier: BSD-3-Clause
// A batch of models solved by all ranks together.
#pragma once
#include "moho/dispersion/sensitivity.hpp"
#include "moho/dispersion/solve.hpp"
#include "moho/parallel/communicator.hpp"
#include <cstddef>
#include <functional>
#include <vector>

namespace moho::study {

/// Called on the root after every round: cases answered so far, cases in all.
using SolveProgress = std::function<void(std::size_t done, std::size_t total)>;

/// What solves a part of a batch on one rank; tests put their own here.
using BatchSolver = std::function<dispersion::Curves(dispersion::ModelBatch const&,
                                                     dispersion::SolveOptions const&)>;

/// Predicted cost of each case: layers x periods x modes x waves; at least 1.
std::vector<double> predicted_costs(dispersion::ModelBatch const& batch,
                                    dispersion::SolveOptions const& options);

/// Every rank gets the root's batch.
dispersion::ModelBatch broadcast_batch(parallel::Comm const& comm,
                                       dispersion::ModelBatch const& batch);

/// Cases [first, last) of a batch as a batch of their own.
dispersion::ModelBatch part_of(dispersion::ModelBatch const& batch, std::size_t first,
                               std::size_t last);

/// Solves a batch (the same on every rank) with all ranks; the root gets the answers, the others
/// get empty Curves. Cases are handed out in rounds, in blocks sized by predicted cost and by the
/// speed of each rank in the rounds before; the answers are the same bit for bit on any number of
/// ranks. Collective. If a rank throws, every rank throws that moho::Error.
dispersion::Curves solve_distributed(parallel::Comm const& comm,
                                     dispersion::ModelBatch const& batch,
                                     dispersion::SolveOptions const& options,
                                     SolveProgress const& progress = {},
                                     BatchSolver const& solver = dispersion::solve);

/// What finds the derivatives at a part of the points on one rank; tests put their own here.
using PointSolver = std::function<dispersion::Sensitivities(
    dispersion::ModelBatch const&, std::vector<dispersion::RootPoint> const&,
    dispersion::SensitivityOptions const&)>;

/// Derivatives at roots of a batch (the same on every rank) with all ranks. The points are those of
/// the root, which gets the answers, in their order; the others get empty Sensitivities. The same
/// bits on any number of ranks. Collective. If a rank throws, every rank throws that moho::Error.
dispersion::Sensitivities
sensitivities_distributed(parallel::Comm const& comm, dispersion::ModelBatch const& batch,
                          std::vector<dispersion::RootPoint> points,
                          dispersion::SensitivityOptions const& options = {},
                          PointSolver const& solver = dispersion::sensitivities);

} // namespace moho::study
