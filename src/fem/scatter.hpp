// SPDX-License-Identifier: BSD-3-Clause
// The fused Map and scatter of a run of cells into slots. Inner header of the fem module; host.
#pragma once
#include "expand.hpp"
#include "map.hpp"
#include "routing.hpp"

namespace moho::fem {

/// Adds the local matrices of the places [begin, end) of a range's table, whole packs, to its
/// slots, cell by cell in ascending order.
using ScatterFunction = void (*)(MapInputs const& in, MapFunction map, MapKey const& key,
                                 Routing const& routing, std::int32_t begin, std::int32_t end,
                                 double* slots);
ScatterFunction scatter_function(MapKey const& key, Routing const& routing);

} // namespace moho::fem
