// SPDX-License-Identifier: BSD-3-Clause
// moho's side of a comparison: reads model sets, then does and times what standard input asks for.
//
//   moho_peer SETS.txt      SETS.txt: number of sets; of each: modes models; of each model: layers
//                           periods, the periods, and per layer a row: thickness vp vs rho
//   about                              -> how this was built, a JSON object
//   time SET WAVES WHAT CALLS SECONDS  -> processor and wall seconds of one pass over the set, from
//                           whole passes that take SECONDS at least. WAVES: rayleigh, love, both.
//                           WHAT: phase; group (phase and group velocity); phase+kernels; kernels
//                           (dc/dp of all layers and parameters, roots given). CALLS: batch (one
//                           call for the set) or single (one per model). All is timed: packing,
//                           bracketing, mode count, polishing; but for `kernels` not the roots.
//   curves SET WAVE         -> a line per model: phase group status, of each mode and period
//   kernels SET WAVE        -> a line per model: dc/dvs of each layer at each period, fundamental
//   quit
#include "moho/core/kokkos.hpp"
#include "moho/core/simd.hpp"
#include "moho/dispersion/sensitivity.hpp"
#include "moho/dispersion/solve.hpp"
#include "moho/version.hpp"
#include <cstdio>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <time.h>
#include <vector>

namespace {

using namespace moho::dispersion;

struct Model {
  std::vector<double> thickness, vp, vs, rho, periods;
  LayeredModel view() const { return {thickness, vp, vs, rho}; }
};

struct Set {
  int modes = 1;
  std::vector<Model> models;
};

/// The models of one call, and the roots where kernels at known roots are asked for.
struct Call {
  ModelBatch batch;
  std::vector<RootPoint> roots;
};

Model read_model(std::istream& in) {
  Model m;
  std::size_t layers = 0, periods = 0;
  in >> layers >> periods;
  m.periods.resize(periods);
  for (double& t : m.periods) in >> t;
  for (std::size_t i = 0; i < layers; ++i)
    for (auto* column : {&m.thickness, &m.vp, &m.vs, &m.rho}) {
      column->push_back(0);
      in >> column->back();
    }
  return m;
}

std::vector<Set> read_sets(char const* path) {
  std::ifstream in(path);
  std::size_t sets = 0;
  in >> sets;
  std::vector<Set> out;
  for (std::size_t i = 0; i < sets && in; ++i) {
    std::size_t models = 0;
    out.emplace_back();
    in >> out.back().modes >> models;
    for (std::size_t m = 0; m < models && in; ++m) out.back().models.push_back(read_model(in));
  }
  if (!in || out.empty())
    throw std::runtime_error("cannot read " + std::string(path) + " (cut short, or not a number)");
  return out;
}

SolveOptions options_of(Set const& set, std::array<bool, 2> waves, bool group) {
  SolveOptions options;
  options.modes = set.modes;
  options.waves = waves;
  options.group = group;
  return options;
}

std::vector<Call> calls_of(Set const& set, bool single) {
  std::vector<Call> calls(single ? set.models.size() : 1);
  for (std::size_t i = 0; i < set.models.size(); ++i)
    calls[single ? i : 0].batch.append(set.models[i].view(), set.models[i].periods);
  return calls;
}

/// The roots of a batch that were found, as `sensitivities` takes them.
std::vector<RootPoint> roots_of(ModelBatch const& batch, Curves const& curves) {
  std::vector<RootPoint> roots;
  for (const Wave wave : all_waves) {
    Curves::OfWave const& of = curves.wave[static_cast<std::size_t>(wave)];
    for (std::size_t k = 0; k < of.phase.size(); ++k) {
      if (of.status[k] == Status::absent || of.status[k] == Status::failed) continue;
      auto const point = static_cast<std::int64_t>(k % curves.points);
      std::size_t i = 0;
      while (batch.period_offset()[i + 1] <= point) ++i;
      auto const period =
          batch.periods(i)[static_cast<std::size_t>(point - batch.period_offset()[i])];
      roots.push_back({static_cast<std::int64_t>(i), wave, period, of.phase[k],
                       of.status[k] == Status::extended});
    }
  }
  return roots;
}

double first_of(std::vector<double> const& values) {
  return values.empty() ? 0 : values.front();
}

/// dc/dp of the phase velocity alone: what the peers' phase kernels are.
double kernels(ModelBatch const& batch, std::vector<RootPoint> const& roots) {
  const Sensitivities s = sensitivities(batch, roots, {.group = false, .ellipticity = false});
  return first_of(s.dphase.vs) + first_of(s.dphase.thickness);
}

/// One pass over the set; the sum keeps the work from being optimised away.
double pass(Set const& set, SolveOptions const& options, std::string const& what, bool single,
            std::vector<Call> const& known) {
  double sum = 0;
  if (what == "kernels") {
    for (Call const& call : known) sum += kernels(call.batch, call.roots);
    return sum;
  }
  std::size_t const calls = single ? set.models.size() : 1;
  for (std::size_t call = 0; call < calls; ++call) {
    ModelBatch batch;
    std::size_t const begin = single ? call : 0, end = single ? call + 1 : set.models.size();
    for (std::size_t i = begin; i < end; ++i)
      batch.append(set.models[i].view(), set.models[i].periods);
    const Curves curves = solve(batch, options);
    for (Curves::OfWave const& wave : curves.wave)
      sum += first_of(wave.phase) + first_of(wave.group);
    if (what == "phase+kernels") sum += kernels(batch, roots_of(batch, curves));
  }
  return sum;
}

double seconds_of(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return double(now.tv_sec) + 1e-9 * double(now.tv_nsec);
}

void time_set(Set const& set, std::string const& waves, std::string const& what, bool single,
              double seconds) {
  const SolveOptions options =
      options_of(set, {waves != "love", waves != "rayleigh"}, what == "group");
  std::vector<Call> known;
  if (what == "kernels") {
    known = calls_of(set, single);
    for (Call& call : known) call.roots = roots_of(call.batch, solve(call.batch, options));
  }
  volatile double sink = 0;
  int passes = 0;
  double const cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID), wall = seconds_of(CLOCK_MONOTONIC);
  do {
    sink = sink + pass(set, options, what, single, known);
    ++passes;
  } while (seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu < seconds);
  std::printf("%.9e %.9e\n", (seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu) / passes,
              (seconds_of(CLOCK_MONOTONIC) - wall) / passes);
}

void print_curves(Set const& set, Wave wave) {
  for (Model const& m : set.models) {
    ModelBatch batch;
    batch.append(m.view(), m.periods);
    const Curves curves =
        solve(batch, options_of(set, {wave == Wave::rayleigh, wave == Wave::love}, true));
    Curves::OfWave const& of = curves.wave[static_cast<std::size_t>(wave)];
    for (std::size_t k = 0; k < of.phase.size(); ++k)
      std::printf("%.17g %.17g %d ", of.phase[k], of.group[k], static_cast<int>(of.status[k]));
    std::printf("\n");
  }
}

void print_kernels(Set const& set, Wave wave) {
  for (Model const& m : set.models) {
    ModelBatch batch;
    batch.append(m.view(), m.periods);
    Set fundamental;
    const Curves curves =
        solve(batch, options_of(fundamental, {wave == Wave::rayleigh, wave == Wave::love}, false));
    const std::vector<RootPoint> roots = roots_of(batch, curves);
    const Sensitivities s = sensitivities(batch, roots, {.group = false, .ellipticity = false});
    for (double const k : s.dphase.vs) std::printf("%.17g ", k);
    std::printf("\n");
  }
}

void print_about() {
  std::printf("{\"version\": \"%s\", \"compiler\": \"%s\", \"flags\": \"%s\", \"type\": \"%s\", "
              "\"arch\": \"%s\", \"kokkos\": \"%s\", \"backend\": \"%s\", "
              "\"simd_width\": %d, \"sha\": \"%s\", \"dirty\": %s}\n",
              MOHO_VERSION, MOHO_COMPILER, MOHO_FLAGS, MOHO_BUILD_TYPE, MOHO_ARCH,
              moho::kokkos_version().c_str(), moho::backend_name(), moho::simd_lanes, MOHO_GIT_SHA,
              MOHO_GIT_DIRTY ? "true" : "false");
}

/// False: nothing more is asked.
bool answer(std::vector<Set> const& sets) {
  std::string command, waves, what, calls;
  if (!(std::cin >> command) || command == "quit") return false;
  if (command == "about") {
    print_about();
    return true;
  }
  std::size_t set = 0;
  std::cin >> set >> waves;
  const Wave wave = waves == "love" ? Wave::love : Wave::rayleigh;
  if (command == "time") {
    double seconds = 0;
    std::cin >> what >> calls >> seconds;
    time_set(sets.at(set), waves, what, calls == "single", seconds);
  } else if (command == "curves") {
    print_curves(sets.at(set), wave);
  } else if (command == "kernels") {
    print_kernels(sets.at(set), wave);
  } else {
    throw std::runtime_error("unknown command '" + command + "'");
  }
  return true;
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: moho_peer SETS.txt < commands\n");
    return 1;
  }
  const Kokkos::ScopeGuard kokkos(argc, argv);
  try {
    const std::vector<Set> sets = read_sets(argv[1]);
    while (answer(sets)) std::fflush(stdout);
  } catch (std::exception const& error) {
    std::fprintf(stderr, "moho_peer: %s\n", error.what());
    return 1;
  }
}
