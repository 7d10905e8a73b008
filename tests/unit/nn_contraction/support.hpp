// SPDX-License-Identifier: BSD-3-Clause
// Contractions written as text, and their values by plain loops in long double.
#pragma once
#include "moho/core/host_copy.hpp"
#include "moho/core/philox.hpp"
#include "moho/nn/contraction.hpp"
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace moho::nn::test {

template <class T>
using Device = Kokkos::View<T*, MemorySpace>;

template <class T>
std::vector<T> random_values(std::size_t count, std::uint64_t seed) {
  std::vector<T> values(count);
  for (std::size_t i = 0; i < count; ++i)
    values[i] = static_cast<T>(2 * Philox{seed}.uniform(i, 0) - 1);
  return values;
}

/// A contraction with its layouts: entries that A, B and C span, gaps included.
struct Case {
  std::vector<ContractionIndex> indices;
  std::int64_t span_a = 1, span_b = 1, span_c = 1;
};

/// Strides of the axes named in `letters`, row-major; `pad` entries are left free after each row.
inline std::map<char, std::int64_t> strides_of(std::string const& letters,
                                               std::map<char, std::int64_t> const& extents,
                                               std::int64_t& span, std::int64_t pad = 0) {
  std::map<char, std::int64_t> strides;
  span = 1;
  for (auto i = letters.size(); i-- > 0;) {
    strides[letters[i]] = span;
    span = span * extents.at(letters[i]) + (i + 1 == letters.size() ? pad : 0);
  }
  return strides;
}

/// "kn,bnc->bkc" for arrays that lie row-major.
inline Case case_of(std::string const& text, std::map<char, std::int64_t> const& extents,
                    std::int64_t pad_a = 0, std::int64_t pad_b = 0, std::int64_t pad_c = 0) {
  auto const comma = text.find(','), arrow = text.find("->");
  Case result;
  auto const a = strides_of(text.substr(0, comma), extents, result.span_a, pad_a);
  auto const b =
      strides_of(text.substr(comma + 1, arrow - comma - 1), extents, result.span_b, pad_b);
  auto const c = strides_of(text.substr(arrow + 2), extents, result.span_c, pad_c);
  auto const stride = [](std::map<char, std::int64_t> const& of, char letter) {
    auto const found = of.find(letter);
    return found == of.end() ? ContractionIndex::absent : found->second;
  };
  for (auto const& [letter, extent] : extents)
    result.indices.push_back({extent, stride(a, letter), stride(b, letter), stride(c, letter)});
  return result;
}

/// Sums of products and of their absolute values, at the entries of C; `touched` tells which these
/// are.
struct Answer {
  std::vector<long double> sum, scale;
  std::vector<char> touched;
};

template <class T>
Answer by_loops(Case const& what, std::vector<T> const& a, std::vector<T> const& b) {
  auto const size = static_cast<std::size_t>(what.span_c);
  Answer answer{std::vector<long double>(size), std::vector<long double>(size),
                std::vector<char>(size)};
  std::vector<std::int64_t> at(what.indices.size());
  for (;;) {
    std::size_t ia = 0, ib = 0, ic = 0;
    for (std::size_t d = 0; d < at.size(); ++d) {
      ContractionIndex const& index = what.indices[d];
      auto const offset = [&](std::int64_t stride) {
        return static_cast<std::size_t>(stride == ContractionIndex::absent ? 0 : stride * at[d]);
      };
      ia += offset(index.a);
      ib += offset(index.b);
      ic += offset(index.c);
    }
    long double const product = static_cast<long double>(a[ia]) * static_cast<long double>(b[ib]);
    answer.sum[ic] += product;
    answer.scale[ic] += std::fabs(product);
    answer.touched[ic] = 1;
    std::size_t d = 0;
    while (d < at.size() && ++at[d] == what.indices[d].extent) at[d++] = 0;
    if (d == at.size()) return answer;
  }
}

/// What lies in C's gaps, and in C itself before a product that does not read it.
template <class T>
constexpr T gap = T(12345);

/// C after the contraction. Its scratch is filled with what must not be read.
template <class T>
std::vector<T> run_case(Case const& what, std::vector<T> const& a, std::vector<T> const& b,
                        std::vector<T> const& c_before, bool accumulate) {
  Contraction<T> const contraction(what.indices);
  auto const da = to_device("a", a), db = to_device("b", b), dc = to_device("c", c_before);
  auto const scratch = to_device(
      "scratch", std::vector<T>(contraction.scratch() + 1, std::numeric_limits<T>::quiet_NaN()));
  ExecutionSpace const space;
  contraction.run(space, da.data(), db.data(), dc.data(), scratch.data(), accumulate);
  space.fence();
  return to_host(dc);
}

/// The worst |C - reference| in units of its bound, (terms + 8) eps sum |a b|; infinite where a gap
/// was written to.
template <class T>
double worst_error(Case const& what, Answer const& answer, std::vector<T> const& c,
                   std::vector<T> const& before, bool accumulate) {
  double terms = 8;
  for (ContractionIndex const& index : what.indices)
    if (index.c == ContractionIndex::absent) terms += static_cast<double>(index.extent);
  double worst = 0;
  for (std::size_t i = 0; i < c.size(); ++i) {
    if (!answer.touched[i]) {
      if (c[i] != before[i]) return std::numeric_limits<double>::infinity();
      continue;
    }
    long double const start = accumulate ? static_cast<long double>(before[i]) : 0;
    long double const bound =
        terms * std::numeric_limits<T>::epsilon() * (answer.scale[i] + std::fabs(start) + 1e-30L);
    long double const error = std::fabs(static_cast<long double>(c[i]) - answer.sum[i] - start);
    if (!(error / bound <= worst)) worst = static_cast<double>(error / bound); // NaN is worst
    if (std::isnan(worst)) return worst;
  }
  return worst;
}

/// Runs the case, accumulating and not, and holds it against loops.
template <class T>
void expect_right(Case const& what, std::uint64_t seed) {
  auto const a = random_values<T>(static_cast<std::size_t>(what.span_a), seed),
             b = random_values<T>(static_cast<std::size_t>(what.span_b), seed + 1),
             old = random_values<T>(static_cast<std::size_t>(what.span_c), seed + 2);
  Answer const answer = by_loops(what, a, b);
  std::vector<T> nothing(old);
  for (std::size_t i = 0; i < nothing.size(); ++i)
    if (answer.touched[i]) nothing[i] = std::numeric_limits<T>::quiet_NaN();
  std::string const how = Contraction<T>(what.indices).describe();
  auto c = run_case(what, a, b, nothing, false);
  EXPECT_LE(worst_error(what, answer, c, nothing, false), 1) << how;
  EXPECT_EQ(run_case(what, a, b, nothing, false), c) << how; // again: the same bits
  auto const added = run_case(what, a, b, old, true);
  EXPECT_LE(worst_error(what, answer, added, old, true), 1) << how;
  // The check itself sees one entry that is off by a part in a thousand.
  for (std::size_t i = 0; i < c.size(); ++i)
    if (answer.touched[i] && answer.scale[i] > 0) {
      c[i] += static_cast<T>(1e-3L * answer.scale[i]);
      EXPECT_GT(worst_error(what, answer, c, nothing, false), 1) << how;
      break;
    }
}

} // namespace moho::nn::test
