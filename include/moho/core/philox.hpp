// SPDX-License-Identifier: BSD-3-Clause
// Counter-based random numbers: a value is a pure function of (seed, stream, index, draw), so the
// same on any rank, thread and device.
#pragma once
#include "moho/core/kokkos.hpp"
#include <cmath>
#include <cstdint>

namespace moho {

/// Four 32-bit words.
struct PhiloxBlock {
  std::uint32_t word[4];
};

/// Philox4x32-10 of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC11).
KOKKOS_INLINE_FUNCTION PhiloxBlock philox4x32(PhiloxBlock counter, std::uint32_t key0,
                                              std::uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = std::uint64_t{0xD2511F53u} * counter.word[0];
    const std::uint64_t product1 = std::uint64_t{0xCD9E8D57u} * counter.word[2];
    counter = {{static_cast<std::uint32_t>(product1 >> 32) ^ counter.word[1] ^ key0,
                static_cast<std::uint32_t>(product1),
                static_cast<std::uint32_t>(product0 >> 32) ^ counter.word[3] ^ key1,
                static_cast<std::uint32_t>(product0)}};
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return counter;
}

/// Random numbers of one seed and stream. `index` is the global index of the item drawn (a model, a
/// sample), `draw` counts the numbers drawn for it.
struct Philox {
  std::uint64_t seed = 0;
  std::uint32_t stream = 0; ///< separates uses and splits: streams never share a number

  /// The 64 random bits of a draw.
  KOKKOS_INLINE_FUNCTION std::uint64_t bits(std::uint64_t index, std::uint32_t draw) const {
    const PhiloxBlock counter{{static_cast<std::uint32_t>(index),
                               static_cast<std::uint32_t>(index >> 32), draw / 2, stream}};
    const PhiloxBlock block = philox4x32(counter, static_cast<std::uint32_t>(seed),
                                         static_cast<std::uint32_t>(seed >> 32));
    const std::uint32_t half = 2 * (draw % 2);
    return std::uint64_t{block.word[half + 1]} << 32 | block.word[half];
  }

  /// Uniform on [0, 1), a multiple of 2^-53.
  KOKKOS_INLINE_FUNCTION double uniform(std::uint64_t index, std::uint32_t draw) const {
    return static_cast<double>(bits(index, draw) >> 11) * 0x1p-53;
  }

  /// Standard normal (Box & Muller, 1958). Uses draws 2 draw and 2 draw + 1 of `uniform`.
  KOKKOS_INLINE_FUNCTION double normal(std::uint64_t index, std::uint32_t draw) const {
    double const radius = std::sqrt(-2 * std::log(1 - uniform(index, 2 * draw)));
    return radius * std::cos(6.283185307179586 * uniform(index, 2 * draw + 1));
  }
};

} // namespace moho
