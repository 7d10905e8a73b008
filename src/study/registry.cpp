// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/registry.hpp"
#include "moho/core/error.hpp"
#include "moho/study/dispersion_arrays.hpp"
#include "moho/study/dispersion_problem.hpp"
#include "moho/study/names.hpp"
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
  };
  return table;
}

std::span<const MethodEntry> methods() {
  static const std::vector<MethodEntry> table{
      {"dispersion-solver", "dispersion curves",
       "moho's solver: every root certified by the mode count", dispersion_solver_parameters(),
       make_dispersion_solver},
      {"halfspace-average", "dispersion curves",
       "0.92 of the mean shear velocity: the trivial answer that everything must beat",
       halfspace_average_parameters(), make_halfspace_average},
  };
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
