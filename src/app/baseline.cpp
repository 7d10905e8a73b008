// SPDX-License-Identifier: BSD-3-Clause
// moho baseline update DIR --why TEXT: the records of a run become what later runs are judged by.
//
//   moho baseline update runs --why "first values of the solver"
//   moho baseline update runs --why "..." --tolerance phase_rel_max=1e-11,0
#include "moho/study/baseline.hpp"
#include "commands.hpp"
#include <CLI/CLI.hpp>
#include <charconv>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>

namespace moho::app {
namespace {

struct Arguments {
  std::string run_folder;
  std::vector<std::string> tolerances;
  study::UpdateOptions options;
};

/// A number >= 0 that is all of `text`.
bool read_number(std::string_view text, double& value) {
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && value >= 0;
}

/// METRIC=ABS,REL texts.
std::map<std::string, study::Tolerance> tolerances_of(std::vector<std::string> const& texts) {
  std::map<std::string, study::Tolerance> tolerances;
  for (auto const& text : texts) {
    auto const equals = text.find('='), comma = text.find(',', std::min(equals, text.size()));
    const std::string_view view(text);
    study::Tolerance allowed;
    if (equals == std::string::npos || comma == std::string::npos ||
        !read_number(view.substr(equals + 1, comma - equals - 1), allowed.abs) ||
        !read_number(view.substr(comma + 1), allowed.rel))
      throw Error("cannot read --tolerance '" + text +
                  "' (METRIC=ABS,REL with two numbers >= 0 is wanted) for instance "
                  "phase_rel_max=1e-12,0.1");
    tolerances[text.substr(0, equals)] = allowed;
  }
  return tolerances;
}

void tell(std::vector<study::Updated> const& all, bool json) {
  auto list = nlohmann::ordered_json::array();
  for (auto const& one : all) {
    list.push_back({{"file", one.file},
                    {"added", one.added},
                    {"replaced", one.replaced},
                    {"kept", one.kept},
                    {"dropped", one.dropped},
                    {"dirty", one.dirty}});
    if (json) continue;
    fmt::print("{}: {} case(s) added, {} replaced, {} kept, {} dropped\n", one.file, one.added,
               one.replaced, one.kept, one.dropped);
    if (one.dirty)
      fmt::print(stderr,
                 "moho: {}: its records come from a source tree with changes; commit "
                 "first, so that the sha tells what was measured\n",
                 one.file);
  }
  if (json)
    fmt::print(
        "{}\n",
        nlohmann::ordered_json{{"format", "moho.baseline-update/1"}, {"files", list}}.dump(2));
}

ExitCode update(Context const& context, Arguments const& arguments) {
  if (!context.comm.root()) return ExitCode::ok; // files are written by one rank
  auto options = arguments.options;
  options.tolerances = tolerances_of(arguments.tolerances);
  tell(study::update_baselines(arguments.run_folder, options), context.json);
  return ExitCode::ok;
}

} // namespace

void add_baseline(CLI::App& parent, Context& context, Action& action) {
  auto* command = parent.add_subcommand("baseline", "Keep the baselines that runs are judged by");
  command->require_subcommand(1);
  auto* update_command =
      command->add_subcommand("update", "Write the records of a run folder as baselines");
  auto arguments = std::make_shared<Arguments>();
  auto& options = arguments->options;
  options.folder = MOHO_SOURCE_DIR "/reference/baselines";
  update_command->add_option("DIR", arguments->run_folder, "Run folder; all its records must be ok")
      ->required();
  update_command
      ->add_option("--why", options.why, "What changed and why the new values are right; kept")
      ->required();
  update_command
      ->add_option("--platform", options.platform,
                   "Key to store them under (default: that of the records)")
      ->envname("MOHO_PLATFORM");
  update_command->add_option("--folder", options.folder, "Folder of the baselines");
  update_command->add_option("--tolerance", arguments->tolerances,
                             "METRIC=ABS,REL: allowed |now - base| <= ABS + REL |base|");
  update_command->add_flag("--prune", options.prune, "Drop stored cases that DIR does not have");
  update_command->callback([&context, &action, arguments] {
    context.computes = false;
    action = [&context, arguments] { return update(context, *arguments); };
  });
}

} // namespace moho::app
