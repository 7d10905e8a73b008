// SPDX-License-Identifier: BSD-3-Clause
#include "moho/fem/constraints.hpp"
#include "moho/core/error.hpp"
#include <algorithm>
#include <cstring>

namespace moho::fem {
namespace {

Ints to_device(std::vector<std::int32_t> const& from, char const* label) {
  Ints to(Kokkos::ViewAllocateWithoutInitializing(label), from.size());
  auto host = Kokkos::create_mirror_view(to);
  if (!from.empty()) std::memcpy(host.data(), from.data(), from.size() * sizeof(std::int32_t));
  Kokkos::deep_copy(to, host);
  return to;
}

void check_fixed(Topology const& topology, std::vector<std::uint8_t> const& fixed) {
  auto const wanted = static_cast<std::size_t>(topology.local_nodes()) *
                      static_cast<std::size_t>(topology.components());
  if (fixed.size() != wanted)
    throw Error("constraints: " + std::to_string(fixed.size()) + " marks (the space has " +
                std::to_string(wanted) + " local unknowns, ghosts included) give one mark each");
  for (std::size_t i = 0; i < fixed.size(); ++i)
    if (fixed[i] > 1)
      throw Error("constraints: mark " + std::to_string(int{fixed[i]}) + " of local unknown " +
                  std::to_string(i) + " (marks are 0 or 1) write 1 where the value is fixed");
}

/// A fixed column of a free row.
struct Lifted {
  std::int64_t id; ///< scalar, partition-independent: what orders the sum
  std::int32_t position, column;
};

/// The lists of a Constraints on the host, filled row by row.
class Lists {
public:
  Lists(Topology const& topology, std::vector<std::uint8_t> const& fixed)
      : _topology(topology), _pattern(topology.pattern()), _fixed(fixed), _lift_ptr{0} {
    for (std::size_t row = 0; row < _pattern.rows(); ++row) {
      if (_fixed[row])
        fixed_row(row);
      else
        free_row(row);
    }
  }
  std::vector<std::int32_t> const& zeroed() const { return _zeroed; }
  std::vector<std::int32_t> const& diagonal() const { return _diagonal; }
  std::vector<std::int32_t> const& rows() const { return _rows; }
  std::vector<std::int32_t> const& lift_rows() const { return _lift_rows; }
  std::vector<std::int32_t> const& lift_ptr() const { return _lift_ptr; }
  std::vector<std::int32_t> const& lift_position() const { return _lift_position; }
  std::vector<std::int32_t> const& lift_column() const { return _lift_column; }

private:
  std::int32_t off_position(std::int32_t j) const {
    return static_cast<std::int32_t>(_pattern.diagonal_nonzeros()) + j;
  }
  /// Local scalar number of a ghost column: ghosts ascend in row.
  std::int32_t local_column(std::int64_t global) const {
    auto const& node_row = _topology.node_row();
    int const B = _pattern.components;
    auto const first = node_row.begin() + _topology.owned_nodes();
    auto const found = std::lower_bound(first, node_row.end(), global / B);
    MOHO_REQUIRE(found != node_row.end() && *found == global / B);
    return static_cast<std::int32_t>((found - node_row.begin()) * B + global % B);
  }
  std::int64_t id(std::int32_t column) const {
    int const B = _pattern.components;
    return _topology.node_id()[static_cast<std::size_t>(column / B)] * B + column % B;
  }

  void fixed_row(std::size_t row) {
    std::int32_t diagonal = -1;
    for (std::int32_t j = _pattern.diagonal_ptr[row]; j < _pattern.diagonal_ptr[row + 1]; ++j) {
      _zeroed.push_back(j);
      if (_pattern.diagonal_column[static_cast<std::size_t>(j)] == static_cast<std::int32_t>(row))
        diagonal = j;
    }
    for (std::int32_t j = _pattern.off_ptr[row]; j < _pattern.off_ptr[row + 1]; ++j)
      _zeroed.push_back(off_position(j));
    MOHO_REQUIRE(diagonal >= 0);
    _diagonal.push_back(diagonal);
    _rows.push_back(static_cast<std::int32_t>(row));
  }

  void free_row(std::size_t row) {
    _row.clear();
    for (std::int32_t j = _pattern.diagonal_ptr[row]; j < _pattern.diagonal_ptr[row + 1]; ++j) {
      std::int32_t const column = _pattern.diagonal_column[static_cast<std::size_t>(j)];
      if (_fixed[static_cast<std::size_t>(column)]) _row.push_back({id(column), j, column});
    }
    for (std::int32_t j = _pattern.off_ptr[row]; j < _pattern.off_ptr[row + 1]; ++j) {
      std::int32_t const column = local_column(_pattern.off_column[static_cast<std::size_t>(j)]);
      if (_fixed[static_cast<std::size_t>(column)])
        _row.push_back({id(column), off_position(j), column});
    }
    if (_row.empty()) return;
    std::sort(_row.begin(), _row.end(), [](auto const& a, auto const& b) { return a.id < b.id; });
    for (Lifted const& entry : _row) {
      _zeroed.push_back(entry.position);
      _lift_position.push_back(entry.position);
      _lift_column.push_back(entry.column);
    }
    _lift_rows.push_back(static_cast<std::int32_t>(row));
    _lift_ptr.push_back(static_cast<std::int32_t>(_lift_position.size()));
  }

  Topology const& _topology;
  Pattern const& _pattern;
  std::vector<std::uint8_t> const& _fixed;
  std::vector<Lifted> _row;
  std::vector<std::int32_t> _zeroed, _diagonal, _rows;
  std::vector<std::int32_t> _lift_rows, _lift_ptr, _lift_position, _lift_column;
};

auto range(Ints const& list) {
  return Kokkos::RangePolicy<ExecutionSpace>(0, static_cast<std::int64_t>(list.extent(0)));
}

} // namespace

Constraints::Constraints(Topology const& topology, std::vector<std::uint8_t> fixed)
    : _fixed(std::move(fixed)) {
  check_fixed(topology, _fixed);
  Lists const lists(topology, _fixed);
  _zeroed = to_device(lists.zeroed(), "moho::fem::Constraints zeroed");
  _diagonal = to_device(lists.diagonal(), "moho::fem::Constraints diagonal");
  _rows = to_device(lists.rows(), "moho::fem::Constraints rows");
  _lift_rows = to_device(lists.lift_rows(), "moho::fem::Constraints lift rows");
  _lift_ptr = to_device(lists.lift_ptr(), "moho::fem::Constraints lift ptr");
  _lift_position = to_device(lists.lift_position(), "moho::fem::Constraints lift position");
  _lift_column = to_device(lists.lift_column(), "moho::fem::Constraints lift column");
}

void Constraints::lift(ConstReals values, ConstReals g, Reals b, double diagonal) const {
  Ints const lifted = _lift_rows, ptr = _lift_ptr, position = _lift_position, column = _lift_column;
  Kokkos::parallel_for(
      "moho::fem::Constraints::lift", range(lifted), KOKKOS_LAMBDA(std::int64_t i) {
        double sum = b(lifted(i));
        for (std::int32_t j = ptr(i); j < ptr(i + 1); ++j)
          sum = sum - values(position(j)) * g(column(j));
        b(lifted(i)) = sum;
      });
  Ints const rows = _rows;
  Kokkos::parallel_for(
      "moho::fem::Constraints::lift fixed rows", range(rows),
      KOKKOS_LAMBDA(std::int64_t i) { b(rows(i)) = diagonal * g(rows(i)); });
  ExecutionSpace().fence();
}

void Constraints::eliminate(Reals values, double diagonal) const {
  Ints const zeroed = _zeroed, diagonals = _diagonal;
  Kokkos::parallel_for(
      "moho::fem::Constraints::eliminate", range(zeroed),
      KOKKOS_LAMBDA(std::int64_t i) { values(zeroed(i)) = 0; });
  Kokkos::parallel_for(
      "moho::fem::Constraints::eliminate diagonal", range(diagonals),
      KOKKOS_LAMBDA(std::int64_t i) { values(diagonals(i)) = diagonal; });
  ExecutionSpace().fence();
}

void Constraints::zero(Reals b) const {
  Ints const rows = _rows;
  Kokkos::parallel_for(
      "moho::fem::Constraints::zero", range(rows),
      KOKKOS_LAMBDA(std::int64_t i) { b(rows(i)) = 0; });
  ExecutionSpace().fence();
}

void Constraints::set(ConstReals g, Reals b) const {
  Ints const rows = _rows;
  Kokkos::parallel_for(
      "moho::fem::Constraints::set", range(rows),
      KOKKOS_LAMBDA(std::int64_t i) { b(rows(i)) = g(rows(i)); });
  ExecutionSpace().fence();
}

} // namespace moho::fem
