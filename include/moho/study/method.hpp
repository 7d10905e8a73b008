// SPDX-License-Identifier: BSD-3-Clause
// Method: who answers. A numerical solver at a tolerance, or a surrogate: both are the same type.
#pragma once
#include "moho/study/problem.hpp"
#include <cstdint>
#include <optional>
#include <vector>

namespace moho::study {

/// What setup or training left for the record; its time is taken by the caller.
struct Preparation {
  std::vector<Counter> counters; ///< iterations, parameters, samples
  std::vector<Dataset> data{};   ///< loss history
  std::vector<Metric> metrics{}; ///< training error, condition number
  std::vector<Check> checks{};   ///< what must hold of the preparation: that it did not diverge
};

/// What one `apply` must spend, summed over all ranks; the same on any number of ranks.
struct Cost {
  std::optional<std::int64_t> flops, bytes, messages;
  std::vector<Counter> counters; ///< further ones: layer_evaluations, iterations
};

/// Who answers.
class Method {
public:
  virtual ~Method() = default;

  /// Setup or training. Collective; the Method may keep the communicator for `apply`.
  virtual Preparation prepare(Problem const& problem, parallel::Comm const& comm) = 0;
  /// The answers to `in`, which every rank holds alike. Collective; `out` is complete on the root
  /// and may be empty elsewhere. Repeated calls do the same work.
  virtual void apply(Batch const& in, Batch& out) = 0;
  /// What the last `apply` spent. Complete on the root.
  virtual Cost cost() const = 0;
};

} // namespace moho::study
