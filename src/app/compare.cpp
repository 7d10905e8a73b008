// SPDX-License-Identifier: BSD-3-Clause
// moho compare A [B]: two run folders, or a run folder and stored baselines. Exit 3 on a
// regression.
//
//   moho compare runs                          against the baselines of this platform
//   moho compare runs-before runs              A is the base, B is judged
//   moho compare runs reference/baselines --platform mysite-gcc12 --strict
#include "commands.hpp"
#include "moho/study/baseline.hpp"
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <memory>

namespace moho::app {
namespace {

struct Arguments {
  std::string a, b = MOHO_SOURCE_DIR "/reference/baselines";
  study::CompareOptions options;
  bool all = false;
};

ExitCode compare(Context const& context, Arguments const& arguments) {
  if (!context.comm.root()) return ExitCode::ok; // files are read on one rank; the code is shared
  auto const comparison = study::compare(arguments.a, arguments.b, arguments.options);
  fmt::print("{}", context.json ? study::comparison_json(comparison)
                                : study::comparison_table(comparison, arguments.all));
  return comparison.regressed() ? ExitCode::regression : ExitCode::ok;
}

} // namespace

void add_compare(CLI::App& parent, Context& context, Action& action) {
  auto* command = parent.add_subcommand(
      "compare", "Compare run folders, or a run folder with the baselines: checks, counters and "
                 "metrics are gates (exit 3), timings are shown");
  auto arguments = std::make_shared<Arguments>();
  command->add_option("A", arguments->a, "Base: a run folder, or baselines")->required();
  command->add_option("B", arguments->b,
                      "Run folder to judge, or baselines to judge A by (default: the baselines "
                      "that come with moho)");
  command
      ->add_option("--platform", arguments->options.platform,
                   "Key of the baselines (default: that of the records)")
      ->envname("MOHO_PLATFORM");
  command->add_flag("--strict", arguments->options.strict,
                    "What is missing on one side is a regression too");
  command->add_flag("--all", arguments->all, "List also the values that agree");
  command->callback([&context, &action, arguments] {
    context.computes = false;
    action = [&context, arguments] { return compare(context, *arguments); };
  });
}

} // namespace moho::app
