// SPDX-License-Identifier: BSD-3-Clause
#include "moho/core/error.hpp"
#include "moho/core/host_copy.hpp"
#include "nn_replay_detail.hpp"

namespace moho::study::replaying {

Sheet::Sheet(Recording const& recording, nn::Layout const& layout, std::vector<double> const& theta)
    : _recording(recording), _theta(input("parameters", nn::Shape{layout.size()}, theta)) {}

nn::Value Sheet::input(std::string const& name, nn::Shape const& shape,
                       std::vector<double> const& values) {
  MOHO_REQUIRE(static_cast<std::int64_t>(values.size()) == shape.size());
  nn::Value const value = _tape.input(name, shape);
  _values[value.id()] = value;
  _memory[value.id()] = to_device("moho::study::replay " + name, values);
  return value;
}

nn::Value Sheet::input(std::string const& path, std::vector<std::int64_t> const& wanted,
                       std::string const& who) {
  auto const& data = _recording.input(path, wanted, who);
  auto const known = _inputs.find(path);
  if (known != _inputs.end()) return known->second;
  const std::vector<std::int64_t> shape(data.shape.begin(), data.shape.end());
  return _inputs[path] = input(path, nn::Shape(shape), data.values);
}

Sheet::Program Sheet::program(std::vector<nn::Value> const& results) const {
  Program program(results);
  for (auto const& [id, value] : _values) program.bind(value, _memory.at(id));
  return program;
}

std::vector<std::vector<double>> Sheet::compute(std::vector<nn::Value> const& results) const {
  if (results.empty()) return {};
  Program made = program(results);
  const ExecutionSpace space;
  made.run(space);
  space.fence();
  std::vector<std::vector<double>> values;
  for (std::size_t i = 0; i < results.size(); ++i) values.push_back(to_host(made.result(i)));
  return values;
}

} // namespace moho::study::replaying
