// SPDX-License-Identifier: BSD-3-Clause
// Neural networks as methods of the task "function map": architectures of nn made for a problem.
#pragma once
#include "moho/nn/model.hpp"
#include "moho/study/grid_task.hpp"
#include "moho/study/method.hpp"
#include "moho/study/registry.hpp"
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace moho::study {

/// What an architecture has to fit: rows of `inputs` numbers to rows of `outputs`.
struct MapShape {
  std::int64_t inputs = 0, outputs = 0;
  std::optional<Grid> grid{}; ///< where both are functions on one
};

struct NetworkEntry {
  std::string name, summary;
  std::vector<ParameterSpec> parameters;
  /// Throws moho::Error for a shape that it cannot serve: no grid, modes above Nyquist.
  std::function<std::unique_ptr<nn::Model>(Parameters const&, MapShape const&)> make;
  std::int64_t chunk = 64; ///< items worked on at a time: few where an item is large
};

/// The one table of architectures. A new one is a file with a model and a row here.
std::span<const NetworkEntry> networks();

/// An architecture with training, as a method: `Differentiable` and `Trainable`. Parameters:
/// those of the architecture, of training (training.hpp), and how data are scaled.
MethodEntry network_method(NetworkEntry const& network);

/// Every metric that a trained network can return.
std::vector<std::string> const& network_metrics();

} // namespace moho::study
