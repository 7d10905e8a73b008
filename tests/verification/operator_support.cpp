// SPDX-License-Identifier: BSD-3-Clause
#include "verification/operator_support.hpp"
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <limits>

namespace moho::verification {
Json const& reference(std::string const& name) {
  static std::map<std::string, Json> read;
  auto found = read.find(name);
  if (found == read.end()) {
    std::ifstream in(study::data_file({}, "sciml/" + name + ".json"));
    found = read.emplace(name, Json::parse(in)).first;
  }
  return found->second;
}

double metric(std::vector<study::Metric> const& metrics, std::string const& name) {
  for (study::Metric const& m : metrics)
    if (m.name == name) return m.value;
  ADD_FAILURE() << "no metric " << name;
  return std::numeric_limits<double>::quiet_NaN();
}

study::Assessment assessed(study::Method& method, study::Problem const& asked) {
  const study::Batch inputs = asked.draw(study::Split::test, 0, asked.count(study::Split::test));
  study::Batch answers;
  method.apply(inputs, answers);
  return asked.assess(inputs, asked.truth(inputs, parallel::Comm()), answers);
}

Matrix linear_matrix(std::string const& problem_name, Settings const& common,
                     std::vector<std::string> const& spaces) {
  Matrix result;
  std::vector<std::unique_ptr<study::Problem>> problems;
  for (std::string const& space : spaces) {
    Settings settings = common;
    settings["space"] = space;
    problems.push_back(problem(problem_name, settings));
    result.spaces.push_back(problems.back()->space());
  }
  for (auto const& train : problems) {
    auto const linear = method("linear-map", {});
    linear->prepare(*train, parallel::Comm());
    for (auto const& asked : problems) {
      const study::Assessment found = assessed(*linear, *asked);
      result.mse.push_back(metric(found.metrics, "mse"));
      result.rel.push_back(metric(found.metrics, "rel_mse"));
    }
  }
  return result;
}

std::uint64_t printed_seed(char const* test) {
  char const* given = std::getenv("MOHO_TEST_SEED");
  const std::uint64_t seed =
      given ? std::strtoull(given, nullptr, 10)
            : static_cast<std::uint64_t>(
                  std::chrono::system_clock::now().time_since_epoch().count() % 1000000007);
  std::printf("%s: MOHO_TEST_SEED=%llu\n", test, static_cast<unsigned long long>(seed));
  return seed;
}

} // namespace moho::verification
