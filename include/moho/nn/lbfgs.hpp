// SPDX-License-Identifier: BSD-3-Clause
// L-BFGS with a line search for the strong Wolfe conditions, on flat arrays.
#pragma once
#include "moho/nn/optimiser.hpp"
#include <functional>
#include <vector>

namespace moho::nn {

/// Defaults: those of torch.optim.LBFGS with line_search_fn='strong_wolfe'.
struct LbfgsOptions {
  double rate = 1;         ///< first trial of every line search but the first
  int max_iterations = 20; ///< of one `step`
  int max_evaluations = 0; ///< of one `step`, looked at between iterations; 0: 5/4 max_iterations
  double gradient_tolerance = 1e-7; ///< on the largest entry of the gradient
  double change_tolerance = 1e-9;   ///< on changes of the loss and of any parameter
  int history = 100;
};

enum class LbfgsStop {
  iterations,  ///< max_iterations are done
  evaluations, ///< max_evaluations are used up
  gradient,    ///< the gradient is within its tolerance
  step,        ///< no parameter changed by more than the tolerance
  loss,        ///< the loss changed by less than the tolerance
  not_descent, ///< the slope along the direction is no longer below minus the tolerance
  line_search, ///< no trial of the line search was better than where it began
  not_finite   ///< loss or gradient are not finite where the step begins
};
char const* describe(LbfgsStop stop);

/// What a call of `Lbfgs::step` did.
struct LbfgsReport {
  LbfgsStop stop = LbfgsStop::iterations;
  double first_loss = 0, loss = 0; ///< where it began and where it ended
  double gradient_largest = 0;     ///< largest absolute entry at the end
  int iterations = 0, evaluations = 0;
};

/// The minimum of the cubic with values f and slopes g at x1 and x2, held within [low, high]; their
/// middle where it has none or something is not finite.
double cubic_minimum(double x1, double f1, double g1, double x2, double f2, double g2, double low,
                     double high);

/// Limited-memory BFGS (Nocedal & Wright, 2006, algorithms 7.4, 3.5 and 3.6), in logic the one of
/// torch.optim.LBFGS. T: float or double; inner products are double and in a fixed order. A trial
/// whose loss or slope is not finite counts as too long a step. Nothing is allocated by a step.
template <class T>
class Lbfgs {
public:
  /// Returns the loss at `parameters` and writes its gradient. Both arrays are the same ones on
  /// every call of a `step`.
  using Objective =
      std::function<double(FlatArray<T> const& parameters, FlatArray<T> const& gradient)>;

  explicit Lbfgs(std::size_t parameters, LbfgsOptions const& options = {});
  Lbfgs(Lbfgs const&) = delete;
  Lbfgs& operator=(Lbfgs const&) = delete;

  /// Up to max_iterations iterations. The parameters end at the best point found; `evaluate` was
  /// not necessarily called there last.
  LbfgsReport step(ExecutionSpace const& space, FlatArray<T> const& parameters,
                   Objective const& evaluate);
  /// Forgets the curvature, for an objective that has changed.
  void reset();

  OptimiserState<T> state() const;
  /// Throws moho::Error for a state of another kind, size or set of options, and is unchanged then.
  void restore(OptimiserState<T> const& state);

  std::size_t size() const { return _size; }
  std::int64_t iterations() const { return _iterations; } ///< of all steps
  std::int64_t evaluations() const { return _evaluations; }

private:
  /// A point on the line; `slope` is the derivative along the direction.
  struct Point {
    double t = 0, loss = 0, slope = 0;
    int buffer = 0; ///< row of _bracket with the gradient there
  };
  struct Line; ///< what a line search works on

  void remember(ExecutionSpace const& space);
  void find_direction(ExecutionSpace const& space);
  bool search(ExecutionSpace const& space, Line& line);
  bool bracket(ExecutionSpace const& space, Line& line, Point (&ends)[2]);
  void zoom(ExecutionSpace const& space, Line& line, Point (&ends)[2]);
  Point trial(ExecutionSpace const& space, Line& line, double t);
  LbfgsReport iterate(ExecutionSpace const& space, Line& line, LbfgsReport report);
  std::size_t slot(std::size_t age) const; ///< 0: the oldest pair

  std::size_t _size;
  LbfgsOptions _options;
  FlatSums _sums;
  std::int64_t _iterations = 0, _evaluations = 0;
  // Pairs: a ring of `history` rows each; row r holds y = change of gradient, s = change of
  // parameters; _inverse[r] = 1 / (y . s), on the device, and _inverse_host.
  std::size_t _pairs = 0, _oldest = 0;
  Kokkos::View<T**, Kokkos::LayoutRight, MemorySpace> _y, _s;
  Kokkos::View<double*, MemorySpace> _inverse, _dots;
  std::vector<double> _inverse_host;
  double _scale = 1, _length = 0, _previous_loss = 0;
  FlatArray<T> _start, _direction, _gradient, _previous_gradient;
  Kokkos::View<T**, Kokkos::LayoutRight, MemorySpace> _bracket; ///< gradients at the two ends
};

} // namespace moho::nn
