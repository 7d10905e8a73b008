// SPDX-License-Identifier: BSD-3-Clause
#include "moho/parallel/minimise.hpp"
#include "petsc_detail.hpp"
#include <exception>
#include <petsctao.h>

namespace moho::parallel {
using detail::Handle;
using detail::petsc_check;

namespace {

constexpr auto no_error = static_cast<PetscErrorCode>(0); // older PETScs have no PETSC_SUCCESS

struct Callback {
  Objective const* f;
  std::exception_ptr error;
  std::vector<double> history;
};

// An exception must not pass through PETSc's C code: it waits in `error`.
PetscErrorCode evaluate(Tao, Vec x, PetscReal* value, Vec gradient, void* context) {
  auto& callback = *static_cast<Callback*>(context);
  double const* from = nullptr;
  double* to = nullptr;
  PetscInt size = 0;
  PetscCall(VecGetLocalSize(x, &size));
  PetscCall(VecGetArrayRead(x, &from));
  PetscCall(VecGetArray(gradient, &to));
  try {
    auto const n = static_cast<std::size_t>(size);
    *value = (*callback.f)({from, n}, {to, n});
  } catch (...) {
    callback.error = std::current_exception();
  }
  PetscCall(VecRestoreArray(gradient, &to));
  PetscCall(VecRestoreArrayRead(x, &from));
  return callback.error ? PETSC_ERR_USER : no_error;
}

PetscErrorCode monitor(Tao tao, void* context) {
  PetscReal value = 0;
  PetscCall(TaoGetSolutionStatus(tao, nullptr, &value, nullptr, nullptr, nullptr, nullptr));
  static_cast<Callback*>(context)->history.push_back(value);
  return no_error;
}

/// PETSc's database holds the options while this lives.
class Given {
public:
  Given(std::string prefix, PetscOptions const& options)
      : _prefix(std::move(prefix)), _options(options) {
    for (auto const& [name, value] : _options)
      petsc_check(PetscOptionsSetValue(nullptr, ("-" + _prefix + name).c_str(),
                                       value.empty() ? nullptr : value.c_str()),
                  "PetscOptionsSetValue");
  }
  Given(Given const&) = delete;
  Given& operator=(Given const&) = delete;
  ~Given() {
    for (auto const& [name, value] : _options)
      static_cast<void>(PetscOptionsClearValue(nullptr, ("-" + _prefix + name).c_str()));
  }
  void require_read() const {
    for (auto const& [name, value] : _options) {
      PetscBool used = PETSC_FALSE;
      petsc_check(PetscOptionsUsed(nullptr, (_prefix + name).c_str(), &used), "PetscOptionsUsed");
      if (!used)
        throw Error("PETSc did not read the option '" + name +
                    "' (mistyped, or not one of this minimiser) remove or correct it");
    }
  }

private:
  std::string _prefix;
  PetscOptions _options;
};

/// How many pairs are kept. PETSc 3.18 reads it for lmvm without the prefix of the minimiser, and
/// TaoGetLMVMMatrix, the other way, fails.
PetscOptions memory_of(MinimiseOptions const& options, std::string const& prefix) {
  if (options.memory <= 0) return {};
  const std::string name = "tao_" + options.type + "_mat_lmvm_hist_size",
                    value = std::to_string(options.memory);
  return {{name, value}, {prefix + name, value}};
}

std::vector<double> bound(std::span<double const> given, std::size_t n, double otherwise) {
  if (given.empty()) return std::vector<double>(n, otherwise);
  return {given.begin(), given.end()};
}

} // namespace

namespace {

void configure(Tao tao, MinimiseOptions const& options, Callback& callback) {
  petsc_check(TaoSetObjectiveAndGradient(tao, nullptr, evaluate, &callback),
              "TaoSetObjectiveAndGradient");
#if PETSC_VERSION_GE(3, 21, 0)
  petsc_check(TaoMonitorSet(tao, monitor, &callback, nullptr), "TaoMonitorSet");
#else
  petsc_check(TaoSetMonitor(tao, monitor, &callback, nullptr), "TaoSetMonitor");
#endif
  petsc_check(TaoSetMaximumIterations(tao, options.iterations), "TaoSetMaximumIterations");
  petsc_check(TaoSetMaximumFunctionEvaluations(tao, options.evaluations),
              "TaoSetMaximumFunctionEvaluations");
  petsc_check(TaoSetFunctionLowerBound(tao, options.value), "TaoSetFunctionLowerBound");
  petsc_check(TaoSetTolerances(tao, 0, 0, options.gradient), "TaoSetTolerances");
  petsc_check(TaoSetFromOptions(tao), "TaoSetFromOptions");
}

MinimiseReport report_of(Tao tao, std::vector<double> history) {
  MinimiseReport report;
  TaoConvergedReason reason = TAO_CONTINUE_ITERATING;
  PetscInt iterations = 0, evaluations = 0;
  petsc_check(TaoGetSolutionStatus(tao, &iterations, &report.value, &report.gradient, nullptr,
                                   nullptr, &reason),
              "TaoGetSolutionStatus");
  petsc_check(TaoGetCurrentFunctionEvaluations(tao, &evaluations),
              "TaoGetCurrentFunctionEvaluations");
  report.converged = reason > 0;
  report.reason = TaoConvergedReasons[reason];
  report.iterations = iterations;
  report.evaluations = evaluations;
  report.history = std::move(history);
  return report;
}

} // namespace

MinimiseReport minimise(Comm const& comm, Objective const& f, std::span<double> x,
                        MinimiseOptions const& options) {
  require_petsc();
  static int made = 0;
  const std::string prefix = "moho_min" + std::to_string(made++) + "_";
  const Given given(prefix, options.petsc), pairs("", memory_of(options, prefix));
  Handle<Vec, VecDestroy> vector, lower, upper;
  Handle<Tao, TaoDestroy> tao;
  Callback callback{&f, nullptr, {}};
  auto const size = detail::petsc_int(static_cast<std::int64_t>(x.size()), "unknowns");
  auto const make = [&](double const* values, Vec* to) {
    petsc_check(VecCreateMPIWithArray(comm.raw(), 1, size, PETSC_DETERMINE, values, to),
                "VecCreateMPIWithArray");
  };
  make(x.data(), vector.out());
  petsc_check(TaoCreate(comm.raw(), tao.out()), "TaoCreate");
  petsc_check(TaoSetType(tao, options.type.c_str()), "TaoSetType");
  petsc_check(TaoSetOptionsPrefix(tao, prefix.c_str()), "TaoSetOptionsPrefix");
  petsc_check(TaoSetSolution(tao, vector), "TaoSetSolution");
  const std::vector<double> least = bound(options.lower, x.size(), PETSC_NINFINITY),
                            most = bound(options.upper, x.size(), PETSC_INFINITY);
  if (!options.lower.empty() || !options.upper.empty()) {
    make(least.data(), lower.out());
    make(most.data(), upper.out());
    petsc_check(TaoSetVariableBounds(tao, lower, upper), "TaoSetVariableBounds");
  }
  configure(tao, options, callback);
  PetscErrorCode const code = TaoSolve(tao);
  if (callback.error) {
    detail::take_petsc_message();
    std::rethrow_exception(callback.error);
  }
  petsc_check(code, "TaoSolve");
  given.require_read();
  return report_of(tao, std::move(callback.history));
}

} // namespace moho::parallel
