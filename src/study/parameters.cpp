// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/parameters.hpp"
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <type_traits>

namespace moho::study {
namespace {

template <class T>
inline constexpr bool is_list = false;
template <class T>
inline constexpr bool is_list<std::vector<T>> = true;

std::string scalar_json(bool value) {
  return value ? "true" : "false";
}
std::string scalar_json(std::int64_t value) {
  return std::to_string(value);
}
std::string scalar_json(std::string const& value) {
  return json_string(value);
}

std::string scalar_json(double value) {
  if (!std::isfinite(value)) return "null";
  char text[32];
  auto const end = std::to_chars(text, text + sizeof text, value);
  std::string result(text, end.ptr);
  // "1" would read back as an integer.
  if (result.find_first_of(".e") == std::string::npos) result += ".0";
  return result;
}

/// Whole numbers that a double holds exactly.
bool exact(std::int64_t value) {
  return std::abs(value) <= (std::int64_t{1} << 53);
}

bool adapt_scalar(Value& value, Value const& like) {
  auto const* integer = std::get_if<std::int64_t>(&value);
  if (integer == nullptr || !std::holds_alternative<double>(like) || !exact(*integer)) return false;
  value = static_cast<double>(*integer);
  return true;
}

template <class T>
bool adapt_list(Value& value) {
  if (auto const* one = std::get_if<T>(&value)) {
    value = std::vector<T>{*one};
    return true;
  }
  if constexpr (std::is_same_v<T, double>) {
    if (auto const* integer = std::get_if<std::int64_t>(&value); integer && exact(*integer)) {
      value = std::vector<double>{static_cast<double>(*integer)};
      return true;
    }
    if (auto const* list = std::get_if<std::vector<std::int64_t>>(&value);
        list && std::all_of(list->begin(), list->end(), exact)) {
      value = std::vector<double>(list->begin(), list->end());
      return true;
    }
  }
  // An empty list has no type of its own.
  return std::visit(
      [&](auto const& v) {
        if constexpr (is_list<std::decay_t<decltype(v)>>) {
          if (!v.empty()) return false;
          value = std::vector<T>{};
          return true;
        }
        return false;
      },
      Value(value));
}

std::string problem_with_number(double number, std::string const& text, ParameterSpec const& spec) {
  if (std::isfinite(number) && number >= spec.least && number <= spec.most) return "";
  if (!std::isfinite(number)) return text + " (not a finite number)";
  if (number < spec.least) return text + " (at least " + scalar_json(spec.least) + " is needed)";
  return text + " (at most " + scalar_json(spec.most) + " is allowed)";
}

std::string problem_with_text(std::string const& text, ParameterSpec const& spec) {
  if (spec.choices.empty()) return "";
  if (std::find(spec.choices.begin(), spec.choices.end(), text) != spec.choices.end()) return "";
  std::string known;
  for (std::string const& choice : spec.choices)
    known.append(known.empty() ? "" : ", ").append(choice);
  return json_string(text) + " (not one of " + known + ")";
}

template <class T>
std::string problem_with_scalar(T const& value, ParameterSpec const& spec) {
  if constexpr (std::is_same_v<T, std::string>)
    return problem_with_text(value, spec);
  else if constexpr (std::is_same_v<T, bool>)
    return "";
  else
    return problem_with_number(static_cast<double>(value), scalar_json(value), spec);
}

} // namespace

std::string json_string(std::string const& text) {
  std::string result = "\"";
  for (char const c : text) {
    if (c == '"' || c == '\\')
      result += {'\\', c};
    else if (static_cast<unsigned char>(c) < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
      result += escaped;
    } else
      result += c;
  }
  return result + "\"";
}

std::string type_name(Value const& value) {
  static char const* const names[] = {"true or false",    "an integer",         "a number",
                                      "a string",         "a list of integers", "a list of numbers",
                                      "a list of strings"};
  return names[value.index()];
}

std::string to_json(Value const& value) {
  return std::visit(
      [](auto const& v) -> std::string {
        if constexpr (is_list<std::decay_t<decltype(v)>>) {
          std::string text = "[";
          for (std::size_t i = 0; i < v.size(); ++i)
            text.append(i == 0 ? "" : ",").append(scalar_json(v[i]));
          return text + "]";
        } else
          return scalar_json(v);
      },
      value);
}

bool adapt(Value& value, Value const& like) {
  if (value.index() == like.index()) return true;
  if (std::holds_alternative<std::vector<std::string>>(like)) return adapt_list<std::string>(value);
  if (std::holds_alternative<std::vector<std::int64_t>>(like))
    return adapt_list<std::int64_t>(value);
  if (std::holds_alternative<std::vector<double>>(like)) return adapt_list<double>(value);
  return adapt_scalar(value, like);
}

std::string problem_with(Value const& value, ParameterSpec const& spec) {
  return std::visit(
      [&](auto const& v) -> std::string {
        if constexpr (is_list<std::decay_t<decltype(v)>>) {
          for (auto const& entry : v)
            if (std::string text = problem_with_scalar(entry, spec); !text.empty()) return text;
          return "";
        } else
          return problem_with_scalar(v, spec);
      },
      value);
}

Value const& Parameters::at(std::string const& key) const {
  auto const found = _values.find(key);
  if (found == _values.end()) throw std::logic_error("defect in moho: no parameter '" + key + "'");
  return found->second;
}

template <class T>
T const& Parameters::get(std::string const& key) const {
  if (auto const* value = std::get_if<T>(&at(key))) return *value;
  throw std::logic_error("defect in moho: parameter '" + key + "' is " + type_name(at(key)));
}

std::int64_t Parameters::integer(std::string const& key) const {
  return get<std::int64_t>(key);
}
double Parameters::real(std::string const& key) const {
  return get<double>(key);
}
bool Parameters::flag(std::string const& key) const {
  return get<bool>(key);
}
std::string const& Parameters::text(std::string const& key) const {
  return get<std::string>(key);
}
std::vector<std::string> const& Parameters::texts(std::string const& key) const {
  return get<std::vector<std::string>>(key);
}
std::vector<std::int64_t> const& Parameters::integers(std::string const& key) const {
  return get<std::vector<std::int64_t>>(key);
}
std::vector<double> const& Parameters::reals(std::string const& key) const {
  return get<std::vector<double>>(key);
}

std::string to_json(Parameters const& parameters) {
  std::string text = "{";
  for (auto const& [key, value] : parameters.values())
    text.append(text.size() == 1 ? "" : ",")
        .append(json_string(key))
        .append(":")
        .append(to_json(value));
  return text + "}";
}

} // namespace moho::study
