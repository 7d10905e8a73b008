// SPDX-License-Identifier: BSD-3-Clause
#pragma once
#include <cstddef>

namespace moho::nn {

/// Allocations of the program so far.
std::size_t allocations();

} // namespace moho::nn
