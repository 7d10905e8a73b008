// SPDX-License-Identifier: BSD-3-Clause
#include "moho/nn/models/mlp.hpp"
#include "moho/core/error.hpp"

namespace moho::nn {

void add_mlp(Layout& layout, MlpOptions const& options) {
  if (options.sizes.size() < 2) throw Error("an MLP needs the sizes of its input and its output");
  for (std::size_t i = 0; i + 1 < options.sizes.size(); ++i)
    add_dense(layout, options.prefix + std::to_string(i), options.sizes[i], options.sizes[i + 1]);
}

Value apply_mlp(Layout const& layout, MlpOptions const& options, Value theta, Value x) {
  Activation const act = activation(options.activation);
  std::size_t const layers = options.sizes.size() - 1;
  for (std::size_t i = 0; i < layers; ++i) {
    x = apply_dense(layout, theta, options.prefix + std::to_string(i), x);
    if (i + 1 < layers || options.activate_last) x = act(x);
  }
  return x;
}

Mlp::Mlp(MlpOptions const& options) : _options(options) {
  add_mlp(_layout, options);
}

Value Mlp::apply(Value theta, Value x) const {
  return apply_mlp(_layout, _options, theta, x);
}

} // namespace moho::nn
