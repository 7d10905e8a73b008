// SPDX-License-Identifier: BSD-3-Clause
// Weights of a network as HDF5: one dataset per parameter, by name, in the order of axes that other
// codes use (analysis/torch_weights.py turns a PyTorch state_dict into such a file and back).
#pragma once
#include "moho/nn/model.hpp"
#include "moho/study/problem.hpp"
#include <string>
#include <vector>

namespace moho::study {

/// Format moho.weights/1: /weights/<name>. Atomically; call it on one rank.
void write_weights(std::string const& path, nn::Layout const& layout,
                   std::vector<double> const& theta);

/// The same as arrays for a record: weights/<name>.
std::vector<Dataset> weights_data(nn::Layout const& layout, std::vector<double> const& theta);

/// Reads a file of that format, or the data.h5 of a record, which has them as well. Throws
/// moho::Error that names file and parameter: one that is missing, unknown, of another shape or not
/// finite.
std::vector<double> read_weights(std::string const& path, nn::Layout const& layout);

} // namespace moho::study
