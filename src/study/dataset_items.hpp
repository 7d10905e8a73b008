// SPDX-License-Identifier: BSD-3-Clause
// Items that are known by their number: a batch says which ones it holds, and whoever knows the
// answers makes each anew from its number, on any rank.
#pragma once
#include "moho/parallel/communicator.hpp"
#include "moho/study/problem.hpp"
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace moho::study {

/// Adds the integer arrays `item` (n), numbers within the split, and `split` (1).
void set_items(Batch& batch, Split split, std::uint64_t first);

struct ItemNumbers {
  Split split = Split::test;
  std::vector<std::uint64_t> number;
};
/// Throws moho::Error naming `problem` for a batch that none of its draws made.
ItemNumbers items_of(Batch const& batch, std::string const& problem);

/// solve(i) -> `width` values, for i = 0 .. items - 1, each on one rank (i modulo their number).
/// The root gets all, (items, width); the others nothing. Collective; an error of one rank is
/// thrown on all.
std::vector<double> share_items(parallel::Comm const& comm, std::size_t items, std::size_t width,
                                std::function<std::vector<double>(std::size_t)> const& solve);

/// Every `step`-th value of a row of `length`, the first included.
std::vector<double> each(std::span<double const> row, std::size_t step);

/// Largest difference over the largest size of `b`; infinite where one is not finite.
double relative_distance(std::span<double const> a, std::span<double const> b);

/// A check and its control.
void append_with_control(std::vector<Check>& checks, Check const& check, double perturbed,
                         std::string const& how);

} // namespace moho::study
