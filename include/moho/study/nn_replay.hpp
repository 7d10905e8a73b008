// SPDX-License-Identifier: BSD-3-Clause
// Replay: what a recorded trajectory of a network holds (reference/physics/nn/README.md) is
// computed again in double precision and compared.
#pragma once
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace moho::study {

/// The kinds of datasets there are, each with the largest relative error it may have:
/// max|a - b| / max|b| over a dataset b, absolute where max|b| < 1e-12.
std::map<std::string, double> const& replay_limits();

/// Of the two ways to differentiate a physics loss: jets against nested reverse mode.
inline constexpr double replay_routes_limit = 1e-11;

struct ReplayOptions {
  std::map<std::string, double> limits = replay_limits();
  /// Where the same layout is written, computed again; without: nowhere.
  std::optional<std::string> output{};
};

/// One dataset that is no input.
struct ReplayedDataset {
  std::string name;     ///< "/grad/layer0.bias"
  std::string quantity; ///< of replay_limits(); "" for a dataset nobody knows
  double error = 0, limit = 0;
  std::string problem{}; ///< why it was not compared, or ""
  bool compared() const { return problem.empty(); }
  bool passed() const { return compared() && error <= limit; } ///< false for a NaN
};

struct ReplayReport {
  std::string model;
  std::size_t parameters = 0;
  std::vector<ReplayedDataset> datasets; ///< by name
  /// Largest relative difference of the two ways, for models with a physics loss.
  std::optional<double> routes{};
  std::size_t compared() const;
  bool passed() const;
};

/// Reads, computes and compares. Throws moho::Error that names file and dataset when the file is
/// not such a recording: not HDF5, an unknown model, a parameter that is missing, has another shape
/// or is not finite. Call it on one rank.
ReplayReport replay(std::string const& path, ReplayOptions const& options = {});

} // namespace moho::study
