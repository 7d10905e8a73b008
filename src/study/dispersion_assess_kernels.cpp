// SPDX-License-Identifier: BSD-3-Clause
// The norm of sensitivity kernels: each against its largest component.
#include "moho/core/statistics.hpp"
#include "moho/study/dispersion_arrays.hpp"
#include "moho/study/dispersion_kernels.hpp"
#include "moho/study/dispersion_trivial.hpp"
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace moho::study {
namespace {

using dispersion::ModelBatch;
using dispersion::Wave;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// A kernel of zeros (density, in a half-space) has a scale too: this share of velocity over
/// parameter. The smallest published kernel has 1e-5.
constexpr double zero_scale = 1e-8;

/// The kernels of one wave in a Batch.
struct WaveKernels {
  std::size_t modes = 0;
  std::map<std::string, std::vector<double>> values; ///< (modes x rows) by name

  WaveKernels(Batch const& batch, Wave wave) {
    for (std::string const& name : kernel_names()) {
      const std::string array = std::string(dispersion::name(wave)) + "/kernel/" + name;
      if (!batch.has(array)) continue;
      modes = batch.at(array).shape.at(0);
      values[name] = batch.reals(array);
    }
  }
};

std::vector<double> const& column(dispersion::LayeredModel const& model, std::string const& name,
                                  std::vector<double>& scratch) {
  const std::string parameter = name.substr(3);
  std::span<double const> const from = parameter == "dh"    ? model.thickness
                                       : parameter == "dvp" ? model.vp
                                       : parameter == "dvs" ? model.vs
                                                            : model.rho;
  scratch.assign(from.begin(), from.end());
  return scratch;
}

double largest_magnitude(std::span<double const> values) {
  double largest = 0;
  for (double const x : values) largest = std::max(largest, std::abs(x));
  return largest;
}

/// The largest error of a kernel over its largest component, which counts as `least` at least.
/// NaN if a component is.
double kernel_error(std::span<double const> answer, std::span<double const> truth, double least) {
  double const scale = std::max(largest_magnitude(truth), least);
  double worst = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    double const error = std::abs(answer[i] - truth[i]) / scale;
    if (!(error <= worst)) worst = error; // also a NaN, which then stays
    if (std::isnan(worst)) return nan;
  }
  return worst;
}

/// Errors of the kernels that answers and truth both know, by quantity: "dc", "dU", "dE".
struct Errors {
  std::map<std::string, std::vector<double>> of;
  std::vector<double> trivial; ///< of the trivial answer, "dc"
};

/// One kernel of all points and modes. `least`: smallest scale, as a share of velocity over
/// parameter.
void compare_kernel(ModelBatch const& models, std::string const& name, WaveKernels const& answer,
                    WaveKernels const& truth, WaveAnswers const& known, double least,
                    Errors& errors) {
  const std::vector<std::int64_t> offset = kernel_offset(models);
  auto const rows = static_cast<std::size_t>(offset.back());
  std::span<double const> const ours = answer.values.at(name), theirs = truth.values.at(name);
  std::vector<double> scratch;
  for (std::size_t m = 0; m < std::min(answer.modes, truth.modes); ++m)
    for (std::size_t i = 0, point = 0; i < models.size(); ++i) {
      double const parameter = largest_magnitude(column(models.model(i), name, scratch));
      std::vector<double> const trivial = trivial_kernel(models.model(i), name);
      for (std::size_t t = 0; t < models.periods(i).size(); ++t, ++point) {
        const std::size_t at = m * rows + static_cast<std::size_t>(offset[point]);
        const std::size_t layers = models.model(i).layers();
        auto const right = theirs.subspan(at, layers);
        if (!std::all_of(right.begin(), right.end(), [](double x) { return std::isfinite(x); }))
          continue;
        double const scale =
            least * known.phase[m * known.points + point] / (parameter > 0 ? parameter : 1);
        errors.of[name.substr(0, 2)].push_back(
            kernel_error(ours.subspan(at, layers), right, scale));
        if (name.rfind("dc", 0) == 0) errors.trivial.push_back(kernel_error(trivial, right, scale));
      }
    }
}

double kernels_over_curves(Batch const& answers) {
  if (!answers.has("seconds")) return nan;
  const std::vector<double> seconds = answers.reals("seconds");
  return seconds.at(1) / seconds.at(0);
}

} // namespace

std::vector<Metric> kernel_metrics(Batch const& inputs, Batch const& truth, Batch const& answers) {
  Errors errors;
  const ModelBatch models = model_batch(inputs);
  double const least =
      truth.has(kernel_floor_array) ? truth.reals(kernel_floor_array).at(0) : zero_scale;
  for (const Wave wave : dispersion::all_waves) {
    const WaveKernels ours(answers, wave), theirs(truth, wave);
    if (ours.values.empty() || theirs.values.empty()) continue;
    const WaveAnswers known = wave_answers(truth, wave);
    for (auto const& [name, values] : ours.values)
      if (theirs.values.count(name) != 0)
        compare_kernel(models, name, ours, theirs, known, least, errors);
  }
  std::size_t compared = 0;
  for (auto const& [quantity, list] : errors.of) compared += list.size();
  double const phase = quantile(errors.of["dc"], 1);
  return {{"kernel_rel_max", phase},
          {"group_kernel_rel_max", quantile(errors.of["dU"], 1)},
          {"ellipticity_kernel_rel_max", quantile(errors.of["dE"], 1)},
          {"kernels_compared", static_cast<double>(compared)},
          {"kernel_of_trivial", phase / quantile(errors.trivial, 1)},
          {"kernels_over_curves", kernels_over_curves(answers)}};
}

std::vector<Dataset> kernel_data(Batch const& inputs, Batch const& truth, Batch const& answers,
                                 std::size_t keep) {
  const ModelBatch models = model_batch(inputs);
  const std::vector<std::int64_t> offset = kernel_offset(models);
  auto const rows = static_cast<std::size_t>(offset.back());
  std::vector<std::int64_t> of_case, starts{0};
  std::vector<std::int8_t> of_wave;
  std::vector<std::int32_t> mode;
  std::vector<double> period;
  std::map<std::string, std::vector<double>> columns, known;
  for (const Wave wave : dispersion::all_waves) {
    const WaveKernels ours(answers, wave), theirs(truth, wave);
    for (std::size_t m = 0; m < ours.modes; ++m)
      for (std::size_t i = 0, point = 0; i < keep; ++i)
        for (double const t : models.periods(i)) {
          const std::size_t at = m * rows + static_cast<std::size_t>(offset[point++]);
          const std::size_t layers = models.model(i).layers();
          if (!std::isfinite(ours.values.begin()->second[at])) continue;
          of_case.push_back(static_cast<std::int64_t>(i));
          of_wave.push_back(static_cast<std::int8_t>(wave));
          mode.push_back(static_cast<std::int32_t>(m));
          period.push_back(t);
          starts.push_back(starts.back() + static_cast<std::int64_t>(layers));
          for (std::string const& name : kernel_names())
            for (std::size_t row = at; row < at + layers; ++row) {
              auto const value = [&](WaveKernels const& from) {
                auto const found = from.values.find(name);
                return found != from.values.end() && m < from.modes ? found->second[row] : nan;
              };
              columns[name].push_back(value(ours));
              known[name].push_back(value(theirs));
            }
        }
  }
  if (of_case.empty()) return {};
  std::vector<Dataset> data{{"kernel/case", "", std::move(of_case)},
                            {"kernel/wave", "", std::move(of_wave)},
                            {"kernel/mode", "", std::move(mode)},
                            {"kernel/period", "s", std::move(period)},
                            {"kernel/offset", "", std::move(starts)}};
  for (std::string const& name : kernel_names()) {
    data.push_back({"kernel/" + name, kernel_units(name), std::move(columns[name])});
    data.push_back({"truth/kernel/" + name, kernel_units(name), std::move(known[name])});
  }
  return data;
}

} // namespace moho::study
