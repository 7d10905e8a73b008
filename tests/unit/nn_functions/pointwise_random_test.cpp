// SPDX-License-Identifier: BSD-3-Clause
// Random expressions: fused they have the bits of the same instructions one by one.
#include "pointwise_support.hpp"
#include <algorithm>
#include <numeric>

using namespace moho;
using namespace moho::nn;
using namespace moho::nn::test;

namespace {

constexpr unsigned seed = 40961;

int below(std::mt19937_64& random, int n) {
  return static_cast<int>(random() % static_cast<unsigned>(n));
}

template <class T>
struct Case {
  Expression e;
  std::vector<Array<T>> loads, stores;
  std::vector<int> shared;
};

Shape random_shape(std::mt19937_64& random) {
  static constexpr std::int64_t some[] = {1, 2, 3, 5, 7, 16, 50, 64, 257, 1025, 3000};
  std::int64_t const least = below(random, 2) ? 3000 : 1; // more than a block, half of the time
  for (;;) {
    std::vector<std::int64_t> extents(static_cast<std::size_t>(below(random, 6)));
    for (auto& n : extents) n = some[below(random, 11)];
    Shape const shape(extents);
    if (shape.size() <= 40000 && shape.size() >= least) return shape;
  }
}

/// Axes in any order in memory, with gaps; repeated along some if so wished.
Strides random_strides(Shape const& shape, std::mt19937_64& random, bool may_repeat) {
  if (below(random, 2)) return shape.strides();
  auto const rank = static_cast<std::size_t>(shape.rank());
  std::vector<std::size_t> order(rank);
  std::iota(order.begin(), order.end(), 0);
  if (below(random, 3) == 0) std::shuffle(order.begin(), order.end(), random);
  bool const repeats = may_repeat && below(random, 2);
  Strides strides(rank);
  std::int64_t next = below(random, 4) ? 1 : 2;
  for (std::size_t k = rank; k-- > 0;) {
    auto const d = order[k];
    bool const repeated = repeats && below(random, 2);
    strides[d] = repeated ? 0 : next;
    if (!repeated) next = next * shape[static_cast<int>(d)] + (below(random, 4) ? 0 : 3);
  }
  return strides;
}

bool has_gaps_only(Shape const& shape, Strides const& strides) { // nothing is repeated
  for (int d = 0; d < shape.rank(); ++d)
    if (shape[d] > 1 && strides[static_cast<std::size_t>(d)] == 0) return false;
  return true;
}

Instruction random_instruction(std::mt19937_64& random, int registers) {
  // those that keep numbers of moderate size come first
  static constexpr Op some[] = {Op::add,  Op::subtract, Op::tanh,    Op::multiply, Op::sin,
                                Op::cos,  Op::gelu,     Op::sigmoid, Op::erf,      Op::gelu_slope,
                                Op::relu, Op::scale,    Op::shift,   Op::negate,   Op::copy,
                                Op::sign, Op::maximum,  Op::select,  Op::absolute, Op::greater,
                                Op::exp,  Op::divide,   Op::log,     Op::sqrt,     Op::power};
  Instruction one;
  one.op = some[below(random, 25)];
  auto recent = [&] { // one of the latest, more often than not
    return below(random, 2) ? below(random, registers)
                            : std::max(0, registers - 1 - below(random, 4));
  };
  one.a = recent();
  one.b = recent();
  one.c = recent();
  one.value = below(random, 3) ? 0.25 * (below(random, 9) - 4) : below(random, 9) - 4;
  return one;
}

template <class T>
Case<T> random_case(std::mt19937_64& random) {
  Case<T> c;
  Expression& e = c.e;
  e.shape = random_shape(random);
  int const loads = 1 + below(random, 6), instructions = below(random, 30);
  for (int l = 0; l < loads; ++l) {
    e.loads.push_back(random_strides(e.shape, random, true));
    std::int64_t const begin = below(random, 5);
    c.loads.push_back({random_values<T>(begin + span(e.shape, e.loads.back()), random), begin});
  }
  for (int i = 0; i < instructions; ++i)
    e.instructions.push_back(random_instruction(random, loads + i));
  int const stores = 1 + below(random, 5);
  std::vector<char> taken(static_cast<std::size_t>(loads), false);
  for (int j = 0; j < stores; ++j) {
    auto const l = static_cast<std::size_t>(below(random, loads));
    bool const share = below(random, 2) && !taken[l] && has_gaps_only(e.shape, e.loads[l]);
    Strides const strides = share ? e.loads[l] : random_strides(e.shape, random, false);
    if (share) taken[l] = true;
    c.shared.push_back(share ? static_cast<int>(l) : -1);
    std::int64_t const begin = below(random, 5);
    c.stores.push_back({random_values<T>(begin + span(e.shape, strides), random), begin});
    e.stores.push_back({below(random, loads + instructions), strides});
  }
  return c;
}

template <class T>
void check(unsigned with_seed, int cases) {
  for (int k = 0; k < cases; ++k) {
    std::mt19937_64 random(with_seed + static_cast<unsigned>(k));
    auto const c = random_case<T>(random);
    auto const found = run(c.e, c.loads, c.stores, c.shared);
    ASSERT_EQ(different(c.e, c.loads, c.stores, c.shared, found), 0)
        << "seed " << with_seed + static_cast<unsigned>(k) << ", shape " << c.e.shape.str();
  }
}

} // namespace

TEST(PointwiseRandom, FusedHasTheBitsOfOneByOneInFloat) {
  check<float>(seed, 150);
}
TEST(PointwiseRandom, FusedHasTheBitsOfOneByOneInDouble) {
  check<double>(seed + 10000, 150);
}

TEST(PointwiseRandom, ManyLiveRegisters) {
  // all loads and instructions are needed by the last ones: as many buffers as there can be
  Expression e{Shape{700, 3}, {}, {}, {}};
  std::vector<Array<double>> loads;
  std::mt19937_64 random(seed);
  for (int l = 0; l < max_loads; ++l) {
    e.loads.push_back(l % 2 ? Strides{1, 700} : Strides{0, 1});
    loads.push_back({random_values<double>(span(e.shape, e.loads.back()), random), 0});
  }
  for (int i = 0; i < max_instructions / 2; ++i)
    e.instructions.push_back({Op::add, i % max_loads, (i + 5) % max_loads});
  for (int i = 0; i < max_instructions / 2; ++i)
    e.instructions.push_back(
        {Op::multiply, max_loads + i, max_loads + max_instructions / 2 - 1 - i});
  std::vector<Array<double>> stores;
  for (int j = 0; j < max_stores; ++j) {
    e.stores.push_back({max_loads + max_instructions - 1 - 2 * j, {1, 700}});
    stores.push_back({std::vector<double>(2100), 0});
  }
  EXPECT_EQ(different(e, loads, stores, {}, run(e, loads, stores)), 0);
}

TEST(PointwiseRandom, ADifferenceOfOneInstructionIsSeen) {
  int seen = 0;
  for (unsigned k = 0; k < 40; ++k) {
    std::mt19937_64 random(seed + k);
    auto c = random_case<double>(random);
    if (c.e.instructions.empty()) continue;
    auto const found = run(c.e, c.loads, c.stores, c.shared);
    for (auto& one : c.e.instructions)
      if (one.op == Op::tanh) one.op = Op::sin;
    seen += different(c.e, c.loads, c.stores, c.shared, found) > 0;
  }
  EXPECT_GT(seen, 3);
}
