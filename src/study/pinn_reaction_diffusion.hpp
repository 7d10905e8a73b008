// SPDX-License-Identifier: BSD-3-Clause
// A reference solution of u_t = nu u_xx + rho u (1 - u) on a circle.
#pragma once
#include <cstddef>
#include <span>
#include <vector>

namespace moho::study {

struct ReactionDiffusion {
  double nu = 1, rho = 1, length = 1;

  /// Strang's splitting (1968): half a step of the reaction, a step of diffusion, half a step of
  /// the reaction, each exact; diffusion in Fourier modes. Order 2. (times, nodes), from `start` at
  /// the nodes j length / nodes; `steps` between one time and the next.
  std::vector<double> split(std::span<double const> start, double until, std::size_t times,
                            std::size_t steps) const;
  /// Extrapolated (Richardson) from `steps` and 2 `steps`: the error of Strang's splitting has even
  /// powers of the step alone, so this is of order 4.
  std::vector<double> solve(std::span<double const> start, double until, std::size_t times,
                            std::size_t steps) const;
  /// d^2 u / dx^2 at the nodes.
  std::vector<double> second_derivative(std::span<double const> u) const;
};

} // namespace moho::study
