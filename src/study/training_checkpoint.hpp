// SPDX-License-Identifier: BSD-3-Clause
// What training needs to go on, as an HDF5 file.
#pragma once
#include "moho/nn/optimiser.hpp"
#include "moho/study/training.hpp"

namespace moho::study {

template <class T>
struct Checkpoint {
  std::vector<T> parameters, best;
  nn::OptimiserState<T> optimiser;
  TrainingHistory history;
  std::int64_t epoch = 0, step_in_epoch = 0, steps = 0, best_epoch = 0;
  std::int64_t stage = 0, stage_epoch = 0; ///< of a curriculum; epochs done in that stage
  double epoch_loss = 0;                   ///< sum over the steps of the epoch so far
  double best_validation = 0, seconds = 0;
  std::int64_t sittings = 0;
};

/// Atomically; call it on one rank. Throws moho::Error that names the file.
template <class T>
void write_checkpoint(std::string const& path, Checkpoint<T> const& checkpoint,
                      std::string const& identity);

/// The checkpoint, if the file exists, on every rank. Collective. Throws moho::Error that names the
/// file when it is damaged or was left by something other than `identity`.
template <class T>
std::optional<Checkpoint<T>> read_checkpoint(std::string const& path, std::string const& identity,
                                             parallel::Comm const& comm);

} // namespace moho::study
