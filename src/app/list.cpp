// SPDX-License-Identifier: BSD-3-Clause
// `moho list`: the problems and methods there are, their parameters, and the studies that ship.
#include "commands.hpp"
#include "moho/study/config.hpp"
#include "moho/study/registry.hpp"
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>

namespace moho::app {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct StudyFile {
  std::string path, name, title, error;
};

/// Study files below a folder, in path order. One that cannot be read is listed with its error.
std::vector<StudyFile> find_studies(std::string const& folder) {
  std::vector<StudyFile> found;
  std::error_code ignored;
  for (auto const& entry : fs::recursive_directory_iterator(folder, ignored)) {
    if (entry.path().extension() != ".toml") continue;
    StudyFile file{entry.path().string(), "", "", ""};
    try {
      const study::Study study = study::read_study(file.path);
      file.name = study.name;
      file.title = study.title;
    } catch (Error const& error) {
      file.error = error.what();
    }
    found.push_back(std::move(file));
  }
  std::sort(found.begin(), found.end(),
            [](StudyFile const& a, StudyFile const& b) { return a.path < b.path; });
  return found;
}

void print_parameters(std::vector<study::ParameterSpec> const& parameters) {
  for (study::ParameterSpec const& spec : parameters)
    fmt::print("      {} = {}  {}\n", spec.key, study::to_json(spec.fallback), spec.help);
}

void print_all(std::vector<StudyFile> const& studies) {
  fmt::print("Problems\n");
  for (study::ProblemEntry const& entry : study::problems()) {
    fmt::print("  {}: {}\n", entry.name, entry.summary);
    print_parameters(entry.parameters);
  }
  fmt::print("\nMethods\n");
  for (study::MethodEntry const& entry : study::methods()) {
    fmt::print("  {}: {}\n", entry.name, entry.summary);
    print_parameters(entry.parameters);
  }
  fmt::print("\nStudies\n");
  for (StudyFile const& file : studies) {
    if (file.error.empty())
      fmt::print("  {}: {}\n", file.path, file.title);
    else
      fmt::print("  {}: CANNOT BE USED: {}\n", file.path, file.error);
  }
  if (studies.empty()) fmt::print("  none found\n");
}

Json parameters_json(std::vector<study::ParameterSpec> const& parameters) {
  Json all = Json::object();
  for (study::ParameterSpec const& spec : parameters)
    all[spec.key] = {{"default", Json::parse(study::to_json(spec.fallback))}, {"help", spec.help}};
  return all;
}

Json as_json(std::vector<StudyFile> const& studies) {
  Json result{{"format", "moho.list/1"},
              {"problems", Json::array()},
              {"methods", Json::array()},
              {"studies", Json::array()}};
  for (study::ProblemEntry const& entry : study::problems())
    result["problems"].push_back({{"name", entry.name},
                                  {"task", entry.task},
                                  {"summary", entry.summary},
                                  {"parameters", parameters_json(entry.parameters)},
                                  {"metrics", entry.metrics}});
  for (study::MethodEntry const& entry : study::methods())
    result["methods"].push_back({{"name", entry.name},
                                 {"task", entry.task},
                                 {"summary", entry.summary},
                                 {"parameters", parameters_json(entry.parameters)}});
  for (StudyFile const& file : studies) {
    Json one{{"path", file.path}, {"name", file.name}, {"title", file.title}};
    if (!file.error.empty()) one["error"] = file.error;
    result["studies"].push_back(std::move(one));
  }
  return result;
}

/// Exit code 1 if a study file cannot be used: a listing that hides that would be of no help.
ExitCode list(Context const& context, std::string const& folder) {
  if (!context.comm.root()) return ExitCode::ok;
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored))
    throw Error("no folder of studies '" + folder + "' (not there) set --studies DIR");
  const std::vector<StudyFile> studies = find_studies(folder);
  if (context.json)
    fmt::print("{}\n", as_json(studies).dump(2, ' ', false, Json::error_handler_t::replace));
  else
    print_all(studies);
  bool const sound = std::all_of(studies.begin(), studies.end(),
                                 [](StudyFile const& file) { return file.error.empty(); });
  return sound ? ExitCode::ok : ExitCode::usage;
}

} // namespace

void add_list(CLI::App& parent, Context& context, Action& action) {
  auto* const command =
      parent.add_subcommand("list", "Problems, methods with their parameters, and studies");
  auto const folder = std::make_shared<std::string>(MOHO_SOURCE_DIR "/benchmarks");
  command->add_option("--studies", *folder, "Folder in which to look for study files");
  command->callback([&context, &action, folder] {
    context.computes = false;
    action = [&context, folder] { return list(context, *folder); };
  });
}

} // namespace moho::app
