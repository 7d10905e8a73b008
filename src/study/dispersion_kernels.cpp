// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/dispersion_kernels.hpp"
#include "moho/core/error.hpp"
#include "moho/study/dispersion_batch.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace moho::study {
namespace {

using dispersion::Curves;
using dispersion::Gradient;
using dispersion::ModelBatch;
using dispersion::Sensitivities;
using dispersion::Wave;

struct Parameter {
  char const *name, *units; ///< units of the inverse of the parameter's are left to kernel_units
  std::vector<double> Gradient::*column;
};
constexpr std::array<Parameter, 4> parameters{{{"dh", "km", &Gradient::thickness},
                                               {"dvp", "km/s", &Gradient::vp},
                                               {"dvs", "km/s", &Gradient::vs},
                                               {"drho", "g/cm3", &Gradient::rho}}};
struct Quantity {
  char const* name;
  Gradient Sensitivities::*gradient;
};
constexpr std::array<Quantity, 3> quantities{{{"dc", &Sensitivities::dphase},
                                              {"dU", &Sensitivities::dgroup},
                                              {"dE", &Sensitivities::dellipticity}}};

/// Column of a kernel among the answers, e.g. "dU_dvs".
std::vector<double> const& column(Sensitivities const& answers, std::string const& name) {
  for (Quantity const& quantity : quantities)
    for (Parameter const& parameter : parameters)
      if (name == std::string(quantity.name) + "_" + parameter.name)
        return answers.*quantity.gradient.*parameter.column;
  throw Error("no kernel is called '" + name + "'");
}

bool asks(std::vector<std::string> const& names, char const* quantity) {
  return std::any_of(names.begin(), names.end(),
                     [&](std::string const& name) { return name.rfind(quantity, 0) == 0; });
}

bool exists(Wave wave, std::string const& name) {
  return wave == Wave::rayleigh || name.rfind("dE", 0) != 0;
}

/// The arrays of one wave, filled slice by slice.
struct Target {
  Wave wave;
  std::string name;
  std::vector<double> values; ///< (modes x rows)
};

std::vector<Target> targets(dispersion::SolveOptions const& options,
                            std::vector<std::string> const& names, std::size_t values) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  std::vector<Target> result;
  for (const Wave wave : dispersion::all_waves)
    for (std::string const& name : names)
      if (options.waves[static_cast<std::size_t>(wave)] && exists(wave, name))
        result.push_back({wave, name, std::vector<double>(values, nan)});
  return result;
}

/// Models [first, last) whose kernels are found and gathered at a time: memory stays bounded
/// whatever the size of the batch.
struct Slice {
  std::size_t first, last;
};

std::vector<Slice> slices(ModelBatch const& models, std::size_t rows_per_point) {
  constexpr std::size_t most_rows = std::size_t{1} << 20;
  std::vector<Slice> result;
  std::size_t rows = 0;
  for (std::size_t i = 0; i < models.size(); ++i) {
    rows += models.model(i).layers() * models.periods(i).size() * rows_per_point;
    if (result.empty() || rows > most_rows) {
      result.push_back({i, i});
      rows = models.model(i).layers() * models.periods(i).size() * rows_per_point;
    }
    result.back().last = i + 1;
  }
  return result;
}

/// The roots of a slice, and where each stands: index of its value among (modes x points).
struct Asked {
  std::vector<dispersion::RootPoint> points;
  std::vector<std::size_t> at;
};

Asked roots_of(Slice slice, ModelBatch const& models, Curves const& curves) {
  Asked asked;
  auto const offset = models.period_offset();
  for (const Wave wave : dispersion::all_waves) {
    Curves::OfWave const& of = curves.wave[static_cast<std::size_t>(wave)];
    if (of.phase.empty()) continue;
    for (std::size_t i = slice.first; i < slice.last; ++i)
      for (std::size_t m = 0; m < static_cast<std::size_t>(curves.modes); ++m)
        for (std::size_t t = 0; t < models.periods(i).size(); ++t) {
          const std::size_t at = m * curves.points + static_cast<std::size_t>(offset[i]) + t;
          if (!std::isfinite(of.phase[at])) continue;
          asked.points.push_back({static_cast<std::int64_t>(i - slice.first), wave,
                                  models.periods(i)[t], of.phase[at],
                                  of.status[at] == dispersion::Status::extended});
          asked.at.push_back(at);
        }
  }
  return asked;
}

void place(Asked const& asked, Sensitivities const& found, std::vector<std::int64_t> const& offset,
           std::size_t points, std::vector<Target>& targets) {
  for (Target& target : targets) {
    std::vector<double> const& from = column(found, target.name);
    auto const rows = static_cast<std::size_t>(offset.back());
    for (std::size_t k = 0; k < asked.points.size(); ++k) {
      if (asked.points[k].wave != target.wave) continue;
      const std::size_t mode = asked.at[k] / points, point = asked.at[k] % points;
      const std::size_t to = mode * rows + static_cast<std::size_t>(offset[point]);
      MOHO_REQUIRE(found.offset[k + 1] - found.offset[k] == offset[point + 1] - offset[point]);
      std::copy(from.begin() + found.offset[k], from.begin() + found.offset[k + 1],
                target.values.begin() + static_cast<std::ptrdiff_t>(to));
    }
  }
}

} // namespace

std::vector<std::string> const& kernel_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (Quantity const& quantity : quantities)
      for (Parameter const& parameter : parameters)
        all.push_back(std::string(quantity.name) + "_" + parameter.name);
    return all;
  }();
  return names;
}

std::string kernel_units(std::string const& name) {
  const std::string quantity = name.substr(0, 2) == "dE" ? "1" : "km/s";
  for (Parameter const& parameter : parameters)
    if (name.substr(3) == parameter.name) {
      if (quantity == parameter.units) return "1";
      const std::string by = parameter.units;
      return quantity + "/" + (by.find('/') == std::string::npos ? by : "(" + by + ")");
    }
  throw Error("no kernel is called '" + name + "'");
}

std::vector<std::int64_t> kernel_offset(ModelBatch const& models) {
  std::vector<std::int64_t> offset{0};
  offset.reserve(models.points() + 1);
  for (std::size_t i = 0; i < models.size(); ++i)
    for (std::size_t t = 0; t < models.periods(i).size(); ++t)
      offset.push_back(offset.back() + static_cast<std::int64_t>(models.model(i).layers()));
  return offset;
}

void append_kernels(parallel::Comm const& comm, ModelBatch const& models, Curves const& curves,
                    dispersion::SolveOptions const& options, std::vector<std::string> const& names,
                    Batch& answers) {
  if (names.empty()) return;
  auto const modes = static_cast<std::size_t>(options.modes);
  const std::vector<std::int64_t> offset = kernel_offset(models);
  const std::size_t values = modes * static_cast<std::size_t>(offset.back());
  std::vector<Target> all;
  parallel::run_collectively(comm, [&] {
    if (comm.root()) all = targets(options, names, values);
  });
  const dispersion::SensitivityOptions wanted{asks(names, "dU"), asks(names, "dE")};
  const std::size_t waves = (options.waves[0] ? 1u : 0u) + (options.waves[1] ? 1u : 0u);
  for (Slice const slice : slices(models, modes * waves)) {
    const ModelBatch part = part_of(models, slice.first, slice.last);
    Asked asked;
    if (comm.root()) asked = roots_of(slice, models, curves);
    const Sensitivities found = sensitivities_distributed(comm, part, asked.points, wanted);
    if (comm.root()) place(asked, found, offset, models.points(), all);
  }
  for (Target const& target : all)
    answers.set(std::string(dispersion::name(target.wave)) + "/kernel/" + target.name,
                kernel_units(target.name), target.values,
                {modes, static_cast<std::size_t>(offset.back())});
}

} // namespace moho::study
