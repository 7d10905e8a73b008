// SPDX-License-Identifier: BSD-3-Clause
// The cases of a study: the cross product of its problems, methods and axes, with stable ids.
#pragma once
#include "moho/study/config.hpp"
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace moho::study {

/// One point of a study.
struct Case {
  std::string id;
  Choice problem, method;
  std::optional<std::int64_t> ranks; ///< of a `ranks` axis: the launch it needs
  std::map<std::string, Value> axes; ///< where it stands on each axis
  Measure measure;
  Limits limits;
  /// Cross-validation: the problems asked about, and their labels; empty: `problem` itself.
  std::vector<Choice> asked{};
  std::vector<std::string> asked_labels{};
  Parameters protocol{}; ///< of a protocol: what else belongs to the identity of the case
};

/// The resolved configuration as one flat JSON object in key order: `problem` and `method` by name,
/// every parameter of both, `ranks` if it is an axis, how it is timed, what a protocol adds, and
/// `limit.<metric>`.
std::string to_json(Case const& item);

/// Name of a case: method and axis values to read, then a hash of the resolved configuration. The
/// order of keys in a file and the place of the study do not matter.
std::string case_id(Case const& item);

/// All cases, in a fixed order; with a cross-validation the rows of its matrices. Throws
/// moho::Error if two coincide.
std::vector<Case> expand(Study const& study);

/// The cases this launch works on: those for `ranks` ranks, and of these what `selector` asks for:
/// "" all, "I/N" each N-th from the I-th on (0 <= I < N), else one id or an unambiguous beginning
/// of one. Throws moho::Error that tells what there is instead.
std::vector<Case> select(std::vector<Case> const& cases, std::string const& selector, int ranks);

} // namespace moho::study
