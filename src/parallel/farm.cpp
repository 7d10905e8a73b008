// SPDX-License-Identifier: BSD-3-Clause
#include "moho/parallel/farm.hpp"
#include "mpi_check.hpp"
#include <algorithm>
#include <string>

namespace moho::parallel {
using detail::mpi_check;
namespace {

constexpr std::int64_t closed = std::int64_t{1} << 62;

} // namespace

Farm::Farm(Comm const& all, std::int64_t ranks_per_group) : _all(all), _group(all) {
  if (ranks_per_group > 0) _groups = std::max<std::int64_t>(1, all.size() / ranks_per_group);
  if (_groups == 1) return;
  const std::int64_t mine = std::min<std::int64_t>(all.rank() / ranks_per_group, _groups - 1);
  mpi_check(MPI_Comm_split(all.raw(), static_cast<int>(mine), all.rank(), &_raw), "MPI_Comm_split");
  mpi_check(MPI_Comm_set_errhandler(_raw, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  _group = Comm(_raw);
  std::int64_t* counter = nullptr;
  const MPI_Aint bytes = all.root() ? static_cast<MPI_Aint>(sizeof *counter) : 0;
  mpi_check(MPI_Win_allocate(bytes, sizeof *counter, MPI_INFO_NULL, all.raw(), &counter, &_window),
            "MPI_Win_allocate");
  if (all.root()) {
    mpi_check(MPI_Win_lock(MPI_LOCK_EXCLUSIVE, 0, 0, _window), "MPI_Win_lock");
    *counter = 0;
    mpi_check(MPI_Win_unlock(0, _window), "MPI_Win_unlock");
  }
  all.barrier();
}

Farm::~Farm() {
  if (_window != MPI_WIN_NULL) MPI_Win_free(&_window);
  if (_raw != MPI_COMM_NULL) MPI_Comm_free(&_raw);
}

std::int64_t Farm::fetch_and(MPI_Op change, std::int64_t value) {
  std::int64_t before = 0;
  mpi_check(MPI_Win_lock(MPI_LOCK_SHARED, 0, 0, _window), "MPI_Win_lock");
  mpi_check(MPI_Fetch_and_op(&value, &before, MPI_INT64_T, 0, 0, change, _window),
            "MPI_Fetch_and_op");
  mpi_check(MPI_Win_unlock(0, _window), "MPI_Win_unlock");
  return before;
}

std::int64_t Farm::next() {
  if (_groups == 1) return _count++;
  const std::int64_t mine = _group.root() ? fetch_and(MPI_SUM, 1) : 0;
  return _group.broadcast(std::span<const std::int64_t>(&mine, 1))[0];
}

// Every group may close it: sums of `closed` would overflow.
void Farm::close() {
  if (_groups == 1)
    _count = closed;
  else if (_group.root())
    fetch_and(MPI_MAX, closed);
}

} // namespace moho::parallel
