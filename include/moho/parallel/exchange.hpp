// SPDX-License-Identifier: BSD-3-Clause
// Ghost values: owners send, holders receive; built once from global numbers.
#pragma once
#include "moho/parallel/communicator.hpp"
#include <cstdint>
#include <span>
#include <vector>

namespace moho::parallel {

/// Updates ghosts of arrays over local nodes: owned first (global numbers first .. first+owned-1),
/// then ghosts, whose global numbers are given in any order. Blocks ascend with the rank; a rank
/// may own nothing. Collective; `update` talks to neighbours only. Throws moho::Error on every rank
/// for a ghost that no other rank owns.
class GhostExchange {
public:
  GhostExchange(Comm const& comm, std::int64_t first, std::int32_t owned,
                std::span<const std::int64_t> ghosts);
  /// values (local nodes, components): ghosts := their owners' values.
  void update(std::span<double> values, int components) const;
  void update(std::span<std::uint8_t> values, int components) const;

private:
  void ask(std::vector<std::int64_t> const& numbers, std::int64_t first);
  template <class T>
  void update_values(std::span<T> values, int components) const;

  Comm _comm;
  std::int32_t _owned;
  std::vector<int> _send_rank, _receive_rank;
  std::vector<std::int32_t> _send_ptr, _send_index, _receive_ptr, _receive_index;
};

} // namespace moho::parallel
