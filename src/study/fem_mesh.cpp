// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/fem_mesh.hpp"
#include "moho/parallel/hdf5.hpp"
#include "moho/parallel/memory.hpp"
#include "moho/study/names.hpp"
#include <algorithm>
#include <array>
#include <bit>
#include <filesystem>
#include <limits>
#include <map>
#include <new>
#include <numeric>
#include <optional>
#include <span>
#include <utility>

namespace moho::study {
namespace {

using fem::Mesh;
using parallel::h5::File;
using parallel::h5::Shape;

std::string mesh_name(std::string const& path) {
  return "mesh '" + path + "'";
}

[[noreturn]] void fail(std::string const& path, std::string const& problem, std::string const& why,
                       std::string const& advice) {
  throw Error(mesh_name(path) + ": " + problem + " (" + why + ") " + advice);
}

std::string text(Shape const& shape) {
  std::string out = "(";
  for (std::size_t i = 0; i < shape.size(); ++i) out += (i ? ", " : "") + std::to_string(shape[i]);
  return out + ")";
}

// A dataset of rows of `columns` values (0: any number) that there is memory for.
Shape table(File const& file, std::string const& dataset, std::size_t columns,
            std::string const& why) {
  if (!file.has(dataset))
    fail(file.path(), "no dataset " + dataset,
         "a MESH.h5 holds /geometry, /topology and the "
         "attribute 'cell'",
         "add it");
  Shape shape = file.shape(dataset);
  if (shape.size() != 2 || (columns && shape[1] != columns))
    fail(file.path(), dataset + " has the shape " + text(shape), why, "correct it");
  if (shape[0] > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()))
    fail(file.path(), dataset + " has " + std::to_string(shape[0]) + " rows",
         "moho counts them in 32 bits", "use a smaller mesh");
  auto const room = parallel::available_memory();
  std::size_t const row = sizeof(double) * std::max<std::size_t>(shape[1], 1);
  if (room && shape[0] > static_cast<std::size_t>(*room) / row)
    fail(file.path(), dataset + " has the shape " + text(shape),
         "more than the " + std::to_string(*room >> 20) + " MiB of memory that are available here",
         "correct it, or use a smaller mesh");
  return shape;
}

void check_range(std::string const& path, std::string const& dataset,
                 std::span<const std::int64_t> values, std::size_t columns, std::size_t limit,
                 char const* of) {
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i] < 0 || values[i] >= static_cast<std::int64_t>(limit))
      fail(path,
           dataset + "[" + std::to_string(i / columns) + ", " + std::to_string(i % columns) +
               "] = " + std::to_string(values[i]) + " in cell " + std::to_string(i / columns),
           "there are " + std::to_string(limit) + " " + of + ", counted from 0",
           "correct the cell");
}

fem::Cell cell_of(File const& file) {
  std::vector<std::string> known;
  for (const fem::Cell cell : fem::all_cells) known.emplace_back(name(cell));
  if (!file.has_attribute("/", "cell"))
    fail(file.path(), "no root attribute 'cell'", "it says what /topology holds",
         "set it to triangle, tetrahedron, quadrilateral or hexahedron");
  std::string word;
  try {
    word = file.string_attribute("/", "cell");
  } catch (Error const& error) {
    fail(file.path(), "root attribute 'cell' cannot be read", error.what(), "make it one string");
  }
  if (std::find(known.begin(), known.end(), word) == known.end())
    fail(file.path(), "cell '" + word + "' is not supported", "of moho's four",
         suggestion(word, known));
  return fem::cell_from_name(word);
}

Mesh whole_mesh(fem::Element geometry, std::vector<double> points,
                std::span<const std::int64_t> cells) {
  Mesh mesh;
  mesh.geometry = geometry;
  mesh.points = std::move(points);
  mesh.cells.assign(cells.begin(), cells.end());
  mesh.point_id.resize(mesh.points.size() / static_cast<std::size_t>(mesh.dim()));
  std::iota(mesh.point_id.begin(), mesh.point_id.end(), 0);
  mesh.cell_id.resize(cells.size() / static_cast<std::size_t>(geometry.nodes()));
  std::iota(mesh.cell_id.begin(), mesh.cell_id.end(), 0);
  return mesh;
}

void read_dofmap(File const& file, MeshFile& out) {
  if (!file.has("/dofmap")) return;
  const fem::Cell cell = out.mesh.cell();
  const Shape shape = table(file, "/dofmap", 0, "one row per cell");
  for (int const degree : {1, 2})
    if (shape[1] == static_cast<std::size_t>(node_count(cell, degree))) out.dofmap_degree = degree;
  if (!out.dofmap_degree)
    fail(file.path(), "/dofmap has " + std::to_string(shape[1]) + " nodes per " + name(cell),
         std::to_string(node_count(cell, 1)) + " at degree 1, " +
             std::to_string(node_count(cell, 2)) + " at degree 2",
         "use one of these degrees");
  if (shape[0] != out.mesh.cell_count())
    fail(file.path(), "/dofmap has " + std::to_string(shape[0]) + " rows",
         "/topology has " + std::to_string(out.mesh.cell_count()) + " cells",
         "give one row per cell");
  auto const dim = static_cast<std::size_t>(out.mesh.dim());
  const Shape points = table(file, "/dof_coordinates", dim,
                             "(nodes, " + std::to_string(dim) + ") goes with /dofmap");
  out.dofmap = file.read_ints("/dofmap");
  out.dof_points = file.read_doubles("/dof_coordinates");
  check_range(file.path(), "/dofmap", out.dofmap, shape[1], points[0], "rows in /dof_coordinates");
}

MeshFile read_hdf5(std::string const& path) {
  const File file = File::open(path);
  const fem::Cell cell = cell_of(file);
  auto const dim = static_cast<std::size_t>(dimension(cell));
  auto const vertices = static_cast<std::size_t>(vertex_count(cell));
  const Shape points =
      table(file, "/geometry", dim,
            std::string(name(cell)) + "s need (points, " + std::to_string(dim) + ")");
  table(file, "/topology", vertices,
        std::string(name(cell)) + "s need (cells, " + std::to_string(vertices) + ")");
  const std::vector<std::int64_t> cells = file.read_ints("/topology");
  check_range(path, "/topology", cells, vertices, points[0], "points in /geometry");
  MeshFile out;
  out.mesh = whole_mesh({cell, 1}, file.read_doubles("/geometry"), cells);
  read_dofmap(file, out);
  return out;
}

// Local nodes at the vertices of a cell.
std::vector<std::size_t> corners(fem::Element element) {
  if (element.degree == 2 && element.cell == fem::Cell::quadrilateral) return {0, 2, 6, 8};
  if (element.degree == 2 && element.cell == fem::Cell::hexahedron)
    return {0, 2, 6, 8, 18, 20, 24, 26};
  std::vector<std::size_t> out(static_cast<std::size_t>(vertex_count(element.cell)));
  std::iota(out.begin(), out.end(), std::size_t{0});
  return out;
}

// Turns, checks and finds the boundary of a whole mesh.
void make_sound(Mesh& mesh, std::string const& what) {
  fem::orient(mesh);
  fem::check_mesh(mesh, what);
  check_coincident(mesh, what);
  try {
    mesh.boundary = fem::boundary_facets(mesh);
  } catch (Error const& error) {
    throw Error(what + ": " + error.what(), error.code());
  }
}

bool is_gmsh(std::string const& path) {
  return std::filesystem::path(path).extension() == ".msh";
}

void require_file(std::string const& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    fail(path, "cannot be read", "there is no such file", "check the path");
  if (!std::filesystem::is_regular_file(path, ignored))
    fail(path, "cannot be read", "it is not a file", "name a MESH.h5 or a .msh");
}

} // namespace

MeshFile read_mesh(parallel::Comm const& comm, std::string const& path) {
  MeshFile out;
  parallel::PlexMesh plex;
  parallel::run_collectively(comm, [&] {
    if (comm.root()) require_file(path);
  });
  if (is_gmsh(path)) plex = parallel::read_gmsh(comm, path);
  parallel::run_collectively(comm, [&] {
    if (!comm.root()) return;
    if (is_gmsh(path)) {
      out.mesh = mesh_from_plex(plex, mesh_name(path));
    } else {
      try {
        out = read_hdf5(path);
      } catch (std::bad_alloc const&) {
        fail(path, "cannot be read", "it does not fit in memory", "use a smaller mesh");
      }
      make_sound(out.mesh, mesh_name(path));
    }
  });
  return out;
}

fem::Space space_of(MeshFile const& file, int degree, std::string const& path) {
  if (degree && file.dofmap_degree && degree != file.dofmap_degree)
    throw Error("--degree " + std::to_string(degree) + " conflicts with " + mesh_name(path) +
                " (its /dofmap is of degree " + std::to_string(file.dofmap_degree) +
                ") leave it out, or remove the dofmap");
  if (!file.dofmap_degree) return fem::make_space(file.mesh, degree ? degree : 1);
  try {
    return fem::make_space(file.mesh, file.dofmap_degree, file.dofmap, file.dof_points);
  } catch (Error const& error) {
    throw Error(mesh_name(path) + ", /dofmap: " + error.what(), error.code());
  }
}

// ---- PETSc's meshes
// ------------------------------------------------------------------------------

Mesh mesh_from_plex(parallel::PlexMesh const& plex, std::string const& what) {
  Mesh mesh = whole_mesh({fem::cell_from_name(plex.cell), plex.degree}, plex.points, plex.cells);
  make_sound(mesh, what);
  if (plex.facet_tag.empty()) return mesh;

  using Key = std::array<std::int64_t, 4>; // sorted; -1 where the facet has fewer vertices
  const fem::Element element = mesh.geometry;
  auto const nodes = static_cast<std::size_t>(element.nodes());
  const std::size_t width = plex.facet_vertices.size() / plex.facet_tag.size();
  std::map<Key, std::int32_t> tags;
  for (std::size_t f = 0; f < plex.facet_tag.size(); ++f) {
    Key key{-1, -1, -1, -1};
    std::copy_n(plex.facet_vertices.begin() + static_cast<std::ptrdiff_t>(f * width), width,
                key.begin());
    std::sort(key.begin(), key.end());
    tags.emplace(key, plex.facet_tag[f]);
  }
  const fem::Element linear{element.cell, 1}; // whose facets' nodes are vertices
  const std::vector<std::size_t> corner = corners(element);
  for (std::size_t f = 0; f < mesh.boundary.size(); ++f) {
    Key key{-1, -1, -1, -1};
    std::size_t n = 0;
    for (int const v : facet_nodes(linear, mesh.boundary.local[f])) {
      const std::size_t first = static_cast<std::size_t>(mesh.boundary.cell[f]) * nodes;
      key[n++] = mesh.cells[first + corner[static_cast<std::size_t>(v)]];
    }
    std::sort(key.begin(), key.end());
    if (auto const found = tags.find(key); found != tags.end())
      mesh.boundary.tag[f] = found->second;
  }
  return mesh;
}

parallel::PlexMesh plex_from_mesh(Mesh const& mesh) {
  parallel::PlexMesh plex;
  plex.dim = mesh.dim();
  plex.cell = name(mesh.cell());
  auto const nodes = static_cast<std::size_t>(mesh.geometry.nodes());
  auto const dim = static_cast<std::size_t>(mesh.dim());
  const std::vector<std::size_t> corner = corners(mesh.geometry);
  std::vector<std::int64_t> vertex(mesh.point_count(), -1);
  plex.cells.reserve(mesh.cell_count() * corner.size());
  for (std::size_t c = 0; c < mesh.cell_count(); ++c)
    for (const std::size_t v : corner) {
      auto const point = static_cast<std::size_t>(mesh.cells[c * nodes + v]);
      if (vertex[point] < 0) vertex[point] = 0;
      plex.cells.push_back(static_cast<std::int64_t>(point));
    }
  std::int64_t count = 0;
  for (std::size_t p = 0; p < vertex.size(); ++p)
    if (vertex[p] == 0) {
      vertex[p] = count++;
      plex.points.insert(plex.points.end(),
                         mesh.points.begin() + static_cast<std::ptrdiff_t>(p * dim),
                         mesh.points.begin() + static_cast<std::ptrdiff_t>((p + 1) * dim));
    }
  for (std::int64_t& point : plex.cells) point = vertex[static_cast<std::size_t>(point)];
  return plex;
}

Mesh straightened(Mesh const& mesh, std::string const& what) {
  if (mesh.geometry.degree == 1) return mesh;
  parallel::PlexMesh const plex = plex_from_mesh(mesh);
  Mesh out = whole_mesh({mesh.cell(), 1}, plex.points, plex.cells);
  out.boundary = mesh.boundary;
  fem::check_mesh(out, what + ", its edges straightened");
  return out;
}

// ---- points at one place
// -------------------------------------------------------------------------

void check_coincident(Mesh const& mesh, std::string const& what) {
  auto const dim = static_cast<std::size_t>(mesh.dim());
  std::vector<std::int32_t> order(mesh.point_count());
  std::iota(order.begin(), order.end(), 0);
  auto const at = [&](std::int32_t p) {
    return std::span(mesh.points).subspan(static_cast<std::size_t>(p) * dim, dim);
  };
  std::sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
    auto const x = at(a), y = at(b);
    return std::lexicographical_compare(x.begin(), x.end(), y.begin(), y.end());
  });
  for (std::size_t i = 1; i < order.size(); ++i) {
    auto const x = at(order[i - 1]), y = at(order[i]);
    if (!std::equal(x.begin(), x.end(), y.begin())) continue;
    auto const [a, b] = std::minmax(order[i - 1], order[i]);
    throw Error(what + ": points " + std::to_string(a) + " and " + std::to_string(b) +
                " lie at the same place (blocks of the mesh are not joined there) merge them");
  }
}

} // namespace moho::study
