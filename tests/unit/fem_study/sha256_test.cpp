// SPDX-License-Identifier: BSD-3-Clause
// Against the published vectors of FIPS 180-4 and NIST's SHAVS.
#include "moho/study/sha256.hpp"
#include <gtest/gtest.h>
#include <random>
#include <string_view>
#include <vector>

using moho::study::Sha256;

namespace {

std::string digest(std::string_view text, std::size_t piece = 0) {
  Sha256 sha;
  auto bytes = std::as_bytes(std::span(text));
  while (piece && bytes.size() > piece) {
    sha.update(bytes.first(piece));
    bytes = bytes.subspan(piece);
  }
  sha.update(bytes);
  return sha.hex();
}

} // namespace

TEST(Sha256, published_vectors) {
  EXPECT_EQ(digest(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(digest("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
                   "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"),
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
  EXPECT_EQ(digest(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, pieces_do_not_matter) {
  std::mt19937 random(7);
  for (const std::size_t length : {0U, 1U, 54U, 55U, 56U, 57U, 63U, 64U, 65U, 119U, 120U, 1000U}) {
    std::string text;
    for (std::size_t i = 0; i < length; ++i) text += static_cast<char>(random());
    for (const std::size_t piece : {1U, 3U, 55U, 56U, 63U, 64U, 65U, 128U})
      EXPECT_EQ(digest(text, piece), digest(text)) << length << " bytes by " << piece;
    if (!length) continue;
    std::string other = text;
    other[length / 2] = static_cast<char>(other[length / 2] ^ 1);
    EXPECT_NE(digest(other), digest(text)); // one bit
  }
}

TEST(Sha256, numbers_are_little_endian_bytes) {
  Sha256 numbers, bytes;
  const std::vector<std::int64_t> ints{1, -2};
  const std::vector<double> reals{1.0};
  numbers.update(ints);
  numbers.update(reals);
  const std::vector<unsigned char> raw{1,    0,    0,    0,    0, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff,
                                       0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0,    0,    0xf0, 0x3f};
  bytes.update(std::as_bytes(std::span(raw)));
  EXPECT_EQ(numbers.hex(), bytes.hex());
}
