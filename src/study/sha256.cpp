// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/sha256.hpp"
#include "moho/core/error.hpp"
#include <algorithm>
#include <bit>

namespace moho::study {
namespace {

// FIPS 180-4, section 4.2.2.
constexpr std::array<std::uint32_t, 64> constants{
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

std::uint32_t big_endian(std::byte const* bytes) {
  std::uint32_t word = 0;
  for (int i = 0; i < 4; ++i) word = word << 8 | std::to_integer<std::uint32_t>(bytes[i]);
  return word;
}

} // namespace

// FIPS 180-4, section 6.2.2.
void Sha256::block(std::byte const* bytes) {
  using std::rotr;
  std::array<std::uint32_t, 64> w{};
  for (std::size_t t = 0; t < 16; ++t) w[t] = big_endian(bytes + 4 * t);
  for (std::size_t t = 16; t < 64; ++t) {
    const std::uint32_t a = w[t - 15], b = w[t - 2];
    w[t] = w[t - 16] + w[t - 7] + (rotr(a, 7) ^ rotr(a, 18) ^ a >> 3) +
           (rotr(b, 17) ^ rotr(b, 19) ^ b >> 10);
  }
  auto [a, b, c, d, e, f, g, h] = _state;
  for (std::size_t t = 0; t < 64; ++t) {
    const std::uint32_t first =
        h + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + ((e & f) ^ (~e & g)) + constants[t] + w[t];
    const std::uint32_t second =
        (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + first;
    d = c;
    c = b;
    b = a;
    a = first + second;
  }
  const std::array<std::uint32_t, 8> add{a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < 8; ++i) _state[i] += add[i];
}

void Sha256::update(std::span<std::byte const> bytes) {
  std::size_t held = _bytes % 64;
  _bytes += bytes.size();
  while (!bytes.empty()) {
    if (held == 0 && bytes.size() >= 64) {
      block(bytes.data());
      bytes = bytes.subspan(64);
      continue;
    }
    const std::size_t n = std::min(64 - held, bytes.size());
    std::copy_n(bytes.begin(), n, _rest.begin() + static_cast<std::ptrdiff_t>(held));
    bytes = bytes.subspan(n);
    held = (held + n) % 64;
    if (held == 0) block(_rest.data());
  }
}

static_assert(std::endian::native == std::endian::little,
              "numbers are hashed as they lie in memory");

void Sha256::update(std::span<std::int64_t const> values) {
  update(std::as_bytes(values));
}
void Sha256::update(std::span<double const> values) {
  update(std::as_bytes(values));
}

std::string Sha256::hex() {
  const std::uint64_t bits = 8 * _bytes;
  std::array<std::byte, 72> end{std::byte{0x80}};
  const std::size_t zeros = (119 - _bytes % 64) % 64; // so that 8 bytes remain in the last block
  for (std::size_t i = 0; i < 8; ++i) end[1 + zeros + i] = std::byte(bits >> (56 - 8 * i) & 0xff);
  update(std::span(end).first(zeros + 9));
  MOHO_REQUIRE(_bytes % 64 == 0);
  std::string out;
  for (const std::uint32_t word : _state)
    for (int shift = 28; shift >= 0; shift -= 4) out += "0123456789abcdef"[word >> shift & 15];
  return out;
}

} // namespace moho::study
