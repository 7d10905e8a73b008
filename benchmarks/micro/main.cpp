// SPDX-License-Identifier: BSD-3-Clause
// Google Benchmark under MPI. All ranks run every benchmark; the time handed to the library is that
// of the slowest rank, so all ranks take the same decisions. Only rank 0 reports.
//
//   moho-bench --benchmark_filter=dispersion --benchmark_repetitions=5
//   mpirun -n 2 moho-bench --benchmark_out=micro.json
//
// Where kernels build alone (MOHO_KERNELS_ONLY) it is one process without MPI.
#include "harness.hpp"
#include "moho/core/backend.hpp"
#include "moho/core/error.hpp"
#include "moho/core/simd.hpp"
#ifdef MOHO_KERNELS_ONLY
#include "moho/nn/gemm.hpp"
#endif
#include "moho/study/machine.hpp"
#include "moho/version.hpp"
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <sstream>
#include <string_view>

namespace moho::micro {
namespace {

constexpr char usage[] =
    "moho-bench [options]: micro-benchmarks, each as a fraction of the machine's own rates\n"
    "  --moho_rate_seconds=X   time for each of the two rates, before and after (0.1)\n"
    "  --moho_most_drift=X     relative change of a rate that voids a sample (0.1)\n"
    "  --moho_keep_noisy       show samples with unsteady rates, marked, instead of errors\n"
    "  --moho_smoke            small arrays, short measurements: shows that all runs, no more\n"
    "  --moho_as_device        whole batches and calls in a row, as on a device, to try them out\n"
    "Counters: of_stream, of_gemm = fraction of STREAM triad and of the matrix product (sgemm for\n"
    "kernels in float32, dgemm for all others); *_drift = change of that rate during the sample.\n";

/// A reporter for the ranks that do not report.
class Silent : public benchmark::BenchmarkReporter {
public:
  Silent() : _nothing(nullptr) {
    SetOutputStream(&_nothing);
    SetErrorStream(&_nothing);
  }
  bool ReportContext(Context const&) override { return true; }
  void ReportRuns(std::vector<Run> const&) override {}

private:
  std::ostream _nothing;
};

bool starts_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

double number_in(std::string_view text) {
  double value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !(value >= 0))
    throw Error("cannot read the number '" + std::string(text) +
                "' (one that is not negative is wanted) see --help");
  return value;
}

/// Takes moho's own options, and on silent ranks those that write files, out of the arguments.
Settings take_settings(std::vector<char*>& arguments, bool root) {
  Settings settings;
  std::vector<char*> left;
  if (char const* text = std::getenv("BENCHMARK_MIN_TIME")) settings.min_time = number_in(text);
  constexpr std::string_view rate = "--moho_rate_seconds=", time = "--benchmark_min_time=",
                             drift = "--moho_most_drift=";
  for (char* argument : arguments) {
    const std::string_view text(argument);
    if (starts_with(text, time)) settings.min_time = number_in(text.substr(time.size()));
    if (starts_with(text, rate))
      settings.rates.seconds = number_in(text.substr(rate.size()));
    else if (starts_with(text, drift))
      settings.most_drift = number_in(text.substr(drift.size()));
    else if (text == "--moho_smoke")
      settings.rates = {.seconds = 0.002, .array_bytes = std::size_t{4} << 20, .gemm_order = 128};
    else if (text == "--moho_keep_noisy")
      settings.keep_noisy = true;
    else if (text == "--moho_as_device")
      settings.as_device = true;
    else if (root || !starts_with(text, "--benchmark_out"))
      left.push_back(argument);
  }
  arguments = left;
  if (!root) unsetenv("BENCHMARK_OUT");
  return settings;
}

/// What kernels run on: the name of the device, or "host".
std::string device_name() {
#ifdef KOKKOS_ENABLE_CUDA
  return ExecutionSpace().cuda_device_prop().name;
#else
  return on_host ? "host" : backend_name();
#endif
}

/// What the records of reference/peers tell of a build comes from here where it has no `moho`.
void describe_run(parallel::Comm const& comm) {
  using benchmark::AddCustomContext;
  AddCustomContext("moho_version", MOHO_VERSION);
  AddCustomContext("moho_sha", MOHO_GIT_SHA);
  AddCustomContext("moho_dirty", MOHO_GIT_DIRTY ? "true" : "false");
  AddCustomContext("compiler", MOHO_COMPILER);
  AddCustomContext("flags", MOHO_FLAGS);
  AddCustomContext("build_type", MOHO_BUILD_TYPE);
  AddCustomContext("arch", MOHO_ARCH);
  AddCustomContext("simd_width", std::to_string(simd_lanes));
  AddCustomContext("kokkos", kokkos_version());
  AddCustomContext("backend", backend_name());
  AddCustomContext("device", device_name());
  // No product rounds its operands to TF32: cuBLAS is left in its default math mode, which does so
  // only where NVIDIA_TF32_OVERRIDE=1 forces it to.
  AddCustomContext("precision", "ieee");
#ifdef MOHO_KERNELS_ONLY
  AddCustomContext("blas", nn::gemm_library());
  std::ostringstream configuration; // names the device
  Kokkos::print_configuration(configuration);
  AddCustomContext("configuration", configuration.str());
#else
  AddCustomContext("platform", study::platform_key(study::this_build()));
  AddCustomContext("blas", study::blas_description());
#endif
  AddCustomContext("cpu", study::read_host().cpu);
  AddCustomContext("threads", std::to_string(Kokkos::DefaultHostExecutionSpace().concurrency()));
  AddCustomContext("ranks", std::to_string(comm.size()));
}

bool asks_for_help(std::vector<char*> const& arguments) {
  for (char* argument : arguments)
    if (std::strcmp(argument, "--help") == 0) return true;
  return false;
}

ExitCode run(parallel::Comm const& comm, std::vector<char*> arguments) {
  if (asks_for_help(arguments)) {
    if (comm.root()) {
      std::cout << usage << std::flush;
      benchmark::PrintDefaultHelp();
    }
    return ExitCode::ok;
  }
  std::unique_ptr<Backend> backend;
  parallel::run_collectively(
      comm, [&] { backend = std::make_unique<Backend>(take_kokkos_options(arguments)); });
  auto const settings = take_settings(arguments, comm.root());
  int count = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  benchmark::Initialize(&count, arguments.data());
  if (count > 1) {
    if (comm.root()) benchmark::ReportUnrecognizedArguments(count, arguments.data());
    return ExitCode::usage;
  }
  Harness harness(comm, settings);
  register_machine_benchmarks(harness);
  if constexpr (on_host) register_kernel_benchmarks(harness);
  register_dispersion_benchmarks(harness);
#ifndef MOHO_KERNELS_ONLY
  register_linear_map_benchmarks(harness);
#endif
  register_fem_benchmarks(harness);
  register_nn_benchmarks(harness);
  std::size_t ran = 0;
  if (comm.root()) {
    describe_run(comm);
    ran = benchmark::RunSpecifiedBenchmarks();
  } else {
    Silent silent;
    ran = benchmark::RunSpecifiedBenchmarks(&silent);
  }
  benchmark::Shutdown();
  return ran > 0 ? ExitCode::ok : ExitCode::usage;
}

} // namespace
} // namespace moho::micro

int main(int argc, char** argv) {
#ifndef MOHO_KERNELS_ONLY
  int provided = MPI_THREAD_SINGLE;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
#endif
  const moho::parallel::Comm comm;
  auto code = moho::ExitCode::ok;
  try {
    code = moho::micro::run(comm, std::vector<char*>(argv, argv + argc));
  } catch (moho::Error const& error) { // arguments and memory: decided alike on every rank
    if (comm.root()) std::cerr << "moho-bench: " << error.what() << '\n';
    code = error.code();
  }
#ifndef MOHO_KERNELS_ONLY
  MPI_Finalize();
#endif
  return static_cast<int>(code);
}
