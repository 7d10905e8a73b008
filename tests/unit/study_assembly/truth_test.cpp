// SPDX-License-Identifier: BSD-3-Clause
// What is known of a matrix in closed form, against published counts and against counting.
#include "assembly_support.hpp"
#include <cmath>
#include <set>

namespace moho::study::test {
namespace {

using fem::Cell;

TEST(AssemblyTruth, EntriesOfPublishedMatrices) { // DOLFINx 0.5.2 and scikit-fem 12 count the same
  EXPECT_EQ(box_size({Cell::triangle, 1}, {256, 256}).entries, 460289);
  EXPECT_EQ(box_size({Cell::triangle, 1}, {512, 512}).entries, 1838081);
  EXPECT_EQ(box_size({Cell::tetrahedron, 1}, {32, 32, 32}).entries, 513313);
  EXPECT_EQ(box_size({Cell::tetrahedron, 1}, {64, 64, 64}).entries, 4018753);
  EXPECT_EQ(9 * box_size({Cell::tetrahedron, 1}, {32, 32, 32}).entries, 4619817);
  EXPECT_EQ(box_size({Cell::triangle, 2}, {256, 256}).entries, 3018753);
  EXPECT_EQ(box_size({Cell::tetrahedron, 2}, {32, 32, 32}).rows, 274625);
}

TEST(AssemblyTruth, EntriesOfBoxesOfUnequalSides) {
  for (Cell const cell : fem::all_cells)
    for (int const degree : {1, 2}) {
      fem::Structured spec;
      spec.cell = cell;
      spec.n = {2, 3};
      if (fem::dimension(cell) == 3) spec.n.push_back(4);
      const fem::Space space = fem::make_space(fem::structured(spec), degree);
      auto const k = static_cast<std::size_t>(space.element.nodes());
      std::set<std::pair<std::int32_t, std::int32_t>> pairs;
      for (std::size_t c = 0; c < space.cells(); ++c)
        for (std::size_t a = 0; a < k; ++a)
          for (std::size_t b = 0; b < k; ++b)
            pairs.emplace(space.cell_nodes[c * k + a], space.cell_nodes[c * k + b]);
      const MatrixSize size = box_size(space.element, spec.n);
      EXPECT_EQ(size.rows, space.global_nodes) << name(space.element);
      EXPECT_EQ(size.entries, static_cast<std::int64_t>(pairs.size())) << name(space.element);
    }
}

// x^2 over (0, 2) x (0, 3): 8/3 x 3; a midpoint rule would give 1 x 6.
TEST(AssemblyTruth, MomentsOfABox) {
  const Moments box = box_moments({2, 3});
  EXPECT_DOUBLE_EQ(box.zero, 6);
  EXPECT_DOUBLE_EQ(box.first[1], 9);
  EXPECT_DOUBLE_EQ(box.second[0], 8);
  EXPECT_DOUBLE_EQ(box.second[1], 9);
  EXPECT_DOUBLE_EQ(box.second[2], 9);
}

double value(Batch const& truth, std::size_t i) {
  return truth.reals(matrix::energy)[i];
}

Batch truth_of(Settings const& settings, std::size_t* items = nullptr) {
  auto const asked = problem(settings);
  const Batch inputs = asked->draw(Split::test, 0, asked->count(Split::test));
  if (items) *items = inputs.count();
  return asked->truth(inputs, parallel::Comm::self());
}

TEST(AssemblyTruth, TheSumOfAMassMatrixIsTheVolume) {
  EXPECT_DOUBLE_EQ(value(truth_of({{"form", text("mass")}}), 0), 1);
  // times 1 + x/2: 1.25; with two unknowns per node both count
  EXPECT_DOUBLE_EQ(value(truth_of({{"form", text("mass")}, {"coefficient", text("nodal")}}), 0),
                   1.25);
  EXPECT_DOUBLE_EQ(value(truth_of({{"form", text("mass")}, {"components", whole(2)}}), 0), 2);
  EXPECT_NEAR(
      value(truth_of({{"form", text("mass")}, {"domain", text("lshape")}, {"n", whole(4)}}), 0),
      0.75, 1e-14);
}

TEST(AssemblyTruth, CubicsAndCurvedCellsAreNotKnown) {
  std::size_t n = 0;
  const Batch cubic = truth_of({{"form", text("mass")}, {"coefficient", text("quadrature")}}, &n);
  EXPECT_TRUE(std::isnan(value(cubic, n - 3))); // x x x
  EXPECT_FALSE(std::isnan(value(cubic, 1)));
  const Batch bent =
      truth_of({{"cell", text("hexahedron")}, {"form", text("mass")}, {"perturbation", 0.1}}, &n);
  EXPECT_TRUE(std::isnan(value(bent, n - 3)));
  EXPECT_DOUBLE_EQ(value(bent, 0), 1);
}

TEST(AssemblyTruth, FieldsOfTheKernel) {
  auto const kernel = [](Settings const& settings) {
    const std::vector<double> actions = truth_of(settings).reals(matrix::action);
    return std::count(actions.begin(), actions.end(), 0.0);
  };
  EXPECT_EQ(kernel({{"form", text("poisson")}}), 1);
  EXPECT_EQ(kernel({{"form", text("mass")}}), 0);
  EXPECT_EQ(kernel({{"form", text("elasticity")}}), 3);
  EXPECT_EQ(kernel({{"form", text("elasticity")}, {"cell", text("hexahedron")}}), 6);
}

TEST(AssemblyTruth, ChecksHoldAndTheirControlsDoToo) {
  for (char const* cell : {"triangle", "quadrilateral", "tetrahedron", "hexahedron"})
    for (std::int64_t const degree : {1, 2})
      for (char const* form : {"poisson", "mass", "advection", "elasticity"})
        for (char const* where : {"global", "cell", "quadrature", "nodal"}) {
          auto const asked = problem({{"cell", text(cell)},
                                      {"degree", degree},
                                      {"form", text(form)},
                                      {"coefficient", text(where)}});
          auto const checks = asked->verify(parallel::Comm());
          EXPECT_GE(checks.size(), 6u);
          for (Check const& check : checks)
            EXPECT_TRUE(check.pass())
                << cell << degree << form << where << " " << check.name << " " << check.value;
        }
}

TEST(AssemblyTruth, RefusesWhatMakesNoSense) {
  expect_error("as many as directions", [] {
    problem({{"form", text("elasticity")}, {"components", whole(3)}});
  });
  expect_error("has no tensor", [] { problem({{"form", text("mass")}, {"tensor", true}}); });
  expect_error("no launch", [] { problem({{"per_rank", true}}); });
  expect_error("cannot be made longer", [] {
    problem({{"per_rank", true}, {"domain", text("lshape")}}, 2);
  });
  expect_error("is no box", [] { problem({{"mesh", text("disk.msh")}}); });
}

} // namespace
} // namespace moho::study::test
