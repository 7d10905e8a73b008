// SPDX-License-Identifier: BSD-3-Clause
// Kernels by central differences of re-solved curves: a truth that shares no code with the exact
// derivatives but the solver itself.
#include "moho/study/dispersion_batch.hpp"
#include "moho/study/dispersion_kernels.hpp"
#include <array>
#include <cmath>
#include <limits>

namespace moho::study {
namespace {

using dispersion::Curves;
using dispersion::ModelBatch;
using dispersion::Wave;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// Relative steps. Two of them remove the error of second order (Richardson); what is left is of
/// the order of step^4, and the noise of a root (1e-14) over the step.
constexpr double step = 1e-3;
constexpr std::array<double, 4> steps{-step, -step / 2, step / 2, step};

constexpr std::array<char const*, 4> parameters{"dh", "dvp", "dvs", "drho"};

using Columns = std::array<std::vector<double>, 4>; // thickness, vp, vs, rho

Columns columns_of(dispersion::LayeredModel const& model) {
  auto const copy = [](std::span<double const> from) {
    return std::vector<double>(from.begin(), from.end());
  };
  return {copy(model.thickness), copy(model.vp), copy(model.vs), copy(model.rho)};
}

/// All perturbed versions of a model: by layer, parameter and step, in this order. A parameter that
/// is 0 is not perturbed.
void append_perturbed(ModelBatch& to, dispersion::LayeredModel const& model,
                      std::span<double const> periods) {
  Columns columns = columns_of(model);
  for (std::size_t layer = 0; layer < model.layers(); ++layer)
    for (auto& column : columns)
      for (double const change : steps) {
        double const kept = column[layer];
        column[layer] = kept * (1 + change);
        to.append({columns[0], columns[1], columns[2], columns[3]}, periods);
        column[layer] = kept;
      }
}

/// The derivative from the values at the four steps; `parameter` is what was perturbed.
double derivative(std::array<double, 4> const& f, double parameter) {
  if (parameter == 0) return 0;
  double const wide = (f[3] - f[0]) / (2 * step), narrow = (f[2] - f[1]) / step;
  return (4 * narrow - wide) / 3 / parameter;
}

struct Quantity {
  char const* name;
  std::vector<double> Curves::OfWave::*values;
};
constexpr std::array<Quantity, 3> quantities{{{"dc", &Curves::OfWave::phase},
                                              {"dU", &Curves::OfWave::group},
                                              {"dE", &Curves::OfWave::ellipticity}}};

/// One kernel at all points of the sample, NaN behind it.
std::vector<double> kernel(ModelBatch const& models, std::size_t sample, std::size_t parameter,
                           std::vector<double> const& values) {
  const std::vector<std::int64_t> offset = kernel_offset(models);
  std::vector<double> result(static_cast<std::size_t>(offset.back()), nan);
  std::size_t row = 0, first = 0; // first: of the model's perturbed points
  for (std::size_t i = 0; i < sample; ++i) {
    const Columns columns = columns_of(models.model(i));
    const std::size_t layers = models.model(i).layers(), points = models.periods(i).size();
    for (std::size_t t = 0; t < points; ++t)
      for (std::size_t layer = 0; layer < layers; ++layer) {
        std::array<double, 4> f{};
        for (std::size_t s = 0; s < 4; ++s)
          f[s] = values[first + ((layer * 4 + parameter) * 4 + s) * points + t];
        result[row++] = derivative(f, columns[parameter][layer]);
      }
    first += layers * 16 * points;
  }
  return result;
}

} // namespace

void append_difference_kernels(parallel::Comm const& comm, ModelBatch const& models,
                               std::size_t sample, Batch& truth) {
  ModelBatch perturbed;
  for (std::size_t i = 0; i < sample; ++i)
    append_perturbed(perturbed, models.model(i), models.periods(i));
  const Curves curves = solve_distributed(comm, perturbed, {});
  if (!comm.root() || sample == 0) return;
  // The noise of a root over the step, 1e-11 c / p, drowns smaller kernels.
  truth.set(kernel_floor_array, "", std::vector<double>{1e-3});
  for (const Wave wave : dispersion::all_waves)
    for (Quantity const& quantity : quantities) {
      auto const& values = curves.wave[static_cast<std::size_t>(wave)].*quantity.values;
      if (values.empty()) continue; // Love waves have no ellipticity
      for (std::size_t p = 0; p < parameters.size(); ++p) {
        const std::string name = std::string(quantity.name) + "_" + parameters[p];
        const std::vector<double> column = kernel(models, sample, p, values);
        truth.set(std::string(dispersion::name(wave)) + "/kernel/" + name, kernel_units(name),
                  column, {std::size_t{1}, column.size()});
      }
    }
}

} // namespace moho::study
