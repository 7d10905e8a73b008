// SPDX-License-Identifier: BSD-3-Clause
// The one table of problems and methods, with the parameters each declares.
#pragma once
#include "moho/study/parameters.hpp"
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace moho::study {

class Method;
class Problem;

/// Where a run finds what is not in its study file. Not part of a case's identity.
struct Environment {
  std::string data; ///< --data: folder of reference data; "" = $MOHO_DATA, else the source folder
  int ranks = 0;    ///< size of the launch where the case belongs to one (axis `ranks`), else 0
};

/// The path of a file of reference data, e.g. "dispersion/ref_fold.json". Throws moho::Error naming
/// the places that were searched.
std::string data_file(Environment const& environment, std::string const& name);

struct ProblemEntry {
  std::string name, task, summary; ///< task: what kind of answer is asked for
  std::vector<ParameterSpec> parameters;
  std::vector<std::string> metrics; ///< every metric that `assess` can return
  /// Throws moho::Error on parameters that do not make sense together.
  std::function<std::unique_ptr<Problem>(Parameters const&, Environment const&)> make;
};

struct MethodEntry {
  std::string name, task, summary; ///< it answers problems of the same task
  std::vector<ParameterSpec> parameters;
  std::function<std::unique_ptr<Method>(Parameters const&)> make;
  std::vector<std::string> metrics = {}; ///< every metric that `prepare` and `cost` can return
};

std::span<const ProblemEntry> problems();
std::span<const MethodEntry> methods();

/// Throw moho::Error that suggests the nearest name.
ProblemEntry const& find_problem(std::string const& name);
MethodEntry const& find_method(std::string const& name);

/// The defaults of what is declared.
Parameters defaults(std::span<const ParameterSpec> specs);

} // namespace moho::study
