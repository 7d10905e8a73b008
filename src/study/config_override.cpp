// SPDX-License-Identifier: BSD-3-Clause
// `--set a.b=value` on a study file. No header: TOML stays inside .cpp files.
#include "moho/core/error.hpp"
#include "moho/study/parameters.hpp"
#include <algorithm>
#include <cctype>
#include <string>
#include <toml++/toml.h>

namespace moho::study {
namespace {

/// The value of an override: TOML, else the text as it is, so that a shell needs no second quotes.
void put(toml::table& table, std::string const& key, std::string const& value,
         std::string const& source) {
  toml::table parsed;
  try {
    parsed = toml::parse("value = " + value, source);
  } catch (toml::parse_error const&) {
    parsed = toml::parse("value = " + json_string(value), source);
  }
  if (parsed.size() != 1) throw Error(source + ": not one value (a line break in it)");
  parsed.get("value")->visit([&](auto& node) { table.insert_or_assign(key, std::move(node)); });
}

/// The table that `part` names inside `table`, made if it is not there.
toml::table& descend(toml::table& table, std::string const& part, std::string const& source) {
  toml::node* node = table.get(part);
  if (node == nullptr) node = &table.insert(part, toml::table{}).first->second;
  if (auto* inner = node->as_table()) return *inner;
  throw Error(source + ": '" + part + "' is not a table (" +
              (node->is_array() ? "it is a list: name one entry, " + part + ".0"
                                : std::string("it holds a value")) +
              ")");
}

} // namespace

/// Puts the value where the path says, making tables on the way; `--set method.0.modes=3` reaches
/// into a list. Throws moho::Error naming the override.
void apply_override(toml::table& root, std::string const& text);

void apply_override(toml::table& root, std::string const& text) {
  const std::string source = "--set " + text;
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    throw Error(source + " (no value) write --set a.b=value");
  std::string path = text.substr(0, equals);
  toml::table* table = &root;
  for (std::size_t dot = path.find('.'); dot != std::string::npos; dot = path.find('.')) {
    const std::string part = path.substr(0, dot);
    path.erase(0, dot + 1);
    toml::array* const list = table->get_as<toml::array>(part);
    const std::string index = path.substr(0, path.find('.'));
    bool const numbered =
        !index.empty() && index.size() < 4 &&
        std::all_of(index.begin(), index.end(), [](unsigned char c) { return std::isdigit(c); });
    if (list == nullptr || !numbered) {
      table = &descend(*table, part, source);
      continue;
    }
    const std::size_t i = std::stoul(index);
    if (i >= list->size() || !list->get(i)->is_table())
      throw Error(source + ": no entry " + index + " (" + part + " has " +
                  std::to_string(list->size()) + ")");
    table = list->get(i)->as_table();
    path.erase(0, std::min(path.size(), index.size() + 1));
  }
  if (path.empty()) throw Error(source + " (no key) write --set a.b=value");
  put(*table, path, text.substr(equals + 1), source);
}

} // namespace moho::study
