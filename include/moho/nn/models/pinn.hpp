// SPDX-License-Identifier: BSD-3-Clause
#pragma once
#include "moho/nn/jet.hpp"
#include "moho/nn/models/mlp.hpp"
#include <functional>

namespace moho::nn {

struct PinnOptions {
  std::vector<std::int64_t> sizes{2, 50, 50, 50, 1}; ///< coordinates, hidden widths, fields
  std::string activation = "tanh";
  /// Xavier-normal weights and no bias (Krishnapriyan et al. 2021), or those of dense layers.
  bool xavier = true;
  /// Fourier features: the first coordinate x becomes cos(k w x), sin(k w x), k = 1 .. features;
  /// answers are then periodic in x with period 2 pi / w.
  int features = 0;
  double frequency = 1;
  /// Hard constraints: what is made of the network N and the coordinates (n, axes), e.g. g + B N.
  std::function<Jet(Jet const& network, Jet const& coordinates)> ansatz{};
};

/// A field u(x, t) as a network of its coordinates, for physics losses (Raissi et al. 2019).
/// Parameters: layer<i>.weight (out, in), layer<i>.bias.
class Pinn : public Model {
public:
  explicit Pinn(PinnOptions const& options);
  /// x (n, axes) -> u (n, fields).
  Value apply(Value theta, Value x) const override;
  /// u with derivatives by its coordinates.
  Jet jet(Value theta, Value x, Derivatives const& wanted) const;

private:
  PinnOptions _options;
};

} // namespace moho::nn
