// SPDX-License-Identifier: BSD-3-Clause
#include "moho/nn/models/pinn.hpp"
#include "moho/core/error.hpp"
#include "moho/nn/ops.hpp"

namespace moho::nn {

Pinn::Pinn(PinnOptions const& options) : _options(options) {
  if (options.sizes.size() < 2) throw Error("a PINN needs the sizes of its input and its output");
  for (std::size_t i = 0; i + 1 < options.sizes.size(); ++i) {
    std::string const name = "layer" + std::to_string(i);
    std::int64_t const outputs = options.sizes[i + 1],
                       inputs = options.sizes[i] +
                                (i == 0 && options.features ? 2 * options.features - 1 : 0);
    if (!options.xavier) {
      add_dense(_layout, name, inputs, outputs);
      continue;
    }
    _layout.add(name + ".weight", {outputs, inputs}, xavier_normal(inputs, outputs));
    _layout.add(name + ".bias", {outputs}, {});
  }
}

Jet Pinn::jet(Value theta, Value x, Derivatives const& wanted) const {
  Jet const coordinates = jet_of(x, wanted);
  Jet h = coordinates;
  if (_options.features > 0) {
    Scope const scope(x.tape(), "features");
    std::vector<double> factors;
    for (int k = 1; k <= _options.features; ++k) factors.push_back(k * _options.frequency);
    Value const weight = x.tape().constant({_options.features, 1}, factors),
                zero = x.tape().constant({_options.features}, 0.0);
    Jet const angle = dense(columns(coordinates, 0, 1), weight, zero);
    std::vector<Jet> parts{nn::apply(cos, angle), nn::apply(sin, angle)};
    if (x.shape()[-1] > 1) parts.push_back(columns(coordinates, 1, x.shape()[-1] - 1));
    h = beside(parts);
  }
  Activation const act = activation(_options.activation);
  std::size_t const layers = _options.sizes.size() - 1;
  for (std::size_t i = 0; i < layers; ++i) {
    std::string const name = "layer" + std::to_string(i);
    Scope const scope(x.tape(), name);
    h = dense(h, _layout(theta, name + ".weight"), _layout(theta, name + ".bias"));
    if (i + 1 < layers) h = nn::apply(act, h);
  }
  return _options.ansatz ? _options.ansatz(h, coordinates) : h;
}

Value Pinn::apply(Value theta, Value x) const {
  return jet(theta, x, {}).value;
}

} // namespace moho::nn
