// SPDX-License-Identifier: BSD-3-Clause
// The worked example of CONTRIBUTING.md: a network of sines, u = W2 sin(W1 f + b1) + b2.
#pragma once
#include "moho/nn/ops.hpp"
#include "moho/study/networks.hpp"

namespace moho::study {

class SineNetwork : public nn::Model {
public:
  SineNetwork(std::int64_t inputs, std::int64_t width, std::int64_t outputs) {
    add_dense(_layout, "inner", inputs, width);
    add_dense(_layout, "outer", width, outputs);
  }
  nn::Value apply(nn::Value theta, nn::Value x) const override {
    nn::Value const h = nn::sin(apply_dense(_layout, theta, "inner", x));
    return apply_dense(_layout, theta, "outer", h);
  }
};

inline const NetworkEntry sine_network{
    "sine-network",
    "one hidden layer of sines",
    {{"width", std::int64_t{32}, "hidden channels", 1, 65536}},
    [](Parameters const& parameters, MapShape const& shape) -> std::unique_ptr<nn::Model> {
      return std::make_unique<SineNetwork>(shape.inputs, parameters.integer("width"),
                                           shape.outputs);
    }};

} // namespace moho::study
