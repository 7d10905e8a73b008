// SPDX-License-Identifier: BSD-3-Clause
// Damaged Gmsh files: refused with their name before PETSc's reader, which trusts what it reads.
#include "gmsh_files.hpp"
#include "moho/core/philox.hpp"
#include "moho/parallel/plex.hpp"
#include "support/mpi_support.hpp"
#include <array>
#include <cstring>
#include <gtest/gtest.h>
#include <iostream>
#include <limits>
#include <vector>

namespace moho::test {
namespace {

using parallel::Comm;
using parallel::read_gmsh;

std::string replaced(std::string text, std::string const& from, std::string const& to) {
  auto const at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

/// What all ranks say of a file with that content, "" if they read it.
std::string verdict(std::string const& content) {
  Comm const comm;
  Temporary const file(content);
  auto const path = comm.broadcast(file.path());
  auto const message = error_of([&] { read_gmsh(comm, path); });
  EXPECT_TRUE(message.empty() || contains(message, "'" + path + "'")) << message;
  EXPECT_TRUE(all_ranks_agree(message));
  return message;
}

/// Format 4.1: the two triangles of a square, its lower side in a physical group.
char const* const square = R"($MeshFormat
4.1 0 8
$EndMeshFormat
$PhysicalNames
1
1 6 "lower side"
$EndPhysicalNames
$Entities
0 1 1 0
3 0 0 0 1 0 0 1 6 0
1 0 0 0 1 1 0 0 1 3
$EndEntities
$Nodes
2 4 1 4
1 3 0 2
1
2
0 0 0
1 0 0
2 1 0 2
3
4
1 1 0
0 1 0
$EndNodes
$Elements
2 3 1 3
1 3 1 1
1 1 2
2 1 2 2
2 1 2 3
3 1 3 4
$EndElements
)";

struct Damage {
  char const *from, *to, *says;
};

TEST(DamagedGmsh, BadFilesAreNamed) {
  auto const changed = [](std::string const& from, std::string const& to) {
    return replaced(two_triangles, from, to);
  };
  EXPECT_EQ(verdict(two_triangles), "");
  EXPECT_TRUE(contains(verdict(""), "not a Gmsh file"));
  EXPECT_TRUE(contains(verdict("solid cube\n"), "not a Gmsh file"));
  EXPECT_TRUE(contains(verdict(changed("2.2 0", "1.0 0")), "format is '1.0'"));
  EXPECT_TRUE(contains(verdict(changed("30 20", "30 21")), "node 21, which does not exist"));
  EXPECT_TRUE(contains(verdict(changed("40 20 5\n", "40 20 -5\n")), "node -5"));
  EXPECT_TRUE(contains(verdict(changed("\n5\n1 15", "\n9\n1 15")), "truncated"));
  EXPECT_TRUE(contains(verdict(changed("10 2 2 8 1 40 20 5", "10 3 2 8 1 40 20 5 30")), "mixed"));
  EXPECT_TRUE(contains(verdict(changed("5 1 1 0", "5 1 1 0.5")), "surface in space"));
  EXPECT_TRUE(contains(verdict(changed("20 0 0 0", "30 0 0 0")), "node 30 twice"));
  EXPECT_TRUE(contains(verdict(changed("10 2 2", "10 21 2")), "type 21"));
  EXPECT_TRUE(contains(verdict(changed("10 2 2", "10 5 2")), "does not exist"));
  EXPECT_TRUE(contains(verdict(changed("10 2 2", "10 2 -2")), "wrong count"));
  EXPECT_TRUE(contains(verdict(changed("10 2 2", "10 2 x")), "'x'"));
  auto const lines = std::string(two_triangles);
  EXPECT_TRUE(contains(verdict(lines.substr(0, lines.find("$Elements")) +
                               "$Elements\n1\n1 1 2 6 1 30 20\n$EndElements\n"),
                       "two or three dimensions"));
  auto const missing = error_of([] { read_gmsh(Comm(), "/nowhere/at/all.msh"); });
  EXPECT_TRUE(contains(missing, "'/nowhere/at/all.msh'")) << missing;
}

// Binary files: a node tag out of range must not reach PETSc, which would read outside its table.
TEST(DamagedGmsh, WrongBytesAreNamed) {
  for (std::string name : {"ring2-22-binary", "ring2-41-binary"}) {
    auto bytes = content_of(fixtures + name + ".msh");
    bytes[bytes.rfind("$EndElements") - (name[6] == '2' ? 3 : 7)] = '\x7f'; // last tag: + 32512
    auto const message = verdict(bytes);
    EXPECT_TRUE(contains(message, "which does not exist")) << name << message;
  }
}

TEST(DamagedGmsh, TruncatedFilesAreRefused) {
  for (std::string name :
       {"ring1-22", "ring2-22-binary", "ring2-41", "ring1-41-binary", "ring2-41-binary"}) {
    auto const whole = content_of(fixtures + name + ".msh");
    auto const end = whole.rfind("$EndElements") + std::string("$EndElements").size();
    for (std::size_t cut = 0; cut < 20; ++cut) {
      auto const message = verdict(whole.substr(0, (end - 1) * cut / 19));
      EXPECT_TRUE(contains(message, "cannot read the mesh")) << name << " " << cut << message;
    }
  }
}

TEST(DamagedGmsh, WhatIsSoundIsRead) {
  std::string crlf;
  for (char const* c = square; *c; ++c) crlf += *c == '\n' ? "\r\n" : std::string(1, *c);
  for (std::string const& text :
       {std::string(square), crlf,
        replaced(square, "$Nodes", "$Comments\n$Nodes x\n$EndComments\n$Nodes"),
        replaced(square, "\"lower side\"", "\"" + std::string(127, 'n') + "\""),
        replaced(square, "\"lower side\"", "\"\""),
        replaced(square, "3 0 0 0 1 0 0 1 6 0", "3 0 0 0 1 0 0 1 -6 0"),
        square + std::string("$NodeData\n1\n$EndNodeData\n")})
    EXPECT_EQ(verdict(text), "") << text;
  for (std::string name : {"ring1-22", "ring2-22-binary", "ring1-41", "ring2-41-binary"})
    EXPECT_EQ(verdict(content_of(fixtures + name + ".msh")), "") << name;
}

TEST(DamagedGmsh, CountsMustAgree) {
  for (auto const& [from, to, says] : std::vector<Damage>{
           {"2 4 1 4\n", "2 3 1 4\n", "$Nodes announces 3 nodes and holds 4"},
           {"2 4 1 4\n", "2 50 1 4\n", "$Nodes announces 50 nodes and holds 4"},
           {"2 4 1 4\n", "1 4 1 4\n", "$Nodes announces 4 nodes and holds 2"},
           {"2 4 1 4\n", "3 4 1 4\n", "$Nodes ends early"},
           {"2 4 1 4\n", "2 -4 1 4\n", "$Nodes has the count -4"},
           {"2 4 1 4\n", "2 1000000000 1 4\n", "$Nodes has more than"},
           {"2 4 1 4\n", "2 4 1 3000000000\n", "$Nodes has node tags from 1 to 3000000000"},
           {"2 4 1 4\n", "2 4 1 2000000000\n", "$Nodes has node tags from 1 to 2000000000"},
           {"2 4 1 4\n", "2 4 4 1\n", "$Nodes has node tags from 4 to 1"},
           {"2 4 1 4\n", "2 4 1 3\n", "$Nodes has node 4 outside the tags"},
           {"1 3 0 2\n", "1 3 0 -2\n", "$Nodes has the count -2"},
           {"1 3 0 2\n", "1 3 0 3\n", "$Nodes has node 0 outside the tags"},
           {"1 3 0 2\n", "1 3 0 1\n", "$Nodes has a block on entity 1 of dimension 0"},
           {"1 3 0 2\n", "1 3 1 2\n", "$Nodes has parametric coordinates"},
           {"1\n2\n0 0", "1\n1\n0 0", "$Nodes has node 1 twice"},
           {"2 3 1 3\n", "2 2 1 3\n", "$Elements announces 2 elements and holds 3"},
           {"2 3 1 3\n", "2 99 1 3\n", "$Elements announces 99 elements and holds 3"},
           {"2 3 1 3\n", "1 3 1 3\n", "$Elements announces 3 elements and holds 1"},
           {"2 3 1 3\n", "1 1 1 3\n", "$Elements has '2' where it should end"},
           {"2 1 2 2\n", "2 1 2 -2\n", "$Elements has the count -2"},
           {"2 1 2 2\n", "2 1 2 4000000000\n", "$Elements has the count 4000000000"},
           {"0 1 1 0\n", "0 1 1 1\n", "$Entities ends early"},
           {"0 1 1 0\n", "0 1 -1 0\n", "$Entities has the count -1"},
           {"0 1 1 0\n", "0 1 0 0\n", "$Entities has '1' where it should end"},
           {"1 6 0\n", "-1 6 0\n", "$Entities has the count -1"},
           {"1 6 0\n", "17 6 0\n", "$Entities has an entity in 17 physical groups"},
           {"$PhysicalNames\n1\n", "$PhysicalNames\n-1\n", "$PhysicalNames has the count -1"},
           {"$PhysicalNames\n1\n", "$PhysicalNames\n9\n", "$PhysicalNames ends early"}}) {
    auto const message = verdict(replaced(square, from, to));
    EXPECT_TRUE(contains(message, says)) << to << message;
  }
}

TEST(DamagedGmsh, BlocksNameEntitiesThatAreDeclared) {
  for (auto const& [from, to, says] : std::vector<Damage>{
           {"1 3 0 2\n", "99 3 0 2\n", "$Nodes has a block on entity 3 of dimension 99"},
           {"1 3 0 2\n", "-1 3 0 2\n", "$Nodes has a block on entity 3 of dimension -1"},
           {"1 3 0 2\n", "1 4 0 2\n", "$Nodes has a block on entity 4 of dimension 1"},
           {"1 3 1 1\n", "1 -1 1 1\n", "$Elements has a block on entity -1"},
           {"2 1 2 2\n", "3 1 2 2\n", "$Elements has a block on entity 1 of dimension 3"},
           {"1 3 1 1\n", "2 1 1 1\n", "type 1 in a block of dimension 2"},
           {"2 1 2 2\n", "2 1 2147483648 2\n", "an integer of 32 bits"},
           {"\n3 0 0 0 1", "\n9223372036854775807 0 0 0 1", "an integer of 32 bits"},
           {"\n3 0 0 0 1", "\n4 0 0 0 1", "$Nodes has a block on entity 3 of dimension 1"},
           {"3 0 0 0 1", "3 0 0 x 1", "$Entities has 'x' where a number should be"},
           {"$Entities", "$Entity", "no section $Entities where it belongs"},
           {"$EndEntities\n", "", "$Entities has '$Nodes' where it should end"},
           {"$Nodes", "$PartitionedEntities", "it is partitioned"}}) {
    auto const message = verdict(replaced(square, from, to));
    EXPECT_TRUE(contains(message, says)) << to << message;
  }
  auto const text = std::string(square);
  auto const from = text.find("$Entities"), to = text.find("$Nodes");
  EXPECT_TRUE(contains(verdict(text.substr(0, from) + text.substr(to)), "no section $Entities"));
}

// PETSc copies names of any length into 130 characters and words of any length into 4096.
TEST(DamagedGmsh, WordsAndNamesFitTheReader) {
  auto const named = [](std::string const& name) {
    return verdict(replaced(square, " \"lower side\"", name));
  };
  EXPECT_TRUE(contains(named("  \"x\""), "one blank"));
  EXPECT_TRUE(contains(named(" :\"x\""), "one blank"));
  EXPECT_TRUE(contains(named(" \"x"), "one blank"));
  EXPECT_TRUE(contains(named(" x"), "one blank"));
  EXPECT_TRUE(contains(named(""), "one blank"));
  EXPECT_TRUE(contains(named(" \"" + std::string(128, 'n') + "\""), "128 letters"));
  EXPECT_TRUE(contains(named(" \"" + std::string(9999, 'n') + "\""), "9999 letters"));
  auto const word = "$Comments\n" + std::string(9999, 'n') + "\n$EndComments\n$Nodes";
  EXPECT_TRUE(contains(verdict(replaced(square, "$Nodes", word)), "word of 9999 letters"));
  EXPECT_TRUE(contains(verdict(replaced(square, "$Nodes", "$Comments\n$Nodes")), "$Comments"));
}

TEST(DamagedGmsh, ManyTagsOfAnElementAreRefused) {
  for (int tags : {900, 1100, 5000, 100000}) {
    std::string line = "4 2 " + std::to_string(tags);
    for (int i = 0; i < tags; ++i) line += " 8";
    auto const message = verdict(replaced(two_triangles, "4 2 2 8 1", line));
    if (tags == 900)
      EXPECT_EQ(message, "");
    else
      EXPECT_TRUE(contains(message, std::to_string(tags) + " tags")) << message;
  }
}

TEST(DamagedGmsh, SidesMustBeThoseOfCells) {
  EXPECT_TRUE(
      contains(verdict(replaced(two_triangles, "6 1 30 20", "6 1 30 40")), "element 2 is no side"));
}

// Counts of binary files, at the front of a section or of its first block.
TEST(DamagedGmsh, CountsInBytesMustAgree) {
  auto const whole = content_of(fixtures + "ring1-41-binary.msh");
  struct Place {
    char const* section;
    std::size_t offset, size;
  };
  for (Place const& place : std::vector<Place>{{"$Entities\n", 0, 8},
                                               {"$Entities\n", 8, 8},
                                               {"$Entities\n", 32 + 28, 8},
                                               {"$Nodes\n", 0, 8},
                                               {"$Nodes\n", 8, 8},
                                               {"$Nodes\n", 32, 4},
                                               {"$Nodes\n", 36, 4},
                                               {"$Nodes\n", 44, 8},
                                               {"$Elements\n", 0, 8},
                                               {"$Elements\n", 8, 8},
                                               {"$Elements\n", 32, 4},
                                               {"$Elements\n", 36, 4},
                                               {"$Elements\n", 40, 4},
                                               {"$Elements\n", 44, 8}})
    for (std::int64_t wrong :
         {std::int64_t{-1}, std::int64_t{99}, std::int64_t{0x7fffffff}, std::int64_t{1} << 33,
          std::numeric_limits<std::int64_t>::max() / 3 + 2,
          std::numeric_limits<std::int64_t>::min()}) {
      auto bytes = whole;
      auto const at = whole.find(place.section) + std::strlen(place.section) + place.offset;
      std::memcpy(bytes.data() + at, &wrong, place.size);
      if (std::memcmp(bytes.data() + at, whole.data() + at, place.size) == 0) continue;
      EXPECT_TRUE(contains(verdict(bytes), "section $")) << place.section << place.offset << wrong;
    }
}

/// A file with a few bytes, words or lines changed.
class Mutation {
public:
  Mutation(Philox const& random, std::uint64_t index) : _random(random), _index(index) {}

  std::string of(std::string text) {
    for (auto left = 1 + below(3); left > 0; --left) change(text);
    return text;
  }

private:
  std::size_t below(std::size_t n) { return _random.bits(_index, _draw++) % n; }
  void change(std::string& text) {
    if (text.size() < 60) return;
    static constexpr std::array<char const*, 12> words{
        "-1",         "0", "1",   "2",   "5", "99", "2147483647", "9223372036854775807",
        "1000000000", "",  "nan", "$End"};
    auto const at = below(10) == 0 ? below(text.size() - 50) : 30 + below(text.size() - 50);
    auto const blank = text.find_first_of(" \n", at), line = text.find('\n', at);
    auto const number = static_cast<std::int64_t>(below(4)) - (below(2) ? 2 : 0);
    switch (below(7)) {
    case 0:
      text[at] = static_cast<char>(below(256));
      break;
    case 1:
      text.resize(at);
      break;
    case 2:
      std::memcpy(text.data() + at, &number, 4);
      break;
    case 3:
      std::memcpy(text.data() + at, &number, 8);
      break;
    case 4: // a line twice, or not at all
      if (line == std::string::npos) break;
      if (below(2))
        text.insert(at, text.substr(at, line - at + 1));
      else
        text.erase(at, line - at + 1);
      break;
    default: // another word
      if (blank == std::string::npos) break;
      auto const end = std::min(text.find_first_of(" \n", blank + 1), text.size());
      text.replace(blank + 1, end - blank - 1, words[below(words.size())]);
    }
  }

  Philox _random;
  std::uint64_t _index;
  std::uint32_t _draw = 0;
};

TEST(DamagedGmsh, AnyDamageIsReadOrNamed) {
  char const* const given = std::getenv("MOHO_SEED");
  Philox const random{given ? std::strtoull(given, nullptr, 0) : 20261121, 0};
  if (!Comm().root()) return;
  std::cout << "MOHO_SEED " << random.seed << "\n";
  std::vector<std::string> sound{square, two_triangles};
  for (std::string name : {"ring1-22", "ring2-22-binary", "ring2-41", "ring1-41-binary"})
    sound.push_back(content_of(fixtures + name + ".msh"));
  int read = 0;
  for (std::uint64_t i = 0; i < 1500; ++i) {
    Temporary const file(Mutation(random, i).of(sound[i % sound.size()]));
    auto const message = error_of([&] { read_gmsh(Comm::self(), file.path()); });
    EXPECT_TRUE(message.empty() || contains(message, file.path())) << i << message;
    EXPECT_FALSE(contains(message, "Petsc") || contains(message, "in Gmsh")) << i << message;
    read += message.empty();
  }
  EXPECT_GT(read, 50);
  EXPECT_LT(read, 1000);
}

} // namespace
} // namespace moho::test
