// SPDX-License-Identifier: BSD-3-Clause
#include "moho/core/error.hpp"
#include "moho/core/philox.hpp"
#include "moho/study/dispersion_arrays.hpp"
#include "moho/study/dispersion_batch.hpp"
#include "moho/study/dispersion_kernels.hpp"
#include "moho/study/dispersion_problem.hpp"
#include <algorithm>
#include <cmath>
#include <limits>

namespace moho::study {
namespace {

using dispersion::ModelBatch;
using dispersion::Wave;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double depth = 100; // km, top of the half-space
// The extended-precision path is accurate to its own rounding of the answer to double.
constexpr double extended_uncertainty = 1e-14;

std::size_t count_of(Parameters const& parameters, char const* key) {
  return static_cast<std::size_t>(parameters.integer(key));
}

/// Weak scaling is a matter of the launch: without a size of it the same case would be another
/// amount of work from run to run.
std::size_t models_of(Parameters const& parameters, Environment const& environment) {
  const std::size_t models = count_of(parameters, "models");
  if (!parameters.flag("per_rank")) return models;
  if (environment.ranks < 1)
    throw Error("problem.per_rank: models per rank of no launch (the study has no axis `ranks`) "
                "add it, or drop per_rank");
  return models * static_cast<std::size_t>(environment.ranks);
}

class DispersionGradient : public Problem {
public:
  DispersionGradient(Parameters const& p, Environment const& environment)
      : _layers(count_of(p, "layers")), _models(models_of(p, environment)),
        _sample(count_of(p, "truth")), _differences(count_of(p, "differences")),
        _keep(count_of(p, "keep")), _seed(static_cast<std::uint64_t>(p.integer("seed"))),
        _perturbation(p.real("perturbation")) {
    const std::size_t n = count_of(p, "periods");
    for (std::size_t i = 0; i < n; ++i) // 1 .. 100 s, equal ratios
      _periods.push_back(
          n == 1 ? 10 : std::pow(10, 2 * static_cast<double>(i) / static_cast<double>(n - 1)));
  }

  std::size_t count(Split) const override { return _models; }

  Batch draw(Split split, std::uint64_t first, std::size_t n) const override {
    ModelBatch models;
    std::vector<std::string> names;
    for (std::uint64_t index = first; index < first + n; ++index) {
      append(models, split, index);
      names.push_back("gradient-" + std::to_string(index));
    }
    return inputs_batch(models, std::move(names));
  }

  Batch truth(Batch const& inputs, parallel::Comm const& comm) const override {
    const ModelBatch models = model_batch(inputs);
    const std::size_t sample = std::min(_sample, models.size());
    dispersion::SolveOptions options;
    options.extended_only = true;
    const dispersion::Curves curves = solve_distributed(comm, part_of(models, 0, sample), options);
    Batch truth(inputs.count());
    truth.set("uncertainty", "", std::vector<double>{sample > 0 ? extended_uncertainty : nan});
    if (comm.root() && sample > 0)
      for (const Wave wave : dispersion::all_waves)
        set_wave_answers(truth, wave, widened(curves, wave, models.points()));
    append_difference_kernels(comm, models, std::min(_differences, sample), truth);
    return truth;
  }

  std::vector<Check> verify(parallel::Comm const&) const override { return closed_form_checks(); }

  Assessment assess(Batch const& inputs, Batch const& truth, Batch const& answers) const override {
    return assess_curves(inputs, truth, answers, _keep);
  }

private:
  /// One model: equal layers above the half-space, vs taken at mid-depth.
  void append(ModelBatch& models, Split split, std::uint64_t index) const {
    const Philox random{_seed, static_cast<std::uint32_t>(split)};
    std::vector<double> thickness(_layers, depth / static_cast<double>(_layers - 1)), vp(_layers),
        vs(_layers), rho(_layers);
    thickness.back() = 0;
    for (std::size_t i = 0; i < _layers; ++i) {
      bool const last = i + 1 == _layers;
      double const z = last ? depth : (static_cast<double>(i) + 0.5) * thickness[0];
      double const u = random.uniform(index, static_cast<std::uint32_t>(i));
      vs[i] = (2.5 + 2.2 * (1 - std::exp(-z / 35))) * (1 + _perturbation * (2 * u - 1));
      vp[i] = 1.75 * vs[i];
      rho[i] = 1.74 * std::pow(vp[i], 0.25);
    }
    models.append({thickness, vp, vs, rho}, _periods);
  }

  /// The sample's answers, followed by "unknown" for the models after it. The sample's models come
  /// first, so its points do too. What even the extended path could not certify is unknown as well.
  static WaveAnswers widened(dispersion::Curves const& curves, Wave wave, std::size_t points) {
    auto const& of = curves.wave[static_cast<std::size_t>(wave)];
    WaveAnswers result{1, points, of.phase, of.group, {}, {}};
    for (std::size_t i = 0; i < curves.points; ++i) {
      bool const known = of.status[i] != dispersion::Status::failed;
      result.status.push_back(known ? static_cast<std::int64_t>(of.status[i]) : unknown_status);
      result.mode_count.push_back(of.mode_count[i]);
    }
    result.phase.resize(points, nan);
    result.group.resize(points, nan);
    result.ellipticity = of.ellipticity;
    if (!of.ellipticity.empty()) result.ellipticity.resize(points, nan);
    result.status.resize(points, unknown_status);
    result.mode_count.resize(points, unknown_status);
    return result;
  }

  std::size_t _layers, _models, _sample, _differences, _keep;
  std::uint64_t _seed;
  double _perturbation;
  std::vector<double> _periods;
};

} // namespace

std::vector<ParameterSpec> dispersion_gradient_parameters() {
  return {
      {"models", std::int64_t{64}, "number of models", 1, 1e9},
      {"per_rank", false, "that many for each rank of the launch (needs the axis ranks)"},
      {"layers", std::int64_t{10}, "rows of each model, the half-space included", 2, 1e5},
      {"periods", std::int64_t{60}, "periods from 1 to 100 s, equal ratios", 1, 1e5},
      {"perturbation", 0.03, "largest relative change of vs, layer by layer", 0, 0.2},
      {"seed", std::int64_t{1}, "seed of the perturbations", 0},
      {"truth", std::int64_t{4}, "models whose truth is computed in extended precision", 0, 1e9},
      {"differences", std::int64_t{0},
       "models, of those, whose kernels are known by central differences", 0, 1e6},
      {"keep", std::int64_t{16}, "models whose curves are kept in data.h5", 0, 1e9}};
}

std::unique_ptr<Problem> make_dispersion_gradient(Parameters const& parameters,
                                                  Environment const& environment) {
  return std::make_unique<DispersionGradient>(parameters, environment);
}

} // namespace moho::study
