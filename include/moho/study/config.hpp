// SPDX-License-Identifier: BSD-3-Clause
// A study file: strict TOML, checked against the registry. Its format: benchmarks/README.md.
#pragma once
#include "moho/study/convergence.hpp"
#include "moho/study/parameters.hpp"
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace moho::study {

/// A problem or a method with its parameters, defaults filled in.
struct Choice {
  std::string name;
  Parameters parameters;
};

enum class AxisTarget { problem, method, ranks };

/// Values that the cases run through: a list, or { from = 0, to = 99, step = 1 } of integers, both
/// ends included. Applies to each problem or method that has the parameter.
struct Axis {
  std::string key; ///< the parameter's, or "ranks"
  AxisTarget target;
  std::vector<Value> values;
};

/// How each case is timed: `warmup` untimed calls, then at least `repeats` timed ones, and more
/// until `min_time` seconds have passed or there are 1000. `ceilings`: the machine's memory
/// bandwidth and matrix-product rate are measured immediately before and after.
struct Measure {
  std::int64_t repeats = 5, warmup = 1;
  double min_time = 0;
  bool ceilings = false;
};

/// Values of a metric that are valid.
struct Limit {
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
};
using Limits = std::map<std::string, Limit>; ///< by metric

/// A rate that is fitted over the cases which differ along `axis` (and the axes of `pool`) alone.
struct ConvergenceProtocol {
  std::string axis, error; ///< an axis of numbers; a metric
  Refine refine = Refine::up;
  std::optional<double> expected; ///< the rate, to within `tolerance`
  std::string expected_of;        ///< or the parameter that is the rate, e.g. the order; "": none
  std::int64_t expected_plus = 0; ///< and what is added to it: "degree+1"
  double tolerance = 0.05;
  double floor = 0;              ///< errors at or below are round-off
  std::vector<std::string> pool; ///< axes whose cases are replicates, e.g. seeds
  Limits limits{};

  /// What its synthesis measures: rate and its interval rate_low, rate_high; the range rate_from ..
  /// rate_to in which it holds with rate_points abscissas; rate_constant. All NaN where the data
  /// carry no rate.
  static std::vector<std::string> const& metrics();
};

/// Methods are prepared on each problem and asked about all: one case per row of the matrix.
struct CrossValidationProtocol {
  std::vector<std::string> over; ///< problem axes that span the matrix; empty: all
  std::string error = "rel_mse"; ///< the metric that is judged
  double tau = 1e-16;            ///< a smaller error counts as exact
  bool probe = false;            ///< ask for the response to unit inputs as well
  Limits limits{};

  /// What its synthesis measures: `Generalization` (cross_validation.hpp).
  static std::vector<std::string> const& metrics();
};

/// A declared experiment: problems x methods x axes.
struct Study {
  std::string name, title;
  std::vector<Choice> problems, methods;
  std::vector<Axis> axes; ///< in key order
  Measure measure;
  std::int64_t ranks_per_case = 0; ///< > 0: groups of that many ranks work on cases side by side
  bool fields = false;             ///< methods write the fields they found beside the record
  Limits limits{};                 ///< of all cases
  /// Of the cases of a method, by its name; they precede.
  std::map<std::string, Limits> limits_of{};
  std::vector<ConvergenceProtocol> convergence{};
  std::optional<CrossValidationProtocol> cross_validation{};
};

/// Reads a study file and applies `overrides` ("measure.repeats=3"). Throws moho::Error naming
/// file, line and key: not TOML, an unknown key (with the nearest known one), a wrong type or
/// range.
Study read_study(std::string const& path, std::span<const std::string> overrides = {});

/// The same from text; `source` names it in messages.
Study parse_study(std::string const& text, std::string const& source,
                  std::span<const std::string> overrides = {});

/// The study with every default written out, as a study file: reading it gives the same cases.
std::string resolved(Study const& study);

} // namespace moho::study
