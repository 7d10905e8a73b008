// SPDX-License-Identifier: BSD-3-Clause
// `moho dispersion`: a file of cases in, curves out.
#include "commands.hpp"
#include "moho/parallel/hdf5.hpp"
#include "moho/study/atomic_file.hpp"
#include "moho/study/dispersion_cases.hpp"
#include "moho/study/dispersion_files.hpp"
#include "moho/study/progress.hpp"
#include "python.hpp"
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
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
  bool kernels = false, flatten = false;
  dispersion::FlattenOptions sphere;
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

study::CaseOptions options_from(Arguments const& arguments) {
  study::CaseOptions options;
  options.kernels = arguments.kernels;
  if (arguments.flatten) options.flatten = arguments.sphere;
  options.solve.modes = arguments.modes;
  options.solve.waves = {false, false};
  for (std::string const& word : CLI::detail::split(arguments.waves, ',')) {
    bool known = false;
    for (dispersion::Wave wave : dispersion::all_waves)
      if (word == name(wave)) known = options.solve.waves[static_cast<std::size_t>(wave)] = true;
    if (!known)
      throw Error("--waves '" + arguments.waves + "': '" + word +
                  "' is not a wave (rayleigh and love are) correct it");
  }
  return options;
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

/// The script that draws curves, and what it needs.
constexpr char const* script = "curves.py";

/// Draws the curves and kernels of a JSON file.
void draw(std::string const& python, std::string const& json, std::string const& picture) {
  const std::string temporary = study::temporary_name(picture);
  try {
    run_python(python, {analysis_script(script), json, temporary}, "drawing '" + picture + "'");
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

/// Prints the first lines of many on stderr and counts the others.
class Log {
public:
  explicit Log(char const* what) : _what(what) {}
  void tell(std::string const& line) {
    if (_told++ < most) std::fprintf(stderr, "moho: %s\n", line.c_str());
  }
  std::size_t told() const { return _told; }
  ~Log() {
    if (_told > most) std::fprintf(stderr, "moho: and %zu more %s\n", _told - most, _what);
  }
  Log(Log const&) = delete;
  Log& operator=(Log const&) = delete;

private:
  static constexpr std::size_t most = 20;
  char const* _what;
  std::size_t _told = 0;
};

/// Tells on stderr what is wrong or looks wrong, case by case, and decides the exit code.
ExitCode judge(Arguments const& arguments, study::DispersionAnswers const& answers) {
  Log errors("cases"), warnings("warnings");
  for (std::size_t i = 0; i < answers.cases.size(); ++i) {
    const std::string place = "'" + arguments.cases + "', cases[" + std::to_string(i) + "] '" +
                              answers.cases[i].name + "': ";
    if (!answers.error(i).empty()) errors.tell(place + answers.error(i));
    for (std::string const& warning : answers.cases[i].warnings)
      warnings.tell("warning: " + place + warning);
  }
  const std::size_t failed = answers.failed_points();
  if (failed > 0)
    std::fprintf(stderr, "moho: '%s': %zu points failed (their flags tell why)\n",
                 arguments.cases.c_str(), failed);
  return errors.told() > 0 || failed > 0 ? ExitCode::invalid : ExitCode::ok;
}

/// What the root needs before the work, so that whatever can be wrong is found before it.
struct Input {
  std::vector<study::DispersionCase> cases;
  std::string python; ///< only for --plot
};

Input read_input(Arguments const& arguments) {
  Input input;
  for (std::string const& path : {arguments.output, arguments.plot})
    if (!path.empty()) study::require_writable(path, arguments.cases);
  if (!arguments.plot.empty()) {
    analysis_script(script);
    input.python = find_python({"numpy", "pandas", "h5py", "jsonschema", "matplotlib"}, "--plot");
  }
  std::vector<double> periods;
  if (!arguments.periods.empty()) periods = study::read_periods(arguments.periods);
  input.cases = study::read_cases(arguments.cases, periods, arguments.flatten);
  return input;
}

ExitCode solve(Context const& context, Arguments const& arguments) {
  const study::CaseOptions options = options_from(arguments);
  output_of(arguments.output);
  Input input;
  parallel::run_collectively(context.comm, [&] {
    if (context.comm.root()) input = read_input(arguments);
  });

  std::optional<study::Progress> line;
  std::size_t shown = 0;
  const study::CaseAnswers found = study::solve_cases(
      context.comm, input.cases, options, [&](std::size_t done, std::size_t total) {
        if (!line) line.emplace("dispersion", "models", static_cast<std::int64_t>(total));
        line->advance(static_cast<std::int64_t>(done - std::exchange(shown, done)));
      });
  line.reset();

  ExitCode code = ExitCode::ok;
  parallel::run_collectively(context.comm, [&] {
    if (!context.comm.root()) return;
    const study::DispersionAnswers answers{input.cases, found.batch, found.curves, options.solve,
                                           found.kernels};
    code = judge(arguments, answers);
    write(context, arguments, input.python, answers);
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
          "Cases: JSON (moho.dispersion/1, surface-wave-reference/1), an HDF5 file of answers, "
          "CPS model96, or a table of thickness, vp, vs, rho (km, km/s, g/cm3; the half-space "
          "last, 0 thick)")
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
  command->add_flag("--kernels", arguments->kernels,
                    "Sensitivity kernels of every mode at every period asked for, where the mode "
                    "exists, besides those that CASES asks for");
  auto* const flatten = command->add_flag(
      "--flatten", arguments->flatten,
      "The models are spheres: solve them by Earth flattening (exact for Love, approximate for "
      "Rayleigh), velocities at the surface");
  command->add_option("--radius", arguments->sphere.radius, "Radius of the sphere in km")
      ->check(CLI::PositiveNumber)
      ->needs(flatten)
      ->capture_default_str();
  command
      ->add_option("--flatten-layers", arguments->sphere.thickest,
                   "Layers are cut into parts of at most this many km; the error falls with its "
                   "square")
      ->check(CLI::PositiveNumber)
      ->needs(flatten)
      ->capture_default_str();
  command->add_option("--plot", arguments->plot,
                      "Picture of the curves and kernels (needs Python with matplotlib)");
  command->callback([&context, &action, arguments] {
    action = [&context, arguments] { return solve(context, *arguments); };
  });
}

} // namespace moho::app
