// SPDX-License-Identifier: BSD-3-Clause
#include "moho/core/error.hpp"
#include "moho/nn/movement.hpp"
#include "support.hpp"
#include <algorithm>

namespace moho::nn::test {
namespace {

using Lengths = std::vector<std::int64_t>;

/// Where each entry goes, one by one.
template <class T>
std::vector<T> copied_by_loops(StridedCopy const& shape, std::vector<T> const& in,
                               std::vector<T> out) {
  Lengths at(shape.extents.size());
  for (std::int64_t const n : shape.extents)
    if (n == 0) return out;
  for (;;) {
    std::int64_t from = 0, to = 0;
    for (std::size_t d = 0; d < at.size(); ++d) {
      from += at[d] * shape.in_strides[d];
      to += at[d] * shape.out_strides[d];
    }
    out[static_cast<std::size_t>(to)] = in[static_cast<std::size_t>(from)];
    std::size_t d = 0;
    while (d < at.size() && ++at[d] == shape.extents[d]) at[d++] = 0;
    if (d == at.size()) return out;
  }
}

std::size_t span(Lengths const& extents, Lengths const& strides) {
  std::int64_t last = 0;
  for (std::size_t d = 0; d < extents.size(); ++d)
    last += std::max<std::int64_t>(extents[d] - 1, 0) * strides[d];
  return static_cast<std::size_t>(last + 1);
}

template <class T>
void expect_copy(StridedCopy const& shape) {
  auto const in = random_values<T>(span(shape.extents, shape.in_strides), 4);
  std::vector<T> const before(span(shape.extents, shape.out_strides) + 3, gap<T>);
  auto const din = to_device("in", in), dout = to_device("out", before);
  ExecutionSpace const space;
  copy<T>(space, shape, din.data(), dout.data());
  space.fence();
  EXPECT_EQ(to_host(dout), copied_by_loops(shape, in, before));
}

Lengths row_major(Lengths const& extents) {
  Lengths strides(extents.size());
  std::int64_t next = 1;
  for (std::size_t d = extents.size(); d-- > 0; next *= extents[d]) strides[d] = next;
  return strides;
}

/// Axis d of the output is axis order[d] of the input.
StridedCopy permuted(Lengths const& extents, std::vector<std::size_t> const& order) {
  Lengths const in = row_major(extents);
  StridedCopy shape;
  for (std::size_t const d : order) {
    shape.extents.push_back(extents[d]);
    shape.in_strides.push_back(in[d]);
  }
  shape.out_strides = row_major(shape.extents);
  return shape;
}

TEST(Movement, EveryPermutationOfAxes) {
  for (Lengths const& extents :
       {Lengths{3, 50, 2, 17}, Lengths{1, 9, 65, 8}, Lengths{16, 4, 1, 70}, Lengths{70, 3, 64},
        Lengths{129, 200}, Lengths{3, 2, 2, 3, 2, 5}}) {
    std::vector<std::size_t> order(extents.size());
    for (std::size_t d = 0; d < order.size(); ++d) order[d] = d;
    do {
      StridedCopy const shape = permuted(extents, order);
      expect_copy<double>(shape);
      expect_copy<float>(shape);
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

TEST(Movement, LayoutsWithGapsAndRepetitions) {
  std::vector<StridedCopy> const shapes = {
      {{}, {}, {}},                          // a number
      {{1, 1}, {5, 9}, {0, 0}},              // also
      {{100000}, {1}, {1}},                  // one long row
      {{100000}, {0}, {1}},                  // a repeated number
      {{40000}, {2}, {3}},                   // every other to every third
      {{20, 30}, {40, 1}, {33, 1}},          // parts of rows
      {{20, 30}, {1, 20}, {33, 1}},          // transposed into parts of rows
      {{20, 30}, {1, 23}, {90, 3}},          // nothing contiguous in the output
      {{20, 30}, {0, 1}, {30, 1}},           // repeated rows
      {{20, 30}, {1, 0}, {30, 1}},           // repeated columns
      {{20, 30, 4}, {0, 4, 1}, {120, 4, 1}}, //
      {{5, 6, 7}, {1, 40, 5}, {60, 9, 1}},   //
      {{5, 0, 7}, {1, 40, 5}, {60, 9, 1}},   // nothing
      {{2, 2, 2, 2, 2, 2, 2, 2}, {1, 2, 4, 8, 16, 32, 64, 128}, {128, 64, 32, 16, 8, 4, 2, 1}}};
  for (StridedCopy const& shape : shapes) {
    expect_copy<double>(shape);
    expect_copy<float>(shape);
  }
}

TEST(Movement, RandomCopies) {
  std::uint64_t const seed = 31;
  SCOPED_TRACE("seed " + std::to_string(seed));
  Philox const philox{seed};
  std::uint64_t count = 0;
  auto const below = [&](std::int64_t n) {
    return static_cast<std::int64_t>(philox.uniform(count++, 0) * static_cast<double>(n));
  };
  for (int i = 0; i < 300; ++i) {
    Lengths extents(static_cast<std::size_t>(1 + below(5)));
    for (auto& extent : extents) extent = 1 + below(i % 3 == 0 ? 20 : 6);
    std::vector<std::size_t> order(extents.size());
    for (std::size_t d = 0; d < order.size(); ++d) order[d] = d;
    for (std::size_t d = order.size(); d > 1; --d)
      std::swap(order[d - 1], order[static_cast<std::size_t>(below(static_cast<std::int64_t>(d)))]);
    StridedCopy shape = permuted(extents, order);
    if (i % 2 == 0) // gaps on both sides
      for (std::size_t d = 0; d < order.size(); ++d) {
        shape.in_strides[d] *= 2;
        shape.out_strides[d] *= 3;
      }
    SCOPED_TRACE("case " + std::to_string(i));
    expect_copy<float>(shape);
    if (testing::Test::HasFailure()) return;
  }
}

TEST(Movement, RefusesWritingTwiceToAPlace) {
  ExecutionSpace const space;
  Device<double> const d("d", 100);
  EXPECT_THROW(copy<double>(space, {{3}, {1}, {0}}, d.data(), d.data()), std::logic_error);
  EXPECT_THROW(copy<double>(space, {{3}, {1, 1}, {1}}, d.data(), d.data()), std::logic_error);
  EXPECT_THROW(copy<double>(space, {{3}, {1}, {}}, d.data(), d.data()), std::logic_error);
}

TEST(Movement, Fill) {
  for (std::int64_t const n : {0, 1, 7, 10000}) {
    auto const out = to_device("out", std::vector<float>(static_cast<std::size_t>(n) + 2, 1.0f));
    ExecutionSpace const space;
    fill<float>(space, 3, out.data(), n);
    space.fence();
    std::vector<float> expected(static_cast<std::size_t>(n) + 2, 1.0f);
    std::fill_n(expected.begin(), n, 3.0f);
    EXPECT_EQ(to_host(out), expected);
  }
}

constexpr std::int64_t rows = 11;
std::vector<std::int64_t> some_index() {
  return {3, 3, 0, 10, 7, 3, 0, 9, 9, 9, 9, 1};
}

TEST(Movement, GatherRows) {
  auto const index = some_index();
  auto const dindex = to_device("index", index);
  for (std::int64_t const length : {1, 2, 5, 64}) {
    auto const in = random_values<double>(static_cast<std::size_t>(rows * length), 6);
    auto const din = to_device("in", in);
    Device<double> const out("out", index.size() * static_cast<std::size_t>(length));
    ExecutionSpace const space;
    gather_rows<double>(space, dindex, length, din.data(), out.data());
    space.fence();
    auto const values = to_host(out);
    for (std::size_t m = 0; m < index.size(); ++m)
      for (std::int64_t j = 0; j < length; ++j)
        EXPECT_EQ(values[m * static_cast<std::size_t>(length) + static_cast<std::size_t>(j)],
                  in[static_cast<std::size_t>(index[m] * length + j)]);
  }
}

TEST(Movement, SegmentsHoldEveryPositionInOrder) {
  Segments const found = segments(some_index(), rows);
  EXPECT_EQ(to_host(found.begin),
            (std::vector<std::int64_t>{0, 2, 3, 3, 6, 6, 6, 6, 7, 7, 11, 12}));
  EXPECT_EQ(to_host(found.positions),
            (std::vector<std::int64_t>{2, 6, 11, 0, 1, 5, 4, 7, 8, 9, 10, 3}));
  Segments const none = segments({}, 2);
  EXPECT_EQ(to_host(none.begin), (std::vector<std::int64_t>{0, 0, 0}));
  EXPECT_EQ(none.positions.extent(0), 0u);
}

TEST(Movement, SegmentsNameTheBadPosition) {
  for (std::int64_t const bad : {std::int64_t{-1}, rows, std::int64_t{1} << 40}) {
    auto index = some_index();
    index[5] = bad;
    try {
      segments(index, rows);
      FAIL() << bad;
    } catch (Error const& error) {
      std::string const text = error.what();
      EXPECT_NE(text.find("position 5"), std::string::npos) << text;
      EXPECT_NE(text.find(std::to_string(bad)), std::string::npos) << text;
      EXPECT_NE(text.find("0 to 10"), std::string::npos) << text;
    }
  }
}

TEST(Movement, ScatterAddSumsInAscendingOrder) {
  auto const index = some_index();
  Segments const where = segments(index, rows);
  for (std::int64_t const length : {1, 2, 5, 64}) {
    auto const width = static_cast<std::size_t>(length);
    auto const in = random_values<float>(index.size() * width, 7);
    auto const din = to_device("in", in);
    auto const out = to_device("out", std::vector<float>(static_cast<std::size_t>(rows) * width,
                                                         std::numeric_limits<float>::quiet_NaN()));
    ExecutionSpace const space;
    scatter_add_rows<float>(space, where, length, din.data(), out.data());
    space.fence();
    std::vector<float> expected(static_cast<std::size_t>(rows) * width);
    for (std::size_t m = 0; m < index.size(); ++m)
      for (std::size_t j = 0; j < width; ++j)
        expected[static_cast<std::size_t>(index[m]) * width + j] += in[m * width + j];
    EXPECT_EQ(to_host(out), expected); // bit for bit
  }
}

} // namespace
} // namespace moho::nn::test
