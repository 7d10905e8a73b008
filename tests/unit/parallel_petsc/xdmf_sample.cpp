// SPDX-License-Identifier: BSD-3-Clause
// Writes one XDMF file per cell and degree into a folder, for readers in Python: a bent unit cell
// of nodes x + 0.1 x^2 and so on, or two of them on two ranks, with fields of known values.
#include "moho/core/kokkos.hpp"
#include "moho/parallel/xdmf.hpp"
#include <cstdio>
#include <cstring>

namespace {

using moho::parallel::Comm;
using moho::parallel::XdmfField;
using moho::parallel::XdmfMesh;

/// Reference nodes of one cell in moho's local order, by its definition.
std::vector<double> nodes_of(std::string const& cell, int degree) {
  int const dim = cell == "triangle" || cell == "quadrilateral" ? 2 : 3;
  bool const simplex = cell == "triangle" || cell == "tetrahedron";
  std::vector<double> out;
  auto const vertex = [&](int v, int d) { return v == d + 1 ? 1.0 : 0.0; };
  if (simplex) {
    for (int a = 0; a <= dim; ++a)
      for (int d = 0; d < dim; ++d) out.push_back(vertex(a, d));
    for (int a = 0; degree == 2 && a <= dim; ++a)
      for (int b = a + 1; b <= dim; ++b)
        for (int d = 0; d < dim; ++d) out.push_back((vertex(a, d) + vertex(b, d)) / 2);
    return out;
  }
  int const n = degree + 1, all = dim == 2 ? n * n : n * n * n;
  for (int node = 0; node < all; ++node)
    for (int d = 0, rest = node; d < dim; ++d, rest /= n)
      out.push_back(static_cast<double>(rest % n) / degree);
  return out;
}

void write(Comm const& comm, std::string const& folder, std::string const& cell, int degree) {
  XdmfMesh mesh{cell, degree, cell == "triangle" || cell == "quadrilateral" ? 2 : 3, {}, {}};
  auto points = nodes_of(cell, degree);
  auto const dim = static_cast<std::size_t>(mesh.dim), n = points.size() / dim;
  std::vector<std::int64_t> cells;
  std::vector<double> scalar, vector, number{comm.rank() + 0.5};
  for (std::size_t i = 0; i < n; ++i) {
    cells.push_back(static_cast<std::int64_t>(i + n * static_cast<std::size_t>(comm.rank())));
    double sum = 0;
    for (std::size_t d = 0; d < dim; ++d) {
      double& x = points[i * dim + d];
      x += 0.1 * x * x;
      if (d == 0) x += 2.0 * comm.rank();
      sum += static_cast<double>(d + 1) * x;
      vector.push_back(-x);
    }
    scalar.push_back(sum);
  }
  mesh.points = points;
  mesh.cells = cells;
  const std::vector<XdmfField> step{
      {"sum", 1, false, scalar}, {"minus-x", mesh.dim, false, vector}, {"number", 1, true, number}};
  auto const path = folder + "/" + cell + std::to_string(degree) + ".xdmf";
  write_xdmf(comm, path, mesh, {step});
  if (cell == "triangle" && degree == 1)
    write_xdmf(comm, folder + "/steps.xdmf", mesh, {step, {step[0]}}, {0.1, 0.25});
}

} // namespace

int main(int argc, char** argv) {
  const moho::parallel::Environment mpi(argc, argv);
  Comm const comm;
  for (auto const* cell : {"triangle", "quadrilateral", "tetrahedron", "hexahedron"})
    for (int degree : {1, 2}) write(comm, argv[1], cell, degree);
  return argc == 2 ? 0 : 1;
}
