// SPDX-License-Identifier: BSD-3-Clause
#include "moho/parallel/rounds.hpp"
#include "moho/core/error.hpp"
#include <algorithm>
#include <cmath>

namespace moho::parallel {
namespace {

bool is_cost(double x) {
  return std::isfinite(x) && x >= 0;
}
bool is_speed(double x) {
  return std::isfinite(x) && x > 0;
}

// Running sums (cases + 1). If nothing costs anything, each case counts 1.
std::vector<double> running_sum(std::span<double const> costs) {
  std::vector<double> sum(costs.size() + 1, 0.0);
  for (std::size_t i = 0; i < costs.size(); ++i) sum[i + 1] = sum[i] + costs[i];
  if (sum.back() > 0) return sum;
  for (std::size_t i = 0; i < costs.size(); ++i) sum[i + 1] = static_cast<double>(i + 1);
  return sum;
}

// Fills each rank up to `time`; true if all cases found a place.
bool fill(std::vector<double> const& sum, std::span<double const> speeds, double time,
          std::vector<std::size_t>& offsets) {
  auto first = sum.begin();
  for (std::size_t r = 0; r < speeds.size(); ++r) {
    first = std::upper_bound(first, sum.end(), *first + time * speeds[r]) - 1;
    offsets[r + 1] = static_cast<std::size_t>(first - sum.begin());
  }
  return first + 1 == sum.end();
}

} // namespace

std::vector<std::size_t> balanced_partition(std::span<double const> costs,
                                            std::span<double const> speeds) {
  MOHO_REQUIRE(!speeds.empty());
  MOHO_REQUIRE(std::all_of(costs.begin(), costs.end(), is_cost));
  MOHO_REQUIRE(std::all_of(speeds.begin(), speeds.end(), is_speed));
  auto const sum = running_sum(costs);
  std::vector<std::size_t> offsets(speeds.size() + 1, 0), trial = offsets;
  // The least feasible time, by bisection: `high` is always feasible, `offsets` its partition. The
  // slowest rank could take everything (twice: room for rounding).
  double low = 0, high = 2 * sum.back() / *std::min_element(speeds.begin(), speeds.end());
  MOHO_REQUIRE(fill(sum, speeds, high, offsets));
  for (int i = 0; i < 200; ++i) {
    double const middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) break;
    if (fill(sum, speeds, middle, trial)) {
      high = middle;
      offsets = trial;
    } else {
      low = middle;
    }
  }
  return offsets;
}

RoundSchedule::RoundSchedule(std::vector<double> costs, std::size_t ranks, Options const& options)
    : _costs(std::move(costs)), _options(options), _offsets(ranks + 1, 0), _cost_done(ranks, 0.0),
      _seconds(ranks, 0.0) {
  MOHO_REQUIRE(ranks >= 1);
  MOHO_REQUIRE(std::all_of(_costs.begin(), _costs.end(), is_cost));
  MOHO_REQUIRE(options.first > 0 && options.next > 0 && options.memory >= 0 && options.slowest > 0);
  for (double c : _costs) _total += c;
  if (_total > 0) return;
  std::fill(_costs.begin(), _costs.end(), 1.0);
  _total = static_cast<double>(_costs.size());
}

std::vector<std::size_t> RoundSchedule::next() {
  MOHO_REQUIRE(!done());
  std::size_t const ranks = _seconds.size();
  double left = 0;
  for (std::size_t i = _begin; i < _costs.size(); ++i) left += _costs[i];
  double const wanted = _rounds == 0 ? _options.first * _total : _options.next * left;
  std::size_t const least = std::max<std::size_t>(1, _options.at_least) * ranks;
  double taken = 0;
  std::size_t end = _begin;
  while (end < _costs.size() && (taken < wanted || end - _begin < least)) taken += _costs[end++];
  if (left - taken <= _options.rest * _total || _costs.size() - end < least) end = _costs.size();
  _offsets = balanced_partition(std::span(_costs).subspan(_begin, end - _begin), speeds());
  for (auto& o : _offsets) o += _begin;
  _begin = end;
  ++_rounds;
  return _offsets;
}

void RoundSchedule::report(std::span<double const> seconds) {
  MOHO_REQUIRE(seconds.size() == _seconds.size());
  MOHO_REQUIRE(_rounds > 0);
  for (std::size_t r = 0; r < seconds.size(); ++r) {
    double cost = 0;
    for (std::size_t i = _offsets[r]; i < _offsets[r + 1]; ++i) cost += _costs[i];
    if (!(cost > 0) || !is_speed(seconds[r])) continue;
    _cost_done[r] = _options.memory * _cost_done[r] + cost;
    _seconds[r] = _options.memory * _seconds[r] + seconds[r];
  }
}

std::vector<double> RoundSchedule::speeds() const {
  std::vector<double> speed(_seconds.size(), 0.0);
  double sum = 0, fastest = 0;
  int known = 0;
  for (std::size_t r = 0; r < speed.size(); ++r) {
    if (!(_seconds[r] > 0)) continue;
    speed[r] = _cost_done[r] / _seconds[r];
    sum += speed[r];
    fastest = std::max(fastest, speed[r]);
    ++known;
  }
  if (known == 0) return std::vector<double>(speed.size(), 1.0);
  for (auto& s : speed) {
    if (!(s > 0)) s = sum / known; // no work yet: an average rank
    s = std::max(s / fastest, _options.slowest);
  }
  return speed;
}

} // namespace moho::parallel
