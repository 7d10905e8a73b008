// SPDX-License-Identifier: BSD-3-Clause
// Division by a product and a shift: quotient and rest as the processor has them.
#include "divider.hpp"
#include <gtest/gtest.h>
#include <random>
#include <vector>

using moho::nn::Divider;

namespace {

constexpr std::uint32_t most = 0x7fffffff;
constexpr unsigned seed = 7411;

void check(std::uint32_t divisor, std::uint32_t n) {
  std::uint32_t quotient = n, rest = 0;
  Divider(divisor).divide(quotient, quotient, rest); // a result in the place of n
  EXPECT_EQ(quotient, n / divisor) << n << " / " << divisor << ", seed " << seed;
  EXPECT_EQ(rest, n % divisor) << n << " % " << divisor;
}

} // namespace

TEST(Divider, AroundMultiplesAndPowersOfTwo) {
  std::vector<std::uint32_t> divisors = {most, most - 1, 641, 274177};
  for (std::uint32_t d = 1; d <= 300; ++d) divisors.push_back(d);
  for (int bit = 8; bit < 31; ++bit)
    for (std::uint32_t off : {-1, 0, 1}) divisors.push_back((1u << bit) + off);
  for (std::uint32_t const d : divisors) {
    std::uint32_t const last = most / d * d;
    for (std::uint32_t const n : {0u, 1u, d - 1, d, last - 1, last, most - 1, most}) check(d, n);
    if (d < most) check(d, d + 1);
  }
}

TEST(Divider, RandomNumbers) {
  std::mt19937 random(seed);
  for (int i = 0; i < 200000; ++i) {
    std::uint32_t const d = (random() >> (1 + random() % 31)) | 1u;
    check(d, random() >> (1 + random() % 31));
  }
}

TEST(Divider, NothingGivenDividesByOne) {
  EXPECT_EQ(Divider().quotient(most), most);
}

// What the shift is for: a factor of 32 bits without it is too coarse.
TEST(Divider, TheFactorAloneIsNotEnough) {
  std::uint32_t const d = 7, factor = 0xffffffffu / d + 1;
  std::uint64_t const n = 0xffffffffu / d * d - 1;
  EXPECT_NE((n * factor) >> 32, n / d);
}
