// SPDX-License-Identifier: BSD-3-Clause
#include "moho/parallel/exchange.hpp"
#include "moho/core/error.hpp"
#include "mpi_check.hpp"
#include <algorithm>
#include <numeric>

namespace moho::parallel {
using detail::mpi_check;
namespace {

constexpr int exchange_tag = 2;

MPI_Datatype type_of(double) {
  return MPI_DOUBLE;
}
MPI_Datatype type_of(std::uint8_t) {
  return MPI_UINT8_T;
}

// Rank that owns each number: the last one whose first number is not larger, empty ranks aside.
int owner_of(std::vector<std::int64_t> const& first, std::int64_t number) {
  auto const after = std::upper_bound(first.begin(), first.end(), number);
  return static_cast<int>(after - first.begin()) - 1;
}

// Ranks with a count, their offsets.
void neighbours(std::vector<int> const& counts, std::vector<int>& rank,
                std::vector<std::int32_t>& ptr) {
  ptr.assign(1, 0);
  for (std::size_t r = 0; r < counts.size(); ++r) {
    if (counts[r] == 0) continue;
    rank.push_back(static_cast<int>(r));
    ptr.push_back(ptr.back() + counts[r]);
  }
}

} // namespace

GhostExchange::GhostExchange(Comm const& comm, std::int64_t first, std::int32_t owned,
                             std::span<const std::int64_t> ghosts)
    : _comm(comm), _owned(owned) {
  auto firsts = comm.all_gather(first);
  std::int64_t const end = comm.max(first + owned);
  auto const ranks = firsts.size();
  bool sound = std::is_sorted(firsts.begin(), firsts.end());
  for (auto g : ghosts)
    sound = sound && g >= firsts.front() && g < end && (g < first || g >= first + owned);
  if (comm.min(std::int64_t{sound}) == 0)
    throw Error("cannot exchange ghosts (a ghost is nobody's, or this rank's own, or the ranks' "
                "blocks do not ascend); number the nodes in one block per rank");

  // Ghosts by owner, in the caller's order within one.
  std::vector<int> owner(ghosts.size()), wanted(ranks, 0), asked(ranks, 0);
  for (std::size_t i = 0; i < ghosts.size(); ++i) {
    owner[i] = owner_of(firsts, ghosts[i]);
    ++wanted[static_cast<std::size_t>(owner[i])];
  }
  _receive_index.resize(ghosts.size());
  std::iota(_receive_index.begin(), _receive_index.end(), 0);
  std::stable_sort(_receive_index.begin(), _receive_index.end(), [&](auto a, auto b) {
    return owner[static_cast<std::size_t>(a)] < owner[static_cast<std::size_t>(b)];
  });
  std::vector<std::int64_t> numbers(ghosts.size());
  for (std::size_t i = 0; i < ghosts.size(); ++i)
    numbers[i] = ghosts[static_cast<std::size_t>(_receive_index[i])];
  neighbours(wanted, _receive_rank, _receive_ptr);
  mpi_check(MPI_Alltoall(wanted.data(), 1, MPI_INT, asked.data(), 1, MPI_INT, comm.raw()),
            "MPI_Alltoall");
  neighbours(asked, _send_rank, _send_ptr);
  ask(numbers, first);
  for (auto& i : _receive_index) i += owned;
}

// Tells every owner which of its numbers are wanted here.
void GhostExchange::ask(std::vector<std::int64_t> const& numbers, std::int64_t first) {
  std::vector<std::int64_t> asked(static_cast<std::size_t>(_send_ptr.back()));
  std::vector<MPI_Request> requests(_send_rank.size() + _receive_rank.size(), MPI_REQUEST_NULL);
  std::size_t r = 0;
  for (std::size_t k = 0; k < _send_rank.size(); ++k)
    mpi_check(MPI_Irecv(asked.data() + _send_ptr[k], _send_ptr[k + 1] - _send_ptr[k], MPI_INT64_T,
                        _send_rank[k], exchange_tag, _comm.raw(), &requests[r++]),
              "MPI_Irecv");
  for (std::size_t k = 0; k < _receive_rank.size(); ++k)
    mpi_check(MPI_Isend(numbers.data() + _receive_ptr[k], _receive_ptr[k + 1] - _receive_ptr[k],
                        MPI_INT64_T, _receive_rank[k], exchange_tag, _comm.raw(), &requests[r++]),
              "MPI_Isend");
  mpi_check(MPI_Waitall(static_cast<int>(r), requests.data(), MPI_STATUSES_IGNORE), "MPI_Waitall");
  _send_index.resize(asked.size());
  for (std::size_t i = 0; i < asked.size(); ++i)
    _send_index[i] = static_cast<std::int32_t>(asked[i] - first);
}

template <class T>
void GhostExchange::update_values(std::span<T> values, int components) const {
  auto const n = static_cast<std::size_t>(components);
  MOHO_REQUIRE(values.size() >= (static_cast<std::size_t>(_owned) + _receive_index.size()) * n);
  std::vector<T> out(_send_index.size() * n), in(_receive_index.size() * n);
  for (std::size_t i = 0; i < _send_index.size(); ++i)
    std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(_send_index[i]) * components, n,
                out.begin() + static_cast<std::ptrdiff_t>(i * n));
  std::vector<MPI_Request> requests(_send_rank.size() + _receive_rank.size(), MPI_REQUEST_NULL);
  std::size_t r = 0;
  auto const begin = [&](auto const& ptr, std::size_t k) {
    return static_cast<std::size_t>(ptr[k]) * n;
  };
  for (std::size_t k = 0; k < _receive_rank.size(); ++k)
    mpi_check(MPI_Irecv(in.data() + begin(_receive_ptr, k),
                        (_receive_ptr[k + 1] - _receive_ptr[k]) * components, type_of(T{}),
                        _receive_rank[k], exchange_tag, _comm.raw(), &requests[r++]),
              "MPI_Irecv");
  for (std::size_t k = 0; k < _send_rank.size(); ++k)
    mpi_check(MPI_Isend(out.data() + begin(_send_ptr, k),
                        (_send_ptr[k + 1] - _send_ptr[k]) * components, type_of(T{}), _send_rank[k],
                        exchange_tag, _comm.raw(), &requests[r++]),
              "MPI_Isend");
  mpi_check(MPI_Waitall(static_cast<int>(r), requests.data(), MPI_STATUSES_IGNORE), "MPI_Waitall");
  for (std::size_t i = 0; i < _receive_index.size(); ++i)
    std::copy_n(in.begin() + static_cast<std::ptrdiff_t>(i * n), n,
                values.begin() + static_cast<std::ptrdiff_t>(_receive_index[i]) * components);
}

void GhostExchange::update(std::span<double> values, int components) const {
  update_values(values, components);
}
void GhostExchange::update(std::span<std::uint8_t> values, int components) const {
  update_values(values, components);
}

} // namespace moho::parallel
