// SPDX-License-Identifier: BSD-3-Clause
// Comparison of records with other records or with stored baselines, and the writing of baselines.
// Checks, counters and metrics are gates; timings are shown.
#pragma once
#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace moho::study {

/// What became of one value.
enum class Verdict {
  same,       ///< judged, within what is allowed
  regression, ///< judged, outside
  shown,      ///< a timing or figure of merit: never judged
  unjudged    ///< present on one side only
};
char const* name(Verdict verdict); ///< "same", "regression", ...

/// One compared value. Values are JSON text, "" where a side lacks the value.
struct Finding {
  std::string study, id, kind, name; ///< kind: "case", "check", "counter", "metric", "timing"
  std::string base, now;
  Verdict verdict = Verdict::same;
  std::string note; ///< why, or what was allowed
};

struct Comparison {
  std::string base, now; ///< the two sides, as paths
  std::vector<std::string> notes;
  std::map<std::string, std::string> cases; ///< "study/id" -> its configuration in one line
  std::vector<Finding> findings;
  std::size_t count(Verdict verdict) const;
  bool regressed() const { return count(Verdict::regression) > 0; }
};

struct CompareOptions {
  std::string platform = {}; ///< key of the baselines; "" = the one that stands in the records
  bool strict = false;       ///< what is missing on a side is a regression, not just logged
};

/// What a metric may differ by: |now - base| <= abs + rel |base|.
struct Tolerance {
  double abs = 0, rel = 0;
};
/// Where nobody said otherwise: a whole number other than 0 is a count and must be equal; anything
/// else may differ by abs 1e-12 + rel 0.1.
Tolerance default_tolerance(double base);

/// Compares two sides, each a run folder (one case, one study or several: every result.json below
/// it), a baseline file or a folder of baselines (<platform>/<study>.json). With one baseline among
/// them that is the base, else `a` is. Cases are matched by study and id. Judged: every check of
/// `now` passes and none is gone; counters are equal; metrics are within tolerance (that of the
/// baseline, else the default); the status is ok. A platform, case or value without a counterpart
/// is logged and not judged. Throws moho::Error naming the file that is missing or malformed.
Comparison compare(std::string const& a, std::string const& b, CompareOptions const& options);

/// For people: regressions first, then timings, then what was not judged. `all` lists what agrees.
std::string comparison_table(Comparison const& comparison, bool all);
/// For tools: `format: moho.compare/1`.
std::string comparison_json(Comparison const& comparison);

struct UpdateOptions {
  std::string why = {};      ///< reason, kept in the file; an empty one is refused
  std::string platform = {}; ///< "" = the one that stands in the records
  std::string folder = {};   ///< where <platform>/<study>.json goes
  bool prune = false;        ///< drop stored cases that the run folder does not have
  std::map<std::string, Tolerance> tolerances = {}; ///< by metric name; others keep what is stored
};

/// What an update did to one file.
struct Updated {
  std::string file = {};
  std::size_t added = 0, replaced = 0, kept = 0, dropped = 0; ///< cases
  bool dirty = false; ///< the records come from a source tree with changes
};

/// Writes the records below `run_folder` as baselines, one file per study, each atomically. Refuses
/// (moho::Error, nothing written) an empty reason, a folder without records, records that are not
/// ok or have a failed check, and records of different platforms.
std::vector<Updated> update_baselines(std::string const& run_folder, UpdateOptions const& options);

} // namespace moho::study
