// SPDX-License-Identifier: BSD-3-Clause
#include "streamed_items.hpp"
#include "moho/core/error.hpp"
#include <algorithm>
#include <cmath>

namespace moho::study {

void Moments::add(std::span<double const> rows) {
  std::size_t const width = _mean.size();
  for (std::size_t begin = 0; begin < rows.size(); begin += width) {
    _count += 1;
    for (std::size_t j = 0; j < width; ++j) {
      double const before = rows[begin + j] - _mean[j];
      _mean[j] += before / _count;
      _square[j] += before * (rows[begin + j] - _mean[j]);
    }
  }
}

Normalisation Moments::normalisation(std::size_t channels, Scaling scaling,
                                     std::string const& what) const {
  constexpr double round_off = 1e-13;
  std::size_t const width = _mean.size(), kept = scaling == Scaling::point ? width : channels;
  Normalisation found;
  found.channels = channels;
  found.mean.assign(kept, 0.0);
  found.deviation.assign(kept, 0.0);
  double const share = static_cast<double>(kept) / static_cast<double>(width);
  for (std::size_t j = 0; j < width; ++j) found.mean[j % kept] += share * _mean[j];
  std::vector<double> largest(kept, 0.0);
  for (std::size_t j = 0; j < width; ++j) {
    double const off = _mean[j] - found.mean[j % kept];
    found.deviation[j % kept] += share * (_square[j] / _count + off * off);
    largest[j % kept] = std::max(largest[j % kept], std::fabs(_mean[j]));
  }
  std::vector<char> varies(channels, 0);
  for (std::size_t j = 0; j < kept; ++j) {
    found.deviation[j] = std::sqrt(found.deviation[j]);
    if (!(found.deviation[j] > round_off * largest[j])) found.deviation[j] = 0;
    if (found.deviation[j] > 0) varies[j % channels] = 1;
  }
  for (std::size_t channel = 0; channel < channels; ++channel)
    if (!varies[channel])
      throw Error("constant normalisation channel " + std::to_string(channel) + " of the " + what +
                  " (none of its values varies over the training items) set the scaling to none");
  return found;
}

} // namespace moho::study
