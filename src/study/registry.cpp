// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/registry.hpp"
#include "moho/core/error.hpp"
#include "moho/study/assembly_study.hpp"
#include "moho/study/burgers.hpp"
#include "moho/study/compliance.hpp"
#include "moho/study/conductivity.hpp"
#include "moho/study/darcy.hpp"
#include "moho/study/dataset.hpp"
#include "moho/study/dispersion_arrays.hpp"
#include "moho/study/dispersion_map.hpp"
#include "moho/study/dispersion_problem.hpp"
#include "moho/study/evolution.hpp"
#include "moho/study/fem_method.hpp"
#include "moho/study/field_batch.hpp"
#include "moho/study/function_batch.hpp"
#include "moho/study/function_methods.hpp"
#include "moho/study/grid_task.hpp"
#include "moho/study/names.hpp"
#include "moho/study/networks.hpp"
#include "moho/study/operator_darcy.hpp"
#include "moho/study/operator_problem.hpp"
#include "moho/study/pde_problems.hpp"
#include "moho/study/pinn.hpp"
#include <cstdlib>
#include <filesystem>

namespace moho::study {
namespace {

template <class Entry>
Entry const& find(std::span<const Entry> entries, std::string const& name, char const* kind) {
  std::vector<std::string> known;
  for (Entry const& entry : entries) {
    if (entry.name == name) return entry;
    known.push_back(entry.name);
  }
  throw Error(std::string("unknown ") + kind + " '" + name + "' (" + suggestion(name, known) + ")");
}

} // namespace

std::span<const ProblemEntry> problems() {
  static const std::vector<ProblemEntry> table{
      {"dispersion-reference", "dispersion curves",
       "Earth models with published phase and group velocities of every trapped mode",
       dispersion_reference_parameters(), curve_metrics(), make_dispersion_reference},
      {"dispersion-gradient", "dispersion curves",
       "any number of smooth, randomly perturbed models of the upper 100 km",
       dispersion_gradient_parameters(), curve_metrics(), make_dispersion_gradient},
      {"dispersion-prior", "dispersion curves",
       "models of the strong and weak priors of arXiv 2604.04107 or of random sites, in blocks",
       dispersion_prior_parameters(), prior_metrics(), make_dispersion_prior},
      {"dispersion-layering", "dispersion curves",
       "a smooth model cut into homogeneous layers, against the continuum",
       dispersion_layering_parameters(), curve_metrics(), make_dispersion_layering},
      {"dispersion-family", function_map,
       "profiles of a family of layered models to their Rayleigh dispersion curves",
       dispersion_family_parameters(), curve_map_metrics(), make_dispersion_family},
      {"operator-1d", function_map,
       "sources to solutions of a boundary-value problem on [0, 1], over a function space",
       operator_1d_parameters(), operator_1d_metrics(), make_operator_1d},
      {"poisson-2d", function_map, "the same on the unit square, over products of sines",
       poisson_2d_parameters(), function_metrics(), make_poisson_2d},
      {"coefficient-1d", coefficient_fit,
       "which coefficient belongs to pairs of sources and solutions", coefficient_1d_parameters(),
       coefficient_1d_metrics(), make_coefficient_1d},
      {"darcy", function_map,
       "lognormal coefficients of -div(k grad u) = 1 to solutions on the unit square",
       darcy_parameters(), darcy_metrics(), make_darcy},
      {"burgers-1d", function_map,
       "initial states of Burgers' equation on a circle to later ones, Gaussian (Li et al. 2021)",
       burgers_1d_parameters(), grid_metrics(), make_burgers_1d},
      {"darcy-operator", function_map,
       "coefficients of two values to solutions of -div(a grad u) = 1 (Li et al. 2021)",
       darcy_operator_parameters(), grid_metrics(), make_darcy_operator},
      {"dataset", function_map, "inputs and outputs from an HDF5 file in a layout of PDEBench",
       dataset_parameters(), grid_metrics(), make_dataset},
      {"poisson", field_task, "-div grad u = f on square, cube, l-shape, hollow cube, disk",
       poisson_parameters(), field_metrics(), make_poisson},
      {"diffusion", field_task,
       "-div(k grad u) + b . grad u + c u = f with a coefficient that varies",
       diffusion_parameters(), field_metrics(), make_diffusion},
      {"mixed-boundary", field_task, "-div grad u = f, Dirichlet, Neumann and Robin conditions",
       mixed_boundary_parameters(), field_metrics(), make_mixed_boundary},
      {"elasticity", field_task, "isotropic linear elasticity", elasticity_parameters(),
       field_metrics(), make_elasticity},
      {"helmholtz", field_task, "-div grad u - k^2 u = 0, a plane wave", helmholtz_parameters(),
       field_metrics(), make_helmholtz},
      {"heat", field_task, "u_t = div grad u, decaying sines", heat_parameters(), field_metrics(),
       make_heat},
      {"wave", field_task, "u_tt = c^2 div grad u, a standing wave on square or disk",
       wave_parameters(), field_metrics(), make_wave},
      {"allen-cahn", field_task, "u_t = div grad u + eps^2 u (1 - u^2) + f, phase separation",
       allen_cahn_parameters(), field_metrics(), make_allen_cahn},
      {"assembly", matrix_task, "the matrix of a form on a mesh, judged by what it does to fields",
       assembly_problem_parameters(), assembly_problem_metrics(), make_assembly_problem},
      {"compliance", design_task, "the stiffest cantilever of half the material (SIMP)",
       compliance_parameters(), compliance_metrics(), make_compliance},
      {"conductivity", conductivity_task,
       "which coefficient belongs to a solution of -div(k grad u) = 1", conductivity_parameters(),
       conductivity_metrics(), make_conductivity},
      pinn_problem("convection"),
      pinn_problem("reaction"),
      pinn_problem("wave"),
      pinn_problem("reaction-diffusion"),
  };
  return table;
}

namespace {

std::vector<MethodEntry> all_methods() {
  std::vector<MethodEntry> table{
      {"dispersion-solver", "dispersion curves",
       "moho's solver: every root certified by the mode count", dispersion_solver_parameters(),
       make_dispersion_solver},
      {"halfspace-average", "dispersion curves",
       "0.92 of the mean shear velocity: the trivial answer that everything must beat",
       halfspace_average_parameters(), make_halfspace_average},
      {"rayleigh-solver", function_map,
       "moho's solver on the layers of a model: what a surrogate has to be cheaper than",
       rayleigh_solver_parameters(), make_rayleigh_solver},
      {"linear-map", function_map, "u = W f by least squares: closed form, CGLS, GD or Adam",
       linear_map_parameters(), make_linear_map, linear_map_metrics()},
      {"fem-1d", function_map, "finite elements for 1D boundary-value problems: linear, Hermite",
       fem_1d_parameters(), make_fem_1d, fem_1d_metrics()},
      {"fem-batch", function_map, "finite elements for many coefficients, assembled at once",
       fem_batch_parameters(), make_fem_batch, fem_batch_metrics()},
      {"nearest-neighbour", function_map, "the answer of the nearest training item: trivial",
       nearest_neighbour_parameters(), make_nearest_neighbour},
      {"mean", function_map, "the mean of the training answers: trivial", mean_parameters(),
       make_mean},
      {"fd-fit", coefficient_fit, "a coefficient fitted to finite differences of any even order",
       fd_fit_parameters(), make_fd_fit},
      {"fem", field_task, "Lagrange finite elements P1, P2, Q1, Q2, solved by PETSc",
       fem_parameters(), make_fem, fem_metrics()},
      {"fem-evolution", field_task,
       "the same in space; backward Euler, Crank-Nicolson, Newmark or Eyre in time",
       fem_evolution_parameters(), make_fem_evolution, fem_evolution_metrics()},
      {"assembly", matrix_task, "re-assembly into a matrix of PETSc, by any policy",
       assembly_method_parameters(), make_assembly_method, assembly_method_metrics()},
      {"simp-mma", design_task, "topology optimisation by the method of moving asymptotes",
       simp_parameters(), make_simp_mma, simp_metrics()},
      {"simp-oc", design_task, "topology optimisation by optimality criteria", simp_parameters(),
       make_simp_oc, simp_metrics()},
      {"uniform-design", design_task, "the same density everywhere: trivial",
       uniform_design_parameters(), make_uniform_design},
      {"adjoint-identification", conductivity_task,
       "the adjoint gradient of the misfit, minimised by TAO", adjoint_identification_parameters(),
       make_adjoint_identification, adjoint_identification_metrics()},
      {"constant-conductivity", conductivity_task, "the best constant: trivial",
       constant_conductivity_parameters(), make_constant_conductivity},
      pinn_method(),
      {"initial-state", space_time_task, "u(x, t) = u(x, 0): trivial", {}, make_initial_state},
      {"initial-mean", space_time_task, "the mean of u(x, 0): trivial", {}, make_initial_mean},
  };
  for (NetworkEntry const& network : networks()) table.push_back(network_method(network));
  return table;
}

} // namespace

std::span<const MethodEntry> methods() {
  static const std::vector<MethodEntry> table = all_methods();
  return table;
}

ProblemEntry const& find_problem(std::string const& name) {
  return find(problems(), name, "problem");
}

MethodEntry const& find_method(std::string const& name) {
  return find(methods(), name, "method");
}

Parameters defaults(std::span<const ParameterSpec> specs) {
  Parameters result;
  for (ParameterSpec const& spec : specs) result.set(spec.key, spec.fallback);
  return result;
}

std::string data_file(Environment const& environment, std::string const& name) {
  namespace fs = std::filesystem;
  char const* variable = std::getenv("MOHO_DATA");
  std::string folder = environment.data;
  if (folder.empty() && variable != nullptr) folder = variable;
  if (folder.empty()) folder = MOHO_SOURCE_DIR "/reference";
  std::string searched;
  for (fs::path const& place : {fs::path(folder) / "physics" / name, fs::path(folder) / name,
                                fs::path(folder) / fs::path(name).filename()}) {
    std::error_code ignored;
    if (fs::exists(place, ignored)) return place.string();
    searched += (searched.empty() ? "" : ", ") + place.string();
  }
  throw Error("no reference data '" + name + "' (looked for " + searched +
              ") set --data DIR or MOHO_DATA to a copy of the folder reference/");
}

} // namespace moho::study
