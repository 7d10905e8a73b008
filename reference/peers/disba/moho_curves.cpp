// SPDX-License-Identifier: BSD-3-Clause
// moho's side of the comparison: reads model sets, then times what standard input asks for.
//
//   moho_curves SETS.txt        SETS.txt: number of sets; for each: layers models periods, the
//                               periods, then per model and layer a row: thickness vp vs rho
//   time SET WAVE HOW SECONDS   -> processor and wall seconds per curve. HOW: single (one call per
//                               model) or batch (one call for the set). Whole passes over the set,
//                               at least SECONDS long. Everything is timed: packing, bracketing,
//                               mode count, polishing, group velocity.
//   curves SET WAVE             -> one line per model: mode count, phase and group at each period
//   quit
#include "moho/core/kokkos.hpp"
#include "moho/dispersion/solve.hpp"
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>
#include <time.h>
#include <vector>

namespace {

using namespace moho::dispersion;

struct Model {
  std::vector<double> thickness, vp, vs, rho;
  LayeredModel view() const { return {thickness, vp, vs, rho}; }
};

struct Set {
  std::vector<Model> models;
  std::vector<double> periods;
};

std::vector<Set> read_sets(char const* path) {
  std::ifstream in(path);
  std::size_t sets = 0;
  in >> sets;
  std::vector<Set> out(sets);
  for (Set& set : out) {
    std::size_t layers = 0, models = 0, periods = 0;
    in >> layers >> models >> periods;
    set.periods.resize(periods);
    for (double& t : set.periods) in >> t;
    set.models.resize(models);
    for (Model& m : set.models)
      for (std::size_t i = 0; i < layers; ++i) {
        double h = 0, p = 0, s = 0, r = 0;
        in >> h >> p >> s >> r;
        m.thickness.push_back(h);
        m.vp.push_back(p);
        m.vs.push_back(s);
        m.rho.push_back(r);
      }
  }
  if (!in || out.empty()) {
    std::fprintf(stderr, "moho_curves: cannot read %s\n", path);
    std::exit(1);
  }
  return out;
}

SolveOptions fundamental(Wave wave) {
  SolveOptions options;
  options.waves = {wave == Wave::rayleigh, wave == Wave::love};
  return options;
}

/// One pass over the set; the sum keeps the work from being optimised away.
double pass(Set const& set, SolveOptions const& options, bool single) {
  double sum = 0;
  auto const add = [&](Curves const& curves) {
    for (Curves::OfWave const& wave : curves.wave)
      if (!wave.phase.empty()) sum += wave.phase[0] + wave.group[0] + wave.mode_count[0];
  };
  if (single) {
    for (Model const& m : set.models) {
      ModelBatch batch;
      batch.append(m.view(), set.periods);
      add(solve(batch, options));
    }
  } else {
    ModelBatch batch;
    for (Model const& m : set.models) batch.append(m.view(), set.periods);
    add(solve(batch, options));
  }
  return sum;
}

double seconds_of(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return double(now.tv_sec) + 1e-9 * double(now.tv_nsec);
}

void time_set(Set const& set, Wave wave, bool single, double seconds) {
  SolveOptions const options = fundamental(wave);
  volatile double sink = 0;
  int passes = 0;
  double const cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID), wall = seconds_of(CLOCK_MONOTONIC);
  do {
    sink = sink + pass(set, options, single);
    ++passes;
  } while (seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu < seconds);
  double const curves = double(passes) * double(set.models.size());
  std::printf("%.9e %.9e\n", (seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu) / curves,
              (seconds_of(CLOCK_MONOTONIC) - wall) / curves);
}

void print_curves(Set const& set, Wave wave) {
  for (Model const& m : set.models) {
    ModelBatch batch;
    batch.append(m.view(), set.periods);
    Curves const curves = solve(batch, fundamental(wave));
    Curves::OfWave const& of = curves.wave[static_cast<std::size_t>(wave)];
    for (std::size_t p = 0; p < set.periods.size(); ++p)
      std::printf("%d %.17g %.17g ", of.mode_count[p], of.phase[p], of.group[p]);
    std::printf("\n");
  }
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: moho_curves SETS.txt < commands\n");
    return 1;
  }
  std::vector<Set> const sets = read_sets(argv[1]);
  Kokkos::ScopeGuard kokkos(argc, argv);
  std::string command, wave, how;
  std::size_t set = 0;
  while (std::cin >> command && command != "quit") {
    std::cin >> set >> wave;
    Wave const which = wave == "love" ? Wave::love : Wave::rayleigh;
    if (command == "time") {
      double seconds = 0;
      std::cin >> how >> seconds;
      time_set(sets.at(set), which, how == "single", seconds);
    } else {
      print_curves(sets.at(set), which);
    }
    std::fflush(stdout);
  }
}
