// SPDX-License-Identifier: BSD-3-Clause
// Blocks of models of a prior: their arrays, and the certificates of their roots counted again.
//
// data.h5 of a block of n models, each of `rows` rows at the same `periods`:
//   set/index (n) number of the model in its split; set/name (n); set/hash (n) of its rows
//   set/thickness (rows), set/period (periods); set/vp, set/vs, set/rho (n, rows)
//   set/<wave>/phase, group, ellipticity (n, modes, periods) NaN = absent; what was not asked for
//   is not there; set/<wave>/status (n, modes, periods); set/<wave>/mode_count (n, periods)
//   set/<wave>/<kernel> (n, modes, periods, rows) derivatives with respect to each row, one chunk
//   per model; dc_dvp of Love waves is zero and not stored
#pragma once
#include "moho/dispersion/model.hpp"
#include "moho/study/batch.hpp"
#include "moho/study/problem.hpp"
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace moho::study {

/// FNV-1a (64 bits) of the rows of a model: equal models have equal hashes.
std::int64_t model_hash(dispersion::LayeredModel const& model);

/// Hashes of the first models of each split, by Split.
using SplitHashes = std::array<std::vector<std::int64_t>, 3>;

/// Checks that the splits share no model, with the control that a split is found in itself.
std::vector<Check> split_checks(SplitHashes const& hashes);

enum class Precision { float32, float64 };

/// The arrays above, from inputs and answers as in dispersion_arrays.hpp and
/// dispersion_kernels.hpp. `first` is the index of the first model; kernels are stored in
/// `precision`. Throws moho::Error when models differ in rows, thickness or periods.
std::vector<Dataset> block_datasets(Batch const& inputs, Batch const& answers, std::int64_t first,
                                    Precision precision);

struct Recheck {
  std::int64_t checked = 0, broken = 0; ///< roots
};

/// Counts modes again, in extended precision, just below and above every root of the first
/// `models` models that is not flagged as folded: mode n at c needs N(c (1 - 1e-9)) = n and
/// N(c (1 + 1e-9)) = n + 1. A root that is not finite is broken.
Recheck recheck_certificates(Batch const& inputs, Batch const& answers, std::size_t models);

} // namespace moho::study
