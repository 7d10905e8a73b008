// SPDX-License-Identifier: BSD-3-Clause
#include "support.hpp"

namespace moho::nn::test {
namespace {

using Extents = std::map<char, std::int64_t>;

struct Use {
  char const* text;
  Extents extents;
};

/// What the models ask for, the extents shortened.
std::vector<Use> uses() {
  return {
      // a dense layer and its adjoints, points by rows and by columns
      {"ni,oi->no", {{'n', 600}, {'i', 50}, {'o', 50}}},
      {"no,oi->ni", {{'n', 600}, {'i', 50}, {'o', 50}}},
      {"no,ni->oi", {{'n', 5000}, {'i', 50}, {'o', 50}}},
      {"oi,in->on", {{'n', 600}, {'i', 50}, {'o', 50}}},
      {"oi,on->in", {{'n', 600}, {'i', 50}, {'o', 50}}},
      {"on,in->oi", {{'n', 5000}, {'i', 50}, {'o', 50}}},
      {"ni,oi->no", {{'n', 100}, {'i', 2}, {'o', 50}}},
      {"ni,oi->no", {{'n', 1000}, {'i', 50}, {'o', 1}}},
      {"no,ni->oi", {{'n', 1000}, {'i', 50}, {'o', 1}}},
      {"oi,in->on", {{'n', 1000}, {'i', 50}, {'o', 1}}},
      {"oi,in->on", {{'n', 1000}, {'i', 1}, {'o', 50}}},
      // truncated transforms along one axis, their adjoints, along two axes
      {"kn,bnc->bkc", {{'k', 12}, {'n', 64}, {'b', 5}, {'c', 16}}},
      {"kn,bkc->bnc", {{'k', 12}, {'n', 64}, {'b', 5}, {'c', 16}}},
      {"km,bnmc->bnkc", {{'k', 10}, {'m', 21}, {'b', 3}, {'n', 19}, {'c', 8}}},
      {"ln,bnkc->blkc", {{'l', 12}, {'n', 38}, {'b', 3}, {'k', 5}, {'c', 8}}},
      {"ln,blkc->bnkc", {{'l', 12}, {'n', 38}, {'b', 3}, {'k', 5}, {'c', 8}}},
      // products of modes and their adjoints
      {"bkrc,kcso->bkrso", {{'b', 7}, {'k', 6}, {'r', 2}, {'c', 8}, {'s', 2}, {'o', 9}}},
      {"bkrso,kcso->bkrc", {{'b', 7}, {'k', 6}, {'r', 2}, {'c', 8}, {'s', 2}, {'o', 9}}},
      {"bkrc,bkrso->kcso", {{'b', 7}, {'k', 6}, {'r', 2}, {'c', 8}, {'s', 2}, {'o', 9}}},
      {"nrkc,kcso->nrkso", {{'n', 7}, {'k', 6}, {'r', 2}, {'c', 8}, {'s', 2}, {'o', 9}}},
      {"nrkc,nrkso->kcso", {{'n', 7}, {'k', 6}, {'r', 2}, {'c', 8}, {'s', 2}, {'o', 9}}},
      // functions at points
      {"fk,pk->fp", {{'f', 30}, {'k', 20}, {'p', 70}}},
      {"fp,pk->fk", {{'f', 30}, {'k', 20}, {'p', 70}}},
      // degenerate ones
      {"ij,j->i", {{'i', 300}, {'j', 70}}},
      {"ij,i->j", {{'i', 1500}, {'j', 70}}},
      {"i,i->", {{'i', 3000}}},
      {"i,j->ij", {{'i', 30}, {'j', 40}}},
      {"i,j->ji", {{'i', 30}, {'j', 40}}},
      {",->", {}},
      {"i,->i", {{'i', 40}}},
      {"bi,bi->b", {{'b', 700}, {'i', 3}}},
      {"bi,bi->b", {{'b', 7}, {'i', 300}}},
      {"ib,ib->b", {{'b', 700}, {'i', 30}}},
      {"bi,bi->bi", {{'b', 700}, {'i', 3}}},
      {"ib,bi->bi", {{'b', 20}, {'i', 30}}},
      {"bi,bij->bj", {{'b', 20}, {'i', 6}, {'j', 7}}},
      // what no merging helps: transposed on both sides, sums that are apart
      {"aibj,jbk->aki", {{'a', 5}, {'i', 9}, {'b', 7}, {'j', 11}, {'k', 6}}},
      {"ab,cb->ca", {{'a', 17}, {'b', 23}, {'c', 9}}},
      {"abc,cab->", {{'a', 9}, {'b', 8}, {'c', 7}}},
      {"abcd,dcbe->ae", {{'a', 6}, {'b', 7}, {'c', 8}, {'d', 9}, {'e', 5}}},
      {"axby,xcyd->abcd", {{'a', 4}, {'x', 5}, {'b', 6}, {'y', 7}, {'c', 3}, {'d', 8}}},
  };
}

TEST(Contraction, WhatModelsAskForIsTheSumOfProducts) {
  std::uint64_t const seed = 11;
  SCOPED_TRACE("seed " + std::to_string(seed));
  for (Use const& use : uses()) {
    SCOPED_TRACE(use.text);
    for (std::int64_t pad : {0, 3}) {
      Case const what = case_of(use.text, use.extents, pad, 2 * pad, pad);
      expect_right<double>(what, seed);
      expect_right<float>(what, seed);
    }
  }
}

template <class T>
std::string describe(char const* text, Extents const& extents) {
  return Contraction<T>(case_of(text, extents).indices).describe();
}

TEST(Contraction, TypicalOperandsAreReadAsTheyLie) {
  for (Use const& use : uses()) {
    std::string const text = use.text;
    if (text.find("a") != std::string::npos || text == "ib,bi->bi") continue; // awkward ones
    EXPECT_EQ(describe<double>(use.text, use.extents).find("copies"), std::string::npos)
        << text << ": " << describe<double>(use.text, use.extents);
  }
}

TEST(Contraction, NeighboursAreMerged) {
  // (n, r) make the rows, (s, o) the columns: one product per mode
  EXPECT_EQ(describe<float>("nrkc,kcso->nrkso",
                            {{'n', 20}, {'r', 2}, {'k', 16}, {'c', 64}, {'s', 2}, {'o', 64}}),
            "40x128x64; items 16, sums 1");
  EXPECT_EQ(
      describe<float>("ln,bnkc->blkc", {{'l', 48}, {'n', 188}, {'b', 20}, {'k', 12}, {'c', 32}}),
      "48x384x188; items 20, sums 1");
}

TEST(Contraction, ManySmallSumsAreReplacedByCopies) {
  // Neither b nor j, the sums, follow each other in both: loops over 300 of them would be slow.
  std::string const how =
      describe<double>("bij,jbk->ik", {{'b', 300}, {'i', 64}, {'j', 4}, {'k', 64}});
  EXPECT_NE(how.find("x1200; items 1, sums 1; copies"), std::string::npos) << how;
}

TEST(Contraction, CountsItsFlops) {
  EXPECT_EQ(
      Contraction<double>(case_of("ni,oi->no", {{'n', 3}, {'i', 5}, {'o', 7}}).indices).flops(),
      2 * 3 * 5 * 7);
}

#if defined(KOKKOS_ENABLE_OPENMP) && KOKKOS_VERSION >= 40000
TEST(Contraction, OneThreadComputesTheBitsOfAll) {
  ExecutionSpace const all;
  if (all.concurrency() < 2) return; // the test runs with 1 and with 2 threads
  auto const parts = Kokkos::Experimental::partition_space(all, 1, all.concurrency() - 1);
  for (Use const& use :
       std::vector<Use>{{"ni,oi->no", {{'n', 9000}, {'i', 50}, {'o', 50}}},
                        {"oi,in->on", {{'n', 9000}, {'i', 50}, {'o', 50}}},
                        {"no,ni->oi", {{'n', 9000}, {'i', 50}, {'o', 50}}},
                        {"on,in->oi", {{'n', 9000}, {'i', 50}, {'o', 50}}},
                        {"bno,bni->oi", {{'b', 9}, {'n', 999}, {'i', 7}, {'o', 9}}},
                        {"ij,jk->ik", {{'i', 700}, {'j', 600}, {'k', 800}}},
                        {"ij,i->j", {{'i', 20000}, {'j', 70}}},
                        {"kn,bnc->bkc", {{'k', 32}, {'n', 512}, {'b', 3}, {'c', 64}}}}) {
    Case const what = case_of(use.text, use.extents);
    Contraction<float> const contraction(what.indices);
    auto const a = to_device("a", random_values<float>(static_cast<std::size_t>(what.span_a), 1)),
               b = to_device("b", random_values<float>(static_cast<std::size_t>(what.span_b), 2));
    Device<float> const scratch("scratch", contraction.scratch() + 1);
    std::vector<std::vector<float>> results;
    for (ExecutionSpace const& space : {all, parts[0]}) {
      Device<float> const c("c", static_cast<std::size_t>(what.span_c));
      contraction.run(space, a.data(), b.data(), c.data(), scratch.data());
      space.fence();
      results.push_back(to_host(c));
    }
    EXPECT_EQ(results[0], results[1]) << use.text;
  }
}
#endif

constexpr std::int64_t absent = ContractionIndex::absent;

TEST(Contraction, RefusesIndicesThatAreNotAllowed) {
  auto const make = [](std::vector<ContractionIndex> const& indices) {
    Contraction<double> const contraction(indices);
  };
  EXPECT_THROW(make({{3, 1, absent, absent}}), std::logic_error);
  EXPECT_THROW(make({{3, absent, 1, absent}}), std::logic_error);
  EXPECT_THROW(make({{3, absent, absent, 1}}), std::logic_error);
  EXPECT_THROW(make({{3, absent, absent, absent}}), std::logic_error);
  EXPECT_THROW(make({{0, 1, 1, 1}}), std::logic_error);
  EXPECT_THROW(make({{-3, 1, 1, 1}}), std::logic_error);
  EXPECT_THROW(make({{3, -2, 1, 1}}), std::logic_error);
  EXPECT_THROW(make({{3, 1, -2, 1}}), std::logic_error);
  EXPECT_THROW(make({{3, 1, 1, -2}}), std::logic_error);
  EXPECT_THROW(make({{3, 1, 1, 0}}), std::logic_error);               // all in one place
  EXPECT_THROW(make({{3, 1, 1, 2}, {4, 3, 3, 4}}), std::logic_error); // overlapping
  EXPECT_NO_THROW(make({{3, 1, 1, 2}, {4, 3, 3, 5}}));                // 0 2 4, 5 7 9, ..
  EXPECT_NO_THROW(make({{1, 1, 1, 0}, {3, 0, 1, 1}}));                // repeated operand
}

TEST(Contraction, RepeatedOperandsAreRead) {
  // A has stride 0 along an index: its entry is used for all of them.
  Case what;
  what.indices = {{6, 0, 7, 7}, {7, 1, 1, 1}};
  what.span_a = 7;
  what.span_b = what.span_c = 42;
  expect_right<double>(what, 3);
  what.indices = {{6, 0, absent, 7}, {5, 1, 1, absent}, {7, absent, 5, 1}};
  what.span_a = 5;
  what.span_b = 35;
  expect_right<double>(what, 3);
}

TEST(Contraction, NotANumberPropagates) {
  for (Use const& use : uses()) {
    Case const what = case_of(use.text, use.extents);
    auto a = random_values<double>(static_cast<std::size_t>(what.span_a), 5);
    std::vector<double> const b(static_cast<std::size_t>(what.span_b), 0.0);
    std::vector<double> const before(static_cast<std::size_t>(what.span_c), 1.0);
    a[0] = std::numeric_limits<double>::quiet_NaN();
    auto const c = run_case(what, a, b, before, false);
    EXPECT_TRUE(std::isnan(c[0])) << use.text; // though B is 0
    a[0] = std::numeric_limits<double>::infinity();
    EXPECT_TRUE(std::isnan(run_case(what, a, b, before, true)[0])) << use.text;
    a[0] = 1;
    for (double const value : run_case(what, a, b, before, true)) EXPECT_EQ(value, 1) << use.text;
  }
}

} // namespace
} // namespace moho::nn::test
