// SPDX-License-Identifier: BSD-3-Clause
#include "fem_support.hpp"
#include <cmath>
#include <filesystem>
#include <fstream>
#include <numbers>

namespace moho::study::test {
namespace {

using parallel::Comm;

/// Area by the norm of 1.
double measure(FemSpace const& space) {
  const Field one = [](double const*, double* out) { *out = 1; };
  return std::pow(space.norms(space.local_vector(), one, {}).error_l2, 2);
}

TEST(Meshes, CutDomainsHaveTheirMeasure) {
  for (char const* cell : {"triangle", "quadrilateral"})
    EXPECT_NEAR(measure(*space_on({DomainKind::lshape}, cut(cell, 1, 4))), 0.75, 1e-13);
  for (char const* cell : {"tetrahedron", "hexahedron"})
    EXPECT_NEAR(measure(*space_on({DomainKind::hollow_cube}, cut(cell, 1, 4))), 0.875, 1e-13);
  EXPECT_NEAR(measure(*space_on({DomainKind::square, {60, 30}}, cut("quadrilateral", 1, 3))), 1800,
              1e-10);
}

TEST(Meshes, OrderingsAndPartitionsAreTheSameSpace) {
  const Domain domain{DomainKind::square};
  Discretization how = cut("triangle", 2, 6);
  const Field f = [](double const* x, double* out) { *out = std::sin(5 * x[0] + 3 * x[1]); };
  const std::vector<double> points = draw_points(domain, 1, 0, 0, 50);
  auto const plain = space_on(domain, how);
  const std::vector<double> expected = plain->evaluate(plain->interpolate(f), points);
  for (const fem::Ordering ordering :
       {fem::Ordering::lexicographic, fem::Ordering::hilbert, fem::Ordering::rcm})
    for (const Partition partition : {Partition::automatic, Partition::blocks, Partition::graph}) {
      how.ordering = ordering;
      how.partition = partition;
      auto const space = space_on(domain, how);
      EXPECT_EQ(space->nonzeros(), plain->nonzeros());
      const std::vector<double> found = space->evaluate(space->interpolate(f), points);
      for (std::size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-14);
    }
}

/// A disk of six triangles, or of a square and four trapezoids, as Gmsh 2.2.
std::string disk_file(bool triangles) {
  auto const place =
      std::filesystem::temp_directory_path() /
      ("moho_disk_" +
       std::to_string(Comm().broadcast(std::vector<std::int64_t>{
           static_cast<std::int64_t>(std::hash<std::string>{}(std::to_string(MPI_Wtime())))})[0]) +
       ".msh");
  if (!Comm().root()) {
    Comm().barrier();
    return place.string();
  }
  std::ofstream file(place);
  file.precision(17);
  auto const point = [&](int number, double radius, double angle) {
    file << number << " " << radius * std::cos(angle) << " " << radius * std::sin(angle) << " 0\n";
  };
  file << "$MeshFormat\n2.2 0 8\n$EndMeshFormat\n$Nodes\n" << (triangles ? 7 : 8) << "\n";
  double const pi = std::numbers::pi;
  if (triangles) {
    point(1, 0, 0);
    for (int i = 0; i < 6; ++i) point(2 + i, 1, i * pi / 3);
  } else {
    for (int i = 0; i < 4; ++i) point(1 + i, 0.5, i * pi / 2);
    for (int i = 0; i < 4; ++i) point(5 + i, 1, i * pi / 2);
  }
  file << "$EndNodes\n$Elements\n" << (triangles ? 12 : 9) << "\n";
  int number = 1;
  if (triangles) {
    for (int i = 0; i < 6; ++i)
      file << number++ << " 1 2 7 7 " << 2 + i << " " << 2 + (i + 1) % 6 << "\n";
    for (int i = 0; i < 6; ++i)
      file << number++ << " 2 2 1 1 1 " << 2 + i << " " << 2 + (i + 1) % 6 << "\n";
  } else {
    for (int i = 0; i < 4; ++i)
      file << number++ << " 1 2 7 7 " << 5 + i << " " << 5 + (i + 1) % 4 << "\n";
    file << number++ << " 3 2 1 1 1 2 3 4\n";
    for (int i = 0; i < 4; ++i)
      file << number++ << " 3 2 1 1 " << 1 + i << " " << 5 + i << " " << 5 + (i + 1) % 4 << " "
           << 1 + (i + 1) % 4 << "\n";
  }
  file << "$EndElements\n";
  file.close();
  Comm().barrier();
  return place.string();
}

TEST(Meshes, ADiskIsRefinedOntoTheCircle) {
  for (bool const triangles : {true, false}) {
    Discretization how = cut("auto", 1, 1);
    how.mesh = disk_file(triangles);
    int const sides = triangles ? 6 : 4;
    double before = 0;
    for (int const n : {1, 2, 4, 8}) {
      how.n = n;
      auto const space = space_on({DomainKind::disk}, how);
      EXPECT_EQ(space->cells(), (triangles ? 6 : 5) * n * n);
      EXPECT_EQ(space->tags(), (std::vector<std::int32_t>{7})); // children keep the tag
      // The area of a regular polygon.
      double const corners = sides * n;
      EXPECT_NEAR(measure(*space), corners / 2 * std::sin(2 * std::numbers::pi / corners), 1e-13);
      how.curved = true;
      how.degree = 2;
      double const off = std::abs(measure(*space_on({DomainKind::disk}, how)) - std::numbers::pi);
      if (n > 1) {
        EXPECT_NEAR(std::log2(before / off), 4, 0.3) << n;
      }
      before = off;
      how.curved = false;
      how.degree = 1;
    }
  }
}

TEST(Meshes, PointsBeyondAStraightSideGetTheNearestCell) {
  Discretization how = cut("auto", 1, 2);
  how.mesh = disk_file(true);
  auto const space = space_on({DomainKind::disk}, how);
  const std::vector<double> points{std::cos(0.26), std::sin(0.26), 0.999, 0.001};
  const std::vector<double> found = space->evaluate(space->interpolate(linear(2, 1)), points);
  for (std::size_t i = 0; i < 2; ++i)
    EXPECT_NEAR(found[i], 1 + 2 * points[2 * i] - 3 * points[2 * i + 1], 1e-13);
}

TEST(Meshes, WhatDoesNotFitIsNamed) {
  auto const refused = [](std::string const& part, DomainKind kind, Discretization const& how) {
    expect_error(part, [&] { make_part(Comm(), {kind}, how); });
  };
  refused("method.cell = tetrahedron", DomainKind::square, cut("tetrahedron", 1, 4));
  refused("method.cell = triangle", DomainKind::cube, cut("triangle", 1, 4));
  refused("no built-in mesh", DomainKind::disk, cut("auto", 1, 4));
  refused("multiple of 2", DomainKind::lshape, cut("auto", 1, 5));
  refused("multiple of 4", DomainKind::hollow_cube, cut("auto", 1, 6));
  Discretization how = cut("auto", 1, 4);
  how.curved = true;
  refused("method.curved needs a mesh file", DomainKind::square, how);
  how = cut("auto", 1, 4);
  how.perturbation = 0.1;
  refused("method.perturbation", DomainKind::lshape, how);
  how = cut("auto", 1, 1);
  how.mesh = "no-such-mesh.msh";
  refused("no-such-mesh.msh", DomainKind::disk, how);
  how.mesh = disk_file(true);
  refused("does not fit the domain 'square'", DomainKind::square, how);
  refused("of dimension 2", DomainKind::cube, how);
  how.n = 3;
  refused("use 1, 2, 4", DomainKind::disk, how);
  how.n = 1;
  how.cell = "quadrilateral";
  refused("cells of another kind", DomainKind::disk, how);
}

} // namespace
} // namespace moho::study::test
