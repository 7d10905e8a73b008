// SPDX-License-Identifier: BSD-3-Clause
// Running the Python scripts of analysis/ from the executable. Call on one rank.
#pragma once
#include <string>
#include <vector>

namespace moho::app {

/// The path of a script in analysis/: that of $MOHO_ANALYSIS, else that of the source folder.
/// Throws moho::Error if it is not there.
std::string analysis_script(std::string const& name);

/// A Python 3 that has these modules: $MOHO_PYTHON if set, else python3 of the PATH, else the
/// system's. Throws moho::Error that says what needs it (`purpose`) and which module is missing.
std::string find_python(std::vector<std::string> const& modules, std::string const& purpose);

/// Runs `python arguments...` without a shell and waits. Throws moho::Error with `purpose` and the
/// last line the script wrote, unless it ends with 0.
void run_python(std::string const& python, std::vector<std::string> const& arguments,
                std::string const& purpose);

} // namespace moho::app
