// SPDX-License-Identifier: BSD-3-Clause
#include "moho/nn/models/fno1d.hpp"
#include "moho/core/error.hpp"
#include "moho/nn/dft.hpp"
#include "moho/nn/ops.hpp"
#include "spectral.hpp"

namespace moho::nn {

Fno1d::Fno1d(Fno1dOptions const& options) : _options(options) {
  add_lift(_layout, options.inputs, 1, options.width);
  for (int layer = 0; layer < options.layers; ++layer) {
    add_spectral(_layout, "spec" + std::to_string(layer) + ".weight", {options.modes},
                 options.width, options.width);
    add_dense(_layout, "skip" + std::to_string(layer), options.width, options.width);
  }
  add_dense(_layout, "proj1", options.width, options.projection);
  add_dense(_layout, "proj2", options.projection, options.outputs);
}

Value Fno1d::spectral(Value theta, int layer, Value h) const {
  std::string const name = "spec" + std::to_string(layer);
  Scope const scope(h.tape(), name);
  std::int64_t const n = h.shape()[0], points = h.shape()[1], width = h.shape()[2],
                     modes = _options.modes;
  Tape& tape = h.tape();
  Value const forward = tape.constant({2 * modes, points}, dft_table(points, modes));
  Value const inverse = tape.constant({points, 2 * modes}, inverse_dft_table(points, modes));
  Value const coefficients = reshape(einsum("kx,nxc->nkc", forward, h), {n, 2, modes, width});
  Value const mixed = mix_modes(coefficients, _layout(theta, name + ".weight"));
  return einsum("xk,nkc->nxc", inverse, reshape(mixed, {n, 2 * modes, width}));
}

FnoStages Fno1d::stages(Value theta, Value x) const {
  std::int64_t const points = x.shape()[1];
  std::vector<double> place;
  for (std::int64_t i = 0; i < points; ++i)
    place.push_back(double(i) / double(_options.ends_included ? points - 1 : points));
  FnoStages stages;
  Value h = pad(apply_lift(_layout, theta, x, x.tape().constant({points, 1}, std::move(place))), 1,
                0, _options.padding);
  stages.lift = h;
  for (int layer = 0; layer < _options.layers; ++layer) {
    stages.spectral.push_back(spectral(theta, layer, h));
    h = apply_dense(_layout, theta, "skip" + std::to_string(layer), h, stages.spectral.back());
    if (layer + 1 < _options.layers) h = gelu(h);
    stages.blocks.push_back(h);
  }
  h = gelu(apply_dense(_layout, theta, "proj1", slice(h, 1, 0, points)));
  stages.answer = apply_dense(_layout, theta, "proj2", h);
  return stages;
}

Value Fno1d::apply(Value theta, Value x) const {
  if (x.shape().rank() == 3) return stages(theta, x).answer;
  std::int64_t const n = x.shape()[0],
                     points = _options.points ? _options.points : x.shape()[-1] / _options.inputs;
  if (x.shape() != Shape{n, points * _options.inputs})
    throw Error("an FNO for " + std::to_string(points) + " points of " +
                std::to_string(_options.inputs) + " values got an input of shape " +
                x.shape().str());
  return reshape(stages(theta, reshape(x, {n, points, _options.inputs})).answer,
                 {n, points * _options.outputs});
}

} // namespace moho::nn
