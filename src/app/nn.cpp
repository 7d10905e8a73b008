// SPDX-License-Identifier: BSD-3-Clause
// `moho nn replay`: a recorded trajectory of a network in, every result computed again and
// compared.
#include "commands.hpp"
#include "moho/study/atomic_file.hpp"
#include "moho/study/names.hpp"
#include "moho/study/nn_replay.hpp"
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

namespace moho::app {
namespace {

using Json = nlohmann::ordered_json;

struct Arguments {
  std::string file, output;
  std::vector<std::string> tolerances;
};

/// "grad=1e-9" into the limits.
void set_limit(std::string const& text, std::map<std::string, double>& limits) {
  auto const equals = text.find('=');
  if (equals == std::string::npos)
    throw Error("--tolerance '" + text + "' is not QUANTITY=VALUE (as in grad=1e-9) correct it");
  const std::string quantity = text.substr(0, equals), value = text.substr(equals + 1);
  auto const known = limits.find(quantity);
  if (known == limits.end()) {
    std::vector<std::string> names;
    for (auto const& [name, limit] : limits) names.push_back(name);
    throw Error(fmt::format("--tolerance '{}': quantity '{}' is not known (known: {}) {}", text,
                            quantity, fmt::join(names, ", "), study::suggestion(quantity, names)));
  }
  char* end = nullptr;
  known->second = std::strtod(value.c_str(), &end);
  if (value.empty() || *end != '\0' || !(known->second >= 0) || !std::isfinite(known->second))
    throw Error("--tolerance '" + text + "': '" + value +
                "' is no limit (a number, 0 or more) correct it");
}

/// The worst of the datasets of one quantity.
struct Line {
  std::size_t datasets = 0;
  study::ReplayedDataset const* worst = nullptr;
};

bool worse(study::ReplayedDataset const& a, study::ReplayedDataset const& b) {
  return std::isnan(a.error) || a.error > b.error;
}

std::map<std::string, Line> lines_of(study::ReplayReport const& report) {
  std::map<std::string, Line> lines;
  for (study::ReplayedDataset const& one : report.datasets) {
    if (!one.compared()) continue;
    Line& line = lines[one.quantity];
    ++line.datasets;
    if (!line.worst || worse(one, *line.worst)) line.worst = &one;
  }
  return lines;
}

void print_json(Arguments const& arguments, study::ReplayReport const& report) {
  Json content{{"format", "moho.nn-replay/1"},
               {"file", arguments.file},
               {"model", report.model},
               {"parameters", report.parameters},
               {"present", report.datasets.size()},
               {"compared", report.compared()},
               {"passed", report.passed()}};
  if (report.routes)
    content["jets_against_nested"] = {{"error", *report.routes},
                                      {"limit", study::replay_routes_limit}};
  auto& quantities = content["quantities"] = Json::object();
  for (auto const& [name, line] : lines_of(report))
    quantities[name] = {{"datasets", line.datasets},
                        {"error", line.worst->error},
                        {"limit", line.worst->limit},
                        {"worst", line.worst->name}};
  auto& datasets = content["datasets"] = Json::array();
  for (study::ReplayedDataset const& one : report.datasets) {
    Json entry{{"name", one.name}, {"passed", one.passed()}};
    if (one.compared()) {
      entry["quantity"] = one.quantity;
      entry["error"] = one.error;
      entry["limit"] = one.limit;
    } else {
      entry["problem"] = one.problem;
    }
    datasets.push_back(std::move(entry));
  }
  fmt::print("{}\n", content.dump(1, ' ', false, Json::error_handler_t::replace));
}

void print_table(Arguments const& arguments, study::ReplayReport const& report) {
  fmt::print("{}: {}, {} parameters\n", arguments.file, report.model, report.parameters);
  fmt::print("{:14s} {:>8s} {:>14s} {:>8s}  {}\n", "quantity", "datasets", "largest error", "limit",
             "where");
  for (auto const& [name, line] : lines_of(report))
    fmt::print("{:14s} {:8d} {:14.2e} {:8.0e}  {}{}\n", name, line.datasets, line.worst->error,
               line.worst->limit, line.worst->name, line.worst->passed() ? "" : "  FAILED");
  if (report.routes)
    fmt::print("jets against nested reverse mode: largest error {:.2e}, limit {:.0e}{}\n",
               *report.routes, study::replay_routes_limit,
               *report.routes <= study::replay_routes_limit ? "" : "  FAILED");
  fmt::print("compared {} / {}\n", report.compared(), report.datasets.size());
}

void tell_failures(Arguments const& arguments, study::ReplayReport const& report) {
  constexpr int most = 20;
  int told = 0;
  for (study::ReplayedDataset const& one : report.datasets) {
    if (one.passed() || ++told > most) continue;
    const std::string why = one.compared()
                                ? fmt::format("relative error {:.3e}, limit {:.3g} for '{}'",
                                              one.error, one.limit, one.quantity)
                                : one.problem;
    std::fprintf(stderr, "moho: '%s' of '%s' failed (%s)\n", one.name.c_str(),
                 arguments.file.c_str(), why.c_str());
  }
  if (told > most) std::fprintf(stderr, "moho: and %d more datasets\n", told - most);
  if (report.routes && !(*report.routes <= study::replay_routes_limit))
    std::fprintf(stderr,
                 "moho: the physics loss of '%s' failed (by jets and by nested reverse mode "
                 "it differs by %.3e)\n",
                 arguments.file.c_str(), *report.routes);
}

ExitCode run(Context const& context, Arguments const& arguments) {
  ExitCode code = ExitCode::ok;
  parallel::run_collectively(context.comm, [&] {
    if (!context.comm.root()) return;
    study::ReplayOptions options;
    for (std::string const& one : arguments.tolerances) set_limit(one, options.limits);
    if (!arguments.output.empty()) {
      study::require_writable(arguments.output, arguments.file);
      options.output = arguments.output;
    }
    const study::ReplayReport report = study::replay(arguments.file, options);
    if (context.json)
      print_json(arguments, report);
    else
      print_table(arguments, report);
    std::fflush(stdout);
    tell_failures(arguments, report);
    if (!report.passed()) code = ExitCode::invalid;
  });
  return code;
}

void add_replay(CLI::App& parent, Context& context, Action& action) {
  auto* const command = parent.add_subcommand(
      "replay",
      "Computes what a recorded trajectory of a network holds again and compares: fields, "
      "gradients, Hessian-vector products, training, spectra");
  auto const arguments = std::make_shared<Arguments>();
  command
      ->add_option("file", arguments->file,
                   "The recording (HDF5, layout of reference/physics/nn/README.md)")
      ->required();
  command->add_option("-o,--output", arguments->output,
                      "The same layout with every result computed again");
  std::string limits;
  for (auto const& [name, limit] : study::replay_limits())
    limits += (limits.empty() ? "" : ", ") + fmt::format("{}={:.0e}", name, limit);
  command
      ->add_option("--tolerance", arguments->tolerances,
                   "QUANTITY=VALUE: another limit for the relative error; without it " + limits)
      ->allow_extra_args(false);
  command->callback([&context, &action, arguments] {
    action = [&context, arguments] { return run(context, *arguments); };
  });
}

} // namespace

void add_nn(CLI::App& parent, Context& context, Action& action) {
  auto* const command =
      parent.add_subcommand("nn", "Neural networks: recorded trajectories replayed");
  command->require_subcommand(1);
  add_replay(*command, context, action);
}

} // namespace moho::app
