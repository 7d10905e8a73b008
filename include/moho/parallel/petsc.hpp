// SPDX-License-Identifier: BSD-3-Clause
// PETSc behind plain spans: matrices that share the caller's values, Krylov solvers by options.
// No PETSc header here: whoever includes this compiles fast.
#pragma once
#include "moho/parallel/communicator.hpp"
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

typedef struct _p_Mat* Mat; // PETSc's own forward declaration

namespace moho::parallel {

/// PetscInitialize on the first use, PetscFinalize before MPI_Finalize (by `Environment`). PETSc's
/// errors become moho::Error with its message. Not collective; called by every member below;
/// harmless to call again. PETSc sees no command line, no .petscrc and takes no signals; the
/// environment variable PETSC_OPTIONS is read (-log_view), but does not reach solvers, whose
/// options have a prefix.
void require_petsc();

/// Options of one solver: the [petsc] table of a study, e.g. {"ksp_type", "cg"}, {"pc_type",
/// "gamg"}. A flag has the value "". Names without the leading dash.
using PetscOptions = std::map<std::string, std::string>;

/// Owned rows of a square sparse matrix as two CSR blocks (columns owned by this rank; the others),
/// the layout of MPIAIJ. Spans are read once.
struct CsrBlocks {
  std::int64_t global_rows = 0;
  std::span<const std::int32_t> diagonal_ptr, diagonal_column; ///< local columns, ascending
  std::span<const std::int32_t> off_ptr;
  std::span<const std::int64_t> off_column; ///< global columns, ascending
  int block_size = 1;
};

/// Where a matrix that PETSc owns keeps its values. device: CooSink takes them from the memory of
/// kernels (MATAIJCUSPARSE); of its products there is none on vectors of the host.
enum class MatrixMemory { host, device };
/// device where kernels work on a GPU and PETSc was built for the same kind, else host.
MatrixMemory coo_memory();

/// An AIJ matrix on the caller's values: nothing is copied. `values` = diagonal block's, then the
/// other block's; they must outlive the matrix. After they change, `values_changed()`.
class PetscMatrix {
public:
  PetscMatrix(Comm const& comm, CsrBlocks const& blocks, std::span<double> values);
  /// A matrix PETSc owns, with preallocated pattern, for COO and MatSetValues.
  PetscMatrix(Comm const& comm, CsrBlocks const& blocks, MatrixMemory memory = MatrixMemory::host);
  ~PetscMatrix();
  PetscMatrix(PetscMatrix&&) noexcept;
  PetscMatrix& operator=(PetscMatrix&&) noexcept;
  Mat raw() const;
  MatrixMemory memory() const;
  std::size_t rows() const; ///< owned
  /// Tells PETSc that values were rewritten in place. Makes no MPI call.
  void values_changed();
  /// y = A x on owned entries; transpose: y = A^T x. Collective.
  void multiply(std::span<double const> x, std::span<double> y, bool transpose = false) const;
  /// Copies owned values out (for matrices that PETSc owns): diagonal block's, then the others.
  std::vector<double> values() const;

private:
  struct Impl;
  std::unique_ptr<Impl> _impl;
};

/// MatSetPreallocationCOO once, MatSetValuesCOO per call; i, j global scalar indices, negative =
/// dropped.
class CooSink {
public:
  /// Collective; replaces the matrix's pattern by that of the entries. The matrix must be PETSc's
  /// own and outlive the sink.
  CooSink(PetscMatrix& matrix, std::span<const std::int32_t> i, std::span<const std::int32_t> j);
  /// Duplicates are summed. `v` lies where the matrix keeps its values.
  void set(std::span<double const> v);

private:
  PetscMatrix* _matrix;
  std::size_t _entries;
};
/// MatSetValues of local matrices, cell by cell: rows (cells, n) global scalar indices, -1 =
/// ignored; local (cells, n, n); the baseline of all. Rows of other ranks are ignored: they are
/// complete on their owners, so nothing is sent. `first`: zeroes the matrix before. Collective; the
/// matrix is assembled on return.
void insert_values(PetscMatrix& matrix, std::span<const std::int32_t> rows, int n,
                   std::span<double const> local, bool first);

/// What a Krylov solve ended with.
struct SolveReport {
  bool converged = false; ///< PETSc says so, and no more than 1e-6 of |b| is left
  int iterations = 0;
  std::string reason;         ///< PETSc's name: "KSP_CONVERGED_RTOL", "KSP_DIVERGED_ITS"; of a
                              ///< failed preconditioner why: "KSP_DIVERGED_PC_FAILED (..)"
  double residual = 0;        ///< |b - A x|_2, computed anew
  double right_hand_side = 0; ///< |b|_2
  /// Of |b|; absolute where b = 0.
  double relative_residual() const {
    return right_hand_side > 0 ? residual / right_hand_side : residual;
  }
  /// "KSP_DIVERGED_ITS after 50 iterations"
  std::string ending() const {
    return reason + " after " + std::to_string(iterations) + " iterations";
  }
};

/// A solver for one matrix, kept with its preconditioner, which is made anew only after
/// `values_changed()`. Default options: CG + GAMG, unpreconditioned norm, rtol 1e-10. Collective.
/// The matrix must outlive it.
class LinearSolver {
public:
  LinearSolver(Comm const& comm, PetscMatrix const& matrix, PetscOptions const& options = {});
  ~LinearSolver();
  LinearSolver(LinearSolver&&) noexcept;
  LinearSolver& operator=(LinearSolver&&) noexcept;
  /// Rigid-body modes from node coordinates (owned nodes, dim), for elasticity under AMG.
  void set_near_nullspace(std::span<double const> coordinates, int dim);
  /// A singular matrix whose kernel is the constants (pure Neumann): projects it out.
  void set_constant_nullspace();
  /// Builds the preconditioner (timed apart); `solve` does it where it was not called. Throws
  /// moho::Error naming the options that nothing has read (mistyped, or of another solver).
  void set_up();
  /// b, x: owned rows. x holds the initial guess if the option ksp_initial_guess_nonzero says so,
  /// else is overwritten. A solve that does not converge is reported, not thrown.
  SolveReport solve(std::span<double const> b, std::span<double> x);
  /// The same for A^T, with the same preconditioner.
  SolveReport solve_transpose(std::span<double const> b, std::span<double> x);

private:
  struct Impl;
  std::unique_ptr<Impl> _impl;
  bool symmetric() const;
  SolveReport run(std::span<double const> b, std::span<double> x, bool transpose);
};

} // namespace moho::parallel
