// SPDX-License-Identifier: BSD-3-Clause
// Sums over a middle axis: values, growth of rounding, and one order whatever the threads.
#include "moho/core/host_copy.hpp"
#include "moho/nn/pointwise.hpp"
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>
#include <random>
#include <type_traits>

using namespace moho;
using namespace moho::nn;

namespace {

constexpr unsigned seed = 55217;

struct Extents {
  std::int64_t outer, reduced, inner;
};
std::ostream& operator<<(std::ostream& to, Extents e) {
  return to << "(" << e.outer << ", " << e.reduced << ", " << e.inner << ")";
}

constexpr Extents some[] = {
    {1, 1, 1},      {1, 7, 1},      {1, 511, 1},   {1, 100003, 1}, {1, 1 << 20, 1}, {3, 1, 5},
    {5, 2, 1},      {1000, 2, 3},   {1000, 3, 5},  {100, 15, 1},   {100, 16, 1},    {200, 50, 1},
    {64, 1000, 1},  {1, 10000, 50}, {1, 4099, 64}, {1, 9001, 255}, {1, 9001, 257},  {2, 3000, 7},
    {1, 20, 10000}, {4, 33, 600},   {7, 129, 31},  {1, 5000, 3},   {50, 63, 2},     {1, 70000, 2}};

template <class T>
std::vector<T> values(Extents e) {
  std::mt19937_64 random(seed);
  std::vector<T> in(static_cast<std::size_t>(e.outer * e.reduced * e.inner));
  for (T& v : in) // not by a distribution: its values would depend on the library
    v = static_cast<T>(std::ldexp(static_cast<double>(random() >> 40), -24)) - T(0.3);
  return in;
}

template <class T>
std::vector<T> sums(Extents e, std::vector<T> const& in) {
  auto const from = to_device("in", in);
  auto const to = to_device("out", std::vector<T>(static_cast<std::size_t>(e.outer * e.inner)));
  auto const size = sum_scratch(e.outer, e.reduced, e.inner);
  auto const scratch = to_device("scratch", std::vector<T>(static_cast<std::size_t>(size)));
  sum_middle<T>(ExecutionSpace(), from.data(), to.data(), e.outer, e.reduced, e.inner,
                scratch.data());
  Kokkos::fence();
  return to_host(to);
}

/// Largest error relative to the sum of magnitudes, in eps.
template <class T>
double error(Extents e, std::vector<T> const& in, std::vector<T> const& found) {
  double worst = 0;
  for (std::int64_t o = 0; o < e.outer; ++o)
    for (std::int64_t i = 0; i < e.inner; ++i) {
      long double sum = 0, lost = 0, magnitude = 0; // compensated
      for (std::int64_t r = 0; r < e.reduced; ++r) {
        long double const v = in[static_cast<std::size_t>((o * e.reduced + r) * e.inner + i)];
        long double const term = v - lost, next = sum + term;
        lost = (next - sum) - term;
        sum = next;
        magnitude += std::fabs(v);
      }
      auto const off = std::fabs(found[static_cast<std::size_t>(o * e.inner + i)] - sum);
      worst = std::max(worst, static_cast<double>(off / magnitude));
    }
  return worst / std::numeric_limits<T>::epsilon();
}

template <class T>
class Reduction : public testing::Test {};
using Reals = testing::Types<float, double>;
TYPED_TEST_SUITE(Reduction, Reals);

/// FNV-1a over the bits of all sums.
template <class T>
std::uint64_t checksum() {
  std::uint64_t hash = 14695981039346656037u;
  for (const Extents e : some)
    for (const T sum : sums(e, values<T>(e))) {
      unsigned char bytes[sizeof(T)];
      std::memcpy(bytes, &sum, sizeof sum);
      for (unsigned char byte : bytes) hash = (hash ^ byte) * 1099511628211u;
    }
  return hash;
}

} // namespace

TYPED_TEST(Reduction, SumsOfEveryShape) {
  for (const Extents e : some) {
    auto const in = values<TypeParam>(e);
    auto found = sums(e, in);
    EXPECT_LT(error(e, in, found), 4) << e << ", seed " << seed;
    found.back() += in.back(); // one entry counted twice is seen
    if (e.reduced < 10000) {
      EXPECT_GT(error(e, in, found), 4) << e;
    }
  }
}

// On a device the sums of the parts are so many that they are shared out again.
TYPED_TEST(Reduction, PartsOfParts) {
  Extents const e{1, 70000, 64};
  auto const in = values<TypeParam>(e);
  auto const found = sums(e, in);
  EXPECT_LT(error(e, in, found), 4) << "seed " << seed;
  auto wrong = found;
  std::swap(wrong.front(), wrong.back());
  EXPECT_GT(error(e, in, wrong), 4);
}

TEST(ReductionOfFloats, RoundingGrowsWithTheLogarithm) {
  Extents const e{1, 1 << 22, 1};
  std::vector<float> const in(std::size_t(1) << 22, 0.1f);
  EXPECT_LT(error(e, in, sums(e, in)), 2);
  float naive = 0;
  for (float const v : in) naive += v;
  EXPECT_GT(error(e, in, {naive}), 1000); // what the check is for
}

// Only sums, no products: the bits are the same on all hosts, so also with 1 and 2 threads.
TYPED_TEST(Reduction, OneOrderOnEveryHost) {
  using T = TypeParam;
  if (!std::is_same_v<ExecutionSpace, Kokkos::DefaultHostExecutionSpace>)
    GTEST_SKIP() << "allowed: a device has an order of its own";
  EXPECT_EQ(checksum<T>(),
            sizeof(T) == sizeof(float) ? 14493405365308607857u : 2659278615856090002u);
}

TYPED_TEST(Reduction, TheSameTwice) {
  for (const Extents e : {Extents{1, 10000, 50}, Extents{1, 1 << 20, 1}, Extents{64, 1000, 1}}) {
    auto const in = values<TypeParam>(e);
    EXPECT_EQ(sums(e, in), sums(e, in)) << e;
  }
}
