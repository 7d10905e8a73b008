// SPDX-License-Identifier: BSD-3-Clause
// Spectra of weights, similarity of representations and the path between two trained networks.
#include "moho/core/host_copy.hpp"
#include "moho/nn/models/mlp.hpp"
#include "moho/nn/ops.hpp"
#include "moho/study/diagnostics.hpp"
#include "nn_replay_detail.hpp"
#include <algorithm>
#include <set>

namespace moho::study::replaying {
namespace {

using nn::Value;

void hill(Recording const& recording, Answers& answers) {
  std::set<std::string> groups;
  for (std::string const& name : recording.below("/hill/"))
    if (auto const slash = name.find('/'); slash != std::string::npos)
      groups.insert("/hill/" + name.substr(0, slash + 1));
  for (std::string const& group : groups) {
    if (!recording.asks(group)) continue;
    auto const& weights = recording.input(group + "W", {0, 0}, "its spectrum");
    auto const spectrum =
        squared_singular_values(weights.values, weights.shape[0], weights.shape[1]);
    HillAlpha const paper = hill_alpha(spectrum), code = hill_alpha(spectrum, HillVariant::code);
    answers.put(group + "eigs_sorted", {spectrum.size()}, spectrum);
    answers.put(group + "k", static_cast<double>(paper.tail));
    answers.put(group + "alpha_hill", paper.alpha);
    answers.put(group + "alpha_hill_code", code.alpha);
  }
}

void cka(Recording const& recording, Answers& answers) {
  if (!recording.asks("/cka/")) return;
  auto const& x = recording.input("/cka/X", {0, 0}, "their similarity");
  auto const samples = static_cast<std::int64_t>(x.shape[0]);
  auto const& y = recording.input("/cka/Y", {samples, 0}, "their similarity");
  answers.put("/cka/linear_cka", linear_cka(x.values, y.values, x.shape[0]));
}

/// Sizes of the layers of a group "/linear_path/A/".
std::vector<std::int64_t> sizes_of(Recording const& recording, std::string const& group) {
  std::vector<std::int64_t> sizes;
  for (int layer = 0;; ++layer) {
    const std::string weight = group + "layer" + std::to_string(layer) + ".weight";
    if (layer > 0 && !recording.has(weight)) return sizes;
    auto const shape = recording.input_shape(weight, 2, "a dense layer");
    if (layer == 0) sizes.push_back(shape[1]);
    sizes.push_back(shape[0]);
  }
}

/// The path (1-t) A + t B between two MLPs: the loss along it, and how alike the ends are.
class Path {
public:
  explicit Path(Recording const& recording)
      : _recording(recording), _options{sizes_of(recording, "/linear_path/A/"),
                                        activation_name(recording, "tanh")},
        _model(_options), _a(flat_parameters(recording, "/linear_path/A/", _model.layout(), who)),
        _b(flat_parameters(recording, "/linear_path/B/", _model.layout(), who)) {}

  void losses(Answers& answers) const {
    auto const& t = _recording.input("/linear_path/t", {0}, who);
    Sheet sheet(_recording, _model.layout(), _a);
    Value const y = _model.apply(sheet.theta(), x(sheet));
    Value const target = sheet.input("/linear_path/y", y.shape().extents(), who);
    auto program = sheet.program({nn::mean(nn::square(y - target))});
    const ExecutionSpace space;
    auto const loss_at = [&](double place) {
      std::vector<double> theta(_a.size());
      for (std::size_t i = 0; i < theta.size(); ++i) theta[i] = (1 - place) * _a[i] + place * _b[i];
      copy_to_device(std::span<double const>(theta), sheet.memory(sheet.theta()));
      program.run(space);
      space.fence();
      return to_host(program.result())[0];
    };
    std::vector<double> losses;
    for (double const place : t.values) losses.push_back(loss_at(place));
    answers.put("/linear_path/loss", {losses.size()}, losses);
    std::vector<double> place = t.values;
    if (place.front() != 0) {
      place.insert(place.begin(), 0.0);
      losses.insert(losses.begin(), loss_at(0));
    }
    if (place.back() != 1) {
      place.push_back(1);
      losses.push_back(loss_at(1));
    }
    ModeConnectivity const found = mode_connectivity(place, losses);
    answers.put("/linear_path/mc", found.mc);
    answers.put("/linear_path/t_star", found.t);
  }

  void similarities(Answers& answers) const {
    auto const of_a = representations(_a), of_b = representations(_b);
    std::size_t const samples = _recording.datasets().at("/linear_path/x").shape[0];
    for (std::size_t layer = 0; layer < of_a.size(); ++layer) {
      bool const last = layer + 1 == of_a.size();
      answers.put("/linear_path/cka_" +
                      (last ? std::string("output") : "hidden" + std::to_string(layer + 1)),
                  linear_cka(of_a[layer], of_b[layer], samples));
    }
  }

private:
  static constexpr char const* who = "the path between two networks";

  Value x(Sheet& sheet) const {
    return sheet.input("/linear_path/x", {0, _options.sizes.front()}, who);
  }
  /// What every layer makes of x.
  std::vector<std::vector<double>> representations(std::vector<double> const& theta) const {
    Sheet sheet(_recording, _model.layout(), theta);
    nn::Activation const act = nn::activation(_options.activation);
    std::vector<Value> layers;
    Value h = x(sheet);
    for (std::size_t i = 0; i + 1 < _options.sizes.size(); ++i) {
      h = nn::apply_dense(_model.layout(), sheet.theta(), "layer" + std::to_string(i), h);
      if (i + 2 < _options.sizes.size()) h = act(h);
      layers.push_back(h);
    }
    return sheet.compute(layers);
  }

  Recording const& _recording;
  nn::MlpOptions _options;
  nn::Mlp _model;
  std::vector<double> _a, _b;
};

} // namespace

void recompute_diagnostics(Recording const& recording, Answers& answers) {
  hill(recording, answers);
  cka(recording, answers);
  if (!recording.asks("/linear_path/")) return;
  Path const path(recording);
  bool const along = recording.has("/linear_path/loss") || recording.has("/linear_path/mc") ||
                     recording.has("/linear_path/t_star");
  if (along) path.losses(answers);
  if (recording.asks("/linear_path/cka_")) path.similarities(answers);
}

} // namespace moho::study::replaying
