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
class Witness : public StandIn {
public:
  using StandIn::StandIn;

  Batch draw(Split split, std::uint64_t first, std::size_t n) const override {
    return noted(StandIn::draw(split, first, n));
  }
  Batch draw_together(Split split, std::uint64_t first, std::size_t n,
                      parallel::Comm const& comm) const override {
    return noted(StandIn::draw_together(split, first, n, comm));
  }

  /// Items drawn so far, each once.
  std::size_t seen() const { return _seen.size(); }
  /// Notes items by their hashes: what somebody else has seen.
  void add(std::span<const std::uint64_t> hashes) const {
    _seen.insert(hashes.begin(), hashes.end());
  }
  /// Hashes of all items seen, ascending.
  std::vector<std::int64_t> hashes() const;
  /// How many of the items with these hashes were drawn before.
  std::size_t leaked(std::span<const std::uint64_t> hashes) const;

private:
  Batch noted(Batch batch) const;

  mutable std::unordered_set<std::uint64_t> _seen;
};

} // namespace moho::study
