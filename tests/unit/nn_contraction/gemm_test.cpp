// SPDX-License-Identifier: BSD-3-Clause
#include "moho/nn/gemm.hpp"
#include "support.hpp"
#include <tuple>

namespace moho::nn::test {
namespace {

/// The same product as a contraction over (i, s, j), for the reference; batches are index b.
Case case_of_shape(GemmShape const& s, GemmBatch const& batch) {
  constexpr std::int64_t absent = ContractionIndex::absent;
  Case what;
  what.indices = {{s.m, s.transpose_a ? 1 : s.lda, absent, s.ldc},
                  {s.k, s.transpose_a ? s.lda : 1, s.transpose_b ? 1 : s.ldb, absent},
                  {s.n, absent, s.transpose_b ? s.ldb : 1, 1}};
  if (batch.count > 1) what.indices.push_back({batch.count, batch.a, batch.b, batch.c});
  auto const last = batch.count - 1;
  what.span_a = last * batch.a + (s.transpose_a ? s.k : s.m) * s.lda;
  what.span_b = last * batch.b + (s.transpose_b ? s.n : s.k) * s.ldb;
  what.span_c = last * batch.c + s.m * s.ldc;
  return what;
}

template <class T>
void expect_product(GemmShape const& shape, GemmBatch const& batch) {
  SCOPED_TRACE(std::to_string(shape.m) + " x " + std::to_string(shape.n) + " x " +
               std::to_string(shape.k) + (shape.transpose_a ? " T" : " N") +
               (shape.transpose_b ? "T, " : "N, ") + std::to_string(batch.count));
  Case const what = case_of_shape(shape, batch);
  auto const a = random_values<T>(static_cast<std::size_t>(what.span_a), 1),
             b = random_values<T>(static_cast<std::size_t>(what.span_b), 2),
             old = random_values<T>(static_cast<std::size_t>(what.span_c), 3);
  Answer const answer = by_loops(what, a, b);
  auto const da = to_device("a", a), db = to_device("b", b);
  ExecutionSpace const space;
  for (bool const accumulate : {false, true}) {
    std::vector<T> before(old);
    for (std::size_t i = 0; i < before.size(); ++i)
      if (answer.touched[i] && !accumulate) before[i] = std::numeric_limits<T>::quiet_NaN();
    auto const dc = to_device("c", before);
    if (batch.count > 1)
      gemm_batched<T>(space, shape, batch, da.data(), db.data(), dc.data(), accumulate);
    else
      gemm<T>(space, shape, da.data(), db.data(), dc.data(), accumulate);
    space.fence();
    auto c = to_host(dc);
    EXPECT_LE(worst_error(what, answer, c, before, accumulate), 1);
    c[0] += T(.01) * static_cast<T>(shape.k);
    EXPECT_GT(worst_error(what, answer, c, before, accumulate), 1);
  }
}

class EveryForm : public testing::TestWithParam<std::tuple<bool, bool, int>> {
protected:
  GemmShape shape(std::int64_t m, std::int64_t n, std::int64_t k) const {
    auto const [ta, tb, pad] = GetParam();
    return {m, n, k, ta, tb, (ta ? m : k) + pad, (tb ? k : n) + 2 * pad, n + pad};
  }
};

constexpr std::int64_t sides[][3] = {
    {1, 1, 1},     {1, 1, 70},    {1, 50, 1},    {50, 1, 1},     {1, 40, 30},   {40, 1, 3000},
    {1, 600, 50},  {2, 3, 4},     {7, 5, 3},     {16, 16, 16},   {50, 50, 50},  {33, 65, 17},
    {300, 50, 2},  {700, 50, 50}, {50, 700, 50}, {50, 50, 3000}, {64, 128, 40}, {20, 128, 64},
    {501, 49, 51}, {3, 300, 300}, {300, 3, 300}};

TEST_P(EveryForm, IsTheProduct) {
  for (auto const& [m, n, k] : sides) {
    expect_product<double>(shape(m, n, k), {});
    expect_product<float>(shape(m, n, k), {});
  }
}

TEST_P(EveryForm, IsTheProductInBatches) {
  for (auto const& [m, n, k] : {std::array<std::int64_t, 3>{1, 1, 9}, {5, 6, 7}, {20, 33, 16}}) {
    GemmShape const s = shape(m, n, k);
    std::int64_t const a = (s.transpose_a ? k : m) * s.lda, b = (s.transpose_b ? n : k) * s.ldb,
                       c = m * s.ldc + 5;
    expect_product<double>(s, {9, a, b, c});
    expect_product<float>(s, {9, a, b, c});
    expect_product<double>(s, {9, 0, b, c});
    expect_product<double>(s, {9, a, 0, c});
  }
}

TEST_P(EveryForm, IsTheProductForEveryWidthAndHeight) {
  // Tiles of registers end within C: every remainder of rows, columns and sums.
  for (std::int64_t n = 1; n <= 70; ++n) {
    std::int64_t const m = 1 + n % 14, k = n % 5 == 0 ? 127 + n % 3 : 1 + n % 9;
    expect_product<double>(shape(m, n, k), {});
    expect_product<float>(shape(m, n, k), {});
  }
}

INSTANTIATE_TEST_SUITE_P(Gemm, EveryForm,
                         testing::Combine(testing::Bool(), testing::Bool(), testing::Values(0, 3)));

TEST(Gemm, SumsOfNothingAreZero) {
  auto const c = to_device("c", std::vector<double>(6, 7.0));
  ExecutionSpace const space;
  Device<double> const none("none", 1);
  GemmShape const shape{2, 3, 0, false, false, 0, 3, 3};
  gemm<double>(space, shape, none.data(), none.data(), c.data(), true);
  EXPECT_EQ(to_host(c), std::vector<double>(6, 7.0));
  gemm<double>(space, shape, none.data(), none.data(), c.data(), false);
  EXPECT_EQ(to_host(c), std::vector<double>(6, 0.0));
  gemm<double>(space, {0, 3, 4, false, false, 4, 3, 3}, none.data(), none.data(), none.data());
}

TEST(Gemm, RefusesRowsThatOverlap) {
  ExecutionSpace const space;
  Device<double> const d("d", 100);
  auto const run = [&](GemmShape const& shape) {
    gemm<double>(space, shape, d.data(), d.data(), d.data());
  };
  EXPECT_THROW(run({2, 3, 4, false, false, 3, 3, 3}), std::logic_error);
  EXPECT_THROW(run({2, 3, 4, true, false, 1, 3, 3}), std::logic_error);
  EXPECT_THROW(run({2, 3, 4, false, false, 4, 2, 3}), std::logic_error);
  EXPECT_THROW(run({2, 3, 4, false, true, 4, 3, 3}), std::logic_error);
  EXPECT_THROW(run({2, 3, 4, false, false, 4, 3, 2}), std::logic_error);
  EXPECT_THROW(run({-2, 3, 4, false, false, 4, 3, 3}), std::logic_error);
}

TEST(Gemm, NotANumberPropagates) {
  for (auto const& [m, n, k] : sides) {
    std::vector<float> a(static_cast<std::size_t>(m * k), 0.0f);
    std::vector<float> const b(static_cast<std::size_t>(k * n), 0.0f);
    a[static_cast<std::size_t>(m * k - 1)] = std::numeric_limits<float>::quiet_NaN();
    auto const da = to_device("a", a), db = to_device("b", b);
    auto const dc = to_device("c", std::vector<float>(static_cast<std::size_t>(m * n), 1.0f));
    ExecutionSpace const space;
    gemm<float>(space, {m, n, k, false, false, k, n, n}, da.data(), db.data(), dc.data());
    auto const c = to_host(dc);
    for (std::size_t i = 0; i < c.size(); ++i)
      EXPECT_EQ(std::isnan(c[i]), i >= static_cast<std::size_t>((m - 1) * n)) << m << " " << i;
  }
}

TEST(Gemm, TellsWhoMultiplies) {
  EXPECT_NE(std::string(gemm_library()), "");
  int const threads = blas_threads();
  if (threads == 0) GTEST_SKIP() << "allowed: this BLAS cannot be asked for its threads";
  set_blas_threads(1);
  EXPECT_EQ(blas_threads(), 1);
  set_blas_threads(threads);
  EXPECT_EQ(blas_threads(), threads);
}

} // namespace
} // namespace moho::nn::test
