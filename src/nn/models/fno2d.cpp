// SPDX-License-Identifier: BSD-3-Clause
#include "moho/nn/models/fno2d.hpp"
#include "moho/core/error.hpp"
#include "moho/nn/dft.hpp"
#include "moho/nn/ops.hpp"
#include "spectral.hpp"

namespace moho::nn {

Fno2d::Fno2d(Fno2dOptions const& options) : _options(options) {
  add_lift(_layout, options.inputs, 2, options.width);
  for (int layer = 0; layer < options.layers; ++layer) {
    std::string const number = std::to_string(layer);
    for (char const* const half : {".weight_lo", ".weight_hi"})
      add_spectral(_layout, "spec" + number + half, {options.modes[0], options.modes[1]},
                   options.width, options.width);
    add_dense(_layout, "skip" + number, options.width, options.width);
  }
  add_dense(_layout, "proj1", options.width, options.projection);
  add_dense(_layout, "proj2", options.projection, options.outputs);
}

Value Fno2d::spectral(Value theta, int layer, Value h) const {
  std::string const name = "spec" + std::to_string(layer);
  Scope const scope(h.tape(), name);
  Tape& tape = h.tape();
  std::int64_t const n = h.shape()[0], rows = h.shape()[1], columns = h.shape()[2],
                     width = h.shape()[3], m1 = _options.modes[0], m2 = _options.modes[1];
  std::vector<std::int64_t> const kept = two_sided_modes(rows, m1);
  // the last axis first, where half of the modes are all; (row, Re/Im) is then one axis to the
  // transform of rows, and so is (mode of the columns, channel)
  Value const last =
      einsum("ky,nxyc->nxkc", tape.constant({2 * m2, columns}, dft_table(columns, m2)), h);
  Value const both =
      einsum("kx,nxc->nkc", tape.constant({4 * m1, 2 * rows}, complex_dft_table(rows, kept)),
             reshape(last, {n, 2 * rows, m2 * width}));
  Value const weight =
      reshape(_layout.stacked(theta, name + ".weight_lo", 2), {2 * m1 * m2, width, 2, width});
  Value const mixed = mix_modes(reshape(both, {n, 2, 2 * m1 * m2, width}), weight);
  Value const first = einsum(
      "xk,nkc->nxc", tape.constant({2 * rows, 4 * m1}, inverse_complex_dft_table(rows, kept)),
      reshape(mixed, {n, 4 * m1, m2 * width}));
  return einsum("yk,nxkc->nxyc", tape.constant({columns, 2 * m2}, inverse_dft_table(columns, m2)),
                reshape(first, {n, rows, 2 * m2, width}));
}

FnoStages Fno2d::stages(Value theta, Value x) const {
  std::int64_t const rows = x.shape()[1], columns = x.shape()[2];
  std::vector<double> place;
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) {
      place.push_back(double(i) / double(rows - 1));
      place.push_back(double(j) / double(columns - 1));
    }
  FnoStages stages;
  Value h = apply_lift(_layout, theta, x, x.tape().constant({rows, columns, 2}, std::move(place)));
  h = pad(pad(h, 2, 0, _options.padding), 1, 0, _options.padding);
  stages.lift = h;
  for (int layer = 0; layer < _options.layers; ++layer) {
    stages.spectral.push_back(spectral(theta, layer, h));
    h = apply_dense(_layout, theta, "skip" + std::to_string(layer), h, stages.spectral.back());
    if (layer + 1 < _options.layers) h = gelu(h);
    stages.blocks.push_back(h);
  }
  h = slice(slice(h, 1, 0, rows), 2, 0, columns);
  h = gelu(apply_dense(_layout, theta, "proj1", h));
  stages.answer = apply_dense(_layout, theta, "proj2", h);
  return stages;
}

Value Fno2d::apply(Value theta, Value x) const {
  if (x.shape().rank() == 4) return stages(theta, x).answer;
  std::int64_t const n = x.shape()[0], rows = _options.points[0], columns = _options.points[1];
  if (rows < 2 || columns < 2 || x.shape() != Shape{n, rows * columns * _options.inputs})
    throw Error("an FNO for a grid of " + std::to_string(rows) + " by " + std::to_string(columns) +
                " points of " + std::to_string(_options.inputs) + " values got an input of shape " +
                x.shape().str());
  return reshape(stages(theta, reshape(x, {n, rows, columns, _options.inputs})).answer,
                 {n, rows * columns * _options.outputs});
}

} // namespace moho::nn
