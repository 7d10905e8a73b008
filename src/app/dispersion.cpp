// SPDX-License-Identifier: BSD-3-Clause
// `moho dispersion`: a file of cases in, curves out.
#include "commands.hpp"
#include "moho/parallel/hdf5.hpp"
#include "moho/study/atomic_file.hpp"
#include "moho/study/dispersion_batch.hpp"
#include "moho/study/dispersion_files.hpp"
#include "moho/study/progress.hpp"
#include "python.hpp"
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

namespace moho::app {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::string cases, output, plot, periods;
  std::string waves = "rayleigh,love";
  int modes = 1;
};

enum class Output { table, json, hdf5 };

Output output_of(std::string const& path) {
  const std::string ending = fs::path(path).extension().string();
  if (path.empty()) return Output::table;
  if (ending == ".json") return Output::json;
  if (ending == ".h5" || ending == ".hdf5") return Output::hdf5;
  throw Error("--output '" + path +
              "' ends neither in .json nor in .h5 (the ending picks the "
              "format) rename it");
}

dispersion::SolveOptions options_from(Arguments const& arguments) {
  dispersion::SolveOptions options;
  options.modes = arguments.modes;
  options.waves = {false, false};
  for (std::string const& word : CLI::detail::split(arguments.waves, ',')) {
    bool known = false;
    for (dispersion::Wave wave : dispersion::all_waves)
      if (word == name(wave)) known = options.waves[static_cast<std::size_t>(wave)] = true;
    if (!known)
      throw Error("--waves '" + arguments.waves + "': '" + word +
                  "' is not a wave (rayleigh and love are) correct it");
  }
  return options;
}

/// Finds out before the work, not after it, that a file cannot be written. Leaves nothing behind.
void require_writable(std::string const& path, std::string const& input) {
  std::error_code ignored;
  if (fs::exists(path, ignored) && !fs::is_regular_file(path, ignored))
    throw Error("cannot write '" + path + "' (it is not a regular file) name another");
  if (fs::equivalent(path, input, ignored))
    throw Error("cannot write '" + path + "' (it is the input) name another");
  const std::string probe = study::temporary_name(path);
  std::FILE* const file = std::fopen(probe.c_str(), "wb");
  if (!file)
    throw Error("cannot write '" + path + "' (" + std::strerror(errno) +
                ") check the folder and its permissions");
  std::fclose(file);
  fs::remove(probe, ignored);
}

void write_hdf5(std::string const& path, study::DispersionAnswers const& answers) {
  const std::string temporary = study::temporary_name(path);
  try {
    auto file = parallel::h5::File::create(temporary);
    study::write_answers(file, answers);
    file.close();
  } catch (...) {
    std::error_code ignored;
    fs::remove(temporary, ignored);
    throw;
  }
  study::atomic_replace(temporary, path);
}

/// Draws the curves of a JSON file with analysis/plots.py.
void draw(std::string const& python, std::string const& json, std::string const& picture) {
  const std::string temporary = study::temporary_name(picture);
  try {
    run_python(python, {analysis_script("plots.py"), "curves", json, temporary},
               "drawing '" + picture + "'");
  } catch (...) {
    std::error_code ignored;
    fs::remove(temporary, ignored);
    throw;
  }
  study::atomic_replace(temporary, picture);
}

void write_plot(Arguments const& arguments, std::string const& python,
                study::DispersionAnswers const& answers) {
  if (output_of(arguments.output) == Output::json)
    return draw(python, arguments.output, arguments.plot);
  const std::string json = study::temporary_name(arguments.plot + ".json");
  study::write_atomically(json, study::answers_as_json(answers));
  std::error_code ignored;
  try {
    draw(python, json, arguments.plot);
  } catch (...) {
    fs::remove(json, ignored);
    throw;
  }
  fs::remove(json, ignored);
}

void write(Context const& context, Arguments const& arguments, std::string const& python,
           study::DispersionAnswers const& answers) {
  switch (output_of(arguments.output)) {
  case Output::json:
    study::write_atomically(arguments.output, study::answers_as_json(answers));
    break;
  case Output::hdf5:
    write_hdf5(arguments.output, answers);
    break;
  case Output::table: {
    const std::string text = context.json ? answers_as_json(answers) : answers_as_table(answers);
    std::fwrite(text.data(), 1, text.size(), stdout);
    break;
  }
  }
  if (!arguments.plot.empty()) write_plot(arguments, python, answers);
}

/// Tells on stderr what is wrong, case by case, and decides the exit code.
ExitCode judge(Arguments const& arguments, study::DispersionAnswers const& answers) {
  constexpr std::size_t most = 20;
  std::size_t told = 0;
  for (std::size_t i = 0; i < answers.cases.size(); ++i)
    if (!answers.error(i).empty() && told++ < most)
      std::fprintf(stderr, "moho: '%s', cases[%zu] '%s': %s\n", arguments.cases.c_str(), i,
                   answers.cases[i].name.c_str(), answers.error(i).c_str());
  if (told > most) std::fprintf(stderr, "moho: and %zu more cases\n", told - most);
  if (const std::size_t failed = answers.failed_points(); failed > 0)
    std::fprintf(stderr, "moho: '%s': %zu points failed (their flags tell why)\n",
                 arguments.cases.c_str(), failed);
  return told > 0 || answers.failed_points() > 0 ? ExitCode::invalid : ExitCode::ok;
}

/// What the root needs before the work, so that whatever can be wrong is found before it.
struct Input {
  std::vector<study::DispersionCase> cases;
  std::string python; ///< only for --plot
};

Input read_input(Arguments const& arguments) {
  Input input;
  for (std::string const& path : {arguments.output, arguments.plot})
    if (!path.empty()) require_writable(path, arguments.cases);
  if (!arguments.plot.empty()) {
    analysis_script("plots.py");
    input.python = find_python({"numpy", "pandas", "h5py", "matplotlib"}, "--plot");
  }
  std::vector<double> periods;
  if (!arguments.periods.empty()) periods = study::read_periods(arguments.periods);
  input.cases = study::read_cases(arguments.cases, periods);
  return input;
}

ExitCode solve(Context const& context, Arguments const& arguments) {
  const dispersion::SolveOptions options = options_from(arguments);
  output_of(arguments.output);
  Input input;
  parallel::run_collectively(context.comm, [&] {
    if (context.comm.root()) input = read_input(arguments);
  });
  const dispersion::ModelBatch batch =
      study::broadcast_batch(context.comm, study::batch_of(input.cases));

  std::optional<study::Progress> line;
  if (context.comm.root())
    line.emplace("dispersion", "models", static_cast<std::int64_t>(batch.size()));
  std::size_t shown = 0;
  const dispersion::Curves curves =
      study::solve_distributed(context.comm, batch, options, [&](std::size_t done, std::size_t) {
        line->advance(static_cast<std::int64_t>(done - std::exchange(shown, done)));
      });
  line.reset();

  ExitCode code = ExitCode::ok;
  parallel::run_collectively(context.comm, [&] {
    if (!context.comm.root()) return;
    const study::DispersionAnswers answers{input.cases, batch, curves, options};
    write(context, arguments, input.python, answers);
    code = judge(arguments, answers);
  });
  return code;
}

} // namespace

void add_dispersion(CLI::App& parent, Context& context, Action& action) {
  auto* const command = parent.add_subcommand(
      "dispersion", "Surface-wave dispersion curves of layered models, every root certified");
  auto const arguments = std::make_shared<Arguments>();
  command
      ->add_option(
          "cases", arguments->cases,
          "Cases: JSON (moho.dispersion/1, surface-wave-reference/1), CPS model96, or a "
          "table of thickness, vp, vs, rho (km, km/s, g/cm3; the half-space last, 0 thick)")
      ->required();
  command->add_option("-o,--output", arguments->output,
                      "Answers as OUT.json or OUT.h5; without it a table on stdout");
  command->add_option("--modes", arguments->modes, "Modes 0 .. N-1 of each wave")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  command->add_option("--waves", arguments->waves, "Waves, separated by a comma")
      ->capture_default_str();
  command->add_option("--periods", arguments->periods,
                      "Periods in s: 5,10,20 or a file of numbers; they replace those of CASES");
  command->add_option("--plot", arguments->plot, "Picture of the curves (needs Python)");
  command->callback([&context, &action, arguments] {
    action = [&context, arguments] { return solve(context, *arguments); };
  });
}

} // namespace moho::app
