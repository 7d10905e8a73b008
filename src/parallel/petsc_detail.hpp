// SPDX-License-Identifier: BSD-3-Clause
// Shared by the sources that call PETSc: errors, handles that destroy themselves.
#pragma once
#include "moho/parallel/communicator.hpp"
#include <cstdint>
#include <string>
#include <utility>

#include <petscvec.h>

namespace moho::parallel::detail {

static_assert(sizeof(PetscInt) == sizeof(std::int32_t), "moho's matrices have 32-bit indices");
static_assert(sizeof(PetscScalar) == sizeof(double), "moho needs a PETSc of real doubles");

/// Throws moho::Error with what PETSc said if `code` is an error of `call`.
void petsc_check(PetscErrorCode code, char const* call);
/// The text of the last error of PETSc, without throwing; "" if there was none.
std::string take_petsc_message();
/// True between PetscInitialize and PetscFinalize.
bool petsc_is_alive();
/// `n` as PETSc's 32-bit integer; throws moho::Error naming `what` if it does not fit.
PetscInt petsc_int(std::int64_t n, char const* what);

/// A PETSc object that destroys itself, unless PETSc has gone already.
template <class T, PetscErrorCode (*destroy)(T*)>
class Handle {
public:
  Handle() = default;
  Handle(Handle const&) = delete;
  Handle& operator=(Handle const&) = delete;
  Handle(Handle&& other) noexcept : _object(std::exchange(other._object, nullptr)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(_object, other._object);
    return *this;
  }
  ~Handle() {
    if (_object && petsc_is_alive()) static_cast<void>(destroy(&_object));
  }
  operator T() const { return _object; }
  T* out() { return &_object; }

private:
  T _object = nullptr;
};

/// Gives a vector without memory of its own the caller's, as long as this lives.
class Placed {
public:
  Placed(Vec vector, double const* values) : _vector(vector) {
    petsc_check(VecPlaceArray(vector, values), "VecPlaceArray");
  }
  Placed(Placed const&) = delete;
  Placed& operator=(Placed const&) = delete;
  ~Placed() { static_cast<void>(VecResetArray(_vector)); }

private:
  Vec _vector;
};

} // namespace moho::parallel::detail
