// SPDX-License-Identifier: BSD-3-Clause
// Problems and methods through the registry.
#pragma once
#include "support/by_name.hpp"
#include "support/errors.hpp"
#include "support/mpi_support.hpp"
#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace moho::study::test {

using moho::test::method;
using moho::test::problem;
using moho::test::Settings;

inline std::string text(char const* value) {
  return value;
}

inline std::int64_t whole(int value) {
  return value;
}

/// What a run leaves: metrics and checks by name (metrics on the root), answers.
struct Outcome {
  Preparation preparation;
  Cost cost;
  Batch answers;
  std::map<std::string, double> metrics;
  std::map<std::string, bool> checks;
};

inline Outcome run(Problem const& asked, Method& method,
                   parallel::Comm const& comm = parallel::Comm()) {
  Outcome result;
  result.preparation = method.prepare(asked, comm);
  const Batch inputs = asked.draw(Split::test, 0, asked.count(Split::test));
  method.apply(inputs, result.answers);
  result.cost = method.cost();
  Assessment found = method.examine(result.answers);
  const Batch truth = asked.truth(inputs, comm);
  if (comm.root())
    for (Metric const& metric : asked.assess(inputs, truth, result.answers).metrics)
      result.metrics[metric.name] = metric.value;
  for (auto const* metrics : {&result.preparation.metrics, &result.cost.metrics, &found.metrics})
    for (Metric const& metric : *metrics) result.metrics[metric.name] = metric.value;
  for (auto const* checks : {&result.preparation.checks, &result.cost.checks, &found.checks})
    for (Check const& check : *checks) result.checks[check.name] = check.pass();
  return result;
}

/// Collective: `body` throws an Error with `part` in it on every rank.
template <class Body>
void expect_error(std::string const& part, Body&& body) {
  EXPECT_TRUE(moho::test::names(
      moho::test::error_of([&] { parallel::run_collectively(parallel::Comm(), body); }), {part}));
}

inline void expect_all_pass(std::vector<Check> const& checks) {
  EXPECT_FALSE(checks.empty());
  std::size_t controls = 0;
  for (Check const& check : checks) {
    EXPECT_TRUE(check.pass()) << check.name << " " << check.value << " " << check.limit;
    controls += check.name.rfind("control.", 0) == 0;
  }
  EXPECT_EQ(2 * controls, checks.size());
}

} // namespace moho::study::test
