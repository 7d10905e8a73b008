// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/design_filter.hpp"
#include "moho/core/error.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string>

namespace moho::study {
namespace {

using Bin = std::array<std::int64_t, 3>;

Bin bin_of(double const* centre, int dim, double radius) {
  Bin bin{0, 0, 0};
  for (int d = 0; d < dim; ++d)
    bin[static_cast<std::size_t>(d)] = static_cast<std::int64_t>(std::floor(centre[d] / radius));
  return bin;
}

/// Cells of the bins around `bin`, ascending.
std::vector<std::int32_t> candidates(std::map<Bin, std::vector<std::int32_t>> const& bins,
                                     Bin const& bin, int dim) {
  std::vector<std::int32_t> near;
  std::int64_t const y = dim > 1 ? 1 : 0, z = dim > 2 ? 1 : 0;
  for (std::int64_t dz = -z; dz <= z; ++dz)
    for (std::int64_t dy = -y; dy <= y; ++dy)
      for (std::int64_t dx = -1; dx <= 1; ++dx) {
        auto const found = bins.find({bin[0] + dx, bin[1] + dy, bin[2] + dz});
        if (found != bins.end())
          near.insert(near.end(), found->second.begin(), found->second.end());
      }
  std::sort(near.begin(), near.end());
  return near;
}

} // namespace

DesignFilter::DesignFilter(std::span<double const> centres, int dim, double radius) {
  if (!(radius > 0) || !std::isfinite(radius))
    throw Error("filter radius " + std::to_string(radius) +
                " reaches no cell (it is not positive) choose about 1.5 cell sizes");
  MOHO_REQUIRE(dim >= 1 && dim <= 3);
  auto const d = static_cast<std::size_t>(dim);
  const std::size_t cells = centres.size() / d;
  std::map<Bin, std::vector<std::int32_t>> bins;
  for (std::size_t e = 0; e < cells; ++e)
    bins[bin_of(&centres[e * d], dim, radius)].push_back(static_cast<std::int32_t>(e));
  std::vector<double> sum(cells, 0);
  _begin.assign(1, 0);
  for (std::size_t e = 0; e < cells; ++e) {
    for (std::int32_t const f : candidates(bins, bin_of(&centres[e * d], dim, radius), dim)) {
      double square = 0;
      for (std::size_t i = 0; i < d; ++i) {
        double const gap = centres[e * d + i] - centres[static_cast<std::size_t>(f) * d + i];
        square += gap * gap;
      }
      double const weight = radius - std::sqrt(square);
      if (weight <= 0) continue;
      _cell.push_back(f);
      _weight.push_back(weight);
      sum[e] += weight;
    }
    _begin.push_back(_cell.size());
  }
  for (std::size_t i = 0; i < _cell.size(); ++i)
    _weight[i] /= sum[static_cast<std::size_t>(_cell[i])];
}

void DesignFilter::apply(std::span<double> values) const {
  MOHO_REQUIRE(values.size() == cells());
  const std::vector<double> in(values.begin(), values.end());
  for (std::size_t e = 0; e < cells(); ++e) {
    double sum = 0;
    for (std::size_t i = _begin[e]; i < _begin[e + 1]; ++i)
      sum += _weight[i] * in[static_cast<std::size_t>(_cell[i])];
    values[e] = sum;
  }
}

} // namespace moho::study
