// SPDX-License-Identifier: BSD-3-Clause
// `moho config check`: reads a study file without running it.
#include "moho/study/config.hpp"
#include "commands.hpp"
#include "moho/study/cases.hpp"
#include "moho/study/runner.hpp"
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>

namespace moho::app {
namespace {

using Json = nlohmann::ordered_json;

struct Arguments {
  std::string file;
  std::vector<std::string> sets;
};

ExitCode check(Context const& context, Arguments const& arguments) {
  if (!context.comm.root()) return ExitCode::ok;
  const study::Study study = study::read_study(arguments.file, arguments.sets);
  const std::vector<study::Case> cases = study::expand(study);
  study::refuse_unusable(cases, {});
  if (!context.json) {
    fmt::print("# {}: {} cases\n{}", arguments.file, cases.size(), study::resolved(study));
    return ExitCode::ok;
  }
  Json list = Json::array();
  for (study::Case const& item : cases)
    list.push_back({{"id", item.id}, {"case", Json::parse(study::to_json(item))}});
  const Json result{
      {"format", "moho.config/1"}, {"study", study.name}, {"title", study.title}, {"cases", list}};
  fmt::print("{}\n", result.dump(2));
  return ExitCode::ok;
}

} // namespace

void add_config(CLI::App& parent, Context& context, Action& action) {
  auto* const config = parent.add_subcommand("config", "Work with study files");
  config->require_subcommand(1);
  auto* const command = config->add_subcommand(
      "check", "Check a study file and print it with every default written out");
  auto const arguments = std::make_shared<Arguments>();
  command->add_option("file", arguments->file, "Study file")->required();
  command->add_option("--set", arguments->sets, "Override a key: --set measure.repeats=3")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command->callback([&context, &action, arguments] {
    action = [&context, arguments] { return check(context, *arguments); };
  });
}

} // namespace moho::app
