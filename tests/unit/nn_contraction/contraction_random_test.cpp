// SPDX-License-Identifier: BSD-3-Clause
#include "support.hpp"
#include <algorithm>

namespace moho::nn::test {
namespace {

/// Numbers of one seed, in order.
class Draws {
public:
  explicit Draws(std::uint64_t seed) : _philox{seed} {}
  std::int64_t below(std::int64_t n) {
    return static_cast<std::int64_t>(_philox.uniform(_count++, 0) * static_cast<double>(n));
  }
  template <class T>
  void shuffle(std::vector<T>& values) {
    for (std::size_t i = values.size(); i > 1; --i)
      std::swap(values[i - 1],
                values[static_cast<std::size_t>(below(static_cast<std::int64_t>(i)))]);
  }

private:
  Philox _philox;
  std::uint64_t _count = 0;
};

/// Strides of the axes in a random order, some followed by a gap.
std::vector<std::int64_t> random_strides(Draws& draws, std::vector<std::int64_t> const& extents,
                                         std::int64_t& span) {
  std::vector<std::size_t> order(extents.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  if (draws.below(3) > 0) draws.shuffle(order);
  bool const gaps = draws.below(3) == 0;
  std::vector<std::int64_t> strides(extents.size());
  std::int64_t next = gaps ? 1 + draws.below(2) : 1;
  span = 1;
  for (std::size_t const i : order) {
    strides[i] = next;
    span += (extents[i] - 1) * next;
    next = next * extents[i] + (gaps ? draws.below(4) : 0);
  }
  return strides;
}

Case random_case(Draws& draws) {
  constexpr std::int64_t lengths[] = {1, 1, 2, 2, 3, 4, 5, 7, 8, 13, 16, 17, 33, 50, 67};
  constexpr bool in[4][3] = {{1, 1, 1}, {1, 0, 1}, {0, 1, 1}, {1, 1, 0}};
  Case result;
  std::int64_t work = 1;
  auto const count = draws.below(7);
  std::vector<int> kinds;
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t extent = lengths[draws.below(std::size(lengths))];
    if (work * extent > 60000) extent = 1;
    work *= extent;
    kinds.push_back(static_cast<int>(draws.below(4)));
    ContractionIndex index;
    index.extent = extent;
    result.indices.push_back(index);
  }
  for (int array = 0; array < 3; ++array) {
    std::vector<std::size_t> which;
    std::vector<std::int64_t> extents;
    for (std::size_t i = 0; i < kinds.size(); ++i)
      if (in[kinds[i]][array]) {
        which.push_back(i);
        extents.push_back(result.indices[i].extent);
      }
    std::int64_t& span = array == 0 ? result.span_a : array == 1 ? result.span_b : result.span_c;
    auto const strides = random_strides(draws, extents, span);
    for (std::size_t i = 0; i < which.size(); ++i) {
      ContractionIndex& index = result.indices[which[i]];
      (array == 0 ? index.a : array == 1 ? index.b : index.c) = strides[i];
    }
  }
  return result;
}

std::string text_of(Case const& what) {
  std::string text;
  for (ContractionIndex const& index : what.indices)
    text += " {" + std::to_string(index.extent) + ", " + std::to_string(index.a) + ", " +
            std::to_string(index.b) + ", " + std::to_string(index.c) + "}";
  return text;
}

TEST(Contraction, RandomOnesAreTheSumOfProducts) {
  std::uint64_t const seed = 20260101;
  SCOPED_TRACE("seed " + std::to_string(seed));
  Draws draws(seed);
  for (std::uint64_t i = 0; i < 400; ++i) {
    Case const what = random_case(draws);
    SCOPED_TRACE("case " + std::to_string(i) + ":" + text_of(what));
    if (i % 2 == 0)
      expect_right<double>(what, seed + i);
    else
      expect_right<float>(what, seed + i);
    if (testing::Test::HasFailure()) return;
  }
}

TEST(Contraction, TheOrderOfTheListChangesNothing) {
  std::uint64_t const seed = 77;
  SCOPED_TRACE("seed " + std::to_string(seed));
  Draws draws(seed);
  for (int i = 0; i < 60; ++i) {
    Case what = random_case(draws);
    auto const a = random_values<float>(static_cast<std::size_t>(what.span_a), seed),
               b = random_values<float>(static_cast<std::size_t>(what.span_b), seed + 1);
    std::vector<float> const c(static_cast<std::size_t>(what.span_c));
    auto const first = run_case(what, a, b, c, false);
    draws.shuffle(what.indices);
    EXPECT_EQ(run_case(what, a, b, c, false), first) << text_of(what);
  }
}

} // namespace
} // namespace moho::nn::test
