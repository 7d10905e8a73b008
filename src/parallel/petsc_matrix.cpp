// SPDX-License-Identifier: BSD-3-Clause
// Matrices: PETSc's AIJ on the caller's values, and PETSc's own for COO and MatSetValues.
#include "moho/core/kokkos.hpp"
#include "moho/parallel/petsc.hpp"
#include "petsc_detail.hpp"
#include <algorithm>
#include <petsc/private/petscimpl.h> // declares PetscObjectStateGet and Set
#include <petscmat.h>
#include <petscvec.h>
#include <type_traits>

namespace moho::parallel {
using detail::Handle;
using detail::petsc_check;
using detail::petsc_int;

MatrixMemory coo_memory() {
#if defined(PETSC_HAVE_CUDA) && defined(KOKKOS_ENABLE_CUDA)
  return std::is_same_v<MemorySpace, Kokkos::CudaSpace> ? MatrixMemory::device : MatrixMemory::host;
#else
  return MatrixMemory::host;
#endif
}

struct PetscMatrix::Impl {
  std::size_t rows = 0;
  MatrixMemory memory = MatrixMemory::host;
  // PETSc works on these; MatCreateMPIAIJWithSplitArrays compresses `off_column` in place.
  std::vector<PetscInt> diagonal_ptr, diagonal_column, off_ptr, off_column;
  Handle<Mat, MatDestroy> matrix;
  Handle<Vec, VecDestroy> right, left; ///< without arrays of their own
};

namespace {

[[noreturn]] void bad_blocks(std::string const& why) {
  throw Error("cannot make a matrix (" + why + "); pass complete CSR blocks of owned rows");
}

void check_blocks(CsrBlocks const& blocks, std::size_t values) {
  auto const& d = blocks.diagonal_ptr;
  auto const& o = blocks.off_ptr;
  if (d.empty()) bad_blocks("diagonal_ptr is empty");
  if (d.front() != 0 || static_cast<std::size_t>(d.back()) != blocks.diagonal_column.size())
    bad_blocks("diagonal_ptr does not span diagonal_column");
  if (!blocks.off_column.empty() && o.size() != d.size())
    bad_blocks("off_ptr has " + std::to_string(o.size()) + " entries for " +
               std::to_string(d.size() - 1) + " rows");
  if (!o.empty() &&
      (o.front() != 0 || static_cast<std::size_t>(o.back()) != blocks.off_column.size()))
    bad_blocks("off_ptr does not span off_column");
  if (values < blocks.diagonal_column.size() + blocks.off_column.size())
    bad_blocks(std::to_string(values) + " values for " +
               std::to_string(blocks.diagonal_column.size() + blocks.off_column.size()) +
               " entries");
  if (blocks.block_size < 1 || (d.size() - 1) % static_cast<std::size_t>(blocks.block_size) != 0)
    bad_blocks("rows are not a multiple of the block size " + std::to_string(blocks.block_size));
}

void set_block_size(Mat matrix, int block_size) {
  petsc_check(MatSetBlockSize(matrix, block_size), "MatSetBlockSize");
}

// Global CSR of the owned rows, columns ascending.
void join(CsrBlocks const& blocks, std::int64_t first, std::vector<PetscInt>& ptr,
          std::vector<PetscInt>& column) {
  std::size_t const rows = blocks.diagonal_ptr.size() - 1;
  ptr.assign(1, 0);
  column.reserve(blocks.diagonal_column.size() + blocks.off_column.size());
  for (std::size_t r = 0; r < rows; ++r) {
    auto const begin = column.size();
    for (auto k = blocks.diagonal_ptr[r]; k < blocks.diagonal_ptr[r + 1]; ++k)
      column.push_back(
          static_cast<PetscInt>(first + blocks.diagonal_column[static_cast<std::size_t>(k)]));
    if (!blocks.off_ptr.empty())
      for (auto k = blocks.off_ptr[r]; k < blocks.off_ptr[r + 1]; ++k)
        column.push_back(static_cast<PetscInt>(blocks.off_column[static_cast<std::size_t>(k)]));
    std::sort(column.begin() + static_cast<std::ptrdiff_t>(begin), column.end());
    ptr.push_back(static_cast<PetscInt>(column.size()));
  }
}

// Tells one sequential block that its values changed: a public pair that drops the inverted
// diagonals which PETSc caches, and raises the state.
void touch(Mat block) {
  PetscScalar* values = nullptr;
  petsc_check(MatSeqAIJGetArray(block, &values), "MatSeqAIJGetArray");
  petsc_check(MatSeqAIJRestoreArray(block, &values), "MatSeqAIJRestoreArray");
}

void append_values(Mat block, std::vector<double>& out) {
  PetscInt rows = 0;
  PetscInt const *ptr = nullptr, *column = nullptr;
  PetscBool done = PETSC_FALSE;
  PetscScalar const* values = nullptr;
  petsc_check(MatGetRowIJ(block, 0, PETSC_FALSE, PETSC_FALSE, &rows, &ptr, &column, &done),
              "MatGetRowIJ");
  petsc_check(MatSeqAIJGetArrayRead(block, &values), "MatSeqAIJGetArrayRead");
  out.insert(out.end(), values, values + ptr[rows]);
  petsc_check(MatSeqAIJRestoreArrayRead(block, &values), "MatSeqAIJRestoreArrayRead");
  petsc_check(MatRestoreRowIJ(block, 0, PETSC_FALSE, PETSC_FALSE, &rows, &ptr, &column, &done),
              "MatRestoreRowIJ");
}

struct Blocks {
  Mat diagonal = nullptr, off = nullptr; ///< off: nullptr on one rank
};

// Not kept: MatSetPreallocationCOO makes new ones.
Blocks blocks_of(Mat matrix) {
  PetscBool parallel = PETSC_FALSE;
  petsc_check( // MATMPIAIJCUSPARSE too
      PetscObjectBaseTypeCompare(reinterpret_cast<PetscObject>(matrix), MATMPIAIJ, &parallel),
      "PetscObjectBaseTypeCompare");
  if (!parallel) return {matrix, nullptr};
  Blocks blocks;
  petsc_check(MatMPIAIJGetSeqAIJ(matrix, &blocks.diagonal, &blocks.off, nullptr),
              "MatMPIAIJGetSeqAIJ");
  return blocks;
}

void make_vectors(Comm const& comm, std::size_t rows, PetscInt global, Vec* right, Vec* left) {
  auto const n = static_cast<PetscInt>(rows);
  for (Vec* v : {right, left})
    petsc_check(VecCreateMPIWithArray(comm.raw(), 1, n, global, nullptr, v),
                "VecCreateMPIWithArray");
}

} // namespace

PetscMatrix::PetscMatrix(Comm const& comm, CsrBlocks const& blocks, std::span<double> values)
    : _impl(std::make_unique<Impl>()) {
  require_petsc();
  check_blocks(blocks, values.size());
  auto const global = petsc_int(blocks.global_rows, "the number of rows");
  auto& m = *_impl;
  m.rows = blocks.diagonal_ptr.size() - 1;
  m.diagonal_ptr.assign(blocks.diagonal_ptr.begin(), blocks.diagonal_ptr.end());
  m.diagonal_column.assign(blocks.diagonal_column.begin(), blocks.diagonal_column.end());
  m.off_column.assign(blocks.off_column.begin(), blocks.off_column.end());
  m.off_ptr.assign(blocks.off_ptr.begin(), blocks.off_ptr.end());
  m.off_ptr.resize(m.rows + 1, 0);
  auto const rows = static_cast<PetscInt>(m.rows);
  if (comm.size() == 1) {
    if (!m.off_column.empty()) bad_blocks("one rank owns all columns, but off_column is not empty");
    petsc_check(MatCreateSeqAIJWithArrays(comm.raw(), rows, global, m.diagonal_ptr.data(),
                                          m.diagonal_column.data(), values.data(), m.matrix.out()),
                "MatCreateSeqAIJWithArrays");
  } else {
    petsc_check(MatCreateMPIAIJWithSplitArrays(
                    comm.raw(), rows, rows, global, global, m.diagonal_ptr.data(),
                    m.diagonal_column.data(), values.data(), m.off_ptr.data(), m.off_column.data(),
                    values.data() + m.diagonal_column.size(), m.matrix.out()),
                "MatCreateMPIAIJWithSplitArrays");
  }
  set_block_size(m.matrix, blocks.block_size);
  if (comm.size() > 1) set_block_size(blocks_of(m.matrix).diagonal, blocks.block_size);
  make_vectors(comm, m.rows, global, m.right.out(), m.left.out());
}

PetscMatrix::PetscMatrix(Comm const& comm, CsrBlocks const& blocks, MatrixMemory memory)
    : _impl(std::make_unique<Impl>()) {
  require_petsc();
  check_blocks(blocks, blocks.diagonal_column.size() + blocks.off_column.size());
  auto const global = petsc_int(blocks.global_rows, "the number of rows");
  auto& m = *_impl;
  m.rows = blocks.diagonal_ptr.size() - 1;
  m.memory = memory;
  auto const rows = static_cast<PetscInt>(m.rows);
  Mat matrix = nullptr;
  petsc_check(MatCreate(comm.raw(), m.matrix.out()), "MatCreate");
  matrix = m.matrix;
  petsc_check(MatSetSizes(matrix, rows, rows, global, global), "MatSetSizes");
  bool const alone = comm.size() == 1, device = memory == MatrixMemory::device;
  petsc_check(MatSetType(matrix, alone ? (device ? MATSEQAIJCUSPARSE : MATSEQAIJ)
                                       : (device ? MATMPIAIJCUSPARSE : MATMPIAIJ)),
              "MatSetType");
  set_block_size(matrix, blocks.block_size);
  petsc_check(MatSetUp(matrix), "MatSetUp");
  PetscInt first = 0;
  petsc_check(MatGetOwnershipRange(matrix, &first, nullptr), "MatGetOwnershipRange");
  std::vector<PetscInt> ptr, column;
  join(blocks, first, ptr, column);
  if (comm.size() == 1)
    petsc_check(MatSeqAIJSetPreallocationCSR(matrix, ptr.data(), column.data(), nullptr),
                "MatSeqAIJSetPreallocationCSR");
  else
    petsc_check(MatMPIAIJSetPreallocationCSR(matrix, ptr.data(), column.data(), nullptr),
                "MatMPIAIJSetPreallocationCSR");
  // Rows are complete on their owners: what falls on others' rows is theirs to compute.
  petsc_check(MatSetOption(matrix, MAT_IGNORE_OFF_PROC_ENTRIES, PETSC_TRUE), "MatSetOption");
  petsc_check(MatSetOption(matrix, MAT_NEW_NONZERO_LOCATION_ERR, PETSC_TRUE), "MatSetOption");
  make_vectors(comm, m.rows, global, m.right.out(), m.left.out());
}

PetscMatrix::~PetscMatrix() = default;
PetscMatrix::PetscMatrix(PetscMatrix&&) noexcept = default;
PetscMatrix& PetscMatrix::operator=(PetscMatrix&&) noexcept = default;

Mat PetscMatrix::raw() const {
  return _impl->matrix;
}

MatrixMemory PetscMatrix::memory() const {
  return _impl->memory;
}

std::size_t PetscMatrix::rows() const {
  return _impl->rows;
}

void PetscMatrix::values_changed() {
  auto const [diagonal, off] = blocks_of(_impl->matrix);
  touch(diagonal);
  if (!off) return;
  touch(off);
  auto* object = reinterpret_cast<PetscObject>(raw());
  PetscObjectState state = 0;
  petsc_check(PetscObjectStateGet(object, &state), "PetscObjectStateGet");
  petsc_check(PetscObjectStateSet(object, state + 1), "PetscObjectStateSet");
}

void PetscMatrix::multiply(std::span<double const> x, std::span<double> y, bool transpose) const {
  MOHO_REQUIRE(x.size() >= _impl->rows && y.size() >= _impl->rows);
  detail::Placed const in(_impl->right, x.data()), out(_impl->left, y.data());
  if (transpose)
    petsc_check(MatMultTranspose(_impl->matrix, _impl->right, _impl->left), "MatMultTranspose");
  else
    petsc_check(MatMult(_impl->matrix, _impl->right, _impl->left), "MatMult");
}

std::vector<double> PetscMatrix::values() const {
  auto const [diagonal, off] = blocks_of(_impl->matrix);
  std::vector<double> out;
  append_values(diagonal, out);
  if (off) append_values(off, out);
  return out;
}

CooSink::CooSink(PetscMatrix& matrix, std::span<const std::int32_t> i,
                 std::span<const std::int32_t> j)
    : _matrix(&matrix), _entries(i.size()) {
  MOHO_REQUIRE(i.size() == j.size());
  std::vector<PetscInt> rows(i.begin(), i.end()), columns(j.begin(), j.end()); // overwritten
  petsc_check(MatSetPreallocationCOO(matrix.raw(), static_cast<PetscCount>(rows.size()),
                                     rows.data(), columns.data()),
              "MatSetPreallocationCOO");
}

void CooSink::set(std::span<double const> v) {
  MOHO_REQUIRE(v.size() >= _entries);
  petsc_check(MatSetValuesCOO(_matrix->raw(), v.data(), INSERT_VALUES), "MatSetValuesCOO");
}

void insert_values(PetscMatrix& matrix, std::span<const std::int32_t> rows, int n,
                   std::span<double const> local, bool first) {
  auto const k = static_cast<std::size_t>(n);
  std::size_t const cells = rows.size() / k;
  MOHO_REQUIRE(rows.size() == cells * k && local.size() >= cells * k * k);
  if (first) petsc_check(MatZeroEntries(matrix.raw()), "MatZeroEntries");
  for (std::size_t e = 0; e < cells; ++e) {
    auto const* r = rows.data() + e * k;
    petsc_check(MatSetValues(matrix.raw(), n, r, n, r, local.data() + e * k * k, ADD_VALUES),
                "MatSetValues");
  }
  petsc_check(MatAssemblyBegin(matrix.raw(), MAT_FINAL_ASSEMBLY), "MatAssemblyBegin");
  petsc_check(MatAssemblyEnd(matrix.raw(), MAT_FINAL_ASSEMBLY), "MatAssemblyEnd");
}

} // namespace moho::parallel
