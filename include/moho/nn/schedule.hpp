// SPDX-License-Identifier: BSD-3-Clause
// Learning rates and curricula as pure functions of the step: a restart needs no state of theirs.
#pragma once
#include <cstdint>

namespace moho::nn {

/// How a learning rate changes from its base value.
struct Schedule {
  enum class Kind {
    constant,
    step,  ///< times `factor` after every `period` steps
    cosine ///< half a cosine from the base to `last` over `period` steps, `last` from then on
  };
  Kind kind = Kind::constant;
  double base = 1e-3;
  std::int64_t period = 0; ///< positive, unless constant
  double factor = 0.5;
  double last = 0;
  /// The first `warm_up` steps have the rates base / warm_up, 2 base / warm_up, .., base; the
  /// schedule proper begins after them.
  std::int64_t warm_up = 0;
};

/// Throws moho::Error for a schedule that has no meaning (a period that is not positive, a rate
/// below zero or not finite, a negative warm-up).
void check(Schedule const& schedule);

/// Learning rate of step 0, 1, ..
double learning_rate(Schedule const& schedule, std::int64_t step);

/// A coefficient of the problem that is raised in stages while the weights are carried over
/// (Krishnapriyan et al., 2021): first, first + increment, .., and `target` itself in the end.
struct Curriculum {
  double first = 0, increment = 0.05, target = 0;
  std::int64_t inner_steps = 500; ///< at most, of one stage

  /// Number of stages; throws moho::Error unless the increment leads from first to target.
  std::int64_t stages() const;
  /// Coefficient of a stage; `target` at the last one and beyond.
  double value(std::int64_t stage) const;
  /// The stage of a step, where every stage has inner_steps of them; stages() - 1 at the most.
  std::int64_t stage_of(std::int64_t step) const;
  /// The stage after `steps` steps in `stage`: the next one when the inner problem is solved or has
  /// had its steps; stages() when all is done.
  std::int64_t next(std::int64_t stage, std::int64_t steps, bool solved) const;
};

} // namespace moho::nn
