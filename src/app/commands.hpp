// SPDX-License-Identifier: BSD-3-Clause
// The subcommands of the executable: one add_<name> per file src/app/<name>.cpp.
#pragma once
#include "moho/core/error.hpp"
#include "moho/parallel/communicator.hpp"
#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace moho::app {

/// What every subcommand may use. The options of the executable are parsed before an action runs.
struct Context {
  parallel::Comm comm{};
  bool json = false;                ///< --json: one JSON document on stdout, for tools
  bool computes = true;             ///< the action needs Kokkos, and so the device of the build
  std::vector<std::string> command; ///< argv as given, for the provenance
};

/// What the chosen subcommand does. Runs on every rank, inside one collective error guard.
using Action = std::function<ExitCode()>;

// Each declares its subcommand and options; its callback sets `action`. The references outlive the
// parsing and the action. Rank 0 prints: results on stdout, the log on stderr.
void add_baseline(CLI::App& parent, Context& context, Action& action);
void add_compare(CLI::App& parent, Context& context, Action& action);
void add_config(CLI::App& parent, Context& context, Action& action);
void add_dispersion(CLI::App& parent, Context& context, Action& action);
void add_fem(CLI::App& parent, Context& context, Action& action);
void add_info(CLI::App& parent, Context& context, Action& action);
void add_list(CLI::App& parent, Context& context, Action& action);
void add_nn(CLI::App& parent, Context& context, Action& action);
void add_report(CLI::App& parent, Context& context, Action& action);
void add_run(CLI::App& parent, Context& context, Action& action);
void add_verify(CLI::App& parent, Context& context, Action& action);

} // namespace moho::app
