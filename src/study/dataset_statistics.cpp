// SPDX-License-Identifier: BSD-3-Clause
#include "moho/core/error.hpp"
#include "moho/study/grid_task.hpp"
#include <algorithm>
#include <cmath>

namespace moho::study {
namespace {

/// Relative to the largest value of a channel: a spread below it is that of the mean's rounding.
constexpr double round_off = 1e-13;

/// Sums over groups of values: a group is a channel, or a place in the row.
struct Groups {
  std::size_t count;
  std::vector<double> sum;
  explicit Groups(std::size_t groups) : count(groups), sum(groups, 0.0) {}

  template <class Term>
  void add(std::span<double const> values, Term const& term) {
    for (std::size_t row = 0; row < values.size(); row += count)
      for (std::size_t g = 0; g < count; ++g) sum[g] += term(g, values[row + g]);
  }
};

/// Largest size of a value of each channel.
std::vector<double> largest(std::span<double const> values, std::size_t channels,
                            std::string const& what) {
  std::vector<double> most(channels, 0.0);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i]))
      throw Error("cannot normalise the " + what + " (value " + std::to_string(i) +
                  " of the training set is not finite) leave out what is not known");
    most[i % channels] = std::max(most[i % channels], std::abs(values[i]));
  }
  return most;
}

[[noreturn]] void refuse(std::size_t channel, double value, std::string const& what) {
  throw Error("constant normalisation channel " + std::to_string(channel) + " of the " + what +
              " (it is " + std::to_string(value) +
              " in every training item, so that nothing can be divided by its deviation) leave the "
              "channel out, draw more items, or train without normalisation");
}

} // namespace

std::size_t Grid::size() const {
  std::size_t n = 1;
  for (const std::int64_t along : points) n *= static_cast<std::size_t>(along);
  return n;
}

std::vector<double> Grid::coordinates(std::size_t axis) const {
  auto const n = points.at(axis);
  double const width = upper.at(axis) - lower.at(axis),
               parts = static_cast<double>(ends_included ? n - 1 : n);
  std::vector<double> x;
  for (std::int64_t i = 0; i < n; ++i)
    x.push_back(lower[axis] + width * (static_cast<double>(i) / parts));
  return x;
}

void require_sound(Grid const& grid) {
  MOHO_REQUIRE(!grid.points.empty() && grid.lower.size() == grid.points.size() &&
               grid.upper.size() == grid.points.size());
  MOHO_REQUIRE(!(grid.periodic && grid.ends_included));
  MOHO_REQUIRE(grid.input_channels > 0 && grid.output_channels > 0);
  for (std::size_t axis = 0; axis < grid.dimension(); ++axis)
    MOHO_REQUIRE(grid.points[axis] > (grid.ends_included ? 1 : 0) &&
                 grid.lower[axis] < grid.upper[axis]);
}

void Normalisation::apply(std::span<double> values) const {
  MOHO_REQUIRE(values.size() % mean.size() == 0);
  for (std::size_t row = 0; row < values.size(); row += mean.size())
    for (std::size_t g = 0; g < mean.size(); ++g) {
      double& value = values[row + g];
      value = deviation[g] == 0 ? 0.0 : (value - mean[g]) / deviation[g];
    }
}

void Normalisation::undo(std::span<double> values) const {
  MOHO_REQUIRE(values.size() % mean.size() == 0);
  for (std::size_t row = 0; row < values.size(); row += mean.size())
    for (std::size_t g = 0; g < mean.size(); ++g) {
      double& value = values[row + g];
      value = deviation[g] == 0 ? mean[g] : mean[g] + deviation[g] * value;
    }
}

Normalisation normalisation(std::span<double const> values, std::size_t width, std::size_t channels,
                            Scaling scaling, std::string const& what) {
  MOHO_REQUIRE(channels > 0 && width > 0 && width % channels == 0 && !values.empty() &&
               values.size() % width == 0);
  const std::vector<double> most = largest(values, channels, what);
  const std::size_t groups = scaling == Scaling::channel ? channels : width;
  double const items = static_cast<double>(values.size() / groups);
  Groups sums(groups), squares(groups);
  // Differences from the first item: they vanish where nothing varies, however long the sum.
  sums.add(values, [&](std::size_t g, double value) { return value - values[g]; });
  Normalisation result;
  result.channels = channels;
  for (std::size_t g = 0; g < groups; ++g) result.mean.push_back(values[g] + sums.sum[g] / items);
  squares.add(values, [&](std::size_t g, double value) {
    double const difference = value - result.mean[g];
    return difference * difference;
  });
  std::vector<bool> varies(channels, false);
  for (std::size_t g = 0; g < groups; ++g) {
    double deviation = std::sqrt(squares.sum[g] / items);
    if (!(deviation > round_off * most[g % channels])) deviation = 0;
    varies[g % channels] = varies[g % channels] || deviation > 0;
    result.deviation.push_back(deviation);
  }
  for (std::size_t c = 0; c < channels; ++c)
    if (!varies[c]) refuse(c, values[c], what);
  return result;
}

Normalisation normalisation(parallel::Comm const& comm, std::span<double const> values,
                            std::size_t width, std::size_t channels, Scaling scaling,
                            std::string const& what) {
  Normalisation result;
  parallel::run_collectively(comm, [&] {
    if (comm.root()) result = normalisation(values, width, channels, scaling, what);
  });
  result.channels = channels;
  result.mean = comm.broadcast(std::span<double const>(result.mean));
  result.deviation = comm.broadcast(std::span<double const>(result.deviation));
  return result;
}

} // namespace moho::study
