// SPDX-License-Identifier: BSD-3-Clause
// `moho run`: works on the cases of a study and leaves a record of each.
#include "commands.hpp"
#include "moho/study/config.hpp"
#include "moho/study/runner.hpp"
#include <CLI/CLI.hpp>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>

namespace moho::app {
namespace {

using Json = nlohmann::ordered_json;

struct Arguments {
  std::string study, max_time;
  std::vector<std::string> sets;
  study::RunOptions options;
};

/// "90", "90s", "15m", "1.5h" in seconds.
double duration(std::string const& text) {
  std::size_t used = 0;
  double value = -1;
  try {
    value = std::stod(text, &used);
  } catch (std::exception const&) {
    used = 0;
  }
  const std::string unit = text.substr(used);
  double const scale = unit.empty() || unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
  if (used == 0 || scale == 0 || !(value >= 0) || !std::isfinite(value))
    throw Error("--max-time '" + text + "' (not a time) write e.g. 90s, 15m or 1.5h");
  return value * scale;
}

/// "12.3 ms", "2.5e+03 /s".
std::string seconds(double value) {
  if (!std::isfinite(value)) return "-";
  if (value < 1e-3) return fmt::format("{:.3g} us", value * 1e6);
  if (value < 1) return fmt::format("{:.3g} ms", value * 1e3);
  return fmt::format("{:.4g} s", value);
}

std::string line_of(study::CaseReport const& report) {
  if (report.action == study::Action::remaining) return fmt::format("{:8} {}", "to do", report.id);
  std::string text = fmt::format("{:8} {}", study::name(report.outcome.status), report.id);
  if (report.outcome.status == study::CaseStatus::failed)
    return text + "\n         " + report.outcome.error;
  text += "  apply " + seconds(report.outcome.apply);
  for (study::FigureOfMerit const& merit : report.outcome.merits)
    if (std::isfinite(merit.value))
      text += fmt::format("  {} {:.4g} {}", merit.name, merit.value, merit.unit);
  if (report.action == study::Action::skipped) text += "  (done before)";
  for (std::string const& check : report.outcome.broken) text += "\n         not met: " + check;
  return text;
}

void print_end(study::RunReport const& report) {
  if (report.signal != 0)
    std::fprintf(stderr, "moho: stopped by %s (%zu cases remain) run the same command to go on\n",
                 report.signal == SIGTERM ? "SIGTERM" : "SIGUSR1",
                 report.count(study::Action::remaining));
  else if (report.out_of_time)
    std::fprintf(stderr,
                 "moho: --max-time reached (%zu cases remain) run the same command to go on\n",
                 report.count(study::Action::remaining));
  for (std::string const& id : report.waiting)
    fmt::print("waiting  {}  (for cases that failed or have not been run)\n", id);
  fmt::print("{}: {} ran, {} done before, {} remain; records in {}\n", report.study,
             report.count(study::Action::ran), report.count(study::Action::skipped),
             report.count(study::Action::remaining), report.folder);
}

Json as_json(study::RunReport const& report, bool dry_run, ExitCode code) {
  Json cases = Json::array();
  for (study::CaseReport const& item : report.cases) {
    Json one{{"id", item.id}, {"action", study::name(item.action)}, {"folder", item.folder}};
    if (item.action != study::Action::remaining) one["status"] = study::name(item.outcome.status);
    if (!item.outcome.error.empty()) one["error"] = item.outcome.error;
    if (!item.outcome.broken.empty()) one["broken"] = item.outcome.broken;
    cases.push_back(std::move(one));
  }
  return {{"format", "moho.run/1"},
          {"study", report.study},
          {"folder", report.folder},
          {"dry_run", dry_run},
          {"cases", cases},
          {"other_ranks", report.other_sizes},
          {"waiting", report.waiting},
          {"remaining", report.count(study::Action::remaining)},
          {"signal", report.signal},
          {"exit_code", static_cast<int>(code)}};
}

void print_plan(study::RunReport const& report) {
  for (study::CaseReport const& item : report.cases) fmt::print("{}\n", line_of(item));
  for (std::string const& id : report.other_sizes)
    fmt::print("{:8} {}  (for another number of ranks)\n", "-", id);
  fmt::print("{}: {} to do, {} done before, {} for another number of ranks; nothing was written\n",
             report.study, report.count(study::Action::remaining),
             report.count(study::Action::skipped), report.other_sizes.size());
}

ExitCode run(Context const& context, Arguments const& arguments) {
  study::Study study;
  study::RunOptions options = arguments.options;
  options.command = context.command;
  parallel::run_collectively(context.comm, [&] {
    if (!arguments.max_time.empty()) options.max_time = duration(arguments.max_time);
    study = study::read_study(arguments.study, arguments.sets);
  });
  bool const people = context.comm.root() && !context.json;
  const study::RunReport report =
      study::run_study(study, options, context.comm, [&](study::CaseReport const& item) {
        if (context.json) return; // told on the root of every group of ranks
        fmt::print("{}\n", line_of(item));
        std::fflush(stdout);
      });
  const ExitCode code = options.dry_run ? ExitCode::ok : report.exit_code();
  if (context.comm.root() && context.json)
    fmt::print(
        "{}\n",
        as_json(report, options.dry_run, code).dump(2, ' ', false, Json::error_handler_t::replace));
  if (people) options.dry_run ? print_plan(report) : print_end(report);
  return code;
}

} // namespace

void add_run(CLI::App& parent, Context& context, Action& action) {
  auto* const command = parent.add_subcommand(
      "run", "Run the cases of a study; finished cases are skipped. SIGTERM or SIGUSR1 end it "
             "early with exit code 0, and the same command goes on");
  auto const arguments = std::make_shared<Arguments>();
  study::RunOptions& options = arguments->options;
  command->add_option("study", arguments->study, "Study file (TOML; see benchmarks/README.md)")
      ->required();
  command->add_option("--set", arguments->sets, "Override a key: --set measure.repeats=3")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command->add_option("-o,--out", options.out, "Folder of the records")->capture_default_str();
  command->add_option("--case", options.selector,
                      "I/N: each N-th case from the I-th on (0 <= I < N); or one id");
  command->add_option("--data", options.environment.data,
                      "Folder of the reference data (default: $MOHO_DATA, else reference/ of the "
                      "source)");
  command->add_option("--max-time", arguments->max_time,
                      "Begin no case that would end later: 90s, 15m, 1.5h");
  command->add_flag("--dry-run", options.dry_run, "Tell what would be done; write nothing");
  command->add_flag("--force", options.force, "Run finished cases again");
  command->callback([&context, &action, arguments] {
    action = [&context, arguments] { return run(context, *arguments); };
  });
}

} // namespace moho::app
