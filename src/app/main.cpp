// SPDX-License-Identifier: BSD-3-Clause
// The executable: MPI, Kokkos, the command line, one action, and one way out for every rank.
#include "commands.hpp"
#include "moho/core/backend.hpp"
#include "moho/version.hpp"
#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace moho::app {
namespace {

void add_commands(CLI::App& app, Context& context, Action& action) {
  add_run(app, context, action);
  add_list(app, context, action);
  add_verify(app, context, action);
  add_info(app, context, action);
  add_config(app, context, action);
  add_report(app, context, action);
  add_compare(app, context, action);
  add_baseline(app, context, action);
  add_dispersion(app, context, action);
  add_fem(app, context, action);
  add_nn(app, context, action);
}

/// Parses the command line. Every rank sees the same arguments, so all decide alike; the root
/// prints help, version or what is wrong. A value is the exit code of a command that is done.
std::optional<ExitCode> parse(CLI::App& app, Context const& context, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return std::nullopt;
  } catch (CLI::ParseError const& error) {
    bool const wrong = error.get_exit_code() != 0;
    if (context.comm.root()) {
      if (!wrong)
        app.exit(error, std::cout, std::cerr);
      else
        std::fprintf(stderr, "moho: %s (see `moho --help` or `moho COMMAND --help`)\n",
                     error.what());
    }
    return wrong ? ExitCode::usage : ExitCode::ok;
  }
}

/// Runs the action on every rank, with Kokkos where it computes; if it fails anywhere, all ranks
/// leave with the same code and the root tells why.
ExitCode act(Context const& context, Action const& action,
             std::vector<std::string> const& kokkos_options) {
  std::optional<Backend> backend;
  ExitCode code = ExitCode::ok;
  try {
    if (!context.computes && !kokkos_options.empty())
      throw Error("option '" + kokkos_options[0] +
                  "' (this command does not compute) leave it out");
    if (context.computes)
      parallel::run_collectively(context.comm, [&] { backend.emplace(kokkos_options); });
    parallel::run_collectively(context.comm, [&] { code = action(); });
  } catch (Error const& error) {
    code = error.code();
    if (context.comm.root()) std::fprintf(stderr, "moho: %s\n", error.what());
  }
  return static_cast<ExitCode>(context.comm.max(std::int64_t{static_cast<int>(code)}));
}

ExitCode run(int argc, char** argv, std::vector<std::string> command) {
  std::vector<char*> arguments(argv, argv + argc);
  const std::vector<std::string> kokkos_options = take_kokkos_options(arguments);
  int const count = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  Context context;
  context.command = std::move(command);
  CLI::App app{"MPI-parallel benchmark suite: solvers and surrogates, measured by one harness. "
               "Run it alone (one rank) or under mpirun / srun.",
               "moho"};
  app.set_version_flag("--version", "moho " MOHO_VERSION " " MOHO_GIT_SHA);
  app.require_subcommand(1);
  app.fallthrough();
  app.add_flag("--json", context.json, "Print one JSON document on stdout, for tools");
  app.footer("Exit codes: 0 ok, 1 usage or config, 2 invalid result, 3 regression, "
             "4 a case crashed.");
  Action action;
  add_commands(app, context, action);
  if (auto const done = parse(app, context, count, arguments.data())) return *done;
  MOHO_REQUIRE(action != nullptr);
  return act(context, action, kokkos_options);
}

} // namespace
} // namespace moho::app

int main(int argc, char** argv) {
  std::vector<std::string> command(argv, argv + argc); // before MPI takes its own out
  const moho::parallel::Environment mpi(argc, argv);
  return static_cast<int>(moho::app::run(argc, argv, std::move(command)));
}
