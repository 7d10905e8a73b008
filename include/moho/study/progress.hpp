// SPDX-License-Identifier: BSD-3-Clause
// One line on a terminal that tells rate and time left; silent everywhere else.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace moho::study {

/// `title: 120/1000 models, 85/s, 10 s left`, rewritten in place on stderr at most 5 times a
/// second, only when stderr is a terminal. Use it on the root rank only.
class Progress {
public:
  /// total 0: unknown (no time left is given). `enabled` false: never prints.
  Progress(std::string title, std::string unit, std::int64_t total, bool enabled = true);
  ~Progress(); ///< wipes the line
  Progress(Progress const&) = delete;
  Progress& operator=(Progress const&) = delete;

  void advance(std::int64_t n = 1);
  /// Tells what is being worked on now, e.g. a case id.
  void note(std::string text);
  /// Wipes the line, to print something else.
  void clear();
  /// The line as it would be printed `seconds` after the start (tested without a terminal).
  std::string line(double seconds) const;

private:
  void print();
  std::string _title, _unit, _note;
  std::int64_t _total, _done = 0;
  bool _enabled, _printed = false;
  std::chrono::steady_clock::time_point _start, _last;
};

} // namespace moho::study
