// SPDX-License-Identifier: BSD-3-Clause
// Krylov solvers, set up by options under a prefix of their own.
#include "moho/parallel/petsc.hpp"
#include "petsc_detail.hpp"
#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <petscksp.h>
#include <string_view>

namespace moho::parallel {
using detail::Handle;
using detail::petsc_check;

struct LinearSolver::Impl {
  std::string prefix;
  PetscOptions options; ///< those of the caller and the defaults
  Handle<Vec, VecDestroy> b, x, residual;
  Handle<MatNullSpace, MatNullSpaceDestroy> kernel, near_kernel;
  Handle<KSP, KSPDestroy> ksp;
  std::vector<double> projected; ///< b without its constant part
  bool checked = false;          ///< that every option was read

  ~Impl() {
    if (!detail::petsc_is_alive()) return;
    for (auto const& [name, value] : options)
      static_cast<void>(PetscOptionsClearValue(nullptr, ("-" + prefix + name).c_str()));
  }
};

namespace {

/// What a solve may leave of |b|.
constexpr double solved = 1e-6;
constexpr std::array norm_of_residual{"cg", "gmres", "fgmres", "lgmres", "bcgs", "richardson"};

std::string value_of(PetscOptions const& options, std::string const& name) {
  auto const found = options.find(name);
  return found == options.end() ? std::string() : found->second;
}

void check_names(PetscOptions const& options) {
  for (auto const& [name, value] : options) {
    bool const sound = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
    });
    if (!sound)
      throw Error("bad PETSc option '" + name +
                  "' (a name has letters, digits and underscores); write it without the dash, like "
                  "ksp_type");
  }
}

// What the caller leaves open. A direct solve (preonly) has no norm and no tolerance to set. GAMG
// fails where nearly every unknown is fixed, as on a mesh of two cells: a tiny system, which may be
// singular, is solved by its singular values.
PetscOptions with_defaults(PetscOptions options, std::int64_t unknowns) {
  constexpr std::int64_t tiny = 100;
  check_names(options);
  options.try_emplace("ksp_type", "cg");
  bool const preconditioned = std::any_of(options.begin(), options.end(), [](auto const& option) {
    return option.first.starts_with("pc_");
  });
  if (!preconditioned && unknowns <= tiny) {
    options["pc_type"] = "redundant";
    options["redundant_pc_type"] = "svd";
  }
  options.try_emplace("pc_type", "gamg");
  auto const type = value_of(options, "ksp_type");
  if (type == "preonly") return options;
  options.try_emplace("ksp_rtol", "1e-10");
  if (std::find(norm_of_residual.begin(), norm_of_residual.end(), type) != norm_of_residual.end())
    options.try_emplace("ksp_norm_type", "unpreconditioned");
  return options;
}

// Options of solvers inside solvers, which exist only where the problem is large enough.
bool may_stay_unread(std::string_view name) {
  return name.starts_with("mg_levels_") || name.starts_with("mg_coarse_") ||
         name.starts_with("sub_") || name.starts_with("esteig_");
}

std::string reason_of(KSP ksp, KSPConvergedReason reason) {
  std::string text = std::string("KSP_") + KSPConvergedReasons[reason];
  if (reason != KSP_DIVERGED_PC_FAILED) return text;
  PC pc = nullptr;
  PCFailedReason why = PC_NOERROR;
  petsc_check(KSPGetPC(ksp, &pc), "KSPGetPC");
  petsc_check(PCGetFailedReason(pc, &why), "PCGetFailedReason");
  return text + " (" + PCFailedReasons[why] + ")";
}

} // namespace

LinearSolver::LinearSolver(Comm const& comm, PetscMatrix const& matrix, PetscOptions const& options)
    : _impl(std::make_unique<Impl>()) {
  require_petsc();
  static int made = 0;
  auto& s = *_impl;
  s.prefix = "moho" + std::to_string(made++) + "_";
  s.options = with_defaults(options, comm.sum(static_cast<std::int64_t>(matrix.rows())));
  for (auto const& [name, value] : s.options)
    petsc_check(PetscOptionsSetValue(nullptr, ("-" + s.prefix + name).c_str(),
                                     value.empty() ? nullptr : value.c_str()),
                "PetscOptionsSetValue");
  auto const rows = static_cast<PetscInt>(matrix.rows());
  for (Vec* v : {s.b.out(), s.x.out()})
    petsc_check(VecCreateMPIWithArray(comm.raw(), 1, rows, PETSC_DETERMINE, nullptr, v),
                "VecCreateMPIWithArray");
  petsc_check(VecCreateMPI(comm.raw(), rows, PETSC_DETERMINE, s.residual.out()), "VecCreateMPI");
  petsc_check(KSPCreate(comm.raw(), s.ksp.out()), "KSPCreate");
  petsc_check(KSPSetOptionsPrefix(s.ksp, s.prefix.c_str()), "KSPSetOptionsPrefix");
  petsc_check(KSPSetOperators(s.ksp, matrix.raw(), matrix.raw()), "KSPSetOperators");
  petsc_check(KSPSetFromOptions(s.ksp), "KSPSetFromOptions");
}

LinearSolver::~LinearSolver() = default;
LinearSolver::LinearSolver(LinearSolver&&) noexcept = default;
LinearSolver& LinearSolver::operator=(LinearSolver&&) noexcept = default;

namespace {

Mat matrix_of(KSP ksp) {
  Mat matrix = nullptr;
  petsc_check(KSPGetOperators(ksp, &matrix, nullptr), "KSPGetOperators");
  return matrix;
}

} // namespace

void LinearSolver::set_near_nullspace(std::span<double const> coordinates, int dim) {
  auto& s = *_impl;
  Handle<Vec, VecDestroy> points;
  auto const comm = PetscObjectComm(reinterpret_cast<PetscObject>(static_cast<KSP>(s.ksp)));
  petsc_check(VecCreateMPIWithArray(comm, dim, static_cast<PetscInt>(coordinates.size()),
                                    PETSC_DETERMINE, coordinates.data(), points.out()),
              "VecCreateMPIWithArray");
  s.near_kernel = {};
  petsc_check(MatNullSpaceCreateRigidBody(points, s.near_kernel.out()),
              "MatNullSpaceCreateRigidBody");
  petsc_check(MatSetNearNullSpace(matrix_of(s.ksp), s.near_kernel), "MatSetNearNullSpace");
}

void LinearSolver::set_constant_nullspace() {
  auto& s = *_impl;
  auto const comm = PetscObjectComm(reinterpret_cast<PetscObject>(static_cast<KSP>(s.ksp)));
  s.kernel = {};
  petsc_check(MatNullSpaceCreate(comm, PETSC_TRUE, 0, nullptr, s.kernel.out()),
              "MatNullSpaceCreate");
  petsc_check(MatSetNullSpace(matrix_of(s.ksp), s.kernel), "MatSetNullSpace");
  petsc_check(MatSetTransposeNullSpace(matrix_of(s.ksp), s.kernel), "MatSetTransposeNullSpace");
}

void LinearSolver::set_up() {
  auto& s = *_impl;
  petsc_check(KSPSetUp(s.ksp), "KSPSetUp");
  // KSPSetUp does nothing for a matrix whose values alone changed: PCSetUp looks at its state.
  PC pc = nullptr;
  petsc_check(KSPGetPC(s.ksp, &pc), "KSPGetPC");
  petsc_check(PCSetUp(pc), "PCSetUp");
  petsc_check(KSPSetUpOnBlocks(s.ksp), "KSPSetUpOnBlocks");
  if (s.checked) return;
  s.checked = true;
  std::string unread;
  for (auto const& [name, value] : s.options) {
    PetscBool used = PETSC_FALSE;
    petsc_check(PetscOptionsUsed(nullptr, (s.prefix + name).c_str(), &used), "PetscOptionsUsed");
    if (!used && !may_stay_unread(name)) unread += (unread.empty() ? "'" : ", '") + name + "'";
  }
  if (!unread.empty())
    throw Error("PETSc did not read the option " + unread + " (mistyped, or not one of ksp_type " +
                value_of(s.options, "ksp_type") + " with pc_type " +
                value_of(s.options, "pc_type") + "); remove or correct it");
}

SolveReport LinearSolver::solve(std::span<double const> b, std::span<double> x) {
  return run(b, x, false);
}

SolveReport LinearSolver::solve_transpose(std::span<double const> b, std::span<double> x) {
  return run(b, x, !symmetric());
}

// CG and MINRES are for symmetric matrices, so nothing needs the transposed preconditioner, which
// some do not have.
bool LinearSolver::symmetric() const {
  auto const type = value_of(_impl->options, "ksp_type");
  return type == "cg" || type == "minres";
}

SolveReport LinearSolver::run(std::span<double const> b, std::span<double> x, bool transpose) {
  auto& s = *_impl;
  set_up();
  auto const* right = b.data();
  if (s.kernel) {
    s.projected.assign(b.begin(), b.end());
    right = s.projected.data();
  }
  detail::Placed const in(s.b, right), out(s.x, x.data());
  if (s.kernel) // only what is orthogonal to the kernel can be reached
    petsc_check(MatNullSpaceRemove(s.kernel, s.b), "MatNullSpaceRemove");
  if (transpose)
    petsc_check(KSPSolveTranspose(s.ksp, s.b, s.x), "KSPSolveTranspose");
  else
    petsc_check(KSPSolve(s.ksp, s.b, s.x), "KSPSolve");
  if (s.kernel) petsc_check(MatNullSpaceRemove(s.kernel, s.x), "MatNullSpaceRemove");
  SolveReport report;
  KSPConvergedReason reason = KSP_CONVERGED_ITERATING;
  PetscInt iterations = 0;
  petsc_check(KSPGetConvergedReason(s.ksp, &reason), "KSPGetConvergedReason");
  petsc_check(KSPGetIterationNumber(s.ksp, &iterations), "KSPGetIterationNumber");
  report.converged = reason > 0;
  report.iterations = iterations;
  report.reason = reason_of(s.ksp, reason);
  Mat const matrix = matrix_of(s.ksp);
  if (transpose)
    petsc_check(MatMultTranspose(matrix, s.x, s.residual), "MatMultTranspose");
  else
    petsc_check(MatMult(matrix, s.x, s.residual), "MatMult");
  petsc_check(VecAYPX(s.residual, -1.0, s.b), "VecAYPX");
  petsc_check(VecNorm(s.residual, NORM_2, &report.residual), "VecNorm");
  petsc_check(VecNorm(s.b, NORM_2, &report.right_hand_side), "VecNorm");
  // PETSc's word depends on tolerances that anyone may set, and preonly gives it unseen.
  if (double const left = report.relative_residual(); report.converged && !(left <= solved)) {
    report.converged = false;
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), " (but %.3g of the right-hand side is left)", left);
    report.reason += text.data();
  }
  return report;
}

} // namespace moho::parallel
