// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/dispersion_cases.hpp"
#include "dispersion_files_detail.hpp"
#include "moho/core/error.hpp"
#include "moho/parallel/communicator.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <tuple>
#include <utility>

namespace moho::study {
namespace {

using dispersion::Curves;
using dispersion::Gradient;
using dispersion::ModelBatch;
using dispersion::RootPoint;
using dispersion::Sensitivities;
using dispersion::SolveOptions;
using dispersion::Status;
using dispersion::Wave;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
/// The solver refuses periods at which more modes may be trapped.
constexpr int most_modes = 20000;

std::size_t index_of(Wave wave) {
  return static_cast<std::size_t>(wave);
}

/// The models that a set of waves sees, and their curves: of flat models one for both waves, of
/// flattened ones one for each.
struct Earth {
  std::array<bool, 2> waves;
  ModelBatch batch;
  Curves curves;
};

/// One request and what is known of its root.
struct Wanted {
  std::size_t of_case;
  KernelRequest request;
  double phase = nan;
  Status status = Status::failed;
  int count = -1; ///< modes trapped at the period
};

std::string seconds(double period) {
  char text[32];
  std::snprintf(text, sizeof text, "%.10g s", period);
  return text;
}

std::vector<Earth> earths_of(ModelBatch const& batch, CaseOptions const& options) {
  if (!options.flatten) return {{options.solve.waves, batch, {}}};
  std::vector<Earth> earths;
  for (const Wave wave : dispersion::all_waves) {
    if (!options.solve.waves[index_of(wave)]) continue;
    std::array<bool, 2> only{};
    only[index_of(wave)] = true;
    earths.push_back({only, dispersion::flatten(batch, wave, *options.flatten), {}});
  }
  return earths;
}

/// Flattening ends at the half-space: waves that reach far into it do not see the sphere there.
void warn_of_depth(DispersionCase& of) {
  double const depth = std::accumulate(of.thickness.begin(), of.thickness.end(), 0.0);
  double const period = *std::max_element(of.periods.begin(), of.periods.end());
  double const wavelength = of.vs.back() * period;
  if (depth >= wavelength) return;
  char text[256];
  std::snprintf(text, sizeof text,
                "the half-space begins at %g km, less than the longest wavelength (%g km at %g s): "
                "from there on the sphere is taken as flat; repeat the last row as a thick layer "
                "above it to go deeper",
                depth, wavelength, period);
  of.warnings.emplace_back(text);
}

void prepare(std::vector<DispersionCase>& cases, CaseOptions const& options) {
  for (DispersionCase& one : cases) {
    if (!one.error.empty()) continue;
    std::erase_if(one.kernels, [&](KernelRequest const& request) {
      return !options.solve.waves[index_of(request.wave)];
    });
    if (!options.flatten) continue;
    const std::string wrong = problem_with_flattening(one.model(), *options.flatten);
    if (wrong.empty())
      warn_of_depth(one);
    else
      detail::reject(one, wrong);
  }
}

/// Asks for a kernel of every root of the curves that is not asked for yet.
void ask_for_all(std::vector<DispersionCase>& cases, std::vector<Earth> const& earths) {
  for (std::size_t i = 0; i < cases.size(); ++i) {
    std::set<std::tuple<Wave, int, double>> asked;
    for (KernelRequest const& r : cases[i].kernels) asked.emplace(r.wave, r.mode, r.period);
    for (Earth const& earth : earths)
      for (const Wave wave : dispersion::all_waves) {
        if (!earth.waves[index_of(wave)]) continue;
        auto const& of = earth.curves.wave[index_of(wave)];
        auto const first = static_cast<std::size_t>(earth.batch.period_offset()[i]);
        for (int mode = 0; mode < earth.curves.modes; ++mode)
          for (std::size_t p = 0; p < cases[i].periods.size(); ++p) {
            const std::size_t at = static_cast<std::size_t>(mode) * earth.curves.points + first + p;
            double const period = cases[i].periods[p];
            if (std::isfinite(of.phase[at]) && asked.emplace(wave, mode, period).second)
              cases[i].kernels.push_back({wave, mode, period});
          }
      }
  }
}

/// Takes the root from the curves of point `p` (of the batch).
void take_root(Wanted& wanted, Curves const& curves, std::size_t p) {
  auto const& of = curves.wave[index_of(wanted.request.wave)];
  const std::size_t at = static_cast<std::size_t>(wanted.request.mode) * curves.points + p;
  wanted.phase = of.phase[at];
  wanted.status = of.status[at];
  wanted.count = of.mode_count[p];
}

/// The requests that an earth answers; roots that its curves have are known.
std::vector<Wanted> wanted_of(std::vector<DispersionCase> const& cases, Earth const& earth) {
  std::vector<Wanted> all;
  for (std::size_t i = 0; i < cases.size(); ++i)
    for (KernelRequest const& request : cases[i].kernels) {
      if (!earth.waves[index_of(request.wave)]) continue;
      all.push_back({i, request});
      std::vector<double> const& periods = cases[i].periods;
      auto const listed = std::find(periods.begin(), periods.end(), request.period);
      if (listed == periods.end() || request.mode >= earth.curves.modes) continue;
      take_root(
          all.back(), earth.curves,
          static_cast<std::size_t>(earth.batch.period_offset()[i] + (listed - periods.begin())));
    }
  return all;
}

/// A batch of the periods at which one mode of one wave is still to be found.
struct Search {
  Wave wave;
  int mode;
  std::vector<std::size_t> wanted; ///< what it answers, case by case
};

std::vector<Search> searches_for(std::vector<Wanted> const& all) {
  std::map<std::pair<Wave, int>, std::vector<std::size_t>> by_mode;
  for (std::size_t w = 0; w < all.size(); ++w) {
    bool const known = all[w].count >= 0 || std::isfinite(all[w].phase);
    if (!known && all[w].request.mode < most_modes)
      by_mode[{all[w].request.wave, all[w].request.mode}].push_back(w);
  }
  std::vector<Search> searches;
  for (auto& [key, wanted] : by_mode) searches.push_back({key.first, key.second, wanted});
  return searches;
}

/// Solves the points of one search and tells each request its root.
void find_roots(parallel::Comm const& comm, Search const& search, Earth const& earth,
                std::vector<Wanted>& all) {
  ModelBatch batch;
  std::vector<std::pair<std::size_t, std::size_t>> place; // request, point of this batch
  for (std::size_t w = 0; w < search.wanted.size();) {
    const std::size_t i = all[search.wanted[w]].of_case;
    const std::size_t first = batch.points();
    std::vector<double> periods;
    for (; w < search.wanted.size() && all[search.wanted[w]].of_case == i; ++w) {
      double const period = all[search.wanted[w]].request.period;
      auto const at = std::find(periods.begin(), periods.end(), period) - periods.begin();
      if (static_cast<std::size_t>(at) == periods.size()) periods.push_back(period);
      place.emplace_back(search.wanted[w], first + static_cast<std::size_t>(at));
    }
    batch.append(earth.batch.model(i), periods);
  }
  SolveOptions options;
  options.modes = search.mode + 1;
  options.waves = {false, false};
  options.waves[index_of(search.wave)] = true;
  options.group = false;
  const Curves curves = solve_distributed(comm, broadcast_batch(comm, batch), options);
  for (auto const& [w, point] : place) take_root(all[w], curves, point);
}

/// Finds the roots that the curves do not have: periods that are not listed, modes past --modes.
void complete(parallel::Comm const& comm, Earth const& earth, std::vector<Wanted>& all) {
  const std::vector<Search> searches = searches_for(all);
  std::vector<std::int64_t> keys;
  for (Search const& search : searches)
    keys.insert(keys.end(), {static_cast<std::int64_t>(search.wave), search.mode});
  keys = comm.broadcast(std::span<const std::int64_t>(keys));
  for (std::size_t s = 0; s < keys.size() / 2; ++s) {
    const Search mine{static_cast<Wave>(keys[2 * s]), static_cast<int>(keys[2 * s + 1]), {}};
    find_roots(comm, comm.root() ? searches[s] : mine, earth, all);
  }
}

std::string reason_of(Wanted const& wanted) {
  KernelRequest const& asked = wanted.request;
  const std::string mode = "mode " + std::to_string(asked.mode);
  if (asked.mode >= most_modes)
    return mode + " is not searched for (at most " + std::to_string(most_modes) + " modes are)";
  if (wanted.status == Status::absent)
    return mode + " is absent at " + seconds(asked.period) + " (" + std::to_string(wanted.count) +
           " modes are trapped there)";
  return "the root of " + mode + " at " + seconds(asked.period) + " is not certified";
}

constexpr std::array gradients{&Sensitivities::dphase, &Sensitivities::dgroup,
                               &Sensitivities::dellipticity};
constexpr std::array columns{&Gradient::thickness, &Gradient::vp, &Gradient::vs, &Gradient::rho};

/// Room for an answer to every request, all unknown.
KernelAnswers room_for(std::vector<DispersionCase> const& cases) {
  KernelAnswers answers;
  Sensitivities& of = answers.sensitivities;
  of.offset.push_back(0);
  for (DispersionCase const& one : cases)
    for (std::size_t r = 0; r < one.kernels.size(); ++r)
      of.offset.push_back(of.offset.back() + static_cast<std::int64_t>(one.thickness.size()));
  const std::size_t requests = of.offset.size() - 1;
  answers.phase.assign(requests, nan);
  answers.status.assign(requests, Status::failed);
  of.group = of.ellipticity = answers.phase;
  of.reason.resize(requests);
  for (auto gradient : gradients)
    for (auto column : columns)
      (of.*gradient.*column).assign(static_cast<std::size_t>(of.offset.back()), nan);
  return answers;
}

/// Finds roots and derivatives of the requests that one earth answers and puts them into `all`, at
/// the places of these requests.
void answer(parallel::Comm const& comm, Earth const& earth,
            std::vector<DispersionCase> const& cases, ModelBatch const& batch,
            CaseOptions const& options, KernelAnswers& all) {
  std::vector<Wanted> wanted;
  if (comm.root()) wanted = wanted_of(cases, earth);
  complete(comm, earth, wanted);
  std::vector<RootPoint> points;
  for (Wanted const& one : wanted)
    if (std::isfinite(one.phase))
      points.push_back({static_cast<std::int64_t>(one.of_case), one.request.wave,
                        one.request.period, one.phase, one.status == Status::extended});
  Sensitivities found = sensitivities_distributed(comm, earth.batch, points);
  if (!comm.root()) return;
  if (options.flatten) found = to_sphere(found, points, batch, *options.flatten);
  std::size_t place = 0, w = 0, p = 0;
  for (DispersionCase const& one : cases)
    for (KernelRequest const& request : one.kernels) {
      const std::size_t here = place++;
      if (!earth.waves[index_of(request.wave)]) continue;
      Wanted const& root = wanted[w++];
      all.status[here] = root.status;
      if (!std::isfinite(root.phase)) {
        all.sensitivities.reason[here] = reason_of(root);
        continue;
      }
      all.phase[here] = options.flatten ? on_sphere({root.phase, 0}, request.wave, request.period,
                                                    options.flatten->radius)
                                              .phase
                                        : root.phase;
      all.sensitivities.group[here] = found.group[p];
      all.sensitivities.ellipticity[here] = request.wave == Wave::love ? nan : found.ellipticity[p];
      all.sensitivities.reason[here] = found.reason[p];
      auto const from = found.offset[p], to = all.sensitivities.offset[here];
      for (auto gradient : gradients)
        for (auto column : columns)
          std::copy_n((found.*gradient.*column).begin() + from, found.offset[p + 1] - from,
                      (all.sensitivities.*gradient.*column).begin() + to);
      ++p;
    }
}

/// The curves of both waves, at the surface of the sphere where the models are flattened.
Curves joined(std::vector<Earth>& earths, CaseOptions const& options) {
  for (Earth& earth : earths)
    if (options.flatten) to_sphere(earth.curves, earth.batch, *options.flatten);
  Curves all = std::move(earths.front().curves);
  for (std::size_t e = 1; e < earths.size(); ++e) {
    Curves& more = earths[e].curves;
    for (std::size_t w = 0; w < 2; ++w)
      if (earths[e].waves[w]) all.wave[w] = std::move(more.wave[w]);
    for (std::size_t i = 0; i < all.error.size(); ++i) {
      if (all.error[i].empty()) all.error[i] = more.error[i];
      all.work[i] += more.work[i];
      all.flops[i] += more.flops[i];
    }
    all.flags.insert(all.flags.end(), more.flags.begin(), more.flags.end());
  }
  std::stable_sort(all.flags.begin(), all.flags.end(), [](auto const& a, auto const& b) {
    return std::make_pair(a.case_index, a.wave) < std::make_pair(b.case_index, b.wave);
  });
  return all;
}

} // namespace

CaseAnswers solve_cases(parallel::Comm const& comm, std::vector<DispersionCase>& cases,
                        CaseOptions const& options, SolveProgress const& progress) {
  CaseAnswers answers;
  prepare(cases, options);
  answers.batch = broadcast_batch(comm, batch_of(cases));
  std::vector<Earth> earths = earths_of(answers.batch, options);
  const std::size_t total = earths.size() * answers.batch.size();
  std::size_t before = 0;
  for (Earth& earth : earths) {
    SolveOptions solve = options.solve;
    solve.waves = earth.waves;
    earth.curves = solve_distributed(comm, earth.batch, solve, [&](std::size_t done, std::size_t) {
      if (progress) progress(before + done, total);
    });
    before += answers.batch.size();
  }
  if (comm.root()) {
    if (options.kernels) ask_for_all(cases, earths);
    answers.kernels = room_for(cases);
  }
  for (Earth const& earth : earths)
    answer(comm, earth, cases, answers.batch, options, answers.kernels);
  if (comm.root()) answers.curves = joined(earths, options);
  return answers;
}

} // namespace moho::study
