// SPDX-License-Identifier: BSD-3-Clause
// Groups of ranks that take work items off one list, each as soon as it is free.
#pragma once
#include "moho/parallel/communicator.hpp"
#include <cstdint>
#include <mpi.h>

namespace moho::parallel {

/// Hands out the numbers 0, 1, 2, .. each to one group. Collective over `all` to make and to
/// destroy. The counter is one-sided (MPI_Fetch_and_op), so that no group waits for another.
class Farm {
public:
  /// Groups of `ranks_per_group` consecutive ranks; the last one takes what is left over as well.
  /// 0, or more ranks than there are: one group.
  Farm(Comm const& all, std::int64_t ranks_per_group);
  ~Farm();
  Farm(Farm const&) = delete;
  Farm& operator=(Farm const&) = delete;

  Comm const& group() const { return _group; }
  std::int64_t groups() const { return _groups; }
  /// The next number, the same on every rank of the group. Collective over the group.
  std::int64_t next();
  /// From now on `next` gives every group a number of at least 2^62: stop. Any group, any time.
  void close();

private:
  std::int64_t fetch_and(MPI_Op change, std::int64_t value);

  std::int64_t _groups = 1;
  Comm _all, _group;
  MPI_Comm _raw = MPI_COMM_NULL; ///< of the group; MPI_COMM_NULL: all ranks are the group
  MPI_Win _window = MPI_WIN_NULL;
  std::int64_t _count = 0; ///< of the only group
};

} // namespace moho::parallel
