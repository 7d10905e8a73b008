// SPDX-License-Identifier: BSD-3-Clause
// Matrices on the caller's values, PETSc's own by COO and MatSetValues, and the errors.
#include "grid.hpp"
#include "moho/parallel/petsc.hpp"
#include "mpi_calls.hpp"
#include "support/errors.hpp"
#include "support/mpi_support.hpp"
#include <cmath>
#include <csignal>
#include <gtest/gtest.h>

namespace moho::test {

std::vector<double> Grid::sines() const {
  std::vector<double> x;
  for (auto r = first; r < last; ++r) x.push_back(std::sin(static_cast<double>(r)));
  return x;
}

std::vector<double> Grid::product(double diagonal, double skew, bool transpose) const {
  std::vector<double> y(rows(), 0.0);
  for (std::int64_t r = 0; r < std::int64_t{n} * n; ++r)
    for (auto [column, value] : row(r, diagonal, skew)) {
      auto const to = transpose ? column : r, from = transpose ? r : column;
      if (to >= first && to < last)
        y[static_cast<std::size_t>(to - first)] += value * std::sin(static_cast<double>(from));
    }
  return y;
}

namespace {

using parallel::Comm;
using parallel::CooSink;
using parallel::PetscMatrix;

double distance(std::vector<double> const& a, std::vector<double> const& b) {
  double largest = a.size() == b.size() ? 0 : 1e300;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    largest = std::max(largest, std::fabs(a[i] - b[i]));
  return largest;
}

TEST(PetscMatrix, MultipliesTheCallersValues) {
  Comm const comm;
  Grid grid(comm, 9, 4, 0.25);
  PetscMatrix const matrix(comm, grid.blocks(), grid.values);
  for (bool transpose : {false, true}) {
    std::vector<double> y(grid.rows());
    matrix.multiply(grid.sines(), y, transpose);
    EXPECT_LT(distance(y, grid.product(4, 0.25, transpose)), 1e-13);
    // Negative: the transpose is told from the matrix.
    EXPECT_TRUE(holds_on_all_ranks(distance(y, grid.product(4, 0.25, !transpose)) > 0.01));
  }
}

TEST(PetscMatrix, SeesNewValuesWithoutOneCallOfMpi) {
  Comm const comm;
  Grid grid(comm, 9);
  PetscMatrix matrix(comm, grid.blocks(), grid.values);
  auto const* memory = grid.values.data();
  long const before = mpi_calls();
  for (int k = 0; k < 10; ++k) {
    grid.fill(5 + k, 0.5);
    matrix.values_changed();
  }
  EXPECT_EQ(mpi_calls() - before, 0);
  EXPECT_EQ(grid.values.data(), memory);
  std::vector<double> y(grid.rows());
  matrix.multiply(grid.sines(), y);
  EXPECT_LT(distance(y, grid.product(14, 0.5, false)), 1e-12);
  EXPECT_EQ(matrix.values(), grid.values);
  // Negative: the counter sees PETSc's calls, and those of this program.
  EXPECT_TRUE(comm.size() == 1 || mpi_calls() > before);
  long const before_sum = mpi_calls();
  comm.sum(1.0);
  EXPECT_EQ(mpi_calls() - before_sum, 1);
}

// One contribution per entry and one more of 1 per entry, the entry of the other ranks dropped.
TEST(PetscMatrix, CooSumsDuplicatesAndDropsNegatives) {
  Comm const comm;
  Grid grid(comm, 7, 4, 0.25);
  PetscMatrix matrix(comm, grid.blocks());
  std::vector<std::int32_t> i, j;
  std::vector<double> v;
  for (auto r = grid.first; r < grid.last; ++r)
    for (auto [column, value] : grid.row(r, 4, 0.25)) {
      for (double part : {value - 1, 1.0}) {
        i.push_back(static_cast<std::int32_t>(r));
        j.push_back(static_cast<std::int32_t>(column));
        v.push_back(part);
      }
      i.push_back(-1);
      j.push_back(static_cast<std::int32_t>(column));
      v.push_back(77);
    }
  CooSink sink(matrix, i, j);
  for (int repeat = 0; repeat < 3; ++repeat) {
    sink.set(v);
    EXPECT_LT(distance(matrix.values(), grid.values), 1e-14) << repeat;
  }
  std::vector<double> y(grid.rows());
  matrix.multiply(grid.sines(), y);
  EXPECT_LT(distance(y, grid.product(4, 0.25, false)), 1e-12);
}

// A matrix on a device is PETSc's to make: where it has none, its message tells, and COO stays on
// the host.
TEST(PetscMatrix, OnADeviceNeedsAPetscThatHasOne) {
  Comm const comm;
  Grid const grid(comm, 4);
  EXPECT_EQ(PetscMatrix(comm, grid.blocks(), parallel::coo_memory()).memory(),
            parallel::coo_memory());
  if (parallel::coo_memory() == parallel::MatrixMemory::device) return;
  std::string const message = error_of(
      [&] { PetscMatrix const matrix(comm, grid.blocks(), parallel::MatrixMemory::device); });
  EXPECT_TRUE(names(message, {"MatSetType", "aijcusparse"})) << message;
}

// "Cells" of two neighbours along x with the local matrix [[1, -1], [-2, 2]].
TEST(PetscMatrix, InsertsLocalMatricesOfCompleteRows) {
  Comm const comm;
  Grid grid(comm, 6);
  PetscMatrix matrix(comm, grid.blocks());
  std::vector<std::int32_t> rows;
  std::vector<double> local;
  std::vector<double> expected(grid.values.size(), 0.0);
  int const n = grid.n;
  for (std::int32_t r = 0; r < n * n; ++r) {
    bool const touches =
        (r >= grid.first && r < grid.last) || (r + 1 >= grid.first && r + 1 < grid.last);
    if (r % n + 1 == n || !touches) continue;
    rows.insert(rows.end(), {r, r + 1});
    local.insert(local.end(), {1, -1, -2, 2});
  }
  rows.insert(rows.end(), {-1, static_cast<std::int32_t>(grid.first)}); // a dropped node
  local.insert(local.end(), {5, 6, 7, grid.rows() > 0 ? 0.5 : 0.0});
  for (int repeat = 0; repeat < 2; ++repeat) insert_values(matrix, rows, 2, local, true);
  std::vector<double> ones(grid.rows(), 1.0), y(grid.rows());
  matrix.multiply(ones, y);
  for (std::size_t r = 0; r < y.size(); ++r) EXPECT_NEAR(y[r], r == 0 ? 0.5 : 0.0, 1e-14);
  matrix.multiply(grid.sines(), y);
  double norm = 0;
  for (double value : y) norm += std::fabs(value);
  EXPECT_GT(comm.sum(norm), 1.0); // negative: not the zero matrix
  insert_values(matrix, rows, 2, local, false);
  matrix.multiply(ones, y);
  EXPECT_TRUE(y.empty() || std::fabs(y[0] - 1) < 1e-14);
}

TEST(PetscMatrix, BadBlocksAreNamed) {
  Comm const comm;
  Grid grid(comm, 5);
  auto const message = [&](parallel::CsrBlocks const& blocks, std::span<double> values) {
    return error_of([&] { PetscMatrix const matrix(comm, blocks, values); });
  };
  auto blocks = grid.blocks();
  EXPECT_NE(message(blocks, std::span(grid.values).first(3)).find("3 values for"),
            std::string::npos);
  blocks.diagonal_ptr = blocks.diagonal_ptr.first(blocks.diagonal_ptr.size() - 1);
  EXPECT_NE(message(blocks, grid.values).find("diagonal_ptr"), std::string::npos);
  blocks = grid.blocks();
  blocks.global_rows = std::int64_t{1} << 40;
  EXPECT_NE(message(blocks, grid.values).find("32-bit"), std::string::npos);
  EXPECT_EQ(message(grid.blocks(), grid.values), "");
}

// Insert into a place that the pattern does not have: PETSc's error, as moho's, without its noise.
TEST(PetscMatrix, PetscsErrorsAreThrown) {
  Comm const comm;
  Grid grid(comm, 5);
  PetscMatrix matrix(comm, grid.blocks());
  testing::internal::CaptureStderr();
  std::string const what = error_of([&] {
    auto const row = static_cast<std::int32_t>(grid.first);
    auto const far = static_cast<std::int32_t>((grid.first + 12) % 25);
    std::vector<std::int32_t> const rows{row, far};
    std::vector<double> const local{1, 1, 1, 1};
    insert_values(matrix, rows, 2, local, false);
  });
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_NE(what.find("PETSc's MatSetValues failed"), std::string::npos) << what;
  EXPECT_NE(what.find("nonzero"), std::string::npos) << what;
}

// Groups of ranks start PETSc alone: a collective start would hang here.
TEST(Petsc, WorksOnGroupsOfRanksAndLeavesSignalsAlone) {
  Comm const world;
  MPI_Comm group = MPI_COMM_NULL;
  MPI_Comm_split(world.raw(), world.rank() % 2, world.rank(), &group);
  {
    Comm const comm(group);
    if (world.rank() % 2 == 0) {
      Grid grid(comm, 5);
      PetscMatrix const matrix(comm, grid.blocks(), grid.values);
      std::vector<double> y(grid.rows());
      matrix.multiply(grid.sines(), y);
      EXPECT_LT(distance(y, grid.product(4, 0, false)), 1e-13);
    }
  }
  world.barrier();
  parallel::require_petsc();
  for (int signal : {SIGTERM, SIGUSR1, SIGSEGV, SIGFPE, SIGINT}) {
    struct sigaction action {};
    sigaction(signal, nullptr, &action);
    EXPECT_TRUE(action.sa_handler == SIG_DFL || signal == SIGSEGV || signal == SIGFPE)
        << signal; // OpenMPI takes those two
  }
  MPI_Comm_free(&group);
}

} // namespace
} // namespace moho::test
