// SPDX-License-Identifier: BSD-3-Clause
// What the problem `burgers-1d` and its checks share.
#pragma once
#include "burgers_solver.hpp"
#include "gaussian_field.hpp"
#include "moho/study/problem.hpp"
#include <cstdint>
#include <vector>

namespace moho::study {

struct BurgersSettings {
  std::size_t points = 0, grid = 0, steps = 0, refine = 0;
  double nu = 0, time = 0;
  Covariance covariance;
  bool constant = false;
  std::size_t train = 0, test = 0;
  std::uint64_t seed = 0;

  PeriodicField field() const { return {covariance, grid / 2 - 1, constant}; }
  BurgersSolver solver(std::size_t finer = 1) const {
    return {finer * grid, nu, time, finer * steps};
  }
};

/// Closed forms, order in time, invariants, statistics of the field; the same on every rank.
std::vector<Check> burgers_checks(BurgersSettings const& settings);

} // namespace moho::study
