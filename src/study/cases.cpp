// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/cases.hpp"
#include "moho/core/error.hpp"
#include "moho/study/names.hpp"
#include "moho/study/registry.hpp"
#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <set>

namespace moho::study {
namespace {

/// FNV-1a, 64 bits, as 16 hexadecimal digits.
std::string hash(std::string const& text) {
  std::uint64_t value = 0xcbf29ce484222325u;
  for (unsigned char const c : text) value = (value ^ c) * 0x100000001b3u;
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(value));
  return digits;
}

/// What of a value can stand in the name of a folder: "ref_a_simple", "0.5", "rayleigh+love".
std::string readable(Value const& value) {
  std::string text;
  for (char const c : to_json(value)) {
    if (std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-')
      text += c;
    else if (c == ',')
      text += '+';
  }
  return text;
}

bool has_parameter(std::span<const ParameterSpec> specs, std::string const& key) {
  return std::any_of(specs.begin(), specs.end(), [&](auto const& spec) { return spec.key == key; });
}

bool applies(Axis const& axis, Case const& item) {
  switch (axis.target) {
  case AxisTarget::ranks:
    return true;
  case AxisTarget::problem:
    return has_parameter(find_problem(item.problem.name).parameters, axis.key);
  case AxisTarget::method:
    return has_parameter(find_method(item.method.name).parameters, axis.key);
  }
  return false;
}

Case placed(Case item, Axis const& axis, Value const& value) {
  item.axes[axis.key] = value;
  switch (axis.target) {
  case AxisTarget::ranks:
    item.ranks = std::get<std::int64_t>(value);
    break;
  case AxisTarget::problem:
    item.problem.parameters.set(axis.key, value);
    break;
  case AxisTarget::method:
    item.method.parameters.set(axis.key, value);
    break;
  }
  return item;
}

std::vector<Case> along(std::vector<Case> const& cases, Axis const& axis) {
  std::vector<Case> result;
  for (Case const& item : cases) {
    if (!applies(axis, item)) {
      result.push_back(item);
      continue;
    }
    for (Value const& value : axis.values) result.push_back(placed(item, axis, value));
  }
  return result;
}

// --- cross-validation ---------------------------------------------------------------------------

/// The axes of the problem along which the matrix of `protocol` runs.
std::vector<std::string> spanning_axes(Study const& study,
                                       CrossValidationProtocol const& protocol) {
  if (!protocol.over.empty()) return protocol.over;
  std::vector<std::string> keys;
  for (Axis const& axis : study.axes)
    if (axis.target == AxisTarget::problem) keys.push_back(axis.key);
  return keys;
}

/// Where a case stands apart from the axes `over` and its problem: cases that agree are the rows of
/// one matrix.
std::string matrix_of(Case const& item, std::vector<std::string> const& over) {
  Parameters rest;
  for (auto const& [key, value] : item.axes)
    if (std::find(over.begin(), over.end(), key) == over.end()) rest.set(key, value);
  return item.method.name + to_json(item.method.parameters) + to_json(rest);
}

/// What a problem is called in a matrix: its values along `over`; its name where it has none.
std::string label_of(Case const& item, std::vector<std::string> const& over) {
  std::string label;
  for (std::string const& key : over)
    if (auto const found = item.axes.find(key); found != item.axes.end()) {
      auto const* text = std::get_if<std::string>(&found->second);
      label += (label.empty() ? "" : " ") + (text ? *text : to_json(found->second));
    }
  return label.empty() ? item.problem.name : label;
}

/// Labels that differ: equal ones get their place.
void tell_apart(std::vector<std::string>& labels) {
  const std::vector<std::string> plain = labels;
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (std::count(plain.begin(), plain.end(), plain[i]) > 1)
      labels[i] += " #" + std::to_string(i + 1);
}

/// Turns the cases of one matrix into its rows.
void set_rows(std::vector<Case*> const& rows, CrossValidationProtocol const& protocol,
              std::vector<std::string> const& over) {
  std::vector<Choice> asked;
  std::vector<std::string> labels;
  std::string all;
  for (Case const* row : rows) {
    asked.push_back(row->problem);
    labels.push_back(label_of(*row, over));
    all += row->problem.name + to_json(row->problem.parameters);
  }
  tell_apart(labels);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i]->asked = asked;
    rows[i]->asked_labels = labels;
    rows[i]->protocol.set("prepared_on", labels[i]);
    rows[i]->protocol.set("asked", labels);
    rows[i]->protocol.set("asked_hash", hash(all));
    rows[i]->protocol.set("probe", protocol.probe);
    rows[i]->id = case_id(*rows[i]);
  }
}

void set_matrices(std::vector<Case>& cases, Study const& study) {
  const std::vector<std::string> over = spanning_axes(study, *study.cross_validation);
  std::map<std::string, std::vector<Case*>> matrices;
  for (Case& item : cases) matrices[matrix_of(item, over)].push_back(&item);
  for (auto const& [key, rows] : matrices) {
    if (rows.size() < 2)
      throw Error("cross_validation of study '" + study.name + "' has one problem, '" +
                  rows.front()->problem.name +
                  "' (a matrix needs two) add an axis of the problem or another [[problem]]");
    set_rows(rows, *study.cross_validation, over);
  }
}

// --- selection ----------------------------------------------------------------------------------

struct Part {
  std::size_t index, count;
};

/// "I/N", or nothing when the text is no such thing (an id has no '/').
std::optional<Part> parse_part(std::string const& text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos) return std::nullopt;
  Part part{};
  char const* const begin = text.data();
  char const* const middle = begin + slash;
  char const* const end = begin + text.size();
  auto const first = std::from_chars(begin, middle, part.index);
  auto const second = std::from_chars(middle + 1, end, part.count);
  if (first.ec != std::errc{} || first.ptr != middle || second.ec != std::errc{} ||
      second.ptr != end || part.index >= part.count)
    throw Error("--case " + text + " (a part is I/N with 0 <= I < N) give e.g. --case 0/4");
  return part;
}

std::string ranks_text(std::vector<Case> const& cases) {
  std::vector<std::int64_t> sizes;
  for (Case const& item : cases)
    if (item.ranks && std::find(sizes.begin(), sizes.end(), *item.ranks) == sizes.end())
      sizes.push_back(*item.ranks);
  std::string text;
  for (const std::int64_t size : sizes) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return text;
}

Case const& find_case(std::vector<Case> const& cases, std::string const& id) {
  std::vector<Case const*> found;
  Case const* nearest = &cases.front();
  auto const distance = [&](Case const& item) { // to the part that was written
    return edit_distance(id, std::string_view(item.id).substr(0, id.size()));
  };
  for (Case const& item : cases) {
    if (item.id == id) return item;
    if (item.id.compare(0, id.size(), id) == 0) found.push_back(&item);
    if (distance(item) < distance(*nearest)) nearest = &item;
  }
  if (found.size() == 1) return *found.front();
  if (found.empty())
    throw Error("no case '" + id + "' (the study has " + std::to_string(cases.size()) +
                ") did you mean '" + nearest->id + "'? `--dry-run` lists all");
  throw Error("case '" + id + "' is ambiguous (" + std::to_string(found.size()) +
              " ids begin so) write more of it, e.g. " + found.front()->id);
}

/// What a step works on must follow from the case, which knows of a launch by its axis alone.
void require_launch(Case const& item) {
  constexpr char const* key = "batch_per_rank";
  Parameters const& of = item.method.parameters;
  if (of.has(key) && of.flag(key) && !item.ranks)
    throw Error("method.batch_per_rank: a batch for each rank of no launch (the study has no axis "
                "`ranks`) add it, or drop batch_per_rank");
}

} // namespace

std::string to_json(Case const& item) {
  Parameters all;
  for (Parameters const* part : {&item.problem.parameters, &item.method.parameters})
    for (auto const& [key, value] : part->values()) all.set(key, value);
  all.set("problem", item.problem.name);
  all.set("method", item.method.name);
  if (item.ranks) all.set("ranks", *item.ranks);
  all.set("repeats", item.measure.repeats);
  all.set("warmup", item.measure.warmup);
  all.set("min_time", item.measure.min_time);
  all.set("ceilings", item.measure.ceilings);
  for (auto const& [metric, limit] : item.limits) {
    if (std::isfinite(limit.most)) all.set("limit." + metric, limit.most);
    if (std::isfinite(limit.least)) all.set("limit." + metric + ".least", limit.least);
  }
  for (auto const& [key, value] : item.protocol.values()) all.set(key, value);
  return to_json(all);
}

std::string case_id(Case const& item) {
  constexpr std::size_t longest_prefix = 80;
  std::string prefix = item.method.name;
  if (item.protocol.has("synthesis")) prefix = item.protocol.text("synthesis") + "-" + prefix;
  for (auto const& [key, value] : item.axes) {
    const std::string text = readable(value);
    prefix += "-" + key + (std::isdigit(static_cast<unsigned char>(text[0])) ? "" : "_") + text;
  }
  prefix.resize(std::min(prefix.size(), longest_prefix));
  return prefix + "-" + hash(to_json(item)).substr(0, 10);
}

std::vector<Case> expand(Study const& study) {
  std::vector<Case> cases;
  for (Choice const& problem : study.problems)
    for (Choice const& method : study.methods) {
      Limits limits = study.limits;
      if (auto const own = study.limits_of.find(method.name); own != study.limits_of.end())
        for (auto const& [metric, limit] : own->second) limits[metric] = limit;
      cases.push_back({"", problem, method, std::nullopt, {}, study.measure, limits});
    }
  for (Axis const& axis : study.axes) cases = along(cases, axis);
  std::set<std::string> seen;
  for (Case& item : cases) {
    require_launch(item);
    item.id = case_id(item);
    if (!seen.insert(item.id).second)
      throw Error("two cases of study '" + study.name + "' coincide (" + item.id +
                  ") remove the doubled problem, method or axis value");
  }
  if (study.cross_validation) set_matrices(cases, study);
  return cases;
}

std::vector<Case> select(std::vector<Case> const& cases, std::string const& selector, int ranks) {
  auto const fits = [ranks](Case const& item) { return !item.ranks || *item.ranks == ranks; };
  const std::optional<Part> part = parse_part(selector);
  if (!selector.empty() && !part) {
    Case const& found = find_case(cases, selector);
    if (!fits(found))
      throw Error("case '" + found.id + "' needs " + std::to_string(*found.ranks) +
                  " ranks (launched with " + std::to_string(ranks) + ") use mpirun -n " +
                  std::to_string(*found.ranks));
    return {found};
  }
  std::vector<Case> result;
  std::copy_if(cases.begin(), cases.end(), std::back_inserter(result), fits);
  if (result.empty())
    throw Error("no case of the study is for " + std::to_string(ranks) +
                " ranks (its ranks axis has " + ranks_text(cases) + ") launch one of these sizes");
  if (!part) return result;
  std::vector<Case> chosen;
  for (std::size_t i = part->index; i < result.size(); i += part->count)
    chosen.push_back(result[i]);
  return chosen;
}

} // namespace moho::study
