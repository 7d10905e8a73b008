// SPDX-License-Identifier: BSD-3-Clause
#pragma once
#include <stdexcept>
#include <string>

namespace moho {

/// Exit codes of the executable (command contract): what a script may rely on.
enum class ExitCode : int { ok = 0, usage = 1, invalid = 2, regression = 3, crashed = 4 };

/// An error that a person can act on. Messages read `PROBLEM (WHY) SUGGESTION` and name the file,
/// key or record.
class Error : public std::runtime_error {
public:
  explicit Error(std::string const& message, ExitCode code = ExitCode::usage)
      : std::runtime_error(message), _code(code) {}
  ExitCode code() const noexcept { return _code; }

private:
  ExitCode _code;
};

/// Throws std::logic_error that names the condition and the place: a defect of moho, not of its
/// user.
[[noreturn]] void report_defect(char const* kind, char const* condition, char const* file,
                                int line);

} // namespace moho

/// Always checked: a broken promise that would corrupt a result.
#define MOHO_REQUIRE(condition)                                                                    \
  do {                                                                                             \
    if (!(condition)) ::moho::report_defect("requirement", #condition, __FILE__, __LINE__);        \
  } while (false)
/// Precondition, checked in Debug builds.
#ifndef NDEBUG
#define MOHO_EXPECT(condition)                                                                     \
  do {                                                                                             \
    if (!(condition)) ::moho::report_defect("precondition", #condition, __FILE__, __LINE__);       \
  } while (false)
#else
#define MOHO_EXPECT(condition)                                                                     \
  do {                                                                                             \
  } while (false && (condition))
#endif
