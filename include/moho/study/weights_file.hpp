// SPDX-License-Identifier: BSD-3-Clause
// Weights of a network as HDF5: one dataset per parameter, by name, in the order of axes that other
// codes use (analysis/torch_weights.py turns a PyTorch state_dict into such a file and back).
#pragma once
#include "moho/nn/model.hpp"
#include "moho/study/problem.hpp"
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace moho::study {

/// How rows were scaled when the weights were learnt, each value of a row by itself: (value - mean)
/// / deviation of inputs, mean + deviation value of outputs; a deviation of 0 never varied.
struct RowScaling {
  std::vector<double> mean, deviation;

  static RowScaling none(std::size_t width);
  bool is_identity() const;
};

/// What a file holds of a network.
struct StoredNetwork {
  std::vector<double> theta;
  std::optional<RowScaling> inputs, outputs; ///< none: the file does not say
  std::vector<std::uint64_t> trained_on;     ///< item_hashes (witness.hpp); empty: it does not say
};

/// Format moho.weights/1: /weights/<name>. Atomically; call it on one rank.
void write_weights(std::string const& path, nn::Layout const& layout,
                   std::vector<double> const& theta);

/// The same as arrays for a record: weights/<name>.
std::vector<Dataset> weights_data(nn::Layout const& layout, std::vector<double> const& theta);
/// Beside them: scaling/{inputs,outputs}/{mean,deviation}.
std::vector<Dataset> scaling_data(RowScaling const& inputs, RowScaling const& outputs);

/// Reads a file of that format, or the data.h5 of a record, which has more. Throws moho::Error that
/// names file and parameter: one that is missing, unknown, of another shape or not finite.
StoredNetwork read_weights(std::string const& path, nn::Layout const& layout);

} // namespace moho::study
