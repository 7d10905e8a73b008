// SPDX-License-Identifier: BSD-3-Clause
// PETSc's life and errors.
#include "moho/parallel/petsc.hpp"
#include "petsc_detail.hpp"
#include <array>
#include <limits>
#include <petscsys.h>

namespace moho::parallel {
namespace {

std::string message; // what PETSc said first; MPI is FUNNELED, so only one thread calls PETSc

// PETSc calls this at every level of its stack; the first tells what happened. Returns the code, so
// that the error climbs to moho, which throws it.
PetscErrorCode note_error(MPI_Comm, int, char const* function, char const*, PetscErrorCode code,
                          PetscErrorType type, char const* text, void*) {
  if (type != PETSC_ERROR_INITIAL) return code;
  char const* general = nullptr;
  static_cast<void>(PetscErrorMessage(code, &general, nullptr));
  message = text != nullptr && *text != '\0' ? text : (general != nullptr ? general : "no message");
  if (function != nullptr) message += std::string(", in ") + function;
  for (char& c : message)
    if (c == '\n') c = ' ';
  return code;
}

void finalize() {
  if (detail::petsc_is_alive()) static_cast<void>(PetscFinalize());
}

} // namespace

void require_petsc() {
  if (detail::petsc_is_alive()) return;
  PetscBool gone = PETSC_FALSE;
  static_cast<void>(PetscFinalized(&gone));
  if (gone) throw Error("PETSc was used after MPI's end (a defect of moho); please report it");
  // Solvers run on groups of ranks too, so starting PETSc must not be collective: its world is this
  // rank, and every object is given its communicator. moho has its own command line and handlers of
  // signals; a .petscrc would change results without a trace in the record.
  PETSC_COMM_WORLD = MPI_COMM_SELF;
  std::array<char, 5> name{"moho"};
  std::array<char, 19> signals{"-no_signal_handler"};
  std::array<char, 14> files{"-skip_petscrc"};
  std::array<char*, 4> arguments{name.data(), signals.data(), files.data(), nullptr};
  int count = 3;
  char** list = arguments.data();
  detail::petsc_check(PetscInitialize(&count, &list, nullptr, nullptr), "PetscInitialize");
  PETSC_STDOUT = stderr; // what viewers and monitors print is a log
  detail::petsc_check(PetscPushErrorHandler(note_error, nullptr), "PetscPushErrorHandler");
  before_finalize(finalize);
}

namespace detail {

bool petsc_is_alive() {
  PetscBool begun = PETSC_FALSE, gone = PETSC_FALSE;
  static_cast<void>(PetscInitialized(&begun));
  static_cast<void>(PetscFinalized(&gone));
  return begun && !gone;
}

std::string take_petsc_message() {
  return std::exchange(message, {});
}

void petsc_check(PetscErrorCode code, char const* call) {
  if (code == 0) return;
  auto const why = take_petsc_message();
  throw Error(std::string("PETSc's ") + call + " failed (" +
                  (why.empty() ? "error " + std::to_string(code) : why) +
                  "); check the [petsc] options and the matrix",
              ExitCode::crashed);
}

PetscInt petsc_int(std::int64_t n, char const* what) {
  if (n < 0 || n > std::numeric_limits<PetscInt>::max())
    throw Error(std::string(what) + " " + std::to_string(n) +
                " does not fit PETSc's 32-bit integer (this PETSc counts up to 2147483647); use a "
                "smaller problem");
  return static_cast<PetscInt>(n);
}

} // namespace detail
} // namespace moho::parallel
