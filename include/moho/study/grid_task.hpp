// SPDX-License-Identifier: BSD-3-Clause
// Function maps whose inputs and outputs are functions on one tensor grid: what a neural operator
// has to know beyond the number of values, and how it scales them.
#pragma once
#include "moho/parallel/communicator.hpp"
#include "moho/study/problem.hpp"
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace moho::study {

/// A tensor grid of equidistant points, the same for the inputs and the outputs of a problem.
/// A row of `input` or `output` (function_batch.hpp) is (points[0], .., points[d-1], channels),
/// the first axis slowest, the channel fastest.
struct Grid {
  std::vector<std::int64_t> points; ///< along each axis, x first
  bool periodic = false;            ///< in every direction
  std::vector<double> lower, upper; ///< of the box, along each axis
  /// Points stand at lower + i (upper - lower) / (n - 1) and the last one at `upper`; else at
  /// lower + i (upper - lower) / n, as a periodic grid, whose `upper` is `lower` again.
  bool ends_included = true;
  int input_channels = 1, output_channels = 1;

  std::size_t dimension() const { return points.size(); }
  std::size_t size() const; ///< points in all
  /// Place of each point along an axis.
  std::vector<double> coordinates(std::size_t axis) const;
};

/// Throws std::logic_error where the parts of a grid do not fit together: a defect of a problem.
void require_sound(Grid const& grid);

/// A problem of task "function map" whose rows are functions on a grid. A capability.
class Gridded {
public:
  virtual ~Gridded() = default;
  virtual Grid grid() const = 0;
};

/// The metrics of `assess_function` (function_batch.hpp), and truth_uncertainty: that of the truth,
/// relative, NaN where it is not known.
std::vector<std::string> const& grid_metrics();
Assessment assess_on_grid(Batch const& truth, Batch const& answers);

/// What a mean and deviation belong to: every value of a channel, or each value of a row by itself.
enum class Scaling { channel, point };

/// Shifts and scales rows to mean 0 and deviation 1 over the training items, and back.
struct Normalisation {
  std::size_t channels = 1;      ///< fastest within a row
  std::vector<double> mean;      ///< (channels) or (width of a row)
  std::vector<double> deviation; ///< as `mean`; 0: never varied, see `undo`

  /// values := (values - mean) / deviation; 0 where the deviation is 0. `values` is (n, width).
  void apply(std::span<double> values) const;
  /// values := mean + deviation values: where training never varied (a boundary condition), the
  /// mean, whatever `values` says.
  void undo(std::span<double> values) const;
};

/// Mean and deviation (of the population: over n, not n - 1) of `values` (items, width), which
/// stand in item order; two passes, sums in item order, so that no number of ranks or threads
/// changes a bit. Deviations below 1e-13 of the largest value of their channel count as 0. Throws
/// moho::Error "constant normalisation channel .." that names `what` (such as "input of
/// burgers-1d") where no value of a channel varies, and for values that are not finite.
Normalisation normalisation(std::span<double const> values, std::size_t width, std::size_t channels,
                            Scaling scaling, std::string const& what);

/// The same from values that the root has (others pass nothing), on every rank. Collective; an
/// error of the root is thrown on all.
Normalisation normalisation(parallel::Comm const& comm, std::span<double const> values,
                            std::size_t width, std::size_t channels, Scaling scaling,
                            std::string const& what);

} // namespace moho::study
