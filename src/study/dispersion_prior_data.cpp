// SPDX-License-Identifier: BSD-3-Clause
#include "moho/core/error.hpp"
#include "moho/study/dispersion_arrays.hpp"
#include "moho/study/dispersion_kernels.hpp"
#include "moho/study/dispersion_prior.hpp"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>
#include <utility>

namespace moho::study {
namespace {

using dispersion::ModelBatch;
using dispersion::Status;
using dispersion::Wave;

template <class T>
std::vector<T> copied(std::span<T const> values) {
  return {values.begin(), values.end()};
}

/// Extents that all models of a block share.
struct Extents {
  std::size_t models, rows, periods;
};

Extents common_extents(ModelBatch const& models) {
  MOHO_REQUIRE(models.size() > 0);
  auto const same = [](std::span<double const> a, std::span<double const> b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  };
  for (std::size_t i = 1; i < models.size(); ++i)
    if (!same(models.model(i).thickness, models.model(0).thickness) ||
        !same(models.periods(i), models.periods(0)))
      throw Error("model " + std::to_string(i) +
                  " of the block has other layers or periods than the first (they are stored as "
                  "one array) store such models as a table");
  return {models.size(), models.model(0).layers(), models.periods(0).size()};
}

/// From (modes, models x inner) to (models, modes, inner): a model's values stand together.
template <class To, class From>
std::vector<To> by_model(std::vector<From> const& values, std::size_t modes, std::size_t models) {
  const std::size_t inner = values.size() / (modes * models);
  std::vector<To> result(values.size());
  for (std::size_t m = 0; m < modes; ++m)
    for (std::size_t i = 0; i < models; ++i)
      std::transform(values.begin() + static_cast<std::ptrdiff_t>((m * models + i) * inner),
                     values.begin() + static_cast<std::ptrdiff_t>((m * models + i + 1) * inner),
                     result.begin() + static_cast<std::ptrdiff_t>((i * modes + m) * inner),
                     [](From value) { return static_cast<To>(value); });
  return result;
}

void add_models(std::vector<Dataset>& data, Batch const& inputs, ModelBatch const& models,
                Extents const& of, std::int64_t first) {
  std::vector<std::int64_t> index, hash;
  for (std::size_t i = 0; i < of.models; ++i) {
    index.push_back(first + static_cast<std::int64_t>(i));
    hash.push_back(model_hash(models.model(i)));
  }
  data.push_back({"set/index", "", std::move(index)});
  data.push_back({"set/name", "", inputs.labels});
  data.push_back({"set/hash", "", std::move(hash)});
  data.push_back({"set/thickness", "km", copied(models.model(0).thickness)});
  data.push_back({"set/period", "s", copied(models.periods(0))});
  for (char const* name : {"vp", "vs", "rho"})
    data.push_back({std::string("set/") + name,
                    inputs.at(name).units,
                    inputs.reals(name),
                    {of.models, of.rows}});
}

/// What was not asked for is NaN everywhere, or not there.
bool answered(Batch const& answers, std::string const& name) {
  if (!answers.has(name)) return false;
  const std::vector<double> values = answers.reals(name);
  return std::any_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
}

void add_curves(std::vector<Dataset>& data, Batch const& answers, Wave wave, Extents const& of) {
  const WaveAnswers values = wave_answers(answers, wave);
  if (values.modes == 0) return;
  const std::string from = std::string(dispersion::name(wave)) + "/", to = "set/" + from;
  const std::vector<std::size_t> shape{of.models, values.modes, of.periods};
  for (char const* name : {"phase", "group", "ellipticity"})
    if (std::string(name) == "phase" || answered(answers, from + name))
      data.push_back({to + name, answers.at(from + name).units,
                      by_model<double>(answers.reals(from + name), values.modes, of.models),
                      shape});
  data.push_back(
      {to + "status", "", by_model<std::int8_t>(values.status, values.modes, of.models), shape});
  data.push_back({to + "mode_count",
                  "",
                  by_model<std::int32_t>(values.mode_count, 1, of.models),
                  {of.models, of.periods}});
}

void add_kernels(std::vector<Dataset>& data, Batch const& answers, Wave wave, Extents const& of,
                 Precision precision) {
  const std::string prefix = std::string(dispersion::name(wave)) + "/";
  for (std::string const& name : kernel_names()) {
    const std::string from = prefix + "kernel/" + name;
    if (!answers.has(from)) continue;
    if (wave == Wave::love && name.find("_dvp") != std::string::npos) continue;
    const std::size_t modes = answers.at(from).shape[0];
    Dataset set{"set/" + prefix + name,
                answers.at(from).units,
                std::vector<double>{},
                {of.models, modes, of.periods, of.rows},
                {1, modes, of.periods, of.rows}};
    if (precision == Precision::float32)
      set.values = by_model<float>(answers.reals(from), modes, of.models);
    else
      set.values = by_model<double>(answers.reals(from), modes, of.models);
    data.push_back(std::move(set));
  }
}

bool holds(dispersion::LayeredModel const& model, double period, double c, int mode, Wave wave) {
  constexpr double step = 1e-9;
  return std::isfinite(c) && dispersion::mode_count(model, period, c * (1 - step), wave) == mode &&
         dispersion::mode_count(model, period, c * (1 + step), wave) == mode + 1;
}

} // namespace

std::vector<Check> split_checks(SplitHashes const& hashes) {
  auto const common = [](std::vector<std::int64_t> const& a, std::vector<std::int64_t> const& b) {
    const std::set<std::int64_t> in_a(a.begin(), a.end());
    return static_cast<double>(std::count_if(
        b.begin(), b.end(), [&](std::int64_t hash) { return in_a.count(hash) != 0; }));
  };
  return {
      {"splits_in_common",
       common(hashes[0], hashes[1]) + common(hashes[0], hashes[2]) + common(hashes[1], hashes[2]),
       Relation::equal, 0,
       "train, validation and test share no model (of the first " +
           std::to_string(hashes[0].size()) + " that are drawn here)"},
      {"control.splits_in_common", common(hashes[0], hashes[0]), Relation::at_least, 1,
       "the same check finds a split in itself"}};
}

std::int64_t model_hash(dispersion::LayeredModel const& model) {
  std::uint64_t value = 0xcbf29ce484222325u;
  for (auto const column : {model.thickness, model.vp, model.vs, model.rho})
    for (double const number : column) {
      unsigned char bytes[sizeof number];
      std::memcpy(bytes, &number, sizeof number);
      for (unsigned char const byte : bytes) value = (value ^ byte) * 0x100000001b3u;
    }
  return static_cast<std::int64_t>(value);
}

std::vector<Dataset> block_datasets(Batch const& inputs, Batch const& answers, std::int64_t first,
                                    Precision precision) {
  const ModelBatch models = model_batch(inputs);
  const Extents of = common_extents(models);
  std::vector<Dataset> data;
  add_models(data, inputs, models, of, first);
  for (const Wave wave : dispersion::all_waves) {
    add_curves(data, answers, wave, of);
    add_kernels(data, answers, wave, of, precision);
  }
  return data;
}

Recheck recheck_certificates(Batch const& inputs, Batch const& answers, std::size_t models) {
  Recheck result;
  const ModelBatch batch = model_batch(inputs);
  auto const offset = batch.period_offset();
  for (const Wave wave : dispersion::all_waves) {
    const WaveAnswers values = wave_answers(answers, wave);
    for (std::size_t i = 0; i < std::min(models, batch.size()); ++i)
      for (std::size_t m = 0; m < values.modes; ++m)
        for (std::size_t t = 0; t < batch.periods(i).size(); ++t) {
          const std::size_t at = m * values.points + static_cast<std::size_t>(offset[i]) + t;
          auto const status = static_cast<Status>(values.status[at]);
          if (status == Status::absent || status == Status::failed || status == Status::multivalued)
            continue;
          ++result.checked;
          result.broken += !holds(batch.model(i), batch.periods(i)[t], values.phase[at],
                                  static_cast<int>(m), wave);
        }
  }
  return result;
}

} // namespace moho::study
