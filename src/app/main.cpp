// SPDX-License-Identifier: BSD-3-Clause
// The executable: MPI, Kokkos, the command line, one action, and one way out for every rank.
#include "commands.hpp"
#include "moho/core/kokkos.hpp"
#include "moho/version.hpp"
#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
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

/// Runs the action on every rank; if it fails anywhere, all ranks leave with the same code and the
/// root tells why.
ExitCode act(Context const& context, Action const& action) {
  ExitCode code = ExitCode::ok;
  try {
    parallel::run_collectively(context.comm, [&] { code = action(); });
  } catch (Error const& error) {
    code = error.code();
    if (context.comm.root()) std::fprintf(stderr, "moho: %s\n", error.what());
  }
  return static_cast<ExitCode>(context.comm.max(std::int64_t{static_cast<int>(code)}));
}

ExitCode run(std::vector<std::string> command, int argc, char** argv) {
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
  if (auto const done = parse(app, context, argc, argv)) return *done;
  MOHO_REQUIRE(action != nullptr);
  return act(context, action);
}

/// Kokkos sees only its own options: it would answer --help on every rank.
struct Arguments {
  std::vector<char*> ours, kokkos;

  Arguments(int argc, char** argv) : ours{argv[0]}, kokkos{argv[0]} {
    for (int i = 1; i < argc; ++i)
      (std::string_view(argv[i]).rfind("--kokkos-", 0) == 0 ? kokkos : ours).push_back(argv[i]);
    ours.push_back(nullptr);
    kokkos.push_back(nullptr);
  }
};

} // namespace
} // namespace moho::app

int main(int argc, char** argv) {
  std::vector<std::string> command(argv, argv + argc); // before MPI takes its own out
  const moho::parallel::Environment mpi(argc, argv);
  moho::app::Arguments arguments(argc, argv);
  int count = static_cast<int>(arguments.kokkos.size()) - 1;
  const Kokkos::ScopeGuard kokkos(count, arguments.kokkos.data());
  return static_cast<int>(moho::app::run(
      std::move(command), static_cast<int>(arguments.ours.size()) - 1, arguments.ours.data()));
}
