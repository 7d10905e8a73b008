// SPDX-License-Identifier: BSD-3-Clause
// The table of equations in space-time.
#pragma once
#include "moho/study/pinn.hpp"
#include <span>

namespace moho::study {

struct EquationEntry {
  std::string name, summary;
  std::vector<ParameterSpec> parameters;
  std::string raised; ///< the parameter that is the equation's `coefficient`
  SpaceTimeEquation (*make)(Parameters const& parameters, double coefficient);
  /// The solution; nullptr: there is no closed form.
  double (*exact)(Parameters const& parameters, double x, double t);
  /// In which the solution changes, along x and t.
  double (*scale)(Parameters const& parameters);
};

std::span<const EquationEntry> equation_entries();
/// Throws moho::Error that names them.
EquationEntry const& find_equation(std::string const& name);

/// The checks of an equation's truth, each with its control.
std::vector<Check> equation_checks(EquationEntry const& entry, Parameters const& parameters);

/// The derivatives of a function of (x, t) that an equation asks for, by differences, at points
/// (n, 2), and what a residual makes of them: its values there (n).
using SpaceTimeField = std::function<double(double x, double t)>;
std::vector<double> residual_of(SpaceTimeEquation const& equation, SpaceTimeField const& field,
                                std::vector<double> const& points, double step);
/// streams[0] values, then first and, of order 2, second derivatives of each direction, last the
/// combined one; (n) each.
std::vector<double> residual_of(SpaceTimeEquation const& equation,
                                std::vector<std::vector<double>> const& streams);

} // namespace moho::study
