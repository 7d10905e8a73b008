// SPDX-License-Identifier: BSD-3-Clause
// Gmsh files for tests, and what reading them says.
#pragma once
#include "support/errors.hpp"
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>

namespace moho::test {

inline std::string source_folder() {
  char const* const root = std::getenv("MOHO_SOURCE_DIR");
  return root ? root : ".";
}
inline std::string const meshes = source_folder() + "/reference/physics/fem/meshes/";
inline std::string const fixtures = source_folder() + "/tests/unit/parallel_petsc/meshes/";

/// This rank's path of a file with that content, removed at the end.
class Temporary {
public:
  explicit Temporary(std::string const& content) {
    auto const name = "moho-plex-" + std::to_string(::getpid()) + ".msh";
    _path = (std::filesystem::temp_directory_path() / name).string();
    std::ofstream(_path, std::ios::binary) << content;
  }
  Temporary(Temporary const&) = delete;
  Temporary& operator=(Temporary const&) = delete;
  ~Temporary() { std::filesystem::remove(_path); }
  std::string const& path() const { return _path; }

private:
  std::string _path;
};

inline std::string content_of(std::string const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline bool contains(std::string const& text, std::string const& part) {
  return text.find(part) != std::string::npos;
}

/// Format 2.2. Two triangles; node 7 belongs to no cell, node tags are sparse, the second triangle
/// is listed
// first, one side has a number and one has none.
inline char const* const two_triangles = R"($MeshFormat
2.2 0 8
$EndMeshFormat
$Nodes
5
7 9 9 0
20 0 0 0
30 1 0 0
5 1 1 0
40 0 2 0
$EndNodes
$Elements
5
1 15 2 0 1 7
2 1 2 6 1 30 20
3 1 2 0 1 20 40
10 2 2 8 1 40 20 5
4 2 2 8 1 20 30 5
$EndElements
)";

} // namespace moho::test
