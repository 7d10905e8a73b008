// SPDX-License-Identifier: BSD-3-Clause
// Gmsh files by DMPlex, as plain arrays in moho's order.
#include "moho/parallel/petsc.hpp"
#include "moho/parallel/plex.hpp"
#include "petsc_detail.hpp"
#include "plex_detail.hpp"
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace moho::parallel {
namespace {

using detail::CellShape;
using detail::Handle;
using detail::petsc_check;
using Vertices = std::vector<std::int64_t>;

/// An option of PETSc's for as long as this lives.
class Option {
public:
  Option(char const* name, char const* value) : _name(name) {
    petsc_check(PetscOptionsSetValue(nullptr, name, value), "PetscOptionsSetValue");
  }
  Option(Option const&) = delete;
  Option& operator=(Option const&) = delete;
  ~Option() { static_cast<void>(PetscOptionsClearValue(nullptr, _name)); }

private:
  char const* _name;
};

/// Vertices of a reference cell whose mean is node `position` of moho's order at degree 2, as
/// vertices of that cell in moho's order. They identify a node of the mesh.
std::vector<std::vector<int>> node_vertices(CellShape const& shape) {
  std::vector<std::vector<int>> nodes;
  if (shape.simplex) {
    for (int a = 0; a < shape.vertices; ++a) nodes.push_back({a});
    for (int a = 0; a < shape.vertices; ++a)
      for (int b = a + 1; b < shape.vertices; ++b) nodes.push_back({a, b});
    return nodes;
  }
  int const all = shape.dim == 2 ? 9 : 27;
  for (int node = 0; node < all; ++node) {
    nodes.emplace_back();
    for (int v = 0; v < shape.vertices; ++v) {
      bool inside = true; // along each direction: both ends of the middle, else its own
      for (int d = 0, rest = node; d < shape.dim; ++d, rest /= 3)
        inside = inside && (rest % 3 == 1 || rest % 3 == 2 * (v >> d & 1));
      if (inside) nodes.back().push_back(v);
    }
  }
  return nodes;
}

/// DMPlex's lexicographic position (x fastest) of each node of moho's order, degree 2.
std::vector<int> lexicographic(CellShape const& shape) {
  if (!shape.simplex) {
    std::vector<int> same(shape.dim == 2 ? 9 : 27);
    for (std::size_t i = 0; i < same.size(); ++i) same[i] = static_cast<int>(i);
    return same;
  }
  if (shape.dim == 2) return {0, 2, 5, 1, 3, 4};
  return {0, 2, 5, 9, 1, 3, 6, 4, 7, 8};
}

class GmshReader {
public:
  explicit GmshReader(std::string const& path) : _path(path) {
    detail::check_gmsh(path);
    // Points in space, to notice surfaces; no periodic identification of vertices.
    Option const space("-dm_plex_gmsh_spacedim", "3"), period("-dm_plex_gmsh_periodic", "false");
    auto const code = DMPlexCreateGmshFromFile(MPI_COMM_SELF, path.c_str(), PETSC_TRUE, _dm.out());
    if (code != 0) fail(explained(detail::take_petsc_message()));
  }

  PlexMesh read() {
    find_shape();
    find_cells();
    number_vertices();
    if (_mesh.degree == 1)
      read_vertices();
    else
      read_nodes();
    flatten();
    read_facets();
    return std::move(_mesh);
  }

private:
  [[noreturn]] void fail(std::string const& why) const {
    throw Error("cannot read the mesh '" + _path + "' (" + why +
                "); moho takes Gmsh 2.2 and 4.1 files of triangles, quadrilaterals, tetrahedra or "
                "hexahedra, of order 1 or 2");
  }

  // What the reader says of elements that no check before it can see.
  static std::string explained(std::string const& petsc) {
    std::string const start = " for Gmsh element ";
    auto const at = petsc.find(start);
    if (petsc.find("Could not determine Plex") != std::string::npos && at != std::string::npos) {
      auto const number = at + start.size();
      return "element " + petsc.substr(number, petsc.find(' ', number) - number) +
             " is no side or edge of a cell";
    }
    if (petsc.find("Could not find orientation") != std::string::npos)
      return "two cells take the nodes of a common side in an order that does not fit";
    return petsc;
  }

  void find_shape() {
    petsc_check(DMPlexGetHeightStratum(_dm, 0, nullptr, &_cells), "DMPlexGetHeightStratum");
    petsc_check(DMPlexGetDepthStratum(_dm, 0, &_first_vertex, &_end_vertex),
                "DMPlexGetDepthStratum");
    PetscInt dim = 0;
    petsc_check(DMGetDimension(_dm, &dim), "DMGetDimension");
    if (_cells == 0 || dim < 2) fail("it has no cells of two or three dimensions");
    for (PetscInt cell = 0; cell < _cells; ++cell) {
      DMPolytopeType type = DM_POLYTOPE_UNKNOWN;
      petsc_check(DMPlexGetCellType(_dm, cell, &type), "DMPlexGetCellType");
      auto const* shape = detail::shape_of(type);
      if (!shape) fail("cell " + std::to_string(cell) + " is a " + DMPolytopeTypes[type]);
      if (_shape && shape != _shape)
        fail(std::string("cells are mixed: ") + _shape->name + " and " + shape->name);
      _shape = shape;
    }
    petsc_check(DMGetCoordinatesLocal(_dm, &_coordinates), "DMGetCoordinatesLocal");
    petsc_check(DMGetCoordinateSection(_dm, &_section), "DMGetCoordinateSection");
    _mesh.dim = _shape->dim;
    _mesh.cell = _shape->name;
    _mesh.degree = degree();
  }

  // From the values of the first cell: DMPlex has a finite element for the coordinates of cells of
  // higher order, else coordinates of vertices alone.
  int degree() {
    auto const n = cell_values(0, nullptr).size() / 3;
    std::size_t const second = node_vertices(*_shape).size();
    if (n == static_cast<std::size_t>(_shape->vertices)) return 1;
    if (n != second) fail("cells have " + std::to_string(n) + " nodes: an order above 2");
    return 2;
  }

  std::vector<double> cell_values(PetscInt cell, PetscSection section) const {
    DM coordinates = nullptr;
    petsc_check(DMGetCoordinateDM(_dm, &coordinates), "DMGetCoordinateDM");
    PetscInt n = 0;
    PetscScalar* values = nullptr;
    auto const used = section ? section : _section;
    petsc_check(DMPlexVecGetClosure(coordinates, used, _coordinates, cell, &n, &values),
                "DMPlexVecGetClosure");
    std::vector<double> out(values, values + n);
    petsc_check(DMPlexVecRestoreClosure(coordinates, used, _coordinates, cell, &n, &values),
                "DMPlexVecRestoreClosure");
    return out;
  }

  std::vector<PetscInt> closure_vertices(PetscInt point) const {
    PetscInt n = 0;
    PetscInt* closure = nullptr;
    petsc_check(DMPlexGetTransitiveClosure(_dm, point, PETSC_TRUE, &n, &closure),
                "DMPlexGetTransitiveClosure");
    std::vector<PetscInt> vertices;
    for (PetscInt i = 0; i < n; ++i)
      if (closure[2 * i] >= _first_vertex && closure[2 * i] < _end_vertex)
        vertices.push_back(closure[2 * i] - _first_vertex);
    petsc_check(DMPlexRestoreTransitiveClosure(_dm, point, PETSC_TRUE, &n, &closure),
                "DMPlexRestoreTransitiveClosure");
    return vertices;
  }

  // Vertices of cells in moho's order. DMPlex turns some cells inside out; that is its own inverse.
  void find_cells() {
    for (PetscInt cell = 0; cell < _cells; ++cell) {
      auto vertices = closure_vertices(cell);
      petsc_check(DMPlexInvertCell(_shape->type, vertices.data()), "DMPlexInvertCell");
      for (int v = 0; v < _shape->vertices; ++v)
        _cell_vertices.push_back(
            vertices[static_cast<std::size_t>(_shape->gmsh[static_cast<std::size_t>(v)])]);
    }
  }

  // DMPlex keeps the order of the file. Vertices of no cell (of points, of lines) are dropped.
  void number_vertices() {
    _number.assign(static_cast<std::size_t>(_end_vertex - _first_vertex), -1);
    for (auto v : _cell_vertices) _number[static_cast<std::size_t>(v)] = 0;
    for (auto& n : _number)
      if (n == 0) n = _vertices++;
    for (auto& v : _cell_vertices) v = _number[static_cast<std::size_t>(v)];
  }

  void read_vertices() {
    _mesh.cells = _cell_vertices;
    _mesh.points.resize(static_cast<std::size_t>(_vertices) * 3);
    PetscScalar const* values = nullptr;
    petsc_check(VecGetArrayRead(_coordinates, &values), "VecGetArrayRead");
    for (std::size_t v = 0; v < _number.size(); ++v) {
      if (_number[v] < 0) continue;
      PetscInt at = 0;
      petsc_check(PetscSectionGetOffset(_section, _first_vertex + static_cast<PetscInt>(v), &at),
                  "PetscSectionGetOffset");
      std::copy_n(values + at, 3, _mesh.points.begin() + 3 * _number[v]);
    }
    petsc_check(VecRestoreArrayRead(_coordinates, &values), "VecRestoreArrayRead");
  }

  Vertices const& cell_node(PetscInt cell, std::vector<int> const& corners) {
    _key.clear();
    for (int v : corners)
      _key.push_back(_cell_vertices[static_cast<std::size_t>(cell * _shape->vertices + v)]);
    std::sort(_key.begin(), _key.end());
    return _key;
  }

  // Nodes of degree 2: vertices, then edges, faces and cells, each by its sorted vertices.
  void read_nodes() {
    auto const corners = node_vertices(*_shape);
    auto const position = lexicographic(*_shape);
    auto const before = [](Vertices const& a, Vertices const& b) {
      return a.size() != b.size() ? a.size() < b.size() : a < b;
    };
    std::map<Vertices, std::int64_t, decltype(before)> number(before);
    for (PetscInt cell = 0; cell < _cells; ++cell)
      for (auto const& c : corners)
        if (c.size() < static_cast<std::size_t>(_shape->vertices)) number[cell_node(cell, c)] = 0;
    std::int64_t next = 0;
    for (auto& [key, n] : number) n = next++;
    auto const nodes = static_cast<std::size_t>(next) +
                       (_shape->simplex ? 0 : static_cast<std::size_t>(_cells)); // cells' centres
    _mesh.points.assign(nodes * 3, NAN);
    Handle<PetscSection, PetscSectionDestroy> section;
    DM coordinates = nullptr;
    petsc_check(DMGetCoordinateDM(_dm, &coordinates), "DMGetCoordinateDM");
    petsc_check(PetscSectionClone(_section, section.out()), "PetscSectionClone");
    petsc_check(DMPlexSetClosurePermutationTensor(coordinates, 0, section),
                "DMPlexSetClosurePermutationTensor");
    for (PetscInt cell = 0; cell < _cells; ++cell) {
      auto const values = cell_values(cell, section);
      for (std::size_t i = 0; i < corners.size(); ++i) {
        bool const centre = corners[i].size() == static_cast<std::size_t>(_shape->vertices);
        auto const node = centre ? next + cell : number.at(cell_node(cell, corners[i]));
        _mesh.cells.push_back(node);
        place(node, values.data() + 3 * position[i]);
      }
    }
  }

  // Cells that share a node must agree on where it is: they do not if an order is misunderstood.
  void place(std::int64_t node, double const* x) {
    double* const point = _mesh.points.data() + 3 * node;
    for (int d = 0; d < 3; ++d) {
      if (!std::isnan(point[d]) && point[d] != x[d])
        fail("cells disagree on the place of node " + std::to_string(node));
      point[d] = x[d];
    }
  }

  // (points, 3) to (points, dim).
  void flatten() {
    if (_mesh.dim == 3) return;
    std::size_t const n = _mesh.points.size() / 3;
    for (std::size_t i = 0; i < n; ++i) {
      if (_mesh.points[3 * i + 2] != 0) fail("it is a surface in space: z is not 0 everywhere");
      _mesh.points[2 * i] = _mesh.points[3 * i];
      _mesh.points[2 * i + 1] = _mesh.points[3 * i + 1];
    }
    _mesh.points.resize(2 * n);
  }

  void read_facets() {
    DMLabel label = nullptr;
    petsc_check(DMGetLabel(_dm, "Face Sets", &label), "DMGetLabel");
    if (!label) return;
    PetscInt first = 0, end = 0;
    petsc_check(DMPlexGetHeightStratum(_dm, 1, &first, &end), "DMPlexGetHeightStratum");
    std::map<Vertices, std::int32_t> tags;
    for (PetscInt facet = first; facet < end; ++facet) {
      PetscInt tag = 0;
      petsc_check(DMLabelGetValue(label, facet, &tag), "DMLabelGetValue");
      if (tag <= 0) continue; // -1: none; 0: an element of no physical group
      Vertices vertices;
      for (auto v : closure_vertices(facet))
        vertices.push_back(_number[static_cast<std::size_t>(v)]);
      std::sort(vertices.begin(), vertices.end());
      tags[vertices] = tag;
    }
    for (auto const& [vertices, tag] : tags) {
      _mesh.facet_tag.push_back(tag);
      _mesh.facet_vertices.insert(_mesh.facet_vertices.end(), vertices.begin(), vertices.end());
    }
  }

  std::string const& _path;
  Handle<DM, DMDestroy> _dm;
  CellShape const* _shape = nullptr;
  PetscInt _cells = 0, _first_vertex = 0, _end_vertex = 0;
  Vec _coordinates = nullptr;
  PetscSection _section = nullptr;
  Vertices _cell_vertices, _number, _key;
  std::int64_t _vertices = 0;
  PlexMesh _mesh;
};

} // namespace

PlexMesh read_gmsh(Comm const& comm, std::string const& path) {
  PlexMesh mesh;
  run_collectively(comm, [&] {
    if (!comm.root()) return;
    require_petsc();
    mesh = GmshReader(path).read();
  });
  return mesh;
}

} // namespace moho::parallel
