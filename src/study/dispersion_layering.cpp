// SPDX-License-Identifier: BSD-3-Clause
// What it costs to cut a smooth model into homogeneous layers: the error against the continuum.
#include "dispersion_continuum.hpp"
#include "moho/core/error.hpp"
#include "moho/study/dispersion_arrays.hpp"
#include "moho/study/dispersion_batch.hpp"
#include "moho/study/dispersion_problem.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace moho::study {
namespace {

using detail::Profile;
using detail::Sampling;
using dispersion::Curves;
using dispersion::ModelBatch;
using dispersion::OwnedModel;
using dispersion::Status;
using dispersion::Wave;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double rounding = 1e-14; // of a root, relative

/// The fundamental mode of one wave for layerings of n, 2n, 4n, .. layers.
using Levels = std::vector<WaveAnswers>;

/// Layerings of a profile at `periods`, solved with every (layering, period) a case of its own so
/// that all ranks share them. By wave; complete on the root, empty elsewhere.
std::array<Levels, 2> solved(parallel::Comm const& comm, std::vector<OwnedModel> const& models,
                             std::vector<double> const& periods) {
  ModelBatch batch;
  for (OwnedModel const& model : models)
    for (double const& period : periods) batch.append(model.view(), {&period, 1});
  dispersion::SolveOptions options;
  options.folds = dispersion::FoldSearch::slopes;
  const Curves curves = solve_distributed(comm, batch, options);
  std::array<Levels, 2> result;
  if (!comm.root()) return result;
  for (const Wave wave : dispersion::all_waves) {
    auto const& of = curves.wave[static_cast<std::size_t>(wave)];
    const std::size_t n = periods.size();
    for (std::size_t first = 0; first < models.size() * n; first += n) {
      auto const part = [&](std::vector<double> const& from) {
        auto const at = from.begin() + static_cast<std::ptrdiff_t>(first);
        return from.empty() ? from : std::vector<double>(at, at + static_cast<std::ptrdiff_t>(n));
      };
      WaveAnswers level{1, n, part(of.phase), part(of.group), {}, {}, part(of.ellipticity)};
      for (std::size_t p = first; p < first + n; ++p) {
        level.status.push_back(static_cast<std::int64_t>(of.status[p]));
        level.mode_count.push_back(of.mode_count[p]);
      }
      result[static_cast<std::size_t>(wave)].push_back(std::move(level));
    }
  }
  return result;
}

/// A value in the limit of thin layers, and how far the extrapolation may be off.
struct Limit {
  double value = nan, uncertainty = nan;
};

/// Of values at n, 2n and 4n layers whose error is a n^-2 + b n^-4 + ..: the extrapolation of the
/// finer pair. That of the coarser pair has 16 times its error, so their difference bounds it.
Limit limit_of(double coarse, double middle, double fine) {
  auto const extrapolated = [](double wide, double narrow) { return narrow + (narrow - wide) / 3; };
  double const finer = extrapolated(middle, fine);
  return {finer, std::abs(finer - extrapolated(coarse, middle))};
}

/// The continuum's answers of one wave; grows `uncertainty` (relative, of phase and group).
WaveAnswers limit_of(Levels const& levels, double& uncertainty) {
  WaveAnswers const &coarse = levels.at(0), &middle = levels.at(1), &fine = levels.at(2);
  WaveAnswers result = fine;
  for (std::size_t p = 0; p < fine.points; ++p) {
    if (coarse.mode_count[p] != fine.mode_count[p] || middle.mode_count[p] != fine.mode_count[p])
      result.mode_count[p] = unknown_status; // a mode is being cut off
    auto const extrapolate = [&](std::vector<double> WaveAnswers::*values) {
      if ((fine.*values).empty()) return 0.0;
      const Limit limit = limit_of((coarse.*values)[p], (middle.*values)[p], (fine.*values)[p]);
      (result.*values)[p] = limit.value;
      return limit.uncertainty / std::abs(limit.value);
    };
    double const phase = extrapolate(&WaveAnswers::phase);
    double const group = extrapolate(&WaveAnswers::group);
    extrapolate(&WaveAnswers::ellipticity);
    if (std::isfinite(phase))
      uncertainty = std::max({uncertainty, phase, std::isfinite(group) ? group : 0});
    else
      result.status[p] = unknown_status;
  }
  return result;
}

/// Largest relative difference of phase velocities, infinite where one is missing.
double difference(WaveAnswers const& a, WaveAnswers const& b) {
  double worst = 0;
  for (std::size_t p = 0; p < a.points; ++p) {
    double const here = std::abs(a.phase[p] / b.phase[p] - 1);
    worst = std::max(worst, std::isfinite(here) ? here : infinity);
  }
  return worst;
}

class DispersionLayering : public Problem {
public:
  explicit DispersionLayering(Parameters const& p)
      : _profile(p.text("profile") == "linear" ? Profile::linear : Profile::exponential),
        _sampling(p.text("sampling") == "top" ? Sampling::top : Sampling::midpoint),
        _layers(static_cast<std::size_t>(p.integer("layers"))),
        _truth(static_cast<std::size_t>(p.integer("truth"))), _periods(p.reals("periods")) {
    if (const std::string why = dispersion::problem_with_periods(_periods); !why.empty())
      throw Error("problem.periods: " + why);
    if (_layers > _truth)
      throw Error("problem.layers = " + std::to_string(_layers) +
                  " (the continuum is extrapolated from " + std::to_string(_truth) +
                  " layers on, which must be finer) raise problem.truth");
  }

  /// There is one model, and nobody trains on it.
  std::size_t count(Split split) const override { return split == Split::test ? 1 : 0; }

  Batch draw(Split split, std::uint64_t first, std::size_t n) const override {
    ModelBatch models;
    std::vector<std::string> names;
    if (first == 0 && n > 0 && split == Split::test) {
      models.append(detail::layered(_profile, _layers, _sampling).view(), _periods);
      names.push_back("layers-" + std::to_string(_layers));
    }
    return inputs_batch(models, std::move(names));
  }

  Batch truth(Batch const& inputs, parallel::Comm const& comm) const override {
    Batch truth(inputs.count());
    const std::array<Levels, 2> levels =
        solved(comm, refined(_truth, 3, Sampling::midpoint), _periods);
    if (!comm.root()) return truth;
    double uncertainty = rounding;
    for (const Wave wave : dispersion::all_waves)
      set_wave_answers(truth, wave, limit_of(levels[static_cast<std::size_t>(wave)], uncertainty));
    truth.set("uncertainty", "", std::vector<double>{uncertainty});
    return truth;
  }

  std::vector<Check> verify(parallel::Comm const& comm) const override {
    std::vector<Check> checks = closed_form_checks();
    append_continuum_checks(comm, checks);
    append_order_checks(comm, checks);
    return checks;
  }

  Assessment assess(Batch const& inputs, Batch const& truth, Batch const& answers) const override {
    return assess_curves(inputs, truth, answers, inputs.count());
  }

private:
  /// Layerings of n, 2n, .. layers, `levels` of them.
  std::vector<OwnedModel> refined(std::size_t layers, std::size_t levels, Sampling sampling) const {
    std::vector<OwnedModel> models;
    for (std::size_t i = 0; i < levels; ++i, layers *= 2)
      models.push_back(detail::layered(_profile, layers, sampling));
    return models;
  }

  /// The truth against an integration of the continuum that knows no layers.
  void append_continuum_checks(parallel::Comm const& comm, std::vector<Check>& checks) const {
    constexpr std::size_t steps = 4000;
    const std::vector<double> periods{10, 25, 60};
    const std::array<Levels, 2> levels = solved(comm, refined(512, 3, Sampling::midpoint), periods);
    std::vector<double> error(2), control(2), uncertainty(2);
    parallel::run_collectively(comm, [&] {
      if (!comm.root()) return;
      for (std::size_t w = 0; w < 2; ++w) {
        const WaveAnswers limit = limit_of(levels[w], uncertainty[w]);
        WaveAnswers exact = limit;
        for (std::size_t p = 0; p < periods.size(); ++p)
          exact.phase[p] = detail::continuum_phase(_profile, dispersion::all_waves[w], periods[p],
                                                   limit.phase[p], steps);
        error[w] = difference(limit, exact);
        // The control: as many layers, not extrapolated.
        control[w] = difference(levels[w].back(), exact);
      }
    });
    error = comm.broadcast(error);
    control = comm.broadcast(control);
    for (const Wave wave : dispersion::all_waves) {
      auto const w = static_cast<std::size_t>(wave);
      const Check check{
          std::string("continuum_") + dispersion::name(wave), error[w], Relation::at_most, 1e-9,
          "the extrapolated phase velocity is that of the profile without layers, by its "
          "Riccati equation"};
      checks.push_back(check);
      checks.push_back(control_of(check, control[w], "2048 layers that are not extrapolated"));
    }
  }

  /// Halving the layers divides the error by 4 (midpoint) or 2 (top).
  void append_order_checks(parallel::Comm const& comm, std::vector<Check>& checks) const {
    std::vector<double> order(2);
    for (const Sampling sampling : {Sampling::midpoint, Sampling::top}) {
      auto const levels = solved(comm, refined(128, 3, sampling), {20, 40});
      if (!comm.root()) continue;
      double largest = 0, next = 0; // changes from 128 to 256 layers, from 256 to 512
      for (Levels const& wave : levels) {
        largest = std::max(largest, difference(wave[0], wave[1]));
        next = std::max(next, difference(wave[1], wave[2]));
      }
      order[static_cast<std::size_t>(sampling)] = std::log2(largest / next);
    }
    order = comm.broadcast(order);
    auto const off = [&](Sampling sampling) {
      double const expected = _sampling == Sampling::midpoint ? 2 : 1;
      return std::abs(order[static_cast<std::size_t>(sampling)] - expected);
    };
    const Check check{"layering_order", off(_sampling), Relation::at_most, 0.05,
                      "the order of this sampling is 2 (midpoint) or 1 (top)"};
    checks.push_back(check);
    const Sampling other = _sampling == Sampling::midpoint ? Sampling::top : Sampling::midpoint;
    checks.push_back(control_of(check, off(other), "the order of the other sampling"));
  }

  Profile _profile;
  Sampling _sampling;
  std::size_t _layers, _truth;
  std::vector<double> _periods;
};

} // namespace

std::vector<ParameterSpec> dispersion_layering_parameters() {
  return {{"profile",
           std::string("exponential"),
           "vs, km/s: 2.5 + 2.2 (1 - exp(-z / 35 km)) or 2.5 + 0.021 z, down to 100 km",
           0,
           0,
           {"exponential", "linear"}},
          {"layers", std::int64_t{16}, "equal homogeneous layers above the half-space", 1, 1e5},
          {"sampling",
           std::string("midpoint"),
           "what a layer takes: the profile at its middle or at its top",
           0,
           0,
           {"midpoint", "top"}},
          {"periods", std::vector<double>{10, 14, 20, 28, 40, 56, 80, 100}, "periods, s", 0, 1e9},
          {"truth", std::int64_t{2048}, "the continuum is extrapolated from n, 2n and 4n layers: n",
           8, 1e5}};
}

std::unique_ptr<Problem> make_dispersion_layering(Parameters const& parameters,
                                                  Environment const&) {
  return std::make_unique<DispersionLayering>(parameters);
}

} // namespace moho::study
