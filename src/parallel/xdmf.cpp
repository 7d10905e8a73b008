// SPDX-License-Identifier: BSD-3-Clause
// XDMF 3 text beside an HDF5 file, with cells in VTK's order of nodes.
#include "moho/parallel/xdmf.hpp"
#include "moho/parallel/hdf5.hpp"
#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <set>
#include <unistd.h>

namespace moho::parallel {
namespace {

namespace fs = std::filesystem;

struct Topology {
  char const* cell;
  int degree, dim;
  char const* xdmf;
  std::vector<int> order; ///< moho's local node at each of VTK's
};

// VTK: edges of simplices 01 12 20 (03 13 23); tensor cells: corners around, edges of the bottom,
// the top, upright, faces x- x+ y- y+ z- z+, centre. moho: edges by sorted vertices; tensor order,
// x fastest. The names are those that readers of XDMF 2 and 3 both take.
std::vector<Topology> const& topologies() {
  static const std::vector<Topology> all{
      {"triangle", 1, 2, "Triangle", {0, 1, 2}},
      {"triangle", 2, 2, "Triangle_6", {0, 1, 2, 3, 5, 4}},
      {"quadrilateral", 1, 2, "Quadrilateral", {0, 1, 3, 2}},
      {"quadrilateral", 2, 2, "Quadrilateral_9", {0, 2, 8, 6, 1, 5, 7, 3, 4}},
      {"tetrahedron", 1, 3, "Tetrahedron", {0, 1, 2, 3}},
      {"tetrahedron", 2, 3, "Tetrahedron_10", {0, 1, 2, 3, 4, 7, 5, 6, 8, 9}},
      {"hexahedron", 1, 3, "Hexahedron", {0, 1, 3, 2, 4, 5, 7, 6}},
      {"hexahedron", 2, 3, "Hexahedron_27", {0,  2,  8, 6,  18, 20, 26, 24, 1,  5,  7, 3,  19, 23,
                                             25, 21, 9, 11, 17, 15, 12, 14, 10, 16, 4, 22, 13}}};
  return all;
}

Topology const& topology_of(XdmfMesh const& mesh) {
  for (auto const& t : topologies())
    if (t.cell == mesh.cell && t.degree == mesh.degree && t.dim == mesh.dim) return t;
  throw Error("cannot write XDMF of " + mesh.cell + "s of degree " + std::to_string(mesh.degree) +
              " in " + std::to_string(mesh.dim) +
              " dimensions (known are triangle, quadrilateral in 2, tetrahedron, hexahedron in 3, "
              "of degree 1 or 2); check the mesh");
}

void check_field(XdmfField const& field, std::size_t rows, std::string const& path) {
  bool const plain =
      !field.name.empty() && std::all_of(field.name.begin(), field.name.end(), [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
      });
  if (!plain)
    throw Error("bad name of a field '" + field.name + "' in '" + path +
                "' (letters, digits, _ and - only); rename it");
  if (field.components < 1 || field.components > 3)
    throw Error("field '" + field.name + "' in '" + path + "' has " +
                std::to_string(field.components) +
                " components (XDMF takes scalars and vectors); write it in parts");
  if (field.values.size() != rows * static_cast<std::size_t>(field.components))
    throw Error("field '" + field.name + "' in '" + path + "' has " +
                std::to_string(field.values.size()) + " values for " + std::to_string(rows) +
                " rows of " + std::to_string(field.components) + "; pass what this rank owns");
}

/// Rows of one kind over all ranks.
struct Rows {
  std::size_t here = 0, first = 0, all = 0;
};

Rows count(Comm const& comm, std::size_t here) {
  auto const counts = comm.all_gather(static_cast<std::int64_t>(here));
  auto const mine = counts.begin() + comm.rank();
  return {here, static_cast<std::size_t>(std::accumulate(counts.begin(), mine, std::int64_t{0})),
          static_cast<std::size_t>(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}))};
}

std::string dataset_of(std::size_t step, XdmfField const& field) {
  auto number = std::to_string(step);
  number.insert(0, number.size() < 6 ? 6 - number.size() : 0, '0');
  return "/step" + number + "/" + field.name;
}

// ParaView wants three components of a vector.
int stored_components(XdmfField const& field) {
  return field.components == 1 ? 1 : 3;
}

std::vector<double> padded(XdmfField const& field) {
  if (field.components != 2) return {field.values.begin(), field.values.end()};
  std::vector<double> out;
  out.reserve(field.values.size() / 2 * 3);
  for (std::size_t i = 0; i < field.values.size(); i += 2)
    out.insert(out.end(), {field.values[i], field.values[i + 1], 0.0});
  return out;
}

h5::Shape shape_of(Rows const& rows, XdmfField const& field) {
  if (field.components == 1) return {rows.all};
  return {rows.all, static_cast<std::size_t>(stored_components(field))};
}

struct Writer {
  Comm const& comm;
  std::string const& path;
  XdmfMesh const& mesh;
  std::vector<std::vector<XdmfField>> const& fields;
  std::vector<double> const& times;
  Topology topology{};
  Rows nodes{}, cells{};

  std::size_t width() const { return topology.order.size(); }

  void check() {
    if (fs::path(path).extension() != ".xdmf" || fs::path(path).stem().empty())
      throw Error("cannot write '" + path + "' (not the name of an XDMF file); end it in .xdmf");
    if (!times.empty() && times.size() != fields.size())
      throw Error("cannot write '" + path + "' (" + std::to_string(times.size()) + " times for " +
                  std::to_string(fields.size()) + " steps); pass one time per step");
    if (times.empty() && fields.size() > 1)
      throw Error("cannot write '" + path + "' (several steps without times); pass one per step");
    topology = topology_of(mesh);
    auto const dim = static_cast<std::size_t>(mesh.dim);
    if (mesh.points.size() % dim != 0 || mesh.cells.size() % width() != 0)
      throw Error("cannot write '" + path + "' (points or cells are not whole); check the mesh");
    for (auto const& step : fields) {
      std::set<std::string> names;
      for (auto const& field : step) {
        check_field(field, field.on_cells ? mesh.cells.size() / width() : mesh.points.size() / dim,
                    path);
        if (!names.insert(field.name).second)
          throw Error("two fields '" + field.name + "' in '" + path + "'; rename one");
      }
    }
  }

  std::vector<std::int64_t> vtk_cells() const {
    std::vector<std::int64_t> out;
    out.reserve(mesh.cells.size());
    for (std::size_t e = 0; e < mesh.cells.size(); e += width())
      for (int local : topology.order)
        out.push_back(mesh.cells[e + static_cast<std::size_t>(local)]);
    return out;
  }

  void write_hdf5(std::string const& name) {
    auto file = h5::File::create(name, comm);
    file.write_rows("/points", mesh.points, {nodes.all, static_cast<std::size_t>(mesh.dim)},
                    nodes.first);
    file.write_rows("/cells", vtk_cells(), {cells.all, width()}, cells.first);
    for (std::size_t step = 0; step < fields.size(); ++step)
      for (auto const& field : fields[step]) {
        auto const& rows = field.on_cells ? cells : nodes;
        file.write_rows(dataset_of(step, field), padded(field), shape_of(rows, field), rows.first);
      }
    file.close();
  }

  std::string item(char const* type, h5::Shape const& shape, std::string const& dataset) const {
    std::string extents;
    for (auto n : shape) extents += (extents.empty() ? "" : " ") + std::to_string(n);
    return std::string("<DataItem Format=\"HDF\" NumberType=\"") + type +
           "\" Precision=\"8\" Dimensions=\"" + extents + "\">" + file_name() + ":" + dataset +
           "</DataItem>\n";
  }

  // The name alone, so that the two can move together.
  std::string file_name() const {
    std::string out;
    for (char c : fs::path(path).stem().string() + ".h5") {
      if (c == '&')
        out += "&amp;";
      else if (c == '<')
        out += "&lt;";
      else
        out += c;
    }
    return out;
  }

  std::string grid(std::size_t step) const {
    std::string text = "<Grid Name=\"mesh\" GridType=\"Uniform\">\n";
    if (!times.empty()) {
      char number[32];
      auto const end = std::to_chars(number, number + sizeof number, times[step]).ptr;
      text += "<Time Value=\"" + std::string(number, end) + "\"/>\n";
    }
    text += std::string("<Topology TopologyType=\"") + topology.xdmf + "\" NumberOfElements=\"" +
            std::to_string(cells.all) + "\">\n" + item("Int", {cells.all, width()}, "/cells") +
            "</Topology>\n<Geometry GeometryType=\"" + (mesh.dim == 2 ? "XY" : "XYZ") + "\">\n" +
            item("Float", {nodes.all, static_cast<std::size_t>(mesh.dim)}, "/points") +
            "</Geometry>\n";
    if (fields.empty()) return text + "</Grid>\n";
    for (auto const& field : fields[step])
      text +=
          "<Attribute Name=\"" + field.name + "\" AttributeType=\"" +
          (field.components == 1 ? "Scalar" : "Vector") + "\" Center=\"" +
          (field.on_cells ? "Cell" : "Node") + "\">\n" +
          item("Float", shape_of(field.on_cells ? cells : nodes, field), dataset_of(step, field)) +
          "</Attribute>\n";
    return text + "</Grid>\n";
  }

  std::string text() const {
    std::string out = "<?xml version=\"1.0\" ?>\n<Xdmf Version=\"3.0\">\n<Domain>\n";
    if (times.empty()) return out + grid(0) + "</Domain>\n</Xdmf>\n";
    out += "<Grid Name=\"steps\" GridType=\"Collection\" CollectionType=\"Temporal\">\n";
    for (std::size_t step = 0; step < fields.size(); ++step) out += grid(step);
    return out + "</Grid>\n</Domain>\n</Xdmf>\n";
  }
};

[[noreturn]] void fail(std::string const& path) {
  throw Error("cannot write '" + path + "' (" + std::strerror(errno) +
              "); check the path, its permissions and the space left");
}

void write_text(std::string const& name, std::string const& text, std::string const& path) {
  errno = 0;
  std::ofstream file(name, std::ios::binary);
  file << text;
  file.close();
  if (!file) fail(path);
}

// Both files have their names, or neither has.
void rename_both(std::string const& data, std::string const& text, std::string const& path) {
  auto const h5 = fs::path(path).replace_extension(".h5").string();
  if (std::rename(data.c_str(), h5.c_str()) != 0) fail(h5);
  if (std::rename(text.c_str(), path.c_str()) == 0) return;
  int const code = errno;
  ::unlink(h5.c_str());
  errno = code;
  fail(path);
}

} // namespace

void write_xdmf(Comm const& comm, std::string const& path, XdmfMesh const& mesh,
                std::vector<std::vector<XdmfField>> const& fields,
                std::vector<double> const& times) {
  Writer writer{comm, path, mesh, fields, times};
  run_collectively(comm, [&] { writer.check(); });
  writer.nodes = count(comm, mesh.points.size() / static_cast<std::size_t>(mesh.dim));
  writer.cells = count(comm, mesh.cells.size() / writer.width());
  fs::path const target(path);
  auto const base =
      (target.parent_path() / ("." + target.stem().string() + ".tmp" + std::to_string(::getpid())))
          .string();
  auto const temporary = comm.broadcast(base);
  auto const data = temporary + ".h5", text = temporary + ".xdmf";
  try {
    run_collectively(comm, [&] { writer.write_hdf5(data); });
    run_collectively(comm, [&] {
      if (!comm.root()) return;
      write_text(text, writer.text(), path);
      rename_both(data, text, path);
    });
  } catch (...) {
    if (comm.root()) {
      ::unlink(data.c_str());
      ::unlink(text.c_str());
    }
    throw;
  }
}

} // namespace moho::parallel
