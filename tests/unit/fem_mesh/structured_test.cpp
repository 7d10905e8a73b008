// SPDX-License-Identifier: BSD-3-Clause
#include "mesh_support.hpp"
#include <set>

namespace moho::fem {
namespace {

constexpr std::array<Ordering, 3> all_orderings{Ordering::lexicographic, Ordering::hilbert,
                                                Ordering::rcm};

TEST(StructuredTest, FillsTheDomain) {
  for (Cell const cell : all_cells) {
    Structured spec = small(cell);
    spec.size = dimension(cell) == 2 ? std::vector<double>{2, 0.5} : std::vector<double>{2, 0.5, 3};
    Mesh const mesh = structured(spec);
    check_mesh(mesh, "test");
    std::size_t cubes = 1, points = 1;
    double size = 1;
    for (std::size_t i = 0; i < spec.n.size(); ++i) {
      cubes *= at(spec.n[i]);
      points *= at(spec.n[i]) + 1;
      size *= spec.size[i];
    }
    std::size_t const pieces = cell == Cell::triangle ? 2 : cell == Cell::tetrahedron ? 6 : 1;
    EXPECT_EQ(mesh.cell_count(), pieces * cubes) << name(cell);
    EXPECT_EQ(mesh.point_count(), points);
    double sum = 0;
    for (std::size_t c = 0; c < mesh.cell_count(); ++c) {
      EXPECT_NEAR(volume(mesh, c), size / static_cast<double>(mesh.cell_count()), 1e-14);
      sum += volume(mesh, c);
    }
    EXPECT_NEAR(sum, size, 1e-12);
    EXPECT_EQ(mesh.points.front(), 0);
    EXPECT_EQ(mesh.points.back(), spec.size.back()); // exactly, not 2.9999999
  }
}

TEST(StructuredTest, DiagonalsAreFrom000To111) {
  Mesh const mesh = structured({Cell::tetrahedron, {1, 1, 1}, {}, 0, {}});
  for (std::size_t c = 0; c < 6; ++c) {
    std::set<int> const points(&mesh.cells[4 * c], &mesh.cells[4 * c] + 4);
    EXPECT_TRUE(points.count(0) && points.count(7)) << c;
  }
  Mesh const square = structured({Cell::triangle, {1, 1}, {}, 0, {}});
  EXPECT_EQ(square.cells, (std::vector<std::int32_t>{0, 1, 3, 0, 3, 2}));
}

TEST(StructuredTest, TagsNameTheSides) {
  for (Cell const cell : all_cells)
    for (Ordering const ordering : all_orderings) {
      Structured spec = small(cell, 0.1, ordering);
      Mesh const mesh = structured(spec);
      Facets topological = boundary_facets(mesh);
      std::vector<int> seen(at(2 * mesh.dim() + 1), 0);
      for (std::size_t f = 0; f < mesh.boundary.size(); ++f) {
        int const tag = mesh.boundary.tag[f], axis = (tag - 1) / 2, d = mesh.dim();
        ++seen.at(at(tag));
        for (int const a : facet_nodes(mesh.geometry, mesh.boundary.local[f])) {
          std::size_t const i = at(mesh.boundary.cell[f]) * at(mesh.geometry.nodes()) + at(a);
          EXPECT_EQ(mesh.points[at(mesh.cells[i] * d + axis)], tag % 2 == 1 ? 0 : 1);
        }
      }
      topological.tag = mesh.boundary.tag;
      EXPECT_TRUE(topological == mesh.boundary) << name(cell);
      std::size_t const pieces = cell == Cell::tetrahedron ? 2 : 1;
      for (int tag = 1; tag <= 2 * mesh.dim(); ++tag) {
        std::size_t expected = pieces;
        for (int i = 0; i < mesh.dim(); ++i)
          if (i != (tag - 1) / 2) expected *= at(spec.n[at(i)]);
        EXPECT_EQ(at(seen[at(tag)]), expected) << name(cell) << " tag " << tag;
      }
    }
}

TEST(StructuredTest, PerturbationMovesInnerPointsAlone) {
  for (Cell const cell : all_cells) {
    Structured spec = small(cell, 0.1);
    spec.size = dimension(cell) == 2 ? std::vector<double>{2, 0.5} : std::vector<double>{2, 0.5, 3};
    Structured straight = spec;
    straight.perturbation = 0;
    Mesh const mesh = structured(spec), plain = structured(straight);
    std::size_t const d = at(mesh.dim());
    std::size_t moved = 0;
    for (std::size_t p = 0; p < mesh.point_count(); ++p) {
      bool inner = true;
      double sines = 0.1;
      for (std::size_t i = 0; i < d; ++i) {
        double const x = plain.points[p * d + i] / spec.size[i];
        inner = inner && x > 0 && x < 1;
        sines *= std::sin(2 * M_PI * x);
      }
      for (std::size_t i = 0; i < d; ++i) {
        double const shift = mesh.points[p * d + i] - plain.points[p * d + i];
        EXPECT_TRUE(inner || shift == 0);
        EXPECT_NEAR(shift, sines * spec.size[i] / spec.n[i], 1e-15);
        moved += std::fabs(shift) > 1e-3;
      }
    }
    EXPECT_GT(moved, 0u);
  }
}

/// Cells as sorted lists of points' coordinates: the mesh whatever its numbering.
std::multiset<std::vector<double>> shape_of(Mesh const& mesh) {
  std::multiset<std::vector<double>> cells;
  std::size_t const k = at(mesh.geometry.nodes()), d = at(mesh.dim());
  for (std::size_t c = 0; c < mesh.cell_count(); ++c) {
    std::vector<double> x;
    for (std::size_t i = 0; i < k * d; ++i)
      x.push_back(mesh.points[at(mesh.cells[c * k + i / d]) * d + i % d]);
    cells.insert(x);
  }
  return cells;
}

TEST(StructuredTest, OrderingsAreTheSameMesh) {
  for (Cell const cell : all_cells) {
    auto const expected = shape_of(structured(small(cell, 0.1)));
    for (Ordering const ordering : all_orderings) {
      Mesh const mesh = structured(small(cell, 0.1, ordering));
      check_mesh(mesh, "test");
      EXPECT_TRUE(shape_of(mesh) == expected) << name(cell);
      std::size_t const k = at(mesh.geometry.nodes());
      int last = -1; // cells by their lowest point
      for (std::size_t c = 0; c < mesh.cell_count(); ++c) {
        int const lowest = *std::min_element(&mesh.cells[c * k], &mesh.cells[c * k] + k);
        EXPECT_LE(last, lowest);
        last = lowest;
      }
    }
  }
}

/// Largest and mean distance between the numbers of two points of a cell.
std::pair<double, double> bandwidth(std::vector<std::int32_t> const& cells, std::size_t k) {
  double largest = 0, sum = 0;
  for (std::size_t c = 0; c < cells.size() / k; ++c) {
    auto const [low, high] = std::minmax_element(&cells[c * k], &cells[c * k] + k);
    largest = std::max(largest, static_cast<double>(*high - *low));
    sum += *high - *low;
  }
  return {largest, sum / static_cast<double>(cells.size() / k)};
}

TEST(OrderingTest, RcmRestoresTheBandwidth) {
  Structured spec{Cell::triangle, {30, 10}, {}, 0, {}};
  auto const lexicographic = bandwidth(structured(spec).cells, 3);
  EXPECT_EQ(lexicographic.first, 32); // one row of points and the diagonal
  Space space = make_space(structured(spec), 1);
  renumber(space, shuffled(space.local_nodes(), 11));
  EXPECT_GT(bandwidth(space.cell_nodes, 3).first, 200); // the check can fail
  reorder(space, Ordering::rcm);
  EXPECT_LE(bandwidth(space.cell_nodes, 3).first, 24); // two levels of 11 or so
}

TEST(OrderingTest, RcmIsReverseCuthillMcKee) {
  // By the definition, from the node that was chosen to start with: a queue whose nodes append
  // their new neighbours by ascending degree, then number; reversed.
  for (std::uint64_t const seed : {12, 13, 14}) {
    Mesh const mesh = cut(structured(small(Cell::triangle)), in_l_shape);
    Space space = make_space(mesh, 2);
    renumber(space, shuffled(space.local_nodes(), seed));
    std::vector<std::set<int>> neighbours(space.local_nodes());
    for (std::size_t c = 0; c < space.cells(); ++c)
      for (std::size_t a = 0; a < 6; ++a)
        for (std::size_t b = 0; b < 6; ++b)
          if (a != b)
            neighbours[at(space.cell_nodes[6 * c + a])].insert(space.cell_nodes[6 * c + b]);
    Space ordered = space;
    reorder(ordered, Ordering::rcm);
    std::vector<int> number(space.local_nodes()); // of the ordering, by the old number
    for (std::size_t i = 0; i < space.cell_nodes.size(); ++i)
      number[at(space.cell_nodes[i])] = ordered.cell_nodes[i];
    int const last = static_cast<int>(number.size()) - 1;
    std::vector<int> queue{
        static_cast<int>(std::find(number.begin(), number.end(), last) - number.begin())};
    std::set<int> seen(queue.begin(), queue.end());
    for (std::size_t next = 0; next < queue.size(); ++next) {
      std::set<std::pair<std::size_t, int>> found;
      for (int const j : neighbours[at(queue[next])])
        if (seen.insert(j).second) found.insert({neighbours[at(j)].size(), j});
      for (auto const& item : found) queue.push_back(item.second);
    }
    ASSERT_EQ(queue.size(), number.size());
    for (std::size_t k = 0; k < queue.size(); ++k)
      EXPECT_EQ(number[at(queue[k])], last - static_cast<int>(k)) << "seed " << seed;
  }
}

TEST(OrderingTest, RcmTakesAllComponents) {
  Mesh const square = structured({Cell::triangle, {8, 8}, {}, 0, {}});
  Mesh const mesh = cut(square, [](double const* x) { return x[0] < 0.3 || x[0] > 0.7; });
  Space space = make_space(mesh, 2);
  reorder(space, Ordering::rcm); // throws unless it is a permutation
  EXPECT_LT(bandwidth(space.cell_nodes, 6).first, static_cast<double>(space.local_nodes()) / 2);
}

TEST(OrderingTest, HilbertWalksWithoutJumps) {
  for (int const d : {2, 3}) {
    Structured spec;
    spec.cell = d == 2 ? Cell::quadrilateral : Cell::hexahedron;
    spec.n.assign(at(d), 15); // 16 points: a full level of the curve, so neighbours all the way
    spec.ordering = Ordering::hilbert;
    Mesh const mesh = structured(spec);
    for (std::size_t p = 1; p < mesh.point_count(); ++p) {
      double distance = 0;
      for (std::size_t i = 0; i < at(d); ++i)
        distance += 15 * std::fabs(mesh.points[p * at(d) + i] - mesh.points[(p - 1) * at(d) + i]);
      EXPECT_NEAR(distance, 1, 1e-9) << "point " << p << " in " << d << "D";
    }
  }
}

TEST(OrderingTest, NamesAreChecked) {
  EXPECT_EQ(ordering_from_name("rcm"), Ordering::rcm);
  EXPECT_EQ(ordering_from_name("hilbert"), Ordering::hilbert);
  EXPECT_EQ(ordering_from_name("lexicographic"), Ordering::lexicographic);
  EXPECT_TRUE(names(error_of([] { ordering_from_name("morton"); }), {"'morton'", "hilbert"}));
}

TEST(StructuredTest, RefusesWrongSpecifications) {
  auto const refusal = [](Structured const& spec) { return error_of([&] { structured(spec); }); };
  EXPECT_TRUE(names(refusal({Cell::triangle, {4}, {}, 0, {}}), {"n has 1 entries", "triangle"}));
  EXPECT_TRUE(names(refusal({Cell::triangle, {4, 0}, {}, 0, {}}), {"n[1] = 0"}));
  EXPECT_TRUE(names(refusal({Cell::triangle, {4, 4}, {1, -1}, 0, {}}), {"size[1]"}));
  EXPECT_TRUE(names(refusal({Cell::triangle, {4, 4}, {1}, 0, {}}), {"size has 1 entries"}));
  EXPECT_TRUE(names(refusal({Cell::hexahedron, {4, 4, 4}, {}, NAN, {}}), {"perturbation"}));
  EXPECT_TRUE(names(refusal({Cell::triangle, {8, 8}, {}, 2, {}}),
                    {"structured mesh: cell", "perturbation may be too large"}));
  EXPECT_TRUE(names(refusal({Cell::hexahedron, {2000, 2000, 2000}, {}, 0, {}}), {"too large"}));
}

TEST(CutTest, LShapeKeepsTagsAndMarksTheCut) {
  for (Cell const cell : {Cell::triangle, Cell::quadrilateral}) {
    Mesh const square = structured({cell, {4, 4}, {}, 0, {}});
    Mesh const mesh = cut(square, in_l_shape);
    check_mesh(mesh, "L-shape");
    EXPECT_EQ(mesh.cell_count(), square.cell_count() * 3 / 4);
    EXPECT_EQ(mesh.point_count(), 25u - 4u);
    std::array<int, 5> count{};
    for (auto const tag : mesh.boundary.tag) ++count.at(at(tag));
    EXPECT_EQ(count, (std::array<int, 5>{4, 4, 2, 2, 4})) << name(cell);
    for (std::size_t f = 0; f < mesh.boundary.size(); ++f)
      for (int const a : facet_nodes(mesh.geometry, mesh.boundary.local[f])) {
        double const* x =
            &mesh.points[2 * at(mesh.cells[at(mesh.boundary.cell[f]) * at(mesh.geometry.nodes()) +
                                           at(a)])];
        EXPECT_TRUE(mesh.boundary.tag[f] != 0 || x[0] == 0.5 || x[1] == 0.5);
        EXPECT_TRUE(mesh.boundary.tag[f] != 2 || x[0] == 1);
      }
  }
}

TEST(CutTest, HollowCubeAndNothingLeft) {
  double const hole = 0.25; // a closure: the cut may hold parameters
  Mesh const cube = structured({Cell::hexahedron, {4, 4, 4}, {}, 0, {}});
  Mesh const mesh = cut(cube, [hole](double const* x) {
    for (int i = 0; i < 3; ++i)
      if (x[i] < hole || x[i] > 1 - hole) return true;
    return false;
  });
  EXPECT_EQ(mesh.cell_count(), 64u - 8u);
  EXPECT_EQ(mesh.boundary.size(), 6u * 16u + 6u * 4u);
  EXPECT_EQ(std::count(mesh.boundary.tag.begin(), mesh.boundary.tag.end(), 0), 24);
  EXPECT_TRUE(names(error_of([&] { cut(cube, [](double const*) { return false; }); }),
                    {"no cell is left", "64"}));
}

} // namespace
} // namespace moho::fem
