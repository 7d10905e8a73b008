// SPDX-License-Identifier: BSD-3-Clause
// `moho verify`: runs the checks of a problem, or of all, without a study.
#include "commands.hpp"
#include "moho/study/problem.hpp"
#include "moho/study/registry.hpp"
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>

namespace moho::app {
namespace {

using Json = nlohmann::ordered_json;

struct Arguments {
  std::string problem;
  study::Environment environment;
};

struct Verified {
  std::string problem;
  std::vector<study::Check> checks;
};

void print_table(std::vector<Verified> const& all) {
  for (Verified const& one : all) {
    fmt::print("{}\n", one.problem);
    for (study::Check const& check : one.checks)
      fmt::print("  {:4}  {:40} {:>10.3g} {} {:<8.3g}  {}\n", check.pass() ? "ok" : "FAIL",
                 check.name, check.value, study::symbol(check.relation), check.limit, check.note);
  }
}

Json as_json(std::vector<Verified> const& all) {
  Json problems = Json::array();
  for (Verified const& one : all) {
    Json checks = Json::array();
    for (study::Check const& check : one.checks)
      checks.push_back({{"name", check.name},
                        {"value", std::isfinite(check.value) ? Json(check.value) : Json(nullptr)},
                        {"relation", study::symbol(check.relation)},
                        {"limit", check.limit},
                        {"pass", check.pass()},
                        {"note", check.note}});
    problems.push_back({{"problem", one.problem}, {"checks", checks}});
  }
  return {{"format", "moho.verify/1"}, {"problems", problems}};
}

Verified verified(study::ProblemEntry const& entry, Arguments const& arguments,
                  parallel::Comm const& comm) {
  Verified result{entry.name, {}};
  std::unique_ptr<study::Problem> problem;
  parallel::run_collectively(comm, [&] {
    problem = entry.make(study::defaults(entry.parameters), arguments.environment);
  });
  parallel::run_collectively(comm, [&] { result.checks = problem->verify(comm); });
  return result;
}

ExitCode verify(Context const& context, Arguments const& arguments) {
  std::vector<Verified> all;
  if (!arguments.problem.empty())
    all.push_back(verified(study::find_problem(arguments.problem), arguments, context.comm));
  else
    for (study::ProblemEntry const& entry : study::problems())
      all.push_back(verified(entry, arguments, context.comm));
  if (context.comm.root() && context.json)
    fmt::print("{}\n", as_json(all).dump(2));
  else if (context.comm.root())
    print_table(all);
  bool const pass = std::all_of(all.begin(), all.end(), [](Verified const& one) {
    return std::all_of(one.checks.begin(), one.checks.end(),
                       [](study::Check const& check) { return check.pass(); });
  });
  return pass ? ExitCode::ok : ExitCode::invalid;
}

} // namespace

void add_verify(CLI::App& parent, Context& context, Action& action) {
  auto* const command = parent.add_subcommand(
      "verify", "Check a problem (or all) against known values; exit code 2 if a check fails");
  auto const arguments = std::make_shared<Arguments>();
  command->add_option("problem", arguments->problem, "Its name (see `moho list`)");
  command->add_option("--data", arguments->environment.data, "Folder of the reference data");
  command->callback([&context, &action, arguments] {
    action = [&context, arguments] { return verify(context, *arguments); };
  });
}

} // namespace moho::app
