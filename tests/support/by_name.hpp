// SPDX-License-Identifier: BSD-3-Clause
// Problems and methods of the registry, with some settings of one's own.
#pragma once
#include "moho/study/method.hpp"
#include "moho/study/registry.hpp"
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace moho::test {

using Settings = std::map<std::string, study::Value>;

/// The defaults of `specs`, with these on top. A name or a kind that is not theirs is a failure.
inline study::Parameters with(std::vector<study::ParameterSpec> const& specs,
                              Settings const& settings) {
  study::Parameters parameters = study::defaults(specs);
  for (auto [key, value] : settings) {
    bool const fits = parameters.has(key) && study::adapt(value, parameters.at(key));
    EXPECT_TRUE(fits) << key;
    if (fits) parameters.set(key, value);
  }
  return parameters;
}

/// `settings`, of which one is another.
inline Settings with(Settings settings, std::string const& key, study::Value value) {
  settings.insert_or_assign(key, std::move(value));
  return settings;
}

inline std::unique_ptr<study::Problem> problem(std::string const& name,
                                               Settings const& settings = {},
                                               study::Environment const& environment = {}) {
  study::ProblemEntry const& entry = study::find_problem(name);
  return entry.make(with(entry.parameters, settings), environment);
}

inline std::unique_ptr<study::Method> method(std::string const& name,
                                             Settings const& settings = {}) {
  study::MethodEntry const& entry = study::find_method(name);
  return entry.make(with(entry.parameters, settings));
}

} // namespace moho::test
