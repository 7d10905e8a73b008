// SPDX-License-Identifier: BSD-3-Clause
// A first look at a Gmsh file, word by word as PETSc's reader takes it: that one trusts counts,
// tags and names, and writes outside its arrays where one is wrong.
#include "moho/core/error.hpp"
#include "plex_detail.hpp"
#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <set>
#include <string_view>
#include <utility>

namespace moho::parallel::detail {
namespace {

using Int = std::int32_t; // as binary files have them
using Size = std::int64_t;

// What PETSc's reader (3.18) has room for: it counts in 32 bits, keeps 16 physical groups of each
// node and entity, a table from the smallest node tag to the largest, an element of format 2.2 in
// 1005 numbers, a word or line in 4096 characters and a physical name in 128.
constexpr Size most = std::numeric_limits<Int>::max();
constexpr Size most_groups = 16, most_nodes = most / most_groups, most_numbers = 1005;
constexpr std::size_t most_letters = 1000, most_name = 127;

struct ElementType {
  int id, dim, vertices, nodes;
};
/// Gmsh's element types of order 1 and 2 that PETSc knows.
constexpr std::array<ElementType, 17> element_types{{{1, 1, 2, 2},
                                                     {2, 2, 3, 3},
                                                     {3, 2, 4, 4},
                                                     {4, 3, 4, 4},
                                                     {5, 3, 8, 8},
                                                     {6, 3, 6, 6},
                                                     {7, 3, 5, 5},
                                                     {8, 1, 2, 3},
                                                     {9, 2, 3, 6},
                                                     {10, 2, 4, 9},
                                                     {11, 3, 4, 10},
                                                     {12, 3, 8, 27},
                                                     {13, 3, 6, 18},
                                                     {14, 3, 5, 14},
                                                     {15, 0, 1, 1},
                                                     {16, 2, 4, 8},
                                                     {17, 3, 8, 20}}};

/// The start of what a file holds, for a message.
std::string shown(std::string_view text) {
  std::string out(text.substr(0, 20));
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return out;
}

/// The file from the front on. Words end with one blank, after which binary numbers start.
class Cursor {
public:
  Cursor(std::string const& path, std::string const& text)
      : _path(path), _at(text.data()), _end(text.data() + text.size()) {}

  bool binary = false;

  [[noreturn]] void
  fail_file(std::string const& why,
            std::string const& advice = "write it again with gmsh, format 2.2 or 4.1") const {
    throw Error("cannot read the mesh '" + _path + "' (" + why + "); " + advice);
  }
  template <class... Advice>
  [[noreturn]] void fail(std::string const& why, Advice const&... advice) const {
    fail_file("section $" + _section + " " + why, advice...);
  }

  /// Sections in order: `next`, then `at` and, to go in, `enter`; `leave` at its end.
  void next() {
    for (next_word(); _next == "$Comments"; next_word())
      while (_next != "$EndComments") {
        next_word();
        if (_next.empty()) fail_file("section $Comments does not end: truncated");
      }
  }
  bool at(std::string const& section) const { return _next == "$" + section; }
  void enter(std::string const& section) {
    if (!at(section)) {
      auto const found = _next.empty() ? "the end of the file" : "'" + shown(_next) + "'";
      fail_file("there is no section $" + section + " where it belongs but " + found +
                ": truncated, or not a Gmsh file");
    }
    _section = section;
  }
  void leave() {
    next_word();
    if (_next == "$End" + _section) return;
    if (_next.empty()) fail("does not end: truncated");
    fail("has '" + shown(_next) + "' where it should end: more than its counts say, or damaged");
  }

  std::string word() {
    next_word();
    if (_next.empty()) fail("ends early: truncated");
    return _next;
  }
  /// The rest of the line, its end taken too.
  std::string line() {
    auto const* const begin = _at;
    _at = std::find(_at, _end, '\n');
    std::string const text(begin, _at);
    if (_at != _end) ++_at;
    return text;
  }
  /// An integer; T: its type in binary files and its range.
  template <class T>
  T integer() {
    if (!binary) return parse<T>(number());
    T value = 0;
    take(&value, sizeof value);
    return value;
  }
  /// A word in binary files too.
  Size integer_word() {
    auto const text = word();
    if (text.front() == '$') fail("ends early: truncated, or a wrong count");
    return parse<Size>(text);
  }
  /// A count; `as_word`: a word in binary files too.
  Size count(bool as_word = false) {
    Size const n = as_word ? integer_word() : integer<Size>();
    if (n < 0 || n > most)
      fail("has the count " + std::to_string(n) + ": negative, or of more than 32 bits");
    return n;
  }
  void skip_reals(Size n) {
    for (; n > 0; --n) {
      double value = 0;
      if (binary) {
        take(&value, sizeof value);
        continue;
      }
      auto const text = number();
      char* end = nullptr;
      std::strtod(text.data(), &end); // the file's text ends with a zero
      if (end != text.data() + text.size())
        fail("has '" + shown(text) + "' where a number should be");
    }
  }

private:
  // To PETSc a zero byte is a blank too: here it makes a word wrong.
  static bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
  std::string_view take_word() {
    while (_at != _end && is_blank(*_at)) ++_at;
    auto const* const begin = _at;
    while (_at != _end && !is_blank(*_at)) ++_at;
    return {begin, static_cast<std::size_t>(_at - begin)};
  }
  void next_word() {
    auto const text = take_word();
    if (text.size() > most_letters)
      fail_file("it has a word of " + std::to_string(text.size()) + " letters, '" + shown(text) +
                "...'");
    _next = text;
    if (_at != _end) ++_at;
  }
  std::string_view number() {
    auto const text = take_word();
    if (text.empty() || text.front() == '$') fail("ends early: truncated, or a wrong count");
    return text;
  }
  void take(void* value, std::size_t bytes) {
    if (static_cast<std::size_t>(_end - _at) < bytes)
      fail("ends early: truncated, or a wrong count");
    std::memcpy(value, _at, bytes);
    _at += bytes;
  }
  template <class T>
  T parse(std::string_view text) const {
    T value = 0;
    auto const [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc() || end != text.data() + text.size())
      fail("has '" + shown(text) + "' where an integer of " + std::to_string(8 * sizeof(T)) +
           " bits should be");
    return value;
  }

  std::string const& _path;
  char const *_at, *_end;
  std::string _section, _next;
};

/// Tags of nodes, each once and close together.
class NodeTags {
public:
  NodeTags(Cursor const& in, Size smallest, Size largest) : _in(in), _first(smallest) {
    if (smallest < -most || largest >= most || largest < smallest - 1 ||
        largest - smallest >= most_nodes)
      in.fail("has node tags from " + std::to_string(smallest) + " to " + std::to_string(largest) +
                  ": not a range of up to " + std::to_string(most_nodes) + " tags in 32 bits",
              "number its nodes from 1 on (gmsh does it on export)");
    _here.resize(static_cast<std::size_t>(largest - smallest + 1));
  }
  bool has(Size tag) const { return in_range(tag) && _here[index(tag)]; }
  void add(Size tag) {
    if (!in_range(tag))
      _in.fail("has node " + std::to_string(tag) + " outside the tags it announces, " +
               std::to_string(_first) + " to " +
               std::to_string(_first + static_cast<Size>(_here.size()) - 1));
    if (_here[index(tag)]) _in.fail("has node " + std::to_string(tag) + " twice");
    _here[index(tag)] = true;
  }

private:
  bool in_range(Size tag) const { return tag >= _first && index(tag) < _here.size(); }
  std::size_t index(Size tag) const {
    return static_cast<std::size_t>(tag) - static_cast<std::size_t>(_first);
  }
  Cursor const& _in;
  Size _first;
  std::vector<bool> _here;
};

using Entities = std::set<std::pair<Int, Int>>; // dimension, tag

/// Counts of blocks against what the section announces.
void require_total(Cursor const& in, Size found, Size announced, std::string const& what) {
  if (found != announced)
    in.fail("announces " + std::to_string(announced) + " " + what + " and holds " +
                std::to_string(found),
            "correct its first line, or write the file again with gmsh");
}

void read_format(Cursor& in, bool& blocks) {
  auto const version = in.word(), kind = in.word(), size = in.word();
  if (version != "2.2" && version != "4.1") in.fail_file("its format is '" + shown(version) + "'");
  if (size != "8") in.fail_file("its integers are not of 8 bytes");
  if (kind != "0" && kind != "1") in.fail_file("it is neither ASCII (0) nor binary (1)");
  in.binary = kind == "1";
  blocks = version == "4.1";
  if (in.binary && in.integer<Int>() != 1)
    in.fail_file("it says that it is binary, and its bytes are not so, or in another order");
}

// One line each: dimension tag "name". PETSc takes a blank before the name for a part of it.
void read_names(Cursor& in) {
  for (auto n = in.count(true); n > 0; --n) {
    auto const dim = in.integer_word(), tag = in.integer_word();
    auto const which =
        "the physical name of dimension " + std::to_string(dim) + ", tag " + std::to_string(tag);
    auto const line = in.line();
    auto const last = line.rfind('"');
    if (line.empty() || line.front() != '"' || last == 0 || line.find('\0') != std::string::npos ||
        line.find_first_not_of(" \t\r", last + 1) != std::string::npos)
      in.fail("has " + which + ", not in quotes after one blank", "write: dimension tag \"name\"");
    if (last - 1 > most_name)
      in.fail("has " + which + ", of " + std::to_string(last - 1) + " letters",
              "use up to " + std::to_string(most_name));
  }
}

Entities read_entities(Cursor& in) {
  Entities out;
  std::array<Size, 4> counts{};
  for (auto& count : counts) count = in.count();
  for (Int dim = 0; dim < 4; ++dim)
    for (auto n = counts[static_cast<std::size_t>(dim)]; n > 0; --n) {
      auto const tag = in.integer<Int>();
      in.skip_reals(dim == 0 ? 3 : 6);
      auto const groups = in.count();
      if (groups > most_groups)
        in.fail("has an entity in " + std::to_string(groups) + " physical groups",
                "put it in up to " + std::to_string(most_groups));
      for (auto left = groups; left > 0; --left) in.integer<Int>();
      if (dim > 0)
        for (auto left = in.count(); left > 0; --left) in.integer<Int>();
      out.emplace(dim, tag);
    }
  return out;
}

/// Dimension of a block of nodes or elements.
Int block_dimension(Cursor& in, Entities const& entities) {
  auto const dim = in.integer<Int>(), tag = in.integer<Int>();
  if (!entities.contains({dim, tag}))
    in.fail("has a block on entity " + std::to_string(tag) + " of dimension " +
            std::to_string(dim) + ", which $Entities does not declare");
  return dim;
}

NodeTags nodes_22(Cursor& in) {
  auto const count = in.count(true);
  if (count > most_nodes) in.fail("has more than " + std::to_string(most_nodes) + " nodes");
  std::vector<Int> all;
  for (auto n = count; n > 0; --n) {
    all.push_back(in.integer<Int>());
    in.skip_reals(3);
  }
  if (all.empty()) return {in, 1, 0};
  auto const [smallest, largest] = std::minmax_element(all.begin(), all.end());
  NodeTags tags(in, *smallest, *largest);
  for (auto tag : all) tags.add(tag);
  return tags;
}

NodeTags nodes_41(Cursor& in, Entities const& entities) {
  auto const blocks = in.count(), total = in.count();
  auto const smallest = in.integer<Size>(), largest = in.integer<Size>();
  if (total > most_nodes) in.fail("has more than " + std::to_string(most_nodes) + " nodes");
  NodeTags tags(in, smallest, largest);
  Size found = 0;
  for (auto block = blocks; block > 0; --block) {
    block_dimension(in, entities);
    if (in.integer<Int>() != 0)
      in.fail("has parametric coordinates", "set Mesh.SaveParametric = 0 and export it again");
    auto const count = in.count();
    for (auto n = count; n > 0; --n) tags.add(in.integer<Size>());
    in.skip_reals(3 * count);
    found += count;
  }
  require_total(in, found, total, "nodes");
  return tags;
}

/// What the elements' readers share: known types, nodes that exist, cells of one type.
class Elements {
public:
  Elements(Cursor& in, NodeTags const& tags) : _in(in), _tags(tags) {}

  void set_type(Int id) {
    auto const* const type = std::find_if(element_types.begin(), element_types.end(),
                                          [id](auto const& each) { return each.id == id; });
    if (type == element_types.end())
      _in.fail("has elements of Gmsh's type " + std::to_string(id) +
               ": of an order above 2, or unknown");
    _type = type;
    _of_dim[static_cast<std::size_t>(type->dim)].insert(id);
  }
  ElementType const& type() const { return *_type; }

  /// T: the type of tags in binary files.
  template <class T>
  void read_nodes(Size element) {
    std::array<Size, 27> node{};
    for (int i = 0; i < _type->nodes; ++i) {
      auto const n = node[static_cast<std::size_t>(i)] = _in.integer<T>();
      if (!_tags.has(n))
        _in.fail("has element " + std::to_string(element) + " with node " + std::to_string(n) +
                 ", which does not exist");
      auto const* const end = node.begin() + std::min(i, _type->vertices);
      if (i < _type->vertices && std::find(node.cbegin(), end, n) != end)
        _in.fail("has element " + std::to_string(element) + " with node " + std::to_string(n) +
                 " twice");
    }
  }

  void require_cells() const {
    auto const& cells = _of_dim[3].empty() ? _of_dim[2] : _of_dim[3];
    if (cells.empty())
      _in.fail("has no cells of two or three dimensions",
               "mesh the surface or volume, and save all elements if physical groups lack it");
    if (cells.size() > 1)
      _in.fail("has cells mixed of Gmsh's types " + std::to_string(*cells.begin()) + " and " +
                   std::to_string(*cells.rbegin()),
               "make a mesh of one kind and order");
  }

private:
  Cursor& _in;
  NodeTags const& _tags;
  ElementType const* _type = nullptr;
  std::array<std::set<Int>, 4> _of_dim;
};

void elements_22(Cursor& in, Elements& elements) {
  for (auto left = in.count(true); left > 0;) {
    Size element = 0, in_block = 1;
    if (!in.binary) element = in.integer<Int>();
    elements.set_type(in.integer<Int>());
    if (in.binary) in_block = in.integer<Int>();
    Size const numbers = in.integer<Int>();
    if (in_block < 1 || in_block > left || numbers < 0) in.fail("has a wrong count");
    if (1 + numbers + elements.type().nodes > most_numbers)
      in.fail("has an element of " + std::to_string(numbers) + " tags",
              "leave those of its physical group and entity");
    for (left -= in_block; in_block > 0; --in_block) {
      if (in.binary) element = in.integer<Int>();
      for (auto n = numbers; n > 0; --n) in.integer<Int>();
      elements.read_nodes<Int>(element);
    }
  }
}

void elements_41(Cursor& in, Elements& elements, Entities const& entities) {
  auto const blocks = in.count(), total = in.count();
  for (int tag = 0; tag < 2; ++tag) in.integer<Size>(); // smallest and largest; PETSc skips them
  Size found = 0;
  for (auto block = blocks; block > 0; --block) {
    auto const dim = block_dimension(in, entities);
    elements.set_type(in.integer<Int>());
    if (elements.type().dim != dim)
      in.fail("has elements of Gmsh's type " + std::to_string(elements.type().id) +
              " in a block of dimension " + std::to_string(dim));
    auto const count = in.count();
    if (count > most / (1 + elements.type().nodes))
      in.fail("has a block of " + std::to_string(count) + " elements: more than PETSc counts");
    found += count;
    for (auto n = count; n > 0; --n) elements.read_nodes<Size>(in.integer<Size>());
  }
  require_total(in, found, total, "elements");
}

void check_file(Cursor& in, std::string const& text) {
  bool blocks = false;
  in.next();
  in.enter("MeshFormat");
  read_format(in, blocks);
  if (!in.binary && text.find('\0') != std::string::npos)
    in.fail_file("it says that it is ASCII and holds bytes of value 0");
  in.leave();
  in.next();
  for (auto const* const of_neper : {"MeshVersion", "Domain"})
    if (in.at(of_neper)) {
      in.enter(of_neper);
      in.word();
      in.leave();
      in.next();
    }
  if (in.at("PhysicalNames")) {
    in.enter("PhysicalNames");
    read_names(in);
    in.leave();
    in.next();
  }
  Entities entities;
  if (blocks) {
    if (in.at("Nodes"))
      in.fail_file("there is no section $Entities, without which PETSc takes no file of format 4.1",
                   "write it in format 2.2, or with gmsh");
    in.enter("Entities");
    entities = read_entities(in);
    in.leave();
    in.next();
    if (in.at("PartitionedEntities"))
      in.fail_file("it is partitioned: section $PartitionedEntities",
                   "unpartition it (gmsh.model.mesh.unpartition, or gmsh FILE -save -format msh22 "
                   "-o NEW): moho distributes a mesh over its ranks itself");
  }
  in.enter("Nodes");
  auto const tags = blocks ? nodes_41(in, entities) : nodes_22(in);
  in.leave();
  in.next();
  in.enter("Elements");
  Elements elements(in, tags);
  if (blocks)
    elements_41(in, elements, entities);
  else
    elements_22(in, elements);
  in.leave(); // PETSc reads no further
  elements.require_cells();
}

} // namespace

void check_gmsh(std::string const& path) {
  errno = 0;
  std::ifstream stream(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (stream.bad() || (text.empty() && errno != 0))
    throw Error("cannot read the mesh '" + path + "' (" + std::strerror(errno) +
                "); check the path and its permissions");
  Cursor in(path, text);
  check_file(in, text);
}

} // namespace moho::parallel::detail
