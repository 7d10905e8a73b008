// SPDX-License-Identifier: BSD-3-Clause
// What the problem `darcy-operator` and its checks share.
#pragma once
#include "gaussian_field.hpp"
#include "moho/study/problem.hpp"
#include "operator_darcy_solver.hpp"
#include <cmath>
#include <cstdint>
#include <vector>

namespace moho::study {

struct DarcyOperatorSettings {
  std::size_t points = 0, grid = 0, modes = 0; ///< modes: not 0
  double low = 0, high = 0, alpha = 0, tau = 0;
  std::size_t train = 0, test = 0;
  std::uint64_t seed = 0;

  /// g on `nodes` nodes along a side.
  NeumannField field(std::size_t nodes) const {
    return {{std::pow(tau, alpha - 1), tau, alpha}, modes, nodes};
  }
  /// a of g.
  std::vector<double> coefficient(std::vector<double> field) const {
    for (double& value : field) value = value >= 0 ? high : low;
    return field;
  }
};

/// Order of the scheme, closed forms, bounds of the solution, statistics of the field; the same on
/// every rank.
std::vector<Check> darcy_operator_checks(DarcyOperatorSettings const& settings);

} // namespace moho::study
