// SPDX-License-Identifier: BSD-3-Clause
#include "moho/core/error.hpp"
#include "moho/nn/derivative.hpp"
#include "moho/nn/models/deeponet.hpp"
#include "moho/nn/models/fno2d.hpp"
#include "moho/nn/ops.hpp"
#include "moho/study/names.hpp"
#include "nn_replay_detail.hpp"
#include <algorithm>
#include <cctype>
#include <fmt/format.h>

namespace moho::study::replaying {
namespace {

using nn::Value;
using Sizes = std::vector<std::int64_t>;

std::string chain_text(Sizes const& sizes) {
  return fmt::format("{}", fmt::join(sizes, "-"));
}

Value mean_square(Value y, Value target) {
  return nn::mean(nn::square(y - target));
}

/// Mean over the batch of ||y - target||_2 / ||target||_2.
Value relative_l2(Value y, Value target) {
  std::vector<int> axes;
  for (int axis = 1; axis < y.shape().rank(); ++axis) axes.push_back(axis);
  auto const norm = [&](Value a) { return nn::sqrt(nn::sum(nn::square(a), axes)); };
  return nn::mean(norm(y - target) / norm(target));
}

class MlpNetwork final : public Network {
public:
  explicit MlpNetwork(Recording const& recording)
      : _model({chain_sizes(recording, "layer", "sizes"), activation_name(recording, "tanh")}) {}
  std::string name() const override { return "the MLP " + chain_text(_model.options().sizes); }
  nn::Layout const& layout() const override { return _model.layout(); }
  std::vector<std::string> inputs() const override { return {"x"}; }
  std::map<std::string, Value> forward(Sheet& sheet) const override { return {{"y", y(sheet)}}; }
  Value loss(Sheet& sheet) const override {
    Value const u = y(sheet);
    return mean_square(u, sheet.input("/targets/y", u.shape().extents(), name()));
  }
  void more(Recording const& recording, std::vector<double> const& theta,
            Answers& answers) const override {
    if (!recording.has("/jacobian") && !recording.has("/input_hessian")) return;
    Sheet sheet(recording, layout(), theta);
    Value const x = sheet.input("/inputs/x", {0, _model.options().sizes[0]}, name());
    Value const first = nn::batch_jacobian(_model.apply(sheet.theta(), x), x);
    std::vector<Value> wanted{first};
    if (recording.has("/input_hessian")) wanted.push_back(nn::batch_jacobian(first, x));
    auto const values = sheet.compute(wanted);
    char const* const names[] = {"/jacobian", "/input_hessian"};
    for (std::size_t i = 0; i < wanted.size(); ++i)
      answers.put(names[i], extents(wanted[i].shape()), values[i]);
  }

private:
  Value y(Sheet& sheet) const {
    return _model.apply(sheet.theta(),
                        sheet.input("/inputs/x", {0, _model.options().sizes[0]}, name()));
  }
  nn::Mlp _model;
};

nn::DeepOnetOptions deeponet_options(Recording const& recording) {
  nn::DeepOnetOptions options;
  options.branch = chain_sizes(recording, "branch", "branch");
  options.trunk = chain_sizes(recording, "trunk", "trunk");
  options.activation = activation_name(recording, "tanh");
  // "tanh; branch last layer linear, trunk last layer tanh"
  const std::string text = recording.text_attribute("activation").value_or("");
  options.activate_trunk = text.find("trunk last layer linear") == std::string::npos;
  if (options.branch.back() != options.trunk.back())
    throw Error(fmt::format("branch {} and trunk {} of '{}' end in different sizes (their products "
                            "are summed) correct them",
                            chain_text(options.branch), chain_text(options.trunk),
                            recording.file().path()));
  return options;
}

class DeepOnetNetwork final : public Network {
public:
  explicit DeepOnetNetwork(Recording const& recording)
      : _options(deeponet_options(recording)), _model(_options) {}
  std::string name() const override {
    return "the DeepONet " + chain_text(_options.branch) + " by " + chain_text(_options.trunk);
  }
  nn::Layout const& layout() const override { return _model.layout(); }
  std::vector<std::string> inputs() const override { return {"u", "q"}; }
  std::map<std::string, Value> forward(Sheet& sheet) const override {
    return {{"branch", _model.branch(sheet.theta(), u(sheet))},
            {"trunk", _model.trunk(sheet.theta(), q(sheet))},
            {"y", _model.apply(sheet.theta(), u(sheet), q(sheet))}};
  }
  Value loss(Sheet& sheet) const override {
    Value const y = _model.apply(sheet.theta(), u(sheet), q(sheet));
    return mean_square(y, sheet.input("/targets/y", y.shape().extents(), name()));
  }
  void more(Recording const&, std::vector<double> const&, Answers&) const override {}

private:
  Value u(Sheet& sheet) const { return sheet.input("/inputs/u", {0, _options.branch[0]}, name()); }
  Value q(Sheet& sheet) const { return sheet.input("/inputs/q", {0, _options.trunk[0]}, name()); }
  nn::DeepOnetOptions _options;
  nn::DeepOnet _model;
};

/// What both dimensions have; grids are channel-last on the tape, channel-first in files.
class FnoNetwork : public Network {
public:
  std::vector<std::string> inputs() const override { return {"x"}; }
  std::map<std::string, Value> forward(Sheet& sheet) const override {
    nn::FnoStages const found = stages(sheet, "/inputs/x");
    std::map<std::string, Value> fields{{"y", found.answer},
                                        {"lift_padded", channel_first(found.lift)}};
    fields["lift"] = channel_first(as_recorded(found.lift, found.answer.shape()));
    for (std::size_t block = 0; block < found.blocks.size(); ++block) {
      const std::string name = "block" + std::to_string(block);
      fields.emplace(name, channel_first(found.blocks[block]));
      fields.emplace(name + "_spectral", channel_first(found.spectral[block]));
    }
    return fields;
  }
  Value loss(Sheet& sheet) const override {
    Value const y = stages(sheet, "/inputs/x").answer;
    return relative_l2(y, sheet.input("/targets/y", y.shape().extents(), name()));
  }
  void more(Recording const& recording, std::vector<double> const& theta,
            Answers& answers) const override {
    for (std::string const& end : recording.below("/other_grid_")) {
      if (end.size() < 2 || end.substr(end.size() - 2) != "/y") continue;
      const std::string group = "/other_grid_" + end.substr(0, end.size() - 1);
      Sheet sheet(recording, layout(), theta);
      Value const y = stages(sheet, group + "x").answer;
      answers.put(group + "y", extents(y.shape()), sheet.compute({y})[0]);
    }
  }

protected:
  explicit FnoNetwork(Recording const& recording) : _recording(recording) {}
  virtual nn::FnoStages stages(Sheet& sheet, std::string const& path) const = 0;

  static Value channel_first(Value h) {
    std::vector<int> axes{0, h.shape().rank() - 1};
    for (int axis = 1; axis + 1 < h.shape().rank(); ++axis) axes.push_back(axis);
    return nn::permute(h, axes);
  }
  /// The lift with its padding where it was recorded so, else without.
  Value as_recorded(Value lift, nn::Shape const& answer) const {
    auto const known = _recording.datasets().find("/forward/lift");
    bool const padded = known != _recording.datasets().end() &&
                        known->second.shape == extents(channel_first(lift).shape());
    for (int axis = 1; !padded && axis + 1 < answer.rank(); ++axis)
      lift = nn::slice(lift, axis, 0, answer[axis]);
    return lift;
  }
  /// Whether a transform of a grid with `cells` cells has that many modes.
  void require_modes(std::string const& path, std::string const& which, std::int64_t modes,
                     std::int64_t points, std::int64_t most) const {
    if (modes <= most) return;
    throw Error(fmt::format("{} has {} points and {} of padding (the {} {} of {} are above its "
                            "Nyquist frequency: at most {}) take a finer grid or fewer modes",
                            _recording.name(path), points, _padding, modes, which, name(), most));
  }

  Recording const& _recording;
  std::int64_t _padding = 0;
};

constexpr std::int64_t most_width = 1 << 20, most_fno = 1 << 13; ///< products stay in range

std::int64_t one_size(Recording const& recording, std::string const& attribute,
                      std::int64_t otherwise) {
  return recording.sizes_attribute(attribute, most_fno).value_or(Sizes{otherwise})[0];
}

/// Outputs of the last layer: two of weight, bias and target agree where one of them is wrong.
std::int64_t output_count(Recording const& recording, std::int64_t of_weight) {
  auto const last = [&](std::string const& path) -> std::size_t {
    if (!recording.has(path)) return 0;
    auto const& shape = recording.datasets().at(path).shape;
    return shape.empty() ? 0 : shape.back();
  };
  std::size_t const of_bias = last("/params/proj2.bias");
  return of_bias > 0 && of_bias == last("/targets/y") ? static_cast<std::int64_t>(of_bias)
                                                      : of_weight;
}

std::int64_t padding_of(Recording const& recording) {
  double const padding = recording.number_attribute("/", "padding").value_or(0);
  if (padding < 0 || padding != static_cast<double>(static_cast<std::int64_t>(padding)))
    throw Error(
        fmt::format("attribute 'padding' of '{}' is {} (it is a number of cells) correct it",
                    recording.file().path(), padding));
  return static_cast<std::int64_t>(padding);
}

/// Whether the coordinates of the grid are i/(N-1) rather than i/N.
bool ends_included(Recording const& recording, bool otherwise) {
  auto const grid = recording.text_attribute("grid");
  if (!grid) return otherwise;
  if (grid->rfind("i/(N-1)", 0) == 0) return true;
  if (grid->rfind("i/N", 0) == 0) return false;
  throw Error(fmt::format("attribute 'grid' of '{}' is '{}' (known are 'i/N' and 'i/(N-1)') "
                          "correct it",
                          recording.file().path(), *grid));
}

/// Sizes that both dimensions have, into the options.
template <class Options>
void read_sizes(Recording const& recording, int axes, Options& options) {
  const std::string who = "an FNO of " + std::to_string(axes) + (axes == 1 ? " axis" : " axes");
  if (std::string const used = activation_name(recording, "gelu"); used != "gelu")
    throw Error(fmt::format("attribute 'activation' of '{}' is '{}' (an FNO has 'gelu') correct it",
                            recording.file().path(), used));
  Sizes const lift = recording.input_shape("/params/lift.weight", 2, who),
              hidden = recording.input_shape("/params/proj1.weight", 2, who),
              answer = recording.input_shape("/params/proj2.weight", 2, who);
  options.inputs = lift[1] - axes;
  options.outputs = output_count(recording, answer[0]);
  if (recording.has("/inputs/x")) {
    auto const x = recording.input_shape("/inputs/x", axes + 2, who);
    if (x.back() != options.inputs)
      throw Error(fmt::format("{} has the shape ({}, {}), {} has ({}) (the lift takes the channels "
                              "of the input and {} coordinates) correct one of them",
                              recording.name("/params/lift.weight"), lift[0], lift[1], "/inputs/x",
                              fmt::join(x, ", "), axes));
  }
  int layers = 0;
  const std::string end = axes == 1 ? ".weight" : ".weight_lo";
  auto const weight = [&](int layer) { return "/params/spec" + std::to_string(layer) + end; };
  while (recording.has(weight(layers))) ++layers;
  Sizes const first = recording.input_shape(weight(0), axes + 3, who);
  options.width = one_size(recording, "width", lift[0]);
  options.projection = one_size(recording, "proj_hidden", hidden[0]);
  // one more than there are shows which one is missing
  options.layers =
      static_cast<int>(std::min<std::int64_t>(one_size(recording, "layers", layers), layers + 1));
  options.padding = padding_of(recording);
  Sizes const modes = recording.sizes_attribute("modes", most_fno)
                          .value_or(Sizes(first.begin() + 2, first.begin() + 2 + axes));
  if (static_cast<int>(modes.size()) != axes)
    throw Error(
        fmt::format("attribute 'modes' of '{}' has {} numbers (one per axis: {}) correct it",
                    recording.file().path(), modes.size(), axes));
  if constexpr (requires { options.modes[0]; })
    std::copy(modes.begin(), modes.end(), options.modes);
  else
    options.modes = modes[0];
}

class Fno1dNetwork final : public FnoNetwork {
public:
  explicit Fno1dNetwork(Recording const& recording)
      : FnoNetwork(recording), _options(options_of(recording)), _model(_options) {
    _padding = _options.padding;
  }
  std::string name() const override {
    return fmt::format("the FNO1d of width {}, {} modes and {} layers", _options.width,
                       _options.modes, _options.layers);
  }
  nn::Layout const& layout() const override { return _model.layout(); }

private:
  static nn::Fno1dOptions options_of(Recording const& recording) {
    nn::Fno1dOptions options;
    read_sizes(recording, 1, options);
    options.ends_included = ends_included(recording, false);
    return options;
  }
  nn::FnoStages stages(Sheet& sheet, std::string const& path) const override {
    Value const x = sheet.input(path, {0, 0, _options.inputs}, name());
    std::int64_t const points = x.shape()[1];
    require_modes(path, "modes", _options.modes, points, (points + _padding) / 2 + 1);
    if (_options.ends_included && points < 2)
      throw Error(_recording.name(path) + " has one point (the grid i/(N-1) has two or more) "
                                          "correct it");
    return _model.stages(sheet.theta(), x);
  }
  nn::Fno1dOptions _options;
  nn::Fno1d _model;
};

class Fno2dNetwork final : public FnoNetwork {
public:
  explicit Fno2dNetwork(Recording const& recording)
      : FnoNetwork(recording), _options(options_of(recording)), _model(_options) {
    _padding = _options.padding;
  }
  std::string name() const override {
    return fmt::format("the FNO2d of width {}, {} x {} modes and {} layers", _options.width,
                       _options.modes[0], _options.modes[1], _options.layers);
  }
  nn::Layout const& layout() const override { return _model.layout(); }

private:
  static nn::Fno2dOptions options_of(Recording const& recording) {
    nn::Fno2dOptions options;
    read_sizes(recording, 2, options);
    if (!recording.file().has_attribute("/", "padding"))
      throw Error(fmt::format("'{}' has no root attribute 'padding' (an FNO2d needs it) add it",
                              recording.file().path()));
    if (!ends_included(recording, true))
      throw Error(
          fmt::format("attribute 'grid' of '{}' is 'i/N' (an FNO2d has 'i/(N-1)') correct it",
                      recording.file().path()));
    return options;
  }
  nn::FnoStages stages(Sheet& sheet, std::string const& path) const override {
    Value const x = sheet.input(path, {0, 0, 0, _options.inputs}, name());
    std::int64_t const rows = x.shape()[1], columns = x.shape()[2];
    if (rows < 2 || columns < 2)
      throw Error(_recording.name(path) + " has one point along an axis (the grid i/(N-1) has two "
                                          "or more) correct it");
    require_modes(path, "modes of the first axis", _options.modes[0], rows, (rows + _padding) / 2);
    require_modes(path, "modes of the second axis", _options.modes[1], columns,
                  (columns + _padding) / 2 + 1);
    return _model.stages(sheet.theta(), x);
  }
  nn::Fno2dOptions _options;
  nn::Fno2d _model;
};

template <class T>
std::unique_ptr<Network> make(Recording const& recording) {
  return std::make_unique<T>(recording);
}
std::unique_ptr<Network> make_none(Recording const&) {
  return nullptr;
}

} // namespace

std::vector<std::int64_t> chain_sizes(Recording const& recording, std::string const& prefix,
                                      std::string const& attribute) {
  if (auto const sizes = recording.sizes_attribute(attribute, most_width)) {
    if (sizes->size() >= 2) return *sizes;
    throw Error(
        fmt::format("attribute '{}' of '{}' has one number (a chain of layers has two sizes "
                    "or more) correct it",
                    attribute, recording.file().path()));
  }
  Sizes sizes;
  for (int layer = 0;; ++layer) {
    const std::string weight = "/params/" + prefix + std::to_string(layer) + ".weight";
    if (layer > 0 && !recording.has(weight)) return sizes;
    auto const shape = recording.input_shape(weight, 2, "a dense layer");
    if (layer == 0) sizes.push_back(shape[1]);
    sizes.push_back(shape[0]);
  }
}

std::string activation_name(Recording const& recording, std::string const& otherwise) {
  auto const text = recording.text_attribute("activation");
  if (!text) return otherwise;
  std::string word;
  for (char const letter : *text) {
    if (!std::isalpha(static_cast<unsigned char>(letter))) break;
    word += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  }
  const std::string where =
      "attribute 'activation' of '" + recording.file().path() + "' is '" + *text + "' ";
  if (word == "gelu" && text->find("tanh") != std::string::npos)
    throw Error(where + "(GELU is the exact one, by erf) record it with that");
  try {
    nn::activation(word);
  } catch (Error const& error) {
    throw Error(where + "(" + error.what() + ") correct it");
  }
  return word;
}

std::unique_ptr<Network> make_network(Recording const& recording) {
  static const std::pair<std::string, std::unique_ptr<Network> (*)(Recording const&)> known[] = {
      {"MLP", make<MlpNetwork>},
      {"FNO1d", make<Fno1dNetwork>},
      {"DeepONet", make<DeepOnetNetwork>},
      {"FNO2d", make<Fno2dNetwork>},
      {"PINN", make_pinn},
      {"Diagnostics", make_none}};
  std::vector<std::string> names;
  for (auto const& [name, unused] : known) names.push_back(name);
  auto const model = recording.text_attribute("model");
  if (!model)
    throw Error(fmt::format("'{}' has no root attribute 'model' (it is no recording of a network) "
                            "add it: {}",
                            recording.file().path(), fmt::join(names, ", ")));
  for (auto const& [name, maker] : known)
    if (name == *model) return maker(recording);
  throw Error(fmt::format("model '{}' of '{}' is not known (there are six) {}", *model,
                          recording.file().path(), suggestion(*model, names)));
}

} // namespace moho::study::replaying
