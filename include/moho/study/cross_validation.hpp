// SPDX-License-Identifier: BSD-3-Clause
// Generalization matrices: a method prepared on each space and asked about all (arXiv 2506.15199).
#pragma once
#include "moho/study/problem.hpp"
#include <cstddef>
#include <vector>

namespace moho::study {

/// error[a * spaces + b]: prepared on spaces[a], asked about spaces[b].
struct GeneralizationMatrix {
  std::vector<Space> spaces;
  std::vector<double> error; ///< relative mean square error (n, n), row-major
};

/// NaN where no pair of spaces is of the kind.
struct Generalization {
  double sgi;         ///< of the pairs b within a: the share with error <= max(tau, 10 error[a][a])
  double ood_jump;    ///< median of log10(error[a][b] / error[a][a]) over b not within a
  double diagonality; ///< the same over b properly within a, of one family; 0: subspaces generalise
  double in_span_max; ///< largest error over b within a
  double out_of_span_min; ///< smallest over b not within a
  double broadest;        ///< row whose worst error is the smallest
  double broadest_worst;  ///< that error
};

/// spec: SGI(tau), OODjump, diagonality. Errors below the square of the round-off (4.9e-32) count
/// as that. A NaN or infinite error is the worst there is: never within a limit; a row whose own
/// error is one has no jumps. Throws std::logic_error on sizes that differ.
Generalization generalization(GeneralizationMatrix const& matrix, double tau);

} // namespace moho::study
