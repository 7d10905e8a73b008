// SPDX-License-Identifier: BSD-3-Clause
// Problem and method `assembly` through the registry.
#pragma once
#include "moho/study/assembly_study.hpp"
#include "support/by_name.hpp"
#include "support/errors.hpp"
#include "support/mpi_support.hpp"
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace moho::study::test {

using moho::test::Settings;

inline Value text(char const* value) {
  return std::string(value);
}

inline Value whole(std::int64_t value) {
  return value;
}

inline std::unique_ptr<Problem> problem(Settings const& settings, int ranks = 0) {
  Environment environment;
  environment.ranks = ranks;
  return moho::test::problem("assembly", settings, environment);
}

inline std::unique_ptr<Method> method(Settings const& settings = {}) {
  return moho::test::method("assembly", settings);
}

/// What a run leaves, by name.
struct Outcome {
  std::map<std::string, double> metrics;
  std::map<std::string, std::int64_t> counters;
  std::vector<std::string> phases; ///< of prepare, then of apply
  Batch inputs, truth, answers;
};

inline Outcome run(Problem const& asked, Settings const& settings = {}) {
  const parallel::Comm comm;
  Outcome result;
  auto const answers_it = method(settings);
  Preparation const preparation = answers_it->prepare(asked, comm);
  result.inputs = asked.draw(Split::test, 0, asked.count(Split::test));
  for (int i = 0; i < 2; ++i) answers_it->apply(result.inputs, result.answers);
  Cost const cost = answers_it->cost();
  answers_it->examine(result.answers);
  result.truth = asked.truth(result.inputs, comm);
  Assessment const found = asked.assess(result.inputs, result.truth, result.answers);
  for (Metric const& one : found.metrics) result.metrics[one.name] = one.value;
  for (auto const* list : {&preparation.counters, &cost.counters, &found.counters})
    for (Counter const& one : *list) result.counters[one.name] = one.value;
  result.counters["bytes"] = cost.bytes.value_or(-1);
  for (auto const* list : {&preparation.phases, &cost.phases})
    for (Phase const& one : *list) result.phases.push_back(one.name);
  return result;
}

inline Outcome run(Settings const& asked, Settings const& how = {}) {
  return run(*problem(asked), how);
}

/// `body` throws an Error with `part` in it.
template <class Body>
void expect_error(std::string const& part, Body const& body) {
  EXPECT_TRUE(moho::test::names(moho::test::error_of(body), {part}));
}

} // namespace moho::study::test
