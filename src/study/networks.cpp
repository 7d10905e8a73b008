// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/networks.hpp"
#include "moho/core/error.hpp"
#include "moho/nn/models/deeponet.hpp"
#include "moho/nn/models/fno2d.hpp"
#include "moho/nn/models/resnet.hpp"

namespace moho::study {
namespace {

std::vector<std::int64_t> sizes(std::int64_t inputs, Parameters const& parameters,
                                std::int64_t outputs) {
  std::vector<std::int64_t> all(static_cast<std::size_t>(parameters.integer("depth")),
                                parameters.integer("width"));
  all.insert(all.begin(), inputs);
  all.push_back(outputs);
  return all;
}

std::unique_ptr<nn::Model> make_mlp(Parameters const& parameters, MapShape const& shape) {
  nn::MlpOptions options;
  options.sizes = sizes(shape.inputs, parameters, shape.outputs);
  options.activation = parameters.text("activation");
  return std::make_unique<nn::Mlp>(options);
}

std::unique_ptr<nn::Model> make_deep_linear(Parameters const& parameters, MapShape const& shape) {
  nn::MlpOptions options;
  options.sizes = sizes(shape.inputs, parameters, shape.outputs);
  options.activation = "identity";
  return std::make_unique<nn::Mlp>(options);
}

std::unique_ptr<nn::Model> make_resnet(Parameters const& parameters, MapShape const& shape) {
  nn::ResNetOptions options;
  options.inputs = shape.inputs;
  options.outputs = shape.outputs;
  options.width = parameters.integer("width");
  options.blocks = static_cast<int>(parameters.integer("blocks"));
  options.activation = parameters.text("activation");
  return std::make_unique<nn::ResNet>(options);
}

Grid const& grid_of(MapShape const& shape, std::string const& who) {
  if (!shape.grid)
    throw Error(who + " needs functions on a grid (the inputs and answers of this problem are " +
                "lists of numbers); take an mlp");
  return *shape.grid;
}

/// Places of all points, (points, dimension), on [0, 1]; on a circle where the grid is periodic.
std::vector<double> query_points(Grid const& grid) {
  std::vector<std::vector<double>> axes;
  for (std::size_t axis = 0; axis < grid.dimension(); ++axis) {
    axes.push_back(grid.coordinates(axis));
    for (double& x : axes.back())
      x = (x - grid.lower[axis]) / (grid.upper[axis] - grid.lower[axis]);
  }
  std::vector<double> points;
  for (std::size_t i = 0; i < grid.size(); ++i) {
    std::size_t rest = i;
    std::vector<double> place(grid.dimension());
    for (std::size_t axis = grid.dimension(); axis-- > 0;) {
      place[axis] = axes[axis][rest % axes[axis].size()];
      rest /= axes[axis].size();
    }
    points.insert(points.end(), place.begin(), place.end());
  }
  return points;
}

std::unique_ptr<nn::Model> make_deeponet(Parameters const& parameters, MapShape const& shape) {
  Grid const& grid = grid_of(shape, "a DeepONet");
  if (grid.output_channels != 1)
    throw Error("a DeepONet answers one function (this problem has " +
                std::to_string(grid.output_channels) + "); take an fno");
  std::int64_t const width = parameters.integer("width");
  nn::DeepOnetOptions options;
  options.branch = sizes(shape.inputs, parameters, width);
  options.trunk = sizes(static_cast<std::int64_t>(grid.dimension()), parameters, width);
  options.activation = parameters.text("activation");
  options.queries = query_points(grid);
  return std::make_unique<nn::DeepOnet>(options);
}

std::unique_ptr<nn::Model> make_fno(Parameters const& parameters, MapShape const& shape) {
  Grid const& grid = grid_of(shape, "an FNO");
  std::int64_t const padding = grid.periodic ? 0 : parameters.integer("padding"),
                     modes = parameters.integer("modes");
  for (std::int64_t const n : grid.points)
    if (modes > (n + padding) / 2)
      throw Error(std::to_string(modes) + " modes on a grid of " + std::to_string(n + padding) +
                  " points (Nyquist's is " + std::to_string((n + padding) / 2) +
                  "); set method.modes lower or take a finer grid");
  auto const common = [&](auto options) {
    options.inputs = grid.input_channels;
    options.outputs = grid.output_channels;
    options.width = parameters.integer("width");
    options.layers = static_cast<int>(parameters.integer("layers"));
    options.projection = parameters.integer("projection");
    options.padding = padding;
    return options;
  };
  if (grid.dimension() == 1) {
    auto options = common(nn::Fno1dOptions{});
    options.points = grid.points[0];
    options.modes = modes;
    options.ends_included = grid.ends_included;
    return std::make_unique<nn::Fno1d>(options);
  }
  if (grid.dimension() != 2)
    throw Error("an FNO in " + std::to_string(grid.dimension()) +
                " dimensions (1 and 2 are there)");
  auto options = common(nn::Fno2dOptions{});
  for (int axis : {0, 1}) {
    options.points[axis] = grid.points[static_cast<std::size_t>(axis)];
    options.modes[axis] = modes;
  }
  return std::make_unique<nn::Fno2d>(options);
}

ParameterSpec width_of(std::int64_t fallback) {
  return {"width", fallback, "hidden channels", 1, 65536};
}
ParameterSpec depth_of(std::int64_t fallback) {
  return {"depth", fallback, "hidden layers", 0, 1000};
}
ParameterSpec activation_of(char const* fallback) {
  return {"activation",
          std::string(fallback),
          "of hidden layers",
          0,
          0,
          {"tanh", "gelu", "relu", "sigmoid", "sin"}};
}

} // namespace

std::span<const NetworkEntry> networks() {
  static const std::vector<NetworkEntry> table{
      {"mlp",
       "multilayer perceptron",
       {width_of(256), depth_of(4), activation_of("relu")},
       make_mlp},
      {"deep-linear",
       "a product of matrices: a linear map, trained as a deep network",
       {width_of(64), depth_of(2)},
       make_deep_linear},
      {"resnet",
       "residual network of dense blocks",
       {width_of(128),
        {"blocks", std::int64_t{3}, "residual blocks", 1, 1000},
        activation_of("relu")},
       make_resnet},
      {"deeponet",
       "branch and trunk network (Lu et al. 2021)",
       {width_of(128), depth_of(3), activation_of("relu")},
       make_deeponet,
       32},
      {"fno",
       "Fourier neural operator (Li et al. 2021) in one or two dimensions",
       {width_of(64),
        {"modes", std::int64_t{16}, "Fourier modes of each axis", 1, 4096},
        {"layers", std::int64_t{4}, "Fourier layers", 1, 100},
        {"projection", std::int64_t{128}, "channels of the projection", 1, 65536},
        {"padding", std::int64_t{0}, "cells of zeros behind grids that are not periodic", 0, 4096}},
       make_fno,
       1},
  };
  return table;
}

} // namespace moho::study
