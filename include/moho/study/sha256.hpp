// SPDX-License-Identifier: BSD-3-Clause
// SHA-256 (FIPS 180-4): names the content of a matrix, so that runs are compared to the last bit.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace moho::study {

/// The digest of bytes that come in pieces.
class Sha256 {
public:
  void update(std::span<std::byte const> bytes);
  /// Adds numbers as little-endian bytes, 8 each.
  void update(std::span<std::int64_t const> values);
  void update(std::span<double const> values);
  /// Lower-case hex, 64 letters. Nothing may be added afterwards.
  std::string hex();

private:
  void block(std::byte const* bytes);

  std::array<std::uint32_t, 8> _state{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::byte, 64> _rest{};
  std::uint64_t _bytes = 0;
};

} // namespace moho::study
