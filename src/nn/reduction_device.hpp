// SPDX-License-Identifier: BSD-3-Clause
// Sums over a middle axis on a device. A team has a tile of the columns and a part of the rows;
// neighbouring threads read neighbouring entries. The sums of the parts are summed in the same way.
// Which values meet in which order depends on the shape alone.
#pragma once
#include "host.hpp"
#include <algorithm>
#include <string>

namespace moho::nn::detail {

/// How teams share a sum over the middle of (outer, reduced, inner).
struct TeamSplit {
  using Index = std::int64_t;
  static constexpr Index threads = 256, most_width = 64, enough_teams = 512;
  static constexpr Index least_rows = 32, most_rows = 256; ///< of a part, per lane

  Index outer, reduced, inner;
  bool by_thread;             ///< a thread per sum
  Index tiles, width;         ///< of columns
  Index lanes;                ///< rows that a team reads at once
  Index parts = 1, part_rows; ///< of rows

  TeamSplit(Index outer_, Index reduced_, Index inner_)
      : outer(outer_), reduced(reduced_), inner(inner_), by_thread(is_by_thread()),
        tiles(ceil_divide(inner, most_width)), width(ceil_divide(inner, tiles)),
        lanes(std::max<Index>(1, threads / width)) {
    if (!by_thread && reduced > 2 * least_rows * lanes) {
      parts = std::min(ceil_divide(enough_teams, outer * tiles),
                       ceil_divide(reduced, least_rows * lanes));
      parts = std::max(parts, ceil_divide(reduced, most_rows * lanes));
    }
    part_rows = std::max<Index>(1, ceil_divide(reduced, parts));
    parts = ceil_divide(reduced, part_rows);
  }
  /// So few values per sum, or so many sums side by side, that threads need no help.
  bool is_by_thread() const {
    Index const sums = outer * inner;
    return reduced < 16 || (reduced < 64 && sums > 4096) || (inner >= 32 && sums > 65536);
  }
  Index teams() const { return outer * tiles * parts; }
  TeamSplit of_parts() const { return {outer, parts, inner}; }
  /// Entries for the sums of the parts, and of their parts.
  Index scratch() const { return parts == 1 ? 0 : outer * parts * inner + of_parts().scratch(); }
};

// Rounding adds up from value to value where a thread adds many in a row: eight at a time go into a
// tree first, whose loads are under way together.

/// p[first step] + p[(first + stride) step] + .. of n values: eight of them at most.
template <class T>
KOKKOS_FUNCTION T sum_of_eight(T const* p, std::int64_t step, std::int64_t first,
                               std::int64_t stride, std::int64_t n) {
  T v[8] = {};
  for (int i = 0; i < 8; ++i)
    if (first + i * stride < n) v[i] = p[(first + i * stride) * step];
  return ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7]));
}

/// The same of all, 64 by 64.
template <class T>
KOKKOS_FUNCTION T sum_of_all(T const* p, std::int64_t step, std::int64_t first, std::int64_t stride,
                             std::int64_t n) {
  T sum = 0;
  while (first < n) {
    T some = 0;
    for (int i = 0; i < 8 && first < n; ++i, first += 8 * stride)
      some += sum_of_eight(p, step, first, stride, n);
    sum += some;
  }
  return sum;
}

template <class T>
struct ThreadSums {
  T const* in;
  T* out;
  std::int64_t reduced, inner;
  KOKKOS_FUNCTION void operator()(std::int64_t k) const {
    std::int64_t const o = k / inner;
    out[k] = sum_of_all(in + o * reduced * inner + (k - o * inner), inner, 0, 1, reduced);
  }
};

template <class T>
struct TeamSums {
  T const* in;
  T* out; ///< (outer, parts, inner)
  TeamSplit split;

  using Policy = Kokkos::TeamPolicy<ExecutionSpace>;
  using Shared = Kokkos::View<T*, typename ExecutionSpace::scratch_memory_space,
                              Kokkos::MemoryTraits<Kokkos::Unmanaged>>;

  KOKKOS_FUNCTION void operator()(typename Policy::member_type const& team) const {
    std::int64_t const part = team.league_rank() % split.parts,
                       column = team.league_rank() / split.parts; // of tiles
    std::int64_t const o = column / split.tiles, first = column % split.tiles * split.width;
    std::int64_t const row = part * split.part_rows, inner = split.inner;
    auto const end = [](std::int64_t begin, std::int64_t length, std::int64_t all) {
      return begin + length < all ? length : all - begin;
    };
    std::int64_t const rows = end(row, split.part_rows, split.reduced);
    int const width = static_cast<int>(end(first, split.width, inner));
    int lanes = static_cast<int>(split.lanes);
    T const* const from = in + (o * split.reduced + row) * inner + first;
    T* const to = out + (o * split.parts + part) * inner + first;
    Shared const sums(team.team_scratch(0), TeamSplit::threads);
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, lanes * width), [&](int k) {
      int const lane = k / width;
      sums(k) = sum_of_all(from + (k - lane * width), inner, lane, split.lanes, rows);
    });
    while (lanes > 1) { // lane l meets lane l + half
      int const half = (lanes + 1) / 2;
      team.team_barrier();
      Kokkos::parallel_for(Kokkos::TeamThreadRange(team, (lanes - half) * width),
                           [&](int k) { sums(k) += sums(k + half * width); });
      lanes = half;
    }
    team.team_barrier();
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, width), [&](int k) { to[k] = sums(k); });
  }
};

/// `scratch`: TeamSplit::scratch() entries.
template <class T>
void sum_on_device(ExecutionSpace const& space, TeamSplit const& split, T const* in, T* out,
                   T* scratch) {
  static const std::string label = "moho::nn::sum_middle";
  if (split.by_thread) {
    using Range = Kokkos::RangePolicy<ExecutionSpace, Kokkos::IndexType<std::int64_t>>;
    Kokkos::parallel_for(label, Range(space, 0, split.outer * split.inner),
                         ThreadSums<T>{in, out, split.reduced, split.inner});
    return;
  }
  T* const sums = split.parts == 1 ? out : scratch;
  TeamSums<T> const work{in, sums, split};
  using Policy = typename TeamSums<T>::Policy;
  auto const shared = Kokkos::PerTeam(TeamSums<T>::Shared::shmem_size(TeamSplit::threads));
  static int const threads = std::min(static_cast<int>(TeamSplit::threads),
                                      Policy(space, 1, 1)
                                          .set_scratch_size(0, shared)
                                          .team_size_max(work, Kokkos::ParallelForTag()));
  Kokkos::parallel_for(
      label, Policy(space, static_cast<int>(split.teams()), threads).set_scratch_size(0, shared),
      work);
  if (split.parts > 1)
    sum_on_device(space, split.of_parts(), sums, out,
                  scratch + split.outer * split.parts * split.inner);
}

} // namespace moho::nn::detail
