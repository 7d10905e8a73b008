// SPDX-License-Identifier: BSD-3-Clause
// `moho report`: a self-contained HTML page from a run folder, drawn by analysis/report.py.
#include "commands.hpp"
#include "moho/study/atomic_file.hpp"
#include "python.hpp"
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>

namespace moho::app {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::string folder, output, figures;
  int curves = 6;
};

/// Runs the script on the root and prints its summary: verdict, what was skipped, the page's path.
void write_report(Arguments const& arguments, bool json) {
  if (!fs::is_directory(arguments.folder))
    throw Error("cannot report on '" + arguments.folder +
                "' (no such folder) give the folder that `moho run` wrote");
  const std::string output = arguments.output.empty()
                                 ? (fs::path(arguments.folder) / "report.html").string()
                                 : arguments.output;
  const std::string script = analysis_script("report.py");
  const std::string python =
      find_python({"numpy", "pandas", "h5py", "matplotlib", "jinja2", "jsonschema"}, "moho report");
  const std::string summary = study::temporary_name(output);
  std::vector<std::string> words{script,      arguments.folder, "-o",
                                 output,      "--curves",       std::to_string(arguments.curves),
                                 "--summary", summary};
  if (json) words.push_back("--json");
  if (!arguments.figures.empty()) words.insert(words.end(), {"--figures", arguments.figures});
  run_python(python, words, "moho report");
  std::fputs(study::read_file(summary).c_str(), stdout);
  std::error_code ignored;
  fs::remove(summary, ignored);
}

} // namespace

void add_report(CLI::App& parent, Context& context, Action& action) {
  auto* const command = parent.add_subcommand(
      "report", "Write one self-contained HTML page (verdict, figures, tables, provenance)");
  auto const arguments = std::make_shared<Arguments>();
  command->add_option("folder", arguments->folder, "Run folder: what `moho run --out` wrote")
      ->required();
  command->add_option("-o,--output", arguments->output, "Page to write [FOLDER/report.html]");
  command->add_option("--figures", arguments->figures,
                      "Also write each figure into this folder, as PNG and PDF");
  command->add_option("--curves", arguments->curves, "Models shown with their curves, per study")
      ->capture_default_str()
      ->check(CLI::Range(0, 1000));
  command->callback([&context, &action, arguments] {
    context.computes = false;
    action = [&context, arguments] {
      parallel::run_collectively(context.comm, [&] {
        if (context.comm.root()) write_report(*arguments, context.json);
      });
      return ExitCode::ok;
    };
  });
}

} // namespace moho::app
