// SPDX-License-Identifier: BSD-3-Clause
// Problems and methods by name, with settings; equations of every kind.
#pragma once
#include "moho/core/error.hpp"
#include "moho/study/function_batch.hpp"
#include "moho/study/pinn.hpp"
#include "support/mpi_support.hpp"
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace moho::study::test {

using Settings = std::map<std::string, Value>;

inline Parameters with(std::vector<ParameterSpec> const& specs, Settings const& settings) {
  Parameters all = defaults(specs);
  for (auto const& [key, value] : settings) all.set(key, value);
  return all;
}

inline std::unique_ptr<Problem> problem(std::string const& equation,
                                        Settings const& settings = {}) {
  ProblemEntry const& entry = find_problem("pinn-" + equation);
  return entry.make(with(entry.parameters, settings), {});
}

inline SpaceTimeEquation equation(std::string const& name, Settings const& settings = {}) {
  return capability<PhysicsInformed>(*problem(name, settings))->equation();
}

/// Each with coefficients of its own.
inline std::vector<std::pair<std::string, Settings>> all_equations() {
  return {{"convection", {{"beta", 3.5}}},
          {"reaction", {{"rho", 4.0}}},
          {"wave", {{"speed", 1.5}, {"beta", std::int64_t{3}}}},
          {"reaction-diffusion", {{"rho", 3.0}, {"nu", 0.7}}}};
}

inline std::vector<SpaceTimeEquation> every_equation() {
  std::vector<SpaceTimeEquation> all;
  for (auto const& [name, settings] : all_equations()) all.push_back(equation(name, settings));
  return all;
}

/// What moho::Error `body` throws; "" if none.
inline std::string error_of(std::function<void()> const& body) {
  try {
    body();
  } catch (Error const& error) {
    return error.what();
  }
  return "";
}

/// Every part of `parts` occurs in `message`.
inline testing::AssertionResult names(std::string const& message,
                                      std::vector<std::string> const& parts) {
  for (std::string const& part : parts)
    if (message.find(part) == std::string::npos)
      return testing::AssertionFailure() << "'" << part << "' is missing in: " << message;
  return testing::AssertionSuccess();
}

/// Of the first metric of that name; NaN if there is none.
inline double metric(std::vector<Metric> const& metrics, std::string const& name) {
  for (Metric const& one : metrics)
    if (one.name == name) return one.value;
  return std::numeric_limits<double>::quiet_NaN();
}

} // namespace moho::study::test
