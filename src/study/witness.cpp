// SPDX-License-Identifier: BSD-3-Clause
#include "moho/study/witness.hpp"
#include "moho/study/function_batch.hpp"
#include <algorithm>
#include <bit>
#include <string_view>

namespace moho::study {
namespace {

constexpr std::uint64_t start = 0xcbf29ce484222325u;

/// One word more; a multiplication spreads it upwards, the shift downwards (Steele et al., 2014).
std::uint64_t mixed(std::uint64_t hash, std::uint64_t bits) {
  hash = (hash ^ bits) * 0xbf58476d1ce4e5b9u;
  return hash ^ (hash >> 31);
}

/// The bits of all values of an array, on the host.
std::vector<std::uint64_t> bits_of(Batch const& batch, Batch::Array const& array) {
  std::vector<std::uint64_t> bits;
  if (std::holds_alternative<Batch::Reals>(array.values))
    for (double const value : batch.reals(array.name))
      bits.push_back(std::bit_cast<std::uint64_t>(value == 0 ? 0.0 : value)); // -0 is 0
  else
    for (std::int64_t const value : batch.integers(array.name))
      bits.push_back(static_cast<std::uint64_t>(value));
  return bits;
}

/// Adds to each item its share of `values`: those between its offsets.
void add(std::vector<std::uint64_t>& hashes, std::vector<std::uint64_t> const& values,
         std::vector<std::int64_t> const& offset) {
  for (std::size_t i = 0; i < hashes.size(); ++i)
    for (std::int64_t at = offset[i]; at < offset[i + 1]; ++at)
      hashes[i] = mixed(hashes[i], values[static_cast<std::size_t>(at)]);
}

std::vector<std::int64_t> even_offset(std::size_t items, std::size_t values) {
  std::vector<std::int64_t> offset;
  for (std::size_t i = 0; i <= items; ++i)
    offset.push_back(static_cast<std::int64_t>(i * (values / items)));
  return offset;
}

bool is_offset(Batch::Array const& array, std::size_t items) {
  return std::string_view(array.name).ends_with("_offset") && array.shape.size() == 1 &&
         array.shape[0] == items + 1;
}

} // namespace

std::vector<std::uint64_t> item_hashes(Batch const& batch) {
  const std::size_t items = batch.count();
  std::vector<std::uint64_t> hashes(items, start);
  if (items == 0) return hashes;
  auto const add_rows = [&](Batch::Array const& array) {
    const std::vector<std::uint64_t> bits = bits_of(batch, array);
    add(hashes, bits, even_offset(items, bits.size()));
  };
  if (batch.has(input_array)) {
    add_rows(batch.at(input_array));
    return hashes;
  }
  for (Batch::Array const& array : batch.arrays()) {
    if (!is_offset(array, items)) {
      if (!array.shape.empty() && array.shape[0] == items) add_rows(array);
      continue;
    }
    const std::vector<std::int64_t> offset = batch.integers(array.name);
    for (Batch::Array const& ragged : batch.arrays())
      if (ragged.shape.size() == 1 && ragged.shape[0] != items && !is_offset(ragged, items) &&
          ragged.shape[0] == static_cast<std::size_t>(offset.back()))
        add(hashes, bits_of(batch, ragged), offset);
  }
  return hashes;
}

Batch Witness::noted(Batch batch) const {
  if (sampled()) // an expectation is asked about on purpose
    for (const std::uint64_t hash : item_hashes(batch)) _seen.insert(hash);
  return batch;
}

std::vector<std::int64_t> Witness::hashes() const {
  std::vector<std::int64_t> all;
  for (std::uint64_t const hash : _seen) all.push_back(static_cast<std::int64_t>(hash));
  std::sort(all.begin(), all.end());
  return all;
}

std::size_t Witness::leaked(std::span<const std::uint64_t> hashes) const {
  return static_cast<std::size_t>(std::count_if(
      hashes.begin(), hashes.end(), [&](std::uint64_t hash) { return _seen.count(hash) != 0; }));
}

} // namespace moho::study
