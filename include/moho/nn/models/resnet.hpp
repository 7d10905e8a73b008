// SPDX-License-Identifier: BSD-3-Clause
#pragma once
#include "moho/nn/model.hpp"

namespace moho::nn {

struct ResNetOptions {
  std::int64_t inputs = 1, outputs = 1, width = 64;
  int blocks = 3;
  std::string activation = "relu";
};

/// Residual network (He et al. 2016, dense): h = x W^T + b; h <- h + act(h W1^T + b1) W2^T + b2 for
/// each block; y = h W^T + b.
class ResNet : public Model {
public:
  explicit ResNet(ResNetOptions const& options);
  Value apply(Value theta, Value x) const override;

private:
  ResNetOptions _options;
};

} // namespace moho::nn
