// SPDX-License-Identifier: BSD-3-Clause
#include "moho/nn/schedule.hpp"
#include "moho/core/error.hpp"
#include <algorithm>
#include <cmath>
#include <string>

namespace moho::nn {

void check(Schedule const& schedule) {
  auto const refuse = [](std::string const& what, std::string const& why) {
    throw Error("the learning rate schedule has no meaning (" + what + ") " + why);
  };
  if (schedule.kind != Schedule::Kind::constant && schedule.period <= 0)
    refuse("its period is " + std::to_string(schedule.period) + " steps", "give at least 1");
  if (!(schedule.base >= 0) || !std::isfinite(schedule.base))
    refuse("its base is " + std::to_string(schedule.base), "give a finite rate of 0 or more");
  if (!(schedule.last >= 0) || !std::isfinite(schedule.last))
    refuse("its last rate is " + std::to_string(schedule.last), "give a finite rate of 0 or more");
  if (!(schedule.factor >= 0) || !std::isfinite(schedule.factor))
    refuse("its factor is " + std::to_string(schedule.factor), "give a finite one of 0 or more");
  if (schedule.warm_up < 0)
    refuse("its warm-up is " + std::to_string(schedule.warm_up) + " steps", "give 0 or more");
}

double learning_rate(Schedule const& schedule, std::int64_t step) {
  if (step < schedule.warm_up)
    return schedule.base * (static_cast<double>(step + 1) / static_cast<double>(schedule.warm_up));
  step -= schedule.warm_up;
  switch (schedule.kind) {
  case Schedule::Kind::constant:
    break;
  case Schedule::Kind::step:
    return schedule.base * std::pow(schedule.factor, static_cast<double>(step / schedule.period));
  case Schedule::Kind::cosine: {
    double const pi = 3.14159265358979323846;
    double const phase =
        static_cast<double>(std::min(step, schedule.period)) / static_cast<double>(schedule.period);
    return schedule.last + (schedule.base - schedule.last) * (1 + std::cos(pi * phase)) / 2;
  }
  }
  return schedule.base;
}

std::int64_t Curriculum::stages() const {
  double const steps = (target - first) / increment;
  if (target == first) return 1;
  if (!std::isfinite(steps) || steps < 0 || steps > 1e9)
    throw Error("the curriculum does not lead from " + std::to_string(first) + " to " +
                std::to_string(target) + " (its increment is " + std::to_string(increment) +
                ") give an increment towards the target");
  // 0.05 * 20 may fall short of 1 by rounding: that is no stage of its own.
  return static_cast<std::int64_t>(std::ceil(steps - 1e-9)) + 1;
}

double Curriculum::value(std::int64_t stage) const {
  return stage >= stages() - 1 ? target : first + static_cast<double>(stage) * increment;
}

std::int64_t Curriculum::stage_of(std::int64_t step) const {
  MOHO_REQUIRE(inner_steps > 0);
  return std::min(step / inner_steps, stages() - 1);
}

std::int64_t Curriculum::next(std::int64_t stage, std::int64_t steps, bool solved) const {
  return std::min(stage + (solved || steps >= inner_steps ? 1 : 0), stages());
}

} // namespace moho::nn
