// SPDX-License-Identifier: BSD-3-Clause
// What FNO models share.
#pragma once
#include "moho/nn/model.hpp"

namespace moho::nn {

/// `name` (modes.., in, 2, out): the matrix of each mode, Re and Im of a row side by side; in files
/// (in, out, modes.., 2). U(0, 1) / (in out).
void add_spectral(Layout& layout, std::string const& name, std::vector<std::int64_t> const& modes,
                  std::int64_t inputs, std::int64_t outputs);

/// Products of complex numbers: h (n, 2, modes, in), weight (modes, in, 2, out) -> (n, 2, modes,
/// out), the axes of 2 being Re and Im.
Value mix_modes(Value h, Value weight);

/// x (.., channels) -> (.., width) with further channels that are functions of the grid: what a
/// dense layer `name` makes of (x, coordinates (grid.., axes)).
void add_lift(Layout& layout, std::int64_t inputs, std::int64_t axes, std::int64_t width);
Value apply_lift(Layout const& layout, Value theta, Value x, Value coordinates);

} // namespace moho::nn
