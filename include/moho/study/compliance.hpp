// SPDX-License-Identifier: BSD-3-Clause
// Topology optimisation of a cantilever (SIMP): the stiffest plate of half the material. The recipe
// is that of JAX-FEM's and TensorMesh's published example. Bendsoe & Sigmund, "Topology
// Optimization" (2003); the method of moving asymptotes is Svanberg's (mma.hpp).
#pragma once
#include "moho/study/design_filter.hpp"
#include "moho/study/fem_system.hpp"
#include "moho/study/method.hpp"
#include "moho/study/registry.hpp"
#include "moho/study/replicated.hpp"
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace moho::study {

/// A plate (0, width) x (0, height) in plane stress, held at x = 0, pulled along its edge x = width
/// below y = load_height. Young's modulus of a cell of density rho is young_min + rho^penalty
/// (young - young_min).
struct Cantilever {
  int nx = 60, ny = 30; ///< bilinear quadrilaterals
  double width = 60, height = 30;
  double traction = -100, load_height = 3; ///< along y
  double young = 7e4, young_min = 70, poisson = 0.3, penalty = 3;
  double volume = 0.5;       ///< largest mean density
  double density_min = 1e-3; ///< smallest density
  double radius = 1.5;       ///< of the filter of sensitivities, in cell heights
  std::size_t cells() const { return static_cast<std::size_t>(nx) * static_cast<std::size_t>(ny); }
};

/// Compliance and its derivative. Designs are densities of all cells by id (x fastest), the same on
/// every rank; all members are collective and give every rank the same bits, on any number of ranks
/// where the solver does so (the default factors the matrix on each rank).
class ComplianceModel {
public:
  /// Throws moho::Error when the load ends inside of a cell's side.
  ComplianceModel(parallel::Comm const& comm, Cantilever const& plate, SystemOptions options = {});
  Cantilever const& plate() const { return _plate; }

  /// F . u of a design: one Map, one solve.
  double compliance(std::span<double const> density);
  /// Its derivative at the last design: self-adjoint, so no solve; one Map.
  std::vector<double> gradient();
  /// Of the last design: (nodes, 2) by id.
  std::vector<double> displacement() const;
  parallel::SolveReport const& report() const { return _report; } ///< of the last solve

  /// What was spent so far. A Map is one pass over all cells.
  struct Work {
    std::int64_t maps = 0, solves = 0, gradients = 0, gradient_maps = 0, gradient_solves = 0;
  };
  Work const& work() const { return _work; }
  /// Times so far: assembly, solve (with the factorisation), gradient.
  std::vector<Phase> phases() const;
  FemSpace const& space() const { return *_space; }

private:
  Cantilever _plate;
  std::shared_ptr<FemSpace const> _space;
  std::unique_ptr<FemSystem> _system;
  GatherById _nodes, _cells;
  std::vector<std::uint8_t> _counted;
  fem::Form _form;
  fem::Reals _moduli, _slopes, _load, _u;
  std::vector<double> _density, _load_by_id;
  parallel::SolveReport _report;
  Work _work;
  double _assembly = 0, _solve = 0, _gradient = 0;
};

/// Centres of its cells, (cells, 2).
std::vector<double> cell_centres(Cantilever const& plate);

/// What a method that optimises the plate needs to know. A capability.
class ComplianceProblem {
public:
  virtual ~ComplianceProblem() = default;
  virtual Cantilever const& plate() const = 0;
};

/// Task "design". Inputs: `density`, (1, cells), the design to start from. Answers: `density` (1,
/// cells); and if the method has them `compliance` (1), `displacement` (nodes, 2), `history`
/// (designs tried, 3): compliance, mean density, largest change.
inline constexpr char const* design_task = "design";

/// Problem `compliance`.
std::vector<ParameterSpec> compliance_parameters();
std::vector<std::string> const& compliance_metrics();
std::unique_ptr<Problem> make_compliance(Parameters const& parameters, Environment const&);

/// Methods `simp-mma`, `simp-oc` (optimality criteria) and `uniform-design`, which is trivial.
/// Counters: designs, maps, solves, gradient_maps, gradient_solves, multiplier_evaluations.
std::vector<ParameterSpec> simp_parameters();
std::vector<std::string> const& simp_metrics();
std::unique_ptr<Method> make_simp_mma(Parameters const& parameters);
std::unique_ptr<Method> make_simp_oc(Parameters const& parameters);
std::vector<ParameterSpec> uniform_design_parameters();
std::unique_ptr<Method> make_uniform_design(Parameters const& parameters);

} // namespace moho::study
