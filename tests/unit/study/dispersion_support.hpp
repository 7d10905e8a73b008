// SPDX-License-Identifier: BSD-3-Clause
// Shared by the tests of dispersion problems.
#pragma once
#include "moho/study/method.hpp"
#include "moho/study/problem.hpp"
#include "support/errors.hpp"
#include <functional>
#include <gtest/gtest.h>
#include <limits>
#include <string>
#include <vector>

namespace moho::study::test_support {

/// A metric of an assessment; a failure of the test if it has none of that name.
inline double metric(Assessment const& assessment, std::string const& name) {
  for (Metric const& m : assessment.metrics)
    if (m.name == name) return m.value;
  ADD_FAILURE() << "no metric " << name;
  return std::numeric_limits<double>::quiet_NaN();
}

/// What a method's answers to all that is asked are worth. Collective; the root's alone counts.
inline Assessment answered(Problem const& problem, Method& method) {
  const parallel::Comm comm;
  const Batch inputs = problem.draw(Split::test, 0, problem.count(Split::test));
  Batch answers;
  method.prepare(problem, comm);
  method.apply(inputs, answers);
  const Batch truth = problem.truth(inputs, comm);
  return comm.root() ? problem.assess(inputs, truth, answers) : Assessment{};
}

/// Expects a moho::Error whose text has all `parts`.
inline void expect_refused(std::function<void()> const& action,
                           std::vector<std::string> const& parts) {
  EXPECT_TRUE(moho::test::names(moho::test::error_of(action), parts));
}

/// Expects that every check passes, and that each has its control.
inline void expect_sound(std::vector<Check> const& checks) {
  for (Check const& check : checks) {
    EXPECT_TRUE(check.pass()) << check.name << " = " << check.value;
    bool found = check.name.rfind("control.", 0) == 0;
    for (Check const& other : checks) found = found || other.name == "control." + check.name;
    EXPECT_TRUE(found) << check.name << " has no control";
  }
}

} // namespace moho::study::test_support
