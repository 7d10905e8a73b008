// SPDX-License-Identifier: BSD-3-Clause
#pragma once
#include "moho/nn/model.hpp"

namespace moho::nn {

struct MlpOptions {
  std::vector<std::int64_t> sizes; ///< inputs, hidden widths, outputs
  std::string activation = "tanh";
  bool activate_last = false;
  std::string prefix = "layer"; ///< of the names: layer0.weight, layer0.bias, ..
};

/// Multilayer perceptron: x (n, sizes.front()) -> (n, sizes.back()), h <- act(h W^T + b).
class Mlp : public Model {
public:
  explicit Mlp(MlpOptions const& options);
  Value apply(Value theta, Value x) const override;
  MlpOptions const& options() const { return _options; }

private:
  MlpOptions _options;
};

/// The same as part of another model.
void add_mlp(Layout& layout, MlpOptions const& options);
Value apply_mlp(Layout const& layout, MlpOptions const& options, Value theta, Value x);

} // namespace moho::nn
