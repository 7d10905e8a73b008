// SPDX-License-Identifier: BSD-3-Clause
// Marks of boundary nodes come from topology: on these meshes coordinates would say otherwise.
#include "mesh_support.hpp"

namespace moho::fem {
namespace {

Part whole(Mesh const& mesh, int degree) {
  Part part{mesh, make_space(mesh, degree)};
  return part;
}

std::size_t count(std::vector<std::uint8_t> const& marks) {
  return at(std::count(marks.begin(), marks.end(), 1));
}

/// Marks by a rule on the coordinates.
template <class Rule>
std::vector<std::uint8_t> where(Part const& part, Rule const& rule) {
  std::vector<std::uint8_t> marks;
  std::size_t const d = at(part.mesh.dim());
  for (std::size_t n = 0; n < part.space.local_nodes(); ++n)
    marks.push_back(rule(&part.space.points[n * d]));
  return marks;
}

TEST(BoundaryTest, SidesOfTheGrid) {
  for (Cell const cell : all_cells)
    for (int const degree : {1, 2}) {
      Part const part = whole(structured(small(cell, 0.1)), degree);
      int const d = part.mesh.dim();
      EXPECT_EQ(boundary_nodes(part),
                where(part,
                      [d](double const* x) {
                        return std::any_of(x, x + d, [](double t) { return t == 0 || t == 1; });
                      }))
          << name(part.space.element);
      for (std::int32_t tag = 1; tag <= 2 * d; ++tag)
        EXPECT_EQ(
            boundary_nodes(part, std::vector{tag}),
            where(part,
                  [tag](double const* x) { return x[(tag - 1) / 2] == (tag % 2 == 1 ? 0 : 1); }))
            << name(part.space.element) << " tag " << tag;
      EXPECT_EQ(count(boundary_nodes(part, std::vector{99})), 0u);
    }
}

TEST(BoundaryTest, AnInnerEdgeBetweenBoundaryPointsIsInside) {
  // The corners (1,0) and (0,1) are cut off by the diagonals of their squares: both ends of these
  // edges are on the boundary, their middles are not.
  Mesh const mesh = structured({Cell::triangle, {1, 1}, {}, 0, {}});
  Part const part = whole(mesh, 2);
  auto const marks = boundary_nodes(part);
  EXPECT_EQ(count(marks), 8u);
  EXPECT_EQ(marks, where(part, [](double const* x) { return !(x[0] == 0.5 && x[1] == 0.5); }));
}

TEST(BoundaryTest, CurvedAndStraightDisk) {
  auto const on_circle = [](double const* x) { return std::hypot(x[0], x[1]) > 1 - 1e-12; };
  Part const round = whole(curved_disk(4), 2);
  EXPECT_EQ(count(boundary_nodes(round)), 48u);
  EXPECT_EQ(boundary_nodes(round), where(round, on_circle));
  // Straight sides: the middles of the outer edges are inside of the circle and still boundary.
  Part const straight = whole(disk(4), 2);
  EXPECT_EQ(count(boundary_nodes(straight)), 48u);
  EXPECT_EQ(count(where(straight, on_circle)), 24u); // what coordinates would lose
  // A curved mesh in a space of degree 1 marks the vertices alone.
  EXPECT_EQ(count(boundary_nodes(whole(curved_disk(4), 1))), 24u);
}

TEST(BoundaryTest, ReEntrantCorner) {
  for (Cell const cell : {Cell::triangle, Cell::quadrilateral})
    for (int const degree : {1, 2}) {
      Part const part = whole(cut(structured({cell, {4, 4}, {}, 0, {}}), in_l_shape), degree);
      auto const outer = [](double const* x) {
        return x[0] == 0 || x[0] == 1 || x[1] == 0 || x[1] == 1;
      };
      auto const inner = [](double const* x) {
        return (x[0] == 0.5 && x[1] <= 0.5) || (x[1] == 0.5 && x[0] >= 0.5);
      };
      EXPECT_EQ(boundary_nodes(part),
                where(part, [&](double const* x) { return outer(x) || inner(x); }));
      EXPECT_NE(boundary_nodes(part), where(part, outer));
      EXPECT_EQ(boundary_nodes(part, std::vector{0}), where(part, inner));
    }
}

/// The unit square with a slit along y = 1/2 from x = 1/4 to 3/4: points there are double, but for
/// its tips.
Mesh slit_square(Cell cell) {
  Mesh mesh = structured({cell, {8, 8}, {}, 0, {}});
  std::size_t const k = at(mesh.geometry.nodes());
  std::vector<std::int32_t> above(mesh.point_count(), -1);
  std::size_t const points = mesh.point_count();
  for (std::size_t p = 0; p < points; ++p) {
    double const x = mesh.points[2 * p], y = mesh.points[2 * p + 1];
    if (y != 0.5 || x <= 0.25 || x >= 0.75) continue;
    above[p] = static_cast<std::int32_t>(mesh.point_count());
    mesh.point_id.push_back(above[p]);
    mesh.points.insert(mesh.points.end(), {x, y});
  }
  for (std::size_t c = 0; c < mesh.cell_count(); ++c) {
    double y = 0;
    for (std::size_t a = 0; a < k; ++a) y += mesh.points[2 * at(mesh.cells[c * k + a]) + 1];
    if (y < 0.5 * static_cast<double>(k)) continue;
    for (std::size_t a = 0; a < k; ++a)
      if (std::int32_t& p = mesh.cells[c * k + a]; at(p) < points && above[at(p)] >= 0)
        p = above[at(p)];
  }
  mesh.boundary = boundary_facets(mesh);
  return mesh;
}

TEST(BoundaryTest, InteriorSlit) {
  for (Cell const cell : {Cell::triangle, Cell::quadrilateral})
    for (int const degree : {1, 2}) {
      Mesh const mesh = slit_square(cell);
      check_mesh(mesh, "slit");
      EXPECT_EQ(mesh.boundary.size(), 32u + 8u); // both sides of 4 intervals
      Part const part = whole(mesh, degree);
      // 3 points double; at degree 2, 4 middles of edges too.
      EXPECT_EQ(at(part.space.global_nodes), degree == 1 ? 84u : 289u + 7u);
      auto const marks = boundary_nodes(part);
      auto const on_slit =
          where(part, [](double const* x) { return x[1] == 0.5 && x[0] >= 0.25 && x[0] <= 0.75; });
      EXPECT_EQ(count(on_slit), degree == 1 ? 8u : 16u); // 2 tips and both sides
      for (std::size_t n = 0; n < marks.size(); ++n) EXPECT_GE(marks[n], on_slit[n]) << n;
      EXPECT_EQ(count(marks), (degree == 1 ? 32u : 64u) + count(on_slit));
      // The same places are inside of the square without a slit.
      EXPECT_EQ(count(boundary_nodes(whole(structured({cell, {8, 8}, {}, 0, {}}), degree))),
                degree == 1 ? 32u : 64u);
    }
}

TEST(BoundaryTest, OwnedMarksOfPartsAreThoseOfTheWhole) {
  for (Cell const cell : all_cells)
    for (int const degree : {1, 2}) {
      Mesh const mesh = structured(small(cell, 0.1));
      Part const all = whole(mesh, degree);
      for (auto const& tags : {std::vector<std::int32_t>{}, std::vector<std::int32_t>{2, 3}}) {
        auto const expected = boundary_nodes(all, tags);
        for (std::int64_t const block : {1, 7, 40})
          for (std::int64_t first = 0; first < all.space.global_nodes; first += block) {
            std::int64_t const last = std::min(first + block, all.space.global_nodes);
            auto const marks = boundary_nodes(take_part(mesh, all.space, first, last), tags);
            for (std::int64_t row = first; row < last; ++row)
              ASSERT_EQ(marks[at(row - first)], expected[at(row)])
                  << name(all.space.element) << " node " << row << " block " << block;
          }
      }
    }
}

} // namespace
} // namespace moho::fem
