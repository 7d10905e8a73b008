// SPDX-License-Identifier: BSD-3-Clause
#pragma once
#include "moho/study/method.hpp"
#include "support/by_name.hpp"
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace moho::study {

using test::with;

/// What a method answers when it was prepared on the problem.
inline Batch answers_of(Problem const& problem, Method& method, parallel::Comm const& comm) {
  method.prepare(problem, comm);
  Batch out;
  method.apply(problem.draw(Split::test, 0, 1), out);
  return out;
}

inline Assessment assessed(Problem const& problem, Batch const& answers) {
  const Batch inputs = problem.draw(Split::test, 0, 1);
  return problem.assess(inputs, problem.truth(inputs, parallel::Comm::self()), answers);
}

inline std::int64_t counter(Cost const& cost, std::string const& name) {
  for (Counter const& c : cost.counters)
    if (c.name == name) return c.value;
  ADD_FAILURE() << "no counter " << name;
  return 0;
}

/// All checks pass, controls included; those named are there, each with its control.
inline void expect_sound(std::vector<Check> const& checks, std::vector<std::string> const& names) {
  auto const count = [&](std::string const& name) {
    int found = 0;
    for (Check const& check : checks) found += check.name == name ? 1 : 0;
    return found;
  };
  for (Check const& check : checks)
    EXPECT_TRUE(check.pass()) << check.name << ' ' << check.value << ' ' << check.limit;
  for (std::string const& name : names) {
    EXPECT_EQ(count(name), 1) << name;
    EXPECT_EQ(count("control." + name), 1) << name;
  }
}

inline double metric(Assessment const& found, std::string const& name) {
  for (Metric const& m : found.metrics)
    if (m.name == name) return m.value;
  ADD_FAILURE() << "no metric " << name;
  return 0;
}

} // namespace moho::study
