// SPDX-License-Identifier: BSD-3-Clause
// moho info [--binding] [--measure] [--json]: what was built, where it runs, what the machine can
// do.
//
//   moho info
//   mpirun -n 4 moho info --binding
//   mpirun -n 2 moho info --measure --json
#include "commands.hpp"
#include "moho/study/machine.hpp"
#include "moho/study/measure.hpp"
#include "moho/study/provenance.hpp"
#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>

namespace moho::app {
namespace {

using Json = nlohmann::ordered_json;

struct InfoOptions {
  bool binding = false, measure = false;
  double seconds = 0.5;
};

/// "0-3,8" -> {0,1,2,3,8}.
std::set<int> numbers_of(std::string const& ranges) {
  std::set<int> numbers;
  std::istringstream parts(ranges);
  for (std::string part; std::getline(parts, part, ',');) {
    auto const dash = part.find('-');
    int const first = std::stoi(part);
    int const last = dash == std::string::npos ? first : std::stoi(part.substr(dash + 1));
    for (int i = first; i <= last; ++i) numbers.insert(i);
  }
  return numbers;
}

/// Hosts on which more threads run than they may use hardware threads.
std::vector<std::string> binding_warnings(Json const& run) {
  std::map<std::string, std::pair<int, std::set<int>>> hosts; // threads, hardware threads
  for (auto const& one : run.at("binding")) {
    auto& [threads, cpus] = hosts[one.at("host").get<std::string>()];
    threads += run.at("threads").get<int>();
    cpus.merge(numbers_of(one.at("cpuset").get<std::string>()));
  }
  std::vector<std::string> warnings;
  for (auto const& [host, use] : hosts)
    if (use.first > static_cast<int>(use.second.size()))
      warnings.push_back(fmt::format("{} threads share {} hardware threads on {}: timings will not "
                                     "be those of the machine",
                                     use.first, use.second.size(), host));
  return warnings;
}

Json rates_json(study::Rates const& rates) {
  return {{"triad", rates.triad},
          {"triad_unit", "byte/s"},
          {"triad_of_rank", rates.triad_of_rank},
          {"triad_passes", rates.triad_passes},
          {"array_bytes", rates.array_bytes},
          {"cache_multiple", rates.cache_multiple},
          {"gemm", rates.gemm},
          {"gemm_unit", "flop/s"},
          {"gemm_of_rank", rates.gemm_of_rank},
          {"gemm_passes", rates.gemm_passes},
          {"gemm_order", rates.gemm_order},
          {"gemm_threads", rates.gemm_threads}};
}

std::string text_or(Json const& json, char const* otherwise) {
  return json.is_null() ? otherwise : json.get<std::string>();
}

std::string describe_build(Json const& provenance) {
  auto const& git = provenance.at("git");
  auto const& build = provenance.at("build");
  int const simd = build.at("simd_width").get<int>();
  auto const word = [&](char const* key) { return text_or(build.at(key), "none"); };
  return fmt::format("moho      {} ({}{})\n"
                     "build     {}, {}: {}\n"
                     "SIMD      {} bits ({} doubles)\n"
                     "platform  {}\n"
                     "Kokkos    {}, {}\n"
                     "MPI       {}\n"
                     "HDF5      {}\n"
                     "PETSc     {}\n"
                     "BLAS      {}\n",
                     word("version"), git.at("sha").get<std::string>(),
                     git.at("dirty").get<bool>() ? ", with changes" : "", word("compiler"),
                     word("type"), word("flags"), 64 * simd, simd, word("platform"), word("kokkos"),
                     word("backend"), word("mpi"), word("hdf5"), word("petsc"), word("blas"));
}

std::string describe_run(Json const& provenance) {
  auto const& host = provenance.at("host");
  auto const& run = provenance.at("run");
  auto text = fmt::format("host      {} ({})\n"
                          "CPU       {}, {} cores, {} NUMA domain(s), {:.1f} GiB\n"
                          "run       {} rank(s) on {} node(s), {} thread(s) each\n",
                          text_or(host.at("name"), ""), text_or(host.at("os"), ""),
                          text_or(host.at("cpu"), ""), host.at("cores").get<int>(),
                          host.at("numa").get<int>(), host.at("memory").get<double>() / (1 << 30),
                          run.at("ranks").get<int>(), run.at("nodes").get<int>(),
                          run.at("threads").get<int>());
  if (run.at("slurm").contains("SLURM_JOB_ID"))
    text += "Slurm     job " + run.at("slurm").at("SLURM_JOB_ID").get<std::string>() + "\n";
  return text;
}

std::string describe_binding(Json const& run) {
  std::string text = "\nrank  host              hardware threads\n";
  for (auto const& one : run.at("binding"))
    text += fmt::format("{:>4}  {:<16}  {}\n", one.at("rank").get<int>(),
                        one.at("host").get<std::string>(), one.at("cpuset").get<std::string>());
  return text;
}

std::string describe_rates(study::Rates const& rates) {
  auto text = fmt::format(
      "\nSTREAM triad  {:9.2f} GB/s      best of {} passes, 3 arrays of {:.0f} MiB "
      "on each rank\n"
      "dgemm         {:9.2f} GFLOP/s   best of {} passes, order {}, {} BLAS "
      "thread(s) on each rank\n",
      rates.triad * 1e-9, rates.triad_passes, static_cast<double>(rates.array_bytes) / (1 << 20),
      rates.gemm * 1e-9, rates.gemm_passes, rates.gemm_order,
      rates.gemm_threads > 0 ? std::to_string(rates.gemm_threads) : "?");
  text += "rank      GB/s   GFLOP/s   (each rank's own best, all running)\n";
  for (std::size_t rank = 0; rank < rates.triad_of_rank.size(); ++rank)
    text += fmt::format("{:>4} {:>9.2f} {:>9.2f}\n", rank, rates.triad_of_rank[rank] * 1e-9,
                        rates.gemm_of_rank[rank] * 1e-9);
  if (rates.cache_multiple > 0 && rates.cache_multiple < 3.9)
    text +=
        fmt::format("warning: the arrays of a node are only {:.1f} x its last-level caches; the "
                    "triad rate may be that of the cache\n",
                    rates.cache_multiple);
  return text;
}

ExitCode info(Context const& context, InfoOptions const& options) {
  auto const provenance = Json::parse(study::provenance_json(context.comm, context.command));
  std::optional<study::Rates> rates;
  if (options.measure) rates = study::measure_rates(context.comm, {.seconds = options.seconds});
  if (!context.comm.root()) return ExitCode::ok;
  auto const warnings = binding_warnings(provenance.at("run"));
  if (context.json) {
    Json json{{"format", "moho.info/1"}, {"provenance", provenance}, {"warnings", warnings}};
    json["rates"] = rates ? rates_json(*rates) : Json();
    fmt::print("{}\n", json.dump(2));
    return ExitCode::ok;
  }
  fmt::print("{}{}", describe_build(provenance), describe_run(provenance));
  if (options.binding) fmt::print("{}", describe_binding(provenance.at("run")));
  if (rates) fmt::print("{}", describe_rates(*rates));
  if (options.binding || rates)
    for (auto const& warning : warnings) fmt::print("warning: {}\n", warning);
  return ExitCode::ok;
}

} // namespace

void add_info(CLI::App& parent, Context& context, Action& action) {
  auto* command = parent.add_subcommand("info", "Describe build, machine and run");
  auto options = std::make_shared<InfoOptions>();
  command->add_flag("--binding", options->binding,
                    "Show where each rank may run, and warn when threads share cores");
  command->add_flag("--measure", options->measure,
                    "Measure memory bandwidth (STREAM triad) and matrix product (dgemm), all ranks "
                    "at the same time");
  command->add_option("--seconds", options->seconds, "Time for each of the two measurements")
      ->check(CLI::Range(0.0, 600.0))
      ->capture_default_str();
  command->callback([&context, &action, options] {
    action = [&context, options] { return info(context, *options); };
  });
}

} // namespace moho::app
