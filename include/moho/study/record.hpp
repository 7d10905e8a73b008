// SPDX-License-Identifier: BSD-3-Clause
// What a case leaves: result.json (format moho.result/1, analysis/schema.json) and data.h5.
#pragma once
#include "moho/study/cases.hpp"
#include "moho/study/problem.hpp"
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace moho::study {

/// Times of one region, in s.
struct Timing {
  std::vector<double> samples; ///< of the slowest rank, one per repeat
  double rank_min = 0;         ///< median of the fastest rank of each repeat
  double rank_max = 0;         ///< median of the slowest
  std::int64_t warmup = 0;
};

/// ok: all checks pass. invalid: one does not, so no rating. failed: the case crashed. partial:
/// stopped early, sound as far as it goes.
enum class CaseStatus { ok, partial, invalid, failed };
char const* name(CaseStatus status);

struct FigureOfMerit {
  std::string name;
  double value;
  std::string unit;
  bool higher_is_better = true;
};

/// The machine's own rates, all ranks together: the smaller of before and after; NaN if they differ
/// too much.
struct Ceilings {
  double stream = 0; ///< triad, byte/s
  double gemm = 0;   ///< matrix product, flop/s
};

struct Record {
  std::string study;
  Case item;
  CaseStatus status = CaseStatus::failed;
  bool partial = false;         ///< training goes on in a later run
  std::string error;            ///< why it failed
  std::string provenance;       ///< JSON object
  std::int64_t peak_memory = 0; ///< byte, of the rank that has needed most so far; 0: not known
  std::vector<Check> checks;
  std::vector<Counter> counters;
  std::map<std::string, Timing> timings; ///< by region
  std::vector<Metric> metrics;
  std::vector<FigureOfMerit> merits;
  std::optional<Ceilings> ceilings;
  std::vector<Dataset> data; ///< empty: no data.h5
};

/// Adds a check for each limit of the case (its metric must not exceed it), decides the status, and
/// gives the rate counters per second of `apply` as figures of merit. A value that is not known
/// (NaN) passes no check. Of what is partial the limits are not asked yet.
void judge(Record& record);

/// Format moho.result/1. Figures of merit are null unless the status is ok or partial.
std::string to_json(Record const& record);

/// Writes data.h5, then result.json, into `folder`, each atomically; an older result.json goes
/// first, so that a record never stands beside the data of another. Throws moho::Error naming the
/// file. Call it on one rank.
void write_record(Record const& record, std::string const& folder);

/// The parts of a finished record that a later run needs.
struct Outcome {
  bool done = false; ///< a readable record with status ok or invalid: the case need not run again
  CaseStatus status = CaseStatus::failed;
  std::string error;
  std::vector<std::string> broken;   ///< checks that failed: "phase_rel_max 2e-6 <= 1e-9"
  double apply = 0;                  ///< s, median; NaN if there is none
  std::vector<FigureOfMerit> merits; ///< NaN if void
};

/// Reads <folder>/result.json; a missing or damaged one is not done. Never throws.
Outcome read_outcome(std::string const& folder, std::string const& id);

} // namespace moho::study
