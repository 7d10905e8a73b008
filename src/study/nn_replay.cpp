// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/nn_replay.hpp"
#include "moho/core/error.hpp"
#include "moho/study/atomic_file.hpp"
#include "moho/study/measure.hpp"
#include "nn_replay_detail.hpp"
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fmt/format.h>
#include <limits>

namespace moho::study {
namespace replaying {
namespace {

constexpr double smallest_scale = 1e-12; ///< below it errors are absolute

/// Name of the dataset, or of the group where it ends in '/'; its quantity.
constexpr std::pair<char const*, char const*> quantities[] = {
    {"/forward/", "forward"},
    {"/loss", "loss"},
    {"/loss_terms_res_bc_ic", "loss"},
    {"/burgers/loss", "loss"},
    {"/wave/loss", "loss"},
    {"/other_grid_", "other_grid"},
    {"/grad/", "grad"},
    {"/burgers/grad/", "grad"},
    {"/wave/grad/", "grad"},
    {"/grad_norm", "grad_norm"},
    {"/input_grad/", "input_grad"},
    {"/jacobian", "jacobian"},
    {"/input_hessian", "input_hessian"},
    {"/hvp_Hv/", "hvp"},
    {"/burgers/hvp_Hv/", "burgers_hvp"},
    {"/vHv", "vHv"},
    {"/adam/losses", "losses"},
    {"/sgd_momentum/losses", "losses"},
    {"/adam/final_params/", "final_params"},
    {"/sgd_momentum/final_params/", "final_params"},
    {"/hessian_eigenvalues", "eigenvalues"},
    {"/hessian_top", "hessian_top"},
    {"/hessian_trace", "hessian_trace"},
    {"/hessian_asym", "hessian_asym"},
    {"/hill/", "diagnostics"},
    {"/cka/", "diagnostics"},
    {"/linear_path/", "diagnostics"}};

std::string quantity_of(std::string const& dataset) {
  for (auto const& [start, quantity] : quantities) {
    const std::string name = start;
    bool const group = name.back() == '/' || name.back() == '_';
    if (group ? dataset.rfind(name, 0) == 0 : dataset == name) return quantity;
  }
  return "";
}

ReplayedDataset compare(Recording const& recording, Answers const& answers, std::string const& path,
                        std::map<std::string, double> const& limits) {
  ReplayedDataset result{path, quantity_of(path)};
  auto const answer = answers.arrays.find(path);
  if (answer == answers.arrays.end()) {
    result.problem = "it cannot be recomputed: no such result of this model is known";
    return result;
  }
  auto const& recorded = recording.datasets().at(path);
  bool const number = answer->second.values.size() == 1 && recorded.values.size() == 1;
  if (recorded.shape != answer->second.shape && !number) {
    result.problem =
        "its shape is " + text(recorded.shape) + ", recomputed it is " + text(answer->second.shape);
    return result;
  }
  if (recorded.values.size() != answer->second.values.size()) {
    result.problem = "it holds no numbers";
    return result;
  }
  result.limit = limits.at(result.quantity);
  // the asymmetry is all rounding
  bool const absolute = result.quantity == "hessian_asym";
  result.error = relative_error(answer->second.values, recorded.values, absolute);
  return result;
}

/// Datasets in the groups of inputs that the model does not have.
std::string misplaced(std::string const& path, Network const* network) {
  for (std::string const group : {"/params/", "/hvp_v/", "/inputs/", "/targets/"}) {
    if (path.rfind(group, 0) != 0) continue;
    if (!network) return "it cannot be used: there is no network";
    if (group != "/inputs/" && group != "/targets/") return ""; // flat_parameters sees to them
    auto const known = group == "/inputs/" ? network->inputs() : std::vector<std::string>{"y"};
    if (std::find(known.begin(), known.end(), path.substr(group.size())) == known.end())
      return "it cannot be used: " + network->name() + " has no such array";
  }
  return "";
}

/// The flattening order has to be that of the parameters there are.
void check_order(Recording const& recording, Network const& network) {
  auto const& all = recording.datasets();
  auto const order = all.find("/param_order"), sizes = all.find("/param_sizes");
  std::size_t const count = network.layout().parameters().size();
  auto const reject = [&](char const* dataset, std::string const& is) {
    throw Error(recording.name(dataset) + " " + is + " (" + network.name() + " has " +
                std::to_string(count) + " parameters) correct it");
  };
  if (sizes != all.end() && sizes->second.values.size() != count)
    reject("/param_sizes", "has the shape " + text(sizes->second.shape));
  if (order == all.end()) return;
  std::vector<std::string> const& names = order->second.texts;
  if (names.size() != count) reject("/param_order", "has the shape " + text(order->second.shape));
  for (std::size_t i = 0; i < count; ++i) {
    if (std::count(names.begin(), names.end(), names[i]) > 1)
      reject("/param_order", "names '" + names[i] + "' twice");
    auto const found = all.find("/params/" + names[i]);
    if (found == all.end()) reject("/param_order", "names '" + names[i] + "', which is not there");
    double const size = static_cast<double>(found->second.values.size());
    if (sizes != all.end() && sizes->second.values[i] != size)
      reject("/param_sizes", fmt::format("has {} for '{}', which has {} values",
                                         sizes->second.values[i], names[i], size));
  }
}

Answers recompute(Recording const& recording, Network const* network) {
  Answers answers;
  if (network) {
    const std::vector<double> theta =
        flat_parameters(recording, "/params/", network->layout(), network->name());
    check_order(recording, *network);
    recompute_network(recording, *network, theta, answers);
  }
  recompute_diagnostics(recording, answers);
  return answers;
}

} // namespace

double relative_error(std::vector<double> const& a, std::vector<double> const& b, bool absolute) {
  MOHO_REQUIRE(a.size() == b.size());
  double largest = 0, scale = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) {
      if (std::isfinite(b[i])) scale = std::max(scale, std::abs(b[i]));
      continue;
    }
    if (!std::isfinite(a[i]) || !std::isfinite(b[i]))
      return std::numeric_limits<double>::infinity();
    largest = std::max(largest, std::abs(a[i] - b[i]));
    scale = std::max(scale, std::abs(b[i]));
  }
  return absolute || scale < smallest_scale ? largest : largest / scale;
}

void write_answers(std::string const& path, Recording const& recording, Answers const& answers) {
  const std::string temporary = temporary_name(path);
  try {
    h5::File file = h5::File::create(temporary);
    for (std::string const& group : recording.groups()) {
      file.create_group(group);
      file.copy_attributes(recording.file(), group);
    }
    for (auto const& [name, dataset] : recording.datasets()) {
      if (is_input(name)) {
        file.copy(recording.file(), name);
        continue;
      }
      auto const answer = answers.arrays.find(name);
      if (answer == answers.arrays.end()) continue;
      std::vector<double> const& values = answer->second.values;
      // a number is (1) where it was recorded so
      auto const& shape = values.size() == 1 ? dataset.shape : answer->second.shape;
      if (values.size() == 1 && shape.empty() && dataset.kind == h5::Kind::integer)
        file.write_number(name, static_cast<std::int64_t>(std::llround(values[0])));
      else if (shape.empty())
        file.write_number(name, values[0]);
      else
        file.write(name, values, shape);
      file.copy_attributes(recording.file(), name);
    }
    file.close();
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    throw;
  }
  atomic_replace(temporary, path);
}

} // namespace replaying

std::map<std::string, double> const& replay_limits() {
  static const std::map<std::string, double> limits{
      {"forward", 1e-12},      {"loss", 1e-12},        {"other_grid", 1e-12},
      {"grad", 1e-10},         {"grad_norm", 1e-10},   {"input_grad", 1e-10},
      {"jacobian", 1e-10},     {"hvp", 1e-9},          {"vHv", 1e-9},
      {"input_hessian", 1e-9}, {"burgers_hvp", 1e-8},  {"losses", 1e-8},
      {"final_params", 1e-8},  {"eigenvalues", 1e-8},  {"hessian_top", 1e-8},
      {"hessian_trace", 1e-8}, {"hessian_asym", 1e-8}, {"diagnostics", 1e-10}};
  return limits;
}

std::size_t ReplayReport::compared() const {
  return static_cast<std::size_t>(std::count_if(
      datasets.begin(), datasets.end(), [](ReplayedDataset const& one) { return one.compared(); }));
}

bool ReplayReport::passed() const {
  return std::all_of(datasets.begin(), datasets.end(),
                     [](ReplayedDataset const& one) { return one.passed(); }) &&
         (!routes || *routes <= replay_routes_limit);
}

ReplayReport replay(std::string const& path, ReplayOptions const& options) {
  const BlasThreads one_thread(1);
  const replaying::Recording recording(path);
  auto const network = replaying::make_network(recording);
  if (!recording.asks("/"))
    throw Error("'" + path + "' holds inputs alone (there is nothing to compare) record results");
  const replaying::Answers answers = replaying::recompute(recording, network.get());
  ReplayReport report;
  report.model = *recording.text_attribute("model");
  if (network) report.parameters = static_cast<std::size_t>(network->layout().size());
  report.routes = answers.routes;
  for (auto const& [name, dataset] : recording.datasets()) {
    if (!replaying::is_input(name)) {
      report.datasets.push_back(replaying::compare(recording, answers, name, options.limits));
    } else if (auto problem = replaying::misplaced(name, network.get()); !problem.empty()) {
      report.datasets.push_back({name, "", 0, 0, std::move(problem)});
    }
  }
  if (options.output) replaying::write_answers(*options.output, recording, answers);
  return report;
}

} // namespace moho::study
