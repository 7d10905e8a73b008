// SPDX-License-Identifier: BSD-3-Clause
#include "kept_data.hpp"
#include "moho/core/stopwatch.hpp"
#include <algorithm>
#include <utility>

namespace moho::study {
namespace {

/// Adds the time until its end, however that comes.
class Adds {
public:
  explicit Adds(double& to) : _to(to) {}
  Adds(Adds const&) = delete;
  Adds& operator=(Adds const&) = delete;
  ~Adds() { _to += _watch.seconds(); }

private:
  double& _to;
  Stopwatch _watch;
};

std::size_t bytes_of(Batch const& batch) {
  std::size_t bytes = 0;
  for (Batch::Array const& array : batch.arrays())
    bytes += std::visit([](auto const& values) { return values.size(); }, array.values) *
             sizeof(double); // as large as an integer of theirs
  return bytes;
}

void const* address_of(Batch::Array const& array) {
  return std::visit([](auto const& values) -> void const* { return values.data(); }, array.values);
}

/// Copies of a batch share its arrays, by which they are known.
bool share_arrays(Batch const& a, Batch const& b) {
  return a.count() == b.count() &&
         std::ranges::equal(a.arrays(), b.arrays(), [](auto const& x, auto const& y) {
           return x.name == y.name && x.shape == y.shape && address_of(x) == address_of(y);
         });
}

} // namespace

KeptData::~KeptData() {
  _budget.left += _bytes;
}

bool KeptData::affords(Batch const& batch) const {
  auto const bytes =
      static_cast<std::size_t>(_comm.max(static_cast<std::int64_t>(bytes_of(batch))));
  if (bytes > _budget.left) return false;
  _budget.left -= bytes;
  _bytes += bytes;
  return true;
}

KeptData::Kept* KeptData::kept_of(Batch const& inputs) const {
  auto const found = std::find_if(_kept.begin(), _kept.end(), [&](Kept const& one) {
    return share_arrays(one.inputs, inputs);
  });
  std::int64_t const mine = found == _kept.end() ? -1 : found - _kept.begin();
  // A rank that passed something else must not leave the others alone in a truth.
  bool const same = _comm.min(mine) == _comm.max(mine);
  return same && mine >= 0 ? &*found : nullptr;
}

Batch KeptData::draw(Split split, std::uint64_t first, std::size_t n) const {
  const Adds time(_seconds);
  return StandIn::draw(split, first, n);
}

Batch KeptData::draw_together(Split split, std::uint64_t first, std::size_t n,
                              parallel::Comm const& comm) const {
  const Adds time(_seconds);
  bool const whole = is_ours(comm) && first == 0 && n == count(split);
  if (whole)
    for (Kept const& one : _kept)
      if (one.split == split) return one.inputs;
  Batch inputs;
  parallel::run_collectively(comm, [&] { inputs = StandIn::draw_together(split, first, n, comm); });
  if (whole && affords(inputs)) _kept.push_back({split, inputs, Batch(), false});
  return inputs;
}

Batch KeptData::truth(Batch const& inputs, parallel::Comm const& comm) const {
  const Adds time(_seconds);
  Kept* const kept = is_ours(comm) ? kept_of(inputs) : nullptr;
  if (kept != nullptr && kept->known) return kept->truth;
  Batch truth;
  parallel::run_collectively(comm, [&] { truth = StandIn::truth(inputs, comm); });
  if (kept != nullptr && affords(truth)) {
    kept->truth = truth;
    kept->known = true;
  }
  return truth;
}

double KeptData::take_seconds() const {
  return std::exchange(_seconds, 0.0);
}

} // namespace moho::study
