// SPDX-License-Identifier: BSD-3-Clause
#include "spectral.hpp"
#include "moho/nn/ops.hpp"

namespace moho::nn {

void add_spectral(Layout& layout, std::string const& name, std::vector<std::int64_t> const& modes,
                  std::int64_t inputs, std::int64_t outputs) {
  auto extents = modes;
  for (std::int64_t const n : {inputs, std::int64_t{2}, outputs}) extents.push_back(n);
  int const axes = static_cast<int>(modes.size());
  std::vector<int> exchange{axes, axes + 2};
  for (int axis = 0; axis < axes; ++axis) exchange.push_back(axis);
  exchange.push_back(axes + 1);
  double const scale = 1 / static_cast<double>(inputs * outputs);
  layout.add(name, Shape(extents), {Initial::Kind::uniform, 0, scale}, exchange);
}

Value mix_modes(Value h, Value weight) {
  // (Re h, Im h) times (Re W, Im W), then the products that belong together
  Value const all = einsum("nrkc,kcso->nrkso", h, weight);
  Shape const shape{h.shape()[0], 1, h.shape()[2], weight.shape()[3]};
  auto const product = [&](int of_h, int of_weight) {
    return reshape(slice(slice(all, 1, of_h, 1), 3, of_weight, 1), shape);
  };
  return concat({product(0, 0) - product(1, 1), product(0, 1) + product(1, 0)}, 1);
}

void add_lift(Layout& layout, std::int64_t inputs, std::int64_t axes, std::int64_t width) {
  add_dense(layout, "lift", inputs + axes, width);
}

Value apply_lift(Layout const& layout, Value theta, Value x, Value coordinates) {
  Scope const scope(x.tape(), "lift");
  Value const weight = layout(theta, "lift.weight");
  std::int64_t const inputs = x.shape()[-1], axes = coordinates.shape()[-1];
  if (weight.shape()[1] != inputs + axes) dense(x, weight, layout(theta, "lift.bias")); // tells it
  // the part of the coordinates is the same for every item
  Value const place =
      dense(coordinates, slice(weight, 1, inputs, axes), layout(theta, "lift.bias"));
  std::string const lead = std::string("abcd").substr(0, x.shape().rank() - 1);
  return einsum(lead + "i,oi->" + lead + "o", x, slice(weight, 1, 0, inputs)) + place;
}

} // namespace moho::nn
