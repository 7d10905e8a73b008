// SPDX-License-Identifier: BSD-3-Clause
#pragma once
#include "moho/nn/models/mlp.hpp"

namespace moho::nn {

struct DeepOnetOptions {
  std::vector<std::int64_t> branch, trunk; ///< sizes; the last ones are equal
  std::string activation = "tanh";
  bool activate_trunk = true; ///< its last layer too
  double bias = 0;            ///< initial value
  /// Where every function is asked, (points, trunk.front()); only `apply` needs them.
  std::vector<double> queries{};
};

/// DeepONet (Lu et al. 2021): G(u)(q) = sum_k branch_k(u) trunk_k(q) + bias, every function at
/// every query point. Parameters: branch<i>.weight, trunk<i>.weight, .bias, and bias (1).
class DeepOnet : public Model {
public:
  /// Throws moho::Error when branch and trunk end in different widths.
  explicit DeepOnet(DeepOnetOptions const& options);
  /// u (n, branch.front()) -> (n, points).
  Value apply(Value theta, Value u) const override;
  /// The same at the points q (points, trunk.front()).
  Value apply(Value theta, Value u, Value q) const;
  Value branch(Value theta, Value u) const; ///< (n, width)
  Value trunk(Value theta, Value q) const;  ///< (points, width)

private:
  DeepOnetOptions _options;
  MlpOptions _branch, _trunk;
};

} // namespace moho::nn
