// SPDX-License-Identifier: BSD-3-Clause
// A study written out again as a study file.
#include "moho/study/config.hpp"
#include <algorithm>
#include <cmath>

namespace moho::study {
namespace {

std::string toml_section(std::string const& heading, Choice const& choice,
                         std::vector<Axis> const& axes, AxisTarget target) {
  std::string text = "\n" + heading + "\nname = " + json_string(choice.name) + "\n";
  for (auto const& [key, value] : choice.parameters.values()) {
    bool const hidden = std::any_of(axes.begin(), axes.end(), [&](Axis const& axis) {
      return axis.target == target && axis.key == key;
    });
    if (!hidden) text += key + " = " + to_json(value) + "\n";
  }
  return text;
}

std::string limits_section(std::string const& heading, Limits const& limits) {
  std::string text = "\n[" + heading + "]\n";
  for (auto const& [metric, limit] : limits) {
    if (!std::isfinite(limit.least)) {
      text += metric + " = " + to_json(Value(limit.most)) + "\n";
      continue;
    }
    text += metric + " = { least = " + to_json(Value(limit.least));
    if (std::isfinite(limit.most)) text += ", most = " + to_json(Value(limit.most));
    text += " }\n";
  }
  return text;
}

std::string to_toml(ConvergenceProtocol const& protocol) {
  std::string text = "\n[[convergence]]\naxis = " + json_string(protocol.axis) +
                     "\nerror = " + json_string(protocol.error) +
                     "\nrefine = " + (protocol.refine == Refine::up ? "\"up\"" : "\"down\"") +
                     "\ntolerance = " + to_json(Value(protocol.tolerance)) +
                     "\nfloor = " + to_json(Value(protocol.floor)) +
                     "\npool = " + to_json(Value(protocol.pool)) + "\n";
  if (!protocol.expected_of.empty())
    text += "expected = " +
            json_string(
                protocol.expected_of +
                (protocol.expected_plus == 0 ? "" : "+" + std::to_string(protocol.expected_plus))) +
            "\n";
  else if (protocol.expected)
    text += "expected = " + to_json(Value(*protocol.expected)) + "\n";
  return text + limits_section("convergence.limits", protocol.limits);
}

std::string to_toml(CrossValidationProtocol const& protocol) {
  return "\n[cross_validation]\nover = " + to_json(Value(protocol.over)) +
         "\nerror = " + json_string(protocol.error) + "\ntau = " + to_json(Value(protocol.tau)) +
         "\nprobe = " + to_json(Value(protocol.probe)) + "\n" +
         limits_section("cross_validation.limits", protocol.limits);
}

} // namespace

std::string resolved(Study const& study) {
  std::string text =
      "[study]\nname = " + json_string(study.name) + "\ntitle = " + json_string(study.title) + "\n";
  for (Choice const& choice : study.problems)
    text += toml_section("[[problem]]", choice, study.axes, AxisTarget::problem);
  for (Choice const& choice : study.methods)
    text += toml_section("[[method]]", choice, study.axes, AxisTarget::method);
  text += "\n[axes]\n";
  for (Axis const& axis : study.axes) {
    std::string list;
    for (Value const& value : axis.values) list += (list.empty() ? "" : ", ") + to_json(value);
    text += axis.key + " = [" + list + "]\n";
  }
  text += "\n[measure]\nrepeats = " + std::to_string(study.measure.repeats) +
          "\nwarmup = " + std::to_string(study.measure.warmup) +
          "\nmin_time = " + to_json(Value(study.measure.min_time)) +
          "\nceilings = " + to_json(Value(study.measure.ceilings)) +
          "\nranks_per_case = " + std::to_string(study.ranks_per_case) +
          "\nfields = " + to_json(Value(study.fields)) + "\n";
  text += limits_section("limits", study.limits);
  for (auto const& [method, limits] : study.limits_of)
    text += limits_section("limits." + method, limits);
  for (std::size_t i = 0; i < study.convergence.size(); ++i) text += to_toml(study.convergence[i]);
  if (study.cross_validation) text += to_toml(*study.cross_validation);
  return text;
}

} // namespace moho::study
