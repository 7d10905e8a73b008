// SPDX-License-Identifier: BSD-3-Clause
// Kokkos from its start to its end.
#pragma once
#include <string>
#include <vector>

namespace moho {

/// The options of Kokkos (--kokkos-*) among `arguments` (argv), taken out of them.
std::vector<std::string> take_kokkos_options(std::vector<char*>& arguments);

/// Kokkos runs while this lives. It is shown its own options alone: it would answer --help on every
/// rank.
class Backend {
public:
  /// Throws moho::Error: an option that Kokkos does not know, a value that is none, no device.
  explicit Backend(std::vector<std::string> options);
  Backend(Backend const&) = delete;
  Backend& operator=(Backend const&) = delete;
  ~Backend();
};

} // namespace moho
