// SPDX-License-Identifier: BSD-3-Clause
// Identification of a coefficient: which conductivity k(x) belongs to the temperature u(x) of
// -div(k grad u) = 1 on the unit square, u = 0 on its boundary?
#pragma once
#include "moho/core/error.hpp"
#include "moho/study/fem_system.hpp"
#include "moho/study/method.hpp"
#include "moho/study/registry.hpp"
#include "moho/study/replicated.hpp"
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace moho::study {

/// Linear triangles of side 1 / n; k is linear in them: a value at each node.
struct ConductivityGrid {
  int n = 25;
  std::size_t nodes() const {
    return static_cast<std::size_t>(n + 1) * static_cast<std::size_t>(n + 1);
  }
};

/// A solve that failed: `report` tells how.
class Unsolved : public Error {
public:
  explicit Unsolved(parallel::SolveReport const& how)
      : Error("conductivity: the solver did not converge (" + how.ending() +
                  ") check the options in [petsc]",
              ExitCode::invalid),
        report(how) {}
  parallel::SolveReport report;
};

/// The solution and the misfit to data, with its adjoint derivative. Fields are values at all
/// nodes by id (x fastest), the same on every rank; all members are collective and give every rank
/// the same bits, on any number of ranks where the solver does so (the default factors the matrix
/// on each rank).
class ConductivityModel {
public:
  ConductivityModel(parallel::Comm const& comm, ConductivityGrid const& grid,
                    SystemOptions options = {});

  /// u of a conductivity: one Map, one solve. Throws Unsolved, as all that solve do.
  std::vector<double> solve(std::span<double const> k);
  /// 1/2 of the integral of (u - data)^2: two Maps (matrix and vector), one solve.
  double misfit(std::span<double const> k, std::span<double const> data);
  /// Its derivative by k at the last arguments: K lambda = M (u - data), dJ/dk = -lambda (dK/dk) u.
  /// One solve with the factors that are there, one Map.
  std::vector<double> gradient();
  /// 1/2 of the integral of the square of a field.
  double half_square(std::span<double const> field);

  struct Work {
    std::int64_t maps = 0, solves = 0, gradients = 0, gradient_maps = 0, gradient_solves = 0;
  };
  Work const& work() const { return _work; }
  std::vector<Phase> phases() const; ///< times so far: assembly, solve, gradient
  parallel::SolveReport const& report() const { return _report; } ///< of the last solve
  FemSpace const& space() const { return *_space; }
  std::vector<double> const& points() const { return _points; } ///< (nodes, 2) by id

private:
  void spread(std::span<double const> by_id, fem::Reals const& local) const;
  /// The mass matrix applied to a field; by id.
  std::vector<double> weigh(std::span<double const> field);
  void solve_system(fem::Reals const& b, fem::Reals const& x);

  ConductivityGrid _grid;
  std::shared_ptr<FemSpace const> _space;
  std::unique_ptr<FemSystem> _system;
  GatherById _nodes;
  fem::Form _form;
  fem::Reals _k, _load, _u, _lambda, _right, _slopes;
  std::vector<double> _points, _weighed;
  parallel::SolveReport _report;
  Work _work;
  double _assembly = 0, _solve = 0, _gradient = 0;
};

/// k = 1 + tanh(theta), in (0, 2), and what of a derivative by k is one by theta.
std::vector<double> conductivity_of(std::span<double const> theta);
std::vector<double> slopes_by_theta(std::span<double const> theta, std::vector<double> slopes);

/// What a method needs to know of the grid. A capability.
class ConductivityProblem {
public:
  virtual ~ConductivityProblem() = default;
  virtual ConductivityGrid const& grid() const = 0;
};

/// Task "conductivity". Inputs: `solution` (1, nodes), `point` (nodes, 2). Answers: `conductivity`
/// (1, nodes), and if the method has it `history` (iterates): the misfit.
inline constexpr char const* conductivity_task = "conductivity";

/// Problem `conductivity`: k = 1 + contrast sin(waves pi x) cos(waves pi y).
std::vector<ParameterSpec> conductivity_parameters();
std::vector<std::string> const& conductivity_metrics();
std::unique_ptr<Problem> make_conductivity(Parameters const& parameters, Environment const&);

/// Methods `adjoint-identification`, k = 1 + tanh(theta) by TAO from theta = 0, and
/// `constant-conductivity`, the best constant, which is trivial.
std::vector<ParameterSpec> adjoint_identification_parameters();
std::vector<std::string> const& adjoint_identification_metrics();
std::unique_ptr<Method> make_adjoint_identification(Parameters const& parameters);
std::vector<ParameterSpec> constant_conductivity_parameters();
std::unique_ptr<Method> make_constant_conductivity(Parameters const& parameters);

} // namespace moho::study
