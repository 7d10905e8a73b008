// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/operator_space.hpp"
#include "moho/core/error.hpp"
#include "moho/study/names.hpp"
#include <charconv>

namespace moho::study {
namespace {

using Kind = BasisFunction::Kind;

struct Family {
  char const* name;
  char const* element;
  Kind kind;
  std::size_t first; ///< smallest index of its functions
};
constexpr Family families[] = {
    {"poly", "x^", Kind::power, 0}, {"sin", "sin", Kind::sine, 1}, {"cos", "cos", Kind::cosine, 1}};

FunctionSpace hats(std::size_t intervals) {
  FunctionSpace result{{"fem", "fem"}, {}};
  for (std::size_t j = 0; j <= intervals; ++j) {
    result.basis.push_back({Kind::hat, j});
    result.space.elements.insert("hat" + std::to_string(j) + "/" + std::to_string(intervals));
  }
  // Linear functions are piecewise linear, so that spaces of them are subspaces.
  result.space.elements.insert("x^0");
  result.space.elements.insert("x^1");
  return result;
}

/// "12" -> 12; false for signs, leading zeros and anything else.
bool read_index(std::string const& text, std::size_t& value) {
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() &&
         (text.size() == 1 || text[0] != '0');
}

void require_distinct(Family const& family, std::string const& name, std::size_t p,
                      std::size_t intervals) {
  const std::string n = std::to_string(intervals);
  if (family.kind == Kind::sine && p >= intervals)
    throw Error("problem.space '" + name + "' does not fit N = " + n + " (sin(" + n +
                " pi x) is zero at every node, and higher modes repeat lower ones) choose p < " +
                n + " or a larger N");
  if (p <= intervals) return;
  throw Error("problem.space '" + name + "' does not fit N = " + n + " (its functions are not " +
              "independent on " + std::to_string(intervals + 1) + " nodes) choose p <= " + n +
              " or a larger N");
}

} // namespace

std::vector<std::string> const& published_spaces() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (Family const& family : families)
      for (int p = 1; p <= 8; ++p) all.push_back(family.name + std::to_string(p));
    all.emplace_back("fem");
    return all;
  }();
  return names;
}

FunctionSpace function_space(std::string const& name, std::size_t intervals) {
  if (name == "fem") return hats(intervals);
  for (Family const& family : families) {
    const std::string prefix = family.name;
    std::size_t p = 0;
    if (name.rfind(prefix, 0) != 0 || !read_index(name.substr(prefix.size()), p)) continue;
    if (p < family.first) break;
    require_distinct(family, name, p, intervals);
    FunctionSpace result{{name, prefix}, {}};
    for (std::size_t i = family.first; i <= p; ++i) {
      result.basis.push_back({family.kind, i});
      result.space.elements.insert(family.element + std::to_string(i));
    }
    return result;
  }
  throw Error("problem.space: unknown space '" + name + "' (" +
              suggestion(name, published_spaces()) +
              ") there are poly0, poly1, .., sin1, .., cos1, .. and fem");
}

} // namespace moho::study
