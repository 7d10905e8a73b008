// SPDX-License-Identifier: BSD-3-Clause
// Krylov solvers by options: direct, multigrid, transposed, singular, diverged, mistyped.
#include "grid.hpp"
#include "moho/parallel/petsc.hpp"
#include "support/errors.hpp"
#include "support/mpi_support.hpp"
#include <cmath>
#include <gtest/gtest.h>
#include <map>

namespace moho::test {
namespace {

using parallel::Comm;
using parallel::LinearSolver;
using parallel::PetscMatrix;
using parallel::PetscOptions;

double error_of(Grid const& grid, std::vector<double> const& x) {
  auto const exact = grid.sines();
  double largest = 0;
  for (std::size_t i = 0; i < x.size(); ++i)
    largest = std::max(largest, std::fabs(x[i] - exact[i]));
  return largest;
}

TEST(LinearSolver, SolvesWithEveryPreconditioner) {
  Comm const comm;
  Grid grid(comm, 24);
  PetscMatrix const matrix(comm, grid.blocks(), grid.values);
  auto const b = grid.product(4, 0, false);
  for (PetscOptions const& options :
       {PetscOptions{}, PetscOptions{{"pc_type", "hypre"}}, PetscOptions{{"pc_type", "jacobi"}},
        PetscOptions{{"pc_type", "bjacobi"}, {"sub_pc_type", "icc"}},
        PetscOptions{
            {"ksp_type", "preonly"}, {"pc_type", "lu"}, {"pc_factor_mat_solver_type", "mumps"}},
        PetscOptions{{"ksp_type", "gmres"}, {"ksp_gmres_restart", "50"}},
        PetscOptions{{"ksp_type", "bcgs"}},
        PetscOptions{{"ksp_type", "minres"}, {"pc_type", "jacobi"}}}) {
    LinearSolver solver(comm, matrix, options);
    std::vector<double> x(grid.rows(), 1e6); // overwritten
    solver.set_up();
    auto const report = solver.solve(b, x);
    auto const name = (options.empty() ? "default" : options.begin()->second) + report.reason;
    EXPECT_TRUE(report.converged) << name;
    EXPECT_LT(report.residual, 1e-8 * report.right_hand_side) << name;
    EXPECT_GT(report.right_hand_side, 1.0);
    EXPECT_LT(error_of(grid, x), 1e-6) << name;
    EXPECT_GE(report.iterations, 1) << name;
    EXPECT_TRUE(all_ranks_agree(report.iterations));
  }
}

// New values: the preconditioner follows (a stale LU or SOR diagonal would not solve), and the
// transpose uses the same one.
TEST(LinearSolver, FollowsChangedValuesAndSolvesTheTranspose) {
  Comm const comm;
  Grid grid(comm, 12);
  PetscMatrix matrix(comm, grid.blocks(), grid.values);
  for (PetscOptions const& options :
       {PetscOptions{
            {"ksp_type", "preonly"}, {"pc_type", "lu"}, {"pc_factor_mat_solver_type", "mumps"}},
        PetscOptions{{"ksp_type", "gmres"}, {"pc_type", "sor"}},
        PetscOptions{{"ksp_type", "bcgs"}}}) {
    grid.fill(4, 0);
    matrix.values_changed();
    LinearSolver solver(comm, matrix, options);
    std::vector<double> x(grid.rows());
    solver.solve(grid.product(4, 0, false), x);
    EXPECT_LT(error_of(grid, x), 1e-7);
    grid.fill(9, 0.5);
    matrix.values_changed();
    auto const b = grid.product(9, 0.5, false), bt = grid.product(9, 0.5, true);
    EXPECT_TRUE(solver.solve(b, x).converged);
    EXPECT_LT(error_of(grid, x), 1e-8);
    if (options.contains("pc_type") && options.at("pc_type") == "sor") { // PETSc has none
      EXPECT_THROW(solver.solve_transpose(bt, x), Error);
      EXPECT_TRUE(solver.solve(b, x).converged); // and is usable afterwards
      continue;
    }
    auto const transposed = solver.solve_transpose(bt, x);
    EXPECT_TRUE(transposed.converged) << transposed.reason;
    EXPECT_LT(error_of(grid, x), 1e-8);
    EXPECT_LT(transposed.residual, 1e-8 * transposed.right_hand_side);
  }
  // Negative: without values_changed() a direct solver keeps the old factors, and the report,
  // computed anew, tells.
  LinearSolver stale(
      comm, matrix,
      {{"ksp_type", "preonly"}, {"pc_type", "lu"}, {"pc_factor_mat_solver_type", "mumps"}});
  stale.set_up();
  grid.fill(4, 0);
  std::vector<double> x(grid.rows());
  auto const report = stale.solve(grid.product(4, 0, false), x);
  EXPECT_GT(report.residual, 1e-3 * report.right_hand_side);
  EXPECT_FALSE(report.converged);
  EXPECT_NE(report.reason.find("is left"), std::string::npos) << report.reason;
}

// CG is told nothing of transposes: SOR and incomplete Cholesky have none.
TEST(LinearSolver, TheTransposeOfASymmetricMatrixIsItself) {
  Comm const comm;
  Grid grid(comm, 12);
  PetscMatrix const matrix(comm, grid.blocks(), grid.values);
  LinearSolver solver(comm, matrix, {{"pc_type", "sor"}});
  std::vector<double> x(grid.rows());
  EXPECT_TRUE(solver.solve_transpose(grid.product(4, 0, true), x).converged);
  EXPECT_LT(error_of(grid, x), 1e-7);
}

TEST(LinearSolver, DivergenceIsReportedWithPetscsReason) {
  Comm const comm;
  Grid grid(comm, 24);
  PetscMatrix matrix(comm, grid.blocks(), grid.values);
  auto const b = grid.product(4, 0, false);
  std::vector<double> x(grid.rows());
  LinearSolver few(comm, matrix, {{"pc_type", "none"}, {"ksp_max_it", "3"}});
  auto report = few.solve(b, x);
  EXPECT_FALSE(report.converged);
  EXPECT_EQ(report.reason, "KSP_DIVERGED_ITS");
  EXPECT_EQ(report.iterations, 3);
  EXPECT_GT(report.residual, 1e-6);
  // Singular: a row and a column of zeros.
  std::fill(grid.values.begin(), grid.values.end(), 0.0);
  matrix.values_changed();
  LinearSolver direct(
      comm, matrix,
      {{"ksp_type", "preonly"}, {"pc_type", "lu"}, {"pc_factor_mat_solver_type", "mumps"}});
  report = direct.solve(b, x);
  EXPECT_FALSE(report.converged);
  EXPECT_NE(report.reason.find("KSP_DIVERGED_PC_FAILED (FACTOR"), std::string::npos)
      << report.reason;
  // Not a number.
  grid.fill(4, 0);
  matrix.values_changed();
  auto bad = b;
  if (!bad.empty()) bad[0] = std::nan("");
  report = few.solve(bad, x);
  EXPECT_FALSE(report.converged);
  EXPECT_EQ(report.reason, "KSP_DIVERGED_NANORINF");
}

// Tolerances that let PETSc call anything converged do not make it so.
TEST(LinearSolver, PetscsWordIsChecked) {
  Comm const comm;
  Grid grid(comm, 24);
  PetscMatrix const matrix(comm, grid.blocks(), grid.values);
  auto const b = grid.product(4, 0, false);
  for (PetscOptions const& options :
       {PetscOptions{{"ksp_rtol", "1.0"}}, PetscOptions{{"ksp_atol", "1e300"}},
        PetscOptions{{"ksp_max_it", "1"}, {"ksp_converged_maxits", "true"}}}) {
    LinearSolver loose(comm, matrix, options);
    std::vector<double> x(grid.rows());
    auto const report = loose.solve(b, x);
    EXPECT_FALSE(report.converged);
    EXPECT_NE(report.reason.find("KSP_CONVERGED"), std::string::npos) << report.reason;
    EXPECT_NE(report.reason.find("is left"), std::string::npos) << report.reason;
  }
}

// Where GAMG has nothing to coarsen, and where a tiny matrix is singular.
TEST(LinearSolver, TinySystemsHaveADefaultToo) {
  Comm const comm;
  for (int n : {1, 2, 3}) {
    Grid grid(comm, n);
    PetscMatrix const matrix(comm, grid.blocks(), grid.values);
    LinearSolver solver(comm, matrix);
    std::vector<double> x(grid.rows());
    auto const report = solver.solve(grid.product(4, 0, false), x);
    EXPECT_TRUE(report.converged) << report.reason;
    EXPECT_LT(error_of(grid, x), 1e-9);
  }
}

TEST(LinearSolver, WrongOptionsAreNamed) {
  Comm const comm;
  Grid grid(comm, 5);
  PetscMatrix const matrix(comm, grid.blocks(), grid.values);
  auto const message = [&](PetscOptions const& options) {
    return moho::test::error_of([&] {
      LinearSolver solver(comm, matrix, options);
      solver.set_up();
    });
  };
  EXPECT_NE(message({{"ksp_tpye", "cg"}}).find("'ksp_tpye'"), std::string::npos);
  EXPECT_NE(message({{"pc_hypre_type", "boomeramg"}}).find("'pc_hypre_type'"), std::string::npos);
  EXPECT_NE(message({{"-ksp_type", "cg"}}).find("without the dash"), std::string::npos);
  EXPECT_NE(message({{"ksp_type", "magic"}}).find("magic"), std::string::npos);
  EXPECT_NE(message({{"ksp_rtol", "much"}}).find("much"), std::string::npos);
  EXPECT_EQ(message({{"ksp_rtol", "1e-5"}, {"mg_levels_ksp_max_it", "3"}}), "");
}

TEST(LinearSolver, OptionsStayWithTheirSolver) {
  Comm const comm;
  Grid grid(comm, 16);
  PetscMatrix const matrix(comm, grid.blocks(), grid.values);
  auto const b = grid.product(4, 0, false);
  std::vector<double> x(grid.rows()), y(grid.rows());
  LinearSolver rough(comm, matrix, {{"ksp_rtol", "1e-1"}, {"pc_type", "none"}});
  LinearSolver fine(comm, matrix, {{"pc_type", "none"}});
  int const few = rough.solve(b, x).iterations, many = fine.solve(b, y).iterations;
  EXPECT_LT(2 * few, many);
  LinearSolver guess(comm, matrix, {{"pc_type", "none"}, {"ksp_initial_guess_nonzero", ""}});
  EXPECT_LE(guess.solve(b, y).iterations, 2); // starts at the solution
  EXPECT_EQ(fine.solve(b, y).iterations, many);
}

// Pure Neumann: diagonal = - sum of the others.
TEST(LinearSolver, ConstantsAreProjectedOut) {
  Comm const comm;
  Grid grid(comm, 12);
  for (std::size_t r = 0; r < grid.rows(); ++r) {
    double sum = 0;
    std::size_t diagonal = 0;
    auto const inner = grid.diagonal_column.size();
    for (auto k = static_cast<std::size_t>(grid.off_ptr[r]);
         k < static_cast<std::size_t>(grid.off_ptr[r + 1]); ++k)
      sum += grid.values[inner + k];
    for (auto k = static_cast<std::size_t>(grid.diagonal_ptr[r]);
         k < static_cast<std::size_t>(grid.diagonal_ptr[r + 1]); ++k)
      if (static_cast<std::size_t>(grid.diagonal_column[k]) == r)
        diagonal = k;
      else
        sum += grid.values[k];
    grid.values[diagonal] = -sum;
  }
  PetscMatrix const matrix(comm, grid.blocks(), grid.values);
  LinearSolver solver(comm, matrix, {{"pc_type", "hypre"}});
  solver.set_constant_nullspace();
  auto x = grid.sines();
  std::vector<double> b(grid.rows()), found(grid.rows());
  matrix.multiply(x, b);
  for (double& value : b) value += 0.25; // not orthogonal to the constants
  auto const report = solver.solve(b, found);
  EXPECT_TRUE(report.converged) << report.reason;
  EXPECT_LT(report.residual, 1e-8 * report.right_hand_side);
  double sum = 0, exact = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    sum += found[i];
    exact += x[i];
  }
  EXPECT_NEAR(comm.sum(sum), 0, 1e-9);
  double const mean = comm.sum(exact) / 144;
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(found[i], x[i] - mean, 1e-7);
}

// Springs along the sides and diagonals of an n x n lattice, held by weak springs at each node: its
// softest modes are the rigid ones.
struct Lattice {
  int n;
  std::int64_t first, last; // nodes
  std::vector<std::int32_t> diagonal_ptr{0}, diagonal_column, off_ptr{0};
  std::vector<std::int64_t> off_column;
  std::vector<double> values, points;

  Lattice(Comm const& comm, int side) : n(side) {
    std::int64_t const nodes = std::int64_t{n} * n;
    first = nodes * comm.rank() / comm.size();
    last = nodes * (comm.rank() + 1) / comm.size();
    std::vector<double> outer;
    for (auto node = first; node < last; ++node) {
      points.push_back(static_cast<double>(node % n));
      points.push_back(static_cast<double>(node / n));
      for (int i = 0; i < 2; ++i) {
        for (auto [column, value] : row(node, i)) {
          bool const mine = column >= 2 * first && column < 2 * last;
          (mine ? values : outer).push_back(value);
          if (mine)
            diagonal_column.push_back(static_cast<std::int32_t>(column - 2 * first));
          else
            off_column.push_back(column);
        }
        diagonal_ptr.push_back(static_cast<std::int32_t>(diagonal_column.size()));
        off_ptr.push_back(static_cast<std::int32_t>(off_column.size()));
      }
    }
    values.insert(values.end(), outer.begin(), outer.end());
  }

  std::map<std::int64_t, double> row(std::int64_t node, int i) const {
    std::map<std::int64_t, double> entries;
    entries[2 * node + i] += 1e-4;
    for (int dy = -1; dy <= 1; ++dy)
      for (int dx = -1; dx <= 1; ++dx) {
        auto const x = node % n + dx, y = node / n + dy;
        if ((dx == 0 && dy == 0) || x < 0 || y < 0 || x >= n || y >= n) continue;
        double const d[2] = {static_cast<double>(dx), static_cast<double>(dy)};
        for (int j = 0; j < 2; ++j) {
          double const k = d[i] * d[j] / (d[0] * d[0] + d[1] * d[1]);
          entries[2 * node + j] += k;
          entries[2 * (y * n + x) + j] -= k;
        }
      }
    return entries;
  }
};

TEST(LinearSolver, RigidModesHelpMultigrid) {
  Comm const comm;
  Lattice lattice(comm, 40);
  parallel::CsrBlocks const blocks{2 * 40 * 40,     lattice.diagonal_ptr, lattice.diagonal_column,
                                   lattice.off_ptr, lattice.off_column,   2};
  PetscMatrix const matrix(comm, blocks, lattice.values);
  std::vector<double> b(lattice.points.size(), 1.0), x(b.size());
  for (std::size_t i = 0; i < b.size(); ++i)
    b[i] = std::sin(0.1 * lattice.points[i]) + lattice.points[i ^ 1];
  LinearSolver plain(comm, matrix);
  auto const without = plain.solve(b, x);
  LinearSolver solver(comm, matrix);
  solver.set_near_nullspace(lattice.points, 2);
  auto const with = solver.solve(b, x);
  EXPECT_TRUE(with.converged && without.converged) << with.reason << without.reason;
  EXPECT_LT(with.residual, 1e-8 * with.right_hand_side);
  EXPECT_LT(3 * with.iterations, 2 * without.iterations)
      << with.iterations << " with, " << without.iterations << " without";
}

} // namespace
} // namespace moho::test
