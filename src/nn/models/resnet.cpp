// SPDX-License-Identifier: BSD-3-Clause
#include "moho/nn/models/resnet.hpp"
#include "moho/nn/ops.hpp"

namespace moho::nn {

ResNet::ResNet(ResNetOptions const& options) : _options(options) {
  add_dense(_layout, "lift", options.inputs, options.width);
  for (int block = 0; block < options.blocks; ++block)
    for (char const* const half : {".inner", ".outer"})
      add_dense(_layout, "block" + std::to_string(block) + half, options.width, options.width);
  add_dense(_layout, "proj", options.width, options.outputs);
}

Value ResNet::apply(Value theta, Value x) const {
  Activation const act = activation(_options.activation);
  Value h = apply_dense(_layout, theta, "lift", x);
  for (int block = 0; block < _options.blocks; ++block) {
    std::string const name = "block" + std::to_string(block);
    h = h + apply_dense(_layout, theta, name + ".outer",
                        act(apply_dense(_layout, theta, name + ".inner", h)));
  }
  return apply_dense(_layout, theta, "proj", h);
}

} // namespace moho::nn
