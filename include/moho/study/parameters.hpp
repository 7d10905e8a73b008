// SPDX-License-Identifier: BSD-3-Clause
// Typed parameters of problems and methods: declared with their defaults, so that a study file can
// be checked against them.
#pragma once
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace moho::study {

/// A value of a study file. Numbers of a list share one type.
using Value = std::variant<bool, std::int64_t, double, std::string, std::vector<std::int64_t>,
                           std::vector<double>, std::vector<std::string>>;

/// "an integer", "a list of strings", ...
std::string type_name(Value const& value);

/// The value as JSON: numbers in the shortest form that reads back the same.
std::string to_json(Value const& value);

/// Turns `value` into the type of `like` where nothing is lost: an integer into a number, a single
/// value into a list of one. False if it cannot.
bool adapt(Value& value, Value const& like);

/// One declared parameter. Its type is that of its default.
struct ParameterSpec {
  std::string key;
  Value fallback;
  std::string help;                                        ///< one line, with the unit
  double least = -std::numeric_limits<double>::infinity(); ///< of a number, or of each of a list
  double most = std::numeric_limits<double>::infinity();
  std::vector<std::string> choices{}; ///< of a string, or of each of a list; empty: any
};

/// What is wrong with a value: "-3 (at least 1 is needed)"; "" if it fits. `value` has the type of
/// the default already.
std::string problem_with(Value const& value, ParameterSpec const& spec);

/// Parameters by key, in key order: two that were written in another order are equal.
class Parameters {
public:
  void set(std::string const& key, Value value) { _values[key] = std::move(value); }
  bool has(std::string const& key) const { return _values.count(key) != 0; }
  /// Throw std::logic_error when the key is absent or of another type: a defect of the caller, as
  /// the study file was checked before.
  Value const& at(std::string const& key) const;
  std::int64_t integer(std::string const& key) const;
  double real(std::string const& key) const;
  bool flag(std::string const& key) const;
  std::string const& text(std::string const& key) const;
  std::vector<std::string> const& texts(std::string const& key) const;
  std::vector<std::int64_t> const& integers(std::string const& key) const;
  std::vector<double> const& reals(std::string const& key) const;

  std::map<std::string, Value> const& values() const { return _values; }
  bool operator==(Parameters const&) const = default;

private:
  template <class T>
  T const& get(std::string const& key) const;
  std::map<std::string, Value> _values;
};

/// {"key":value,...} in key order, on one line.
std::string to_json(Parameters const& parameters);

/// A string as a JSON string, quoted and escaped.
std::string json_string(std::string const& text);

} // namespace moho::study
