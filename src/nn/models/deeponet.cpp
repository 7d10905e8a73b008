// SPDX-License-Identifier: BSD-3-Clause
#include "moho/nn/models/deeponet.hpp"
#include "moho/core/error.hpp"
#include "moho/nn/ops.hpp"

namespace moho::nn {

DeepOnet::DeepOnet(DeepOnetOptions const& options)
    : _options(options), _branch{options.branch, options.activation, false, "branch"},
      _trunk{options.trunk, options.activation, options.activate_trunk, "trunk"} {
  add_mlp(_layout, _branch);
  add_mlp(_layout, _trunk);
  if (options.branch.back() != options.trunk.back())
    throw Error("the branch of a DeepONet ends in " + std::to_string(options.branch.back()) +
                " values, its trunk in " + std::to_string(options.trunk.back()) +
                "; give both the same last size");
  _layout.add("bias", {1}, {Initial::Kind::constant, options.bias, 0});
}

Value DeepOnet::branch(Value theta, Value u) const {
  return apply_mlp(_layout, _branch, theta, u);
}

Value DeepOnet::trunk(Value theta, Value q) const {
  return apply_mlp(_layout, _trunk, theta, q);
}

Value DeepOnet::apply(Value theta, Value u, Value q) const {
  return einsum("fk,pk->fp", branch(theta, u), trunk(theta, q)) + _layout(theta, "bias");
}

Value DeepOnet::apply(Value theta, Value u) const {
  std::int64_t const axes = _options.trunk.front(),
                     points = static_cast<std::int64_t>(_options.queries.size()) / axes;
  if (points < 1)
    throw Error("a DeepONet without query points answers only where it is asked: name the points");
  return apply(theta, u, u.tape().constant({points, axes}, _options.queries));
}

} // namespace moho::nn
