// SPDX-License-Identifier: BSD-3-Clause
#include "map.hpp"
#include "routing.hpp"

namespace moho::fem {
namespace {

template <class Map>
void map_pack(MapInputs const& in, std::int32_t first, HostPack* blocks) {
  constexpr int size = Map::block_size;
  Map{}(in, first, [blocks](int pair, HostPack const* block) {
    for (int e = 0; e < size; ++e) blocks[pair * size + e] = block[e];
  });
}

/// A template, so that a device's build, which inlines its Maps, compiles none of them for hosts.
template <bool host>
MapFunction choose(MapKey const& key) {
  MapFunction function = nullptr;
  if constexpr (host) with_direct_map(key, [&](auto map) { function = map_pack<decltype(map)>; });
  return function;
}

} // namespace

MapFunction map_function(MapKey const& key) {
  return choose<on_host>(key);
}

} // namespace moho::fem
