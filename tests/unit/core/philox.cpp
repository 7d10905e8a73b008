// SPDX-License-Identifier: BSD-3-Clause
#include "moho/core/philox.hpp"
#include <cmath>
#include <gtest/gtest.h>
#include <set>
#include <vector>

namespace moho {
namespace {

// Known answers of the authors' library (Random123, tests/kat_vectors, philox4x32 with 10 rounds).
struct KnownAnswer {
  PhiloxBlock counter;
  std::uint32_t key[2];
  PhiloxBlock result;
};
constexpr KnownAnswer known_answers[] = {
    {{{0, 0, 0, 0}}, {0, 0}, {{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}}},
    {{{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}},
     {0xffffffff, 0xffffffff},
     {{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}}},
    {{{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}},
     {0xa4093822, 0x299f31d0},
     {{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}}}};

TEST(Philox, GivesThePublishedWords) {
  for (KnownAnswer const& known : known_answers) {
    const PhiloxBlock block = philox4x32(known.counter, known.key[0], known.key[1]);
    for (int i = 0; i < 4; ++i) EXPECT_EQ(block.word[i], known.result.word[i]) << i;
  }
}

TEST(Philox, AnotherKeyGivesOtherWords) { // the known answers can be missed
  const PhiloxBlock block = philox4x32(known_answers[0].counter, 1, 0);
  EXPECT_NE(block.word[0], known_answers[0].result.word[0]);
}

TEST(Philox, UsesSeedStreamIndexAndDrawInFull) {
  std::set<std::uint64_t> seen;
  std::size_t drawn = 0;
  for (const std::uint64_t seed : {0ull, 1ull, 1ull << 32, 1ull << 63})
    for (const std::uint32_t stream : {0u, 1u, 0x80000000u})
      for (const std::uint64_t index : {0ull, 1ull, 1ull << 32, 1ull << 63})
        for (const std::uint32_t draw : {0u, 1u, 2u, 3u, 0x80000000u}) {
          seen.insert(Philox{seed, stream}.bits(index, draw));
          ++drawn;
        }
  EXPECT_EQ(seen.size(), drawn);
}

TEST(Philox, UniformFillsTheUnitInterval) {
  const Philox random{7, 0};
  int const n = 100000;
  double sum = 0, squares = 0;
  for (int i = 0; i < n; ++i) {
    double const u =
        random.uniform(static_cast<std::uint64_t>(i / 7), static_cast<std::uint32_t>(i % 7));
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    sum += u;
    squares += u * u;
  }
  double const deviation = 1 / std::sqrt(12.0 * n);
  EXPECT_NEAR(sum / n, 0.5, 4 * deviation);
  EXPECT_NEAR(squares / n, 1 / 3.0, 4 * deviation);
}

TEST(Philox, NormalHasTheMomentsOfANormal) {
  const Philox random{7, 1};
  int const n = 100000;
  double moment[5] = {};
  for (int i = 0; i < n; ++i) {
    double const x = random.normal(static_cast<std::uint64_t>(i), 0);
    ASSERT_TRUE(std::isfinite(x));
    double power = 1;
    for (double& m : moment) {
      m += power / n;
      power *= x;
    }
  }
  EXPECT_NEAR(moment[1], 0, 4 / std::sqrt(n));
  EXPECT_NEAR(moment[2], 1, 4 * std::sqrt(2.0 / n));
  EXPECT_NEAR(moment[4], 3, 4 * std::sqrt(96.0 / n));
}

void fill_on_device(Kokkos::View<std::uint64_t*, MemorySpace> const& out) {
  const Philox random{42, 3};
  Kokkos::parallel_for(
      "fill", out.extent(0),
      KOKKOS_LAMBDA(int const i) { out(i) = random.bits(static_cast<std::uint64_t>(i), 5); });
}

TEST(Philox, IsTheSameOnTheDevice) {
  const Kokkos::View<std::uint64_t*, MemorySpace> out("out", 100);
  fill_on_device(out);
  auto const host = Kokkos::create_mirror_view(out);
  Kokkos::deep_copy(host, out);
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(host(i), (Philox{42, 3}.bits(i, 5)));
}

} // namespace
} // namespace moho
