// SPDX-License-Identifier: BSD-3-Clause
// Records and baselines as plain data: what compare and update share.
#pragma once
#include "moho/study/baseline.hpp"
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace moho::study::baseline {

/// A number as it stands in JSON. `known` is false for null.
struct Value {
  std::string text; ///< JSON text: what is compared exactly and what is shown
  double number = 0;
  bool known = false;
};

struct Metric {
  Value value;
  Tolerance allowed;
};

struct Timing {
  Value median, mad; ///< mad not known for a figure of merit
  std::size_t samples = 1;
  std::string unit, better; ///< better: "lower" or "higher"
};

/// One case of a run or of a baseline.
struct Case {
  std::string study, id, file;
  std::string config; ///< JSON text of its configuration
  std::string status = "ok", error, platform, sha = "unknown", utc, why;
  bool dirty = false;
  std::map<std::string, bool> checks; ///< name -> passed
  std::map<std::string, Value> counters;
  std::map<std::string, Metric> metrics;
  std::map<std::string, Timing> timings;
};

using Key = std::pair<std::string, std::string>; ///< study, id
using Cases = std::map<Key, Case>;

/// One side of a comparison.
struct Side {
  Cases cases;
  bool is_baseline = false;
  std::vector<std::string> notes;
};

/// Every result.json in `path` or below it, or the record `path` itself; empty if there is none.
Cases read_records(std::filesystem::path const& path);

/// Whether `path` is a baseline file or a folder that holds any.
bool is_baseline(std::filesystem::path const& path);

/// The cases of one baseline file.
Cases read_baseline(std::filesystem::path const& file);

/// The one platform of all cases; "" if none says. Throws moho::Error naming two that differ.
std::string platform_of(Cases const& cases);

/// The baselines of the studies of `now`, from a file or a folder of baselines. A file that is not
/// there is a note.
Side baselines_for(std::filesystem::path const& path, Cases const& now,
                   std::string const& platform);

/// Compares plain data. Adds findings in a fixed order: study, id, then kind and name.
void compare_cases(Side const& base, Side const& now, bool strict, Comparison& result);

/// `key=value key=value` of a configuration, at most about 100 characters.
std::string one_line(std::string const& config);

} // namespace moho::study::baseline
