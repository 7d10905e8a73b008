// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/config.hpp"
#include "moho/core/error.hpp"
#include "moho/study/atomic_file.hpp"
#include "moho/study/names.hpp"
#include "moho/study/registry.hpp"
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>
#include <toml++/toml.h>

namespace moho::study {

void apply_override(toml::table& root, std::string const& text); // config_override.cpp

namespace {

using Names = std::vector<std::string>;

/// "file:line: " of a node, or "--set a.b=v: " of one that an override put there.
std::string where(toml::source_region const& source, std::string const& file) {
  const std::string name = source.path ? *source.path : file;
  if (name.rfind("--set", 0) == 0 || source.begin.line == 0) return name + ": ";
  return name + ":" + std::to_string(source.begin.line) + ": ";
}

/// A table with its name, for messages.
struct Section {
  toml::table const& table;
  std::string path; ///< "problem", "" for the whole file
  std::string file;

  std::string full(std::string_view key) const {
    return path.empty() ? std::string(key) : path + "." + std::string(key);
  }
  [[noreturn]] void fail(std::string_view key, std::string const& what) const {
    toml::node const* node = table.get(key);
    throw Error(where(node != nullptr ? node->source() : table.source(), file) + full(key) + what);
  }
  void allow(Names const& known) const {
    for (auto const& [key, node] : table)
      if (std::find(known.begin(), known.end(), key.str()) == known.end())
        throw Error(where(node.source(), file) + "unknown key '" + full(key.str()) + "' (" +
                    suggestion(key.str(), known) + ")");
  }
};

Value text_list(toml::array const& array) {
  std::vector<std::string> list;
  for (auto const& entry : array) list.push_back(**entry.as_string());
  return list;
}

/// A list whose entries have one type; integers beside numbers become numbers.
std::optional<Value> list_value(toml::array const& array) {
  if (array.empty()) return Value(std::vector<std::string>{});
  if (array.is_homogeneous<std::string>()) return text_list(array);
  std::vector<std::int64_t> integers;
  std::vector<double> numbers;
  for (auto const& entry : array) {
    if (!entry.is_number()) return std::nullopt;
    if (entry.is_integer()) integers.push_back(**entry.as_integer());
    numbers.push_back(*entry.value<double>());
  }
  if (integers.size() == array.size()) return Value(integers);
  return Value(numbers);
}

std::optional<Value> to_value(toml::node const& node) {
  if (auto const* v = node.as_boolean()) return Value(**v);
  if (auto const* v = node.as_integer()) return Value(std::int64_t{**v});
  if (auto const* v = node.as_floating_point()) return Value(double{**v});
  if (auto const* v = node.as_string()) return Value(std::string(**v));
  if (auto const* v = node.as_array()) return list_value(*v);
  return std::nullopt;
}

/// One entry of `section`, brought to the type of its declaration and checked.
Value checked(Section const& section, std::string const& key, toml::node const& node,
              ParameterSpec const& spec) {
  std::optional<Value> value = to_value(node);
  if (!value) section.fail(key, " is not " + type_name(spec.fallback) + " (" + spec.help + ")");
  if (!adapt(*value, spec.fallback))
    section.fail(key, " = " + to_json(*value) + " is " + type_name(*value) + " (" +
                          type_name(spec.fallback) + " is needed: " + spec.help + ")");
  if (const std::string problem = problem_with(*value, spec); !problem.empty())
    section.fail(key, " = " + problem + " (" + spec.help + ")");
  return *value;
}

/// The declared parameters of a section, defaults filled in.
Parameters read_parameters(Section const& section, std::span<const ParameterSpec> specs,
                           Names extra = {}) {
  for (ParameterSpec const& spec : specs) extra.push_back(spec.key);
  section.allow(extra);
  Parameters result = defaults(specs);
  for (ParameterSpec const& spec : specs)
    if (toml::node const* node = section.table.get(spec.key))
      result.set(spec.key, checked(section, spec.key, *node, spec));
  return result;
}

template <class Find>
Choice read_choice(Section const& section, Find const& find) {
  toml::node const* name = section.table.get("name");
  if (name == nullptr || !name->is_string())
    section.fail("name",
                 name == nullptr ? " is missing (which one?) see `moho list`" : " is not a string");
  auto const* entry = [&] {
    try {
      return &find(**name->as_string());
    } catch (Error const& error) {
      throw Error(where(name->source(), section.file) + section.full("name") + ": " + error.what());
    }
  }();
  return {entry->name, read_parameters(section, entry->parameters, {"name"})};
}

/// [problem] or several [[problem]]; likewise for methods.
template <class Find>
std::vector<Choice> read_choices(Section const& root, std::string const& key, Find const& find) {
  toml::node const* node = root.table.get(key);
  if (node == nullptr)
    root.fail(key, " is missing (a study needs one) add [" + key + "] name = ...");
  if (auto const* table = node->as_table()) return {read_choice({*table, key, root.file}, find)};
  auto const* array = node->as_array();
  if (array == nullptr || array->empty() || !array->is_array_of_tables())
    root.fail(key, " is not a table (write [" + key + "], or [[" + key + "]] for several)");
  std::vector<Choice> choices;
  for (std::size_t i = 0; i < array->size(); ++i)
    choices.push_back(
        read_choice({*array->get(i)->as_table(), key + "." + std::to_string(i), root.file}, find));
  return choices;
}

toml::table const* subtable(Section const& root, std::string const& key) {
  toml::node const* node = root.table.get(key);
  if (node == nullptr) return nullptr;
  if (!node->is_table()) root.fail(key, " is not a table (write [" + key + "])");
  return node->as_table();
}

// --- axes ---------------------------------------------------------------------------------------

struct Target {
  AxisTarget target;
  ParameterSpec spec;
};

ParameterSpec const& ranks_spec() {
  static const ParameterSpec spec{"ranks", std::int64_t{1}, "number of MPI ranks of the launch", 1};
  return spec;
}

/// Everything an axis of this study may run along.
std::vector<Target> targets(Study const& study) {
  std::vector<Target> result{{AxisTarget::ranks, ranks_spec()}};
  auto const add = [&](AxisTarget target, std::span<const ParameterSpec> specs) {
    for (ParameterSpec const& spec : specs) {
      const bool known = std::any_of(result.begin(), result.end(), [&](Target const& t) {
        return t.target == target && t.spec.key == spec.key;
      });
      if (!known) result.push_back({target, spec});
    }
  };
  for (Choice const& choice : study.problems)
    add(AxisTarget::problem, find_problem(choice.name).parameters);
  for (Choice const& choice : study.methods)
    add(AxisTarget::method, find_method(choice.name).parameters);
  return result;
}

Target const& find_target(Section const& axes, std::string const& key,
                          std::vector<Target> const& all) {
  Names known;
  for (Target const& target : all) {
    if (target.spec.key == key) return target;
    known.push_back(target.spec.key);
  }
  toml::node const* node = axes.table.get(key);
  throw Error(where(node->source(), axes.file) + "unknown axis '" + axes.full(key) + "' (" +
              suggestion(key, known) + ")");
}

/// { from = 0, to = 99 } and, if wanted, step = 10: whole numbers, both ends included.
Axis read_range(Section const& axes, std::string const& key, toml::table const& table,
                Target const& target) {
  constexpr std::int64_t most = 1000000;
  static const std::vector<ParameterSpec> specs{
      {"from", std::int64_t{0}, "first value of the axis"},
      {"to", std::int64_t{0}, "last value of the axis"},
      {"step", std::int64_t{1}, "distance of its values", 1}};
  if (!std::holds_alternative<std::int64_t>(target.spec.fallback))
    axes.fail(key, " is a range (a range is of integers, " + key + " is " +
                       type_name(target.spec.fallback) + ") write a list of values");
  const Section range{table, axes.full(key), axes.file};
  const Parameters values = read_parameters(range, specs);
  if (table.get("to") == nullptr) axes.fail(key, " has no end (a range has one) add to = ...");
  const std::int64_t from = values.integer("from"), to = values.integer("to"),
                     step = values.integer("step");
  if (from > to) axes.fail(key, " is empty (it ends before it begins) swap from and to");
  if (static_cast<double>(to) - static_cast<double>(from) >=
      static_cast<double>(most) * static_cast<double>(step))
    axes.fail(key, " is too long (more than " + std::to_string(most) + " values) take fewer");
  Axis axis{key, target.target, {}};
  for (std::int64_t i = 0; i <= (to - from) / step; ++i) {
    axis.values.emplace_back(from + i * step);
    if (const std::string problem = problem_with(axis.values.back(), target.spec); !problem.empty())
      axes.fail(key, " has " + problem + " (" + target.spec.help + ")");
  }
  return axis;
}

Axis read_axis(Section const& axes, std::string const& key, toml::node const& node,
               Target const& target) {
  if (auto const* table = node.as_table()) return read_range(axes, key, *table, target);
  auto const* array = node.as_array();
  if (array == nullptr) axes.fail(key, " is not a list (an axis is a list of values)");
  if (array->empty()) axes.fail(key, " is empty (an axis needs at least one value)");
  Axis axis{key, target.target, {}};
  for (auto const& entry : *array) axis.values.push_back(checked(axes, key, entry, target.spec));
  return axis;
}

std::vector<Axis> read_axes(Section const& root, Study const& study) {
  toml::table const* table = subtable(root, "axes");
  if (table == nullptr) return {};
  const Section axes{*table, "axes", root.file};
  const std::vector<Target> all = targets(study);
  std::vector<Axis> result;
  for (auto const& [name, node] : *table) {
    const std::string key(name.str());
    result.push_back(read_axis(axes, key, node, find_target(axes, key, all)));
  }
  return result; // toml++ keeps a table in key order
}

/// An axis would silently hide a value set elsewhere.
void refuse_hidden(Section const& root, Study const& study) {
  for (Axis const& axis : study.axes)
    for (std::string const section : {"problem", "method"}) {
      toml::node const* node = root.table.get(section);
      auto const check = [&](toml::table const* table) {
        if (table == nullptr || table->get(axis.key) == nullptr) return;
        throw Error(where(table->get(axis.key)->source(), root.file) + section + "." + axis.key +
                    " is also an axis (the axis would hide it) keep one, or --set axes." +
                    axis.key + "=[...]");
      };
      if (node == nullptr) continue;
      check(node->as_table());
      if (auto const* array = node->as_array())
        for (auto const& entry : *array) check(entry.as_table());
    }
}

// --- the other sections -------------------------------------------------------------------------

void read_heading(Section const& root, Study& study) {
  static const std::vector<ParameterSpec> specs{
      {"name", std::string(), "name of the study and of its folder"},
      {"title", std::string(), "one line for the report"}};
  study.name = std::filesystem::path(root.file).stem().string();
  toml::table const* table = subtable(root, "study");
  if (table == nullptr)
    root.fail("study", " is missing (a study has a name) add [study] name = ...");
  const Section section{*table, "study", root.file};
  const Parameters values = read_parameters(section, specs);
  study.name = values.text("name");
  study.title = values.text("title");
  bool const plain = std::all_of(study.name.begin(), study.name.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '_' || c == '.';
  });
  if (study.name.empty() || !plain || study.name[0] == '.')
    section.fail("name", " = " + json_string(study.name) +
                             " (it names a folder: letters, digits, - _ . are allowed)");
}

void read_measure(Section const& root, Study& study) {
  static const std::vector<ParameterSpec> specs{
      {"repeats", std::int64_t{5}, "timed calls at least", 1, 1e6},
      {"warmup", std::int64_t{1}, "untimed calls before", 0, 1e6},
      {"min_time", 0.0, "timed seconds at least", 0, 1e6},
      {"ceilings", false, "measure the machine's own rates before and after"},
      {"ranks_per_case", std::int64_t{0},
       "ranks of a group that works on a case beside other groups; 0: all ranks on each case", 0,
       1e6},
      {"fields", false, "write the fields that methods found beside the records, for viewers"}};
  toml::table const* table = subtable(root, "measure");
  if (table == nullptr) return;
  const Section section{*table, "measure", root.file};
  const Parameters values = read_parameters(section, specs);
  study.measure = {values.integer("repeats"), values.integer("warmup"), values.real("min_time"),
                   values.flag("ceilings")};
  study.ranks_per_case = values.integer("ranks_per_case");
  study.fields = values.flag("fields");
  bool const sized = std::any_of(study.axes.begin(), study.axes.end(),
                                 [](Axis const& axis) { return axis.target == AxisTarget::ranks; });
  if (sized && study.ranks_per_case > 0)
    section.fail("ranks_per_case", " stands beside the axis `ranks` (such cases need the whole "
                                   "launch) remove one of them");
}

/// [petsc] option = value: the parameter `petsc` of each method that has it. A true flag is written
/// alone, a false one is left out.
void read_petsc(Section const& root, Study& study) {
  toml::table const* table = subtable(root, "petsc");
  if (table == nullptr) return;
  const Section section{*table, "petsc", root.file};
  Names options;
  for (auto const& [name, node] : *table) {
    const std::string key(name.str());
    const std::optional<Value> value = to_value(node);
    bool const plain =
        !key.empty() && key[0] != '-' && std::all_of(key.begin(), key.end(), [](unsigned char c) {
          return std::isalnum(c) || c == '_' || c == '-';
        });
    if (!plain)
      section.fail(key, " is no option (its name has letters, digits, _ and -) write it "
                        "without the leading dash: ksp_type = \"cg\"");
    auto const* text = value ? std::get_if<std::string>(&*value) : nullptr;
    auto const* flag = value ? std::get_if<bool>(&*value) : nullptr;
    bool const number = value && (std::holds_alternative<std::int64_t>(*value) ||
                                  std::holds_alternative<double>(*value));
    if (!text && !flag && !number)
      section.fail(key, " is neither text, number nor flag (an option has one value)");
    if (flag && !*flag) continue;
    options.push_back(key + (flag ? "" : "=" + (text ? *text : to_json(*value))));
  }
  bool used = false;
  for (Choice& method : study.methods)
    if (method.parameters.has("petsc")) {
      if (!method.parameters.texts("petsc").empty())
        root.fail("petsc", " stands beside method.petsc (one would hide the other) keep one");
      method.parameters.set("petsc", options);
      used = true;
    }
  if (!used)
    root.fail("petsc", " has nobody to go to (no method of the study solves with PETSc) remove it");
  for (Axis const& axis : study.axes)
    if (axis.key == "petsc")
      root.fail("petsc", " is also an axis (the axis would hide it) keep one");
}

/// Every metric that a record of the study may have.
Names metrics_of(Study const& study) {
  Names all;
  auto const add = [&all](Names const& names) {
    all.insert(all.end(), names.begin(), names.end());
  };
  for (Choice const& choice : study.problems) add(find_problem(choice.name).metrics);
  for (Choice const& choice : study.methods) add(find_method(choice.name).metrics);
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

/// One entry of a table of limits: metric = largest valid value, or { least = .., most = .. }.
Limit read_limit(Section const& section, std::string const& key, toml::node const& node) {
  static const std::vector<ParameterSpec> specs{{"least", 0.0, "smallest valid value"},
                                                {"most", 0.0, "largest valid value"}};
  Limit limit;
  auto const* range = node.as_table();
  if (!range) {
    limit.most = std::get<double>(
        checked(section, key, node, {key, 0.0, "largest valid value of this metric"}));
    return limit;
  }
  const Parameters values = read_parameters({*range, section.full(key), section.file}, specs);
  if (range->empty()) section.fail(key, " has no bound (it limits nothing) give least or most");
  if (range->contains("least")) limit.least = values.real("least");
  if (range->contains("most")) limit.most = values.real("most");
  if (limit.least > limit.most)
    section.fail(key, " can never hold (its least is above its most) swap them");
  return limit;
}

Limits limits_in(Section const& section, Names const& metrics) {
  section.allow(metrics);
  Limits limits;
  for (auto const& [name, node] : section.table)
    limits[std::string(name.str())] = read_limit(section, std::string(name.str()), node);
  return limits;
}

Limits read_limits(Section const& parent, Names const& metrics) {
  toml::table const* table = subtable(parent, "limits");
  return table ? limits_in({*table, parent.full("limits"), parent.file}, metrics) : Limits{};
}

/// [limits] of all cases of a study, and [limits.fno] of those of a method.
void read_study_limits(Section const& root, Study& study) {
  toml::table const* table = subtable(root, "limits");
  if (table == nullptr) return;
  const Section section{*table, root.full("limits"), root.file};
  const Names metrics = metrics_of(study);
  Names known = metrics;
  for (Choice const& method : study.methods) known.push_back(method.name);
  section.allow(known);
  for (auto const& [name, node] : *table) {
    const std::string key(name.str());
    if (std::find(metrics.begin(), metrics.end(), key) != metrics.end())
      study.limits[key] = read_limit(section, key, node);
    else if (auto const* own = node.as_table())
      study.limits_of[key] = limits_in({*own, section.full(key), section.file}, metrics);
    else
      section.fail(key, " is a method (its limits are a table) write [limits." + key + "]");
  }
}

// --- protocols ----------------------------------------------------------------------------------

void refuse_unknown(Section const& section, std::string const& key, std::string const& kind,
                    std::string const& value, Names const& known) {
  if (std::find(known.begin(), known.end(), value) == known.end())
    section.fail(key, ": unknown " + kind + " '" + value + "' (" + suggestion(value, known) + ")");
}

Names axis_keys(Study const& study) {
  Names keys;
  for (Axis const& axis : study.axes) keys.push_back(axis.key);
  return keys;
}

/// A fit needs numbers that differ.
void refuse_flat(Section const& section, Study const& study, std::string const& key) {
  auto const axis = std::find_if(study.axes.begin(), study.axes.end(),
                                 [&](Axis const& each) { return each.key == key; });
  bool const numbers = std::all_of(axis->values.begin(), axis->values.end(), [](Value const& v) {
    return std::holds_alternative<std::int64_t>(v) || std::holds_alternative<double>(v);
  });
  if (!numbers)
    section.fail("axis", " = " + json_string(key) +
                             " (its values are no numbers: no rate runs along it) choose another");
  for (Value const& value : axis->values)
    if (auto const* whole = std::get_if<std::int64_t>(&value);
        whole ? *whole <= 0 : !(std::get<double>(value) > 0))
      section.fail("axis", " = " + json_string(key) + " (its value " + to_json(value) +
                               " is not positive, and a rate is fitted to logarithms) leave the "
                               "value out of axes." +
                               key);
  if (axis->values.size() < 2)
    section.fail("axis", " = " + json_string(key) +
                             " (it has one value, and a rate needs several) add values to axes." +
                             key);
}

/// expected = 2, or the name of a parameter that has a number: expected = "order", "degree+1".
void read_expected(Section const& section, Study const& study, ConvergenceProtocol& protocol) {
  toml::node const* node = section.table.get("expected");
  if (node == nullptr) return;
  if (!node->is_string()) {
    static const ParameterSpec spec{"expected", 0.0, "rate that theory promises"};
    protocol.expected = std::get<double>(checked(section, "expected", *node, spec));
    return;
  }
  protocol.expected_of = **node->as_string();
  if (const std::size_t plus = protocol.expected_of.find('+'); plus != std::string::npos) {
    const std::string more = protocol.expected_of.substr(plus + 1);
    bool const digits =
        !more.empty() && more.size() < 4 &&
        std::all_of(more.begin(), more.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
    if (!digits)
      section.fail("expected", " = " + json_string(protocol.expected_of) +
                                   " (a whole number follows the +) write e.g. \"degree+1\"");
    protocol.expected_plus = std::stol(more);
    protocol.expected_of.resize(plus);
  }
  Names known;
  for (Target const& target : targets(study)) {
    Value const& value = target.spec.fallback;
    bool const number =
        std::holds_alternative<std::int64_t>(value) || std::holds_alternative<double>(value);
    if (number && target.target != AxisTarget::ranks) known.push_back(target.spec.key);
  }
  std::erase(known, protocol.axis); // it is what varies
  refuse_unknown(section, "expected", "parameter", protocol.expected_of, known);
}

ConvergenceProtocol read_convergence(Section const& section, Study const& study) {
  static const std::vector<ParameterSpec> specs{
      {"axis", std::string(), "axis along which the error is fitted"},
      {"error", std::string(), "metric that is fitted"},
      {"refine", std::string("up"), "up: larger is finer; down: smaller is", 0, 0, {"up", "down"}},
      {"tolerance", 0.05, "largest deviation from it", 0},
      {"floor", 0.0, "errors at or below are round-off", 0},
      {"pool", std::vector<std::string>{}, "axes whose cases are replicates"}};
  const Parameters values = read_parameters(section, specs, {"limits", "expected"});
  ConvergenceProtocol result;
  for (std::string const key : {"axis", "error"})
    if (!section.table.contains(key)) section.fail(key, " is missing (a fit needs it) name one");
  result.axis = values.text("axis");
  result.error = values.text("error");
  refuse_unknown(section, "axis", "axis", result.axis, axis_keys(study));
  refuse_flat(section, study, result.axis);
  refuse_unknown(section, "error", "metric", result.error, metrics_of(study));
  result.refine = values.text("refine") == "up" ? Refine::up : Refine::down;
  read_expected(section, study, result);
  result.tolerance = values.real("tolerance");
  result.floor = values.real("floor");
  result.pool = values.texts("pool");
  Names others = axis_keys(study);
  std::erase(others, result.axis);
  for (std::string const& key : result.pool) refuse_unknown(section, "pool", "axis", key, others);
  result.limits = read_limits(section, ConvergenceProtocol::metrics());
  return result;
}

/// [convergence], or [[convergence]] for several.
void read_convergences(Section const& root, Study& study) {
  toml::node const* node = root.table.get("convergence");
  if (node == nullptr) return;
  if (auto const* table = node->as_table()) {
    study.convergence.push_back(read_convergence({*table, "convergence", root.file}, study));
    return;
  }
  auto const* array = node->as_array();
  if (array == nullptr || array->empty() || !array->is_array_of_tables())
    root.fail("convergence", " is not a table (write [convergence], or [[convergence]])");
  for (std::size_t i = 0; i < array->size(); ++i)
    study.convergence.push_back(read_convergence(
        {*array->get(i)->as_table(), "convergence." + std::to_string(i), root.file}, study));
}

void read_cross_validation(Section const& root, Study& study) {
  toml::table const* table = subtable(root, "cross_validation");
  if (table == nullptr) return;
  static const std::vector<ParameterSpec> specs{
      {"over", std::vector<std::string>{}, "problem axes that span the matrix; empty: all"},
      {"error", std::string("rel_mse"), "metric that is judged"},
      {"tau", 1e-16, "a smaller error counts as exact", 0},
      {"probe", false, "ask for the response to unit inputs as well"}};
  const Section section{*table, "cross_validation", root.file};
  const Parameters values = read_parameters(section, specs, {"limits"});
  CrossValidationProtocol result;
  result.over = values.texts("over");
  Names known;
  for (Axis const& axis : study.axes)
    if (axis.target == AxisTarget::problem) known.push_back(axis.key);
  for (std::string const& key : result.over) {
    refuse_unknown(section, "over", "axis", key, known);
    std::erase(known, key); // once
  }
  result.error = values.text("error");
  refuse_unknown(section, "error", "metric", result.error, metrics_of(study));
  result.tau = values.real("tau");
  result.probe = values.flag("probe");
  result.limits = read_limits(section, CrossValidationProtocol::metrics());
  study.cross_validation = std::move(result);
}

void refuse_mismatch(Section const& root, Study const& study) {
  for (Choice const& problem : study.problems)
    for (Choice const& method : study.methods) {
      const std::string asked = find_problem(problem.name).task;
      const std::string given = find_method(method.name).task;
      if (asked != given)
        root.fail("method", ": '" + method.name + "' does not answer '" + problem.name +
                                "' (it gives " + given + ", asked are " + asked +
                                ") see `moho list`");
    }
}

} // namespace

Study parse_study(std::string const& text, std::string const& source,
                  std::span<const std::string> overrides) {
  toml::table table;
  try {
    table = toml::parse(text, source);
  } catch (toml::parse_error const& error) {
    throw Error(where(error.source(), source) + "not valid TOML (" +
                std::string(error.description()) + ")");
  }
  for (std::string const& override : overrides) apply_override(table, override);
  const Section root{table, "", source};
  root.allow({"study", "problem", "method", "axes", "measure", "limits", "petsc", "convergence",
              "cross_validation"});
  Study study;
  read_heading(root, study);
  study.problems = read_choices(root, "problem", find_problem);
  study.methods = read_choices(root, "method", find_method);
  refuse_mismatch(root, study);
  study.axes = read_axes(root, study);
  refuse_hidden(root, study);
  read_petsc(root, study);
  read_measure(root, study);
  read_study_limits(root, study);
  read_convergences(root, study);
  read_cross_validation(root, study);
  return study;
}

Study read_study(std::string const& path, std::span<const std::string> overrides) {
  return parse_study(read_file(path), path, overrides);
}

} // namespace moho::study
