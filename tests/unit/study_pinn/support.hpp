// SPDX-License-Identifier: BSD-3-Clause
// Equations of every kind.
#pragma once
#include "moho/study/function_batch.hpp"
#include "moho/study/pinn.hpp"
#include "support/by_name.hpp"
#include "support/errors.hpp"
#include "support/mpi_support.hpp"
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace moho::study::test {

using moho::test::error_of;
using moho::test::names;
using moho::test::Settings;
using moho::test::with;

inline std::unique_ptr<Problem> problem(std::string const& equation,
                                        Settings const& settings = {}) {
  return moho::test::problem("pinn-" + equation, settings);
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

/// Of the first metric of that name; NaN if there is none.
inline double metric(std::vector<Metric> const& metrics, std::string const& name) {
  for (Metric const& one : metrics)
    if (one.name == name) return one.value;
  return std::numeric_limits<double>::quiet_NaN();
}

} // namespace moho::study::test
