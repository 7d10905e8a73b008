// SPDX-License-Identifier: BSD-3-Clause
#include "moho/core/backend.hpp"
#include "moho/core/error.hpp"
#include "moho/core/kokkos.hpp"
#include <exception>
#include <string_view>
#include <utility>

namespace moho {
namespace {

bool is_kokkos_option(std::string_view argument) {
  return argument.substr(0, 9) == "--kokkos-";
}

std::string joined(std::vector<std::string> const& options) {
  std::string text;
  for (std::string const& option : options) text += " " + option;
  return text.empty() ? "" : " with" + text;
}

} // namespace

std::vector<std::string> take_kokkos_options(std::vector<char*>& arguments) {
  std::vector<std::string> options;
  std::erase_if(arguments, [&](char const* argument) {
    if (argument == nullptr || !is_kokkos_option(argument)) return false;
    options.emplace_back(argument);
    return true;
  });
  return options;
}

Backend::Backend(std::vector<std::string> options) {
  const std::string given = joined(options);
  std::string name = "moho";
  std::vector<char*> arguments{name.data()};
  for (std::string& option : options) arguments.push_back(option.data());
  int count = static_cast<int>(arguments.size());
  arguments.push_back(nullptr);
  try {
    Kokkos::initialize(count, arguments.data());
  } catch (std::exception const& error) {
    throw Error("Kokkos " + kokkos_version() + " (" + backend_name() + ") does not start" + given +
                " (" + error.what() + ") correct its options, or use a machine with its device");
  }
  if (count == 1) return; // it takes out what it knows
  const std::string unknown = arguments[1];
  Kokkos::finalize();
  throw Error("unknown option '" + unknown + "' (Kokkos " + kokkos_version() +
              " has none of that name) see its documentation of command-line arguments");
}

Backend::~Backend() {
  Kokkos::finalize();
}

} // namespace moho
