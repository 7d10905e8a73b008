// SPDX-License-Identifier: BSD-3-Clause
// A first look at a Gmsh file: PETSc's reader looks outside its arrays where a node tag is wrong.
#include "moho/core/error.hpp"
#include "plex_detail.hpp"
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <unordered_set>

namespace moho::parallel::detail {
namespace {

using Tags = std::unordered_set<std::int64_t>;

/// Nodes of Gmsh's element types of order 1 and 2.
std::map<std::int64_t, int> const& element_nodes() {
  static const std::map<std::int64_t, int> all{
      {1, 2},  {2, 3},   {3, 4},   {4, 4},   {5, 8},   {6, 6},  {7, 5},  {8, 3},  {9, 6},
      {10, 9}, {11, 10}, {12, 27}, {13, 18}, {14, 14}, {15, 1}, {16, 8}, {17, 20}};
  return all;
}

/// One section: integers and reals, as words or as bytes.
class Section {
public:
  Section(std::string const& path, std::string const& text, std::string const& name, bool binary)
      : _path(path), _name(name), _binary(binary) {
    auto const begin = std::min(text.find("$" + name + "\n"), text.find("$" + name + "\r\n"));
    if (begin == std::string::npos)
      fail_file("there is no section $" + name + ": truncated, or not a Gmsh file");
    auto const end = text.find("$End" + name, begin);
    if (end == std::string::npos) fail_file("section $" + name + " does not end: truncated");
    auto const first = text.find('\n', begin) + 1;
    _at = text.data() + first;
    _end = text.data() + end;
  }

  [[noreturn]] void fail_file(std::string const& why) const {
    throw Error("cannot read the mesh '" + _path + "' (" + why +
                "); write it with gmsh, format 2.2 or 4.1");
  }
  [[noreturn]] void fail(std::string const& why) const {
    fail_file("section $" + _name + " " + why);
  }

  std::string word() {
    skip_blanks();
    auto const* const begin = _at;
    while (_at != _end && !is_blank(*_at)) ++_at;
    if (begin == _at) fail("ends early: truncated");
    return {begin, _at};
  }
  /// An integer that is a word in binary files too; then its line ends.
  std::int64_t count() {
    auto const n = parse(word());
    if (_binary && _at != _end) ++_at;
    if (n < 0) fail("has a negative count");
    return n;
  }
  /// T: its type in binary files.
  template <class T>
  std::int64_t integer() {
    if (!_binary) return parse(word());
    T value = 0;
    if (_end - _at < static_cast<std::ptrdiff_t>(sizeof value)) fail("ends early: truncated");
    std::memcpy(&value, _at, sizeof value);
    _at += sizeof value;
    return static_cast<std::int64_t>(value);
  }
  void skip_reals(std::int64_t n) {
    if (_binary) {
      if ((_end - _at) / 8 < n) fail("ends early: truncated");
      _at += 8 * n;
    } else {
      for (; n > 0; --n) word();
    }
  }

private:
  static bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
  void skip_blanks() {
    while (_at != _end && is_blank(*_at)) ++_at;
  }
  std::int64_t parse(std::string const& text) const {
    std::int64_t value = 0;
    auto const [next, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc() || next != text.data() + text.size())
      fail("has '" + text.substr(0, 20) + "' where an integer should be");
    return value;
  }

  std::string const& _path;
  std::string _name;
  bool _binary;
  char const *_at = nullptr, *_end = nullptr;
};

Tags nodes_22(Section nodes) {
  Tags tags;
  for (auto n = nodes.count(); n > 0; --n) {
    tags.insert(nodes.integer<std::int32_t>());
    nodes.skip_reals(3);
  }
  return tags;
}

Tags nodes_41(Section nodes) {
  Tags tags;
  auto const blocks = nodes.integer<std::int64_t>();
  nodes.integer<std::int64_t>();
  auto const smallest = nodes.integer<std::int64_t>(), largest = nodes.integer<std::int64_t>();
  for (auto block = blocks; block > 0; --block) {
    nodes.integer<std::int32_t>();
    nodes.integer<std::int32_t>();
    if (nodes.integer<std::int32_t>() != 0) nodes.fail("has parametric coordinates");
    auto const count = nodes.integer<std::int64_t>();
    for (auto n = count; n > 0; --n) {
      auto const tag = nodes.integer<std::int64_t>();
      if (tag < smallest || tag > largest)
        nodes.fail("has node " + std::to_string(tag) + " outside the tags it announces, " +
                   std::to_string(smallest) + " to " + std::to_string(largest));
      tags.insert(tag);
    }
    nodes.skip_reals(3 * count);
  }
  return tags;
}

int nodes_of(Section const& elements, std::int64_t type) {
  auto const found = element_nodes().find(type);
  if (found == element_nodes().end())
    elements.fail("has elements of Gmsh's type " + std::to_string(type) +
                  ": of an order above 2, or unknown");
  return found->second;
}

template <class T>
void check_nodes(Section& elements, std::int64_t element, int nodes, Tags const& tags) {
  for (; nodes > 0; --nodes) {
    auto const node = elements.integer<T>();
    if (!tags.contains(node))
      elements.fail("has element " + std::to_string(element) + " with node " +
                    std::to_string(node) + ", which does not exist");
  }
}

void elements_22(Section elements, bool binary, Tags const& tags) {
  using Int = std::int32_t;
  for (auto left = elements.count(); left > 0;) {
    std::int64_t element = 0, in_block = 1;
    if (!binary) element = elements.integer<Int>();
    auto const type = elements.integer<Int>();
    if (binary) in_block = elements.integer<Int>();
    auto const numbers = elements.integer<Int>();
    if (in_block < 1 || in_block > left || numbers < 0) elements.fail("has a wrong count");
    for (left -= in_block; in_block > 0; --in_block) {
      if (binary) element = elements.integer<Int>();
      for (auto n = numbers; n > 0; --n) elements.integer<Int>();
      check_nodes<Int>(elements, element, nodes_of(elements, type), tags);
    }
  }
}

void elements_41(Section elements, Tags const& tags) {
  auto const blocks = elements.integer<std::int64_t>();
  for (int skipped = 0; skipped < 3; ++skipped) elements.integer<std::int64_t>();
  for (auto block = blocks; block > 0; --block) {
    elements.integer<std::int32_t>();
    elements.integer<std::int32_t>();
    auto const type = elements.integer<std::int32_t>();
    for (auto n = elements.integer<std::int64_t>(); n > 0; --n) {
      auto const element = elements.integer<std::int64_t>();
      check_nodes<std::int64_t>(elements, element, nodes_of(elements, type), tags);
    }
  }
}

} // namespace

void check_gmsh(std::string const& path) {
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (stream.bad() || (text.empty() && errno != 0))
    throw Error("cannot read the mesh '" + path + "' (" + std::strerror(errno) +
                "); check the path and its permissions");
  Section format(path, text, "MeshFormat", false);
  auto const version = format.word(), kind = format.word(), size = format.word();
  if (version != "2.2" && version != "4.1")
    format.fail_file("its format is '" + version.substr(0, 20) + "'");
  if (size != "8") format.fail_file("its integers are not of 8 bytes");
  bool const binary = kind == "1", blocks = version == "4.1";
  if (blocks) static_cast<void>(Section(path, text, "Entities", binary));
  Section const nodes(path, text, "Nodes", binary), elements(path, text, "Elements", binary);
  auto const tags = blocks ? nodes_41(nodes) : nodes_22(nodes);
  if (blocks)
    elements_41(elements, tags);
  else
    elements_22(elements, binary, tags);
}

} // namespace moho::parallel::detail
