// SPDX-License-Identifier: BSD-3-Clause
// Meshes of domains: built in, cut, or read from a file and refined.
#include "moho/core/error.hpp"
#include "moho/study/fem_mesh.hpp"
#include "moho/study/fem_system.hpp"
#include "moho/study/registry.hpp"
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <utility>

namespace moho::study {
namespace {

using fem::Cell;
using fem::Mesh;

using Place = std::function<void(double* x)>; ///< moves a point onto the boundary

/// Points that are added to a mesh: middles of edges and cells.
class Middles {
public:
  Middles(Mesh& mesh, Place const& place) : _mesh(&mesh), _place(place) {
    auto const k = mesh.geometry.nodes();
    for (std::size_t f = 0; f < mesh.boundary.size(); ++f) {
      const std::vector<int> nodes = facet_nodes(mesh.geometry, mesh.boundary.local[f]);
      std::int32_t const* const cell =
          mesh.cells.data() + static_cast<std::ptrdiff_t>(mesh.boundary.cell[f]) * k;
      _boundary[edge(cell[nodes[0]], cell[nodes[1]])] = true;
    }
  }
  /// The middle of an edge, on the boundary where the edge is.
  std::int32_t of(std::int32_t a, std::int32_t b) {
    auto const [found, fresh] = _known.try_emplace(edge(a, b), 0);
    if (fresh) {
      found->second = add({a, b});
      if (_place && _boundary.count(edge(a, b)) != 0)
        _place(_mesh->points.data() + 2 * static_cast<std::size_t>(found->second));
    }
    return found->second;
  }
  /// The mean of points.
  std::int32_t add(std::vector<std::int32_t> const& of) {
    auto const number = static_cast<std::int32_t>(_mesh->point_id.size());
    for (std::size_t d = 0; d < 2; ++d) {
      double sum = 0;
      for (const std::int32_t p : of) sum += _mesh->points[2 * static_cast<std::size_t>(p) + d];
      _mesh->points.push_back(sum / static_cast<double>(of.size()));
    }
    _mesh->point_id.push_back(number);
    return number;
  }

private:
  using Edge = std::pair<std::int32_t, std::int32_t>;
  static Edge edge(std::int32_t a, std::int32_t b) { return std::minmax(a, b); }
  Mesh* _mesh;
  Place _place;
  std::map<Edge, std::int32_t> _known;
  std::map<Edge, bool> _boundary;
};

/// Each cell of a plane mesh of degree 1 in four. A facet's halves are facets of the same number of
/// two of the children.
Mesh refined(Mesh const& coarse, Place const& place) {
  Mesh fine = coarse;
  fine.cells.clear();
  fine.cell_id.clear();
  fine.boundary = {};
  bool const simplex = is_simplex(coarse.cell());
  auto const k = static_cast<std::size_t>(coarse.geometry.nodes());
  Mesh points = coarse;
  Middles middles(points, place);
  for (std::size_t c = 0; c < coarse.cell_count(); ++c) {
    std::int32_t const* const v = coarse.cells.data() + c * k;
    std::vector<std::int32_t> all;
    if (simplex) {
      const std::int32_t a = middles.of(v[0], v[1]), b = middles.of(v[0], v[2]),
                         m = middles.of(v[1], v[2]);
      all = {v[0], a, b, a, v[1], m, b, m, v[2], m, b, a};
    } else {
      const std::int32_t s = middles.of(v[0], v[1]), n = middles.of(v[2], v[3]),
                         w = middles.of(v[0], v[2]), e = middles.of(v[1], v[3]);
      const std::int32_t o = middles.add({s, n, w, e});
      all = {v[0], s, w, o, s, v[1], o, e, w, o, v[2], n, o, e, n, v[3]};
    }
    fine.cells.insert(fine.cells.end(), all.begin(), all.end());
    for (int i = 0; i < 4; ++i) fine.cell_id.push_back(static_cast<std::int64_t>(4 * c) + i);
  }
  fine.points = std::move(points.points);
  fine.point_id = std::move(points.point_id);
  for (std::size_t f = 0; f < coarse.boundary.size(); ++f) {
    int const local = coarse.boundary.local[f];
    for (int child = 0; child < (simplex ? 3 : 4); ++child) {
      // Children of a square are numbered x fastest, facets x=0, x=1, y=0, y=1.
      bool const there = simplex ? child != local : ((child >> (local / 2)) & 1) == local % 2;
      if (!there) continue;
      fine.boundary.cell.push_back(4 * coarse.boundary.cell[f] + child);
      fine.boundary.local.push_back(static_cast<std::int8_t>(local));
      fine.boundary.tag.push_back(coarse.boundary.tag[f]);
    }
  }
  return fine;
}

/// Geometry of degree 2, edges of the boundary bent onto it.
Mesh curved(Mesh const& straight, Place const& place) {
  Mesh mesh = straight;
  mesh.cells.clear();
  auto const k = static_cast<std::size_t>(straight.geometry.nodes());
  Mesh points = straight;
  Middles middles(points, place);
  for (std::size_t c = 0; c < straight.cell_count(); ++c) {
    std::int32_t const* const v = straight.cells.data() + c * k;
    std::vector<std::int32_t> all(v, v + k);
    if (is_simplex(straight.cell())) {
      all.insert(all.end(),
                 {middles.of(v[0], v[1]), middles.of(v[0], v[2]), middles.of(v[1], v[2])});
    } else {
      const std::int32_t s = middles.of(v[0], v[1]), n = middles.of(v[2], v[3]),
                         w = middles.of(v[0], v[2]), e = middles.of(v[1], v[3]);
      const std::int32_t o = middles.add({s, n, w, e});
      // Transfinite: half the sum of the middles less a quarter of that of the corners.
      for (std::size_t d = 0; d < 2; ++d) {
        auto const at = [&](std::int32_t p) -> double& {
          return points.points[2 * static_cast<std::size_t>(p) + d];
        };
        at(o) =
            (at(s) + at(n) + at(w) + at(e)) / 2 - (at(v[0]) + at(v[1]) + at(v[2]) + at(v[3])) / 4;
      }
      all = {v[0], s, v[1], w, o, e, v[2], n, v[3]};
    }
    mesh.cells.insert(mesh.cells.end(), all.begin(), all.end());
  }
  mesh.points = std::move(points.points);
  mesh.point_id = std::move(points.point_id);
  mesh.geometry.degree = 2;
  return mesh;
}

/// Throws unless every vertex of a boundary facet is on the domain's boundary.
void require_fit(Mesh const& mesh, Domain const& domain, std::string const& what) {
  constexpr double tolerance = 1e-6;
  auto const k = static_cast<std::size_t>(mesh.geometry.nodes()),
             dim = static_cast<std::size_t>(mesh.dim());
  for (std::size_t f = 0; f < mesh.boundary.size(); ++f) {
    auto const cell = static_cast<std::size_t>(mesh.boundary.cell[f]);
    for (int const node : facet_nodes(mesh.geometry, mesh.boundary.local[f])) {
      auto const p =
          static_cast<std::size_t>(mesh.cells[cell * k + static_cast<std::size_t>(node)]);
      double const off = boundary_distance(domain, mesh.points.data() + p * dim);
      if (!(off <= tolerance))
        throw Error(what + " does not fit the domain '" + name(domain.kind) + "' (point " +
                    std::to_string(p) + " of its boundary is " + std::to_string(off) +
                    " away from that of the domain) use a mesh of the domain");
    }
  }
}

bool is_box(Domain const& domain) {
  return domain.kind == DomainKind::square || domain.kind == DomainKind::cube;
}

std::string file_of(std::string const& name) {
  std::error_code ignored;
  if (std::filesystem::exists(name, ignored)) return name;
  try {
    return data_file({}, "fem/meshes/" + name);
  } catch (Error const& error) {
    throw Error("method.mesh = " + name + ": there is no such file (" + error.what() + ")");
  }
}

/// Of a file, on the root.
Mesh mesh_of_file(MeshFile file, Domain const& domain, Discretization const& how,
                  std::string const& what) {
  Mesh mesh = std::move(file.mesh);
  if (mesh.dim() != domain.dim())
    throw Error(what + " is of dimension " + std::to_string(mesh.dim()) + " (the domain '" +
                name(domain.kind) + "' has " + std::to_string(domain.dim()) +
                ") use a mesh of the domain");
  if (how.cell != "auto" && how.cell != name(mesh.cell()))
    throw Error(what + " has cells of another kind (" + name(mesh.cell()) +
                ", method.cell = " + how.cell + ") leave method.cell = auto");
  require_fit(mesh, domain, what);
  if (how.degree == 1 && !how.curved) mesh = straightened(mesh, what);
  if (how.n == 1 && !how.curved) return mesh;
  if (mesh.geometry.degree != 1 || mesh.dim() != 2)
    throw Error(what + " cannot be refined or bent (only plane meshes of degree 1 can) set n = 1 "
                       "and curved = false");
  Place place;
  if (domain.kind == DomainKind::disk)
    place = [](double* x) {
      double const radius = std::hypot(x[0], x[1]);
      x[0] /= radius;
      x[1] /= radius;
    };
  for (int parts = 1; parts < how.n; parts *= 2) mesh = refined(mesh, place);
  return how.curved ? curved(mesh, place) : mesh;
}

fem::Structured structured_of(Domain const& domain, Discretization const& how, Cell cell) {
  fem::Structured spec;
  spec.cell = cell;
  spec.perturbation = how.perturbation;
  spec.ordering = how.ordering;
  spec.n.assign(static_cast<std::size_t>(domain.dim()), how.n);
  if (!domain.size.empty()) {
    // Squares of one size: n intervals along the shortest side.
    double const shortest = *std::min_element(domain.size.begin(), domain.size.end());
    for (std::size_t d = 0; d < spec.n.size(); ++d)
      spec.n[d] = static_cast<int>(std::lround(how.n * domain.size[d] / shortest));
    spec.size = domain.size;
  }
  return spec;
}

Cell cell_of(Domain const& domain, Discretization const& how) {
  if (how.cell == "auto") return domain.dim() == 2 ? Cell::triangle : Cell::tetrahedron;
  Cell const cell = fem::cell_from_name(how.cell);
  if (fem::dimension(cell) != domain.dim())
    throw Error("method.cell = " + how.cell + " (the domain '" + name(domain.kind) + "' has " +
                std::to_string(domain.dim()) + " dimensions) use " +
                (domain.dim() == 2 ? "triangle or quadrilateral" : "tetrahedron or hexahedron"));
  return cell;
}

/// The part of a built-in domain that is cut from a box, on the root.
Mesh cut_mesh(Domain const& domain, fem::Structured const& spec) {
  if (domain.kind == DomainKind::lshape)
    return fem::cut(fem::structured(spec),
                    [](double const* x) { return contains({DomainKind::lshape}, x); });
  return fem::cut(fem::structured(spec),
                  [](double const* x) { return contains({DomainKind::hollow_cube}, x); });
}

/// Of a built-in mesh.
void check_cut(Domain const& domain, Discretization const& how) {
  int const parts = domain.kind == DomainKind::lshape ? 2 : 4;
  if (how.n % parts != 0)
    throw Error("method.n = " + std::to_string(how.n) + " (the domain '" + name(domain.kind) +
                "' is cut along lines of a grid) make it a multiple of " + std::to_string(parts));
  if (how.perturbation != 0)
    throw Error(std::string("method.perturbation moves the cut of the domain '") +
                name(domain.kind) + "' (its boundary would be another) set it to 0");
}

} // namespace

void check_discretization(Domain const& domain, Discretization const& how) {
  if (how.mesh.empty() && domain.kind == DomainKind::disk)
    throw Error("the domain 'disk' has no built-in mesh (it is curved) set method.mesh to a file, "
                "e.g. disk.msh");
  if (how.mesh.empty() && how.curved)
    throw Error("method.curved needs a mesh file (built-in meshes are straight) set it to false");
  if (!how.mesh.empty() && how.perturbation != 0)
    throw Error("method.perturbation is for built-in meshes (this one is '" + how.mesh +
                "') set it to 0");
  if (!how.mesh.empty() && !std::has_single_bit(static_cast<unsigned>(how.n)))
    throw Error("method.n = " + std::to_string(how.n) + " with the mesh '" + how.mesh +
                "' (its edges are halved) use 1, 2, 4, ..");
  if (!how.mesh.empty()) static_cast<void>(file_of(how.mesh)); // throws if it is not there
  if (!how.mesh.empty()) return;
  static_cast<void>(cell_of(domain, how));
  if (!is_box(domain)) check_cut(domain, how);
}

std::vector<ParameterSpec> discretization_parameters() {
  const Discretization standard;
  return {{"cell",
           standard.cell,
           "auto: triangle or tetrahedron; or the file's",
           0,
           0,
           {"auto", "triangle", "quadrilateral", "tetrahedron", "hexahedron"}},
          {"degree", std::int64_t{standard.degree}, "of the shape functions", 1, 2},
          {"n", std::int64_t{standard.n},
           "intervals along the shortest side; with a mesh file: parts of each edge, 1, 2, 4, ..",
           1, 4096},
          {"mesh", standard.mesh,
           "mesh file (Gmsh, MESH.h5), or one of reference/physics/fem/meshes; empty: built in"},
          {"curved", standard.curved, "bend the edges of a disk's boundary: geometry of degree 2"},
          {"ordering",
           std::string("lexicographic"),
           "of nodes and cells",
           0,
           0,
           {"lexicographic", "hilbert", "rcm"}},
          {"partition",
           std::string("automatic"),
           "of nodes over ranks",
           0,
           0,
           {"automatic", "blocks", "graph"}},
          {"perturbation", standard.perturbation,
           "share of h by which inner points are moved (built-in meshes)", 0, 0.5}};
}

Discretization discretization_of(Parameters const& parameters) {
  Discretization how;
  how.cell = parameters.text("cell");
  how.degree = static_cast<int>(parameters.integer("degree"));
  how.n = static_cast<int>(parameters.integer("n"));
  how.mesh = parameters.text("mesh");
  how.curved = parameters.flag("curved");
  how.ordering = fem::ordering_from_name(parameters.text("ordering"));
  how.partition = partition_from_name(parameters.text("partition"));
  how.perturbation = parameters.real("perturbation");
  return how;
}

fem::Part make_part(parallel::Comm const& comm, Domain const& domain, Discretization const& how) {
  check_discretization(domain, how);
  bool const box = is_box(domain);
  if (how.mesh.empty()) {
    const fem::Structured spec = structured_of(domain, how, cell_of(domain, how));
    if (box && how.ordering == fem::Ordering::lexicographic && how.partition != Partition::graph) {
      const NodeBlock block = node_block(comm, fem::structured_nodes(spec, how.degree));
      return fem::structured_part(spec, how.degree, block.first, block.last);
    }
    const std::string what = std::string("the built-in mesh of '") + name(domain.kind) + "'";
    Mesh mesh;
    fem::Space space;
    parallel::run_collectively(comm, [&] {
      if (!comm.root()) return;
      mesh = box ? fem::structured(spec) : cut_mesh(domain, spec);
      space = fem::make_space(mesh, how.degree);
      fem::reorder(space, how.ordering);
    });
    return distribute(comm, std::move(mesh), std::move(space), how.partition, what);
  }
  const std::string path = file_of(how.mesh), what = "mesh '" + path + "'";
  MeshFile file = read_mesh(comm, path);
  Mesh mesh;
  fem::Space space;
  parallel::run_collectively(comm, [&] {
    if (!comm.root()) return;
    mesh = mesh_of_file(std::move(file), domain, how, what);
    space = fem::make_space(mesh, how.degree);
    fem::reorder(space, how.ordering);
  });
  return distribute(comm, std::move(mesh), std::move(space), how.partition, what);
}

} // namespace moho::study
