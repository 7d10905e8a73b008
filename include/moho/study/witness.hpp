// SPDX-License-Identifier: BSD-3-Clause
// Nothing that is asked may have been seen before: what a method draws while it is prepared is
// noted, and an item asked about that occurs there is refused.
#pragma once
#include "moho/study/problem.hpp"
#include <cstdint>
#include <span>
#include <unordered_set>
#include <vector>

namespace moho::study {

/// A hash (64 bits) of each item's values: its rows of `input` where the batch has such an array,
/// else of every array with one row per item, and its stretch of every ragged array (`x_offset`).
std::vector<std::uint64_t> item_hashes(Batch const& batch);

/// Stands in for a problem and notes the items that are drawn from it, where they are samples.
class Witness : public Problem {
public:
  explicit Witness(Problem const& problem) : _problem(problem) {}

  Batch draw(Split split, std::uint64_t first, std::size_t n) const override;

  Space space() const override { return _problem.space(); }
  bool sampled() const override { return _problem.sampled(); }
  Split asked() const override { return _problem.asked(); }
  std::size_t count(Split split) const override { return _problem.count(split); }
  Batch truth(Batch const& inputs, parallel::Comm const& comm) const override {
    return _problem.truth(inputs, comm);
  }
  std::vector<Check> verify(parallel::Comm const& comm) const override {
    return _problem.verify(comm);
  }
  Assessment assess(Batch const& inputs, Batch const& truth, Batch const& answers) const override {
    return _problem.assess(inputs, truth, answers);
  }
  Problem const& actual() const override { return _problem; }

  /// Items drawn so far, each once.
  std::size_t seen() const { return _seen.size(); }
  /// How many of the items with these hashes were drawn before.
  std::size_t leaked(std::span<const std::uint64_t> hashes) const;

private:
  Problem const& _problem;
  mutable std::unordered_set<std::uint64_t> _seen;
};

} // namespace moho::study
