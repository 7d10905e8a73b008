// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/weights_file.hpp"
#include "moho/core/error.hpp"
#include "moho/parallel/hdf5.hpp"
#include "moho/study/atomic_file.hpp"
#include <algorithm>
#include <cmath>
#include <filesystem>

namespace moho::study {
namespace {

namespace h5 = parallel::h5;

h5::Shape shape_of(nn::Parameter const& parameter) {
  h5::Shape shape;
  for (std::int64_t const n : parameter.exchange_shape().extents())
    shape.push_back(static_cast<std::size_t>(n));
  return shape;
}

std::string text(h5::Shape const& shape) {
  std::string text;
  for (std::size_t const n : shape) text += (text.empty() ? "(" : ", ") + std::to_string(n);
  return text.empty() ? "()" : text + ")";
}

/// Of /scaling/<which>, or nothing.
std::optional<RowScaling> read_scaling(h5::File const& file, std::string const& path,
                                       std::string const& which) {
  std::string const group = "/scaling/" + which;
  if (!file.has(group)) return std::nullopt;
  RowScaling const found{file.read_doubles(group + "/mean"),
                         file.read_doubles(group + "/deviation")};
  bool sound = found.mean.size() == found.deviation.size() && !found.mean.empty();
  for (double const value : found.mean) sound = sound && std::isfinite(value);
  for (double const value : found.deviation) sound = sound && std::isfinite(value) && value >= 0;
  if (!sound)
    throw Error("'" + path + "': " + group +
                " (a mean and a deviation, at least 0, of each value of a row are wanted) write it "
                "anew");
  return found;
}

std::vector<std::uint64_t> read_hashes(h5::File const& file) {
  std::vector<std::uint64_t> hashes;
  if (!file.has("/training/inputs")) return hashes;
  for (std::int64_t const hash : file.read_ints("/training/inputs"))
    hashes.push_back(static_cast<std::uint64_t>(hash));
  return hashes;
}

} // namespace

RowScaling RowScaling::none(std::size_t width) {
  return {std::vector<double>(width, 0.0), std::vector<double>(width, 1.0)};
}

bool RowScaling::is_identity() const {
  return std::all_of(mean.begin(), mean.end(), [](double m) { return m == 0; }) &&
         std::all_of(deviation.begin(), deviation.end(), [](double d) { return d == 1; });
}

std::vector<Dataset> scaling_data(RowScaling const& inputs, RowScaling const& outputs) {
  return {{"scaling/inputs/mean", "", inputs.mean},
          {"scaling/inputs/deviation", "", inputs.deviation},
          {"scaling/outputs/mean", "", outputs.mean},
          {"scaling/outputs/deviation", "", outputs.deviation}};
}

void write_weights(std::string const& path, nn::Layout const& layout,
                   std::vector<double> const& theta) {
  std::string const temporary = temporary_name(path);
  try {
    h5::File file = h5::File::create(temporary);
    file.set_attribute("/", "format", "moho.weights/1");
    for (nn::Parameter const& one : layout.parameters()) {
      std::vector<double> const values = layout.to_exchange(one, theta);
      file.write("/weights/" + one.name, std::span<double const>(values), shape_of(one));
    }
    file.close();
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    throw;
  }
  atomic_replace(temporary, path);
}

std::vector<Dataset> weights_data(nn::Layout const& layout, std::vector<double> const& theta) {
  std::vector<Dataset> data;
  for (nn::Parameter const& one : layout.parameters())
    data.push_back({"weights/" + one.name, "", layout.to_exchange(one, theta), shape_of(one)});
  return data;
}

StoredNetwork read_weights(std::string const& path, nn::Layout const& layout) {
  h5::File const file = h5::File::open(path);
  if (!file.has("/weights"))
    throw Error("'" + path +
                "' has no group /weights (it is no file of weights); name the data.h5 " +
                "of a trained network, or what analysis/torch_weights.py wrote");
  for (std::string const& name : file.list("/weights")) layout.at(name);
  StoredNetwork stored;
  stored.theta.resize(static_cast<std::size_t>(layout.size()));
  for (nn::Parameter const& one : layout.parameters()) {
    std::string const dataset = "/weights/" + one.name;
    if (!file.has(dataset))
      throw Error("'" + path + "' lacks the parameter " + one.name +
                  " (it belongs to another network); take the one that it was written for");
    h5::Shape const shape = file.shape(dataset), wanted = shape_of(one);
    if (shape != wanted)
      throw Error("'" + path + "': " + dataset + " has shape " + text(shape) +
                  " (the network's is " + text(wanted) +
                  "); take the sizes that it was written for");
    std::vector<double> const values = file.read_doubles(dataset);
    for (double const value : values)
      if (!std::isfinite(value))
        throw Error("'" + path + "': " + dataset +
                    " holds a value that is not finite; write it anew");
    layout.from_exchange(one, values, stored.theta);
  }
  stored.inputs = read_scaling(file, path, "inputs");
  stored.outputs = read_scaling(file, path, "outputs");
  stored.trained_on = read_hashes(file);
  return stored;
}

} // namespace moho::study
