// SPDX-License-Identifier: BSD-3-Clause
#include "dataset_items.hpp"
#include "moho/core/error.hpp"
#include "moho/study/function_batch.hpp"
#include "moho/study/grid_task.hpp"
#include <algorithm>
#include <cmath>
#include <limits>

namespace moho::study {
namespace {

constexpr char const* item_array = "item";
constexpr char const* split_array = "split";

} // namespace

void set_items(Batch& batch, Split split, std::uint64_t first) {
  std::vector<std::int64_t> number;
  for (std::size_t i = 0; i < batch.count(); ++i)
    number.push_back(static_cast<std::int64_t>(first + i));
  batch.set(item_array, "", number);
  batch.set(split_array, "", std::vector<std::int64_t>{static_cast<std::int64_t>(split)});
}

ItemNumbers items_of(Batch const& batch, std::string const& problem) {
  if (!batch.has(item_array) || !batch.has(split_array))
    throw Error("problem '" + problem +
                "' knows the answers to its own draws alone (this batch does not say which ones it "
                "holds) pass on what `draw` returned");
  ItemNumbers items;
  items.split = static_cast<Split>(batch.integers(split_array).at(0));
  for (const std::int64_t number : batch.integers(item_array))
    items.number.push_back(static_cast<std::uint64_t>(number));
  return items;
}

std::vector<double> share_items(parallel::Comm const& comm, std::size_t items, std::size_t width,
                                std::function<std::vector<double>(std::size_t)> const& solve) {
  auto const rank = static_cast<std::size_t>(comm.rank()),
             ranks = static_cast<std::size_t>(comm.size());
  std::vector<double> mine;
  parallel::run_collectively(comm, [&] {
    mine.reserve((items / ranks + 1) * width);
    for (std::size_t i = rank; i < items; i += ranks) {
      const std::vector<double> values = solve(i);
      MOHO_REQUIRE(values.size() == width);
      mine.insert(mine.end(), values.begin(), values.end());
    }
  });
  if (ranks == 1) return mine;
  const std::vector<double> gathered = comm.gather(std::span<double const>(mine));
  if (!comm.root()) return {};
  mine.clear();
  mine.shrink_to_fit();
  std::vector<double> all(items * width);
  auto at = gathered.begin();
  for (std::size_t first = 0; first < ranks; ++first)
    for (std::size_t i = first; i < items; i += ranks, at += static_cast<std::ptrdiff_t>(width))
      std::copy_n(at, width, all.begin() + static_cast<std::ptrdiff_t>(i * width));
  return all;
}

std::vector<std::string> const& grid_metrics() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all = function_metrics();
    all.emplace_back("truth_uncertainty");
    return all;
  }();
  return names;
}

Assessment assess_on_grid(Batch const& truth, Batch const& answers) {
  Assessment found = assess_function(truth, answers);
  found.metrics.push_back({"truth_uncertainty", truth.reals("uncertainty").at(0)});
  return found;
}

std::vector<double> each(std::span<double const> row, std::size_t step) {
  std::vector<double> some;
  for (std::size_t i = 0; i < row.size(); i += step) some.push_back(row[i]);
  return some;
}

double relative_distance(std::span<double const> a, std::span<double const> b) {
  MOHO_REQUIRE(a.size() == b.size());
  double worst = 0, most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    double const here = std::abs(a[i] - b[i]);
    if (!std::isfinite(here)) return std::numeric_limits<double>::infinity();
    worst = std::max(worst, here);
    most = std::max(most, std::abs(b[i]));
  }
  return worst == 0 ? 0 : worst / most;
}

void append_with_control(std::vector<Check>& checks, Check const& check, double perturbed,
                         std::string const& how) {
  checks.push_back(check);
  checks.push_back(control_of(check, perturbed, how));
}

} // namespace moho::study
