// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/dispersion_arrays.hpp"
#include "moho/core/error.hpp"

namespace moho::study {
namespace {

using dispersion::Curves;
using dispersion::ModelBatch;
using dispersion::Wave;

template <class From>
std::vector<std::int64_t> as_integers(From const& values) {
  std::vector<std::int64_t> result;
  result.reserve(values.size());
  for (auto const value : values) result.push_back(static_cast<std::int64_t>(value));
  return result;
}

void set_flags(Batch& batch, std::vector<dispersion::Flag> const& flags) {
  std::vector<std::int64_t> of_case, wave, mode, period, kind, offset{0}, above;
  std::vector<double> phase, group;
  for (dispersion::Flag const& flag : flags) {
    of_case.push_back(flag.case_index);
    wave.push_back(static_cast<std::int64_t>(flag.wave));
    mode.push_back(flag.mode);
    period.push_back(flag.period_index);
    kind.push_back(static_cast<std::int64_t>(flag.kind));
    for (dispersion::Root const& root : flag.roots) {
      phase.push_back(root.phase);
      group.push_back(root.group);
      above.push_back(root.count_above);
    }
    offset.push_back(static_cast<std::int64_t>(phase.size()));
  }
  batch.set("flag/case", "", of_case);
  batch.set("flag/wave", "", wave);
  batch.set("flag/mode", "", mode);
  batch.set("flag/period_index", "", period);
  batch.set("flag/kind", "", kind);
  batch.set("flag/offset", "", offset);
  batch.set("flag/phase", "km/s", phase);
  batch.set("flag/group", "km/s", group);
  batch.set("flag/count_above", "", above);
}

} // namespace

Batch inputs_batch(ModelBatch const& models, std::vector<std::string> names) {
  MOHO_REQUIRE(names.size() == models.size());
  std::vector<double> thickness, vp, vs, rho, period;
  auto const append = [](std::vector<double>& to, std::span<double const> from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  for (std::size_t i = 0; i < models.size(); ++i) {
    const dispersion::LayeredModel model = models.model(i);
    append(thickness, model.thickness);
    append(vp, model.vp);
    append(vs, model.vs);
    append(rho, model.rho);
    append(period, models.periods(i));
  }
  Batch batch(models.size());
  batch.labels = std::move(names);
  batch.set("layer_offset", "", models.layer_offset());
  batch.set("thickness", "km", thickness);
  batch.set("vp", "km/s", vp);
  batch.set("vs", "km/s", vs);
  batch.set("rho", "g/cm3", rho);
  batch.set("period_offset", "", models.period_offset());
  batch.set("period", "s", period);
  return batch;
}

ModelBatch model_batch(Batch const& inputs) {
  const std::vector<std::int64_t> layer = inputs.integers("layer_offset");
  const std::vector<std::int64_t> point = inputs.integers("period_offset");
  const std::vector<double> thickness = inputs.reals("thickness"), vp = inputs.reals("vp"),
                            vs = inputs.reals("vs"), rho = inputs.reals("rho"),
                            period = inputs.reals("period");
  auto const part = [](std::vector<double> const& values, std::vector<std::int64_t> const& offset,
                       std::size_t i) {
    return std::span<const double>(values).subspan(
        static_cast<std::size_t>(offset[i]), static_cast<std::size_t>(offset[i + 1] - offset[i]));
  };
  ModelBatch models;
  for (std::size_t i = 0; i < inputs.count(); ++i)
    models.append(
        {part(thickness, layer, i), part(vp, layer, i), part(vs, layer, i), part(rho, layer, i)},
        part(period, point, i));
  return models;
}

WaveAnswers wave_answers(Batch const& answers, Wave wave) {
  const std::string name = dispersion::name(wave);
  if (!answers.has(name + "/phase")) return {};
  std::vector<std::size_t> const& shape = answers.at(name + "/phase").shape;
  MOHO_REQUIRE(shape.size() == 2);
  auto const given = [&](std::string const& array) {
    return answers.has(name + array) ? answers.reals(name + array) : std::vector<double>{};
  };
  return {shape[0],
          shape[1],
          answers.reals(name + "/phase"),
          given("/group"),
          answers.integers(name + "/status"),
          answers.integers(name + "/mode_count"),
          given("/ellipticity")};
}

void set_wave_answers(Batch& answers, Wave wave, WaveAnswers const& values) {
  const std::string name = dispersion::name(wave);
  const std::vector<std::size_t> shape{values.modes, values.points};
  answers.set(name + "/phase", "km/s", values.phase, shape);
  if (!values.group.empty()) answers.set(name + "/group", "km/s", values.group, shape);
  if (!values.ellipticity.empty())
    answers.set(name + "/ellipticity", "", values.ellipticity, shape);
  answers.set(name + "/status", "", values.status, shape);
  answers.set(name + "/mode_count", "", values.mode_count);
}

Batch answers_batch(Curves const& curves, dispersion::SolveOptions const& options) {
  Batch batch(curves.error.size());
  for (const Wave wave : dispersion::all_waves) {
    auto const index = static_cast<std::size_t>(wave);
    if (!options.waves[index]) continue;
    Curves::OfWave const& of = curves.wave[index];
    const std::vector<double> none;
    set_wave_answers(batch, wave,
                     {static_cast<std::size_t>(curves.modes), curves.points, of.phase,
                      options.group ? of.group : none, as_integers(of.status),
                      as_integers(of.mode_count), options.group ? of.ellipticity : none});
  }
  batch.set("work", "", curves.work);
  set_flags(batch, curves.flags);
  return batch;
}

} // namespace moho::study
