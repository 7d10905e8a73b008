// SPDX-License-Identifier: BSD-3-Clause
// Problems and methods by name, as a study asks for them, and generalization matrices of them.
#pragma once
#include "moho/study/cross_validation.hpp"
#include "moho/study/method.hpp"
#include "moho/study/problem.hpp"
#include "support/by_name.hpp"
#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace moho::verification {

using test::method;
using test::problem;
using test::Settings;
using Json = nlohmann::json;

/// reference/physics/sciml/<name>.json
Json const& reference(std::string const& name);

/// NaN and a test failure if there is none of that name.
double metric(std::vector<study::Metric> const& metrics, std::string const& name);

/// What `method` (prepared) answers to all test items of `asked`, compared with the truth.
study::Assessment assessed(study::Method& method, study::Problem const& asked);

/// linear-map in closed form: trained on space a, asked about space b, for every pair.
struct Matrix {
  std::vector<study::Space> spaces;
  std::vector<double> mse, rel; ///< (n, n), row-major
  std::size_t size() const { return spaces.size(); }
};
Matrix linear_matrix(std::string const& problem_name, Settings const& common,
                     std::vector<std::string> const& spaces);

/// A seed from the clock, or from MOHO_TEST_SEED; printed.
std::uint64_t printed_seed(char const* test);

} // namespace moho::verification
